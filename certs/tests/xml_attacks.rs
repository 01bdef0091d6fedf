//! The attack corpus: each document is refused, and for its own reason.
//!
//! Sources of the shapes: SAML wrapping XSW 1–9 (USENIX Security 2012), CVE-2024-45409, CVE-2025-29774,
//! CVE-2025-29775, CVE-2025-25291, CVE-2013-2172, CVE-2009-0217, CVE-2017-11427.

use certs::pki::KeyChoice;
use certs::xmldsig::{Profile, sign_enveloped, verify};

use super::support::{DOCUMENT, ID, PARTNER, signer};

const DS: &str = "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ECDSA: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const ENVELOPED: &str = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>";
const C14N: &str =
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>";

/// The good document, and its signature element alone.
struct Good {
    text: String,
    signature: String,
}

fn good() -> Good {
    let signed = sign_enveloped(DOCUMENT.as_bytes(), ID, &PARTNER.signing, None).unwrap();
    let text = String::from_utf8(signed).unwrap();
    let from = text.find("<ds:Signature ").unwrap();
    let signature = text[from..]
        .strip_suffix("</TaxMessage>")
        .unwrap()
        .to_owned();
    assert_eq!(reason(&text), "accepted", "the control must pass");
    Good { text, signature }
}

fn reason(document: &str) -> &'static str {
    match verify(document.as_bytes(), &PARTNER.verifying, &Profile::default()) {
        Ok(_) => "accepted",
        Err(refused) => refused.reason(),
    }
}

fn check(table: &[(&str, String, &str)]) {
    for (name, document, expected) in table {
        assert_eq!(reason(document), *expected, "{name}: {document}");
    }
}

impl Good {
    /// Replaces text that must be there.
    fn with(&self, from: &str, to: &str) -> String {
        assert!(self.text.contains(from), "{from}");
        self.text.replacen(from, to, 1)
    }

    fn without_signature(&self) -> String {
        self.text.replace(&self.signature, "")
    }

    /// An evil root with this content before the end tag.
    fn evil(&self, id: &str, content: &str) -> String {
        format!(
            "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"{id}\"><VerifyEmployer><Mst>evil</Mst>\
             </VerifyEmployer>{content}</TaxMessage>"
        )
    }
}

#[test]
fn changed_bytes_and_foreign_keys_prove_nothing() {
    let good = good();
    let other = signer(KeyChoice::P256, None);
    let by_other = |certificate| {
        let signed = sign_enveloped(DOCUMENT.as_bytes(), ID, &other.signing, certificate).unwrap();
        String::from_utf8(signed).unwrap()
    };
    let value_at = good.text.find("<ds:SignatureValue>").unwrap() + 19;
    let mut flipped = good.text.clone();
    let letter = if &flipped[value_at..=value_at] == "A" {
        "B"
    } else {
        "A"
    };
    flipped.replace_range(value_at..=value_at, letter);
    check(&[
        (
            "body changed",
            good.with("9900000016", "9900000017"),
            "digest-mismatch",
        ),
        (
            "header changed",
            good.with("<Sender>tax", "<Sender>vss"),
            "digest-mismatch",
        ),
        (
            "white space added",
            good.with("<Header>", "<Header> "),
            "digest-mismatch",
        ),
        ("signature flipped", flipped, "signature-mismatch"),
        ("another key", by_other(None), "signature-mismatch"),
        (
            "another key with its certificate",
            by_other(Some(&other.issued.der)),
            "key-info-mismatch",
        ),
        ("no signature", good.without_signature(), "no-signature"),
    ]);
}

