//! Who applies: the person whom a dossier is about, or a parent of a child under age, as the civil registry told the
//! birth; and the number that the portal says the account has.

use schemas::fault::FaultCode::{Invalid, RuleRefused};
use schemas::proto::insurance::{
    BirthCase, BirthChanges, CardState, CorrectBirthRequest, Dossier, GetDossierRequest,
    ListCardsRequest, Parent, RegisterBirthRequest, SubmitDossierRequest, SubmitReissueRequest,
};
use serde_json::json;

use crate::decisions::{say, show, waiting, word};
use crate::forms;
use crate::over_both;
use crate::requests;
use crate::said::{supplement, withdrawal};
use crate::scene::{Scene, context, soon};
use schemas::proto::insurance::DossierDecision as Word;

over_both! {
    a_mother_and_a_father_ask_for_their_childs_card_and_the_child_gets_it
    a_parent_speaks_for_a_child_in_every_procedure_that_takes_it_and_ends_what_they_began
    a_stranger_and_whoever_is_no_parent_any_more_are_refused_and_nothing_changes
    two_registers_that_name_two_mothers_prove_none
    a_parent_speaks_for_nobody_of_full_age_and_nobody_dead
    whoever_is_father_no_more_is_heard_no_more_and_given_nothing_and_the_officer_stops_it
    a_child_of_full_age_and_a_dead_parent_end_what_the_parent_began
    a_card_is_not_printed_for_whoever_is_father_no_more_nor_told_to_them
    the_number_that_the_account_has_is_the_applicants_own
}

/// A father who works: the first holder of a card.
fn father(scene: &Scene) -> Parent {
    let holder = &scene.marks.card_holders[0];
    Parent {
        name: holder.name.clone(),
        birth_date: holder.birth_date.clone(),
        pin: holder.pin.clone(),
    }
}

/// A child of the first mother and of the first holder.
fn child(scene: &Scene, n: u32) -> RegisterBirthRequest {
    RegisterBirthRequest {
        father: Some(father(scene)),
        ..scene.birth(n)
    }
}

pub async fn born(scene: &Scene, request: RegisterBirthRequest) -> BirthCase {
    let answer = scene.insurance.register_birth(soon(), request).await;
    answer.unwrap().case.unwrap()
}

/// What somebody asks for a child's card.
fn card(who: &Parent, case: &BirthCase, n: u32) -> SubmitReissueRequest {
    SubmitReissueRequest {
        context: Some(context("portal", &format!("child-card-{n}"))),
        foreign_id: format!("NPSP-C{n:07}"),
        procedure: "9.000001".into(),
        card_or_si_number: case.card.clone().unwrap().number,
        applicant_name: who.name.clone(),
        applicant_pin: who.pin.clone(),
        applicant_birth_date: who.birth_date.clone(),
        reason: 1,
        submitted_at: "2026-11-23T01:50:00Z".into(),
        ..SubmitReissueRequest::default()
    }
}

/// What somebody asks of a child's record.
pub fn change(scene: &Scene, who: &Parent, case: &BirthCase, n: u32) -> SubmitDossierRequest {
    SubmitDossierRequest {
        applicant_name: who.name.clone(),
        applicant_pin: who.pin.clone(),
        applicant_birth_date: who.birth_date.clone(),
        form: json!({"MaBHXH": case.si_number, "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên"})
            .to_string(),
        ..forms::change(scene, n)
    }
}

async fn submit(scene: &Scene, request: SubmitReissueRequest) -> Dossier {
    let answer = scene.insurance.submit_reissue(soon(), request).await;
    answer.unwrap().dossier.unwrap()
}

fn mother(scene: &Scene, n: u32) -> Parent {
    scene.birth(n).mother.unwrap()
}

