//! What was corrected of a person, from the feed to a parcel and from a parcel to a notice.

use bytes::Bytes;
use gateway_core::ports::{Class, Parcel};
use jiff::civil::Date;
use schemas::{
    id::{MessageId, PartnerId, Pin, Sex},
    proto::{
        Message as _,
        insurance::{Change, change::What},
    },
    wire::tax::taxpayer::{PersonNotice, Question},
};

use super::PURPOSE;

/// The parcel of what was corrected of a person; it bears the change's id, which is the id of its message, too.
///
/// # Errors
/// A stable word where the change is none of a person, or none that can be told.
pub fn persons(partner: &PartnerId, change: &Change) -> Result<Vec<Parcel>, &'static str> {
    notice(change)?;
    MessageId::parse(&change.id).map_err(|_| "unreadable-id")?;
    Ok(vec![Parcel {
        id: change.id.clone(),
        partner: partner.clone(),
        subject: change.subject.clone(),
        sequence: change.subject_sequence,
        kind: KIND,
        content: Bytes::from(change.encode_to_vec()),
        class: Class::Normal,
        due: None,
    }])
}

/// What a parcel of this kind tells.
pub(super) fn opened(id: &str, content: &[u8]) -> Result<(MessageId, Question), &'static str> {
    let change = Change::decode(content).map_err(|_| "unreadable-content")?;
    let id = MessageId::parse(id).map_err(|_| "unreadable-id")?;
    Ok((id, Question::Person(Box::new(notice(&change)?))))
}

fn notice(change: &Change) -> Result<PersonNotice, &'static str> {
    let Some(What::Person(told)) = &change.what else {
        return Err("not-a-person");
    };
    let day = |text: &str| text.parse::<Date>().map_err(|_| "day");
    let pin = |text: &str| Pin::parse(text).map_err(|_| "pin");
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let sex = match told.sex {
        0 => None,
        code => {
            let code = u8::try_from(code).map_err(|_| "sex")?;
            Some(Sex::from_code(code).map_err(|_| "sex")?)
        }
    };
    let notice = PersonNotice {
        pin: pin(&told.pin)?,
        new_pin: some(&told.new_pin).map(|text| pin(&text)).transpose()?,
        name: some(&told.name),
        birth_date: some(&told.birth_date).map(|text| day(&text)).transpose()?,
        sex,
        corrected_on: day(&told.corrected_on)?,
        purpose: PURPOSE.to_owned(),
    };
    match notice.fits() {
        Ok(()) => Ok(notice),
        Err(_) => Err("parts"),
    }
}

/// The kind of parcels that tell what was corrected of a person.
pub(super) const KIND: &str = "taxpayer.person";
