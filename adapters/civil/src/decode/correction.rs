//! Module LTCC: a new message that names the one it corrects, takes back, or completes with what was asked for.

use jiff::{Timestamp, civil::Date};
use schemas::{
    date::PartialDate,
    fault::Fault,
    id::{DossierCode, Pin, Sex},
    name::PersonName,
    wire::civil::{CORRECTS, CorrectedFacts, CorrectionForm, Module, SUPPLEMENTS, WITHDRAWS},
};

use super::{
    birth::Head,
    check::{self, Wire, data, given, invalid},
};

/// Facts of one of the sender's births as they are true now; `Debug` shows the cases only.
#[derive(Clone, PartialEq, Eq)]
pub struct Correction {
    /// The message's own case.
    pub case_id: DossierCode,
    /// The birth that it names.
    pub corrects: DossierCode,
    /// When the sender received the correction.
    pub received_at: Timestamp,
    /// Why; may be empty.
    pub reason: String,
    /// Another PIN.
    pub pin: Option<Pin>,
    /// Name in NFC.
    pub name: Option<PersonName>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Day of birth.
    pub born: Option<Date>,
    /// What changes of the mother.
    pub mother: ParentChange,
    /// What changes of the father.
    pub father: ParentChange,
}

/// What changes of a parent; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ParentChange {
    /// Name in NFC.
    pub name: Option<PersonName>,
    /// Day of birth, may be partial.
    pub born: Option<PartialDate>,
    /// PIN.
    pub pin: Option<Pin>,
}

/// A death that was none: the sender's own case is taken back.
#[derive(Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// The message's own case.
    pub case_id: DossierCode,
    /// The case that it names.
    pub withdraws: DossierCode,
    /// Why; may be empty.
    pub reason: String,
}

/// What was asked for of one of the sender's births; `Debug` shows the cases only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Supplement {
    /// Its own case, the case that it is for, and what is true now; nothing of it where papers alone were missing.
    pub facts: Box<Correction>,
    /// The hospital's birth notice (`maGCS`); empty: as it was.
    pub birth_notice: String,
}

impl std::fmt::Debug for Correction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Correction")
            .field("case_id", &self.case_id)
            .field("corrects", &self.corrects)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Withdrawal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Withdrawal")
            .field("case_id", &self.case_id)
            .field("withdraws", &self.withdraws)
            .finish_non_exhaustive()
    }
}

/// What a message of the module does.
pub(super) enum Deed {
    Corrects(Box<Correction>),
    Withdraws(Withdrawal),
    Supplements(Supplement),
}

/// Facts are corrected and completed of births, and taken back are deaths: `loai` and `moduleGoc` say which.
pub(super) fn read(head: Head) -> Result<Deed, Fault> {
    let form: CorrectionForm = head.message.correction().map_err(data)?;
    let module = Module::from_wire(form.module.trim());
    let named = DossierCode::parse(form.case_id.trim())
        .map_err(|error| invalid("bad-case-id", "maHoSoGoc").log(error.to_string()))?;
    let reason = check::text(form.reason.as_ref(), LONG, "lyDo")?;
    match (form.kind.trim(), module) {
        (CORRECTS, Some(Module::Birth)) => {
            let facts = form.facts.unwrap_or_default();
            if given(facts.birth_notice.as_ref()).is_some() {
                return Err(invalid("notice-of-a-correction", "maGCS"));
            }
            if facts == CorrectedFacts::default() {
                return Err(invalid("missing-field", "noiDung"));
            }
            correction(head, named, reason, &facts).map(Deed::Corrects)
        }
        (SUPPLEMENTS, Some(Module::Birth)) => {
            let facts = form.facts.unwrap_or_default();
            Ok(Deed::Supplements(Supplement {
                birth_notice: check::text(facts.birth_notice.as_ref(), NOTICE, "maGCS")?,
                facts: correction(head, named, reason, &facts)?,
            }))
        }
        (WITHDRAWS, Some(Module::Death)) if form.facts.is_some() => {
            Err(invalid("facts-of-a-withdrawal", "noiDung"))
        }
        (WITHDRAWS, Some(Module::Death)) => Ok(Deed::Withdraws(Withdrawal {
            case_id: head.case_id,
            withdraws: named,
            reason,
        })),
        (CORRECTS | WITHDRAWS | SUPPLEMENTS, _) => Err(invalid("unknown-code", "moduleGoc")),
        _ => Err(invalid("unknown-code", "loai")),
    }
}

fn correction(
    head: Head,
    corrects: DossierCode,
    reason: String,
    facts: &CorrectedFacts,
) -> Result<Box<Correction>, Fault> {
    let sex = facts.sex.map(Sex::from_code).transpose();
    let born = given(facts.born.as_ref()).map(|_| check::day(facts.born.as_ref(), "nksNgaySinh"));
    let correction = Correction {
        pin: pin(facts.pin.as_ref(), "soDinhDanh")?,
        name: name(facts.name.as_ref(), "nksHoTen")?,
        sex: sex.map_err(|_| invalid("unknown-code", "nksGioiTinh"))?,
        born: born.transpose()?,
        mother: ParentChange {
            name: name(facts.mother_name.as_ref(), "meHoTen")?,
            born: partial(facts.mother_born.as_ref(), "meNgaySinh")?,
            pin: pin(facts.mother_pin.as_ref(), "meSoDDCN")?,
        },
        father: ParentChange {
            name: name(facts.father_name.as_ref(), "chaHoTen")?,
            born: partial(facts.father_born.as_ref(), "chaNgaySinh")?,
            pin: pin(facts.father_pin.as_ref(), "chaSoDDCN")?,
        },
        case_id: head.case_id,
        corrects,
        received_at: head.received_at,
        reason,
    };
    agree(&correction)?;
    Ok(Box::new(correction))
}

/// As far as the message tells both, a PIN says sex and year of birth; the rest is the registry's to hold together.
fn agree(said: &Correction) -> Result<(), Fault> {
    let (Some(pin), Some(sex), Some(born)) = (&said.pin, said.sex, said.born) else {
        return Ok(());
    };
    match pin.conflict(sex, born.year()) {
        None => Ok(()),
        Some(schemas::id::PinConflict::Sex) => Err(invalid("pin-sex-mismatch", "soDinhDanh")),
        Some(schemas::id::PinConflict::BirthYear) => {
            Err(invalid("pin-year-mismatch", "soDinhDanh"))
        }
    }
}

fn pin(text: Wire<'_>, field: &'static str) -> Result<Option<Pin>, Fault> {
    given(text).map(|text| check::pin(text, field)).transpose()
}

fn name(text: Wire<'_>, field: &'static str) -> Result<Option<PersonName>, Fault> {
    given(text).map(|text| check::name(text, field)).transpose()
}

fn partial(text: Wire<'_>, field: &'static str) -> Result<Option<PartialDate>, Fault> {
    given(text)
        .map(|text| check::partial(text, field))
        .transpose()
}

/// Most characters of a reason, and of the code of a notice.
const LONG: usize = 1_024;
const NOTICE: usize = 64;
