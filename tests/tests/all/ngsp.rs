//! Through the national platform, as the called behind it: the caller is our own road, the platform a real one of
//! another make with tokens, quotas and troubles.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use certs::{
    keys::SecretPlace,
    pki::{IssueParams, Usage},
    tls::{Alpn, Anchors, ClientParams, Connector, Identity},
};
use conformance::{
    identity::Target,
    ngsp::{Application, Platform},
};
use gateway_tests::{
    house::House,
    message::{Birth, Json, Message},
};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use roads::{
    client::{Answer, Client, ClientConfig, ClientLimits, Endpoint},
    fetch::{FetchLimits, Fetcher},
    ngsp::{Api, Error, Ngsp},
    oauth::{Credentials, Tokens},
    reach::{Location, Reach},
};
use tokio::net::TcpListener;

const API: &str = "/QuanLyHoTich/1.0";

/// A house behind a platform, and the civil registry's way through it.
struct Scene {
    house: House,
    platform: Arc<Platform>,
    _serving: Box<dyn std::any::Any>,
    road: Ngsp,
    /// Subscribed to nothing.
    stranger: Ngsp,
}

impl Scene {
    async fn new(token_life: Duration, quota: u32) -> Self {
        let house = House::start().await;
        let target = Target {
            host: house.address().ip().to_string(),
            port: house.address().port(),
        };
        let application = |apis: &[&str]| Application {
            secret: "s3cret".to_owned(),
            apis: apis.iter().map(|api| (*api).to_owned()).collect(),
            quota,
        };
        let platform = Platform::open(&house.layout.agency("ngsp"), server(&house), token_life)
            .unwrap()
            .with_application("dvclt", application(&[API]))
            .with_application("stranger", application(&[]))
            .with_service(API, &target, "/civil/v1")
            .unwrap();
        let platform = Arc::new(platform);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let serving = platform.serve(listener).unwrap();
        Self {
            road: road(&house, &authority, "dvclt"),
            stranger: road(&house, &authority, "stranger"),
            platform,
            _serving: Box::new(serving),
            house,
        }
    }

    fn birth(&self, number: u32) -> (Birth, Message) {
        let birth = Birth::new(self.house.now(), &self.house.landmarks, number);
        let message = birth.message(self.house.now());
        (birth, message.sign(&self.house.key("dvclt")))
    }

    fn poll(&self, id: &str) -> Message {
        Json::poll(self.house.now(), &[id]).sign(&self.house.key("dvclt"))
    }
}

/// What the platform listens with.
pub(super) fn server(house: &House) -> Identity {
    let mut params = IssueParams::new("ngsp.example", Usage::Server, Timestamp::now());
    params.dns = vec!["localhost".to_owned()];
    params.ips = vec![[127, 0, 0, 1].into()];
    let issued = house.authority().issue(&params).unwrap();
    Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
}

