//! Foreign tools speak it: xmlsec1, openssl and curl, without one line of ours in between.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway_tests::{
    client::Reply,
    house::House,
    message::{
        Birth, Json, Message, Tax, dossier,
        tax::{text_of, xml},
    },
    tool::{has, run},
};

/// What a foreign implementation would write: its own prefixes, line breaks, self-closing tags.
fn template(asked: &Tax) -> String {
    let signature = format!(
        r##"
<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
  <SignedInfo>
    <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
    <SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
    <Reference URI="#{}">
      <Transforms>
        <Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
        <Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
      </Transforms>
      <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
      <DigestValue/>
    </Reference>
  </SignedInfo>
  <SignatureValue/>
  <KeyInfo><X509Data/></KeyInfo>
</Signature>
</TaxMessage>"##,
        asked.root_id()
    );
    asked.canonical().replace("</TaxMessage>", &signature)
}

const ID_ATTRIBUTE: [&str; 4] = [
    "--id-attr:Id",
    "urn:vn:lienthong:tax:v1:TaxMessage",
    "--id-attr:Id",
    "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
];

fn xmlsec1(folder: &Path, arguments: &[&str], file: &str) -> Vec<u8> {
    let mut command = Command::new("xmlsec1");
    command
        .args(arguments)
        .args(ID_ATTRIBUTE)
        .arg(file)
        .current_dir(folder);
    run(&mut command, b"")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_xmlsec1_signed_is_accepted_and_xmlsec1_verifies_the_answer() {
    if !has("xmlsec1") {
        return;
    }
    let house = House::start().await;
    let folder = house.layout.agency("tax");
    let asked = house.verify(&["participants", "fund"]);
    fs::write(folder.join("template.xml"), template(&asked)).unwrap();
    let signed = xmlsec1(
        &folder,
        &["--sign", "--privkey-pem", "sign.key,sign.pem"],
        "template.xml",
    );
    let reply = house.wire("tax").send(&xml(signed)).await;
    assert_eq!(text_of(reply.assert_ok().text(), "Result"), Some("hasData"));
    assert_eq!(text_of(reply.text(), "InReplyTo"), Some(asked.id.as_str()));

    fs::write(folder.join("answer.xml"), &reply.body).unwrap();
    let verify = ["--verify", "--pubkey-cert-pem", "gateway-sign.pem"];
    let _ = xmlsec1(&folder, &verify, "answer.xml");
    let bent = reply
        .text()
        .replacen("<Result>hasData<", "<Result>noData<", 1);
    fs::write(folder.join("bent.xml"), bent).unwrap();
    let mut command = Command::new("xmlsec1");
    command
        .args(verify)
        .args(ID_ATTRIBUTE)
        .arg("bent.xml")
        .current_dir(&folder);
    assert!(
        !command.output().unwrap().status.success(),
        "xmlsec1 accepts anything"
    );
}

/// ECDSA as a DER sequence of two integers, as the fixed-width pair that JWS has.
fn fixed_width(der: &[u8]) -> Vec<u8> {
    assert_eq!(der[0], 0x30);
    let (r, rest) = integer(&der[2..]);
    let (s, rest) = integer(rest);
    assert!(rest.is_empty());
    [r, s].concat()
}

fn integer(der: &[u8]) -> (Vec<u8>, &[u8]) {
    assert_eq!(der[0], 0x02);
    let (number, rest) = der[2..].split_at(usize::from(der[1]));
    let number = number.strip_prefix(&[0]).unwrap_or(number);
    ([vec![0; 32 - number.len()], number.to_vec()].concat(), rest)
}

fn openssl_sign(key: &Path, input: &str) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-sign"]).arg(key);
    fixed_width(&run(&mut command, input.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jws_that_openssl_signed_is_accepted_and_openssl_verifies_the_answer() {
    if !has("openssl") {
        return;
    }
    let house = House::start().await;
    let folder = house.layout.agency("portal");
    let holder = &house.landmarks.card_holders[0];
    let asked = dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, &holder.name),
    );
    let protected = asked.protected();
    let signature = openssl_sign(&folder.join("sign.key"), &asked.input(&protected));
    let reply = house
        .wire("portal")
        .send(&asked.with_signature(&protected, &signature))
        .await;
    reply.assert_ok();

    let answer = reply.header("x-jws-signature");
    let (protected, signature) = answer.split_once("..").unwrap();
    let signature = der(&URL_SAFE_NO_PAD.decode(signature).unwrap());
    fs::write(folder.join("answer.sig"), signature).unwrap();
    let input = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(&reply.body));
    let public = run(
        Command::new("openssl")
            .args(["x509", "-pubkey", "-noout", "-in"])
            .arg(folder.join("gateway-sign.pem")),
        b"",
    );
    fs::write(folder.join("gateway.pub"), public).unwrap();
    let mut command = Command::new("openssl");
    command
        .args([
            "dgst",
            "-sha256",
            "-verify",
            "gateway.pub",
            "-signature",
            "answer.sig",
        ])
        .current_dir(&folder);
    assert!(String::from_utf8_lossy(&run(&mut command, input.as_bytes())).contains("Verified OK"));
}

fn der(pair: &[u8]) -> Vec<u8> {
    let one = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap();
        let mut number = number[start..].to_vec();
        if number[0] >= 0x80 {
            number.insert(0, 0);
        }
        [vec![2, u8::try_from(number.len()).unwrap()], number].concat()
    };
    let (r, s) = pair.split_at(32);
    let both = [one(r), one(s)].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

