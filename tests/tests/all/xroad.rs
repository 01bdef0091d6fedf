//! What a security server brings: SOAP 4.0 beside REST, through the same rooms, honest or not.

mod killed;
mod stands;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use conformance::{
    portal::STATES,
    rules::{ALL, Context, Rule, Verdict},
    security_server::{
        Wrong,
        soap::{Letter, SoapFault, fault},
    },
};
use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::{House, Plan},
    message::{Message, dossier},
};
use schemas::{
    date::{format_slash, portal_time},
    fault::FaultCode,
    proto::admin::ShowDossierRequest,
    wire::xroad::{Spelling, code_of},
};

const PORTAL: &str = conformance::security_server::PORTAL;
const SERVER: &str = conformance::security_server::PARTNER;

/// A house whose portal may submit on its security server's word alone.
fn attested() -> Plan {
    let since = "valid_from = 2026-01-01\n";
    let plan = House::plan();
    plan.replace(
        "partners/portal.toml",
        since,
        format!("{since}attested = true\n"),
    )
}

fn fresh() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A card of this holder is damaged.
fn reissue(house: &House, holder: usize, id: &str) -> Letter {
    let holder = &house.landmarks.card_holders[holder];
    let born = format_slash(holder.birth_date.parse().unwrap());
    let body = format!(
        "<por:MaThamChieu>DVC-{id}</por:MaThamChieu><por:MaTTHC>9.000001</por:MaTTHC>\
         <por:ChuHoSo><por:HoVaTen>{}</por:HoVaTen><por:SoDinhDanh>{}</por:SoDinhDanh>\
         <por:NgayThangNamSinh>{born}</por:NgayThangNamSinh></por:ChuHoSo>\
         <por:ToKhai><por:MaThe>{}</por:MaThe><por:LyDoCapLai>HONG</por:LyDoCapLai></por:ToKhai>\
         <por:NgayNopHoSo>{}</por:NgayNopHoSo>",
        holder.name,
        holder.pin,
        holder.card_number,
        portal_time::format(house.now()),
    );
    Letter::new(PORTAL, "NopHoSo", id, body)
}

/// The same holder's name is put right; the paper that shows it is attached.
fn change(house: &House, holder: usize, id: &str, file: &[u8]) -> Letter {
    let mut letter = reissue(house, holder, id);
    let number = &house.landmarks.card_holders[holder].si_number;
    let start = letter.body.find("<por:ToKhai>").unwrap();
    let end = letter.body.find("<por:NgayNopHoSo>").unwrap();
    let form = format!(
        "<por:ToKhai><por:MaBHXH>{number}</por:MaBHXH><por:HoVaTen>Lê Văn Mới</por:HoVaTen>\
         <por:LyDo>Sai tên</por:LyDo></por:ToKhai><por:TaiLieuNop><por:MaThanhPhanHoSo>GIAY-TO</por:MaThanhPhanHoSo>\
         <por:TepDinhKemId>tep-1</por:TepDinhKemId><por:TenTepDinhKem>khai-sinh.pdf</por:TenTepDinhKem>\
         <por:TepDinhKem>cid:khai-sinh@portal</por:TepDinhKem></por:TaiLieuNop>"
    );
    letter.body.replace_range(start..end, &form);
    letter.body = letter.body.replace("9.000001", "9.000007");
    letter.files = vec![("khai-sinh@portal".to_owned(), file.to_vec())];
    letter
}

fn message((content_type, body): (String, Vec<u8>)) -> Message {
    Message {
        path: "/portal/v1/soap",
        content_type,
        signature: None,
        body,
    }
}

async fn send(house: &House, letter: &Letter) -> Reply {
    house.wire(SERVER).send(&message(letter.written())).await
}

fn seen(reply: &Reply) -> conformance::client::Reply {
    conformance::client::Reply {
        status: reply.status,
        headers: reply.headers.clone(),
        body: reply.body.clone(),
    }
}

#[track_caller]
fn answered(letter: &Letter, reply: &Reply) -> Vec<(String, String)> {
    letter
        .judge(&seen(reply))
        .unwrap_or_else(|trouble| panic!("{trouble}: {}", reply.text()))
}

fn of<'a>(answer: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = answer.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value.as_str())
}