/// The civil registry's office calls with its certificate; the secret is a file of its own.
fn road(house: &House, authority: &str, key: &str) -> Ngsp {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = house.layout.agency("dvclt");
    let identity = Identity::from_files(&folder.join("tls.pem"), &folder.join("tls.key")).unwrap();
    let tls = Connector::new(ClientParams {
        identity: Some(identity),
        anchors: Anchors::from_file(&folder.join("ca.pem")).unwrap(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(10),
        alpn: vec![Alpn::Http1],
    })
    .unwrap();
    let secret = folder.join("ngsp.secret");
    std::fs::write(&secret, "s3cret\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let token = Location::parse(&format!("https://{authority}/token"), Reach::Private).unwrap();
    let fetcher = Fetcher::new(token, Some(tls.clone()), FetchLimits::default()).unwrap();
    let credentials = Credentials::Secret {
        client: key.to_owned(),
        secret: SecretPlace::File(secret),
    };
    let client = Client::new(ClientConfig {
        endpoint: Endpoint::parse(&format!("https://{authority}"), Reach::Private).unwrap(),
        tls,
        limits: ClientLimits::default(),
    });
    Ngsp::new(client, Arc::new(Tokens::new(fetcher, credentials, None)))
}

async fn call(road: &Ngsp, correlation: &str, message: &Message) -> Result<Answer, Error> {
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_str(&message.content_type).unwrap();
    headers.insert(header::CONTENT_TYPE, kind);
    if let Some(signature) = &message.signature {
        let value = HeaderValue::from_str(signature).unwrap();
        headers.insert("x-jws-signature", value);
    }
    let resource = message.path.strip_prefix("/civil/v1").unwrap();
    let body = Bytes::from(message.body.clone());
    let api = Api::parse(API).unwrap();
    road.post((&api, resource), correlation, headers, body)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_comes_through_the_platform_whatever_becomes_of_tokens_and_replies() {
    let scene = Scene::new(Duration::from_secs(3_600), 100).await;
    let (birth, message) = scene.birth(1);
    scene.platform.lose(1);
    let lost = call(&scene.road, "c-1", &message).await.unwrap_err();
    assert_eq!((lost.reason(), lost.is_unsent()), ("closed", false));
    // the same again is taken as received, and nothing happens twice
    let registered = scene.house.fingerprint().await;
    scene.platform.forget_tokens();
    let answer = call(&scene.road, "c-2", &message).await.unwrap();
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(scene.house.fingerprint().await, registered);
    let direct = scene.house.wire("dvclt").send(&message).await;
    assert_eq!(answer.body, direct.body, "the stored answer");
    let polled = call(&scene.road, "c-3", &scene.poll(&birth.case_id))
        .await
        .unwrap();
    let text = String::from_utf8(polled.body.to_vec()).unwrap();
    assert!(text.contains(&birth.case_id), "{text}");
    let seen = scene.platform.seen();
    assert_eq!(seen.passed, ["c-1", "c-2", "c-3"]);
    assert_eq!((seen.tokens, seen.refused), (2, vec![900_901]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_refuses_never_reaches_us() {
    let scene = Scene::new(Duration::from_secs(3_600), 2).await;
    let before = scene.house.fingerprint().await;
    let (_, message) = scene.birth(1);
    let refused = call(&scene.stranger, "c-1", &message).await.unwrap_err();
    assert_eq!(
        (refused.reason(), refused.is_unsent()),
        ("ngsp-forbidden", true)
    );
    for correlation in ["c-2", "c-3"] {
        let poll = scene.poll("G22.99.08-260101-000001");
        call(&scene.road, correlation, &poll).await.unwrap();
    }
    let throttled = call(&scene.road, "c-4", &message).await.unwrap_err();
    assert_eq!(
        (throttled.reason(), throttled.is_unsent()),
        ("ngsp-throttled", true)
    );
    let again = throttled.again_after().unwrap();
    assert!((1..=61).contains(&again.as_secs()), "{again:?}");
    assert_eq!(scene.platform.seen().passed, ["c-2", "c-3"]);
    assert_eq!(scene.house.fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_token_is_renewed_in_time_and_a_dead_service_is_told_from_a_dead_call() {
    let mut scene = Scene::new(Duration::from_secs(1), 100).await;
    let poll = scene.poll("G22.99.08-260101-000001");
    call(&scene.road, "c-1", &poll).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let poll = scene.poll("G22.99.08-260101-000001");
    call(&scene.road, "c-2", &poll).await.unwrap();
    let seen = scene.platform.seen();
    assert_eq!(
        (seen.tokens, seen.refused.len()),
        (2, 0),
        "nobody was refused for it"
    );
    scene.house.kill().await;
    for code in [101_503, 303_001] {
        let (_, message) = scene.birth(1);
        let down = call(&scene.road, "c-3", &message).await.unwrap_err();
        assert_eq!(
            (down.reason(), down.is_unsent()),
            ("ngsp-unreachable", true)
        );
        assert_eq!(scene.platform.seen().refused.last(), Some(&code));
    }
}
