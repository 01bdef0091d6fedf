//! The plan of every statement that the registry runs on PostgreSQL, as the server itself logs it.

use std::fs;
use std::path::Path;

use insurance::Insurance;
use schemas::proto::insurance::decide_review_request::Decision;
use schemas::proto::insurance::get_contributions_request::Number;
use schemas::proto::insurance::{
    AckRequest, AnnounceEndsRequest, BirthChanges, BirthNotice, CivilRecord, ConcludeRequest,
    CorrectBirthRequest, Deceased, DecideReviewRequest, DiscrepancyState, FindRequest,
    FindVitalEventRequest, GetBirthCasesRequest, GetBirthFactsRequest, GetContributionsRequest,
    GetDiscrepancyRequest, GetDossierRequest, GetParticipationRequest, HeadcountStep,
    HospitalBirthWithdrawal, HospitalDeathWithdrawal, HospitalNotice, InfoRequest,
    JudgeClocksRequest, LawfulTimesRequest, LeaseRequest, ListCardsRequest,
    ListDiscrepanciesRequest, ListNoticesRequest, ListReviewsRequest, MoveDiscrepancyRequest,
    Notice, NoticeKind, Party, PopulationFinding, PopulationVerdict, RecheckProgressRequest,
    RecheckRequest, RecordHospitalNoticesRequest, RecordKind, RecordNoticeRequest,
    RegisterBirthRequest, RegisterDeathRequest, ShowBirthRequest, ShowReviewRequest,
    SubmitReissueRequest, SupplementBirthRequest, VitalEventKind, WatchEmployersRequest,
    WatchPersonsRequest, WithdrawDeathRequest, hospital_notice,
};

use crate::employer_records;
use crate::ledger::{found, under_counted, uninsured};
use crate::pg::Cluster;
use crate::scene::{Scene, Time, context, migrated, name_of, open, seed, soon};
use crate::{groups, months, payments, representatives, requests, subscriptions};

/// With sequential scans forbidden a plan has one only where no index fits; with generic plans forced a plan
/// does not lean on the values of the moment.
const LOGGED: &[&str] = &[
    "fsync=off",
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_nested_statements=on",
    "enable_seqscan=off",
    "plan_cache_mode=force_generic_plan",
];

#[test]
fn no_statement_reads_a_whole_table_and_every_statement_was_seen() {
    let Some(cluster) = Cluster::start_with(LOGGED) else {
        return;
    };
    let time = Time::new();
    let place = migrated(&cluster);
    let registry = open(&place, &time);
    seed(&registry, 300);
    let log = cluster.host().join("log");
    let scene = Scene::embedded();
    let read = || fs::read_to_string(&log).unwrap();
    let before = read().len();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(ask_everything(
        &Insurance::embedded(registry.clone()),
        &registry,
        &scene,
        &time,
    ));
    let mut logged = read()[before..].to_owned();
    for (text, parameter) in payments::before_asking(&scene) {
        let text = text.replace('?', &format!("'{parameter}'"));
        let done = cluster.psql(
            &name_of(&place),
            &format!("SET search_path = registry; {text} RETURNING 1"),
        );
        assert!(!done.is_empty());
    }
    let before = read().len();
    let scene = Scene {
        insurance: Insurance::embedded(registry.clone()),
        registry: registry.clone(),
        time,
        place,
        ..scene
    };
    runtime.block_on(payments::ask_everything(&scene));
    runtime.block_on(requests::ask_everything(&scene));
    runtime.block_on(groups::ask_everything(&scene));
    runtime.block_on(representatives::ask_everything(&scene));
    for kind in [RecordKind::Employer, RecordKind::Person] {
        for provinces in [&[][..], &["01"][..]] {
            runtime.block_on(months::all(&scene, months::month(kind, provinces, "")));
        }
    }
    drop((scene, registry));
    logged.push_str(&read()[before..]);
    let logged = words(&logged);

    let plans: Vec<&str> = logged.split("LOG: duration:").skip(1).collect();
    assert!(plans.len() > 100, "{} plans", plans.len());
    for plan in &plans {
        // the one that counts up to a bound stops there
        let bounded = plan.contains("reltuples");
        assert!(bounded || !plan.contains("Seq Scan on"), "{plan}");
    }
    // made of parts, so not in the sources as they run
    for month in [
        "FROM employers e JOIN contributions c",
        "FROM numbers n JOIN people p",
    ] {
        assert!(logged.contains(month), "{month}");
    }
    let unseen: Vec<String> = statements()
        .into_iter()
        .filter(|text| !logged.contains(text.as_str()))
        .collect();
    assert!(unseen.is_empty(), "no plan was read of: {unseen:#?}");
}

