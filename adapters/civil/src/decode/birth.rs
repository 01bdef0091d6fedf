//! The envelope `NhanDKHT` of a birth and the typed request that it becomes.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemas::{
    codes::communes::Commune,
    date::{PartialDate, VIET_NAM, parse_slash},
    fault::Fault,
    id::{DossierCode, FacilityCode, MessageId, Pin, Sex},
    name::PersonName,
    wire::civil::{BirthForm, BirthMessage, Module, RegistrationResult, decode},
};

use super::{
    check::{data, given, invalid, json},
    form,
    papers::{self, Paper},
};

/// A registered birth, every value checked; `Debug` shows the case only.
#[derive(Clone, PartialEq, Eq)]
pub struct Birth {
    /// Inter-linked dossier code (`maHoSoLT`).
    pub case_id: DossierCode,
    /// When the sender received the case.
    pub received_at: Timestamp,
    /// The child.
    pub child: Child,
    /// The mother, where she is known.
    pub mother: Option<Parent>,
    /// The father, where he is known.
    pub father: Option<Parent>,
    /// Who is shown on the card.
    pub guardian: Guardian,
    /// Initial facility.
    pub facility: FacilityCode,
    /// Poor-household certificate number; empty when none.
    pub poor_household_certificate: String,
    /// Hospital's birth notice code; empty when none.
    pub birth_notice: String,
    /// Where the birth stands in the civil register.
    pub record: Record,
}

impl std::fmt::Debug for Birth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Birth")
            .field("case_id", &self.case_id)
            .finish_non_exhaustive()
    }
}

/// The child.
#[derive(Clone, PartialEq, Eq)]
pub struct Child {
    /// New PIN; agrees with sex and year of birth.
    pub pin: Pin,
    /// Name in NFC.
    pub name: PersonName,
    /// Sex.
    pub sex: Sex,
    /// Day of birth.
    pub born: Date,
    /// Ethnicity, 2 digits.
    pub ethnicity: String,
    /// ISO 3166 alpha-2.
    pub nationality: String,
    /// Commune of residence on the day of registration.
    pub commune: &'static Commune,
    /// House, street, hamlet; may be empty.
    pub residence_detail: String,
    /// `nksLoaiKhaiSinh` 1–5.
    pub declaration_kind: u32,
}

/// A parent.
#[derive(Clone, PartialEq, Eq)]
pub struct Parent {
    /// Name in NFC.
    pub name: PersonName,
    /// Day of birth, may be partial.
    pub born: Option<PartialDate>,
    /// PIN, where it is given.
    pub pin: Option<Pin>,
}

/// Who is shown on the card as guardian.
#[derive(Clone, PartialEq, Eq)]
pub struct Guardian {
    /// Name in NFC.
    pub name: PersonName,
    /// Who it is.
    pub relation: Relation,
    /// Telephone; may be empty.
    pub phone: String,
}

/// Which of the three persons of the form the guardian is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `cha`.
    Father,
    /// `me`.
    Mother,
    /// `nyc`.
    Requester,
}

/// Where the birth stands in the civil register.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Number.
    pub number: String,
    /// Book, such as `01/2017`.
    pub book: String,
    /// Page; may be empty.
    pub page: String,
    /// Day of registration.
    pub registered_on: Date,
    /// Commune of registration on that day.
    pub commune: &'static Commune,
}

/// The envelope, read before what is in it.
pub(super) struct Head {
    pub(super) message: BirthMessage,
    pub(super) case_id: DossierCode,
    pub(super) received_at: Timestamp,
    /// Its papers that have a file; none where they are objected to.
    pub(super) papers: Vec<Paper>,
    /// Why its files are not taken, where the case is not known yet.
    pub(super) objection: Option<Fault>,
}

