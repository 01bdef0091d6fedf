//! Random edits of a journal in memory: each is made, found, named and taken back.

use std::sync::Arc;

use bytes::Bytes;
use gateway_core::head::Evidence;
use gateway_core::ports::{
    Act, Acted, Clock as _, Deed, Entry, MessageLog as _, Office as _, RefusalNote, StoredAnswer,
    SystemClock,
};
use gateway_core::seal::sha256;
use rusqlite::params;
use schemas::id::{MessageId, PartnerId};

use super::*;
use crate::{Store, StoreParams};

/// How many edits; more by this variable of the environment, up to what is waited for.
const EDITS: (&str, usize) = ("LIENTHONG_JOURNAL_EDITS", 2_000);
const MESSAGES: i64 = 12;

/// A journal with records of several kinds, one message of it erased, in memory with its head file's bytes.
struct Original {
    conn: Connection,
    file: Vec<u8>,
    vault: Arc<Vault>,
    records: i64,
}

fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

fn entry(number: i64) -> Entry {
    let body = format!("<a>{number}</a>");
    Entry {
        evidence: Evidence::fresh(),
        sender: partner("tax"),
        id: MessageId::parse(&format!("m-{number:07}")).unwrap(),
        operation: "tax.verify-employer",
        digest: sha256(body.as_bytes()),
        received_at: SystemClock.now(),
        sent_at: SystemClock.now(),
        fresh: true,
        peer: partner("tax"),
        peer_certificate: [7; 32],
        road: "direct",
        path: "/tax/v1/messages".into(),
        proof: "xml-dsig",
        rule: "QC-01/tax.verify-employer".into(),
        purpose: "tax".into(),
        fields: "fund".into(),
        content_type: "application/xml".into(),
        signature: None,
        attested: None,
        body: body.into(),
    }
}