async fn a_mother_and_a_father_ask_for_their_childs_card_and_the_child_gets_it(scene: Scene) {
    let case = born(&scene, child(&scene, 1)).await;
    for (n, who, acts_as) in [
        (1, mother(&scene, 1), "mother"),
        (2, father(&scene), "father"),
    ] {
        let dossier = submit(&scene, card(&who, &case, n)).await;
        assert_eq!(dossier.acts_as, acts_as);
        assert_eq!(
            (&dossier.applicant_name, &dossier.applicant_pin),
            (&who.name, &who.pin)
        );
        for _ in 0..4 {
            scene.registry.advance().await.unwrap();
        }
        let list = ListCardsRequest {
            context: Some(context("portal", "cards")),
            si_number: case.si_number.clone(),
        };
        let cards = scene.insurance.cards(soon(), list).await.unwrap().cards;
        assert_eq!(
            (cards[0].state(), cards[0].serial, &cards[0].number),
            (CardState::Valid, n + 1, &case.card.as_ref().unwrap().number)
        );
        assert_eq!(show(&scene, &dossier.code).await.dossier.unwrap().state, 10);
    }
    // whoever asks for a card of their own acts as nobody else
    assert_eq!(submit(&scene, scene.reissue(1)).await.acts_as, "");
}

async fn a_parent_speaks_for_a_child_in_every_procedure_that_takes_it_and_ends_what_they_began(
    scene: Scene,
) {
    let case = born(&scene, child(&scene, 1)).await;
    let mother = mother(&scene, 1);
    let dossier = waiting(&scene, change(&scene, &mother, &case, 1)).await;
    assert_eq!(
        show(&scene, &dossier.code).await.dossier.unwrap().acts_as,
        "mother"
    );
    assert_eq!(
        say(&scene, word(&dossier.code, 3, Word::Supplement)).await,
        5
    );
    // the father began nothing here
    let father = father(&scene).pin;
    let call = supplement(&scene, 1, &dossier.code);
    assert_eq!(call.applicant_pin, father);
    let call = scene.insurance.supplement_dossier(soon(), call);
    scene
        .refuses(call, RuleRefused, "not-the-applicant", "applicant_pin")
        .await;
    let mut papers = supplement(&scene, 2, &dossier.code);
    papers.applicant_pin.clone_from(&mother.pin);
    let went_on = scene.insurance.supplement_dossier(soon(), papers).await;
    assert_eq!(went_on.unwrap().dossier.unwrap().state, 4);
    let mut back = withdrawal(&scene, 1, &dossier.code);
    back.applicant_pin.clone_from(&mother.pin);
    let back = scene.insurance.withdraw_dossier(soon(), back).await;
    assert_eq!(back.unwrap().dossier.unwrap().state, 7);
    for (n, procedure, form) in [
        (
            2,
            "9.000010",
            json!({"MaBHXH": case.si_number, "MucDich": "Nhập học"}),
        ),
        (
            3,
            "9.000013",
            json!({"MaBHXH": case.si_number, "LoaiYeuCau": "XEM", "NoiDung": "Ai đã xem"}),
        ),
    ] {
        let request = SubmitDossierRequest {
            procedure: procedure.into(),
            form: form.to_string(),
            papers: Vec::new(),
            ..change(&scene, &mother, &case, n)
        };
        let taken = scene.insurance.submit_dossier(soon(), request).await;
        let taken =
            taken.unwrap_or_else(|fault| panic!("{procedure}: {fault} {:?}", fault.wrong_field()));
        assert_eq!(taken.dossier.unwrap().acts_as, "mother", "{procedure}");
    }
    // what is paid for is asked for oneself or one's household
    let request = SubmitDossierRequest {
        procedure: "9.000003".into(),
        form: json!({"MaBHXH": case.si_number, "MucThuNhap": 3_000_000, "TuThang": "01/2027", "SoThang": 1})
            .to_string(),
        papers: Vec::new(),
        ..change(&scene, &mother, &case, 9)
    };
    let call = scene.insurance.submit_dossier(soon(), request);
    scene
        .refuses(call, RuleRefused, "not-the-holder", "form")
        .await;
}

