//! XAdES-B on what we sign: when and with which certificate, checked when it is there.

use certs::keys::VerifyingKey;
use certs::pki::{IssueParams, Usage};
use certs::xmldsig::{Profile, SigningCertificate, sign_xades, verify};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::support::{AUTHORITY, DOCUMENT, EVERY_ALGORITHM, ID, PARTNER, Signer, signer};

fn signed_at(signer: &Signer, at: Timestamp) -> String {
    let certificate = SigningCertificate::new(&signer.issued.der);
    let signed = sign_xades(DOCUMENT.as_bytes(), ID, &signer.signing, &certificate, at);
    String::from_utf8(signed.unwrap()).unwrap()
}

fn reason(document: &str, key: &VerifyingKey) -> &'static str {
    let verdict = verify(document.as_bytes(), key, &Profile::default());
    verdict.map_or_else(|refused| refused.reason(), |_| "accepted")
}

#[test]
fn every_algorithm_signs_when_and_with_which_certificate() {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    for (kind, algorithm) in EVERY_ALGORITHM {
        let signer = signer(kind, Some(algorithm));
        let signed = signed_at(&signer, now);
        let proven = verify(signed.as_bytes(), &signer.verifying, &Profile::default()).unwrap();
        assert_eq!(proven.canonical(), DOCUMENT.as_bytes());
        assert_eq!(proven.algorithm(), Some(algorithm));
        assert_eq!(proven.signing_time(), Some(now));
    }
}

#[test]
fn a_signing_time_outside_the_certificates_validity_is_refused() {
    let now = Timestamp::now();
    let year = SignedDuration::from_hours(24 * 366 * 20);
    for at in [now - year, now + year] {
        let signed = signed_at(&PARTNER, at);
        assert_eq!(reason(&signed, &PARTNER.verifying), "xades-signing-time");
    }
}

#[test]
fn another_certificate_for_the_same_key_is_not_the_registered_one() {
    let now = Timestamp::now();
    let params = IssueParams::new("again", Usage::Signing, now);
    let again = AUTHORITY.issue(&params).unwrap();
    let certificate = SigningCertificate::new(&again.der);
    let key = certs::keys::SigningKey::from_pem(again.key_pem.as_bytes(), None).unwrap();
    let signed = sign_xades(DOCUMENT.as_bytes(), ID, &key, &certificate, now).unwrap();
    let signed = String::from_utf8(signed).unwrap();
    let bare = VerifyingKey::from_spki_der(key.public_spki()).unwrap();
    assert_eq!(
        reason(&signed, &bare),
        "accepted",
        "a bare key takes the one that came along"
    );
    // the same key under another certificate: swapped in KeyInfo, not in what is signed
    let other = SigningCertificate::new(&PARTNER.issued.der);
    let swapped = sign_xades(DOCUMENT.as_bytes(), ID, &key, &other, now).unwrap();
    let swapped = String::from_utf8(swapped).unwrap();
    assert_eq!(reason(&swapped, &bare), "key-info-mismatch");
    let key_info = |text: &str| {
        let from = text.find("<ds:KeyInfo>").unwrap();
        let to = text.find("</ds:KeyInfo>").unwrap() + "</ds:KeyInfo>".len();
        text[from..to].to_owned()
    };
    let swapped_back = swapped.replace(&key_info(&swapped), &key_info(&signed));
    assert_eq!(reason(&swapped_back, &bare), "xades-certificate");
    let without = signed.replace(&key_info(&signed), "");
    assert_eq!(reason(&without, &bare), "xades-certificate");
}

