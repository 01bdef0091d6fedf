use bytes::Bytes;
use certs::digest::content_digest;
use certs::pki::{Authority, IssueParams, Usage};
use certs::tls::Identity as TlsIdentity;
use certs::xmldsig;
use http::Request;
use schemas::id::TaxId;
use schemas::wire::tax::taxpayer::{self as wire, Answer, Body};
use schemas::wire::tax::{FaultBody, ResultKind};
use schemas::xsd;
use tokio::net::TcpListener;

use super::*;
use crate::client::{Client, Reply};
use crate::clock;
use crate::identity::Target;
use crate::identity::tests::write_agency;

const MST: &str = "9900000016";
const PIN: &str = "099300123456";

struct Scene {
    _folder: tempfile::TempDir,
    register: Arc<Register>,
    serving: Serving,
    authority: Authority,
}

/// A register that knows one employer and one person; its own signing key stands in for the gateway's.
async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let authority = write_agency(folder.path(), "tax");
    let register = Register::open(folder.path()).unwrap();
    register.learn(truth());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = register.serve(listener).unwrap();
    Scene {
        _folder: folder,
        register,
        serving,
        authority,
    }
}

fn truth() -> Truth {
    let employer = Employer {
        status: "03".into(),
        since: "2026-03-01".into(),
        name: "Công ty & Con".into(),
        address: "1 Tràng Tiền".into(),
        months: [("2026-10".to_owned(), (12, 300_000_000))].into(),
    };
    let paid = |period: &str, mst: &str, vnd| Paid {
        mst: mst.into(),
        period: period.into(),
        vnd,
    };
    let person = Person {
        name: "Nguyễn Thị An".into(),
        paid: vec![
            paid("2026-08", MST, 10),
            paid("2026-09", MST, 20),
            paid("2026-09", "9900000023", 5),
            paid("2026-10", MST, 40),
        ],
    };
    Truth {
        employers: [(MST.to_owned(), employer)].into(),
        people: [(PIN.to_owned(), person)].into(),
        declared_to: "2026-10".into(),
        withheld: ["address".to_owned()].into(),
        ambiguous: ["9900000031".to_owned()].into(),
    }
}

fn employer_body(mst: &str, period: &str, fields: &[&str]) -> String {
    let fields: String = fields
        .iter()
        .map(|one| format!("<Field>{one}</Field>"))
        .collect();
    format!(
        "<VerifyEmployer><Mst>{mst}</Mst><Period>{period}</Period><Fields>{fields}</Fields>\
         <Purpose>tax-compliance</Purpose></VerifyEmployer>"
    )
}

fn person_body(from: &str, to: &str, fields: &[&str]) -> String {
    let fields: String = fields
        .iter()
        .map(|one| format!("<Field>{one}</Field>"))
        .collect();
    format!(
        "<VerifyIndividual><Mst>{PIN}</Mst><From>{from}</From><To>{to}</To><Fields>{fields}</Fields>\
         <Purpose>tax-compliance</Purpose></VerifyIndividual>"
    )
}

fn document(id: &str, operation: &str, body: &str) -> String {
    let at = clock::rfc3339(clock::now());
    format!(
        "<TaxpayerMessage xmlns=\"urn:vn:lienthong:taxpayer:v1\" Id=\"m-{id}\"><Header>\
         <MessageId>{id}</MessageId><SentAt>{at}</SentAt><Environment>sandbox</Environment>\
         <Direction>request</Direction><Sender>vss</Sender><Receiver>tax</Receiver>\
         <Operation>{operation}</Operation></Header>{body}</TaxpayerMessage>"
    )
}

impl Scene {
    fn client(&self, urn: &str) -> Client {
        let mut params = IssueParams::new("vss", Usage::Client, clock::now());
        params.san_uri = Some(urn.to_owned());
        let issued = self.authority.issue(&params).unwrap();
        let identity =
            TlsIdentity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
        let target = Target {
            host: "localhost".into(),
            port: self.serving.address().port(),
        };
        Client::new(&target, &self.register.identity().anchors, Some(&identity)).unwrap()
    }

