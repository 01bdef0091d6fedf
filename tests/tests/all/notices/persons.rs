//! What civil status corrects of a person is told to the tax department, once, whatever is lost, and no more than is agreed.

use conformance::taxpayer::PersonTold;
use gateway_tests::message::Birth;
use serde_json::{Value, json};

use super::*;
use crate::civil::{correction, say, send};

fn agreed(fields: &str) -> String {
    format!("{AGREED}[agreements.operations.\"taxpayer.person-notice\"]\nfields = [{fields}]\n")
}

impl Scene {
    /// A child is born, and the department watches.
    async fn child(&self) -> Birth {
        self.watched().await;
        let birth = Birth::new(self.house.now(), &self.house.landmarks, 0);
        send(&self.house, &birth).await;
        birth
    }

    async fn correct(&self, birth: &Birth, nth: u32, facts: Value) {
        let case = format!("G22.99.10-261123-{nth:06}");
        let message = correction(&self.house, birth, &case, facts);
        say(&self.house, message).await.assert_ok();
    }

    /// Waits until the department holds so many, in the order in which they came.
    async fn told(&self, many: usize) -> Vec<(String, PersonTold)> {
        let started = Instant::now();
        loop {
            let mut all: Vec<_> = self.register.persons().into_iter().collect();
            if all.len() >= many {
                all.sort_by_key(|(_, told)| told.nth);
                assert_eq!(all.len(), many, "{all:#?}");
                return all;
            }
            assert!(started.elapsed() < AT_MOST, "{many} never came: {all:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_told_once_through_losses_a_kill_and_a_loss_over_there() {
    let (tape, mut scene) = (
        tape(),
        Scene::with(&agreed("\"name\", \"pin\", \"sex\""), WATCHES).await,
    );
    let birth = scene.child().await;
    scene.register.misbehave(|knobs| {
        knobs.drop_replies = 2;
        knobs.server_errors = 1;
    });
    scene
        .correct(&birth, 1, json!({ "nksHoTen": "Trần Hoà Giang" }))
        .await;
    scene.house.kill().await;
    scene.house.open().await;
    // the same again, and one of the mother alone: nothing that the department is told
    scene
        .correct(&birth, 1, json!({ "nksHoTen": "Trần Hoà Giang" }))
        .await;
    scene
        .correct(&birth, 2, json!({ "meHoTen": "Trần Thị Khác" }))
        .await;
    let told = scene.told(1).await;
    let (id, first) = &told[0];
    assert_eq!(first.pin, birth.pin);
    assert_eq!(first.name.as_deref(), Some("Trần Hoà Giang"));
    assert_eq!(
        (&first.new_pin, &first.birth_date, &first.sex),
        (&None, &None, &None)
    );
    assert!(!id.contains(&birth.pin), "a PIN in an id");
    let started = Instant::now();
    loop {
        let shown = client::parcel(scene.house.gateway().admin(), id).await;
        if shown.is_ok_and(|shown| shown.parcel.is_some_and(|one| one.receipt > 0)) {
            break;
        }
        assert!(started.elapsed() < AT_MOST, "no receipt");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.asked_anew().await;
    assert_eq!(scene.told(1).await, told, "once");
    // what it loses is found by asking, and told again under the same id
    assert!(scene.register.forget_notice(id));
    assert_eq!(&scene.told(1).await[0].0, id);
    assert_eq!(scene.register.violations(), Vec::<String>::new());
    assert!(!tape.everything().contains(&birth.pin), "a PIN in the log");
    assert!(!scene.house.gateway().metrics().text().contains(&birth.pin));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_is_not_told_and_without_an_agreement_nothing_is() {
    for operations in [agreed("\"birthDate\""), AGREED.to_owned()] {
        let scene = Scene::with(&operations, WATCHES).await;
        let birth = scene.child().await;
        scene
            .correct(&birth, 1, json!({ "nksHoTen": "Trần Hoà Giang" }))
            .await;
        scene.asked_anew().await;
        assert_eq!(scene.register.persons().len(), 0, "{operations}");
        assert_eq!(scene.register.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_a_correction_is_told_too() {
    let in_json = format!("form = \"json\"\n{WATCHES}");
    let scene = Scene::with(&agreed("\"name\""), &in_json).await;
    let birth = scene.child().await;
    scene
        .correct(&birth, 1, json!({ "nksHoTen": "Trần Hoà Giang" }))
        .await;
    let told = scene.told(1).await;
    assert_eq!(told[0].1.name.as_deref(), Some("Trần Hoà Giang"));
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}
