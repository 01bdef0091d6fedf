use gateway_core::files::Kept;
use schemas::{
    file_kind::Kind,
    id::DossierCode,
    proto::insurance::{BirthCase, BirthCaseState, Card},
};

use super::*;
use crate::decode::tests::birth;

fn said(request: &Request, outcome: Outcome) -> Vec<u8> {
    match encode(request, outcome, &[]).unwrap().unsigned {
        Unsigned::Json(body) => body,
        Unsigned::Xml { .. } | Unsigned::Soap(_) | Unsigned::Dci { .. } => panic!("not JSON"),
    }
}

fn poll() -> Request {
    let case_ids = vec![DossierCode::parse("G22.99.08-261120-000001").unwrap()];
    Request::Poll(Poll {
        case_ids,
        province: "01".into(),
        module: civil::Module::Birth,
    })
}

fn completed() -> BirthCase {
    BirthCase {
        due_at: "2026-11-26T10:00:00Z".into(),
        corrected_by: String::new(),
        case_id: "G22.99.08-261120-000001".into(),
        known: true,
        state: BirthCaseState::Completed.into(),
        due_on: "2026-11-25".into(),
        updated_at: "2026-11-20T17:05:09Z".into(),
        si_number: "9912345678".into(),
        card: Some(Card {
            number: "TE1019912345678".into(),
            valid_from: "2026-11-03".into(),
            valid_to: "2032-11-30".into(),
            facility: "01001".into(),
            state: 1,
            serial: 1,
        }),
        card_rule: "Luật BHYT, điều 16".into(),
        ..BirthCase::default()
    }
}

#[test]
fn what_is_missing_is_told_with_the_day_until_which_it_may_come() {
    let waiting = BirthCase {
        state: BirthCaseState::NeedsSupplement.into(),
        supplement_by: "2026-12-03".into(),
        told: "Bổ sung giấy tờ của mẹ".into(),
        si_number: String::new(),
        card: None,
        ..completed()
    };
    let row = answer(vec![waiting.clone()]).cases.remove(0);
    assert_eq!(
        (row.state, row.supplement_by.as_deref(), row.text.as_deref()),
        (Some(2), Some("03/12/2026"), Some("Bổ sung giấy tờ của mẹ"))
    );
    assert_eq!(row.result, None);
    let told = birth_update(&waiting).unwrap();
    assert_eq!(
        (told.supplement_by, told.text),
        (row.supplement_by, row.text)
    );
}

fn answer(cases: Vec<BirthCase>) -> StatusAnswer {
    civil::decode(&said(&poll(), Outcome::Cases(cases))).unwrap()
}

#[test]
fn a_registered_birth_is_received_in_words_that_also_fit_a_repetition() {
    let body = said(
        &Request::Birth(Box::new(birth())),
        Outcome::Registered(Box::new(completed())),
    );
    let receipt: Receipt = civil::decode(&body).unwrap();
    assert_eq!(receipt.status, "1");
    assert!(receipt.status_description.contains("đã được tiếp nhận"));
    assert!(receipt.error_code.is_empty() && receipt.error_description.is_empty());
}

#[test]
fn the_files_that_are_kept_are_told_by_their_digests() {
    let paper = |id: &str| KeptPaper {
        id: id.to_owned(),
        file: Kept {
            sha256: [0xab; 32],
            bytes: 17,
            kind: Kind::Pdf,
        },
    };
    let (request, outcome) = (
        Request::Birth(Box::new(birth())),
        Outcome::Registered(Box::new(completed())),
    );
    let encoded = encode(&request, outcome, &[paper("1"), paper("")]).unwrap();
    let Unsigned::Json(body) = encoded.unsigned else {
        panic!("not JSON")
    };
    let receipt: Receipt = civil::decode(&body).unwrap();
    let ids: Vec<_> = receipt.files.iter().map(|file| file.id.clone()).collect();
    assert_eq!(ids, [Some("1".to_owned()), None]);
    let one = &receipt.files[0];
    assert_eq!((one.sha256.clone(), one.bytes), ("ab".repeat(32), 17));
}

#[test]
fn a_completed_case_carries_number_and_card_as_a_json_text() {
    let answer = answer(vec![completed()]);
    assert_eq!(
        (answer.status, answer.status_description.as_str()),
        (1, "Tìm thấy 1/1 hồ sơ")
    );
    let row = &answer.cases[0];
    assert_eq!(
        (row.state, row.province.as_deref(), row.module.as_str()),
        (Some(4), Some("01"), "LTKS")
    );
    assert_eq!(row.updated_at.as_deref(), Some("21/11/2026 00:05:09"));
    assert_eq!(row.note.as_deref(), Some("Hạn xử lý: 25/11/2026"));
    assert_eq!(row.text.as_deref(), Some("Đã hoàn thành đăng ký"));
    let card = row.card().unwrap().unwrap();
    assert_eq!(
        (card.si_number.as_str(), card.card.as_str()),
        ("9912345678", "TE1019912345678")
    );
    assert_eq!(
        (card.valid_from.as_str(), card.valid_to.as_str()),
        ("03/11/2026", "30/11/2032")
    );
    assert_eq!(
        (card.facility.as_str(), card.rule.as_deref()),
        ("01001", Some("Luật BHYT, điều 16"))
    );
}