async fn a_stranger_and_whoever_is_no_parent_any_more_are_refused_and_nothing_changes(
    scene: Scene,
) {
    let case = born(&scene, child(&scene, 1)).await;
    let stranger = &scene.marks.card_holders[1];
    let stranger = Parent {
        name: stranger.name.clone(),
        birth_date: stranger.birth_date.clone(),
        pin: stranger.pin.clone(),
    };
    let mother = mother(&scene, 1);
    let nobody = Parent {
        pin: "099193999999".into(),
        ..mother.clone()
    };
    let another_name = Parent {
        name: stranger.name.clone(),
        ..mother.clone()
    };
    let another_day = Parent {
        birth_date: "1991-01-02".into(),
        ..mother.clone()
    };
    for (n, who) in (10..).zip([&stranger, &nobody, &another_name, &another_day]) {
        let call = scene.insurance.submit_reissue(soon(), card(who, &case, n));
        scene
            .refuses(call, RuleRefused, "not-the-holder", "applicant_name")
            .await;
    }
    let call = change(&scene, &stranger, &case, 20);
    let call = scene.insurance.submit_dossier(soon(), call);
    scene
        .refuses(call, RuleRefused, "not-the-holder", "form")
        .await;
    // the civil registry says that another woman is the mother: the first one may ask no more, the second may
    let other = &scene.marks.mothers[1];
    let other = Parent {
        name: other.name.clone(),
        birth_date: other.birth_date.clone(),
        pin: other.pin.clone(),
    };
    let correction = CorrectBirthRequest {
        context: Some(context("dvclt", "correct-mother")),
        case_id: "G22.99.10-261123-000001".into(),
        corrects: case.case_id.clone(),
        received_at: "2026-11-23T01:40:00Z".into(),
        reason: "viết sai".into(),
        changes: Some(BirthChanges {
            mother: Some(other.clone()),
            ..BirthChanges::default()
        }),
    };
    scene
        .insurance
        .correct_birth(soon(), correction)
        .await
        .unwrap();
    let call = scene
        .insurance
        .submit_reissue(soon(), card(&mother, &case, 30));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "applicant_name")
        .await;
    let dossier = submit(&scene, card(&other, &case, 31)).await;
    assert_eq!(dossier.acts_as, "mother");
    // a PIN that the birth tells under another name than its owner's proves nothing
    let mut wrong = child(&scene, 4);
    wrong.father = Some(Parent {
        pin: stranger.pin.clone(),
        ..father(&scene)
    });
    let case = born(&scene, wrong).await;
    for (n, who) in [(40, &stranger), (41, &father(&scene))] {
        let call = scene.insurance.submit_reissue(soon(), card(who, &case, n));
        scene
            .refuses(call, RuleRefused, "not-the-holder", "applicant_name")
            .await;
    }
}

async fn two_registers_that_name_two_mothers_prove_none(scene: Scene) {
    let case = born(&scene, child(&scene, 1)).await;
    let other = &scene.marks.mothers[1];
    let elsewhere = RegisterBirthRequest {
        context: Some(context("crvs", "birth-1")),
        mother: Some(Parent {
            name: other.name.clone(),
            birth_date: other.birth_date.clone(),
            pin: other.pin.clone(),
        }),
        ..child(&scene, 1)
    };
    let again = born(&scene, elsewhere.clone()).await;
    assert_eq!(again.si_number, case.si_number);
    for (n, who) in [(1, mother(&scene, 1)), (2, elsewhere.mother.unwrap())] {
        let call = scene.insurance.submit_reissue(soon(), card(&who, &case, n));
        scene
            .refuses(call, RuleRefused, "not-the-holder", "applicant_name")
            .await;
    }
    // of the father both say the same
    assert_eq!(
        submit(&scene, card(&father(&scene), &case, 3))
            .await
            .acts_as,
        "father"
    );
}

async fn a_parent_speaks_for_nobody_of_full_age_and_nobody_dead(scene: Scene) {
    let case = born(&scene, child(&scene, 1)).await;
    let mother = mother(&scene, 1);
    let of = "(SELECT person FROM numbers WHERE number = ?)";
    // eighteen years ago today: of full age; a day later: not yet
    for (n, born_on, refused) in [(1, "2008-11-23", true), (2, "2008-11-24", false)] {
        let text = format!("UPDATE people SET birth_date = '{born_on}' WHERE id = {of}");
        scene.change(&text, &case.si_number);
        let call = scene
            .insurance
            .submit_dossier(soon(), change(&scene, &mother, &case, n));
        match refused {
            true => {
                scene
                    .refuses(call, RuleRefused, "not-the-holder", "form")
                    .await;
            }
            false => assert_eq!(call.await.unwrap().dossier.unwrap().acts_as, "mother"),
        }
    }
    let text = format!("UPDATE people SET died_on = '2026-11-20' WHERE id = {of}");
    scene.change(&text, &case.si_number);
    let call = scene
        .insurance
        .submit_dossier(soon(), change(&scene, &mother, &case, 3));
    scene
        .refuses(call, RuleRefused, "person-is-dead", "form")
        .await;
    let call = scene
        .insurance
        .submit_reissue(soon(), card(&mother, &case, 4));
    scene
        .refuses(call, RuleRefused, "person-is-dead", "applicant_name")
        .await;
}

