//! Proven bytes become a typed request; every value is checked here and nowhere below.

mod check;

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    Claims, Decoded, Identity,
    ports::{Person, PersonNumber},
};
use jiff::{Timestamp, civil::Date};
use schemas::{
    codes::procedures::{self, REISSUE_CARD},
    date::{day_in_viet_nam, parse_slash, portal_time},
    fault::{Fault, FaultCode},
    id::{CardNumber, Pin, PinConflict, ProcedureCode, Sex, SiNumber},
    name::PersonName,
    wire::portal::{self, Applicant, ReissueReason, Submission},
};

use crate::{PURPOSE, SUBMIT};
use check::{invalid, optional, text};

/// A dossier to reissue a card, every value checked; `Debug` shows the reference only.
#[derive(Clone, PartialEq, Eq)]
pub struct Submit {
    /// The portal's own reference.
    pub reference: String,
    /// Procedure code.
    pub procedure: ProcedureCode,
    /// Applicant's name in NFC.
    pub name: PersonName,
    /// Applicant's PIN; agrees with sex and year of birth where they are given.
    pub pin: Pin,
    /// Applicant's day of birth.
    pub born: Date,
    /// Telephone; may be empty.
    pub phone: String,
    /// E-mail; may be empty.
    pub email: String,
    /// Which card.
    pub held_by: HeldBy,
    /// Why.
    pub reason: ReissueReason,
    /// When the applicant submitted.
    pub submitted_at: Timestamp,
}

impl Submit {
    /// The applicant, who is the holder: the registry refuses anybody else.
    fn applicant(&self) -> Person {
        let holder = match &self.held_by {
            HeldBy::Card(card) => PersonNumber::of_card(card),
            HeldBy::Holder(number) => PersonNumber::Si(number.clone()),
        };
        Person::named(vec![PersonNumber::Pin(self.pin.clone()), holder])
    }
}

impl std::fmt::Debug for Submit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submit")
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// How the card is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBy {
    /// By the number on it.
    Card(CardNumber),
    /// By its holder's SI number.
    Holder(SiNumber),
}

impl HeldBy {
    /// The number as it was given.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Card(card) => card.as_str(),
            Self::Holder(number) => number.as_str(),
        }
    }

    fn is_synthetic(&self) -> bool {
        match self {
            Self::Card(card) => card.is_synthetic(),
            Self::Holder(number) => number.is_synthetic(),
        }
    }
}

pub(crate) fn decode(claims: Claims, bytes: &[u8]) -> Result<Decoded<Submit>, Fault> {
    if claims.operation != SUBMIT.name {
        return Err(Fault::new(FaultCode::Invalid, "operation-and-path-differ"));
    }
    let request = read(bytes)?;
    Ok(Decoded {
        claims,
        operation: &SUBMIT,
        identity: Identity::Envelope,
        purpose: PURPOSE.to_owned(),
        lines: 1,
        provinces: None,
        asked: BTreeSet::new(),
        payload: Bytes::copy_from_slice(bytes),
        synthetic: request.pin.is_synthetic() || request.held_by.is_synthetic(),
        persons: vec![request.applicant()],
        request,
    })
}

fn read(bytes: &[u8]) -> Result<Submit, Fault> {
    let said: Submission = portal::decode(bytes).map_err(check::json)?;
    let submitted_at = portal_time::parse(said.submitted_at.trim())
        .map_err(|_| invalid("bad-date", "NgayNopHoSo"))?;
    let on = day_in_viet_nam(submitted_at);
    let born = parse_slash(said.applicant.born.trim())
        .map_err(|_| invalid("bad-date", "NgayThangNamSinh"))?;
    if born > on {
        return Err(invalid("birth-after-submission", "NgayThangNamSinh"));
    }
    Ok(Submit {
        reference: reference(&said.reference)?,
        procedure: procedure(&said.procedure, on)?,
        name: name(&said.applicant)?,
        pin: pin(&said.applicant, born)?,
        born,
        phone: optional(
            said.applicant.phone.as_ref(),
            PHONE_CHARS_MAX,
            "SoDienThoai",
        )?,
        email: optional(said.applicant.email.as_ref(), EMAIL_CHARS_MAX, "ThuDienTu")?,
        held_by: held_by(said.card.trim())?,
        reason: ReissueReason::from_wire(&said.reason)
            .ok_or_else(|| invalid("unknown-code", "LyDoCapLai"))?,
        submitted_at,
    })
}

/// It goes into our rows and back to the portal, never into a path or a query of ours.
fn reference(text: &str) -> Result<String, Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
    match (1..=REFERENCE_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(invalid("bad-reference", "MaThamChieu")),
    }
}

fn procedure(code: &str, on: Date) -> Result<ProcedureCode, Fault> {
    let code = ProcedureCode::parse(code.trim())
        .map_err(|error| invalid("bad-procedure", "MaTTHC").log(error.to_string()))?;
    match code.national() == REISSUE_CARD && procedures::LIST.holds(REISSUE_CARD, on) {
        true => Ok(code),
        false => Err(invalid("procedure-not-for-us", "MaTTHC")),
    }
}

fn name(applicant: &Applicant) -> Result<PersonName, Fault> {
    let text = text(&applicant.name, "HoVaTen")?;
    PersonName::parse(text).map_err(|error| invalid("bad-name", "HoVaTen").log(error.to_string()))
}

/// Where the portal says no sex, the number's own is taken: only the year can contradict it then.
fn pin(applicant: &Applicant, born: Date) -> Result<Pin, Fault> {
    let pin = Pin::parse(applicant.pin.trim())
        .map_err(|error| invalid("bad-pin", "SoDinhDanh").log(error.to_string()))?;
    let sex = match applicant.sex.as_deref() {
        Some(code) => Sex::parse(code).map_err(|_| invalid("unknown-code", "GioiTinh"))?,
        None => pin.sex(),
    };
    match pin.conflict(sex, born.year()) {
        None => Ok(pin),
        Some(PinConflict::Sex) => Err(invalid("pin-sex-mismatch", "SoDinhDanh")),
        Some(PinConflict::BirthYear) => Err(invalid("pin-year-mismatch", "SoDinhDanh")),
    }
}

fn held_by(number: &str) -> Result<HeldBy, Fault> {
    let read = match number.len() {
        15 => CardNumber::parse(number).map(HeldBy::Card),
        _ => SiNumber::parse(number).map(HeldBy::Holder),
    };
    read.map_err(|error| invalid("bad-card", "MaThe").log(error.to_string()))
}

const REFERENCE_CHARS_MAX: usize = 64;
const PHONE_CHARS_MAX: usize = 20;
const EMAIL_CHARS_MAX: usize = 254;

#[cfg(test)]
pub(crate) mod tests;
