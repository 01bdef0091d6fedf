//! Reconciliation: planned once, compared with what was receipted, and what is lost goes again once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::ports::{
    Acted, Again, Delivery, Judgement, Leased, MessageLog as _, Office as _, Outbox as _, Parcel,
    ParcelState, Pull, PullBook as _, Receipt, Receipted, Resent, Window, Wish,
};
use gateway_core::seal::sha256;
use gateway_store::Store;
use jiff::Timestamp;
use schemas::id::MessageId;

use crate::scene::{LEASE, Scene, parcel, partner};

/// The window of so many seconds up to now.
pub(crate) fn pull(scene: &Scene, seconds: i64) -> Pull {
    let until = scene.now().as_second() + 1;
    Pull {
        partner: partner("portal"),
        window: Window::between(until - seconds, until).unwrap(),
    }
}

pub(crate) fn planned(pull: &Pull) -> (Pull, Parcel) {
    let parcel = Parcel {
        subject: pull.id(),
        ..parcel(&pull.id(), "", 0)
    };
    (pull.clone(), parcel)
}

pub(crate) fn judgement(pull: &Pull) -> Judgement {
    Judgement {
        pull: pull.clone(),
        compared: 3,
        again: Vec::new(),
        given_up: 0,
        never_came: 1,
        words: "m-0000009 never came".to_owned(),
        instead: Vec::new(),
        wanted: Vec::new(),
    }
}

async fn deliver_all(store: &Store) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let leased = store.lease(&partner("portal"), 10, LEASE).await.unwrap();
        if leased.is_empty() {
            return ids;
        }
        let receipt = Receipt::plain(Bytes::from_static(b"the portal's words"), None);
        let delivered = Delivery::Delivered { receipt };
        ids.extend(leased.iter().map(|one| one.id.clone()));
        let all = leased.iter().map(|one| (one.hold(), delivered.clone()));
        store.settle(all.collect()).await.unwrap();
    }
}

async fn state(store: &Store, id: &str) -> ParcelState {
    store.show(id).await.unwrap().unwrap().story.state
}

/// Three parcels of one subject and one of another, delivered.
async fn told(scene: &Scene) -> Store {
    let store = scene.open();
    let parcels = [
        ("a1", "a", 1),
        ("a2", "a", 2),
        ("a3", "a", 3),
        ("b1", "b", 1),
    ];
    let parcels = parcels.map(|(id, subject, sequence)| parcel(id, subject, sequence));
    store.put(parcels.to_vec()).await.unwrap();
    assert_eq!(deliver_all(&store).await.len(), 4);
    store
}

/// All receipts of these, as a judgement names them.
async fn again(store: &Store, pull: &Pull, ids: &[&str]) -> Vec<Again> {
    let telling = store.telling(pull, 10).await.unwrap();
    let those = telling
        .told
        .into_iter()
        .filter(|told| ids.contains(&told.id.as_str()));
    those
        .map(|told| Again {
            id: told.id,
            receipt: told.receipt,
        })
        .collect()
}

#[tokio::test]
async fn a_window_is_planned_once_however_often_it_is_come_to() {
    let scene = Scene::new();
    let store = scene.open();
    let portal = partner("portal");
    assert_eq!(store.planned(&portal).await.unwrap(), None);
    let (one, two) = (pull(&scene, 60), pull(&scene, 30));
    let both = vec![planned(&one), planned(&two)];
    assert_eq!(store.plan(both.clone()).await.unwrap(), 2);
    assert_eq!(store.plan(both).await.unwrap(), 0);
    // what was told meanwhile makes another question, and still no second pull
    let (_, mut other) = planned(&one);
    other.content = Bytes::from_static(b"more was told");
    assert_eq!(store.plan(vec![(one.clone(), other)]).await.unwrap(), 0);
    assert_eq!(
        store.planned(&portal).await.unwrap(),
        Some(one.window.until())
    );
    assert_eq!(store.planned(&partner("tax")).await.unwrap(), None);
    let listed = store.pulls(None, 10).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|one| one.state == ParcelState::Waiting));
    assert_eq!(deliver_all(&store).await.len(), 2, "one parcel for each");
}

