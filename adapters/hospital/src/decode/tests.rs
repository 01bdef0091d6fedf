use gateway_core::{Direction, partner::Environment};
use jiff::{Timestamp, civil::date};
use schemas::{id::PartnerId, proto::insurance::hospital_notice, wire::hospital::PacketFile};

use super::*;

pub(crate) fn claims(operation: &str) -> Claims {
    Claims {
        sender: PartnerId::parse("cskcb-01001").unwrap(),
        receiver: PartnerId::parse("vss").unwrap(),
        environment: Environment::Sandbox,
        direction: Direction::Request,
        id: MessageId::parse("evidence-1").unwrap(),
        sent_at: Timestamp::from_second(1_795_000_000).unwrap(),
        operation: operation.to_owned(),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A girl of Ba Đình without a name, every number synthetic.
pub(crate) fn birth() -> BirthPaper {
    BirthPaper {
        id: "Id-1".to_owned(),
        code: some("GCS.01001.26.1"),
        carer_name: some("Trần Thị Mẫu"),
        carer_born: some("19980102"),
        carer_ethnicity: some("01"),
        carer_nationality: some("000"),
        carer_paper_kind: some("4"),
        carer_paper_number: some("099198000001"),
        residence_commune: some("00004"),
        child_sex: some("2"),
        children: some("1"),
        child_born: some("20261103043000"),
        issued_on: some("20261104"),
        first_issue: some("1"),
        ..BirthPaper::default()
    }
}

pub(crate) fn death() -> DeathPaper {
    DeathPaper {
        id: "Id-2".to_owned(),
        code: some("GBT.01001.26.1"),
        name: some("Trần Văn Mẫu"),
        born: some("1950"),
        sex: some("1"),
        paper_number: some("099050000001"),
        died: some("202611200130"),
        number: some("12"),
        facility: some("01001"),
        ..DeathPaper::default()
    }
}

fn read_birth(paper: &BirthPaper) -> Result<Decoded<Request>, Fault> {
    decode(claims("hospital.birth-notice"), &paper.write())
}

fn read_death(paper: &DeathPaper) -> Result<Decoded<Request>, Fault> {
    decode(claims("hospital.death-notice"), &paper.write())
}

fn only_birth(decoded: Decoded<Request>) -> Birth {
    match decoded.request.notices.into_iter().next() {
        Some(Notice::Birth(birth)) => *birth,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_birth_notice_is_read_and_remembered_by_its_code() {
    let decoded = read_birth(&birth()).unwrap();
    let id = MessageId::parse("61-GCS.01001.26.1-Id-1").unwrap();
    assert_eq!(decoded.identity, Identity::Content(id));
    assert_eq!(decoded.purpose, PURPOSE);
    assert!(decoded.synthetic);
    assert_eq!(decoded.asked, ["card", "siNumber"].into());
    assert_eq!(decoded.persons.len(), 1);
    assert_eq!(decoded.request.facility.as_str(), "01001");
    let birth = only_birth(decoded);
    assert_eq!((birth.born, birth.children), (date(2026, 11, 3), 1));
    assert_eq!((birth.nationality.as_str(), birth.name), ("VN", None));
    assert_eq!(birth.mother_born, "1998-01-02");
}

#[test]
fn children_of_one_birth_are_remembered_by_their_papers() {
    let twin = BirthPaper {
        children: some("2"),
        paper: some("CT.0002"),
        ..birth()
    };
    let decoded = read_birth(&twin).unwrap();
    let id = MessageId::parse("61-GCS.01001.26.1-CT.0002-Id-1").unwrap();
    assert_eq!(decoded.identity, Identity::Content(id));
    // the paper of an only child is the hospital's own
    let only = BirthPaper {
        paper: some("CT.0002"),
        ..birth()
    };
    assert_eq!(only_birth(read_birth(&only).unwrap()).paper, "");
}

#[test]
fn a_mother_without_an_identity_card_has_no_pin() {
    let foreign = BirthPaper {
        carer_paper_kind: some("2"),
        carer_paper_number: some("P1234567"),
        carer_nationality: some("123"),
        ..birth()
    };
    let decoded = read_birth(&foreign).unwrap();
    assert!(!decoded.synthetic && decoded.persons.is_empty());
    let birth = only_birth(decoded);
    assert_eq!((birth.mother_pin, birth.nationality.as_str()), (None, ""));
}

type BentBirth = (fn(&mut BirthPaper), &'static str, &'static str);

#[test]
fn each_broken_value_of_a_birth_is_refused_by_its_element() {
    let cases: &[BentBirth] = &[
        (|p| p.code = None, "missing-field", "MA_GCS"),
        (|p| p.code = some("GCS/1"), "bad-code", "MA_GCS"),
        (|p| p.code = some(&"1".repeat(41)), "bad-code", "MA_GCS"),
        (|p| p.id = "Id:1".to_owned(), "bad-code", "Id"),
        (|p| p.children = some("0"), "unknown-code", "SO_CON"),
        (|p| p.children = some("11"), "unknown-code", "SO_CON"),
        (|p| p.children = some("2"), "missing-field", "MA_CT"),
        (|p| p.carer_name = None, "missing-field", "HOTEN_NND"),
        (|p| p.carer_name = some("1"), "bad-name", "HOTEN_NND"),
        (
            |p| p.carer_born = some("199801"),
            "bad-date",
            "NGAYSINH_NND",
        ),
        (
            |p| p.carer_paper_kind = some("9"),
            "unknown-code",
            "LOAI_GIAYTO_NND",
        ),
        (
            |p| p.carer_paper_number = some("099"),
            "bad-pin",
            "SO_CCCD_NND",
        ),
        (
            |p| p.carer_ethnicity = some("99"),
            "unknown-code",
            "MA_DANTOC_NND",
        ),
        (
            |p| p.carer_nationality = some("V1"),
            "unknown-code",
            "MA_QUOCTICH_NND",
        ),
        (
            |p| p.residence_commune = None,
            "missing-field",
            "MAXA_CU_TRU",
        ),
        (
            |p| p.residence_commune = some("99999"),
            "unknown-commune",
            "MAXA_CU_TRU",
        ),
        (|p| p.child_sex = some("4"), "unknown-code", "GIOI_TINH_CON"),
        (
            |p| p.child_born = some("20261131"),
            "bad-date",
            "NGAY_SINH_CON",
        ),
        (
            |p| p.child_born = some("202611032460"),
            "bad-date",
            "NGAY_SINH_CON",
        ),
        (
            |p| p.child_born = some("20261105"),
            "birth-after-notice",
            "NGAY_CT",
        ),
        (|p| p.issued_on = None, "missing-field", "NGAY_CT"),
        (
            |p| p.temporary_card = some("DN4019900000007"),
            "bad-card",
            "MA_THE_TAM",
        ),
        (|p| p.first_issue = some("2"), "unknown-code", "CAP_LAN_DAU"),
        (
            |p| (p.child_name, p.child_name_130) = (some("Lê An"), some("Lê Bình")),
            "names-differ",
            "HO_TEN_CON",
        ),
    ];
    for (bend, reason, field) in cases {
        let mut paper = birth();
        bend(&mut paper);
        let fault = read_birth(&paper).unwrap_err();
        let told = (fault.code(), fault.reason(), fault.wrong_field());
        assert_eq!(told, (FaultCode::Invalid, *reason, Some(*field)));
    }
}

#[test]
fn a_death_notice_is_read_with_the_numbers_that_it_has() {
    let by_card = DeathPaper {
        paper_number: some("P123"),
        card: some("TE1019900000007"),
        ..death()
    };
    for (paper, pin, number) in [(death(), true, false), (by_card, false, true)] {
        let decoded = read_death(&paper).unwrap();
        let id = MessageId::parse("60-GBT.01001.26.1-Id-2").unwrap();
        assert_eq!(decoded.identity, Identity::Content(id));
        assert_eq!(
            (decoded.purpose.as_str(), decoded.synthetic),
            (DEATH_PURPOSE, true)
        );
        assert!(decoded.asked.is_empty());
        let Notice::Death(death) = &decoded.request.notices[0] else {
            panic!("a death")
        };
        assert_eq!(
            (death.pin.is_some(), death.si_number.is_some()),
            (pin, number)
        );
        assert_eq!(
            (death.died_on, death.born.as_str()),
            (date(2026, 11, 20), "1950")
        );
    }
}

#[test]
fn a_notice_that_is_issued_again_and_one_that_is_taken_back_say_so() {
    let again = BirthPaper {
        first_issue: some("0"),
        ..birth()
    };
    for (paper, reissued) in [(birth(), false), (again, true)] {
        let decoded = read_birth(&paper).unwrap();
        let Notice::Birth(told) = &decoded.request.notices[0] else {
            panic!("a birth")
        };
        assert_eq!(told.reissued, reissued);
        let asked = crate::perform::canonical(&decoded.request);
        let Some(hospital_notice::Notice::Birth(told)) = &asked.notices[0].notice else {
            panic!("a birth")
        };
        assert_eq!(told.reissued, reissued);
    }
    let taken_back = DeathPaper {
        id: "Id-3".to_owned(),
        withdrawn: some("1"),
        withdrawn_why: some("nhầm người"),
        ..death()
    };
    let decoded = read_death(&taken_back).unwrap();
    assert_eq!(decoded.purpose, DEATH_PURPOSE);
    let asked = crate::perform::canonical(&decoded.request);
    let Some(hospital_notice::Notice::Withdrawal(said)) = &asked.notices[0].notice else {
        panic!("a death that is taken back")
    };
    assert_eq!(
        (said.case_id.as_str(), said.reason.as_str()),
        ("Id-3", "nhầm người")
    );
    // the notice itself is as it was told
    let first = crate::perform::canonical(&read_death(&death()).unwrap().request);
    let Some(hospital_notice::Notice::Death(told)) = &first.notices[0].notice else {
        panic!("a death")
    };
    assert_eq!(said.death.as_ref(), Some(told));
}

#[test]
fn a_birth_that_is_taken_back_and_a_death_that_is_issued_again_say_so() {
    let taken_back = BirthPaper {
        id: "Id-3".to_owned(),
        withdrawn: some("1"),
        ..birth()
    };
    let asked = crate::perform::canonical(&read_birth(&taken_back).unwrap().request);
    let Some(hospital_notice::Notice::BirthWithdrawal(said)) = &asked.notices[0].notice else {
        panic!("a birth that is taken back")
    };
    assert_eq!((said.case_id.as_str(), said.reason.as_str()), ("Id-3", ""));
    // the notice itself is as it was told
    let first = crate::perform::canonical(&read_birth(&birth()).unwrap().request);
    let Some(hospital_notice::Notice::Birth(told)) = &first.notices[0].notice else {
        panic!("a birth")
    };
    assert_eq!(said.birth.as_ref(), Some(told));
    let sheet = |of: [Option<String>; 2], replaced: [Option<String>; 2]| {
        let ([number, book], [first_number, first_book]) = (of, replaced);
        let paper = DeathPaper {
            number,
            book,
            first_number,
            first_book,
            ..death()
        };
        let asked = crate::perform::canonical(&read_death(&paper).unwrap().request);
        match asked.notices[0].notice.clone() {
            Some(hospital_notice::Notice::Death(told)) => {
                [told.proof_book, told.replaces_number, told.replaces_book]
            }
            _ => panic!("a death"),
        }
    };
    let own = || [some("13"), some("01/2026")];
    assert_eq!(sheet(own(), [None, None]), ["01/2026", "", ""]);
    // a first one may name itself, with its book or without
    assert_eq!(sheet(own(), own()), ["01/2026", "", ""]);
    assert_eq!(sheet(own(), [some("13"), None]), ["01/2026", "", ""]);
    assert_eq!(
        sheet(own(), [some("13"), some("01/2025")]),
        ["01/2026", "13", "01/2025"]
    );
    assert_eq!(sheet(own(), [some("12"), None]), ["01/2026", "12", ""]);
}

type BentDeath = (fn(&mut DeathPaper), &'static str, &'static str);

#[test]
fn each_broken_value_of_a_death_is_refused_by_its_element() {
    let cases: &[BentDeath] = &[
        (|p| p.code = None, "missing-field", "MA_GBT"),
        (|p| p.name = None, "missing-field", "HO_TEN"),
        (|p| p.died = None, "missing-field", "NGAY_TV"),
        (|p| p.died = some("2026112"), "bad-date", "NGAY_TV"),
        (|p| p.born = some("19501"), "bad-date", "NGAY_SINH"),
        (|p| p.sex = some("x"), "unknown-code", "GIOI_TINH"),
        (|p| p.paper_number = None, "missing-field", "SO_GIAYTO"),
        (
            |p| p.paper_number = some("097000000001"),
            "bad-pin",
            "SO_GIAYTO",
        ),
        (|p| p.si_number = some("99"), "bad-number", "MA_BHXH"),
        (|p| p.card = some("XX"), "bad-card", "MA_THE"),
        (|p| p.withdrawn = some("2"), "unknown-code", "THU_HOI"),
        (
            |p| p.first_book = some("01/2026"),
            "missing-field",
            "SO_BAOTU_BD",
        ),
        (
            |p| p.withdrawn_why = some("nhầm"),
            "unknown-code",
            "LY_DO_THU_HOI",
        ),
        (
            |p| p.facility = some("01002"),
            "facility-of-another",
            "MACSKCB",
        ),
        (
            |p| (p.si_number, p.card) = (some("9900000001"), some("9900000002")),
            "numbers-differ",
            "MA_THE",
        ),
    ];
    for (bend, reason, field) in cases {
        let mut paper = death();
        bend(&mut paper);
        let fault = read_death(&paper).unwrap_err();
        let told = (fault.code(), fault.reason(), fault.wrong_field());
        assert_eq!(told, (FaultCode::Invalid, *reason, Some(*field)));
    }
}

fn packet(files: Vec<PacketFile>) -> Vec<u8> {
    let cases = vec![files];
    Packet {
        id: "Id-00000001".into(),
        cases,
    }
    .write()
}

fn file(kind: &str, content: Vec<u8>) -> PacketFile {
    PacketFile {
        kind: kind.into(),
        content,
    }
}

#[test]
fn a_packet_is_its_notices_under_its_own_id() {
    let files = vec![file("61", birth().write()), file("60", death().write())];
    let decoded = decode(claims("hospital.packet"), &packet(files)).unwrap();
    let id = MessageId::parse("39-Id-00000001").unwrap();
    assert_eq!(decoded.identity, Identity::Content(id));
    assert_eq!(
        (decoded.lines, decoded.purpose.as_str()),
        (2, DEATH_PURPOSE)
    );
    assert_eq!(decoded.persons.len(), 2);
}

#[test]
fn a_packet_with_anything_else_is_refused() {
    for (files, code, reason) in [
        (
            vec![file("1", vec![])],
            FaultCode::Invalid,
            "paper-not-for-us",
        ),
        (
            vec![file("39", vec![])],
            FaultCode::Invalid,
            "paper-not-for-us",
        ),
        (
            vec![file("61", death().write())],
            FaultCode::Malformed,
            "element-unexpected",
        ),
        (
            vec![file("61", b"<".to_vec())],
            FaultCode::Malformed,
            "xml-truncated",
        ),
    ] {
        let fault = decode(claims("hospital.packet"), &packet(files)).unwrap_err();
        assert_eq!((fault.code(), fault.reason()), (code, reason));
    }
}

#[test]
fn one_kind_does_not_pass_for_another() {
    let fault = decode(claims("hospital.birth-notice"), &death().write()).unwrap_err();
    assert_eq!(fault.reason(), "element-unexpected");
    let mut other = claims("hospital.birth-notice");
    other.sender = PartnerId::parse("dvclt").unwrap();
    let fault = decode(other, &birth().write()).unwrap_err();
    assert_eq!(fault.reason(), "bad-facility");
}

#[test]
fn nothing_of_anybody_is_in_debug() {
    let told = format!("{:?}", read_birth(&birth()).unwrap().request);
    assert!(
        told.contains("GCS.01001.26.1") && !told.contains("Mẫu"),
        "{told}"
    );
}
