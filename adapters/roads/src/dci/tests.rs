use http::{HeaderName, header};

use super::*;
use crate::testhead::head;

const MAC: HeaderName = HeaderName::from_static("x-hmac");
const JWT: HeaderName = HeaderName::from_static("signature");
const LINE: &str = "HMAC-SHA256 Credential=a, SignedHeaders=host;date;content-type, Signature=eA==";

fn read(
    headers: &[(HeaderName, &str)],
    dialect: Dialect,
    in_body: Option<&str>,
) -> Result<DciSignature, &'static str> {
    let head = head("crvs", headers);
    signature(&head, "a", dialect, in_body.map(str::to_owned)).map_err(|fault| fault.reason())
}

#[test]
fn a_signature_is_read_from_where_the_dialect_has_it_and_from_nowhere_else() {
    for dialect in [
        Dialect::CavageJcs,
        Dialect::CavagePyJson,
        Dialect::JwsCompact,
    ] {
        assert_eq!(read(&[], dialect, Some("s")).unwrap().text, "s");
        assert_eq!(read(&[(JWT, "s")], dialect, None), Err("no-signature"));
        assert_eq!(read(&[], dialect, Some("s")).unwrap().kept, None);
    }
    let beside = read(&[(JWT, "s")], Dialect::PartnerJwt, None).unwrap();
    assert_eq!(
        (beside.text.as_str(), beside.kept.as_deref()),
        ("s", Some("s"))
    );
    assert_eq!(
        read(&[(JWT, "s"), (JWT, "s")], Dialect::PartnerJwt, None),
        Err("two-signatures")
    );
    assert_eq!(
        read(&[(JWT, "s")], Dialect::PartnerJwt, Some("s")),
        Err("signature-of-another-dialect")
    );
    assert_eq!(read(&[], Dialect::JwsDetached, None), Err("no-signature"));
    let long = "x".repeat(SIGNATURE_BYTES_MAX + 1);
    assert_eq!(
        read(&[(SIGNATURE, &long)], Dialect::JwsDetached, None),
        Err("signature-too-long")
    );
}

#[test]
fn what_is_kept_of_a_keyed_hash_is_read_back_as_it_came() {
    let came = [
        (MAC, LINE),
        (header::HOST, "vss.example"),
        (header::DATE, "Mon, 23 Nov 2026 01:00:00 GMT"),
        (header::CONTENT_TYPE, "application/json"),
    ];
    let first = read(&came, Dialect::HmacX, None).unwrap();
    let kept = first.kept.clone().unwrap();
    let again = [
        (header::CONTENT_TYPE, "application/json"),
        (SIGNATURE, kept.as_str()),
    ];
    assert_eq!(read(&again, Dialect::HmacX, None).unwrap(), first);
    for missing in 1..came.len() {
        let mut less = came.to_vec();
        less.remove(missing);
        assert_eq!(
            read(&less, Dialect::HmacX, None),
            Err("signed-header-missing"),
            "{missing}"
        );
    }
    let bent = [
        (header::CONTENT_TYPE, "application/json"),
        (SIGNATURE, "a | b"),
    ];
    assert_eq!(read(&bent, Dialect::HmacX, None), Err("no-signature"));
}

#[test]
fn a_moment_has_an_offset() {
    for text in [
        "2026-11-23T08:00:00+07:00",
        "2026-11-23T01:00:00Z",
        "2026-11-23T01:00:00.123456Z",
    ] {
        assert!(moment(text, "message_ts").is_ok(), "{text}");
    }
    for text in [
        "",
        "2026-11-23",
        "2026-11-23T08:00:00",
        "08:00",
        "1795000000",
    ] {
        assert_eq!(
            moment(text, "message_ts").unwrap_err().reason(),
            "bad-timestamp",
            "{text}"
        );
    }
}
