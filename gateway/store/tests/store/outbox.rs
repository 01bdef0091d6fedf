//! Parcels: each delivered in the order of its subject, whatever happens between.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::ports::{
    Act, Acted, Deed, Delivery, Hold, Leased, MessageLog as _, Office as _, Outbox as _, Parcel,
    ParcelFilter, ParcelName, ParcelState, Receipt, Receipts as _, StoreError,
};
use gateway_store::Store;
use proptest::prelude::*;

use crate::scene::{Scene, answer, parcel, partner};

const LEASE: Duration = Duration::from_secs(10);

async fn lease(store: &Store, max: usize) -> Vec<Leased> {
    store.lease(&partner("portal"), max, LEASE).await.unwrap()
}

fn ids(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|parcel| parcel.id.as_str()).collect()
}

fn delivered(id: &str) -> Vec<(Hold, Delivery)> {
    let receipt = Receipt::plain(Bytes::from_static(b"ok"), None);
    vec![(held(id, 0), Delivery::Delivered { receipt })]
}

/// The hold of the lease number `turn`, counted from 0.
fn held(id: &str, turn: u32) -> Hold {
    let id = id.to_owned();
    Hold { id, turn }
}

async fn act(store: &Store, deed: Deed) -> Acted {
    let (who, why) = ("operator".to_owned(), "a test".to_owned());
    store.act(Act { who, why, deed }).await.unwrap()
}

async fn replay(store: &Store, id: &str) -> Acted {
    act(store, Deed::Replay(id.into())).await
}

async fn cancel(store: &Store, id: &str) -> Acted {
    act(store, Deed::Cancel(id.into())).await
}

#[tokio::test]
async fn what_a_parcel_holds_is_found_by_its_name_however_it_ended_and_after_a_restart() {
    let scene = Scene::new();
    let store = scene.open();
    let put = parcel("a1", "a", 1);
    store.put(vec![put.clone()]).await.unwrap();
    let name = || ParcelName::Id("a1".to_owned());
    let kept = store.kept(name()).await.unwrap().unwrap();
    assert_eq!(kept.content, Some(put.content.clone()));
    assert_eq!(kept.story.state, ParcelState::Waiting);
    lease(&store, 1).await;
    store.settle(delivered("a1")).await.unwrap();
    drop(store);
    let kept = scene.open().kept(name()).await.unwrap().unwrap();
    assert_eq!(kept.content, Some(put.content));
    assert_eq!(kept.story.state, ParcelState::Done);
    let unknown = ParcelName::Cause(gateway_core::Evidence::fresh());
    assert!(scene.open().kept(unknown).await.unwrap().is_none());
}

#[tokio::test]
async fn parcels_are_leased_in_the_order_of_their_subject_with_what_was_put_in() {
    let scene = Scene::new();
    let store = scene.open();
    let parcels = vec![
        parcel("a2", "a", 2),
        parcel("b1", "b", 1),
        parcel("a1", "a", 1),
    ];
    store.put(parcels).await.unwrap();
    let leased = lease(&store, 10).await;
    assert_eq!(ids(&leased), ["b1", "a1", "a2"]);
    assert_eq!(leased[1].content, "content of a1");
    assert_eq!((leased[1].subject.as_str(), leased[1].sequence), ("a", 1));
    assert_eq!(
        (leased[1].kind.as_str(), leased[1].attempts),
        ("portal.dossier", 0)
    );
    assert!(lease(&store, 10).await.is_empty());
}

#[tokio::test]
async fn the_same_parcel_again_is_ignored_even_when_done() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    assert_eq!(ids(&lease(&store, 10).await), ["a1"]);
    store.settle(delivered("a1")).await.unwrap();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    assert!(lease(&store, 10).await.is_empty());
}

