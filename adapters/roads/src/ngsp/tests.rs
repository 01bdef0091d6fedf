//! A small platform on loopback: tokens, faults in both forms, and what is the service's own.

use http::{Response, header::HeaderValue};
use http_body_util::Full;

use super::*;
use crate::{
    client::ClientLimits,
    fetch::{FetchLimits, Fetcher},
    oauth::Credentials,
    reach::{Location, Reach},
    testserver::{Seen, Server, json, serve},
};

fn ngsp(server: &Server) -> Ngsp {
    let address = format!("https://{}/token", server.endpoint.authority());
    let location = Location::parse(&address, Reach::Private).unwrap();
    let fetcher = Fetcher::new(location, Some(server.tls.clone()), FetchLimits::default()).unwrap();
    let client = "vss".to_owned();
    let tokens = Tokens::new(fetcher, Credentials::Certificate { client }, None);
    Ngsp::new(server.client(ClientLimits::default()), Arc::new(tokens))
}

fn is_token(seen: &Seen) -> bool {
    seen.target == "/token"
}

/// A platform that gives token after token and answers every call alike.
async fn platform(status: u16, body: &'static str) -> (Server, Ngsp) {
    let server = serve(move |number, seen| async move {
        match is_token(&seen) {
            true => json(
                200,
                &format!(
                    r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":3600}}"#
                ),
            ),
            false => throttle(json(status, body)),
        }
    })
    .await;
    let road = ngsp(&server);
    (server, road)
}

fn throttle(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let seconds = HeaderValue::from_static("7");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

async fn call(road: &Ngsp) -> Result<Answer, Error> {
    let api = Api::parse("/QuanLyHoTich/1.0").unwrap();
    let body = Bytes::from_static(b"{}");
    road.post((&api, "/ketQua"), "c-1", HeaderMap::new(), body)
        .await
}

#[tokio::test]
async fn a_call_has_its_path_its_token_and_its_correlation_id() {
    let (server, road) = platform(200, r#"{"status":"1"}"#).await;
    assert_eq!(call(&road).await.unwrap().body, r#"{"status":"1"}"#);
    call(&road).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen.iter().filter(|seen| is_token(seen)).count(),
        1,
        "one token for both"
    );
    let first = &seen[1];
    assert_eq!(first.target, "/adapter/QuanLyHoTich/1.0/ketQua");
    assert_eq!(first.headers[header::AUTHORIZATION], "Bearer t0");
    assert_eq!(first.headers[CORRELATION], "c-1");
}

#[tokio::test]
async fn what_is_put_beside_a_resource_has_the_same_path_but_its_last_part() {
    let (server, road) = platform(200, "{}").await;
    let api = Api::parse("/XacMinhThue/1.0").unwrap();
    for (path, expected) in [
        ("/messages", "/adapter/XacMinhThue/1.0/chunks/7"),
        ("/v1/messages", "/adapter/XacMinhThue/1.0/v1/chunks/7"),
        ("", "/adapter/XacMinhThue/1.0/chunks/7"),
    ] {
        let resource = Resource::new(road.clone(), api.clone(), path.to_owned());
        let body = Bytes::from_static(b"chunk");
        let put = resource.put_beside("c-7", "chunks/7", HeaderMap::new(), body);
        put.await.unwrap();
        let last = server.seen().pop().unwrap();
        assert_eq!(
            (last.target.as_str(), &*last.body),
            (expected, &b"chunk"[..])
        );
        assert_eq!(last.headers[CORRELATION], "c-7");
        assert_eq!(last.headers[header::AUTHORIZATION], "Bearer t0");
    }
}

#[tokio::test]
async fn a_token_that_is_over_is_fetched_anew_once_and_no_more() {
    let over = r#"{"fault":{"code":900901,"message":"Invalid Credentials","description":"x"}}"#;
    let (server, road) = platform(401, over).await;
    let refused = call(&road).await.unwrap_err();
    assert_eq!(
        (refused.reason(), refused.is_unsent()),
        ("ngsp-token", true)
    );
    let tokens: Vec<_> = server.seen().iter().map(is_token).collect();
    assert_eq!(tokens, [true, false, true, false]);
}

#[tokio::test]
async fn the_platforms_own_answers_are_told_from_the_services() {
    let table = [
        (
            429,
            r#"{"fault":{"code":900804,"message":"m","description":"d"}}"#,
            "ngsp-throttled",
            true,
        ),
        (
            403,
            r#"{"code":"900908","message":"m","description":"d"}"#,
            "ngsp-forbidden",
            true,
        ),
        (
            404,
            r#"{"fault":{"code":404,"type":"Status report","message":"Not Found"}}"#,
            "ngsp-unknown-api",
            true,
        ),
        (
            503,
            r#"{"fault":{"code":303001,"message":"m"}}"#,
            "ngsp-unreachable",
            true,
        ),
        (
            500,
            r#"{"fault":{"code":"101503","message":"m"}}"#,
            "ngsp-unreachable",
            true,
        ),
        (
            504,
            r#"{"fault":{"code":101504,"message":"m"}}"#,
            "ngsp-unanswered",
            false,
        ),
        (
            500,
            r#"{"fault":{"code":1,"message":"m"}}"#,
            "ngsp-fault",
            false,
        ),
    ];
    for (status, body, reason, unsent) in table {
        let (server, road) = platform(status, body).await;
        let error = call(&road).await.unwrap_err();
        assert_eq!(
            (error.reason(), error.is_unsent()),
            (reason, unsent),
            "{body}"
        );
        let again = (status == 429).then_some(Duration::from_secs(7));
        assert_eq!(error.again_after(), again);
        assert_eq!(
            server.seen().len(),
            2,
            "{body}: nothing is tried again here"
        );
    }
    let own = [
        (200, r#"{"fault":{"code":900804}}"#),
        (400, r#"{"status":"0","errorCode":"1"}"#),
        (500, r#"{"code":"900908"}"#),
        (500, "<fault><code>303001</code></fault>"),
        (401, r#"{"fault":{"code":900901,"code":7}}"#),
    ];
    for (status, body) in own {
        let (_server, road) = platform(status, body).await;
        assert_eq!(call(&road).await.unwrap().status, status, "{body}");
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let server = serve(|_, _| async { json(401, r#"{"error":"invalid_client"}"#) }).await;
    let error = call(&ngsp(&server)).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_unsent()),
        ("token-client-refused", true)
    );
    assert!(server.seen().iter().all(is_token));
}

#[test]
fn an_api_is_a_name_and_a_version() {
    for good in ["/QuanLyHoTich/1.0", "/apiCSDLDKDN/1.0", "/a-b_c/v2.0.1"] {
        assert_eq!(Api::parse(good).unwrap().to_string(), good);
    }
    let long = format!("/{}/1", "a".repeat(65));
    for bad in [
        "", "/", "/a", "/a/", "a/1.0", "//1.0", "/a/1./", "/a/1..0", "/a/x", "/a/1.0/b", "/a%2f/1",
        "/../1", "/a?/1", &long,
    ] {
        assert_eq!(Api::parse(bad), Err(BadApi), "{bad}");
    }
}
