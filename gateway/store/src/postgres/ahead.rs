//! What a batch will ask of the inbox, asked for all its commands at once before the first of them runs; and
//! what they write there, kept until the end and written for all of them at once.
//!
//! The rows are locked, so nobody changes them before the commit: what stands here is what the database
//! holds, with what the batch has done to it so far. What was not asked for beforehand is not known here,
//! and is asked for by itself.

use std::collections::{HashMap, HashSet};

use super::Session;
use crate::inbox::Row;
use crate::sql::{self, Result, Value};

/// A sender and a message id.
pub(crate) type Name = (String, String);

/// What one command will need to know.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asks<'a> {
    /// The row of this sender and message id.
    Row(&'a str, &'a str),
    /// The claim that bears this evidence.
    Claim(&'a [u8; 16]),
}

/// How the claim of an evidence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Nobody ever claimed anything under it.
    Never,
    /// This request is the current one of its id, and has no answer.
    Open(i64),
    /// It was answered, or another has taken it over.
    Closed,
    /// Somebody else holds its row at this moment.
    Locked,
}

/// What is known ahead, and what waits to be written.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    rows: HashMap<Name, Option<Row>>,
    claims: HashMap<[u8; 16], Claimed>,
    names: HashMap<i64, Name>,
    /// Rows that somebody else holds at this moment.
    locked: HashSet<Name>,
    /// Whose request an open row holds.
    bearers: HashMap<i64, [u8; 16]>,
    new: New,
    taken: Taken,
    closed: Closed,
}

/// Rows to be inserted, as columns.
#[derive(Debug, Default)]
struct New {
    names: Vec<Name>,
    request: Vec<i64>,
    digest: Vec<[u8; 32]>,
    /// 0 where there is none: numbers begin at 1.
    answer: Vec<i64>,
    held_until: Vec<i64>,
}

/// Rows to be taken over, as columns.
#[derive(Debug, Default)]
struct Taken {
    names: Vec<Name>,
    request: Vec<i64>,
    held_until: Vec<i64>,
}

/// Rows to be closed, as columns.
#[derive(Debug, Default)]
struct Closed {
    names: Vec<Name>,
    answer: Vec<i64>,
}

/// The two questions of a batch, as parameters.
#[derive(Debug)]
pub(crate) struct Questions<'a> {
    ids: Vec<&'a str>,
    senders: Vec<&'a str>,
    evidence: Vec<&'a [u8]>,
    manner: Manner,
}

/// What to do about a row that another transaction holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Wait for it, as long as locks are waited for.
    Wait,
    /// Pass it by: whoever asked for it is told to come again, and only they.
    PassBy,
}

impl<'a> Questions<'a> {
    /// In one order everywhere, so that two replicas lock the same rows one behind the other.
    pub(crate) fn of(asked: impl Iterator<Item = Asks<'a>>, manner: Manner) -> Self {
        let (mut names, mut evidence) = (Vec::new(), Vec::new());
        for asks in asked {
            match asks {
                Asks::Row(sender, id) => names.push((id, sender)),
                Asks::Claim(bytes) => evidence.push(bytes.as_slice()),
            }
        }
        names.sort_unstable();
        names.dedup();
        evidence.sort_unstable();
        evidence.dedup();
        let (ids, senders) = names.into_iter().unzip();
        Self {
            ids,
            senders,
            evidence,
            manner,
        }
    }

    /// Each with its parameters; none where nothing is asked.
    pub(super) fn rows(&self) -> Option<(&'static str, [Value<'_>; 2])> {
        let values = [Value::Texts(&self.ids), Value::Texts(&self.senders)];
        let sql = match self.manner {
            Manner::Wait => ROWS,
            Manner::PassBy => ROWS_PASSING,
        };
        (!self.ids.is_empty()).then_some((sql, values))
    }

    pub(super) fn claims(&self) -> Option<(&'static str, [Value<'_>; 1])> {
        let values = [Value::Blobs(&self.evidence)];
        let sql = match self.manner {
            Manner::Wait => CLAIMS,
            Manner::PassBy => CLAIMS_PASSING,
        };
        (!self.evidence.is_empty()).then_some((sql, values))
    }
}

