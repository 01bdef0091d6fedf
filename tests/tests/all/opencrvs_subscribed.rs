//! Our subscriptions at an OpenCRVS: made by ourselves, answered only while we make them, made once, and made again where they
//! were lost.

use std::{sync::Arc, time::Duration};

use conformance::opencrvs::{
    WEBHOOK,
    hub::{CLIENT, Hub, Serving},
};
use gateway_tests::{
    house::{House, Plan},
    message::dci::CRVS,
    tape::tape,
};
use tokio::net::TcpListener;

const SECRET: &str = "made up for a test of webhooks";
const FILE: &str = "partners/crvs.toml";
const CALLBACK: &str = "https://localhost:9443/opencrvs/webhook";

fn plan(port: u16, client_secret: &'static str) -> Plan {
    let section = format!(
        "[opencrvs]\nsignature = \"sha256\"\nsecret_file = \"../crvs.secret\"\n\n[opencrvs.subscribe]\n\
         login = \"https://localhost:{port}/authenticateSystemClient\"\n\
         webhooks = \"https://localhost:{port}/webhooks\"\ncallback = \"{CALLBACK}\"\nclient_id = \"{}\"\n\
         client_secret_file = \"../client.secret\"\nanchors = \"../ca.pem\"\nprivate = true\nevery_seconds = 1\n\n[dci]\n",
        CLIENT.0
    );
    House::plan()
        .replace(FILE, "[dci]\n", section)
        .secret("crvs.secret", SECRET)
        .secret("client.secret", client_secret)
}

struct Scene {
    house: House,
    hub: Arc<Hub>,
    _serving: Serving,
}

impl Scene {
    async fn start(client_secret: &'static str, unanswered: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let house = plan(port, client_secret).start().await;
        let hub = Hub::open(&house.layout.agency(CRVS), SECRET, unanswered).unwrap();
        let serving = hub.serve(listener).unwrap();
        Self {
            house,
            hub,
            _serving: serving,
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&Hub) -> bool) {
        for _ in 0..600 {
            if holds(&self.hub) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not in time: {what}; {:?}", self.hub.violations());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_topics_are_subscribed_to_once_whatever_is_lost_and_no_other_challenge_is_answered() {
    let mut scene = Scene::start(CLIENT.1, 1).await;
    scene
        .until("two subscriptions", |hub| hub.subscriptions().len() == 2)
        .await;
    let both = [
        ("BIRTH_REGISTERED".to_owned(), CALLBACK.to_owned()),
        ("DEATH_REGISTERED".to_owned(), CALLBACK.to_owned()),
    ];
    let mut stand = scene.hub.subscriptions();
    stand.sort();
    assert_eq!(stand, both);
    // nothing is under way: no challenge is ours, whatever it says
    let before = scene.house.fingerprint().await;
    for query in [
        "mode=subscribe&challenge=abc&topic=BIRTH_REGISTERED",
        "mode=unsubscribe&challenge=abc&topic=BIRTH_REGISTERED",
        "hub.mode=subscribe&hub.challenge=abc&hub.topic=DEATH_REGISTERED",
        "mode=subscribe&challenge=abc&topic=BIRTH_CERTIFIED",
        "",
    ] {
        let said = scene.hub.challenge(query).await;
        assert!(matches!(said, Err(400 | 404 | 405)), "{query}: {said:?}");
    }
    assert!(scene.house.fingerprint().await == before);
    // looked at again, and by the next gateway too: nothing is wished twice
    let asked = scene.hub.asked();
    scene
        .until("it is looked again", |hub| hub.asked() > asked + 1)
        .await;
    scene.house.kill().await;
    scene.house.open().await;
    let asked = scene.hub.asked();
    scene
        .until("the next gateway looks", |hub| hub.asked() > asked + 1)
        .await;
    let mut stand = scene.hub.subscriptions();
    stand.sort();
    assert_eq!(stand, both);
    assert_eq!(scene.hub.violations(), Vec::<String>::new());

    let log = tape().everything();
    for secret in [SECRET, CLIENT.1, "made.up-token"] {
        assert!(!log.contains(secret), "the log tells a secret");
    }
    assert_eq!(WEBHOOK, "/opencrvs/webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_there_wishes_nothing() {
    let scene = Scene::start("another secret of ours", 0).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(scene.hub.asked(), 0);
    assert_eq!(scene.hub.subscriptions(), []);
    assert_eq!(scene.hub.violations(), Vec::<String>::new());
    assert!(tape().everything().contains("webhooks-login"));
}
