//! One birth on one page: what was said, how it was settled who the child is, its time, and what came after.
//!
//! For operators, who look at a case whoever its sender is. Of the child it tells the PIN, under which the look
//! is written down, and what the sender itself is answered.

use jiff::Timestamp;
use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthStory, LaterEvent, RegisterBirthRequest, ShowBirthRequest, ShowBirthResponse,
};

use super::{Error, Registry, births, facts, law, reviews, supplements};
use crate::sql::{Sql, values};

impl Registry {
    /// All that is kept of the cases of one id.
    ///
    /// # Errors
    /// `INVALID` where the id is malformed, `UNKNOWN-SUBJECT` where nobody has such a case.
    pub async fn birth_stories(
        &self,
        request: ShowBirthRequest,
    ) -> Result<ShowBirthResponse, Error> {
        facts::context(request.context)?;
        let case_id = facts::word(&request.case_id, 64, "case_id")?;
        let now = (self.shared.clock)();
        self.read("births.show", move |sql| {
            let births = clocks(sql, &case_id)?
                .into_iter()
                .filter(|clock| request.sender.is_empty() || clock.sender == request.sender)
                .map(|clock| story(sql, &case_id, clock, now))
                .collect::<Result<Vec<_>, Error>>()?;
            match births.is_empty() {
                true => Err(Error::refused(
                    FaultCode::UnknownSubject,
                    "unknown-case",
                    "case_id",
                )),
                false => Ok(ShowBirthResponse { births }),
            }
        })
        .await
    }
}

/// What the clock of a case has.
struct Clock {
    sender: String,
    province: String,
    counted_on: String,
    done_ms: Option<i64>,
    /// Since when its sender is waited for.
    paused_ms: Option<i64>,
    told: u32,
    settled: String,
}

fn clocks(sql: &Sql, case_id: &str) -> Result<Vec<Clock>, Error> {
    Ok(sql.query(
        "SELECT sender, province, counted_on, done_ms, told, settled, paused_ms FROM birth_clocks
         WHERE case_id = ?1 ORDER BY sender LIMIT 10",
        values![case_id],
        |row| {
            Ok(Clock {
                sender: row.get(0)?,
                province: row.get(1)?,
                counted_on: row.get(2)?,
                done_ms: row.get(3)?,
                told: row.get(4)?,
                settled: row.get(5)?,
                paused_ms: row.get(6)?,
            })
        },
    )?)
}

fn story(sql: &Sql, case_id: &str, clock: Clock, now: Timestamp) -> Result<BirthStory, Error> {
    let (facts, case) = births::stored_case(sql, &clock.sender, case_id)?
        .ok_or(Error::Corrupt("a clock without its case"))?;
    let said = RegisterBirthRequest::decode(facts.as_slice())
        .map_err(|_| Error::Corrupt("a stored birth"))?;
    let received_at = facts::moment(&said.received_at, "received_at")?;
    let said = supplements::applied(sql, &clock.sender, case_id, said)?;
    let counted_from = facts::moment(&said.received_at, "received_at")?;
    let moment = |ms: Option<i64>| {
        let at = ms.map(Timestamp::from_millisecond).transpose();
        at.map_err(|_| Error::Corrupt("a stored moment"))
    };
    let done_at = moment(clock.done_ms)?;
    let looked_at = done_at.or(moment(clock.paused_ms)?).unwrap_or(now);
    let over = law::birth_card(counted_from).over(looked_at);
    Ok(BirthStory {
        case: Some(case),
        received_at: facts::instant(received_at),
        counted_on: clock.counted_on,
        province: clock.province,
        done_at: done_at.map(facts::instant).unwrap_or_default(),
        over_percent: u32::from(over),
        told_percent: clock.told,
        settled: clock.settled,
        review: reviews::of_case(sql, &clock.sender, case_id)?,
        pin: said.child.unwrap_or_default().pin,
        later: later(sql, &clock.sender, case_id)?,
        sender: clock.sender,
    })
}

/// What came to the child after its birth.
fn later(sql: &Sql, sender: &str, case_id: &str) -> Result<Vec<LaterEvent>, Error> {
    let mut all = deaths(sql, sender, case_id)?;
    all.extend(notices(sql, sender, case_id)?);
    all.extend(supplements::events(sql, sender, case_id)?);
    all.extend(sql.query(
        "SELECT case_id, at, print FROM birth_corrections WHERE sender = ?1 AND corrects = ?2 ORDER BY nth",
        values![sender, case_id],
        |row| {
            let what = match row.get::<u32>(2)? {
                0 => "correction",
                _ => "correction-printed",
            };
            Ok(LaterEvent {
                what: what.to_owned(),
                sender: sender.to_owned(),
                case_id: row.get(0)?,
                at: row.get(1)?,
            })
        },
    )?);
    all.sort_by(|one, other| one.at.cmp(&other.at));
    Ok(all)
}

fn deaths(sql: &Sql, sender: &str, case_id: &str) -> Result<Vec<LaterEvent>, Error> {
    Ok(sql.query(
        "SELECT d.sender, d.case_id, d.updated_at, d.withdrawn_by, r.case_id IS NOT NULL FROM birth_cases b
         JOIN deaths d ON d.person = b.person
         LEFT JOIN deaths r ON r.sender = d.sender AND r.case_id = d.withdrawn_by AND r.replaces_number <> ''
         WHERE b.sender = ?1 AND b.case_id = ?2 ORDER BY d.updated_at, d.sender, d.case_id",
        values![sender, case_id],
        |row| {
            let withdrawn_by: Option<String> = row.get(3)?;
            let what = match withdrawn_by {
                Some(_) if row.get(4)? => "death-replaced",
                Some(_) => "death-withdrawn",
                None => "death",
            };
            Ok(LaterEvent {
                what: what.to_owned(),
                sender: row.get(0)?,
                case_id: withdrawn_by.map_or_else(|| row.get(1), Ok)?,
                at: row.get(2)?,
            })
        },
    )?)
}

/// The hospital's notice of a registered child that was taken back: what is registered stands, and a person looks.
fn notices(sql: &Sql, sender: &str, case_id: &str) -> Result<Vec<LaterEvent>, Error> {
    Ok(sql.query(
        "SELECT n.sender, n.withdrawn_by, n.withdrawn_at FROM birth_cases b
         JOIN birth_notices n ON n.person = b.person
         WHERE b.sender = ?1 AND b.case_id = ?2 AND n.withdrawn_by IS NOT NULL",
        values![sender, case_id],
        |row| {
            Ok(LaterEvent {
                what: "notice-withdrawn".to_owned(),
                sender: row.get(0)?,
                case_id: row.get(1)?,
                at: row.get(2)?,
            })
        },
    )?)
}
