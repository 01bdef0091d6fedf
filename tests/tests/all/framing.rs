//! HTTP that two readers could read in two ways is refused and its connection closed.
//!
//! What hyper normalises before any layer sees it is pinned here as it is: equal Content-Lengths,
//! Content-Length beside Transfer-Encoding, and bare line feeds. Nothing is ever forwarded raw.

use gateway_tests::{
    client::Raw,
    house::House,
    message::{Birth, Json, Message, Tax},
};
use schemas::fault::FaultCode;

fn ping(house: &House) -> Message {
    Tax::ping(house.now(), "framing").sign(&house.key("tax"))
}

/// A good signed message in bad framing: refused by its name, closed, and nothing is changed.
async fn refuses(bytes_of: impl Fn(&Message) -> Vec<u8>, reason: &str) {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let Raw { reply, closed } = house.wire("tax").raw(&bytes_of(&ping(&house))).await;
    reply
        .expect("a fault of ours")
        .assert_fault(FaultCode::Framing, reason);
    assert!(closed, "the connection stays open");
    assert!(house.fingerprint().await == before);
}

/// Refused by hyper itself, before any handler of ours: no evidence, no fault code, closed.
async fn closed_before_any_handler(bytes_of: impl Fn(&Message) -> Vec<u8>) {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let Raw { reply, closed } = house.wire("tax").raw(&bytes_of(&ping(&house))).await;
    if let Some(reply) = reply {
        assert_eq!(
            (
                reply.status,
                reply.evidence(),
                reply.header("lienthong-fault")
            ),
            (400, "", "")
        );
    }
    assert!(closed, "the connection stays open");
    assert!(house.fingerprint().await == before);
}

/// Pinned: one meaning is made of it before any layer of ours, and that one is served.
async fn normalised(bytes_of: impl Fn(&Message) -> Vec<u8>) -> Raw {
    let house = House::start().await;
    let raw = house.wire("tax").raw(&bytes_of(&ping(&house))).await;
    raw.reply.as_ref().expect("an answer").assert_ok();
    raw
}

