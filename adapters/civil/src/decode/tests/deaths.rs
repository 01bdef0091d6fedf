//! Deaths and what takes them back, as they are read.

use schemas::wire::civil::{CorrectedFacts, CorrectionForm, DeathForm, DeathResult};

use super::*;

/// A death of 2026-11-19 in Ba Đình, every number synthetic.
fn form() -> DeathForm {
    DeathForm {
        death_notice: some("01001-GBT-26-0001"),
        registered_at: some("00004"),
        name: some("Trần Thị Bình"),
        sex: some("2"),
        died_on: some("19.11.2026"),
        paper_number: some("099198000001"),
        proof_kind: some("1"),
        proof_number: some("77"),
        requester_name: some("Nguyễn Văn Nam"),
        requester_relation: some("chồng"),
        result: Some(DeathResult {
            name: some("TRẦN THỊ BÌNH"),
            sex: Some(2),
            born: some("..1998"),
            paper: some("099198000001"),
            died_on: some("19.11.2026"),
            registered_on: some("20.11.2026"),
            number: some("9"),
            book: some("01/2026"),
            ..DeathResult::default()
        }),
        ..DeathForm::default()
    }
}

fn envelope(module: &str) -> BirthMessage {
    BirthMessage {
        module: module.into(),
        case_id: "G22.99.09-261120-000001".into(),
        ..message()
    }
}

fn read(form: &DeathForm) -> Result<Decoded<Said>, Fault> {
    let bytes = encode(&envelope("LTKT").with_form(form));
    decode("/civil/v1/NhanDKHT", claims("civil.death"), &bytes)
}

pub(crate) fn death() -> Death {
    let mut form = form();
    form.result.as_mut().unwrap().name = some("Trần Thị Bình");
    match read(&form).unwrap().request.request {
        Request::Death(death) => *death,
        _ => panic!("no death"),
    }
}

fn withdrawal(change: impl FnOnce(&mut CorrectionForm)) -> Result<Decoded<Said>, Fault> {
    let mut form = CorrectionForm {
        kind: "2".into(),
        module: "LTKT".into(),
        case_id: "G22.99.09-261120-000001".into(),
        reason: some("nhầm người"),
        facts: None,
    };
    change(&mut form);
    let envelope = BirthMessage {
        case_id: "G22.99.10-261121-000001".into(),
        ..envelope("LTCC")
    };
    let bytes = encode(&envelope.with_form(&form));
    decode("/civil/v1/NhanDKHT", claims("civil.correction"), &bytes)
}

#[test]
fn a_registered_death_is_read() {
    let decoded = read(&form()).unwrap();
    assert_eq!(decoded.operation.name, "civil.death");
    assert_eq!(decoded.purpose, crate::DEATH_PURPOSE);
    assert!(decoded.synthetic);
    let Identity::Content(id) = decoded.identity else {
        panic!("no identity")
    };
    assert_eq!(id.as_str(), "LTKT-G22.99.09-261120-000001");
    assert_eq!(decoded.persons.len(), 1);
    let death = death();
    assert_eq!((death.died_on, death.proof_kind), (date(2026, 11, 19), 1));
    assert_eq!(death.claimant.unwrap().relation, "chồng");
    assert_eq!(death.record.commune.code, "00004");
}

#[test]
fn a_message_that_takes_a_death_back_names_it() {
    let decoded = withdrawal(|_| ()).unwrap();
    let Identity::Content(id) = &decoded.identity else {
        panic!("no identity")
    };
    assert_eq!(id.as_str(), "LTCC-G22.99.10-261121-000001");
    let Request::Withdrawal(withdrawal) = decoded.request.request else {
        panic!("no withdrawal")
    };
    assert_eq!(withdrawal.withdraws.to_string(), "G22.99.09-261120-000001");
    assert_eq!(withdrawal.reason, "nhầm người");
}

