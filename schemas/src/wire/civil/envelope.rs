//! The envelope `NhanDKHT` and its answer.

use super::data::{self, DataError};
use super::{BirthForm, CorrectionForm, DeathForm, encode};
use crate::wire::object::wire_object;

wire_object! {
    /// A case handed on by the inter-linked public service software (DVCLT): the envelope `NhanDKHT`.
    ///
    /// The dedupe id is `<module>-<maHoSoLT>`: the inter-linked dossier code, not the one-stop's own.
    pub struct BirthMessage as "NhanDKHT" {
        /// Commune (5 digits) or, before 2025-07-01, district (3 digits) that registered the birth.
        unit: String = "maDonVi", NotCarried("repeats noiDangKy, with which it must agree");
        /// `LTKS` birth, `LTKT` death, `LTKH` marriage, `LTCC` correction.
        module: String = "module", Carried("operation and message id");
        /// Inter-linked dossier code (mã hồ sơ liên thông).
        case_id: String = "maHoSoLT", Carried("case_id of the request and message id");
        /// Dossier code of the one-stop system.
        one_stop_case_id: Option<String> = "maHoSoMCDT", NotCarried("the one-stop's own number; the journal keeps it");
        /// When the case was received, `dd/MM/yyyy HH:mm:ss` at +07:00.
        received_at: String = "ngayTiepNhan", Carried("received_at of the request");
        /// The form, result and insurance block as a JSON string, as an object, or as XML in a string.
        #[serde(deserialize_with = "data::text_or_object")]
        data: String = "data", Carried("the request, member by member");
        /// Attached papers.
        #[serde(default)]
        attachments: Vec<Attachment> = "fileDinhKem", Carried("Content of each file, by its SHA-256");
    }
}

impl BirthMessage {
    /// Reads the form inside `data`, as strictly as the envelope.
    pub fn form(&self) -> Result<BirthForm, DataError> {
        data::read(&self.data)
    }

    /// The same of a death.
    pub fn death(&self) -> Result<DeathForm, DataError> {
        data::read(&self.data)
    }

    /// The same of a correction.
    pub fn correction(&self) -> Result<CorrectionForm, DataError> {
        data::read(&self.data)
    }

    /// Puts a form into `data`.
    #[must_use]
    pub fn with_form<T: serde::Serialize>(mut self, form: &T) -> Self {
        self.data = String::from_utf8(encode(form)).expect("serde_json writes UTF-8");
        self
    }
}

wire_object! {
    /// One attached paper of a case.
    pub struct Attachment as "fileDinhKem" {
        /// Sender's id of the paper.
        id: Option<String> = "id", Carried("tepDaLuu.id of the answer");
        /// Kind of paper.
        kind: Option<String> = "loaiGiayTo", NotCarried("papers stay in the journal");
        /// Name of the paper.
        name: Option<String> = "tenGiayTo", NotCarried("papers stay in the journal");
        /// File name.
        file_name: Option<String> = "tenTepDinhKem", Carried("Content.kind; the name itself stays in the journal");
        /// 1 when the paper is withdrawn, else 0.
        withdrawn: Option<u8> = "huyGiayTo", NotCarried("papers stay in the journal");
        /// The file in base64.
        content: Option<String> = "duLieuTepDinhKem", Carried("Content.bytes");
    }
}

wire_object! {
    /// The answer to `NhanDKHT`.
    pub struct Receipt as "NhanDKHT answer" {
        /// [`STATUS_ACCEPTED`] or [`STATUS_REFUSED`].
        status: String = "status", Carried("whether the case is registered");
        /// What happened, in Vietnamese.
        status_description: String = "statusDescription", Carried("says 'đã được tiếp nhận' when registered");
        /// Fault code of our closed table; empty when accepted.
        error_code: String = "errorCode", Carried("FaultCode");
        /// Why, in Vietnamese; empty when accepted.
        error_description: String = "errorDescription", Carried("Fault text and field");
        /// The files of the case that are kept (own profile), in the order of `fileDinhKem`; absent where none is.
        #[serde(default)]
        files: Vec<KeptFile> = "tepDaLuu", Carried("Done.kept");
    }
}

wire_object! {
    /// A file of a case that is kept (own profile).
    pub struct KeptFile as "tepDaLuu" {
        /// Sender's id of the paper.
        id: Option<String> = "id", Carried("KeptPaper.id");
        /// SHA-256 of the file, 64 lower-case hexadecimal digits.
        sha256: String = "sha256", Carried("Kept.sha256");
        /// Its length in bytes.
        bytes: i64 = "dungLuong", Carried("Kept.bytes");
    }
}

/// `status` of an accepted case.
pub const STATUS_ACCEPTED: &str = "1";

/// `status` of a refused case.
pub const STATUS_REFUSED: &str = "0";

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Module {
    /// `LTKS`.
    Birth,
    /// `LTKT`.
    Death,
    /// `LTKH`.
    Marriage,
    /// `LTCC`, own profile.
    Correction,
}

impl Module {
    /// The module that is written like this on the wire, if there is one.
    pub fn from_wire(text: &str) -> Option<Self> {
        match text {
            "LTKS" => Some(Self::Birth),
            "LTKT" => Some(Self::Death),
            "LTKH" => Some(Self::Marriage),
            "LTCC" => Some(Self::Correction),
            _ => None,
        }
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Birth => "LTKS",
            Self::Death => "LTKT",
            Self::Marriage => "LTKH",
            Self::Correction => "LTCC",
        }
    }
}