/// Every statement in the sources of the registry's business, with PostgreSQL's parameters.
fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/registry");
    let files = [
        "births.rs",
        "births/again.rs",
        "births/matching.rs",
        "births/parse.rs",
        "cards.rs",
        "changes.rs",
        "clocks.rs",
        "contributions.rs",
        "corrections.rs",
        "employers/record.rs",
        "employers/watch.rs",
        "counters.rs",
        "deaths.rs",
        "deaths/again.rs",
        "deaths/closures.rs",
        "dossiers.rs",
        "dossiers/decisions.rs",
        "dossiers/forms.rs",
        "dossiers/said.rs",
        "effects.rs",
        "endings.rs",
        "groups.rs",
        "hospitals.rs",
        "hospitals/again.rs",
        "hospitals/asked.rs",
        "hospitals/back.rs",
        "hospitals/newborns.rs",
        "employers.rs",
        "employers/ageing.rs",
        "ledger.rs",
        "life.rs",
        "ledger/note.rs",
        "ledger/recheck.rs",
        "ledger/row.rs",
        "notices.rs",
        "payments.rs",
        "payments/book.rs",
        "payments/charge.rs",
        "payments/ends.rs",
        "payments/lists.rs",
        "payments/row.rs",
        "payments/statement.rs",
        "people.rs",
        "persons.rs",
        "representation.rs",
        "representation/record.rs",
        "requests.rs",
        "reviews.rs",
        "reviews/deciding.rs",
        "steps.rs",
        "stories.rs",
        "subscriptions.rs",
        "supplements.rs",
        "told.rs",
        "vital.rs",
        "watches.rs",
    ];
    let texts: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let source = fs::read_to_string(folder.join(file)).unwrap();
            source.split('"').map(words).collect::<Vec<_>>()
        })
        .filter(|text| {
            ["SELECT ", "INSERT ", "UPDATE ", "WHERE "]
                .iter()
                .any(|word| text.starts_with(word))
        })
        .map(|text| text.replace('?', "$"))
        .collect();
    assert!(texts.len() > 30, "{}", texts.len());
    texts
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn ask_everything(
    insurance: &Insurance,
    registry: &insurance::Registry,
    scene: &Scene,
    time: &Time,
) {
    let asking = || Some(context("dvclt", "plans"));
    let (employer, holder) = (&scene.marks.employer, &scene.marks.card_holders[0]);
    insurance.info(soon(), InfoRequest {}).await.unwrap();
    for period in [&*scene.marks.period, "2031-01", "2010-01"] {
        let request = GetParticipationRequest {
            context: asking(),
            tax_code: employer.mst.clone(),
            period: period.to_owned(),
            with_units: true,
            with_ageing: true,
            with_last_d02: true,
            with_registered_from: true,
        };
        insurance.participation(soon(), request).await.unwrap();
    }
    let in_arrears = GetParticipationRequest {
        context: asking(),
        tax_code: scene.marks.employer_in_arrears.clone().unwrap().mst,
        period: scene.marks.period.clone(),
        with_ageing: true,
        ..GetParticipationRequest::default()
    };
    insurance.participation(soon(), in_arrears).await.unwrap();
    contribute(insurance, scene).await;
    notify(insurance, scene).await;
    record(insurance, scene).await;
    reconcile(insurance, scene, time).await;
    for number in [holder.pin.clone(), String::new()] {
        let request = FindRequest {
            context: asking(),
            number,
            name: holder.name.clone(),
            birth_date: holder.birth_date.clone(),
            ..FindRequest::default()
        };
        assert!(
            !insurance
                .find(soon(), request)
                .await
                .unwrap()
                .people
                .is_empty()
        );
    }
    let request = ListCardsRequest {
        context: asking(),
        si_number: holder.si_number.clone(),
    };
    insurance.cards(soon(), request).await.unwrap();
    subscriptions::ask_everything(insurance).await;
    bear(insurance, scene, time).await;
    reissue(insurance, registry, scene).await;
}

async fn contribute(insurance: &Insurance, scene: &Scene) {
    let (personal, _) = scene.marks.personal_mst.clone().unwrap();
    let holder = scene.marks.card_holders[0].pin.clone();
    for number in [Number::TaxCode(personal), Number::Pin(holder)] {
        let request = GetContributionsRequest {
            context: Some(context("tax", "plans")),
            number: Some(number),
            from: "2025-01".into(),
            to: "2026-11".into(),
        };
        assert!(
            insurance
                .contributions(soon(), request)
                .await
                .unwrap()
                .found
        );
    }
}