    async fn post(&self, body: Vec<u8>) -> Result<Reply, crate::client::Error> {
        let request = Request::builder()
            .method("POST")
            .uri(PATH)
            .header("content-type", "application/xml; charset=utf-8")
            .body(Bytes::from(body))
            .unwrap();
        self.client("urn:lienthong:sandbox:gateway:vss")
            .send(request)
            .await
    }

    fn sign(&self, id: &str, document: &str) -> Vec<u8> {
        let key = &self.register.identity().sign;
        xmldsig::sign_enveloped(document.as_bytes(), &format!("m-{id}"), key, None).unwrap()
    }

    async fn ask(&self, id: &str, operation: &str, body: &str) -> Answer {
        let reply = self
            .post(self.sign(id, &document(id, operation, body)))
            .await
            .unwrap();
        assert_eq!(reply.status, 200);
        let digest = content_digest(operation, "vss", "tax", body.as_bytes());
        let message = self.proven(&reply);
        let binding = message.header.reply.unwrap();
        assert_eq!((binding.to.as_str(), binding.digest), (id, digest));
        match message.body {
            Body::Answer(answer) => answer,
            Body::Question(_) => panic!("a question for an answer"),
        }
    }

    /// The answer's signature holds, and the published schema and reader take it.
    fn proven(&self, reply: &Reply) -> wire::Message {
        let key = &self.register.identity().gateway_key;
        let proven = xmldsig::verify(&reply.body, key, &xmldsig::Profile::default()).unwrap();
        xsd::validate_taxpayer_v1(proven.canonical()).unwrap();
        wire::read(proven.canonical()).unwrap().0
    }
}

const EMPLOYER: &str = "taxpayer.verify-employer";
const PERSON: &str = "taxpayer.verify-individual";

