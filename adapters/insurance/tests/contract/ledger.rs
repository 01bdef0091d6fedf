//! TaxLedger: noted, matched or mismatched, disputed, settled or expired.

use insurance::registry::ledger::CATEGORIES;
use schemas::fault::FaultCode;
use schemas::proto::insurance::{
    ConcludeRequest, Discrepancy, DiscrepancyState as State, Finding, GetDiscrepancyRequest,
    GetDiscrepancyResponse, GetParticipationRequest, ListDiscrepanciesRequest,
    MoveDiscrepancyRequest, NoteFindingsRequest, NoteFindingsResponse, Party,
    RecheckProgressRequest, RecheckProgressResponse, RecheckRequest, RecheckResponse, RecordKind,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_finding_is_notified_once_under_its_key
    what_is_found_again_keeps_its_id_and_is_mismatched_once_for_each_reconciliation
    what_is_not_found_again_matches_in_its_scope_and_nowhere_else
    each_side_finds_for_itself_and_what_one_still_finds_stays_open
    either_side_disputes_and_every_step_says_who_when_and_why
    an_officer_settles_and_what_is_closed_stays_closed
    the_other_side_moves_its_own_rows_only_and_settles_none
    our_own_figures_answer_a_finding_or_do_not
    a_figure_is_answered_by_what_was_tolerated_when_it_was_found
    how_far_a_look_in_parts_has_come_is_told_to_whoever_asks
    what_comes_to_its_term_expires_and_what_matched_is_settled
    discrepancies_are_listed_newest_first_in_pages
    malformed_findings_are_refused_and_keep_nothing
}

/// An employer that, as the other side says, pays `theirs` people.
pub fn under_counted(scene: &Scene, theirs: u32) -> Finding {
    Finding {
        category: "E-UNDERCOUNT".into(),
        tax_code: scene.marks.employer.mst.clone(),
        field: "count".into(),
        ours: "3".into(),
        theirs: theirs.to_string(),
        province: "01".into(),
        ..Finding::default()
    }
}

/// A person who, as the other side says, is paid and not insured.
pub fn uninsured(scene: &Scene, nth: usize) -> Finding {
    Finding {
        category: "P-UNINSURED".into(),
        person: scene.marks.card_holders[nth].pin.clone(),
        field: "person".into(),
        ..under_counted(scene, 0)
    }
}

pub fn found(scene: &Scene, run: &str, findings: Vec<Finding>) -> NoteFindingsRequest {
    NoteFindingsRequest {
        context: Some(context("tax", &format!("note-{run}"))),
        run: run.into(),
        period: scene.marks.period.clone(),
        due_on: "2026-12-31".into(),
        findings,
        ..NoteFindingsRequest::default()
    }
}

async fn note(scene: &Scene, run: &str, findings: Vec<Finding>) -> NoteFindingsResponse {
    let request = found(scene, run, findings);
    scene
        .insurance
        .note_findings(soon(), request)
        .await
        .unwrap()
}

async fn file(scene: &Scene, id: &str) -> GetDiscrepancyResponse {
    let request = GetDiscrepancyRequest {
        context: Some(context("vss", "get")),
        id: id.into(),
    };
    scene.insurance.discrepancy(soon(), request).await.unwrap()
}

async fn states(scene: &Scene, id: &str) -> Vec<State> {
    let file = file(scene, id).await;
    let steps: Vec<State> = file.steps.iter().map(|step| step.state()).collect();
    assert_eq!(
        file.discrepancy.unwrap().state(),
        *steps.last().unwrap(),
        "the last step is where it stands"
    );
    steps
}

fn conclusion(scene: &Scene, run: &str, province: &str, kind: RecordKind) -> ConcludeRequest {
    let key = format!("conclude-{run}-{province}-{}", kind.as_str_name());
    ConcludeRequest {
        context: Some(context("tax", &key)),
        run: run.into(),
        period: scene.marks.period.clone(),
        province: province.into(),
        max: 1_000,
        kind: kind.into(),
        ..ConcludeRequest::default()
    }
}

