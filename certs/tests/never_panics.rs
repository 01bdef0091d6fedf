//! Whatever comes from the network is refused or accepted, and never stops the process.

use certs::jws;
use certs::keys::{Algorithm, VerifyingKey};
use certs::tls::{Identity, PeerCertificate, RevocationList};
use certs::xmldsig::{Profile, sign_enveloped, verify};
use proptest::prelude::*;

use super::support::{DOCUMENT, ID, PARTNER};

/// Cuts, doubles or overwrites a piece of something good.
fn damaged(good: &[u8], at: usize, length: usize, how: u8, filling: &[u8]) -> Vec<u8> {
    let at = at % (good.len() + 1);
    let end = (at + length).min(good.len());
    let (before, piece, after) = (&good[..at], &good[at..end], &good[end..]);
    match how % 4 {
        0 => [before, after].concat(),
        1 => [before, piece, piece, after].concat(),
        2 => [before, filling, after].concat(),
        _ => [before, filling, piece, after].concat(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn damaged_xml_is_refused_or_means_the_same(
        at in any::<usize>(), length in 0usize..200, how in any::<u8>(),
        filling in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            "[<>/&;\"'=:# a-zA-Z!?-]{0,12}".prop_map(String::into_bytes),
        ],
    ) {
        let good = sign_enveloped(
            DOCUMENT.as_bytes(), ID, &PARTNER.signing, Some(&PARTNER.issued.der),
        ).unwrap();
        let bad = damaged(&good, at, length, how, &filling);
        if let Ok(proven) = verify(&bad, &PARTNER.verifying, &Profile::default()) {
            prop_assert_eq!(proven.canonical(), DOCUMENT.as_bytes());
        }
    }

    #[test]
    fn damaged_certificates_lists_and_keys_are_answered(
        at in any::<usize>(), length in 0usize..64, how in any::<u8>(),
        filling in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let bad = damaged(&PARTNER.issued.der, at, length, how, &filling);
        let _ = PeerCertificate::from_der(&bad);
        let _ = VerifyingKey::from_certificate_der(&bad);
        let _ = PARTNER.verifying.is_key_of(&bad);
        let bad = damaged(PARTNER.verifying.spki(), at, length, how, &filling);
        let _ = VerifyingKey::from_spki_der(&bad);
        let bad = damaged(PARTNER.issued.chain_pem.as_bytes(), at, length, how, &filling);
        let _ = Identity::from_pem(&bad, PARTNER.issued.key_pem.as_bytes());
        let _ = RevocationList::from_pem(&bad);
    }

    #[test]
    fn any_text_as_a_jws_is_answered(text in ".{0,200}", protected in "[A-Za-z0-9_-]{0,80}") {
        prop_assert!(jws::parse(&text).is_err());
        let detached = format!("{protected}..AAAA");
        prop_assert!(jws::parse(&detached).is_err());
        let verdict = jws::verify_compact(&text, &PARTNER.verifying, Algorithm::Es256);
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn any_bytes_as_a_signature_are_refused(signature in prop::collection::vec(any::<u8>(), 0..600)) {
        for algorithm in Algorithm::ALL {
            prop_assert!(PARTNER.verifying.verify(algorithm, b"x", &signature).is_err());
        }
        prop_assert!(PARTNER.verifying.verify_der(b"x", &signature).is_err());
    }
}
