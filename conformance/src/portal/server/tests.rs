use certs::pki::{Authority, IssueParams, Usage};
use certs::tls::Identity as TlsIdentity;

use super::super::check::tests::{CODE, good_record, good_step};
use super::*;
use crate::client::{Client, Reply};
use crate::identity::Target;
use crate::identity::tests::write_agency;

struct Scene {
    _folder: tempfile::TempDir,
    portal: Arc<Portal>,
    serving: Serving,
    authority: Authority,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let authority = write_agency(folder.path(), "portal");
    let portal = Portal::open(folder.path(), None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = portal.serve(listener).unwrap();
    Scene {
        _folder: folder,
        portal,
        serving,
        authority,
    }
}

impl Scene {
    /// A client of the portal with a certificate for this URN.
    fn client(&self, urn: &str) -> Client {
        let mut params = IssueParams::new("vss", Usage::Client, crate::clock::now());
        params.san_uri = Some(urn.to_owned());
        let issued = self.authority.issue(&params).unwrap();
        let identity =
            TlsIdentity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
        let target = Target {
            host: "localhost".into(),
            port: self.serving.address().port(),
        };
        Client::new(&target, &self.portal.identity().anchors, Some(&identity)).unwrap()
    }

    fn gateway(&self) -> Client {
        self.client("urn:lienthong:sandbox:gateway:vss")
    }
}

async fn post(client: &Client, path: &str, body: Value) -> Result<Reply, crate::client::Error> {
    let code = "VN:GOV:000.00.00.X99:portal";
    let request = Request::builder()
        .method("POST")
        .uri(format!("/adapter{ADAPTER}{path}?dstcode={code}"))
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("charset", "utf-8")
        .header("dstcode", code)
        .body(Bytes::from(body.to_string()))
        .unwrap();
    client.send(request).await
}

async fn login(client: &Client) -> String {
    let body = json!({"username": "vss", "password": "synthetic"});
    let reply = post(client, LOGIN_PATH, body).await.unwrap();
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["error_code"], 0);
    body["session"].as_str().unwrap().to_owned()
}

async fn call(
    client: &Client,
    session: &str,
    service: &str,
    flag: Option<&str>,
    data: Vec<Value>,
) -> i64 {
    let mut body = json!({"session": session, "madonvi": "G99", "service": service, "data": data});
    if let Some(flag) = flag {
        body["isUpdating"] = flag.into();
    }
    let reply = post(client, CALL_PATH, body).await.unwrap();
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    body["error_code"].as_i64().unwrap()
}

fn step(state: &str, at: &str) -> Vec<Value> {
    vec![good_step(CODE, state, at)]
}

