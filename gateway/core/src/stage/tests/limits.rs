//! How often, how many at once, how large and how long.

use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use schemas::fault::FaultCode;
use tokio::time::Instant;

use super::{
    super::Held,
    answered::{Answered, answered},
    bench::{Bench, burst},
    letter::{Letter, TAX, letter, silent, untouchable},
    words::{BODY_BYTES_MAX, DEADLINE, OTHER_PATH},
};
use crate::limits::{Standing, Tally};

fn look(id: &'static str) -> Letter {
    letter("t.look", id)
}

/// The numbers that a caller over its limit is told.
#[track_caller]
fn assert_limited(refused: &Answered, reason: &str, limit: &str) {
    refused.assert_fault(FaultCode::RateLimited, reason);
    let told = ["ratelimit-limit", "ratelimit-remaining"].map(|name| refused.header(name));
    assert_eq!(told, [limit, "0"]);
    for name in ["retry-after", "ratelimit-reset"] {
        let seconds: u64 = refused.header(name).parse().unwrap();
        assert!((1..=60).contains(&seconds), "{name}: {seconds}");
    }
}

#[tokio::test]
async fn a_peer_over_its_limit_on_a_route_is_refused_before_a_body_byte_is_read() {
    let bench = Bench::with(|setup| setup.tax.peer_quota = burst(2));
    for id in ["m-0000001", "m-0000002"] {
        bench.send(&look(id)).await.assert_done("hello");
    }
    let refused = bench.send_body(&look("m-0000003"), untouchable()).await;
    assert_limited(&refused, "peer-route", "2");
    assert!(!refused.is_signed());
    bench
        .send(&Letter {
            path: OTHER_PATH,
            ..look("m-0000004")
        })
        .await
        .assert_done("hello");
    bench
        .send(&look("m-0000005").of_dvclt())
        .await
        .assert_done("hello");
}

#[tokio::test]
async fn one_sender_behind_a_relay_cannot_starve_another() {
    let bench = Bench::with(|setup| {
        let granted = &mut setup.tax.agreements[0].operations;
        granted.get_mut("t.look").unwrap().quota = burst(2);
    });
    for id in ["m-0000001", "m-0000002"] {
        bench.send(&look(id).relayed()).await.assert_done("hello");
    }
    let refused = bench.send(&look("m-0000003").relayed()).await;
    assert_limited(&refused, "sender-operation", "2");
    refused.assert_bound_to(&look("m-0000003"));
    assert_eq!(bench.effects(), 2);
    bench
        .send(&look("m-0000004").of_dvclt().relayed())
        .await
        .assert_done("hello");
    bench
        .send(&letter("t.change", "m-0000005").relayed())
        .await
        .assert_done("hello");
}

#[tokio::test]
async fn messages_that_a_sender_has_not_signed_do_not_use_up_its_limit() {
    let bench = Bench::with(|setup| {
        let granted = &mut setup.dvclt.agreements[0].operations;
        granted.get_mut("t.look").unwrap().quota = burst(1);
    });
    for _ in 0..3 {
        let forged = Letter {
            pen: &TAX,
            ..look("m-0000001").of_dvclt()
        };
        let refused = bench.send(&forged.relayed()).await;
        refused.assert_fault(FaultCode::BadSignature, "signature-mismatch");
    }
    bench
        .send(&look("m-0000002").of_dvclt())
        .await
        .assert_done("hello");
}

#[tokio::test]
async fn a_full_house_refuses_unread_and_takes_the_next_when_a_place_is_free() {
    let bench = Bench::with(|setup| setup.places = 1);
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&look("m-0000001"));
    effect.reached().await;
    let refused = bench.send_body(&look("m-0000002"), untouchable()).await;
    refused.assert_fault(FaultCode::Overloaded, "in-flight");
    assert_eq!(refused.header("retry-after"), "1");
    effect.release();
    first.await.unwrap().assert_done("hello");
    bench.send(&look("m-0000002")).await.assert_done("hello");
}

