//! A disk that gives a chunk of ours not now is asked again; bytes that are gone, or are not what was written, are set aside.

use super::*;

/// What is listed of the parcels of this subject that are not done.
async fn states(scene: &Scene, subject: &str) -> BTreeSet<(String, String)> {
    let request = ListParcelsRequest {
        partner: "tax".to_owned(),
        subject: subject.to_owned(),
        ..ListParcelsRequest::default()
    };
    let listed = client::parcels(scene.house.gateway().admin(), request).await;
    let parcels = listed.unwrap().parcels.into_iter();
    parcels
        .filter(|parcel| parcel.id.ends_with(".1"))
        .map(|parcel| (parcel.state, parcel.reason))
        .collect()
}

/// A month whose first chunk is sent and not receipted as it should be, and where that chunk lies.
async fn begun(scene: &Scene) -> (String, std::path::PathBuf) {
    scene
        .register
        .misbehave(|knobs| knobs.another_receipt = 1_000_000);
    let run = scene.start("ours").await.unwrap();
    let reason = "answer-of-another-subject";
    scene
        .until(reason, |line| line.run == run && line.reason == reason)
        .await;
    let bulk = scene.house.file("bulk").join("tax");
    let chunk = bulk.join(format!("o-{run}")).join("chunk-000001");
    (run, chunk)
}

/// Until the lane is asked again: whoever answered like that is left alone for a minute.
fn a_minute_later(scene: &Scene) {
    scene.house.clock.advance(SignedDuration::from_secs(61));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_gives_nothing_now_is_asked_again_and_bytes_that_are_gone_are_not() {
    for (kind, schedules) in [(Kind::Employer, EMPLOYERS), (Kind::Person, PERSONS)] {
        let scene = Scene::new(&Terms::of(schedules, 100), kind).await;
        // a folder in its place: it opens, and no byte of it can be read
        let (run, chunk) = begun(&scene).await;
        let aside = chunk.with_extension("aside");
        fs::rename(&chunk, &aside).unwrap();
        fs::create_dir(&chunk).unwrap();
        a_minute_later(&scene);
        scene
            .until("unread", |line| line.reason == "chunk-unread")
            .await;
        let found = states(&scene, &format!("sent.tax.{run}")).await;
        for (state, reason) in &found {
            let waits = ["waiting", "leased"].contains(&state.as_str());
            assert!(waits && reason == "chunk-unread", "{found:?}");
        }
        assert!(!found.is_empty());
        scene.register.misbehave(|knobs| knobs.another_receipt = 0);
        fs::remove_dir(&chunk).unwrap();
        fs::rename(&aside, &chunk).unwrap();
        scene
            .until("done", |line| line.run == run && line.state == "done")
            .await;
        assert_eq!(scene.ledger().await, scene.seeded());

        // another month's bytes are none of its own, and none at all never come back
        type Bend = fn(&Path);
        let gone: [Bend; 2] = [
            |chunk| fs::write(chunk, b"no block of ours").unwrap(),
            |chunk| fs::remove_file(chunk).unwrap(),
        ];
        for bend in gone {
            let (run, chunk) = begun(&scene).await;
            bend(&chunk);
            a_minute_later(&scene);
            let reason = "chunk-bytes-lost";
            scene
                .until(reason, |line| line.run == run && line.reason == reason)
                .await;
            let subject = format!("sent.tax.{run}");
            let found = states(&scene, &subject).await;
            assert_eq!(found, [("poison".to_owned(), reason.to_owned())].into());
            scene.cancel(&run, &subject).await;
        }
    }
}
