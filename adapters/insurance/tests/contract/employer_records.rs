//! Employers.Record and Employers.Watch: what happened to an employer is kept once and told to whoever watches.

use insurance::Insurance;
use schemas::fault::FaultCode;
use schemas::proto::insurance::change::What;
use schemas::proto::insurance::{
    Change, ClosedMonth, EmployerChange, GetParticipationRequest, GetParticipationResponse,
    HeadcountStep, LeaseRequest, NoticeKind as Kind, ParticipationState as State,
    RecordEmployerRequest, RecordEmployerResponse, WatchEmployersRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_life_is_told_in_order_to_everybody_who_watches
    nobody_is_told_who_does_not_watch_and_a_watch_ends
    participants_are_told_beyond_the_step_from_what_was_told_last
    a_closed_month_is_closed_with_what_is_owed
    the_same_key_records_and_tells_once
    what_cannot_be_is_refused_and_tells_nobody
}

/// A synthetic tax code that the seed gives to nobody, and its unit code.
const NEW: (&str, &str) = ("9999999997", "ZZ9999Z");

pub fn said(tax_code: &str, kind: Kind, on: &str) -> RecordEmployerRequest {
    RecordEmployerRequest {
        context: Some(context(
            "vss",
            &format!("{tax_code}/{}/{on}", kind.as_str_name()),
        )),
        tax_code: tax_code.into(),
        kind: kind.into(),
        effective_on: on.into(),
        who: "Officer 7".into(),
        why: "a decision of the district".into(),
        ..RecordEmployerRequest::default()
    }
}

pub fn month(tax_code: &str, period: &str, participants: u32) -> RecordEmployerRequest {
    RecordEmployerRequest {
        context: Some(context("vss", &format!("{tax_code}/{period}"))),
        month: Some(ClosedMonth {
            period: period.into(),
            participants,
            fund_vnd: 100_000_000,
            due_vnd: 32_000_000,
            paid_vnd: 30_000_000,
        }),
        ..said(tax_code, Kind::Headcount, "")
    }
}

/// An employer from its registration until it becomes part of another.
pub fn life(scene: &Scene) -> Vec<RecordEmployerRequest> {
    let places = &scene.marks.places;
    let (tax_code, unit_code) = NEW;
    let registered = RecordEmployerRequest {
        unit_code: unit_code.into(),
        name: "Công ty TNHH Mẫu Mới".into(),
        commune: places[0].commune.clone(),
        ..said(tax_code, Kind::Registered, "2026-08-01")
    };
    let moved = RecordEmployerRequest {
        commune: places[1].commune.clone(),
        ..said(tax_code, Kind::Moved, "2026-10-01")
    };
    let merged = RecordEmployerRequest {
        merged_into: scene.marks.employer.mst.clone(),
        ..said(tax_code, Kind::Merged, "2026-11-01")
    };
    vec![
        registered,
        month(tax_code, "2026-08", 40),
        said(tax_code, Kind::Suspended, "2026-09-01"),
        said(tax_code, Kind::Resumed, "2026-09-15"),
        moved,
        merged,
    ]
}

async fn record(scene: &Scene, request: RecordEmployerRequest) -> RecordEmployerResponse {
    scene
        .insurance
        .record_employer(soon(), request)
        .await
        .unwrap()
}

async fn watch(insurance: &Insurance, partner: &str, step: Option<(u32, u32)>) -> String {
    let request = WatchEmployersRequest {
        context: Some(context(partner, "watch")),
        step: step.map(|(people, percent)| HeadcountStep { people, percent }),
        person_fields: Vec::new(),
    };
    let watching = insurance.watch_employers(soon(), request).await;
    watching.unwrap().since
}

/// Everything that was not leased before, oldest first.
pub async fn told(scene: &Scene) -> Vec<Change> {
    let request = LeaseRequest {
        owner: "a".into(),
        max: 100,
        lease_seconds: 600,
    };
    scene
        .insurance
        .lease(soon(), request)
        .await
        .unwrap()
        .changes
}

