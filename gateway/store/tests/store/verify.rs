//! Whoever changes the file is found, and the first record that is not what was written is named.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use gateway_core::head::Evidence;
use gateway_core::ports::{Delivery, Hold, MessageLog as _, Outbox as _, Receipt, RefusalNote};
use gateway_core::seal::Vault;
use gateway_store::{Broken, Verified, What};
use rusqlite::{Connection, params};

use crate::scene::{Scene, answer, finish, parcel, partner, vault};

/// A closed store with records of every kind; edits are made on copies of it. Random ones are made in memory, beside
/// the walk itself.
struct Original {
    scene: Scene,
    records: i64,
}

impl Original {
    async fn make() -> Self {
        let scene = Scene::new();
        let store = scene.open();
        for n in 0..6 {
            finish(&scene, &store, &format!("m-{n:07}")).await;
            let read = scene.entry(&format!("r-{n:07}"), "x");
            store
                .record(read.clone(), answer(read.evidence), Vec::new())
                .await
                .unwrap();
            let id = format!("p{n}");
            store.put(vec![parcel(&id, &id, 1)]).await.unwrap();
            let sent = Bytes::from_static(b"sent");
            store
                .lease(&partner("portal"), 1, std::time::Duration::from_secs(9))
                .await
                .unwrap();
            let hold = Hold { id, turn: 0 };
            store
                .sending(&partner("portal"), vec![hold.clone()], sent, Vec::new())
                .await
                .unwrap();
            let receipt = Receipt::plain(Bytes::from_static(b"receipt"), Some([5; 32]));
            store
                .settle(vec![(hold, Delivery::Delivered { receipt })])
                .await
                .unwrap();
            store.refuse(refusal(&scene)).await.unwrap();
        }
        store.claim(scene.entry("open-0001", "x")).await.unwrap();
        let records = i64::try_from(store.verify().unwrap().records).unwrap();
        assert_eq!(records, 43);
        Self { scene, records }
    }

    /// Verifies a copy after an edit.
    fn after(&self, edit: impl FnOnce(&Connection)) -> Result<Verified, Broken> {
        let folder = tempfile::tempdir().unwrap();
        let copy = self.copy_to(folder.path());
        let conn = Connection::open(&copy).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF")
            .unwrap();
        edit(&conn);
        drop(conn);
        gateway_store::verify(&copy, &vault())
    }

    fn copy_to(&self, folder: &Path) -> PathBuf {
        let copy = folder.join("copy.sqlite");
        fs::copy(self.scene.path(), &copy).unwrap();
        fs::copy(head_of(&self.scene.path()), head_of(&copy)).unwrap();
        copy
    }
}

fn head_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.head", path.display()))
}

fn refusal(scene: &Scene) -> RefusalNote {
    RefusalNote {
        evidence: Evidence::fresh(),
        at: scene.now(),
        room: "permit",
        peer: partner("tax"),
        sender: None,
        code: "FORBIDDEN",
        reason: "no-agreement",
    }
}

/// A small generator whose seed is printed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        (value % sides.unsigned_abs()).cast_signed()
    }
}

/// Flips one bit of a BLOB column of one record.
fn flip(conn: &Connection, column: &str, seq: i64, dice: &mut Dice) {
    let read = format!("SELECT {column} FROM journal WHERE seq = ?1");
    let mut bytes: Vec<u8> = conn.query_row(&read, [seq], |row| row.get(0)).unwrap();
    let bit = usize::try_from(dice.roll(i64::try_from(bytes.len() * 8).unwrap())).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    let write = format!("UPDATE journal SET {column} = ?1 WHERE seq = ?2");
    assert_eq!(conn.execute(&write, params![bytes, seq]).unwrap(), 1);
}

#[tokio::test]
async fn an_untouched_copy_holds_and_its_head_is_the_originals() {
    let original = Original::make().await;
    let copy = original.after(|_| {}).unwrap();
    assert_eq!(copy, original.scene.open().verify().unwrap());
    assert_eq!(copy.records, 43);
    assert_eq!(copy.writer, "gateway");
}

