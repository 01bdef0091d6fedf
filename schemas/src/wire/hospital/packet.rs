//! The packet of papers `HSCHUNGTU` (Circular 25/2025): files in cases, each in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::paper::{self, PaperError};
use crate::wire::object::{Fate, Field};
use crate::xml::Reader;

/// What the unit signs of a packet.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Packet {
    /// The `Id` of the signed element.
    pub id: String,
    /// Its cases, each with its files.
    pub cases: Vec<Vec<PacketFile>>,
}

/// One file of a packet.
#[derive(Clone, PartialEq, Eq)]
pub struct PacketFile {
    /// `LOAIHOSO`: 60 or 61 are notices.
    pub kind: String,
    /// The paper itself: `GIAYBAOTU` or `GIAYCHUNGSINH`.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packet({} cases, ***)", self.cases.len())
    }
}

impl std::fmt::Debug for PacketFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PacketFile({}, ***)", self.kind)
    }
}

impl Packet {
    /// The element that is signed.
    pub const ROOT: &'static str = "THONGTINHOSO";
    /// The most files of one packet.
    pub const FILES_MAX: usize = 20;

    /// Reads the element, which must be all of `bytes`; the number that it tells must be that of its cases.
    ///
    /// # Errors
    /// An element that is missing, unknown or misplaced, a content that is no base64, or more files than there may be.
    pub fn read(bytes: &[u8]) -> Result<Self, PaperError> {
        let mut reader = Reader::open(bytes, "", &paper::LIMITS).map_err(|error| PaperError {
            field: Self::ROOT,
            reason: error.code(),
            is_limit: error.reason().is_limit(),
        })?;
        let packet = match Self::inside(&mut reader) {
            Ok(packet) => packet,
            Err(Broken::Read(error)) => return Err(PaperError::of(&reader, error)),
            Err(Broken::Paper(error)) => return Err(error),
        };
        reader
            .finish(Self::ROOT)
            .map_err(|error| PaperError::new(error.field, error.reason))?;
        Ok(packet)
    }

    fn inside(reader: &mut Reader<'_>) -> Result<Self, Broken> {
        let id = reader.enter_with(Self::ROOT, "Id")?.into_owned();
        reader.optional("NGAYLAP")?;
        let told = reader.text("SOLUONGHOSO")?;
        let mut cases: Vec<Vec<PacketFile>> = Vec::new();
        reader.enter("DANHSACHHOSO")?;
        while reader.comes("HOSO")? {
            reader.enter("HOSO")?;
            let mut files = Vec::new();
            while reader.comes("FILEHOSO")? {
                files.push(file(reader)?);
                let count: usize = cases.iter().map(Vec::len).sum::<usize>() + files.len();
                if count > Self::FILES_MAX {
                    return Err(PaperError::new("FILEHOSO", "too-many-files").into());
                }
            }
            reader.leave("HOSO")?;
            match files.is_empty() {
                true => return Err(PaperError::new("FILEHOSO", "element-missing").into()),
                false => cases.push(files),
            }
        }
        reader.leave("DANHSACHHOSO")?;
        reader.leave(Self::ROOT)?;
        match told.trim().parse() == Ok(cases.len()) && !cases.is_empty() {
            true => Ok(Self { id, cases }),
            false => Err(PaperError::new("SOLUONGHOSO", "count-differs").into()),
        }
    }

    /// Writes the element, exclusive-canonical.
    pub fn write(&self) -> Vec<u8> {
        use crate::xml::{Name, Writer};
        let name = |local| Name::plain("", local);
        let mut writer = Writer::new();
        writer.open(name(Self::ROOT), &[("Id", &self.id)]);
        writer.leaf(name("SOLUONGHOSO"), &self.cases.len().to_string());
        writer.open(name("DANHSACHHOSO"), &[]);
        for files in &self.cases {
            writer.open(name("HOSO"), &[]);
            for file in files {
                writer.open(name("FILEHOSO"), &[]);
                writer.leaf(name("LOAIHOSO"), &file.kind);
                writer.leaf(name("NOIDUNGFILE"), &STANDARD.encode(&file.content));
                writer.close();
            }
            writer.close();
        }
        writer.close();
        writer.close();
        writer.finish()
    }
}

fn file(reader: &mut Reader<'_>) -> Result<PacketFile, Broken> {
    reader.enter("FILEHOSO")?;
    let kind = reader.text("LOAIHOSO")?.trim().to_owned();
    let content = reader.text("NOIDUNGFILE")?;
    reader.leave("FILEHOSO")?;
    let content = STANDARD
        .decode(content.trim())
        .map_err(|_| PaperError::new("NOIDUNGFILE", "bad-base64"))?;
    match kind.len() <= KIND_CHARS_MAX {
        true => Ok(PacketFile { kind, content }),
        false => Err(PaperError::new("LOAIHOSO", "text-too-long").into()),
    }
}

/// Why a packet could not be read.
enum Broken {
    Read(crate::xml::ReadError),
    Paper(PaperError),
}

impl From<crate::xml::ReadError> for Broken {
    fn from(error: crate::xml::ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<PaperError> for Broken {
    fn from(error: PaperError) -> Self {
        Self::Paper(error)
    }
}

const KIND_CHARS_MAX: usize = 16;

const fn carried(object: &'static str, wire: &'static str, to: &'static str) -> Field {
    Field {
        object,
        wire,
        fate: Fate::Carried(to),
    }
}

const fn left(object: &'static str, wire: &'static str, why: &'static str) -> Field {
    Field {
        object,
        wire,
        fate: Fate::NotCarried(why),
    }
}

/// The three documents.
pub(super) const ROOTS: &[Field] = &[
    carried("HSDLGCS", "GIAYCHUNGSINH", "one notice"),
    left(
        "HSDLGCS",
        "CHUKYDONVI",
        "proves the notice; stays in the journal",
    ),
    carried("HSDLGBT", "GIAYBAOTU", "one notice"),
    left(
        "HSDLGBT",
        "CHUKYDONVI",
        "proves the notice; stays in the journal",
    ),
    left(
        "HSCHUNGTU",
        "THONGTINDONVI",
        "not signed: the form's maCskcb names the facility, and its key proves the packet",
    ),
    carried("HSCHUNGTU", "THONGTINHOSO", "the notices of the packet"),
    left(
        "HSCHUNGTU",
        "CHUKYDONVI",
        "proves the packet; stays in the journal",
    ),
    left(
        "THONGTINDONVI",
        "MACSKCB",
        "not signed: the form's maCskcb names the facility",
    ),
];

/// What stands in a packet.
pub(super) const FIELDS: &[Field] = &[
    left("THONGTINHOSO", "NGAYLAP", "the time of arrival counts"),
    left("THONGTINHOSO", "SOLUONGHOSO", "must be the number of cases"),
    carried(
        "THONGTINHOSO",
        "DANHSACHHOSO",
        "the notices, in their order",
    ),
    carried("DANHSACHHOSO", "HOSO", "the notices of one case"),
    carried("HOSO", "FILEHOSO", "one notice"),
    carried(
        "FILEHOSO",
        "LOAIHOSO",
        "whether it is a birth (61) or a death (60)",
    ),
    carried("FILEHOSO", "NOIDUNGFILE", "GIAYCHUNGSINH or GIAYBAOTU"),
];