impl Head {
    /// Reads the envelope strictly; its module must be the one that the operation is for.
    pub(super) fn read(bytes: &[u8], wanted: Module) -> Result<Self, Fault> {
        let message: BirthMessage = decode(bytes).map_err(json)?;
        for_us(&message.module, wanted)?;
        let (papers, objection) = match papers::read(&message.attachments) {
            Ok(papers) => (papers, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let case_id = DossierCode::parse(message.case_id.trim())
            .map_err(|error| invalid("bad-case-id", "maHoSoLT").log(error.to_string()))?;
        let received_at = received_at(&message.received_at)?;
        Ok(Self {
            message,
            case_id,
            received_at,
            papers,
            objection,
        })
    }

    /// The id under which a case is remembered: `<module>-<maHoSoLT>`.
    pub(super) fn message_id(module: Module, case_id: &DossierCode) -> Result<MessageId, Fault> {
        MessageId::parse(&format!("{}-{case_id}", module.as_str()))
            .map_err(|_| invalid("bad-case-id", "maHoSoLT"))
    }

    /// `maDonVi` repeats the commune of registration; until 2025-06-30 it may be its district.
    pub(super) fn same_unit(&self, record: &Record) -> Result<(), Fault> {
        let unit = self.message.unit.trim();
        match unit == record.commune.code || Some(unit) == record.commune.district {
            true => Ok(()),
            false => Err(invalid("unit-and-result-differ", "maDonVi")),
        }
    }
}

/// Reads the form of a birth, as strictly as the envelope around it.
pub(super) fn read(head: Head) -> Result<Birth, Fault> {
    let form = head.message.form().map_err(data)?;
    let result = form
        .result
        .as_ref()
        .ok_or_else(|| invalid("missing-field", "ketQuaXuLy"))?;
    let birth = form::read(head.case_id.clone(), head.received_at, &form, result)?;
    head.same_unit(&birth.record)?;
    same_place(&form, result, &birth.record)?;
    Ok(birth)
}

fn for_us(module: &str, wanted: Module) -> Result<(), Fault> {
    match Module::from_wire(module) {
        Some(module) if module == wanted => Ok(()),
        Some(Module::Marriage) => Err(invalid("module-not-for-us", "module")),
        Some(_) => Err(invalid("operation-and-module-differ", "module")),
        None => Err(invalid("unknown-code", "module")),
    }
}

/// `dd/MM/yyyy HH:mm:ss`, a clock in Viet Nam.
fn received_at(text: &str) -> Result<Timestamp, Fault> {
    let bad = || invalid("bad-date", "ngayTiepNhan");
    let (day, time) = text.trim().split_once(' ').ok_or_else(bad)?;
    let day = parse_slash(day).map_err(|_| bad())?;
    let parts = [time.get(..2), time.get(3..5), time.get(6..)].map(|part| {
        let two =
            part.filter(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()));
        two.and_then(|part| part.parse::<i8>().ok())
    });
    let [Some(hour), Some(minute), Some(second)] = parts else {
        return Err(bad());
    };
    if time.get(2..3) != Some(":") || time.get(5..6) != Some(":") {
        return Err(bad());
    }
    let time = jiff::civil::Time::new(hour, minute, second, 0).map_err(|_| bad())?;
    let zoned = day
        .to_datetime(time)
        .to_zoned(TimeZone::fixed(VIET_NAM))
        .map_err(|_| bad())?;
    Ok(zoned.timestamp())
}

/// `noiDangKy` repeats the commune of registration.
fn same_place(form: &BirthForm, result: &RegistrationResult, record: &Record) -> Result<(), Fault> {
    let province = given(result.registered_province.as_ref());
    if province.is_some_and(|province| province != record.commune.province) {
        return Err(invalid("province-and-commune-differ", "ndkksMaTinh"));
    }
    match given(form.registered_at.as_ref()) {
        Some(place) if place != record.commune.code => {
            Err(invalid("unit-and-result-differ", "noiDangKy"))
        }
        _ => Ok(()),
    }
}
