//! What an authority takes back is out: lists and OCSP fetched while running; and what is renewed is in.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use certs::{
    pki::{Authority, Entry, IssueParams, Register, Usage, write_private, write_public},
    tls::{Anchors, Identity, PeerCertificate},
};
use conformance::{
    authority::{LIST_PATH, OCSP_PATH, Services, Trouble},
    portal::STATES,
};
use gateway::sandbox::layout::Layout;
use gateway_tests::{
    client::{Wire, is_closed, read_reply},
    house::{self, House, Plan},
    message::{Json, Message, Tax, dossier},
};
use jiff::{SignedDuration, Timestamp};
use schemas::fault::FaultCode;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How long anything here may take; a revocation holds within 60 s.
const MINUTE: Duration = Duration::from_secs(60);

/// The authority of every house, in a folder of its own.
pub(super) fn authority() -> (TempDir, Authority) {
    let (folder, _) = house::folder();
    let pki = Layout::new(folder.path()).pki();
    let authority = Authority::open_or_create(&pki, "sandbox", Timestamp::now()).unwrap();
    (folder, authority)
}

/// A server that gives everybody this text, until it is told to stop.
pub(super) async fn publish(text: &Arc<Mutex<String>>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let text = Arc::clone(text);
    let task = tokio::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let body = text.lock().unwrap().clone();
            let mut head = [0; 2048];
            let _ = tcp.read(&mut head).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = tcp.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://{address}{LIST_PATH}"), task)
}

pub(super) fn watching(authority: &Authority, place: &str) -> Plan {
    House::plan()
        .write("issuing.pem", authority.issuing_pem().to_owned())
        .replace(
            "gateway.toml",
            "[sign]\n",
            format!(
                "[revocation]\nfolder = \"revocation\"\nevery_seconds = 1\n\n[[revocation.sources]]\n\
                 issuer = \"issuing.pem\"\n{place}\nprivate = true\n\n[sign]\n"
            ),
        )
}

fn serial_of(house: &House, partner: &str, file: &str) -> Vec<u8> {
    let pem = std::fs::read(Layout::new(house.folder()).agency(partner).join(file)).unwrap();
    let identity = certs::keys::VerifyingKey::from_certificate_pem(&pem).unwrap();
    let leaf = PeerCertificate::from_der(identity.certificate_der().unwrap()).unwrap();
    hex::decode(leaf.serial_hex).unwrap()
}

fn ping(house: &House, what: &str) -> Message {
    Tax::ping(house.now(), what).sign(&house.key("tax"))
}

fn bytes(message: &Message) -> Vec<u8> {
    let length = message.body.len();
    message.exact(&format!("Host: localhost\r\nContent-Length: {length}\r\n"))
}

/// Whether a message on a new connection is answered at all.
async fn is_let_in(wire: &Wire, message: &Message) -> bool {
    let Ok((mut stream, _)) = wire.open().await else {
        return false;
    };
    // in TLS 1.3 a refusal is read only now
    stream.write_all(&bytes(message)).await.is_ok() && read_reply(&mut stream).await.is_some()
}

