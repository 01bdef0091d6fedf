//! Requests that nobody sends in good faith, as exact bytes.

/// One case.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Whose certificate it comes with.
    pub(super) partner: &'static str,
    pub(super) bytes: Vec<u8>,
}

const XML: (&str, &str, &str) = ("tax", "/tax/v1/messages", "application/xml; charset=utf-8");
const JSON: (&str, &str, &str) = ("dvclt", "/civil/v1/NhanDKHT", "application/json");

/// Every case.
pub(super) fn all() -> Vec<Case> {
    let mut all = documents();
    all.extend(texts());
    all.extend(heads());
    all
}

/// XML.
fn documents() -> Vec<Case> {
    let root = |inside: String| {
        format!("<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-1\">{inside}</TaxMessage>")
    };
    let many =
        |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let laughs = many(20, &|n| {
        let before = if n == 0 {
            "ha".to_owned()
        } else {
            format!("&l{};", n - 1).repeat(10)
        };
        format!("<!ENTITY l{n} \"{before}\">")
    });
    let references = many(2_000, &|n| {
        format!(
            "<Reference URI=\"#m-1\"><Transforms><Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>\
             </Transforms><DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue>{n}</DigestValue></Reference>"
        )
    });
    let signature = format!(
        "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo>{references}</SignedInfo></Signature>"
    );
    [
        ("deep", "<a>".repeat(200_000)),
        (
            "deep and closed",
            root("<a>".repeat(50_000) + &"</a>".repeat(50_000)),
        ),
        ("laughs", format!("<!DOCTYPE x [{laughs}]><x>&l19;</x>")),
        (
            "outside entity",
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>".to_owned(),
        ),
        (
            "parameter entity",
            "<!DOCTYPE x SYSTEM \"http://localhost/x.dtd\"><x/>".to_owned(),
        ),
        (
            "attributes",
            format!("<x {}/>", many(50_000, &|n| format!("a{n}=\"\" "))),
        ),
        (
            "same attributes",
            format!("<x {}/>", "a=\"\" ".repeat(50_000)),
        ),
        (
            "namespaces",
            format!(
                "<x {}/>",
                many(20_000, &|n| format!("xmlns:n{n}=\"u:{n}\" "))
            ),
        ),
        (
            "nested namespaces",
            many(10_000, &|n| format!("<x xmlns:n{n}=\"u:{n}\">")),
        ),
        ("one long text", root("x".repeat(1_000_000))),
        ("one long name", format!("<{}/>", "x".repeat(1_000_000))),
        (
            "one long attribute",
            format!("<x a=\"{}\"/>", "x".repeat(1_000_000)),
        ),
        ("comments", root("<!---->".repeat(100_000))),
        ("instructions", root("<?x y?>".repeat(100_000))),
        ("character data", root("<![CDATA[x]]>".repeat(60_000))),
        ("references to characters", root("&#x41;".repeat(150_000))),
        ("small elements", root("<a/>".repeat(200_000))),
        ("references and transforms", root(signature)),
        (
            "signatures",
            root("<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>".repeat(10_000)),
        ),
        ("nothing", String::new()),
        ("no end", "<TaxMessage".to_owned()),
    ]
    .map(|(name, body)| case(name, XML, body.into_bytes()))
    .into_iter()
    .chain([
        case(
            "not UTF-8",
            XML,
            [&b"<x>"[..], &[0xff; 100_000], b"</x>"].concat(),
        ),
        case("UTF-16", XML, b"\xff\xfe<\0x\0/\0>\0".to_vec()),
        case("zeros", XML, vec![0; 500_000]),
    ])
    .collect()
}