async fn conclude(scene: &Scene, run: &str, province: &str, kind: RecordKind) -> u32 {
    let request = conclusion(scene, run, province, kind);
    let answer = scene.insurance.conclude(soon(), request).await;
    answer.unwrap().matched
}

fn word(id: &str, side: Party, to: State) -> MoveDiscrepancyRequest {
    let sender = if side == Party::Tax { "tax" } else { "vss" };
    MoveDiscrepancyRequest {
        context: Some(context(
            sender,
            &format!("{id}-{}-{}", side as i32, to as i32),
        )),
        id: id.into(),
        side: side.into(),
        to: to.into(),
        who: "Officer 7".into(),
        reason: "counted by hand".into(),
    }
}

async fn say(scene: &Scene, id: &str, side: Party, to: State) -> Discrepancy {
    let answer = scene
        .insurance
        .move_discrepancy(soon(), word(id, side, to))
        .await;
    answer.unwrap().discrepancy.unwrap()
}

async fn look(scene: &Scene, key: &str) -> RecheckResponse {
    scene.time.pass(1);
    let request = RecheckRequest {
        context: Some(context("vss", key)),
        before: "2099-01-01T00:00:00Z".into(),
        max: 100,
        who: "schedule".into(),
    };
    scene.insurance.recheck(soon(), request).await.unwrap()
}

async fn progress(scene: &Scene, before: &str, first: &str) -> RecheckProgressResponse {
    let request = RecheckProgressRequest {
        context: Some(context("vss", "progress")),
        before: before.into(),
        first: context("vss", first).key,
    };
    scene
        .insurance
        .recheck_progress(soon(), request)
        .await
        .unwrap()
}

async fn how_far_a_look_in_parts_has_come_is_told_to_whoever_asks(scene: Scene) {
    let nobody = progress(&scene, "2099-01-01T00:00:00Z", "part-0").await;
    assert_eq!(nobody, RecheckProgressResponse::default());
    let findings = (0..3).map(|nth| uninsured(&scene, nth)).collect();
    note(&scene, "m-1", findings).await;
    scene.time.pass(60);
    let before = scene.time.clock()().to_string();
    scene.time.pass(1);
    // what is noted meanwhile is none of what is looked at
    note(&scene, "m-2", vec![under_counted(&scene, 900)]).await;
    let told = progress(&scene, &before, "part-0").await;
    assert_eq!((told.begun, told.checked, told.left), (false, 0, 3));
    let part = async |nth: u32, max: u32| {
        let request = RecheckRequest {
            context: Some(context("vss", &format!("part-{nth}"))),
            before: before.clone(),
            max,
            who: "schedule".into(),
        };
        scene.insurance.recheck(soon(), request).await.unwrap()
    };
    assert_eq!(part(0, 2).await.checked, 2);
    let told = progress(&scene, &before, "part-0").await;
    assert_eq!((told.begun, told.checked, told.left), (true, 2, 1));
    assert!(!progress(&scene, &before, "part-9").await.begun);
    assert_eq!(part(1, 2).await.checked, 1);
    let told = progress(&scene, &before, "part-0").await;
    assert_eq!((told.begun, told.checked, told.left), (true, 3, 0));
    for (before, key, field) in [("soon", 32, "before"), (&*before, 31, "first")] {
        let request = RecheckProgressRequest {
            context: Some(context("vss", "progress")),
            before: before.into(),
            first: vec![1; key],
        };
        let refused = scene.insurance.recheck_progress(soon(), request).await;
        assert_eq!(refused.unwrap_err().wrong_field(), Some(field));
    }
}

