//! A generator of wrapping and tampering cases over messages that we have just signed ourselves.
//!
//! Shapes: XSW 1–9 (USENIX Security 2012, in the numbering of SAMLRaider), CVE-2024-45409, CVE-2025-29774,
//! CVE-2025-29775, CVE-2017-11427. As a control the same cases go through the `xmlsec1` command, which
//! proves "there is a good signature somewhere": how many it calls valid says how much the cases bite.
//! `LIENTHONG_WRAPPING_ALL=1` gives every case to it instead of a sample.

use std::collections::{BTreeMap, HashSet};
use std::process::Command;

use certs::pki::KeyChoice;
use certs::xmldsig::{Profile, SigningCertificate, sign_enveloped, sign_xades, verify};

use super::support::{PARTNER, has, signer};

const NAMESPACE: &str = "urn:vn:lienthong:tax:v1";
const EVIL: &str = "9900000999";
const CONTROL_SAMPLE: usize = 160;

/// A signed message, and its pieces.
struct Base {
    name: String,
    id: String,
    text: String,
    /// The message before it was signed.
    original: String,
    signature: String,
    has_object: bool,
}

/// One document, and why it must be refused.
struct Case {
    name: String,
    document: String,
    expected: &'static str,
}

/// The message types, each with a body of its own.
fn messages() -> Vec<(&'static str, String)> {
    let types = [
        (
            "request",
            "request",
            "",
            "<VerifyEmployer><Mst>9900000016</Mst><Purpose>Kiểm tra</Purpose></VerifyEmployer>",
        ),
        ("ping", "request", "", "<Ping><Nonce>n-1</Nonce></Ping>"),
        (
            "answer",
            "answer",
            "<InReplyTo>m-0009.test</InReplyTo><RequestDigest>00ff</RequestDigest>",
            "<VerifyEmployerResult><Result>hasData</Result><Mst>9900000016</Mst></VerifyEmployerResult>",
        ),
        (
            "fault",
            "answer",
            "<InReplyTo>m-0009.test</InReplyTo><RequestDigest>00ff</RequestDigest>",
            "<Fault><Code>FORBIDDEN</Code><TextVi>Không được phép</TextVi></Fault>",
        ),
    ];
    let message = |(name, direction, reply, body): (&'static str, &str, &str, &str)| {
        let text = format!(
            "<TaxMessage xmlns=\"{NAMESPACE}\" Id=\"m-{name}.test\"><Header><MessageId>{name}.test</MessageId>\
             <Direction>{direction}</Direction><Sender>tax</Sender>{reply}</Header>{body}</TaxMessage>"
        );
        (name, text)
    };
    types.into_iter().map(message).collect()
}

fn bases() -> Vec<Base> {
    let certificate = SigningCertificate::new(&PARTNER.issued.der);
    let mut bases = Vec::new();
    for (name, original) in messages() {
        let id = format!("m-{name}.test");
        let plain = sign_enveloped(original.as_bytes(), &id, &PARTNER.signing, None).unwrap();
        let now = jiff::Timestamp::now();
        let xades = sign_xades(
            original.as_bytes(),
            &id,
            &PARTNER.signing,
            &certificate,
            now,
        );
        for (form, signed) in [("plain", plain), ("xades", xades.unwrap())] {
            let text = String::from_utf8(signed).unwrap();
            let from = text.find("<ds:Signature ").unwrap();
            let signature = text[from..]
                .strip_suffix("</TaxMessage>")
                .unwrap()
                .to_owned();
            bases.push(Base {
                name: format!("{name}/{form}"),
                id: id.clone(),
                original: original.clone(),
                signature,
                text,
                has_object: form == "xades",
            });
        }
    }
    bases
}

/// What stands in the evil root's start tag, and whether it makes an identifier stand twice.
fn id_tricks(id: &str) -> Vec<(&'static str, String, bool)> {
    vec![
        ("same", format!(" Id=\"{id}\""), true),
        ("other spelling ID", format!(" ID=\"{id}\""), true),
        ("other spelling id", format!(" id=\"{id}\""), true),
        ("xml:id", format!(" xml:id=\"{id}\""), true),
        ("AssertionID", format!(" AssertionID=\"{id}\""), true),
        ("empty", " Id=\"\"".to_owned(), true),
        (
            "by character reference",
            format!(" Id=\"&#109;{}\"", &id[1..]),
            true,
        ),
        ("another", " Id=\"evil\"".to_owned(), false),
        ("longer", format!(" Id=\"{id}x\""), false),
        ("none", String::new(), false),
        ("quoted", format!(" Id=\"&quot;{id}&quot;\""), false),
    ]
}

