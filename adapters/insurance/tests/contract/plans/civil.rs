//! Every question and command about births, deaths, hospitals' notices and what follows from them.

use insurance::Insurance;
use schemas::proto::insurance::decide_review_request::Decision;
use schemas::proto::insurance::{
    AnnounceEndsRequest, BirthChanges, BirthNotice, CivilRecord, CorrectBirthRequest, Deceased,
    DecideReviewRequest, FindVitalEventRequest, GetBirthCasesRequest, GetBirthFactsRequest,
    HospitalBirthWithdrawal, HospitalDeathWithdrawal, HospitalNotice, JudgeClocksRequest,
    LawfulTimesRequest, ListReviewsRequest, PopulationFinding, PopulationVerdict,
    RecordHospitalNoticesRequest, RegisterBirthRequest, RegisterDeathRequest, ShowBirthRequest,
    ShowReviewRequest, SubmitReissueRequest, SupplementBirthRequest, VitalEventKind,
    WatchPersonsRequest, WithdrawDeathRequest, hospital_notice,
};

use crate::scene::{Scene, Time, context, soon};

pub(super) async fn bear(insurance: &Insurance, scene: &Scene, time: &Time) {
    // the second case is of the same child, who has a card already
    let mut twice = scene.birth(1);
    twice.context = Some(context("dvclt", "again"));
    twice.case_id = "G22.99.08-261120-009999".into();
    let mut of_a_name = scene.birth(6);
    of_a_name.mother.as_mut().unwrap().pin.clear();
    // told without its commune, and then with it
    let mut bare = twice.clone();
    bare.context = Some(context("dvclt", "bare"));
    bare.record.as_mut().unwrap().commune.clear();
    for request in [scene.birth(1), scene.birth(1), bare, twice, of_a_name] {
        insurance.register_birth(soon(), request).await.unwrap();
    }
    let request = GetBirthCasesRequest {
        context: Some(context("dvclt", "plans")),
        case_ids: vec![scene.birth(1).case_id],
    };
    insurance.birth_cases(soon(), request).await.unwrap();
    for (n, name, pin) in [
        (1, "Nguyễn Hoà Giang", 40),
        (2, "Nguyễn Hoà Bình", 40),
        (3, "Nguyễn Hoà Bình", 1),
    ] {
        let changes = BirthChanges {
            name: name.into(),
            pin: format!("099226{:06}", scene.marks.child_pin_serial_from + pin),
            ..BirthChanges::default()
        };
        let request = CorrectBirthRequest {
            context: Some(context("dvclt", &format!("correct-{n}"))),
            case_id: format!("correct-{n}"),
            corrects: scene.birth(1).case_id,
            received_at: "2026-11-23T01:40:00Z".into(),
            changes: Some(changes),
            ..CorrectBirthRequest::default()
        };
        insurance.correct_birth(soon(), request).await.unwrap();
    }
    doubt(insurance, scene, time).await;
    deliver(insurance, scene).await;
    bury(insurance, scene).await;
}

/// A child who died before its birth was told and lives after all, and a grown-up with everything.
async fn bury(insurance: &Insurance, scene: &Scene) {
    let (birth, holder) = (scene.birth(5), &scene.marks.card_holders[2]);
    let child = birth.child.clone().unwrap();
    let grown = (&holder.pin, &holder.name);
    for (at, (pin, name)) in [(&child.pin, &child.name), grown].into_iter().enumerate() {
        let request = RegisterDeathRequest {
            context: Some(context("dvclt", &format!("death-{at}"))),
            case_id: format!("death-{at}"),
            received_at: "2026-11-23T01:30:00Z".into(),
            deceased: Some(Deceased {
                pin: pin.clone(),
                name: name.clone(),
                ..Deceased::default()
            }),
            died_on: "2026-11-20".into(),
            ..RegisterDeathRequest::default()
        };
        insurance.register_death(soon(), request).await.unwrap();
    }
    let case_id = birth.case_id.clone();
    insurance.register_birth(soon(), birth).await.unwrap();
    let request = ShowBirthRequest {
        context: Some(context("registry", "show")),
        case_id,
        ..ShowBirthRequest::default()
    };
    let shown = insurance.birth_stories(soon(), request).await.unwrap();
    assert_eq!(shown.births[0].later.len(), 1);
    for (kind, pin) in [
        (VitalEventKind::Birth, child.pin.as_str()),
        (VitalEventKind::Death, child.pin.as_str()),
        (VitalEventKind::Death, "099193999999"),
    ] {
        let request = FindVitalEventRequest {
            context: Some(context("crvs", "find")),
            kind: kind.into(),
            pin: pin.to_owned(),
        };
        insurance.vital_event(soon(), request).await.unwrap();
    }
    for at in 0..2 {
        let request = WithdrawDeathRequest {
            context: Some(context("dvclt", &format!("withdraw-{at}"))),
            case_id: format!("withdraw-{at}"),
            withdraws: format!("death-{at}"),
            ..WithdrawDeathRequest::default()
        };
        insurance.withdraw_death(soon(), request).await.unwrap();
    }
}

