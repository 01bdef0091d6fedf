//! Dossiers.Submit: a form is proven against its procedure's row, and whom it names against the registry.

use insurance::{Insurance, Params, Registry};
use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::procedure::Catalog;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    Dossier, DossierPaper, GetDossierRequest, LeaseRequest, SubmitDossierRequest,
};
use serde_json::{Value, json};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_dossier_that_a_person_decides_waits_in_work_and_tells_each_step
    the_same_key_and_the_same_foreign_id_are_one_dossier_or_a_conflict
    every_broken_form_is_refused_and_changes_nothing
    whoever_is_named_must_be_who_the_form_says
    an_employers_dossier_names_its_own_code_unit_and_people
    one_more_procedure_needs_no_code
}

/// The first holder asks that their name is put right.
pub fn change(scene: &Scene, n: u32) -> SubmitDossierRequest {
    let holder = &scene.marks.card_holders[0];
    SubmitDossierRequest {
        context: Some(context("portal", &format!("form-{n}"))),
        foreign_id: format!("NPSP-F{n:07}"),
        procedure: "9.000007".into(),
        applicant_name: holder.name.clone(),
        applicant_pin: holder.pin.clone(),
        applicant_birth_date: holder.birth_date.clone(),
        applicant_tax_code: String::new(),
        phone: "0900000000".into(),
        email: "a@example.vn".into(),
        submitted_at: "2026-11-23T01:50:00Z".into(),
        form: json!({"MaBHXH": holder.si_number, "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên"})
            .to_string(),
        papers: vec![DossierPaper {
            code: "GIAY-TO".into(),
            file_id: "tep-1".into(),
            file_name: "khai-sinh.pdf".into(),
            ..DossierPaper::default()
        }],
        applicant_si_number: String::new(),
    }
}

/// An employer asks that a list of its people is certified.
pub fn list(scene: &Scene, people: &[(&str, &str)]) -> SubmitDossierRequest {
    let employer = &scene.marks.employer;
    let line = |(name, number): &(&str, &str)| json!({"Hoten": name, "Masobhxh": number});
    SubmitDossierRequest {
        procedure: "9.000006".into(),
        applicant_tax_code: employer.mst.clone(),
        form: json!({
            "Masothue": employer.mst, "Madonvi": employer.unit_code, "Tendonvi": employer.name,
            "NoiDung": "Ngừng việc", "TuThang": "10/2026",
            "DanhSach": people.iter().map(line).collect::<Vec<_>>(),
        })
        .to_string(),
        papers: vec![DossierPaper {
            code: "DS-XACNHAN".into(),
            ..change(scene, 1).papers[0].clone()
        }],
        ..change(scene, 1)
    }
}

async fn submit(insurance: &Insurance, request: &SubmitDossierRequest) -> Dossier {
    let answer = insurance.submit_dossier(soon(), request.clone()).await;
    answer.unwrap().dossier.unwrap()
}

async fn steps_told(scene: &Scene) -> usize {
    let request = LeaseRequest {
        owner: "test".into(),
        max: 500,
        lease_seconds: 60,
    };
    let leased = scene.insurance.lease(soon(), request).await;
    leased.unwrap().changes.len()
}

async fn a_dossier_that_a_person_decides_waits_in_work_and_tells_each_step(scene: Scene) {
    let dossier = submit(&scene.insurance, &change(&scene, 1)).await;
    assert_eq!((dossier.state, dossier.procedure.as_str()), (1, "9.000007"));
    // five working days, and the 24th is a holiday
    assert_eq!(dossier.due_at, "2026-12-01T10:00:00Z");
    for _ in 0..6 {
        scene.registry.advance().await.unwrap();
    }
    assert_eq!(scene.registry.advance().await.unwrap(), 0);
    let request = GetDossierRequest {
        context: Some(context("portal", "get")),
        code: dossier.code,
    };
    let found = scene.insurance.dossier(soon(), request).await.unwrap();
    assert_eq!(found.dossier.unwrap().state, 4);
    assert_eq!(steps_told(&scene).await, 3);
}

async fn the_same_key_and_the_same_foreign_id_are_one_dossier_or_a_conflict(scene: Scene) {
    let request = change(&scene, 1);
    let first = submit(&scene.insurance, &request).await;
    let second = submit(&scene.insurance, &request).await;
    assert_eq!(first.encode_to_vec(), second.encode_to_vec());
    let again = SubmitDossierRequest {
        context: Some(context("portal", "again")),
        submitted_at: "2026-11-23T01:55:00Z".into(),
        ..request.clone()
    };
    assert_eq!(submit(&scene.insurance, &again).await.code, first.code);
    let other = SubmitDossierRequest {
        context: Some(context("portal", "other")),
        phone: "0911111111".into(),
        ..request.clone()
    };
    let call = scene.insurance.submit_dossier(soon(), other);
    scene
        .refuses(call, Conflict, "dossier-has-other-facts", "foreign_id")
        .await;
    // nor may another procedure have it
    let mut reissue = scene.reissue(2);
    reissue.foreign_id = request.foreign_id;
    let call = scene.insurance.submit_reissue(soon(), reissue);
    scene
        .refuses(call, Conflict, "dossier-has-other-facts", "foreign_id")
        .await;
}