fn employer(change: &Change) -> &EmployerChange {
    match &change.what {
        Some(What::Employer(told)) => told,
        other => panic!("{other:?}"),
    }
}

async fn participation(scene: &Scene, tax_code: &str, period: &str) -> GetParticipationResponse {
    let request = GetParticipationRequest {
        context: Some(context("tax", "q")),
        tax_code: tax_code.into(),
        period: period.into(),
        ..GetParticipationRequest::default()
    };
    scene
        .insurance
        .participation(soon(), request)
        .await
        .unwrap()
}

async fn a_life_is_told_in_order_to_everybody_who_watches(scene: Scene) {
    assert_ne!(watch(&scene.insurance, "tax", Some((10, 10))).await, "");
    assert_ne!(watch(&scene.insurance, "tax-b", Some((0, 0))).await, "");
    for request in life(&scene) {
        assert_eq!(record(&scene, request).await.told, 2);
    }
    let changes = told(&scene).await;
    for partner in ["tax", "tax-b"] {
        let of_one: Vec<&Change> = changes
            .iter()
            .filter(|one| one.partner == partner)
            .collect();
        let sequence: Vec<u64> = of_one.iter().map(|one| one.subject_sequence).collect();
        assert_eq!(sequence, [1, 2, 3, 4, 5, 6]);
        assert!(of_one.iter().all(|one| one.subject == "employer.ZZ9999Z"));
        assert_eq!(of_one[2].id, format!("employer.ZZ9999Z.{partner}.3"));
        let stands: Vec<(Kind, State)> = of_one
            .iter()
            .map(|one| (employer(one).kind(), employer(one).state()))
            .collect();
        assert_eq!(
            stands,
            [
                (Kind::Registered, State::Active),
                (Kind::Headcount, State::Active),
                (Kind::Suspended, State::Suspended),
                (Kind::Resumed, State::Active),
                (Kind::Moved, State::Active),
                (Kind::Merged, State::Closed),
            ]
        );
        let [first, people, .., moved, merged] = of_one.as_slice() else {
            panic!("six")
        };
        assert_eq!(employer(first).name, "Công ty TNHH Mẫu Mới");
        assert!(employer(first).address.contains(", "));
        assert_ne!(employer(moved).address, employer(first).address);
        assert_eq!(employer(merged).merged_into, scene.marks.employer.mst);
        let people = employer(people);
        assert_eq!(
            (&*people.period, &*people.effective_on),
            ("2026-08", "2026-08-01")
        );
        assert_eq!((people.participants_before, people.participants), (0, 40));
    }
    // nothing personal stands in an id or a subject, even of a household
    assert!(changes.iter().all(|one| !one.id.contains(NEW.0)));
    let after = participation(&scene, NEW.0, "2026-08").await;
    assert!(after.found && after.participants == 40);
}

async fn nobody_is_told_who_does_not_watch_and_a_watch_ends(scene: Scene) {
    let mst = scene.marks.employer.mst.clone();
    let nobody = record(&scene, said(&mst, Kind::Suspended, "2026-11-01")).await;
    assert_eq!((nobody.told, told(&scene).await.len()), (0, 0));
    let since = watch(&scene.insurance, "tax", Some((0, 0))).await;
    scene.time.pass(60);
    assert_eq!(watch(&scene.insurance, "tax", Some((5, 5))).await, since);
    assert_eq!(
        record(&scene, said(&mst, Kind::Resumed, "2026-11-02"))
            .await
            .told,
        1
    );
    assert_eq!(told(&scene).await.len(), 1);
    assert_eq!(watch(&scene.insurance, "tax", None).await, "");
    assert_eq!(
        record(&scene, said(&mst, Kind::Dissolved, "2026-11-03"))
            .await
            .told,
        0
    );
    assert_eq!(told(&scene).await.len(), 0);
}

