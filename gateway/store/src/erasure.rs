//! Lawful erasure: the keys of records are overwritten, the records and their chain stay.
//!
//! The tombstone is an act in the journal: who and why, sealed, and in clear under which article and which
//! records. `verify` takes a record without a key for erased where such an act names it, and for broken
//! where none does. A legal hold wins over everything here.

use gateway_core::head::Evidence;
use gateway_core::ports::{Act, Acted, ParcelState, StoreError};
use gateway_core::seal::{Vault, is_erased};

use crate::Store;
use crate::journal::{COLUMNS, Draft, Kind, Record};
use crate::meta::{Fields, Meta, Tag};
use crate::outbox;
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::writer::{Command, RowError, Turn};

/// What would be destroyed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Records, ascending.
    pub(crate) records: Vec<i64>,
    /// Ids of parcels whose content goes.
    pub(crate) parcels: Vec<String>,
    /// Whose holds forbid it: the message's and its partners'.
    pub(crate) names: Vec<String>,
}

/// Overwrites the keys of the plan's records and parcels, and writes down the act that says so, in one commit.
#[derive(Debug)]
pub(crate) struct Destroy {
    pub(crate) plan: Plan,
    /// None where only the mark moves.
    pub(crate) tombstone: Option<(Draft, String)>,
    /// How far retention has come.
    pub(crate) mark: Option<Mark>,
}

/// How far retention has come in one chain with what is kept for one length of time.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) seconds: i64,
    pub(crate) chain: i64,
    pub(crate) seq: i64,
    /// Under rules with this digest: under others it says nothing.
    pub(crate) rules: [u8; 32],
}

impl Command for Destroy {
    type Out = Acted;

    fn run(&self, turn: &mut Turn<'_>) -> Result<Acted, RowError> {
        for name in &self.plan.names {
            if is_held(turn.conn, name)? {
                return Ok(Acted::NotNow("legal-hold"));
            }
        }
        if let Some((record, target)) = &self.tombstone {
            let act = record.append(turn)?;
            turn.conn
                .prepare_cached("INSERT INTO act (seq, target) VALUES (?1, ?2)")?
                .execute(params![act, *target])?;
        }
        for seq in &self.plan.records {
            turn.conn
                .prepare_cached("UPDATE journal SET wrapped_key = ?2 WHERE seq = ?1")?
                .execute(params![*seq, NOTHING])?;
        }
        for id in &self.plan.parcels {
            turn.conn
                .prepare_cached("UPDATE outbox SET wrapped_key = ?2 WHERE id = ?1")?
                .execute(params![*id, NOTHING])?;
        }
        if let Some(mark) = &self.mark {
            turn.conn.prepare_cached(MARK)?.execute(params![
                mark.seconds,
                mark.chain,
                mark.seq,
                mark.rules
            ])?;
        }
        Ok(Acted::Done)
    }
}

/// The act that stands where the keys were. Who and why are sealed; the article and the records are not.
pub(crate) fn tombstone(
    vault: &Vault,
    deed: &str,
    target: &str,
    law: &str,
    (who, why): (&str, &str),
    records: &[i64],
) -> Draft {
    let metadata = Fields::new()
        .put(Tag::Deed, deed)
        .put(Tag::Target, target)
        .put(Tag::Law, law)
        .put(Tag::Records, ranges_of(records))
        .finish();
    let words = Fields::new().put(Tag::Who, who).put(Tag::Why, why).finish();
    Draft::seal(vault, Kind::Act, Evidence::fresh(), metadata, &words)
}

impl Store {
    /// Erases one message by hand.
    pub(crate) async fn erase(
        &self,
        evidence: Evidence,
        law: &str,
        act: &Act,
    ) -> Result<Acted, StoreError> {
        let planned = self
            .0
            .readers
            .read(move |conn| plan(conn, &evidence))
            .await?;
        let plan = match planned {
            Ok(plan) => plan,
            Err(acted) => return Ok(acted),
        };
        let target = evidence.to_string();
        let words = (act.who.as_str(), act.why.as_str());
        let record = tombstone(&self.0.vault, "erase", &target, law, words, &plan.records);
        let destroy = Destroy {
            plan,
            tombstone: Some((record, target)),
            mark: None,
        };
        self.0.writer.submit(destroy).await
    }
}

