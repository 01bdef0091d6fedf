//! Leases that are lost, words that may have arrived, classes, and what persons decide.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::head::Evidence;
use gateway_core::ports::{
    Act, Acted, Class, Deed, Delivery, Hold, Leased, MessageLog as _, Office as _, Outbox as _,
    Parcel, ParcelFilter, ParcelState, Receipt, Stop,
};
use gateway_store::Store;

use crate::scene::{LEASE, Scene, parcel, partner};

async fn lease(store: &Store, max: usize) -> Vec<Leased> {
    store.lease(&partner("portal"), max, LEASE).await.unwrap()
}

fn ids(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|parcel| parcel.id.as_str()).collect()
}

async fn settle(store: &Store, hold: Hold, delivery: Delivery) {
    store.settle(vec![(hold, delivery)]).await.unwrap();
}

fn delivered() -> Delivery {
    let receipt = Receipt::plain(Bytes::from_static(b"ok"), Some([5; 32]));
    Delivery::Delivered { receipt }
}

fn refused(reason: &'static str) -> Delivery {
    let after = Duration::ZERO;
    Delivery::Refused { after, reason }
}

fn unknown() -> Delivery {
    Delivery::Unknown {
        after: Duration::ZERO,
        reason: "closed",
    }
}

fn untried() -> Delivery {
    let after = Duration::ZERO;
    Delivery::Untried { after }
}

#[tokio::test]
async fn a_lease_that_was_handed_back_untried_is_no_attempt() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("p1", "s", 0)]).await.unwrap();
    for _ in 0..5 {
        let leased = lease(&store, 1).await;
        assert_eq!((leased[0].attempts, leased[0].lost), (0, 0));
        let back = (leased[0].hold(), untried());
        store.settle(vec![back]).await.unwrap();
    }
    let leased = lease(&store, 1).await;
    let late = (leased[0].hold(), refused("full"));
    store.settle(vec![late]).await.unwrap();
    assert_eq!(lease(&store, 1).await[0].attempts, 1, "a try counts");
}

async fn send(store: &Store, leased: &[Leased], words: &'static str) -> bool {
    let holds = leased.iter().map(Leased::hold).collect();
    let words = Bytes::from_static(words.as_bytes());
    let sending = store.sending(&partner("portal"), holds, words, Vec::new());
    sending.await.unwrap()
}

async fn act(store: &Store, deed: Deed) -> Acted {
    let (who, why) = ("an.operator".to_owned(), "a test".to_owned());
    store.act(Act { who, why, deed }).await.unwrap()
}

async fn state(store: &Store, id: &str) -> ParcelState {
    store.show(id).await.unwrap().unwrap().story.state
}

#[tokio::test]
async fn whoever_lost_a_lease_can_neither_send_nor_put_back() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let first = lease(&store, 1).await;
    scene.clock.advance(LEASE);
    assert!(!send(&store, &first, "late").await, "the lease is over");
    let second = lease(&store, 1).await;
    assert!(!send(&store, &first, "late").await, "somebody else has it");
    for late in [
        refused("late"),
        untried(),
        Delivery::Dead { reason: "late" },
    ] {
        settle(&store, first[0].hold(), late).await;
        assert_eq!(state(&store, "a1").await, ParcelState::Leased);
    }
    assert!(send(&store, &second, "in time").await);
    assert_eq!(
        store.census().await.unwrap().journal_records,
        1,
        "only what may be sent"
    );
    settle(&store, first[0].hold(), delivered()).await;
    assert_eq!(
        state(&store, "a1").await,
        ParcelState::Done,
        "the partner has it"
    );
}

#[tokio::test]
async fn a_lease_that_ends_without_a_word_is_counted_until_somebody_speaks() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    for lost in 0..4 {
        assert_eq!(lease(&store, 1).await[0].lost, lost);
        scene.clock.advance(LEASE);
    }
    let spoken = lease(&store, 1).await.remove(0);
    settle(&store, spoken.hold(), refused("busy")).await;
    assert_eq!(lease(&store, 1).await[0].lost, 0);
}

