//! All that is kept about one message, without its content: for `explain`.

use gateway_core::head::Evidence;
use gateway_core::ports::{Census, Story};

use crate::journal::{COLUMNS, Kind, Record};
use crate::meta::{Meta, Tag, time};
use crate::sql::{self, Connection, params};
use crate::{inbox, journal, outbox, refusals};

/// At most this many, newest first.
pub(crate) const STORIES_MAX: usize = 20;

/// Stories by evidence id and by message id.
pub(crate) fn stories(conn: &Connection, id: &str) -> sql::Result<Vec<Story>> {
    let mut records = match Evidence::parse(id) {
        Some(evidence) => beginnings(conn, &evidence)?,
        None => Vec::new(),
    };
    for request in inbox::requests_under(conn, id, STORIES_MAX as i64)? {
        if records.iter().all(|record| record.seq != request) {
            records.push(journal::record(conn, request)?);
        }
    }
    records.sort_by_key(|record| std::cmp::Reverse((record.at, record.seq)));
    records.truncate(STORIES_MAX);
    records.iter().map(|record| tell(conn, record)).collect()
}

/// Counts for the status page.
pub(crate) fn census(conn: &Connection) -> sql::Result<Census> {
    let (kept, _) = refusals::totals(conn)?;
    let records = journal::count(conn)?;
    Ok(Census {
        journal_records: records.unsigned_abs(),
        in_progress: inbox::open_count(conn)?.unsigned_abs(),
        quarantined: inbox::poison_count(conn)?.unsigned_abs(),
        refusals: kept.unsigned_abs(),
        lanes: outbox::lanes(conn)?,
        halted: None,
    })
}

/// The records with which a story begins: requests and refusals.
fn beginnings(conn: &Connection, evidence: &Evidence) -> sql::Result<Vec<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM journal j WHERE j.evidence = ?1 AND j.kind IN (1, 5) \
        ORDER BY j.seq DESC LIMIT ?2"
    );
    let bytes = evidence.as_bytes().as_slice();
    conn.prepare_cached(&sql)?
        .query_map(params![bytes, STORIES_MAX as i64], Record::read)?
        .collect()
}

fn tell(conn: &Connection, record: &Record) -> sql::Result<Story> {
    let story = begin(record)?;
    match record.kind {
        Kind::Request => go_on(conn, record, story),
        _ => Ok(story),
    }
}

/// What the request or the refusal itself says.
fn begin(record: &Record) -> sql::Result<Story> {
    let unreadable = || sql::Error::out_of_range(4, record.seq);
    let meta = Meta::parse(&record.metadata).ok_or_else(unreadable)?;
    Ok(Story {
        evidence: record.evidence(),
        sender: meta.partner(Tag::Sender),
        id: meta.message_id(),
        operation: meta.text(Tag::Operation),
        peer: meta.partner(Tag::Peer).ok_or_else(unreadable)?,
        road: meta.text(Tag::Road),
        proof: meta.text(Tag::Proof),
        rule: meta.text(Tag::Rule),
        purpose: meta.text(Tag::Purpose),
        fields: meta.text(Tag::FieldNames),
        received_at: meta.time(Tag::ReceivedAt).ok_or_else(unreadable)?,
        answered_at: None,
        status: None,
        fault: meta.text(Tag::Fault),
        reason: meta.text(Tag::Reason),
        room: meta.text(Tag::Room),
        leased_until: None,
        quarantined: None,
        journal: vec![record.seq.unsigned_abs()],
        parcels: Vec::new(),
        acts: Vec::new(),
    })
}

/// What came of the request.
fn go_on(conn: &Connection, record: &Record, mut story: Story) -> sql::Result<Story> {
    let Some(standing) = inbox::state_of(conn, record.seq)? else {
        return Ok(story);
    };
    story.leased_until = standing.leased_until;
    story.quarantined = standing.poison;
    if let Some(seq) = standing.answer {
        let answer = journal::record(conn, seq)?;
        let meta = Meta::parse(&answer.metadata).ok_or(sql::Error::out_of_range(4, answer.seq))?;
        story.answered_at = time(answer.at);
        story.status = meta.array(Tag::Status).map(u16::from_be_bytes);
        story.fault = meta.text(Tag::Fault);
        story.journal.push(seq.unsigned_abs());
        story.parcels = outbox::caused_by(conn, &record.evidence)?;
    }
    Ok(story)
}