#[test]
fn only_deaths_can_be_taken_back() {
    let refused = |change: fn(&mut CorrectionForm)| why(withdrawal(change));
    assert_eq!(
        refused(|form| form.kind = "4".into()),
        invalid("unknown-code", "loai")
    );
    assert_eq!(
        refused(|form| form.kind = "3".into()),
        invalid("unknown-code", "moduleGoc"),
        "nothing is asked about a death"
    );
    assert_eq!(
        refused(|form| form.facts = Some(CorrectedFacts::default())),
        invalid("facts-of-a-withdrawal", "noiDung")
    );
    assert_eq!(
        refused(|form| form.module = "LTKS".into()),
        invalid("unknown-code", "moduleGoc")
    );
    assert_eq!(
        refused(|form| form.case_id = "x".into()),
        invalid("bad-case-id", "maHoSoGoc")
    );
}

fn corrected(change: impl FnOnce(&mut CorrectedFacts)) -> Result<Decoded<Said>, Fault> {
    let mut facts = CorrectedFacts {
        pin: some("099326000001"),
        name: some("Nguyễn Hoà An"),
        sex: Some(2),
        born: some("14.11.2026"),
        mother_born: some("..1998"),
        ..CorrectedFacts::default()
    };
    change(&mut facts);
    withdrawal(|form| {
        form.kind = "1".into();
        form.module = "LTKS".into();
        form.facts = Some(facts);
    })
}

pub(crate) fn correction() -> Correction {
    match corrected(|_| ()).unwrap().request.request {
        Request::Correction(correction) => *correction,
        _ => panic!("no correction"),
    }
}

#[test]
fn a_correction_names_the_birth_and_what_is_true_now() {
    let decoded = corrected(|_| ()).unwrap();
    assert_eq!(decoded.purpose, crate::PURPOSE);
    assert!(decoded.synthetic);
    assert_eq!(decoded.persons.len(), 1);
    let Identity::Content(id) = &decoded.identity else {
        panic!("no identity")
    };
    assert_eq!(id.as_str(), "LTCC-G22.99.10-261121-000001");
    let correction = correction();
    assert_eq!(correction.corrects.to_string(), "G22.99.09-261120-000001");
    assert_eq!(correction.born, Some(date(2026, 11, 14)));
    assert!(correction.mother.name.is_none() && correction.father == ParentChange::default());
    assert!(!format!("{correction:?}").contains("Nguyễn"));
}

#[test]
fn a_correction_that_says_nothing_or_contradicts_itself_is_refused() {
    let refused = |change: fn(&mut CorrectedFacts)| why(corrected(change));
    for (found, reason, field) in [
        (
            refused(|facts| *facts = CorrectedFacts::default()),
            "missing-field",
            "noiDung",
        ),
        (
            refused(|facts| facts.sex = Some(1)),
            "pin-sex-mismatch",
            "soDinhDanh",
        ),
        (
            refused(|facts| facts.born = some("14.11.2025")),
            "pin-year-mismatch",
            "soDinhDanh",
        ),
        (
            refused(|facts| facts.sex = Some(9)),
            "unknown-code",
            "nksGioiTinh",
        ),
        (
            refused(|facts| facts.born = some("..2026")),
            "bad-date",
            "nksNgaySinh",
        ),
        (
            refused(|facts| facts.name = some("1")),
            "bad-name",
            "nksHoTen",
        ),
        (
            refused(|facts| facts.father_pin = some("1")),
            "bad-pin",
            "chaSoDDCN",
        ),
    ] {
        assert_eq!(found, invalid(reason, field));
    }
    let of_a_death = withdrawal(|form| form.kind = "1".into());
    assert_eq!(why(of_a_death), invalid("unknown-code", "moduleGoc"));
}

fn supplemented(facts: Option<CorrectedFacts>) -> Result<Decoded<Said>, Fault> {
    withdrawal(|form| {
        form.kind = "3".into();
        form.module = "LTKS".into();
        form.facts = facts;
    })
}

pub(crate) fn supplement(facts: Option<CorrectedFacts>) -> Supplement {
    match supplemented(facts).unwrap().request.request {
        Request::Supplement(supplement) => supplement,
        _ => panic!("no supplement"),
    }
}

