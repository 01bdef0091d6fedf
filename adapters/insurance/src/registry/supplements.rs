//! What a person asks of a sender about a birth that waits: states 2 and 6 of its case.
//!
//! The sender has 7 working days, in which the law's time stands still; with what it sends, the time begins anew. The
//! case then goes on by the same rules as one that came so at first: where nothing is left to doubt it has its card,
//! else it waits for a person again. Whoever lets the day pass is refused, and may send a case of its own (own profile:
//! the seven states and `hanBoSungHoSo` are known, what they mean for VSS is not).

use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthCase, DecideReviewRequest, LaterEvent, PopulationFinding, RegisterBirthRequest, Review,
    SupplementBirthRequest, SupplementBirthResponse,
};

use super::births::{self, Birth, CaseKey, Whose, population};
use super::dossiers::bounded;
use super::effects::Asked;
use super::facts::invalid;
use super::{Error, Registry, Tx, clocks, corrections, facts, law, reviews};
use crate::sql::{Sql, values};

impl Registry {
    /// Takes what was asked for: the same key, or the same case with the same facts, gives the same answer.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where the sender has no such birth; `RULE-REFUSED` where nothing is awaited of it or the day is
    /// over; `INVALID`, `CONFLICT` or `AMBIGUOUS-SUBJECT` as for a birth with these facts; nothing is changed then.
    pub async fn supplement_birth(
        &self,
        mut request: SupplementBirthRequest,
    ) -> Result<SupplementBirthResponse, Error> {
        let context = facts::context(request.context.take())?;
        facts::word(&request.case_id, 64, "case_id")?;
        facts::word(&request.supplements, 64, "supplements")?;
        facts::moment(&request.received_at, "received_at")?;
        if request.reason.len() > REASON_BYTES_MAX {
            return Err(invalid("malformed-text", "reason"));
        }
        let finding = request.population.take();
        let asked = Asked::new("Births.Supplement", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, facts| {
            let case = match stored(tx.sql, &context.sender, &request.case_id)? {
                Some(known) if same_facts(&known, &request)? => {
                    births::case_of(tx.sql, &context.sender, &request.supplements)?
                        .ok_or(Error::Corrupt("a supplement without its case"))?
                }
                Some(_) => {
                    return Err(Error::refused(
                        FaultCode::Conflict,
                        "case-has-other-facts",
                        "case_id",
                    ));
                }
                None => take(tx, &context.sender, (&request, finding.as_ref()), facts)?,
            };
            Ok(SupplementBirthResponse { case: Some(case) })
        })
        .await
    }
}

/// What a sender was asked for and has not sent yet.
pub(super) struct Awaited {
    nth: i64,
    /// In words, for the sender.
    pub(super) told: String,
    /// The last day, ISO date.
    pub(super) until_on: String,
    until_ms: i64,
}

