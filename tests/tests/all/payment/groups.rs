//! A certified list comes through the operators' listener, and the next quote follows it.

use std::time::Duration;

use gateway::admin::client;
use jiff::ToSpan as _;
use schemas::{
    date::day_in_viet_nam,
    proto::admin::{
        AccessLine, AccessRequest, CertifyGroupRequest, GroupMember, ShowPaymentRequest,
        TakeBackGroupRequest,
    },
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
    // the page tells a group: to whoever says why, and to nobody else
    assert_eq!(scene.shown(&after.reference).await.unwrap().page, "");
    assert_ne!(scene.shown(&before.reference).await.unwrap().page, "");
    let request = ShowPaymentRequest {
        reference: after.reference.clone(),
        who: "an.officer".to_owned(),
        why: "the applicant asks".to_owned(),
    };
    let page = client::payment(admin, request).await.unwrap().page;
    assert!(
        page.contains("Danh sách đã chứng nhận: QĐ 12/QĐ-UBND"),
        "{page}"
    );
    let told = scene.house.portal.clone().unwrap();
    told.wait_for(&after.dossier, &[1, 2, 4, 6], Duration::from_secs(30))
        .await
        .unwrap();
    let rows = accesses(&scene, &holder.si_number).await;
    let of_page = ("an.officer", "the applicant asks");
    let looked = rows
        .iter()
        .filter(|row| (&*row.operator, &*row.why) == of_page);
    assert_eq!(looked.count(), 1);
    let groups: Vec<_> = rows
        .iter()
        .filter(|row| row.fields == "group")
        .map(|row| (&*row.partner, &*row.operation))
        .collect();
    assert_eq!(groups, [("portal", "portal.update-progress")]);

    let end = |decision: &str| TakeBackGroupRequest {
        decision: decision.to_owned(),
        group: "near-poor".to_owned(),
        from: today.to_string(),
        by: "QĐ 13/QĐ-UBND".to_owned(),
        members: Vec::new(),
        who: "an.officer".to_owned(),
        why: "the commune's correction".to_owned(),
    };
    let refused = client::take_back_group(admin, end("QĐ 11")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("unknown-list"), "{refused}");
    for ended in [1, 1] {
        let done = client::take_back_group(admin, end("QĐ 12/QĐ-UBND")).await;
        assert_eq!(done.unwrap().ended, ended, "the stored answer");
    }
    assert_eq!(scene.opened(0, "03/2027").await.vnd, before.vnd);
}

async fn accesses(scene: &Scene, person: &str) -> Vec<AccessLine> {
    let request = AccessRequest {
        person: person.to_owned(),
        who: "an".to_owned(),
        why: "the citizen asks".to_owned(),
        max: 0,
    };
    let found = client::accesses(scene.house.gateway().admin(), request).await;
    found.unwrap().accesses
}
