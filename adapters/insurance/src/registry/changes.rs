//! The change feed: rows written with the change they tell of, leased by state, owner and expiry.
//!
//! Ids are never compared with a cursor. Within a subject the order is kept: a row is leased only
//! together with, or after the acknowledgement of, every row before it, and acknowledged likewise.

use std::collections::HashMap;

use schemas::proto::Message;
use schemas::proto::insurance::{
    AckRequest, AckResponse, BirthCase, Change, DeathCase, DossierChange, EmployerChange,
    LeaseRequest, LeaseResponse, PersonChange, VitalNotice, change::What,
};

use super::{Desk, Error, Registry, Tx, facts};
use crate::sql::{Sql, dialect, values};

impl Registry {
    /// Leases the oldest changes that nobody holds; at most 500 at a time, for 1 to 600 seconds.
    ///
    /// # Errors
    /// `INVALID` where no owner is named.
    pub async fn lease(&self, request: LeaseRequest) -> Result<LeaseResponse, Error> {
        let owner = facts::owner(&request.owner)?;
        let max = request.max.clamp(1, LEASE_MAX);
        let seconds = request.lease_seconds.clamp(1, LEASE_SECONDS_MAX);
        self.write(Desk::Feed, "changes.lease", move |tx| {
            let now_ms = tx.now.as_millisecond();
            let until_ms = now_ms + i64::from(seconds) * 1000;
            let changes = in_turn(tx.sql, free(tx.sql, now_ms, max)?)?;
            for change in &changes {
                tx.sql.execute(
                    "UPDATE changes SET leased_by = ?2, leased_until_ms = ?3 WHERE id = ?1",
                    values![change.id, owner, until_ms],
                )?;
            }
            Ok(LeaseResponse { changes })
        })
        .await
    }

    /// Acknowledges changes that the owner leased last; counts those that are acknowledged by it now.
    ///
    /// A change whose predecessor within the subject is not acknowledged stays as it is.
    ///
    /// # Errors
    /// `INVALID` where no owner is named or more than 500 ids are.
    pub async fn ack(&self, request: AckRequest) -> Result<AckResponse, Error> {
        let owner = facts::owner(&request.owner)?;
        if request.ids.len() > LEASE_MAX as usize {
            return Err(facts::invalid("too-many", "ids"));
        }
        self.write(Desk::Feed, "changes.ack", move |tx| {
            let mut acknowledged = 0;
            for seq in in_order(tx.sql, &owner, &request.ids)? {
                acknowledged += acknowledge(tx, &owner, seq)?;
            }
            Ok(AckResponse { acknowledged })
        })
        .await
    }
}

/// Appends the next change of a dossier to the feed of its owner, in the transaction of the step.
pub(super) fn append(tx: &Tx<'_>, told: DossierChange) -> Result<(), Error> {
    let dossier = told
        .dossier
        .as_ref()
        .ok_or(Error::Corrupt("a change without its dossier"))?;
    let of = Subject {
        partner: &dossier.owner,
        name: dossier.code.clone(),
        // codes are ours, and unique for ever
        id: dossier.code.clone(),
        // a dossier's step has a time of its own: two of one second are told apart by it
        at: dossier.updated_at.clone(),
    };
    append_next(tx, &of, DOSSIER, told.encode_to_vec())
}

/// Appends the next change of an employer to the feed of one who watches.
///
/// The unit code names the subject: the tax code of a household business is its owner's PIN, which has no place in
/// an id. Several may watch, so the id names whom it is for.
pub(super) fn append_employer(
    tx: &Tx<'_>,
    partner: &str,
    told: EmployerChange,
) -> Result<(), Error> {
    let name = format!("employer.{}", told.unit_code);
    let of = Subject {
        partner,
        id: format!("{name}.{partner}"),
        name,
        at: facts::instant(tx.now),
    };
    append_next(tx, &of, EMPLOYER, told.encode_to_vec())
}

/// Appends a correction of a person to the feed of one who watches.
///
/// The row's own number names the subject: it says nothing of the person, and is theirs for ever.
pub(super) fn append_person(
    tx: &Tx<'_>,
    partner: &str,
    person: i64,
    told: &PersonChange,
) -> Result<(), Error> {
    let name = format!("person.{person}");
    let of = Subject {
        partner,
        id: format!("{name}.{partner}"),
        name,
        at: facts::instant(tx.now),
    };
    append_next(tx, &of, PERSON, told.encode_to_vec())
}

