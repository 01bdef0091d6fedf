//! Whom the platform is told of stands in the ledger of accesses.

use gateway::admin::client;
use schemas::proto::admin::AccessRequest;

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn the_payer_whom_init_names_is_in_the_ledger_of_accesses_and_a_question_names_nobody() {
    let scene = Scene::start().await;
    let order = scene.opened(0, "01/2027").await;
    scene.platform.pay(&order.reference).unwrap().unwrap();
    scene.stands(&order.reference, "paid").await;
    let request = AccessRequest {
        person: scene.house.landmarks.card_holders[0].pin.clone(),
        who: "an".to_owned(),
        why: "the citizen asks".to_owned(),
        max: 0,
    };
    let found = client::accesses(scene.house.gateway().admin(), request).await;
    let found = found.unwrap().accesses;
    let platform = found
        .iter()
        .filter(|line| line.partner == conformance::payment::PARTNER);
    let rows: Vec<_> = platform
        .map(|line| (&*line.operation, &*line.fields))
        .collect();
    assert_eq!(rows, [("payment.init", "name,pin")]);
}