async fn a_finding_is_notified_once_under_its_key(scene: Scene) {
    let findings = vec![under_counted(&scene, 900), uninsured(&scene, 0)];
    let first = note(&scene, "m-1", findings.clone()).await;
    let again = note(&scene, "m-1", findings.clone()).await;
    assert_eq!(first, again);
    assert_eq!((first.ids.len(), first.again), (2, 0));
    for (id, finding) in first.ids.iter().zip(findings) {
        let GetDiscrepancyResponse { discrepancy, steps } = file(&scene, id).await;
        let kept = discrepancy.unwrap();
        assert_eq!(kept.finding, Some(finding));
        assert_eq!(kept.state(), State::Notified);
        assert_eq!((&*kept.partner, &*kept.due_on), ("tax", "2026-12-31"));
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].key, context("tax", "note-m-1").key);
        assert_eq!(steps[0].side(), Party::Insurance);
    }
}

async fn what_is_found_again_keeps_its_id_and_is_mismatched_once_for_each_reconciliation(
    scene: Scene,
) {
    let first = note(&scene, "m-1", vec![under_counted(&scene, 900)]).await;
    let mut same_run = found(&scene, "m-1", vec![under_counted(&scene, 900)]);
    same_run.context = Some(context("tax", "another part of it"));
    let twice = scene.insurance.note_findings(soon(), same_run).await;
    assert_eq!(twice.unwrap().ids, first.ids);
    assert_eq!(states(&scene, &first.ids[0]).await, [State::Notified]);

    for (run, theirs, count) in [("m-2", 901, 2), ("m-3", 902, 3)] {
        let again = note(&scene, run, vec![under_counted(&scene, theirs)]).await;
        assert_eq!((&again.ids, again.again), (&first.ids, 1));
        let kept = file(&scene, &first.ids[0]).await.discrepancy.unwrap();
        assert_eq!(kept.finding.unwrap().theirs, theirs.to_string());
        assert_eq!((&*kept.run, kept.found), (run, count));
    }
    let steps = states(&scene, &first.ids[0]).await;
    assert_eq!(steps, [State::Notified, State::Mismatched]);
}

async fn what_is_not_found_again_matches_in_its_scope_and_nowhere_else(scene: Scene) {
    let elsewhere = Finding {
        province: "79".into(),
        ..uninsured(&scene, 1)
    };
    let both = note(&scene, "m-1", vec![uninsured(&scene, 0), elsewhere]).await;
    let other_month = NoteFindingsRequest {
        context: Some(context("tax", "other month")),
        period: "2025-01".into(),
        ..found(&scene, "m-1", vec![uninsured(&scene, 0)])
    };
    let other_month = scene.insurance.note_findings(soon(), other_month).await;
    let still = note(&scene, "m-2", vec![under_counted(&scene, 900)]).await;

    // a reconciliation of employers says nothing of persons
    assert_eq!(conclude(&scene, "m-2", "01", RecordKind::Employer).await, 0);
    assert_eq!(conclude(&scene, "m-2", "01", RecordKind::Person).await, 1);
    let matched = [State::Notified, State::Matched];
    assert_eq!(states(&scene, &both.ids[0]).await, matched);
    for id in [&both.ids[1], &other_month.unwrap().ids[0], &still.ids[0]] {
        assert_eq!(states(&scene, id).await, [State::Notified]);
    }
    assert_eq!(conclude(&scene, "m-2", "", RecordKind::Person).await, 1);
    assert_eq!(states(&scene, &both.ids[1]).await, matched);

    // found once more: it did not match after all
    note(&scene, "m-3", vec![uninsured(&scene, 0)]).await;
    let steps = states(&scene, &both.ids[0]).await;
    assert_eq!(steps, [State::Notified, State::Matched, State::Mismatched]);
}

async fn by_them(scene: &Scene, run: &str, findings: Vec<Finding>) -> NoteFindingsResponse {
    let request = NoteFindingsRequest {
        by: Party::Tax.into(),
        ..found(scene, run, findings)
    };
    let noted = scene.insurance.note_findings(soon(), request).await;
    noted.unwrap()
}

async fn they_conclude(scene: &Scene, run: &str) -> u32 {
    let request = ConcludeRequest {
        by: Party::Tax.into(),
        ..conclusion(scene, run, "", RecordKind::Employer)
    };
    let answer = scene.insurance.conclude(soon(), request).await;
    answer.unwrap().matched
}

