use proptest::prelude::*;

use super::*;

fn reason(text: impl AsRef<[u8]>) -> Option<&'static str> {
    prescan(text.as_ref(), &Limits::default())
        .err()
        .map(|error| error.code())
}

#[test]
fn a_plain_document_passes() {
    for text in [
        "<a/>",
        "<a></a>\n",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a b='1' c=\"2\" >x &amp; &#x1EC7;</a >",
        "<?xml version='1.0' standalone='yes'?><p:a xmlns:p='urn:x'><p:b/><c xmlns='urn:y'/></p:a>",
        "<a t='>'> ] ]] &gt; \u{1F600} Nguyễn</a>",
        "<a xml:lang='vi'/>",
    ] {
        assert_eq!(reason(text), None, "{text}");
    }
}

#[test]
fn every_refusal_has_its_reason() {
    let cases: &[(&str, &str)] = &[
        ("", "xml-no-root"),
        ("  \n", "xml-no-root"),
        ("\u{FEFF}<a/>", "xml-bom"),
        ("<!DOCTYPE a><a/>", "xml-doctype"),
        ("<!doctype a><a/>", "xml-doctype"),
        (
            "<?xml version=\"1.0\"?><!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "xml-doctype",
        ),
        (
            "<!DOCTYPE a [<!ENTITY x SYSTEM \"http://x/\">]><a>&x;</a>",
            "xml-doctype",
        ),
        ("<a>&x;</a>", "xml-entity"),
        ("<a b='&x;'/>", "xml-entity"),
        ("<a>&</a>", "xml-entity"),
        ("<a>&amp</a>", "xml-entity"),
        ("<a>&#0;</a>", "xml-entity"),
        ("<a>&#x0;</a>", "xml-entity"),
        ("<a>&#xFFFE;</a>", "xml-entity"),
        ("<a>&#xFDD0;</a>", "xml-entity"),
        ("<a>&#x1FFFF;</a>", "xml-entity"),
        ("<a>&#xD800;</a>", "xml-entity"),
        ("<a>&#x110000;</a>", "xml-entity"),
        ("<a>&#8;</a>", "xml-entity"),
        ("<a>&#+65;</a>", "xml-entity"),
        ("<a>&#;</a>", "xml-entity"),
        ("<a>\u{0}</a>", "xml-character"),
        ("<a>\u{1b}[31m</a>", "xml-character"),
        ("<a>\u{FFFF}</a>", "xml-character"),
        ("<a>\u{FDD0}</a>", "xml-character"),
        ("<a><!-- x --></a>", "xml-comment"),
        ("<!-- x --><a/>", "xml-comment"),
        ("<a><?php x ?></a>", "xml-processing-instruction"),
        (
            "<?xml-stylesheet href='x'?><a/>",
            "xml-processing-instruction",
        ),
        (" <?xml version='1.0'?><a/>", "xml-processing-instruction"),
        ("<a><![CDATA[x]]></a>", "xml-cdata"),
        ("<!ELEMENT a ANY><a/>", "xml-malformed"),
        (
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            "xml-encoding",
        ),
        ("<?xml version='1.0' encoding='utf-7'?><a/>", "xml-encoding"),
        ("<?xml version='1.1'?><a/>", "xml-malformed"),
        ("<?xml encoding='utf-8'?><a/>", "xml-malformed"),
        (
            "<?xml version='1.0' standalone='maybe'?><a/>",
            "xml-malformed",
        ),
        ("<?xml version='1.0' version='1.0'?><a/>", "xml-malformed"),
        ("<a></b>", "xml-malformed"),
        ("</a>", "xml-malformed"),
        ("<a><b></a></b>", "xml-malformed"),
        ("<a>", "xml-truncated"),
        ("<a", "xml-truncated"),
        ("<a b='", "xml-truncated"),
        ("<a/><b/>", "xml-trailing"),
        ("<a/>x", "xml-trailing"),
        ("<a/>&amp;", "xml-trailing"),
        ("x<a/>", "xml-trailing"),
        ("<a b='1' b='2'/>", "xml-duplicate-attribute"),
        ("<a xmlns='u' xmlns='u'/>", "xml-duplicate-attribute"),
        (
            "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>",
            "xml-duplicate-attribute",
        ),
        ("<a b='<'/>", "xml-malformed"),
        ("<a b=1/>", "xml-malformed"),
        ("<a b/>", "xml-malformed"),
        ("<a b='1'c='2'/>", "xml-malformed"),
        ("<a>]]></a>", "xml-malformed"),
        ("<1a/>", "xml-name"),
        ("< a/>", "xml-name"),
        ("<a:b:c xmlns:a='u'/>", "xml-name"),
        ("<:a/>", "xml-name"),
        ("<tên/>", "xml-name"),
        ("<p:a/>", "xml-namespace"),
        ("<a p:b=''/>", "xml-namespace"),
        ("<a xmlns:p=''/>", "xml-namespace"),
        ("<a xmlns:xml='urn:x'/>", "xml-namespace"),
        ("<a xmlns:xmlns='urn:x'/>", "xml-namespace"),
        (
            "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
            "xml-namespace",
        ),
        ("<a><b xmlns:p='u'/><p:c/></a>", "xml-namespace"),
    ];
    for (text, expected) in cases {
        assert_eq!(reason(text), Some(*expected), "{text}");
    }
}