#[tokio::test]
async fn another_parcel_under_a_known_id_is_set_aside_and_all_that_came_with_it_is_in() {
    let same = || parcel("a1", "a", 1);
    let others = [
        parcel("a1", "z", 1),
        parcel("a1", "a", 2),
        Parcel {
            partner: partner("tax"),
            ..same()
        },
        Parcel {
            kind: "portal.else",
            ..same()
        },
        Parcel {
            content: Bytes::from_static(b"other"),
            ..same()
        },
    ];
    for other in others {
        let scene = Scene::new();
        let store = scene.open();
        store.put(vec![same()]).await.unwrap();
        for _ in 0..2 {
            let batch = vec![other.clone(), parcel("b1", "b", 1)];
            assert_eq!(store.put(batch).await.unwrap(), ["a1"], "{other:?}");
        }
        let leased = lease(&store, 10).await;
        assert_eq!(ids(&leased), ["a1", "b1"], "{other:?}");
        assert_eq!(leased[0].content, "content of a1");
        let filter = ParcelFilter {
            state: Some(ParcelState::Poison),
            max: 10,
            ..ParcelFilter::default()
        };
        let aside = store.list(filter).await.unwrap();
        assert_eq!(aside.len(), 1, "once, however often it comes: {other:?}");
        assert!(aside[0].id.starts_with("a1~"), "{aside:?}");
        assert_eq!(aside[0].reason.as_deref(), Some("id-conflict"));
    }
}

#[tokio::test]
async fn what_was_set_aside_can_be_replayed_with_its_own_content() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let content = Bytes::from_static(b"other");
    let other = Parcel {
        content,
        ..parcel("a1", "b", 1)
    };
    store.put(vec![other]).await.unwrap();
    assert_eq!(ids(&lease(&store, 10).await), ["a1"]);
    let stuck = store.list(of_subject("b")).await.unwrap().remove(0);
    assert_eq!(replay(&store, &stuck.id).await, Acted::Done);
    let leased = lease(&store, 10).await;
    assert_eq!(
        (ids(&leased), leased[0].content.as_ref()),
        (vec![stuck.id.as_str()], &b"other"[..])
    );
}

fn of_subject(subject: &str) -> ParcelFilter {
    ParcelFilter {
        subject: Some(subject.into()),
        max: 10,
        ..ParcelFilter::default()
    }
}

#[tokio::test]
async fn a_leased_parcel_tells_when_it_was_put_in_however_often_it_was_tried() {
    let scene = Scene::new();
    let store = scene.open();
    let put_at = scene.now();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(lease(&store, 1).await[0].put_at, put_at);
        scene.clock.advance(LEASE);
    }
}

#[tokio::test]
async fn what_waits_behind_a_dead_or_a_backing_off_parcel_is_not_looked_at() {
    let scene = Scene::new();
    let store = scene.open();
    let many = |subject: &'static str| {
        (0..50).map(move |n| parcel(&format!("{subject}{n:02}"), subject, n))
    };
    store
        .put(many("a").chain(many("b")).collect())
        .await
        .unwrap();
    lease(&store, 1).await;
    let dead = Delivery::Dead { reason: "refused" };
    store.settle(vec![(held("a00", 0), dead)]).await.unwrap();
    assert_eq!(candidates(&scene), ["b00"]);
    store.settle(delivered("b00")).await.unwrap();
    assert_eq!(candidates(&scene), ["b01"]);
    store.put(vec![parcel("b-new", "b", 0)]).await.unwrap();
    assert_eq!(candidates(&scene), ["b-new"]);
    assert_eq!(cancel(&store, "a00").await, Acted::Done);
    assert_eq!(candidates(&scene), ["b-new", "a01"]);
}

/// What the index of due parcels holds.
fn candidates(scene: &Scene) -> Vec<String> {
    scene.ask(
        "SELECT id FROM outbox \
        WHERE partner = 'portal' AND state IN (0, 1) AND front = 1 ORDER BY id DESC",
    )
}

/// Subjects whose front is not their first open parcel.
fn misplaced_fronts(scene: &Scene) -> usize {
    let misplaced = scene.ask(
        "SELECT id FROM outbox o WHERE (front = 1) <> (state <> 2 AND NOT EXISTS \
        (SELECT 1 FROM outbox b WHERE b.partner = o.partner AND b.subject = o.subject \
        AND b.state <> 2 AND (b.sequence, b.position) < (o.sequence, o.position)))",
    );
    misplaced.len()
}