/// The nine shapes: what hangs in the evil message beside its own body, whether that comes with the
/// signature, and where the signature stands.
#[derive(Clone, Copy)]
enum Shape {
    /// XSW 1, 3: the signed original, its signature in it.
    SignedOriginal,
    /// XSW 2, 4: the original; the signature last in the evil root.
    OriginalThenSignature,
    /// The original as the last, behind the signature.
    SignatureThenOriginal,
    /// XSW 5: the signature where the original hangs, both apart.
    SignatureBesideOriginal,
    /// XSW 6: the original in the signature's KeyInfo.
    InKeyInfo,
    /// XSW 7: in an extension element.
    InExtensions,
    /// XSW 8: in ds:Object.
    InObject,
    /// XSW 9: deep in ds:Object.
    DeepInObject,
    /// The whole evil message inside a wrapper beside the signed one.
    Sibling,
}

const SHAPES: [(&str, Shape); 9] = [
    ("xsw1", Shape::SignedOriginal),
    ("xsw2", Shape::OriginalThenSignature),
    ("xsw3", Shape::Sibling),
    ("xsw4", Shape::SignatureThenOriginal),
    ("xsw5", Shape::SignatureBesideOriginal),
    ("xsw6", Shape::InKeyInfo),
    ("xsw7", Shape::InExtensions),
    ("xsw8", Shape::InObject),
    ("xsw9", Shape::DeepInObject),
];

/// Where something is hung into the evil message: before the first of these texts.
const POSITIONS: [&str; 5] = ["<Header>", "<MessageId>", "</Header>", "<Body>", "</Body>"];

impl Base {
    /// The evil message with one thing before `position` and another at its end.
    fn evil(&self, attribute: &str, position: &str, hung: &str, last: &str) -> String {
        let body = format!("<Body><Mst>{EVIL}</Mst></Body>");
        let header = "<Header><MessageId>evil-message</MessageId><Sender>tax</Sender></Header>";
        let inner = format!("{header}{body}").replacen(position, &format!("{hung}{position}"), 1);
        format!("<TaxMessage xmlns=\"{NAMESPACE}\"{attribute}>{inner}{last}</TaxMessage>")
    }

    fn in_signature(&self, before: &str, what: &str) -> String {
        self.signature
            .replacen(before, &format!("{what}{before}"), 1)
    }

    fn wrapped(&self, shape: Shape, attribute: &str, position: &str) -> (String, &'static str) {
        let (original, signature) = (&self.original, &self.signature);
        let end = "</ds:Signature>";
        let object = |content: &str| format!("<ds:Object>{content}</ds:Object>");
        let several = match self.has_object {
            true => "object-refused",
            false => "reference-not-root",
        };
        match shape {
            Shape::SignedOriginal => (
                self.evil(attribute, position, &self.text, ""),
                "signature-position",
            ),
            Shape::Sibling => (
                format!(
                    "<W>{}{}</W>",
                    self.evil(attribute, position, "", ""),
                    self.text
                ),
                "signature-position",
            ),
            Shape::OriginalThenSignature => (
                self.evil(attribute, position, original, signature),
                "reference-not-root",
            ),
            Shape::SignatureThenOriginal => (
                self.evil(attribute, position, signature, original),
                "signature-position",
            ),
            Shape::SignatureBesideOriginal => (
                self.evil(attribute, position, &format!("{signature}{original}"), ""),
                "signature-position",
            ),
            Shape::InKeyInfo if self.has_object => (
                self.evil(
                    attribute,
                    position,
                    "",
                    &self.in_signature("</ds:KeyInfo>", original),
                ),
                "reference-not-root",
            ),
            Shape::InKeyInfo => {
                let key_info = format!("<ds:KeyInfo>{original}</ds:KeyInfo>");
                let signature = self.in_signature(end, &key_info);
                (
                    self.evil(attribute, position, "", &signature),
                    "reference-not-root",
                )
            }
            Shape::InExtensions => {
                let extensions = format!("<Extensions>{original}</Extensions>");
                (
                    self.evil(attribute, position, &extensions, signature),
                    "reference-not-root",
                )
            }
            Shape::InObject => {
                let signature = self.in_signature(end, &object(original));
                (self.evil(attribute, position, "", &signature), several)
            }
            Shape::DeepInObject => {
                let deep = object(&format!("<a><b><c>{original}</c></b></a>"));
                let signature = self.in_signature(end, &deep);
                (self.evil(attribute, position, "", &signature), several)
            }
        }
    }

