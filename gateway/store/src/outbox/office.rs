//! What persons do about the way out: each act a record of its own kind in the journal, in the same
//! commit as what it changes.

use gateway_core::head::Evidence;
use gateway_core::ports::{
    Act, ActStory, Acted, Deed, Order, Orders, ParcelState, Stop, StoreError, schedule_order,
};
use gateway_core::seal::Vault;

use super::front::refresh_front;
use super::{partner, registration, state};
use crate::access::Shown;
use crate::erasure;
use crate::inbox::recover_again;
use crate::journal::{COLUMNS, Draft, Kind, Record};
use crate::meta::{Fields, Meta, Tag, missing, time};
use crate::recovering;
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::time_mark;
use crate::writer::{Command, RowError, Turn};

/// An act, sealed and ready to be done.
#[derive(Debug)]
pub(crate) struct Perform {
    deed: Deed,
    record: Draft,
    shown: Shown,
}

impl Perform {
    /// Who and why are sealed: an operator's words may name a person.
    pub(crate) fn seal(vault: &Vault, act: Act) -> Self {
        Self::telling(vault, act, Shown::default())
    }

    /// The same with rows of the access ledger beside it.
    pub(crate) fn telling(vault: &Vault, act: Act, shown: Shown) -> Self {
        let metadata = Fields::new()
            .put(Tag::Deed, act.deed.word())
            .put(Tag::Target, act.deed.target())
            .put_some(Tag::Shown, shown.digest())
            .finish();
        let words = Fields::new()
            .put(Tag::Who, &act.who)
            .put(Tag::Why, &act.why)
            .put_some(Tag::Terms, registration::terms(&act.deed))
            .finish();
        Self {
            record: Draft::seal(vault, Kind::Act, Evidence::fresh(), metadata, &words),
            deed: act.deed,
            shown,
        }
    }

    /// Writes the act down; what it changes follows in the same commit.
    pub(super) fn write(&self, turn: &mut Turn<'_>) -> Result<i64, RowError> {
        let seq = self.record.append(turn)?;
        self.shown.write(turn, seq, self.record.evidence)?;
        let sql = "INSERT INTO act (seq, target) VALUES (?1, ?2)";
        turn.conn
            .prepare_cached(sql)?
            .execute(params![seq, self.deed.target()])?;
        Ok(seq)
    }

    fn stop(&self, turn: &mut Turn<'_>, partner: &str, stop: Stop) -> Result<Acted, RowError> {
        if has_order(turn.conn, partner, stop)? {
            return Ok(Acted::AlreadySo);
        }
        let seq = self.write(turn)?;
        let sql = "INSERT INTO standing_order (partner, stop, act) VALUES (?1, ?2, ?3)";
        turn.conn
            .prepare_cached(sql)?
            .execute(params![partner, stop as i64, seq])?;
        Ok(Acted::Done)
    }

    fn go_on(&self, turn: &mut Turn<'_>, partner: &str, stop: Stop) -> Result<Acted, RowError> {
        if !has_order(turn.conn, partner, stop)? {
            return Ok(Acted::AlreadySo);
        }
        self.write(turn)?;
        let sql = "DELETE FROM standing_order WHERE partner = ?1 AND stop = ?2";
        turn.conn
            .prepare_cached(sql)?
            .execute(params![partner, stop as i64])?;
        Ok(Acted::Done)
    }

    fn stop_operation(
        &self,
        turn: &mut Turn<'_>,
        partner: &str,
        operation: &str,
    ) -> Result<Acted, RowError> {
        if is_stopped_operation(turn.conn, partner, operation)? {
            return Ok(Acted::AlreadySo);
        }
        let seq = self.write(turn)?;
        let sql = "INSERT INTO stopped_operation (partner, operation, act) VALUES (?1, ?2, ?3)";
        turn.conn
            .prepare_cached(sql)?
            .execute(params![partner, operation, seq])?;
        Ok(Acted::Done)
    }

    fn resume_operation(
        &self,
        turn: &mut Turn<'_>,
        partner: &str,
        operation: &str,
    ) -> Result<Acted, RowError> {
        if !is_stopped_operation(turn.conn, partner, operation)? {
            return Ok(Acted::AlreadySo);
        }
        self.write(turn)?;
        let sql = "DELETE FROM stopped_operation WHERE partner = ?1 AND operation = ?2";
        turn.conn
            .prepare_cached(sql)?
            .execute(params![partner, operation])?;
        Ok(Acted::Done)
    }

