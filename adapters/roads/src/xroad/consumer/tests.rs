use http::{Response, StatusCode};
use http_body_util::Full;

use super::*;
use crate::{
    client::ClientLimits,
    testserver::{self, Seen, Server},
};

const SERVICE: &str = "VN/GOV/000.00.00.X99/portal/mapi";
type Change = fn(&mut Response<Full<Bytes>>);

const REQUEST_ID: &str = "0d9e3d3c-0000-4000-8000-000000000001";

/// An honest security server: what it hashes is what it has received.
fn honest(seen: &Seen) -> Response<Full<Bytes>> {
    let fields: Vec<(&str, &str)> = seen
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let mut text = format!("POST\r\n{}\r\n", seen.target);
    for (name, value) in fields
        .iter()
        .filter(|(name, _)| !["host", "content-length"].contains(name))
    {
        text += &format!("{name}:{value}\r\n");
    }
    text += &format!("x-road-request-id:{REQUEST_ID}\r\n");
    let hash = sha512(&[sha512(text.as_bytes()), sha512(&seen.body)].concat());
    Response::builder()
        .header("x-road-id", &seen.headers["x-road-id"])
        .header("x-road-request-id", REQUEST_ID)
        .header("x-road-request-hash", hash_text(&hash))
        .header("x-road-service", SERVICE)
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap()
}

async fn server(change: fn(&mut Response<Full<Bytes>>)) -> Server {
    testserver::serve(move |_, seen| {
        let mut response = honest(&seen);
        change(&mut response);
        async move { response }
    })
    .await
}

async fn call(server: &Server) -> Result<client::Answer, Error> {
    let us = XRoadClient::parse("VN/GOV/000.00.00.X99/vss").unwrap();
    let consumer = Consumer::new(server.client(ClientLimits::default()), us);
    let service = XRoadService::parse(SERVICE).unwrap();
    let id = MessageId::parse("vss-00000001").unwrap();
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, json)]);
    let place = (&service, "/login?a=b%2Fc");
    consumer
        .post(place, &id, headers, Bytes::from_static(b"{\"a\":1}"))
        .await
}

fn set(response: &mut Response<Full<Bytes>>, name: &'static str, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

#[tokio::test]
async fn a_call_names_us_its_id_and_the_service_and_its_hash_is_recomputed() {
    let server = server(|_| {}).await;
    let answer = call(&server).await.unwrap();
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"{}"[..])
    );
    let seen = &server.seen()[0];
    assert_eq!(seen.target, format!("/adapter/r1/{SERVICE}/login?a=b%2Fc"));
    assert_eq!(seen.headers["x-road-client"], "VN/GOV/000.00.00.X99/vss");
    assert_eq!(seen.headers["x-road-id"], "vss-00000001");
    for ours in ["x-road-request-id", "x-road-request-hash", "user-agent"] {
        assert!(!seen.headers.contains_key(ours), "{ours}");
    }
}

#[tokio::test]
async fn an_answer_to_anything_else_is_refused_and_may_have_been_acted_upon() {
    let cases: [(Change, &str); 7] = [
        (
            |r| set(r, "x-road-request-hash", "AAAA"),
            "xroad-request-hash",
        ),
        (
            |r| set(r, "x-road-request-id", "another"),
            "xroad-request-hash",
        ),
        (
            |r| set(r, "x-road-id", "vss-00000002"),
            "xroad-other-answer",
        ),
        (
            |r| set(r, "x-road-service", "VN/GOV/000.00.00.X99/portal/other"),
            "xroad-other-answer",
        ),
        (
            |r| drop(r.headers_mut().remove("x-road-request-hash")),
            "xroad-field",
        ),
        (|r| drop(r.headers_mut().remove("x-road-id")), "xroad-field"),
        (
            |r| {
                let twice = HeaderValue::from_static("AAAA");
                r.headers_mut().append("x-road-request-hash", twice);
            },
            "xroad-field",
        ),
    ];
    for (change, reason) in cases {
        let error = call(&server(change).await).await.unwrap_err();
        assert_eq!((error.reason(), error.is_unsent()), (reason, false));
    }
}

#[tokio::test]
async fn errors_of_the_exchange_are_read_in_both_spellings() {
    let cases: [(Change, &str, bool); 3] = [
        (
            |r| set(r, "x-road-error", "server.serverproxy.access_denied"),
            "server.serverproxy.access_denied",
            true,
        ),
        (
            |r| set(r, "x-road-error", "Server.ClientProxy.UnknownMember"),
            "server.clientproxy.unknown_member",
            true,
        ),
        (
            |r| set(r, "x-road-error", "Server.ServerProxy.NetworkError"),
            "server.serverproxy.network_error",
            false,
        ),
    ];
    for (change, code, unsent) in cases {
        let error = call(&server(change).await).await.unwrap_err();
        assert_eq!(error.is_unsent(), unsent, "{code}");
        assert!(
            matches!(&error, Error::Road { code: told, .. } if told == code),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_service_may_say_no() {
    let elsewhere = server(|r| {
        *r.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        set(r, "location", "https://127.0.0.1:1/");
    })
    .await;
    assert_eq!(call(&elsewhere).await.unwrap_err().reason(), "redirect");
    assert_eq!(elsewhere.seen().len(), 1);
    let no = server(|r| *r.status_mut() = StatusCode::METHOD_NOT_ALLOWED).await;
    assert_eq!(
        call(&no).await.unwrap().status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