#[tokio::test]
async fn one_peer_cannot_take_all_places() {
    let bench = Bench::with(|setup| setup.places = 4);
    let mut inside = Vec::new();
    for id in ["m-0000001", "m-0000002"] {
        let effect = bench.knobs.hold_next("perform");
        inside.push((bench.start(&look(id)), effect.clone()));
        effect.reached().await;
    }
    let refused = bench.send_body(&look("m-0000003"), untouchable()).await;
    refused.assert_fault(FaultCode::Overloaded, "in-flight-of-this-peer");
    bench
        .send(&look("m-0000003").of_dvclt())
        .await
        .assert_done("hello");
    for (caller, effect) in inside {
        effect.release();
        caller.await.unwrap().assert_done("hello");
    }
    bench.send(&look("m-0000003")).await.assert_done("hello");
}

#[tokio::test]
async fn a_message_keeps_its_place_until_it_is_over_though_its_caller_has_gone() {
    let bench = Bench::with(|setup| setup.places = 1);
    let effect = bench.knobs.hold_next("perform");
    let caller = bench.start(&letter("t.change", "m-0000001"));
    effect.reached().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    let refused = bench.send(&look("m-0000002")).await;
    refused.assert_fault(FaultCode::Overloaded, "in-flight");
    effect.release();
    bench.settle().await;
    bench.send(&look("m-0000002")).await.assert_done("hello");
}

#[tokio::test]
async fn a_refused_message_gives_its_place_back() {
    let bench = Bench::with(|setup| setup.places = 1);
    for id in ["m-0000001", "m-0000002"] {
        let refused = bench
            .send(&Letter {
                purpose: "other",
                ..look(id)
            })
            .await;
        refused.assert_fault(FaultCode::Forbidden, "purpose-not-agreed");
    }
    bench.send(&look("m-0000003")).await.assert_done("hello");
}

fn long(id: &'static str) -> Letter {
    let text: &'static str = "x".repeat(700).leak();
    Letter { text, ..look(id) }
}

#[tokio::test]
async fn bodies_are_bounded_in_sum_until_their_messages_are_over() {
    let bench = Bench::with(|setup| setup.body_bytes = BODY_BYTES_MAX);
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&long("m-0000001"));
    effect.reached().await;
    assert!(bench.gate.held().body_bytes > 700);
    let refused = bench.send(&long("m-0000002").of_dvclt()).await;
    refused.assert_fault(FaultCode::Overloaded, "body-bytes-in-flight");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(bench.effects(), 1, "the first alone");
    effect.release();
    assert_eq!(first.await.unwrap().header("lienthong-fault"), "");
    bench.settle().await;
    assert_eq!(bench.gate.held(), Held::default());
    let second = bench.send(&long("m-0000002").of_dvclt()).await;
    assert_eq!(second.header("lienthong-fault"), "");
}

#[tokio::test]
async fn one_peer_cannot_take_all_the_room_for_bodies() {
    let bench = Bench::with(|setup| setup.body_bytes = 2 * BODY_BYTES_MAX);
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&long("m-0000001"));
    effect.reached().await;
    let refused = bench.send(&long("m-0000002")).await;
    refused.assert_fault(FaultCode::Overloaded, "body-bytes-of-this-peer");
    let other = bench.send(&long("m-0000003").of_dvclt()).await;
    assert_eq!(other.header("lienthong-fault"), "");
    effect.release();
    assert_eq!(first.await.unwrap().header("lienthong-fault"), "");
    let second = bench.send(&long("m-0000002")).await;
    assert_eq!(second.header("lienthong-fault"), "");
}

#[tokio::test]
async fn after_drain_nobody_comes_in_and_who_is_inside_finishes() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let inside = bench.start(&letter("t.change", "m-0000001"));
    effect.reached().await;
    bench.gate.drain();
    let refused = bench.send_body(&look("m-0000002"), untouchable()).await;
    refused.assert_fault(FaultCode::Draining, "draining");
    assert_eq!(
        (refused.header("connection"), refused.header("retry-after")),
        ("close", "1")
    );
    effect.release();
    inside.await.unwrap().assert_done("hello");
}