type Break = fn(&mut SubmitDossierRequest);

fn set(request: &mut SubmitDossierRequest, name: &str, value: Value) {
    let mut form: Value = serde_json::from_str(&request.form).unwrap();
    form[name] = value;
    request.form = form.to_string();
}

/// A paper whose file is kept at the gateway, its digest of these two digits.
fn kept(digits: &str, media_type: &str) -> DossierPaper {
    DossierPaper {
        code: "GIAY-TO".into(),
        file_id: "tep-1".into(),
        file_name: "khai-sinh.pdf".into(),
        sha256: digits.repeat(32),
        bytes: 300_000,
        media_type: media_type.into(),
    }
}

const BROKEN: &[(FaultCode, &str, &str, Break)] = &[
    (Invalid, "no-context", "context", |r| r.context = None),
    (Invalid, "malformed-id", "foreign_id", |r| {
        r.foreign_id.clear()
    }),
    (Invalid, "malformed-id", "procedure", |r| {
        r.procedure = "a b".into()
    }),
    (Invalid, "unknown-procedure", "procedure", |r| {
        r.procedure = "9.999999".into()
    }),
    (Invalid, "unknown-procedure", "procedure", |r| {
        r.procedure = "9.000001".into() // decided by rule, by its own call
    }),
    (Invalid, "malformed-instant", "submitted_at", |r| {
        r.submitted_at = "x".into()
    }),
    (Invalid, "malformed-text", "form", |r| {
        r.form = "<TK1-TS/>".into()
    }),
    (Invalid, "malformed-text", "form", |r| {
        r.form = r#"{"LyDo":"a","LyDo":"b"}"#.into()
    }),
    (Invalid, "unknown-field", "form", |r| {
        set(r, "Mabimat", json!(1))
    }),
    (Invalid, "wrong-kind", "form", |r| set(r, "LyDo", json!(1))),
    (Invalid, "missing-field", "form", |r| {
        set(r, "LyDo", json!(""))
    }),
    (Invalid, "bad-number", "form", |r| {
        set(r, "MaBHXH", json!("99"))
    }),
    (Invalid, "missing-paper", "papers", |r| r.papers.clear()),
    (Invalid, "unknown-paper", "papers", |r| {
        r.papers[0].code = "ANH".into()
    }),
    (Invalid, "malformed-id", "papers", |r| {
        r.papers[0].file_id.clear()
    }),
    (Invalid, "malformed-text", "papers", |r| {
        r.papers[0].bytes = 1 // a length without a digest and a type
    }),
    (Invalid, "malformed-text", "papers", |r| {
        r.papers[0] = kept("a7", "application/zip")
    }),
    (Invalid, "malformed-text", "papers", |r| {
        r.papers[0] = kept("A7", "application/pdf")
    }),
    (Invalid, "malformed-pin", "applicant_pin", |r| {
        r.applicant_pin = "1".into()
    }),
    (UnknownSubject, "unknown-person", "applicant_pin", |r| {
        r.applicant_pin = "099099999999".into()
    }),
    (RuleRefused, "not-the-holder", "applicant_name", |r| {
        r.applicant_name = "Ai Đó Khác".into()
    }),
    (UnknownSubject, "unknown-person", "form", |r| {
        set(r, "MaBHXH", json!("9999999999"))
    }),
];

async fn every_broken_form_is_refused_and_changes_nothing(scene: Scene) {
    for (code, reason, field, break_it) in BROKEN {
        let mut request = change(&scene, 1);
        break_it(&mut request);
        let call = scene.insurance.submit_dossier(soon(), request);
        scene.refuses(call, *code, reason, field).await;
    }
    // what is decided by a person is not submitted as what a rule decides
    let mut reissue = scene.reissue(1);
    reissue.procedure = "9.000007".into();
    let call = scene.insurance.submit_reissue(soon(), reissue);
    scene
        .refuses(call, Invalid, "unknown-procedure", "procedure")
        .await;
    assert_eq!(steps_told(&scene).await, 0);
    submit(&scene.insurance, &change(&scene, 1)).await;
}

