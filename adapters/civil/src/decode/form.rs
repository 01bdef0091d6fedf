//! The form, the registration result and the insurance block, member by member.

use jiff::{Timestamp, civil::Date};
use schemas::{
    codes::{civil::BIRTH_KINDS, communes::Commune, ethnicities},
    date::day_in_viet_nam,
    fault::Fault,
    id::{DossierCode, FacilityCode, Pin, PinConflict, Sex},
    wire::civil::{Address, BirthForm, InsuranceBlock, RegistrationResult},
};

use super::{
    birth::{Birth, Child, Guardian, Parent, Record, Relation},
    check::{self, Asked, Wire, given, invalid, required},
};

pub(super) fn read(
    case_id: DossierCode,
    received_at: Timestamp,
    form: &BirthForm,
    result: &RegistrationResult,
) -> Result<Birth, Fault> {
    let insurance = form
        .insurance
        .as_ref()
        .ok_or_else(|| invalid("missing-field", "baoHiem"))?;
    let record = record(result)?;
    if record.registered_on > day_in_viet_nam(received_at) {
        return Err(invalid("registered-after-received", "ngayDangKy"));
    }
    let mother = mother(form, result)?;
    let father = father(form, result)?;
    let child = child(form, result, insurance, record.registered_on)?;
    kind_and_parents(child.declaration_kind, mother.as_ref(), father.as_ref())?;
    Ok(Birth {
        case_id,
        received_at,
        child,
        guardian: guardian(form, insurance, mother.as_ref(), father.as_ref())?,
        mother,
        father,
        facility: facility(insurance)?,
        poor_household_certificate: check::text(
            insurance.poor_household_certificate.as_ref(),
            SHORT,
            "soGiayChungNhanHoNgheo",
        )?,
        birth_notice: check::text(form.birth_notice.as_ref(), SHORT, "maGCS")?,
        record,
    })
}

fn record(result: &RegistrationResult) -> Result<Record, Fault> {
    let registered_on = check::day(result.registered_on.as_ref(), "ngayDangKy")?;
    required(result.number.as_ref(), "soDangKy")?;
    required(result.book.as_ref(), "quyenSo")?;
    Ok(Record {
        number: check::text(result.number.as_ref(), SHORT, "soDangKy")?,
        book: check::text(result.book.as_ref(), SHORT, "quyenSo")?,
        page: check::text(result.page.as_ref(), SHORT, "trangSo")?,
        registered_on,
        commune: check::commune(
            result.registered_commune.as_ref(),
            registered_on,
            "ndkksMaXa",
        )?,
    })
}

fn child(
    form: &BirthForm,
    result: &RegistrationResult,
    insurance: &InsuranceBlock,
    on: Date,
) -> Result<Child, Fault> {
    let born = check::day(result.child_born.as_ref(), "nksNgaySinh")?;
    if born > on {
        return Err(invalid("birth-after-registration", "nksNgaySinh"));
    }
    let code = result
        .child_sex
        .ok_or_else(|| invalid("missing-field", "nksGioiTinh"))?;
    let sex = Sex::from_code(code).map_err(|_| invalid("unknown-code", "nksGioiTinh"))?;
    let name = check::name(
        required(result.child_name.as_ref(), "nksHoTen")?,
        "nksHoTen",
    )?;
    let asked = Asked {
        name: form.child_name.as_ref(),
        sex: form.child_sex.as_ref(),
        day: form.child_born.as_ref(),
    };
    let fields = ["nksHoTen", "nksGioiTinh", "nksNgaySinh"];
    check::same_person(&asked, (&name, Some(sex), born), fields)?;
    let (commune, residence_detail) = residence(form, insurance, on)?;
    let kind = check::code(
        BIRTH_KINDS,
        form.declaration_kind.as_ref(),
        on,
        "nksLoaiKhaiSinh",
    )?;
    Ok(Child {
        pin: child_pin(result, sex, born)?,
        name,
        sex,
        born,
        ethnicity: check::code(
            ethnicities::LIST,
            result.child_ethnicity.as_ref(),
            on,
            "nksDanToc",
        )?,
        nationality: nationality(result)?,
        commune,
        residence_detail,
        declaration_kind: kind
            .parse()
            .map_err(|_| invalid("unknown-code", "nksLoaiKhaiSinh"))?,
    })
}

/// The number carries sex and year: one that contradicts the birth belongs to somebody else.
fn child_pin(result: &RegistrationResult, sex: Sex, born: Date) -> Result<Pin, Fault> {
    let pin = check::pin(required(result.pin.as_ref(), "soDinhDanh")?, "soDinhDanh")?;
    match pin.conflict(sex, born.year()) {
        None => Ok(pin),
        Some(PinConflict::Sex) => Err(invalid("pin-sex-mismatch", "soDinhDanh")),
        Some(PinConflict::BirthYear) => Err(invalid("pin-year-mismatch", "soDinhDanh")),
    }
}

