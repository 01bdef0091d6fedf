//! The files of a case: few, short enough, and what their names say they are.
//!
//! They stay in the journal, sealed with the message that brought them and under its digest; nothing here opens one
//! further than its first bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{
    fault::{Fault, FaultCode},
    file_kind::Kind,
    wire::civil::Attachment,
};

use super::check::{self, given, invalid, required};

/// Every attached paper.
pub(super) fn check(papers: &[Attachment]) -> Result<(), Fault> {
    if papers.len() > FILES_MAX {
        return Err(Fault::new(FaultCode::TooLarge, "too-many-files").field("fileDinhKem"));
    }
    papers.iter().try_for_each(paper)
}

/// A paper that is taken back needs no file; every other one has it.
fn paper(paper: &Attachment) -> Result<(), Fault> {
    check::text(paper.id.as_ref(), SHORT, "id")?;
    check::text(paper.kind.as_ref(), SHORT, "loaiGiayTo")?;
    check::text(paper.name.as_ref(), NAME_CHARS_MAX, "tenGiayTo")?;
    let is_withdrawn = match paper.withdrawn {
        None | Some(0) => false,
        Some(1) => true,
        Some(_) => return Err(invalid("unknown-code", "huyGiayTo")),
    };
    match (given(paper.content.as_ref()), is_withdrawn) {
        (None, true) => Ok(()),
        (None, false) => Err(invalid("missing-field", FILE)),
        (Some(text), _) => file(required(paper.file_name.as_ref(), NAME)?, text),
    }
}

fn file(name: &str, text: &str) -> Result<(), Fault> {
    check::text(Some(&name.to_owned()), NAME_CHARS_MAX, NAME)?;
    if name.starts_with('.') || name.contains(['/', '\\', ':']) {
        return Err(invalid("bad-file-name", NAME));
    }
    let named = Kind::of_name(name).ok_or_else(|| invalid("file-type-not-taken", NAME))?;
    // three bytes stand in four characters
    if text.len().div_ceil(4) * 3 > FILE_BYTES_MAX + 2 {
        return Err(Fault::new(FaultCode::TooLarge, "file-too-large").field(FILE));
    }
    let bytes = STANDARD.decode(text);
    let bytes = bytes.map_err(|_| invalid("bad-base64", FILE))?;
    match Kind::of_bytes(&bytes) {
        Some(found) if found == named => Ok(()),
        Some(_) => Err(invalid("file-type-differs-from-name", FILE)),
        None => Err(invalid("file-type-not-taken", FILE)),
    }
}

/// Papers of one case.
const FILES_MAX: usize = 20;
/// Of one file, decoded; the message is bounded by its route.
const FILE_BYTES_MAX: usize = 5 << 20;
const NAME_CHARS_MAX: usize = 200;
const SHORT: usize = 64;
const NAME: &str = "tenTepDinhKem";
const FILE: &str = "duLieuTepDinhKem";

#[cfg(test)]
mod tests {
    use super::*;

    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n";

    fn attached(name: &str, bytes: &[u8]) -> Attachment {
        Attachment {
            file_name: Some(name.to_owned()),
            content: Some(STANDARD.encode(bytes)),
            ..Attachment::default()
        }
    }

    fn why(papers: &[Attachment]) -> (FaultCode, &'static str, Option<&'static str>) {
        let fault = check(papers).unwrap_err();
        (fault.code(), fault.reason(), fault.wrong_field())
    }

    #[test]
    fn files_are_taken_that_are_what_they_say_and_a_withdrawn_paper_needs_none() {
        let withdrawn = Attachment {
            withdrawn: Some(1),
            ..Attachment::default()
        };
        let papers = [
            attached("giay-chung-sinh.PDF", PDF),
            attached("anh.jpeg", &[0xff, 0xd8, 0xff, 0xe0]),
            attached("anh.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0"),
            withdrawn,
        ];
        check(&papers).unwrap();
        check(&[]).unwrap();
        check(&vec![attached("a.pdf", PDF); FILES_MAX]).unwrap();
    }

    #[test]
    fn what_is_not_what_it_says_is_refused_by_name() {
        use FaultCode::Invalid;
        let good = attached("a.pdf", PDF);
        let bent = |change: fn(&mut Attachment)| {
            let mut paper = good.clone();
            change(&mut paper);
            why(&[attached("b.pdf", PDF), paper])
        };
        for (refused, reason, field) in [
            (bent(|one| one.content = None), "missing-field", FILE),
            (
                bent(|one| one.content = Some("  ".into())),
                "missing-field",
                FILE,
            ),
            (bent(|one| one.file_name = None), "missing-field", NAME),
            (
                bent(|one| one.content = Some("JVBERi0*".into())),
                "bad-base64",
                FILE,
            ),
            (
                bent(|one| one.withdrawn = Some(2)),
                "unknown-code",
                "huyGiayTo",
            ),
            (
                bent(|one| one.file_name = Some("../a.pdf".into())),
                "bad-file-name",
                NAME,
            ),
            (
                bent(|one| one.file_name = Some("a.exe".into())),
                "file-type-not-taken",
                NAME,
            ),
            (
                bent(|one| one.file_name = Some("a.png".into())),
                "file-type-differs-from-name",
                FILE,
            ),
            (
                bent(|one| one.name = Some("x".repeat(201))),
                "text-too-long",
                "tenGiayTo",
            ),
            (
                bent(|one| one.kind = Some("a\u{7}".into())),
                "control-character",
                "loaiGiayTo",
            ),
            (
                why(&[attached("a.pdf", b"<html>%PDF-1.7")]),
                "file-type-not-taken",
                FILE,
            ),
        ] {
            assert_eq!(refused, (Invalid, reason, Some(field)));
        }
    }

    #[test]
    fn there_are_only_so_many_and_each_only_so_long() {
        use FaultCode::TooLarge;
        let many = vec![attached("a.pdf", PDF); FILES_MAX + 1];
        assert_eq!(
            why(&many),
            (TooLarge, "too-many-files", Some("fileDinhKem"))
        );
        let mut file = PDF.to_vec();
        file.resize(FILE_BYTES_MAX, b' ');
        check(&[attached("a.pdf", &file)]).unwrap();
        file.resize(FILE_BYTES_MAX + 3, b' ');
        assert_eq!(
            why(&[attached("a.pdf", &file)]),
            (TooLarge, "file-too-large", Some(FILE))
        );
    }
}
