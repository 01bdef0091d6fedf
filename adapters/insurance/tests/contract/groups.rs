//! Groups that the state supports: proven by a certified list or by the civil registry's word, never by an applicant's.

use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    CertifyGroupRequest, GroupMember, LeaseRequest, PaymentOrder, TakeBackGroupRequest,
    change::What,
};
use serde_json::json;

use crate::over_both;
use crate::payments::{entry, household, opened, quoted, said, show, voluntary};
use crate::scene::{Scene, context, soon};

over_both! {
    a_certified_list_lowers_what_voluntary_insurance_costs_and_the_page_names_it
    a_list_counts_on_its_days_alone_and_no_quote_outlives_it
    an_ethnic_minority_is_known_from_the_civil_registry
    a_near_poor_member_of_a_household_pays_the_rest_and_it_is_booked_so
    nobody_pays_what_the_state_pays
    what_an_applicant_says_of_their_group_is_no_field
    a_list_is_kept_whole_or_not_at_all_and_the_same_again_changes_nothing
    a_list_that_is_taken_back_counts_until_then_and_a_corrected_one_takes_its_place
    whoever_is_taken_off_a_list_from_its_first_day_was_never_on_it
    a_list_is_taken_back_whole_or_not_at_all
    whoever_is_told_to_be_supported_is_named_beside_the_page_and_nobody_else_is
}

const DECISION: &str = "QĐ 12/QĐ-UBND";

/// The first holder's list, or another's, for this year.
fn list(scene: &Scene, holder: usize, group: &str) -> CertifyGroupRequest {
    let holder = &scene.marks.card_holders[holder];
    CertifyGroupRequest {
        context: Some(context("vss", &format!("{group}/{}", holder.pin))),
        decision: DECISION.into(),
        group: group.into(),
        from: "2026-01-01".into(),
        to: "2026-12-31".into(),
        members: vec![GroupMember {
            number: holder.pin.clone(),
            name: holder.name.clone(),
        }],
        who: "an.officer".into(),
        why: "the commune's list".into(),
    }
}

async fn certify(scene: &Scene, request: CertifyGroupRequest) -> u32 {
    let done = scene.insurance.certify_group(soon(), request).await;
    done.unwrap().certified
}

/// Everybody is Kinh but whom a test makes another.
fn ethnicity(scene: &Scene, holder: usize, code: &str) {
    let text = format!(
        "UPDATE people SET ethnicity = '{code}' WHERE id = (SELECT person FROM numbers WHERE number = ?)"
    );
    scene.change(&text, &scene.marks.card_holders[holder].si_number);
}

/// One month of 3,000,000.
async fn month(scene: &Scene, n: u32, from: &str) -> PaymentOrder {
    quoted(scene, voluntary(scene, n, from, 1)).await
}

async fn a_certified_list_lowers_what_voluntary_insurance_costs_and_the_page_names_it(
    scene: Scene,
) {
    ethnicity(&scene, 0, "01");
    let others = month(&scene, 1, "01/2027").await;
    assert_eq!(others.vnd, 660_000 - 66_000);
    assert!(!others.page.contains("chứng nhận"), "{}", others.page);
    assert_eq!(certify(&scene, list(&scene, 0, "near-poor")).await, 1);
    let near_poor = month(&scene, 2, "02/2027").await;
    assert_eq!(near_poor.vnd, 660_000 - 132_000);
    for part in [
        "Nhà nước hỗ trợ (hộ cận nghèo), tính trên chuẩn hộ nghèo nông thôn",
        "1.500.000 đ × 22 % × 40 % × 1 tháng = − 132.000 đ",
        "Decree 159/2025/NĐ-CP",
        "Danh sách đã chứng nhận: QĐ 12/QĐ-UBND",
    ] {
        assert!(
            near_poor.page.contains(part),
            "{part} in\n{}",
            near_poor.page
        );
    }
    // of two groups the better one, once
    assert_eq!(certify(&scene, list(&scene, 0, "poor")).await, 1);
    assert_eq!(month(&scene, 3, "03/2027").await.vnd, 660_000 - 165_000);
    // an order that was told before stays what it was
    assert_eq!(
        show(&scene, &others.reference).await.order.unwrap().vnd,
        others.vnd
    );
}