    fn wrappings(&self, cases: &mut Vec<Case>) {
        for (shape_name, shape) in SHAPES {
            for position in POSITIONS {
                for (trick, attribute, stands_twice) in id_tricks(&self.id) {
                    let (document, otherwise) = self.wrapped(shape, &attribute, position);
                    cases.push(Case {
                        name: format!("{}: {shape_name} before {position}, id {trick}", self.name),
                        document,
                        expected: if stands_twice {
                            "duplicate-id"
                        } else {
                            otherwise
                        },
                    });
                }
            }
        }
    }

    fn case(&self, cases: &mut Vec<Case>, name: &str, document: String, expected: &'static str) {
        assert_ne!(document, self.text, "{name}: nothing was changed");
        cases.push(Case {
            name: format!("{}: {name}", self.name),
            document,
            expected,
        });
    }

    /// Comments, instructions, CDATA and plain changes in every text.
    fn tamperings(&self, cases: &mut Vec<Case>) {
        let ends: Vec<usize> = self.text.match_indices("</").map(|(at, _)| at).collect();
        for at in ends
            .into_iter()
            .filter(|at| self.text.as_bytes()[at - 1] != b'>')
        {
            let (before, after) = self.text.split_at(at);
            for (what, expected) in [
                ("<!-- x -->", "comment-refused"),
                ("<!---->", "comment-refused"),
                ("<?x y?>", "instruction-refused"),
                ("<![CDATA[]]>", "cdata-refused"),
            ] {
                let last = before.char_indices().last().unwrap().0;
                let (before, last) = before.split_at(last);
                let document = format!("{before}{what}{last}{after}");
                self.case(cases, &format!("{what} at {at}"), document, expected);
            }
            if at < before_signature(&self.text) {
                let document = format!("{before}x{after}");
                self.case(
                    cases,
                    &format!("text changed at {at}"),
                    document,
                    "digest-mismatch",
                );
            }
        }
    }

    fn with(&self, from: &str, to: &str) -> String {
        assert!(self.text.contains(from), "{from}");
        self.text.replacen(from, to, 1)
    }

    /// Two SignedInfo, swapped algorithms, swapped keys, signatures taken off and put twice.
    fn forgeries(&self, cases: &mut Vec<Case>) {
        let (open, close) = ("<ds:SignedInfo>", "</ds:SignedInfo>");
        let from = self.text.find(open).unwrap();
        let info = &self.text[from..self.text.find(close).unwrap() + close.len()];
        let evil_info = info.replacen(&format!("#{}", self.id), "#evil", 1);
        for (name, document) in [
            ("before", self.with(info, &format!("{evil_info}{info}"))),
            ("behind", self.with(info, &format!("{info}{evil_info}"))),
            (
                "at the end",
                self.with(
                    "</ds:SignatureValue>",
                    &format!("</ds:SignatureValue>{evil_info}"),
                ),
            ),
            ("the same", self.with(info, &format!("{info}{info}"))),
        ] {
            // with XAdES properties the reference has an id of its own, which then stands twice
            let expected = match self.has_object {
                true => "duplicate-id",
                false => "several-signed-info",
            };
            self.case(
                cases,
                &format!("two SignedInfo, {name}"),
                document,
                expected,
            );
        }
        let unsigned = self.original.clone();
        self.case(cases, "signature taken off", unsigned, "no-signature");
        let twice = format!("{0}{0}", self.signature);
        let expected = match self.has_object {
            true => "duplicate-id",
            false => "several-signatures",
        };
        self.case(
            cases,
            "signature twice",
            self.with(&self.signature, &twice),
            expected,
        );
        self.swapped_algorithms(cases);
        self.swapped_keys(cases);
    }

    fn swapped_algorithms(&self, cases: &mut Vec<Case>) {
        let signature = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
        let digest = "http://www.w3.org/2001/04/xmlenc#sha256";
        let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
        for (from, to, expected) in [
            (
                signature,
                "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "algorithm-mismatch",
            ),
            (
                signature,
                "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
                "algorithm-mismatch",
            ),
            (
                signature,
                "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
                "algorithm-mismatch",
            ),
            (
                signature,
                "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
                "algorithm-mismatch",
            ),
            (
                signature,
                "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
                "hmac-refused",
            ),
            (
                signature,
                "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
                "hmac-refused",
            ),
            (
                signature,
                "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                "sha1-refused",
            ),
            (
                signature,
                "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
                "sha1-refused",
            ),
            (
                signature,
                "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
                "algorithm-refused",
            ),
            (
                signature,
                "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
                "algorithm-refused",
            ),
            (
                digest,
                "http://www.w3.org/2000/09/xmldsig#sha1",
                "sha1-refused",
            ),
            (
                digest,
                "http://www.w3.org/2001/04/xmldsig-more#md5",
                "digest-algorithm-refused",
            ),
            (
                digest,
                "http://www.w3.org/2001/04/xmlenc#sha512",
                "bad-value",
            ),
            (
                exclusive,
                "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
                "canonicalization-refused",
            ),
            (
                exclusive,
                "http://www.w3.org/2006/12/xml-c14n11",
                "canonicalization-refused",
            ),
            (exclusive, "urn:mine", "canonicalization-refused"),
        ] {
            let document = self.with(&format!("\"{from}\""), &format!("\"{to}\""));
            self.case(cases, &format!("{from} for {to}"), document, expected);
        }
    }

