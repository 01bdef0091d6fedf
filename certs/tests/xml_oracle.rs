//! A second opinion: the library's own verifier, which walks references, transforms and SignedInfo by
//! itself. Whatever our verifier proves, it must call valid too, about the very same root.

use bergshamra::{DsigContext, KeysManager, VerifyResult};
use certs::xmldsig::{Profile, sign_enveloped, verify};
use proptest::prelude::*;

use super::support::{DOCUMENT, EVERY_ALGORITHM, ID, PARTNER, Signer, signer};

/// Whether the library, with this key and no other, finds one good reference to the document's root.
fn oracle(document: &str, signer: &Signer) -> bool {
    let mut keys = KeysManager::new();
    keys.add_key(bergshamra::keys::loader::load_spki_der(signer.verifying.spki()).unwrap());
    let tree = uppsala::parse(document).unwrap();
    let context = DsigContext::new(keys);
    let verdict =
        bergshamra::dsig::verify::verify_document_with_source(&context, &tree, Some(document));
    let Ok(VerifyResult::Valid { references, .. }) = verdict else {
        return false;
    };
    let root = tree.document_element();
    let about_the_root = |target: Option<_>| target.is_none() || target == root;
    references.len() == 1
        && references
            .iter()
            .all(|one| one.digest_verified && about_the_root(one.resolved_node))
}

#[test]
fn both_prove_every_algorithm_of_the_profile_and_both_refuse_another_key() {
    for (kind, algorithm) in EVERY_ALGORITHM {
        let signer_of_it = signer(kind, Some(algorithm));
        let another = signer(kind, Some(algorithm));
        let signed = sign_enveloped(DOCUMENT.as_bytes(), ID, &signer_of_it.signing, None).unwrap();
        let text = String::from_utf8(signed).unwrap();
        for (key, good) in [(&signer_of_it, true), (&another, false)] {
            let ours = verify(text.as_bytes(), &key.verifying, &Profile::default());
            assert_eq!(ours.is_ok(), good, "{algorithm}");
            assert_eq!(oracle(&text, key), good, "{algorithm}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, ..ProptestConfig::default() })]

    #[test]
    fn what_we_prove_of_a_damaged_document_the_library_proves_too(
        at in any::<prop::sample::Index>(),
        length in 0_usize..3,
        filling in "[ \t\n\r<>/&;\"'=:#a-zA-Z0-9+]{0,3}",
    ) {
        let good = sign_enveloped(
            DOCUMENT.as_bytes(), ID, &PARTNER.signing, Some(&PARTNER.issued.der),
        ).unwrap();
        let mut damaged = good.clone();
        let at = at.index(good.len());
        damaged.splice(at..(at + length).min(good.len()), filling.bytes());
        if let Ok(text) = String::from_utf8(damaged)
            && verify(text.as_bytes(), &PARTNER.verifying, &Profile::default()).is_ok()
        {
            prop_assert!(oracle(&text, &PARTNER), "{text}");
        }
    }
}
