//! Births of which a person must say whether the child is known already.
//!
//! Whoever decides names what they saw: where other candidates have come since, they look again. A decision
//! stands; it is made in somebody's name and with a reason, and the case goes on as any other.

use certs::digest::Sha256;
use schemas::fault::FaultCode;
use schemas::id::SiNumber;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthCase, BirthCaseState, DecideReviewRequest, DecideReviewResponse, ListReviewsRequest,
    ListReviewsResponse, RegisterBirthRequest, Review, ReviewCandidate, ShowReviewRequest,
    ShowReviewResponse, decide_review_request::Decision,
};

use super::births::matching::{self, Candidate, Match};
use super::births::{self, Birth, CaseKey};
use super::clocks::Settled;
use super::effects::Asked;
use super::hospitals::newborns;
use super::{Error, Registry, Sight, Tx, clocks, facts, law, people};
use crate::sql::{self, Row, Sql, values};

/// A query of reviews, as [`review`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, sender, case_id, score, why, due_on, opened_at, decided_at, decided_by, reason, same_as IS NOT NULL
             FROM birth_reviews ",
            $rest
        )
    };
}
impl Registry {
    /// Reviews that wait for a person, the oldest first; none of a child's facts.
    ///
    /// # Errors
    /// `INVALID` where the context is malformed.
    pub async fn reviews(&self, request: ListReviewsRequest) -> Result<ListReviewsResponse, Error> {
        facts::context(request.context)?;
        self.read("reviews", move |sql| {
            let reviews = match request.with_decided {
                false => sql.query(
                    select!("WHERE decided_at IS NULL ORDER BY id LIMIT 100"),
                    &[],
                    review,
                )?,
                true => sql.query(select!("ORDER BY id DESC LIMIT 100"), &[], review)?,
            };
            Ok(ListReviewsResponse { reviews })
        })
        .await
    }

    /// One review: what was told of the child, and everybody who may be it, as they stand now.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such review.
    pub async fn review(&self, request: ShowReviewRequest) -> Result<ShowReviewResponse, Error> {
        facts::context(request.context)?;
        let today = schemas::date::day_in_viet_nam((self.shared.clock)());
        let population = self.population();
        self.read("review", move |sql| {
            let (review, said) = of_id(sql, request.id)?;
            let sight = Sight {
                sql,
                today,
                population,
            };
            let birth = Birth::parse(&sight, &said)?;
            let candidates = alike(sql, &birth)?;
            let version = version(sql, &candidates)?;
            let told = candidates.iter().map(|one| told(sql, one));
            Ok(ShowReviewResponse {
                review: Some(review),
                birth: Some(said),
                candidates: told.collect::<Result<_, _>>()?,
                version,
            })
        })
        .await
    }

    /// Decides a review; safe to repeat under its key.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such review, `CONFLICT` where it was decided otherwise or others may
    /// be the child by now, `INVALID` where the decision names nobody who was shown.
    pub async fn decide_review(
        &self,
        mut request: DecideReviewRequest,
    ) -> Result<DecideReviewResponse, Error> {
        let context = facts::context(request.context.take())?;
        let asked = Asked::new("Reviews.Decide", &context, request.encode_to_vec())?;
        for (text, field) in [(&request.who, "who"), (&request.why, "why")] {
            if text.trim().is_empty() || text.len() > WORDS_BYTES_MAX {
                return Err(facts::invalid("missing", field));
            }
        }
        self.effect(asked, move |tx, _| {
            let case = decide(tx, &request)?;
            Ok(DecideReviewResponse { case: Some(case) })
        })
        .await
    }
}

/// Opens a review of a case in place of the case itself.
pub(super) fn open(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    facts: &[u8],
    birth: &Birth,
    candidates: &[Candidate],
) -> Result<(), Error> {
    let likeliest = candidates
        .first()
        .ok_or(Error::Corrupt("a doubt without anybody"))?;
    tx.sql.execute(
        "INSERT INTO birth_reviews (sender, case_id, facts, score, why, due_on, opened_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            case.sender,
            case.case_id,
            facts,
            likeliest.score.value,
            likeliest.score.why.join(","),
            law::birth_card(birth.received_at).due_on().to_string(),
            facts::instant(tx.now),
        ],
    )?;
    tracing::info!(target: "lienthong::registry", case = case.case_id, "a birth waits for a person");
    Ok(())
}

/// What was said of a case that is or was in review.
pub(super) fn facts_of(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(sql.query_opt(
        "SELECT facts FROM birth_reviews WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| row.get(0),
    )?)
}

/// A case that waits for a person, as its sender sees it.
pub(super) fn waiting(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<BirthCase>, Error> {
    let waiting = sql.query_opt(
        "SELECT due_on, opened_at FROM birth_reviews WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| {
            Ok(BirthCase {
                case_id: case_id.to_owned(),
                known: true,
                state: BirthCaseState::Processing as i32,
                due_on: row.get(0)?,
                updated_at: row.get(1)?,
                ..BirthCase::default()
            })
        },
    )?;
    let Some(mut case) = waiting else {
        return Ok(None);
    };
    case.due_at = clocks::due_at(&case.due_on)?;
    Ok(Some(case))
}

