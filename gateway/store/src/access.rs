//! The access ledger: who asked about whom, found by a keyed digest of any number that names the person.
//!
//! Many persons who are told the same at once are a crowd: sets of digests in few rows, and not a row each.
//!
//! Rows are sealed by nothing and hold no personal data: the digest cannot be computed or undone without
//! the vault. They are written in the transaction that commits what they tell of, whose journal record names
//! their digest: `verify` finds a row that was taken away, changed or put to it.

mod crowd;

use std::collections::BTreeSet;

use gateway_core::head::Evidence;
use gateway_core::ports::{
    Access, AccessStory, ActStory, Asker, Deed, LookUp, PersonNumber, StoreError, Whom,
};
use gateway_core::seal::{Sha256, Vault};

use crate::journal::{self, Record};
use crate::meta::{Fields, Meta, Tag, missing, time};
use crate::outbox::act_story;
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::writer::{RowError, Turn};

/// The keyed digest of a number.
pub(crate) type Digest = [u8; 16];

/// What an answer tells of persons, digests in place of numbers.
#[derive(Debug, Default)]
pub(crate) struct Shown(Vec<Row>);

#[derive(Debug)]
struct Row {
    person: Digest,
    subject: i64,
    details: Vec<u8>,
}

/// The digest that stands for a number.
pub(crate) fn digest(vault: &Vault, number: &PersonNumber) -> Digest {
    vault.person(&number.indexed())
}

impl Shown {
    /// On the caller's thread, so that the writer only writes.
    pub(crate) fn seal(vault: &Vault, accesses: &[Access]) -> Self {
        let mut rows = Vec::with_capacity(accesses.len());
        for access in accesses {
            let subject = next(&rows);
            if access.whom == Whom::Many {
                rows.extend(crowd::rows(vault, access, subject));
                continue;
            }
            let details = details(access).finish();
            let digests: BTreeSet<Digest> = access
                .numbers
                .iter()
                .map(|number| digest(vault, number))
                .collect();
            rows.extend(digests.into_iter().map(|person| Row {
                person,
                subject,
                details: details.clone(),
            }));
        }
        Self(rows)
    }

    /// With a row that says that it was written, whoever asks for this mark.
    pub(crate) fn marked(mut self, mark: Digest) -> Self {
        let subject = next(&self.0);
        self.0.push(Row {
            person: mark,
            subject,
            details: Vec::new(),
        });
        self
    }

    /// The row of somebody who looks a person up.
    pub(crate) fn looked_up(person: Digest) -> Self {
        let details = Fields::new().put(Tag::Deed, LOOKED_UP).finish();
        Self(vec![Row {
            person,
            subject: 0,
            details,
        }])
    }

    /// What the record beside them says of the rows: nothing where there are none.
    pub(crate) fn digest(&self) -> Option<[u8; 32]> {
        let rows = self.0.iter();
        let rows = rows.map(|row| (row.person, row.subject, row.details.as_slice()));
        (!self.0.is_empty()).then(|| digest_of(rows))
    }

    /// Writes the rows beside this record of the same transaction.
    pub(crate) fn write(
        &self,
        turn: &mut Turn<'_>,
        record: i64,
        evidence: Evidence,
    ) -> Result<(), RowError> {
        if let Some(pending) = turn.pending.as_deref_mut() {
            for row in &self.0 {
                pending.tell(row.person, record, row.subject, evidence, &row.details);
            }
            return Ok(());
        }
        for row in &self.0 {
            turn.conn.prepare_cached(INSERT)?.execute(params![
                row.person,
                record,
                row.subject,
                turn.now,
                evidence.as_bytes(),
                row.details,
            ])?;
        }
        Ok(())
    }
}

/// SHA-256 over the rows, by subject and then by person: the digest, the subject and the length of the details,
/// each number as eight bytes, big-endian, and the details.
fn digest_of<'a>(rows: impl Iterator<Item = (Digest, i64, &'a [u8])>) -> [u8; 32] {
    let mut sum = Sha256::new();
    for (person, subject, details) in rows {
        let length = details.len() as u64;
        sum.update(&person);
        sum.update(&subject.to_be_bytes());
        sum.update(&length.to_be_bytes());
        sum.update(details);
    }
    sum.finish()
}

/// Whether the rows beside a record are those that it names, of its time and evidence. One that names none was
/// written by a build that did not, or has none.
pub(crate) fn agrees(conn: &Connection, record: &Record) -> sql::Result<bool> {
    let Some(meta) = Meta::parse(&record.metadata) else {
        return Ok(false);
    };
    let Some(said) = meta.bytes(Tag::Shown) else {
        return Ok(true);
    };
    type Stored = (Digest, i64, i64, [u8; 16], Vec<u8>);
    let rows: Vec<Stored> = conn
        .prepare_cached(BESIDE)?
        .query_map([record.seq], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })?
        .collect::<sql::Result<_>>()?;
    let all = rows.iter();
    let is_its_own = all.clone().all(|(_, _, at, evidence, _)| {
        *at == record.at && evidence.as_slice() == record.evidence.as_slice()
    });
    let shown = all.map(|(person, subject, _, _, details)| (*person, *subject, details.as_slice()));
    Ok(is_its_own && digest_of(shown).as_slice() == said)
}

/// The subject of the next row.
fn next(rows: &[Row]) -> i64 {
    rows.last().map_or(0, |row| row.subject + 1)
}

fn details(access: &Access) -> Fields {
    Fields::new()
        .put(Tag::Sender, access.sender.as_str())
        .put(Tag::Operation, access.operation)
        .put(Tag::Rule, &access.rule)
        .put(Tag::Purpose, &access.purpose)
        .put(Tag::FieldNames, &access.fields)
}

