//! A judgement: written into the journal and done in one commit, once.

use gateway_core::head::Evidence;
use gateway_core::ports::{Acted, Again, Judgement, ParcelState, Pull, StoreError, Wish};
use gateway_core::seal::Vault;

use schemas::id::{MessageId, PartnerId};

use super::{Planned, SealedParcel, insert};
use crate::journal::{Draft, Kind};
use crate::meta::{Fields, Tag};
use crate::outbox::front::refresh_front;
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::writer::{Command, RowError, Turn};

/// A judgement, its records sealed.
#[derive(Debug)]
pub(crate) struct Judge {
    pull: Pull,
    counts: [u32; 3],
    record: Draft,
    lost: Lost,
    instead: Vec<Planned>,
    wanted: Vec<SealedParcel>,
}

/// What a partner has lost: it goes again, each with an act.
#[derive(Debug)]
struct Lost {
    partner: PartnerId,
    again: Vec<(Again, Draft)>,
}

/// What a partner itself says that it has lost.
#[derive(Debug)]
pub(crate) struct PutAgain {
    lost: Lost,
    /// What says that the wish was fulfilled.
    target: String,
    record: Draft,
}

impl Judge {
    /// `who` is this gateway: no person acts here. What was found stands in the words, sealed.
    pub(crate) fn seal(vault: &Vault, who: &str, judgement: Judgement) -> Result<Self, StoreError> {
        let pull = judgement.pull.id();
        let partner = &judgement.pull.partner;
        let lost = format!("the partner has lost it: {pull}");
        let seal = |parcel| SealedParcel::seal(vault, parcel);
        Ok(Self {
            counts: [judgement.compared, judgement.given_up, judgement.never_came],
            record: act(vault, who, (RECONCILE, &pull), &judgement.words),
            lost: Lost::seal(vault, who, partner, &lost, judgement.again),
            instead: Planned::seal_all(vault, judgement.instead)?,
            wanted: judgement
                .wanted
                .iter()
                .map(seal)
                .collect::<Result<_, _>>()?,
            pull: judgement.pull,
        })
    }

    /// Whether it was judged before; held until the commit, so that nobody else judges it meanwhile.
    fn is_judged(&self, turn: &Turn<'_>) -> Result<Option<bool>, RowError> {
        let sql = "SELECT judged IS NOT NULL FROM pull WHERE id = ?1/*pg  FOR UPDATE*/";
        let found = turn
            .conn
            .prepare_cached(sql)?
            .query_row([self.pull.id()], |row| row.get(0))
            .optional()?;
        Ok(found)
    }
}

/// An act, sealed.
fn act(vault: &Vault, who: &str, (deed, target): (&str, &str), why: &str) -> Draft {
    let metadata = Fields::new()
        .put(Tag::Deed, deed)
        .put(Tag::Target, target)
        .finish();
    let words = Fields::new().put(Tag::Who, who).put(Tag::Why, why).finish();
    Draft::seal(vault, Kind::Act, Evidence::fresh(), metadata, &words)
}

impl Lost {
    fn seal(vault: &Vault, who: &str, partner: &PartnerId, why: &str, again: Vec<Again>) -> Self {
        let again = again.into_iter().map(|again| {
            let record = act(vault, who, (HEAL, &again.id), why);
            (again, record)
        });
        Self {
            partner: partner.clone(),
            again: again.collect(),
        }
    }