async fn a_list_counts_on_its_days_alone_and_no_quote_outlives_it(scene: Scene) {
    ethnicity(&scene, 0, "01");
    for (n, from, to, vnd, until) in [
        (
            1,
            "2026-01-01",
            "2026-11-22",
            594_000,
            "2026-11-30T16:59:59Z",
        ),
        (
            2,
            "2026-11-24",
            "2026-12-31",
            594_000,
            "2026-11-30T16:59:59Z",
        ),
        (
            3,
            "2026-11-23",
            "2026-11-23",
            495_000,
            "2026-11-23T16:59:59Z",
        ),
        (
            4,
            "2026-11-23",
            "2026-11-26",
            495_000,
            // two lists of one group: the longer one proves it still
            "2026-11-26T16:59:59Z",
        ),
    ] {
        let request = CertifyGroupRequest {
            context: Some(context("vss", &format!("list-{n}"))),
            decision: format!("QĐ {n}"),
            from: from.into(),
            to: to.into(),
            ..list(&scene, 0, "poor")
        };
        assert_eq!(certify(&scene, request).await, 1);
        let order = month(&scene, n, &format!("{n:02}/2027")).await;
        assert_eq!((order.vnd, &*order.valid_until), (vnd, until), "{n}");
    }
}

async fn an_ethnic_minority_is_known_from_the_civil_registry(scene: Scene) {
    for (n, code, vnd) in [(1, "02", 561_000), (2, "55", 594_000), (3, "01", 594_000)] {
        ethnicity(&scene, 0, code);
        let order = month(&scene, n, &format!("{n:02}/2027")).await;
        assert_eq!(order.vnd, vnd, "{code}");
    }
}

async fn a_near_poor_member_of_a_household_pays_the_rest_and_it_is_booked_so(scene: Scene) {
    certify(&scene, list(&scene, 1, "near-poor")).await;
    let order = opened(&scene, household(&scene, 1)).await;
    assert_eq!(order.vnd, 341_550 + 239_085 - 167_358);
    assert!(
        order
            .page
            .contains("Nhà nước hỗ trợ thành viên thứ 2 (hộ cận nghèo)"),
        "{}",
        order.page
    );
    assert!(entry(&scene, said(&order, "GD-1")).await.booked);
    let booked: Vec<i64> = show(&scene, &order.reference)
        .await
        .bookings
        .iter()
        .map(|line| line.vnd)
        .collect();
    assert_eq!(booked, [341_550, 239_085 - 167_358]);
}

async fn nobody_pays_what_the_state_pays(scene: Scene) {
    certify(&scene, list(&scene, 1, "poor")).await;
    let request = household(&scene, 1);
    let call = scene.insurance.submit_dossier(soon(), request);
    scene
        .refuses(call, RuleRefused, "paid-by-the-state", "form")
        .await;
}

async fn what_an_applicant_says_of_their_group_is_no_field(scene: Scene) {
    for name in ["NhomHoTro", "HoNgheo", "group"] {
        let mut request = voluntary(&scene, 1, "01/2027", 1);
        let mut form: serde_json::Value = serde_json::from_str(&request.form).unwrap();
        form[name] = json!("poor");
        request.form = form.to_string();
        let call = scene.insurance.submit_dossier(soon(), request);
        scene.refuses(call, Invalid, "unknown-field", "form").await;
    }
}

type Bend = fn(&mut CertifyGroupRequest);

const BENT: &[(FaultCode, &str, &str, Bend)] = &[
    (Invalid, "missing", "decision", |r| r.decision = " ".into()),
    (Invalid, "malformed-text", "decision", |r| {
        r.decision = "QĐ\n12".into()
    }),
    (Invalid, "missing", "who", |r| r.who.clear()),
    (Invalid, "missing", "why", |r| r.why.clear()),
    (Invalid, "unknown-code", "group", |r| {
        r.group = "rich".into()
    }),
    // known from the civil registry alone
    (Invalid, "unknown-code", "group", |r| {
        r.group = "minority".into()
    }),
    (Invalid, "malformed-date", "from", |r| {
        r.from = "2026".into()
    }),
    (Invalid, "malformed-date", "to", |r| r.to.clear()),
    (Invalid, "span-backwards", "to", |r| {
        r.to = "2025-12-31".into()
    }),
    (Invalid, "span-too-long", "to", |r| {
        r.to = "2031-01-02".into()
    }),
    (Invalid, "missing", "members", |r| r.members.clear()),
    (Invalid, "too-many", "members", |r| {
        r.members = vec![r.members[0].clone(); 1_001]
    }),
    (Invalid, "malformed-number", "members", |r| {
        r.members[1].number = "99".into()
    }),
    (Invalid, "malformed-pin", "members", |r| {
        r.members[1].number = "000000000000".into()
    }),
    (UnknownSubject, "unknown-person", "members", |r| {
        r.members[1].number = "9999999999".into()
    }),
    (RuleRefused, "not-the-holder", "members", |r| {
        r.members[1].name = "Ai Đó Khác".into()
    }),
    (RuleRefused, "not-the-holder", "members", |r| {
        r.members[1].number = r.members[0].number.clone()
    }),
];

