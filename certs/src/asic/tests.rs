//! What the signature over a container's files proves, to us and to `xmlsec1`.

use std::process::Command;

use super::*;
use crate::pki::{Authority, IssueParams, Issued, KeyChoice, Usage};

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_790_000_000).unwrap()
}

fn issued(key: KeyChoice) -> (Authority, Issued) {
    let authority = Authority::generate("test", now()).unwrap();
    let params = IssueParams {
        key,
        ..IssueParams::new("evidence", Usage::Signing, now())
    };
    let issued = authority.issue(&params).unwrap();
    (authority, issued)
}

fn parts() -> Vec<Part<'static>> {
    [
        ("request.xml", b"<a/>".as_slice()),
        ("journal/proof.json", b"{}"),
        ("journal/empty.bin", b""),
    ]
    .map(|(name, bytes)| Part { name, bytes })
    .to_vec()
}

fn signed(issued: &Issued) -> Vec<u8> {
    let key = SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
    sign(&parts(), &key, &issued.der, now()).unwrap()
}

#[test]
fn a_signature_is_of_its_files_in_their_order_and_of_no_others() {
    let (_, issued) = issued(KeyChoice::P256);
    let document = signed(&issued);
    let good = verify(&parts(), &document).unwrap();
    assert_eq!((good.certificate, good.at), (issued.der.clone(), now()));
    let refused = |change: fn(&mut Vec<Part<'static>>)| {
        let mut parts = parts();
        change(&mut parts);
        verify(&parts, &document).unwrap_err()
    };
    for change in [
        (|parts| parts[0].bytes = b"<b/>") as fn(&mut Vec<Part<'static>>),
        |parts| parts[0].name = "answer.xml",
        |parts| parts.swap(0, 1),
        |parts| parts.truncate(2),
        |parts| parts.push(parts[0]),
    ] {
        assert_eq!(refused(change), AsicError::OtherFiles);
    }
}

#[test]
fn every_changed_byte_of_the_document_is_refused() {
    let (_, issued) = issued(KeyChoice::P256);
    let document = signed(&issued);
    for at in 0..document.len() {
        let mut bent = document.clone();
        bent[at] ^= 1;
        assert!(verify(&parts(), &bent).is_err(), "{at}");
    }
    let longer = [document.as_slice(), b"\n"].concat();
    assert_eq!(verify(&parts(), &longer), Err(AsicError::OtherFiles));
    assert_eq!(verify(&parts(), b""), Err(AsicError::Form));
}

#[test]
fn every_kind_of_key_signs_and_no_other_key_has() {
    let (_, other) = issued(KeyChoice::P256);
    for choice in [KeyChoice::Ed25519, KeyChoice::P384, KeyChoice::Rsa2048] {
        let (_, issued) = issued(choice);
        let key = SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
        let document = sign(&parts(), &key, &issued.der, now()).unwrap();
        assert_eq!(verify(&parts(), &document).unwrap().certificate, issued.der);
        let under_another = sign(&parts(), &key, &other.der, now()).unwrap();
        assert!(verify(&parts(), &under_another).is_err());
    }
}

#[test]
fn xmlsec1_takes_the_signature_for_valid_and_a_changed_file_for_not() {
    if Command::new("xmlsec1").arg("--version").output().is_err() {
        println!("not run: there is no xmlsec1 command");
        return;
    }
    for key in [KeyChoice::P256, KeyChoice::Rsa2048] {
        let (authority, issued) = issued(key);
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir_all(at.join("META-INF")).unwrap();
        std::fs::create_dir_all(at.join("journal")).unwrap();
        for part in parts() {
            std::fs::write(at.join(part.name), part.bytes).unwrap();
        }
        let key = SigningKey::from_pem(
            issued.key_pem.as_bytes(),
            match key {
                KeyChoice::Rsa2048 => Some(Algorithm::Rs256),
                _ => None,
            },
        )
        .unwrap();
        let document = sign(&parts(), &key, &issued.der, now()).unwrap();
        std::fs::write(at.join(SIGNATURES), document).unwrap();
        std::fs::write(at.join("root.pem"), authority.root_pem()).unwrap();
        // xmlsec1 reads one certificate of a file
        let (_, issuing) = issued
            .chain_pem
            .split_once("-----END CERTIFICATE-----\n")
            .unwrap();
        std::fs::write(at.join("chain.pem"), issuing).unwrap();
        let verified = || {
            Command::new("xmlsec1")
                .args([
                    "--verify",
                    "--trusted-pem",
                    "root.pem",
                    "--untrusted-pem",
                    "chain.pem",
                ])
                .args(["--verification-gmt-time", "2026-09-21 14:13:21"])
                .args([
                    "--id-attr:Id",
                    "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
                ])
                .arg(SIGNATURES)
                .current_dir(at)
                .output()
                .unwrap()
        };
        let told = verified();
        let words = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(told.status.success(), "{words}");
        std::fs::write(at.join("request.xml"), "<b/>").unwrap();
        assert!(!verified().status.success());
    }
}

#[test]
fn the_manifest_that_is_stamped_names_the_files_digest_and_the_tokens_place() {
    let part = Part {
        name: "journal/checkpoint.txt",
        bytes: b"text",
    };
    let text = String::from_utf8(stamped_manifest(part, "META-INF/timestamp-7.tst")).unwrap();
    let digest = STANDARD.encode(sha256(b"text"));
    for words in [
        "META-INF/timestamp-7.tst",
        part.name,
        digest.as_str(),
        "text/plain",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(list(&["a.xml"]).starts_with(b"<manifest:manifest "));
}
