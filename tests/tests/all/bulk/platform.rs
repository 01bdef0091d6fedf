//! The department's month on its way to us through the national platform: found as by the direct road whatever becomes of tokens,
//! quotas and replies, and nobody else behind the platform touches it or hears of it.

use std::sync::Arc;

use bytes::Bytes;
use conformance::{
    identity::{Identity, Target},
    ngsp::{Application, BEHALF, BODY_BYTES_MAX, Platform, Unheard, Way},
};
use gateway_tests::house::Plan;
use http::{Method, Request, header};
use schemas::fault::FaultCode::{
    self, BadSignature, Conflict, Forbidden, Invalid, OutOfOrder, RateLimited, Unauthenticated,
    UnknownSubject, UnsupportedMediaType,
};
use tokio::net::TcpListener;

use super::*;

const API: &str = "/DoiChieuThue/1.0";
const BASE: &str = "/tax/v1";
/// The application of another make of platform: it passes on whom a call says that it is of.
const UNNAMED: &str = "unnamed";

/// A house where the platform may carry the department's messages, and another partner has an agreement of the same words.
fn agreed() -> Plan {
    let relays = "\n[[relays]]\nroad = \"ngsp\"\nrelay = \"ngsp\"\n\n[[agreements]]\n";
    let words = "[agreements.operations.\"civil.result\"]\n";
    let theirs = format!(
        "{words}\n[agreements.operations.\"tax.reconcile\"]\n[agreements.operations.\"tax.reconcile-chunk\"]\n\
         [agreements.operations.\"tax.reconcile-result\"]\nper_minute = 6\nburst = 4\n"
    );
    House::plan()
        .replace("partners/tax.toml", "\n[[agreements]]\n", relays)
        .replace("partners/dvclt.toml", words, theirs)
        .replace(
            "partners/dvclt.toml",
            "purposes = [",
            "purposes = [\"tax-compliance\", ",
        )
}

struct Scene {
    house: House,
    platform: Arc<Platform>,
    stands: Target,
    _serving: Box<dyn std::any::Any>,
}

impl Scene {
    async fn of(plan: Plan, quota: u32) -> Self {
        let house = plan.start().await;
        let server = super::super::ngsp::server(&house);
        let application = || Application {
            secret: "s3cret".to_owned(),
            apis: vec![API.to_owned()],
            quota,
        };
        let life = Duration::from_secs(3_600);
        let mut platform = Platform::open(&house.layout.agency("ngsp"), server, life).unwrap();
        for key in ["tax", "dvclt", UNNAMED] {
            platform = platform.with_application(key, application());
        }
        let platform = platform.naming("tax", "tax").naming("dvclt", "dvclt");
        let platform = Arc::new(platform.with_window(SECOND));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = platform.serve(listener).unwrap();
        let scene = Self {
            house,
            platform,
            stands: Target {
                host: "localhost".to_owned(),
                port,
            },
            _serving: Box::new(serving),
        };
        scene.found();
        scene
    }

    /// The platform knows where the house is now.
    fn found(&self) {
        let target = Target {
            host: "localhost".to_owned(),
            port: self.house.address().port(),
        };
        self.platform.bring(API, &target, BASE).unwrap();
    }

    /// An agency's way through the platform, as one of its applications.
    fn way(&self, agency: &str, key: &str) -> Through {
        let agency = Identity::load(&self.house.layout.agency(agency)).unwrap();
        Through(Way::new(&agency, &self.stands, (key, "s3cret"), API).unwrap())
    }

    /// Whom this agency asks in its own name, or in another's.
    fn asked(&self, sending: &Sending, page: u32, sender: &str, key: &str) -> Message {
        let asked = Tax {
            sender: sender.to_owned(),
            ..ask(&self.house, sending, page)
        };
        asked.sign(&self.house.key(key))
    }

    async fn announce(&self, department: &Department, sending: &Sending) -> Message {
        let announced = manifest(&self.house, department, sending).sign(&self.house.key("tax"));
        let reply = self.house.wire("tax").send(&announced).await;
        reply.assert_ok();
        announced
    }
}

/// An agency that makes the same call again until it is answered.
struct Through(Way);

impl Through {
    async fn once(&self, call: Request<Bytes>) -> Result<Reply, Unheard> {
        let reply = self.0.send(call).await?;
        Ok(Reply {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
        })
    }

