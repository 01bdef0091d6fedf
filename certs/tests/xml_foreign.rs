//! Canonicalisation and signatures held to foreign tools on generated documents: `xmllint`, `xmlsec1` and
//! the JDK. What is missing is said, and so is every algorithm that no tool here knows.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use bergshamra::c14n::{C14nMode, canonicalize};
use certs::keys::Algorithm;
use certs::pki::KeyChoice;
use certs::xmldsig::{
    Canonicalization, Profile, SigningCertificate, canonical_form, sign_xades, verify,
};

use super::support::{DOCUMENT, EVERY_ALGORITHM, ID, has, run, signer};

const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

/// A document for each number: Vietnamese and astral text, prefixes that are bound anew, undeclared
/// defaults, attributes out of order, entities and line ends of every kind.
struct Maker {
    state: u64,
    out: String,
    fresh: usize,
}

impl Maker {
    fn document(seed: u64) -> String {
        let mut maker = Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"),
            fresh: 0,
        };
        maker.element(0, &mut Vec::new());
        maker.out
    }

    fn pick(&mut self, below: usize) -> usize {
        // Knuth's MMIX generator; its high bits are the good ones
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % below
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.pick(words.len())]
    }

    fn element(&mut self, depth: usize, prefixes: &mut Vec<&'static str>) {
        let known = prefixes.len();
        let mut attributes = Vec::new();
        let mut here: Vec<&str> = Vec::new();
        for _ in 0..self.pick(4) {
            let prefix = self.one_of(&["a", "b", "n1", "ns-2", "é"]);
            if !here.contains(&prefix) {
                let uri = self.one_of(&[
                    "urn:a",
                    "urn:b",
                    "http://x.vn/?q=1&amp;r=%20",
                    "urn:%C4%90",
                    "urn:a",
                ]);
                attributes.push(format!("xmlns:{prefix}=\"{uri}\""));
                here.push(prefix);
                prefixes.push(prefix);
            }
        }
        match self.pick(5) {
            0 => attributes.push("xmlns=''".to_owned()),
            1 => attributes.push("xmlns=\"urn:default\"".to_owned()),
            2 => attributes.push("xmlns='urn:&#x64;x'".to_owned()),
            _ => {}
        }
        for _ in 0..self.pick(4) {
            self.attribute(prefixes, &mut attributes);
        }
        let start = self.pick(attributes.len().max(1));
        attributes.rotate_left(start);
        let local = self.one_of(&["Hồ-sơ", "B", "item", "z"]);
        let name = match prefixes.is_empty() || self.pick(2) == 0 {
            true => local.to_owned(),
            false => format!("{}:{local}", prefixes[self.pick(prefixes.len())]),
        };
        let gap = self.one_of(&[" ", "\n  ", "\t"]);
        let _ = write!(self.out, "<{name}");
        for attribute in &attributes {
            let _ = write!(self.out, "{gap}{attribute}");
        }
        if depth > 4 || self.pick(6) == 0 {
            self.out.push_str("/>");
        } else {
            self.out.push('>');
            for _ in 0..self.pick(5) {
                match self.pick(2) {
                    0 => self.text(),
                    _ => self.element(depth + 1, prefixes),
                }
            }
            let _ = write!(self.out, "</{name}\n>");
        }
        prefixes.truncate(known);
    }

    fn attribute(&mut self, prefixes: &[&str], attributes: &mut Vec<String>) {
        self.fresh += 1;
        let local = format!("{}{}", self.one_of(&["x", "A", "ă", "zz"]), self.fresh);
        let value = self.one_of(&[
            "&#9;&#10;&#13;",
            "a\tb\nc\r\nd",
            "&lt;&amp;&gt;&quot;&apos;>",
            "Nguyễn Thị Ánh",
            "𝒳 €",
            "",
            "  ",
        ]);
        let name = match self.pick(4) {
            0 if !attributes.iter().any(|one| one.starts_with("xml:lang")) => "xml:lang".to_owned(),
            1 if !prefixes.is_empty() => format!("{}:{local}", prefixes[self.pick(prefixes.len())]),
            _ => local,
        };
        let quote = if value.contains('"') { '\'' } else { '"' };
        attributes.push(format!("{name}={quote}{value}{quote}"));
    }

    fn text(&mut self) {
        let text = self.one_of(&[
            "Trần Văn Bình",
            "a\r\nb\rc",
            "&#13;&#xA;&#9;",
            "&lt;tag&gt; &amp;amp;",
            "]] &gt;",
            "e\u{301}\u{323}",
            "\n    ",
            "&#x1F600;𠮷",
            "'\"",
        ]);
        self.out.push_str(text);
    }
}

const FORMS: [(&str, &str, C14nMode); 2] = [
    ("--exc-c14n", EXC, C14nMode::Exclusive),
    ("--c14n", INCLUSIVE, C14nMode::Inclusive),
];

fn form(uri: &str) -> Canonicalization {
    match uri {
        EXC => Canonicalization::Exclusive(Vec::new()),
        _ => Canonicalization::Inclusive,
    }
}

