//! The times that a law sets a dossier: by when its applicant is told that it has come, and by when it is done.
//!
//! Those procedures have them whose row says by when a dossier is acknowledged: the requests of data subjects. The
//! acknowledgement is state 2, told like every state; the answer is its end. The moments are of the same calendar as
//! those of births, computed when the dossier comes and kept with it; a mark is told by the transaction that writes it
//! down, so none is told twice.

use jiff::Timestamp;
use schemas::calendar::Limit;
use schemas::date::in_viet_nam;
use schemas::id::ProcedureCode;
use schemas::procedure::Procedure;
use schemas::proto::insurance::{RequestMark, RequestTimes};

use super::clocks::{self, next, passed_by, unsigned};
use super::{Error, Tx, facts};
use crate::sql::{Row, Sql, values};

/// Starts the clocks of a dossier that has just come, where its procedure has them.
pub(super) fn start(tx: &Tx<'_>, dossier: &str, procedure: &Procedure) -> Result<(), Error> {
    let Some(acknowledge) = &procedure.acknowledge else {
        return Ok(());
    };
    for (clock, days) in [
        (ACKNOWLEDGE, acknowledge.days),
        (ANSWER, procedure.limit.days),
    ] {
        let limit = Limit::of(&in_viet_nam(tx.now), days);
        if !limit.is_covered() {
            tracing::warn!(
                target: "lienthong::registry",
                due_on = %limit.due_on(),
                "a due date lies in a year whose holidays the calendar does not know"
            );
        }
        let marks = clocks::marks(&limit);
        let [half, most, due] = marks;
        tx.sql.execute(
            "INSERT INTO dossier_clocks (dossier, clock, half_ms, most_ms, due_ms, done_ms, paused_ms, told, next_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL, 0, ?6)",
            values![dossier, clock, half, most, due, next(0, marks, None)],
        )?;
    }
    Ok(())
}

/// What a step from a state to another means for the clocks that a dossier has, whatever is offered by now.
pub(super) fn stepped(
    tx: &Tx<'_>,
    dossier: &str,
    procedure: &str,
    (from, to): (u32, u32),
) -> Result<(), Error> {
    if from == REGISTERED {
        stop(tx, dossier, ACKNOWLEDGE)?;
    }
    match (from, to) {
        (_, SUPPLEMENT) => pause(tx, dossier),
        (SUPPLEMENT, IN_WORK) => resume(tx, dossier, row(tx, procedure)),
        (_, NOT_RECEIVED | WITHDRAWN | STOPPED | DONE) => stop(tx, dossier, ANSWER),
        _ => Ok(()),
    }
}

/// Tells each dossier that has passed a mark of one of its times since the last call.
pub(super) fn judge(tx: &Tx<'_>, max: u32) -> Result<Vec<RequestMark>, Error> {
    let passed: Vec<Clock> = tx.sql.query(
        "SELECT dossier, clock, half_ms, most_ms, due_ms, done_ms FROM dossier_clocks
         WHERE next_ms IS NOT NULL AND next_ms <= ?1 ORDER BY next_ms, dossier, clock LIMIT ?2",
        values![tx.now.as_millisecond(), i64::from(max)],
        clock,
    )?;
    passed.into_iter().map(|clock| tell(tx, clock)).collect()
}

/// How the watched dossiers stand, clock by clock.
pub(super) fn census(sql: &Sql) -> Result<Vec<RequestTimes>, Error> {
    [ACKNOWLEDGE, ANSWER]
        .into_iter()
        .map(|clock| times(sql, clock))
        .collect()
}