async fn each_side_finds_for_itself_and_what_one_still_finds_stays_open(scene: Scene) {
    let (us, them) = (Party::Insurance, Party::Tax);
    let sides = async |id: &str| -> Vec<Party> {
        let kept = file(&scene, id).await.discrepancy.unwrap();
        kept.found_by().collect()
    };
    // they tell of one: the step is theirs, and told twice it is one
    let told = by_them(&scene, "t-1", vec![under_counted(&scene, 900)]).await;
    assert_eq!(
        by_them(&scene, "t-1", vec![under_counted(&scene, 900)]).await,
        told
    );
    let id = &told.ids[0];
    let kept = file(&scene, id).await;
    assert_eq!(kept.steps[0].side(), them);
    assert_eq!(kept.discrepancy.unwrap().tax_run, "t-1");
    assert_eq!(sides(id).await, [them]);
    // what only they find is not for us to conclude
    assert_eq!(conclude(&scene, "m-1", "", RecordKind::Employer).await, 0);
    assert_eq!(states(&scene, id).await, [State::Notified]);

    let ours = note(&scene, "m-2", vec![under_counted(&scene, 900)]).await;
    assert_eq!((&ours.ids, ours.again), (&told.ids, 1));
    assert_eq!(sides(id).await, [us, them]);
    let kept = file(&scene, id).await.discrepancy.unwrap();
    assert_eq!((&*kept.run, &*kept.tax_run), ("m-2", "t-1"));

    // they find it no more, we do; then neither does
    assert_eq!(they_conclude(&scene, "t-2").await, 1);
    assert_eq!(sides(id).await, [us]);
    assert_eq!(
        states(&scene, id).await,
        [State::Notified, State::Mismatched]
    );
    assert_eq!(they_conclude(&scene, "t-3").await, 0);
    assert_eq!(conclude(&scene, "m-3", "", RecordKind::Employer).await, 1);
    assert_eq!(sides(id).await, []);
    let steps = [State::Notified, State::Mismatched, State::Matched];
    assert_eq!(states(&scene, id).await, steps);

    // a side that there is not
    let nobody = NoteFindingsRequest {
        by: 7,
        ..found(&scene, "t-4", vec![under_counted(&scene, 900)])
    };
    let call = scene.insurance.note_findings(soon(), nobody);
    let invalid = FaultCode::Invalid;
    scene.refuses(call, invalid, "unknown-code", "by").await;
    let nobody = ConcludeRequest {
        by: 7,
        ..conclusion(&scene, "t-4", "", RecordKind::Employer)
    };
    let call = scene.insurance.conclude(soon(), nobody);
    scene.refuses(call, invalid, "unknown-code", "by").await;
    assert_eq!(sides(id).await, []);
}

async fn either_side_disputes_and_every_step_says_who_when_and_why(scene: Scene) {
    let noted = note(
        &scene,
        "m-1",
        vec![under_counted(&scene, 900), uninsured(&scene, 0)],
    )
    .await;
    for (id, side) in noted.ids.iter().zip([Party::Tax, Party::Insurance]) {
        scene.time.pass(60);
        let now = say(&scene, id, side, State::Disputed).await;
        assert_eq!(now.state(), State::Disputed);
        assert_eq!(
            say(&scene, id, side, State::Disputed).await,
            now,
            "the same key"
        );
        let steps = file(&scene, id).await.steps;
        let [_, looked_at, disputed] = &steps[..] else {
            panic!("{steps:?}");
        };
        assert_eq!(looked_at.state(), State::Mismatched);
        assert_eq!(disputed.side(), side);
        assert_eq!(
            (&*disputed.who, &*disputed.reason),
            ("Officer 7", "counted by hand")
        );
        assert_eq!(disputed.at, now.moved_at);
        let key = word(id, side, State::Disputed).context.unwrap().key;
        assert_eq!(disputed.key, key);
    }
}

