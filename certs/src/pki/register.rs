//! What an authority has issued and taken back, in the file that `openssl ca` and `openssl ocsp` read.
//!
//! One line a certificate, parted by tabs: V or R, end, revocation, serial in hex, `unknown`, subject.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{PkiError, files, write_public};

/// One certificate in the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its serial number.
    pub serial: Vec<u8>,
    /// When it ends.
    pub ends: Timestamp,
    /// When it was revoked, where it was.
    pub revoked_at: Option<Timestamp>,
    /// Its common name.
    pub name: String,
}

/// All of them, in the order of issue.
#[derive(Clone, Debug)]
pub struct Register {
    file: PathBuf,
    entries: Vec<Entry>,
}

impl Register {
    /// Reads the register; a file that is not there is an empty one.
    pub fn open(file: &Path) -> Result<Self, PkiError> {
        let text = if file.exists() {
            files::read(file)?
        } else {
            String::new()
        };
        let entry = |(index, line)| {
            read_line(line).ok_or_else(|| PkiError::Register(file.display().to_string(), index + 1))
        };
        let entries = text
            .lines()
            .enumerate()
            .map(entry)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            file: file.to_owned(),
            entries,
        })
    }

    /// Every certificate.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Notes a new certificate in the file.
    pub fn add(&mut self, entry: Entry) -> Result<(), PkiError> {
        self.entries.push(entry);
        self.write()
    }

    /// Notes a revocation in the file; twice is refused.
    pub fn revoke(&mut self, serial: &[u8], at: Timestamp) -> Result<(), PkiError> {
        let in_force = |entry: &&mut Entry| entry.serial == serial && entry.revoked_at.is_none();
        let entry = self.entries.iter_mut().find(in_force);
        let entry = entry.ok_or_else(|| PkiError::NoSuchSerial(hex::encode(serial)))?;
        entry.revoked_at = Some(at);
        self.write()
    }

    fn write(&self) -> Result<(), PkiError> {
        let text: String = self.entries.iter().map(line_of).collect();
        // openssl reads its settings beside the register
        let mut beside = self.file.clone().into_os_string();
        beside.push(".attr");
        write_public(Path::new(&beside), "unique_subject = no\n")?;
        write_public(&self.file, &text)
    }
}

fn line_of(entry: &Entry) -> String {
    let state = if entry.revoked_at.is_some() { 'R' } else { 'V' };
    let revoked = entry.revoked_at.map(instant).unwrap_or_default();
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_. :".contains(character);
    let name: String = entry.name.chars().filter(|c| plain(*c)).collect();
    let serial = hex::encode_upper(&entry.serial);
    format!(
        "{state}\t{}\t{revoked}\t{serial}\tunknown\t/CN={name}\n",
        instant(entry.ends)
    )
}

fn read_line(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [state, ends, revoked, serial, _, subject] = fields[..] else {
        return None;
    };
    let revoked = revoked.split(',').next().filter(|at| !at.is_empty());
    let revoked_at = match (state, revoked) {
        ("R", Some(at)) => Some(read_instant(at)?),
        ("V" | "E", None) => None,
        _ => return None,
    };
    Some(Entry {
        serial: hex::decode(serial).ok()?,
        ends: read_instant(ends)?,
        revoked_at,
        name: subject.rsplit("/CN=").next().unwrap_or_default().to_owned(),
    })
}

/// UTCTime until 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5).
fn instant(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    let form = if at.year() < 2050 {
        "%y%m%d%H%M%SZ"
    } else {
        "%Y%m%d%H%M%SZ"
    };
    at.strftime(form).to_string()
}

fn read_instant(text: &str) -> Option<Timestamp> {
    let full = if text.len() == 13 {
        format!("20{text}")
    } else {
        text.to_owned()
    };
    let read = DateTime::strptime("%Y%m%d%H%M%SZ", full).ok()?;
    Some(read.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_back_and_a_foreign_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index.txt");
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut register = Register::open(&file).unwrap();
        for (serial, ends) in [(vec![0x4a, 1], 1_900_000_000), (vec![0x4b], 2_900_000_000)] {
            let name = "Sở Y tế /CN=x\ty".to_owned();
            let entry = Entry {
                serial,
                ends: at(ends),
                revoked_at: None,
                name,
            };
            register.add(entry).unwrap();
        }
        register.revoke(&[0x4b], at(1_790_000_000)).unwrap();
        let again = Register::open(&file).unwrap();
        let kept: Vec<_> = again
            .entries()
            .iter()
            .map(|entry| (entry.ends, entry.revoked_at))
            .collect();
        assert_eq!(
            kept,
            [
                (at(1_900_000_000), None),
                (at(2_900_000_000), Some(at(1_790_000_000)))
            ]
        );
        assert!(again.entries()[0].name.starts_with("S "));
        let twice = register.revoke(&[0x4b], at(1_790_000_001)).unwrap_err();
        assert_eq!(twice.reason(), "pki-serial");
        std::fs::write(&file, "V\tx\n").unwrap();
        assert_eq!(Register::open(&file).unwrap_err().reason(), "pki-register");
    }
}
