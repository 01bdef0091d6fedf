//! We as the one who looks into a registry of the DCI kind by the day of registration: what it told and never came is found and becomes
//! one person and one card, whatever is lost and whoever is killed; and what does not fit is told with its reason and changes nothing.

use conformance::crvs::registry::{Mischief, Wrong};
use gateway::admin::client;
use gateway_tests::{
    house::replace,
    message::{
        Notify,
        dci::{CRVS, birth_event, death_event},
    },
    tape::tape,
};
use jiff::ToSpan as _;
use schemas::{
    date::day_in_viet_nam,
    proto::{
        admin::PulledLine,
        insurance::{Context, GetDeathCasesRequest},
    },
};
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use super::{
    dci_follow::{LONG, Scene, section},
    dci_later::FILE,
    dci_search::signed,
};

/// Soon after each other; what else is said stands behind it.
fn pull(more: &str) -> String {
    format!("\n[dci.pull]\nevery_seconds = 1\nagain_seconds = 1\n{more}\n")
}

/// Nobody is subscribed: every birth is known by the pull alone.
async fn alone(more: &str, set: impl FnOnce(&mut Mischief)) -> Scene {
    Scene::start_of(pull(&format!("deaths = false\n{more}")), set).await
}

async fn line(scene: &Scene, event: &str) -> PulledLine {
    let page = client::status(scene.house.gateway().admin()).await;
    let lines = page.unwrap().pulled.into_iter();
    let mut lines = lines.filter(|one| one.event == event);
    lines.next().unwrap_or_default()
}

/// Waits until births are so.
async fn births(scene: &Scene, what: &str, is_so: impl Fn(&PulledLine) -> bool) -> PulledLine {
    until(scene, what, async || {
        let line = line(scene, "live_birth").await;
        is_so(&line).then_some(line)
    })
    .await
}

/// Waits until neither births nor deaths are given, for that reason.
async fn both_busy(scene: &Scene) {
    until(scene, "busy", async || {
        let both = [line(scene, "live_birth").await, line(scene, "death").await];
        let mut reasons = both.iter().map(|line| &*line.reason);
        reasons.all(|reason| reason == "search-busy").then_some(())
    })
    .await;
}

async fn until<T>(scene: &Scene, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            Instant::now() < end,
            "{what}: {:?} {:?} {:?}",
            line(scene, "live_birth").await,
            scene.registry.searched().last(),
            scene.registry.violations(),
        );
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a look that begins from now on has ended, so often.
async fn looks(scene: &Scene, times: usize) {
    for _ in 0..times {
        let before = scene.registry.searched().len();
        let asked = async || (scene.registry.searched().len() > before + 1).then_some(());
        until(scene, "another look", asked).await;
    }
}

/// A birth that was registered so many days ago.
fn registered(scene: &Scene, number: u32, days_ago: i64) -> Value {
    let now = scene.house.now();
    let mut birth = birth_event(now, &scene.house.landmarks, number);
    let day = day_in_viet_nam(now).saturating_sub(days_ago.days());
    birth["data"]["reg_records"][0]["viet_nam"]["registration_date"] = day.to_string().into();
    scene.registry.registers(&birth).unwrap();
    birth
}

/// Their cards, each once.
async fn cards(scene: &Scene, births: &[Value]) -> Vec<String> {
    let mut cards = Vec::new();
    for some in births.chunks(3) {
        cards.extend(scene.cards(some).await);
    }
    cards.sort();
    let all = cards.len();
    cards.dedup();
    assert_eq!(cards.len(), all, "one card for two children");
    cards
}

async fn all_cards(scene: &Scene, births: &[Value]) -> Vec<String> {
    until(scene, "a card each", async || {
        let cards = cards(scene, births).await;
        (cards.len() == births.len()).then_some(cards)
    })
    .await
}