#[tokio::test]
async fn what_is_wrong_is_said_by_its_own_word() {
    let original = Original::make().await;
    let mut dice = Dice(7);
    let mut what = |column| {
        original
            .after(|conn| flip(conn, column, 5, &mut dice))
            .unwrap_err()
            .what
    };
    assert_eq!(what("ciphertext"), What::Digest);
    assert_eq!(what("digest"), What::Digest);
    assert_eq!(what("metadata"), What::Chain);
    assert_eq!(what("evidence"), What::Chain);
    assert_eq!(what("hash"), What::Chain);
    assert_eq!(what("wrapped_key"), What::Seal("wrapped-key-does-not-open"));
    let last = original.records;
    let run = |sql: String| {
        original
            .after(|conn| conn.execute_batch(&sql).unwrap())
            .unwrap_err()
            .what
    };
    assert_eq!(
        run("DELETE FROM journal WHERE seq = 5".into()),
        What::Missing
    );
    assert_eq!(
        run(format!("DELETE FROM journal WHERE seq = {last}")),
        What::Cut
    );
    assert!(matches!(
        run("UPDATE journal SET kind = 77 WHERE seq = 5".into()),
        What::Shape(_)
    ));
    assert!(matches!(
        run("UPDATE journal SET hash = x'00' WHERE seq = 5".into()),
        What::Shape(_)
    ));
    assert_eq!(
        run("UPDATE head SET anchor = zeroblob(128)".into()),
        What::HeadRow
    );
    assert_eq!(
        run("UPDATE head SET writer = 'other'".into()),
        What::HeadRow
    );
    assert!(matches!(
        run("DROP TABLE journal".into()),
        What::Unreadable(_)
    ));
}

#[tokio::test]
async fn a_cut_tail_with_the_older_sealed_head_put_back_is_found_by_the_file() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    let conn = Connection::open(scene.path()).unwrap();
    let older: Vec<u8> = conn
        .query_row("SELECT anchor FROM head", [], |row| row.get(0))
        .unwrap();
    finish(&scene, &store, "m-0000002").await;
    drop(store);
    conn.execute_batch(
        "PRAGMA foreign_keys = OFF; DELETE FROM inbox WHERE request = 3; \
        DELETE FROM journal WHERE seq >= 3",
    )
    .unwrap();
    conn.execute("UPDATE head SET anchor = ?1", [older])
        .unwrap();
    drop(conn);
    let broken = gateway_store::verify(&scene.path(), &vault()).unwrap_err();
    assert_eq!((broken.seq, broken.what), (3, What::Cut));
}

#[tokio::test]
async fn a_head_file_that_is_missing_or_changed_and_another_key_are_told() {
    let original = Original::make().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = original.copy_to(folder.path());
    let other_key = gateway_store::verify(&copy, &Vault::from_bytes([9; 32])).unwrap_err();
    assert_eq!(other_key.what, What::HeadRow);
    let mut bytes = fs::read(head_of(&copy)).unwrap();
    bytes[70] ^= 1;
    fs::write(head_of(&copy), bytes).unwrap();
    assert_eq!(
        gateway_store::verify(&copy, &vault()).unwrap_err().what,
        What::HeadFile
    );
    fs::remove_file(head_of(&copy)).unwrap();
    assert_eq!(
        gateway_store::verify(&copy, &vault()).unwrap_err().what,
        What::HeadFile
    );
}

#[tokio::test]
async fn an_inbox_that_says_something_else_than_the_journal_is_found() {
    let original = Original::make().await;
    let run = |sql: &str| {
        original
            .after(|conn| conn.execute_batch(sql).unwrap())
            .unwrap_err()
    };
    for (sql, seq) in [
        (
            "UPDATE inbox SET digest = zeroblob(32) WHERE request = 1",
            1,
        ),
        ("UPDATE inbox SET sender = 'portal' WHERE request = 1", 1),
        (
            "UPDATE inbox SET message_id = 'm-other-1' WHERE request = 1",
            1,
        ),
        ("UPDATE inbox SET answer = NULL WHERE request = 1", 2),
        ("UPDATE inbox SET answer = 4 WHERE request = 1", 2),
        ("DELETE FROM inbox WHERE request = 3", 4),
        ("UPDATE inbox SET answer = 2 WHERE answer IS NULL", 43),
        (
            "INSERT INTO inbox VALUES (2, 'tax', 'm-forged-1', zeroblob(32), NULL, NULL, NULL, 0, 0, NULL)",
            2,
        ),
    ] {
        let broken = run(sql);
        assert_eq!((broken.seq, broken.what), (seq, What::Inbox), "{sql}");
    }
}

#[tokio::test]
async fn a_journal_is_verified_while_it_is_written() {
    let scene = Scene::new();
    let store = scene.open();
    let mut seen = 0;
    for n in 0..40 {
        let writing = store.clone();
        let entry = scene.entry(&format!("m-{n:07}"), "x");
        let claim = tokio::spawn(async move { writing.claim(entry).await });
        let verified = store.verify().unwrap();
        assert!(verified.records >= seen);
        seen = verified.records;
        claim.await.unwrap().unwrap();
    }
    assert_eq!(store.verify().unwrap().records, 40);
}
