//! The archive itself: stored entries, `mimetype` first, a few names within bounds.
//!
//! Nothing is inflated and nothing is written to a disk, so an archive is as large as it is.

use std::io::{Cursor, Read as _, Write as _};

use certs::asic;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// The entries of a container, in their order, without `mimetype`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Archive(pub(super) Vec<(String, Vec<u8>)>);

/// Why a file is no container.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no archive, or an entry is damaged.
    #[error("it cannot be read as an archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// An entry cannot be read.
    #[error("an entry cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// Its first entry is not the media type of a container.
    #[error("it does not begin with the media type of an ASiC-E container")]
    NoContainer,
    /// More entries, or longer ones, than a container of ours has.
    #[error("it has more in it than a container may have")]
    TooMuch,
    /// A name that stands twice, or that no container of ours has.
    #[error("it has an entry with a name that it may not have")]
    Name,
}

impl Archive {
    /// Adds one entry.
    pub(super) fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((name.into(), bytes.into()));
    }

    /// One entry's content.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, bytes)| bytes.as_slice())
    }

    /// The same archive with one entry's content changed: what a test does to it, and a forger.
    #[must_use]
    pub fn with(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut changed = self.clone();
        if let Some((_, content)) = changed.0.iter_mut().find(|(known, _)| known == name) {
            change(content);
        }
        changed
    }

    /// The names, in the order of the archive.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// What the signature is over: everything but itself and the list of files.
    pub(super) fn signed_parts(&self) -> Vec<asic::Part<'_>> {
        let mut parts: Vec<_> = self
            .0
            .iter()
            .filter(|(name, _)| name != asic::SIGNATURES && name != asic::LIST)
            .map(|(name, bytes)| asic::Part { name, bytes })
            .collect();
        parts.sort_by_key(|part| part.name);
        parts
    }

    /// The file: `mimetype` first and stored, as every entry is.
    pub(super) fn bytes(&self) -> zip::result::ZipResult<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        // the same content gives the same file: no time of this machine stands in it
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default());
        writer.start_file(MIMETYPE, options)?;
        writer.write_all(asic::CONTAINER.as_bytes())?;
        for (name, bytes) in &self.0 {
            writer.start_file(name.as_str(), options)?;
            writer.write_all(bytes)?;
        }
        Ok(writer.finish()?.into_inner())
    }
}

/// Takes a container apart.
///
/// # Errors
/// [`ReadError`]; a file of another program is refused as one of a stranger.
pub fn read(bytes: &[u8]) -> Result<Archive, ReadError> {
    let mut zip = ZipArchive::new(Cursor::new(bytes))?;
    if zip.len() > ENTRIES_MAX {
        return Err(ReadError::TooMuch);
    }
    let mut archive = Archive::default();
    let mut left = BYTES_MAX;
    for index in 0..zip.len() {
        let entry = zip.by_index(index)?;
        let name = entry.name()?.into_owned();
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(ReadError::NoContainer);
        }
        let mut content = Vec::new();
        entry.take(left + 1).read_to_end(&mut content)?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or(ReadError::TooMuch)?;
        if index == 0 {
            if name != MIMETYPE || content != asic::CONTAINER.as_bytes() {
                return Err(ReadError::NoContainer);
            }
            continue;
        }
        if !is_name(&name) || archive.get(&name).is_some() {
            return Err(ReadError::Name);
        }
        archive.add(name, content);
    }
    Ok(archive)
}

/// Names of ours: letters, digits, `.`, `-`, and `/` between two of them.
fn is_name(name: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
    };
    name != MIMETYPE && name.len() <= 128 && name.split('/').all(fits)
}

const MIMETYPE: &str = "mimetype";
const ENTRIES_MAX: usize = 256;
const BYTES_MAX: u64 = 128 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Archive {
        let mut archive = Archive::default();
        archive.add("request.xml", b"<a/>".as_slice());
        archive.add("journal/proof.json", b"{}".as_slice());
        archive
    }

    #[test]
    fn an_archive_is_read_back_and_its_media_type_stands_first_and_stored() {
        let bytes = sample().bytes().unwrap();
        assert_eq!(read(&bytes).unwrap(), sample());
        assert_eq!(&bytes[30..38], b"mimetype");
        assert_eq!(
            &bytes[38..38 + asic::CONTAINER.len()],
            asic::CONTAINER.as_bytes()
        );
        assert_eq!(bytes, sample().bytes().unwrap(), "no time of the machine");
    }

    #[test]
    fn what_is_no_container_of_ours_is_refused() {
        let refused = |name: &str| {
            let mut archive = sample();
            archive.add(name, b"".as_slice());
            read(&archive.bytes().unwrap()).unwrap_err()
        };
        for name in [
            "../a",
            "/a",
            "a//b",
            ".hidden",
            "a\\b",
            "a b",
            "META-INF/..",
            "ệ",
        ] {
            assert!(matches!(refused(name), ReadError::Name), "{name}");
        }
        assert!(read(b"").is_err() && read(b"PK\x05\x06").is_err());
        let mut cut = sample().bytes().unwrap();
        cut.truncate(60);
        assert!(read(&cut).is_err());
        let mut many = Archive::default();
        for number in 0..=ENTRIES_MAX {
            many.add(format!("a{number}"), b"".as_slice());
        }
        assert!(matches!(
            read(&many.bytes().unwrap()),
            Err(ReadError::TooMuch)
        ));
    }
}
