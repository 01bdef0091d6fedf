//! How a dossier moves: 1 registered, 2 received, 4 in work, 9 done, 10 handed out; 8 where it cannot go on.
//!
//! Each step is its own transaction with its own change row. The numbers are TrangThaiHoSo of the
//! portal; the order is our own profile.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use schemas::proto::insurance::{CardState, Dossier, DossierChange};
use tokio::time::{MissedTickBehavior, interval};

use super::{Desk, Error, Registry, Tx, cards, changes, dossiers, facts};
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
        Ok(moved.into_iter().filter(|moved| *moved).count())
    }
}

/// Appends the change row for the state that a dossier has just come to.
pub(super) fn tell(tx: &Tx<'_>, dossier: &Dossier, step: u32) -> Result<(), Error> {
    changes::append(
        tx,
        DossierChange {
            dossier: Some(dossier.clone()),
            step,
            officer: OFFICER.to_owned(),
            unit: UNIT.to_owned(),
            text: text_of(dossier.state).to_owned(),
        },
    )
}

/// The state after this one, as long as nothing stands in the way.
fn next(state: u32) -> Option<u32> {
    match state {
        1 => Some(2),
        2 => Some(4),
        4 => Some(9),
        9 => Some(10),
        _ => None,
    }
}

fn waiting(sql: &Sql) -> Result<Vec<(String, u32)>, Error> {
    Ok(sql.query(
        "SELECT code, state FROM dossiers WHERE state IN (1, 2, 4, 9) ORDER BY updated_at, code LIMIT 200",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

/// One step of one dossier; false where somebody moved it meanwhile.
fn step(tx: &Tx<'_>, code: &str, from: u32) -> Result<bool, Error> {
    let Some(dossier) = dossiers::by_code(tx.sql, code)?.filter(|dossier| dossier.state == from)
    else {
        return Ok(false);
    };
    let Some(to) = next(dossier.state) else {
        return Ok(false);
    };
    let (person, card_number, step): (i64, String, u32) = tx.sql.query_one(
        "SELECT person, card_number, step FROM dossiers WHERE code = ?1",
        values![code],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let serial = match to {
        DONE => reissue(tx, person, &card_number)?,
        _ => dossier.card.as_ref().map(|card| card.serial),
    };
    let (to, reason) = match (to, serial) {
        (DONE, None) => (STOPPED, STOPPED_REASON),
        (to, _) => (to, ""),
    };
    tx.sql.execute(
        "UPDATE dossiers SET state = ?2, step = ?3, card_serial = ?4, updated_at = ?5, reason = ?6 WHERE code = ?1",
        values![code, to, step + 1, serial, facts::instant(tx.now), reason],
    )?;
    let dossier =
        dossiers::by_code(tx.sql, code)?.ok_or(Error::Corrupt("a dossier just written"))?;
    tell(tx, &dossier, step + 1)?;
    Ok(true)
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
fn text_of(state: u32) -> &'static str {
    match state {
        1 => "Mới đăng ký",
        2 => "Được tiếp nhận",
        4 => "Đang xử lý",
        8 => "Dừng xử lý",
        9 => "Đã xử lý xong",
        10 => "Đã trả kết quả",
        _ => "",
    }
}

const DONE: u32 = 9;
const STOPPED: u32 = 8;
const STOPPED_REASON: &str = "Thẻ không còn giá trị sử dụng";
/// Steps are taken by the registry itself, not by a person.
const OFFICER: &str = "Hệ thống BHXH";
const UNIT: &str = "Bộ phận một cửa";