#[test]
fn other_encodings_are_refused() {
    let utf16: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(reason(&utf16), Some("xml-character"));
    assert_eq!(reason(b"\xFF\xFE<\0a\0/\0>\0"), Some("xml-encoding"));
    assert_eq!(reason(b"<a>\xC0\x80</a>"), Some("xml-encoding"));
    assert_eq!(reason(b"<a>\xED\xA0\x80</a>"), Some("xml-encoding"));
}

#[test]
fn every_bound_is_held() {
    let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
    let attributes = |n: usize| {
        let many: String = (0..n).map(|i| format!(" a{i}=''")).collect();
        format!("<a{many}/>")
    };
    let namespaces = |n: usize| {
        let many: String = (0..n).map(|i| format!(" xmlns:p{i}='u{i}'")).collect();
        format!("<a{many}/>")
    };
    let wide = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n - 1));
    let text = |n: usize| format!("<a>{}</a>", "x".repeat(n));
    let cases: &[(String, String, &str)] = &[
        (deep(64), deep(65), "xml-too-deep"),
        (attributes(64), attributes(65), "xml-too-many-attributes"),
        (namespaces(32), namespaces(33), "xml-too-many-namespaces"),
        (wide(20_000), wide(20_001), "xml-too-many-elements"),
        (
            format!("<{}/>", "n".repeat(256)),
            format!("<{}/>", "n".repeat(257)),
            "xml-name-too-long",
        ),
        (text(256 << 10), text((256 << 10) + 1), "xml-text-too-long"),
        (
            "<a/>".into(),
            format!("<a/>{}", " ".repeat(1 << 20)),
            "xml-too-large",
        ),
        (
            format!("<a b='{}'/>", "x".repeat(256 << 10)),
            format!("<a b='{}'/>", "x".repeat((256 << 10) + 1)),
            "xml-text-too-long",
        ),
    ];
    for (last_good, first_bad, expected) in cases {
        assert_eq!(reason(last_good), None, "{expected}");
        assert_eq!(reason(first_bad), Some(*expected));
        let error = prescan(first_bad.as_bytes(), &Limits::default()).unwrap_err();
        assert!(error.reason().is_limit());
    }
    let in_scope_one_by_one = format!("<a>{}</a>", "<b xmlns='u'></b>".repeat(1_000));
    assert_eq!(reason(in_scope_one_by_one), None);
}