async fn notify(insurance: &Insurance, scene: &Scene) {
    let notice = Notice {
        tax_code: scene.marks.employer.mst.clone(),
        kind: NoticeKind::Suspended.into(),
        effective_on: "2026-11-01".into(),
        status: "05".into(),
        ..Notice::default()
    };
    let request = RecordNoticeRequest {
        context: Some(context("tax", "notice")),
        notice: Some(notice.clone()),
    };
    insurance.record_notice(soon(), request).await.unwrap();
    let request = ListNoticesRequest {
        context: Some(context("tax", "plans")),
        tax_code: notice.tax_code.clone(),
    };
    let kept = insurance.notices(soon(), request).await.unwrap();
    assert_eq!(kept.notices, [notice]);
}

/// A new employer from its first day to its last, told to one who watches, and to nobody any more.
async fn record(insurance: &Insurance, scene: &Scene) {
    watch(insurance, Some((0, 0))).await;
    for request in employer_records::life(scene) {
        insurance.record_employer(soon(), request).await.unwrap();
    }
    watch(insurance, None).await;
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

async fn watch(insurance: &Insurance, step: Option<(u32, u32)>) {
    let request = WatchEmployersRequest {
        context: Some(context("tax", "watch")),
        step: step.map(|(people, percent)| HeadcountStep { people, percent }),
        person_fields: vec!["name".into()],
    };
    insurance.watch_employers(soon(), request).await.unwrap();
}

async fn reconcile(insurance: &Insurance, scene: &Scene, time: &Time) {
    let asking = |key: &str| Some(context("tax", key));
    let mut ids = Vec::new();
    for run in ["plans-1", "plans-2"] {
        let findings = vec![under_counted(scene, 900), uninsured(scene, 0)];
        let request = found(scene, run, findings);
        ids = insurance.note_findings(soon(), request).await.unwrap().ids;
    }
    let request = ConcludeRequest {
        context: asking("conclude"),
        run: "plans-3".into(),
        period: scene.marks.period.clone(),
        province: String::new(),
        max: 1,
        kind: RecordKind::Employer.into(),
        ..ConcludeRequest::default()
    };
    assert_eq!(
        insurance.conclude(soon(), request).await.unwrap().matched,
        1
    );
    let request = MoveDiscrepancyRequest {
        context: asking("dispute"),
        id: ids[0].clone(),
        side: Party::Tax.into(),
        to: DiscrepancyState::Disputed.into(),
        who: "tax".into(),
        reason: "counted".into(),
    };
    insurance.move_discrepancy(soon(), request).await.unwrap();
    time.pass(1);
    let request = RecheckRequest {
        context: asking("recheck"),
        before: "2099-01-01T00:00:00Z".into(),
        max: 10,
        who: "plans".into(),
    };
    insurance.recheck(soon(), request).await.unwrap();
    let request = RecheckProgressRequest {
        context: asking("progress"),
        before: "2026-01-01T00:00:00Z".into(),
        first: context("plans", "recheck").key,
    };
    insurance.recheck_progress(soon(), request).await.unwrap();
    for tax_code in [String::new(), scene.marks.employer.mst.clone()] {
        let request = ListDiscrepanciesRequest {
            context: asking("list"),
            tax_code,
            max: 10,
            ..ListDiscrepanciesRequest::default()
        };
        let listed = insurance.discrepancies(soon(), request).await.unwrap();
        assert!(!listed.discrepancies.is_empty());
    }
    let request = GetDiscrepancyRequest {
        context: asking("get"),
        id: ids[0].clone(),
    };
    insurance.discrepancy(soon(), request).await.unwrap();
}

async fn bear(insurance: &Insurance, scene: &Scene, time: &Time) {
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

async fn reissue(insurance: &Insurance, registry: &insurance::Registry, scene: &Scene) {
    let by_card = scene.reissue(1);
    let mut by_person = scene.reissue(2);
    by_person.card_or_si_number = scene.marks.card_holders[1].si_number.clone();
    by_person.applicant_name = scene.marks.card_holders[1].name.clone();
    by_person.applicant_pin = scene.marks.card_holders[1].pin.clone();
    by_person.applicant_birth_date = scene.marks.card_holders[1].birth_date.clone();
    let mut code = String::new();
    for request in [by_card, by_person] {
        let submitted = insurance.submit_reissue(soon(), request).await.unwrap();
        code = submitted.dossier.unwrap().code;
    }
    for _ in 0..5 {
        registry.advance().await.unwrap();
    }
    let request = GetDossierRequest {
        context: Some(context("portal", "plans")),
        code,
    };
    insurance.dossier(soon(), request).await.unwrap();
    let request = LeaseRequest {
        owner: "plans".into(),
        max: 10,
        lease_seconds: 30,
    };
    let leased = insurance.lease(soon(), request).await.unwrap();
    let request = AckRequest {
        owner: "plans".into(),
        ids: leased.changes.into_iter().map(|change| change.id).collect(),
    };
    assert!(insurance.ack(soon(), request).await.unwrap().acknowledged > 0);
}