fn ours(document: &str, uri: &str) -> Vec<u8> {
    canonical_form(document.as_bytes(), &form(uri), &Profile::default()).unwrap()
}

#[test]
fn our_canonical_form_is_the_librarys_on_two_thousand_generated_documents() {
    for seed in 0..1_000 {
        let document = Maker::document(seed);
        // the library leaves white space in attributes as it stands
        let plain = document.replace("a\tb\nc\r\nd", "a b c d");
        for (_, uri, mode) in FORMS {
            let theirs = canonicalize::<&str>(&plain, mode, None, &[]).unwrap();
            let (ours, theirs) = (ours(&document, uri), theirs);
            assert_eq!(ours, theirs, "{seed}: {document}");
        }
        for listed in [vec!["a"], vec!["#default", "b", "nobody"]] {
            let theirs = canonicalize(&plain, C14nMode::Exclusive, None, &listed).unwrap();
            let listed = listed.into_iter().map(str::to_owned).collect();
            let form = Canonicalization::Exclusive(listed);
            let ours = canonical_form(document.as_bytes(), &form, &Profile::default()).unwrap();
            assert_eq!(ours, theirs, "{seed}: {document}");
        }
    }
}

#[test]
fn our_canonical_form_is_that_of_xmllint() {
    if !has("xmllint") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (option, uri, _) in FORMS {
        let (mut names, mut expected) = (Vec::new(), Vec::new());
        for seed in 0..200 {
            // libxml2 writes an ampersand of a namespace URI as it is
            let document = Maker::document(seed).replace("q=1&amp;r", "q=1;r");
            let name = format!("{seed}.xml");
            fs::write(folder.path().join(&name), &document).unwrap();
            names.push(name);
            expected.extend(ours(&document, uri));
        }
        let written = run(Command::new("xmllint")
            .arg(option)
            .args(&names)
            .current_dir(folder.path()));
        let same = written
            .iter()
            .zip(&expected)
            .take_while(|(left, right)| left == right)
            .count();
        let near = |bytes: &[u8]| {
            let from = same.saturating_sub(60);
            String::from_utf8_lossy(&bytes[from..bytes.len().min(same + 40)]).into_owned()
        };
        assert!(
            written == expected,
            "{option}: {:?} and ours {:?}",
            near(&written),
            near(&expected)
        );
        println!(
            "xmllint {option}: 200 documents, {} bytes, the same",
            written.len()
        );
    }
}