/// Appends a birth or a death to the feed of one who has subscribed.
///
/// The subject is the person's row, or the case that told of one who has none: it says nothing of the person.
pub(super) fn append_vital(
    tx: &Tx<'_>,
    partner: &str,
    subject: &str,
    told: &VitalNotice,
) -> Result<(), Error> {
    let of = Subject {
        partner,
        id: format!("{subject}.{partner}"),
        name: subject.to_owned(),
        at: facts::instant(tx.now),
    };
    append_next(tx, &of, VITAL, told.encode_to_vec())
}

/// Appends how a birth stands now to the feed of its sender, unless that was told last.
pub(super) fn append_birth(tx: &Tx<'_>, sender: &str, case: &BirthCase) -> Result<(), Error> {
    let of = Subject::of_case(tx, sender, "LTKS", &case.case_id);
    append_news(tx, &of, BIRTH, case.encode_to_vec())
}

/// The same of a death.
pub(super) fn append_death(tx: &Tx<'_>, sender: &str, case: &DeathCase) -> Result<(), Error> {
    let of = Subject::of_case(tx, sender, "LTKT", &case.case_id);
    append_news(tx, &of, DEATH, case.encode_to_vec())
}

/// Within what the order is kept.
struct Subject<'a> {
    partner: &'a str,
    name: String,
    /// What the ids of its changes begin with: one of another partner has another.
    id: String,
    /// When the next change of it is.
    at: String,
}

impl<'a> Subject<'a> {
    /// Case ids are their sender's: two senders may have the same one, and one may have it twice, by module.
    fn of_case(tx: &Tx<'_>, sender: &'a str, module: &str, case_id: &str) -> Self {
        let name = format!("{module}-{case_id}");
        Self {
            partner: sender,
            id: format!("{sender}.{name}"),
            name,
            at: facts::instant(tx.now),
        }
    }
}

fn append_next(
    tx: &Tx<'_>,
    of: &Subject<'_>,
    kind: &'static str,
    payload: Vec<u8>,
) -> Result<(), Error> {
    let last = last(tx.sql, of)?.map_or(0, |(sequence, _)| sequence);
    insert(tx, of, last + 1, kind, payload)
}

/// The next change, unless it tells what was told last.
fn append_news(
    tx: &Tx<'_>,
    of: &Subject<'_>,
    kind: &'static str,
    payload: Vec<u8>,
) -> Result<(), Error> {
    match last(tx.sql, of)? {
        Some((_, told)) if told == payload => Ok(()),
        Some((sequence, _)) => insert(tx, of, sequence + 1, kind, payload),
        None => insert(tx, of, 1, kind, payload),
    }
}