    fn replay(&self, turn: &mut Turn<'_>, id: &str) -> Result<Acted, RowError> {
        let Some(parcel) = Parcel::find(turn, id)? else {
            return Ok(Acted::NotFound);
        };
        match parcel.state {
            ParcelState::Leased => Ok(Acted::NotNow("being-sent")),
            ParcelState::Done => Ok(Acted::NotNow("delivered")),
            ParcelState::Cancelled => Ok(Acted::NotNow("cancelled")),
            ParcelState::Waiting | ParcelState::Dead | ParcelState::Poison => {
                self.write(turn)?;
                let mut replay = turn.conn.prepare_cached(REPLAY)?;
                replay.execute(params![id, turn.now])?;
                Ok(Acted::Done)
            }
        }
    }

    fn cancel(&self, turn: &mut Turn<'_>, id: &str) -> Result<Acted, RowError> {
        let Some(parcel) = Parcel::find(turn, id)? else {
            return Ok(Acted::NotFound);
        };
        match parcel.state {
            ParcelState::Leased => Ok(Acted::NotNow("being-sent")),
            ParcelState::Done => Ok(Acted::NotNow("delivered")),
            ParcelState::Cancelled => Ok(Acted::AlreadySo),
            ParcelState::Waiting | ParcelState::Dead | ParcelState::Poison => {
                self.write(turn)?;
                let mut cancel = turn.conn.prepare_cached(CANCEL)?;
                cancel.execute(params![id, turn.now])?;
                refresh_front(turn, &parcel.partner, &parcel.subject)?;
                Ok(Acted::Done)
            }
        }
    }

    fn hold(&self, turn: &mut Turn<'_>, target: &str) -> Result<Acted, RowError> {
        if erasure::is_held(turn.conn, target)? {
            return Ok(Acted::AlreadySo);
        }
        if let Some(evidence) = Evidence::parse(target)
            && !erasure::is_known(turn.conn, &evidence)?
        {
            return Ok(Acted::NotFound);
        }
        let act = self.write(turn)?;
        turn.conn
            .prepare_cached("INSERT INTO legal_hold (target, act) VALUES (?1, ?2)")?
            .execute(params![target, act])?;
        Ok(Acted::Done)
    }

    /// Retention begins again from the first record: what the hold kept may be due long since.
    fn unhold(&self, turn: &mut Turn<'_>, target: &str) -> Result<Acted, RowError> {
        if !erasure::is_held(turn.conn, target)? {
            return Ok(Acted::AlreadySo);
        }
        self.write(turn)?;
        turn.conn
            .prepare_cached("DELETE FROM legal_hold WHERE target = ?1")?
            .execute([target])?;
        turn.conn
            .prepare_cached("DELETE FROM retained")?
            .execute([])?;
        Ok(Acted::Done)
    }

    fn export(&self, turn: &mut Turn<'_>, evidence: &Evidence) -> Result<Acted, RowError> {
        if !erasure::is_known(turn.conn, evidence)? {
            return Ok(Acted::NotFound);
        }
        self.write(turn)?;
        Ok(Acted::Done)
    }

    fn recover(&self, turn: &mut Turn<'_>, evidence: &Evidence) -> Result<Acted, RowError> {
        let Some(request) = turn.request_of(evidence.as_bytes())? else {
            return Ok(Acted::NotFound);
        };
        if !recover_again(turn, request)? {
            return Ok(Acted::NotNow("not-in-quarantine"));
        }
        self.write(turn)?;
        Ok(Acted::Done)
    }
}

impl Command for Perform {
    type Out = Acted;