fn decide(tx: &Tx<'_>, asked: &DecideReviewRequest) -> Result<BirthCase, Error> {
    let (review, said) = of_id(tx.sql, asked.id)?;
    if !review.decided_at.is_empty() {
        return Err(Error::refused(FaultCode::Conflict, "decided-already", "id"));
    }
    let birth = Birth::parse(&tx.sight(), &said)?;
    let (person, same_as, settled) = match people::by_pin(tx.sql, &birth.pin)? {
        // it came by another case meanwhile
        Some(known) => {
            let person = births::recognise(&known, &birth)?;
            (person, Some(person), Settled::ByPin)
        }
        None => match judged(tx, asked, &birth)? {
            (person, None) => (person, None, Settled::SaidNew),
            (person, known) => (person, known, Settled::SaidKnown),
        },
    };
    tx.sql.execute(
        "UPDATE birth_reviews SET decided_at = ?2, decided_by = ?3, reason = ?4, same_as = ?5 WHERE id = ?1",
        values![
            i64::try_from(review.id).unwrap_or(i64::MAX),
            facts::instant(tx.now),
            asked.who,
            asked.why,
            same_as,
        ],
    )?;
    let case = CaseKey {
        sender: &review.sender,
        case_id: &review.case_id,
    };
    clocks::stop(tx, &case, settled)?;
    births::complete(tx, &case, &said.encode_to_vec(), person, &birth)
}

/// The person whom the decision names, and whether they were known.
fn judged(
    tx: &Tx<'_>,
    asked: &DecideReviewRequest,
    birth: &Birth,
) -> Result<(i64, Option<i64>), Error> {
    let candidates = alike(tx.sql, birth)?;
    if version(tx.sql, &candidates)? != asked.version {
        return Err(Error::refused(
            FaultCode::Conflict,
            "candidates-changed",
            "version",
        ));
    }
    let nobody = || facts::invalid("not-a-candidate", "same_as");
    match &asked.decision {
        Some(Decision::NewPerson(true)) => Ok((births::enrol(tx, birth)?, None)),
        Some(Decision::SameAs(number)) => {
            let number = SiNumber::parse(number).map_err(|_| nobody())?;
            let holder = people::by_si_number(tx.sql, &number)?.ok_or_else(nobody)?;
            if !candidates.iter().any(|one| one.person == holder.id) {
                return Err(nobody());
            }
            // a child that died before it was registered is registered all the same, and gets no card
            if holder.dead && newborns::of(tx.sql, holder.id)?.is_none() {
                return Err(Error::refused(
                    FaultCode::RuleRefused,
                    "person-is-dead",
                    "same_as",
                ));
            }
            Ok((births::adopt(tx, holder.id, birth)?, Some(holder.id)))
        }
        _ => Err(facts::invalid("missing", "decision")),
    }
}

/// A review by its id, and what was said of the child.
fn of_id(sql: &Sql, id: u64) -> Result<(Review, RegisterBirthRequest), Error> {
    let unknown = || Error::refused(FaultCode::UnknownSubject, "unknown-review", "id");
    let id = i64::try_from(id).map_err(|_| unknown())?;
    let review = sql
        .query_opt(select!("WHERE id = ?1"), values![id], review)?
        .ok_or_else(unknown)?;
    let facts: Vec<u8> = sql.query_one(
        "SELECT facts FROM birth_reviews WHERE id = ?1",
        values![id],
        |row| row.get(0),
    )?;
    let said = RegisterBirthRequest::decode(facts.as_slice())
        .map_err(|_| Error::Corrupt("a stored birth"))?;
    Ok((review, said))
}

/// Everybody who may be the child now. One by the key is shown as any other: the case was a doubt when it came.
fn alike(sql: &Sql, birth: &Birth) -> Result<Vec<Candidate>, Error> {
    Ok(match matching::find(sql, birth)? {
        Match::Nobody => Vec::new(),
        Match::One(one) => vec![one],
        Match::Doubtful(several) => several,
    })
}

/// Stands for who was shown, with which score.
fn version(sql: &Sql, candidates: &[Candidate]) -> Result<String, Error> {
    let mut hash = Sha256::new();
    for one in candidates {
        let number = people::number_of(sql, one.person, "si")?.unwrap_or_default();
        hash.update(format!("{number} {};", one.score.value).as_bytes());
    }
    let digest = hash.finish();
    Ok(digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn told(sql: &Sql, one: &Candidate) -> Result<ReviewCandidate, Error> {
    Ok(ReviewCandidate {
        person: Some(people::person(sql, one.person)?),
        score: one.score.value,
        why: one
            .score
            .why
            .iter()
            .map(|word| (*word).to_owned())
            .collect(),
        mother_name: one.origin.mother_name.clone(),
        mother_pin: one.origin.mother_pin.clone(),
        birth_notice: one.origin.notice.clone(),
    })
}

/// The review of a case, where there is or was one.
pub(super) fn of_case(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<Review>, Error> {
    Ok(sql.query_opt(
        select!("WHERE sender = ?1 AND case_id = ?2"),
        values![sender, case_id],
        review,
    )?)
}

fn review(row: &Row<'_>) -> Result<Review, sql::Error> {
    let decided_at: Option<String> = row.get(7)?;
    let by: Option<String> = row.get(8)?;
    let reason: Option<String> = row.get(9)?;
    Ok(Review {
        id: u64::try_from(row.get::<i64>(0)?).unwrap_or_default(),
        sender: row.get(1)?,
        case_id: row.get(2)?,
        score: row.get(3)?,
        why: row.get(4)?,
        due_on: row.get(5)?,
        opened_at: row.get(6)?,
        decided_at: decided_at.unwrap_or_default(),
        decided_by: by.unwrap_or_default(),
        reason: reason.unwrap_or_default(),
        known_person: row.get(10)?,
    })
}

/// Most bytes of a name and of a reason.
const WORDS_BYTES_MAX: usize = 2_000;