#[tokio::test]
async fn words_whose_outcome_nobody_knows_come_back_with_the_next_lease() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let first = lease(&store, 1).await;
    assert_eq!(first[0].said, None);
    let at = scene.now();
    assert!(send(&store, &first, "exact words").await);
    scene.clock.advance(LEASE); // whoever sent them has died
    let second = lease(&store, 1).await;
    let said = second[0].said.clone().unwrap();
    assert_eq!((said.body.as_ref(), said.at), (&b"exact words"[..], at));
    settle(&store, second[0].hold(), untried()).await;
    let third = lease(&store, 1).await;
    assert!(third[0].said.is_some(), "not tried: as it was");
    assert!(send(&store, &third, "exact words").await);
    settle(&store, third[0].hold(), unknown()).await;
    let fourth = lease(&store, 1).await;
    assert!(fourth[0].said.is_some());
    settle(&store, fourth[0].hold(), refused("no")).await;
    assert_eq!(
        lease(&store, 1).await[0].said,
        None,
        "the partner has spoken"
    );
}

#[tokio::test]
async fn words_that_went_in_company_are_nobodys_own() {
    let scene = Scene::new();
    let store = scene.open();
    let two = vec![parcel("a1", "a", 1), parcel("b1", "b", 1)];
    store.put(two).await.unwrap();
    let first = lease(&store, 2).await;
    assert!(send(&store, &first, "both").await);
    scene.clock.advance(LEASE);
    assert!(lease(&store, 2).await.iter().all(|one| one.said.is_none()));
}

#[tokio::test]
async fn refusals_count_in_a_row_and_by_their_reason_and_what_is_not_tried_changes_nothing() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    for (ending, refusals, reason) in [
        (untried(), 0, None),
        (refused("no"), 1, Some("no")),
        (refused("no"), 2, Some("no")),
        (untried(), 2, Some("no")),
        (unknown(), 2, Some("closed")),
        (refused("no"), 1, Some("no")),
        (refused("never"), 1, Some("never")),
    ] {
        let leased = lease(&store, 1).await.remove(0);
        settle(&store, leased.hold(), ending.clone()).await;
        let leased = lease(&store, 1).await.remove(0);
        assert_eq!(leased.refusals, refusals, "{ending:?}");
        assert_eq!(leased.reason.as_deref(), reason, "{ending:?}");
        settle(&store, leased.hold(), untried()).await;
    }
}

#[tokio::test]
async fn urgent_subjects_go_first_and_bulk_last_but_never_before_their_own_order() {
    let scene = Scene::new();
    let store = scene.open();
    let of = |id, subject, sequence, class| Parcel {
        class,
        ..parcel(id, subject, sequence)
    };
    let parcels = vec![
        of("bulk", "a", 1, Class::Bulk),
        of("normal-1", "b", 1, Class::Normal),
        of("urgent-behind", "b", 2, Class::Urgent),
        of("urgent", "c", 1, Class::Urgent),
    ];
    store.put(parcels).await.unwrap();
    let leased = lease(&store, 10).await;
    assert_eq!(
        ids(&leased),
        ["urgent", "normal-1", "urgent-behind", "bulk"]
    );
    assert_eq!(leased[0].class, Class::Urgent);
}

#[tokio::test]
async fn a_stopped_lane_is_leased_nothing_and_may_send_nothing_from_that_commit_on() {
    let portal = partner("portal");
    for (stop, go_on, what) in [
        (
            Deed::PauseLane(portal.clone()),
            Deed::ResumeLane(portal.clone()),
            Stop::Lane,
        ),
        (
            Deed::SuspendPartner(portal.clone()),
            Deed::ResumePartner(portal.clone()),
            Stop::Partner,
        ),
    ] {
        let scene = Scene::new();
        let store = scene.open();
        store
            .put(vec![parcel("a1", "a", 1), parcel("b1", "b", 1)])
            .await
            .unwrap();
        let leased = lease(&store, 1).await;
        assert_eq!(act(&store, stop.clone()).await, Acted::Done);
        assert_eq!(act(&store, stop).await, Acted::AlreadySo);
        assert!(lease(&store, 10).await.is_empty(), "{what:?}");
        assert!(!send(&store, &leased, "words").await, "{what:?}");
        let orders = store.orders().await.unwrap();
        assert!(orders.holds_lane(&portal) && orders.suspends(&portal) == (what == Stop::Partner));
        assert_eq!(
            (orders.0[0].act.who.as_str(), orders.0[0].stop),
            ("an.operator", what)
        );
        assert_eq!(act(&store, go_on.clone()).await, Acted::Done);
        assert_eq!(act(&store, go_on).await, Acted::AlreadySo);
        assert_eq!(ids(&lease(&store, 10).await), ["b1"]);
        assert!(send(&store, &leased, "words").await);
    }
}