    /// Why what is lost cannot be put in again now: somebody sends of its subject, or it was receipted
    /// anew. Everything of its subject that is open is held until the commit.
    fn in_the_way(&self, turn: &Turn<'_>) -> Result<Option<&'static str>, RowError> {
        for (again, _) in &self.again {
            let sql = "SELECT subject, state = 2 AND receipt IS NOT DISTINCT FROM ?2 FROM outbox \
                WHERE id = ?1/*pg  FOR UPDATE*/";
            let receipt = again.receipt.cast_signed();
            let stands: Option<(String, bool)> = turn
                .conn
                .prepare_cached(sql)?
                .query_row(params![again.id, receipt], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let Some((subject, true)) = stands else {
                return Ok(Some("moved"));
            };
            let mut open = turn.conn.prepare_cached(OPEN)?;
            let states = open.query_map([self.partner.as_str(), &subject], |row| row.get(0))?;
            for state in states {
                // One whose lease is over may still be on its way: recovery of leases comes first.
                let state: i64 = state?;
                if state == ParcelState::Leased as i64 {
                    return Ok(Some("being-sent"));
                }
            }
        }
        Ok(None)
    }

    fn put_in_again(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        for (again, record) in &self.again {
            write_act(turn, record, &again.id)?;
            let subject: String = turn
                .conn
                .prepare_cached(AGAIN)?
                .query_row(params![again.id, turn.now], |row| row.get(0))?;
            refresh_front(turn, self.partner.as_str(), &subject)?;
        }
        Ok(())
    }
}

impl Command for Judge {
    type Out = Acted;

    fn moves_parcels(&self) -> bool {
        true
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<Acted, RowError> {
        match self.is_judged(turn)? {
            None => return Ok(Acted::NotFound),
            Some(true) => return Ok(Acted::AlreadySo),
            Some(false) => {}
        }
        if let Some(reason) = self.lost.in_the_way(turn)? {
            return Ok(Acted::NotNow(reason));
        }
        let id = self.pull.id();
        let seq = write_act(turn, &self.record, &id)?;
        self.lost.put_in_again(turn)?;
        for parcel in &self.wanted {
            insert(turn, parcel, None)?;
        }
        let mut instead = 0_u32;
        for planned in &self.instead {
            instead += u32::from(planned.write(turn)?);
        }
        let [compared, given_up, never_came] = self.counts;
        let again = i64::try_from(self.lost.again.len()).unwrap_or(i64::MAX);
        turn.conn.prepare_cached(JUDGED)?.execute(params![
            id, seq, compared, again, given_up, never_came, instead
        ])?;
        Ok(Acted::Done)
    }
}

impl PutAgain {
    pub(crate) fn seal(vault: &Vault, who: &str, wish: &Wish, again: Vec<Again>) -> Self {
        let why = "the partner asks for it again";
        let ids: Vec<&str> = wish.ids.iter().map(MessageId::as_str).collect();
        let asked = format!("{} asks for {}", wish.partner, ids.join(", "));
        let target = wish_target(&wish.key);
        Self {
            lost: Lost::seal(vault, who, &wish.partner, why, again),
            record: act(vault, who, (RESEND, &target), &asked),
            target,
        }
    }
}

impl Command for PutAgain {
    type Out = Acted;

    fn moves_parcels(&self) -> bool {
        true
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<Acted, RowError> {
        if is_fulfilled(turn.conn, &self.target)? {
            return Ok(Acted::AlreadySo);
        }
        if let Some(reason) = self.lost.in_the_way(turn)? {
            return Ok(Acted::NotNow(reason));
        }
        write_act(turn, &self.record, &self.target)?;
        self.lost.put_in_again(turn)?;
        Ok(Acted::Done)
    }
}

/// What the act of a wish bears: its effect's key.
pub(super) fn wish_target(key: &[u8; 32]) -> String {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("wish-{hex}")
}

/// Whether the act of this wish is written.
pub(super) fn is_fulfilled(conn: &Connection, target: &str) -> sql::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM act WHERE target = ?1)")?
        .query_row([target], |row| row.get(0))
}

/// The record, and its place among all acts.
fn write_act(turn: &mut Turn<'_>, record: &Draft, target: &str) -> Result<i64, RowError> {
    let seq = record.append(turn)?;
    let sql = "INSERT INTO act (seq, target) VALUES (?1, ?2)";
    turn.conn
        .prepare_cached(sql)?
        .execute(params![seq, target])?;
    Ok(seq)
}

/// The deeds, as acts name them.
const RECONCILE: &str = "reconcile";
const HEAL: &str = "heal";
const RESEND: &str = "resend";
const OPEN: &str = "SELECT state FROM outbox INDEXED BY outbox_open \
    WHERE partner = ?1 AND subject = ?2 AND state <> 2/*pg  FOR UPDATE*/";
/// As it was put in, at its place in its subject; the lease's number goes on rising.
const AGAIN: &str = "UPDATE outbox SET state = 0, due_at = ?2, replayed_at = ?2, owner = NULL, \
    refusals = 0, lost = 0, asked = 0, reason = NULL, receipt = NULL, healed = healed + 1 \
    WHERE id = ?1 RETURNING subject";
const JUDGED: &str = "UPDATE pull SET judged = ?2, compared = ?3, again = ?4, given_up = ?5, \
    never_came = ?6, instead = ?7 WHERE id = ?1";