async fn the_number_that_the_account_has_is_the_applicants_own(scene: Scene) {
    let case = born(&scene, child(&scene, 1)).await;
    let (holder, other) = (&scene.marks.card_holders[0], &scene.marks.card_holders[1]);
    let claims = [
        (RuleRefused, "not-the-holder", other.si_number.as_str()),
        (RuleRefused, "not-the-holder", "9999999999"),
        (Invalid, "malformed-number", "99"),
    ];
    for (code, reason, number) in claims {
        let reissue = SubmitReissueRequest {
            applicant_si_number: number.into(),
            ..scene.reissue(1)
        };
        let call = scene.insurance.submit_reissue(soon(), reissue);
        scene
            .refuses(call, code, reason, "applicant_si_number")
            .await;
        let form = SubmitDossierRequest {
            applicant_si_number: number.into(),
            ..forms::change(&scene, 1)
        };
        let call = scene.insurance.submit_dossier(soon(), form);
        scene
            .refuses(call, code, reason, "applicant_si_number")
            .await;
    }
    let reissue = SubmitReissueRequest {
        applicant_si_number: holder.si_number.clone(),
        ..scene.reissue(1)
    };
    submit(&scene, reissue).await;
    let form = SubmitDossierRequest {
        applicant_si_number: holder.si_number.clone(),
        ..forms::change(&scene, 1)
    };
    scene.insurance.submit_dossier(soon(), form).await.unwrap();
    // a father's account has his number, never the child's
    let of = |number: &str, n| SubmitReissueRequest {
        applicant_si_number: number.into(),
        ..card(&father(&scene), &case, n)
    };
    let call = scene
        .insurance
        .submit_reissue(soon(), of(&case.si_number, 2));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "applicant_si_number")
        .await;
    assert_eq!(
        submit(&scene, of(&holder.si_number, 3)).await.acts_as,
        "father"
    );
}

/// The civil registry says that another man is the father.
async fn another_father(scene: &Scene, case: &BirthCase) {
    let other = &scene.marks.card_holders[1];
    let correction = CorrectBirthRequest {
        context: Some(context("dvclt", "correct-father")),
        case_id: "G22.99.10-261123-000002".into(),
        corrects: case.case_id.clone(),
        received_at: "2026-11-23T01:40:00Z".into(),
        reason: "xác định lại cha".into(),
        changes: Some(BirthChanges {
            father: Some(Parent {
                name: other.name.clone(),
                birth_date: other.birth_date.clone(),
                pin: other.pin.clone(),
            }),
            ..BirthChanges::default()
        }),
    };
    let corrected = scene.insurance.correct_birth(soon(), correction).await;
    corrected.unwrap();
}

/// A parent asks for a copy of what is known of a child.
fn copy(scene: &Scene, who: &Parent, case: &BirthCase, n: u32) -> SubmitDossierRequest {
    SubmitDossierRequest {
        form: json!({"MaBHXH": case.si_number, "LoaiYeuCau": "BAN-SAO", "NoiDung": "Tất cả"})
            .to_string(),
        applicant_name: who.name.clone(),
        applicant_pin: who.pin.clone(),
        applicant_birth_date: who.birth_date.clone(),
        ..requests::request(scene, n)
    }
}

async fn whoever_is_father_no_more_is_heard_no_more_and_given_nothing_and_the_officer_stops_it(
    scene: Scene,
) {
    let case = born(&scene, child(&scene, 1)).await;
    let father = father(&scene);
    let asked = waiting(&scene, change(&scene, &father, &case, 1)).await;
    assert_eq!(say(&scene, word(&asked.code, 3, Word::Supplement)).await, 5);
    let copy = waiting(&scene, copy(&scene, &father, &case, 2)).await;
    let shown = show(&scene, &copy.code).await;
    assert_eq!(shown.subject_si_number, case.si_number);
    another_father(&scene, &case).await;
    let call = scene
        .insurance
        .supplement_dossier(soon(), supplement(&scene, 1, &asked.code));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "applicant_pin")
        .await;
    let call = scene
        .insurance
        .withdraw_dossier(soon(), withdrawal(&scene, 1, &asked.code));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "applicant_pin")
        .await;
    let call = scene
        .insurance
        .decide_dossier(soon(), word(&copy.code, 3, Word::Approve));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "decision")
        .await;
    assert_eq!(say(&scene, word(&copy.code, 3, Word::Stop)).await, 8);
    assert_eq!(say(&scene, word(&asked.code, 4, Word::Stop)).await, 8);
    // their own is theirs as before
    let own = waiting(&scene, forms::change(&scene, 3)).await.code;
    assert_eq!(show(&scene, &own).await.subject_si_number, "");
    assert_eq!(say(&scene, word(&own, 3, Word::Approve)).await, 9);
}

