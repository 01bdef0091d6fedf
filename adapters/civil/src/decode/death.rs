//! A registered death (module LTKT).

use jiff::{Timestamp, civil::Date};
use schemas::{
    codes::civil::DEATH_PAPERS,
    date::{PartialDate, day_in_viet_nam},
    fault::Fault,
    id::{DossierCode, Pin, Sex},
    name::PersonName,
    wire::civil::{DeathForm, DeathResult},
};

use super::{
    birth::{Head, Record},
    check::{self, Asked, data, given, invalid, required},
};

/// A registered death, every value checked; `Debug` shows the case only.
#[derive(Clone, PartialEq, Eq)]
pub struct Death {
    /// Inter-linked dossier code (`maHoSoLT`).
    pub case_id: DossierCode,
    /// When the sender received the case.
    pub received_at: Timestamp,
    /// PIN of the deceased; agrees with sex and year of birth.
    pub pin: Pin,
    /// Name in NFC.
    pub name: PersonName,
    /// Sex, where it is told.
    pub sex: Option<Sex>,
    /// Day of birth, may be partial.
    pub born: Option<PartialDate>,
    /// Day of death.
    pub died_on: Date,
    /// `gbtLoai` 0–7.
    pub proof_kind: u32,
    /// Number of the paper that proves it; may be empty.
    pub proof_number: String,
    /// Hospital's death notice code; empty when none.
    pub death_notice: String,
    /// Who asks for the funeral allowance, where somebody does.
    pub claimant: Option<Claimant>,
    /// Where the death stands in the civil register.
    pub record: Record,
}

impl std::fmt::Debug for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Death")
            .field("case_id", &self.case_id)
            .finish_non_exhaustive()
    }
}

/// Who asks for the funeral allowance.
#[derive(Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Name in NFC.
    pub name: PersonName,
    /// Relation to the deceased, in words; may be empty.
    pub relation: String,
    /// Telephone; may be empty.
    pub phone: String,
}

pub(super) fn read(head: Head) -> Result<Death, Fault> {
    let message = &head.message;
    let form = message.death().map_err(data)?;
    let result = form
        .result
        .as_ref()
        .ok_or_else(|| invalid("missing-field", "ketQuaXuLy"))?;
    let record = record(&form, result)?;
    if record.registered_on > day_in_viet_nam(head.received_at) {
        return Err(invalid("registered-after-received", "ngayDangKy"));
    }
    head.same_unit(&record)?;
    let died_on = check::day(result.died_on.as_ref(), "nktNgayChet")?;
    if died_on > record.registered_on {
        return Err(invalid("death-after-registration", "nktNgayChet"));
    }
    let name = check::name(required(result.name.as_ref(), "nktHoTen")?, "nktHoTen")?;
    let sex = result.sex.map(Sex::from_code).transpose();
    let sex = sex.map_err(|_| invalid("unknown-code", "nktGioiTinh"))?;
    let born = given(result.born.as_ref())
        .map(|born| check::partial(born, "nktNgaySinh"))
        .transpose()?;
    let asked = Asked {
        name: form.name.as_ref(),
        sex: form.sex.as_ref(),
        day: form.died_on.as_ref(),
    };
    let fields = ["nktHoTen", "nktGioiTinh", "nktNgayChet"];
    check::same_person(&asked, (&name, sex, died_on), fields)?;
    Ok(Death {
        pin: pin(&form, result, sex, born.as_ref())?,
        name,
        sex,
        born,
        died_on,
        proof_kind: proof_kind(&form, record.registered_on)?,
        proof_number: check::text(form.proof_number.as_ref(), SHORT, "gbtSo")?,
        death_notice: check::text(form.death_notice.as_ref(), SHORT, "maGBT")?,
        claimant: claimant(&form)?,
        record,
        case_id: head.case_id,
        received_at: head.received_at,
    })
}

fn record(form: &DeathForm, result: &DeathResult) -> Result<Record, Fault> {
    let registered_on = check::day(result.registered_on.as_ref(), "ngayDangKy")?;
    required(result.number.as_ref(), "soDangKy")?;
    required(result.book.as_ref(), "quyenSo")?;
    Ok(Record {
        number: check::text(result.number.as_ref(), SHORT, "soDangKy")?,
        book: check::text(result.book.as_ref(), SHORT, "quyenSo")?,
        page: check::text(result.page.as_ref(), SHORT, "trangSo")?,
        registered_on,
        commune: check::commune(form.registered_at.as_ref(), registered_on, "noiDangKy")?,
    })
}

/// Nobody is declared dead by a slip of a digit: the number must fit what is told of the person.
fn pin(
    form: &DeathForm,
    result: &DeathResult,
    sex: Option<Sex>,
    born: Option<&PartialDate>,
) -> Result<Pin, Fault> {
    let pin = check::pin(
        required(result.paper.as_ref(), "nktSoGiayTo")?,
        "nktSoGiayTo",
    )?;
    if let Some(told) = given(form.paper_number.as_ref()) {
        check::same(told == pin.as_str(), "nktSoGiayToTuyThan")?;
    }
    let (Some(sex), Some(born)) = (sex, born) else {
        return Ok(pin);
    };
    match pin.conflict(sex, born.year()) {
        None => Ok(pin),
        Some(schemas::id::PinConflict::Sex) => Err(invalid("pin-sex-mismatch", "nktSoGiayTo")),
        Some(schemas::id::PinConflict::BirthYear) => {
            Err(invalid("pin-year-mismatch", "nktSoGiayTo"))
        }
    }
}

fn proof_kind(form: &DeathForm, on: Date) -> Result<u32, Fault> {
    if given(form.proof_kind.as_ref()).is_none() {
        return Ok(0);
    }
    check::code(DEATH_PAPERS, form.proof_kind.as_ref(), on, "gbtLoai")?
        .parse()
        .map_err(|_| invalid("unknown-code", "gbtLoai"))
}

fn claimant(form: &DeathForm) -> Result<Option<Claimant>, Fault> {
    let Some(name) = given(form.requester_name.as_ref()) else {
        return Ok(None);
    };
    Ok(Some(Claimant {
        name: check::name(name, "nycHoTen")?,
        relation: check::text(form.requester_relation.as_ref(), SHORT, "nycQuanHe")?,
        phone: check::text(form.requester_phone.as_ref(), SHORT, "nycSoDienThoai")?,
    }))
}

/// Most characters of a number, code, relation or telephone.
const SHORT: usize = 50;
