//! Guardians, authorised persons and whoever represents an employer: as an officer recorded the paper, on its days and for
//! its procedures alone.

use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    BirthCase, EndRepresentationRequest, ListRepresentationsRequest, NamedPerson, Parent,
    RecordRepresentationRequest, Representation, SubmitDossierRequest,
};
use serde_json::json;

use crate::decisions::{say, show, waiting, word};
use crate::forms;
use crate::over_both;
use crate::representation::{born, change};
use crate::said::{supplement, withdrawal};
use crate::scene::{Scene, context, soon};
use schemas::proto::insurance::DossierDecision as Word;

over_both! {
    a_guardian_asks_for_a_child_on_the_days_of_the_paper_alone
    a_guardian_whose_time_has_ended_is_heard_no_more_and_given_nothing
    a_court_that_gives_a_child_a_guardian_takes_the_parents_word
    an_adult_is_represented_by_a_guardian_or_by_whom_they_authorised_within_the_scope
    who_has_a_guardian_authorises_nobody
    an_employer_of_whom_it_was_told_who_represents_it_is_spoken_for_by_nobody_else
    a_paper_is_recorded_once_and_a_wrong_one_not_at_all
    what_was_recorded_is_ended_once_and_listed_on_both_sides
}

fn named(holder: &insurance::seed::PersonMark) -> NamedPerson {
    NamedPerson {
        number: holder.pin.clone(),
        name: holder.name.clone(),
    }
}

/// The second holder acts for somebody, from last week on.
fn paper(scene: &Scene, kind: &str, basis: &str, of: NamedPerson) -> RecordRepresentationRequest {
    RecordRepresentationRequest {
        context: Some(context("vss", &format!("{kind}/{basis}/{}", of.number))),
        kind: kind.into(),
        basis: basis.into(),
        document: "QĐ 12/2026/QĐ-UBND".into(),
        representative: Some(named(&scene.marks.card_holders[1])),
        person: Some(of),
        tax_code: String::new(),
        from: "2026-11-16".into(),
        to: String::new(),
        procedures: Vec::new(),
        who: "an.officer".into(),
        why: "the paper was shown".into(),
    }
}

fn of_child(scene: &Scene, case: &BirthCase, n: u32) -> NamedPerson {
    NamedPerson {
        number: case.si_number.clone(),
        name: scene.birth(n).child.unwrap().name,
    }
}

async fn record(scene: &Scene, request: RecordRepresentationRequest) -> Representation {
    let done = scene.insurance.record_representation(soon(), request).await;
    let done = done.unwrap_or_else(|fault| panic!("{fault} {:?}", fault.wrong_field()));
    done.representation.unwrap()
}

fn end(id: u64, from: &str) -> EndRepresentationRequest {
    EndRepresentationRequest {
        context: Some(context("vss", &format!("end/{id}/{from}"))),
        id,
        from: from.into(),
        by: "QĐ 99/2026/QĐ-UBND".into(),
        who: "an.officer".into(),
        why: "the guardian was changed".into(),
    }
}

fn parent(holder: &insurance::seed::PersonMark) -> Parent {
    Parent {
        name: holder.name.clone(),
        birth_date: holder.birth_date.clone(),
        pin: holder.pin.clone(),
    }
}

/// A change of a child's record, asked for by the second holder.
fn by_guardian(scene: &Scene, case: &BirthCase, n: u32) -> SubmitDossierRequest {
    change(scene, &parent(&scene.marks.card_holders[1]), case, n)
}

/// A change of the first holder's record, asked for by the second.
fn for_adult(scene: &Scene, n: u32) -> SubmitDossierRequest {
    let who = &scene.marks.card_holders[1];
    SubmitDossierRequest {
        applicant_name: who.name.clone(),
        applicant_pin: who.pin.clone(),
        applicant_birth_date: who.birth_date.clone(),
        ..forms::change(scene, n)
    }
}

