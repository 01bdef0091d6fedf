//! What we sign without a tree is what the verifier proves and what canonicalisation would give.

use bergshamra::c14n::{C14nMode, canonicalize};
use certs::xmldsig::{Profile, ReferenceForm, sign_enveloped, verify};
use proptest::prelude::*;

use super::support::{DOCUMENT, EVERY_ALGORITHM, ID, PARTNER, signer};

#[test]
fn each_algorithm_of_the_profile_proves_our_document() {
    for (kind, algorithm) in EVERY_ALGORITHM {
        let signer = signer(kind, Some(algorithm));
        for certificate in [None, Some(signer.issued.der.as_slice())] {
            let signed =
                sign_enveloped(DOCUMENT.as_bytes(), ID, &signer.signing, certificate).unwrap();
            let proven = verify(&signed, &signer.verifying, &Profile::default()).unwrap();
            assert_eq!(proven.canonical(), DOCUMENT.as_bytes());
            assert_eq!(proven.algorithm(), Some(algorithm));
            assert_eq!(proven.reference(), ReferenceForm::RootId);
            assert_eq!(proven.digest(), certs::digest::sha256(DOCUMENT.as_bytes()));
        }
    }
}

#[test]
fn a_foreign_form_is_refused() {
    let refused = sign_enveloped(b"<A/>", "m", &PARTNER.signing, None).unwrap_err();
    assert_eq!(refused.reason(), "not-our-form");
}

#[test]
fn white_space_entities_and_attribute_order_of_others_come_out_canonical() {
    let signed = sign_enveloped(DOCUMENT.as_bytes(), ID, &PARTNER.signing, None).unwrap();
    let text = String::from_utf8(signed).unwrap();
    let foreign = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n{}\n",
        text.replace(
            "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-0001.test\">",
            "<TaxMessage  Id='m-0001&#46;test'\n xmlns:unused='urn:x' xmlns='urn:vn:lienthong:tax:v1'>",
        )
        .replace("<Sender>tax</Sender>", "<Sender >t&#97;x</Sender >")
    );
    let proven = verify(foreign.as_bytes(), &PARTNER.verifying, &Profile::default()).unwrap();
    assert_eq!(proven.canonical(), DOCUMENT.as_bytes());
}

/// One node of a generated document.
#[derive(Clone, Debug)]
enum Node {
    Text(String),
    Element {
        name: String,
        attribute: Option<String>,
        children: Vec<Node>,
    },
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 <>&'\"\r\n\tàáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĐ\u{0301}\u{0323}\u{1F600}]{1,24}"
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = text().prop_map(Node::Text);
    leaf.prop_recursive(4, 40, 5, |inner| {
        let children = prop::collection::vec(inner, 0..5);
        ("[A-Z][A-Za-z0-9]{0,8}", prop::option::of(text()), children).prop_map(
            |(name, attribute, children)| Node::Element {
                name,
                attribute,
                children,
            },
        )
    })
}

/// Writes the canonical form (Canonical XML 1.0 §2.3), as our encoders do.
fn write(node: &Node, out: &mut String) {
    match node {
        Node::Text(text) => escape(text, "&<>\r", out),
        Node::Element {
            name,
            attribute,
            children,
        } => {
            out.push_str(&format!("<{name}"));
            if let Some(value) = attribute {
                out.push_str(" note=\"");
                escape(value, "&<\"\t\n\r", out);
                out.push('"');
            }
            out.push('>');
            children.iter().for_each(|child| write(child, out));
            out.push_str(&format!("</{name}>"));
        }
    }
}

fn escape(text: &str, special: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            plain if !special.contains(plain) => out.push(plain),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push_str(&format!("&#x{:X};", u32::from(other))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn signing_without_a_tree_gives_what_the_library_proves(
        nodes in prop::collection::vec(node(), 0..6),
    ) {
        let mut root = format!("<Message xmlns=\"urn:vn:lienthong:test\" Id=\"{ID}\">");
        nodes.iter().for_each(|node| write(node, &mut root));
        root.push_str("</Message>");
        let signed = sign_enveloped(root.as_bytes(), ID, &PARTNER.signing, None).unwrap();
        let proven = verify(&signed, &PARTNER.verifying, &Profile::default()).unwrap();
        prop_assert_eq!(proven.canonical(), root.as_bytes());
        let text = std::str::from_utf8(&signed).unwrap();
        let canonical = canonicalize::<&str>(text, C14nMode::Exclusive, None, &[]).unwrap();
        prop_assert_eq!(canonical, signed.clone(), "the signed document is its own canonical form");
    }

    #[test]
    fn a_flipped_bit_never_passes(at in 0usize..10_000, bit in 0u8..8) {
        let mut signed = sign_enveloped(DOCUMENT.as_bytes(), ID, &PARTNER.signing, None).unwrap();
        let at = at % signed.len();
        signed[at] ^= 1 << bit;
        if let Ok(proven) = verify(&signed, &PARTNER.verifying, &Profile::default()) {
            // quotes and white space of markup are not signed; what is read is
            prop_assert_eq!(proven.canonical(), DOCUMENT.as_bytes());
        }
    }
}