#[tokio::test]
async fn unknown_routes_methods_and_ambiguous_heads_are_refused_unread() {
    let bench = Bench::new();
    let elsewhere = Letter {
        path: "/t/v1/none",
        ..look("m-0000001")
    };
    let refused = bench.send_body(&elsewhere, untouchable()).await;
    refused.assert_fault(FaultCode::UnknownRoute, "route");
    let mut put = look("m-0000001").arrival_with(untouchable());
    *put.request.method_mut() = http::Method::PUT;
    bench
        .arrive(put)
        .await
        .assert_fault(FaultCode::UnknownRoute, "route");
    let mut two_hosts = look("m-0000001").arrival_with(untouchable());
    two_hosts
        .request
        .headers_mut()
        .append("host", "other".parse().unwrap());
    let refused = bench.arrive(two_hosts).await;
    refused.assert_fault(FaultCode::Framing, "two-hosts");
    assert_eq!(refused.header("connection"), "close");
}

#[tokio::test]
async fn a_suspended_peer_is_refused_unread() {
    let bench = Bench::with(|setup| setup.tax.active = false);
    let refused = bench.send_body(&look("m-0000001"), untouchable()).await;
    refused.assert_fault(FaultCode::Unauthenticated, "peer-not-active");
}

#[tokio::test]
async fn a_body_is_bounded_by_what_it_announces_and_by_what_it_is() {
    let bench = Bench::new();
    let announced = look("m-0000001").with("content-length", "1025");
    let refused = bench.send_body(&announced, untouchable()).await;
    refused.assert_fault(FaultCode::TooLarge, "body-bytes");
    assert_eq!(refused.header("connection"), "close");
    let head = "audit|fund|".len();
    for (length, outcome) in [(BODY_BYTES_MAX, ""), (BODY_BYTES_MAX + 1, "TOO-LARGE")] {
        let text: &'static str = "x".repeat(length - head).leak();
        let seen = bench
            .send(&Letter {
                text,
                ..look("m-0000002")
            })
            .await;
        assert_eq!(seen.header("lienthong-fault"), outcome, "{length}");
    }
}