/// Gives the JDK all tasks at once; one verdict a line.
fn jdk(folder: &Path, tasks: &[String]) -> Option<Vec<String>> {
    if !has("java") {
        return None;
    }
    fs::write(folder.join("Oracle.java"), include_str!("Oracle.java")).unwrap();
    let internal = "java.xml.crypto/com.sun.org.apache.xml.internal.security";
    let mut command = Command::new("java");
    for package in ["", ".c14n"] {
        command.args(["--add-exports", &format!("{internal}{package}=ALL-UNNAMED")]);
    }
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "Oracle.java"]);
    command
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(tasks.join("\n").as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    if !output.status.success() {
        // a runtime without a compiler cannot start a source file
        println!(
            "not run: {}",
            String::from_utf8_lossy(&output.stderr)
                .lines()
                .next()
                .unwrap_or("java")
        );
        return None;
    }
    Some(
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn the_jdk_canonicalises_as_we_do_and_each_verifies_what_the_other_signs() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    let mut tasks = Vec::new();
    for seed in 0..100 {
        put(&format!("{seed}.xml"), Maker::document(seed).as_bytes());
        for (at, (_, uri, _)) in FORMS.iter().enumerate() {
            tasks.push(format!("c14n {uri} {seed}.xml {seed}.{at}"));
        }
    }
    let canonicalised = tasks.len();
    put("ask.xml", ODD.as_bytes());
    let signers: Vec<_> = EVERY_ALGORITHM
        .map(|(kind, algorithm)| signer(kind, Some(algorithm)))
        .into();
    for signer in &signers {
        let name = signer.signing.algorithm().jws_name();
        let certificate = SigningCertificate::new(&signer.issued.der);
        let now = jiff::Timestamp::now();
        let signed =
            sign_xades(DOCUMENT.as_bytes(), ID, &signer.signing, &certificate, now).unwrap();
        put(&format!("{name}.xml"), &signed);
        put(&format!("{name}.der"), &signer.issued.der);
        let key =
            openssl::pkey::PKey::private_key_from_pem(signer.issued.key_pem.as_bytes()).unwrap();
        put(&format!("{name}.key"), &key.private_key_to_pkcs8().unwrap());
        let kind = match signer.signing.algorithm() {
            Algorithm::Es256 | Algorithm::Es384 => "EC",
            Algorithm::EdDsa => "Ed25519",
            _ => "RSA",
        };
        let uri = signer.signing.algorithm().xml_uri();
        tasks.push(format!("verify {name}.xml {name}.der"));
        tasks.push(format!(
            "sign {uri} ask.xml {name}.key {kind} {name}.theirs"
        ));
    }
    let Some(verdicts) = jdk(folder.path(), &tasks) else {
        return;
    };
    assert_eq!(verdicts.len(), tasks.len());
    for seed in 0..100 {
        for (at, (_, uri, _)) in FORMS.iter().enumerate() {
            assert_eq!(verdicts[seed * FORMS.len() + at], "ok");
            let theirs = fs::read(folder.path().join(format!("{seed}.{at}"))).unwrap();
            let document = Maker::document(seed as u64);
            assert!(ours(&document, uri) == theirs, "{uri}: {document}");
        }
    }
    for (signer, verdicts) in signers.iter().zip(verdicts[canonicalised..].chunks(2)) {
        let algorithm = signer.signing.algorithm();
        if verdicts
            .iter()
            .any(|verdict| verdict.contains("NoSuch") || verdict.contains("unsupported"))
        {
            println!("no oracle in this JDK: {algorithm}");
            assert_eq!(algorithm, Algorithm::EdDsa, "{verdicts:?}");
            continue;
        }
        assert_eq!(verdicts, ["ok", "ok"], "{algorithm}");
        let theirs = fs::read(folder.path().join(format!("{algorithm}.theirs"))).unwrap();
        let theirs = String::from_utf8(theirs)
            .unwrap()
            .replace(" standalone=\"no\"", "");
        let proven = verify(theirs.as_bytes(), &signer.verifying, &Profile::default()).unwrap();
        assert_eq!(proven.canonical(), ours(ODD, EXC), "{algorithm}");
        println!("JDK: {algorithm} both ways");
    }
}

/// A document that is far from its canonical form.
const ODD: &str = "<d:Đơn  xmlns:d='urn:d' xmlns='urn:x' xmlns:unused=\"urn:u\" b='2' a = \"1\"\n d:c='&#9;'>\
    Kiểm tra &#38; đối soát<x xmlns='' d:y='&lt;'/>\r\n<z xmlns:d=\"urn:other\"><d:w/></z></d:Đơn>";

#[test]
fn xmlsec1_and_we_verify_each_other_on_odd_documents_and_the_rest_is_named() {
    if !has("xmlsec1") {
        return;
    }
    let known = [
        (KeyChoice::P256, Algorithm::Es256),
        (KeyChoice::P384, Algorithm::Es384),
        (KeyChoice::Rsa2048, Algorithm::Rs256),
        (KeyChoice::Rsa2048, Algorithm::Rs384),
        (KeyChoice::Rsa2048, Algorithm::Rs512),
    ];
    let ids = [
        "urn:vn:lienthong:tax:v1:TaxMessage",
        "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
    ];
    for (kind, algorithm) in EVERY_ALGORITHM {
        if !known.contains(&(kind, algorithm)) {
            println!("no oracle in xmlsec1 1.2: {algorithm}");
            continue;
        }
        let signer = signer(kind, Some(algorithm));
        let folder = tempfile::tempdir().unwrap();
        let put =
            |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
        put("chain.pem", signer.issued.chain_pem.as_bytes());
        put("key.pem", signer.issued.key_pem.as_bytes());
        let certificate = SigningCertificate::new(&signer.issued.der);
        let now = jiff::Timestamp::now();
        let signed =
            sign_xades(DOCUMENT.as_bytes(), ID, &signer.signing, &certificate, now).unwrap();
        put("ours.xml", &signed);
        let xmlsec1 = |arguments: &[&str], file: &str| {
            let mut command = Command::new("xmlsec1");
            command.args(arguments);
            for id in ids {
                command.args(["--id-attr:Id", id]);
            }
            run(command.arg(file).current_dir(folder.path()))
        };
        xmlsec1(&["--verify", "--pubkey-cert-pem", "chain.pem"], "ours.xml");
        for seed in 0..4 {
            let document = Maker::document(seed);
            let unsigned = ours(&document, EXC);
            let Some(end) = document.rfind("</") else {
                continue;
            };
            let template = format!(
                "{}{}{}",
                &document[..end],
                template(algorithm),
                &document[end..]
            );
            put("template.xml", template.as_bytes());
            let theirs = xmlsec1(&["--sign", "--privkey-pem", "key.pem"], "template.xml");
            let proven = verify(&theirs, &signer.verifying, &Profile::default()).unwrap();
            assert!(
                proven.canonical() == unsigned,
                "{algorithm} {seed}: {document}"
            );
        }
        println!("xmlsec1: {algorithm} both ways");
    }
}

fn template(algorithm: Algorithm) -> String {
    let method = algorithm.xml_uri();
    format!(
        "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo>\
         <CanonicalizationMethod Algorithm=\"{EXC}\"/><SignatureMethod Algorithm=\"{method}\"/>\
         <Reference URI=\"\"><Transforms>\
         <Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <Transform Algorithm=\"{EXC}\"/></Transforms>\
         <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue/></Reference>\
         </SignedInfo><SignatureValue/></Signature>"
    )
}
