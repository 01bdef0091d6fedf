//! What a person says of a birth that waits: who the child is, what is missing, or that it ends; and what comes of it.

use schemas::fault::FaultCode;
use schemas::id::SiNumber;
use schemas::proto::insurance::{
    BirthCase, DecideReviewRequest, PopulationFinding, Review, decide_review_request::Decision,
};

use super::super::births::{self, Birth, CaseKey, Doubt, matching::Candidate, population};
use super::super::clocks::{self, Settled};
use super::super::hospitals::newborns;
use super::super::{Error, Tx, facts, law, people, supplements};
use super::{Held, alike, of_id, version};
use crate::sql::values;

pub(super) fn decide(
    tx: &Tx<'_>,
    asked: &DecideReviewRequest,
    finding: Option<&PopulationFinding>,
) -> Result<BirthCase, Error> {
    let Held {
        review,
        facts,
        said,
    } = of_id(tx.sql, asked.id)?;
    if !review.decided_at.is_empty() {
        return Err(Error::refused(FaultCode::Conflict, "decided-already", "id"));
    }
    let birth = Birth::parse(&tx.sight(), &said)?;
    let case = CaseKey {
        sender: &review.sender,
        case_id: &review.case_id,
    };
    let by = By {
        who: &asked.who,
        why: &asked.why,
    };
    match &asked.decision {
        Some(Decision::Ask(told)) => {
            seen(tx, &review, asked, &birth)?;
            return supplements::ask(tx, &review, told, asked);
        }
        Some(Decision::Refuse(told)) => {
            seen(tx, &review, asked, &birth)?;
            return refuse(tx, &case, supplements::words(told)?, &by);
        }
        _ => {}
    }
    if let Some(case) = otherwise(tx, &case, asked, (&review, &birth), finding)? {
        return Ok(case);
    }
    let (person, same_as, settled) = match people::by_pin(tx.sql, &birth.pin)? {
        // it came by another case meanwhile
        Some(known) => {
            let person = births::recognise(&known, &birth)?;
            (person, Some(person), Settled::ByPin)
        }
        None => match judged(tx, &review, asked, &birth)? {
            (person, None) => (person, None, Settled::SaidNew),
            (person, known) => (person, known, Settled::SaidKnown),
        },
    };
    close(tx, &case, &by, same_as)?;
    clocks::stop(tx, &case, settled)?;
    births::complete(tx, &case, &facts, person, &birth)
}

/// What the population database says of a child that it was not asked about before, where that is otherwise: nothing is decided,
/// and a person sees why.
fn otherwise(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    asked: &DecideReviewRequest,
    (review, birth): (&Review, &Birth),
    finding: Option<&PopulationFinding>,
) -> Result<Option<BirthCase>, Error> {
    let was_asked = super::was_asked(tx.sql, case)?;
    let doubts = population::doubts_of_waiting(tx, birth, finding, was_asked)?;
    if finding.is_some() && !was_asked {
        super::note_asked(tx, case, true)?;
    }
    if doubts.is_empty() {
        return Ok(None);
    }
    let candidates = seen(tx, review, asked, birth)?;
    let doubt = Doubt::of(&doubts, &candidates);
    tx.sql.execute(
        "UPDATE birth_reviews SET why = ?3 WHERE sender = ?1 AND case_id = ?2",
        values![case.sender, case.case_id, doubt.why],
    )?;
    births::case_of(tx.sql, case.sender, case.case_id)
}

/// In whose name something is decided, and why.
pub(in crate::registry) struct By<'a> {
    pub(in crate::registry) who: &'a str,
    pub(in crate::registry) why: &'a str,
}

/// Nobody is asked about a case any more: the child is somebody, known or new.
pub(in crate::registry) fn close(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    by: &By<'_>,
    same_as: Option<i64>,
) -> Result<(), Error> {
    supplements::end(tx, case)?;
    tx.sql.execute(
        "UPDATE birth_reviews SET decided_at = ?3, decided_by = ?4, reason = ?5, same_as = ?6
         WHERE sender = ?1 AND case_id = ?2",
        values![
            case.sender,
            case.case_id,
            facts::instant(tx.now),
            by.who,
            by.why,
            same_as,
        ],
    )?;
    Ok(())
}

/// Ends a case without a card, and tells its sender why.
pub(in crate::registry) fn refuse(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    told: &str,
    by: &By<'_>,
) -> Result<BirthCase, Error> {
    close(tx, case, by, None)?;
    tx.sql.execute(
        "UPDATE birth_reviews SET refused = ?3 WHERE sender = ?1 AND case_id = ?2",
        values![case.sender, case.case_id, told],
    )?;
    moved(tx, case)?;
    clocks::stop(tx, case, Settled::Refused)?;
    births::as_told(tx, case)
}

/// From now on a case stands as it does.
pub(in crate::registry) fn moved(tx: &Tx<'_>, case: &CaseKey<'_>) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_reviews SET moved_at = ?3 WHERE sender = ?1 AND case_id = ?2",
        values![case.sender, case.case_id, facts::instant(tx.now)],
    )?;
    Ok(())
}

/// A case waits for a person again, with what its sender has sent; its time is the supplement's.
pub(in crate::registry) fn reopen(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    birth: &Birth,
    doubt: &Doubt,
) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_reviews SET score = ?3, why = ?4, due_on = ?5 WHERE sender = ?1 AND case_id = ?2",
        values![
            case.sender,
            case.case_id,
            doubt.score,
            doubt.why,
            law::birth_card(birth.received_at).due_on().to_string(),
        ],
    )?;
    moved(tx, case)
}

/// Those who may be the child, where they are those whom the decision was made from.
fn seen(
    tx: &Tx<'_>,
    review: &Review,
    asked: &DecideReviewRequest,
    birth: &Birth,
) -> Result<Vec<Candidate>, Error> {
    let candidates = alike(tx.sql, birth)?;
    match version(tx.sql, review, &candidates)? == asked.version {
        true => Ok(candidates),
        false => Err(Error::refused(
            FaultCode::Conflict,
            "candidates-changed",
            "version",
        )),
    }
}

/// The person whom the decision names, and whether they were known.
fn judged(
    tx: &Tx<'_>,
    review: &Review,
    asked: &DecideReviewRequest,
    birth: &Birth,
) -> Result<(i64, Option<i64>), Error> {
    let candidates = seen(tx, review, asked, birth)?;
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