#[tokio::test]
async fn a_parcel_waiting_for_its_next_try_holds_back_its_subject_and_no_other() {
    let scene = Scene::new();
    let store = scene.open();
    store
        .put(vec![
            parcel("a1", "a", 1),
            parcel("a2", "a", 2),
            parcel("b1", "b", 1),
        ])
        .await
        .unwrap();
    assert_eq!(ids(&lease(&store, 1).await), ["a1"]);
    let retry = Delivery::Retry {
        after: Duration::from_secs(60),
        reason: "busy",
    };
    store.settle(vec![(held("a1", 0), retry)]).await.unwrap();
    assert_eq!(ids(&lease(&store, 10).await), ["b1"]);
    scene.clock.advance(Duration::from_secs(60));
    let leased = lease(&store, 10).await;
    assert_eq!(
        ids(&leased),
        ["b1", "a1", "a2"],
        "b1's lease ended before a1's wait did"
    );
    assert_eq!(leased[1].attempts, 1);
}

#[tokio::test]
async fn a_dead_parcel_holds_back_its_subject_until_a_person_acts() {
    let scene = Scene::new();
    let store = scene.open();
    store
        .put(vec![parcel("a1", "a", 1), parcel("a2", "a", 2)])
        .await
        .unwrap();
    lease(&store, 1).await;
    store
        .settle(vec![(held("a1", 0), Delivery::Dead { reason: "refused" })])
        .await
        .unwrap();
    scene.clock.advance(Duration::from_secs(3600));
    assert!(lease(&store, 10).await.is_empty());
    let lane = store.census().await.unwrap().lanes.remove(0);
    assert_eq!((lane.waiting, lane.dead), (1, 1));

    assert_eq!(replay(&store, "a1").await, Acted::Done);
    assert_eq!(ids(&lease(&store, 1).await), ["a1"]);
    store
        .settle(vec![(held("a1", 1), Delivery::Dead { reason: "refused" })])
        .await
        .unwrap();
    assert_eq!(cancel(&store, "a1").await, Acted::Done);
    assert_eq!(ids(&lease(&store, 10).await), ["a2"]);
}

#[tokio::test]
async fn a_lease_that_ended_frees_the_parcel_and_a_late_retry_says_nothing() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    lease(&store, 1).await;
    scene.clock.advance(LEASE);
    assert_eq!(lease(&store, 1).await[0].attempts, 1);
    store.settle(delivered("a1")).await.unwrap();
    store
        .settle(vec![(held("a1", 1), Delivery::Dead { reason: "late" })])
        .await
        .unwrap();
    assert!(
        store.census().await.unwrap().lanes.is_empty(),
        "delivered stays delivered"
    );
}

#[tokio::test]
async fn what_is_sent_and_what_is_received_for_it_stand_in_the_journal() {
    let scene = Scene::new();
    let store = scene.open();
    store
        .put(vec![parcel("a1", "a", 1), parcel("b1", "b", 1)])
        .await
        .unwrap();
    lease(&store, 10).await;
    let sent = Bytes::from_static(b"exact bytes");
    let holds = vec![held("a1", 0), held("b1", 0)];
    assert!(
        store
            .sending(&partner("portal"), holds, sent, Vec::new())
            .await
            .unwrap()
    );
    assert_eq!(store.census().await.unwrap().journal_records, 1);
    store.settle(delivered("a1")).await.unwrap();
    store.settle(delivered("a1")).await.unwrap();
    assert_eq!(
        store.census().await.unwrap().journal_records,
        2,
        "one receipt, told twice"
    );
    store.verify().unwrap();
}

#[tokio::test]
async fn an_unknown_parcel_is_refused_and_nothing_of_the_call_is_kept() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    lease(&store, 1).await;
    let mut results = delivered("a1");
    results.extend(delivered("nobody"));
    let refused = store.settle(results).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("no such parcel")),
        "{refused:?}"
    );
    let refused = store
        .sending(
            &partner("portal"),
            vec![held("nobody", 0)],
            Bytes::new(),
            Vec::new(),
        )
        .await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(store.census().await.unwrap().lanes[0].waiting, 1);
    assert_eq!(store.census().await.unwrap().journal_records, 0);
}

#[tokio::test]
async fn one_partners_parcels_are_not_leased_to_another_and_the_census_counts_by_partner() {
    let scene = Scene::new();
    let store = scene.open();
    let put_at = scene.now();
    let other = Parcel {
        partner: partner("tax"),
        ..parcel("t1", "a", 1)
    };
    store.put(vec![other, parcel("a1", "a", 2)]).await.unwrap();
    assert_eq!(ids(&lease(&store, 10).await), ["a1"]);
    scene.clock.advance(Duration::from_secs(1));
    let lanes = store.census().await.unwrap().lanes;
    let seen: Vec<_> = lanes
        .iter()
        .map(|lane| (lane.partner.as_str(), lane.waiting))
        .collect();
    assert_eq!(seen, [("portal", 1), ("tax", 1)]);
    assert_eq!(lanes[0].oldest, Some(put_at));
}

