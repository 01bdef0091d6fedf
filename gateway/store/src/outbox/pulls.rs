//! Reconciliation pulls: planned once each, and what their answers are compared with.

mod judge;

use gateway_core::ports::{
    Answered, Found, ParcelState, Pull, PullStory, Receipted, StoreError, Told, Window,
};
use gateway_core::seal::{Sealed, Vault, is_erased};
use schemas::id::{MessageId, PartnerId};

pub(crate) use judge::{Judge, PutAgain};

use super::put::{SealedParcel, insert};
use super::{bound, instant, partner, state};
use crate::journal::{self, Record};
use crate::meta::time;
use crate::sql::{self, Connection, OptionalExtension as _, Row, params};
use crate::writer::{Command, RowError, Turn};

/// Pulls to plan, their parcels sealed.
#[derive(Debug)]
pub(crate) struct Plan(Vec<Planned>);

/// A pull and its parcel.
#[derive(Debug)]
pub(super) struct Planned {
    pull: Pull,
    parcel: SealedParcel,
}

impl Planned {
    pub(super) fn seal_all(
        vault: &Vault,
        pulls: Vec<(Pull, gateway_core::ports::Parcel)>,
    ) -> Result<Vec<Self>, StoreError> {
        let seal = |(pull, parcel)| {
            let parcel = SealedParcel::seal(vault, &parcel)?;
            Ok(Self { pull, parcel })
        };
        pulls.into_iter().map(seal).collect()
    }

    /// Its row, and only with it its parcel: whoever comes second plans nothing. False for them.
    pub(super) fn write(&self, turn: &mut Turn<'_>) -> Result<bool, RowError> {
        let Pull { partner, window } = &self.pull;
        let written = turn.conn.prepare_cached(PLAN)?.execute(params![
            self.pull.id(),
            partner.as_str(),
            window.from().as_microsecond(),
            window.until().as_microsecond(),
            turn.now,
        ])?;
        if written == 1 {
            insert(turn, &self.parcel, None)?;
        }
        Ok(written == 1)
    }
}

impl Plan {
    pub(crate) fn seal(
        vault: &Vault,
        pulls: Vec<(Pull, gateway_core::ports::Parcel)>,
    ) -> Result<Self, StoreError> {
        Planned::seal_all(vault, pulls).map(Self)
    }
}

impl Command for Plan {
    type Out = usize;
    const TAKES_IN: bool = true;

    fn moves_parcels(&self) -> bool {
        true
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<usize, RowError> {
        let mut new = 0;
        for planned in &self.0 {
            new += usize::from(planned.write(turn)?);
        }
        Ok(new)
    }
}

/// The end of the last window that was planned.
pub(crate) fn planned(conn: &Connection, partner: &PartnerId) -> sql::Result<Option<i64>> {
    let sql = "SELECT until_at FROM pull INDEXED BY pull_until WHERE partner = ?1 \
        ORDER BY until_at DESC LIMIT 1";
    conn.prepare_cached(sql)?
        .query_row([partner.as_str()], |row| row.get(0))
        .optional()
}

/// What a partner has receipted, still sealed.
#[derive(Debug)]
pub(crate) struct ToldRow {
    partner: String,
    named: Option<String>,
    content: Sealed,
    told: Told,
}

/// Everything of the subjects of which something was receipted in the window, and whether there are more
/// subjects than were asked for.
pub(crate) fn told(
    conn: &Connection,
    pull: &Pull,
    subjects_max: usize,
) -> sql::Result<(Vec<ToldRow>, bool)> {
    let Pull { partner, window } = pull;
    let most = i64::try_from(subjects_max).unwrap_or(i64::MAX);
    let (from, until) = (
        window.from().as_microsecond(),
        window.until().as_microsecond(),
    );
    let mut subjects: Vec<String> = conn
        .prepare_cached(SUBJECTS)?
        .query_map(
            params![partner.as_str(), from, until, most.saturating_add(1)],
            |row| row.get(0),
        )?
        .collect::<sql::Result<_>>()?;
    let more = subjects.len() > subjects_max;
    subjects.truncate(subjects_max);
    let mut all = Vec::new();
    let mut of_subject = conn.prepare_cached(TOLD)?;
    for subject in &subjects {
        let rows = of_subject.query_map([partner.as_str(), subject], ToldRow::read)?;
        let rows = rows.collect::<sql::Result<Vec<_>>>()?;
        // What was erased can be neither compared nor told again.
        all.extend(rows.into_iter().filter(|row| !row.is_erased()));
    }
    Ok((all, more))
}

impl ToldRow {
    fn is_erased(&self) -> bool {
        is_erased(&self.content.wrapped_key)
    }