#[test]
fn a_supplement_names_the_birth_and_brings_facts_or_papers_alone() {
    let facts = CorrectedFacts {
        pin: some("099326000001"),
        birth_notice: some("01001-GCS-26-0001"),
        ..CorrectedFacts::default()
    };
    let decoded = supplemented(Some(facts.clone())).unwrap();
    assert_eq!(
        (decoded.operation.name, decoded.purpose.as_str()),
        ("civil.correction", crate::PURPOSE)
    );
    assert!(decoded.synthetic && decoded.persons.len() == 1);
    let Identity::Content(id) = &decoded.identity else {
        panic!("no identity")
    };
    assert_eq!(id.as_str(), "LTCC-G22.99.10-261121-000001");
    let said = supplement(Some(facts));
    assert_eq!(said.birth_notice, "01001-GCS-26-0001");
    assert_eq!(said.facts.corrects.to_string(), "G22.99.09-261120-000001");
    let papers = supplement(None);
    assert!(papers.birth_notice.is_empty() && papers.facts.pin.is_none());
}

#[test]
fn a_supplement_that_contradicts_itself_is_refused_and_a_correction_has_no_notice() {
    let refused = |facts| why(supplemented(Some(facts)));
    assert_eq!(
        refused(CorrectedFacts {
            name: some("1"),
            ..CorrectedFacts::default()
        }),
        invalid("bad-name", "nksHoTen")
    );
    assert_eq!(
        refused(CorrectedFacts {
            birth_notice: some(&"x".repeat(65)),
            ..CorrectedFacts::default()
        }),
        invalid("text-too-long", "maGCS")
    );
    assert_eq!(
        why(corrected(|facts| facts.birth_notice = some("GCS"))),
        invalid("notice-of-a-correction", "maGCS")
    );
}

#[test]
fn a_death_that_contradicts_itself_is_refused() {
    let refused = |change: fn(&mut DeathForm, &mut DeathResult)| {
        let mut form = form();
        let mut result = form.result.take().unwrap();
        change(&mut form, &mut result);
        form.result = Some(result);
        why(read(&form))
    };
    let differ = "form-and-result-differ";
    for (change, reason, field) in [
        (
            (|_, result| result.name = None) as fn(&mut DeathForm, &mut DeathResult),
            "missing-field",
            "nktHoTen",
        ),
        (
            |form, _| form.name = some("Trần Thị Khác"),
            differ,
            "nktHoTen",
        ),
        (|form, _| form.sex = some("1"), differ, "nktGioiTinh"),
        (
            |form, _| form.died_on = some("18.11.2026"),
            differ,
            "nktNgayChet",
        ),
        (
            |form, _| form.paper_number = some("099198000002"),
            differ,
            "nktSoGiayToTuyThan",
        ),
        (
            |form, _| form.proof_kind = some("8"),
            "unknown-code",
            "gbtLoai",
        ),
        (
            |form, _| form.registered_at = some("99999"),
            "unknown-commune",
            "noiDangKy",
        ),
        (
            |_, result| result.paper = some("B1234567"),
            "bad-pin",
            "nktSoGiayTo",
        ),
        (
            |_, result| result.born = some("..1997"),
            "pin-year-mismatch",
            "nktSoGiayTo",
        ),
        (
            |_, result| result.died_on = some("..2026"),
            "bad-date",
            "nktNgayChet",
        ),
        (
            |form, result| {
                form.died_on = None;
                result.died_on = some("21.11.2026");
            },
            "death-after-registration",
            "nktNgayChet",
        ),
        (
            |_, result| result.registered_on = some("21.11.2026"),
            "registered-after-received",
            "ngayDangKy",
        ),
        (
            |_, result| result.number = None,
            "missing-field",
            "soDangKy",
        ),
    ] {
        assert_eq!(refused(change), invalid(reason, field), "{reason} {field}");
    }
    let other_unit = BirthMessage {
        unit: "00006".into(),
        ..envelope("LTKT")
    };
    let bytes = encode(&other_unit.with_form(&form()));
    let read = decode("/civil/v1/NhanDKHT", claims("civil.death"), &bytes);
    assert_eq!(why(read), invalid("unit-and-result-differ", "maDonVi"));
}
