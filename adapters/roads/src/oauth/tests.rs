//! Tokens from a small server on loopback: kept, renewed, asked for once, refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{
    fetch::FetchLimits,
    reach::{Location, Reach},
    testserver::{Server, json, serve},
};

fn granted(number: usize, seconds: u64) -> String {
    format!(
        r#"{{"access_token":"t{number}","scope":"am","token_type":"Bearer","expires_in":{seconds}}}"#
    )
}

fn tokens(server: &Server, credentials: Credentials) -> Arc<Tokens> {
    let address = format!("https://{}/token", server.endpoint.authority());
    let location = Location::parse(&address, Reach::Private).unwrap();
    let tls = Some(server.tls.clone());
    let fetcher = Fetcher::new(location, tls, FetchLimits::default()).unwrap();
    Arc::new(Tokens::new(fetcher, credentials, Some("a b".to_owned())))
}

fn certificate() -> Credentials {
    Credentials::Certificate {
        client: "vss".to_owned(),
    }
}

fn text(token: &Token) -> String {
    token.header().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_asked_for_once_whoever_needs_it_and_kept() {
    let server = serve(|number, _| async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        json(200, &granted(number, 3_600))
    })
    .await;
    let tokens = tokens(&server, certificate());
    let all = (0..20).map(|_| {
        let tokens = Arc::clone(&tokens);
        tokio::spawn(async move { tokens.token().await })
    });
    for token in futures_util::future::join_all(all).await {
        let token = token.unwrap().unwrap();
        assert_eq!(text(&token), "Bearer t0");
        assert!(token.header().is_sensitive());
        assert!(!format!("{token:?}").contains("t0"));
    }
    assert_eq!(
        server.bodies(),
        ["grant_type=client_credentials&scope=a+b&client_id=vss"]
    );
}

#[tokio::test]
async fn a_secret_goes_into_the_header_encoded_and_never_into_debug() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("lienthong-oauth-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("secret");
    std::fs::write(&file, "s3cr:t\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = serve(|number, _| async move { json(200, &granted(number, 60)) }).await;
    let credentials = Credentials::Secret {
        client: "vss".to_owned(),
        secret: SecretPlace::File(file.clone()),
    };
    let tokens = tokens(&server, credentials);
    tokens.token().await.unwrap();
    assert!(!format!("{tokens:?}").contains("s3cr"));
    let seen = server.seen();
    let shown = seen[0].headers[header::AUTHORIZATION].to_str().unwrap();
    assert_eq!(shown, format!("Basic {}", STANDARD.encode("vss:s3cr%3At")));
    assert!(!server.bodies()[0].contains("client_id"));
    std::fs::remove_dir_all(folder).unwrap();
    tokens.refused(&tokens.token().await.unwrap());
    assert_eq!(tokens.token().await.unwrap_err(), Error::Secret);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_used_to_its_end_where_that_fails() {
    let server = serve(|number, _| async move {
        match number {
            0 | 1 => json(200, &granted(number, 2)),
            _ => json(500, "{}"),
        }
    })
    .await;
    let tokens = tokens(&server, certificate());
    assert_eq!(text(&tokens.token().await.unwrap()), "Bearer t0");
    let begun = Instant::now();
    let mut token = tokens.token().await.unwrap();
    while text(&token) == "Bearer t0" {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
        token = tokens.token().await.unwrap();
    }
    // the third answer is none: the second token serves until it ends, then there is none
    let ended = loop {
        assert!(begun.elapsed() < Duration::from_secs(30));
        match tokens.token().await {
            Ok(kept) => assert_eq!(text(&kept), "Bearer t1"),
            Err(error) => break error,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(!token.is_alive());
    assert!(
        matches!(ended, Error::Status(500) | Error::TooSoon("token-status")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_refused_token_is_asked_for_anew_once_and_the_call_repeated_once() {
    let server = serve(|number, _| async move { json(200, &granted(number, 3_600)) }).await;
    let tokens = tokens(&server, certificate());
    let calls = AtomicUsize::new(0);
    let call = |good: &'static str| {
        let calls = &calls;
        move |header: HeaderValue| async move {
            calls.fetch_add(1, Ordering::SeqCst);
            let is_good = header.to_str().unwrap() == good;
            Ok::<u16, Error>(if is_good { 200 } else { 401 })
        }
    };
    let refused = |status: &u16| *status == 401;
    assert_eq!(tokens.with(call("Bearer t1"), refused).await, Ok(200));
    assert_eq!(calls.swap(0, Ordering::SeqCst), 2);
    assert_eq!(tokens.with(call("Bearer t1"), refused).await, Ok(200));
    assert_eq!(calls.swap(0, Ordering::SeqCst), 1);
    // a service that refuses every token is asked twice, and its answer given
    assert_eq!(tokens.with(call("none"), refused).await, Ok(401));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn what_the_server_says_instead_of_a_token_is_told_and_not_asked_for_again_at_once() {
    for (status, body, error) in [
        (401, "{}", Error::Refused),
        (400, r#"{"error":"invalid_client"}"#, Error::Refused),
        (503, "{}", Error::Status(503)),
        (200, "<html>", Error::Answer),
        (
            200,
            r#"{"access_token":"a","token_type":"mac","expires_in":9}"#,
            Error::Answer,
        ),
        (
            200,
            r#"{"access_token":"","token_type":"Bearer","expires_in":9}"#,
            Error::Answer,
        ),
        (
            200,
            r#"{"access_token":"a","token_type":"Bearer","expires_in":0}"#,
            Error::Answer,
        ),
        (
            200,
            r#"{"access_token":"a\n","token_type":"Bearer","expires_in":9}"#,
            Error::Answer,
        ),
        (
            200,
            r#"{"access_token":"a","access_token":"b","token_type":"Bearer","expires_in":9}"#,
            Error::Answer,
        ),
    ] {
        let server = serve(move |_, _| async move { json(status, body) }).await;
        let tokens = tokens(&server, certificate());
        let told = tokens.token().await.unwrap_err();
        assert_eq!(told, error, "{body}");
        let again = tokens.token().await.unwrap_err();
        assert_eq!(again, Error::TooSoon(error.reason()));
        assert_eq!(server.seen().len(), 1);
    }
}