/// Twins of whom a hospital tells; both are registered, and one dies.
async fn deliver(insurance: &Insurance, scene: &Scene) {
    let (births, facility) = (
        [scene.birth(8), scene.birth(9)],
        &scene.marks.places[0].facility,
    );
    let code = "GCS.2";
    let twin = |(at, birth): (usize, &RegisterBirthRequest)| {
        let child = birth.child.clone().unwrap();
        let birth = BirthNotice {
            code: code.into(),
            paper: format!("CT-{at}"),
            children: 2,
            name: if at == 0 { child.name } else { String::new() },
            sex: child.sex,
            birth_date: child.birth_date,
            mother: birth.mother.clone(),
            residence_commune: child.residence_commune,
            issued_on: "2026-11-16".into(),
            ..BirthNotice::default()
        };
        HospitalNotice {
            notice: Some(hospital_notice::Notice::Birth(birth)),
        }
    };
    let sender = format!("cskcb-{facility}");
    let request = |key: &str, notices| RecordHospitalNoticesRequest {
        context: Some(context(&sender, key)),
        facility: facility.clone(),
        received_at: "2026-11-23T01:30:00Z".into(),
        notices,
    };
    let told = request("notices", births.iter().enumerate().map(twin).collect());
    let answered = insurance
        .record_hospital_notices(soon(), told)
        .await
        .unwrap();
    for mut birth in births {
        birth.birth_notice = code.into();
        insurance.register_birth(soon(), birth).await.unwrap();
    }
    let died = RegisterDeathRequest {
        case_id: "GBT.2".into(),
        deceased: Some(Deceased {
            name: scene.birth(8).child.unwrap().name,
            si_number: answered.answers[0].si_number.clone(),
            ..Deceased::default()
        }),
        died_on: "2026-11-20".into(),
        death_notice: "GBT.2".into(),
        ..RegisterDeathRequest::default()
    };
    // a child whose notice is issued again, and whose registration names the earlier one
    let mut late = scene.birth(10);
    late.birth_notice = "GCS.8".into();
    late.mother = scene.birth(8).mother;
    late.child.as_mut().unwrap().birth_date = "2026-11-01".into();
    let mut first = twin((2, &scene.birth(8)));
    let Some(hospital_notice::Notice::Birth(notice)) = &mut first.notice else {
        unreachable!("a twin is told of by a notice of a birth")
    };
    (notice.code, notice.children) = ("GCS.8".into(), 1);
    (notice.paper, notice.birth_date) = (String::new(), "2026-11-01".into());
    notice.sex = scene.birth(10).child.unwrap().sex;
    let mut again = first.clone();
    if let Some(hospital_notice::Notice::Birth(notice)) = &mut again.notice {
        (notice.code, notice.reissued) = ("GCS.9".into(), true);
    }
    let withdrawal = HospitalDeathWithdrawal {
        death: Some(died.clone()),
        case_id: "Id-back".into(),
        ..HospitalDeathWithdrawal::default()
    };
    let died = hospital_notice::Notice::Death(died);
    let withdrawal = hospital_notice::Notice::Withdrawal(withdrawal);
    let [died, withdrawal] = [died, withdrawal].map(|notice| HospitalNotice {
        notice: Some(notice),
    });
    for (key, notice) in [("first", first), ("again", again), ("died", died)] {
        let told = request(key, vec![notice]);
        let answered = insurance.record_hospital_notices(soon(), told).await;
        answered.unwrap();
    }
    insurance.register_birth(soon(), late).await.unwrap();
    let registered = RegisterDeathRequest {
        context: Some(context("dvclt", "told-twice")),
        case_id: "told-twice".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        deceased: Some(Deceased {
            pin: scene.birth(8).child.unwrap().pin,
            name: scene.birth(8).child.unwrap().name,
            ..Deceased::default()
        }),
        died_on: "2026-11-20".into(),
        death_notice: "GBT.2".into(),
        record: Some(CivilRecord::default()),
        ..RegisterDeathRequest::default()
    };
    let mut more = registered.clone();
    more.context = Some(context("dvclt", "told-with-more"));
    more.record.as_mut().unwrap().book = "02".into();
    for told in [registered, more] {
        insurance.register_death(soon(), told).await.unwrap();
    }
    let told = request("back", vec![withdrawal]);
    let answered = insurance.record_hospital_notices(soon(), told).await;
    answered.unwrap();
    let request = WithdrawDeathRequest {
        context: Some(context("dvclt", "not-so")),
        case_id: "not-so".into(),
        withdraws: "told-twice".into(),
        ..WithdrawDeathRequest::default()
    };
    insurance.withdraw_death(soon(), request).await.unwrap();
    notices_taken_back(insurance, scene).await;
}