    fn moves_parcels(&self) -> bool {
        matches!(self.deed, Deed::Replay(_) | Deed::Cancel(_))
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<Acted, RowError> {
        match &self.deed {
            Deed::PauseLane(partner) => self.stop(turn, partner.as_str(), Stop::Lane),
            Deed::ResumeLane(partner) => self.go_on(turn, partner.as_str(), Stop::Lane),
            Deed::SuspendPartner(partner) => self.stop(turn, partner.as_str(), Stop::Partner),
            Deed::ResumePartner(partner) => self.go_on(turn, partner.as_str(), Stop::Partner),
            Deed::RetirePartner(partner) => self.stop(turn, partner.as_str(), Stop::Retired),
            Deed::SuspendOperation(partner, operation) => {
                self.stop_operation(turn, partner.as_str(), operation)
            }
            Deed::ResumeOperation(partner, operation) => {
                self.resume_operation(turn, partner.as_str(), operation)
            }
            Deed::PauseSchedule(partner, name) => {
                self.stop_operation(turn, partner.as_str(), &schedule_order(name))
            }
            Deed::ResumeSchedule(partner, name) => {
                self.resume_operation(turn, partner.as_str(), &schedule_order(name))
            }
            Deed::Adopt(adoption) => registration::adopt(self, turn, adoption),
            Deed::LookUp(_)
            | Deed::Denied(_)
            | Deed::StartSchedule(..)
            | Deed::AskTax(..)
            | Deed::Ledger { .. } => {
                self.write(turn)?;
                Ok(Acted::Done)
            }
            Deed::Replay(parcel) => self.replay(turn, parcel),
            Deed::Cancel(parcel) => self.cancel(turn, parcel),
            Deed::Recover(evidence) => self.recover(turn, evidence),
            Deed::Restore(cut) => {
                let act = self.write(turn)?;
                recovering::mark(turn, act, *cut)?;
                Ok(Acted::Done)
            }
            Deed::Release if recovering::is_marked(turn)? => {
                let act = self.write(turn)?;
                recovering::release(turn, act)
            }
            Deed::Release => Ok(Acted::AlreadySo),
            Deed::Hold(target) => self.hold(turn, target),
            Deed::Unhold(target) => self.unhold(turn, target),
            Deed::Export(evidence) => self.export(turn, evidence),
            // It names records, which are looked up before it is sealed.
            Deed::Erase { .. } => Err(RowError::refused("an erasure without its records")),
            Deed::AcceptClock if time_mark::is_ahead(turn)? => {
                let act = self.write(turn)?;
                time_mark::accept(turn, act)?;
                Ok(Acted::Done)
            }
            Deed::AcceptClock => Ok(Acted::AlreadySo),
        }
    }
}

/// What an act has to know of a parcel.
struct Parcel {
    partner: String,
    subject: String,
    state: ParcelState,
}

impl Parcel {
    /// A lease that is over counts as waiting.
    fn find(turn: &Turn<'_>, id: &str) -> Result<Option<Self>, RowError> {
        let sql = "SELECT partner, subject, iif(state = 1 AND due_at <= ?2, 0, state), \
            receipt IS NOT NULL FROM outbox WHERE id = ?1/*pg  FOR UPDATE*/";
        let found = turn
            .conn
            .prepare_cached(sql)?
            .query_row(params![id, turn.now], |row| {
                Ok(Self {
                    partner: row.get(0)?,
                    subject: row.get(1)?,
                    state: state(row.get(2)?, row.get(3)?)?,
                })
            })
            .optional()?;
        Ok(found)
    }
}

/// Whether nothing may go out to this partner.
pub(super) fn is_stopped(turn: &Turn<'_>, partner: &str) -> sql::Result<bool> {
    if turn.terms.fence.is_up() {
        return Ok(true);
    }
    turn.conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM standing_order WHERE partner = ?1)")?
        .query_row([partner], |row| row.get(0))
}

fn is_stopped_operation(conn: &Connection, partner: &str, operation: &str) -> sql::Result<bool> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM stopped_operation WHERE partner = ?1 AND operation = ?2)";
    conn.prepare_cached(sql)?
        .query_row(params![partner, operation], |row| row.get(0))
}

fn has_order(conn: &Connection, partner: &str, stop: Stop) -> sql::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM standing_order WHERE partner = ?1 AND stop = ?2)";
    conn.prepare_cached(sql)?
        .query_row(params![partner, stop as i64], |row| row.get(0))
}

/// The records of all acts on one target, oldest first.
pub(crate) fn acts_of(conn: &Connection, target: &str) -> sql::Result<Vec<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM act a JOIN journal j ON j.seq = a.seq \
        WHERE a.target = ?1 ORDER BY /*pg a.place, */a.seq LIMIT {ACTS_MAX}"
    );
    conn.prepare_cached(&sql)?
        .query_map([target], Record::read)?
        .collect()
}

