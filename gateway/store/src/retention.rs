//! Retention: what was kept as long as the agreement, the operation or the house says loses its keys.
//!
//! A round looks at the records of each chain in their order, once for every length of time that is in
//! force, and remembers how far it came; when the rules have changed it begins again from the first record, since
//! what it has passed may be due now. What is held, unanswered or still on its way stays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gateway_core::ports::{Acted, StoreError, THE_STORE};
use gateway_core::seal::sha256;

use crate::Store;
use crate::erasure::{self, Destroy, Mark, Plan, records_of, tombstone};
use crate::journal::{COLUMNS, Kind, Record};
use crate::meta::{Meta, Tag};
use crate::postgres::base_of;
use crate::sql::{self, Connection, OptionalExtension as _, params};

/// How long what is kept; nothing is for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// What no other rule names, and everything that was sent to partners.
    pub default: Option<Duration>,
    /// By the number of the agreement that permitted it: this wins.
    pub agreements: BTreeMap<String, Duration>,
    /// By operation.
    pub operations: BTreeMap<String, Duration>,
    /// The article under which it is destroyed; told in clear in the journal.
    pub law: String,
}

impl Retention {
    /// How long this record is kept.
    fn of(&self, record: &Record) -> Option<Duration> {
        let meta = Meta::parse(&record.metadata)?;
        let rule = meta.text(Tag::Rule);
        let agreement = rule.as_deref().and_then(|rule| rule.rsplit_once('/'));
        agreement
            .and_then(|(number, _)| self.agreements.get(number))
            .or_else(|| self.operations.get(&meta.text(Tag::Operation)?))
            .copied()
            .or(self.default)
    }

    /// What tells these rules from others; the law under which they destroy is no part of it.
    fn digest(&self) -> [u8; 32] {
        let mut text = Vec::new();
        let mut put = |name: &str, kept: Option<&Duration>| {
            text.extend((name.len() as u64).to_be_bytes());
            text.extend(name.as_bytes());
            text.extend(kept.map_or(u64::MAX, Duration::as_secs).to_be_bytes());
        };
        put("", self.default.as_ref());
        for table in [&self.agreements, &self.operations] {
            table.iter().for_each(|(name, kept)| put(name, Some(kept)));
            put("", None);
        }
        sha256(&text)
    }

    fn durations(&self) -> BTreeSet<Duration> {
        let named = self.agreements.values().chain(self.operations.values());
        named.copied().chain(self.default).collect()
    }
}

/// One page of one round.
struct Page {
    plan: Plan,
    /// How far it came; none where there was nothing due.
    upto: Option<i64>,
    is_last: bool,
}

impl Store {
    /// One round: destroys the keys of everything that is due; gives how many records.
    ///
    /// # Errors
    /// Where the store cannot write; what was done stays done.
    pub async fn retain(&self, retention: &Retention) -> Result<u64, StoreError> {
        let chains = self.0.readers.read(chains).await?;
        let mut destroyed = 0;
        for kept in retention.durations() {
            for chain in &chains {
                destroyed += self.retain_one(retention, kept, *chain).await?;
            }
        }
        Ok(destroyed)
    }

    async fn retain_one(
        &self,
        retention: &Retention,
        kept: Duration,
        chain: i64,
    ) -> Result<u64, StoreError> {
        let seconds = i64::try_from(kept.as_secs()).unwrap_or(i64::MAX);
        let before = self.now().saturating_sub(crate::micros(kept));
        let under = retention.digest();
        let mut destroyed = 0;
        loop {
            let rules = retention.clone();
            let page = move |conn: &Connection| {
                let from = came_to(conn, seconds, chain, &under)?;
                page(conn, &rules, kept, (from, base_of(chain + 1), before))
            };
            let page = self.0.readers.read(page).await?;
            let Some(upto) = page.upto else {
                return Ok(destroyed);
            };
            let records = page.plan.records.len() as u64;
            let made = (records > 0).then(|| {
                let words = (WHO, "kept as long as it has to be");
                let law = &retention.law;
                let records = &page.plan.records;
                let record = tombstone(&self.0.vault, "retention", THE_STORE, law, words, records);
                (record, THE_STORE.to_owned())
            });
            let destroy = Destroy {
                plan: page.plan,
                tombstone: made,
                mark: Some(Mark {
                    seconds,
                    chain,
                    seq: upto,
                    rules: under,
                }),
            };
            match self.0.writer.submit(destroy).await? {
                Acted::Done => destroyed += records,
                // A hold came in between: the next round sees it.
                _ => return Ok(destroyed),
            }
            if page.is_last {
                return Ok(destroyed);
            }
        }
    }
}

