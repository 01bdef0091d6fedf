//! What stands in the lane of a month that is over is ended with its reason, and what is on its way is not torn.

use schemas::proto::admin::ParcelLine;

use super::*;

impl Scene {
    /// The parcels of a subject that stand so; without a word those that are neither done nor cancelled.
    async fn parcels(&self, subject: &str, state: &str) -> Vec<ParcelLine> {
        let request = ListParcelsRequest {
            partner: "tax".to_owned(),
            subject: subject.to_owned(),
            state: state.to_owned(),
            ..ListParcelsRequest::default()
        };
        let listed = client::parcels(self.house.gateway().admin(), request).await;
        listed.unwrap().parcels
    }

    async fn until_ended(&self, subject: &str) {
        let started = Instant::now();
        loop {
            let open = self.parcels(subject, "").await;
            if open.is_empty() {
                return;
            }
            assert!(started.elapsed() < AT_MOST, "never ended: {open:?}");
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// Why the parcel of this number was ended.
    async fn why(&self, parcel: &str) -> Vec<(String, String, String)> {
        let shown = client::parcel(self.house.gateway().admin(), parcel).await;
        let acts = shown.unwrap().acts.into_iter();
        acts.map(|act| (act.deed, act.who, act.why)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_refused_month_is_ended_with_the_departments_words() {
    // nobody has told the department how to open what is packed
    let mut scene = Scene::that(&Terms::of(EMPLOYERS, 2), Kind::Employer, None).await;
    let run = scene.start("ours").await.unwrap();
    let line = scene.until("over", |line| line.percent == 100).await;
    let reason = "department-refuses: MALFORMED chunk";
    assert_eq!((&*line.state, &*line.reason), ("refused", reason));
    let subject = format!("sent.tax.{run}");
    scene.until_ended(&subject).await;
    let cancelled = scene.parcels(&subject, "cancelled").await;
    assert!(cancelled.len() >= 2, "those behind it: {cancelled:?}");
    let ended = (
        "cancel".to_owned(),
        "lienthong".to_owned(),
        format!("the month is over: {reason}"),
    );
    for parcel in &cancelled {
        assert_eq!(
            scene.why(&parcel.id).await,
            std::slice::from_ref(&ended),
            "{}",
            parcel.id
        );
    }
    // once: whoever comes after a death finds nothing left
    let acts = client::acts(scene.house.gateway().admin(), 1_000)
        .await
        .unwrap()
        .acts
        .len();
    scene.house.kill().await;
    scene.house.open().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = client::acts(scene.house.gateway().admin(), 1_000)
        .await
        .unwrap()
        .acts
        .len();
    assert_eq!(after, acts);
    assert_eq!(scene.register.sent_month(&run).unwrap().taken, 0);
    assert_eq!(scene.line().await.reason, reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_on_its_way_when_its_month_ends_arrives_and_is_receipted() {
    let terms = Terms {
        timeout_ms: 20_000,
        ..Terms::of(EMPLOYERS, 2)
    };
    let scene = Scene::new(&terms, Kind::Employer).await;
    scene
        .register
        .misbehave(|knobs| knobs.delay = Duration::from_secs(3));
    let run = scene.start("ours").await.unwrap();
    let subject = format!("sent.tax.{run}");
    let chunk = |number: u32| format!("{subject}.{number}");
    let started = Instant::now();
    loop {
        let leased = scene.parcels(&subject, "leased").await;
        let waiting = scene.parcels(&subject, "waiting").await;
        let has = |all: &[ParcelLine], number| all.iter().any(|one| one.id == chunk(number));
        if has(&leased, 1) && has(&waiting, 3) {
            break;
        }
        assert!(started.elapsed() < AT_MOST, "never on its way");
        tokio::time::sleep(MOMENT).await;
    }
    // a person ends one behind it, and with it the month
    let request = ActRequest {
        deed: "cancel".to_owned(),
        target: chunk(3),
        who: "an.operator".to_owned(),
        why: "not this month".to_owned(),
        law: String::new(),
    };
    client::act(scene.house.gateway().admin(), request)
        .await
        .unwrap();
    let line = scene.until("over", |line| line.percent == 100).await;
    assert_eq!((&*line.state, &*line.reason), ("refused", "cancelled"));
    let first = scene.parcels(&subject, "leased").await;
    assert_eq!(first.len(), 1, "still on its way: {first:?}");
    scene.until_ended(&subject).await;
    let done: Vec<String> = scene
        .parcels(&subject, "done")
        .await
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(done, [chunk(1), chunk(0)], "it arrived");
    assert_eq!(scene.why(&chunk(1)).await, []);
    let why = scene.why(&chunk(2)).await;
    assert_eq!(
        (&*why[0].1, &*why[0].2),
        ("lienthong", "the month is over: cancelled")
    );
    assert_eq!(scene.register.sent_month(&run).unwrap().taken, 1);
}