async fn a_guardian_asks_for_a_child_on_the_days_of_the_paper_alone(scene: Scene) {
    let case = born(&scene, scene.birth(1)).await;
    let of = of_child(&scene, &case, 1);
    let before = by_guardian(&scene, &case, 1);
    let call = scene.insurance.submit_dossier(soon(), before);
    scene
        .refuses(call, RuleRefused, "not-the-holder", "form")
        .await;
    // a paper of yesterday, one of tomorrow: both are known, none counts
    for (n, from, to) in [
        (2, "2026-11-16", "2026-11-22"),
        (3, "2026-11-24", "2026-12-31"),
    ] {
        let over = RecordRepresentationRequest {
            context: Some(context("vss", &format!("paper-{n}"))),
            document: format!("QĐ {n}"),
            from: from.into(),
            to: to.into(),
            ..paper(&scene, "guardian", "commune", of.clone())
        };
        record(&scene, over).await;
        let call = scene
            .insurance
            .submit_dossier(soon(), by_guardian(&scene, &case, n));
        let why = "representation-not-in-force";
        scene.refuses(call, RuleRefused, why, "form").await;
    }
    record(&scene, paper(&scene, "guardian", "commune", of)).await;
    let taken = waiting(&scene, by_guardian(&scene, &case, 4)).await;
    let shown = show(&scene, &taken.code).await;
    assert_eq!(shown.dossier.unwrap().acts_as, "guardian");
    assert_eq!(shown.subject_si_number, case.si_number);
    assert_eq!(say(&scene, word(&taken.code, 3, Word::Approve)).await, 9);
    // beside a guardian whom the commune registered the mother is heard as before
    let mother = scene.birth(1).mother.unwrap();
    let hers = waiting(&scene, change(&scene, &mother, &case, 5)).await;
    let hers = show(&scene, &hers.code).await.dossier.unwrap();
    assert_eq!(hers.acts_as, "mother");
    // of full age: the guardian of a child is none any more
    let of = "(SELECT person FROM numbers WHERE number = ?)";
    let text = format!("UPDATE people SET birth_date = '2008-11-23' WHERE id = {of}");
    scene.change(&text, &case.si_number);
    let call = scene
        .insurance
        .submit_dossier(soon(), by_guardian(&scene, &case, 6));
    let why = "representation-not-in-force";
    scene.refuses(call, RuleRefused, why, "form").await;
}

async fn a_guardian_whose_time_has_ended_is_heard_no_more_and_given_nothing(scene: Scene) {
    let case = born(&scene, scene.birth(1)).await;
    let of = of_child(&scene, &case, 1);
    let kept = record(&scene, paper(&scene, "guardian", "commune", of)).await;
    let asked = waiting(&scene, by_guardian(&scene, &case, 1)).await.code;
    assert_eq!(say(&scene, word(&asked, 3, Word::Supplement)).await, 5);
    let waits = waiting(&scene, by_guardian(&scene, &case, 2)).await.code;
    let card = case.card.clone().unwrap().number;
    let who = &scene.marks.card_holders[1];
    let reissue = |n: u32| schemas::proto::insurance::SubmitReissueRequest {
        context: Some(context("portal", &format!("ward-card-{n}"))),
        foreign_id: format!("NPSP-W{n:07}"),
        card_or_si_number: card.clone(),
        applicant_name: who.name.clone(),
        applicant_pin: who.pin.clone(),
        applicant_birth_date: who.birth_date.clone(),
        ..scene.reissue(n)
    };
    let printed = scene.insurance.submit_reissue(soon(), reissue(1)).await;
    let printed = printed.unwrap().dossier.unwrap();
    assert_eq!(printed.acts_as, "guardian");
    scene
        .insurance
        .end_representation(soon(), end(kept.id, "2026-11-23"))
        .await
        .unwrap();
    let own = |mut one: schemas::proto::insurance::SupplementDossierRequest| {
        one.applicant_pin.clone_from(&who.pin);
        one
    };
    let call = scene
        .insurance
        .supplement_dossier(soon(), own(supplement(&scene, 1, &asked)));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "applicant_pin")
        .await;
    let mut back = withdrawal(&scene, 1, &asked);
    back.applicant_pin.clone_from(&who.pin);
    let call = scene.insurance.withdraw_dossier(soon(), back);
    scene
        .refuses(call, RuleRefused, "not-the-holder", "applicant_pin")
        .await;
    let call = scene
        .insurance
        .decide_dossier(soon(), word(&waits, 3, Word::Approve));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "decision")
        .await;
    assert_eq!(say(&scene, word(&waits, 3, Word::Stop)).await, 8);
    let call = scene.insurance.submit_reissue(soon(), reissue(2));
    let why = "representation-not-in-force";
    scene
        .refuses(call, RuleRefused, why, "applicant_name")
        .await;
    // the card that was asked for while it stood is not printed any more
    for _ in 0..4 {
        scene.registry.advance().await.unwrap();
    }
    let stopped = show(&scene, &printed.code).await.dossier.unwrap();
    assert_eq!((stopped.state, stopped.card), (8, None));
}