#[test]
fn wrapping_shapes_are_refused() {
    let good = good();
    let original = good.without_signature();
    let object = format!("<ds:Object>{original}</ds:Object></ds:Signature>");
    let with_object = good.signature.replace("</ds:Signature>", &object);
    let shapes = [
        // XSW 1, 3: the signed original beside or before the evil one, signature inside the original
        (
            "original after evil",
            good.evil("evil", &good.text),
            "signature-position",
        ),
        (
            "both under a wrapper",
            format!("<W>{}{}</W>", good.evil("evil", ""), good.text),
            "signature-position",
        ),
        // XSW 2, 4: the original inside the evil root, signature moved up
        (
            "original inside evil",
            good.evil("evil", &format!("{original}{}", good.signature)),
            "reference-not-root",
        ),
        // XSW 5, 6: the evil root keeps the id
        (
            "same id twice",
            good.evil(ID, &format!("{original}{}", good.signature)),
            "duplicate-id",
        ),
        // XSW 7: in an extension element
        (
            "original in an extension",
            good.evil(
                "evil",
                &format!("<Extensions>{original}</Extensions>{}", good.signature),
            ),
            "reference-not-root",
        ),
        // XSW 8, 9: in ds:Object
        (
            "original in Object",
            good.evil("evil", &with_object),
            "reference-not-root",
        ),
        (
            "original in Object, same id",
            good.evil(ID, &with_object),
            "duplicate-id",
        ),
        (
            "evil root, whole-document reference",
            good.evil(
                ID,
                &good
                    .signature
                    .replace(&format!("URI=\"#{ID}\""), "URI=\"\""),
            ),
            "digest-mismatch",
        ),
        (
            "evil root with the signature of another",
            good.evil(ID, &good.signature),
            "digest-mismatch",
        ),
    ];
    check(&shapes);
}

#[test]
fn the_signature_stands_where_the_profile_says() {
    let good = good();
    let original = good.without_signature();
    let moved = |before: &str| original.replacen(before, &format!("{}{before}", good.signature), 1);
    check(&[
        (
            "moved into the header",
            moved("</Header>"),
            "signature-position",
        ),
        (
            "moved to the front",
            moved("<Header>"),
            "signature-position",
        ),
        (
            "moved before the body",
            moved("<VerifyEmployer>"),
            "signature-position",
        ),
        ("as the root", good.signature.clone(), "signature-position"),
        (
            "twice",
            good.with("</TaxMessage>", &format!("{}</TaxMessage>", good.signature)),
            "several-signatures",
        ),
        (
            "a second one nested in the first",
            good.with(
                "<ds:SignatureValue>",
                &format!("{}<ds:SignatureValue>", good.signature),
            ),
            "several-signatures",
        ),
        (
            "a signature part in the body",
            good.with("<Mst>", &format!("<ds:Object {DS}></ds:Object><Mst>")),
            "signature-structure",
        ),
    ]);
}

#[test]
fn identifiers_are_unique_under_every_name() {
    let good = good();
    let with_attribute = |attribute: &str| good.with("<Header>", &format!("<Header {attribute}>"));
    let wsu = "xmlns:w=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\"";
    check(&[
        (
            "Id",
            with_attribute(&format!("Id=\"{ID}\"")),
            "duplicate-id",
        ),
        (
            "ID",
            with_attribute(&format!("ID=\"{ID}\"")),
            "duplicate-id",
        ),
        (
            "id",
            with_attribute(&format!("id=\"{ID}\"")),
            "duplicate-id",
        ),
        (
            "xml:id",
            with_attribute(&format!("xml:id=\"{ID}\"")),
            "duplicate-id",
        ),
        (
            "wsu:Id",
            with_attribute(&format!("{wsu} w:Id=\"{ID}\"")),
            "duplicate-id",
        ),
        (
            "AssertionID",
            with_attribute(&format!("AssertionID=\"{ID}\"")),
            "duplicate-id",
        ),
        (
            "two alike that nobody refers to",
            with_attribute("Id=\"x\" ID=\"x\""),
            "duplicate-id",
        ),
        ("empty", with_attribute("Id=\"\""), "duplicate-id"),
        (
            "a fresh one is only a change",
            with_attribute("Id=\"y\""),
            "digest-mismatch",
        ),
        (
            "on the signature",
            good.with("<ds:Signature ", &format!("<ds:Signature Id=\"{ID}\" ")),
            "duplicate-id",
        ),
    ]);
}