/// One exchange by curl with a partner's client certificate.
fn curl(house: &House, partner: &str, version: &str, message: &Message) -> Reply {
    let folder = house.layout.agency(partner);
    let path = |name: &str| folder.join(name).display().to_string();
    let (head, body): (PathBuf, PathBuf) = (folder.join("head.txt"), folder.join("body.bin"));
    fs::write(folder.join("sent.bin"), &message.body).unwrap();
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            version,
            "--cacert",
            &path("ca.pem"),
        ])
        .args(["--cert", &path("tls.pem"), "--key", &path("tls.key")])
        .args(["--data-binary", &format!("@{}", path("sent.bin"))])
        .args([
            "--header",
            &format!("Content-Type: {}", message.content_type),
        ])
        .arg("--dump-header")
        .arg(&head)
        .arg("--output")
        .arg(&body)
        .args([
            "--resolve",
            &format!("localhost:{}:127.0.0.1", house.address().port()),
        ]);
    if let Some(signature) = &message.signature {
        command.args(["--header", &format!("X-JWS-Signature: {signature}")]);
    }
    command.arg(format!(
        "https://localhost:{}{}",
        house.address().port(),
        message.path
    ));
    let _ = run(&mut command, b"");
    let head = fs::read_to_string(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap();
    let expected = if version == "--http2" {
        "HTTP/2 "
    } else {
        "HTTP/1.1 "
    };
    let status = line
        .strip_prefix(expected)
        .unwrap_or_else(|| panic!("{line}"))[..3]
        .parse()
        .unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| {
            (
                name.parse::<http::HeaderName>().unwrap(),
                value.trim().parse().unwrap(),
            )
        })
        .collect();
    Reply {
        status,
        headers,
        body: fs::read(body).unwrap().into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_runs_each_flow_over_both_versions_of_http() {
    if !has("curl") {
        return;
    }
    let versions = run(Command::new("curl").arg("--version"), b"");
    let http2 = String::from_utf8_lossy(&versions).contains("HTTP2");
    if !http2 {
        println!("not run over HTTP/2: this curl has none");
    }
    let house = House::start().await;
    for (number, version) in ["--http1.1", "--http2"]
        .into_iter()
        .enumerate()
        .take(1 + usize::from(http2))
    {
        let asked = house.verify(&["fund"]);
        let reply = curl(&house, "tax", version, &asked.sign(&house.key("tax")));
        house.assert_answers(&asked, reply.assert_ok());

        let birth = Birth::new(
            house.now(),
            &house.landmarks,
            u32::try_from(number).unwrap(),
        );
        let asked = birth.message(house.now());
        let reply = curl(&house, "dvclt", version, &asked.sign(&house.key("dvclt")));
        house.assert_answers_json(
            &asked,
            &format!("LTKS-{}", birth.case_id),
            reply.assert_ok(),
        );
        let poll = Json::poll(house.now(), &[&birth.case_id]);
        let reply = curl(&house, "dvclt", version, &poll.sign(&house.key("dvclt")));
        assert_eq!(reply.assert_ok().json()["value"][0]["trangThai"], 4);

        let holder = &house.landmarks.card_holders[number];
        let asked = dossier::message(
            house.now(),
            &dossier::members(house.now(), holder, &holder.name),
        );
        let reply = curl(&house, "portal", version, &asked.sign(&house.key("portal")));
        house.assert_answers_json(&asked, asked.text("jti"), reply.assert_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_http2_client_is_answered_too() {
    let house = House::start().await;
    let asked = house.verify(&["fund"]);
    let reply = house
        .wire("tax")
        .send_h2(&asked.sign(&house.key("tax")))
        .await;
    house.assert_answers(&asked, reply.assert_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_that_speaks_at_most_tls_1_2_is_not_heard() {
    if !has("curl") {
        return;
    }
    let house = House::start().await;
    let folder = house.layout.agency("tax");
    let path = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--tls-max",
            "1.2",
        ])
        .args([
            "--cacert",
            &path("ca.pem"),
            "--cert",
            &path("tls.pem"),
            "--key",
            &path("tls.key"),
        ])
        .arg(format!("https://localhost:{}/", house.address().port()));
    let output = command.output().unwrap();
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "TLS 1.2 was spoken"
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("alert protocol version"));
}

/// What sslscan finds, without what differs by run and by its own OpenSSL: addresses, versions, curves, the
/// certificate.
fn found_by_sslscan(address: std::net::SocketAddr) -> String {
    let mut command = Command::new("sslscan");
    command.args(["--no-colour", "--sni-name=localhost", &address.to_string()]);
    let said = String::from_utf8(run(&mut command, b"")).unwrap();
    let own = [
        "Version:",
        "OpenSSL ",
        "Connected to",
        "Testing SSL",
        "Rebuild with",
    ];
    let kept = said
        .split("Server Key Exchange Group(s):")
        .next()
        .unwrap()
        .lines()
        .map(|line| line.split(" Curve").next().unwrap().trim_end())
        .filter(|line| !line.is_empty() && !own.iter().any(|word| line.contains(word)));
    kept.map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sslscan_finds_tls_1_3_and_nothing_else_at_the_door() {
    if !has("sslscan") {
        return;
    }
    let house = House::start().await;
    let address = house.address();
    let found = tokio::task::spawn_blocking(move || found_by_sslscan(address))
        .await
        .unwrap();
    assert_eq!(found, include_str!("sslscan.txt"), "{found}");
}