async fn participants_are_told_beyond_the_step_from_what_was_told_last(scene: Scene) {
    let [first, ..] = <[_; 6]>::try_from(life(&scene)).unwrap();
    record(&scene, first).await;
    record(&scene, month(NEW.0, "2026-01", 100)).await;
    watch(&scene.insurance, "tax", Some((10, 10))).await;
    // small steps are measured by what was told last, so that many of them are one large one
    for (period, participants, is_told) in [
        ("2026-02", 106, 0),
        ("2026-03", 110, 0),
        ("2026-04", 112, 1),
        ("2026-05", 122, 0),
        ("2026-06", 101, 0),
        ("2026-07", 99, 1),
    ] {
        let recorded = record(&scene, month(NEW.0, period, participants)).await;
        assert_eq!(recorded.told, is_told, "{period}");
    }
    let changes = told(&scene).await;
    let steps: Vec<(u32, u32)> = changes
        .iter()
        .map(|one| {
            (
                employer(one).participants_before,
                employer(one).participants,
            )
        })
        .collect();
    assert_eq!(steps, [(100, 112), (112, 99)]);
}

async fn a_closed_month_is_closed_with_what_is_owed(scene: Scene) {
    let [first, ..] = <[_; 6]>::try_from(life(&scene)).unwrap();
    record(&scene, first).await;
    record(&scene, month(NEW.0, "2026-08", 5)).await;
    record(&scene, month(NEW.0, "2026-09", 7)).await;
    let august = participation(&scene, NEW.0, "2026-08").await;
    let september = participation(&scene, NEW.0, "2026-09").await;
    assert_eq!(
        (august.arrears_vnd, september.arrears_vnd),
        (2_000_000, 4_000_000)
    );
    assert_eq!((september.participants, september.incomplete), (7, false));
}

async fn the_same_key_records_and_tells_once(scene: Scene) {
    watch(&scene.insurance, "tax", Some((0, 0))).await;
    let request = said(&scene.marks.employer.mst, Kind::Suspended, "2026-11-01");
    let first = record(&scene, request.clone()).await;
    let stands = scene.fingerprint().await;
    assert_eq!(record(&scene, request).await, first);
    assert_eq!(scene.fingerprint().await, stands);
    assert_eq!(told(&scene).await.len(), 1);
}