fn times(sql: &Sql, clock: &str) -> Result<RequestTimes, Error> {
    let open: Vec<(u32, i64)> = sql.query(
        "SELECT told, count(*) FROM dossier_clocks WHERE clock = ?1 AND done_ms IS NULL GROUP BY told",
        values![clock],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let breached: i64 = sql.query_one(
        "SELECT count(*) FROM dossier_clocks WHERE clock = ?1 AND told = 100",
        values![clock],
        |row| row.get(0),
    )?;
    let told = |percent: u32| {
        let found = open.iter().find(|(told, _)| *told == percent);
        found.map_or(0, |(_, many)| unsigned(*many))
    };
    Ok(RequestTimes {
        clock: clock.to_owned(),
        in_time: told(0),
        half: told(50),
        most: told(90),
        late: told(100),
        breached: unsigned(breached),
    })
}

/// A row that has something to tell.
struct Clock {
    mark: RequestMark,
    marks: [i64; 3],
    done: Option<i64>,
}

fn clock(row: &Row<'_>) -> Result<Clock, crate::sql::Error> {
    Ok(Clock {
        mark: RequestMark {
            dossier: row.get(0)?,
            clock: row.get(1)?,
            ..RequestMark::default()
        },
        marks: [row.get(2)?, row.get(3)?, row.get(4)?],
        done: row.get(5)?,
    })
}

fn tell(tx: &Tx<'_>, clock: Clock) -> Result<RequestMark, Error> {
    let percent = passed_by(tx.now, clock.marks)?;
    tx.sql.execute(
        "UPDATE dossier_clocks SET told = ?3, next_ms = ?4 WHERE dossier = ?1 AND clock = ?2",
        values![
            clock.mark.dossier,
            clock.mark.clock,
            percent,
            next(percent, clock.marks, clock.done),
        ],
    )?;
    let due = Timestamp::from_millisecond(clock.marks[2])
        .map_err(|_| Error::Corrupt("a stored moment"))?;
    Ok(RequestMark {
        percent,
        due_at: facts::instant(due),
        ..clock.mark
    })
}

/// What is done is told no more, but for one that came too late and was not told yet.
fn stop(tx: &Tx<'_>, dossier: &str, clock: &str) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE dossier_clocks SET done_ms = coalesce(paused_ms, ?3), paused_ms = NULL,
           next_ms = CASE WHEN due_ms < coalesce(paused_ms, ?3) AND told < 100 THEN due_ms END
         WHERE dossier = ?1 AND clock = ?2 AND done_ms IS NULL",
        values![dossier, clock, tx.now.as_millisecond()],
    )?;
    Ok(())
}

/// Stands still while the applicant is waited for; what was over by now is still told.
fn pause(tx: &Tx<'_>, dossier: &str) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE dossier_clocks SET paused_ms = ?3, next_ms = CASE WHEN due_ms < ?3 AND told < 100 THEN due_ms END
         WHERE dossier = ?1 AND clock = ?2 AND done_ms IS NULL",
        values![dossier, ANSWER, tx.now.as_millisecond()],
    )?;
    Ok(())
}

/// Begins anew with what was missing, as the dossier's own limit does; one that was late before it was asked stays late.
/// Of a procedure that is offered no more it goes on where it stood (own profile).
fn resume(tx: &Tx<'_>, dossier: &str, procedure: Option<&Procedure>) -> Result<(), Error> {
    let stood: Option<([i64; 3], u32, i64)> = tx.sql.query_opt(
        "SELECT half_ms, most_ms, due_ms, told, paused_ms FROM dossier_clocks
         WHERE dossier = ?1 AND clock = ?2 AND paused_ms IS NOT NULL",
        values![dossier, ANSWER],
        |row| {
            let marks = [row.get(0)?, row.get(1)?, row.get(2)?];
            Ok((marks, row.get(3)?, row.get(4)?))
        },
    )?;
    let Some((marks, told, paused)) = stood else {
        return Ok(());
    };
    let late = marks[2] < paused;
    let (marks, told) = match procedure {
        _ if late => (marks, told),
        Some(procedure) => {
            let limit = Limit::of(&in_viet_nam(tx.now), procedure.limit.days);
            (clocks::marks(&limit), 0)
        }
        None => {
            let still = tx.now.as_millisecond().saturating_sub(paused);
            (marks.map(|mark| mark.saturating_add(still)), told)
        }
    };
    let [half, most, due] = marks;
    let next = match late {
        true => (told < 100).then_some(due),
        false => next(told, marks, None),
    };
    tx.sql.execute(
        "UPDATE dossier_clocks SET half_ms = ?3, most_ms = ?4, due_ms = ?5, told = ?6, next_ms = ?7, paused_ms = NULL
         WHERE dossier = ?1 AND clock = ?2",
        values![dossier, ANSWER, half, most, due, told, next],
    )?;
    Ok(())
}

/// The row of a procedure that is offered today.
fn row(tx: &Tx<'_>, procedure: &str) -> Option<&'static Procedure> {
    let code = ProcedureCode::parse(procedure).ok()?;
    tx.params.procedures.find(&code, tx.today)
}

const ACKNOWLEDGE: &str = "acknowledge";
const ANSWER: &str = "answer";
/// TrangThaiHoSo.
const REGISTERED: u32 = 1;
const NOT_RECEIVED: u32 = 3;
const IN_WORK: u32 = 4;
const SUPPLEMENT: u32 = 5;
const WITHDRAWN: u32 = 7;
const STOPPED: u32 = 8;
const DONE: u32 = 9;