async fn an_officer_settles_and_what_is_closed_stays_closed(scene: Scene) {
    let noted = note(&scene, "m-1", vec![under_counted(&scene, 900)]).await;
    let id = &noted.ids[0];
    let refused = |request| scene.insurance.move_discrepancy(soon(), request);
    let (state, to) = ("ledger-state", "to");
    // nobody has looked at it yet
    let early = refused(word(id, Party::Insurance, State::Settled));
    scene
        .refuses(early, FaultCode::RuleRefused, state, to)
        .await;
    say(&scene, id, Party::Tax, State::Disputed).await;
    let twice = refused(word(id, Party::Insurance, State::Disputed));
    scene
        .refuses(twice, FaultCode::RuleRefused, state, to)
        .await;
    say(&scene, id, Party::Insurance, State::Settled).await;
    for to_be in [State::Disputed, State::Settled] {
        let mut late = word(id, Party::Insurance, to_be);
        late.context = Some(context("vss", "late"));
        let late = refused(late);
        scene.refuses(late, FaultCode::RuleRefused, state, to).await;
    }
    // the same thing found anew is a new discrepancy
    let anew = note(&scene, "m-2", vec![under_counted(&scene, 900)]).await;
    assert_eq!(anew.again, 0);
    assert_ne!(anew.ids, noted.ids);
}

async fn the_other_side_moves_its_own_rows_only_and_settles_none(scene: Scene) {
    let noted = note(&scene, "m-1", vec![under_counted(&scene, 900)]).await;
    let id = &noted.ids[0];
    let refused = |request| scene.insurance.move_discrepancy(soon(), request);
    let mut stranger = word(id, Party::Tax, State::Disputed);
    stranger.context = Some(context("portal", "x"));
    let nobody = word("d-0", Party::Tax, State::Disputed);
    for request in [stranger, nobody] {
        let call = refused(request);
        let unknown = FaultCode::UnknownSubject;
        scene
            .refuses(call, unknown, "unknown-discrepancy", "id")
            .await;
    }
    let (invalid, code) = (FaultCode::Invalid, "unknown-code");
    let settles = refused(word(id, Party::Tax, State::Settled));
    scene.refuses(settles, invalid, code, "to").await;
    let expires = refused(word(id, Party::Insurance, State::Expired));
    scene.refuses(expires, invalid, code, "to").await;
    let nobody = refused(word(id, Party::Unspecified, State::Disputed));
    scene.refuses(nobody, invalid, code, "side").await;
    let silent = refused(MoveDiscrepancyRequest {
        reason: " ".into(),
        ..word(id, Party::Tax, State::Disputed)
    });
    scene
        .refuses(silent, invalid, "malformed-text", "reason")
        .await;
}

async fn our_own_figures_answer_a_finding_or_do_not(scene: Scene) {
    let employer = |category: &str, theirs: &str| Finding {
        category: category.into(),
        theirs: theirs.into(),
        ..under_counted(&scene, 0)
    };
    let cases = [
        (employer("E-UNDERCOUNT", "1"), State::Matched),
        (employer("E-OVERCOUNT", "1"), State::Mismatched),
        (
            employer("E-UNDERFUND", "999999999999999"),
            State::Mismatched,
        ),
        (employer("E-NOTREG", ""), State::Matched),
        (employer("E-STATUS-TAX", "closed"), State::Mismatched),
        (employer("E-STATUS-SI", "working"), State::Matched),
        // an address is not what the registry can look at
        (employer("E-ADDR", "Hà Nội"), State::Notified),
        (uninsured(&scene, 0), State::Matched),
    ];
    let findings = cases.iter().map(|(finding, _)| finding.clone()).collect();
    let noted = note(&scene, "m-1", findings).await;
    let looked = look(&scene, "look").await;
    assert_eq!(
        (looked.checked, looked.matched, looked.mismatched),
        (8, 4, 3)
    );
    for (id, (finding, wanted)) in noted.ids.iter().zip(cases) {
        let stands = *states(&scene, id).await.last().unwrap();
        assert_eq!(stands, wanted, "{}", finding.category);
    }
    assert_eq!(look(&scene, "look").await, looked, "the same key");
    let again = look(&scene, "look again").await;
    assert_eq!((again.checked, again.matched, again.mismatched), (8, 0, 0));
}