async fn a_court_that_gives_a_child_a_guardian_takes_the_parents_word(scene: Scene) {
    let case = born(&scene, scene.birth(1)).await;
    let mother = scene.birth(1).mother.unwrap();
    let of = of_child(&scene, &case, 1);
    let kept = record(&scene, paper(&scene, "guardian", "court", of)).await;
    let call = scene
        .insurance
        .submit_dossier(soon(), change(&scene, &mother, &case, 1));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "form")
        .await;
    let taken = waiting(&scene, by_guardian(&scene, &case, 2)).await.code;
    let taken = show(&scene, &taken).await.dossier.unwrap();
    assert_eq!(taken.acts_as, "guardian");
    scene
        .insurance
        .end_representation(soon(), end(kept.id, "2026-11-23"))
        .await
        .unwrap();
    let again = change(&scene, &mother, &case, 3);
    let again = waiting(&scene, again).await.code;
    assert_eq!(
        show(&scene, &again).await.dossier.unwrap().acts_as,
        "mother"
    );
}

async fn an_adult_is_represented_by_a_guardian_or_by_whom_they_authorised_within_the_scope(
    scene: Scene,
) {
    let of = named(&scene.marks.card_holders[0]);
    let letter = RecordRepresentationRequest {
        procedures: vec!["9.000010".into()],
        ..paper(&scene, "authorised", "authorisation", of.clone())
    };
    let kept = record(&scene, letter).await;
    assert_eq!(
        (&*kept.to, kept.procedures),
        ("2027-11-15", vec!["9.000010".to_owned()]),
        "a year, where the letter says no day"
    );
    let call = scene.insurance.submit_dossier(soon(), for_adult(&scene, 1));
    let why = "outside-representation";
    scene.refuses(call, RuleRefused, why, "form").await;
    let number = &scene.marks.card_holders[0].si_number;
    let within = SubmitDossierRequest {
        procedure: "9.000010".into(),
        form: json!({"MaBHXH": number, "MucDich": "Vay vốn"}).to_string(),
        papers: Vec::new(),
        ..for_adult(&scene, 2)
    };
    let taken = waiting(&scene, within).await.code;
    let taken = show(&scene, &taken).await;
    assert_eq!(taken.dossier.unwrap().acts_as, "authorised");
    assert_eq!(&taken.subject_si_number, number);
    // a court has said that they lack capacity: every procedure that takes it
    let guardian = RecordRepresentationRequest {
        document: "QĐ 7/2026/QĐST-DS".into(),
        ..paper(&scene, "adult-guardian", "court", of)
    };
    record(&scene, guardian).await;
    let taken = waiting(&scene, for_adult(&scene, 3)).await.code;
    let taken = show(&scene, &taken).await.dossier.unwrap();
    assert_eq!(taken.acts_as, "adult-guardian");
    // what is paid for is asked for oneself or one's household
    let paid = SubmitDossierRequest {
        procedure: "9.000003".into(),
        form:
            json!({"MaBHXH": number, "MucThuNhap": 3_000_000, "TuThang": "01/2027", "SoThang": 1})
                .to_string(),
        papers: Vec::new(),
        ..for_adult(&scene, 4)
    };
    let call = scene.insurance.submit_dossier(soon(), paid);
    scene
        .refuses(call, RuleRefused, "not-the-holder", "form")
        .await;
}

async fn who_has_a_guardian_authorises_nobody(scene: Scene) {
    let of = named(&scene.marks.card_holders[0]);
    record(&scene, paper(&scene, "adult-guardian", "court", of.clone())).await;
    let letter = RecordRepresentationRequest {
        representative: Some(named(&scene.marks.card_holders[2])),
        ..paper(&scene, "authorised", "authorisation", of)
    };
    let call = scene
        .insurance
        .record_representation(soon(), letter.clone());
    scene
        .refuses(call, RuleRefused, "has-a-guardian", "person")
        .await;
    // a letter of before is one
    let earlier = RecordRepresentationRequest {
        from: "2026-11-15".into(),
        ..letter
    };
    record(&scene, earlier).await;
}