#[tokio::test]
async fn what_was_receipted_in_a_window_is_told_with_all_of_its_subject_and_no_pull() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    deliver_all(&store).await;
    scene.clock.advance(Duration::from_secs(600));
    let late = [("a2", "a", 2), ("b1", "b", 1), ("c1", "c", 1)];
    let late = late.map(|(id, subject, sequence)| parcel(id, subject, sequence));
    store.put(late.to_vec()).await.unwrap();
    let asked = pull(&scene, 60);
    store.plan(vec![planned(&asked)]).await.unwrap();
    deliver_all(&store).await;
    store.put(vec![parcel("a3", "a", 3)]).await.unwrap();
    let telling = store.telling(&asked, 10).await.unwrap();
    let ids: Vec<_> = telling.told.iter().map(|told| told.id.as_str()).collect();
    assert_eq!(ids, ["a1", "a2", "b1", "c1"], "each subject in its order");
    assert!(!telling.more);
    let of_a1 = &telling.told[0];
    assert_eq!(of_a1.content, Bytes::from_static(b"content of a1"));
    assert!(!asked.window.holds(of_a1.at) && asked.window.holds(telling.told[1].at));
    let few = store.telling(&asked, 2).await.unwrap();
    assert!(few.more && few.told.len() == 3, "{few:?}");
    // a window that ends before nothing was told in it
    let until = asked.window.from().as_second();
    let before = Pull {
        window: Window::between(until - 60, until).unwrap(),
        ..asked
    };
    assert!(store.telling(&before, 10).await.unwrap().told.is_empty());
}

#[tokio::test]
async fn what_is_lost_goes_again_once_in_its_order_and_the_journal_says_so() {
    let scene = Scene::new();
    let store = told(&scene).await;
    let asked = pull(&scene, 60);
    store.plan(vec![planned(&asked)]).await.unwrap();
    assert!(store.answered(&asked.partner, 5).await.unwrap().is_empty());
    deliver_all(&store).await;
    let answered = store.answered(&asked.partner, 5).await.unwrap();
    assert_eq!(answered.len(), 1);
    assert_eq!(answered[0].pull, asked);
    assert_eq!(
        answered[0].answer,
        Bytes::from_static(b"the portal's words")
    );
    let found = Judgement {
        again: again(&store, &asked, &["a2", "a3"]).await,
        ..judgement(&asked)
    };
    assert_eq!(store.judge(found.clone()).await.unwrap(), Acted::Done);
    assert_eq!(store.judge(found).await.unwrap(), Acted::AlreadySo);
    assert!(store.answered(&asked.partner, 5).await.unwrap().is_empty());
    assert_eq!(state(&store, "a1").await, ParcelState::Done);
    store.put(vec![parcel("a4", "a", 4)]).await.unwrap();
    assert_eq!(deliver_all(&store).await, ["a2", "a3", "a4"]);
    let acts = store.acts(10).await.unwrap();
    let deeds: Vec<_> = acts
        .iter()
        .map(|act| (act.deed.as_str(), act.target.as_str()))
        .collect();
    let id = asked.id();
    assert_eq!(
        deeds,
        [("heal", "a3"), ("heal", "a2"), ("reconcile", id.as_str())]
    );
    assert!(acts.iter().all(|act| act.who == "lienthong, as gateway"));
    let healed = store.show("a2").await.unwrap().unwrap();
    assert_eq!(healed.acts.len(), 1);
    assert!(healed.acts[0].why.contains(&id));
    let file = store.pull(&id).await.unwrap().unwrap();
    let counts = file.story.found.unwrap();
    assert_eq!(
        (counts.compared, counts.again, counts.never_came),
        (3, 2, 1)
    );
    assert_eq!(file.judgement.unwrap().why, "m-0000009 never came");
    let times: Vec<_> = store
        .telling(&asked, 10)
        .await
        .unwrap()
        .told
        .iter()
        .map(|told| (told.id.clone(), told.healed))
        .collect();
    assert!(times.contains(&("a2".to_owned(), 1)) && times.contains(&("a1".to_owned(), 0)));
    store.verify().unwrap();
}

