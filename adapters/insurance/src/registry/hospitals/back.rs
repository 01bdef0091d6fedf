//! A notice of a birth that the hospital takes back.
//!
//! It must be told as it was. The temporary card is ended, and the number stays the child's whom it was given for: a
//! notice of this hospital that tells of the same birth anew goes on under it ([`again`](super::again)), and a registration that may
//! be of that child waits for a person. What a registration has made its own stands: the civil register is the one to say who was born, and
//! the withdrawal is an event of the case for a person to look at.

use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    CardState, HospitalAnswer, HospitalBirthWithdrawal, NoticeOutcome,
};

use super::super::{Error, Tx, deaths, facts, people};
use super::{CODE_CHARS_MAX, Hospital, again, answer, conflict, kept, newborns};
use crate::sql::values;

impl Hospital<'_> {
    /// Takes a notice back; again changes nothing.
    pub(super) fn birth_back(
        &self,
        tx: &Tx<'_>,
        said: &HospitalBirthWithdrawal,
    ) -> Result<HospitalAnswer, Error> {
        let birth = said.birth.as_ref();
        let birth = birth.ok_or_else(|| facts::invalid("missing", "notice"))?;
        facts::word(&birth.code, CODE_CHARS_MAX, "code")?;
        let by = facts::word(&said.case_id, CODE_CHARS_MAX, "case_id")?;
        let Some(known) = kept(tx.sql, self.sender, birth)? else {
            return Err(match again::was_replaced(tx.sql, self.sender, birth)? {
                true => conflict("notice-was-replaced"),
                false => Error::refused(FaultCode::UnknownSubject, "unknown-case", "code"),
            });
        };
        if known.facts != birth.encode_to_vec() {
            return Err(conflict("case-has-other-facts"));
        }
        let is_registered = match known.person {
            Some(person) => people::number_of(tx.sql, person, "pin")?.is_some(),
            None => false,
        };
        if !known.withdrawn {
            tx.sql.execute(
                "UPDATE birth_notices SET withdrawn_by = ?4, withdrawn_at = ?5 WHERE sender = ?1 AND code = ?2 AND paper = ?3",
                values![
                    self.sender,
                    birth.code,
                    birth.paper,
                    by,
                    facts::instant(tx.now),
                ],
            )?;
            if let Some(person) = known.person.filter(|_| !is_registered) {
                newborns::end_temporary(tx, person, CardState::Revoked)?;
                deaths::forget_temporary(tx, person)?;
            }
        }
        let outcome = match is_registered {
            true => NoticeOutcome::BirthWithdrawnLate,
            false => NoticeOutcome::BirthWithdrawn,
        };
        answer(tx.sql, birth, outcome, known.person)
    }
}
