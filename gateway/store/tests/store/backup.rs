//! Copies of the file, taken while it is written to.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gateway_core::ports::{Claimed, MessageLog as _};
use gateway_core::seal::Vault;
use gateway_store::{CopyError, OpenError, Store, StoreParams, copy, head_file_of, hold};
use rusqlite::Connection;

use crate::scene::{LEASE, Scene, finish, vault};

fn params_at(scene: &Scene, path: &std::path::Path) -> StoreParams {
    let mut params = StoreParams::new(path, vault(), scene.clock.clone());
    (params.lease, params.headroom_bytes) = (LEASE, 0);
    params
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_under_load_is_a_prefix_and_holds_all_that_was_acknowledged_before() {
    let scene = Arc::new(Scene::new());
    let store = scene.open();
    let (done, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let load = {
        let (scene, store) = (Arc::clone(&scene), store.clone());
        let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let next = done.load(Ordering::SeqCst) + 1;
                finish(&scene, &store, &format!("m-{next:07}")).await;
                done.store(next, Ordering::SeqCst);
            }
        })
    };
    while done.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    for round in 0..5 {
        let acknowledged = done.load(Ordering::SeqCst);
        let (from, to) = (
            scene.path(),
            scene.folder.path().join(format!("{round}.sqlite")),
        );
        let taken = {
            let to = to.clone();
            tokio::task::spawn_blocking(move || copy(&from, &to, &vault())).await
        };
        let copied = taken.unwrap().unwrap();
        assert!(
            copied.journal.records >= acknowledged * 2,
            "{acknowledged} {copied:?}"
        );
        // its last hash is the one that the original has at that number
        let original = Connection::open(scene.path()).unwrap();
        let hash: [u8; 32] = original
            .query_row(
                "SELECT hash FROM journal WHERE seq = ?1",
                [copied.journal.records.cast_signed()],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(hash, copied.journal.head);

        let side = |end: &str| scene.folder.path().join(format!("{round}.sqlite-{end}"));
        assert!(!side("wal").exists() && !side("shm").exists());
        let copied = Store::open(params_at(&scene, &to)).unwrap();
        assert_eq!(copied.halted(), None);
        for n in [1, acknowledged / 2, acknowledged] {
            let id = format!("m-{n:07}");
            let again = copied.claim(scene.entry(&id, &id)).await.unwrap();
            assert!(matches!(again, Claimed::Same(_)), "{id}: {again:?}");
        }
    }
    stop.store(true, Ordering::SeqCst);
    load.await.unwrap();
}

#[tokio::test]
async fn nothing_is_overwritten_and_what_does_not_hold_is_no_copy() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    let to = scene.folder.path().join("copy.sqlite");
    copy(&scene.path(), &to, &vault()).unwrap();
    let bytes = fs::read(&to).unwrap();
    let again = copy(&scene.path(), &to, &vault());
    assert!(matches!(again, Err(CopyError::File(_))), "{again:?}");
    assert_eq!(fs::read(&to).unwrap(), bytes);

    let other = Vault::from_bytes([9; 32]);
    let refused = copy(&scene.path(), &scene.folder.path().join("b.sqlite"), &other);
    assert!(matches!(refused, Err(CopyError::Broken(_))), "{refused:?}");
    drop(store);
    let conn = Connection::open(scene.path()).unwrap();
    conn.execute("UPDATE journal SET at = at + 1 WHERE seq = 2", [])
        .unwrap();
    let refused = copy(
        &scene.path(),
        &scene.folder.path().join("c.sqlite"),
        &vault(),
    );
    assert!(
        matches!(&refused, Err(CopyError::Broken(broken)) if broken.seq == 2),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_copy_without_its_head_file_or_with_a_later_one_stands_still() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    let to = scene.folder.path().join("copy.sqlite");
    copy(&scene.path(), &to, &vault()).unwrap();
    finish(&scene, &store, "m-0000002").await;
    let head = head_file_of(&to);
    let own = fs::read(&head).unwrap();
    for other in [None, Some(fs::read(head_file_of(&scene.path())).unwrap())] {
        match other {
            None => fs::remove_file(&head).unwrap(),
            Some(later) => fs::write(&head, later).unwrap(),
        }
        let halted = Store::open(params_at(&scene, &to)).unwrap();
        assert!(halted.halted().is_some());
    }
    fs::write(&head, own).unwrap();
    let whole = Store::open(params_at(&scene, &to)).unwrap();
    assert_eq!(whole.halted(), None);
}

#[tokio::test]
async fn a_file_that_is_open_cannot_be_held_and_one_that_is_held_cannot_be_opened() {
    let scene = Scene::new();
    assert!(hold(&scene.path()).unwrap().is_none(), "nothing is there");
    let store = scene.open();
    assert!(matches!(hold(&scene.path()), Err(OpenError::InUse)));
    drop(store);
    let held = hold(&scene.path()).unwrap();
    assert!(held.is_some());
    assert!(matches!(Store::open(scene.params()), Err(OpenError::InUse)));
}