/// What is awaited of a case now.
pub(super) fn awaited(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<Awaited>, Error> {
    Ok(sql.query_opt(
        "SELECT nth, told, until_on, until_ms FROM birth_supplements
         WHERE sender = ?1 AND case_id = ?2 AND ended_at IS NULL",
        values![sender, case_id],
        |row| {
            Ok(Awaited {
                nth: row.get(0)?,
                told: row.get(1)?,
                until_on: row.get(2)?,
                until_ms: row.get(3)?,
            })
        },
    )?)
}

/// How often a case was asked and how often that ended: whoever decides has seen both.
pub(super) fn rounds(sql: &Sql, sender: &str, case_id: &str) -> Result<(i64, i64), Error> {
    Ok(sql.query_one(
        "SELECT count(*), count(ended_at) FROM birth_supplements WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

/// Asks the sender of a case for something, in somebody's name: from now on the law's time stands still.
pub(super) fn ask(
    tx: &Tx<'_>,
    review: &Review,
    told: &str,
    asked: &DecideReviewRequest,
) -> Result<BirthCase, Error> {
    let told = words(told)?;
    let case = CaseKey {
        sender: &review.sender,
        case_id: &review.case_id,
    };
    if awaited(tx.sql, case.sender, case.case_id)?.is_some() {
        return Err(Error::refused(
            FaultCode::Conflict,
            "supplement-asked-already",
            "decision",
        ));
    }
    let limit = law::supplement(tx.now);
    tx.sql.execute(
        "INSERT INTO birth_supplements (sender, case_id, nth, told, who, why, asked_at, until_on, until_ms)
         SELECT ?1, ?2, count(*) + 1, ?3, ?4, ?5, ?6, ?7, ?8 FROM birth_supplements WHERE sender = ?1 AND case_id = ?2",
        values![
            case.sender,
            case.case_id,
            told,
            asked.who,
            asked.why,
            facts::instant(tx.now),
            limit.due_on().to_string(),
            limit.due_at().as_millisecond(),
        ],
    )?;
    clocks::pause(tx, &case)?;
    reviews::moved(tx, &case)?;
    births::as_told(tx, &case)
}

/// What a sender is told: one line of bounded length, which is not empty.
pub(super) fn words(told: &str) -> Result<&str, Error> {
    let told = told.trim();
    bounded(told, TOLD_BYTES_MAX, "told")?;
    match told.is_empty() {
        true => Err(invalid("missing", "told")),
        false => Ok(told),
    }
}

/// Nothing is awaited of a case any more.
pub(super) fn end(tx: &Tx<'_>, case: &CaseKey<'_>) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_supplements SET ended_at = ?3 WHERE sender = ?1 AND case_id = ?2 AND ended_at IS NULL",
        values![case.sender, case.case_id, facts::instant(tx.now)],
    )?;
    Ok(())
}

/// Refuses the cases whose senders have let the day pass, at most so many.
pub(super) fn lapse(tx: &Tx<'_>, max: u32) -> Result<(), Error> {
    let over: Vec<(String, String)> = tx.sql.query(
        "SELECT sender, case_id FROM birth_supplements
         WHERE ended_at IS NULL AND until_ms < ?1 ORDER BY until_ms, sender, case_id LIMIT ?2",
        values![tx.now.as_millisecond(), i64::from(max)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (sender, case_id) in &over {
        let by = reviews::By {
            who: RULE,
            why: "the supplement has not come by its day",
        };
        reviews::refuse(tx, &CaseKey { sender, case_id }, LAPSED, &by)?;
        tracing::info!(target: "lienthong::registry", case = case_id, "a birth ends without its supplement");
    }
    Ok(())
}

fn take(
    tx: &Tx<'_>,
    sender: &str,
    (said, finding): (&SupplementBirthRequest, Option<&PopulationFinding>),
    answer: &[u8],
) -> Result<BirthCase, Error> {
    let case = CaseKey {
        sender,
        case_id: &said.supplements,
    };
    let refused = |reason| Error::refused(FaultCode::RuleRefused, reason, "supplements");
    let Some(known) = births::case_of(tx.sql, sender, case.case_id)? else {
        return Err(Error::refused(
            FaultCode::UnknownSubject,
            "unknown-case",
            "supplements",
        ));
    };
    let open = reviews::open_facts(tx.sql, &case)?.ok_or_else(|| refused("case-is-closed"))?;
    let awaited =
        awaited(tx.sql, sender, &known.case_id)?.ok_or_else(|| refused("supplement-not-asked"))?;
    if awaited.until_ms < tx.now.as_millisecond() {
        return Err(refused("supplement-too-late"));
    }
    let told = RegisterBirthRequest::decode(open.as_slice())
        .map_err(|_| Error::Corrupt("a stored birth"))?;
    // as it stood when somebody was asked about it last
    let asked_about = corrections::as_it_stands(tx.sql, sender, case.case_id, told.clone())?;
    tx.sql.execute(
        "UPDATE birth_supplements SET answer_case = ?4, answer = ?5, ended_at = ?6
         WHERE sender = ?1 AND case_id = ?2 AND nth = ?3",
        values![
            sender,
            case.case_id,
            awaited.nth,
            said.case_id,
            answer,
            facts::instant(tx.now),
        ],
    )?;
    let told = corrections::as_it_stands(tx.sql, sender, case.case_id, told)?;
    let why = reviews::of_case(tx.sql, sender, case.case_id)?.map(|review| review.why);
    let why = why.unwrap_or_default();
    let was_asked = reviews::was_asked(tx.sql, &case)?;
    let since = (&asked_about, &told);
    let (doubts, holds) = population::doubts_since(&why, finding, since, was_asked);
    let birth = Birth::parse(&tx.sight(), &told)?;
    clocks::resume(tx, &case, &birth)?;
    match births::whose(tx, &birth, &doubts)? {
        Whose::Doubtful(doubt) => {
            reviews::reopen(tx, &case, &birth, &doubt)?;
            reviews::note_asked(tx, &case, holds)?;
            births::as_told(tx, &case)
        }
        Whose::Known(person, settled) => {
            let by = reviews::By {
                who: RULE,
                why: &format!("supplement {}", said.case_id),
            };
            reviews::close(tx, &case, &by, settled.is_known().then_some(person))?;
            clocks::stop(tx, &case, settled)?;
            births::complete(tx, &case, &open, person, &birth)
        }
    }
}

/// A birth as it was told, with what its sender sent since, each over the one before.
pub(super) fn applied(
    sql: &Sql,
    sender: &str,
    case_id: &str,
    told: RegisterBirthRequest,
) -> Result<RegisterBirthRequest, Error> {
    let answers: Vec<Vec<u8>> = sql.query(
        "SELECT answer FROM birth_supplements
         WHERE sender = ?1 AND case_id = ?2 AND answer IS NOT NULL ORDER BY nth",
        values![sender, case_id],
        |row| row.get(0),
    )?;
    answers.iter().try_fold(told, |told, answer| {
        let said = SupplementBirthRequest::decode(answer.as_slice())
            .map_err(|_| Error::Corrupt("a stored supplement"))?;
        let mut told = corrections::applied(told, &said.changes.unwrap_or_default());
        told.received_at = said.received_at;
        if !said.birth_notice.is_empty() {
            told.birth_notice = said.birth_notice;
        }
        Ok(told)
    })
}

/// What was asked and what came, for the page of a birth.
pub(super) fn events(sql: &Sql, sender: &str, case_id: &str) -> Result<Vec<LaterEvent>, Error> {
    let rounds: Vec<(String, Option<String>, Option<String>)> = sql.query(
        "SELECT asked_at, answer_case, ended_at FROM birth_supplements
         WHERE sender = ?1 AND case_id = ?2 ORDER BY nth",
        values![sender, case_id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let event = |what: &str, case_id: String, at: String| LaterEvent {
        what: what.to_owned(),
        sender: sender.to_owned(),
        case_id,
        at,
    };
    let mut events = Vec::new();
    for (asked_at, answer, ended_at) in rounds {
        events.push(event("supplement-asked", case_id.to_owned(), asked_at));
        if let (Some(answer), Some(at)) = (answer, ended_at) {
            events.push(event("supplemented", answer, at));
        }
    }
    Ok(events)
}

fn stored(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(sql.query_opt(
        "SELECT answer FROM birth_supplements WHERE sender = ?1 AND answer_case = ?2",
        values![sender, case_id],
        |row| row.get(0),
    )?)
}

/// Two requests tell the same where nothing differs but the time they were received at.
fn same_facts(stored: &[u8], said: &SupplementBirthRequest) -> Result<bool, Error> {
    let mut known = SupplementBirthRequest::decode(stored)
        .map_err(|_| Error::Corrupt("a stored supplement"))?;
    known.received_at.clone_from(&said.received_at);
    Ok(known == *said)
}

/// In whose name a case is decided that no person decides.
const RULE: &str = "rule";
/// What the sender of a case is told whose supplement has not come: "the time for the supplement is over".
const LAPSED: &str = "Quá hạn bổ sung hồ sơ";
/// Most bytes of what a sender is told, and of its own words.
const TOLD_BYTES_MAX: usize = 1_000;
const REASON_BYTES_MAX: usize = 4_096;