#[tokio::test]
async fn a_person_replays_and_cancels_what_waits_and_nothing_else() {
    let scene = Scene::new();
    let store = scene.open();
    let (replay, cancel) = (
        |id: &str| Deed::Replay(id.into()),
        |id: &str| Deed::Cancel(id.into()),
    );
    store
        .put(vec![parcel("a1", "a", 1), parcel("a2", "a", 2)])
        .await
        .unwrap();
    let first = lease(&store, 1).await.remove(0);
    for deed in [replay("a1"), cancel("a1")] {
        assert_eq!(act(&store, deed).await, Acted::NotNow("being-sent"));
    }
    settle(&store, first.hold(), Delivery::Quarantined { reason: "no" }).await;
    assert!(
        lease(&store, 10).await.is_empty(),
        "it holds back its subject"
    );
    let lane = store.census().await.unwrap().lanes.remove(0);
    assert_eq!((lane.waiting, lane.dead, lane.poison), (1, 0, 1));
    scene.clock.advance(Duration::from_secs(9));
    assert_eq!(act(&store, replay("a1")).await, Acted::Done);
    let again = lease(&store, 10).await;
    assert_eq!((ids(&again), again[0].refusals), (vec!["a1", "a2"], 0));
    assert_eq!(again[0].put_at, scene.now(), "its time begins anew");
    settle(&store, again[0].hold(), delivered()).await;
    for deed in [replay("a1"), cancel("a1")] {
        assert_eq!(act(&store, deed).await, Acted::NotNow("delivered"));
    }
    settle(&store, again[1].hold(), refused("no")).await;
    assert_eq!(act(&store, cancel("a2")).await, Acted::Done);
    assert_eq!(act(&store, cancel("a2")).await, Acted::AlreadySo);
    assert_eq!(act(&store, replay("a2")).await, Acted::NotNow("cancelled"));
    assert_eq!(act(&store, cancel("nobody")).await, Acted::NotFound);
    assert!(store.census().await.unwrap().lanes.is_empty());
    let file = store.show("a2").await.unwrap().unwrap();
    let deeds: Vec<_> = file.acts.iter().map(|act| act.deed.as_str()).collect();
    assert_eq!(
        (file.story.state, deeds),
        (ParcelState::Cancelled, vec!["cancel"])
    );
}

#[tokio::test]
async fn the_newest_of_a_deed_is_found_behind_whatever_came_after_it() {
    let scene = Scene::new();
    let store = scene.open();
    let start = |run: &str| Deed::StartSchedule(partner("tax"), run.to_owned());
    let newest = async |deed: &'static str, begins: &str| {
        let found = store.newest_act(deed, begins).await.unwrap();
        found.map(|act| act.target)
    };
    assert_eq!(newest("start-schedule", "tax/run.months.").await, None);
    for run in [
        "run.months.2026-10.b",
        "run.months.2026-09.a",
        "run.month.2026-11.c",
    ] {
        act(&store, start(run)).await;
    }
    // more than any list of acts tells; the first few are named as if they were runs
    let asks = (0..1_001).map(|nth| match nth {
        0..3 => format!("run.months.{nth}"),
        _ => format!("vss-{nth:05}"),
    });
    let asks = asks.map(|id| act(&store, Deed::AskTax(partner("tax"), id)));
    futures_util::future::join_all(asks).await;
    assert!(
        store
            .acts(1_000)
            .await
            .unwrap()
            .iter()
            .all(|act| act.deed == "ask-tax")
    );
    let found = newest("start-schedule", "tax/run.months.").await;
    assert_eq!(found.as_deref(), Some("tax/run.months.2026-09.a"));
    let found = newest("start-schedule", "tax/run.month.").await;
    assert_eq!(found.as_deref(), Some("tax/run.month.2026-11.c"));
    for (deed, begins) in [
        ("start-schedule", "tax/run.week."),
        ("start-schedule", "portal/run.months."),
        ("pause-schedule", "tax/run.months."),
    ] {
        assert_eq!(newest(deed, begins).await, None, "{deed} {begins}");
    }
}