#[test]
fn comments_instructions_cdata_and_dtds_are_refused_everywhere() {
    let good = good();
    let put = |what: &str, before: &str| good.with(before, &format!("{what}{before}"));
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/hostname\">";
    check(&[
        (
            "comment in text",
            put("<!-- x -->", "</Mst>"),
            "comment-refused",
        ),
        (
            "comment in DigestValue",
            put("<!-- x -->", "</ds:DigestValue>"),
            "comment-refused",
        ),
        (
            "comment in SignatureValue",
            put("<!---->", "</ds:SignatureValue>"),
            "comment-refused",
        ),
        (
            "comment before the root",
            format!("<!-- x -->{}", good.text),
            "comment-refused",
        ),
        (
            "comment after the root",
            format!("{}<!-- x -->", good.text),
            "comment-refused",
        ),
        (
            "instruction in text",
            put("<?x y?>", "</Mst>"),
            "instruction-refused",
        ),
        (
            "stylesheet",
            format!("<?xml-stylesheet href='x'?>{}", good.text),
            "instruction-refused",
        ),
        (
            "CDATA",
            good.with("9900000016", "<![CDATA[9900000016]]>"),
            "cdata-refused",
        ),
        (
            "billion laughs",
            format!("{laughs}{}", good.text),
            "dtd-refused",
        ),
        (
            "external DTD",
            format!("{external}{}", good.text),
            "dtd-refused",
        ),
        (
            "unknown entity",
            good.with("9900000016", "&x;"),
            "xml-malformed",
        ),
        (
            "undeclared prefix",
            good.with("<Mst>", "<x:Y></x:Y><Mst>"),
            "xml-malformed",
        ),
        (
            "two roots",
            format!("{}{}", good.text, DOCUMENT),
            "xml-malformed",
        ),
        (
            "text after the root",
            format!("{}x", good.text),
            "xml-malformed",
        ),
        (
            "cut short",
            good.text[..good.text.len() - 1].to_owned(),
            "xml-malformed",
        ),
    ]);
}