/// Whatever is kept of one message: its request and answer, its parcels, what was sent and receipted for them.
fn plan(conn: &Connection, evidence: &Evidence) -> sql::Result<Result<Plan, Acted>> {
    let mut records = records_of(conn, evidence.as_bytes())?;
    records.retain(|record| matches!(record.kind, Kind::Request | Kind::Answer));
    let Some(first) = records.first() else {
        return Ok(Err(Acted::NotFound));
    };
    if is_unanswered(conn, &records)? {
        return Ok(Err(Acted::NotNow("in-progress")));
    }
    let mut plan = Plan::default();
    plan.names.push(evidence.to_string());
    let (from, mut last) = (first.seq, first.seq);
    for record in &records {
        plan.take(record);
    }
    for parcel in outbox::caused_by(conn, evidence.as_bytes())? {
        if !matches!(parcel.state, ParcelState::Done | ParcelState::Cancelled) {
            return Ok(Err(Acted::NotNow("on-its-way")));
        }
        let records = [parcel.sending, parcel.receipt].into_iter().flatten();
        last = records.map(|seq| seq.cast_signed()).fold(last, i64::max);
        plan.parcels.push(parcel.id);
    }
    if !plan.parcels.is_empty() {
        plan.take_calls(conn, from, last)?;
    }
    if plan.records.is_empty() {
        return Ok(Err(Acted::AlreadySo));
    }
    plan.records.sort_unstable();
    plan.records.dedup();
    Ok(Ok(plan))
}

impl Plan {
    /// A record that still has its key, and whose it is.
    pub(crate) fn take(&mut self, record: &Record) {
        if !record.is_erased() {
            self.records.push(record.seq);
        }
        if let Some(meta) = Meta::parse(&record.metadata) {
            let named = [Tag::Sender, Tag::Partner]
                .into_iter()
                .filter_map(|tag| meta.text(tag));
            for name in named {
                if !self.names.contains(&name) {
                    self.names.push(name);
                }
            }
        }
    }

    /// The calls and receipts between two records that carried its parcels and no other message's. Each try
    /// is a record of its own, and nothing but its metadata says what it carried.
    fn take_calls(&mut self, conn: &Connection, from: i64, last: i64) -> sql::Result<()> {
        let sql = format!(
            "SELECT {COLUMNS} FROM journal j WHERE j.seq >= ?1 AND j.seq <= ?2 AND j.kind IN (3, 4) \
            ORDER BY j.seq"
        );
        let calls = conn
            .prepare_cached(&sql)?
            .query_map([from, last], Record::read)?;
        for call in calls {
            let call = call?;
            let carried = parcels_of(&call);
            if !carried.is_empty() && carried.iter().all(|id| self.parcels.contains(id)) {
                self.take(&call);
            }
        }
        Ok(())
    }
}

/// The parcels that a call or a receipt names.
pub(crate) fn parcels_of(record: &Record) -> Vec<String> {
    let Some(mut bytes) =
        Meta::parse(&record.metadata).and_then(|meta| meta.bytes(Tag::Parcels).map(<[u8]>::to_vec))
    else {
        return Vec::new();
    };
    let mut all = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((text, rest)) = rest.split_at_checked(length) else {
            break;
        };
        all.push(String::from_utf8_lossy(text).into_owned());
        bytes = rest.to_vec();
    }
    all
}

/// Whether somebody still acts upon it, or may.
pub(crate) fn is_unanswered(conn: &Connection, records: &[Record]) -> sql::Result<bool> {
    for record in records {
        if record.kind == Kind::Request
            && crate::inbox::state_of(conn, record.seq)?
                .is_some_and(|standing| standing.answer.is_none())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Every record that bears this evidence, in their order.
pub(crate) fn records_of(conn: &Connection, evidence: &[u8; 16]) -> sql::Result<Vec<Record>> {
    let sql = format!("SELECT {COLUMNS} FROM journal j WHERE j.evidence = ?1 ORDER BY j.seq");
    conn.prepare_cached(&sql)?
        .query_map([evidence.as_slice()], Record::read)?
        .collect()
}

/// Whether a hold stands on this evidence id or partner.
pub(crate) fn is_held(conn: &Connection, target: &str) -> sql::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM legal_hold WHERE target = ?1)")?
        .query_row([target], |row| row.get(0))
}