impl Ahead {
    /// Reads the answers to the questions.
    pub(crate) fn read(
        questions: &Questions<'_>,
        session: &Session,
        rows: &[tokio_postgres::Row],
        claims: &[tokio_postgres::Row],
    ) -> Result<Self> {
        let mut ahead = Self::default();
        for (id, sender) in questions.ids.iter().zip(&questions.senders) {
            let name = ((*sender).to_owned(), (*id).to_owned());
            ahead.rows.insert(name, None);
        }
        for row in rows {
            let row = sql::Row::Postgres(row);
            let name = (row.get(0)?, row.get(1)?);
            let (known, bearer) = (Row::read(&row, 2)?, row.get::<Option<_>>(6)?);
            if let Some(bearer) = bearer {
                ahead.bearers.insert(known.request, bearer);
            }
            ahead.rows.insert(name, Some(known));
        }
        for row in claims {
            let row = sql::Row::Postgres(row);
            let (request, answer): (i64, Option<i64>) = (row.get(1)?, row.get(4)?);
            ahead.names.insert(request, (row.get(2)?, row.get(3)?));
            let claimed = match answer {
                None => Claimed::Open(request),
                Some(_) => Claimed::Closed,
            };
            ahead.claims.insert(row.get(0)?, claimed);
        }
        ahead.look_for_others(questions, session)?;
        if questions.manner == Manner::PassBy {
            ahead.look_for_locked(questions, session)?;
        }
        Ok(ahead)
    }

    /// Rows that are there and were passed by.
    fn look_for_locked(&mut self, questions: &Questions<'_>, session: &Session) -> Result<()> {
        let Some((_, names)) = questions.rows() else {
            return Ok(());
        };
        let statement = session.prepare(PRESENT)?;
        for row in session.query(&statement, &names)? {
            let row = sql::Row::Postgres(&row);
            let name = (row.get(0)?, row.get(1)?);
            if self.rows.get(&name) == Some(&None) {
                self.locked.insert(name);
            }
        }
        Ok(())
    }

    /// Evidence whose request is no current one, or was passed by: taken over by another, or never
    /// claimed. Rare.
    fn look_for_others(&mut self, questions: &Questions<'_>, session: &Session) -> Result<()> {
        let is_known = |evidence: &&[u8]| self.claims.contains_key(*evidence);
        let all = questions.evidence.iter().copied();
        let others: Vec<&[u8]> = all.filter(|evidence| !is_known(evidence)).collect();
        if others.is_empty() {
            return Ok(());
        }
        for evidence in &others {
            if let Ok(evidence) = <[u8; 16]>::try_from(*evidence) {
                self.claims.insert(evidence, Claimed::Never);
            }
        }
        let statement = session.prepare(REQUESTS)?;
        for row in session.query(&statement, &[Value::Blobs(&others)])? {
            let row = sql::Row::Postgres(&row);
            let claimed = match row.get(1)? {
                true => Claimed::Locked,
                false => Claimed::Closed,
            };
            self.claims.insert(row.get(0)?, claimed);
        }
        Ok(())
    }

    /// The row of a name; nothing where it was not asked for.
    pub(crate) fn row(&self, sender: &str, id: &str) -> Option<Option<&Row>> {
        let name = (sender.to_owned(), id.to_owned());
        self.rows.get(&name).map(Option::as_ref)
    }

    /// Whether somebody else holds the row of this name.
    pub(crate) fn is_locked(&self, sender: &str, id: &str) -> bool {
        let name = (sender.to_owned(), id.to_owned());
        !self.locked.is_empty() && self.locked.contains(&name)
    }

    /// How the claim of an evidence stands; nothing where it was not asked for.
    pub(crate) fn claimed(&self, evidence: &[u8; 16]) -> Option<Claimed> {
        self.claims.get(evidence).copied()
    }

    /// The row of a new claim; it is written at the end.
    pub(crate) fn insert(&mut self, name: Name, row: Row, evidence: &[u8; 16]) {
        let claimed = match row.answer {
            None => Claimed::Open(row.request),
            Some(_) => Claimed::Closed,
        };
        self.claims.insert(*evidence, claimed);
        self.names.insert(row.request, name.clone());
        self.new.names.push(name.clone());
        self.new.request.push(row.request);
        self.new.digest.push(row.digest);
        self.new.answer.push(row.answer.unwrap_or(0));
        self.new.held_until.push(row.held_until.unwrap_or(0));
        self.rows.insert(name, Some(row));
    }

    /// Whether the request of this open row bears the evidence.
    pub(crate) fn bears(&self, request: i64, evidence: &[u8; 16]) -> bool {
        self.bearers.get(&request) == Some(evidence)
    }

    /// A row is taken over: it holds this request from now on; it is written at the end.
    pub(crate) fn take(&mut self, name: Name, row: Row, evidence: &[u8; 16]) {
        self.claims.insert(*evidence, Claimed::Open(row.request));
        self.names.insert(row.request, name.clone());
        self.bearers.insert(row.request, *evidence);
        self.taken.names.push(name.clone());
        self.taken.request.push(row.request);
        self.taken.held_until.push(row.held_until.unwrap_or(0));
        self.rows.insert(name, Some(row));
    }

