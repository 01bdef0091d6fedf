//! Foreign tools: the xmlsec1 and openssl commands, and the jsonwebtoken library, both ways.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::jws::{self, Direction, Header};
use certs::keys::{Algorithm, SigningKey};
use certs::pki::KeyChoice;
use certs::tls::Identity;
use certs::xmldsig::{Profile, sign_enveloped, verify};
use tempfile::TempDir;

use super::support::{DOCUMENT, ID, Signer, has, run, signer};

/// A folder with the signer's key and certificate.
struct Desk {
    folder: TempDir,
    signer: Signer,
}

impl Desk {
    fn new(kind: KeyChoice, algorithm: Algorithm) -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            signer: signer(kind, Some(algorithm)),
        };
        desk.put("key.pem", desk.signer.issued.key_pem.as_bytes());
        desk.put("chain.pem", desk.signer.issued.chain_pem.as_bytes());
        desk
    }

    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        run(Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path()))
    }
}

const XML: [(KeyChoice, Algorithm); 2] = [
    (KeyChoice::P256, Algorithm::Es256),
    (KeyChoice::Rsa2048, Algorithm::Rs256),
];

const ID_ATTRIBUTE: [&str; 2] = ["--id-attr:Id", "urn:vn:lienthong:tax:v1:TaxMessage"];

#[test]
fn xmlsec1_verifies_what_we_sign() {
    if !has("xmlsec1") {
        return;
    }
    for (kind, algorithm) in XML {
        let desk = Desk::new(kind, algorithm);
        let certificate = Some(desk.signer.issued.der.as_slice());
        let signed =
            sign_enveloped(DOCUMENT.as_bytes(), ID, &desk.signer.signing, certificate).unwrap();
        desk.put("signed.xml", &signed);
        let arguments = ["--verify", "--pubkey-cert-pem", "chain.pem"];
        desk.command(
            "xmlsec1",
            &[&arguments[..], &ID_ATTRIBUTE, &["signed.xml"]].concat(),
        );
    }
}

#[test]
fn we_verify_what_xmlsec1_signs() {
    if !has("xmlsec1") {
        return;
    }
    for (kind, algorithm) in XML {
        for uri in [String::new(), format!("#{ID}")] {
            let desk = Desk::new(kind, algorithm);
            desk.put("template.xml", template(algorithm, &uri).as_bytes());
            let arguments = ["--sign", "--privkey-pem", "key.pem,chain.pem"];
            let arguments = [&arguments[..], &ID_ATTRIBUTE, &["template.xml"]].concat();
            let signed = desk.command("xmlsec1", &arguments);
            let proven = verify(&signed, &desk.signer.verifying, &Profile::default()).unwrap();
            let canonical = String::from_utf8(proven.into_canonical()).unwrap();
            assert!(canonical.contains("<Purpose>Kiểm tra &amp; đối soát</Purpose>"));
            assert!(!canonical.contains("Signature"));
        }
    }
}

/// The vectors bite: a verifier that looks for "a good signature somewhere" accepts them, we do not.
#[test]
fn wrapping_that_xmlsec1_calls_ok_is_refused_by_us() {
    if !has("xmlsec1") {
        return;
    }
    let desk = Desk::new(KeyChoice::P256, Algorithm::Es256);
    let signed = sign_enveloped(DOCUMENT.as_bytes(), ID, &desk.signer.signing, None).unwrap();
    let signed = String::from_utf8(signed).unwrap();
    let from = signed.find("<ds:Signature ").unwrap();
    let signature = signed[from..].strip_suffix("</TaxMessage>").unwrap();
    let original = signed.replace(signature, "");
    let evil = |content: &str| {
        format!(
            "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"evil\"><VerifyEmployer>\
             </VerifyEmployer>{content}</TaxMessage>"
        )
    };
    let shapes = [
        evil(&signed),
        evil(&format!("{original}{signature}")),
        evil(&format!("{signature}{original}")),
        evil(&format!("<Extensions>{original}</Extensions>{signature}")),
        format!("<Wrapper>{}{signed}</Wrapper>", evil("")),
    ];
    for shape in shapes {
        desk.put("shape.xml", shape.as_bytes());
        let arguments = ["--verify", "--pubkey-cert-pem", "chain.pem"];
        desk.command(
            "xmlsec1",
            &[&arguments[..], &ID_ATTRIBUTE, &["shape.xml"]].concat(),
        );
        let refused = verify(
            shape.as_bytes(),
            &desk.signer.verifying,
            &Profile::default(),
        )
        .unwrap_err();
        assert!(
            matches!(
                refused.reason(),
                "signature-position" | "reference-not-root"
            ),
            "{refused}: {shape}"
        );
    }
}