fn chains(conn: &Connection) -> sql::Result<Vec<i64>> {
    if !conn.is_postgres() {
        return Ok(vec![0]);
    }
    conn.prepare_cached("SELECT id FROM chain ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The last record that was looked at under these rules.
fn came_to(conn: &Connection, seconds: i64, chain: i64, under: &[u8; 32]) -> sql::Result<i64> {
    let mark: Option<i64> = conn
        .prepare_cached(CAME_TO)?
        .query_row(params![seconds, chain, *under], |row| row.get(0))
        .optional()?;
    Ok(mark.unwrap_or(base_of(chain)))
}

/// Looks at the next records between two numbers that are older than `before`.
fn page(
    conn: &Connection,
    retention: &Retention,
    kept: Duration,
    (after, end, before): (i64, i64, i64),
) -> sql::Result<Page> {
    let sql = format!(
        "SELECT {COLUMNS} FROM journal j WHERE j.seq > ?1 AND j.seq < ?2 ORDER BY j.seq LIMIT {PAGE}"
    );
    let records: Vec<Record> = conn
        .prepare_cached(&sql)?
        .query_map([after, end], Record::read)?
        .collect::<sql::Result<_>>()?;
    let mut page = Page {
        plan: Plan::default(),
        upto: None,
        is_last: records.len() < PAGE,
    };
    for record in &records {
        let is_due = record.at < before && page.plan.add(conn, record, retention, kept)?;
        if !is_due {
            page.is_last = true;
            break;
        }
        page.upto = Some(record.seq);
    }
    // Whose holds were looked at already; one that comes in between is looked for by all of their names.
    page.plan.records.sort_unstable();
    page.plan.records.dedup();
    Ok(page)
}

impl Plan {
    /// Takes what goes with this record; false where it is not over yet, so that the round stops before it.
    fn add(
        &mut self,
        conn: &Connection,
        record: &Record,
        retention: &Retention,
        kept: Duration,
    ) -> sql::Result<bool> {
        let group = match record.kind {
            Kind::Request if retention.of(record) == Some(kept) => Group::of_message(conn, record)?,
            Kind::Sending | Kind::Receipt if retention.default == Some(kept) => {
                Group::of_call(conn, record)?
            }
            // An answer goes with its request; refusals and acts hold nobody's content.
            _ => return Ok(true),
        };
        if group.is_open {
            return Ok(false);
        }
        let mut held = false;
        for name in &group.plan.names {
            held |= erasure::is_held(conn, name)?;
        }
        if !held {
            self.records.extend(group.plan.records);
            self.parcels.extend(group.plan.parcels);
            let new = group.plan.names.into_iter();
            let new: Vec<_> = new.filter(|name| !self.names.contains(name)).collect();
            self.names.extend(new);
        }
        Ok(true)
    }
}

/// What is destroyed together.
#[derive(Default)]
struct Group {
    plan: Plan,
    is_open: bool,
}

impl Group {
    /// Request, answer and the content of the parcels that came of it.
    fn of_message(conn: &Connection, request: &Record) -> sql::Result<Self> {
        let mut group = Self::default();
        let mut records = records_of(conn, &request.evidence)?;
        records.retain(|record| matches!(record.kind, Kind::Request | Kind::Answer));
        group.is_open = erasure::is_unanswered(conn, &records)?;
        group.plan.names.push(request.evidence().to_string());
        for record in &records {
            group.plan.take(record);
        }
        for parcel in crate::outbox::caused_by(conn, &request.evidence)? {
            use gateway_core::ports::ParcelState as State;
            group.is_open |= !matches!(parcel.state, State::Done | State::Cancelled);
            if !erasure::parcel_is_erased(conn, &parcel.id)? {
                group.plan.parcels.push(parcel.id);
            }
        }
        Ok(group)
    }

    /// A call or a receipt, under the names of the messages whose parcels it carried.
    fn of_call(conn: &Connection, call: &Record) -> sql::Result<Self> {
        let mut group = Self::default();
        group.plan.take(call);
        for id in erasure::parcels_of(call) {
            let cause: Option<Option<[u8; 16]>> = conn
                .prepare_cached("SELECT cause FROM outbox WHERE id = ?1")?
                .query_row(params![id], |row| row.get(0))
                .optional()?;
            if let Some(cause) = cause.flatten() {
                let cause = gateway_core::head::Evidence::from_bytes(cause);
                group.plan.names.push(cause.to_string());
            }
        }
        Ok(group)
    }
}

/// Who acts where no person does.
const WHO: &str = "lienthong";
const PAGE: usize = 500;
const CAME_TO: &str = "SELECT seq FROM retained WHERE seconds = ?1 AND chain = ?2 AND rules = ?3";
