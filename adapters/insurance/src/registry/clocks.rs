//! The clock of the law: how much time each birth has, and which marks of it have been told.
//!
//! The moments are computed when the case comes and kept with it; a judge that was away tells what passed
//! meanwhile. A mark is told by the transaction that writes it down, so none is told twice, whoever judges,
//! however often, before or after a restart.

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::calendar;
use schemas::codes::provinces;
use schemas::id::Period;
use schemas::proto::insurance::{
    ClockMark, JudgeClocksRequest, JudgeClocksResponse, LawfulTimesRequest, LawfulTimesResponse,
    ProvinceTimes,
};

use super::births::{Birth, CaseKey};
use super::{Desk, Error, Registry, Tx, facts, law, requests, supplements};
use crate::sql::{self, Row, Sql, values};

impl Registry {
    /// Tells each case that has passed a mark of its time since the last call, and counts those that are open; ends
    /// those whose supplement has not come. The times of data subjects' requests are judged with them.
    ///
    /// # Errors
    /// `INVALID` where the context is malformed.
    pub async fn judge_clocks(
        &self,
        request: JudgeClocksRequest,
    ) -> Result<JudgeClocksResponse, Error> {
        facts::context(request.context)?;
        let max = request.max.clamp(1, MARKS_MAX);
        self.write(Desk::Business, "births.judge", move |tx| {
            supplements::lapse(tx, max)?;
            let marks = passed(tx, max)?
                .into_iter()
                .map(|clock| tell(tx, clock))
                .collect::<Result<_, Error>>()?;
            let requests = requests::judge(tx, max)?;
            Ok(JudgeClocksResponse {
                requests,
                request_times: requests::census(tx.sql)?,
                ..census(tx.sql, marks)?
            })
        })
        .await
    }

    /// What became of the cases of one month within their time: every province of that month's list.
    ///
    /// # Errors
    /// `INVALID` where the context or month is malformed.
    pub async fn lawful_times(
        &self,
        request: LawfulTimesRequest,
    ) -> Result<LawfulTimesResponse, Error> {
        facts::context(request.context)?;
        let month = Period::parse(&request.month)
            .map_err(|_| facts::invalid("malformed-period", "month"))?;
        let now = (self.shared.clock)();
        self.read("births.times", move |sql| {
            let counted = times(sql, month, now)?;
            let provinces = provinces::on(month.first_day()).map(|province| {
                let found = counted.iter().find(|one| one.code == province.code);
                ProvinceTimes {
                    code: province.code.to_owned(),
                    name: province.name.to_owned(),
                    ..found.cloned().unwrap_or_default()
                }
            });
            Ok(LawfulTimesResponse {
                provinces: provinces.collect(),
            })
        })
        .await
    }
}

/// Starts the clock of a case, which is done at once where it is settled who the child is.
pub(super) fn start(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    birth: &Birth,
    settled: Option<Settled>,
) -> Result<(), Error> {
    let limit = law::birth_card(birth.received_at);
    if !limit.is_covered() {
        tracing::warn!(
            target: "lienthong::registry",
            due_on = %limit.due_on(),
            "a due date lies in a year whose holidays the calendar does not know"
        );
    }
    let marks = marks(&limit);
    let [half, most, due] = marks;
    let done = settled.map(|_| tx.now.as_millisecond());
    tx.sql.execute(
        "INSERT INTO birth_clocks (sender, case_id, province, counted_on, half_ms, most_ms, due_ms, done_ms, told, next_ms, settled)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)",
        values![
            case.sender,
            case.case_id,
            province(birth, limit.counted_on())?,
            limit.counted_on().to_string(),
            half,
            most,
            due,
            done,
            next(0, marks, done),
            settled.map_or("", Settled::word),
        ],
    )?;
    Ok(())
}