    fn read(row: &Row<'_>) -> sql::Result<Self> {
        Ok(Self {
            partner: row.get(0)?,
            named: row.get(1)?,
            content: Sealed {
                wrapped_key: row.get(2)?,
                ciphertext: row.get(3)?,
            },
            told: Told {
                id: row.get(4)?,
                subject: row.get(5)?,
                sequence: row.get::<i64>(6)?.unsigned_abs(),
                kind: row.get(7)?,
                content: bytes::Bytes::new(),
                receipt: row.get::<i64>(8)?.unsigned_abs(),
                at: instant(row, 9)?,
                healed: row.get(10)?,
            },
        })
    }

    pub(crate) fn open(self, vault: &Vault) -> Result<Told, StoreError> {
        let told = self.told;
        let bound = bound(
            &self.partner,
            self.named.as_ref().unwrap_or(&told.id),
            &told.subject,
            i64::try_from(told.sequence).unwrap_or(i64::MAX),
            &told.kind,
        );
        let content = open(vault, &bound, &self.content, &told.id)?;
        Ok(Told {
            content: content.into(),
            ..told
        })
    }
}

fn open(vault: &Vault, bound: &[u8], content: &Sealed, id: &str) -> Result<Vec<u8>, StoreError> {
    let opened = vault.open(bound, content);
    opened.map_err(|error| StoreError::Corrupt(format!("parcel {id}: {}", error.reason())))
}

/// A pull with its answer, still sealed.
#[derive(Debug)]
pub(crate) struct AnsweredRow {
    pull: Pull,
    subject: String,
    sequence: i64,
    kind: String,
    content: Sealed,
    receipt: Record,
}

/// Pulls that have an answer and no judgement.
pub(crate) fn answered(
    conn: &Connection,
    partner: &PartnerId,
    max: usize,
) -> sql::Result<Vec<AnsweredRow>> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = conn
        .prepare_cached(ANSWERED)?
        .query_map(params![partner.as_str(), max], |row| {
            let receipt: i64 = row.get(8)?;
            Ok((
                pull(row)?,
                row.get::<String>(3)?,
                row.get::<i64>(4)?,
                row.get::<String>(5)?,
                Sealed {
                    wrapped_key: row.get(6)?,
                    ciphertext: row.get(7)?,
                },
                receipt,
            ))
        })?;
    let whole = rows.map(|row| {
        let (pull, subject, sequence, kind, content, receipt) = row?;
        Ok(AnsweredRow {
            pull,
            subject,
            sequence,
            kind,
            content,
            receipt: journal::record(conn, receipt)?,
        })
    });
    let whole = whole.collect::<sql::Result<Vec<AnsweredRow>>>()?;
    let readable = |row: &AnsweredRow| !row.receipt.is_erased();
    Ok(whole.into_iter().filter(readable).collect())
}

impl AnsweredRow {
    pub(crate) fn open(self, vault: &Vault) -> Result<Answered, StoreError> {
        let (id, partner) = (self.pull.id(), self.pull.partner.as_str());
        let bound = bound(partner, &id, &self.subject, self.sequence, &self.kind);
        let asked = open(vault, &bound, &self.content, &id)?;
        Ok(Answered {
            asked: asked.into(),
            answer: self.receipt.open(vault)?.into(),
            pull: self.pull,
        })
    }
}

/// One parcel that the partner was told, by what it takes to tell it again.
#[derive(Debug, Clone)]
pub(crate) struct ToldLine {
    pub(crate) id: String,
    pub(crate) receipt: u64,
    pub(crate) healed: u32,
}