async fn whoever_is_named_must_be_who_the_form_says(scene: Scene) {
    let (holder, other) = (&scene.marks.card_holders[0], &scene.marks.card_holders[1]);
    let mut anothers = change(&scene, 1);
    set(&mut anothers, "MaBHXH", json!(other.si_number));
    let call = scene.insurance.submit_dossier(soon(), anothers);
    scene
        .refuses(call, RuleRefused, "not-the-holder", "form")
        .await;

    let household = |name: &str| SubmitDossierRequest {
        procedure: "9.000002".into(),
        form: json!({
            "MaBHXH": holder.si_number, "SoThang": "12",
            "ThanhVien": [{"MaBHXH": holder.si_number, "HoVaTen": holder.name},
                {"MaBHXH": other.si_number, "HoVaTen": name}],
        })
        .to_string(),
        papers: Vec::new(),
        ..change(&scene, 2)
    };
    scene.change(
        "UPDATE people SET household = NULL WHERE id = (SELECT person FROM numbers WHERE number = ?)",
        &other.si_number,
    );
    let call = scene
        .insurance
        .submit_dossier(soon(), household(&other.name));
    scene
        .refuses(call, RuleRefused, "not-of-the-household", "form")
        .await;
    let call = scene
        .insurance
        .submit_dossier(soon(), household("Ai Đó Khác"));
    scene
        .refuses(call, RuleRefused, "not-the-holder", "form")
        .await;
    scene.change(
        &format!(
            "UPDATE people SET household = (SELECT min(id) FROM households) WHERE id IN
               (SELECT person FROM numbers WHERE number IN ('{}', ?))",
            holder.si_number
        ),
        &other.si_number,
    );
    for holder in [holder, other] {
        scene.change(
            "UPDATE cards SET number = 'GD4' || substr(number, 4)
             WHERE person = (SELECT person FROM numbers WHERE number = ?)",
            &holder.si_number,
        );
    }
    submit(&scene.insurance, &household(&other.name)).await;
    scene.change(
        "UPDATE people SET died_on = '2026-11-22' WHERE id = (SELECT person FROM numbers WHERE number = ?)",
        &holder.si_number,
    );
    let call = scene.insurance.submit_dossier(soon(), change(&scene, 3));
    scene
        .refuses(call, RuleRefused, "person-is-dead", "applicant_name")
        .await;
}

async fn an_employers_dossier_names_its_own_code_unit_and_people(scene: Scene) {
    let worker = &scene.marks.card_holders[1];
    let person = format!(
        "person = (SELECT person FROM numbers WHERE number = '{}')",
        worker.si_number
    );
    let people = [(worker.name.as_str(), worker.si_number.as_str())];
    scene.change(
        &format!("UPDATE employments SET to_period = ? WHERE {person}"),
        "2026-09",
    );
    let call = scene
        .insurance
        .submit_dossier(soon(), list(&scene, &people));
    scene
        .refuses(call, RuleRefused, "not-an-employee", "form")
        .await;
    scene.change(
        &format!(
            "UPDATE employments SET to_period = NULL, employer = (SELECT id FROM employers WHERE mst = ?)
             WHERE {person} AND from_period = (SELECT max(from_period) FROM employments WHERE {person})"
        ),
        &scene.marks.employer.mst,
    );
    let unknown = SubmitDossierRequest {
        applicant_tax_code: scene.marks.unregistered_mst.clone(),
        ..list(&scene, &people)
    };
    let call = scene.insurance.submit_dossier(soon(), unknown);
    scene
        .refuses(
            call,
            UnknownSubject,
            "unknown-employer",
            "applicant_tax_code",
        )
        .await;
    for (name, value) in [
        ("Masothue", json!(scene.marks.unregistered_mst)),
        ("Madonvi", json!("ZZ0000Z")),
    ] {
        let mut other = list(&scene, &people);
        set(&mut other, name, value);
        let call = scene.insurance.submit_dossier(soon(), other);
        scene
            .refuses(call, RuleRefused, "not-the-employer", "form")
            .await;
    }
    submit(&scene.insurance, &list(&scene, &people)).await;
}

async fn one_more_procedure_needs_no_code(scene: Scene) {
    let text = r#"{"code": "9.000017", "vi": "Thủ tục thứ 17", "en": "the 17th", "valid_from": "2026-01-01",
        "source": "own profile; a test", "certainty": "own-profile", "purpose": "test", "applicant": "person",
        "form": {"name": "MAU-17", "certainty": "own-profile", "fields": [
            {"name": "MaBHXH", "vi": "Mã số", "kind": "si-number", "role": "holder"}]},
        "papers": [], "steps": [1, 2, 4, 9, 10],
        "limit": {"days": 3, "count": "calendar", "source": "a test"}, "decides": "person"}"#;
    let request = SubmitDossierRequest {
        procedure: "9.000017".into(),
        form: json!({"MaBHXH": scene.marks.card_holders[0].si_number}).to_string(),
        papers: Vec::new(),
        ..change(&scene, 1)
    };
    let call = scene.insurance.submit_dossier(soon(), request.clone());
    scene
        .refuses(call, Invalid, "unknown-procedure", "procedure")
        .await;
    let mut texts = Catalog::texts().to_vec();
    texts.push(text);
    let params = Params {
        procedures: Box::leak(Box::new(Catalog::of(&texts).unwrap())),
        ..Params::synthetic_in(scene.place.clone())
    };
    let registry = Registry::open(params, scene.time.clock()).unwrap();
    let dossier = submit(&Insurance::embedded(registry), &request).await;
    assert_eq!(dossier.due_at, "2026-11-26T10:00:00Z");
}