#[tokio::test]
async fn a_dossier_is_created_and_moved_through_its_states() {
    let scene = scene().await;
    let client = scene.gateway();
    let session = login(&client).await;
    let created = vec![good_record(CODE, "1")];
    assert_eq!(
        call(
            &client,
            &session,
            "DongBoHoSoMC",
            Some("False"),
            created.clone()
        )
        .await,
        0
    );
    assert_eq!(
        call(
            &client,
            &session,
            "DongBoHoSoMC",
            Some("False"),
            created.clone()
        )
        .await,
        3
    );
    assert_eq!(
        call(&client, &session, "DongBoHoSoMC", Some("True"), created).await,
        0
    );
    for (state, at) in [
        ("2", "20261122120001"),
        ("4", "20261122120002"),
        ("9", "20261122120003"),
        ("10", "20261122120004"),
    ] {
        assert_eq!(
            call(
                &client,
                &session,
                "CapNhatTienDoHoSoMC",
                None,
                step(state, at)
            )
            .await,
            0
        );
    }
    scene
        .portal
        .wait_for(CODE, &super::super::STATES, Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!(scene.portal.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_facts_forbid_is_refused_and_recorded() {
    let scene = scene().await;
    let client = scene.gateway();
    let session = login(&client).await;
    let many: Vec<_> = (0..11)
        .map(|_| good_step(CODE, "2", "20261122120001"))
        .collect();
    assert_eq!(
        call(&client, &session, "CapNhatTienDoHoSoMC", None, many).await,
        -2
    );
    assert_eq!(
        call(
            &client,
            &session,
            "DongBoHoSoMC",
            None,
            vec![good_record(CODE, "1")]
        )
        .await,
        -2
    );
    assert_eq!(
        call(
            &client,
            &session,
            "DongBoHoSoMC",
            Some("False"),
            vec![good_record("x", "1")]
        )
        .await,
        -2
    );
    assert_eq!(
        call(
            &client,
            &session,
            "CapNhatTienDoHoSoMC",
            None,
            step("2", "20261122120001")
        )
        .await,
        -4
    );
    call(
        &client,
        &session,
        "DongBoHoSoMC",
        Some("False"),
        vec![good_record(CODE, "1")],
    )
    .await;
    assert_eq!(
        call(
            &client,
            &session,
            "CapNhatTienDoHoSoMC",
            None,
            step("9", "20261122120001")
        )
        .await,
        -5
    );
    assert_eq!(scene.portal.violations().len(), 5);
    assert_eq!(scene.portal.dossier(CODE).unwrap().states(), [1]);
}

#[tokio::test]
async fn a_call_without_a_session_or_with_an_ended_one_is_told_so() {
    let scene = scene().await;
    let client = scene.gateway();
    let session = login(&client).await;
    assert_eq!(
        call(
            &client,
            "nobody",
            "DongBoHoSoMC",
            Some("False"),
            vec![good_record(CODE, "1")]
        )
        .await,
        -1
    );
    scene
        .portal
        .misbehave(|mischief| mischief.expire_sessions = 1);
    assert_eq!(
        call(
            &client,
            &session,
            "DongBoHoSoMC",
            Some("False"),
            vec![good_record(CODE, "1")]
        )
        .await,
        -1
    );
    let session = login(&client).await;
    assert_eq!(
        call(
            &client,
            &session,
            "DongBoHoSoMC",
            Some("False"),
            vec![good_record(CODE, "1")]
        )
        .await,
        0
    );
    let wrong = json!({"username": "vss", "password": "guess"});
    let reply = post(&client, LOGIN_PATH, wrong).await.unwrap();
    assert!(!String::from_utf8_lossy(&reply.body).contains("session"));
}

#[tokio::test]
async fn only_the_gateways_certificate_is_served() {
    let scene = scene().await;
    let stranger = scene.client("urn:lienthong:sandbox:partner:tax");
    let body = json!({"username": "vss", "password": "synthetic"});
    assert_eq!(
        post(&stranger, LOGIN_PATH, body.clone())
            .await
            .unwrap()
            .status,
        403
    );
    let target = Target {
        host: "localhost".into(),
        port: scene.serving.address().port(),
    };
    let nobody = Client::new(&target, &scene.portal.identity().anchors, None).unwrap();
    assert!(post(&nobody, LOGIN_PATH, body).await.is_err());
}

#[tokio::test]
async fn a_lost_reply_was_acted_upon_and_an_error_was_not() {
    let scene = scene().await;
    let client = scene.gateway();
    let session = login(&client).await;
    scene
        .portal
        .misbehave(|mischief| mischief.server_errors = 1);
    let body = json!({"session": session, "madonvi": "G99", "service": "DongBoHoSoMC",
        "isUpdating": "False", "data": [good_record(CODE, "1")]});
    assert_eq!(
        post(&client, CALL_PATH, body.clone()).await.unwrap().status,
        500
    );
    assert_eq!(scene.portal.dossier(CODE), None);
    scene.portal.misbehave(|mischief| mischief.drop_replies = 1);
    assert!(post(&client, CALL_PATH, body).await.is_err());
    assert_eq!(scene.portal.dossier(CODE).unwrap().states(), [1]);
}

#[tokio::test]
async fn bodies_that_are_not_strict_json_are_refused() {
    let scene = scene().await;
    let client = scene.gateway();
    let request = Request::builder()
        .method("POST")
        .uri(format!("{ADAPTER}{LOGIN_PATH}?dstcode=VN:GOV:x:y"))
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("charset", "utf-8")
        .header("dstcode", "VN:GOV:x:y")
        .body(Bytes::from_static(
            br#"{"username":"vss","username":"x","password":"synthetic"}"#,
        ))
        .unwrap();
    assert_eq!(client.send(request).await.unwrap().status, 400);
}

#[tokio::test]
async fn a_stopped_listener_takes_no_more_connections() {
    let scene = scene().await;
    let client = scene.gateway();
    login(&client).await;
    scene.serving.stop().await;
    assert!(matches!(
        client.send(Request::new(Bytes::new())).await,
        Err(crate::client::Error::Connect(..))
    ));
}

#[tokio::test]
async fn a_portal_that_is_opened_again_knows_what_it_was_told_and_what_an_older_one_kept() {
    let folder = tempfile::tempdir().unwrap();
    let authority = write_agency(folder.path(), "portal");
    let state = folder.path().join("state.json");
    let older = json!({
        "ledger": {"counter": 7, "sent": {}},
        "table": {
            "dossiers": {CODE: {"steps": [{"state": 1, "at": "", "service": "DongBoHoSoMC"}], "repeats": 2}},
            "violations": ["what was wrong"],
        },
    });
    std::fs::write(&state, older.to_string()).unwrap();
    let portal = Portal::open(folder.path(), None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = portal.serve(listener).unwrap();
    let scene = Scene {
        _folder: folder,
        portal,
        serving,
        authority,
    };
    let client = scene.gateway();
    let session = login(&client).await;
    let told = step("2", "20261122120001");
    assert_eq!(
        call(&client, &session, "CapNhatTienDoHoSoMC", None, told).await,
        0
    );
    let again = Portal::open(scene._folder.path(), None).unwrap();
    for portal in [&scene.portal, &again] {
        let dossier = portal.dossier(CODE).unwrap();
        assert_eq!((dossier.states(), dossier.repeats), (vec![1, 2], 2));
        assert_eq!(portal.violations(), ["what was wrong"]);
        assert_eq!(portal.dossiers(), 1);
    }
    let state = std::fs::read_to_string(state).unwrap();
    assert!(
        state.contains("\"counter\": 7") && !state.contains(CODE),
        "{state}"
    );
}

#[tokio::test]
async fn a_batch_with_one_refused_step_moves_nothing() {
    let scene = scene().await;
    let client = scene.gateway();
    let session = login(&client).await;
    let created = vec![good_record(CODE, "1")];
    call(&client, &session, "DongBoHoSoMC", Some("False"), created).await;
    let mut steps = step("2", "20261122120001");
    steps.extend(step("9", "20261122120002"));
    let said = call(&client, &session, "CapNhatTienDoHoSoMC", None, steps).await;
    assert_eq!(said, -5);
    assert_eq!(scene.portal.dossier(CODE).unwrap().states(), [1]);
    assert_eq!(scene.portal.violations().len(), 1);
}
