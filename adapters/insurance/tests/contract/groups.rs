//! Groups that the state supports: proven by a certified list or by the civil registry's word, never by an applicant's.

use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{CertifyGroupRequest, GroupMember, PaymentOrder};
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
            "2026-11-23T16:59:59Z",
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

/// Runs every statement of groups once.
pub async fn ask_everything(scene: &Scene) {
    for key in ["plans", "plans again"] {
        let request = CertifyGroupRequest {
            context: Some(context("vss", key)),
            ..list(scene, 3, "near-poor")
        };
        certify(scene, request).await;
    }
}
