//! The checker finds what it is there to find.

use std::{fs, path::PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::torture::office::File;

/// One birth and one dossier, acknowledged, done and told; every test spoils one thing.
struct Scene {
    folder: TempDir,
    sql: Connection,
    book: Book,
}

const TABLES: &str = "
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, household INTEGER);
    CREATE TABLE numbers (person INTEGER, number TEXT);
    CREATE TABLE cards (person INTEGER, number TEXT);
    CREATE TABLE birth_cases (case_id TEXT, person INTEGER);
    CREATE TABLE dossiers (foreign_id TEXT, code TEXT);
    CREATE TABLE changes (seq INTEGER PRIMARY KEY, subject TEXT, subject_sequence INTEGER);
    CREATE TABLE effects (key BLOB);
    CREATE TABLE inbox (message_id TEXT, answer INTEGER);
    INSERT INTO people VALUES (1, 'Nguyễn Thị Hoà Bình', NULL);
    INSERT INTO numbers VALUES (1, 'si'), (1, 'pin');
    INSERT INTO cards VALUES (1, 'c');
    INSERT INTO birth_cases VALUES ('G1', 1);
    INSERT INTO dossiers VALUES ('DVC-1', 'D1');
    INSERT INTO changes (subject, subject_sequence) VALUES ('D1', 1), ('D1', 2);
    INSERT INTO inbox VALUES ('LTKS-G1', 1), ('portal-1', 2);";

const LINES: &str = "sent LTKS-G1 birth G1\n\
    acked LTKS-G1 birth 200 - aa e1\n\
    sent portal-1 dossier DVC-1\n\
    acked portal-1 dossier 200 - bb e2\n\
    sent LTKS-G2 forged G2\n\
    refused LTKS-G2 forged 401 BAD-SIGNATURE cc e3\n";

impl Scene {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = Connection::open(folder.path().join("both.sqlite")).unwrap();
        sql.execute_batch(TABLES).unwrap();
        for (id, kind) in [("LTKS-G1", Kind::Birth), ("portal-1", Kind::Dossier)] {
            let key = hex::decode(key_of(id, kind)).unwrap();
            sql.execute("INSERT INTO effects VALUES (?1)", [key])
                .unwrap();
        }
        fs::write(folder.path().join("client.ledger"), LINES).unwrap();
        let mut book = Book::default();
        let file = File {
            states: STATES.to_vec(),
            repeats: 3,
        };
        book.files.insert("D1".to_owned(), file);
        Self { folder, sql, book }
    }

    fn spoil(self, sql: &str) -> Self {
        self.sql.execute_batch(sql).unwrap();
        self
    }

    fn judge(&self) -> Findings {
        let file = |name: &str| -> PathBuf { self.folder.path().join(name) };
        let both = Source::Sqlite(file("both.sqlite"));
        let ledgers = Ledgers {
            client: &file("client.ledger"),
            registry: &both,
            store: &both,
        };
        compare(&ledgers, &self.book)
    }

    /// So many of each: lost, duplicate, ghosts, disorder.
    #[track_caller]
    fn finds(&self, expected: [usize; 4]) {
        let found = self.judge();
        let lists = [
            &found.lost,
            &found.duplicate,
            &found.ghosts,
            &found.disorder,
        ];
        assert_eq!(lists.map(Vec::len), expected, "{found:?}");
    }
}

#[test]
fn three_ledgers_that_agree_have_no_findings() {
    let found = Scene::make().judge();
    assert_eq!(found.wrong(), [""; 0]);
    assert_eq!(
        (found.acked, found.refused, found.effects, found.steps),
        (2, 1, 2, 5)
    );
}

#[test]
fn an_acknowledged_birth_without_its_effect_is_lost() {
    Scene::make()
        .spoil(
            "DELETE FROM birth_cases; DELETE FROM people;
             DELETE FROM effects WHERE rowid = 1",
        )
        .finds([1, 0, 0, 0]);
}

#[test]
fn an_acknowledged_message_without_its_stored_answer_is_lost() {
    Scene::make()
        .spoil("UPDATE inbox SET answer = NULL WHERE message_id = 'LTKS-G1'")
        .finds([1, 0, 0, 0]);
}

#[test]
fn a_dossier_that_was_not_told_to_its_end_is_lost() {
    let mut scene = Scene::make();
    scene.book.files.get_mut("D1").unwrap().states.pop();
    scene.finds([1, 0, 0, 0]);
}

#[test]
fn a_second_card_a_second_person_and_a_second_key_are_duplicates() {
    for twice in [
        "INSERT INTO cards VALUES (1, 'd')",
        "INSERT INTO people VALUES (2, 'Nguyễn Thị Hoà Bình', NULL)",
        "INSERT INTO effects VALUES (x'00')",
    ] {
        Scene::make().spoil(twice).finds([0, 1, 0, 0]);
    }
}

#[test]
fn a_change_row_that_is_missing_or_there_twice_is_found() {
    Scene::make()
        .spoil("INSERT INTO changes (subject, subject_sequence) VALUES ('D1', 2)")
        .finds([0, 1, 0, 0]);
}

#[test]
fn an_effect_of_a_refused_message_is_a_ghost() {
    let key = key_of("LTKS-G2", Kind::Forged);
    let spoilt = Scene::make().spoil(&format!(
        "INSERT INTO people VALUES (2, 'Nguyễn Thị Hoà Bình', NULL);
         INSERT INTO numbers VALUES (2, 'si'), (2, 'pin');
         INSERT INTO cards VALUES (2, 'e');
         INSERT INTO birth_cases VALUES ('G2', 2);
         INSERT INTO effects VALUES (x'{key}')"
    ));
    spoilt.finds([0, 0, 1, 0]);
}

#[test]
fn a_step_that_overtakes_another_is_disorder() {
    let mut scene = Scene::make();
    scene.book.files.get_mut("D1").unwrap().states.swap(1, 2);
    scene
        .book
        .violations
        .push("D1: state 4 after [1]".to_owned());
    scene.finds([0, 0, 0, 2]);
}