/// A newborn that dies, whose notice is taken back, and whose death's notice is issued again.
async fn notices_taken_back(insurance: &Insurance, scene: &Scene) {
    let mother = scene.birth(8).mother;
    let birth = BirthNotice {
        code: "GCS.31".into(),
        children: 1,
        sex: 1,
        birth_date: "2026-10-01".into(),
        mother,
        residence_commune: scene.marks.places[0].commune.clone(),
        issued_on: "2026-10-02".into(),
        ..BirthNotice::default()
    };
    let told = |key: &str, notice| {
        let facility = scene.marks.places[0].facility.clone();
        let request = RecordHospitalNoticesRequest {
            context: Some(context(&format!("cskcb-{facility}"), key)),
            facility,
            received_at: "2026-11-23T01:30:00Z".into(),
            notices: vec![HospitalNotice {
                notice: Some(notice),
            }],
        };
        insurance.record_hospital_notices(soon(), request)
    };
    let given = told("gcs-31", hospital_notice::Notice::Birth(birth.clone())).await;
    let death = |nth: u32, replaces: &str| RegisterDeathRequest {
        case_id: format!("GBT.3{nth}"),
        deceased: Some(Deceased {
            name: "Ai Đó".into(),
            si_number: given.as_ref().unwrap().answers[0].si_number.clone(),
            sex: 1,
            birth_date: "2026-10-01".into(),
            ..Deceased::default()
        }),
        died_on: "2026-10-05".into(),
        proof_kind: 1,
        proof_number: nth.to_string(),
        replaces_number: replaces.into(),
        ..RegisterDeathRequest::default()
    };
    for (key, replaces, nth) in [("gbt-1", "", 1), ("gbt-2", "1", 2)] {
        let notice = hospital_notice::Notice::Death(death(nth, replaces));
        told(key, notice).await.unwrap();
    }
    let withdrawal = HospitalBirthWithdrawal {
        birth: Some(birth),
        case_id: "Id-gcs-31".into(),
        ..HospitalBirthWithdrawal::default()
    };
    let notice = hospital_notice::Notice::BirthWithdrawal(withdrawal);
    told("gcs-31-back", notice).await.unwrap();
}