async fn an_employer_of_whom_it_was_told_who_represents_it_is_spoken_for_by_nobody_else(
    scene: Scene,
) {
    let employer = &scene.marks.employer;
    let about = |holder: usize, n: u32| {
        let who = &scene.marks.card_holders[holder];
        SubmitDossierRequest {
            context: Some(context("portal", &format!("employer-{n}"))),
            foreign_id: format!("NPSP-E{n:07}"),
            procedure: "9.000014".into(),
            applicant_name: who.name.clone(),
            applicant_pin: who.pin.clone(),
            applicant_birth_date: who.birth_date.clone(),
            applicant_tax_code: employer.mst.clone(),
            form: json!({"Masothue": employer.mst, "Madonvi": employer.unit_code, "Tendonvi": employer.name, "LyDo": "Đổi tên"})
                .to_string(),
            papers: Vec::new(),
            ..forms::change(&scene, n)
        }
    };
    let of_employer = |n: u32, kind: &str, basis: &str, holder: usize| {
        let request = paper(&scene, kind, basis, NamedPerson::default());
        RecordRepresentationRequest {
            context: Some(context("vss", &format!("employer-{n}"))),
            document: format!("Giấy {n}"),
            representative: Some(named(&scene.marks.card_holders[holder])),
            person: None,
            tax_code: employer.mst.clone(),
            ..request
        }
    };
    // nobody was told: whoever the portal says has the employer's account
    let open = waiting(&scene, about(2, 1)).await;
    let open = show(&scene, &open.code).await;
    assert_eq!(open.dossier.unwrap().acts_as, "");
    record(
        &scene,
        of_employer(1, "legal-representative", "registration", 1),
    )
    .await;
    let call = scene.insurance.submit_dossier(soon(), about(2, 2));
    let field = "applicant_pin";
    scene
        .refuses(call, RuleRefused, "not-the-employer", field)
        .await;
    let taken = waiting(&scene, about(1, 3)).await;
    let shown = show(&scene, &taken.code).await.dossier.unwrap();
    assert_eq!(shown.acts_as, "legal-representative");
    let accountant = RecordRepresentationRequest {
        procedures: vec!["9.000004".into()],
        ..of_employer(2, "authorised", "authorisation", 2)
    };
    let accountant = record(&scene, accountant).await;
    let call = scene.insurance.submit_dossier(soon(), about(2, 4));
    scene
        .refuses(call, RuleRefused, "outside-representation", field)
        .await;
    let wider = of_employer(3, "authorised", "authorisation", 2);
    let wider = record(&scene, wider).await;
    let by_accountant = waiting(&scene, about(2, 5)).await;
    let shown = show(&scene, &by_accountant.code).await.dossier.unwrap();
    assert_eq!(shown.acts_as, "authorised");
    for id in [accountant.id, wider.id] {
        let ended = end(id, "2026-11-23");
        scene
            .insurance
            .end_representation(soon(), ended)
            .await
            .unwrap();
    }
    let call = scene.insurance.submit_dossier(soon(), about(2, 6));
    scene
        .refuses(call, RuleRefused, "representation-not-in-force", field)
        .await;
    let call = word(&by_accountant.code, 3, Word::Approve);
    let call = scene.insurance.decide_dossier(soon(), call);
    scene
        .refuses(call, RuleRefused, "not-the-holder", "decision")
        .await;
    assert_eq!(say(&scene, word(&taken.code, 3, Word::Approve)).await, 9);
}

type Bend = fn(&mut RecordRepresentationRequest, &Scene);