/// The records of the newest acts, newest first.
pub(crate) fn newest_acts(conn: &Connection, max: usize) -> sql::Result<Vec<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM act a JOIN journal j ON j.seq = a.seq ORDER BY /*pg a.place DESC, */a.seq DESC LIMIT ?1"
    );
    let max = i64::try_from(max.min(ACTS_MAX)).unwrap_or(1);
    conn.prepare_cached(&sql)?
        .query_map([max], Record::read)?
        .collect()
}

/// The record of the newest act of this deed whose target begins so; the index of targets leads to these alone.
pub(crate) fn newest_act(
    conn: &Connection,
    deed: &str,
    target_begins: &str,
) -> sql::Result<Option<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM act a JOIN journal j ON j.seq = a.seq \
        WHERE a.target >= ?1 AND a.target < ?2 ORDER BY /*pg a.place DESC, */a.seq DESC"
    );
    let past = format!("{target_begins}{}", char::MAX);
    let mut all = conn.prepare_cached(&sql)?;
    let rows = all.query_map(params![target_begins, past], Record::read)?;
    for record in rows {
        let record = record?;
        let of = Meta::parse(&record.metadata).and_then(|meta| meta.text(Tag::Deed));
        if of.as_deref() == Some(deed) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// The standing orders with the records of the acts that gave them.
pub(crate) fn orders(conn: &Connection) -> sql::Result<Vec<Standing>> {
    let sql = format!(
        "SELECT {COLUMNS}, o.partner, o.stop FROM standing_order o JOIN journal j ON j.seq = o.act \
        ORDER BY o.partner, o.stop"
    );
    let orders = conn.prepare_cached(&sql)?.query_map([], |row| {
        let stop = match row.get(8)? {
            1 => Stop::Lane,
            2 => Stop::Partner,
            3 => Stop::Retired,
            other => return Err(sql::Error::out_of_range(8, other)),
        };
        Ok(Standing {
            partner: partner(row, 7)?,
            stop,
            operation: None,
            record: Record::read(row)?,
        })
    })?;
    let sql = format!(
        "SELECT {COLUMNS}, o.partner, o.operation FROM stopped_operation o \
        JOIN journal j ON j.seq = o.act ORDER BY o.partner, o.operation"
    );
    let operations = conn.prepare_cached(&sql)?.query_map([], |row| {
        Ok(Standing {
            partner: partner(row, 7)?,
            stop: Stop::Operation,
            operation: Some(row.get(8)?),
            record: Record::read(row)?,
        })
    })?;
    orders.chain(operations).collect()
}

/// A standing order, its act still sealed.
#[derive(Debug)]
pub(crate) struct Standing {
    partner: schemas::id::PartnerId,
    stop: Stop,
    operation: Option<String>,
    record: Record,
}

impl Standing {
    pub(crate) fn open_all(standing: &[Self], vault: &Vault) -> Result<Orders, StoreError> {
        let open = |order: &Self| {
            Ok(Order {
                partner: order.partner.clone(),
                stop: order.stop,
                operation: order.operation.clone(),
                act: act_story(&order.record, vault)?,
            })
        };
        standing
            .iter()
            .map(open)
            .collect::<Result<_, _>>()
            .map(Orders)
    }
}

/// An act in the words of whoever did it.
pub(crate) fn act_story(record: &Record, vault: &Vault) -> Result<ActStory, StoreError> {
    let words = record.open(vault)?;
    let read = || {
        let meta = Meta::parse(&record.metadata)?;
        let words = Meta::parse(&words)?;
        Some(ActStory {
            at: time(record.at)?,
            who: words.text(Tag::Who)?,
            why: words.text(Tag::Why)?,
            deed: meta.text(Tag::Deed)?,
            target: meta.text(Tag::Target)?,
            journal: record.seq.unsigned_abs(),
        })
    };
    read().ok_or_else(|| missing(record.seq))
}

/// Acts in one answer.
const ACTS_MAX: usize = 1_000;
const REPLAY: &str = "UPDATE outbox SET state = 0, due_at = ?2, replayed_at = ?2, owner = NULL, \
    refusals = 0, lost = 0 WHERE id = ?1";
const CANCEL: &str = "UPDATE outbox SET state = 2, front = 0, due_at = ?2, owner = NULL, \
    reason = 'cancelled' WHERE id = ?1";
