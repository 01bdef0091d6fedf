//! An id is acted upon once, whenever it comes: while it is remembered it is known, and when it is
//! forgotten it is too old to be new.

use std::collections::BTreeMap;
use std::time::Duration;

use gateway_core::ports::{Claimed, MessageLog as _};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::scene::{Scene, answer};

/// The longest window that a partner may have, either way.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The shortest time that a journal may be kept.
const KEEP: Duration = Duration::from_secs(7 * 86_400);

#[derive(Debug, Clone)]
enum Step {
    /// A new message, whose sender's clock is so many minutes off.
    New(i64),
    /// One of those before, whichever; the very same or said anew.
    Again(usize),
    /// So many hours pass.
    Wait(u64),
    /// The keeper's round.
    Tidy,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (-1_439_i64..1_439).prop_map(Step::New),
        4 => any::<usize>().prop_map(Step::Again),
        2 => (1_u64..240).prop_map(Step::Wait),
        1 => Just(Step::Tidy),
    ]
}

/// What a message got, each time that it came.
struct Sent {
    id: String,
    sent_at: Timestamp,
    acted: u32,
}

async fn come(scene: &Scene, store: &gateway_store::Store, sent: &mut Sent) -> Claimed {
    let mut entry = scene.entry(&sent.id, &sent.id);
    entry.sent_at = sent.sent_at;
    entry.fresh = scene.now().duration_since(sent.sent_at).abs() <= WINDOW;
    let evidence = entry.evidence;
    let claimed = store.claim(entry).await.unwrap();
    if claimed == Claimed::New {
        sent.acted += 1;
        let stored = answer(evidence);
        store
            .commit(evidence, stored, Vec::new(), Vec::new())
            .await
            .unwrap();
    }
    claimed
}

async fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let scene = Scene::new();
    let store = scene.open();
    let mut all: Vec<Sent> = Vec::new();
    let mut said: BTreeMap<&str, u32> = BTreeMap::new();
    for step in steps {
        match step {
            Step::New(minutes) => {
                let mut sent = Sent {
                    id: format!("m-{:07}", all.len()),
                    sent_at: scene.now() + SignedDuration::from_mins(*minutes),
                    acted: 0,
                };
                prop_assert_eq!(come(&scene, &store, &mut sent).await, Claimed::New);
                all.push(sent);
            }
            Step::Again(nth) if !all.is_empty() => {
                let nth = nth % all.len();
                let claimed = come(&scene, &store, &mut all[nth]).await;
                let word = match claimed {
                    Claimed::Same(_) => "same",
                    Claimed::Stale => "stale",
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                };
                *said.entry(word).or_default() += 1;
            }
            Step::Again(_) => {}
            Step::Wait(hours) => scene.clock.advance(Duration::from_secs(hours * 3_600)),
            Step::Tidy => drop(store.tidy(KEEP).unwrap()),
        }
    }
    for sent in &all {
        prop_assert_eq!(sent.acted, 1, "{}", &sent.id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whenever_an_id_comes_again_it_is_known_or_too_old_and_never_new(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(&steps))?;
    }
}

#[tokio::test]
async fn an_id_is_known_to_the_end_of_its_validity_and_twice_the_skew_and_of_any_retrying() {
    let scene = Scene::new();
    let store = scene.open();
    let mut sent = Sent {
        id: "m-0000001".to_owned(),
        // as far ahead as its sender's clock may be
        sent_at: scene.now() + WINDOW,
        acted: 0,
    };
    assert_eq!(come(&scene, &store, &mut sent).await, Claimed::New);
    for hours in [24, 24, 1, 24, 24, 24, 24, 22] {
        scene.clock.advance(Duration::from_secs(hours * 3_600));
        store.tidy(KEEP).unwrap();
        let again = come(&scene, &store, &mut sent).await;
        assert!(matches!(again, Claimed::Same(_)), "{again:?}");
    }
}

#[tokio::test]
async fn a_time_only_rises_but_by_an_act_and_is_there_after_a_restart() {
    use gateway_core::ports::{Act, Acted, Deed, Office as _, TimeBook as _, TimeMark};
    let scene = Scene::new();
    let store = scene.open();
    let at = |hours: i64| scene.now() + SignedDuration::from_hours(hours);
    let reach = |hours: i64, act: u64| TimeMark { at: at(hours), act };
    store.reach(reach(2, 0)).await.unwrap();
    store.reach(reach(1, 0)).await.unwrap();
    assert_eq!(store.mark().await.unwrap(), reach(2, 0));
    drop(store);
    let store = scene.open();
    assert_eq!(store.mark().await.unwrap(), reach(2, 0));
    let accept = || {
        let (who, why) = ("an.operator".to_owned(), "it was ahead".to_owned());
        let deed = Deed::AcceptClock;
        store.act(Act { who, why, deed })
    };
    assert_eq!(accept().await.unwrap(), Acted::Done);
    assert_eq!(accept().await.unwrap(), Acted::AlreadySo);
    let acts = store.acts(5).await.unwrap();
    assert_eq!(acts.len(), 1);
    let mark = store.mark().await.unwrap();
    assert_eq!(mark, reach(0, acts[0].journal));
    // whoever has not heard of the act writes nothing over it
    store.reach(reach(2, 0)).await.unwrap();
    assert_eq!(store.mark().await.unwrap(), mark);
    store.reach(reach(1, mark.act)).await.unwrap();
    assert_eq!(store.mark().await.unwrap().at, at(1));
    store.verify().unwrap();
}