const BENT: &[(FaultCode, &str, &str, Bend)] = &[
    (Invalid, "missing", "document", |r, _| r.document.clear()),
    (Invalid, "malformed-text", "document", |r, _| {
        r.document = "a".repeat(401)
    }),
    (Invalid, "missing", "who", |r, _| r.who = " ".into()),
    (Invalid, "missing", "why", |r, _| r.why.clear()),
    (Invalid, "unknown-code", "kind", |r, _| {
        r.kind = "friend".into()
    }),
    (Invalid, "unknown-code", "basis", |r, _| r.basis.clear()),
    (Invalid, "wrong-kind", "basis", |r, _| {
        r.basis = "court".into()
    }),
    (Invalid, "wrong-kind", "kind", |r, _| {
        r.kind = "legal-representative".into();
        r.basis = "registration".into();
    }),
    (Invalid, "missing", "person", |r, _| r.person = None),
    (Invalid, "missing", "person", |r, s| {
        r.tax_code.clone_from(&s.marks.employer.mst)
    }),
    (Invalid, "missing", "representative", |r, _| {
        r.representative = None
    }),
    (Invalid, "malformed-date", "from", |r, _| {
        r.from = "16/11/2026".into()
    }),
    (Invalid, "malformed-date", "to", |r, _| r.to = "2027".into()),
    (Invalid, "span-backwards", "to", |r, _| {
        r.to = "2026-11-15".into()
    }),
    (Invalid, "too-many", "procedures", |r, _| {
        r.procedures = vec!["9.000010".into(); 17]
    }),
    (Invalid, "unknown-procedure", "procedures", |r, _| {
        r.procedures = vec!["9.000099".into()]
    }),
    // offered, and asked for oneself alone
    (Invalid, "unknown-procedure", "procedures", |r, _| {
        r.procedures = vec!["9.000003".into()]
    }),
    (UnknownSubject, "unknown-person", "person", |r, _| {
        r.person.as_mut().unwrap().number = "9999999999".into()
    }),
    (RuleRefused, "not-the-holder", "person", |r, _| {
        r.person.as_mut().unwrap().name = "Ai Đó Khác".into()
    }),
    (RuleRefused, "not-the-holder", "representative", |r, _| {
        r.representative.as_mut().unwrap().name = "Ai Đó Khác".into()
    }),
    (
        RuleRefused,
        "represents-themselves",
        "representative",
        |r, _| r.representative.clone_from(&r.person),
    ),
    (RuleRefused, "of-full-age", "person", |r, _| {
        r.kind = "guardian".into();
        r.basis = "court".into();
    }),
    (UnknownSubject, "unknown-employer", "tax_code", |r, s| {
        r.person = None;
        r.tax_code.clone_from(&s.marks.unregistered_mst);
    }),
];

async fn a_paper_is_recorded_once_and_a_wrong_one_not_at_all(scene: Scene) {
    let letter = |key: &str| RecordRepresentationRequest {
        context: Some(context("vss", key)),
        ..paper(
            &scene,
            "authorised",
            "authorisation",
            named(&scene.marks.card_holders[0]),
        )
    };
    for (n, (code, reason, field, bend)) in (0..).zip(BENT) {
        let mut request = letter(&format!("bent-{n}"));
        bend(&mut request, &scene);
        let call = scene.insurance.record_representation(soon(), request);
        scene.refuses(call, *code, reason, field).await;
    }
    let case = born(&scene, scene.birth(1)).await;
    let child = of_child(&scene, &case, 1);
    // a child authorises nobody and represents nobody
    let of_child = RecordRepresentationRequest {
        person: Some(child.clone()),
        ..letter("of a child")
    };
    let call = scene.insurance.record_representation(soon(), of_child);
    scene
        .refuses(call, RuleRefused, "under-age", "person")
        .await;
    let by_child = RecordRepresentationRequest {
        representative: Some(child),
        ..letter("by a child")
    };
    let call = scene.insurance.record_representation(soon(), by_child);
    scene
        .refuses(call, RuleRefused, "under-age", "representative")
        .await;
    let first = record(&scene, letter("once")).await;
    let kept = scene.fingerprint().await;
    for key in ["once", "again"] {
        assert_eq!(record(&scene, letter(key)).await.id, first.id);
    }
    assert_eq!(scene.fingerprint().await, kept);
    let longer = RecordRepresentationRequest {
        to: "2028-01-01".into(),
        ..letter("longer")
    };
    let call = scene.insurance.record_representation(soon(), longer);
    let why = "representation-has-other-facts";
    scene.refuses(call, Conflict, why, "document").await;
    let text = "UPDATE people SET died_on = '2026-11-20' WHERE id = (SELECT person FROM numbers WHERE number = ?)";
    scene.change(text, &scene.marks.card_holders[0].si_number);
    let call = RecordRepresentationRequest {
        document: "Giấy 13".into(),
        ..letter("dead")
    };
    let call = scene.insurance.record_representation(soon(), call);
    scene
        .refuses(call, RuleRefused, "person-is-dead", "person")
        .await;
}

