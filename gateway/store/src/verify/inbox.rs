//! The inbox and the access ledger, held against the records that they point to.

use super::walk::Walk;
use super::{Broken, What, broken, unreadable};
use crate::access;
use crate::journal::{Kind, Record};
use crate::meta::{Meta, Tag};
use crate::postgres::chain_of;
use crate::sql::{self, Connection, OptionalExtension as _, Row};

impl Walk<'_> {
    /// The inbox row of a request names its sender, id and content; the row of an answer's request
    /// names the answer.
    pub(super) fn inbox_agrees(&mut self, record: &Record) -> Result<(), What> {
        let agrees = match record.kind {
            Kind::Request => self.request_agrees(record),
            Kind::Answer => self.answer_agrees(record),
            Kind::Sending | Kind::Receipt | Kind::Refusal | Kind::Act => Ok(true),
        };
        match agrees {
            Ok(true) => Ok(()),
            Ok(false) => Err(What::Inbox),
            Err(error) => Err(What::Shape(error.to_string())),
        }
    }

    /// An answer, what was sent, or the act of whoever looked a person up, names the rows beside it.
    pub(super) fn ledger_agrees(&self, record: &Record) -> Result<(), What> {
        if !matches!(record.kind, Kind::Answer | Kind::Sending | Kind::Act) {
            return Ok(());
        }
        match access::agrees(self.conn, record) {
            Ok(true) => Ok(()),
            Ok(false) => Err(What::Ledger),
            Err(error) => Err(What::Shape(error.to_string())),
        }
    }

    fn request_agrees(&self, record: &Record) -> sql::Result<bool> {
        let row = self
            .conn
            .prepare_cached(INBOX_OF_REQUEST)?
            .query_row([record.seq], |row| {
                Ok((
                    row.get::<String>(0)?,
                    row.get::<String>(1)?,
                    row.get::<Vec<u8>>(2)?,
                ))
            })
            .optional()?;
        // A request without a row was taken over by a later one.
        let Some((sender, id, digest)) = row else {
            return Ok(true);
        };
        let Some(meta) = Meta::parse(&record.metadata) else {
            return Ok(false);
        };
        Ok(meta.bytes(Tag::Sender) == Some(sender.as_bytes())
            && meta.bytes(Tag::MessageId) == Some(id.as_bytes())
            && meta.bytes(Tag::ContentDigest) == Some(&digest))
    }

    fn answer_agrees(&mut self, record: &Record) -> sql::Result<bool> {
        let mut statement = self.conn.prepare_cached(ANSWER_OF_EVIDENCE)?;
        let requests: Vec<(i64, Option<i64>)> = statement
            .query_map([record.evidence.as_slice()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<sql::Result<_>>()?;
        if requests
            .iter()
            .any(|(_, answer)| *answer == Some(record.seq))
        {
            return Ok(true);
        }
        // Its request may stand in a part that was detached, or is about to be: then its id is forgotten.
        // One that stands here has its row.
        if self.look_for_cut().is_err() {
            return Ok(false);
        }
        let is_cut = |(request, _): &(i64, Option<i64>)| {
            let cut = self.cuts.get(&chain_of(*request));
            cut.is_some_and(|cut| *request <= cut.seq)
        };
        Ok(!self.cuts.is_empty() && requests.iter().all(is_cut))
    }
}

/// Every inbox row stands for a request, and its answer, if any, for the answer of that request. Page by
/// page: each is one statement, and so sees row and records as one commit left them.
pub(super) fn stray_inbox(conn: &Connection) -> Result<(), Broken> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<(i64, bool)> = conn
            .prepare_cached(INBOX_PAGE)
            .and_then(|mut page| {
                let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                page.query_map([after, INBOX_ROWS], read)?.collect()
            })
            .map_err(|error| unreadable(0, &error))?;
        if let Some((seq, _)) = page.iter().find(|(_, is_stray)| *is_stray) {
            return Err(broken(seq.unsigned_abs(), What::Inbox));
        }
        match page.last() {
            Some((last, _)) => after = *last,
            None => return Ok(()),
        }
    }
}

const INBOX_OF_REQUEST: &str = "SELECT sender, message_id, digest FROM inbox WHERE request = ?1";
const ANSWER_OF_EVIDENCE: &str = "SELECT j.seq, i.answer FROM journal j \
    LEFT JOIN inbox i ON i.request = j.seq WHERE j.evidence = ?1 AND j.kind = 1";
const INBOX_PAGE: &str = "SELECT i.request, coalesce(j.kind, 0) <> 1 OR (i.answer IS NOT NULL AND \
    (coalesce(a.kind, 0) <> 2 OR a.evidence IS DISTINCT FROM j.evidence)) \
    FROM (SELECT request, answer FROM inbox WHERE request > ?1 ORDER BY request LIMIT ?2) i \
    LEFT JOIN journal j ON j.seq = i.request LEFT JOIN journal a ON a.seq = i.answer ORDER BY i.request";
/// Rows of the inbox in one statement.
const INBOX_ROWS: i64 = 1_000;
