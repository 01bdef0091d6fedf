//! Many persons who are told of in the same words by one message: a chunk of a month has tens of thousands.
//!
//! A person has to be told in which months they were, and nobody has to list a month's persons: so the digests are kept as
//! sets. The first byte of a number's digest says in which of 256 sets its next eight bytes stand; a set is one row of the
//! table, found by the keyed digest of its place, and beside its journal record like any other row. A month of the whole
//! country is some 77,000 rows and 240 MB instead of 30 million rows and several GB, and looking one person up reads a 256th of them.
//! Of two numbers that agree in the 72 bits one would be told of the other's month: once in 10^14 look-ups of such a month.

use std::collections::{BTreeMap, BTreeSet};

use gateway_core::ports::{Access, Hold};
use gateway_core::seal::{Vault, sha256};

use super::{Digest, Found, Row, details, digest};
use crate::meta::{Fields, Meta, Tag};
use crate::sql::{self, Connection, params};

/// What stands for a number in its set.
type Member = [u8; 8];

/// One row for each set that somebody is in, from this subject on.
pub(super) fn rows(vault: &Vault, access: &Access, subject: i64) -> Vec<Row> {
    let mut sets: BTreeMap<u8, BTreeSet<Member>> = BTreeMap::new();
    for number in &access.numbers {
        let (set, member) = place(&digest(vault, number));
        sets.entry(set).or_default().insert(member);
    }
    let rows = (subject..).zip(sets).map(|(subject, (set, members))| {
        let members: Vec<u8> = members.into_iter().flatten().collect();
        Row {
            person: vault.person(&name(set)),
            subject,
            details: details(access).put(Tag::Members, members).finish(),
        }
    });
    rows.collect()
}

/// The rows of the sets that this digest is in, the newest first, at most so many.
pub(super) fn find(
    conn: &Connection,
    vault: &Vault,
    person: &Digest,
    max: usize,
) -> sql::Result<Vec<Found>> {
    let (set, member) = place(person);
    let mut found = Vec::new();
    // the key of a set is of one generation of the vault's, and so is the digest
    for key in vault.persons(&name(set)) {
        let (mut before, mut of_key) = (i64::MAX, 0);
        while of_key < max {
            let page: Vec<Found> = conn
                .prepare_cached(BEFORE)?
                .query_map(params![key, before, PAGE], |row| {
                    Ok(Found {
                        record: row.get(0)?,
                        at: row.get(1)?,
                        evidence: row.get(2)?,
                        details: row.get(3)?,
                        act: None,
                    })
                })?
                .collect::<sql::Result<_>>()?;
            let Some(last) = page.last() else { break };
            before = last.record;
            let theirs = page.into_iter().filter(|row| has(&row.details, member));
            let some: Vec<Found> = theirs.collect();
            of_key += some.len();
            found.extend(some);
        }
    }
    Ok(found)
}

/// The marks of a crowd that is told of by these parcels in these words: under the newest generation of the vault's key
/// first, then as older ones made them.
pub(crate) fn marks(vault: &Vault, holds: &[Hold], access: &Access) -> Vec<Digest> {
    let parcels = crate::meta::list(holds.iter().map(|hold| hold.id.as_str()));
    let words = Fields::new()
        .put(Tag::Parcels, parcels)
        .put(Tag::Members, details(access).finish());
    let words = sha256(&words.finish());
    let hex: String = words.iter().map(|byte| format!("{byte:02x}")).collect();
    vault.persons(&format!("told:{hex}"))
}

fn has(details: &[u8], member: Member) -> bool {
    let members = Meta::parse(details).and_then(|meta| meta.bytes(Tag::Members));
    let (members, _) = members.unwrap_or_default().as_chunks::<8>();
    members.binary_search(&member).is_ok()
}

fn place(digest: &Digest) -> (u8, Member) {
    let [set, m0, m1, m2, m3, m4, m5, m6, m7, ..] = *digest;
    (set, [m0, m1, m2, m3, m4, m5, m6, m7])
}

/// No kind of number begins so.
fn name(set: u8) -> String {
    format!("set:{set:02x}")
}

/// Rows that are held at once, a few KB each.
const PAGE: i64 = 64;
const BEFORE: &str = "SELECT record, at, evidence, details FROM access \
    WHERE person = ?1 AND record < ?2 ORDER BY record DESC LIMIT ?3";