/// A fault by its code and reason, with the evidence id and nothing that was said.
#[track_caller]
fn refused(reply: &Reply, code: FaultCode, reason: &str) -> SoapFault {
    let fault = fault(&seen(reply)).unwrap_or_else(|trouble| panic!("{trouble}: {}", reply.text()));
    assert_eq!(
        reply.header("lienthong-fault"),
        code.row().code,
        "{}",
        reply.text()
    );
    assert!(fault.said.ends_with(&format!("({reason})")), "{fault:?}");
    assert_eq!(fault.detail, reply.evidence());
    for word in ["x-road-error", "x-road-id", "soapaction"] {
        assert_eq!(reply.header(word), "");
    }
    fault
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_as_soap_is_taken_in_once_and_its_header_block_comes_back() {
    let house = attested().start().await;
    let letter = reissue(&house, 0, &fresh());
    let reply = send(&house, &letter).await;
    let answer = answered(&letter, &reply);
    let code = of(&answer, "MaHoSo").unwrap().to_owned();
    assert_eq!(of(&answer, "TrangThaiHoSo"), Some("1"));
    assert!(of(&answer, "MaThamChieu").unwrap().starts_with("DVC-"));

    let after = house.fingerprint().await;
    let again = send(&house, &letter).await;
    assert_eq!(
        (again.body.clone(), again.evidence()),
        (reply.body.clone(), reply.evidence())
    );
    // the same id with other content, or said by another person, is another message
    for bend in [
        (|letter: &mut Letter| letter.body = letter.body.replace("HONG", "MAT")) as fn(&mut Letter),
        |letter| letter.block[3] = "<xrd:userId>VN2</xrd:userId>".to_owned(),
    ] {
        let mut other = letter.clone();
        bend(&mut other);
        let reply = send(&house, &other).await;
        let fault = refused(&reply, FaultCode::Conflict, "same-id-other-content");
        assert_eq!(fault.code, "client.bad_request");
    }
    assert_eq!(house.fingerprint().await, after);

    for (code, found) in [(code.as_str(), "1"), ("X99.01-260101-999999", "0")] {
        let asked = Letter::status(PORTAL, &fresh(), code);
        let answer = answered(&asked, &send(&house, &asked).await);
        assert_eq!(
            (of(&answer, "MaHoSo"), of(&answer, "TimThay")),
            (Some(code), Some(found))
        );
        assert_eq!(of(&answer, "TrangThaiHoSo").is_some(), found == "1");
    }
    assert_eq!(house.fingerprint().await, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_signature_stands_over_the_envelope_that_leaves() {
    let house = attested().start().await;
    let letter = reissue(&house, 0, &fresh());
    let reply = send(&house, &letter).await;
    answered(&letter, &reply);
    let signed = |reply: &Reply| {
        let unproven = certs::jws::parse(reply.header("x-jws-signature")).unwrap();
        let algorithm = certs::keys::Algorithm::Es256;
        let proof = unproven.verify(&house.our_key(), algorithm, &reply.body);
        proof.unwrap().into_header()
    };
    let header = signed(&reply);
    assert_eq!(
        (header.aud.as_str(), header.op.as_str()),
        ("portal", "portal.submit-dossier")
    );
    let id = letter.block[2]
        .replace("<xrd:id>", "")
        .replace("</xrd:id>", "");
    assert_eq!(header.irt, Some(id));
    // a rule's refusal is an answer of ours as well
    let mut other = reissue(&house, 1, &fresh());
    let (mine, theirs) = (
        &house.landmarks.card_holders[1],
        &house.landmarks.card_holders[2],
    );
    other.body = other.body.replace(&mine.card_number, &theirs.card_number);
    let before = house.fingerprint().await;
    let reply = send(&house, &other).await;
    refused(&reply, FaultCode::RuleRefused, "not-the-holder");
    signed(&reply);
    assert_eq!(
        send(&house, &other).await.body,
        reply.body,
        "the stored refusal"
    );
    assert_eq!(house.fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_beside_the_envelope_are_papers_and_another_file_is_another_message() {
    let house = attested().start().await;
    let id = fresh();
    let file = b"%PDF-1.7 one";
    let letter = change(&house, 0, &id, file);
    let reply = send(&house, &letter).await;
    let answer = answered(&letter, &reply);
    let show = ShowDossierRequest {
        code: of(&answer, "MaHoSo").unwrap().to_owned(),
        who: "an.operator".to_owned(),
        why: "what was attached".to_owned(),
    };
    let shown = client::dossier(house.gateway().admin(), show)
        .await
        .unwrap();
    let digest = certs::digest::sha256_hex(file);
    assert!(shown.papers[0].contains(&digest), "{:?}", shown.papers);
    let after = house.fingerprint().await;
    // between the same parts another line
    let (kind, body) = letter.written();
    let elsewhere = message((kind.replace("part-1", "part-2"), {
        let text = String::from_utf8(body).unwrap();
        text.replace("part-1", "part-2").into_bytes()
    }));
    assert_eq!(house.wire(SERVER).send(&elsewhere).await.body, reply.body);
    let other = change(&house, 0, &id, b"%PDF-1.7 two");
    refused(
        &send(&house, &other).await,
        FaultCode::Conflict,
        "same-id-other-content",
    );
    let lying = change(&house, 0, &fresh(), b"PK\x03\x04 no PDF");
    refused(
        &send(&house, &lying).await,
        FaultCode::Invalid,
        "file-type-not-taken",
    );
    let mut unnamed = change(&house, 0, &fresh(), b"%PDF-1.7");
    unnamed
        .files
        .push(("more@portal".to_owned(), b"%PDF".to_vec()));
    refused(
        &send(&house, &unnamed).await,
        FaultCode::Invalid,
        "attachment-not-named",
    );
    unnamed.files.clear();
    refused(
        &send(&house, &unnamed).await,
        FaultCode::Invalid,
        "attachment-missing",
    );
    assert_eq!(house.fingerprint().await, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_no_good_envelope_is_a_fault_and_changes_nothing() {
    type Bend = fn(String) -> String;
    let cases: [(Bend, FaultCode, &str, &str); 16] = [
        (
            |t| t.replace(">vss</id:", ">other</id:"),
            FaultCode::UnknownRoute,
            "xroad-service-not-ours",
            "client.unknown_service",
        ),
        (
            |t| t.replace("<id:subsystemCode>vss</id:subsystemCode>", ""),
            FaultCode::UnknownRoute,
            "xroad-service-not-ours",
            "client.unknown_service",
        ),
        (
            |t| t.replace("4.0", "3.1"),
            FaultCode::Malformed,
            "soap-protocol-version",
            "client.invalid_protocol_version",
        ),
        (
            |t| t.replace("<xrd:protocolVersion>4.0</xrd:protocolVersion>", ""),
            FaultCode::Malformed,
            "soap-header-field-missing",
            "client.missing_header_field",
        ),
        (
            |t| {
                t.replacen(
                    "<xrd:userId>",
                    "<xrd:userId>VN2</xrd:userId><xrd:userId>",
                    1,
                )
            },
            FaultCode::Malformed,
            "soap-header-twice",
            "client.duplicate_header_field",
        ),
        (
            |t| t.replacen("<xrd:client", "<xrd:client/><xrd:client", 1),
            FaultCode::Malformed,
            "soap-header-twice",
            "client.duplicate_header_field",
        ),
        (
            |t| t.replace("portal</id:", "other</id:"),
            FaultCode::Unauthenticated,
            "xroad-client-not-registered",
            "client.invalid_client_identifier",
        ),
        (
            |t| t.replace("portal</id:", "a/b</id:"),
            FaultCode::Unauthenticated,
            "soap-client",
            "client.invalid_client_identifier",
        ),
        (
            |t| t.replace("<id:serviceCode>NopHoSo", "<id:serviceCode>Khac"),
            FaultCode::Malformed,
            "soap-service-code",
            "client.invalid_soap",
        ),
        (
            |t| t.replace("NopHoSo>", "Khac>").replace("NopHoSo<", "Khac<"),
            FaultCode::UnknownRoute,
            "soap-service",
            "client.unknown_service",
        ),
        (
            |t| {
                t.replace(
                    "http://schemas.xmlsoap.org/soap/envelope/",
                    "http://www.w3.org/2003/05/soap-envelope",
                )
            },
            FaultCode::Malformed,
            "soap-version",
            "SOAP-ENV:VersionMismatch",
        ),
        (
            |t| {
                t.replace(
                    "<xrd:issue>",
                    "<x soapenv:mustUnderstand=\"1\"/><xrd:issue>",
                )
            },
            FaultCode::Malformed,
            "soap-must-understand",
            "SOAP-ENV:MustUnderstand",
        ),
        (
            |t| {
                t.replace(
                    "?>",
                    "?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>",
                )
            },
            FaultCode::Malformed,
            "xml-doctype",
            "client.invalid_xml",
        ),
        (
            |t| t.replace("HONG", "&b;"),
            FaultCode::Malformed,
            "xml-entity",
            "client.invalid_xml",
        ),
        (
            |t| {
                t.replace(
                    "HONG",
                    "<x:Include xmlns:x=\"http://www.w3.org/2004/08/xop/include\"/>",
                )
            },
            FaultCode::Malformed,
            "soap-xop",
            "client.invalid_soap",
        ),
        (
            |t| format!("{}{}", t, " ".repeat(256 << 10)),
            FaultCode::TooLarge,
            "xml-too-large",
            "client.bad_request",
        ),
    ];
    let house = attested().start().await;
    let before = house.fingerprint().await;
    for (bend, code, reason, said) in cases {
        let letter = reissue(&house, 0, &fresh());
        let text = letter.envelope();
        let bent = bend(text.clone());
        assert_ne!(text, bent, "{reason}");
        let message = message(("text/xml".to_owned(), bent.into_bytes()));
        let reply = house.wire(SERVER).send(&message).await;
        assert_eq!(refused(&reply, code, reason).code, said, "{reason}");
        let holder = &house.landmarks.card_holders[0];
        assert!(!reply.text().contains(&holder.pin) && !reply.text().contains(&holder.name));
    }
    let good = reissue(&house, 0, &fresh());
    for (kind, reason) in [
        ("application/soap+xml", "soap-12"),
        ("application/xop+xml", "mtom"),
        (
            "multipart/related; boundary=x; type=\"application/xop+xml\"; start-info=\"text/xml\"",
            "mtom",
        ),
        ("application/json", "media-type"),
        ("text/xml; charset=utf-16", "media-type-parameter"),
    ] {
        let message = message((kind.to_owned(), good.envelope().into_bytes()));
        let reply = house.wire(SERVER).send(&message).await;
        let fault = refused(&reply, FaultCode::UnsupportedMediaType, reason);
        assert_eq!(fault.code, "client.invalid_content_type");
    }
    assert_eq!(house.fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_multipart_body_is_a_fault_and_changes_nothing() {
    type Bend = fn(Vec<u8>) -> Vec<u8>;
    fn text(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    }
    let cases: [(Bend, FaultCode, &str); 8] = [
        (
            |b| b[..b.len() - 20].to_vec(),
            FaultCode::Malformed,
            "mime-truncated",
        ),
        (
            |b| [b"x\r\n".as_slice(), &b].concat(),
            FaultCode::Malformed,
            "mime-boundary",
        ),
        (
            |_| b"--part-1--\r\n".to_vec(),
            FaultCode::Malformed,
            "mime-empty",
        ),
        (
            |b| text(b, "Content-ID: <khai-sinh@portal>\r\n", ""),
            FaultCode::Malformed,
            "mime-id",
        ),
        (
            |b| text(b, "Content-ID: <root@server>", "Content-ID: <other>"),
            FaultCode::Malformed,
            "mime-start",
        ),
        (
            |b| text(b, "application/pdf", "multipart/mixed; boundary=y"),
            FaultCode::Malformed,
            "mime-nested",
        ),
        (
            |b| text(b, "binary", "quoted-printable"),
            FaultCode::Malformed,
            "mime-encoding",
        ),
        (
            |b| text(b, "binary", &format!("binary{}", "\r\nX-A: b".repeat(20))),
            FaultCode::TooLarge,
            "mime-header-lines",
        ),
    ];
    let house = attested().start().await;
    let before = house.fingerprint().await;
    for (bend, code, reason) in cases {
        let letter = change(&house, 0, &fresh(), b"%PDF");
        let (kind, body) = letter.written();
        let reply = house.wire(SERVER).send(&message((kind, bend(body)))).await;
        refused(&reply, code, reason);
    }
    let mut many = change(&house, 0, &fresh(), b"%PDF");
    many.files = (0..21).map(|n| (n.to_string(), Vec::new())).collect();
    refused(
        &send(&house, &many).await,
        FaultCode::TooLarge,
        "attachments",
    );
    let large = change(&house, 0, &fresh(), &vec![b'a'; 1 << 20]);
    refused(
        &send(&house, &large).await,
        FaultCode::TooLarge,
        "body-bytes",
    );
    assert_eq!(house.fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_security_server_is_believed_and_only_where_the_agreement_takes_its_word() {
    let house = attested().start().await;
    let before = house.fingerprint().await;
    let good = message(reissue(&house, 0, &fresh()).written());
    for peer in ["portal", "tax", "ngsp"] {
        let reply = house.wire(peer).send(&good).await;
        let row = FaultCode::Unauthenticated.row();
        assert_eq!(
            (reply.status, reply.header("lienthong-fault")),
            (row.http, row.code)
        );
        assert!(
            reply.text().contains("(peer-is-no-security-server)"),
            "{}",
            reply.text()
        );
    }
    // a second word beside the envelope's
    for (name, value) in [
        ("x-road-client", PORTAL),
        ("x-road-id", "another-message"),
        ("x-road-userid", "VN2"),
    ] {
        let reply = house.wire(SERVER).send_with(&good, &[(name, value)]).await;
        refused(&reply, FaultCode::Malformed, "xroad-header-beside-soap");
    }
    assert_eq!(house.fingerprint().await, before);

    let strict = House::start().await;
    let before = strict.fingerprint().await;
    let reply = send(&strict, &reissue(&strict, 0, &fresh())).await;
    let fault = refused(&reply, FaultCode::Forbidden, "body-signature-demanded");
    assert_eq!(fault.code, code_of(FaultCode::Forbidden));
    assert_eq!(strict.fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_spelt_as_the_servers_registration_says() {
    let plan = attested().replace(
        "partners/security-server.toml",
        "errors = \"new\"",
        "errors = \"old\"",
    );
    let house = plan.start().await;
    let mut letter = Letter::status(PORTAL, &fresh(), "X99.01-260101-999999");
    letter.block.remove(2);
    let fault = refused(
        &send(&house, &letter).await,
        FaultCode::Malformed,
        "soap-header-field-missing",
    );
    assert_eq!(
        fault.code,
        Spelling::Old.write("client.missing_header_field")
    );
    assert_eq!(fault.code, "Client.MissingHeaderField");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_answered_from_the_store_after_a_kill() {
    let mut house = attested().start().await;
    let letter = reissue(&house, 0, &fresh());
    let reply = send(&house, &letter).await;
    answered(&letter, &reply);
    // what was answered is answered from the store after a kill, header block and all
    house.kill().await;
    house.clock.advance(jiff::SignedDuration::from_secs(600));
    house.open().await;
    assert_eq!(send(&house, &letter).await.body, reply.body);
}

/// The exchange answers in every wrong way that we know of, each after the portal has acted.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_hostile_exchange_answers_each_step_is_told_once_and_in_order() {
    let road = "private = true\ntimeout_ms = 1500\nbreaker_failures = 1000\nxroad = { client = \"VN/GOV/000.00.00.X98/vss\", \
                service = \"VN/GOV/000.00.00.X99/portal/dvc\" }\n";
    let house = House::plan()
        .with_portal(50)
        .replace("partners/portal.toml", "private = true\n", road)
        .replace(
            "gateway.toml",
            "poll_ms = 100",
            "poll_ms = 100\nbackoff_ms = 100\nbackoff_seconds_max = 2",
        )
        .start()
        .await;
    let portal = house.portal.clone().unwrap();
    portal.misbehave(|knobs| {
        knobs.on_xroad = vec![
            Wrong::Swapped,
            Wrong::Service,
            Wrong::Twice,
            Wrong::Bare,
            Wrong::Redirect,
            Wrong::Huge,
            Wrong::Slow,
            Wrong::Hash,
            Wrong::Id,
            Wrong::NetworkAfter,
        ];
    });
    let holder = &house.landmarks.card_holders[0];
    let members = dossier::members(house.now(), holder, &holder.name);
    let sent = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&sent).await;
    let code = reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned();
    let clock = Arc::clone(&house.clock);
    let passing = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            clock.advance(jiff::SignedDuration::from_secs(61));
        }
    });
    portal
        .wait_for(&code, &STATES, Duration::from_secs(120))
        .await
        .unwrap();
    passing.abort();
    assert_eq!(portal.dossier(&code).unwrap().states(), STATES);
    assert_eq!(portal.violations(), Vec::<String>::new());
    let left = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&left);
    portal.misbehave(move |knobs| *seen.lock().unwrap() = knobs.on_xroad.len());
    assert_eq!(*left.lock().unwrap(), 0, "every wrong answer was given");
    // and so say the rules, from what the exchange has kept
    let context = rules(&house);
    for id in ["097-xroad-hash", "098-xroad-forged-answer"] {
        let rule = ALL.iter().find(|rule| rule.id == id).unwrap();
        assert_eq!(rule.run(&context).await, Verdict::Passed, "{id}");
    }
}

fn rules(house: &House) -> Context {
    let portal = house.layout.agency("portal");
    Context::open(portal.parent().unwrap(), None).unwrap()
}

/// The same rules that `lienthong conformance` tries, against this gateway over its sockets.
#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_the_road_is_kept() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let context = rules(&house);
    let of_the_road = |rule: &&&Rule| {
        // these two look at what the gateway calls; the hostile exchange has them
        let outwards = ["097", "098"].contains(&&rule.id[..3]);
        (rule.id.contains("-xroad-") || rule.id.contains("-soap-")) && !outwards
    };
    let mut tried = 0;
    for rule in ALL.iter().filter(of_the_road) {
        assert_eq!(rule.run(&context).await, Verdict::Passed, "{}", rule.id);
        tried += 1;
    }
    assert_eq!(tried, 30);
    assert_eq!(
        house.fingerprint().await,
        before,
        "the rules leave no trace"
    );
}