/// What a foreign implementation would write: another prefix, line breaks, self-closing tags.
fn template(algorithm: Algorithm, uri: &str) -> String {
    let method = algorithm.xml_uri();
    let signature = format!(
        r##"
<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
  <SignedInfo>
    <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
    <SignatureMethod Algorithm="{method}"/>
    <Reference URI="{uri}">
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
</TaxMessage>"##
    );
    DOCUMENT.replace("</TaxMessage>", &signature)
}

fn header(alg: Algorithm) -> Header {
    Header {
        alg,
        kid: "portal-1".into(),
        iss: "portal".into(),
        aud: "vss".into(),
        jti: "m-0123456789".into(),
        iat: 1_790_000_000,
        env: "sandbox".into(),
        dir: Direction::Request,
        op: "portal.submit-dossier".into(),
        irt: None,
        dig: None,
    }
}

const JWS: [(KeyChoice, Algorithm); 6] = [
    (KeyChoice::P256, Algorithm::Es256),
    (KeyChoice::Rsa2048, Algorithm::Ps256),
    (KeyChoice::Rsa2048, Algorithm::Rs256),
    (KeyChoice::Ed25519, Algorithm::EdDsa),
    (KeyChoice::P384, Algorithm::Es384),
    (KeyChoice::Rsa2048, Algorithm::Ps384),
];

const PAYLOAD: &[u8] = "{\"hoTen\":\"Nguyễn Văn Mẫu\"}".as_bytes();

/// The protected part and the bytes that are signed under it.
fn signing_input(signer: &Signer, alg: Algorithm) -> (String, Vec<u8>) {
    let ours = jws::sign(&header(alg), &signer.signing, PAYLOAD).unwrap();
    let protected = ours.split('.').next().unwrap().to_owned();
    let input = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(PAYLOAD));
    (protected, input.into_bytes())
}

fn prove(signer: &Signer, alg: Algorithm, protected: &str, signature: &[u8]) {
    let detached = format!("{protected}..{}", URL_SAFE_NO_PAD.encode(signature));
    let proof = jws::parse(&detached)
        .unwrap()
        .verify(&signer.verifying, alg, PAYLOAD)
        .unwrap();
    assert_eq!(*proof.header(), header(alg));
}

const PSS: [&str; 4] = [
    "-sigopt",
    "rsa_padding_mode:pss",
    "-sigopt",
    "rsa_pss_saltlen:digest",
];

#[test]
fn we_verify_a_jws_made_with_the_openssl_command() {
    if !has("openssl") {
        return;
    }
    for (kind, alg) in JWS {
        let desk = Desk::new(kind, alg);
        let (protected, input) = signing_input(&desk.signer, alg);
        desk.put("input", &input);
        let dgst = ["dgst", hash(alg), "-sign", "key.pem"];
        let signature = match alg {
            Algorithm::EdDsa => desk.command(
                "openssl",
                &[
                    "pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in", "input",
                ],
            ),
            Algorithm::Ps256 | Algorithm::Ps384 => {
                desk.command("openssl", &[&dgst[..], &PSS, &["input"]].concat())
            }
            _ => desk.command("openssl", &[&dgst[..], &["input"]].concat()),
        };
        let signature = match alg {
            Algorithm::Es256 => fixed(&signature, 32),
            Algorithm::Es384 => fixed(&signature, 48),
            _ => signature,
        };
        prove(&desk.signer, alg, &protected, &signature);
    }
}

/// The hash of an algorithm as the openssl command names it.
fn hash(alg: Algorithm) -> &'static str {
    match alg {
        Algorithm::Es384 | Algorithm::Ps384 => "-sha384",
        _ => "-sha256",
    }
}

/// ECDSA from DER, as openssl writes it, to r||s.
fn fixed(der: &[u8], width: i32) -> Vec<u8> {
    let signature = openssl::ecdsa::EcdsaSig::from_der(der).unwrap();
    let number = |number: &openssl::bn::BigNumRef| number.to_vec_padded(width).unwrap();
    [number(signature.r()), number(signature.s())].concat()
}