async fn a_list_is_kept_whole_or_not_at_all_and_the_same_again_changes_nothing(scene: Scene) {
    let other = &scene.marks.card_holders[1];
    let two = |key: &str| {
        let mut request = list(&scene, 0, "near-poor");
        request.context = Some(context("vss", key));
        request.members.push(GroupMember {
            number: other.si_number.clone(),
            name: other.name.to_uppercase(),
        });
        request
    };
    for (n, (code, reason, field, bend)) in (0..).zip(BENT) {
        let mut request = two(&format!("bent-{n}"));
        bend(&mut request);
        let call = scene.insurance.certify_group(soon(), request);
        scene.refuses(call, *code, reason, field).await;
    }
    assert_eq!(certify(&scene, two("whole")).await, 2);
    let kept = scene.fingerprint().await;
    assert_eq!(certify(&scene, two("whole")).await, 2, "the stored answer");
    assert_eq!(certify(&scene, two("again")).await, 0);
    assert_eq!(scene.fingerprint().await, kept);
    let longer = CertifyGroupRequest {
        to: "2027-12-31".into(),
        ..two("longer")
    };
    let call = scene.insurance.certify_group(soon(), longer);
    scene
        .refuses(call, Conflict, "list-has-other-facts", "decision")
        .await;
    let of = "(SELECT person FROM numbers WHERE number = ?)";
    let text = format!("UPDATE people SET died_on = '2026-11-20' WHERE id = {of}");
    scene.change(&text, &other.si_number);
    let dead = CertifyGroupRequest {
        decision: "QĐ 13".into(),
        ..two("dead")
    };
    let call = scene.insurance.certify_group(soon(), dead);
    scene
        .refuses(call, RuleRefused, "person-is-dead", "members")
        .await;
}

/// Everybody on the list, or those of these members.
fn end(scene: &Scene, key: &str, from: &str, holders: &[usize]) -> TakeBackGroupRequest {
    let member = |holder: &usize| list(scene, *holder, "near-poor").members.remove(0);
    TakeBackGroupRequest {
        context: Some(context("vss", key)),
        decision: DECISION.into(),
        group: "near-poor".into(),
        from: from.into(),
        by: "QĐ 99/QĐ-UBND".into(),
        members: holders.iter().map(member).collect(),
        who: "an.officer".into(),
        why: "the commune's correction".into(),
    }
}

async fn take_back(scene: &Scene, request: TakeBackGroupRequest) -> u32 {
    let done = scene.insurance.take_back_group(soon(), request).await;
    done.unwrap().ended
}

async fn a_list_that_is_taken_back_counts_until_then_and_a_corrected_one_takes_its_place(
    scene: Scene,
) {
    ethnicity(&scene, 0, "01");
    certify(&scene, list(&scene, 0, "near-poor")).await;
    let before = month(&scene, 1, "01/2027").await;
    assert_eq!(before.vnd, 528_000);
    assert_eq!(
        take_back(&scene, end(&scene, "end", "2026-11-25", &[])).await,
        1
    );
    // it counts today, and no quote outlives its last day
    let last = month(&scene, 2, "02/2027").await;
    assert_eq!(
        (last.vnd, &*last.valid_until),
        (528_000, "2026-11-24T16:59:59Z")
    );
    let kept = scene.fingerprint().await;
    assert_eq!(
        take_back(&scene, end(&scene, "end", "2026-11-25", &[])).await,
        1
    );
    assert_eq!(
        take_back(&scene, end(&scene, "again", "2026-11-25", &[0])).await,
        0
    );
    assert_eq!(scene.fingerprint().await, kept);
    for (key, from, by) in [
        ("day", "2026-11-24", "QĐ 99/QĐ-UBND"),
        ("by", "2026-11-25", "QĐ 98"),
    ] {
        let request = TakeBackGroupRequest {
            by: by.into(),
            ..end(&scene, key, from, &[])
        };
        let call = scene.insurance.take_back_group(soon(), request);
        scene
            .refuses(call, Conflict, "list-has-other-facts", "decision")
            .await;
    }
    scene.time.pass(2 * 86_400);
    assert_eq!(month(&scene, 3, "03/2027").await.vnd, 594_000);
    // what was quoted stays what it was
    assert_eq!(
        show(&scene, &before.reference).await.order.unwrap().vnd,
        528_000
    );
    let corrected = CertifyGroupRequest {
        context: Some(context("vss", "corrected")),
        decision: "QĐ 99/QĐ-UBND".into(),
        ..list(&scene, 0, "poor")
    };
    certify(&scene, corrected).await;
    assert_eq!(month(&scene, 4, "04/2027").await.vnd, 495_000);
}

