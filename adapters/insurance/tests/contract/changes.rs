//! Changes.Lease and Changes.Ack.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use schemas::fault::FaultCode;
use schemas::proto::insurance::{AckRequest, Change, LeaseRequest};

use crate::over_both;
use crate::scene::{Scene, soon};

over_both! {
    a_leased_change_is_nobody_elses_until_the_lease_ends
    a_later_change_waits_for_the_earlier_one_of_its_subject
    who_lost_the_lease_acknowledges_nothing
    acknowledging_twice_is_safe
    a_change_is_not_acknowledged_before_its_predecessor
    a_lease_without_an_owner_is_refused
}

async fn lease(scene: &Scene, owner: &str, max: u32) -> Vec<Change> {
    let request = LeaseRequest {
        owner: owner.into(),
        max,
        lease_seconds: 30,
    };
    scene
        .insurance
        .lease(soon(), request)
        .await
        .unwrap()
        .changes
}

async fn ack(scene: &Scene, owner: &str, changes: &[Change]) -> u32 {
    let ids = changes.iter().map(|change| change.id.clone()).collect();
    scene
        .insurance
        .ack(
            soon(),
            AckRequest {
                owner: owner.into(),
                ids,
            },
        )
        .await
        .unwrap()
        .acknowledged
}

async fn submit(scene: &Scene, n: u32) {
    scene
        .insurance
        .submit_reissue(soon(), scene.reissue(n))
        .await
        .unwrap();
}

async fn a_leased_change_is_nobody_elses_until_the_lease_ends(scene: Scene) {
    submit(&scene, 1).await;
    assert_eq!(lease(&scene, "a", 10).await.len(), 1);
    assert_eq!(lease(&scene, "b", 10).await.len(), 0);
    assert_eq!(lease(&scene, "a", 10).await.len(), 0);
    scene.time.pass(30);
    assert_eq!(lease(&scene, "b", 10).await.len(), 1);
}