/// What goes again where a parcel of one of these kinds is wanted again: it and what the partner receipted of its subject after it;
/// of one that is still on its way nothing. None where the partner was never told it.
pub(crate) fn wanted_again(
    conn: &Connection,
    partner: &PartnerId,
    kinds: &[&str],
    id: &MessageId,
) -> sql::Result<Option<Vec<ToldLine>>> {
    let sql = "SELECT subject, sequence, state = 2 AND receipt IS NOT NULL, state = 2, kind FROM outbox \
        WHERE id = ?1 AND partner = ?2";
    let found: Option<(String, i64, bool, bool, String)> = conn
        .prepare_cached(sql)?
        .query_row([id.as_str(), partner.as_str()], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .optional()?;
    let found = found.filter(|(.., kind)| kinds.contains(&kind.as_str()));
    let Some((subject, first, is_told, is_over, _)) = found else {
        return Ok(None);
    };
    match (is_told, is_over) {
        (true, _) => {}
        // cancelled by a person: never told, and never will be
        (false, true) => return Ok(None),
        (false, false) => return Ok(Some(Vec::new())),
    }
    let mut of_subject = conn.prepare_cached(TOLD)?;
    let rows = of_subject.query_map([partner.as_str(), &subject], ToldRow::read)?;
    let rows = rows.collect::<sql::Result<Vec<_>>>()?;
    let after = |row: &ToldRow| row.told.sequence >= first.unsigned_abs() && !row.is_erased();
    let line = |row: ToldRow| ToldLine {
        id: row.told.id,
        receipt: row.told.receipt,
        healed: row.told.healed,
    };
    Ok(Some(rows.into_iter().filter(after).map(line).collect()))
}

/// Whether the wish of this key was fulfilled.
pub(crate) fn is_fulfilled(conn: &Connection, key: &[u8; 32]) -> sql::Result<bool> {
    judge::is_fulfilled(conn, &judge::wish_target(key))
}

/// What a partner receipted in a window of parcels of these kinds: the oldest so many, and how many they are in all.
pub(crate) fn receipted(
    conn: &Connection,
    pull: &Pull,
    kinds: &[&str],
    max: usize,
) -> sql::Result<Receipted> {
    let Pull { partner, window } = pull;
    let until = window.until().as_microsecond();
    let (mut at, mut behind) = (window.from().as_microsecond(), String::new());
    let mut found = Receipted::default();
    loop {
        let page: Vec<(String, i64, String, Vec<u8>)> = conn
            .prepare_cached(RECEIPTED)?
            .query_map(
                params![partner.as_str(), at, behind, until, RECEIPTED_PAGE],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )?
            .collect::<sql::Result<_>>()?;
        let Some((id, due_at, ..)) = page.last() else {
            return Ok(found);
        };
        (at, behind) = (*due_at, id.clone());
        for (id, due_at, kind, wrapped_key) in page {
            if !kinds.contains(&kind.as_str()) || is_erased(&wrapped_key) {
                continue;
            }
            found.total += 1;
            if found.parcels.len() < max {
                let instant = time(due_at).ok_or(sql::Error::out_of_range(1, due_at))?;
                found.parcels.push((id, instant));
            }
        }
    }
}

/// Those of these ids of a sender that are in no row of the inbox.
pub(crate) fn never_came(
    conn: &Connection,
    sender: &PartnerId,
    ids: Vec<MessageId>,
) -> sql::Result<Vec<MessageId>> {
    let mut known = conn.prepare_cached(KNOWN)?;
    let mut never = Vec::new();
    for id in ids {
        if !known.query_row([id.as_str(), sender.as_str()], |row| row.get::<bool>(0))? {
            never.push(id);
        }
    }
    Ok(never)
}

/// Pulls as they stand, the newest window first.
pub(crate) fn list(
    conn: &Connection,
    of: Option<&PartnerId>,
    max: usize,
) -> sql::Result<Vec<PullStory>> {
    let max = i64::try_from(max.clamp(1, LIST_MAX)).unwrap_or(1);
    match of {
        Some(partner) => {
            let sql = format!(
                "SELECT {STORY} WHERE p.partner = ?1 ORDER BY p.until_at DESC, p.id LIMIT ?2"
            );
            let mut all = conn.prepare_cached(&sql)?;
            all.query_map(params![partner.as_str(), max], story)?
                .collect()
        }
        None => {
            let sql = format!("SELECT {STORY} ORDER BY p.until_at DESC, p.id LIMIT ?1");
            let mut all = conn.prepare_cached(&sql)?;
            all.query_map(params![max], story)?.collect()
        }
    }
}

/// One pull, and the record of its judgement.
pub(crate) fn one(conn: &Connection, id: &str) -> sql::Result<Option<(PullStory, Option<Record>)>> {
    let sql = format!("SELECT {STORY} WHERE p.id = ?1");
    let mut one = conn.prepare_cached(&sql)?;
    let Some(found) = one.query_row([id], story).optional()? else {
        return Ok(None);
    };
    let judged = found.found.map(|found| found.journal);
    let record = judged
        .map(|seq| journal::record(conn, seq.cast_signed()))
        .transpose()?;
    Ok(Some((found, record)))
}

fn story(row: &Row<'_>) -> sql::Result<PullStory> {
    let count = |column: usize| row.get::<i64>(column).map(i64::unsigned_abs);
    let judged: Option<i64> = row.get(8)?;
    let found = |journal: i64| {
        Ok::<_, sql::Error>(Found {
            journal: journal.unsigned_abs(),
            compared: count(9)?,
            again: count(10)?,
            given_up: count(11)?,
            never_came: count(12)?,
            instead: count(13)?,
        })
    };
    let stands: ParcelState = state(row.get(4)?, row.get(5)?)?;
    Ok(PullStory {
        pull: pull(row)?,
        planned_at: instant(row, 3)?,
        state: stands,
        attempts: row.get(6)?,
        reason: row.get(7)?,
        found: judged.map(found).transpose()?,
    })
}

/// Partner, from and until, in the first three columns.
fn pull(row: &Row<'_>) -> sql::Result<Pull> {
    let second = |column: usize| {
        let micros: i64 = row.get(column)?;
        let at = time(micros).ok_or(sql::Error::out_of_range(column, micros))?;
        Ok::<_, sql::Error>(at.as_second())
    };
    let until = second(2)?;
    let window = Window::between(second(1)?, until);
    Ok(Pull {
        partner: partner(row, 0)?,
        window: window.ok_or(sql::Error::out_of_range(2, until))?,
    })
}

/// At most so many in one answer.
const LIST_MAX: usize = 1_000;
const PLAN: &str = "INSERT INTO pull (id, partner, from_at, until_at, planned_at) \
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING";
/// Rows that are held at once of what was receipted.
const RECEIPTED_PAGE: i64 = 1_000;
const RECEIPTED: &str = "SELECT id, due_at, kind, wrapped_key FROM outbox INDEXED BY outbox_told \
    WHERE partner = ?1 AND state = 2 AND receipt IS NOT NULL AND due_at >= ?2 AND (due_at > ?2 OR id > ?3) \
    AND due_at < ?4 ORDER BY due_at, id LIMIT ?5";
const SUBJECTS: &str = "SELECT DISTINCT subject FROM outbox INDEXED BY outbox_told \
    WHERE partner = ?1 AND state = 2 AND receipt IS NOT NULL AND due_at >= ?2 AND due_at < ?3 \
    AND NOT EXISTS (SELECT 1 FROM pull p WHERE p.id = outbox.id) ORDER BY subject LIMIT ?4";
const TOLD: &str = "SELECT partner, named, wrapped_key, ciphertext, id, subject, sequence, kind, receipt, \
    due_at, healed FROM outbox INDEXED BY outbox_told_of \
    WHERE partner = ?1 AND subject = ?2 AND state = 2 AND receipt IS NOT NULL ORDER BY sequence, position";
const ANSWERED: &str = "SELECT p.partner, p.from_at, p.until_at, o.subject, o.sequence, o.kind, \
    o.wrapped_key, o.ciphertext, o.receipt FROM pull p JOIN outbox o ON o.id = p.id \
    WHERE p.partner = ?1 AND p.judged IS NULL AND o.state = 2 AND o.receipt IS NOT NULL \
    ORDER BY p.until_at LIMIT ?2";
const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM inbox WHERE message_id = ?1 AND sender = ?2)";
const STORY: &str = "p.partner, p.from_at, p.until_at, p.planned_at, o.state, o.receipt IS NOT NULL, \
    o.attempts, o.reason, p.judged, p.compared, p.again, p.given_up, p.never_came, p.instead \
    FROM pull p JOIN outbox o ON o.id = p.id";