async fn a_figure_is_answered_by_what_was_tolerated_when_it_was_found(scene: Scene) {
    let asked = GetParticipationRequest {
        context: Some(context("tax", "participation")),
        tax_code: scene.marks.employer.mst.clone(),
        period: scene.marks.period.clone(),
        ..GetParticipationRequest::default()
    };
    let month = scene.insurance.participation(soon(), asked).await.unwrap();
    let (fund, people) = (month.fund_vnd, i64::from(month.participants));
    let finding = |category: &str, theirs: i64, (tolerated, tolerated_bp): (i64, u32)| Finding {
        category: category.into(),
        theirs: theirs.to_string(),
        tolerated,
        tolerated_bp,
        ..under_counted(&scene, 0)
    };
    // one in a hundred of the larger figure, which is theirs
    let more = fund * 100 / 99;
    for (nth, (finding, wanted)) in [
        (
            finding("E-UNDERFUND", fund + 5_000, (4_999, 0)),
            State::Mismatched,
        ),
        (
            finding("E-UNDERFUND", fund + 5_000, (5_000, 0)),
            State::Matched,
        ),
        (finding("E-UNDERFUND", more, (0, 99)), State::Mismatched),
        (finding("E-UNDERFUND", more, (0, 101)), State::Matched),
        (
            finding("E-OVERFUND", fund - 5_000, (4_999, 0)),
            State::Mismatched,
        ),
        (
            finding("E-OVERFUND", fund - 5_000, (5_000, 0)),
            State::Matched,
        ),
        (
            finding("E-UNDERCOUNT", people + 2, (1, 0)),
            State::Mismatched,
        ),
        (finding("E-UNDERCOUNT", people + 2, (2, 0)), State::Matched),
        (finding("E-OVERCOUNT", people - 1, (1, 0)), State::Matched),
    ]
    .into_iter()
    .enumerate()
    {
        let run = format!("m-{nth}");
        let noted = note(&scene, &run, vec![finding.clone()]).await;
        let kept = file(&scene, &noted.ids[0]).await.discrepancy.unwrap();
        assert_eq!(kept.finding, Some(finding.clone()), "the newest tolerance");
        look(&scene, &format!("look-{nth}")).await;
        let stands = *states(&scene, &noted.ids[0]).await.last().unwrap();
        assert_eq!(stands, wanted, "{nth}: {}", finding.category);
    }
}

async fn what_comes_to_its_term_expires_and_what_matched_is_settled(scene: Scene) {
    let silent = Finding {
        category: "E-ADDR".into(),
        ..under_counted(&scene, 0)
    };
    let counted = under_counted(&scene, 1);
    let noted = note(&scene, "m-1", vec![silent, counted]).await;
    look(&scene, "before").await;
    scene.time.pass(60 * 86_400);
    let looked = look(&scene, "after").await;
    assert_eq!((looked.checked, looked.expired, looked.settled), (2, 1, 1));
    let expired = states(&scene, &noted.ids[0]).await;
    assert_eq!(expired, [State::Notified, State::Expired]);
    let settled = states(&scene, &noted.ids[1]).await;
    assert_eq!(settled, [State::Notified, State::Matched, State::Settled]);
    assert_eq!(look(&scene, "nothing is open").await.checked, 0);
}

