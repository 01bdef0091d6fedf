//! Births of which a person must say whether the child is known already.
//!
//! Whoever decides names what they saw: where other candidates have come since, they look again. A decision
//! stands; it is made in somebody's name and with a reason, and the case goes on as any other.

mod deciding;

use certs::digest::Sha256;
use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthCase, BirthCaseState, DecideReviewRequest, DecideReviewResponse, ListReviewsRequest,
    ListReviewsResponse, RegisterBirthRequest, Review, ReviewCandidate, ShowReviewRequest,
    ShowReviewResponse,
};

use super::births::matching::{self, Candidate, Match};
use super::births::{Birth, CaseKey, Doubt};
use super::effects::Asked;
use super::{Error, Registry, Sight, Tx, clocks, corrections, facts, law, people, supplements};
use crate::sql::{self, Row, Sql, values};
use deciding::decide;
pub(super) use deciding::{By, close, moved, refuse, reopen};

/// A query of reviews, as [`review`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, sender, case_id, score, why, due_on, opened_at, decided_at, decided_by, reason, same_as IS NOT NULL,
               refused IS NOT NULL, (SELECT s.until_on FROM birth_supplements s
                 WHERE s.sender = birth_reviews.sender AND s.case_id = birth_reviews.case_id AND s.ended_at IS NULL)
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
            let Held { review, said, .. } = of_id(sql, request.id)?;
            let sight = Sight {
                sql,
                today,
                population,
            };
            let birth = Birth::parse(&sight, &said)?;
            let candidates = alike(sql, &birth)?;
            let version = version(sql, &review, &candidates)?;
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

    /// Decides a review, asks its sender for something, or refuses it; safe to repeat under its key.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such review, `CONFLICT` where it was decided otherwise or others may
    /// be the child by now, `INVALID` where the decision names nobody who was shown, `RULE-REFUSED` where the population database
    /// has to be asked first.
    pub async fn decide_review(
        &self,
        mut request: DecideReviewRequest,
    ) -> Result<DecideReviewResponse, Error> {
        let context = facts::context(request.context.take())?;
        // of the same decision it is the same, whatever the database says meanwhile
        let finding = request.population.take();
        let asked = Asked::new("Reviews.Decide", &context, request.encode_to_vec())?;
        for (text, field) in [(&request.who, "who"), (&request.why, "why")] {
            if text.trim().is_empty() || text.len() > WORDS_BYTES_MAX {
                return Err(facts::invalid("missing", field));
            }
        }
        self.effect(asked, move |tx, _| {
            let case = decide(tx, &request, finding.as_ref())?;
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
    doubt: &Doubt,
    was_asked: bool,
) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO birth_reviews (sender, case_id, facts, score, why, due_on, opened_at, asked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            case.sender,
            case.case_id,
            facts,
            doubt.score,
            doubt.why,
            law::birth_card(birth.received_at).due_on().to_string(),
            facts::instant(tx.now),
            i64::from(was_asked),
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

/// A case that waits for a person or for its sender, or ended without a card, as its sender sees it.
pub(super) fn waiting(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<BirthCase>, Error> {
    let waiting = sql.query_opt(
        "SELECT due_on, coalesce(moved_at, opened_at), refused FROM birth_reviews WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| {
            let case = BirthCase {
                case_id: case_id.to_owned(),
                known: true,
                state: BirthCaseState::Processing as i32,
                due_on: row.get(0)?,
                updated_at: row.get(1)?,
                ..BirthCase::default()
            };
            Ok((case, row.get::<Option<String>>(2)?))
        },
    )?;
    let Some((mut case, refused)) = waiting else {
        return Ok(None);
    };
    case.due_at = clocks::due_at(&case.due_on)?;
    if let Some(why) = refused {
        case.state = BirthCaseState::Refused as i32;
        case.told = why;
    } else if let Some(awaited) = supplements::awaited(sql, sender, case_id)? {
        case.state = BirthCaseState::NeedsSupplement as i32;
        case.told = awaited.told;
        case.supplement_by = awaited.until_on;
    }
    Ok(Some(case))
}

/// What was said of a case that a person is asked about now; none where nobody is.
pub(super) fn open_facts(sql: &Sql, case: &CaseKey<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(sql.query_opt(
        "SELECT facts FROM birth_reviews WHERE sender = ?1 AND case_id = ?2 AND decided_at IS NULL",
        values![case.sender, case.case_id],
        |row| row.get(0),
    )?)
}

/// Whether the population database was asked about the child as it is told now.
pub(super) fn was_asked(sql: &Sql, case: &CaseKey<'_>) -> Result<bool, Error> {
    let asked: Option<i64> = sql.query_opt(
        "SELECT asked FROM birth_reviews WHERE sender = ?1 AND case_id = ?2",
        values![case.sender, case.case_id],
        |row| row.get(0),
    )?;
    Ok(asked == Some(1))
}

/// Keeps whether it was.
pub(super) fn note_asked(tx: &Tx<'_>, case: &CaseKey<'_>, was_asked: bool) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_reviews SET asked = ?3 WHERE sender = ?1 AND case_id = ?2",
        values![case.sender, case.case_id, i64::from(was_asked)],
    )?;
    Ok(())
}

/// A review, and what was said of the child.
struct Held {
    review: Review,
    /// As it was told at first.
    facts: Vec<u8>,
    /// With what came since.
    said: RegisterBirthRequest,
}

fn of_id(sql: &Sql, id: u64) -> Result<Held, Error> {
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
    let said = corrections::as_it_stands(sql, &review.sender, &review.case_id, said)?;
    Ok(Held {
        review,
        facts,
        said,
    })
}

/// Everybody who may be the child now. One by the key is shown as any other: the case was a doubt when it came.
fn alike(sql: &Sql, birth: &Birth) -> Result<Vec<Candidate>, Error> {
    Ok(match matching::find(sql, birth)? {
        Match::Nobody => Vec::new(),
        Match::One(one) => vec![one],
        Match::Doubtful(several) => several,
    })
}

/// Stands for who was shown, with which score, for why the case waits, and for what was asked of the sender so far.
fn version(sql: &Sql, review: &Review, candidates: &[Candidate]) -> Result<String, Error> {
    let mut hash = Sha256::new();
    let (asked, ended) = supplements::rounds(sql, &review.sender, &review.case_id)?;
    hash.update(format!("{asked} {ended} {};", review.why).as_bytes());
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
    let supplement_by: Option<String> = row.get(12)?;
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
        refused: row.get(11)?,
        supplement_by: supplement_by.unwrap_or_default(),
    })
}

/// Most bytes of a name and of a reason.
const WORDS_BYTES_MAX: usize = 2_000;