async fn a_later_change_waits_for_the_earlier_one_of_its_subject(scene: Scene) {
    submit(&scene, 1).await;
    let first = lease(&scene, "a", 10).await;
    submit(&scene, 2).await;
    scene.registry.advance().await.unwrap();
    // the second dossier's two changes are free, the first one's second is not
    let others = lease(&scene, "b", 10).await;
    assert_eq!(
        others
            .iter()
            .map(|change| change.subject_sequence)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(
        others
            .iter()
            .all(|change| change.subject != first[0].subject)
    );
    assert_eq!(ack(&scene, "a", &first).await, 1);
    let next = lease(&scene, "b", 10).await;
    assert_eq!((next.len(), next[0].subject_sequence), (1, 2));
}

async fn who_lost_the_lease_acknowledges_nothing(scene: Scene) {
    submit(&scene, 1).await;
    let lost = lease(&scene, "a", 10).await;
    scene.time.pass(31);
    let taken = lease(&scene, "b", 10).await;
    assert_eq!(ack(&scene, "a", &lost).await, 0);
    assert_eq!(ack(&scene, "b", &taken).await, 1);
}

async fn acknowledging_twice_is_safe(scene: Scene) {
    submit(&scene, 1).await;
    let changes = lease(&scene, "a", 10).await;
    assert_eq!(ack(&scene, "a", &changes).await, 1);
    assert_eq!(ack(&scene, "a", &changes).await, 1);
    scene.time.pass(100);
    assert_eq!(lease(&scene, "a", 10).await.len(), 0);
}

async fn a_change_is_not_acknowledged_before_its_predecessor(scene: Scene) {
    submit(&scene, 1).await;
    scene.registry.advance().await.unwrap();
    let changes = lease(&scene, "a", 10).await;
    assert_eq!(ack(&scene, "a", &changes[1..]).await, 0);
    let turned: Vec<_> = changes.iter().rev().cloned().collect();
    assert_eq!(ack(&scene, "a", &turned).await, 2);
}

async fn a_lease_without_an_owner_is_refused(scene: Scene) {
    let call = scene.insurance.lease(soon(), LeaseRequest::default());
    scene
        .refuses(call, FaultCode::Invalid, "malformed-id", "owner")
        .await;
    let many = AckRequest {
        owner: "a".into(),
        ids: vec!["x".into(); 501],
    };
    scene
        .refuses(
            scene.insurance.ack(soon(), many),
            FaultCode::Invalid,
            "too-many",
            "ids",
        )
        .await;
}

/// What two replicas, the registry and time may do.
#[derive(Debug, Clone)]
enum Act {
    Submit,
    Advance,
    Lease {
        owner: u8,
        max: u32,
    },
    /// Acknowledges the changes of the owner's last lease that the bits choose.
    Ack {
        owner: u8,
        chosen: u8,
    },
    Pass(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => Just(Act::Submit),
        3 => Just(Act::Advance),
        4 => (0..2_u8, 1..6_u32).prop_map(|(owner, max)| Act::Lease { owner, max }),
        4 => (0..2_u8, any::<u8>()).prop_map(|(owner, chosen)| Act::Ack { owner, chosen }),
        1 => (1..40_i64).prop_map(Act::Pass),
    ];
    prop::collection::vec(act, 1..40)
}

/// Follows one run and holds it to the rules of the feed.
#[derive(Default)]
struct Ledger {
    submitted: u32,
    now: i64,
    /// Leases in force: id to the second at which it ends.
    held: HashMap<String, i64>,
    last: HashMap<u8, Vec<Change>>,
    /// The last sequence that is known to be acknowledged, by subject.
    acked: BTreeMap<String, u64>,
}

impl Ledger {
    async fn play(&mut self, scene: &Scene, act: Act) {
        match act {
            Act::Submit => {
                self.submitted += 1;
                submit(scene, self.submitted).await;
            }
            Act::Advance => {
                scene.registry.advance().await.unwrap();
            }
            Act::Lease { owner, max } => {
                let changes = lease(scene, &format!("owner-{owner}"), max).await;
                self.leased(owner, changes);
            }
            Act::Ack { owner, chosen } => self.acknowledge(scene, owner, chosen).await,
            Act::Pass(seconds) => {
                self.now += seconds;
                scene.time.pass(seconds);
            }
        }
    }

    fn leased(&mut self, owner: u8, changes: Vec<Change>) {
        let mut next = self.acked.clone();
        for change in &changes {
            let until = self.held.insert(change.id.clone(), self.now + 30);
            assert!(
                until.is_none_or(|until| until <= self.now),
                "leased to two at once"
            );
            let last = next.entry(change.subject.clone()).or_default();
            assert_eq!(
                change.subject_sequence,
                *last + 1,
                "out of order within its subject"
            );
            *last += 1;
        }
        self.last.insert(owner, changes);
    }

    async fn acknowledge(&mut self, scene: &Scene, owner: u8, chosen: u8) {
        let last = self.last.get(&owner).cloned().unwrap_or_default();
        let picked: Vec<Change> = (0..)
            .zip(last)
            .filter(|(at, _)| chosen >> (at % 8) & 1 == 1)
            .map(|(_, c)| c)
            .collect();
        // one at a time, so that each verdict is known
        for change in picked {
            if ack(
                scene,
                &format!("owner-{owner}"),
                std::slice::from_ref(&change),
            )
            .await
                == 1
            {
                let acked = self.acked.entry(change.subject.clone()).or_default();
                assert!(
                    change.subject_sequence <= *acked + 1,
                    "acknowledged before its predecessor"
                );
                *acked = (*acked).max(change.subject_sequence);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_subjects_changes_are_leased_in_order_and_to_one_owner(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play_all(Scene::of(60), acts));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_holds_on_postgresql(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        if let Some(scene) = Scene::on_postgresql() {
            runtime.block_on(play_all(scene, acts));
        }
    }
}

async fn play_all(scene: Scene, acts: Vec<Act>) {
    let mut ledger = Ledger::default();
    for act in acts {
        ledger.play(&scene, act).await;
    }
    // in the end everything arrives: one owner drains what is left
    scene.time.pass(1_000);
    ledger.now += 1_000;
    loop {
        let changes = lease(&scene, "owner-0", 500).await;
        if changes.is_empty() {
            break;
        }
        ledger.leased(0, changes.clone());
        assert_eq!(
            ack(&scene, "owner-0", &changes).await as usize,
            changes.len()
        );
        for change in &changes {
            ledger
                .acked
                .insert(change.subject.clone(), change.subject_sequence);
        }
    }
    assert_eq!(ledger.acked.len(), ledger.submitted as usize);
}