/// Whether a request bears this evidence.
pub(crate) fn is_known(conn: &Connection, evidence: &Evidence) -> sql::Result<bool> {
    Ok(crate::journal::request_of(conn, evidence.as_bytes())?.is_some())
}

/// Records by the acts that erased them.
#[derive(Debug, Default)]
pub(crate) struct Erased(Vec<(u64, u64)>);

impl Erased {
    /// Reads every act that erased something. Its metadata is part of its seal: one that was changed, or that
    /// somebody without the vault's key has made, does not open and names nothing.
    pub(crate) fn read(conn: &Connection, vault: &Vault) -> sql::Result<Self> {
        let sql =
            format!("SELECT {COLUMNS} FROM act a JOIN journal j ON j.seq = a.seq WHERE j.kind = 6");
        let mut ranges = Vec::new();
        let acts = conn.prepare_cached(&sql)?.query_map([], Record::read)?;
        for act in acts {
            // a misshapen row is found where it stands
            let Ok(act) = act else { continue };
            let named = Meta::parse(&act.metadata).and_then(|meta| meta.bytes(Tag::Records));
            let named = named.map(read_ranges).unwrap_or_default();
            if !named.is_empty() && act.open(vault).is_ok() {
                ranges.extend(named);
            }
        }
        Ok(Self(ranges))
    }

    /// Whether an act names this record.
    pub(crate) fn names(&self, seq: i64) -> bool {
        let seq = seq.unsigned_abs();
        self.0
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&seq))
    }
}

/// The tombstone over a record, still sealed: none where nothing erased it.
pub(crate) fn tombstone_of(conn: &Connection, seq: i64) -> sql::Result<Option<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM act a JOIN journal j ON j.seq = a.seq WHERE j.kind = 6 AND a.seq > ?1 \
        ORDER BY a.seq"
    );
    let acts = conn.prepare_cached(&sql)?.query_map([seq], Record::read)?;
    for act in acts {
        let act = act?;
        let named = Meta::parse(&act.metadata)
            .and_then(|meta| meta.bytes(Tag::Records).map(read_ranges))
            .unwrap_or_default();
        if Erased(named).names(seq) {
            return Ok(Some(act));
        }
    }
    Ok(None)
}

/// Whether the content of this parcel is gone.
pub(crate) fn parcel_is_erased(conn: &Connection, id: &str) -> sql::Result<bool> {
    let key: Option<Vec<u8>> = conn
        .prepare_cached("SELECT wrapped_key FROM outbox WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(key.is_none_or(|key| is_erased(&key)))
}

/// Ascending numbers as pairs of first and last, u64 big-endian.
fn ranges_of(records: &[i64]) -> Vec<u8> {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for seq in records {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *seq => *last = *seq,
            _ => ranges.push((*seq, *seq)),
        }
    }
    let pair = |(first, last): (i64, i64)| [first.to_be_bytes(), last.to_be_bytes()].concat();
    ranges.into_iter().flat_map(pair).collect()
}

fn read_ranges(bytes: &[u8]) -> Vec<(u64, u64)> {
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).unwrap_or_default();
    bytes
        .chunks_exact(16)
        .map(|pair| (number(&pair[..8]), number(&pair[8..])))
        .collect()
}

/// As long as a wrapped key, so that SQLite writes it over the old one in its place.
const NOTHING: [u8; 77] = [0; 77];
const MARK: &str = "INSERT INTO retained (seconds, chain, seq, rules) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT (seconds, chain) DO UPDATE SET seq = excluded.seq, rules = excluded.rules";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ranges_and_come_back() {
        let erased = Erased(read_ranges(&ranges_of(&[3, 4, 5, 9, 11, 12])));
        let named: Vec<i64> = (0..20).filter(|seq| erased.names(*seq)).collect();
        assert_eq!(named, [3, 4, 5, 9, 11, 12]);
        assert_eq!(ranges_of(&[3, 4, 5]).len(), 16);
        assert!(!Erased::default().names(0));
    }
}
