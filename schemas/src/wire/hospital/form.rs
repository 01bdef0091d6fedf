//! The form of `guiGiayToDienTu` and `GuiHoSoChungTu2025`.

use crate::wire::object::wire_object;

wire_object! {
    /// One submission. Numbers are texts; the document stands in one of two members.
    pub struct Form as "guiGiayToDienTu" {
        /// The facility, 5 characters.
        facility: String = "maCskcb", Carried("RecordHospitalNoticesRequest.facility; the sender is the partner cskcb-<facility>");
        /// 60, 61 or 39.
        kind: String = "loaiHs", Carried("the operation");
        /// The signed document, base64.
        file: Option<String> = "fileBase64Str", Carried("the notices");
        /// The same, as some implementations call it.
        file_hs: Option<String> = "fileHsBase64", Carried("the notices where fileBase64Str is absent");
        /// Access token; in what is kept of the form its digest.
        token: Option<String> = "token", Carried("in the place of the signature where danger allows the sender a token; of others refused");
        /// Id token.
        id_token: Option<String> = "id_token", Carried("with token");
        /// User name.
        username: Option<String> = "username", NotCarried("beside a token dropped unread; alone refused");
        /// MD5 of the password.
        password: Option<String> = "password", NotCarried("beside a token dropped unread; alone refused");
    }
}

/// What kind of papers a form carries (`loaiHs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 60: a death notice, `HSDLGBT`.
    Death,
    /// 61: a birth notice, `HSDLGCS`.
    Birth,
    /// 39: a packet of papers, `HSCHUNGTU`.
    Packet,
}

impl Kind {
    /// Reads `loaiHs`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Death, Self::Birth, Self::Packet]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    /// `loaiHs`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Death => "60",
            Self::Birth => "61",
            Self::Packet => "39",
        }
    }

    /// The document's root.
    #[must_use]
    pub fn root(self) -> &'static str {
        match self {
            Self::Death => "HSDLGBT",
            Self::Birth => "HSDLGCS",
            Self::Packet => "HSCHUNGTU",
        }
    }

    /// The element that the unit signs.
    #[must_use]
    pub fn signed(self) -> &'static str {
        match self {
            Self::Death => super::DeathPaper::ROOT,
            Self::Birth => super::BirthPaper::ROOT,
            Self::Packet => super::Packet::ROOT,
        }
    }

    /// The element that holds the unit's signature, the last of the document.
    pub const SIGNATURE: &'static str = "CHUKYDONVI";
}