async fn list(scene: &Scene, number: &str, tax_code: &str) -> Vec<Representation> {
    let request = ListRepresentationsRequest {
        context: Some(context("vss", "list")),
        number: number.into(),
        tax_code: tax_code.into(),
    };
    let listed = scene.insurance.representations(soon(), request).await;
    listed.unwrap().representations
}

async fn what_was_recorded_is_ended_once_and_listed_on_both_sides(scene: Scene) {
    let (of, by) = (&scene.marks.card_holders[0], &scene.marks.card_holders[1]);
    let letter = paper(&scene, "authorised", "authorisation", named(of));
    let kept = record(&scene, letter).await;
    for (bent, code, reason, field) in [
        (
            end(kept.id + 1, "2026-11-23"),
            UnknownSubject,
            "unknown-representation",
            "id",
        ),
        (
            end(kept.id, "2027-11-16"),
            Invalid,
            "span-backwards",
            "from",
        ),
        (end(kept.id, "tomorrow"), Invalid, "malformed-date", "from"),
        (
            EndRepresentationRequest {
                by: String::new(),
                ..end(kept.id, "2026-11-23")
            },
            Invalid,
            "missing",
            "by",
        ),
    ] {
        let call = scene.insurance.end_representation(soon(), bent);
        scene.refuses(call, code, reason, field).await;
    }
    let ended = scene
        .insurance
        .end_representation(soon(), end(kept.id, "2026-12-01"))
        .await;
    let ended = ended.unwrap().representation.unwrap();
    let again = EndRepresentationRequest {
        context: Some(context("vss", "another key")),
        ..end(kept.id, "2026-12-01")
    };
    let again = scene.insurance.end_representation(soon(), again).await;
    assert_eq!(again.unwrap().representation.unwrap(), ended);
    let call = end(kept.id, "2026-12-02");
    let call = scene.insurance.end_representation(soon(), call);
    scene.refuses(call, Conflict, "ended-already", "from").await;
    assert_eq!(
        (&*ended.ended_on, &*ended.ended_by, &*ended.ended_who),
        ("2026-12-01", "QĐ 99/2026/QĐ-UBND", "an.officer")
    );
    // until its last day it counts
    waiting(&scene, for_adult(&scene, 1)).await;
    for number in [&of.pin, &of.si_number, &by.pin, &by.card_number] {
        let listed = list(&scene, number, "").await;
        assert_eq!(listed, std::slice::from_ref(&ended), "{number}");
    }
    let sides = (ended.representative.unwrap(), ended.person.unwrap());
    assert_eq!((&sides.0.pin, &sides.1.pin), (&by.pin, &of.pin));
    assert!(list(&scene, "", &scene.marks.employer.mst).await.is_empty());
    let nobody = ListRepresentationsRequest {
        context: Some(context("vss", "list")),
        number: "9999999999".into(),
        tax_code: String::new(),
    };
    let call = scene.insurance.representations(soon(), nobody);
    scene
        .refuses(call, UnknownSubject, "unknown-person", "number")
        .await;
}

/// Every statement once, for their plans.
pub async fn ask_everything(scene: &Scene) {
    let of = named(&scene.marks.card_holders[3]);
    let letter = |key: &str| RecordRepresentationRequest {
        context: Some(context("vss", key)),
        ..paper(scene, "authorised", "authorisation", of.clone())
    };
    let kept = record(scene, letter("plans paper")).await;
    record(scene, letter("plans paper again")).await;
    let employer = RecordRepresentationRequest {
        person: None,
        tax_code: scene.marks.employer.mst.clone(),
        ..letter("plans of employer")
    };
    record(scene, employer).await;
    let holder = &scene.marks.card_holders[1];
    let call = SubmitDossierRequest {
        applicant_name: holder.name.clone(),
        applicant_pin: holder.pin.clone(),
        applicant_birth_date: holder.birth_date.clone(),
        form: json!({"MaBHXH": scene.marks.card_holders[3].si_number, "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên"})
            .to_string(),
        ..forms::change(scene, 90)
    };
    scene.insurance.submit_dossier(soon(), call).await.unwrap();
    let ended = end(kept.id, "2026-12-01");
    scene
        .insurance
        .end_representation(soon(), ended)
        .await
        .unwrap();
    list(scene, &of.number, "").await;
    list(scene, "", &scene.marks.employer.mst).await;
    let end_now = end(kept.id, "2026-12-01");
    scene
        .insurance
        .end_representation(soon(), end_now)
        .await
        .unwrap();
}
