//! The files of a case: few, short enough, and what their names say they are.
//!
//! They stay in the journal with the message that brought them, sealed and under its digest, and go to the room of files where
//! there is one; nothing here opens one further than its first bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gateway_core::files::Content;
use schemas::{
    fault::{Fault, FaultCode},
    file_kind::Kind,
    wire::civil::Attachment,
};

use super::check::{self, given, invalid, required};
use crate::CASE_BYTES_MAX;

/// A paper of a case whose file came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// The sender's id of it; may be empty.
    pub id: String,
    /// The file.
    pub content: Content,
}

/// Every attached paper that has a file. One that is taken back needs none.
pub(super) fn read(papers: &[Attachment]) -> Result<Vec<Paper>, Fault> {
    if papers.len() > FILES_MAX {
        return Err(Fault::new(FaultCode::TooLarge, "too-many-files").field("fileDinhKem"));
    }
    let read = papers.iter().map(paper).collect::<Result<Vec<_>, _>>()?;
    let read: Vec<Paper> = read.into_iter().flatten().collect();
    let files = read.iter().filter_map(|paper| paper.content.bytes.as_ref());
    match files.map(|file| file.len()).sum::<usize>() > FILES_BYTES_MAX {
        true => Err(Fault::new(FaultCode::TooLarge, "files-too-large").field("fileDinhKem")),
        false => Ok(read),
    }
}

/// A paper that is taken back needs no file; every other one has it.
fn paper(paper: &Attachment) -> Result<Option<Paper>, Fault> {
    let id = check::text(paper.id.as_ref(), SHORT, "id")?;
    check::text(paper.kind.as_ref(), SHORT, "loaiGiayTo")?;
    check::text(paper.name.as_ref(), NAME_CHARS_MAX, "tenGiayTo")?;
    let is_withdrawn = match paper.withdrawn {
        None | Some(0) => false,
        Some(1) => true,
        Some(_) => return Err(invalid("unknown-code", "huyGiayTo")),
    };
    match (given(paper.content.as_ref()), is_withdrawn) {
        (None, true) => Ok(None),
        (None, false) => Err(invalid("missing-field", FILE)),
        (Some(text), _) => {
            let content = file(required(paper.file_name.as_ref(), NAME)?, text)?;
            Ok(Some(Paper { id, content }))
        }
    }
}

fn file(name: &str, text: &str) -> Result<Content, Fault> {
    check::text(Some(&name.to_owned()), NAME_CHARS_MAX, NAME)?;
    if name.starts_with('.') || name.contains(['/', '\\', ':']) {
        return Err(invalid("bad-file-name", NAME));
    }
    let named = Kind::of_name(name).ok_or_else(|| invalid("file-type-not-taken", NAME))?;
    // three bytes stand in four characters
    let too_large = || Fault::new(FaultCode::TooLarge, "file-too-large").field(FILE);
    if text.len().div_ceil(4) * 3 > FILE_BYTES_MAX + 2 {
        return Err(too_large());
    }
    let bytes = STANDARD.decode(text);
    let bytes = bytes.map_err(|_| invalid("bad-base64", FILE))?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(too_large());
    }
    match Kind::of_bytes(&bytes) {
        Some(found) if found == named => Ok(Content {
            kind: found,
            sha256: None,
            bytes: Some(bytes.into()),
        }),
        Some(_) => Err(invalid("file-type-differs-from-name", FILE)),
        None => Err(invalid("file-type-not-taken", FILE)),
    }
}

/// Papers of one case.
const FILES_MAX: usize = 20;
/// Of one file, decoded.
const FILE_BYTES_MAX: usize = 5 << 20;
/// Of all files of a case together, decoded: 5.625 MiB.
const FILES_BYTES_MAX: usize = 5_760 << 10;
/// What is left of a case's message for everything but its files.
const REST_BYTES: usize = 512 << 10;
// what is advertised is what its route takes
const _: () = assert!(FILE_BYTES_MAX <= FILES_BYTES_MAX);
const _: () = assert!(FILES_BYTES_MAX.div_ceil(3) * 4 + REST_BYTES <= CASE_BYTES_MAX);
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
        let fault = read(papers).unwrap_err();
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
        let read_back = read(&papers).unwrap();
        let kinds: Vec<Kind> = read_back.iter().map(|one| one.content.kind).collect();
        assert_eq!(kinds, Kind::ALL);
        assert_eq!(read_back[0].content.bytes.as_deref(), Some(PDF));
        assert_eq!(read(&[]).unwrap(), []);
        let many = read(&vec![attached("a.pdf", PDF); FILES_MAX]).unwrap();
        assert_eq!(many.len(), FILES_MAX);
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
        let sized = |bytes: usize| {
            let mut file = PDF.to_vec();
            file.resize(bytes, b' ');
            attached("a.pdf", &file)
        };
        read(&[sized(FILE_BYTES_MAX)]).unwrap();
        for over in 1..=3 {
            assert_eq!(
                why(&[sized(FILE_BYTES_MAX + over)]),
                (TooLarge, "file-too-large", Some(FILE))
            );
        }
        let second = FILES_BYTES_MAX - FILE_BYTES_MAX;
        read(&[sized(FILE_BYTES_MAX), sized(second)]).unwrap();
        assert_eq!(
            why(&[sized(FILE_BYTES_MAX), sized(second + 1)]),
            (TooLarge, "files-too-large", Some("fileDinhKem"))
        );
    }
}