/// Stops the clock of a case that is done now; one whose time was over before is still told to be late. The time in
/// which its sender was waited for does not count.
pub(super) fn stop(tx: &Tx<'_>, case: &CaseKey<'_>, settled: Settled) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_clocks SET done_ms = coalesce(paused_ms, ?3), paused_ms = NULL, settled = ?4,
           next_ms = CASE WHEN due_ms < coalesce(paused_ms, ?3) AND told < 100 THEN due_ms END
         WHERE sender = ?1 AND case_id = ?2 AND done_ms IS NULL",
        values![
            case.sender,
            case.case_id,
            tx.now.as_millisecond(),
            settled.word()
        ],
    )?;
    Ok(())
}

/// Stands still while the sender is waited for; what was over by now is still told.
pub(super) fn pause(tx: &Tx<'_>, case: &CaseKey<'_>) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_clocks SET paused_ms = ?3, next_ms = CASE WHEN due_ms < ?3 AND told < 100 THEN due_ms END
         WHERE sender = ?1 AND case_id = ?2 AND done_ms IS NULL",
        values![case.sender, case.case_id, tx.now.as_millisecond()],
    )?;
    Ok(())
}

/// Goes on with the supplement's own time; a case that was late before it was asked stays late.
pub(super) fn resume(tx: &Tx<'_>, case: &CaseKey<'_>, birth: &Birth) -> Result<(), Error> {
    let limit = law::birth_card(birth.received_at);
    let marks = marks(&limit);
    let [half, most, due] = marks;
    tx.sql.execute(
        "UPDATE birth_clocks SET half_ms = ?3, most_ms = ?4, due_ms = ?5, told = 0, next_ms = ?3
         WHERE sender = ?1 AND case_id = ?2 AND due_ms >= paused_ms",
        values![case.sender, case.case_id, half, most, due],
    )?;
    tx.sql.execute(
        "UPDATE birth_clocks SET paused_ms = NULL WHERE sender = ?1 AND case_id = ?2",
        values![case.sender, case.case_id],
    )?;
    Ok(())
}

/// How it was settled who a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Nobody was alike: a new number.
    Minted,
    /// The PIN was known.
    ByPin,
    /// Known by the hospital's notice and the mother.
    ByKey,
    /// A person said that it is a known one.
    SaidKnown,
    /// A person said that it is a new one.
    SaidNew,
    /// It was not: the case ended without a card.
    Refused,
}

impl Settled {
    /// The word of the contract.
    fn word(self) -> &'static str {
        match self {
            Self::Minted => "minted",
            Self::ByPin => "by-pin",
            Self::ByKey => "by-key",
            Self::SaidKnown => "said-known",
            Self::SaidNew => "said-new",
            Self::Refused => "refused",
        }
    }

    /// Whether the child was somebody who had a number already.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::ByPin | Self::ByKey | Self::SaidKnown)
    }
}

/// The moment at which a case is due, of its day: RFC 3339.
pub(super) fn due_at(due_on: &str) -> Result<String, Error> {
    let day: Date = due_on
        .parse()
        .map_err(|_| Error::Corrupt("a stored due day"))?;
    Ok(facts::instant(calendar::closes(day)))
}

/// The province of residence by the list of the day of receipt: 63 of them before the merger, 34 since.
fn province(birth: &Birth, counted_on: Date) -> Result<&'static str, Error> {
    let on = birth.registered_on.max(counted_on);
    law::province_of(&birth.commune, birth.registered_on, on)
        .ok_or(Error::Corrupt("a commune without a province"))
}

/// When the next mark is to be told; a case that is done has only the last one left, and only where it was late.
pub(super) fn next(told: u32, [half, most, due]: [i64; 3], done: Option<i64>) -> Option<i64> {
    match (told, done) {
        (100.., _) => None,
        (_, Some(done)) => (done > due).then_some(due),
        (0..50, None) => Some(half),
        (50..90, None) => Some(most),
        (90..100, None) => Some(due),
    }
}

/// The moments at which 50, 90 and 100 percent of a limit are over, milliseconds since 1970.
pub(super) fn marks(limit: &calendar::Limit) -> [i64; 3] {
    [50, 90, 100].map(|percent| limit.over_at(percent).as_millisecond())
}

