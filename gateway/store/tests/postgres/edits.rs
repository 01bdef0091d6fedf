//! Random edits of a journal in PostgreSQL: each is made, found, named and taken back.

use gateway_core::head::Evidence;
use gateway_core::ports::{Act, Acted, Deed, MessageLog as _, Office as _, RefusalNote};
use gateway_store::{Broken, Engine, Verified, verify_all};
use tokio_postgres::Client;

use crate::scene::{Scene, finish, partner, vault};

/// How many edits; more by this variable of the environment.
const EDITS: (&str, usize) = ("LIENTHONG_JOURNAL_EDITS", 150);
const MESSAGES: i64 = 8;

/// A closed store with records of several kinds, one message of it erased, and a copy of its rows.
struct Original {
    scene: Scene,
    client: Client,
    /// The number before the first record.
    base: i64,
    records: i64,
}

impl Original {
    async fn make() -> Self {
        let scene = Scene::new();
        let store = scene.open();
        let mut last = Evidence::fresh();
        for number in 0..MESSAGES {
            last = finish(&scene, &store, &format!("m-{number:07}"))
                .await
                .evidence;
            let note = RefusalNote {
                evidence: Evidence::fresh(),
                at: scene.now(),
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
        let Engine::Postgres(database) = &scene.engine else {
            panic!("not PostgreSQL");
        };
        let config: tokio_postgres::Config = database.url.parse().unwrap();
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let copy = "SET search_path = lienthong_store; CREATE TABLE kept AS TABLE journal";
        client.batch_execute(copy).await.unwrap();
        let first = client.query_one("SELECT min(seq) FROM journal", &[]).await;
        let first: i64 = first.unwrap().get(0);
        Self {
            scene,
            client,
            base: first - 1,
            records: 3 * MESSAGES + 1,
        }
    }

    fn verify(&self) -> Result<Vec<Verified>, Broken> {
        verify_all(&self.scene.engine, &vault())
    }

    async fn run(&self, sql: &str) {
        let done = self.client.batch_execute(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn undo(&self) {
        self.run("BEGIN; DELETE FROM journal; INSERT INTO journal TABLE kept; COMMIT")
            .await;
    }

    /// Makes one random edit; gives its name and the place of the record that must be named.
    async fn edit(&self, dice: &mut Dice) -> (String, i64) {
        let place = 1 + dice.roll(self.records);
        let other = 1 + (place + dice.roll(self.records - 1)) % self.records;
        let (seq, twin, end) = (
            self.base + place,
            self.base + other,
            self.base + self.records,
        );
        let spare = end + 1_000;
        let (name, sql, found) = match dice.roll(20) {
            choice @ 0..12 => {
                let column = COLUMNS[usize::try_from(choice % 6).unwrap()];
                let length = format!("SELECT length({column}) FROM journal WHERE seq = {seq}");
                let length: i32 = self.client.query_one(&length, &[]).await.unwrap().get(0);
                let (at, bit) = (dice.roll(i64::from(length)), 1 << dice.roll(8));
                let sql = format!(
                    "UPDATE journal SET {column} = set_byte({column}, {at}, get_byte({column}, {at}) # {bit}) \
                     WHERE seq = {seq}"
                );
                (format!("a bit of {column} of {place}"), sql, place)
            }
            12 => {
                // a record of another week would stand in another part
                let (column, bits) = [("kind", 8), ("at", 31)][usize::from(dice.roll(2) == 0)];
                let bit = 1_i64 << dice.roll(bits);
                let sql =
                    format!("UPDATE journal SET {column} = {column} # {bit} WHERE seq = {seq}");
                (format!("a bit of {column} of {place}"), sql, place)
            }
            13 => {
                let sql = format!("DELETE FROM journal WHERE seq = {seq}");
                (format!("{place} deleted"), sql, place)
            }
            14 => {
                let moves = [(spare, seq), (seq, twin), (twin, spare)];
                let sql = moves
                    .map(|(to, from)| format!("UPDATE journal SET seq = {to} WHERE seq = {from};"));
                (
                    format!("{place} and {other} swapped"),
                    sql.concat(),
                    place.min(other),
                )
            }
            15 => {
                let sql = format!("DELETE FROM journal WHERE seq >= {seq}");
                (format!("cut before {place}"), sql, place)
            }
            16 => {
                let sql = copied(seq, end + 1);
                (
                    format!("{place} duplicated at the end"),
                    sql,
                    self.records + 1,
                )
            }
            17 => {
                let room = format!(
                    "UPDATE journal SET seq = -seq - 1 WHERE seq >= {seq}; \
                     UPDATE journal SET seq = -seq WHERE seq < 0;"
                );
                // the first one before itself would be the first one still
                let from = if place == 1 { seq + 2 } else { seq - 1 };
                let sql = format!("{room}{}", copied(from, seq));
                (format!("another inserted at {place}"), sql, place)
            }
            18 => {
                // what an act has erased is erased: another one then
                let place = place.min(self.records - 4);
                let seq = self.base + place;
                let zeros = "decode(repeat('00', length(wrapped_key)), 'hex')";
                let sql = format!("UPDATE journal SET wrapped_key = {zeros} WHERE seq = {seq}");
                (
                    format!("the key of {place} destroyed by nobody"),
                    sql,
                    place,
                )
            }
            _ => {
                let sql = format!(
                    "UPDATE journal SET wrapped_key = (SELECT wrapped_key FROM journal WHERE seq = {twin}) \
                     WHERE seq = {seq}"
                );
                (format!("the key of {other} in {place}"), sql, place)
            }
        };
        self.run(&sql).await;
        (name, found)
    }

    /// The key of one erased record in the place of the other's: both are zeros.
    fn is_no_edit(&self, name: &str) -> bool {
        let (a, b) = (self.records - 3, self.records - 2);
        [(a, b), (b, a)]
            .iter()
            .any(|(a, b)| name == format!("the key of {a} in {b}"))
    }
}

fn copied(from: i64, to: i64) -> String {
    format!(
        "INSERT INTO journal SELECT {to}, kind, evidence, at, metadata, wrapped_key, ciphertext, digest, hash \
         FROM journal WHERE seq = {from}"
    )
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_random_edit_is_found_and_the_right_record_named() {
    let original = Original::make().await;
    let whole = original.verify().unwrap();
    assert_eq!((whole[0].records, whole[0].erased), (25, 2));
    let (variable, usual) = EDITS;
    let edits = std::env::var(variable).map_or(usual, |text| text.parse().unwrap());
    let seed = 0x11e4_7410;
    println!("seed {seed:#x}");
    let mut dice = Dice(seed);
    for round in 0..edits {
        let (name, place) = original.edit(&mut dice).await;
        match original.verify() {
            Err(broken) => {
                let named = broken.seq.cast_signed() - original.base;
                let erased = original.records - 3;
                // whoever touches the act leaves the record that it erased without its tombstone
                let by_its_tombstone = place > erased && named == erased;
                assert!(
                    named == place || by_its_tombstone,
                    "{round}: {name}: {broken}"
                );
            }
            Ok(_) => assert!(original.is_no_edit(&name), "{round}: {name}: not found"),
        }
        original.undo().await;
    }
    original.verify().unwrap();
    println!("found {edits} of {edits}");
}

const COLUMNS: [&str; 6] = [
    "evidence",
    "metadata",
    "wrapped_key",
    "ciphertext",
    "digest",
    "hash",
];