#[tokio::test]
async fn a_commits_parcels_are_put_in_with_the_answer() {
    let scene = Scene::new();
    let store = scene.open();
    let entry = scene.entry("m-0000001", "x");
    store.claim(entry.clone()).await.unwrap();
    assert!(lease(&store, 10).await.is_empty());
    let parcels = vec![parcel("a1", "a", 1)];
    store
        .commit(entry.evidence, answer(entry.evidence), parcels, Vec::new())
        .await
        .unwrap();
    assert_eq!(ids(&lease(&store, 10).await), ["a1"]);
}

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Put { subject: u8, sequence: u64 },
    Lease { max: usize },
    Deliver { nth: usize },
    Retry { nth: usize, seconds: u64 },
    Kill { nth: usize },
    Replay { nth: usize },
    Wait { seconds: u64 },
    Reopen,
}

/// Hears every event of this thread, as text.
#[derive(Clone, Default)]
struct Heard(std::sync::Arc<std::sync::Mutex<String>>);

impl tracing::field::Visit for Heard {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let mut told = self.0.lock().unwrap();
        told.push_str(&format!("{field}={value:?} "));
    }
}

impl tracing::Subscriber for Heard {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_parcel_that_a_commit_sets_aside_is_told_as_an_event() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let entry = scene.entry("m-0000001", "x");
    store.claim(entry.clone()).await.unwrap();
    let heard = Heard::default();
    let listening = tracing::subscriber::set_default(heard.clone());
    let parcels = vec![parcel("a1", "other", 1), parcel("a2", "a", 2)];
    store
        .commit(entry.evidence, answer(entry.evidence), parcels, Vec::new())
        .await
        .unwrap();
    drop(listening);
    let told = heard.0.lock().unwrap().clone();
    assert!(told.contains("a1") && told.contains("set aside"), "{told}");
    assert!(told.contains(&entry.evidence.to_string()), "{told}");
    assert!(!told.contains("\"a2\""), "{told}");
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3u8, 0..6u64).prop_map(|(subject, sequence)| Step::Put { subject, sequence }),
        4 => (1..4usize).prop_map(|max| Step::Lease { max }),
        3 => (0..20usize).prop_map(|nth| Step::Deliver { nth }),
        2 => (0..20usize, 0..20u64).prop_map(|(nth, seconds)| Step::Retry { nth, seconds }),
        1 => (0..20usize).prop_map(|nth| Step::Kill { nth }),
        1 => (0..20usize).prop_map(|nth| Step::Replay { nth }),
        2 => (1..15u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Reopen),
    ]
}

/// What a parcel is by the words of the port, without any table.
#[derive(Debug, Clone, PartialEq)]
enum Stand {
    Free { from: u64 },
    Leased { until: u64 },
    Done,
    Dead,
}

#[derive(Debug, Clone)]
struct Modelled {
    subject: u8,
    sequence: u64,
    stand: Stand,
    attempts: u32,
}

/// Parcels by id; ids grow in the order in which they were put in.
#[derive(Debug, Default)]
struct Model {
    parcels: BTreeMap<String, Modelled>,
    seconds: u64,
}

impl Model {
    fn is_due(&self, parcel: &Modelled) -> bool {
        match parcel.stand {
            Stand::Free { from } => from <= self.seconds,
            Stand::Leased { until } => until <= self.seconds,
            Stand::Done | Stand::Dead => false,
        }
    }

    /// Whether it may be leased after those of the same call.
    fn may_go(&self, id: &str, call: &[String]) -> bool {
        let parcel = &self.parcels[id];
        let before = |(other_id, other): (&String, &Modelled)| {
            other.subject == parcel.subject
                && (other.sequence, other_id.as_str()) < (parcel.sequence, id)
        };
        let is_past =
            |(id, other): (&String, &Modelled)| other.stand == Stand::Done || call.contains(id);
        !call.iter().any(|taken| taken == id)
            && self.is_due(parcel)
            && self
                .parcels
                .iter()
                .filter(|entry| before(*entry))
                .all(is_past)
    }