#[test]
fn what_is_not_the_one_form_of_the_properties_is_refused() {
    let signed = signed_at(&PARTNER, Timestamp::now());
    let cut = |from: &str, to: &str| {
        let (start, end) = (
            signed.find(from).unwrap(),
            signed.find(to).unwrap() + to.len(),
        );
        signed[start..end].to_owned()
    };
    let with = |from: &str, to: &str| {
        assert!(signed.contains(from), "{from}");
        signed.replacen(from, to, 1)
    };
    let object = cut("<ds:Object>", "</ds:Object>");
    let time = cut("<xades:SigningTime>", "</xades:SigningTime>");
    let certificate = cut(
        "<xades:SigningCertificateV2>",
        "</xades:SigningCertificateV2>",
    );
    let properties = cut("<xades:SignedProperties ", "</xades:SignedProperties>");
    let reference = cut("<ds:Reference Type=", "</ds:Reference></ds:SignedInfo>");
    let reference = reference.strip_suffix("</ds:SignedInfo>").unwrap();
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let certificate_digest =
        "<xades:CertDigest><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\">";
    let unsigned =
        "<xades:UnsignedProperties></xades:UnsignedProperties></xades:QualifyingProperties>";
    for (name, document, expected) in [
        ("no properties", with(&object, ""), "reference-count"),
        (
            "no reference to them",
            with(reference, ""),
            "object-refused",
        ),
        (
            "two references to them",
            with(reference, &reference.repeat(2)),
            "reference-count",
        ),
        ("no time", with(&time, ""), "xades-refused"),
        ("no certificate", with(&certificate, ""), "xades-refused"),
        ("empty properties", with(&properties, ""), "xades-refused"),
        (
            "another time",
            with(&time, &time.replace("Z<", "+00:00<")),
            "xades-digest-mismatch",
        ),
        (
            "a time without a zone",
            with(&time, &time.replace("Z<", "<")),
            "xades-signing-time",
        ),
        (
            "unsigned properties",
            with("</xades:QualifyingProperties>", unsigned),
            "xades-refused",
        ),
        (
            "about another signature",
            with("Target=\"#sig-", "Target=\"#sgi-"),
            "xades-refused",
        ),
        (
            "something else in Object",
            with("<ds:Object>", "<ds:Object><x></x>"),
            "object-refused",
        ),
        (
            "a second Object",
            with(&object, &format!("{object}<ds:Object></ds:Object>")),
            "object-refused",
        ),
        (
            "the reference elsewhere",
            with("URI=\"#xades-", "URI=\"#sig-"),
            "xades-refused",
        ),
        (
            "SHA-1 of the certificate",
            with(
                certificate_digest,
                &certificate_digest.replace(sha256, sha1),
            ),
            "sha1-refused",
        ),
    ] {
        assert_eq!(
            reason(&document, &PARTNER.verifying),
            expected,
            "{name}: {document}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_character_never_changes_what_is_proven(
        at in any::<prop::sample::Index>(), filling in "[ \t\n<>/&;\"'=:#a-zA-Z0-9+]{0,2}",
    ) {
        let now = Timestamp::now();
        let signed = signed_at(&PARTNER, now);
        let at = at.index(signed.len());
        prop_assume!(signed.is_char_boundary(at) && signed.is_char_boundary(at + 1));
        let damaged = format!("{}{filling}{}", &signed[..at], &signed[at + 1..]);
        if let Ok(proven) = verify(damaged.as_bytes(), &PARTNER.verifying, &Profile::default()) {
            prop_assert_eq!(proven.canonical(), DOCUMENT.as_bytes());
            prop_assert_eq!(proven.signing_time().map(Timestamp::as_second), Some(now.as_second()));
        }
    }
}

#[test]
fn a_message_that_is_wrapped_in_its_own_properties_is_refused() {
    let signed = signed_at(&PARTNER, Timestamp::now());
    let evil = signed.replacen("9900000016", "9900000999", 1);
    let inside = evil.replacen(
        "</xades:DataObjectFormat>",
        &format!(
            "</xades:DataObjectFormat>{}",
            DOCUMENT.replace(ID, "m-other")
        ),
        1,
    );
    for document in [evil, inside] {
        let said = reason(&document, &PARTNER.verifying);
        assert!(
            ["digest-mismatch", "xades-refused"].contains(&said),
            "{said}: {document}"
        );
    }
}