async fn a_child_of_full_age_and_a_dead_parent_end_what_the_parent_began(scene: Scene) {
    let case = born(&scene, child(&scene, 1)).await;
    let father = father(&scene);
    let code = waiting(&scene, copy(&scene, &father, &case, 1)).await.code;
    let of = "(SELECT person FROM numbers WHERE number = ?)";
    let born_on = scene.birth(1).child.unwrap().birth_date;
    for (set, undone, number) in [
        (
            "birth_date = '2008-11-23'",
            format!("birth_date = '{born_on}'"),
            &case.si_number,
        ),
        (
            "died_on = '2026-11-20'",
            "died_on = NULL".to_owned(),
            &father.pin,
        ),
    ] {
        scene.change(&format!("UPDATE people SET {set} WHERE id = {of}"), number);
        let call = scene
            .insurance
            .decide_dossier(soon(), word(&code, 3, Word::Approve));
        scene
            .refuses(call, RuleRefused, "not-the-holder", "decision")
            .await;
        let back = schemas::proto::insurance::WithdrawDossierRequest {
            procedure: "9.000013".into(),
            ..withdrawal(&scene, 1, &code)
        };
        let call = scene.insurance.withdraw_dossier(soon(), back);
        scene
            .refuses(call, RuleRefused, "not-the-holder", "applicant_pin")
            .await;
        scene.change(
            &format!("UPDATE people SET {undone} WHERE id = {of}"),
            number,
        );
    }
    assert_eq!(say(&scene, word(&code, 3, Word::Approve)).await, 9);
}

async fn a_card_is_not_printed_for_whoever_is_father_no_more_nor_told_to_them(scene: Scene) {
    let case = born(&scene, child(&scene, 1)).await;
    let get = |code: &str| GetDossierRequest {
        context: Some(context("portal", "read")),
        code: code.into(),
    };
    let printed = submit(&scene, card(&father(&scene), &case, 1)).await.code;
    for _ in 0..4 {
        scene.registry.advance().await.unwrap();
    }
    let read = scene.insurance.dossier(soon(), get(&printed)).await;
    let read = read.unwrap().dossier.unwrap();
    let known = case.card.as_ref().unwrap();
    assert_eq!(
        (read.state, &read.card.as_ref().unwrap().number),
        (10, &known.number)
    );
    let late = submit(&scene, card(&father(&scene), &case, 2)).await.code;
    another_father(&scene, &case).await;
    for _ in 0..4 {
        scene.registry.advance().await.unwrap();
    }
    let stopped = show(&scene, &late).await.dossier.unwrap();
    assert_eq!(
        (stopped.state, &*stopped.reason, stopped.card),
        (
            8,
            "Người nộp hồ sơ không còn là người đại diện của chủ thẻ",
            None
        )
    );
    let list = ListCardsRequest {
        context: Some(context("portal", "cards")),
        si_number: case.si_number.clone(),
    };
    let cards = scene.insurance.cards(soon(), list).await.unwrap().cards;
    assert_eq!(cards[0].serial, 2, "nothing was printed again");
    // the first one: how it stands, no card; the same application again as little
    let read = scene.insurance.dossier(soon(), get(&printed)).await;
    let read = read.unwrap().dossier.unwrap();
    assert_eq!((read.state, read.card), (10, None));
    let again = SubmitReissueRequest {
        context: Some(context("portal", "another message")),
        ..card(&father(&scene), &case, 1)
    };
    let again = submit(&scene, again).await;
    assert_eq!((again.code, again.card), (printed, None));
}