#[test]
fn laughs_are_refused_at_the_doctype_before_anything_is_expanded() {
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\">\
        <!ENTITY lol1 \"&lol;&lol;&lol;&lol;\">]><lolz>&lol1;</lolz>";
    let error = prescan(laughs.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!((error.code(), error.offset()), ("xml-doctype", 21));
}

#[test]
fn an_error_never_holds_content() {
    let error = prescan(b"<a>&secret;</a>", &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "xml-entity at byte 3");
    assert!(!format!("{error:?}").contains("secret"));
}

const NS: &str = "urn:test";

#[test]
fn the_reader_expects_order_names_and_namespace() {
    let read = |text: &str| -> Result<(String, Option<String>), ReadError> {
        let mut reader = Reader::open(text.as_bytes(), NS, &Limits::default()).unwrap();
        reader.enter("r")?;
        let a = reader.text("a")?.into_owned();
        let b = reader.optional("b")?.map(|text| text.into_owned());
        reader.leave("r")?;
        reader.finish("r")?;
        Ok((a, b))
    };
    let ok = |a: &str, b: Option<&str>| Ok((a.to_owned(), b.map(str::to_owned)));
    let wrong = |field, reason| Err(ReadError { field, reason });
    let cases = [
        ("<r xmlns='urn:test'><a>x</a></r>", ok("x", None)),
        (
            "<p:r xmlns:p='urn:test'>\n <p:a/>\n <p:b>1&lt;2&#x41;3</p:b></p:r>",
            ok("", Some("1<2A3")),
        ),
        (
            "<r xmlns='urn:test'><b/></r>",
            wrong("a", "element-unexpected"),
        ),
        ("<r xmlns='urn:test'></r>", wrong("a", "element-missing")),
        (
            "<r xmlns='urn:other'><a/></r>",
            wrong("r", "element-unexpected"),
        ),
        (
            "<r xmlns='urn:test'><a xmlns=''/></r>",
            wrong("a", "element-unexpected"),
        ),
        (
            "<r xmlns='urn:test' x='1'><a/></r>",
            wrong("r", "attribute-unexpected"),
        ),
        (
            "<r xmlns='urn:test'><a x='1'/></r>",
            wrong("a", "attribute-unexpected"),
        ),
        (
            "<r xmlns='urn:test'><a><b/></a></r>",
            wrong("a", "element-unexpected"),
        ),
        (
            "<r xmlns='urn:test'>x<a/></r>",
            wrong("a", "text-unexpected"),
        ),
        (
            "<r xmlns='urn:test'>&#x20;<a/></r>",
            wrong("a", "text-unexpected"),
        ),
        (
            "<r xmlns='urn:test'><a/><a/></r>",
            wrong("r", "element-unexpected"),
        ),
        (
            "<r xmlns='urn:test'><a/></r><r/>",
            wrong("r", "xml-trailing"),
        ),
        ("<r xmlns='urn:test'><a>", wrong("a", "xml-truncated")),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn the_reader_gives_one_attribute_and_the_range_of_an_element() {
    let text = "<r xmlns='urn:test' Id='m&amp;1'>\n<a>x</a> </r>";
    let mut reader = Reader::open(text.as_bytes(), NS, &Limits::default()).unwrap();
    assert_eq!(reader.enter_with("r", "Id").unwrap(), "m&1");
    let from = reader.offset_of_next("a").unwrap();
    reader.text("a").unwrap();
    assert_eq!(&text[from..reader.offset()], "<a>x</a>");
    for (text, reason) in [
        ("<r xmlns='urn:test'/>", "attribute-missing"),
        ("<r xmlns='urn:test' id='1'/>", "attribute-unexpected"),
        (
            "<r xmlns='urn:test' xmlns:p='u' p:Id='1'/>",
            "attribute-unexpected",
        ),
    ] {
        let mut reader = Reader::open(text.as_bytes(), NS, &Limits::default()).unwrap();
        assert_eq!(reader.enter_with("r", "Id").unwrap_err().reason, reason);
    }
}

#[test]
fn the_writer_escapes_and_declares_as_exclusive_canonical_xml() {
    let root = Name::plain("urn:d", "r");
    let foreign = Name {
        prefix: "p",
        namespace: "urn:p",
        local: "x",
    };
    let mut writer = Writer::new();
    writer.open(root, &[("b", "\t\n\r\"&<>"), ("a", "1")]);
    writer.leaf(Name::plain("urn:d", "t"), "&<>\"'\r\n");
    writer.leaf(foreign, "1");
    writer.leaf(foreign, "2");
    writer.leaf(Name::plain("", "n"), "");
    let bytes = writer.finish();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "<r xmlns=\"urn:d\" a=\"1\" b=\"&#x9;&#xA;&#xD;&quot;&amp;&lt;>\"><t>&amp;&lt;&gt;\"'&#xD;\n</t>\
         <p:x xmlns:p=\"urn:p\">1</p:x><p:x xmlns:p=\"urn:p\">2</p:x><n xmlns=\"\"></n></r>"
    );
}

fn any_text(max: usize) -> impl Strategy<Value = String> {
    let allowed = any::<char>().prop_map(|char| match is_text(char.encode_utf8(&mut [0; 4])) {
        true => char,
        false => '\r',
    });
    prop::collection::vec(allowed, 0..max).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_the_prescan_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = prescan(&bytes, &Limits::default());
    }

    #[test]
    fn no_markup_soup_makes_the_prescan_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "<", ">", "/", "a", "</a>", "<a>", "<a b='", "'", "\"", "=", " ", "&", ";", "&amp;",
                "&#x41;", "<!", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<?xml version='1.0'?>",
                "xmlns", ":", "p:", "ệ", "\u{FFFE}", "\0", "<!DOCTYPE", "[", "]",
            ]),
            0..40,
        )
    ) {
        let text = pieces.concat();
        let _ = prescan(text.as_bytes(), &Limits::default());
    }

    #[test]
    fn what_the_writer_writes_is_read_back(text in any_text(40), id in any_text(20)) {
        let mut writer = Writer::new();
        writer.open(Name::plain(NS, "r"), &[("Id", &id)]);
        writer.leaf(Name::plain(NS, "a"), &text);
        let bytes = writer.finish();
        let mut reader = Reader::open(&bytes, NS, &Limits::default()).unwrap();
        prop_assert_eq!(reader.enter_with("r", "Id").unwrap(), id);
        prop_assert_eq!(reader.text("a").unwrap(), text);
        reader.leave("r").unwrap();
        reader.finish("r").unwrap();
    }
}
