//! How a dossier moves: 1 registered, 2 received, 4 in work, 9 done, 10 handed out; 8 where it cannot go on.
//!
//! What the procedure's row leaves to a person waits in 4. Each step is its own transaction with its own change row. Which step may follow which is [`life`]'s to say.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::civil::Date;
use schemas::codes::dossier_statuses;
use schemas::id::ProcedureCode;
use schemas::procedure::Decides;
use schemas::proto::insurance::{CardState, Dossier, DossierChange};
use tokio::time::{MissedTickBehavior, interval};

use super::dossiers::decisions;
use super::life::{self, By, Done, HandedOut, InWork, Received, Standing, Stopped};
use super::{Desk, Error, Registry, Tx, cards, changes, facts, payments, representation};
use crate::sql::{Sql, values};

impl Registry {
    /// Moves dossiers on, one step each per tick, until the shutdown resolves. Runs off the request path.
    pub async fn run_steps(&self, every: Duration, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.advance().await {
                tracing::warn!(target: "lienthong::registry", %error, "dossiers did not move");
            }
        }
    }

    /// Moves every dossier that is on its way by one step, the longest waiting first and at most 200;
    /// gives the number moved.
    ///
    /// # Errors
    /// Where the registry cannot read or write; steps already made stay.
    pub async fn advance(&self) -> Result<usize, Error> {
        let waiting = self.read("dossiers.waiting", waiting).await?;
        let steps = waiting.into_iter().map(|(code, state)| {
            self.write(Desk::Business, "dossiers.step", move |tx| {
                step(tx, &code, state)
            })
        });
        let moved: Vec<bool> = join_all(steps)
            .await
            .into_iter()
            .collect::<Result<_, _>>()?;
        let moved = moved.into_iter().filter(|moved| *moved).count();
        Ok(moved + self.lapse().await? + self.expire_quotes().await?)
    }

    /// Stops dossiers whose applicants have let the day of a supplement pass.
    async fn lapse(&self) -> Result<usize, Error> {
        let now = facts::instant((self.shared.clock)());
        let over = self
            .read("dossiers.lapsed", move |sql| decisions::lapsed(sql, &now))
            .await?;
        let mut stopped = 0;
        for code in over {
            let lapse = move |tx: &Tx<'_>| decisions::lapse(tx, &code);
            let done = self.write(Desk::Business, "dossiers.lapse", lapse).await?;
            stopped += usize::from(done);
        }
        Ok(stopped)
    }

    /// Ends quotes that nobody was told of in their time; what cannot be done of one holds up no other.
    async fn expire_quotes(&self) -> Result<usize, Error> {
        let now = facts::instant((self.shared.clock)());
        let over = self
            .read("payments.expired", move |sql| payments::expired(sql, &now))
            .await?;
        let (mut ended, mut failed) = (0, None);
        for reference in over {
            let expire = move |tx: &Tx<'_>| payments::expire(tx, &reference);
            match self.write(Desk::Business, "payments.expire", expire).await {
                Ok(done) => ended += usize::from(done),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(ended), Err)
    }
}

/// Appends the change row for the state that a dossier has just come to by a rule.
pub(super) fn tell(tx: &Tx<'_>, dossier: &Dossier, step: u32) -> Result<(), Error> {
    let by = By {
        reason: "",
        officer: "",
        text: "",
        supported: &[],
    };
    tell_by(tx, dossier, step, &by)
}

/// The same in somebody's name.
pub(super) fn tell_by(tx: &Tx<'_>, dossier: &Dossier, step: u32, by: &By<'_>) -> Result<(), Error> {
    let said = |text: &str, otherwise: &str| match text.trim() {
        "" => otherwise.to_owned(),
        text => text.to_owned(),
    };
    changes::append(
        tx,
        DossierChange {
            dossier: Some(dossier.clone()),
            step,
            officer: said(by.officer, OFFICER),
            unit: UNIT.to_owned(),
            text: said(by.text, text_of(dossier.state, tx.today)),
            supported: by.supported.to_vec(),
        },
    )
}

fn waiting(sql: &Sql) -> Result<Vec<(String, u32)>, Error> {
    Ok(sql.query(
        "SELECT code, state FROM dossiers WHERE state IN (1, 2, 4, 9) AND awaits = 0 ORDER BY updated_at, code LIMIT 200",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

/// One step of one dossier, as far as no person has to decide; false where somebody moved it meanwhile.
fn step(tx: &Tx<'_>, code: &str, from: u32) -> Result<bool, Error> {
    let Some(standing) = life::open(tx, code)?.filter(|standing| standing.code() == from) else {
        return Ok(false);
    };
    match standing {
        Standing::Registered(dossier) => drop(dossier.go::<Received>(tx, "")?),
        Standing::Received(dossier) => drop(dossier.go::<InWork>(tx, "")?),
        Standing::InWork(dossier) if !by_rule(tx, dossier.procedure()) => {
            payments::order_for(tx, code, dossier.procedure())?;
            dossier.await_person(tx)?;
            return Ok(false);
        }
        Standing::InWork(dossier) if !representation::still_acts(tx.sql, tx.today, code)? => {
            drop(dossier.go::<Stopped>(tx, NO_REPRESENTATIVE_REASON)?);
        }
        Standing::InWork(dossier) => match reissue(tx, dossier.person(), dossier.card_number())? {
            Some(serial) => drop(dossier.with_card(serial).go::<Done>(tx, "")?),
            None => drop(dossier.go::<Stopped>(tx, STOPPED_REASON)?),
        },
        Standing::Done(dossier) => drop(dossier.go::<HandedOut>(tx, "")?),
        // a person's word is awaited, or it is over
        Standing::Supplement(_)
        | Standing::Payment(_)
        | Standing::NotReceived(_)
        | Standing::Withdrawn(_)
        | Standing::Stopped(_)
        | Standing::HandedOut(_) => return Ok(false),
    }
    Ok(true)
}

/// Whether the registry decides; of a procedure that it does not know a person does.
pub(super) fn by_rule(tx: &Tx<'_>, procedure: &str) -> bool {
    let code = ProcedureCode::parse(procedure).ok();
    let row = code.and_then(|code| tx.params.procedures.find(&code, tx.today));
    row.is_some_and(|row| row.decides == Decides::ReissueCard)
}

/// Prints the card again; none where it stopped being valid or its holder died while the dossier was on its way.
fn reissue(tx: &Tx<'_>, person: i64, number: &str) -> Result<Option<u32>, Error> {
    let dead: bool = tx.sql.query_one(
        "SELECT died_on IS NOT NULL FROM people WHERE id = ?1",
        values![person],
        |row| row.get(0),
    )?;
    match cards::newest(tx.sql, person, number)? {
        Some(card)
            if !dead
                && card.state == CardState::Valid as i32
                && card.valid_to >= tx.today.to_string() =>
        {
            Ok(Some(cards::reissue(tx, person, number)?.serial))
        }
        _ => Ok(None),
    }
}

/// The portal's own words for its states.
fn text_of(state: u32, on: Date) -> &'static str {
    let code = u8::try_from(state).ok();
    let row = code.and_then(|code| dossier_statuses::find(code, on));
    row.map_or("", |row| row.vi)
}

const STOPPED_REASON: &str = "Thẻ không còn giá trị sử dụng";
const NO_REPRESENTATIVE_REASON: &str = "Người nộp hồ sơ không còn là người đại diện của chủ thẻ";
/// In whose name the registry takes its steps.
const OFFICER: &str = "Hệ thống BHXH";
const UNIT: &str = "Bộ phận một cửa";