/// Whether what bears this mark, under any generation of the vault's key, was written.
pub(crate) fn is_marked(conn: &Connection, marks: &[Digest]) -> sql::Result<bool> {
    for mark in marks {
        let row = conn
            .prepare_cached(ROWS)?
            .query_row(params![mark, 1_i64], |row| row.get::<i64>(0));
        if row.optional()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One row as it was found; of an operator's with the act.
#[derive(Debug)]
pub(crate) struct Found {
    record: i64,
    at: i64,
    evidence: [u8; 16],
    details: Vec<u8>,
    act: Option<Record>,
}

/// Everybody who asked about this person, newest first, by every number that is known to be theirs; and every crowd that
/// one of the numbers is in.
pub(crate) fn find(
    conn: &Connection,
    vault: &Vault,
    person: &[Digest],
    max: usize,
) -> sql::Result<Vec<Found>> {
    let limit = max.min(ROWS_MAX);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for person in aliases(conn, person)? {
        let rows = conn
            .prepare_cached(ROWS)?
            .query_map(
                params![person, i64::try_from(limit).unwrap_or(i64::MAX)],
                |row| {
                    let found = Found {
                        record: row.get(0)?,
                        at: row.get(2)?,
                        evidence: row.get(3)?,
                        details: row.get(4)?,
                        act: None,
                    };
                    Ok((row.get::<i64>(1)?, found))
                },
            )?
            .collect::<sql::Result<Vec<_>>>()?;
        let new = rows
            .into_iter()
            .filter(|(subject, row)| seen.insert((row.record, *subject)));
        found.extend(new.map(|(_, row)| row));
        // with two numbers in one crowd it is one person still
        let crowds = crowd::find(conn, vault, &person, limit)?.into_iter();
        found.extend(crowds.filter(|row| seen.insert((row.record, CROWD))));
    }
    found.sort_by_key(|row| std::cmp::Reverse((row.at, row.record)));
    found.truncate(limit);
    for row in &mut found {
        if is_act(&row.details) {
            row.act = journal::record(conn, row.record).optional()?;
        }
    }
    Ok(found)
}

/// All numbers of the person of this one, as far as answered messages have shown them together.
fn aliases(conn: &Connection, person: &[Digest]) -> sql::Result<BTreeSet<Digest>> {
    let mut known: BTreeSet<Digest> = person.iter().copied().collect();
    let mut fresh = person.to_vec();
    while let Some(person) = fresh.pop() {
        let shown = conn
            .prepare_cached(ALIASES)?
            .query_map(params![person, ALIASES_MAX], |row| row.get::<Digest>(0))?
            .collect::<sql::Result<Vec<_>>>()?;
        for other in shown {
            if known.len() < NUMBERS_MAX && known.insert(other) {
                fresh.push(other);
            }
        }
    }
    Ok(known)
}

fn is_act(details: &[u8]) -> bool {
    Meta::parse(details).is_some_and(|meta| meta.bytes(Tag::Deed).is_some())
}

impl Found {
    /// In words; an operator's act is opened.
    pub(crate) fn told(&self, vault: &Vault) -> Result<AccessStory, StoreError> {
        let unreadable = || missing(self.record);
        let meta = Meta::parse(&self.details).ok_or_else(unreadable)?;
        let text = |tag| meta.text(tag).ok_or_else(unreadable);
        let asker = match meta.bytes(Tag::Deed) {
            Some(_) => Asker::Operator(self.act(vault)?),
            None => Asker::Partner {
                sender: meta.partner(Tag::Sender).ok_or_else(unreadable)?,
                operation: text(Tag::Operation)?,
                rule: text(Tag::Rule)?,
                purpose: text(Tag::Purpose)?,
                fields: text(Tag::FieldNames)?,
            },
        };
        Ok(AccessStory {
            at: time(self.at).ok_or_else(unreadable)?,
            asker,
            evidence: Evidence::from_bytes(self.evidence),
            journal: self.record.unsigned_abs(),
        })
    }

    fn act(&self, vault: &Vault) -> Result<Option<ActStory>, StoreError> {
        self.act
            .as_ref()
            .map(|act| act_story(act, vault))
            .transpose()
    }
}

pub(crate) use crowd::marks;

/// The digests that stand for a number under every generation of the vault's key, the newest first.
pub(crate) fn digests(vault: &Vault, number: &PersonNumber) -> Vec<Digest> {
    vault.persons(&number.indexed())
}

/// The deed of a look-up; its target is the digest, so that no list of acts shows a number.
pub(crate) fn deed(vault: &Vault, look_up: &LookUp) -> (Digest, Deed) {
    let person = digest(vault, &look_up.number);
    let hex: String = person.iter().map(|byte| format!("{byte:02x}")).collect();
    (person, Deed::LookUp(format!("person-{hex}")))
}

/// Stands for the subject of a crowd.
const CROWD: i64 = -1;
const LOOKED_UP: &str = "look-up-person";
/// Rows in one answer.
const ROWS_MAX: usize = 1_000;
/// Numbers of one person that are followed.
const NUMBERS_MAX: usize = 64;
const ALIASES_MAX: i64 = 256;
const INSERT: &str = "INSERT INTO access (person, record, subject, at, evidence, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const BESIDE: &str = "SELECT person, subject, at, evidence, details FROM access \
    WHERE record = ?1 ORDER BY subject, person";
const ROWS: &str = "SELECT record, subject, at, evidence, details FROM access \
    WHERE person = ?1 ORDER BY record DESC LIMIT ?2";
const ALIASES: &str = "SELECT DISTINCT s.person FROM access a JOIN access s \
    ON s.record = a.record AND s.subject = a.subject WHERE a.person = ?1 LIMIT ?2";
