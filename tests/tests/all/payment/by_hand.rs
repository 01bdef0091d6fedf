//! The lines of adapters/portal/README.md, run as they stand there: curl and openssl, and nothing of ours in between.

use std::{path::Path, process::Command, time::Duration};

use conformance::payment::{ACCOUNT, SECRET};
use gateway::admin::client;
use gateway_tests::tool::has;
use schemas::{
    date::format_slash,
    proto::admin::{DecideDossierRequest, ListDossiersRequest},
};
use serde_json::Value;

use super::Scene;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/portal/README.md");
const LIMIT: Duration = Duration::from_secs(60);

/// The blocks of shell, in their order: what all need, then one for each step.
fn blocks() -> Vec<String> {
    let text = std::fs::read_to_string(README).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// Runs one step and gives the gateway's answer, the last line that it prints.
async fn run(scene: &Scene, step: usize, more: &[(&str, &str)]) -> Value {
    let blocks = blocks();
    let holder = &scene.house.landmarks.card_holders[0];
    let born = format_slash(holder.birth_date.parse().unwrap());
    let gateway = format!("localhost:{}", scene.house.address().port());
    let callbacks = scene.house.gateway().callbacks().unwrap();
    let callbacks = format!("localhost:{}", callbacks.port());
    let agency = scene.house.layout.agency("portal");
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-eu", "-o", "pipefail", "-c"])
        .arg(format!("{}\n{}", blocks[0], blocks[step]))
        .current_dir(folder.path())
        .env("DIR", agency)
        .envs([
            ("GATEWAY", gateway.as_str()),
            ("CALLBACKS", callbacks.as_str()),
            ("NAME", holder.name.as_str()),
            ("PIN", holder.pin.as_str()),
            ("SI", holder.si_number.as_str()),
            ("CARD", holder.card_number.as_str()),
            ("BORN", born.as_str()),
            ("ACCOUNT", ACCOUNT),
            ("SECRET", SECRET),
        ])
        .envs(more.iter().copied());
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = ran.await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "step {step}: {said} {errors}");
    let line = said.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {said} {errors}"))
}

fn code(answer: &Value) -> String {
    let code = answer["MaHoSo"].as_str();
    code.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// An officer asks for a paper, once the dossier waits.
async fn ask_for_a_paper(scene: &Scene, code: &str) {
    let admin = scene.house.gateway().admin();
    let step = loop {
        let listed = client::dossiers(admin, ListDossiersRequest {})
            .await
            .unwrap();
        match listed.dossiers.iter().find(|one| one.code == code) {
            Some(waiting) => break waiting.step,
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let said = DecideDossierRequest {
        code: code.to_owned(),
        step,
        decision: "supplement".to_owned(),
        told: "Thiếu bản sao giấy khai sinh".to_owned(),
        days: 5,
        paid: String::new(),
        who: "an.operator".to_owned(),
        why: "read".to_owned(),
        ..DecideDossierRequest::default()
    };
    client::decide_dossier(admin, said).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_the_readme_runs_as_it_stands_there() {
    if !["bash", "curl", "openssl", "xxd"].into_iter().all(has) {
        return;
    }
    assert!(Path::new(README).exists());
    let scene = Scene::with_callbacks().await;
    let portal = scene.house.portal.clone().unwrap();
    let card = run(&scene, 1, &[("ID", "0001")]).await;
    let states = [1, 2, 4, 9, 10];
    portal.wait_for(&code(&card), &states, LIMIT).await.unwrap();

    let change = code(&run(&scene, 2, &[("ID", "0002")]).await);
    ask_for_a_paper(&scene, &change).await;
    let of = [("ID", "0003"), ("DOSSIER", change.as_str())];
    let came = run(&scene, 3, &of).await;
    assert_eq!(came["TrangThaiHoSo"], "4", "{came}");
    let back = run(&scene, 4, &of).await;
    assert_eq!(back["TrangThaiHoSo"], "7", "{back}");
    let states = [1, 2, 4, 5, 4, 7];
    portal.wait_for(&change, &states, LIMIT).await.unwrap();

    let order = scene.opened(1, "01/2027").await;
    let told = run(
        &scene,
        5,
        &[
            ("ID", "0004"),
            ("DOSSIER", order.dossier.as_str()),
            ("REFERENCE", order.reference.as_str()),
            ("VND", &order.vnd.to_string()),
        ],
    )
    .await;
    assert_eq!(told["TrangThaiGD"], "1", "{told}");
    scene.stands(&order.reference, "paid").await;
    assert_eq!(portal.violations(), Vec::<String>::new());
}
