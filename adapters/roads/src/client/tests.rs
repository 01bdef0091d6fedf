use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::Full;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::{
    reach::Reach,
    testserver::{self, Server, json},
};

fn quick() -> ClientLimits {
    ClientLimits {
        connections_max: 2,
        connect_deadline: Duration::from_secs(5),
        call_deadline: Duration::from_secs(3),
        answer_bytes_max: 1_000,
        headers_max: 8,
        idle_max: Duration::from_secs(30),
    }
}

async fn post(server: &Server, limits: ClientLimits) -> Result<Answer, Error> {
    server
        .client(limits)
        .post(
            "/adapter/x?y=1",
            HeaderMap::new(),
            Bytes::from_static(b"{}"),
        )
        .await
}

#[tokio::test]
async fn a_call_arrives_as_it_was_made_and_its_answer_comes_back() {
    let server = testserver::serve(|_, _| async { json(200, "yes") }).await;
    let answer = post(&server, ClientLimits::default()).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (200, &b"yes"[..])
    );
    assert_ne!(answer.peer_sha256, [0; 32]);
    let seen = server.seen().remove(0);
    assert_eq!(
        (seen.target.as_str(), &seen.body[..]),
        ("/adapter/x?y=1", &b"{}"[..])
    );
    assert_eq!(seen.headers[header::HOST], server.endpoint.authority());
}

#[tokio::test]
async fn a_connection_is_used_again_while_it_is_fresh() {
    let server = testserver::serve(|_, _| async { json(200, "") }).await;
    for (idle_max, connections) in [(Duration::from_secs(30), [0, 0]), (Duration::ZERO, [1, 2])] {
        let client = server.client(ClientLimits {
            idle_max,
            ..ClientLimits::default()
        });
        for _ in 0..2 {
            client
                .post("/x", HeaderMap::new(), Bytes::new())
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let used: Vec<_> = server
            .seen()
            .iter()
            .rev()
            .take(2)
            .rev()
            .map(|seen| seen.connection)
            .collect();
        assert_eq!(used, connections);
    }
}

#[tokio::test]
async fn a_connection_that_the_partner_closed_is_replaced() {
    let closing = |_, _| async {
        Response::builder()
            .header("connection", "close")
            .body(Full::new(Bytes::new()))
            .unwrap()
    };
    let server = testserver::serve(closing).await;
    let client = server.client(ClientLimits::default());
    for _ in 0..3 {
        client
            .post("/x", HeaderMap::new(), Bytes::new())
            .await
            .unwrap();
    }
    assert_eq!(
        server
            .seen()
            .iter()
            .map(|seen| seen.connection)
            .collect::<Vec<_>>(),
        [0, 1, 2]
    );
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let elsewhere = |_, _| async {
        Response::builder()
            .status(307)
            .header("location", "/elsewhere")
            .body(Full::new(Bytes::new()))
            .unwrap()
    };
    let server = testserver::serve(elsewhere).await;
    assert_eq!(
        post(&server, quick()).await.unwrap_err().reason(),
        "redirect"
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
    for (length, refused) in [(1_000, None), (1_001, Some("answer-too-large"))] {
        let server =
            testserver::serve(move |_, _| async move { json(200, &"x".repeat(length)) }).await;
        let answer = post(&server, quick()).await;
        assert_eq!(answer.err().map(|error| error.reason()), refused);
    }
}

#[tokio::test]
async fn too_many_header_fields_are_refused() {
    let wordy = |_, _| async {
        (0..20)
            .fold(Response::builder(), |response, at| {
                response.header(format!("x-{at}"), "y")
            })
            .body(Full::new(Bytes::new()))
            .unwrap()
    };
    let server = testserver::serve(wordy).await;
    assert_eq!(
        post(&server, quick()).await.unwrap_err().reason(),
        "bad-http"
    );
}

#[tokio::test]
async fn a_partner_that_never_answers_is_left_at_the_deadline() {
    let server = testserver::serve(|_, _| std::future::pending()).await;
    let error = post(&server, quick()).await.unwrap_err();
    assert_eq!((error.reason(), error.is_unsent()), ("deadline", false));
}

#[tokio::test]
async fn calls_over_the_connection_limit_wait_within_their_deadline() {
    let server = testserver::serve(|_, _| std::future::pending()).await;
    let client = Arc::new(server.client(ClientLimits {
        connections_max: 1,
        ..quick()
    }));
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.post("/x", HeaderMap::new(), Bytes::new()).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().reason(), "deadline");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn nobody_at_home_is_told_apart_and_nothing_was_sent() {
    let server = testserver::serve(|_, _| async { json(200, "") }).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    let endpoint = Endpoint::parse(&format!("https://127.0.0.1:{port}"), Reach::Private).unwrap();
    let client = Client::new(ClientConfig {
        endpoint,
        tls: server.tls.clone(),
        limits: quick(),
    });
    let error = client
        .post("/x", HeaderMap::new(), Bytes::new())
        .await
        .unwrap_err();
    assert_eq!((error.reason(), error.is_unsent()), ("connect", true));
}

#[tokio::test]
async fn a_partner_with_another_certificate_gets_no_byte_of_the_call() {
    let server = testserver::serve(|_, _| async { json(200, "") }).await;
    let other = testserver::serve(|_, _| async { json(200, "") }).await;
    let client = Client::new(ClientConfig {
        endpoint: server.endpoint.clone(),
        tls: other.tls,
        limits: quick(),
    });
    let error = client
        .post("/x", HeaderMap::new(), Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.is_unsent()),
        ("unknown-issuer", true)
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_partner_that_hangs_up_in_the_middle_is_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut hello = [0; 16];
        drop(tcp.read(&mut hello).await);
    });
    let server = testserver::serve(|_, _| async { json(200, "") }).await;
    let endpoint = Endpoint::parse(&format!("https://127.0.0.1:{port}"), Reach::Private).unwrap();
    let client = Client::new(ClientConfig {
        endpoint,
        tls: server.tls.clone(),
        limits: quick(),
    });
    let error = client
        .post("/x", HeaderMap::new(), Bytes::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Handshake(_)), "{error:?}");
}

#[tokio::test]
async fn a_target_that_is_no_path_is_refused() {
    let server = testserver::serve(|_, _| async { json(200, "") }).await;
    for target in ["https://elsewhere.example/x", "x", "*", "/with space"] {
        let called = server
            .client(quick())
            .post(target, HeaderMap::new(), Bytes::new())
            .await;
        assert_eq!(called.unwrap_err().reason(), "bad-target", "{target}");
    }
}