/// The refused one may know it a moment before it is counted.
async fn assert_refused(house: &House, reason: &str) {
    let line = format!("lienthong_connections_refused_total{{reason=\"{reason}\"}}");
    let deadline = tokio::time::Instant::now() + MINUTE;
    loop {
        let text = house.gateway().metrics().text();
        if text.contains(&line) {
            return;
        }
        let counted = text
            .lines()
            .filter(|line| line.contains("connections_refused"));
        let counted: Vec<_> = counted.collect();
        assert!(
            tokio::time::Instant::now() < deadline,
            "{reason}: {counted:#?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_a_fetched_list_is_out_open_connections_and_signatures_included() {
    let (_folder, authority) = authority();
    let now = Timestamp::now();
    let list = |revoked: &[&[u8]], at| {
        authority
            .revocation_list(revoked, at, at + HOUR * 2)
            .unwrap()
    };
    let text = Arc::new(Mutex::new(list(&[], now - HOUR)));
    let (uri, _served) = publish(&text).await;
    let house = watching(&authority, &format!("crl = \"{uri}\""))
        .start()
        .await;
    let wire = house.wire("tax");
    let (mut stream, _) = wire.open().await.unwrap();
    stream
        .write_all(&bytes(&ping(&house, "welcome")))
        .await
        .unwrap();
    read_reply(&mut stream).await.unwrap().assert_ok();
    let (tls, sign) = (
        serial_of(&house, "tax", "tls.pem"),
        serial_of(&house, "dvclt", "sign.pem"),
    );
    *text.lock().unwrap() = list(&[&tls, &sign], now);
    assert!(
        is_closed(&mut stream, MINUTE).await,
        "the open connection lives on"
    );
    assert!(!is_let_in(&wire, &ping(&house, "once more")).await);
    assert_refused(&house, "revoked").await;
    // a good connection does not carry what a revoked key has signed
    let poll = || Json::poll(house.now(), &["G22.99.08-260101-000001"]).sign(&house.key("dvclt"));
    let deadline = tokio::time::Instant::now() + MINUTE;
    loop {
        let reply = house.wire("dvclt").send(&poll()).await;
        if reply.status == 401 || tokio::time::Instant::now() > deadline {
            reply.assert_fault(FaultCode::BadSignature, "unknown-key");
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_authority_lets_nobody_in_and_the_last_good_list_outlives_a_restart() {
    let (_folder, authority) = authority();
    let now = Timestamp::now();
    let text = Arc::new(Mutex::new("<html>404</html>".to_owned()));
    let (uri, served) = publish(&text).await;
    let mut house = watching(&authority, &format!("crl = \"{uri}\""))
        .start()
        .await;
    assert!(!is_let_in(&house.wire("tax"), &ping(&house, "too early")).await);
    assert_refused(&house, "revocation-unknown").await;
    let revoked = serial_of(&house, "portal", "tls.pem");
    *text.lock().unwrap() = authority
        .revocation_list(&[&revoked], now, now + HOUR)
        .unwrap();
    let deadline = tokio::time::Instant::now() + MINUTE;
    while !is_let_in(&house.wire("tax"), &ping(&house, "now")).await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the list is never taken"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    house.kill().await;
    served.abort();
    house.open().await;
    let message = ping(&house, "after the restart");
    assert!(is_let_in(&house.wire("tax"), &message).await);
    assert!(!is_let_in(&house.wire("portal"), &message).await);
    assert_refused(&house, "revoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_in_the_file_is_watched_without_a_restart() {
    let (_folder, authority) = authority();
    let now = Timestamp::now();
    let stranger = Authority::generate("somebody else", now).unwrap();
    let text = Arc::new(Mutex::new(String::new()));
    let (uri, _served) = publish(&text).await;
    let house = watching(&authority, &format!("crl = \"{uri}\""))
        .write("issuing.pem", stranger.issuing_pem().to_owned())
        .replace(
            "gateway.toml",
            "us = \"vss\"\n",
            "us = \"vss\"\nreload_seconds = 1\n",
        )
        .start()
        .await;
    let revoked = serial_of(&house, "tax", "tls.pem");
    let list = authority.revocation_list(&[&revoked], now, now + HOUR);
    *text.lock().unwrap() = list.unwrap();
    let wire = house.wire("tax");
    let (mut stream, _) = wire.open().await.unwrap();
    stream
        .write_all(&bytes(&ping(&house, "nobody watches ours")))
        .await
        .unwrap();
    read_reply(&mut stream).await.unwrap().assert_ok();
    let watched = house.folder().join("gateway/issuing.pem");
    std::fs::write(&watched, authority.issuing_pem()).unwrap();
    assert!(
        is_closed(&mut stream, MINUTE).await,
        "the open connection lives on"
    );
    assert!(!is_let_in(&wire, &ping(&house, "watched")).await);
    assert_refused(&house, "revoked").await;
    // nobody of it who is not on the list is sent away for long
    let deadline = tokio::time::Instant::now() + MINUTE;
    while !is_let_in(&house.wire("portal"), &ping(&house, "good")).await {
        assert!(tokio::time::Instant::now() < deadline, "never let in");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // what cannot be read changes nothing
    std::fs::write(&watched, "no certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(is_let_in(&house.wire("portal"), &ping(&house, "still good")).await);
    assert!(!is_let_in(&wire, &ping(&house, "still out")).await);
}

/// Notes a partner's certificate in the register that the responder answers from.
fn note(house: &House, register: &Path, partner: &str, revoked_at: Option<Timestamp>) {
    let entry = Entry {
        serial: serial_of(house, partner, "tls.pem"),
        ends: house.now() + HOUR * 24,
        revoked_at: None,
        name: partner.to_owned(),
    };
    let mut register = Register::open(register).unwrap();
    match revoked_at {
        None => register.add(entry).unwrap(),
        Some(at) => register.revoke(&entry.serial, at).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_responder_is_asked_before_anybody_is_served_and_again_while_they_stay() {
    let (folder, authority) = authority();
    let pki = Layout::new(folder.path()).pki();
    let office = certs::pki::Office::open_or_create(&pki, "sandbox", Timestamp::now()).unwrap();
    office.make_services(Timestamp::now()).unwrap();
    let services = match Services::open(&pki) {
        Err(Trouble::NoOpenssl) => {
            println!("not run: the openssl command is not installed");
            return;
        }
        opened => opened.unwrap(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let served = services.serve(listener).unwrap();
    let house = watching(&authority, &format!("ocsp = \"{}\"", served.url(OCSP_PATH)))
        .start()
        .await;
    let register = pki.join("index.txt");
    note(&house, &register, "tax", None);
    let wire = house.wire("tax");
    let (mut stream, _) = wire.open().await.unwrap();
    stream
        .write_all(&bytes(&ping(&house, "asked about")))
        .await
        .unwrap();
    read_reply(&mut stream).await.unwrap().assert_ok();
    // whom the authority has never issued a certificate gets none of our time
    assert!(!is_let_in(&house.wire("portal"), &ping(&house, "unknown")).await);
    assert_refused(&house, "revocation-unknown").await;
    note(&house, &register, "tax", Some(Timestamp::now()));
    assert!(
        is_closed(&mut stream, MINUTE).await,
        "the open connection lives on"
    );
    assert!(!is_let_in(&wire, &ping(&house, "once more")).await);
    assert_refused(&house, "revoked").await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_up_whole_and_no_connection_is_lost() {
    let house = House::plan()
        .replace(
            "gateway.toml",
            "us = \"vss\"\n",
            "us = \"vss\"\nreload_seconds = 1\n",
        )
        .start()
        .await;
    let shown = async || {
        let (stream, _) = house.wire("tax").open().await.unwrap();
        let (_, connection) = stream.get_ref();
        connection.peer_certificates().unwrap()[0].to_vec()
    };
    let before = shown().await;
    let (mut stream, _) = house.wire("tax").open().await.unwrap();
    let params = IssueParams {
        dns: vec!["localhost".to_owned()],
        ips: vec!["127.0.0.1".parse().unwrap()],
        ..IssueParams::new("vss gateway", Usage::Both, Timestamp::now())
    };
    let renewed = house.authority().issue(&params).unwrap();
    // half of it is not taken: the old one stays
    write_private(&house.file("tls.key"), &renewed.key_pem).unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(shown().await, before);
    write_public(&house.file("tls.pem"), &renewed.chain_pem).unwrap();
    let deadline = tokio::time::Instant::now() + MINUTE;
    while shown().await != renewed.der {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the new certificate is never shown"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stream
        .write_all(&bytes(&ping(&house, "still here")))
        .await
        .unwrap();
    read_reply(&mut stream).await.unwrap().assert_ok();
    let ends = house.gateway().metrics().certificate_ends();
    let leaf = PeerCertificate::from_der(&renewed.der).unwrap();
    assert!(ends["tls.cert"] == leaf.not_after && ends.contains_key("partners.tax.keys.tax-1"));
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + MINUTE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_whose_server_was_taken_back_is_told_nothing_more_until_it_is_good_again() {
    let (_folder, authority) = authority();
    let now = Timestamp::now();
    let list = |revoked: &[&[u8]], at| {
        authority
            .revocation_list(revoked, at, at + HOUR * 2)
            .unwrap()
    };
    let text = Arc::new(Mutex::new(list(&[], now - HOUR)));
    let (uri, _served) = publish(&text).await;
    let house = watching(&authority, &format!("crl = \"{uri}\""))
        .with_portal(1_000)
        .start()
        .await;
    let portal = house.portal.clone().unwrap();
    let holder = &house.landmarks.card_holders[0];
    let members = dossier::members(house.now(), holder, &holder.name);
    let submitted = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&submitted).await;
    let code = reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned();
    let told = || portal.dossier(&code).map_or(0, |seen| seen.states().len());
    until("nothing is told", async || told() > 0).await;
    let server = serial_of(&house, "portal", "tls.pem");
    *text.lock().unwrap() = list(&[&server], now);
    // the connection that stands is not used again, and none is made
    let failed = "lienthong_deliveries_total{partner=\"portal\",outcome=\"retry\"}";
    until("the server is believed", async || {
        house.gateway().metrics().text().contains(failed)
    })
    .await;
    let before = told();
    assert!(before < STATES.len(), "all was told before");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(told(), before, "a revoked server was told something");
    *text.lock().unwrap() = list(&[], now + SignedDuration::from_secs(1));
    portal.wait_for(&code, &STATES, MINUTE).await.unwrap();
    // all that it saw meanwhile were handshakes that we broke off
    let mut seen = portal.violations();
    seen.retain(|violation| violation != "a TLS handshake that failed");
    assert_eq!(seen, Vec::<String>::new());
}

/// An operator's certificate, its serial number and the operators' listener with a file of anchors of its own.
fn operators(authority: &Authority, place: &str) -> (Plan, Identity, Vec<u8>) {
    let params = IssueParams {
        san_uri: Some("urn:lienthong:sandbox:operator:an".to_owned()),
        ..IssueParams::new("an", Usage::Client, Timestamp::now())
    };
    let issued = authority.issue(&params).unwrap();
    let (chain, key) = (issued.chain_pem.as_bytes(), issued.key_pem.as_bytes());
    let plan = watching(authority, place)
        .replace("gateway.toml", "us = \"vss\"\n", "us = \"vss\"\nreload_seconds = 1\n")
        .replace(
            "gateway.toml",
            "[store]\n",
            "[admin.tls]\ncert = \"tls.pem\"\nkey = \"tls.key\"\nanchors = \"operators.pem\"\n\n\
             [[operators]]\nname = \"an\"\npeer = \"urn:lienthong:sandbox:operator:an\"\nrole = \"viewer\"\n\n\
             [store]\n",
        )
        .write("operators.pem", authority.root_pem().to_owned());
    (plan, Identity::from_pem(chain, key).unwrap(), issued.serial)
}

const PROBE: &[u8] = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Whether the operators' listener answers on a new connection.
async fn is_answered(wire: &Wire) -> bool {
    let Ok((mut stream, _)) = wire.open().await else {
        return false;
    };
    stream.write_all(PROBE).await.is_ok() && read_reply(&mut stream).await.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_was_taken_back_is_out_and_anchors_of_operators_are_read_while_running() {
    let (_folder, authority) = authority();
    let now = Timestamp::now();
    let list = |revoked: &[&[u8]], at| {
        authority
            .revocation_list(revoked, at, at + HOUR * 2)
            .unwrap()
    };
    let text = Arc::new(Mutex::new(list(&[], now - HOUR)));
    let (uri, _served) = publish(&text).await;
    let (plan, identity, serial) = operators(&authority, &format!("crl = \"{uri}\""));
    let house = plan.start().await;
    let anchors = Anchors::from_pem(authority.root_pem().as_bytes()).unwrap();
    let wire = Wire::new(house.gateway().admin(), &anchors, Some(&identity));
    let talks = async || {
        let (mut stream, _) = wire.open().await.unwrap();
        stream.write_all(PROBE).await.unwrap();
        read_reply(&mut stream).await.unwrap();
        stream
    };
    let mut stream = talks().await;
    // other anchors: the open connection ends, and nobody of the old ones comes in
    let other = Authority::generate("other", now).unwrap();
    write_public(&house.file("operators.pem"), other.root_pem()).unwrap();
    assert!(is_closed(&mut stream, MINUTE).await, "it lives on");
    assert!(!is_answered(&wire).await);
    assert_refused(&house, "unknown-issuer").await;
    // half a file changes nothing
    write_public(&house.file("operators.pem"), "no certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!is_answered(&wire).await);
    write_public(&house.file("operators.pem"), authority.root_pem()).unwrap();
    until("never let in again", async || is_answered(&wire).await).await;
    let mut stream = talks().await;
    *text.lock().unwrap() = list(&[&serial], now);
    assert!(is_closed(&mut stream, MINUTE).await, "it lives on");
    assert!(!is_answered(&wire).await);
    assert_refused(&house, "revoked").await;
}
