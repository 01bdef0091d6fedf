//! A summary that finds more than can be found in what was sent is not believed, and no page of it is fetched.

use super::*;

/// How a month ends whose summary says this, and how often a page was asked for; nothing of it is noted.
async fn ends(scene: &Scene, category: &'static str, count: u64) -> (String, u32) {
    let before = scene.ledger().await;
    scene
        .register
        .misbehave(|knobs| knobs.misstate_count = Some((category, count)));
    let run = scene.start("ours").await.unwrap();
    let line = scene
        .until("over", |line| line.run == run && line.percent == 100)
        .await;
    assert_eq!(line.state, "refused", "{category} {count}");
    assert_eq!(scene.ledger().await, before, "{category} {count}");
    let pages = scene.register.sent_month(&run).unwrap().pages;
    (line.reason, pages)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_of_more_than_can_be_found_is_over_before_a_page_is_fetched() {
    let scene = Scene::new(&Terms::of(EMPLOYERS, 100), Kind::Employer).await;
    let run = scene.start("ours").await.unwrap();
    scene
        .until("done", |line| line.run == run && line.state == "done")
        .await;
    let month = scene.register.sent_month(&run).unwrap();
    let records: u64 = month.chunks.iter().map(|chunk| chunk.records).sum();
    assert!(records > 0 && month.pages > 1, "{month:?}");

    // of what both have at most two for each record; of what they alone have ten, and a million beside
    let beyond = ("more-findings-than-records".to_owned(), 0);
    let strangers = records * 10 + 1_000_000;
    for (category, most) in [("E-NAME", records * 2), ("E-NOTREG", strangers)] {
        assert_eq!(ends(&scene, category, most + 1).await, beyond, "{category}");
        // as many as that may be: the pages are asked for, and have not got them
        let (reason, pages) = ends(&scene, category, most).await;
        assert_eq!(reason, "page-empty", "{category}");
        assert!(pages > month.pages, "{category}: {pages}");
    }
    assert_eq!(scene.ledger().await, scene.seeded());
}