fn length(message: &Message) -> usize {
    message.body.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_are_refused() {
    refuses(
        |m| {
            m.exact(&format!(
                "Host: localhost\r\nHost: localhost\r\nContent-Length: {}\r\n",
                length(m)
            ))
        },
        "two-hosts",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_is_refused() {
    refuses(
        |m| m.exact(&format!("Content-Length: {}\r\n", length(m))),
        "no-host",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_of_another_host_is_refused() {
    let bytes = |m: &Message| {
        let bytes = m.exact(&format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            length(m)
        ));
        let text = String::from_utf8(bytes).unwrap();
        text.replacen("POST /", "POST https://elsewhere/", 1)
            .into_bytes()
    };
    refuses(bytes, "host-differs-from-target").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_with_a_body_is_refused() {
    let bytes = |m: &Message| {
        let bytes = m.exact(&format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            length(m)
        ));
        [b"GET", &bytes[4..]].concat()
    };
    refuses(bytes, "body-on-a-bodyless-method").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_refused() {
    let bytes = |m: &Message| {
        let bytes = m.exact(&format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            length(m)
        ));
        let text = String::from_utf8(bytes).unwrap();
        text.replacen("/messages", "/messages?debug=1", 1)
            .into_bytes()
    };
    refuses(bytes, "query-not-accepted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_transfer_coding_is_refused() {
    refuses(
        |m| chunked(m, "Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n"),
        "transfer-encoding",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unequal_content_lengths_are_closed_before_any_handler() {
    closed_before_any_handler(|m| {
        let lines = format!(
            "Host: localhost\r\nContent-Length: {}\r\nContent-Length: 3\r\n",
            length(m)
        );
        m.exact(&lines)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_lengths_and_codings_are_closed_before_any_handler() {
    for lines in [
        "Content-Length: +4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 4, 5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length : 4\r\n",
        "X-Folded: a\r\n b\r\nContent-Length: 4\r\n",
        "X-Nul: a\0b\r\nContent-Length: 4\r\n",
    ] {
        closed_before_any_handler(|m| m.exact(&format!("Host: localhost\r\n{lines}"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_content_lengths_are_one_length() {
    normalised(|m| {
        let line = format!("Content-Length: {}\r\n", length(m));
        m.exact(&format!("Host: localhost\r\n{line}{line}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_transfer_coding_a_content_length_means_nothing_and_the_connection_ends() {
    let raw = normalised(|m| {
        chunked(
            m,
            "Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        )
    })
    .await;
    assert!(raw.closed, "what follows could be read as another request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_line_feed_ends_a_line() {
    normalised(|m| {
        let bytes = m.exact(&format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            length(m)
        ));
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end + 4].to_vec())
            .unwrap()
            .replace("\r\n", "\n");
        [head.as_bytes(), &bytes[end + 4..]].concat()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_beside_the_authority_is_refused_over_http2() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let reply = house
        .wire("tax")
        .send_h2_with(&ping(&house), &[("host", "elsewhere")])
        .await;
    reply.assert_fault(FaultCode::Framing, "host-differs-from-target");
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_no_route() {
    let house = House::start().await;
    let message = Message {
        path: "/tax/v1/messages/",
        ..ping(&house)
    };
    let code = FaultCode::UnknownRoute;
    house.refuses("tax", &message, code, "route").await;
    for path in [
        "/",
        "/tax/v2/messages",
        "/tax/v1/%6dessages",
        "/TAX/v1/messages",
        "/tax/v1/../v1/messages",
    ] {
        let raw = house.wire("tax").raw(&at(&message, path)).await;
        raw.reply.unwrap().assert_fault(code, "route");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_no_route() {
    let house = House::start().await;
    let message = ping(&house);
    for method in ["PUT", "PATCH", "OPTIONS * HTTP/1.1\r\nX: "] {
        let bytes = message.exact(&format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            length(&message)
        ));
        let raw = house
            .wire("tax")
            .raw(&[method.as_bytes(), &bytes[4..]].concat())
            .await;
        let reply = raw.reply.unwrap();
        assert!(
            matches!(reply.status, 400 | 404),
            "{method}: {}",
            reply.status
        );
    }
}

fn at(message: &Message, path: &str) -> Vec<u8> {
    let bytes = message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        length(message)
    ));
    String::from_utf8(bytes)
        .unwrap()
        .replacen(message.path, path, 1)
        .into_bytes()
}

fn chunked(message: &Message, lines: &str) -> Vec<u8> {
    let bytes = message.exact(lines);
    let head = &bytes[..bytes.len() - message.body.len()];
    let size = format!("{:x}\r\n", length(message));
    [head, size.as_bytes(), &message.body, b"\r\n0\r\n\r\n"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_an_ambiguous_request_is_never_acted_upon() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    let second = birth.sign(&house.key("dvclt"));
    let second = second.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        length(&second)
    ));
    let poll = || Json::poll(house.now(), &["G22.99.08-260101-000001"]).sign(&house.key("dvclt"));
    let with = |lines: &str| {
        let poll = poll();
        poll.exact(&format!("{lines}Content-Length: {}\r\n", length(&poll)))
    };
    let smuggling = [
        with("Host: localhost\r\nHost: localhost\r\n"),
        with(""),
        chunked(
            &poll(),
            "Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        ),
        poll().exact("Host: localhost\r\nContent-Length: 99999999\r\n"),
        with("Host: localhost\r\nContent-Length: 4\r\n"),
    ];
    for first in smuggling {
        let raw = house
            .wire("dvclt")
            .raw(&[first, second.clone()].concat())
            .await;
        assert!(raw.closed);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert!(
            house.fingerprint().await == before,
            "the second request was acted upon"
        );
    }
    let raw = house.wire("dvclt").raw(&second).await;
    raw.reply.unwrap().assert_ok();
    assert!(
        house.fingerprint().await != before,
        "alone it is a good message"
    );
}