async fn what_cannot_be_is_refused_and_tells_nobody(scene: Scene) {
    watch(&scene.insurance, "tax", Some((0, 0))).await;
    let known = scene.marks.employer.mst.clone();
    let period = scene.marks.period.clone();
    let [registered, ..] = <[_; 6]>::try_from(life(&scene)).unwrap();
    let merged = |into: &str| RecordEmployerRequest {
        merged_into: into.into(),
        ..said(&known, Kind::Merged, "2026-11-01")
    };
    let of = |bend: fn(&mut RecordEmployerRequest), request: &RecordEmployerRequest| {
        let mut bent = request.clone();
        bend(&mut bent);
        bent
    };
    let month_of = |bend: fn(&mut ClosedMonth)| {
        let mut bent = month(&known, &period, 1);
        bend(bent.month.as_mut().unwrap());
        bent
    };
    let plain = said(&known, Kind::Suspended, "2026-11-01");
    use FaultCode::{Invalid, RuleRefused, UnknownSubject};
    for (request, code, reason, field) in [
        (
            said(&known, Kind::Resumed, "2026-11-01"),
            RuleRefused,
            "employer-state",
            "kind",
        ),
        (
            said(NEW.0, Kind::Suspended, "2026-11-01"),
            UnknownSubject,
            "unknown-employer",
            "tax_code",
        ),
        (
            of(|one| one.tax_code = "9900000017".into(), &plain),
            Invalid,
            "malformed-tax-code",
            "tax_code",
        ),
        (
            of(|one| one.tax_code = "0100109106".into(), &plain),
            Invalid,
            "other-population",
            "tax_code",
        ),
        (
            of(|one| one.kind = 99, &plain),
            Invalid,
            "unknown-code",
            "kind",
        ),
        (
            of(|one| one.effective_on = "2026-11-24".into(), &plain),
            Invalid,
            "in-the-future",
            "effective_on",
        ),
        (
            of(|one| one.effective_on = "2026-11".into(), &plain),
            Invalid,
            "malformed-date",
            "effective_on",
        ),
        (
            of(|one| one.effective_on.clear(), &plain),
            Invalid,
            "missing",
            "effective_on",
        ),
        (
            of(|one| one.name = "x".into(), &plain),
            Invalid,
            "part-of-another-kind",
            "name",
        ),
        (of(|one| one.who.clear(), &plain), Invalid, "missing", "who"),
        (
            of(|one| one.why = " ".into(), &plain),
            Invalid,
            "missing",
            "why",
        ),
        (
            of(|one| one.unit_code = "tz1".into(), &registered),
            Invalid,
            "malformed-id",
            "unit_code",
        ),
        (
            of(|one| one.name = "\u{7}".into(), &registered),
            Invalid,
            "malformed-name",
            "name",
        ),
        (
            of(|one| one.commune = "99999".into(), &registered),
            Invalid,
            "unknown-commune",
            "commune",
        ),
        (
            of(|one| one.commune.clear(), &registered),
            Invalid,
            "missing",
            "commune",
        ),
        (
            merged(NEW.0),
            UnknownSubject,
            "unknown-employer",
            "merged_into",
        ),
        (merged(&known), Invalid, "merged-into-itself", "merged_into"),
        (month_of(|_| ()), RuleRefused, "month-closed", "period"),
        (
            month_of(|one| one.period = "2026-12".into()),
            Invalid,
            "in-the-future",
            "period",
        ),
        (
            month_of(|one| one.period = "2026-13".into()),
            Invalid,
            "malformed-period",
            "period",
        ),
        (
            month_of(|one| one.due_vnd = -1),
            Invalid,
            "bad-amount",
            "month",
        ),
    ] {
        let call = scene.insurance.record_employer(soon(), request);
        scene.refuses(call, code, reason, field).await;
    }
    // whose tax or unit code is known already is not registered again
    let mut again = registered.clone();
    again.tax_code = known.clone();
    let call = scene.insurance.record_employer(soon(), again);
    scene
        .refuses(call, RuleRefused, "known-already", "tax_code")
        .await;
    let mut again = registered.clone();
    again.unit_code = scene.marks.employer.unit_code.clone();
    let call = scene.insurance.record_employer(soon(), again);
    scene
        .refuses(call, RuleRefused, "known-already", "unit_code")
        .await;
    // what has ended neither moves nor takes another in
    record(&scene, registered).await;
    record(&scene, said(NEW.0, Kind::Dissolved, "2026-11-01")).await;
    let moved = RecordEmployerRequest {
        commune: scene.marks.places[1].commune.clone(),
        ..said(NEW.0, Kind::Moved, "2026-11-02")
    };
    let call = scene.insurance.record_employer(soon(), moved);
    scene
        .refuses(call, RuleRefused, "employer-state", "kind")
        .await;
    let call = scene.insurance.record_employer(soon(), merged(NEW.0));
    scene
        .refuses(call, RuleRefused, "employer-state", "merged_into")
        .await;
    let step = WatchEmployersRequest {
        context: Some(context("tax", "watch")),
        step: Some(HeadcountStep {
            people: 0,
            percent: 1_001,
        }),
        person_fields: Vec::new(),
    };
    let call = scene.insurance.watch_employers(soon(), step);
    scene.refuses(call, Invalid, "too-many", "percent").await;
    assert_eq!(told(&scene).await.len(), 2, "only what was done is told");
}
