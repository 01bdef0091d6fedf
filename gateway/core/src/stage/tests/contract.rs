//! tower's contract: the service that said it was ready is the one that is called.

use std::sync::Arc;

use bytes::Bytes;
use schemas::fault::{Fault, FaultCode};
use tower::{BoxError, Layer as _, util::MapErr};
use tower_test::mock;

use super::{
    super::{AdmitLayer, ReceiveLayer, VerifyLayer},
    bench::Bench,
    letter::{Letter, letter},
    words::Words,
};
use crate::{
    Adapter as _, Admitted, Arrival, Committed, Evidence, Received, Refusal, Verified,
    ports::StoredAnswer,
};

type Inner<T> = MapErr<mock::Mock<T, Committed>, fn(BoxError) -> Refusal>;

fn inner<T: Send + 'static>(mock: mock::Mock<T, Committed>) -> Inner<T> {
    MapErr::new(mock, |error| {
        let fault = Fault::new(FaultCode::Internal, "mock").log(error.to_string());
        Refusal::of("mock", Evidence::fresh(), fault)
    })
}

fn committed() -> Committed {
    Committed {
        answer: StoredAnswer {
            evidence: Evidence::fresh(),
            status: 200,
            content_type: "application/json".into(),
            signature: None,
            fault: None,
            body: Bytes::from_static(b"from the mock"),
        },
        operation: "t.change",
    }
}

/// What the admit room makes of this letter.
async fn admitted(bench: &Bench, letter: &Letter) -> Admitted {
    let (mut service, mut handle) = mock::spawn_with(|mock| admit(bench).layer(inner(mock)));
    assert!(service.poll_ready::<Arrival>().is_ready());
    drop(service.call(letter.arrival()));
    handle.next_request().await.unwrap().0
}

/// What the receive room makes of this letter.
async fn received(bench: &Bench, letter: &Letter) -> Received {
    let (mut service, mut handle) = mock::spawn_with(|mock| receive(bench).layer(inner(mock)));
    assert!(service.poll_ready::<Admitted>().is_ready());
    let passage = tokio::spawn(service.call(admitted(bench, letter).await));
    let received = handle.next_request().await.unwrap().0;
    passage.abort();
    received
}

fn change() -> Letter {
    letter("t.change", "m-0000001")
}

/// Asks until it is ready, calls once; the mock panics where anything but the ready service is called.
macro_rules! assert_calls_the_ready_service {
    ($layer:expr, $takes:ty, $gives:ty, $message:expr) => {{
        let (mut service, mut handle) =
            mock::spawn_with(|mock| $layer.layer(inner::<$gives>(mock)));
        handle.allow(0);
        assert!(service.poll_ready::<$takes>().is_pending());
        handle.allow(1);
        assert!(service.poll_ready::<$takes>().is_ready());
        let passage = tokio::spawn(service.call($message));
        let (_, answer) = handle.next_request().await.unwrap();
        answer.send_response(committed());
        assert_eq!(
            &passage.await.unwrap().unwrap().answer().body[..],
            b"from the mock"
        );
        // what stays behind has to be asked again
        assert!(service.poll_ready::<$takes>().is_pending());
    }};
}

#[tokio::test]
async fn receive_moves_the_ready_service_into_its_future() {
    let bench = Bench::new();
    let message = admitted(&bench, &change()).await;
    assert_calls_the_ready_service!(receive(&bench), Admitted, Received, message);
}

#[tokio::test]
async fn admit_calls_the_service_that_was_ready() {
    let bench = Bench::new();
    let layer = admit(&bench);
    assert_calls_the_ready_service!(layer, Arrival, Admitted, change().arrival());
}

#[tokio::test]
async fn verify_calls_the_service_that_was_ready() {
    let bench = Bench::new();
    let layer = VerifyLayer {
        parts: bench.parts.clone(),
        adapter: Arc::clone(&bench.words),
    };
    let message = received(&bench, &change()).await;
    assert_calls_the_ready_service!(layer, Received, Verified<String>, message);
}

#[tokio::test]
async fn admit_uses_no_readiness_up_for_what_it_refuses() {
    let bench = Bench::new();
    let (mut service, mut handle) =
        mock::spawn_with(|mock| admit(&bench).layer(inner::<Admitted>(mock)));
    handle.allow(1);
    assert!(service.poll_ready::<Arrival>().is_ready());
    let elsewhere = Letter {
        path: "/elsewhere",
        ..change()
    };
    let refusal = service.call(elsewhere.arrival()).await.unwrap_err();
    assert_eq!(
        (refusal.room, refusal.fault.code()),
        ("admit", FaultCode::UnknownRoute)
    );
    assert!(service.poll_ready::<Arrival>().is_ready());
    let passage = tokio::spawn(service.call(change().arrival()));
    handle
        .next_request()
        .await
        .unwrap()
        .1
        .send_response(committed());
    assert!(passage.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_next_room_that_has_failed_is_told_to_the_caller() {
    let bench = Bench::new();
    let (mut service, mut handle) =
        mock::spawn_with(|mock| admit(&bench).layer(inner::<Admitted>(mock)));
    handle.send_error("gone");
    match service.poll_ready::<Arrival>() {
        std::task::Poll::Ready(Err(refusal)) => assert_eq!(refusal.room, "mock"),
        other => panic!("{other:?}"),
    }
}

fn admit(bench: &Bench) -> AdmitLayer {
    AdmitLayer {
        parts: bench.parts.clone(),
        gate: Arc::clone(&bench.gate),
        routes: bench.words.routes(),
        is_soap: false,
    }
}

fn receive(bench: &Bench) -> ReceiveLayer<Words> {
    ReceiveLayer {
        parts: bench.parts.clone(),
        adapter: Arc::clone(&bench.words),
    }
}