#[tokio::test]
async fn nothing_goes_again_while_its_subject_is_on_its_way_or_once_it_was_receipted_anew() {
    let scene = Scene::new();
    let store = told(&scene).await;
    let asked = pull(&scene, 60);
    store.plan(vec![planned(&asked)]).await.unwrap();
    deliver_all(&store).await;
    let found = Judgement {
        again: again(&store, &asked, &["a3"]).await,
        ..judgement(&asked)
    };
    store.put(vec![parcel("a4", "a", 4)]).await.unwrap();
    let leased: Vec<Leased> = store.lease(&asked.partner, 1, LEASE).await.unwrap();
    let acts = store.acts(10).await.unwrap().len();
    let refused = store.judge(found.clone()).await.unwrap();
    assert_eq!(refused, Acted::NotNow("being-sent"));
    assert_eq!(state(&store, "a3").await, ParcelState::Done);
    let after = Duration::ZERO;
    let back = vec![(leased[0].hold(), Delivery::Untried { after })];
    store.settle(back).await.unwrap();
    assert_eq!(store.judge(found.clone()).await.unwrap(), Acted::Done);
    assert_eq!(deliver_all(&store).await, ["a3", "a4"], "order holds");
    // another pull that was answered before that names the receipt of then
    scene.clock.advance(Duration::from_secs(60));
    let second = pull(&scene, 120);
    store.plan(vec![planned(&second)]).await.unwrap();
    deliver_all(&store).await;
    let stale = Judgement {
        pull: second.clone(),
        ..found
    };
    let refused = store.judge(stale).await.unwrap();
    assert_eq!(refused, Acted::NotNow("moved"));
    assert_eq!(state(&store, "a3").await, ParcelState::Done);
    assert_eq!(store.acts(10).await.unwrap().len(), acts + 2);
    let unknown = Pull {
        partner: partner("tax"),
        ..second
    };
    let nobody = store.judge(judgement(&unknown)).await.unwrap();
    assert_eq!(nobody, Acted::NotFound);
}

#[tokio::test]
async fn a_window_that_one_answer_cannot_hold_is_planned_in_halves_with_its_judgement() {
    let scene = Scene::new();
    let store = scene.open();
    let asked = pull(&scene, 60);
    store.plan(vec![planned(&asked)]).await.unwrap();
    deliver_all(&store).await;
    let halves = asked.window.halves().unwrap().map(|window| Pull {
        window,
        ..asked.clone()
    });
    let found = Judgement {
        instead: halves.iter().map(planned).collect(),
        ..judgement(&asked)
    };
    assert_eq!(store.judge(found).await.unwrap(), Acted::Done);
    let file = store.pull(&asked.id()).await.unwrap().unwrap();
    assert_eq!(file.story.found.unwrap().instead, 2);
    let mut went = deliver_all(&store).await;
    went.sort();
    let mut ids = halves.map(|half| half.id()).to_vec();
    ids.sort();
    assert_eq!(went, ids);
}