async fn whoever_is_taken_off_a_list_from_its_first_day_was_never_on_it(scene: Scene) {
    ethnicity(&scene, 0, "01");
    let mut both = list(&scene, 0, "near-poor");
    both.members.extend(list(&scene, 1, "near-poor").members);
    assert_eq!(certify(&scene, both).await, 2);
    // a person may be taken off after their death
    let of = "(SELECT person FROM numbers WHERE number = ?)";
    let text = format!("UPDATE people SET died_on = '2026-11-20' WHERE id = {of}");
    scene.change(&text, &scene.marks.card_holders[1].si_number);
    let wrong = end(&scene, "wrong from the start", "2025-06-01", &[0, 1]);
    assert_eq!(take_back(&scene, wrong).await, 2);
    let order = month(&scene, 1, "01/2027").await;
    assert_eq!(order.vnd, 594_000);
    assert!(!order.page.contains("chứng nhận"), "{}", order.page);
}

type BendEnd = fn(&mut TakeBackGroupRequest);

const BENT_ENDS: &[(FaultCode, &str, &str, BendEnd)] = &[
    (Invalid, "missing", "decision", |r| r.decision.clear()),
    (Invalid, "missing", "by", |r| r.by = " ".into()),
    (Invalid, "missing", "who", |r| r.who.clear()),
    (Invalid, "missing", "why", |r| r.why.clear()),
    (Invalid, "unknown-code", "group", |r| {
        r.group = "minority".into()
    }),
    (Invalid, "malformed-date", "from", |r| r.from.clear()),
    (Invalid, "span-backwards", "from", |r| {
        r.from = "2027-01-01".into()
    }),
    (Invalid, "too-many", "members", |r| {
        r.members = vec![r.members[0].clone(); 1_001]
    }),
    (UnknownSubject, "unknown-list", "decision", |r| {
        r.members.clear();
        r.decision = "QĐ 13".into();
    }),
    (UnknownSubject, "unknown-list", "decision", |r| {
        r.members.clear();
        r.group = "poor".into();
    }),
    (UnknownSubject, "unknown-person", "members", |r| {
        r.members[0].number = "9999999999".into()
    }),
    (RuleRefused, "not-the-holder", "members", |r| {
        r.members[0].name = "Ai Đó Khác".into()
    }),
];

async fn a_list_is_taken_back_whole_or_not_at_all(scene: Scene) {
    certify(&scene, list(&scene, 0, "near-poor")).await;
    for (n, (code, reason, field, bend)) in (0..).zip(BENT_ENDS) {
        let mut request = end(&scene, &format!("bent-{n}"), "2026-11-25", &[0]);
        bend(&mut request);
        let call = scene.insurance.take_back_group(soon(), request);
        scene.refuses(call, *code, reason, field).await;
    }
    let request = end(&scene, "one is not on it", "2026-11-25", &[0, 1]);
    let call = scene.insurance.take_back_group(soon(), request);
    scene
        .refuses(call, UnknownSubject, "not-on-the-list", "members")
        .await;
}

async fn whoever_is_told_to_be_supported_is_named_beside_the_page_and_nobody_else_is(scene: Scene) {
    certify(&scene, list(&scene, 1, "near-poor")).await;
    ethnicity(&scene, 0, "01");
    let others = month(&scene, 7, "01/2027").await;
    assert_eq!(others.vnd, 594_000, "everybody's part");
    let told = show(&scene, &others.reference).await.supported;
    assert_eq!(told, Vec::<String>::new());
    let order = opened(&scene, household(&scene, 1)).await;
    let second = scene.marks.card_holders[1].si_number.clone();
    let shown = show(&scene, &order.reference).await;
    assert_eq!(shown.supported, [second.as_str()]);
    let request = LeaseRequest {
        owner: "test".into(),
        max: 100,
        lease_seconds: 60,
    };
    let changes = scene
        .insurance
        .lease(soon(), request)
        .await
        .unwrap()
        .changes;
    let told = changes.into_iter().filter_map(|change| match change.what {
        Some(What::Dossier(step)) => Some(step),
        _ => None,
    });
    for step in told {
        let is_told = step.text.contains("hộ cận nghèo");
        let expected = if is_told {
            vec![second.clone()]
        } else {
            Vec::new()
        };
        assert_eq!(step.supported, expected, "{}", step.text);
    }
}

/// Runs every statement of groups once.
pub async fn ask_everything(scene: &Scene) {
    for key in ["plans", "plans again"] {
        let request = CertifyGroupRequest {
            context: Some(context("vss", key)),
            ..list(scene, 3, "near-poor")
        };
        certify(scene, request).await;
    }
    take_back(scene, end(scene, "plans end", "2026-11-25", &[3])).await;
    take_back(scene, end(scene, "plans end all", "2026-11-25", &[])).await;
}