#[tokio::test]
async fn a_body_in_crumbs_is_refused_before_it_costs_too_much() {
    let bench = Bench::new();
    let send = async |pieces| {
        let crumbs = (0..pieces).map(|_| Ok(Frame::data(Bytes::new())));
        let body = StreamBody::new(futures_util::stream::iter(crumbs)).boxed_unsync();
        bench.send_body(&look("m-0000001"), body).await
    };
    assert_ne!(send(16_384).await.header("lienthong-fault"), "FRAMING");
    let refused = send(16_385).await;
    refused.assert_fault(FaultCode::Framing, "body-in-crumbs");
    assert_eq!(refused.header("connection"), "close");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_caller_shortens_and_never_lengthens() {
    for (asked, taken) in [("1000", 1), ("10000000", 10), ("soon", 10), ("-1", 10)] {
        let bench = Bench::new();
        bench.knobs.hold_next("perform");
        let started = Instant::now();
        let letter = letter("t.change", "m-0000001").with("lienthong-timeout-ms", asked);
        let refused = bench.send(&letter).await;
        refused.assert_fault(FaultCode::DeadlineExceeded, "perform");
        refused.assert_bound_to(&letter);
        assert_eq!(started.elapsed().as_secs(), taken, "{asked}");
        let deadline = bench.words.contexts.lock().unwrap()[0].deadline;
        assert_eq!(deadline, started + Duration::from_secs(taken), "{asked}");
        assert_eq!(bench.diary.about("log"), ["claim", "release"]);
    }
}

/// Nothing is claimed that could not be finished in time: there would be an effect and no answer.
#[tokio::test(start_paused = true)]
async fn with_no_time_left_it_is_refused_before_anything_is_begun() {
    for (asked, outcome) in [
        ("0", "DEADLINE-EXCEEDED"),
        ("9", "DEADLINE-EXCEEDED"),
        ("10", ""),
    ] {
        let bench = Bench::new();
        let letter = letter("t.change", "m-0000001").with("lienthong-timeout-ms", asked);
        let seen = bench.send(&letter).await;
        assert_eq!(seen.header("lienthong-fault"), outcome, "{asked}");
        if !outcome.is_empty() {
            seen.assert_fault(FaultCode::DeadlineExceeded, "no-time-left");
            assert_eq!((bench.diary.about("log").len(), bench.effects()), (0, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up_at_the_deadline() {
    for (letter, taken) in [
        (look("m-0000001"), DEADLINE),
        (
            look("m-0000001").with("lienthong-timeout-ms", "500"),
            Duration::from_millis(500),
        ),
    ] {
        let (bench, started) = (Bench::new(), Instant::now());
        let refused = bench.send_body(&letter, silent()).await;
        refused.assert_fault(FaultCode::TooSlow, "body");
        assert_eq!(refused.header("connection"), "close");
        let late = started.elapsed() - taken;
        assert!(late < Duration::from_millis(10), "{late:?}");
    }
}

#[tokio::test]
async fn a_path_that_no_system_has_is_refused_unread_by_framing_limit_and_name() {
    let bench = Bench::with(|setup| setup.tax.peer_quota = burst(1));
    let bench = &bench;
    let nowhere = async |change: fn(&mut crate::Arrival)| {
        let mut arrival = look("m-0000001").arrival_with(untouchable());
        change(&mut arrival);
        bench.gate.turn_away(arrival, &bench.parts).await
    };
    let two_hosts: fn(&mut crate::Arrival) = |arrival| {
        let headers = arrival.request.headers_mut();
        headers.append("host", "other".parse().unwrap());
    };
    answered(nowhere(two_hosts).await)
        .await
        .assert_fault(FaultCode::Framing, "two-hosts");
    let unknown = answered(nowhere(|_| {}).await).await;
    unknown.assert_fault(FaultCode::UnknownRoute, "route");
    assert_eq!(unknown.header("content-type"), "application/problem+json");
    assert_limited(&answered(nowhere(|_| {}).await).await, "peer-route", "1");
    bench.send(&look("m-0000001")).await.assert_done("hello");
}

/// A count of somebody else's: so many in one room, then none; or not to be asked at all.
#[derive(Debug)]
struct Elsewhere {
    room: &'static str,
    left: std::sync::Mutex<Option<u32>>,
}

impl Elsewhere {
    fn counts(room: &'static str, left: Option<u32>) -> std::sync::Arc<Self> {
        let left = std::sync::Mutex::new(left);
        std::sync::Arc::new(Self { room, left })
    }
}

impl Tally for Elsewhere {
    fn take<'a>(
        &'a self,
        room: &'static str,
        _who: &'a schemas::id::PartnerId,
        _what: &'static str,
        _quota: crate::partner::Quota,
    ) -> futures_util::future::BoxFuture<'a, Option<Result<Standing, Standing>>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut left = self.left.lock().unwrap();
            let standing = |remaining| Standing {
                limit: 7,
                remaining,
                reset: Duration::from_secs(3),
            };
            match (room == self.room, left.as_mut()) {
                (false, _) => Some(Ok(standing(7))),
                (true, None) => None,
                (true, Some(0)) => Some(Err(standing(0))),
                (true, Some(n)) => {
                    *n -= 1;
                    Some(Ok(standing(*n)))
                }
            }
        })
    }
}

#[tokio::test]
async fn a_count_that_replicas_share_decides_in_both_rooms_and_its_wait_is_told() {
    for (room, reason) in [("admit", "peer-route"), ("permit", "sender-operation")] {
        let count = Elsewhere::counts(room, Some(1));
        let bench = Bench::with(|setup| setup.tally = Some(count));
        bench.send(&look("m-0000001")).await.assert_done("hello");
        let refused = match room {
            "admit" => bench.send_body(&look("m-0000002"), untouchable()).await,
            _ => bench.send(&look("m-0000002")).await,
        };
        assert_limited(&refused, reason, "7");
        assert_eq!(refused.header("retry-after"), "3");
        assert_eq!(bench.effects(), 1);
    }
}

#[tokio::test]
async fn where_the_shared_count_cannot_be_asked_the_own_limits_hold() {
    for (room, reason) in [("admit", "peer-route"), ("permit", "sender-operation")] {
        let bench = Bench::with(|setup| {
            setup.tally = Some(Elsewhere::counts(room, None));
            match room {
                "admit" => setup.tax.peer_quota = burst(2),
                _ => {
                    let granted = &mut setup.tax.agreements[0].operations;
                    granted.get_mut("t.look").unwrap().quota = burst(2);
                }
            }
        });
        for id in ["m-0000001", "m-0000002"] {
            bench.send(&look(id)).await.assert_done("hello");
        }
        assert_limited(&bench.send(&look("m-0000003")).await, reason, "2");
    }
}