#[tokio::test]
async fn an_employer_is_told_as_far_as_it_is_asked_known_and_declared() {
    let scene = scene().await;
    for (nth, (mst, period, fields, result, status, count, withheld)) in [
        (
            MST,
            "2026-10",
            &["status", "headcount", "address"][..],
            ResultKind::HasData,
            true,
            Some(12),
            1,
        ),
        (
            MST,
            "2026-11",
            &["status", "headcount"],
            ResultKind::Incomplete,
            true,
            None,
            0,
        ),
        (
            "9900000023",
            "2026-10",
            &["status"],
            ResultKind::NoData,
            false,
            None,
            0,
        ),
        (
            MST,
            "2026-10",
            &["address"],
            ResultKind::NotPermitted,
            false,
            None,
            1,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let body = employer_body(mst, period, fields);
        let answer = scene
            .ask(&format!("vss-0000000{nth}"), EMPLOYER, &body)
            .await;
        let Answer::Employer(told) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(told.result, result);
        assert_eq!(told.mst, TaxId::parse(mst).unwrap());
        assert_eq!((told.status.is_some(), told.headcount), (status, count));
        assert_eq!((told.not_disclosed.len(), told.address), (withheld, None));
    }
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_person_is_told_by_payer_and_only_of_the_months_asked() {
    let scene = scene().await;
    let body = person_body("2026-09", "2026-10", &["months", "income", "payers"]);
    let Answer::Individual(told) = scene.ask("vss-00000001", PERSON, &body).await else {
        panic!("no person")
    };
    assert_eq!(
        (told.months, told.income.map(|sum| sum.vnd())),
        (Some(2), Some(65))
    );
    let payers: Vec<_> = told
        .payers
        .unwrap()
        .into_iter()
        .map(|one| (one.months, one.income.map(|sum| sum.vnd())))
        .collect();
    assert_eq!(payers, [(Some(2), Some(60)), (Some(1), Some(5))]);
    assert_eq!(told.name, None, "nobody asked for it");
}

#[tokio::test]
async fn the_same_id_is_the_same_answer_and_another_content_under_it_a_conflict() {
    let scene = scene().await;
    let body = employer_body(MST, "2026-10", &["headcount"]);
    scene.register.misbehave(|knobs| knobs.drop_replies = 1);
    let lost = scene.sign("vss-00000001", &document("vss-00000001", EMPLOYER, &body));
    assert!(scene.post(lost).await.is_err());
    let mut changed = truth();
    changed.employers.clear();
    scene.register.learn(changed);
    let Answer::Employer(told) = scene.ask("vss-00000001", EMPLOYER, &body).await else {
        panic!("no employer")
    };
    assert_eq!(
        (told.headcount, scene.register.times("vss-00000001")),
        (Some(12), 2)
    );
    let other = employer_body(MST, "2026-09", &["headcount"]);
    let refused = scene.ask("vss-00000001", EMPLOYER, &other).await;
    assert!(matches!(
        refused,
        Answer::Fault(FaultBody {
            code: schemas::fault::FaultCode::Conflict,
            ..
        })
    ));
    assert_eq!(
        scene.register.violations(),
        ["same-id-other-content at MessageId"]
    );
}

#[tokio::test]
async fn what_is_not_signed_by_us_or_not_for_it_is_refused_unbound_and_written_down() {
    let scene = scene().await;
    let (id, body) = (
        "vss-00000001",
        employer_body(MST, "2026-10", &["headcount"]),
    );
    let good = document(id, EMPLOYER, &body);
    let mut flipped = scene.sign(id, &good);
    let at = flipped
        .windows(5)
        .position(|some| some == b"<Mst>")
        .unwrap()
        + 6;
    flipped[at] ^= 1;
    let mut bent = vec![flipped, good.clone().into_bytes()];
    for (from, to) in [
        ("<Receiver>tax", "<Receiver>portal"),
        ("<Environment>sandbox", "<Environment>test"),
        ("<Direction>request", "<Direction>answer"),
        ("<Sender>vss", "<Sender>tax"),
        ("taxpayer:v1", "tax:v1"),
    ] {
        let changed = good.replace(from, to);
        assert_ne!(changed, good);
        bent.push(scene.sign(id, &changed));
    }
    let many = bent.len();
    for document in bent {
        let reply = scene.post(document).await.unwrap();
        assert_eq!(reply.status, 400);
        wire::decode_fault(&reply.body).unwrap();
        xsd::validate_taxpayer_v1(&reply.body).unwrap();
    }
    assert_eq!(scene.register.violations().len(), many);
    assert_eq!(scene.register.times(id), 0);
}

#[tokio::test]
async fn a_question_against_the_profile_is_refused_in_a_bound_fault_and_answered_never() {
    let scene = scene().await;
    let good = employer_body(MST, "2026-10", &["headcount"]);
    for (nth, (from, to)) in [
        ("2026-10", "2026-13"),
        ("headcount", "fund"),
        (MST, "99"),
        ("tax-compliance", ""),
        (
            "<Field>headcount</Field>",
            "<Field>name</Field><Field>name</Field>",
        ),
        ("VerifyEmployer", "VerifyIndividual"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("vss-0000001{nth}");
        let refused = scene.ask(&id, EMPLOYER, &good.replace(from, to)).await;
        assert!(matches!(refused, Answer::Fault(_)), "{to}");
        assert_eq!(scene.register.times(&id), 0);
    }
}

#[tokio::test]
async fn a_caller_that_is_not_the_gateway_is_told_nothing() {
    let scene = scene().await;
    let stranger = scene.client("urn:lienthong:sandbox:partner:portal");
    let request = Request::builder()
        .method("POST")
        .uri(PATH)
        .body(Bytes::new())
        .unwrap();
    let reply = stranger.send(request).await.unwrap();
    assert_eq!((reply.status, reply.body.len()), (403, 0));
    assert_eq!(
        scene.register.violations(),
        ["a client certificate that is not the gateway's"]
    );
}
