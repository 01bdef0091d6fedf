//! Proven bytes become a typed request; every value is checked here and nowhere below.

pub(crate) mod check;
mod later;

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    Claims, Decoded, Identity,
    ports::{Person, PersonNumber},
};
use jiff::{Timestamp, civil::Date};
use schemas::{
    date::{day_in_viet_nam, parse_slash, portal_time},
    fault::Fault,
    id::{CardNumber, Pin, PinConflict, ProcedureCode, Sex, SiNumber, TaxId},
    name::PersonName,
    procedure::{self, Catalog, Decides, Filled, Procedure},
    proto::insurance::Dossier,
    wire::portal::{self, Applicant, FormMembers, ReissueReason, Submission, SubmittedPaper},
};

use crate::{
    SUBMIT,
    papers::{self as files, Content},
};
use check::{invalid, optional, text};

pub use later::{Later, Supplement};
pub(crate) use later::{asked_status, status, supplement, withdrawal};

/// A dossier, every value checked; `Debug` shows the reference only.
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
    /// Tax code of the employer that the applicant acts for; none of a person's own dossier.
    pub tax_code: Option<TaxId>,
    /// SI number of the account that is logged in, where the portal says it; the registry holds it against the PIN.
    pub si_number: Option<SiNumber>,
    /// Telephone; may be empty.
    pub phone: String,
    /// E-mail; may be empty.
    pub email: String,
    /// What is asked for.
    pub asks: Asks,
    /// When the applicant submitted.
    pub submitted_at: Timestamp,
}

/// What a dossier asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum Asks {
    /// That a card is printed again.
    Reissue(Reissue),
    /// What its procedure's form says.
    Form(Filled, Vec<Paper>),
}

/// A paper of a dossier.
#[derive(Clone, PartialEq, Eq)]
pub struct Paper {
    /// Code of the paper in the procedure's row.
    pub code: String,
    /// The file's id at the portal.
    pub file_id: String,
    /// The file's name; never a path.
    pub file_name: String,
    /// Its content; none where it stays at the portal.
    pub content: Option<Content>,
}

/// A card that is lost or damaged.
#[derive(Clone, PartialEq, Eq)]
pub struct Reissue {
    /// Which card.
    pub held_by: HeldBy,
    /// Why.
    pub reason: ReissueReason,
}

impl Submit {
    /// Everybody whom the dossier names, by each of their numbers: whose a number is says the registry alone, since a
    /// parent may apply for a child.
    fn persons(&self) -> Vec<Person> {
        let named: Vec<SiNumber> = match &self.asks {
            Asks::Reissue(asked) => vec![asked.held_by.si_number()],
            Asks::Form(filled, _) => filled.si_numbers().collect(),
        };
        let own = self.si_number.iter().filter(|own| !named.contains(own));
        let numbers = own.cloned().chain(named.iter().cloned());
        std::iter::once(PersonNumber::Pin(self.pin.clone()))
            .chain(numbers.map(PersonNumber::Si))
            .map(|number| Person::named(vec![number]))
            .collect()
    }

    /// The applicant with every number that the registry has proven to be theirs, once it has taken the dossier in.
    pub(crate) fn proven(&self, dossier: &Dossier) -> Vec<Person> {
        let mut numbers = vec![PersonNumber::Pin(self.pin.clone())];
        numbers.extend(self.si_number.clone().map(PersonNumber::Si));
        if let Asks::Reissue(asked) = &self.asks
            && dossier.acts_as.is_empty()
        {
            numbers.push(PersonNumber::Si(asked.held_by.si_number()));
        }
        numbers.dedup();
        vec![Person::named(numbers)]
    }

    fn is_synthetic(&self) -> bool {
        self.pin.is_synthetic()
            || self.si_number.as_ref().is_some_and(SiNumber::is_synthetic)
            || match &self.asks {
                Asks::Reissue(asked) => asked.held_by.is_synthetic(),
                Asks::Form(filled, _) => filled.is_synthetic(),
            }
    }