    async fn answered(&self, call: Request<Bytes>) -> Reply {
        for _ in 0..60 {
            match self.once(call.clone()).await {
                // the one whose reply was lost is still being taken
                Ok(reply) if reply.header("lienthong-fault") == "IN-PROGRESS" => {}
                Ok(reply) => return reply,
                Err(Unheard::Client(_)) => {}
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(SECOND / 20).await;
        }
        panic!("never answered");
    }
}

impl Line for Through {
    async fn say(&self, message: &Message) -> Reply {
        self.answered(letter(message)).await
    }

    async fn bring(&self, path: &str, bytes: Vec<u8>) -> Reply {
        self.answered(put_at(path, bytes, &[])).await
    }
}

fn letter(message: &Message) -> Request<Bytes> {
    let call = Request::post(resource(message.path));
    let mut call = call.header(header::CONTENT_TYPE, &message.content_type);
    if let Some(signature) = &message.signature {
        call = call.header("x-jws-signature", signature);
    }
    call.body(message.body.clone().into()).unwrap()
}

fn put_at(path: &str, bytes: Vec<u8>, more: &[(&str, &str)]) -> Request<Bytes> {
    let mut call = Request::builder()
        .method(Method::PUT)
        .uri(resource(path))
        .header(header::CONTENT_TYPE, "application/octet-stream");
    for (name, value) in more {
        call = call.header(*name, *value);
    }
    call.body(bytes.into()).unwrap()
}

fn resource(path: &str) -> &str {
    path.strip_prefix(BASE).unwrap()
}

/// What is said of a month, without who asked for it when.
fn said_of(text: &str, manifest: &str) -> String {
    let (_, body) = text.split_once("</Header>").unwrap();
    let (body, _) = body.split_once("<ds:Signature").unwrap_or((body, ""));
    assert!(body.contains(manifest), "{body}");
    body.replace(manifest, "")
}

/// Announces and sends a month through the platform, which does to it what platforms do.
async fn send_through_troubles(
    scene: &mut Scene,
    line: &Through,
    department: &Department,
    sending: &Sending,
) {
    let announced = manifest(&scene.house, department, sending);
    scene.platform.repeat(1);
    let reply = line.say(&announced.sign(&scene.house.key("tax"))).await;
    scene.house.assert_answers(&announced, reply.assert_ok());
    scene.platform.end_tokens();
    let chunks = sending.chunks.len();
    assert!(chunks >= 3);
    for number in 1..=chunks {
        if number == 2 {
            scene.house.kill().await;
            let call = put_at(&path(sending, 2), chunk(sending, 2), &[]);
            let down = line.once(call).await.unwrap_err();
            assert_eq!(down.code(), Some(101_503));
            scene.house.open().await;
            scene.found();
            scene.platform.forget_tokens();
        }
        match number % 3 {
            0 => scene.platform.repeat(1),
            _ => scene.platform.lose(1),
        }
        let first = line
            .bring(&path(sending, number), chunk(sending, number))
            .await;
        assert_eq!(
            text_of(first.assert_ok().text(), "Number"),
            Some(number.to_string().as_str())
        );
        // by the other road it is the same message
        let again = put(&scene.house, sending, number).await;
        assert_eq!(again.assert_ok().body, first.body, "the stored answer");
    }
    scene.platform.lose(1);
    scene.platform.throttle(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_through_the_platform_is_told_as_by_the_direct_road_whatever_becomes_of_its_calls()
{
    let mut scene = Scene::of(agreed(), 1_000).await;
    let line = scene.way("tax", "tax");
    for (kind, form, packing, records) in [
        (Kind::Employer, Form::Xml, Packing::Gzip, 4),
        (Kind::Person, Form::Ndjson, Packing::Zstd, 50),
    ] {
        let word = kind.as_str();
        let department = Department::of(&scene.house, kind).await;
        let direct = department.cut(&format!("direct-{word}"), form, packing, records);
        scene.announce(&department, &direct).await;
        for number in 1..=direct.chunks.len() {
            put(&scene.house, &direct, number).await.assert_ok();
        }
        let (found, expected) = told(&scene.house, &direct).await;
        assert_eq!(found, department.seeds, "{word}, direct");

        let sending = department.cut(&format!("platform-{word}"), form, packing, records);
        send_through_troubles(&mut scene, &line, &department, &sending).await;
        let (found, pages) = told_by(&line, &scene.house, &sending).await;
        assert_eq!(found, department.seeds, "{word}, through the platform");
        let bodies = |texts: &[String], sending: &Sending| -> Vec<String> {
            let texts = texts.iter();
            texts.map(|text| said_of(text, &sending.manifest)).collect()
        };
        assert_eq!(bodies(&pages, &sending), bodies(&expected, &direct));
        for page in [0, 1] {
            let asked = scene.asked(&sending, page, "tax", "tax");
            let through = line.say(&asked).await;
            let straight = scene.house.wire("tax").send(&asked).await;
            assert_eq!(through.assert_ok().body, straight.body, "page {page}");
        }
    }
    let mut refused = scene.platform.seen().refused;
    refused.sort_unstable();
    let twice = |code| [code, code];
    let expected = [101_503, 900_804, 900_901, 900_903].map(twice).concat();
    assert_eq!(refused, expected);
    let said = line.0.said();
    assert_eq!((said.tokens, said.renewed), (5, 4));
    assert_eq!(said.waited, [SECOND, SECOND], "as it was told to");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_chunk_comes_whole_and_the_platform_takes_no_larger_one() {
    let scene = Scene::of(agreed(), 1_000).await;
    let department = Department::of(&scene.house, Kind::Person).await;
    let sending = Sending {
        manifest: "platform-largest".into(),
        form: Form::Ndjson,
        packing: Packing::Plain,
        chunks: vec![(vec![b' '; BODY_BYTES_MAX], 1, 1)],
    };
    scene.announce(&department, &sending).await;
    let line = scene.way("tax", "tax");
    let longer = [&sending.chunks[0].0[..], b"\n"].concat();
    let first = path(&sending, 1);
    let refused = line.once(put_at(&first, longer, &[])).await.unwrap_err();
    assert_eq!(refused.code(), Some(413));
    assert_eq!(scene.platform.seen().passed.len(), 0);
    // its digest is that of the manifest, so that it is read, and only then refused
    let reply = line.bring(&first, chunk(&sending, 1)).await;
    reply.assert_fault(Invalid, "records-truncated");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_behind_the_platform_puts_a_chunk_or_hears_of_the_month() {
    let scene = Scene::of(agreed(), 1_000).await;
    let department = Department::of(&scene.house, Kind::Employer).await;
    let sending = department.cut("platform-others", Form::Xml, Packing::Plain, 4);
    let announced = scene.announce(&department, &sending).await;
    let nothing = Sending {
        manifest: "platform-nothing".into(),
        ..sending.clone()
    };
    let other = scene.way("dvclt", "dvclt");
    let before = scene.house.fingerprint().await;

    // the very bytes, in its own name or in the department's: the platform says whose they are
    for more in [&[][..], &[(BEHALF, "tax")][..]] {
        for one in [&sending, &nothing] {
            let call = put_at(&path(one, 1), chunk(one, 1), more);
            let reply = other.once(call).await.unwrap();
            reply.assert_fault(OutOfOrder, "manifest-unknown");
        }
    }
    // a month is told to whom it is of, and there is none of that name for others
    for page in [0, 1] {
        for one in [&sending, &nothing] {
            let asked = scene.asked(one, page, "dvclt", "dvclt");
            let reply = other.say(&asked).await;
            reply.assert_fault(UnknownSubject, "manifest-unknown");
            assert!(!reply.text().contains("<State>"), "{}", reply.text());
        }
    }
    // its own limit is over, and nobody else's
    let asked = scene.asked(&sending, 0, "dvclt", "dvclt");
    let reply = scene.house.wire("ngsp").send(&asked).await;
    reply.assert_fault(RateLimited, "sender-operation");
    assert!(reply.header("retry-after").parse::<u32>().unwrap() >= 1);
    // nor in the department's name under another key
    for message in [
        scene.asked(&sending, 0, "tax", "dvclt"),
        manifest(&scene.house, &department, &nothing).sign(&scene.house.key("dvclt")),
    ] {
        let reply = other.say(&message).await;
        reply.assert_fault(BadSignature, "signature-mismatch");
    }

    // where the platform believes its callers, the manifest does not
    let unnamed = scene.way("dvclt", UNNAMED);
    let mut bent = chunk(&sending, 1);
    bent[20] ^= 1;
    let call = put_at(&path(&sending, 1), bent, &[(BEHALF, "tax")]);
    let reply = unnamed.once(call).await.unwrap();
    reply.assert_fault(BadSignature, "chunk-not-as-announced");
    let call = put_at(&path(&sending, 1), chunk(&sending, 1), &[]);
    let reply = unnamed.once(call).await.unwrap();
    reply.assert_fault(OutOfOrder, "manifest-unknown");

    assert!(scene.house.fingerprint().await == before);
    let line = scene.way("tax", "tax");
    let state = settled_by(&line, &scene.house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Progress"), Some("0"));
    let again = line.say(&announced).await;
    again.assert_ok();
    for number in 1..=sending.chunks.len() {
        let reply = line
            .bring(&path(&sending, number), chunk(&sending, number))
            .await;
        reply.assert_ok();
    }
    let (found, _) = told_by(&line, &scene.house, &sending).await;
    assert_eq!(found, department.seeds);
    // nor when it is done
    let asked = scene.asked(&sending, 1, "tax", "dvclt");
    let reply = other.say(&asked).await;
    reply.assert_fault(BadSignature, "signature-mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_alters_is_refused_and_nothing_of_it_stays() {
    let scene = Scene::of(agreed(), 1_000).await;
    let department = Department::of(&scene.house, Kind::Person).await;
    let sending = department.cut("platform-alters", Form::Ndjson, Packing::Gzip, 100);
    let line = scene.way("tax", "tax");
    let key = scene.house.key("tax");
    let before = scene.house.fingerprint().await;
    let body = sending.json(department.kind, &department.period);
    let body = body.to_string().into_bytes();
    let said = Json::new(
        scene.house.now(),
        "tax",
        "tax.reconcile",
        "/tax/v1/json",
        body,
    );
    let announced = said.sign(&key);
    scene.platform.alter(1);
    let reply = line.say(&announced).await;
    reply.assert_fault(BadSignature, "signature-mismatch");
    let call = || put_at(&path(&sending, 1), chunk(&sending, 1), &[]);
    let reply = line.once(call()).await.unwrap();
    reply.assert_fault(OutOfOrder, "manifest-unknown");
    // unaltered it is taken, and the signature beside the answer comes back with it
    let reply = line.say(&announced).await;
    let id = &sending.manifest;
    scene
        .house
        .assert_answers_json(&said, id, reply.assert_ok());
    let other = Tax {
        id: sending.manifest.clone(),
        ..message(
            &scene.house,
            &sending,
            sending.xml(department.kind, &department.period, &["01"]),
        )
    };
    let reply = line.say(&other.sign(&key)).await;
    reply.assert_fault(Conflict, "same-id-other-content");

    scene.platform.alter(1);
    let reply = line.once(call()).await.unwrap();
    reply.assert_fault(BadSignature, "chunk-not-as-announced");
    // how it is packed is said in the manifest and nowhere else; the platform changes no such word
    let coded = [("content-encoding", "gzip")];
    let call = put_at(&path(&sending, 1), chunk(&sending, 1), &coded);
    let reply = line.once(call).await.unwrap();
    reply.assert_fault(UnsupportedMediaType, "content-coding");
    let state = settled_by(&line, &scene.house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Progress"), Some("0"));
    assert!(scene.house.fingerprint().await == before);
    let reply = line.bring(&path(&sending, 1), chunk(&sending, 1)).await;
    reply.assert_ok();
}

/// A month that was announced straight: neither its chunks nor questions about it come through the platform.
async fn refuses_the_road(plan: Plan, code: FaultCode, reason: &str) {
    let scene = Scene::of(plan, 1_000).await;
    let department = Department::of(&scene.house, Kind::Employer).await;
    let sending = department.cut("platform-no-road", Form::Xml, Packing::Gzip, 1_000);
    let line = scene.way("tax", "tax");
    let key = scene.house.key("tax");
    let before = scene.house.fingerprint().await;
    let reply = line
        .say(&manifest(&scene.house, &department, &sending).sign(&key))
        .await;
    reply.assert_fault(code, reason);
    let reply = put(&scene.house, &sending, 1).await;
    reply.assert_fault(OutOfOrder, "manifest-unknown");
    scene.announce(&department, &sending).await;
    let reply = line.bring(&path(&sending, 1), chunk(&sending, 1)).await;
    reply.assert_fault(code, reason);
    let asked = scene.asked(&sending, 0, "tax", "tax");
    let reply = line.say(&asked).await;
    reply.assert_fault(code, reason);
    let state = settled(&scene.house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Progress"), Some("0"));
    assert!(scene.house.fingerprint().await == before);
    put(&scene.house, &sending, 1).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_may_not_carry_the_department_is_refused() {
    let plan = House::plan();
    refuses_the_road(plan, Unauthenticated, "peer-may-not-carry-sender").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_on_a_road_that_is_not_agreed_is_refused() {
    let roads = ("\"direct\", \"ngsp\"", "\"direct\"");
    let plan = agreed().replace("partners/tax.toml", roads.0, roads.1);
    refuses_the_road(plan, Forbidden, "road-not-agreed").await;
}
