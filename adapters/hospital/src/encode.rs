//! The outcome in PL02's four members, and the cards beside them.

use gateway_core::{
    AnswerHead, Encoded, Unsigned,
    policy::Permit,
    ports::{Person, PersonNumber},
};
use jiff::{Timestamp, civil::Date};
use schemas::{
    date::{format_slash, in_viet_nam},
    fault::{Fault, FaultCode},
    id::SiNumber,
    proto::insurance::{HospitalAnswer, NoticeOutcome},
    wire::hospital::{self as wire, Answer, GivenCard, ResultCode},
};

use crate::{Outcome, Request};

pub(crate) fn encode(
    head: &AnswerHead,
    permit: &Permit,
    _request: &Request,
    outcome: Outcome,
) -> Result<Encoded, Fault> {
    let told = Disclosed {
        number: permit.disclosed().contains("siNumber"),
        card: permit.disclosed().contains("card"),
    };
    let births = outcome.iter().filter(|one| is_of_birth(one));
    let answer = Answer {
        code: ResultCode::Ok.as_str().to_owned(),
        transaction: head.evidence.to_string(),
        received_at: second(head.sent_at),
        message: "Đã tiếp nhận giấy tờ điện tử".to_owned(),
        cards: births
            .map(|one| told.row(one))
            .collect::<Result<_, Fault>>()?,
    };
    Ok(Encoded {
        unsigned: Unsigned::Json(wire::encode(&answer)),
        callbacks: Vec::new(),
        persons: outcome.iter().filter_map(|one| told.person(one)).collect(),
    })
}

/// `yyyyMMddHHmmss` in Viet Nam.
pub(crate) fn second(at: Timestamp) -> String {
    in_viet_nam(at).strftime("%Y%m%d%H%M%S").to_string()
}

fn is_of_birth(one: &HospitalAnswer) -> bool {
    !matches!(
        one.outcome(),
        NoticeOutcome::Death | NoticeOutcome::DeathWithdrawn
    )
}

/// What the agreement lets us tell.
struct Disclosed {
    number: bool,
    card: bool,
}

impl Disclosed {
    fn row(&self, one: &HospitalAnswer) -> Result<GivenCard, Fault> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let card = one.card.as_ref().filter(|_| self.card);
        let day = |text: &str| {
            let day: Date = text
                .parse()
                .map_err(|_| Fault::new(FaultCode::Internal, "bad-date"))?;
            Ok::<_, Fault>(format_slash(day))
        };
        Ok(GivenCard {
            notice: one.code.clone(),
            paper: some(&one.paper),
            outcome: one.outcome.to_string(),
            si_number: some(&one.si_number).filter(|_| self.number),
            card: card.map(|card| card.number.clone()),
            valid_from: card.map(|card| day(&card.valid_from)).transpose()?,
            valid_to: card.map(|card| day(&card.valid_to)).transpose()?,
        })
    }

    /// Of whom the answer tells what.
    fn person(&self, one: &HospitalAnswer) -> Option<Person> {
        let number = SiNumber::parse(&one.si_number).ok()?;
        if !is_of_birth(one) || !(self.number || self.card) {
            return None;
        }
        let mut person = Person::named(vec![PersonNumber::Si(number)]);
        let fields = [
            ("siNumber", self.number),
            ("card", self.card && one.card.is_some()),
        ];
        person.told = fields
            .into_iter()
            .filter(|(_, told)| *told)
            .map(|(name, _)| name)
            .collect();
        Some(person)
    }
}