    fn swapped_keys(&self, cases: &mut Vec<Case>) {
        let thief = signer(KeyChoice::P256, None);
        let evil = self
            .original
            .replacen("<Sender>tax</Sender>", "<Sender>vss</Sender>", 1);
        let signed = |certificate| {
            let signed = sign_enveloped(evil.as_bytes(), &self.id, &thief.signing, certificate);
            String::from_utf8(signed.unwrap()).unwrap()
        };
        for (name, certificate, expected) in [
            ("no certificate", None, "signature-mismatch"),
            (
                "their certificate",
                Some(&thief.issued.der),
                "key-info-mismatch",
            ),
            (
                "our certificate",
                Some(&PARTNER.issued.der),
                "signature-mismatch",
            ),
        ] {
            let document = signed(certificate.map(Vec::as_slice));
            self.case(cases, &format!("another key, {name}"), document, expected);
        }
        let theirs = SigningCertificate::new(&thief.issued.der);
        let now = jiff::Timestamp::now();
        let signed = sign_xades(evil.as_bytes(), &self.id, &thief.signing, &theirs, now).unwrap();
        let document = String::from_utf8(signed).unwrap();
        self.case(cases, "another key, XAdES", document, "key-info-mismatch");
        let ours = SigningCertificate::new(&PARTNER.issued.der);
        let signed = sign_xades(evil.as_bytes(), &self.id, &thief.signing, &ours, now).unwrap();
        let document = String::from_utf8(signed).unwrap();
        self.case(
            cases,
            "another key, XAdES of ours",
            document,
            "signature-mismatch",
        );
    }
}

fn before_signature(text: &str) -> usize {
    text.find("<ds:Signature ").unwrap()
}

#[test]
fn no_generated_wrapping_or_tampering_is_accepted_and_each_is_refused_for_its_reason() {
    let bases = bases();
    let profile = Profile::default();
    let mut cases = Vec::new();
    for base in &bases {
        let proven = verify(base.text.as_bytes(), &PARTNER.verifying, &profile).unwrap();
        assert_eq!(
            proven.canonical(),
            base.original.as_bytes(),
            "{}",
            base.name
        );
        base.wrappings(&mut cases);
        base.tamperings(&mut cases);
        base.forgeries(&mut cases);
    }
    let mut seen = HashSet::new();
    cases.retain(|case| seen.insert(case.document.clone()));
    assert!(cases.len() >= 2_000, "{} cases", cases.len());
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        let verdict = verify(case.document.as_bytes(), &PARTNER.verifying, &profile);
        let reason = verdict.map_or_else(|refused| refused.reason(), |_| "accepted");
        assert_eq!(reason, case.expected, "{}: {}", case.name, case.document);
        *by_reason.entry(reason).or_default() += 1;
    }
    println!("{} cases refused: {by_reason:?}", cases.len());
    control(&cases);
}

/// How many of the same cases the foreign tool calls valid: it looks for a good signature, not for ours.
fn control(cases: &[Case]) {
    if !has("xmlsec1") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("chain.pem"),
        PARTNER.issued.chain_pem.as_bytes(),
    )
    .unwrap();
    let every = match std::env::var_os("LIENTHONG_WRAPPING_ALL") {
        Some(_) => 1,
        None => cases.len().div_ceil(CONTROL_SAMPLE),
    };
    let mut valid = Vec::new();
    let sample: Vec<_> = cases.iter().step_by(every).collect();
    for case in &sample {
        std::fs::write(folder.path().join("case.xml"), &case.document).unwrap();
        let mut command = Command::new("xmlsec1");
        command.args(["--verify", "--pubkey-cert-pem", "chain.pem"]);
        command.args(["--id-attr:Id", &format!("{NAMESPACE}:TaxMessage")]);
        command.args([
            "--id-attr:Id",
            "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
        ]);
        command.arg("case.xml").current_dir(folder.path());
        if command.output().unwrap().status.success() {
            valid.push(&case.name);
        }
    }
    println!(
        "control: xmlsec1 calls {} of {} cases valid, of which we accept none",
        valid.len(),
        sample.len()
    );
    assert!(!valid.is_empty(), "the cases do not bite");
}