fn day(scene: &Scene, days_ago: i64) -> String {
    let today = day_in_viet_nam(scene.house.now());
    today.saturating_sub(days_ago.days()).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_and_never_came_is_found_and_nothing_is_acted_twice() {
    let sections = format!("{}{}", section(LONG), pull(""));
    // nothing is given before everything was told
    let scene = Scene::start_of(sections, |knobs| knobs.throttle = u32::MAX).await;
    scene.both("stands").await;
    // and every look of before has come to nothing
    both_busy(&scene).await;
    let told = scene.born(70);
    scene.quiet().await;
    scene.registry.misbehave(|knobs| knobs.lose_notices = 3);
    let all = [told, scene.born(71), scene.born(72)];
    assert_eq!(scene.told("notify").len(), 1);
    assert_eq!(cards(&scene, &all).await.len(), 1);

    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    let before = all_cards(&scene, &all).await;
    assert!(before.iter().all(|card| card.starts_with("TE1")));
    // of births and deaths that are lost together either may be found first, and who died before has no card
    births(&scene, "counted", |line| line.found == 2).await;
    let death = death_event(scene.house.now(), &all[2], 72);
    scene.registry.registers(&death).unwrap();
    let number = "dci-D72/2026".to_owned();
    let deaths = async || {
        let request = GetDeathCasesRequest {
            context: Some(Context {
                sender: CRVS.to_owned(),
                ..Context::default()
            }),
            case_ids: vec![number.clone()],
        };
        let insurance = &scene.house.gateway().contract().client;
        let soon = Instant::now() + Duration::from_secs(20);
        let cases = insurance.death_cases(soon, request).await.unwrap().cases;
        cases.into_iter().find(|one| one.known)
    };
    let case = until(&scene, "the death", deaths).await;
    assert_eq!(scene.told("notify").len(), 1);
    until(&scene, "counted", async || {
        (line(&scene, "death").await.found == 1).then_some(())
    })
    .await;
    // looked at again, and told after all, they are what they were
    looks(&scene, 2).await;
    let late = Notify::new(scene.house.now(), &all[1..]);
    let late = signed(&scene.house, &late);
    scene.house.wire(CRVS).send(&late).await.assert_ok();
    assert_eq!(cards(&scene, &all).await, before);
    assert_eq!(deaths().await, Some(case));
    let line = line(&scene, "live_birth").await;
    assert_eq!(
        (line.found, line.rejected, line.reason.as_str()),
        (2, 0, "")
    );
    assert_eq!(line.mark, day(&scene, 0));
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
    for birth in &all {
        let pin = &birth["data"]["reg_records"][0]["identifier"][0]["identifier_value"];
        let pin = pin.as_str().unwrap();
        assert!(!tape().everything().contains(pin), "the log has a number");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_search_holds_no_subscription_nor_anything_else_that_goes_there() {
    let busy = |knobs: &mut Mischief| knobs.throttle = u32::MAX;
    let mut scene = Scene::start_of(pull(""), busy).await;
    both_busy(&scene).await;
    scene.house.kill().await;
    let file = scene.house.file(FILE);
    // one failure that were news of the registry would stop everything
    replace(
        &file,
        "breaker_failures = 1000",
        "breaker_failures = 1\nbreaker_seconds = 3600",
    );
    let follow = section((60, 57, 30, 1));
    replace(&file, "\n[dci.pull]", &format!("{follow}\n[dci.pull]"));
    scene.house.open().await;
    // begun, renewed and ended there, and what is told is taken
    let first = scene.both("stands").await;
    scene
        .until("renewed", async || {
            let lines = scene.lines().await;
            let mut renewed = lines.iter().zip(&first);
            let is_so = renewed.all(|(now, was)| now.state == "stands" && now.code != was.code);
            (is_so && scene.standing().len() == 2).then_some(())
        })
        .await;
    let birth = scene.born(75);
    scene.quiet().await;
    assert_eq!(cards(&scene, &[birth]).await.len(), 1);
    both_busy(&scene).await;
    assert_eq!(scene.registry.searched(), []);
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    births(&scene, "done", |line| line.mark == day(&scene, 0)).await;
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn days_and_pages_have_no_gap_and_what_is_written_late_is_found() {
    // the registry has them before anybody asks
    let scene = alone("page_size = 2\nwindow_days = 3", |knobs| {
        knobs.throttle = u32::MAX;
    })
    .await;
    let mut all: Vec<Value> = [0, 1, 1, 1, 4, 7, 7]
        .iter()
        .zip(80..)
        .map(|(days_ago, number)| registered(&scene, number, *days_ago))
        .collect();
    // before the days that are looked at
    registered(&scene, 90, 8);
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    all_cards(&scene, &all).await;
    births(&scene, "done", |line| {
        line.mark == day(&scene, 0) && line.found == 7
    })
    .await;
    let asked = scene.registry.searched();
    let mut spans: Vec<(String, String)> = Vec::new();
    for one in &asked {
        assert!(one.size == 2 && one.event == "live_birth");
        let span = (one.from.clone(), one.until.clone());
        if spans.last() != Some(&span) {
            spans.push(span);
        }
    }
    let ends = |from, until| (day(&scene, from), day(&scene, until));
    assert_eq!(spans[..3], [ends(7, 4), ends(4, 1), ends(1, -1)]);
    // three yesterday and one today are two pages
    let pages = asked.iter().filter(|one| one.from == day(&scene, 1));
    let pages: Vec<usize> = pages.map(|one| one.page).take(2).collect();
    assert_eq!(pages, [1, 2]);

    // written late, a day that was looked at before
    all.push(registered(&scene, 91, 5));
    all_cards(&scene, &all).await;
    births(&scene, "counted", |line| line.found == 8).await;
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_asked_for_by_fewer_days_and_one_day_that_is_too_much_is_told() {
    let scene = alone("window_days = 8", |knobs| {
        knobs.throttle = u32::MAX;
        knobs.most_found = Some(2);
    })
    .await;
    let all: Vec<Value> = [(100, 7), (101, 5), (102, 4), (103, 2), (104, 2), (105, 2)]
        .map(|(number, days_ago)| registered(&scene, number, days_ago))
        .to_vec();
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    births(&scene, "too many", |line| {
        line.reason == "too-many-in-a-day"
    })
    .await;
    assert_eq!(all_cards(&scene, &all[..3]).await.len(), 3);
    assert_eq!(cards(&scene, &all[3..]).await.len(), 0);
    let stuck = line(&scene, "live_birth").await;
    assert_eq!(stuck.mark, day(&scene, 2));
    let page = client::status(scene.house.gateway().admin()).await.unwrap();
    let told = |what: &str| page.findings.iter().any(|one| one.what.contains(what));
    assert!(told(
        "crvs is not looked into for every live_birth: too-many-in-a-day"
    ));
    scene.registry.misbehave(|knobs| knobs.most_found = None);
    all_cards(&scene, &all).await;
    births(&scene, "done", |line| line.mark == day(&scene, 0)).await;
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_answers_than_we_take_are_asked_for_by_fewer_days() {
    let scene = alone("window_days = 8\npage_size = 2\npages_max = 1", |knobs| {
        knobs.throttle = u32::MAX;
    })
    .await;
    let all: Vec<Value> = [(110, 6), (111, 4), (112, 1), (113, 0)]
        .map(|(number, days_ago)| registered(&scene, number, days_ago))
        .to_vec();
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    all_cards(&scene, &all).await;
    assert!(scene.registry.searched().iter().all(|one| one.page == 1));
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_fit_is_told_with_its_reason_and_changes_nothing() {
    let scene = alone("", |knobs| knobs.throttle = u32::MAX).await;
    let mut all = vec![registered(&scene, 120, 1), registered(&scene, 121, 0)];
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    all_cards(&scene, &all).await;
    for (number, (wrong, reason)) in (122..).zip([
        (Wrong::Unsigned, "answer-not-proven"),
        (Wrong::Forged, "answer-not-proven"),
        (Wrong::OtherExchange, "answer-of-another"),
        (Wrong::Old, "answer-not-of-now"),
        (Wrong::OtherPage, "other-page"),
        (Wrong::OtherTotal, "other-count"),
        (Wrong::Short, "other-count"),
        (Wrong::Outside, "outside-window"),
        (Wrong::OtherEvent, "other-event"),
    ]) {
        scene
            .registry
            .misbehave(|knobs| knobs.wrong_page = Some((wrong, 1, u32::MAX)));
        // the answer to an earlier question may be on its way
        births(&scene, "told why", |line| line.reason == reason).await;
        let before = line(&scene, "live_birth").await;
        let birth = registered(&scene, number, 0);
        looks_wrong(&scene).await;
        let after = line(&scene, "live_birth").await;
        assert_eq!(
            (after.found, &after.mark, &after.at),
            (before.found, &before.mark, &before.at),
            "{wrong:?}"
        );
        assert_eq!(cards(&scene, std::slice::from_ref(&birth)).await.len(), 0);
        scene.registry.misbehave(|knobs| knobs.wrong_page = None);
        all.push(birth);
        all_cards(&scene, &all).await;
        births(&scene, "goes on", |line| line.reason.is_empty()).await;
    }
    births(&scene, "counted", |line| line.found == all.len() as u64).await;
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

/// Long enough for a wrong answer more.
async fn looks_wrong(scene: &Scene) {
    let left = || async {
        let mut left = 0;
        scene.registry.misbehave(|knobs| {
            left = knobs.wrong_page.map_or(0, |(_, _, left)| left);
        });
        left
    };
    let before = left().await;
    until(scene, "a wrong answer", async || {
        (left().await < before).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_twice_or_moves_is_not_the_next_one() {
    for (wrong, reason) in [
        (Wrong::Repeated, "record-twice"),
        (Wrong::OtherTotal, "other-total"),
        (Wrong::OtherPage, "other-page"),
        (Wrong::Short, "other-count"),
    ] {
        let scene = alone("page_size = 2\nwindow_days = 8", |knobs| {
            knobs.throttle = u32::MAX;
            knobs.wrong_page = Some((wrong, 2, u32::MAX));
        })
        .await;
        let all: Vec<Value> = (140..144)
            .map(|number| registered(&scene, number, 0))
            .collect();
        scene.registry.misbehave(|knobs| knobs.throttle = 0);
        let stuck = births(&scene, "told why", |line| line.reason == reason).await;
        // what the first page says is true whatever the second one is
        assert_eq!((stuck.found, stuck.mark.as_str()), (2, ""), "{wrong:?}");
        assert_eq!(cards(&scene, &all).await.len(), 2);
        scene.registry.misbehave(|knobs| knobs.wrong_page = None);
        all_cards(&scene, &all).await;
        let line = births(&scene, "done", |line| !line.mark.is_empty()).await;
        assert_eq!((line.found, line.records), (4, 4));
        assert_eq!(scene.registry.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_can_never_be_taken_holds_up_no_other() {
    let scene = alone("window_days = 8", |knobs| {
        knobs.throttle = u32::MAX;
        knobs.wrong_page = Some((Wrong::Unfit, 1, u32::MAX));
    })
    .await;
    let all: Vec<Value> = (150..153)
        .map(|number| registered(&scene, number, 0))
        .collect();
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    let done = births(&scene, "done", |line| !line.mark.is_empty()).await;
    assert_eq!((done.found, done.rejected), (2, 1));
    assert_eq!(cards(&scene, &all[..1]).await.len(), 0);
    assert_eq!(all_cards(&scene, &all[1..]).await.len(), 2);
    let page = client::status(scene.house.gateway().admin()).await.unwrap();
    let told = |what: &str| page.findings.iter().any(|one| one.what.contains(what));
    assert!(told(
        "crvs has 1 records of live_birth that are refused for good"
    ));
    scene.registry.misbehave(|knobs| knobs.wrong_page = None);
    all_cards(&scene, &all).await;
    births(&scene, "none is left", |line| line.rejected == 0).await;
}

/// The pull finds what never came; what came and is told otherwise is a correction's to say.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_is_known_is_not_acted_upon_whatever_its_record_says() {
    let scene = alone("", |knobs| knobs.throttle = u32::MAX).await;
    let now = scene.house.now();
    let told = birth_event(now, &scene.house.landmarks, 155);
    let notice = signed(&scene.house, &Notify::new(now, std::slice::from_ref(&told)));
    scene.house.wire(CRVS).send(&notice).await.assert_ok();
    let mut otherwise = told.clone();
    otherwise["data"]["reg_records"][0]["viet_nam"]["mother"]["name"]["given_name"] = "Khác".into();
    scene.registry.registers(&otherwise).unwrap();
    let (card, before) = (
        all_cards(&scene, &[told]).await,
        scene.house.fingerprint().await,
    );
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    let done = births(&scene, "done", |line| line.records == 1).await;
    assert_eq!((done.found, done.rejected), (0, 0));
    assert!(scene.house.fingerprint().await == before);
    assert_eq!(cards(&scene, &[otherwise]).await, card);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_busy_slow_or_says_no_is_asked_again() {
    let scene = alone("", |knobs| {
        knobs.refuse_searches = 1;
        knobs.throttle = 1;
        knobs.busy = 2;
        knobs.drop_replies = 2;
        knobs.slow = Duration::from_millis(200);
    })
    .await;
    let refused = "rjct.search_criteria.invalid";
    births(&scene, "told why", |line| line.reason == refused).await;
    let all: Vec<Value> = (160..163)
        .map(|number| registered(&scene, number, 0))
        .collect();
    all_cards(&scene, &all).await;
    births(&scene, "goes on", |line| line.reason.is_empty()).await;
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_goes_on_where_it_was() {
    let mut scene = alone("page_size = 1\nwindow_days = 2", |knobs| {
        knobs.throttle = u32::MAX;
        knobs.slow = Duration::from_millis(40);
    })
    .await;
    let all: Vec<Value> = [(170, 3), (171, 1), (172, 0), (173, 0), (174, 0)]
        .map(|(number, days_ago)| registered(&scene, number, days_ago))
        .to_vec();
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    let mut marks = Vec::new();
    // once it was asked, at each page, and at some time after that
    for (asked, after) in [(1, 0), (2, 30), (3, 60), (5, 45), (7, 50), (9, 70)] {
        until(&scene, "asked", async || {
            (scene.registry.searched().len() >= asked).then_some(())
        })
        .await;
        sleep(Duration::from_millis(after)).await;
        let before = line(&scene, "live_birth").await;
        scene.house.kill().await;
        scene.house.open().await;
        let line = line(&scene, "live_birth").await;
        assert!(line.mark >= before.mark && line.found >= before.found);
        marks.push(line.mark);
    }
    assert!(marks.is_sorted(), "{marks:?}");
    all_cards(&scene, &all).await;
    let line = births(&scene, "done", |line| line.mark == day(&scene, 0)).await;
    assert_eq!((line.found, line.rejected), (5, 0));
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_without_an_agreement() {
    let mut scene = alone("", |knobs| knobs.throttle = u32::MAX).await;
    births(&scene, "busy", |line| line.reason == "search-busy").await;
    scene.house.kill().await;
    replace(
        &scene.house.file(FILE),
        "[agreements.operations.\"dci.pull\"]\n",
        "",
    );
    scene.registry.misbehave(|knobs| knobs.throttle = 0);
    let birth = registered(&scene, 180, 0);
    scene.house.open().await;
    births(&scene, "told why", |line| {
        line.reason == "operation-not-agreed"
    })
    .await;
    assert_eq!(scene.registry.searched(), []);
    assert_eq!(cards(&scene, &[birth]).await.len(), 0);
}