    /// The open request gets its answer; it is written at the end. False where the request is not known
    /// here.
    pub(crate) fn close(&mut self, evidence: &[u8; 16], request: i64, answer: i64) -> bool {
        let Some(name) = self.names.get(&request).cloned() else {
            return false;
        };
        if let Some(Some(row)) = self.rows.get_mut(&name) {
            (row.answer, row.held_until) = (Some(answer), None);
        }
        self.claims.insert(*evidence, Claimed::Closed);
        self.closed.names.push(name);
        self.closed.answer.push(answer);
        true
    }

    /// Writes what waits now, and knows nothing any more: what comes is asked for by itself.
    pub(crate) fn flush(&mut self, session: &Session, writer: &str) -> Result<()> {
        self.rows.clear();
        self.claims.clear();
        self.written(writer, |all| {
            for (sql, values) in all {
                let statement = session.prepare(sql)?;
                session.execute(&statement, values)?;
            }
            Ok(())
        })
    }

    /// Gives the statements that write what waits to `then`, and forgets that it waits.
    pub(crate) fn written<T>(
        &mut self,
        writer: &str,
        then: impl FnOnce(&[(&str, &[Value<'_>])]) -> Result<T>,
    ) -> Result<T> {
        let (new, taken, closed) = (
            std::mem::take(&mut self.new),
            std::mem::take(&mut self.taken),
            std::mem::take(&mut self.closed),
        );
        let digest: Vec<&[u8]> = new.digest.iter().map(<[u8; 32]>::as_slice).collect();
        let (new_ids, new_senders) = columns(&new.names);
        let (taken_ids, taken_senders) = columns(&taken.names);
        let (ids, senders) = columns(&closed.names);
        let insert = [
            Value::Ints(&new.request),
            Value::Texts(&new_senders),
            Value::Texts(&new_ids),
            Value::Blobs(&digest),
            Value::Ints(&new.answer),
            Value::Text(writer),
            Value::Ints(&new.held_until),
        ];
        let take = [
            Value::Texts(&taken_ids),
            Value::Texts(&taken_senders),
            Value::Ints(&taken.request),
            Value::Text(writer),
            Value::Ints(&taken.held_until),
        ];
        let close = [
            Value::Texts(&ids),
            Value::Texts(&senders),
            Value::Ints(&closed.answer),
        ];
        let mut all: Vec<(&str, &[Value<'_>])> = Vec::new();
        if !new.request.is_empty() {
            all.push((INSERT, &insert));
        }
        if !taken.request.is_empty() {
            all.push((TAKE, &take));
        }
        if !closed.answer.is_empty() {
            all.push((CLOSE, &close));
        }
        then(&all)
    }

    /// Whether anything waits.
    pub(crate) fn waits(&self) -> bool {
        let waits = [&self.new.request, &self.taken.request, &self.closed.answer];
        waits.iter().any(|column| !column.is_empty())
    }
}

fn columns(names: &[Name]) -> (Vec<&str>, Vec<&str>) {
    names
        .iter()
        .map(|(sender, id)| (id.as_str(), sender.as_str()))
        .unzip()
}

// Each look-up goes by its index whatever the planner believes of a table that is new: what stands in a
// lateral query of its own cannot be turned into a walk over the whole table.
macro_rules! rows {
    ($lock:literal) => {
        concat!(
            "SELECT i.sender, i.message_id, i.request, i.digest, i.answer, \
            iif(i.owner IS NULL, NULL, i.leased_until), j.evidence \
            FROM unnest(?1::text[], ?2::text[]) AS w (id, sender) CROSS JOIN LATERAL (SELECT * FROM inbox i \
            WHERE i.message_id = w.id COLLATE \"C\" AND i.sender = w.sender COLLATE \"C\" FOR UPDATE",
            $lock,
            ") i LEFT JOIN LATERAL (SELECT j.evidence FROM journal j \
            WHERE j.seq = i.request AND i.answer IS NULL OFFSET 0) j ON true"
        )
    };
}
macro_rules! claims {
    ($lock:literal) => {
        concat!(
            "SELECT w.evidence, i.request, i.sender, i.message_id, i.answer \
            FROM unnest(?1::bytea[]) AS w (evidence) CROSS JOIN LATERAL (SELECT j.seq FROM journal j \
            WHERE j.evidence = w.evidence AND j.kind = 1 OFFSET 0) j \
            CROSS JOIN LATERAL (SELECT * FROM inbox i WHERE i.request = j.seq FOR UPDATE",
            $lock,
            ") i"
        )
    };
}
const ROWS: &str = rows!("");
const ROWS_PASSING: &str = rows!(" SKIP LOCKED");
const CLAIMS: &str = claims!("");
const CLAIMS_PASSING: &str = claims!(" SKIP LOCKED");
const PRESENT: &str = "SELECT i.sender, i.message_id FROM unnest(?1::text[], ?2::text[]) AS w (id, sender) \
    CROSS JOIN LATERAL (SELECT * FROM inbox i \
    WHERE i.message_id = w.id COLLATE \"C\" AND i.sender = w.sender COLLATE \"C\" OFFSET 0) i";
/// The current one last, where there are several.
const REQUESTS: &str = "SELECT w.evidence, i.request IS NOT NULL AND i.answer IS NULL \
    FROM unnest(?1::bytea[]) AS w (evidence) CROSS JOIN LATERAL (SELECT j.seq FROM journal j \
    WHERE j.evidence = w.evidence AND j.kind = 1 OFFSET 0) j \
    LEFT JOIN LATERAL (SELECT * FROM inbox i WHERE i.request = j.seq OFFSET 0) i ON true ORDER BY 2";
const INSERT: &str = "INSERT INTO inbox \
    (request, sender, message_id, digest, answer, owner, leased_until) \
    SELECT r.request, r.sender, r.id, r.digest, nullif(r.answer, 0), \
    CASE WHEN r.answer = 0 THEN ?6::text END, CASE WHEN r.answer = 0 THEN r.until END \
    FROM unnest(?1::bigint[], ?2::text[], ?3::text[], ?4::bytea[], ?5::bigint[], ?7::bigint[]) \
    AS r (request, sender, id, digest, answer, until)";
// The rows that these change are locked and were open when they were read: their name is enough.
const TAKE: &str = "UPDATE inbox i SET request = r.request, owner = ?4::text, leased_until = r.until, \
    poison = NULL FROM unnest(?1::text[], ?2::text[], ?3::bigint[], ?5::bigint[]) \
    AS r (id, sender, request, until) \
    WHERE i.message_id = r.id COLLATE \"C\" AND i.sender = r.sender COLLATE \"C\"";
const CLOSE: &str = "UPDATE inbox i SET answer = r.answer, owner = NULL, leased_until = NULL, poison = NULL \
    FROM unnest(?1::text[], ?2::text[], ?3::bigint[]) AS r (id, sender, answer) \
    WHERE i.message_id = r.id COLLATE \"C\" AND i.sender = r.sender COLLATE \"C\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_asked_once_and_in_one_order() {
        let (a, b) = ([1; 16], [2; 16]);
        let asked = [
            Asks::Row("tax", "m-2"),
            Asks::Claim(&b),
            Asks::Row("civil", "m-2"),
            Asks::Row("tax", "m-2"),
            Asks::Claim(&a),
            Asks::Row("tax", "m-1"),
        ];
        let questions = Questions::of(asked.into_iter(), Manner::Wait);
        assert_eq!(questions.ids, ["m-1", "m-2", "m-2"]);
        assert_eq!(questions.senders, ["tax", "civil", "tax"]);
        assert_eq!(questions.evidence, [a.as_slice(), b.as_slice()]);
        let none = Questions::of(std::iter::empty(), Manner::PassBy);
        assert!(none.rows().is_none() && none.claims().is_none());
    }

    #[test]
    fn what_the_batch_has_done_is_seen_by_the_commands_behind_it() {
        let mut ahead = Ahead::default();
        let name = ("tax".to_owned(), "m-1".to_owned());
        let row = Row {
            request: 7,
            digest: [1; 32],
            answer: None,
            held_until: Some(9),
        };
        assert_eq!(ahead.row("tax", "m-1"), None);
        ahead.insert(name, row.clone(), &[3; 16]);
        assert_eq!(ahead.row("tax", "m-1"), Some(Some(&row)));
        assert_eq!(ahead.claimed(&[3; 16]), Some(Claimed::Open(7)));
        assert!(ahead.close(&[3; 16], 7, 8));
        assert!(!ahead.close(&[4; 16], 9, 10), "it was not asked for");
        let answered = ahead.row("tax", "m-1").flatten().unwrap();
        assert_eq!((answered.answer, answered.held_until), (Some(8), None));
        assert_eq!(ahead.claimed(&[3; 16]), Some(Claimed::Closed));
        assert!(ahead.waits());
    }
}