    fn lines(&self) -> u64 {
        match &self.asks {
            Asks::Reissue(_) => 1,
            Asks::Form(filled, _) => filled.lines().max(1) as u64,
        }
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

    fn si_number(&self) -> SiNumber {
        match self {
            Self::Card(card) => card.si_number(),
            Self::Holder(number) => number.clone(),
        }
    }

    fn is_synthetic(&self) -> bool {
        match self {
            Self::Card(card) => card.is_synthetic(),
            Self::Holder(number) => number.is_synthetic(),
        }
    }
}

pub(crate) fn decode(
    catalog: &'static Catalog,
    claims: Claims,
    bytes: &[u8],
) -> Result<Decoded<Submit>, Fault> {
    check::is_for(&claims, &SUBMIT)?;
    let said = portal::decode(bytes).map_err(check::json)?;
    let payload = Bytes::copy_from_slice(bytes);
    judged(catalog, claims, (said, payload), |_, _| {})
}

/// A dossier however it was said; `typed` gives the members of its form the types that the procedure asks.
pub(crate) fn judged(
    catalog: &'static Catalog,
    claims: Claims,
    (said, payload): (Submission, Bytes),
    typed: impl FnOnce(&Procedure, &mut FormMembers),
) -> Result<Decoded<Submit>, Fault> {
    let (procedure, request) = read(catalog, said, typed)?;
    Ok(Decoded {
        claims,
        operation: &SUBMIT,
        identity: Identity::Envelope,
        purpose: procedure.purpose.to_owned(),
        lines: request.lines(),
        provinces: None,
        asked: BTreeSet::new(),
        payload,
        objection: None,
        synthetic: request.is_synthetic(),
        persons: request.persons(),
        request,
    })
}

fn read(
    catalog: &'static Catalog,
    mut said: Submission,
    typed: impl FnOnce(&Procedure, &mut FormMembers),
) -> Result<(&'static Procedure, Submit), Fault> {
    let submitted_at = portal_time::parse(said.submitted_at.trim())
        .map_err(|_| invalid("bad-date", "NgayNopHoSo"))?;
    let on = day_in_viet_nam(submitted_at);
    let born = parse_slash(said.applicant.born.trim())
        .map_err(|_| invalid("bad-date", "NgayThangNamSinh"))?;
    if born > on {
        return Err(invalid("birth-after-submission", "NgayThangNamSinh"));
    }
    let code = ProcedureCode::parse(said.procedure.trim())
        .map_err(|error| invalid("bad-procedure", "MaTTHC").log(error.to_string()))?;
    let procedure = catalog
        .find(&code, on)
        .ok_or_else(|| invalid("procedure-not-for-us", "MaTTHC"))?;
    let mut members = members(&mut said)?;
    typed(procedure, &mut members);
    let submit = Submit {
        reference: reference(&said.reference, "MaThamChieu")?,
        procedure: code,
        name: name(&said.applicant)?,
        pin: pin(&said.applicant, born)?,
        born,
        tax_code: tax_code(procedure, &said.applicant)?,
        si_number: si_number(&said.applicant)?,
        phone: optional(
            said.applicant.phone.as_ref(),
            PHONE_CHARS_MAX,
            "SoDienThoai",
        )?,
        email: optional(said.applicant.email.as_ref(), EMAIL_CHARS_MAX, "ThuDienTu")?,
        asks: asks(procedure, &members, said.papers)?,
        submitted_at,
    };
    Ok((procedure, submit))
}

/// The form's members; those of a reissue may stand beside it, as the first submissions had them.
fn members(said: &mut Submission) -> Result<FormMembers, Fault> {
    let mut members = said.form.take().unwrap_or_default();
    for (name, value) in [("MaThe", &said.card), ("LyDoCapLai", &said.reason)] {
        let Some(value) = value else { continue };
        if members
            .insert(name.to_owned(), value.clone().into())
            .is_some()
        {
            return Err(invalid("field-twice", name));
        }
    }
    Ok(members)
}

fn asks(
    procedure: &'static Procedure,
    members: &FormMembers,
    papers: Vec<SubmittedPaper>,
) -> Result<Asks, Fault> {
    let wrong = |wrong: procedure::Wrong| invalid(wrong.reason, wrong.field);
    let filled = procedure.form.fill(members).map_err(wrong)?;
    let papers = self::papers(papers)?;
    let codes: Vec<&str> = papers.iter().map(|paper| paper.code.as_str()).collect();
    procedure.papers_suffice(&codes).map_err(wrong)?;
    match procedure.decides {
        Decides::ReissueCard => reissue(&filled).map(Asks::Reissue),
        Decides::Person | Decides::Payment => Ok(Asks::Form(filled, papers)),
    }
}

fn reissue(filled: &Filled) -> Result<Reissue, Fault> {
    let text = |name| filled.get(name).map_or("", |said| said.text());
    Ok(Reissue {
        held_by: held_by(text("MaThe"))?,
        reason: ReissueReason::from_wire(text("LyDoCapLai"))
            .ok_or_else(|| invalid("unknown-code", "LyDoCapLai"))?,
    })
}

/// What is kept of them is never a path.
fn papers(said: Vec<SubmittedPaper>) -> Result<Vec<Paper>, Fault> {
    if said.len() > files::FILES_MAX {
        return Err(invalid("too-many-papers", "TaiLieuNop"));
    }
    said.into_iter().map(paper).collect()
}

fn paper(said: SubmittedPaper) -> Result<Paper, Fault> {
    reference(&said.file_id, "TepDinhKemId")?;
    files::file_name(&said.file_name)?;
    Ok(Paper {
        content: files::attached(&said)?,
        code: said.code,
        file_id: said.file_id,
        file_name: said.file_name,
    })
}

/// Of an employer's dossier the tax code of the account that is logged in; a person's own says nothing here.
fn tax_code(procedure: &Procedure, applicant: &Applicant) -> Result<Option<TaxId>, Fault> {
    if procedure.applicant == procedure::Applicant::Person {
        return Ok(None);
    }
    let code = applicant.tax_code.as_deref().unwrap_or_default().trim();
    match code {
        "" => Err(invalid("missing-field", "MaSoThue")),
        code => match TaxId::parse(code) {
            Ok(code) => Ok(Some(code)),
            Err(error) => Err(invalid("bad-number", "MaSoThue").log(error.to_string())),
        },
    }
}

/// The account's own number; none where the portal says none, or an empty one.
fn si_number(applicant: &Applicant) -> Result<Option<SiNumber>, Fault> {
    match applicant.si_number.as_deref().unwrap_or_default().trim() {
        "" => Ok(None),
        number => match SiNumber::parse(number) {
            Ok(number) => Ok(Some(number)),
            Err(error) => Err(invalid("bad-number", "MaBHXH").log(error.to_string())),
        },
    }
}

/// It goes into our rows and back to the portal, never into a path or a query of ours.
fn reference(text: &str, field: &'static str) -> Result<String, Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
    match (1..=REFERENCE_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(invalid("bad-reference", field)),
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
