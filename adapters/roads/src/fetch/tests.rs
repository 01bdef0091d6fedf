use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{reach::Reach, testserver};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes";

/// A server in clear that gives everybody the same answer and counts who came.
async fn plain(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let mut head = vec![0; 4096];
            drop(tcp.read(&mut head).await);
            drop(tcp.write_all(answer.as_bytes()).await);
            if answer.is_empty() {
                tokio::spawn(async move {
                    let mut rest = Vec::new();
                    drop(tcp.read_to_end(&mut rest).await);
                });
            }
        }
    });
    (port, came)
}

fn fetcher(text: &str, reach: Reach) -> Fetcher {
    let limits = FetchLimits {
        deadline: Duration::from_secs(2),
        answer_bytes_max: 1_000,
        headers_max: 8,
    };
    Fetcher::new(Location::parse(text, reach).unwrap(), None, limits).unwrap()
}

#[tokio::test]
async fn what_stands_at_a_registered_address_is_fetched_in_clear_and_over_tls() {
    let (port, _) = plain(OK).await;
    let here = format!("http://127.0.0.1:{port}/list.crl?x=1");
    let fetched = fetcher(&here, Reach::Private).get(HeaderMap::new()).await;
    assert_eq!(&fetched.unwrap().body[..], b"yes");

    let server = testserver::serve(|_, _| async { testserver::json(200, "over tls") }).await;
    let here = format!("https://{}/tsa", server.endpoint.authority());
    let location = Location::parse(&here, Reach::Private).unwrap();
    let tls = Some(server.tls.clone());
    let fetcher = Fetcher::new(location.clone(), tls, FetchLimits::default()).unwrap();
    let body = Bytes::from_static(b"question");
    let fetched = fetcher
        .post_as("application/timestamp-query", body)
        .await
        .unwrap();
    assert_eq!(&fetched.body[..], b"over tls");
    let seen = server.seen().remove(0);
    assert_eq!(
        (seen.target.as_str(), &seen.body[..]),
        ("/tsa", &b"question"[..])
    );
    assert_eq!(
        seen.headers[header::CONTENT_TYPE],
        "application/timestamp-query"
    );
    assert!(Fetcher::new(location, None, FetchLimits::default()).is_err());
}

/// `localhost` stands for every name that leads to this machine: it is refused where it is resolved.
#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let (port, came) = plain(OK).await;
    let text = format!("http://localhost:{port}/");
    assert!(Location::parse(&text, Reach::Public).is_err());
    let private = Location::parse(&text, Reach::Private).unwrap();
    let public = private.clone().narrowed();
    for (location, reason) in [(public, Some("forbidden-address")), (private, None)] {
        let fetcher = Fetcher::new(location, None, FetchLimits::default()).unwrap();
        let fetched = fetcher.get(HeaderMap::new()).await;
        assert_eq!(fetched.err().map(|error| error.reason()), reason);
    }
    assert_eq!(came.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_redirect_is_refused_and_nobody_is_called() {
    let (port, came) = plain(OK).await;
    let there = format!("http://127.0.0.1:{port}/elsewhere");
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {there}\r\ncontent-length: 0\r\n\r\n");
    let (first, _) = plain(Box::leak(redirect.into_boxed_str())).await;
    let here = format!("http://127.0.0.1:{first}/");
    let refused = fetcher(&here, Reach::Private).get(HeaderMap::new()).await;
    assert_eq!(refused.unwrap_err().reason(), "redirect");
    assert_eq!(came.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_long_too_wordy_or_too_late_is_left() {
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned() + &"x".repeat(1_001);
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()
        + &format!("1f4\r\n{}\r\n", "x".repeat(500)).repeat(3);
    let wordy = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(9));
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nyes".to_owned();
    for (answer, reason) in [
        (long, "answer-too-large"),
        (endless, "answer-too-large"),
        (wordy, "bad-http"),
        (cut, "closed"),
        ("plain words".to_owned(), "bad-http"),
        (String::new(), "deadline"),
    ] {
        let (port, _) = plain(Box::leak(answer.into_boxed_str())).await;
        let here = format!("http://127.0.0.1:{port}/");
        let refused = fetcher(&here, Reach::Private).get(HeaderMap::new()).await;
        assert_eq!(refused.unwrap_err().reason(), reason);
    }
}
