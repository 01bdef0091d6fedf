//! What the profile lets through beside our own form: other canonicalisations, digests and signed elements
//! of the list, and SHA-1 where danger names the partner.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::xml::NodeSet;
use bergshamra::xml::nodeset::{NodeIdSet, NodeSetType};
use certs::keys::Algorithm;
use certs::pki::KeyChoice;
use certs::xmldsig::{
    Canonicalization, Profile, ReferenceForm, Signed, canonical_form, sign_beside, verify,
};
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::PKey;
use openssl::sign::Signer as OpensslSigner;

use super::support::{ID, PARTNER, Signer, signer};

const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A document in the style of an old edXML: declarations high up, `xml:lang`, an unused prefix.
const EDXML: &str = "<edXML xmlns=\"urn:edxml\" xmlns:x=\"urn:x\" xml:lang=\"vi\" Id=\"m-0001.test\">\
    <Envelope x:kind=\"văn bản\"><Subject>V/v cấp thẻ</Subject></Envelope></edXML>";

/// How a signature is written by hand.
#[derive(Clone)]
struct Hand {
    /// Transforms before the digest, as elements.
    transforms: String,
    /// The canonicalisation of the signed element and of SignedInfo.
    form: Canonicalization,
    /// `Algorithm="…"` and content of CanonicalizationMethod.
    method: String,
    digest: (&'static str, MessageDigest),
    uri: String,
}

fn transform(uri: &str) -> String {
    format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>")
}

/// An exclusive canonicalisation with a prefix list, as element of this name.
fn listed(name: &str, prefixes: &str) -> String {
    format!(
        "<ds:{name} Algorithm=\"{EXC}\"><e:InclusiveNamespaces xmlns:e=\"{EXC}\" PrefixList=\"{prefixes}\">\
         </e:InclusiveNamespaces></ds:{name}>"
    )
}

impl Hand {
    fn exclusive() -> Self {
        Self {
            transforms: format!("{}{}", transform(ENVELOPED), transform(EXC)),
            form: Canonicalization::Exclusive(Vec::new()),
            method: format!("<ds:CanonicalizationMethod Algorithm=\"{EXC}\"/>"),
            digest: (
                "http://www.w3.org/2001/04/xmlenc#sha256",
                MessageDigest::sha256(),
            ),
            uri: format!("#{ID}"),
        }
    }

    fn with_prefixes() -> Self {
        Self {
            transforms: format!(
                "{}{}",
                transform(ENVELOPED),
                listed("Transform", "x #default")
            ),
            form: Canonicalization::Exclusive(vec!["x".into(), "#default".into()]),
            method: listed("CanonicalizationMethod", "x #default"),
            ..Self::exclusive()
        }
    }

    fn inclusive() -> Self {
        Self {
            transforms: format!("{}{}", transform(ENVELOPED), transform(INCLUSIVE)),
            form: Canonicalization::Inclusive,
            method: format!("<ds:CanonicalizationMethod Algorithm=\"{INCLUSIVE}\"/>"),
            ..Self::exclusive()
        }
    }

    /// Signs `signed` (the canonical bytes of the target) inside `document` before `</edXML>`.
    fn sign(
        &self,
        document: &str,
        signed: &[u8],
        method: &str,
        sign: impl Fn(&[u8]) -> Vec<u8>,
    ) -> String {
        let (digest_uri, digest) = self.digest;
        let digest = STANDARD.encode(hash(digest, signed).unwrap());
        let Self {
            transforms,
            method: canonicalization,
            uri,
            ..
        } = self;
        let signature = format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{canonicalization}\
             <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"{uri}\"><ds:Transforms>\
             {transforms}</ds:Transforms><ds:DigestMethod Algorithm=\"{digest_uri}\"/><ds:DigestValue>{digest}\
             </ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>VALUE</ds:SignatureValue>\
             </ds:Signature></edXML>"
        );
        let document = document.replace("</edXML>", &signature);
        let value = STANDARD.encode(sign(&self.signed_info(&document)));
        document.replace(">VALUE<", &format!(">{value}<"))
    }

    /// The library's canonical form of SignedInfo where it stands.
    fn signed_info(&self, document: &str) -> Vec<u8> {
        let tree = uppsala::parse(document).unwrap();
        let node = tree.get_elements_by_tag_name("SignedInfo")[0];
        let mut ids = NodeIdSet::default();
        ids.insert(node.index());
        ids.extend(tree.descendants(node).into_iter().map(|node| node.index()));
        let shown = NodeSet::from_ids(ids, NodeSetType::Normal);
        let (mode, prefixes) = match &self.form {
            Canonicalization::Inclusive => (C14nMode::Inclusive, Vec::new()),
            Canonicalization::Exclusive(prefixes) => (C14nMode::Exclusive, prefixes.clone()),
        };
        canonicalize_doc(&tree, mode, Some(&shown), &prefixes).unwrap()
    }