/// The newest change of a subject: its position, and what it told.
fn last(sql: &Sql, of: &Subject<'_>) -> Result<Option<(i64, Vec<u8>)>, Error> {
    Ok(sql.query_opt(
        "SELECT subject_sequence, payload FROM changes WHERE partner = ?1 AND subject = ?2
         ORDER BY subject_sequence DESC LIMIT 1",
        values![of.partner, of.name],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

fn insert(
    tx: &Tx<'_>,
    of: &Subject<'_>,
    sequence: i64,
    kind: &'static str,
    payload: Vec<u8>,
) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO changes (id, partner, subject, subject_sequence, at, kind, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            format!("{}.{sequence}", of.id),
            of.partner,
            of.name,
            sequence,
            of.at,
            kind,
            payload,
        ],
    )?;
    Ok(())
}

/// What a stored change tells.
fn told(kind: &str, payload: &[u8]) -> Result<What, Error> {
    let told = match kind {
        DOSSIER => DossierChange::decode(payload).map(What::Dossier),
        EMPLOYER => EmployerChange::decode(payload).map(What::Employer),
        BIRTH => BirthCase::decode(payload).map(What::Birth),
        DEATH => DeathCase::decode(payload).map(What::Death),
        PERSON => PersonChange::decode(payload).map(What::Person),
        VITAL => VitalNotice::decode(payload).map(What::Vital),
        _ => return Err(Error::Corrupt("a change of a kind that is not known")),
    };
    told.map_err(|_| Error::Corrupt("a stored change"))
}

/// Changes that nobody holds, oldest first; those that another gateway is taking or acknowledging right
/// now are left out.
fn free(sql: &Sql, now_ms: i64, max: u32) -> Result<Vec<Change>, Error> {
    let text = [
        "SELECT id, partner, subject, subject_sequence, at, kind, payload FROM changes c
         WHERE acked_at IS NULL AND (leased_until_ms IS NULL OR leased_until_ms <= ?1)
           AND NOT EXISTS (
             SELECT 1 FROM changes p
             WHERE p.partner = c.partner AND p.subject = c.subject AND p.subject_sequence < c.subject_sequence
               AND p.acked_at IS NULL AND p.leased_until_ms > ?1)
         ORDER BY seq LIMIT ?2",
        dialect::skip_locked(sql.engine()),
    ];
    let rows = sql.query(&text.concat(), values![now_ms, i64::from(max)], |row| {
        let change = Change {
            id: row.get(0)?,
            partner: row.get(1)?,
            subject: row.get(2)?,
            subject_sequence: u64::try_from(row.get::<i64>(3)?).unwrap_or_default(),
            at: row.get(4)?,
            what: None,
        };
        Ok((change, row.get::<String>(5)?, row.get::<Vec<u8>>(6)?))
    })?;
    let whole = |(mut change, kind, payload): (Change, String, Vec<u8>)| {
        change.what = Some(told(&kind, &payload)?);
        Ok(change)
    };
    rows.into_iter().map(whole).collect()
}

/// Those of the taken changes that are their subject's next, one after the other.
///
/// A row that was left out because another gateway has it in hand may be the predecessor of one that was
/// taken; the state after taking them says what is really next.
fn in_turn(sql: &Sql, taken: Vec<Change>) -> Result<Vec<Change>, Error> {
    let mut next: HashMap<(String, String), u64> = HashMap::new();
    let mut kept = Vec::with_capacity(taken.len());
    for change in taken {
        let subject = (change.partner.clone(), change.subject.clone());
        let due = match next.get(&subject) {
            Some(due) => *due,
            None => first_open(sql, &change)?,
        };
        let is_due = change.subject_sequence == due;
        next.insert(subject, due + u64::from(is_due));
        if is_due {
            kept.push(change);
        }
    }
    Ok(kept)
}

/// The first change of a subject that is not acknowledged.
fn first_open(sql: &Sql, change: &Change) -> Result<u64, Error> {
    let first: i64 = sql.query_one(
        "SELECT coalesce(min(subject_sequence), 0) FROM changes WHERE partner = ?1 AND subject = ?2 AND acked_at IS NULL",
        values![change.partner, change.subject],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(first).unwrap_or_default())
}

/// The rows of these ids that the owner leased, oldest first.
fn in_order(sql: &Sql, owner: &str, ids: &[String]) -> Result<Vec<i64>, Error> {
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let row: Option<i64> = sql.query_opt(
            "SELECT seq FROM changes WHERE id = ?1 AND leased_by = ?2",
            values![id, owner],
            |row| row.get(0),
        )?;
        rows.extend(row);
    }
    rows.sort_unstable();
    rows.dedup();
    Ok(rows)
}

/// 1 where the row is acknowledged now, whether by this call or an earlier one.
fn acknowledge(tx: &Tx<'_>, owner: &str, seq: i64) -> Result<u32, Error> {
    tx.sql.execute(
        "UPDATE changes AS c SET acked_at = ?2 WHERE seq = ?1 AND leased_by = ?3 AND acked_at IS NULL AND NOT EXISTS (
           SELECT 1 FROM changes p
           WHERE p.partner = c.partner AND p.subject = c.subject AND p.subject_sequence < c.subject_sequence
             AND p.acked_at IS NULL)",
        values![seq, facts::instant(tx.now), owner],
    )?;
    let done: bool = tx.sql.query_one(
        "SELECT acked_at IS NOT NULL FROM changes WHERE seq = ?1",
        values![seq],
        |row| row.get(0),
    )?;
    Ok(u32::from(done))
}

/// What a change tells of, as its row says it.
const DOSSIER: &str = "dossier";
const EMPLOYER: &str = "employer";
const BIRTH: &str = "birth";
const DEATH: &str = "death";
const PERSON: &str = "person";
const VITAL: &str = "vital";

const LEASE_MAX: u32 = 500;
const LEASE_SECONDS_MAX: u32 = 600;
