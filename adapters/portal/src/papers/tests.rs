use schemas::wire::portal::{SubmittedPaper, Upload, UploadedFile, encode};

use super::*;
use crate::decode::tests::claims;

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n";

fn file() -> UploadedFile {
    UploadedFile {
        file_name: "khai-sinh.pdf".into(),
        sha256: "a7".repeat(32),
        bytes: 1 << 20,
    }
}

fn why(files: Vec<UploadedFile>) -> (&'static str, Option<&'static str>) {
    let bytes = encode(&Upload { files });
    let fault = announce(claims("portal.announce-files"), &bytes).unwrap_err();
    (fault.reason(), fault.wrong_field())
}

fn wrong(change: impl FnOnce(&mut UploadedFile)) -> (&'static str, Option<&'static str>) {
    let mut file = file();
    change(&mut file);
    why(vec![file])
}

#[test]
fn an_announcement_tells_of_each_file_what_it_is_its_digest_and_its_length() {
    let bytes = encode(&Upload {
        files: vec![file()],
    });
    let decoded = announce(claims("portal.announce-files"), &bytes).unwrap();
    assert_eq!(decoded.purpose, "dossier-papers");
    let wanted = Announced {
        kind: Kind::Pdf,
        sha256: [0xa7; 32],
        bytes: 1 << 20,
    };
    assert_eq!(decoded.request.files, [wanted]);
    assert_eq!(decoded.request.id.as_str(), "dossier-message-1");
}

#[test]
fn each_value_of_an_announcement_is_checked_and_named() {
    for name in ["bom.zip", "x.pdf.exe", "x", "x.", "x.PD F"] {
        let refused = wrong(|file| file.file_name = name.into());
        assert_eq!(
            refused,
            ("file-type-not-taken", Some("TenTepDinhKem")),
            "{name}"
        );
    }
    for name in ["../x.pdf", "C:x.pdf", "a\\x.pdf", ".pdf", ""] {
        let refused = wrong(|file| file.file_name = name.into());
        assert_eq!(refused, ("bad-file-name", Some("TenTepDinhKem")), "{name}");
    }
    for digest in [String::new(), "a7".repeat(31), "A7".repeat(32)] {
        let refused = wrong(|file| file.sha256 = digest);
        assert_eq!(refused, ("bad-digest", Some("SHA256")));
    }
    for bytes in [0, -1] {
        let refused = wrong(|file| file.bytes = bytes);
        assert_eq!(refused, ("bad-number", Some("DungLuong")));
    }
    let none = announce(claims("portal.announce-files"), br#"{"TepDinhKem":[]}"#).unwrap_err();
    assert_eq!(none.reason(), "missing-field");
    let too_many = vec![file(); FILES_MAX + 1];
    assert_eq!(why(too_many), ("too-many-papers", Some("TepDinhKem")));
}

#[test]
fn a_file_is_what_its_first_byte_begins_and_nothing_that_hides_a_signature_further_on() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0";
    for (bytes, kind) in [
        (PDF, Some(Kind::Pdf)),
        (b"%PDF-2.0\n", Some(Kind::Pdf)),
        (&[0xff, 0xd8, 0xff, 0xe0], Some(Kind::Jpeg)),
        (png, Some(Kind::Png)),
        (b"<html>%PDF-1.7", None),
        (b"PK\x03\x04%PDF-1.7", None),
        (b"\x1f\x8b\x08", None),
        (b"MZ\x90", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"%PDF", None),
        (b"", None),
    ] {
        assert_eq!(Kind::of_bytes(bytes), kind, "{bytes:?}");
    }
    for kind in Kind::ALL {
        assert_eq!(Kind::of_media_type(kind.media_type()), Some(kind));
    }
}

fn paper(change: impl FnOnce(&mut SubmittedPaper)) -> Result<Option<Content>, Fault> {
    let mut paper = SubmittedPaper {
        code: "GIAY-TO".into(),
        file_id: "tep-1".into(),
        file_name: "khai-sinh.pdf".into(),
        sha256: None,
        data: None,
    };
    change(&mut paper);
    attached(&paper)
}

#[test]
fn a_paper_stays_at_the_portal_or_has_its_digest_or_its_bytes() {
    assert_eq!(paper(|_| {}), Ok(None));
    let named = paper(|paper| paper.sha256 = Some("a7".repeat(32)));
    assert_eq!(named.unwrap().unwrap().sha256, Some([0xa7; 32]));
    let inline = paper(|paper| paper.data = Some("JVBERi0xLjcK".into()));
    assert_eq!(
        inline.unwrap().unwrap().bytes.as_deref(),
        Some(&b"%PDF-1.7\n"[..])
    );
}

#[test]
fn bytes_that_are_no_base64_or_another_type_than_the_name_says_are_refused() {
    for (data, reason) in [
        ("JVBERi0xLjcK\n", "bad-base64"),
        ("JVBERi0xLjc", "bad-base64"),
        ("", "bad-base64"),
        ("/9j/4A==", "file-type-differs-from-name"),
        ("UEsDBA==", "file-type-not-taken"),
    ] {
        let fault = paper(|paper| paper.data = Some(data.into())).unwrap_err();
        assert_eq!(
            (fault.reason(), fault.wrong_field()),
            (reason, Some("DuLieuTepDinhKem"))
        );
    }
}
