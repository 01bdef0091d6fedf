//! A certified list comes through the operators' listener, and the next quote follows it.

use gateway::admin::client;
use jiff::ToSpan as _;
use schemas::{
    date::day_in_viet_nam,
    proto::admin::{CertifyGroupRequest, GroupMember},
};

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_an_operator_brings_is_in_the_next_quote_and_a_wrong_one_is_in_none() {
    let scene = Scene::start().await;
    let holder = scene.house.landmarks.card_holders[0].clone();
    let today = day_in_viet_nam(scene.house.now());
    let list = |decision: &str, number: &str| CertifyGroupRequest {
        decision: decision.to_owned(),
        group: "near-poor".to_owned(),
        from: today.to_string(),
        to: today.saturating_add(300.days()).to_string(),
        members: vec![GroupMember {
            number: number.to_owned(),
            name: holder.name.clone(),
        }],
        who: "an.officer".to_owned(),
        why: "the commune's list".to_owned(),
    };
    let admin = scene.house.gateway().admin();
    let refused = client::certify_group(admin, list("QĐ 11", "9999999999")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("unknown-person"), "{refused}");
    assert!(!refused.contains(&holder.name), "{refused}");
    let before = scene.opened(0, "01/2027").await;
    assert!(before.vnd > 528_000, "{} đ", before.vnd);
    for certified in [1, 1] {
        let done = client::certify_group(admin, list("QĐ 12/QĐ-UBND", &holder.pin)).await;
        assert_eq!(done.unwrap().certified, certified, "the stored answer");
    }
    let after = scene.opened(0, "02/2027").await;
    assert_eq!(after.vnd, 528_000, "660,000 less 40 % of 22 % of 1,500,000");
    let page = scene.shown(&after.reference).await.unwrap().page;
    assert!(
        page.contains("Danh sách đã chứng nhận: QĐ 12/QĐ-UBND"),
        "{page}"
    );
}