/// The newest mark that is passed.
pub(super) fn passed_by(now: Timestamp, [half, most, due]: [i64; 3]) -> Result<u32, Error> {
    match now.as_millisecond() {
        now if now >= due => Ok(100),
        now if now >= most => Ok(90),
        now if now >= half => Ok(50),
        _ => Err(Error::Corrupt("a mark before its time")),
    }
}

/// A row that has something to tell.
struct Clock {
    mark: ClockMark,
    marks: [i64; 3],
    done: Option<i64>,
}

fn passed(tx: &Tx<'_>, max: u32) -> Result<Vec<Clock>, Error> {
    Ok(tx.sql.query(
        "SELECT sender, case_id, province, half_ms, most_ms, due_ms, done_ms FROM birth_clocks
         WHERE next_ms IS NOT NULL AND next_ms <= ?1 ORDER BY next_ms, sender, case_id LIMIT ?2",
        values![tx.now.as_millisecond(), i64::from(max)],
        clock,
    )?)
}

fn clock(row: &Row<'_>) -> Result<Clock, sql::Error> {
    Ok(Clock {
        mark: ClockMark {
            sender: row.get(0)?,
            case_id: row.get(1)?,
            province: row.get(2)?,
            ..ClockMark::default()
        },
        marks: [row.get(3)?, row.get(4)?, row.get(5)?],
        done: row.get(6)?,
    })
}

/// Writes down that a case has passed its newest mark, and says which.
fn tell(tx: &Tx<'_>, clock: Clock) -> Result<ClockMark, Error> {
    let due = clock.marks[2];
    let percent = passed_by(tx.now, clock.marks)?;
    tx.sql.execute(
        "UPDATE birth_clocks SET told = ?3, next_ms = ?4 WHERE sender = ?1 AND case_id = ?2",
        values![
            clock.mark.sender,
            clock.mark.case_id,
            percent,
            next(percent, clock.marks, clock.done),
        ],
    )?;
    let due = Timestamp::from_millisecond(due).map_err(|_| Error::Corrupt("a stored moment"))?;
    Ok(ClockMark {
        percent,
        due_at: facts::instant(due),
        ..clock.mark
    })
}

fn census(sql: &Sql, marks: Vec<ClockMark>) -> Result<JudgeClocksResponse, Error> {
    let open: Vec<(u32, i64)> = sql.query(
        "SELECT told, count(*) FROM birth_clocks WHERE done_ms IS NULL GROUP BY told",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let breached: i64 = sql.query_one(
        "SELECT count(*) FROM birth_clocks WHERE told = 100",
        &[],
        |row| row.get(0),
    )?;
    let told = |percent: u32| {
        let found = open.iter().find(|(told, _)| *told == percent);
        found.map_or(0, |(_, many)| unsigned(*many))
    };
    Ok(JudgeClocksResponse {
        marks,
        in_time: told(0),
        half: told(50),
        most: told(90),
        late: told(100),
        breached: unsigned(breached),
        ..JudgeClocksResponse::default()
    })
}

fn times(sql: &Sql, month: Period, now: Timestamp) -> Result<Vec<ProvinceTimes>, Error> {
    Ok(sql.query(
        "SELECT province, count(*),
           coalesce(sum(CASE WHEN done_ms <= due_ms THEN 1 ELSE 0 END), 0),
           coalesce(sum(CASE WHEN done_ms > due_ms THEN 1 ELSE 0 END), 0),
           coalesce(sum(CASE WHEN done_ms IS NULL AND due_ms < coalesce(paused_ms, ?3) THEN 1 ELSE 0 END), 0)
         FROM birth_clocks WHERE counted_on >= ?1 AND counted_on <= ?2 GROUP BY province",
        values![
            month.first_day().to_string(),
            month.last_day().to_string(),
            now.as_millisecond(),
        ],
        |row| {
            let [received, in_time, late, overdue] =
                [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?].map(unsigned);
            Ok(ProvinceTimes {
                code: row.get(0)?,
                received,
                in_time,
                late,
                overdue,
                open: received.saturating_sub(in_time + late + overdue),
                ..ProvinceTimes::default()
            })
        },
    )?)
}

pub(super) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// Most marks of one call.
const MARKS_MAX: u32 = 500;