#[test]
fn the_openssl_command_verifies_our_rsa_jws() {
    if !has("openssl") {
        return;
    }
    for (kind, alg) in JWS.iter().filter(|(kind, _)| *kind == KeyChoice::Rsa2048) {
        let desk = Desk::new(*kind, *alg);
        let ours = jws::sign(&header(*alg), &desk.signer.signing, PAYLOAD).unwrap();
        let (_, input) = signing_input(&desk.signer, *alg);
        let signature = URL_SAFE_NO_PAD
            .decode(ours.split('.').nth(2).unwrap())
            .unwrap();
        desk.put("input", &input);
        desk.put("signature", &signature);
        let public = desk.command(
            "openssl",
            &["x509", "-in", "chain.pem", "-pubkey", "-noout"],
        );
        desk.put("public.pem", &public);
        let dgst = [
            "dgst",
            hash(*alg),
            "-verify",
            "public.pem",
            "-signature",
            "signature",
        ];
        let options: &[&str] = if *alg == Algorithm::Rs256 { &[] } else { &PSS };
        desk.command("openssl", &[&dgst[..], options, &["input"]].concat());
    }
}

#[test]
fn jsonwebtoken_and_we_verify_each_other() {
    use jsonwebtoken::{Algorithm as Theirs, DecodingKey, EncodingKey, crypto};
    for (kind, alg) in JWS {
        let signer = signer(kind, Some(alg));
        let pem = signer.issued.key_pem.as_bytes();
        let public = openssl::pkey::PKey::public_key_from_der(signer.verifying.spki())
            .and_then(|key| key.public_key_to_pem())
            .unwrap();
        let (theirs, encoding, decoding) = match alg {
            Algorithm::Es256 => (
                Theirs::ES256,
                EncodingKey::from_ec_pem(pem),
                DecodingKey::from_ec_pem(&public),
            ),
            Algorithm::Es384 => (
                Theirs::ES384,
                EncodingKey::from_ec_pem(pem),
                DecodingKey::from_ec_pem(&public),
            ),
            Algorithm::Ps384 => (
                Theirs::PS384,
                EncodingKey::from_rsa_pem(pem),
                DecodingKey::from_rsa_pem(&public),
            ),
            Algorithm::EdDsa => (
                Theirs::EdDSA,
                EncodingKey::from_ed_pem(pem),
                DecodingKey::from_ed_pem(&public),
            ),
            Algorithm::Ps256 => (
                Theirs::PS256,
                EncodingKey::from_rsa_pem(pem),
                DecodingKey::from_rsa_pem(&public),
            ),
            _ => (
                Theirs::RS256,
                EncodingKey::from_rsa_pem(pem),
                DecodingKey::from_rsa_pem(&public),
            ),
        };
        let (protected, input) = signing_input(&signer, alg);
        let signature = crypto::sign(&input, &encoding.unwrap(), theirs).unwrap();
        prove(
            &signer,
            alg,
            &protected,
            &URL_SAFE_NO_PAD.decode(signature).unwrap(),
        );
        let ours = jws::sign(&header(alg), &signer.signing, PAYLOAD).unwrap();
        let signature = ours.split('.').nth(2).unwrap();
        assert!(crypto::verify(signature, &input, &decoding.unwrap(), theirs).unwrap());
    }
}

#[test]
fn keys_and_chains_come_out_of_pkcs12_and_sec1_files_made_by_openssl() {
    if !has("openssl") {
        return;
    }
    let desk = Desk::new(KeyChoice::P256, Algorithm::Es256);
    let export = "pkcs12 -export -inkey key.pem -in chain.pem -passout pass:mật -out key.p12";
    desk.command("openssl", &export.split(' ').collect::<Vec<_>>());
    let file = fs::read(desk.folder.path().join("key.p12")).unwrap();
    let key = SigningKey::from_pkcs12(&file, "mật", None).unwrap();
    assert_eq!(key.public_spki(), desk.signer.signing.public_spki());
    let wrong = SigningKey::from_pkcs12(&file, "sai", None).unwrap_err();
    assert_eq!(wrong.reason(), "bad-pkcs12");
    let identity = Identity::from_pkcs12(&file, "mật").unwrap();
    assert_eq!(identity.chain_der().count(), 2);
    assert_eq!(identity.chain_der().next().unwrap(), desk.signer.issued.der);
    let sec1 = desk.command("openssl", &["ec", "-in", "key.pem"]);
    assert!(String::from_utf8_lossy(&sec1).contains("EC PRIVATE KEY"));
    let key = SigningKey::from_pem(&sec1, None).unwrap();
    assert_eq!(key.public_spki(), desk.signer.signing.public_spki());
}