    /// The whole of [`EDXML`], by this partner.
    fn root(&self, by: &Signer) -> String {
        let whole = canonical_form(EDXML.as_bytes(), &self.form, &Profile::default()).unwrap();
        let method = by.signing.algorithm().xml_uri();
        self.sign(EDXML, &whole, method, |bytes| {
            by.signing.sign(bytes).unwrap()
        })
    }
}

fn reason(document: &str, profile: &Profile) -> &'static str {
    let verdict = verify(document.as_bytes(), &PARTNER.verifying, profile);
    verdict.map_or_else(|refused| refused.reason(), |_| "accepted")
}

#[test]
fn each_canonicalisation_of_the_list_is_proven_and_the_inclusive_one_only_where_it_is_allowed() {
    let old = Profile {
        inclusive: true,
        ..Profile::default()
    };
    for hand in [Hand::exclusive(), Hand::with_prefixes()] {
        let signed = hand.root(&PARTNER);
        let proven = verify(signed.as_bytes(), &PARTNER.verifying, &Profile::default()).unwrap();
        let plain = canonical_form(EDXML.as_bytes(), &hand.form, &Profile::default()).unwrap();
        assert_eq!(proven.canonical(), plain);
        assert_eq!(
            reason(&signed.replace("văn", "van"), &old),
            "digest-mismatch"
        );
    }
    let signed = Hand::inclusive().root(&PARTNER);
    assert_eq!(reason(&signed, &old), "accepted");
    assert_eq!(
        reason(&signed, &Profile::default()),
        "canonicalization-refused"
    );
    let implied = Hand {
        transforms: transform(ENVELOPED),
        ..Hand::inclusive()
    };
    assert_eq!(reason(&implied.root(&PARTNER), &old), "accepted");
    let mixed = Hand {
        method: Hand::exclusive().method,
        ..Hand::inclusive()
    };
    assert_eq!(
        reason(&mixed.root(&PARTNER), &Profile::default()),
        "transforms-refused"
    );
}

#[test]
fn each_digest_of_the_list_is_proven() {
    for digest in [
        (
            "http://www.w3.org/2001/04/xmldsig-more#sha384",
            MessageDigest::sha384(),
        ),
        (
            "http://www.w3.org/2001/04/xmlenc#sha512",
            MessageDigest::sha512(),
        ),
    ] {
        let hand = Hand {
            digest,
            ..Hand::exclusive()
        };
        assert_eq!(
            reason(&hand.root(&PARTNER), &Profile::default()),
            "accepted"
        );
    }
}

#[test]
fn a_signature_may_stand_beside_the_element_that_it_is_about() {
    let profile = Profile {
        signed: Signed::Beside {
            namespace: "",
            name: "PAPER",
            holder: "SIGNED",
        },
        ..Profile::default()
    };
    let paper = "<PAPER Id=\"Id-1\"><NAME>Trần</NAME></PAPER>";
    let signature = sign_beside(paper.as_bytes(), "Id-1", &PARTNER.signing, None).unwrap();
    let signature = String::from_utf8(signature).unwrap();
    let document =
        |paper: &str, holder: &str| format!("<ROOT><UNIT>1</UNIT>{paper}{holder}</ROOT>");
    let held = format!("<SIGNED>{signature}</SIGNED>");
    let good = document(paper, &held);
    let proven = verify(good.as_bytes(), &PARTNER.verifying, &profile).unwrap();
    assert_eq!(proven.canonical(), paper.as_bytes());
    assert_eq!(proven.reference(), ReferenceForm::ElementId);
    // what is not signed may be anything; it is read by nobody
    assert!(
        verify(
            good.replace(">1<", ">2<").as_bytes(),
            &PARTNER.verifying,
            &profile
        )
        .is_ok()
    );
    let other = paper.replace("Id-1", "Id-2").replace("Trần", "Lê");
    for (bent, why) in [
        (document(paper, "<SIGNED></SIGNED>"), "no-signature"),
        (document(paper, &signature), "signature-position"),
        (
            document(paper, &held.replace("SIGNED>", "OTHER>")),
            "signature-position",
        ),
        (
            document(paper, &format!("{held}<MORE></MORE>")),
            "signature-position",
        ),
        (
            document(paper, &held.replace("<SIGNED>", "<SIGNED><A></A>")),
            "signature-position",
        ),
        (
            document(paper, &held.replace("<SIGNED>", "<SIGNED xmlns=\"urn:x\">")),
            "signature-position",
        ),
        (
            document(&format!("{other}{paper}"), &held),
            "signed-element",
        ),
        (document("", &held), "signed-element"),
        (
            document(&format!("<W>{paper}</W>"), &held),
            "signed-element",
        ),
        (document(&other, &held), "reference-not-root"),
        (
            document(&other.replace("Id-2", "Id-1"), &held),
            "digest-mismatch",
        ),
        (
            document(&format!("{}<X Id=\"Id-1\"></X>", other), &held),
            "reference-not-root",
        ),
        (
            document(paper, &format!("{held}{held}")),
            "several-signatures",
        ),
    ] {
        assert_eq!(reason(&bent, &profile), why, "{bent}");
    }
    assert_eq!(reason(&good, &Profile::default()), "signature-position");
}

