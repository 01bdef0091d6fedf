//! What comes back, and the legacy token.

use crate::fault::FaultCode;
use crate::wire::object::wire_object;

wire_object! {
    /// The answer to a submission; `dsTheTam` is own profile.
    pub struct Answer as "guiGiayToDienTu answer" {
        /// 200, or why not.
        code: String = "maKetQua", Carried("whether the notices are kept; else FaultCode");
        /// The gateway's name of the exchange; empty where there is none.
        transaction: String = "maGD", Carried("the evidence id");
        /// `yyyyMMddHHmmss` at +07:00; empty where nothing was taken.
        received_at: String = "thoiGianTiepNhan", Carried("when the answer was made");
        /// In Vietnamese; of a refusal field and reason.
        message: String = "message", Carried("what was done; else Fault text, field and reason");
        /// A row per notice of a birth, in the order of the notices.
        #[serde(default)]
        cards: Vec<GivenCard> = "dsTheTam", Carried("HospitalAnswer of births");
    }
}

wire_object! {
    /// What a birth notice came to (own profile).
    pub struct GivenCard as "dsTheTam" {
        /// The notice's code.
        notice: String = "maGCS", Carried("HospitalAnswer.code");
        /// Which child of several.
        paper: Option<String> = "maCT", Carried("HospitalAnswer.paper");
        /// 1 temporary card, 2 the child is known, 3 it may be known: a person looks, 4 too late for a card, 7 taken back, 8 taken
        /// back of a registered child, whose card stands: a person looks.
        outcome: String = "ketQua", Carried("HospitalAnswer.outcome");
        /// SI number.
        si_number: Option<String> = "maSoBHXH", Carried("HospitalAnswer.si_number");
        /// Card number.
        card: Option<String> = "maTheTam", Carried("HospitalAnswer.card.number");
        /// First day, `dd/MM/yyyy`.
        valid_from: Option<String> = "gtTheTu", Carried("HospitalAnswer.card.valid_from");
        /// Last day, `dd/MM/yyyy`.
        valid_to: Option<String> = "gtTheDen", Carried("HospitalAnswer.card.valid_to");
    }
}

/// `maKetQua`. 200, 205, 401, 500 and 1001 are PL02's; the others are our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultCode {
    /// Kept.
    Ok,
    /// The file is no base64.
    BadBase64,
    /// Who sends, or whose signature, is not believed, or may not.
    Unauthorised,
    /// The file is too long.
    TooLong,
    /// Own profile: refused for good; sending it again changes nothing.
    Refused,
    /// Own profile: another content came under this code before.
    Conflict,
    /// Own profile: too many at a time.
    Limited,
    /// The server's own trouble; the same again later.
    Server,
}

impl ResultCode {
    /// The code on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "200",
            Self::BadBase64 => "205",
            Self::Unauthorised => "401",
            Self::TooLong => "1001",
            Self::Refused => "422",
            Self::Conflict => "409",
            Self::Limited => "429",
            Self::Server => "500",
        }
    }

    /// The code of a fault.
    #[must_use]
    pub fn of(code: FaultCode, reason: &str) -> Self {
        match code {
            _ if reason == "bad-base64" => Self::BadBase64,
            FaultCode::TooLarge => Self::TooLong,
            FaultCode::Unauthenticated
            | FaultCode::BadSignature
            | FaultCode::TokenRefused
            | FaultCode::WrongEnvironment
            | FaultCode::Forbidden => Self::Unauthorised,
            FaultCode::Conflict => Self::Conflict,
            FaultCode::RateLimited | FaultCode::Overloaded => Self::Limited,
            FaultCode::Invalid
            | FaultCode::Malformed
            | FaultCode::RuleRefused
            | FaultCode::AmbiguousSubject
            | FaultCode::UnknownSubject
            | FaultCode::UnsupportedMediaType
            | FaultCode::UnknownRoute
            | FaultCode::Framing
            | FaultCode::Stale => Self::Refused,
            _ => Self::Server,
        }
    }
}

/// The legacy token of `POST /api/token/take`.
pub mod token {
    use crate::{fault::FaultCode, wire::object::wire_object};

    wire_object! {
        /// Who asks for a token.
        pub struct Ask as "token/take" {
            /// The facility's user name.
            username: String = "username", Carried("which partner's login, where danger allows it one");
            /// MD5 of the password, 32 hex digits.
            password: String = "password", Carried("held against the login's slow hash; never kept");
        }
    }

    wire_object! {
        /// What comes back.
        pub struct Given as "token/take answer" {
            /// 200, 401, 402, 403 or 500.
            code: String = "maKetQua", Carried("whether a token is given; else FaultCode");
            /// The key; absent in a refusal.
            key: Option<Key> = "APIKey", Carried("the token");
            /// Own profile: of a refusal why, with the reason word.
            message: Option<String> = "message", Carried("Fault text and reason");
        }
    }

    /// `maKetQua` of a refusal: 401 no such account or another password, 402 not this peer's, 403 locked or suspended, 500.
    #[must_use]
    pub fn code(fault: FaultCode, reason: &str) -> &'static str {
        match (fault, reason) {
            (_, "login-of-another") => "402",
            (_, "login-locked" | "login-suspended") => "403",
            (FaultCode::TokenRefused, _) => "401",
            (other, reason) => super::ResultCode::of(other, reason).as_str(),
        }
    }

    wire_object! {
        /// The key.
        pub struct Key as "APIKey" {
            /// Bearer of the submissions that follow.
            access_token: String = "access_token", Carried("32 random bytes");
            /// The second half of it.
            id_token: String = "id_token", Carried("32 random bytes; both are shown together");
            /// How it is shown.
            token_type: String = "token_type", Carried("bearer");
            /// The facility's user name.
            username: String = "username", Carried("as it was asked");
            /// Seconds.
            expires_in: String = "expires_in", Carried("how long the token is good for");
        }
    }
}
