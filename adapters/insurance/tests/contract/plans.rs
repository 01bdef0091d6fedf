//! The plan of every statement that the registry runs on PostgreSQL, as the server itself logs it.

mod civil;

use std::fs;
use std::path::Path;

use insurance::Insurance;
use schemas::proto::insurance::get_contributions_request::Number;
use schemas::proto::insurance::{
    AckRequest, ConcludeRequest, DiscrepancyState, FindRequest, GetContributionsRequest,
    GetDiscrepancyRequest, GetDossierRequest, GetParticipationRequest, HeadcountStep, InfoRequest,
    LeaseRequest, ListCardsRequest, ListDiscrepanciesRequest, ListNoticesRequest,
    MoveDiscrepancyRequest, Notice, NoticeKind, Party, RecheckProgressRequest, RecheckRequest,
    RecordKind, RecordNoticeRequest, WatchEmployersRequest,
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
    civil::bear(insurance, scene, time).await;
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