#[tokio::test]
async fn what_a_partner_wants_again_goes_again_with_what_followed_it_and_nothing_else() {
    let scene = Scene::new();
    let store = scene.open();
    let id = |nth: u32| MessageId::parse(&format!("notice-000{nth}")).unwrap();
    let one = |nth: u32, subject: &str| parcel(id(nth).as_str(), subject, u64::from(nth));
    let all = vec![one(1, "a"), one(2, "a"), one(3, "a"), one(4, "b")];
    store.put(all).await.unwrap();
    deliver_all(&store).await;
    let portal = partner("portal");
    let wish = async |kinds: &'static [&'static str], of: &str, ids: Vec<MessageId>| {
        let fresh = fresh_wish(kinds, of, ids);
        store.resend(fresh, 2).await.unwrap()
    };
    const KIND: &[&str] = &["portal.dossier"];
    let nobody = MessageId::parse("notice-9999").unwrap();
    for (kind, of, ids) in [
        (KIND, "portal", vec![id(4), nobody.clone()]),
        (KIND, "tax", vec![id(4)]),
        (&["portal.pull"], "portal", vec![id(4)]),
    ] {
        let unknown = ids.last().unwrap().as_str().to_owned();
        assert_eq!(wish(kind, of, ids).await, Resent::Unknown(unknown));
    }
    assert!(store.acts(10).await.unwrap().is_empty(), "nothing was done");
    assert_eq!(
        wish(KIND, "portal", vec![id(2), id(3)]).await,
        Resent::Again(2)
    );
    // what waits, goes anyhow
    assert_eq!(wish(KIND, "portal", vec![id(2)]).await, Resent::Again(0));
    let leased = store.lease(&portal, 1, LEASE).await.unwrap();
    assert_eq!(leased[0].id, id(2).as_str());
    assert_eq!(
        wish(KIND, "portal", vec![id(1)]).await,
        Resent::NotNow("being-sent")
    );
    let receipt = Receipt::plain(Bytes::from_static(b"again"), None);
    let delivered = Delivery::Delivered { receipt };
    store
        .settle(vec![(leased[0].hold(), delivered)])
        .await
        .unwrap();
    assert_eq!(deliver_all(&store).await, [id(3).as_str()]);
    let deeds: Vec<String> = store
        .acts(10)
        .await
        .unwrap()
        .into_iter()
        .map(|act| act.deed)
        .collect();
    assert_eq!(deeds, ["resend", "heal", "heal", "resend"]);
    assert_eq!(wish(KIND, "portal", vec![id(3)]).await, Resent::Again(1));
    deliver_all(&store).await;
    let often = Resent::TooOften(id(3).as_str().to_owned());
    assert_eq!(wish(KIND, "portal", vec![id(1)]).await, often);
    store.verify().unwrap();
}

/// A wish with a key of its own.
fn fresh_wish(kinds: &'static [&'static str], of: &str, ids: Vec<MessageId>) -> Wish {
    static NTH: AtomicU64 = AtomicU64::new(0);
    let nth = NTH.fetch_add(1, Ordering::Relaxed);
    Wish {
        key: sha256(&nth.to_be_bytes()),
        partner: partner(of),
        kinds,
        ids,
    }
}

#[tokio::test]
async fn one_wish_is_fulfilled_once_though_it_is_carried_out_twice() {
    let scene = Scene::new();
    let store = scene.open();
    let id = MessageId::parse("notice-0001").unwrap();
    store.put(vec![parcel(id.as_str(), "a", 1)]).await.unwrap();
    deliver_all(&store).await;
    let wish = fresh_wish(&["portal.dossier"], "portal", vec![id.clone()]);
    let asked = |wish: &Wish| store.resend(wish.clone(), 1);
    assert_eq!(asked(&wish).await.unwrap(), Resent::Again(1));
    assert_eq!(asked(&wish).await.unwrap(), Resent::Already, "on its way");
    assert_eq!(deliver_all(&store).await, [id.as_str()]);
    // whoever died after it was put in again comes back: neither again, nor refused as lost too often
    drop(store);
    let store = scene.open();
    let asked = |wish: &Wish| store.resend(wish.clone(), 1);
    assert_eq!(asked(&wish).await.unwrap(), Resent::Already);
    assert_eq!(deliver_all(&store).await, Vec::<String>::new());
    let acts = store.acts(10).await.unwrap();
    let deeds: Vec<&str> = acts.iter().map(|act| act.deed.as_str()).collect();
    assert_eq!(deeds, ["heal", "resend"]);
    assert!(acts[1].why.contains(id.as_str()), "{acts:?}");
    // another message of the same words is another wish
    let another = fresh_wish(&["portal.dossier"], "portal", vec![id.clone()]);
    let often = Resent::TooOften(id.as_str().to_owned());
    assert_eq!(asked(&another).await.unwrap(), often);
    store.verify().unwrap();
}

