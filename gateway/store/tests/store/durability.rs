//! What survives closing, who may open, and what the file looks like from outside.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use gateway_core::ports::{Claimed, Known, MessageLog as _, StoreError};
use gateway_core::seal::Vault;
use gateway_store::{OpenError, Store};
use rusqlite::Connection;

use crate::scene::{Scene, finish};

#[tokio::test]
async fn a_store_opened_again_knows_everything_and_continues_its_chain() {
    let scene = Scene::new();
    let mut answers = Vec::new();
    for round in 0..4 {
        let store = scene.open();
        for n in 0..3 {
            answers.push(finish(&scene, &store, &format!("m-{round}-{n}-0000")).await);
        }
        assert_eq!(store.verify().unwrap().records, (round + 1) * 6);
    }
    let store = scene.open();
    for (at, stored) in answers.into_iter().enumerate() {
        let id = format!("m-{}-{}-0000", at / 3, at % 3);
        let again = store.claim(scene.entry(&id, &id)).await.unwrap();
        assert_eq!(again, Claimed::Same(stored));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_give_one_gapless_chain() {
    let scene = Arc::new(Scene::new());
    let store = scene.open();
    let work: Vec<_> = (0..200)
        .map(|n| {
            let (scene, store) = (Arc::clone(&scene), store.clone());
            tokio::spawn(async move { finish(&scene, &store, &format!("m-{n:07}")).await })
        })
        .collect();
    for task in work {
        task.await.unwrap();
    }
    assert_eq!(store.verify().unwrap().records, 400);
    assert_eq!(store.census().await.unwrap().in_progress, 0);
}

#[tokio::test]
async fn all_its_files_are_readable_by_their_owner_only() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    let mut seen = 0;
    for file in fs::read_dir(scene.folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
        seen += 1;
    }
    assert_eq!(seen, 4, "database, log, log index, head");
}

#[tokio::test]
async fn bodies_answers_and_parcels_stand_nowhere_in_clear() {
    let scene = Scene::new();
    let store = scene.open();
    let marked = scene.entry("m-0000001", "Nguyen Thi Synthetic 9900000001");
    let mut stored = crate::scene::answer(marked.evidence);
    stored.body = "answer for 9900000001".into();
    let mut parcel = crate::scene::parcel("p", "a", 1);
    parcel.content = "parcel for 9900000001".into();
    store.claim(marked.clone()).await.unwrap();
    store
        .commit(marked.evidence, stored, vec![parcel], Vec::new())
        .await
        .unwrap();
    drop(store);
    let bytes = fs::read(scene.path()).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(
        holds(b"tax.verify-employer"),
        "the metadata is in clear, so the search works"
    );
    assert!(!holds(b"9900000001") && !holds(b"Synthetic"));
}

#[test]
fn a_second_gateway_another_writer_and_another_key_are_kept_out() {
    let scene = Scene::new();
    let store = scene.open();
    assert!(matches!(Store::open(scene.params()), Err(OpenError::InUse)));
    drop(store);
    let mut params = scene.params();
    params.writer = "other".into();
    assert!(matches!(
        Store::open(params),
        Err(OpenError::OtherWriter { .. })
    ));
    let mut params = scene.params();
    params.vault = Arc::new(Vault::from_bytes([4; 32]));
    assert!(matches!(Store::open(params), Err(OpenError::OtherKey)));
    scene.open();
}

#[test]
fn a_file_of_a_newer_gateway_is_refused_and_left_as_it_is() {
    let scene = Scene::new();
    drop(scene.open());
    let conn = Connection::open(scene.path()).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    let refused = Store::open(scene.params()).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::Newer {
                found: 99,
                known: 10
            }
        ),
        "{refused}"
    );
    conn.pragma_update(None, "user_version", 10).unwrap();
    drop(conn);
    scene.open();
}

#[tokio::test]
async fn a_store_whose_tail_was_cut_opens_read_only_and_says_why() {
    let scene = Scene::new();
    let store = scene.open();
    let stored = finish(&scene, &store, "m-0000001").await;
    let lost = scene.entry("m-0000002", "m-0000002");
    store.claim(lost).await.unwrap();
    drop(store);
    let conn = Connection::open(scene.path()).unwrap();
    conn.execute_batch("DELETE FROM inbox WHERE request = 3; DELETE FROM journal WHERE seq = 3;")
        .unwrap();
    drop(conn);

    let store = scene.open();
    assert!(
        store.halted().unwrap().contains("ends at 2"),
        "{:?}",
        store.halted()
    );
    let halted = store.census().await.unwrap().halted;
    assert!(
        halted.unwrap().contains("ends at 2"),
        "and the census says so"
    );
    let refused = store.claim(scene.entry("m-0000003", "x")).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    let first = scene.entry("m-0000001", "m-0000001");
    let known = store
        .known(&first.sender, &first.id, &first.digest)
        .await
        .unwrap();
    assert_eq!(known, Known::Same(stored), "reads go on");
}

#[tokio::test]
async fn a_lost_head_file_stops_writing_until_a_person_accepts_it() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    drop(store);
    fs::remove_file(scene.folder.path().join("store.sqlite.head")).unwrap();
    let store = scene.open();
    assert!(store.halted().unwrap().contains("head file"));
    drop(store);

    let mut params = scene.params();
    params.danger_accept_head = true;
    let store = Store::open(params).unwrap();
    assert_eq!(store.halted(), None);
    finish(&scene, &store, "m-0000002").await;
    drop(store);
    assert_eq!(scene.open().verify().unwrap().records, 4);
}

#[tokio::test]
async fn a_stored_answer_that_was_changed_is_not_given_out_and_stops_the_writing() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    let conn = Connection::open(scene.path()).unwrap();
    conn.execute(
        "UPDATE journal SET ciphertext = zeroblob(40) WHERE kind = 2",
        [],
    )
    .unwrap();
    let again = store.claim(scene.entry("m-0000001", "m-0000001")).await;
    assert!(matches!(again, Err(StoreError::Corrupt(_))), "{again:?}");
    assert!(store.halted().is_some());
}