/// A child under a second PIN, about whom a person decides that it is the same.
async fn doubt(insurance: &Insurance, scene: &Scene, time: &Time) {
    for n in [2, 3] {
        let mut request = scene.birth(1);
        request.context = Some(context("dvclt", &format!("doubt-{n}")));
        request.case_id = scene.birth(n).case_id;
        request.birth_notice = "GCS.1".into();
        request.child.as_mut().unwrap().pin = scene.birth(n).child.unwrap().pin;
        insurance.register_birth(soon(), request).await.unwrap();
    }
    let asking = || Some(context("registry", "doubt"));
    for with_decided in [true, false] {
        let context = asking();
        let request = ListReviewsRequest {
            context,
            with_decided,
        };
        let listed = insurance.reviews(soon(), request).await.unwrap();
        assert_eq!(listed.reviews.len(), 2);
    }
    let request = ShowReviewRequest {
        context: asking(),
        id: 1,
    };
    let shown = insurance.review(soon(), request.clone()).await.unwrap();
    supplement(insurance, scene, shown.version).await;
    let shown = insurance.review(soon(), request).await.unwrap();
    let number = shown.candidates[0].person.clone().unwrap().si_number;
    let request = DecideReviewRequest {
        context: asking(),
        id: 1,
        decision: Some(Decision::SameAs(number)),
        version: shown.version,
        who: "an".into(),
        why: "asked".into(),
        population: None,
    };
    insurance.decide_review(soon(), request).await.unwrap();
    let request = LawfulTimesRequest {
        context: asking(),
        month: "2026-11".into(),
    };
    insurance.lawful_times(soon(), request).await.unwrap();
    let request = JudgeClocksRequest {
        context: asking(),
        max: 10,
    };
    time.pass(9 * 24 * 3_600);
    let judged = insurance
        .judge_clocks(soon(), request.clone())
        .await
        .unwrap();
    assert_eq!(judged.marks.len(), 1);
    let shown = ShowReviewRequest {
        context: asking(),
        id: 2,
    };
    let shown = insurance.review(soon(), shown).await.unwrap();
    let asked = DecideReviewRequest {
        context: Some(context("registry", "ask the other")),
        id: 2,
        decision: Some(Decision::Ask("more".into())),
        version: otherwise(insurance, shown.version).await,
        who: "an".into(),
        why: "asked".into(),
        population: None,
    };
    insurance.decide_review(soon(), asked).await.unwrap();
    let asked = GetBirthFactsRequest {
        context: asking(),
        code: "GCS.1".into(),
        mother_pin: scene.marks.mothers[0].pin.clone(),
    };
    insurance.birth_facts(soon(), asked).await.unwrap();
    let ends = AnnounceEndsRequest {
        context: asking(),
        partner: "dvclt".into(),
        max: 500,
    };
    let (years, day) = (2_158 * 24 * 3_600, 24 * 3_600);
    time.pass(years - 9 * day);
    let announced = insurance.announce_ends(soon(), ends.clone()).await;
    assert!(announced.unwrap().announced > 0);
    watch_persons(insurance, scene).await;
    let ends = AnnounceEndsRequest {
        partner: "portal".into(),
        ..ends
    };
    let announced = insurance.announce_ends(soon(), ends).await.unwrap();
    assert!(announced.announced > 0);
    time.pass(9 * day - years);
    time.pass(30 * 24 * 3_600);
    insurance.judge_clocks(soon(), request).await.unwrap();
    time.pass(-30 * 24 * 3_600);
    time.pass(-9 * 24 * 3_600);
}

/// The population database tells the second otherwise: it waits on, under this version.
async fn otherwise(insurance: &Insurance, version: String) -> String {
    let request = DecideReviewRequest {
        context: Some(context("registry", "otherwise")),
        id: 2,
        decision: Some(Decision::NewPerson(true)),
        version,
        who: "an".into(),
        why: "asked".into(),
        population: Some(PopulationFinding {
            verdict: PopulationVerdict::Differs.into(),
            differs: vec!["population-name".into()],
        }),
    };
    let decided = insurance.decide_review(soon(), request).await.unwrap();
    assert_eq!(decided.case.unwrap().state, 3);
    let request = ShowReviewRequest {
        context: Some(context("registry", "otherwise")),
        id: 2,
    };
    insurance.review(soon(), request).await.unwrap().version
}

/// The first of them is asked for something, which comes and settles nothing; the second lets the day pass.
async fn supplement(insurance: &Insurance, scene: &Scene, version: String) {
    let request = DecideReviewRequest {
        context: Some(context("registry", "ask")),
        id: 1,
        decision: Some(Decision::Ask("more".into())),
        version,
        who: "an".into(),
        why: "asked".into(),
        population: None,
    };
    insurance.decide_review(soon(), request).await.unwrap();
    let request = SupplementBirthRequest {
        context: Some(context("dvclt", "supplement")),
        case_id: "supplement".into(),
        supplements: scene.birth(2).case_id,
        received_at: "2026-11-23T01:30:00Z".into(),
        ..SupplementBirthRequest::default()
    };
    let case = insurance.supplement_birth(soon(), request).await.unwrap();
    assert_eq!(case.case.unwrap().state, 3);
}

/// A portal watches, and has a dossier about the first child.
async fn watch_persons(insurance: &Insurance, scene: &Scene) {
    let request = WatchPersonsRequest {
        context: Some(context("portal", "watch")),
        fields: vec!["cardEnd".into()],
    };
    insurance.watch_persons(soon(), request).await.unwrap();
    let birth = scene.birth(1);
    let request = GetBirthCasesRequest {
        context: Some(context("dvclt", "plans")),
        case_ids: vec![birth.case_id],
    };
    let cases = insurance.birth_cases(soon(), request).await.unwrap().cases;
    let mother = birth.mother.unwrap();
    let request = SubmitReissueRequest {
        card_or_si_number: cases[0].si_number.clone(),
        applicant_name: mother.name,
        applicant_pin: mother.pin,
        applicant_birth_date: mother.birth_date,
        ..scene.reissue(9)
    };
    insurance.submit_reissue(soon(), request).await.unwrap();
}