async fn discrepancies_are_listed_newest_first_in_pages(scene: Scene) {
    let findings: Vec<_> = (0..3).map(|nth| uninsured(&scene, nth)).collect();
    let mut newest_first = note(&scene, "m-1", findings).await.ids;
    newest_first.extend(
        note(&scene, "m-2", vec![under_counted(&scene, 900)])
            .await
            .ids,
    );
    newest_first.rotate_right(1);
    newest_first[1..].reverse();
    let ask = |asked: ListDiscrepanciesRequest| {
        let request = ListDiscrepanciesRequest {
            context: Some(context("vss", "list")),
            max: 2,
            ..asked
        };
        let call = scene.insurance.discrepancies(soon(), request);
        async { ids(call.await.unwrap().discrepancies) }
    };
    let first = ask(ListDiscrepanciesRequest::default()).await;
    assert_eq!(first, newest_first[..2]);
    let next = ask(ListDiscrepanciesRequest {
        before: first[1].clone(),
        ..ListDiscrepanciesRequest::default()
    });
    assert_eq!(next.await, newest_first[2..]);
    let of_one = ask(ListDiscrepanciesRequest {
        partner: "tax".into(),
        tax_code: scene.marks.employer.mst.clone(),
        category: "E-UNDERCOUNT".into(),
        period: scene.marks.period.clone(),
        ..ListDiscrepanciesRequest::default()
    });
    assert_eq!(of_one.await, newest_first[..1]);
    say(&scene, &newest_first[0], Party::Tax, State::Disputed).await;
    for (state, wanted) in [(State::Disputed, &newest_first[..1]), (State::Settled, &[])] {
        let so = ask(ListDiscrepanciesRequest {
            state: state.into(),
            ..ListDiscrepanciesRequest::default()
        });
        assert_eq!(so.await, wanted);
    }
    let other = ask(ListDiscrepanciesRequest {
        partner: "portal".into(),
        ..ListDiscrepanciesRequest::default()
    });
    assert!(other.await.is_empty());
}

fn ids(found: Vec<Discrepancy>) -> Vec<String> {
    found.into_iter().map(|one| one.id).collect()
}

async fn malformed_findings_are_refused_and_keep_nothing(scene: Scene) {
    let good = under_counted(&scene, 900);
    assert!(CATEGORIES.contains(&&*good.category));
    let with = |change: fn(&mut Finding)| {
        let mut finding = good.clone();
        change(&mut finding);
        vec![finding]
    };
    let cases = [
        (Vec::new(), "too-many", "findings"),
        (
            vec![good.clone(), good.clone()],
            "finding-twice",
            "findings",
        ),
        (
            with(|one| one.category = "E-OTHER".into()),
            "unknown-code",
            "category",
        ),
        (
            with(|one| one.tax_code = "1".into()),
            "malformed-tax-code",
            "tax_code",
        ),
        (
            with(|one| one.person = "099300000001".into()),
            "malformed-number",
            "person",
        ),
        (
            with(|one| one.category = "P-BASE".into()),
            "malformed-number",
            "person",
        ),
        (with(|one| one.field = "Số".into()), "malformed-id", "field"),
        (
            with(|one| one.ours = "a\nb".into()),
            "malformed-text",
            "ours",
        ),
        (
            with(|one| one.theirs = "a".repeat(1_021)),
            "malformed-text",
            "theirs",
        ),
        (
            with(|one| one.expected_vnd = -1),
            "malformed-number",
            "expected_vnd",
        ),
        (
            with(|one| one.tolerated = -1),
            "malformed-number",
            "tolerated",
        ),
        (
            with(|one| one.tolerated_bp = 10_001),
            "malformed-number",
            "tolerated_bp",
        ),
        (
            with(|one| one.province = "1".into()),
            "malformed-id",
            "province",
        ),
    ];
    for (findings, reason, field) in cases {
        let call = scene
            .insurance
            .note_findings(soon(), found(&scene, "bad", findings));
        scene.refuses(call, FaultCode::Invalid, reason, field).await;
    }
    let month = NoteFindingsRequest {
        period: "2026-13".into(),
        ..found(&scene, "bad", vec![good.clone()])
    };
    let call = scene.insurance.note_findings(soon(), month);
    let invalid = FaultCode::Invalid;
    scene
        .refuses(call, invalid, "malformed-period", "period")
        .await;
    let term = NoteFindingsRequest {
        due_on: "31/12/2026".into(),
        ..found(&scene, "bad", vec![good])
    };
    let call = scene.insurance.note_findings(soon(), term);
    scene
        .refuses(call, invalid, "malformed-date", "due_on")
        .await;
}
