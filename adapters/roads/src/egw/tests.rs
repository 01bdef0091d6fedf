use gateway_core::Road;
use http::header::CONTENT_TYPE;

use super::*;
use crate::testhead::head;

const JSON: &str = "application/json";
const URLENCODED: &str = "application/x-www-form-urlencoded";

fn here() -> Here {
    Here {
        us: PartnerId::parse("vss").unwrap(),
        environment: Environment::Sandbox,
    }
}

fn operations(path: &str, kind: Kind) -> Option<&'static str> {
    (path == "/" && kind == Kind::Birth).then_some("hospital.birth-notice")
}

fn read_as(kind: &str, body: &str) -> Result<Envelope, Fault> {
    let head = head("cskcb-01001", &[(CONTENT_TYPE, kind)]);
    envelope(
        &head,
        &Bytes::copy_from_slice(body.as_bytes()),
        &here(),
        operations,
    )
}

#[test]
fn both_forms_say_the_same() {
    let json = r#"{"maCskcb":"01001","loaiHs":"61","fileBase64Str":"PGE+","token":""}"#;
    let one = read_as(JSON, json).unwrap();
    let other = read_as(
        URLENCODED,
        "maCskcb=01001&loaiHs=61&fileHsBase64=PGE%2B&token=",
    )
    .unwrap();
    for read in [one, other] {
        let claims = &read.claims;
        assert_eq!(
            (read.road, claims.sender.as_str()),
            (Road::Direct, "cskcb-01001")
        );
        assert_eq!(
            (claims.receiver.as_str(), claims.operation.as_str()),
            ("vss", "hospital.birth-notice")
        );
        let signed = Signed::Beside {
            namespace: "",
            name: "GIAYCHUNGSINH",
            holder: "CHUKYDONVI",
        };
        let document = Bytes::from_static(b"<a>");
        assert_eq!(read.signature, SignatureForm::Carried { document, signed });
    }
}

#[test]
fn what_another_brings_came_by_a_relay() {
    let body = r#"{"maCskcb":"01002","loaiHs":"61","fileBase64Str":"PGE+"}"#;
    let read = read_as(JSON, body).unwrap();
    assert_eq!(
        (read.road, read.claims.sender.as_str()),
        (Road::Ngsp, "cskcb-01002")
    );
}

#[test]
fn a_journaled_form_gives_its_document_back() {
    for body in [
        r#"{"maCskcb":"01001","loaiHs":"60","fileBase64Str":"PGE+"}"#,
        "maCskcb=01001&loaiHs=60&fileBase64Str=PGE%2B",
    ] {
        let (document, signed) = carried(body.as_bytes()).unwrap();
        assert_eq!(document, "<a>");
        assert!(matches!(
            signed,
            Signed::Beside {
                name: "GIAYBAOTU",
                ..
            }
        ));
    }
    for other in ["{}", "<a></a>", "", "{\"maDonVi\":\"1\"}"] {
        assert!(carried(other.as_bytes()).is_none(), "{other}");
    }
}

#[test]
fn what_is_kept_of_a_form_with_a_token_holds_no_credentials_and_is_read_again() {
    let json = r#"{"maCskcb":"01001","loaiHs":"61","fileBase64Str":"PGE+","token":"t0ken","id_token":"1d","username":"u","password":"5f4dcc3b5aa765d61d8327deb882cf99"}"#;
    let form = "maCskcb=01001&loaiHs=61&fileHsBase64=PGE%2B&token=t0ken&id_token=1d&username=u&password=5f4dcc3b5aa765d61d8327deb882cf99";
    let digest = TokenDigest::of("t0ken", "1d");
    for (kind, body) in [(JSON, json), (URLENCODED, form)] {
        let login = |body: &str| match read_as(kind, body).unwrap().signature {
            SignatureForm::Login {
                shown,
                document,
                kept,
                ..
            } => {
                assert_eq!(document, "<a>");
                (shown, kept)
            }
            other => panic!("{other:?}"),
        };
        let (shown, kept) = login(body);
        assert_eq!(shown, ShownToken::Whole(digest));
        let kept = std::str::from_utf8(&kept).unwrap();
        for secret in ["t0ken", "1d\"", "5f4dcc3b", "username"] {
            assert!(!kept.contains(secret), "{secret}: {kept}");
        }
        let (again, same) = login(kept);
        assert_eq!(again, ShownToken::Kept(digest));
        assert_eq!(same, kept);
        assert!(carried(kept.as_bytes()).is_some());
    }
    let halves = |one, other| TokenDigest::of(one, other);
    assert_ne!(halves("ab", "c"), halves("a", "bc"));
}

#[test]
fn each_wrong_form_is_refused_by_its_reason() {
    let long = format!(
        r#"{{"maCskcb":"01001","loaiHs":"61","fileBase64Str":"{}"}}"#,
        "A".repeat(DOCUMENT_CHARS_MAX + 1)
    );
    let with = |member: &str| {
        format!(r#"{{"maCskcb":"01001","loaiHs":"61","fileBase64Str":"PGE+",{member}}}"#)
    };
    let (token, password) = (with(r#""id_token":"t""#), with(r#""password":"p""#));
    let (twice, unknown) = (with(r#""loaiHs":"60""#), with(r#""x":"1""#));
    let two = with(r#""fileHsBase64":"PGE+""#);
    use FaultCode::{Invalid, Malformed, TooLarge, UnsupportedMediaType};
    for (kind, body, code, reason) in [
        ("text/plain", "a", UnsupportedMediaType, "media-type"),
        (JSON, "", Malformed, "empty-body"),
        (JSON, "[]", Malformed, "json-mismatch"),
        (JSON, &twice, Malformed, "json-duplicate-key"),
        (JSON, &unknown, Malformed, "json-mismatch"),
        (JSON, &token, Invalid, "credentials-not-wanted"),
        (JSON, &password, Invalid, "credentials-not-wanted"),
        (JSON, &two, Invalid, "two-files"),
        (JSON, &long, TooLarge, "file-bytes"),
        (
            URLENCODED,
            "maCskcb=1&maCskcb=1",
            Malformed,
            "form-member-twice",
        ),
        (URLENCODED, "x=1", Malformed, "form-member-unknown"),
        (
            URLENCODED,
            "maCskcb=01001&loaiHs=61",
            Invalid,
            "missing-field",
        ),
        (
            URLENCODED,
            "maCskcb=01001&loaiHs=61&fileBase64Str=PGE+",
            Malformed,
            "bad-base64",
        ),
        (
            URLENCODED,
            "maCskcb=0&loaiHs=61&fileBase64Str=PGE%2B",
            Invalid,
            "bad-facility",
        ),
        (
            URLENCODED,
            "maCskcb=01001&loaiHs=62&fileBase64Str=PGE%2B",
            Invalid,
            "unknown-code",
        ),
        (
            URLENCODED,
            "maCskcb=01001&loaiHs=60&fileBase64Str=PGE%2B",
            Invalid,
            "operation-and-path-differ",
        ),
    ] {
        let fault = read_as(kind, body).unwrap_err();
        let told = body.get(..80).unwrap_or(body);
        assert_eq!((fault.code(), fault.reason()), (code, reason), "{told}");
    }
}