#[test]
fn a_case_still_in_work_has_no_card() {
    let working = BirthCase {
        state: BirthCaseState::Processing.into(),
        card: None,
        si_number: String::new(),
        due_on: String::new(),
        ..completed()
    };
    let row = &answer(vec![working]).cases[0];
    assert_eq!(
        (row.state, row.result.as_deref(), row.note.as_deref()),
        (Some(3), None, None)
    );
}

#[test]
fn a_case_that_the_sender_does_not_have_is_named_without_a_state() {
    let unknown = BirthCase {
        case_id: "G22.99.08-261120-000001".into(),
        ..BirthCase::default()
    };
    let answer = answer(vec![unknown]);
    assert_eq!(answer.status_description, "Tìm thấy 0/1 hồ sơ");
    let row = &answer.cases[0];
    assert_eq!(
        (row.state, row.errors.as_deref()),
        (None, Some("Không tìm thấy hồ sơ"))
    );
}

#[test]
fn what_the_contract_forbids_is_our_fault() {
    let reason = |case: BirthCase| {
        encode(&poll(), Outcome::Cases(vec![case]), &[])
            .unwrap_err()
            .reason()
    };
    assert_eq!(
        reason(BirthCase {
            updated_at: "soon".into(),
            ..completed()
        }),
        "registry-answer"
    );
    assert_eq!(
        reason(BirthCase {
            state: 0,
            ..completed()
        }),
        "registry-answer"
    );
    assert_eq!(
        reason(BirthCase {
            due_on: "soon".into(),
            ..completed()
        }),
        "registry-answer"
    );
    let card = |card: Card| BirthCase {
        card: Some(card),
        ..completed()
    };
    let whole = || completed().card.unwrap();
    assert_eq!(
        reason(card(Card {
            valid_to: String::new(),
            ..whole()
        })),
        "registry-answer"
    );
    let crossed = encode(
        &Request::Birth(Box::new(birth())),
        Outcome::Cases(Vec::new()),
        &[],
    )
    .unwrap_err();
    assert_eq!(crossed.reason(), "outcome-of-another-operation");
}

#[test]
fn a_death_is_told_with_what_it_did_and_who_took_it_back() {
    let Request::Poll(poll) = poll() else {
        panic!("no poll")
    };
    let asked = Request::Poll(Poll {
        module: civil::Module::Death,
        ..poll
    });
    let case = contract::DeathCase {
        case_id: "G22.99.08-261120-000001".into(),
        known: true,
        updated_at: "2026-11-20T17:05:09Z".into(),
        died_on: "2026-11-19".into(),
        si_number: "9912345678".into(),
        funeral: 1,
        withdrawn_by: "G22.99.10-261121-000001".into(),
    };
    let unmet = contract::DeathCase {
        si_number: String::new(),
        withdrawn_by: String::new(),
        ..case.clone()
    };
    let strange = contract::DeathCase {
        case_id: case.case_id.clone(),
        ..contract::DeathCase::default()
    };
    let answer: StatusAnswer =
        civil::decode(&said(&asked, Outcome::Deaths(vec![case, unmet, strange]))).unwrap();
    let [row, unmet, strange] = answer.cases.as_slice() else {
        panic!("three rows")
    };
    assert_eq!((row.module.as_str(), row.state), ("LTKT", Some(4)));
    assert!(
        row.note
            .as_ref()
            .unwrap()
            .ends_with("G22.99.10-261121-000001")
    );
    let seen: civil::DeathSeen = civil::decode(row.result.as_ref().unwrap().as_bytes()).unwrap();
    assert_eq!(
        (seen.si_number.as_str(), seen.died_on.as_str(), seen.funeral),
        ("9912345678", "19/11/2026", 1)
    );
    assert_eq!(
        (unmet.state, &unmet.result, &unmet.note),
        (Some(4), &None, &None)
    );
    assert!(strange.errors.is_some() && strange.state.is_none());
}

#[test]
fn the_announced_end_of_a_card_stands_in_the_note_of_poll_and_push() {
    let case = BirthCase {
        ending: Some(contract::CardEnding {
            ends_on: "2032-11-15".into(),
            next_object: "HN".into(),
            next_level: 2,
            next_from: "2032-11-16".into(),
            rule: "Law on Health Insurance art. 12.3".into(),
        }),
        ..completed()
    };
    let note = note(&case).unwrap().unwrap();
    assert!(
        note.ends_with(
            "Thẻ hết hạn ngày 15/11/2032; từ 16/11/2032 đối tượng HN, mức hưởng 2 \
             (Law on Health Insurance art. 12.3)"
        ),
        "{note}"
    );
    assert_eq!(birth_update(&case).unwrap().note, Some(note));
}