#[test]
fn a_signature_may_be_about_the_one_element_that_the_message_type_names() {
    let profile = Profile {
        signed: Signed::Element {
            namespace: "urn:edxml",
            name: "Envelope",
        },
        ..Profile::default()
    };
    let document = EDXML
        .replace(" Id=\"m-0001.test\"", "")
        .replace("<Envelope", "<Envelope Id=\"e-1\"");
    let hand = Hand {
        transforms: transform(EXC),
        uri: "#e-1".to_owned(),
        ..Hand::exclusive()
    };
    let envelope = "<Envelope xmlns=\"urn:edxml\" xmlns:x=\"urn:x\" Id=\"e-1\" x:kind=\"văn bản\">\
        <Subject>V/v cấp thẻ</Subject></Envelope>";
    let method = PARTNER.signing.algorithm().xml_uri();
    let sign = |hand: &Hand| {
        hand.sign(&document, envelope.as_bytes(), method, |bytes| {
            PARTNER.signing.sign(bytes).unwrap()
        })
    };
    let signed = sign(&hand);
    let proven = verify(signed.as_bytes(), &PARTNER.verifying, &profile).unwrap();
    assert_eq!(proven.canonical(), envelope.as_bytes());
    assert_eq!(proven.reference(), ReferenceForm::ElementId);
    assert_eq!(reason(&signed, &Profile::default()), "reference-not-root");
    let twice = signed.replacen("<Envelope", "<Envelope Id=\"e-2\"></Envelope><Envelope", 1);
    assert_eq!(reason(&twice, &profile), "signed-element");
    let none = signed.replace("Envelope", "Other");
    assert_eq!(reason(&none, &profile), "signed-element");
    let deeper = signed.replacen("<Envelope", "<W><Envelope", 1).replacen(
        "</Envelope>",
        "</Envelope></W>",
        1,
    );
    assert_eq!(reason(&deeper, &profile), "signed-element");
    let decoy = signed.replacen("Id=\"e-1\"", "Id=\"e-3\"", 1).replacen(
        "<Envelope",
        "<X Id=\"e-1\"></X><Envelope",
        1,
    );
    assert_eq!(reason(&decoy, &profile), "reference-not-root");
    let changed = signed.replacen("V/v", "v/v", 1);
    assert_eq!(reason(&changed, &profile), "digest-mismatch");
    let whole = Hand {
        uri: String::new(),
        ..hand
    };
    assert_eq!(reason(&sign(&whole), &profile), "reference-not-root");
}

#[test]
fn sha1_is_verified_only_where_danger_says_so() {
    let old = signer(KeyChoice::Rsa2048, Some(Algorithm::Rs256));
    let key = PKey::private_key_from_pem(old.issued.key_pem.as_bytes()).unwrap();
    let hand = Hand {
        digest: (
            "http://www.w3.org/2000/09/xmldsig#sha1",
            MessageDigest::sha1(),
        ),
        ..Hand::exclusive()
    };
    let whole = canonical_form(EDXML.as_bytes(), &hand.form, &Profile::default()).unwrap();
    let signed = hand.sign(
        EDXML,
        &whole,
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        |bytes| {
            let mut signer = OpensslSigner::new(MessageDigest::sha1(), &key).unwrap();
            signer.sign_oneshot_to_vec(bytes).unwrap()
        },
    );
    let danger = Profile {
        danger_sha1: true,
        ..Profile::default()
    };
    let verdict = |document: &str, profile: &Profile| {
        let verdict = verify(document.as_bytes(), &old.verifying, profile);
        verdict.map_or_else(
            |refused| refused.reason(),
            |proven| match proven.algorithm() {
                None => "accepted as SHA-1",
                Some(_) => "accepted",
            },
        )
    };
    assert_eq!(verdict(&signed, &Profile::default()), "sha1-refused");
    assert_eq!(verdict(&signed, &danger), "accepted as SHA-1");
    assert_eq!(
        verdict(&signed.replace("V/v", "v/v"), &danger),
        "digest-mismatch"
    );
    let hmac = signed.replace("rsa-sha1", "hmac-sha1");
    assert_eq!(verdict(&hmac, &danger), "hmac-refused");
    let elliptic = verify(signed.as_bytes(), &PARTNER.verifying, &danger).unwrap_err();
    assert_eq!(elliptic.reason(), "algorithm-mismatch");
}
