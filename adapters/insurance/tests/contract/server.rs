//! What only a registry on PostgreSQL has: several gateways at once, a server that goes away, a schema that
//! somebody else brings up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use insurance::registry::{OpenError, migrate};
use insurance::sql::Address;
use insurance::{Insurance, Params, Place, Population, Registry};
use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{AckRequest, BirthCase, Change, InfoRequest, LeaseRequest};

use crate::pg::Cluster;
use crate::proxy::Proxy;
use crate::scene::{Scene, Time, migrated, name_of, open, seed, soon};

type Runtime = tokio::runtime::Runtime;

/// A test's own runtime; none where PostgreSQL is missing.
fn with(test: impl AsyncFnOnce(Scene)) {
    if let Some(scene) = Scene::on_postgresql() {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(test(scene));
    }
}

/// Another gateway on the same database.
fn twin(scene: &Scene) -> Insurance {
    Insurance::embedded(open(&scene.place, &scene.time))
}

async fn born(insurance: &Insurance, scene: &Scene, n: u32) -> BirthCase {
    let birth = insurance.register_birth(soon(), scene.birth(n)).await;
    birth.unwrap().case.unwrap()
}

#[test]
fn the_same_seed_makes_the_same_registry_on_both_engines() {
    let Some(scene) = Scene::on_postgresql() else {
        return;
    };
    let file = Scene::embedded();
    Runtime::new().unwrap().block_on(async {
        assert_eq!(scene.fingerprint().await, file.fingerprint().await);
        let info = |scene: &Scene| scene.insurance.clone();
        let (one, other) = (info(&scene), info(&file));
        let one = one.info(soon(), InfoRequest {}).await.unwrap();
        let other = other.info(soon(), InfoRequest {}).await.unwrap();
        assert_eq!(
            (one.people, one.employers, one.cards),
            (other.people, other.employers, other.cards)
        );
    });
    assert_eq!(
        scene.marks.card_holders[0].pin,
        file.marks.card_holders[0].pin
    );
    assert_eq!(scene.marks.places[0].commune, file.marks.places[0].commune);
}

#[test]
fn the_same_births_make_the_same_registry_on_both_engines() {
    with(async |scene| {
        let file = Scene::embedded();
        for n in 1..4 {
            let (one, other) = (
                born(&scene.insurance, &scene, n).await,
                born(&file.insurance, &file, n).await,
            );
            assert_eq!(one, other);
        }
        for scene in [&scene, &file] {
            scene
                .insurance
                .submit_reissue(soon(), scene.reissue(1))
                .await
                .unwrap();
            scene.registry.advance().await.unwrap();
        }
        assert_eq!(scene.fingerprint().await, file.fingerprint().await);
    });
}

#[test]
fn two_gateways_at_once_never_give_a_number_twice_and_leave_none_out() {
    with(async |scene| {
        let gateways = [scene.insurance.clone(), twin(&scene)];
        let births = (1..=40).map(|n| born(&gateways[n as usize % 2], &scene, n));
        let cases = join_all(births).await;
        let numbers: BTreeSet<u64> = cases
            .iter()
            .map(|case| case.si_number.parse().unwrap())
            .collect();
        let (first, last) = (numbers.first().unwrap(), numbers.last().unwrap());
        assert_eq!((numbers.len(), last - first), (40, 39));

        let submits = (1..=20).map(|n| {
            let request = scene.reissue(n);
            gateways[n as usize % 2].submit_reissue(soon(), request)
        });
        let codes: BTreeSet<String> = join_all(submits)
            .await
            .into_iter()
            .map(|answer| answer.unwrap().dossier.unwrap().code)
            .collect();
        assert_eq!(codes.len(), 20);
        assert!(codes.last().unwrap().ends_with("-000020"));
    });
}