    fn lease(&mut self, leased: &[Leased], max: usize) {
        let mut call = Vec::new();
        for parcel in leased {
            assert!(
                self.may_go(&parcel.id, &call),
                "{} out of order: {self:?}",
                parcel.id
            );
            assert_eq!(parcel.attempts, self.parcels[&parcel.id].attempts);
            assert_eq!(parcel.content, format!("content of {}", parcel.id));
            call.push(parcel.id.clone());
        }
        let left_out = self.parcels.keys().find(|id| self.may_go(id, &call));
        assert!(
            call.len() == max || left_out.is_none(),
            "{left_out:?} was left out"
        );
        assert!(call.len() <= max);
        for id in call {
            let parcel = self.parcels.get_mut(&id).unwrap();
            parcel.stand = Stand::Leased {
                until: self.seconds + LEASE.as_secs(),
            };
            parcel.attempts += 1;
        }
    }

    fn nth(&self, nth: usize) -> Option<String> {
        (!self.parcels.is_empty()).then(|| {
            self.parcels
                .keys()
                .nth(nth % self.parcels.len())
                .unwrap()
                .clone()
        })
    }

    /// The hold of its newest lease.
    fn hold(&self, id: &str) -> Hold {
        held(id, self.parcels[id].attempts.saturating_sub(1))
    }

    /// Whether a person may let it try again; then it may go now.
    fn replay(&mut self, id: &str) -> bool {
        let now = self.seconds;
        let parcel = self.parcels.get_mut(id).unwrap();
        let may = match parcel.stand {
            Stand::Free { .. } | Stand::Dead => true,
            Stand::Leased { until } => until <= now,
            Stand::Done => false,
        };
        if may {
            parcel.stand = Stand::Free { from: now };
        }
        may
    }

    fn settle(&mut self, id: &str, stand: Stand) {
        let parcel = self.parcels.get_mut(id).unwrap();
        let leased = matches!(parcel.stand, Stand::Leased { .. });
        if parcel.stand != Stand::Done && (leased || stand == Stand::Done) {
            parcel.stand = stand;
        }
    }
}

async fn play(steps: Vec<Step>) {
    let scene = Scene::new();
    let (mut store, mut model) = (Some(scene.open()), Model::default());
    for step in steps {
        let open = store.as_ref().unwrap();
        match step {
            Step::Put { subject, sequence } => {
                let id = format!("p{:04}", model.parcels.len());
                open.put(vec![parcel(&id, &subject.to_string(), sequence)])
                    .await
                    .unwrap();
                let stand = Stand::Free {
                    from: model.seconds,
                };
                model.parcels.insert(
                    id,
                    Modelled {
                        subject,
                        sequence,
                        stand,
                        attempts: 0,
                    },
                );
            }
            Step::Lease { max } => model.lease(&lease(open, max).await, max),
            Step::Deliver { nth } => {
                let Some(id) = model.nth(nth) else { continue };
                open.settle(delivered(&id)).await.unwrap();
                model.settle(&id, Stand::Done);
            }
            Step::Retry { nth, seconds } => {
                let Some(id) = model.nth(nth) else { continue };
                let hold = model.hold(&id);
                let retry = Delivery::Retry {
                    after: Duration::from_secs(seconds),
                    reason: "busy",
                };
                open.settle(vec![(hold, retry)]).await.unwrap();
                model.settle(
                    &id,
                    Stand::Free {
                        from: model.seconds + seconds,
                    },
                );
            }
            Step::Kill { nth } => {
                let Some(id) = model.nth(nth) else { continue };
                let dead = Delivery::Dead { reason: "refused" };
                open.settle(vec![(model.hold(&id), dead)]).await.unwrap();
                model.settle(&id, Stand::Dead);
            }
            Step::Replay { nth } => {
                let Some(id) = model.nth(nth) else { continue };
                let acted = replay(open, &id).await;
                assert_eq!(acted == Acted::Done, model.replay(&id), "{acted:?}");
            }
            Step::Wait { seconds } => {
                scene.clock.advance(Duration::from_secs(seconds));
                model.seconds += seconds;
            }
            Step::Reopen => {
                drop(store.take());
                store = Some(scene.open());
            }
        }
    }
    assert_eq!(misplaced_fronts(&scene), 0);
    store.unwrap().verify().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_of_an_outbox_is_one_that_the_ports_words_allow(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
