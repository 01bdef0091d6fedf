//! What is begun by itself: seen, and begun before its time. Pauses are acts of the office.

use gateway_core::ports::{Act, Deed};
use jiff::Timestamp;
use schemas::{
    id::Period,
    proto::admin::{
        ListSchedulesResponse, ScheduleLine as Line, StartScheduleRequest, StartScheduleResponse,
    },
};
use tonic::Status;

use super::{
    AdminParts,
    office::{said_why, unavailable},
};
use crate::{
    config::{ScheduleLine, ScheduledWork},
    schedules::{Schedules, Trouble},
};

pub(super) async fn list(parts: &AdminParts) -> Result<ListSchedulesResponse, Status> {
    let schedules = of(parts)?;
    let mut lines = Vec::new();
    for line in &schedules.lines {
        let by_hand = by_hand(parts, line).await?;
        lines.push(told(schedules, line, by_hand, parts.clock.now()).await?);
    }
    Ok(ListSchedulesResponse { schedules: lines })
}

/// One as it stands, with what was begun last by its time or by an operator.
async fn told(
    schedules: &Schedules,
    line: &ScheduleLine,
    by_hand: Option<(Timestamp, String)>,
    now: Timestamp,
) -> Result<Line, Status> {
    let last = line.last(now);
    let hand = by_hand.filter(|(at, _)| last.is_none_or(|last| *at > last));
    let by_time = || last.and_then(|last| line.run_of(last));
    let run = match hand {
        Some((_, run)) => Some(run),
        None => by_time().map(|run| run.id),
    };
    let progress = match &run {
        Some(run) => schedules.progress(line, run).await.map_err(refused)?,
        None => None,
    };
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let begun = progress.is_some();
    let progress = progress.unwrap_or_else(|| crate::schedules::Progress::of("", 0));
    Ok(Line {
        name: line.name.as_str().to_owned(),
        partner: line.partner.as_str().to_owned(),
        what: word(line.what).to_owned(),
        cron: line.cron.to_string(),
        paused: schedules.is_paused(line),
        next_at: text(line.next(now)),
        last_at: text(last),
        run: run.filter(|_| begun).unwrap_or_default(),
        state: progress.state,
        percent: progress.percent,
        found: progress.found,
        reason: progress.reason,
    })
}

/// The run that an operator began last: when, and its name.
async fn by_hand(
    parts: &AdminParts,
    line: &ScheduleLine,
) -> Result<Option<(Timestamp, String)>, Status> {
    let begins = format!("{}/{}", line.partner, line.prefix());
    let act = parts.office.newest_act("start-schedule", &begins).await;
    let act = act.map_err(unavailable)?;
    Ok(act.and_then(|act| {
        let (_, run) = act.target.split_once('/')?;
        Some((act.at, run.to_owned()))
    }))
}

pub(super) async fn start(
    parts: &AdminParts,
    asked: StartScheduleRequest,
) -> Result<StartScheduleResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let line = named(parts, &asked.name)?;
    let now = parts.clock.now();
    let period = match asked.period.as_str() {
        "" => line.run_of(now).map(|run| run.period),
        text => Period::parse(text).ok(),
    };
    let period = period.ok_or_else(|| Status::invalid_argument("a month, yyyy-MM"))?;
    let today = schemas::date::day_in_viet_nam(now);
    if period.last_day() >= today {
        return Err(Status::invalid_argument("period-not-ended"));
    }
    let recovering = parts.office.recovering().await.map_err(unavailable)?;
    if recovering.is_some() {
        return Err(Status::unavailable("recovering"));
    }
    let run = line.run_by_hand(period, now);
    let act = Act {
        who,
        why,
        deed: Deed::StartSchedule(line.partner.clone(), run.id.clone()),
    };
    parts.office.act(act).await.map_err(unavailable)?;
    let schedules = of(parts)?;
    let begun = match line.what {
        ScheduledWork::Recheck => schedules.recheck(line, &run).await,
        ScheduledWork::ChildCards => schedules.announce(line).await,
        ScheduledWork::Employers | ScheduledWork::Persons => schedules.ask(line, &run).await,
        ScheduledWork::SendEmployers | ScheduledWork::SendPersons => {
            schedules.send(line, &run).await
        }
    };
    begun.map_err(refused)?;
    tracing::warn!(
        schedule = asked.name,
        run = run.id,
        "an operator began a schedule"
    );
    Ok(StartScheduleResponse { run: run.id })
}

/// The schedule of this name.
pub(super) fn named<'a>(parts: &'a AdminParts, name: &str) -> Result<&'a ScheduleLine, Status> {
    let line = of(parts)?.named(name);
    line.ok_or_else(|| Status::not_found("no such schedule: [[schedules]] of the config"))
}

fn of(parts: &AdminParts) -> Result<&Schedules, Status> {
    match &parts.asking {
        Some(asking) => Ok(&asking.schedules),
        None => Err(Status::unavailable(
            "there are no schedules behind this listener",
        )),
    }
}

fn refused(trouble: Trouble) -> Status {
    Status::unavailable(trouble.to_string())
}

fn word(what: ScheduledWork) -> &'static str {
    match what {
        ScheduledWork::Employers => "employers",
        ScheduledWork::Persons => "persons",
        ScheduledWork::SendEmployers => "send-employers",
        ScheduledWork::SendPersons => "send-persons",
        ScheduledWork::Recheck => "recheck",
        ScheduledWork::ChildCards => "child-cards",
    }
}
