//! What outlives the process, and what a file is refused for.

use std::time::Duration;

use insurance::registry::OpenError;
use insurance::{Insurance, Params, Population, Registry};
use rusqlite::Connection;
use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::InfoRequest;
use tokio::time::Instant;

use crate::over_both;
use crate::scene::{Scene, soon};

over_both! {
    numbers_are_never_given_twice_and_answers_are_kept_over_a_restart
    a_refused_birth_takes_no_number_from_the_counter
}

async fn numbers_are_never_given_twice_and_answers_are_kept_over_a_restart(scene: Scene) {
    let birth = scene.birth(1);
    let first = scene
        .insurance
        .register_birth(soon(), birth.clone())
        .await
        .unwrap();
    let dossier = scene
        .insurance
        .submit_reissue(soon(), scene.reissue(1))
        .await
        .unwrap()
        .dossier
        .unwrap();
    let fingerprint = scene.fingerprint().await;

    let scene = scene.reopened();
    assert_eq!(scene.fingerprint().await, fingerprint);
    let again = scene.insurance.register_birth(soon(), birth).await.unwrap();
    assert_eq!(again.encode_to_vec(), first.encode_to_vec());
    let second = scene
        .insurance
        .register_birth(soon(), scene.birth(2))
        .await
        .unwrap()
        .case
        .unwrap();
    assert!(second.si_number > first.case.unwrap().si_number);
    let next = scene
        .insurance
        .submit_reissue(soon(), scene.reissue(2))
        .await
        .unwrap()
        .dossier
        .unwrap();
    assert!(next.code > dossier.code);
}

async fn a_refused_birth_takes_no_number_from_the_counter(scene: Scene) {
    let first = scene
        .insurance
        .register_birth(soon(), scene.birth(1))
        .await
        .unwrap()
        .case
        .unwrap();
    let mut bad = scene.birth(2);
    bad.child.as_mut().unwrap().sex = 2;
    scene
        .insurance
        .register_birth(soon(), bad)
        .await
        .unwrap_err();
    let second = scene
        .insurance
        .register_birth(soon(), scene.birth(3))
        .await
        .unwrap()
        .case
        .unwrap();
    let number = |text: &str| text.parse::<u64>().unwrap();
    assert_eq!(number(&second.si_number), number(&first.si_number) + 1);
}

#[tokio::test]
async fn a_registry_of_a_newer_version_is_refused() {
    let scene = Scene::of(10);
    let path = scene.folder.path().join("registry.sqlite");
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let refused = Registry::open(
        Params::synthetic(&path),
        std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH),
    );
    assert!(matches!(
        refused.err().unwrap(),
        OpenError::UnknownVersion { found: 99, .. }
    ));
}

#[tokio::test]
async fn a_synthetic_registry_is_never_opened_as_a_real_one() {
    let scene = Scene::of(10);
    let path = scene.folder.path().join("registry.sqlite");
    let params = Params {
        population: Population::Real,
        ..Params::synthetic(&path)
    };
    let refused = Registry::open(params, std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH));
    assert!(matches!(
        refused.err().unwrap(),
        OpenError::Population { .. }
    ));
}

#[tokio::test]
async fn an_organisation_that_does_not_fit_a_dossier_code_is_refused() {
    let scene = Scene::of(10);
    let mut params = Params::synthetic(scene.folder.path().join("registry.sqlite"));
    params.organ_id = "9900109106".parse().unwrap();
    let refused = Registry::open(params, std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH));
    assert!(matches!(refused.err().unwrap(), OpenError::OrganId));
}

#[tokio::test]
async fn the_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::of(10);
    for file in std::fs::read_dir(scene.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            file.file_name()
        );
    }
}

#[tokio::test]
async fn the_file_is_durable_by_its_settings() {
    let scene = Scene::of(10);
    let file = Connection::open(scene.folder.path().join("registry.sqlite")).unwrap();
    let mode: String = file
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    let page: i64 = file
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .unwrap();
    assert_eq!((mode.as_str(), page), ("wal", 8192));
}

#[tokio::test]
async fn a_deadline_in_the_past_leaves_the_outcome_unknown_and_the_key_asks_again() {
    let scene = Scene::embedded();
    let late = scene
        .insurance
        .register_birth(Instant::now() - Duration::from_secs(1), scene.birth(1))
        .await
        .unwrap_err();
    assert_eq!(
        (late.code(), late.is_final()),
        (FaultCode::DeadlineExceeded, false)
    );
    assert!(
        scene
            .insurance
            .register_birth(soon(), scene.birth(1))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn calls_above_the_limit_wait_within_their_deadline() {
    let scene = Scene::embedded();
    let limits = insurance::Limits {
        calls_max: 1,
        ..insurance::Limits::default()
    };
    let narrow = Insurance::embedded_with(scene.registry.clone(), limits);
    let calls = (0..20).map(|_| narrow.info(soon(), InfoRequest {}));
    assert!(
        futures_util::future::join_all(calls)
            .await
            .iter()
            .all(Result::is_ok)
    );
}

#[tokio::test]
async fn dossiers_move_by_themselves_until_the_shutdown() {
    let scene = Scene::of(100);
    scene
        .insurance
        .submit_reissue(soon(), scene.reissue(1))
        .await
        .unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let registry = scene.registry.clone();
    let runner = tokio::spawn(async move {
        registry
            .run_steps(Duration::from_millis(100), async { drop(stopped.await) })
            .await;
    });
    let request = || schemas::proto::insurance::GetDossierRequest {
        context: Some(crate::scene::context("portal", "get")),
        code: "G99.00.01-261123-000001".into(),
    };
    let state = async || {
        scene
            .insurance
            .dossier(soon(), request())
            .await
            .unwrap()
            .dossier
            .unwrap()
            .state
    };
    while state().await != 10 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.send(()).unwrap();
    runner.await.unwrap();
}
