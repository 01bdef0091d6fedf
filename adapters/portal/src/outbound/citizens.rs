//! What is otherwise now of a citizen whom a dossier of the portal's is about, from the feed to a parcel and to a record. Own profile.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::ports::{Class, Leased, Parcel, Person, PersonNumber};
use jiff::civil::Date;
use schemas::{
    date::format_slash,
    id::{PartnerId, Pin, Sex},
    proto::{
        Message as _,
        insurance::{Change, PersonChange, change::What},
    },
    wire::portal::{CitizenNotice, Service},
};

use super::kind;

/// The parcel of what is otherwise now of a citizen; it bears the change's id, which is the notice's, too.
///
/// # Errors
/// A stable word where the change is none of a person, or none that can be told.
pub fn citizens(partner: &PartnerId, change: &Change) -> Result<Vec<Parcel>, &'static str> {
    notice(change)?;
    Ok(vec![Parcel {
        id: change.id.clone(),
        partner: partner.clone(),
        subject: change.subject.clone(),
        sequence: change.subject_sequence,
        kind: kind(Service::NotifyCitizen),
        content: Bytes::from(change.encode_to_vec()),
        class: Class::Normal,
        due: None,
    }])
}

/// A parcel of this kind as a record, and whom it tells of.
pub(super) fn opened(leased: &Leased) -> Result<(CitizenNotice, Person), &'static str> {
    let change = Change::decode(leased.content.clone()).map_err(|_| "unreadable-content")?;
    let notice = notice(&change)?;
    let pins = [Some(&notice.pin), notice.new_pin.as_ref()];
    let numbers = pins.into_iter().flatten().map(|text| pin(text));
    let person = Person {
        numbers: numbers
            .map(|pin| pin.map(PersonNumber::Pin))
            .collect::<Result<_, _>>()?,
        told: told(&notice).into_iter().collect(),
    };
    Ok((notice, person))
}

/// The fields that a notice tells, as agreements name them.
fn told(notice: &CitizenNotice) -> BTreeSet<&'static str> {
    let fields = [
        ("pin", &notice.new_pin),
        ("name", &notice.name),
        ("birthDate", &notice.born),
        ("sex", &notice.sex),
        ("parents", &notice.parents),
        ("cardEnd", &notice.card_ends_on),
    ];
    let told = fields.into_iter().filter(|(_, value)| value.is_some());
    told.map(|(field, _)| field).collect()
}

fn notice(change: &Change) -> Result<CitizenNotice, &'static str> {
    let Some(What::Person(told)) = &change.what else {
        return Err("not-a-person");
    };
    let notice = CitizenNotice {
        id: change.id.clone(),
        pin: pin(&told.pin)?.as_str().to_owned(),
        new_pin: match told.new_pin.as_str() {
            "" => None,
            text => Some(pin(text)?.as_str().to_owned()),
        },
        name: (!told.name.is_empty()).then(|| told.name.clone()),
        born: day(&told.birth_date)?,
        sex: sex(told)?,
        parents: told.parents.then(|| YES.to_owned()),
        corrected_on: day(&told.corrected_on)?,
        card_ends_on: day(&told.card_ends_on)?,
    };
    // one thing at a time: what is corrected has its day, and a card's end has nothing beside it
    let is_whole = match (self::told(&notice).len(), &notice.card_ends_on) {
        (1, Some(_)) => notice.corrected_on.is_none(),
        (1.., None) => notice.corrected_on.is_some(),
        _ => false,
    };
    match is_whole {
        true => Ok(notice),
        false => Err("parts"),
    }
}

fn pin(text: &str) -> Result<Pin, &'static str> {
    Pin::parse(text).map_err(|_| "pin")
}

fn day(iso: &str) -> Result<Option<String>, &'static str> {
    match iso {
        "" => Ok(None),
        text => {
            let day: Date = text.parse().map_err(|_| "day")?;
            Ok(Some(format_slash(day)))
        }
    }
}

fn sex(told: &PersonChange) -> Result<Option<String>, &'static str> {
    match told.sex {
        0 => Ok(None),
        code => {
            let code = u8::try_from(code).map_err(|_| "sex")?;
            Sex::from_code(code).map_err(|_| "sex")?;
            Ok(Some(code.to_string()))
        }
    }
}

const YES: &str = "1";