impl Original {
    async fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let vault = Arc::new(Vault::from_bytes([3; 32]));
        let params = StoreParams::new(&path, Arc::clone(&vault), Arc::new(SystemClock));
        let store = Store::open(params).unwrap();
        let mut last = Evidence::fresh();
        for number in 0..MESSAGES {
            let entry = entry(number);
            last = entry.evidence;
            let answer = StoredAnswer {
                evidence: last,
                status: 200,
                content_type: "application/xml".into(),
                signature: None,
                fault: None,
                body: Bytes::from_static(b"<answer/>"),
            };
            store.claim(entry).await.unwrap();
            store
                .commit(last, answer, Vec::new(), Vec::new())
                .await
                .unwrap();
            let note = RefusalNote {
                evidence: Evidence::fresh(),
                at: SystemClock.now(),
                room: "permit",
                peer: partner("tax"),
                sender: None,
                code: "FORBIDDEN",
                reason: "no-agreement",
            };
            store.refuse(note).await.unwrap();
        }
        let act = Act {
            who: "an.officer".into(),
            why: "a court has ordered it".into(),
            deed: Deed::Erase {
                evidence: last,
                law: "Law 91/2025, article 14".into(),
            },
        };
        assert_eq!(store.act(act).await.unwrap(), Acted::Done);
        drop(store);
        let file = rusqlite::Connection::open(&path).unwrap();
        file.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
        drop(file);
        let mut conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.restore("main", &path, None::<fn(rusqlite::backup::Progress)>)
            .unwrap();
        conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        Self {
            conn: Connection::Sqlite(conn),
            file: std::fs::read(anchor::path_of(&path)).unwrap(),
            vault,
            records: 3 * MESSAGES + 1,
        }
    }

    fn lite(&self) -> &rusqlite::Connection {
        let Connection::Sqlite(conn) = &self.conn else {
            panic!("in memory");
        };
        conn
    }

    fn verify(&self) -> Result<Verified, Broken> {
        verify_lite(&self.conn, &self.file, &self.vault, &Witnesses::default())
    }

    fn run(&self, sql: &str, parameters: impl rusqlite::Params) {
        let mut statement = self.lite().prepare_cached(sql).unwrap();
        assert_ne!(statement.execute(parameters).unwrap(), 0, "{sql}");
    }

    /// Makes one random edit; gives its name and the record that must be named.
    fn edit(&self, dice: &mut Dice) -> (String, i64) {
        let seq = 1 + dice.roll(self.records);
        match dice.roll(20) {
            choice @ 0..12 => {
                let column = COLUMNS[usize::try_from(choice % 6).unwrap()];
                self.flip(column, seq, dice);
                (format!("a bit of {column} of {seq}"), seq)
            }
            12 => {
                let (column, bits) = [("kind", 8), ("at", 60)][usize::from(dice.roll(2) == 0)];
                let bit = 1_i64 << dice.roll(bits);
                let sql = format!(
                    "UPDATE journal SET {column} = ({column} | ?1) - ({column} & ?1) WHERE seq = ?2"
                );
                self.run(&sql, params![bit, seq]);
                (format!("a bit of {column} of {seq}"), seq)
            }
            13 => {
                self.run("DELETE FROM journal WHERE seq = ?1", [seq]);
                (format!("{seq} deleted"), seq)
            }
            14 => {
                let other = 1 + (seq + dice.roll(self.records - 1)) % self.records;
                for (to, from) in [(1000, seq), (seq, other), (other, 1000)] {
                    self.run(MOVE, [to, from]);
                }
                (format!("{seq} and {other} swapped"), seq.min(other))
            }
            15 => {
                self.run("DELETE FROM journal WHERE seq >= ?1", [seq]);
                (format!("cut before {seq}"), seq)
            }
            16 => {
                self.run(COPY, [self.records + 1, seq]);
                (format!("{seq} duplicated at the end"), self.records + 1)
            }
            17 => {
                // room is made in two steps, since a number stands once
                self.run("UPDATE journal SET seq = -seq - 1 WHERE seq >= ?1", [seq]);
                self.run("UPDATE journal SET seq = -seq WHERE seq < 0", []);
                // the first one before itself would be the first one still
                let from = if seq == 1 { 3 } else { seq - 1 };
                self.run(COPY, [seq, from]);
                (format!("{from} inserted at {seq}"), seq)
            }
            18 => {
                // what an act has erased is erased: another one then
                let seq = seq.min(self.records - 4);
                self.run(
                    "UPDATE journal SET wrapped_key = zeroblob(77) WHERE seq = ?1",
                    [seq],
                );
                (format!("the key of {seq} destroyed by nobody"), seq)
            }
            _ => {
                let other = 1 + (seq + dice.roll(self.records - 1)) % self.records;
                self.run(
                    "UPDATE journal SET wrapped_key = (SELECT wrapped_key FROM journal WHERE seq = ?1) \
                    WHERE seq = ?2",
                    [other, seq],
                );
                (format!("the key of {other} in {seq}"), seq)
            }
        }
    }

    fn flip(&self, column: &str, seq: i64, dice: &mut Dice) {
        let read = format!("SELECT {column} FROM journal WHERE seq = ?1");
        let mut statement = self.lite().prepare_cached(&read).unwrap();
        let mut bytes: Vec<u8> = statement.query_row([seq], |row| row.get(0)).unwrap();
        let bit = usize::try_from(dice.roll(i64::try_from(bytes.len() * 8).unwrap())).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let write = format!("UPDATE journal SET {column} = ?1 WHERE seq = ?2");
        self.run(&write, params![bytes, seq]);
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

#[tokio::test]
async fn each_random_edit_is_found_and_the_right_record_named() {
    let original = Original::make().await;
    let whole = original.verify().unwrap();
    assert_eq!((whole.records, whole.erased), (37, 2));
    let (variable, usual) = EDITS;
    let edits = std::env::var(variable).map_or(usual, |text| text.parse().unwrap());
    let seed = 0x11e4_7409;
    println!("seed {seed:#x}");
    let mut dice = Dice(seed);
    for round in 0..edits {
        original.conn.execute_batch("SAVEPOINT edit").unwrap();
        let (name, seq) = original.edit(&mut dice);
        match original.verify() {
            Err(broken) => {
                let (seq, erased) = (seq.unsigned_abs(), (original.records - 3).unsigned_abs());
                // whoever touches the act leaves the record that it erased without its tombstone
                let by_its_tombstone = seq > erased && broken.seq == erased;
                assert!(
                    broken.seq == seq || by_its_tombstone,
                    "{round}: {name}: {broken}"
                );
            }
            Ok(_) => assert!(is_no_edit(&original, &name), "{round}: {name}: not found"),
        }
        let undo = "ROLLBACK TO edit; RELEASE edit";
        original.conn.execute_batch(undo).unwrap();
    }
    original.verify().unwrap();
    println!("found {edits} of {edits}");
}

/// The key of one erased record in the place of the other's: both are zeros.
fn is_no_edit(original: &Original, name: &str) -> bool {
    let (a, b) = (original.records - 3, original.records - 2);
    [(a, b), (b, a)]
        .iter()
        .any(|(a, b)| name == format!("the key of {a} in {b}"))
}

const COLUMNS: [&str; 6] = [
    "evidence",
    "metadata",
    "wrapped_key",
    "ciphertext",
    "digest",
    "hash",
];
const MOVE: &str = "UPDATE journal SET seq = ?1 WHERE seq = ?2";
const COPY: &str = "INSERT INTO journal SELECT ?1, kind, evidence, at, metadata, wrapped_key, \
    ciphertext, digest, hash FROM journal WHERE seq = ?2";