#[test]
fn a_writer_that_waited_too_long_for_its_turn_goes_on_when_it_comes() {
    with(async |scene| {
        let Place::Server(address) = &scene.place else {
            panic!("not a server");
        };
        let shown = address.shown();
        let database = shown.rsplit('/').next().unwrap().to_owned();
        // Another gateway, stopped in the middle of its turn: LOCKS of the schema, the writers' turn.
        let holder = std::thread::spawn(move || {
            let hold =
                "BEGIN; SELECT pg_advisory_xact_lock(1280594503, 1); SELECT pg_sleep(8); COMMIT";
            Cluster::shared().unwrap().psql(&database, hold)
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        let refused = scene.insurance.register_birth(soon(), scene.birth(1)).await;
        refused.unwrap_err();
        holder.join().unwrap();
        let mut tries = 0;
        while scene
            .insurance
            .register_birth(soon(), scene.birth(1))
            .await
            .is_err()
        {
            tries += 1;
            assert!(
                tries < 3,
                "its session stayed in the transaction that failed"
            );
        }
    });
}

#[test]
fn one_key_asked_of_two_gateways_at_once_is_one_change() {
    with(async |scene| {
        let gateways = [scene.insurance.clone(), twin(&scene)];
        let before = scene.insurance.info(soon(), InfoRequest {}).await.unwrap();
        let asked = (0..10).map(|at| gateways[at % 2].register_birth(soon(), scene.birth(1)));
        let answers: BTreeSet<Vec<u8>> = join_all(asked)
            .await
            .into_iter()
            .map(|answer| answer.unwrap().encode_to_vec())
            .collect();
        assert_eq!(answers.len(), 1);
        let after = scene.insurance.info(soon(), InfoRequest {}).await.unwrap();
        assert_eq!(after.people, before.people + 1);
    });
}

#[test]
fn a_commit_whose_answer_is_lost_is_unknown_and_the_key_asks_again() {
    with(async |scene| {
        let cluster = Cluster::shared().unwrap();
        let proxy = Proxy::before(cluster.host());
        let address = Address::parse(&proxy.url(&name_of(&scene.place))).unwrap();
        let through = Insurance::embedded(open(&Place::Server(address), &scene.time));
        proxy.lose_the_next_commit();
        let unknown = through
            .register_birth(soon(), scene.birth(1))
            .await
            .unwrap_err();
        assert!(proxy.has_lost());
        assert_eq!(
            (unknown.code(), unknown.reason(), unknown.is_final()),
            (FaultCode::InsuranceUnavailable, "unanswered", false)
        );
        let done = scene.fingerprint().await;
        let again = born(&through, &scene, 1).await;
        assert!(!again.si_number.is_empty());
        assert_eq!(scene.fingerprint().await, done, "it was done twice");
    });
}

#[test]
fn a_server_that_was_killed_is_found_again_and_nothing_acknowledged_is_lost() {
    let Some(mut cluster) = Cluster::start_with(&[]) else {
        return;
    };
    let place = migrated(&cluster);
    let time = Time::new();
    let registry = open(&place, &time);
    seed(&registry, 100);
    let scene = Scene::of(100);
    let insurance = Insurance::embedded(registry);
    let runtime = Runtime::new().unwrap();
    let first = runtime.block_on(born(&insurance, &scene, 1));
    cluster.signal("KILL");
    cluster.restart(&[]);
    runtime.block_on(async {
        // whoever asks while it is away is told so, and asks again
        let mut again = insurance.register_birth(soon(), scene.birth(1)).await;
        for _ in 0..20 {
            if again.is_ok() {
                break;
            }
            assert!(!again.as_ref().unwrap_err().is_final());
            tokio::time::sleep(Duration::from_millis(200)).await;
            again = insurance.register_birth(soon(), scene.birth(1)).await;
        }
        assert_eq!(again.unwrap().case.unwrap(), first);
        let second = born(&insurance, &scene, 2).await;
        assert!(second.si_number > first.si_number);
    });
}

#[test]
fn changes_leased_by_two_gateways_at_once_are_leased_once_and_in_order() {
    with(async |scene| {
        for n in 1..=20 {
            let request = scene.reissue(n);
            scene
                .insurance
                .submit_reissue(soon(), request)
                .await
                .unwrap();
        }
        for _ in 0..4 {
            scene.registry.advance().await.unwrap();
        }
        let gateways = [scene.insurance.clone(), twin(&scene)];
        let drained =
            join_all((0..4).map(|at| drain(&gateways[at % 2], format!("owner-{at}")))).await;
        let mut seen: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for change in drained.into_iter().flatten() {
            let subject = seen.entry(change.subject).or_default();
            assert!(
                subject.insert(change.subject_sequence),
                "leased twice while its lease held"
            );
        }
        assert_eq!(seen.len(), 20);
        assert!(seen.values().all(|changes| changes.len() >= 2));
    });
}

/// Leases and acknowledges until nothing is left; each subject's changes come one after the other.
async fn drain(insurance: &Insurance, owner: String) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    let mut empty = 0;
    while empty < 20 {
        let request = LeaseRequest {
            owner: owner.clone(),
            max: 7,
            lease_seconds: 60,
        };
        let changes = insurance.lease(soon(), request).await.unwrap().changes;
        if changes.is_empty() {
            empty += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        empty = 0;
        let request = AckRequest {
            owner: owner.clone(),
            ids: changes.iter().map(|change| change.id.clone()).collect(),
        };
        let acknowledged = insurance.ack(soon(), request).await.unwrap().acknowledged;
        assert_eq!(
            acknowledged as usize,
            changes.len(),
            "leased before its turn"
        );
        all.extend(changes);
    }
    all
}

fn refused(place: &Place, population: Population) -> OpenError {
    let params = Params {
        population,
        ..Params::synthetic_in(place.clone())
    };
    let clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
    Registry::open(params, clock).err().unwrap()
}

#[test]
fn a_database_is_opened_only_with_the_schema_of_this_program() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let empty = Place::Server(Address::parse(&cluster.database()).unwrap());
    let synthetic = Population::Synthetic;
    assert!(matches!(
        refused(&empty, synthetic),
        OpenError::NotMigrated { found: 0, .. }
    ));
    migrate(&empty, Some(1)).unwrap();
    assert!(matches!(
        refused(&empty, synthetic),
        OpenError::NotMigrated { found: 1, .. }
    ));
    migrate(&empty, None).unwrap();
    drop(open(&empty, &Time::new()));
    assert!(matches!(
        refused(&empty, Population::Real),
        OpenError::Population { .. }
    ));
    let future = "INSERT INTO registry.migrations (number) VALUES (99)";
    cluster.psql(&name_of(&empty), future);
    assert!(matches!(
        refused(&empty, synthetic),
        OpenError::UnknownVersion { found: 99, .. }
    ));
    assert!(matches!(
        migrate(&empty, None),
        Err(OpenError::UnknownVersion { found: 99, .. })
    ));
}

#[test]
fn the_schema_goes_down_and_up_again_but_never_with_people_in_it() {
    let Some(scene) = Scene::on_postgresql() else {
        return;
    };
    assert!(matches!(
        migrate(&scene.place, Some(0)),
        Err(OpenError::NotEmpty)
    ));
    let place = migrated(Cluster::shared().unwrap());
    migrate(&place, Some(0)).unwrap();
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'registry'";
    assert_eq!(Cluster::shared().unwrap().psql(&name_of(&place), left), "0");
    migrate(&place, None).unwrap();
    drop(open(&place, &Time::new()));
}

#[test]
fn another_programs_name_space_is_refused() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let place = Place::Server(Address::parse(&cluster.database()).unwrap());
    cluster.psql(&name_of(&place), "CREATE SCHEMA registry");
    assert!(matches!(
        migrate(&place, None),
        Err(OpenError::NotARegistry)
    ));
}

#[test]
fn a_server_that_may_lose_what_it_acknowledged_is_refused() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let place = migrated(cluster);
    let name = name_of(&place);
    cluster.psql(
        "postgres",
        &format!("ALTER DATABASE {name} SET synchronous_commit = off"),
    );
    assert!(matches!(
        refused(&place, Population::Synthetic),
        OpenError::NotDurable
    ));
}