#[test]
fn algorithms_outside_the_list_are_refused() {
    let good = good();
    let method = |uri: &str| good.with(ECDSA, uri);
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let old = "http://www.w3.org/2000/09/xmldsig#";
    let length =
        format!("{ECDSA}\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>");
    check(&[
        (
            "RSA with SHA-1",
            method(&format!("{old}rsa-sha1")),
            "sha1-refused",
        ),
        ("DSA", method(&format!("{old}dsa-sha1")), "sha1-refused"),
        (
            "ECDSA with SHA-1",
            method(&format!("{more}ecdsa-sha1")),
            "sha1-refused",
        ),
        (
            "ECDSA with SHA-512",
            method(&format!("{more}ecdsa-sha512")),
            "algorithm-refused",
        ),
        (
            "RSA with MD5",
            method(&format!("{more}rsa-md5")),
            "algorithm-refused",
        ),
        (
            "HMAC",
            method(&format!("{more}hmac-sha256")),
            "hmac-refused",
        ),
        (
            "HMAC with SHA-1",
            method(&format!("{old}hmac-sha1")),
            "hmac-refused",
        ),
        (
            "RSA for an EC key",
            method(&format!("{more}rsa-sha256")),
            "algorithm-mismatch",
        ),
        (
            "output length",
            good.with(&format!("{ECDSA}\"></ds:SignatureMethod>"), &length),
            "signature-structure",
        ),
        (
            "digest SHA-1",
            good.with(
                "http://www.w3.org/2001/04/xmlenc#sha256",
                &format!("{old}sha1"),
            ),
            "sha1-refused",
        ),
        (
            "inclusive canonicalisation",
            good.with(EXC, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
            "canonicalization-refused",
        ),
        (
            "with comments",
            good.with(EXC, &format!("{EXC}WithComments")),
            "canonicalization-refused",
        ),
        (
            "prefix list",
            good.with(
                &format!("{EXC}\"></ds:CanonicalizationMethod>"),
                &format!(
                    "{EXC}\"><e:InclusiveNamespaces xmlns:e=\"{EXC}\" PrefixList=\"#default\"/>\
                     </ds:CanonicalizationMethod>"
                ),
            ),
            "signature-mismatch",
        ),
    ]);
}

#[test]
fn transforms_are_exactly_two() {
    let good = good();
    let both = format!("{ENVELOPED}{C14N}");
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(ancestor-or-self::Mst)</ds:XPath></ds:Transform>";
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\"/></ds:Transform>";
    let base64 =
        "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"></ds:Transform>";
    let prefixes = C14N.replace(
        "></ds:T",
        "><e:InclusiveNamespaces xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"x\"/></ds:T",
    );
    let refused = "transforms-refused";
    for (name, transforms, expected) in [
        (
            "XPath",
            format!("{ENVELOPED}{xpath}{C14N}"),
            "xpath-refused",
        ),
        ("XPath instead", format!("{xpath}{C14N}"), "xpath-refused"),
        ("XSLT", format!("{ENVELOPED}{xslt}{C14N}"), "xslt-refused"),
        ("base64", format!("{ENVELOPED}{base64}"), refused),
        ("order turned", format!("{C14N}{ENVELOPED}"), refused),
        ("only the first", ENVELOPED.to_owned(), refused),
        ("only the second", C14N.to_owned(), refused),
        ("one twice", format!("{ENVELOPED}{C14N}{C14N}"), refused),
        ("none", String::new(), refused),
        // of the list, but not what was signed
        (
            "prefix list",
            format!("{ENVELOPED}{prefixes}"),
            "signature-mismatch",
        ),
    ] {
        check(&[(name, good.with(&both, &transforms), expected)]);
    }
    let whole = format!("<ds:Transforms>{both}</ds:Transforms>");
    check(&[(
        "no Transforms element",
        good.with(&whole, ""),
        "transforms-refused",
    )]);
}

#[test]
fn the_one_reference_is_the_root() {
    let good = good();
    let uri = format!("URI=\"#{ID}\"");
    for (foreign, expected) in [
        ("URI=\"http://127.0.0.1:1/x\"", "reference-external"),
        ("URI=\"file:///etc/hostname\"", "reference-external"),
        ("URI=\"/etc/hostname\"", "reference-external"),
        ("URI=\"cid:part\"", "reference-external"),
        ("URI=\"#xpointer(/)\"", "xpointer-refused"),
        ("URI=\"#xpointer(id('m-0001.test'))\"", "xpointer-refused"),
        ("URI=\"#other\"", "reference-not-root"),
        ("URI=\"#\"", "reference-not-root"),
        ("", "reference-not-root"),
    ] {
        check(&[(foreign, good.with(&uri, foreign), expected)]);
    }
    let from = good.text.find("<ds:Reference ").unwrap();
    let to = good.text.find("</ds:SignedInfo>").unwrap();
    let reference = &good.text[from..to];
    check(&[
        (
            "two references",
            good.with("</ds:SignedInfo>", &format!("{reference}</ds:SignedInfo>")),
            "reference-count",
        ),
        ("no reference", good.with(reference, ""), "reference-count"),
        (
            "a manifest",
            good.with(
                &uri,
                &format!("{uri} Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\""),
            ),
            "manifest-refused",
        ),
        (
            "a foreign attribute",
            good.with(&uri, &format!("{uri} x=\"1\"")),
            "signature-structure",
        ),
    ]);
}

#[test]
fn the_signatures_structure_is_fixed() {
    let good = good();
    let from = good.text.find("<ds:SignedInfo>").unwrap();
    let to = good.text.find("<ds:SignatureValue>").unwrap();
    let info = &good.text[from..to];
    let end = "</ds:Signature>";
    let add = |what: &str| good.with(end, &format!("{what}{end}"));
    let key_info = |what: &str| add(&format!("<ds:KeyInfo>{what}</ds:KeyInfo>"));
    let value = good.text[good.text.find("<ds:DigestValue>").unwrap() + 16..][..44].to_owned();
    check(&[
        (
            "two SignedInfo",
            good.with(info, &format!("{info}{info}")),
            "several-signed-info",
        ),
        (
            "SignedInfo deeper",
            good.with(info, &format!("<ds:X>{info}</ds:X>")),
            "signature-structure",
        ),
        ("no SignedInfo", good.with(info, ""), "signature-structure"),
        (
            "text between",
            good.with("<ds:SignatureValue>", "x<ds:SignatureValue>"),
            "signature-structure",
        ),
        (
            "an Object",
            add("<ds:Object></ds:Object>"),
            "object-refused",
        ),
        (
            "KeyInfo and Object",
            add("<ds:KeyInfo></ds:KeyInfo><ds:Object></ds:Object>"),
            "object-refused",
        ),
        (
            "KeyValue",
            key_info("<ds:KeyValue></ds:KeyValue>"),
            "key-value-refused",
        ),
        (
            "RetrievalMethod",
            key_info("<ds:RetrievalMethod URI=\"http://127.0.0.1:1/\"/>"),
            "retrieval-method-refused",
        ),
        (
            "element in DigestValue",
            good.with(&value, &format!("{value}<ds:X/>")),
            "bad-value",
        ),
        ("short digest", good.with(&value, "AAAA"), "bad-value"),
        ("no digest", good.with(&value, ""), "bad-value"),
        ("not base64", good.with(&value, "*"), "bad-value"),
        (
            "a key name is no harm",
            key_info("<ds:KeyName>tax-1</ds:KeyName>"),
            "accepted",
        ),
    ]);
}

#[test]
fn limits_come_before_the_tree() {
    let good = good();
    let small = |change: fn(&mut Profile)| {
        let mut profile = Profile::default();
        change(&mut profile);
        verify(good.text.as_bytes(), &PARTNER.verifying, &profile)
            .unwrap_err()
            .reason()
    };
    assert_eq!(small(|profile| profile.bytes_max = 100), "over-limit");
    assert_eq!(small(|profile| profile.elements_max = 5), "over-limit");
    assert_eq!(small(|profile| profile.attributes_max = 1), "over-limit");
    assert_eq!(small(|profile| profile.depth_max = 2), "xml-malformed");
    assert_eq!(
        small(|profile| profile.algorithms.clear()),
        "algorithm-refused"
    );
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(reason(&deep), "over-limit");
    let deep = format!("{}{}", "<a>".repeat(1_000), "</a>".repeat(1_000));
    assert_eq!(reason(&deep), "xml-malformed");
    let wide: String = (0..16_000).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(reason(&format!("<a{wide}/>")), "over-limit");
    let latin = verify(b"<a>\xe9</a>", &PARTNER.verifying, &Profile::default());
    assert_eq!(latin.unwrap_err().reason(), "not-utf8");
}

/// `count` elements, each below the one before until `depth` of them are open.
fn deep(open: &str, close: &str, depth: usize, count: usize) -> String {
    let tower = format!("{}{}", open.repeat(depth), close.repeat(depth));
    tower.repeat(count / depth)
}

#[test]
fn a_second_signature_ends_the_walk_before_anything_behind_it_is_looked_at() {
    let good = good();
    // an identifier that stands twice is refused for itself, unless the walk has ended before it
    let twice = "<X Id=\"x\"></X><X Id=\"x\"></X>";
    let with = |before: &str, behind: &str| good.evil(ID, &format!("{before}{behind}"));
    let two = good.signature.repeat(2);
    check(&[
        ("before", with(twice, &two), "duplicate-id"),
        (
            "behind the first",
            with(&good.signature, twice),
            "duplicate-id",
        ),
        ("behind the second", with(&two, twice), "several-signatures"),
    ]);
}

#[test]
fn documents_full_of_signatures_and_their_parts_are_refused_for_it() {
    let good = good();
    let root = |content: String| {
        let document =
            format!("<s:A xmlns:s=\"http://www.w3.org/2000/09/xmldsig#\">{content}</s:A>");
        assert!(document.len() < 1 << 20);
        document
    };
    let signatures = deep("<s:Signature>", "</s:Signature>", 60, 9_900);
    let strays = deep(
        "<s:StrayPartOfASignature>",
        "</s:StrayPartOfASignature>",
        60,
        9_900,
    );
    let tail = &good.signature;
    for (name, document, expected) in [
        (
            "signatures, then strays",
            root(format!("{signatures}{strays}")),
            "several-signatures",
        ),
        (
            "strays, then signatures",
            root(format!("{strays}{signatures}")),
            "several-signatures",
        ),
        ("strays alone", root(strays.clone()), "no-signature"),
        (
            "strays and one signature",
            root(format!("{strays}{tail}")),
            "signature-structure",
        ),
        (
            "one signature and strays",
            root(format!("{tail}{strays}")),
            "signature-structure",
        ),
    ] {
        assert_eq!(reason(&document), expected, "{name}");
    }
}
