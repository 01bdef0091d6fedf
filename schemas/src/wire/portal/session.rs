//! Login, the call that carries records, and the portal's answers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::wire::object::{Fate, Field, wire_object};

/// Path of the login below the adapter's address.
pub const LOGIN_PATH: &str = "/XrdAdapter/RestService/forward/mapi/login";

/// Path of every other call below the adapter's address. Own profile: only the login's path is public.
pub const CALL_PATH: &str = "/XrdAdapter/RestService/forward/mapi/g";

wire_object! {
    /// The login of a unit's account.
    pub struct Login as "login" {
        /// Account.
        username: String = "username", Carried("config");
        /// Secret.
        password: String = "password", Carried("config, from a file");
    }
}

/// The answer to a login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAnswer {
    /// 0 when it succeeded; written as a number, read as a number or its text.
    #[serde(deserialize_with = "number_or_text")]
    pub error_code: i64,
    /// The session, when it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl fmt::Debug for LoginAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginAnswer")
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

/// The services of the portal's adapter that this gateway calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// `DongBoHoSoMC`: the dossier as a whole.
    SyncDossier,
    /// `CapNhatTienDoHoSoMC`: steps of dossiers.
    UpdateProgress,
    /// `TraCuuHoSo`: what the portal holds. Own profile.
    LookUp,
    /// `ThongBaoCongDan`: what is otherwise now of a citizen. Own profile.
    NotifyCitizen,
}

impl Service {
    /// The service that is written like this on the wire, if there is one.
    pub fn from_wire(text: &str) -> Option<Self> {
        match text {
            "DongBoHoSoMC" => Some(Self::SyncDossier),
            "CapNhatTienDoHoSoMC" => Some(Self::UpdateProgress),
            "TraCuuHoSo" => Some(Self::LookUp),
            "ThongBaoCongDan" => Some(Self::NotifyCitizen),
            _ => None,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SyncDossier => "DongBoHoSoMC",
            Self::UpdateProgress => "CapNhatTienDoHoSoMC",
            Self::LookUp => "TraCuuHoSo",
            Self::NotifyCitizen => "ThongBaoCongDan",
        }
    }
}

/// One call: a session, a unit, a service and its records (`T`, or raw JSON).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push<T> {
    /// Session of the login.
    pub session: String,
    /// Unit that sends (`madonvi`).
    #[serde(rename = "madonvi")]
    pub unit: String,
    /// A [`Service`] by name.
    pub service: String,
    /// `"True"` or `"False"`; absent for progress.
    #[serde(
        rename = "isUpdating",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub is_updating: Option<String>,
    /// The records.
    pub data: Vec<T>,
}

impl<T> Push<T> {
    /// Every member on the wire and what becomes of it.
    pub const FIELDS: &'static [Field] = &[
        Field {
            object: "call",
            wire: "session",
            fate: Fate::Carried("answer of the login"),
        },
        Field {
            object: "call",
            wire: "madonvi",
            fate: Fate::Carried("config"),
        },
        Field {
            object: "call",
            wire: "service",
            fate: Fate::Carried("which record it is"),
        },
        Field {
            object: "call",
            wire: "isUpdating",
            fate: Fate::Carried("False for the first step, True later"),
        },
        Field {
            object: "call",
            wire: "data",
            fate: Fate::Carried("the records"),
        },
    ];
}

impl<T> fmt::Debug for Push<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push")
            .field("service", &self.service)
            .field("records", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// The answer to a call; `result` is whatever the service adds and is not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAnswer {
    /// 0 done, 3 or -3 with "đã tồn tại" known already; a number or its text.
    #[serde(deserialize_with = "number_or_text")]
    pub error_code: i64,
    /// In words, Vietnamese.
    #[serde(default)]
    pub message: Option<String>,
}

impl PushAnswer {
    /// Whether the records were taken.
    pub fn is_done(&self) -> bool {
        self.error_code == 0
    }

    /// Whether the portal says that the dossier exists already: send again with `isUpdating` "True".
    pub fn says_exists(&self) -> bool {
        matches!(self.error_code, 3 | -3) && self.says("đã tồn tại")
    }

    /// Whether the portal says that the records were received already: as good as done.
    pub fn says_received(&self) -> bool {
        self.says("đã được tiếp nhận")
    }

    /// Whether the portal no longer knows the session. Own profile: the code is not public, the words are.
    pub fn says_session_ended(&self) -> bool {
        !self.is_done() && SESSION_WORDS.iter().any(|words| self.says(words))
    }

    fn says(&self, words: &str) -> bool {
        use unicode_normalization::UnicodeNormalization as _;
        self.message.as_deref().is_some_and(|text| {
            text.to_lowercase()
                .nfc()
                .collect::<String>()
                .contains(words)
        })
    }
}

/// "phiên" alone would also be the version (phiên bản) of a record.
const SESSION_WORDS: [&str; 3] = ["session", "phiên làm việc", "phiên đăng nhập"];

/// Integrators have seen both `0` and `"0"`.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}