#[tokio::test]
async fn what_was_receipted_of_some_kinds_is_counted_whole_on_a_lane_that_is_busy_with_others() {
    const WORDS: &[&str] = &["portal.notice"];
    let scene = Scene::new();
    let store = scene.open();
    let of = |nth: u32, kind: &'static str| Parcel {
        kind,
        ..parcel(&format!("parcel-{nth:05}"), &format!("s{nth:05}"), 1)
    };
    // others stand before and between, by subject as by time
    let others = (0..1_100).map(|nth| of(nth, "portal.dossier"));
    let ours = (0..70).map(|nth| of(2_000 + nth, "portal.notice"));
    store.put(others.chain(ours).collect()).await.unwrap();
    assert_eq!(deliver_all(&store).await.len(), 1_170);
    let window = pull(&scene, 600);
    let found = store.receipted(&window, WORDS, 50).await.unwrap();
    assert_eq!((found.parcels.len(), found.total), (50, 70));
    let ids: Vec<String> = (2_000..2_050)
        .map(|nth| format!("parcel-{nth:05}"))
        .collect();
    let named: Vec<String> = found.parcels.into_iter().map(|(id, _)| id).collect();
    assert_eq!(named, ids);
    let both = &["portal.notice", "portal.dossier"];
    assert_eq!(
        store.receipted(&window, both, 1).await.unwrap().total,
        1_170
    );
    let earlier = Pull {
        window: Window::between(100, 200).unwrap(),
        ..window.clone()
    };
    let of_other = Pull {
        partner: partner("tax"),
        ..window
    };
    for pull in [earlier, of_other] {
        let found = store.receipted(&pull, WORDS, 50).await.unwrap();
        assert_eq!(found, Receipted::default());
    }
}

#[tokio::test]
async fn what_never_came_is_asked_for_with_the_judgement_that_names_it_once() {
    let scene = Scene::new();
    let store = scene.open();
    let (first, second) = (pull(&scene, 60), pull(&scene, 30));
    store
        .plan(vec![planned(&first), planned(&second)])
        .await
        .unwrap();
    deliver_all(&store).await;
    let wanted = parcel("want.portal.1", "want", 0);
    for asked in [&first, &second] {
        let found = Judgement {
            wanted: vec![wanted.clone()],
            ..judgement(asked)
        };
        assert_eq!(store.judge(found.clone()).await.unwrap(), Acted::Done);
        assert_eq!(store.judge(found).await.unwrap(), Acted::AlreadySo);
    }
    assert_eq!(deliver_all(&store).await, ["want.portal.1"], "once");
}

#[tokio::test]
async fn an_id_never_came_where_nothing_of_its_sender_bears_it() {
    let scene = Scene::new();
    let store = scene.open();
    store.claim(scene.entry("m-0000001", "x")).await.unwrap();
    let ids = ["m-0000001", "m-0000002"].map(|id| MessageId::parse(id).unwrap());
    let never = |sender: &str| store.never_came(&partner(sender), ids.to_vec());
    assert_eq!(never("tax").await.unwrap(), ids[1..]);
    assert_eq!(never("portal").await.unwrap(), ids);
}

#[tokio::test]
async fn a_receipt_is_found_at_the_time_when_it_was_written_down() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let leased = store.lease(&partner("portal"), 1, LEASE).await.unwrap();
    scene.clock.advance(Duration::from_secs(7));
    let at: Timestamp = scene.now();
    let receipt = Receipt::plain(Bytes::from_static(b"ok"), None);
    let delivered = (leased[0].hold(), Delivery::Delivered { receipt });
    store.settle(vec![delivered]).await.unwrap();
    let story = store.show("a1").await.unwrap().unwrap().story;
    assert_eq!(story.due_at, at, "since when it stands so");
}
