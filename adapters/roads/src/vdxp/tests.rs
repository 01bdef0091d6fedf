use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use super::*;
use crate::{
    client::ClientLimits,
    testserver::{self, Seen, Server, json},
};

const BODY: &[u8] = br#"{"madonvi":"u","service":"DongBoHoSoMC","data":[]}"#;

fn road(server: &Server) -> Vdxp {
    let config = VdxpConfig {
        username: "vss".into(),
        password: "secret".into(),
    };
    let client = server.client(ClientLimits::default());
    Vdxp::new(
        config,
        Way::Adapter(client, "VN:GOV:000.00.00.X99:portal".into()),
    )
}

/// Gives sessions s1, s2, …; the call number `n` on a session is answered by `answer`.
async fn portal(answer: fn(&str) -> Response<Full<Bytes>>) -> Server {
    let logins = std::sync::atomic::AtomicUsize::new(0);
    testserver::serve(move |_, seen: Seen| {
        let response = match seen.target.contains("/login") {
            true => {
                let number = logins.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                json(200, &format!(r#"{{"error_code":0,"session":"s{number}"}}"#))
            }
            false => answer(std::str::from_utf8(&seen.body).unwrap()),
        };
        async move { response }
    })
    .await
}

fn logins(server: &Server) -> usize {
    server
        .seen()
        .iter()
        .filter(|seen| seen.target.contains("/login"))
        .count()
}

#[tokio::test]
async fn a_session_is_made_once_and_kept() {
    let server = portal(|_| json(200, r#"{"error_code":0,"message":"ok","result":[]}"#)).await;
    let road = road(&server);
    for _ in 0..3 {
        assert!(road.call(BODY).await.unwrap().answer.is_done());
    }
    let seen = server.seen();
    assert_eq!((seen.len(), logins(&server)), (4, 1));
    assert_eq!(
        server.bodies()[0],
        r#"{"username":"vss","password":"secret"}"#
    );
    assert_eq!(
        server.bodies()[1],
        r#"{"session":"s1","madonvi":"u","service":"DongBoHoSoMC","data":[]}"#
    );
    assert_eq!(
        seen[0].target,
        "/adapter/XrdAdapter/RestService/forward/mapi/login?dstcode=VN:GOV:000.00.00.X99:portal"
    );
    assert_eq!(seen[1].headers["dstcode"], "VN:GOV:000.00.00.X99:portal");
    assert_eq!(seen[1].headers["charset"], "utf-8");
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_login() {
    let server = portal(|_| json(200, r#"{"error_code":0}"#)).await;
    let road = road(&server);
    let (one, two, three) = tokio::join!(road.call(BODY), road.call(BODY), road.call(BODY));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(logins(&server), 1);
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_once_and_the_call_repeated() {
    for ended in [
        |body: &str| match body.contains("\"s1\"") {
            true => json(
                200,
                r#"{"error_code":-1,"message":"Phiên làm việc đã hết hạn"}"#,
            ),
            false => json(200, r#"{"error_code":0}"#),
        },
        |body: &str| match body.contains("\"s1\"") {
            true => json(401, ""),
            false => json(200, r#"{"error_code":0}"#),
        },
    ] {
        let server = portal(ended).await;
        let road = road(&server);
        assert!(road.call(BODY).await.unwrap().answer.is_done());
        assert_eq!((server.seen().len(), logins(&server)), (4, 2));
    }
}

#[tokio::test]
async fn a_fresh_session_that_is_refused_too_ends_the_call() {
    let server = portal(|_| json(401, "")).await;
    assert_eq!(
        road(&server).call(BODY).await.unwrap_err().reason(),
        "session-refused"
    );
    assert_eq!((server.seen().len(), logins(&server)), (4, 2));
}

#[tokio::test]
async fn a_refused_account_is_told_apart_and_its_secret_never_printed() {
    let server = testserver::serve(|_, _| async {
        json(200, r#"{"error_code":1,"message":"sai mật khẩu"}"#)
    })
    .await;
    let road = road(&server);
    let error = road.call(BODY).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.to_string().as_str()),
        ("login-refused", "the login is refused with code 1")
    );
    assert!(!format!("{error:?} {road:?}").contains("secret"));
}

#[tokio::test]
async fn a_code_of_the_portal_is_an_answer_not_an_error() {
    let server = portal(|_| json(200, r#"{"error_code":"-3","message":"Hồ sơ đã tồn tại"}"#)).await;
    let reply = road(&server).call(BODY).await.unwrap();
    assert!(reply.answer.says_exists());
    assert!(reply.raw.starts_with(b"{\"error_code\""));
}

#[tokio::test]
async fn answers_that_are_none_are_told_apart() {
    type Answer = fn(&str) -> Response<Full<Bytes>>;
    let cases: [(Answer, &str); 4] = [
        (|_| json(500, ""), "http-status"),
        (|_| json(200, "<html>"), "bad-answer"),
        (
            |_| json(200, r#"{"error_code":0,"error_code":1}"#),
            "bad-answer",
        ),
        (|_| json(200, r#"{"message":"no code"}"#), "bad-answer"),
    ];
    for (answer, reason) in cases {
        let server = portal(answer).await;
        assert_eq!(road(&server).call(BODY).await.unwrap_err().reason(), reason);
    }
}

#[tokio::test]
async fn a_body_that_holds_no_members_is_refused_before_it_is_sent() {
    let server = portal(|_| json(200, r#"{"error_code":0}"#)).await;
    for body in [&b"[]"[..], b"{}", b"", b" {\"a\":1}"] {
        assert_eq!(
            road(&server).call(body).await.unwrap_err().reason(),
            "bad-body"
        );
    }
}

#[test]
fn a_session_is_written_as_a_json_text() {
    let body = with_session(&Session("a\"b".into()), br#"{"x":1}"#).unwrap();
    assert_eq!(&body[..], br#"{"session":"a\"b","x":1}"#);
}
