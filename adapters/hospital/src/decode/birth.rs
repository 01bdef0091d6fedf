//! A birth notice and the typed one that it becomes.

use jiff::civil::Date;
use schemas::{
    codes::{civil, communes, ethnicities},
    id::{CardNumber, Pin, Sex},
    name::PersonName,
    wire::hospital::{BirthPaper, Kind},
};

use super::check::{self, Wire, code, day, day_or_year, invalid, name, required};
use schemas::fault::Fault;

/// A birth notice, every value checked; `Debug` shows its code only.
#[derive(Clone, PartialEq, Eq)]
pub struct Birth {
    /// The document's id.
    pub id: String,
    /// `MA_GCS`.
    pub code: String,
    /// `MA_CT`, where several children were born.
    pub paper: String,
    /// How many.
    pub children: u32,
    /// The child's name, where it has one.
    pub name: Option<PersonName>,
    /// Sex.
    pub sex: Sex,
    /// Day of birth.
    pub born: Date,
    /// Who brings the child up, as a rule the mother.
    pub mother_name: PersonName,
    /// ISO date or year; empty where it is not told.
    pub mother_born: String,
    /// Her PIN, where her paper has one.
    pub mother_pin: Option<Pin>,
    /// Her commune of residence on the day of the notice.
    pub commune: String,
    /// Ethnicity, 2 digits; may be empty.
    pub ethnicity: String,
    /// ISO 3166 alpha-2; may be empty.
    pub nationality: String,
    /// Day of the notice.
    pub issued_on: Date,
    /// The child's card, where the hospital has one for it.
    pub card: Option<CardNumber>,
    /// Whether it is issued again, in the place of one before.
    pub reissued: bool,
    /// Why the hospital takes the notice back, which may be empty; none of one that tells of a birth.
    pub withdrawn: Option<String>,
}

impl std::fmt::Debug for Birth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Birth")
            .field("code", &self.code)
            .field("paper", &self.paper)
            .finish_non_exhaustive()
    }
}

impl Birth {
    /// `61-<MA_GCS>-<Id>`, with `MA_CT` between where several children share the code.
    pub(super) fn message_id(&self) -> String {
        let (kind, code, id) = (Kind::Birth.as_str(), &self.code, &self.id);
        match self.paper.as_str() {
            "" => format!("{kind}-{code}-{id}"),
            paper => format!("{kind}-{code}-{paper}-{id}"),
        }
    }
}

pub(super) fn read(told: &BirthPaper) -> Result<Birth, Fault> {
    let reissued = match told.first_issue.as_deref() {
        None | Some("1") => false,
        Some("0") => true,
        Some(_) => return Err(invalid("unknown-code", "CAP_LAN_DAU")),
    };
    let children = children(&told.children)?;
    let issued_on = day(required(&told.issued_on, "NGAY_CT")?, "NGAY_CT")?;
    let born = day(
        required(&told.child_born, "NGAY_SINH_CON")?,
        "NGAY_SINH_CON",
    )?;
    if born > issued_on {
        return Err(invalid("birth-after-notice", "NGAY_CT"));
    }
    let commune = required(&told.residence_commune, "MAXA_CU_TRU")?;
    if communes::find(commune, issued_on).is_none() {
        return Err(invalid("unknown-commune", "MAXA_CU_TRU"));
    }
    let mother_born = told.carer_born.as_deref();
    Ok(Birth {
        id: code(&Some(told.id.clone()), "Id")?,
        code: code(&told.code, "MA_GCS")?,
        paper: match children {
            1 => String::new(),
            _ => code(&told.paper, "MA_CT")?,
        },
        children,
        name: child_name(told)?,
        sex: check::sex(&told.child_sex, "GIOI_TINH_CON")?,
        born,
        mother_name: name(required(&told.carer_name, "HOTEN_NND")?, "HOTEN_NND")?,
        mother_born: mother_born
            .map_or(Ok(String::new()), |text| day_or_year(text, "NGAYSINH_NND"))?,
        mother_pin: mother_pin(told, issued_on)?,
        commune: commune.to_owned(),
        ethnicity: ethnicity(&told.carer_ethnicity, issued_on)?,
        nationality: nationality(&told.carer_nationality)?,
        issued_on,
        card: card(&told.temporary_card)?,
        reissued,
        withdrawn: check::withdrawn(&told.withdrawn, &told.withdrawn_why)?,
    })
}

fn children(text: Wire<'_>) -> Result<u32, Fault> {
    let count = text.as_deref().unwrap_or("1").parse().ok();
    count
        .filter(|count| (1..=CHILDREN_MAX).contains(count))
        .ok_or_else(|| invalid("unknown-code", "SO_CON"))
}

fn child_name(told: &BirthPaper) -> Result<Option<PersonName>, Fault> {
    let named = |text: Wire<'_>, field| {
        let text = text.as_deref();
        text.map(|text| name(text, field)).transpose()
    };
    let one = named(&told.child_name, "TEN_CON")?;
    let other = named(&told.child_name_130, "HO_TEN_CON")?;
    match (&one, &other) {
        (Some(one), Some(other)) if !one.matches(other) => {
            Err(invalid("names-differ", "HO_TEN_CON"))
        }
        _ => Ok(one.or(other)),
    }
}

/// Twelve digits on an identity card are her PIN; any other paper has none.
fn mother_pin(told: &BirthPaper, on: Date) -> Result<Option<Pin>, Fault> {
    let kind = told.carer_paper_kind.as_deref();
    if kind.is_some_and(|kind| !civil::IDENTITY_PAPERS.holds(kind, on)) {
        return Err(invalid("unknown-code", "LOAI_GIAYTO_NND"));
    }
    match (kind, told.carer_paper_number.as_deref()) {
        (_, None) => Ok(None),
        (None | Some(IDENTITY_CARD), Some(number)) => Pin::parse(number)
            .map(Some)
            .map_err(|error| invalid("bad-pin", "SO_CCCD_NND").log(error.to_string())),
        (Some(_), Some(_)) => Ok(None),
    }
}

fn ethnicity(text: Wire<'_>, on: Date) -> Result<String, Fault> {
    match text.as_deref() {
        None => Ok(String::new()),
        Some(code) if ethnicities::LIST.holds(code, on) => Ok(code.to_owned()),
        Some(_) => Err(invalid("unknown-code", "MA_DANTOC_NND")),
    }
}

/// 000 is Viet Nam; of the other numbers no list is known, so they are kept in the journal alone.
fn nationality(text: Wire<'_>) -> Result<String, Fault> {
    match text.as_deref() {
        None => Ok(String::new()),
        Some("000") => Ok("VN".to_owned()),
        Some(code) if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Ok(code.to_owned())
        }
        Some(code) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(String::new())
        }
        Some(_) => Err(invalid("unknown-code", "MA_QUOCTICH_NND")),
    }
}

fn card(text: Wire<'_>) -> Result<Option<CardNumber>, Fault> {
    let read = |text: &str| {
        let card = CardNumber::parse(text)
            .map_err(|error| invalid("bad-card", "MA_THE_TAM").log(error.to_string()))?;
        match card.object_code() {
            "TE" => Ok(card),
            _ => Err(invalid("bad-card", "MA_THE_TAM")),
        }
    };
    text.as_deref().map(read).transpose()
}

/// LOAI_GIAYTO of a citizen's identity card.
const IDENTITY_CARD: &str = "4";
/// More children of one birth have nowhere lived.
const CHILDREN_MAX: u32 = 10;