#[tokio::test]
async fn acts_are_told_newest_first_with_who_and_why() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    act(&store, Deed::PauseLane(partner("portal"))).await;
    act(&store, Deed::Cancel("a1".into())).await;
    let acts = store.acts(10).await.unwrap();
    let told: Vec<_> = acts
        .iter()
        .map(|act| (act.deed.as_str(), act.target.as_str()))
        .collect();
    assert_eq!(told, [("cancel", "a1"), ("pause-lane", "portal")]);
    assert!(
        acts.iter()
            .all(|act| act.who == "an.operator" && act.why == "a test")
    );
    assert_eq!(store.acts(1).await.unwrap().len(), 1);
    assert_eq!(store.census().await.unwrap().journal_records, 2);
    store.verify().unwrap();
}

#[tokio::test]
async fn parcels_are_listed_by_state_subject_and_partner_page_by_page() {
    let scene = Scene::new();
    let store = scene.open();
    let all: Vec<_> = (0..5)
        .map(|n| parcel(&format!("p{n}"), &format!("s{n}"), 1))
        .collect();
    store.put(all).await.unwrap();
    let leased = lease(&store, 2).await;
    settle(&store, leased[0].hold(), delivered()).await;
    settle(&store, leased[1].hold(), Delivery::Dead { reason: "late" }).await;
    let list = |filter: ParcelFilter| async {
        let listed = store.list(filter).await.unwrap();
        listed.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let any = || ParcelFilter {
        max: 10,
        ..ParcelFilter::default()
    };
    let of = |state| ParcelFilter {
        state: Some(state),
        ..any()
    };
    assert_eq!(
        list(any()).await,
        ["p4", "p3", "p2", "p1"],
        "neither done nor cancelled"
    );
    assert_eq!(list(of(ParcelState::Done)).await, ["p0"]);
    assert_eq!(list(of(ParcelState::Dead)).await, ["p1"]);
    assert_eq!(list(of(ParcelState::Poison)).await, Vec::<String>::new());
    assert_eq!(list(ParcelFilter { max: 2, ..any() }).await, ["p4", "p3"]);
    let next = ParcelFilter {
        before: Some("p3".into()),
        ..any()
    };
    assert_eq!(list(next).await, ["p2", "p1"]);
    let one = ParcelFilter {
        subject: Some("s3".into()),
        ..any()
    };
    assert_eq!(list(one).await, ["p3"]);
    let others = ParcelFilter {
        partner: Some(partner("tax")),
        ..any()
    };
    assert_eq!(list(others).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_recovery_gave_up_waits_for_its_sender_or_a_person() {
    let scene = Scene::new();
    let store = scene.open();
    let entry = scene.entry("m-0000001", "x");
    store.claim(entry.clone()).await.unwrap();
    assert!(
        !store.quarantine(entry.evidence, "panicked").await.unwrap(),
        "somebody has it"
    );
    scene.clock.advance(LEASE);
    for lost in 0..3 {
        let handed_out = store.unfinished(10).await.unwrap();
        assert_eq!(handed_out[0].lost, lost, "nobody spoke of it since");
        scene.clock.advance(Duration::from_secs(300));
    }
    store.release(entry.evidence).await.unwrap();
    scene.clock.advance(Duration::from_secs(300));
    assert_eq!(store.unfinished(10).await.unwrap()[0].lost, 0);
    assert!(store.quarantine(entry.evidence, "panicked").await.unwrap());
    scene.clock.advance(Duration::from_secs(86_400));
    assert!(
        store.unfinished(10).await.unwrap().is_empty(),
        "not tried for ever"
    );
    assert_eq!(store.census().await.unwrap().quarantined, 1);
    let id = entry.evidence.to_string();
    let story = store.story(&id).await.unwrap().remove(0);
    assert_eq!(story.quarantined.as_deref(), Some("panicked"));

    let deed = Deed::Recover(entry.evidence);
    assert_eq!(act(&store, deed.clone()).await, Acted::Done);
    assert_eq!(act(&store, deed).await, Acted::NotNow("not-in-quarantine"));
    assert_eq!(
        act(&store, Deed::Recover(Evidence::fresh())).await,
        Acted::NotFound
    );
    assert_eq!(store.unfinished(10).await.unwrap().len(), 1);
    let story = store.story(&id).await.unwrap().remove(0);
    assert_eq!(
        (story.quarantined, story.acts[0].deed.as_str()),
        (None, "recover")
    );

    assert!(store.quarantine(entry.evidence, "panicked").await.unwrap());
    let again = scene.entry("m-0000001", "x");
    let claimed = store.claim(again).await.unwrap();
    assert_eq!(
        claimed,
        gateway_core::ports::Claimed::New,
        "its sender may ask again"
    );
    assert_eq!(store.census().await.unwrap().quarantined, 0);
}