fn nationality(result: &RegistrationResult) -> Result<String, Fault> {
    let code = required(result.child_nationality.as_ref(), "nksQuocTich")?;
    match code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Ok(code.to_owned()),
        false => Err(invalid("unknown-code", "nksQuocTich")),
    }
}

/// The child's own residence, else the mother's, the father's, the requester's.
fn residence(
    form: &BirthForm,
    insurance: &InsuranceBlock,
    on: Date,
) -> Result<(&'static Commune, String), Fault> {
    let places = [
        (&insurance.residence, "noiCuTru"),
        (&form.mother_residence, "meNoiCuTru"),
        (&form.father_residence, "chaNoiCuTru"),
        (&form.requester_residence, "nycNoiCuTru"),
    ];
    let found = places
        .into_iter()
        .find_map(|(place, field)| place.as_ref().map(|place| (place, field)));
    let (address, field) = found.ok_or_else(|| invalid("missing-field", "noiCuTru"))?;
    address_on(address, on, field)
}

fn address_on(
    address: &Address,
    on: Date,
    field: &'static str,
) -> Result<(&'static Commune, String), Fault> {
    let commune = check::commune(address.commune.as_ref(), on, field)?;
    let province = given(address.province.as_ref());
    match province.is_some_and(|province| province != commune.province) {
        true => Err(invalid("province-and-commune-differ", field)),
        false => Ok((commune, check::text(address.detail.as_ref(), LONG, field)?)),
    }
}

fn mother(form: &BirthForm, result: &RegistrationResult) -> Result<Option<Parent>, Fault> {
    parent(
        [
            result.mother_name.as_ref(),
            result.mother_born.as_ref(),
            form.mother_pin.as_ref(),
        ],
        ["meHoTen", "meNgaySinh", "meSoDDCN"],
    )
}

fn father(form: &BirthForm, result: &RegistrationResult) -> Result<Option<Parent>, Fault> {
    parent(
        [
            result.father_name.as_ref(),
            result.father_born.as_ref(),
            form.father_pin.as_ref(),
        ],
        ["chaHoTen", "chaNgaySinh", "chaSoDDCN"],
    )
}

/// Name, day of birth and PIN of a parent; none where no name is told.
fn parent(told: [Wire<'_>; 3], fields: [&'static str; 3]) -> Result<Option<Parent>, Fault> {
    let ([name, born, pin], [of_name, of_born, of_pin]) = (told.map(given), fields);
    let Some(name) = name else {
        return Ok(None);
    };
    Ok(Some(Parent {
        name: check::name(name, of_name)?,
        born: born.map(|born| check::partial(born, of_born)).transpose()?,
        pin: pin.map(|pin| check::pin(pin, of_pin)).transpose()?,
    }))
}

/// A parent who is said to be unknown is not named: a stand-in for a name would be held for a person's.
fn kind_and_parents(
    kind: u32,
    mother: Option<&Parent>,
    father: Option<&Parent>,
) -> Result<(), Fault> {
    let unknown = match kind {
        2 => [mother, None],
        3 => [None, father],
        4 | 5 => [mother, father],
        _ => [None, None],
    };
    match unknown.iter().flatten().next() {
        None => Ok(()),
        Some(_) => Err(invalid("kind-and-parents-differ", "nksLoaiKhaiSinh")),
    }
}

fn guardian(
    form: &BirthForm,
    insurance: &InsuranceBlock,
    mother: Option<&Parent>,
    father: Option<&Parent>,
) -> Result<Guardian, Fault> {
    let parent = |parent: Option<&Parent>, field| {
        parent
            .map(|parent| parent.name.clone())
            .ok_or_else(|| invalid("missing-field", field))
    };
    let (relation, name) = match required(insurance.guardian.as_ref(), "nguoiGiamHo")? {
        "cha" => (Relation::Father, parent(father, "chaHoTen")?),
        "me" => (Relation::Mother, parent(mother, "meHoTen")?),
        "nyc" => {
            let name = required(form.requester_name.as_ref(), "nycHoTen")?;
            (Relation::Requester, check::name(name, "nycHoTen")?)
        }
        _ => return Err(invalid("unknown-code", "nguoiGiamHo")),
    };
    let phone = match given(insurance.phone.as_ref()) {
        Some(_) => check::text(insurance.phone.as_ref(), SHORT, "soDienThoai")?,
        None => check::text(form.requester_phone.as_ref(), SHORT, "nycSoDienThoai")?,
    };
    Ok(Guardian {
        name,
        relation,
        phone,
    })
}

fn facility(insurance: &InsuranceBlock) -> Result<FacilityCode, Fault> {
    let code = required(insurance.facility.as_ref(), "noiKCBBanDau")?;
    FacilityCode::parse(code)
        .map_err(|error| invalid("bad-facility", "noiKCBBanDau").log(error.to_string()))
}

/// Most characters of a number, code or telephone.
const SHORT: usize = 50;

/// Most characters of an address.
const LONG: usize = 1_024;