/// JSON.
fn texts() -> Vec<Case> {
    let keys: String = (0..50_000).map(|n| format!("\"k{n}\":0,")).collect();
    [
        ("deep arrays", "[".repeat(900_000)),
        ("deep objects", "{\"a\":".repeat(150_000)),
        ("keys", format!("{{{keys}\"z\":0}}")),
        (
            "same keys",
            format!("{{{}\"z\":0}}", "\"a\":0,".repeat(100_000)),
        ),
        ("a long number", "9".repeat(900_000)),
        ("a large exponent", "{\"a\":1e999999999}".to_owned()),
        (
            "a long text",
            format!("{{\"a\":\"{}\"}}", "x".repeat(900_000)),
        ),
        (
            "escapes",
            format!("{{\"a\":\"{}\"}}", "\\u0041".repeat(150_000)),
        ),
        (
            "half surrogates",
            format!("{{\"a\":\"{}\"}}", "\\ud800".repeat(100_000)),
        ),
    ]
    .map(|(name, body)| case(name, JSON, body.into_bytes()))
    .into_iter()
    .chain([case("not UTF-8", JSON, vec![0xfe; 900_000])])
    .collect()
}

/// Heads, and bodies that are not what their heads say.
fn heads() -> Vec<Case> {
    let (_, path, media) = XML;
    let line = |lines: &str, body: &[u8]| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media}\r\n{lines}\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let chunk = [&b"10000\r\n"[..], &vec![b' '; 0x1_0000], b"\r\n"].concat();
    let jws = |text: &str| {
        let (_, path, media) = JSON;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media}\r\nX-JWS-Signature: {text}\r\n"
        );
        format!("{head}Content-Length: 2\r\n\r\n{{}}").into_bytes()
    };
    let long_path = format!(
        "POST /{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        "x".repeat(12_000)
    );
    let many: String = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
    [
        ("announced", line("Content-Length: 99999999\r\n", b"")),
        (
            "endless chunks",
            line("Transfer-Encoding: chunked\r\n", &chunk.repeat(40)),
        ),
        (
            "small chunks",
            line(
                "Transfer-Encoding: chunked\r\n",
                &b"1\r\n \r\n".repeat(150_000),
            ),
        ),
        (
            "chunk extensions",
            line(
                "Transfer-Encoding: chunked\r\n",
                format!("1;{}\r\n", "x".repeat(500_000)).as_bytes(),
            ),
        ),
        (
            "two lengths",
            line("Content-Length: 3\r\nContent-Length: 4\r\n", b"<x/>"),
        ),
        (
            "length and chunks",
            line(
                "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                b"0\r\n\r\n",
            ),
        ),
        ("a negative length", line("Content-Length: -1\r\n", b"<x/>")),
        (
            "compressed",
            line(
                "Content-Encoding: gzip\r\nContent-Length: 4\r\n",
                &[0x1f, 0x8b, 8, 0],
            ),
        ),
        ("headers", line(&many, b"")),
        (
            "one long header",
            line(&format!("X-Long: {}\r\n", "x".repeat(1 << 20)), b""),
        ),
        ("a long path", long_path.into_bytes()),
        (
            "no host",
            b"POST /tax/v1/messages HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        ("not HTTP", vec![0x16; 100_000]),
        ("a long signature", jws(&"A".repeat(12_000))),
        ("a signature of dots", jws(&".".repeat(8_000))),
        ("a signature of nothing", jws("e30..e30")),
    ]
    .into_iter()
    .map(|(name, bytes)| Case {
        name,
        partner: if name.contains("signature") {
            JSON.0
        } else {
            XML.0
        },
        bytes,
    })
    .collect()
}

fn case(
    name: &'static str,
    (partner, path, media): (&'static str, &str, &str),
    body: Vec<u8>,
) -> Case {
    let signature = match partner {
        "dvclt" => "X-JWS-Signature: eyJhbGciOiJFUzI1NiJ9..AAAA\r\n",
        _ => "",
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media}\r\n{signature}Content-Length: {}\r\n\r\n",
        body.len()
    );
    Case {
        name,
        partner,
        bytes: [head.into_bytes(), body].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_beside_its_partner() {
        let cases = all();
        assert!(cases.len() >= 50, "{}", cases.len());
        let mut names: Vec<_> = cases.iter().map(|case| (case.name, case.partner)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), cases.len());
        assert!(cases.iter().all(|case| !case.bytes.is_empty()));
    }
}
