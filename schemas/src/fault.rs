//! The closed list of faults: what went wrong, whose fault it is, whether a retry is safe, and
//! how each is said in HTTP, gRPC and to people.
//!
//! An error is raised beside its check as a small typed value; it becomes a [`Fault`] at the edge
//! of its room and an answer in exactly one place, the Face layer. One page per code stands in
//! `schemas/faults/`. The codes are our own profile; HTTP faces follow RFC 9457.

use std::time::Duration;

/// Who has to change something before the message can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The sender: the same message will fail again.
    Sender,
    /// This gateway.
    Us,
    /// The insurance database behind this gateway.
    Registry,
}

impl Blame {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Us => "gateway",
            Self::Registry => "registry",
        }
    }
}

/// What the sender may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Never with the same content: send a corrected message under a new id.
    Never,
    /// The same message under the same id, later; it is acted upon at most once.
    SameId,
    /// Ask again with the same id at once: the outcome exists or is being made.
    AskAgain,
}

impl Retry {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::SameId => "same-id",
            Self::AskAgain => "ask-again",
        }
    }
}

macro_rules! faults {
    ($($variant:ident = $code:literal, $http:literal, $grpc:literal, $blame:ident, $retry:ident,
       $room:literal, $en:literal, $vi:literal;)*) => {
        /// One way for a message to fail. Closed: a new one needs a page in `faults/`, a message
        /// that earns it and a row here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FaultCode {
            $(#[doc = $en] $variant,)*
        }

        impl FaultCode {
            /// Every code, in the order of the rooms.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The row of this code.
            #[must_use]
            pub fn row(self) -> &'static Row {
                match self {
                    $(Self::$variant => &Row {
                        code: $code, http: $http, grpc: $grpc, blame: Blame::$blame,
                        retry: Retry::$retry, room: $room, en: $en, vi: $vi,
                    },)*
                }
            }

            /// The code that is written like this on the wire, if there is one.
            #[must_use]
            pub fn from_wire(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

/// The faces of one fault code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The word on the wire, `UPPER-KEBAB`.
    pub code: &'static str,
    /// HTTP status.
    pub http: u16,
    /// gRPC status number.
    pub grpc: i32,
    /// Who must change something.
    pub blame: Blame,
    /// What the sender may do.
    pub retry: Retry,
    /// The room that refuses with it.
    pub room: &'static str,
    /// One English sentence, no data in it.
    pub en: &'static str,
    /// The same sentence in Vietnamese.
    pub vi: &'static str,
}

faults! {
    UnknownRoute = "UNKNOWN-ROUTE", 404, 12, Sender, Never, "admit",
        "There is no such service here.", "Không có dịch vụ này.";
    Framing = "FRAMING", 400, 3, Sender, Never, "admit",
        "The HTTP request is ambiguous or breaks a framing rule.", "Yêu cầu HTTP không rõ ràng hoặc sai quy tắc đóng khung.";
    Overloaded = "OVERLOADED", 503, 14, Us, SameId, "admit",
        "The gateway is over its capacity; send the same message again later.", "Cổng đang quá tải; xin gửi lại đúng thông điệp này sau.";
    RateLimited = "RATE-LIMITED", 429, 8, Sender, SameId, "admit, permit",
        "The agreed number of messages per time is used up.", "Đã vượt số thông điệp được phép trong một khoảng thời gian.";
    Draining = "DRAINING", 503, 14, Us, SameId, "admit",
        "This gateway is shutting down; send the same message again.", "Cổng đang dừng để bảo trì; xin gửi lại đúng thông điệp này.";
    OutOfOrder = "OUT-OF-ORDER", 409, 9, Sender, SameId, "receive",
        "What has to come before this has not come; send that first, then the same again.", "Chưa nhận được phần phải đến trước; xin gửi phần đó rồi gửi lại đúng phần này.";
    UnsupportedMediaType = "UNSUPPORTED-MEDIA-TYPE", 415, 3, Sender, Never, "receive",
        "The media type or content coding is not accepted on this route.", "Kiểu nội dung hoặc cách mã hoá nội dung không được chấp nhận.";
    Malformed = "MALFORMED", 400, 3, Sender, Never, "receive",
        "The message is not well formed.", "Thông điệp sai cú pháp.";
    TooLarge = "TOO-LARGE", 413, 11, Sender, Never, "receive",
        "The message is larger or deeper than the limit.", "Thông điệp vượt giới hạn về kích thước hoặc độ sâu.";
    TooSlow = "TOO-SLOW", 408, 4, Sender, SameId, "receive",
        "The message did not arrive within its time.", "Thông điệp không đến đủ trong thời hạn.";
    Unauthenticated = "UNAUTHENTICATED", 401, 16, Sender, Never, "verify",
        "The connection may not carry messages of this sender.", "Kết nối này không được phép chuyển thông điệp của bên gửi.";
    TokenRefused = "TOKEN-REFUSED", 401, 16, Sender, SameId, "verify",
        "The access token that this partner must show is missing or refused; send the same message with a fresh one.", "Thiếu mã truy cập hoặc mã không hợp lệ; xin lấy mã mới và gửi lại đúng thông điệp này.";
    AuthorityUnavailable = "AUTHORITY-UNAVAILABLE", 503, 14, Us, SameId, "verify",
        "What another authority has to say first cannot be had now; send the same message again later.", "Chưa lấy được dữ liệu cần hỏi cơ quan khác; xin gửi lại đúng thông điệp này sau.";
    BadSignature = "BAD-SIGNATURE", 401, 16, Sender, Never, "verify",
        "The proof that this operation demands is missing or wrong.", "Chữ ký của thông điệp thiếu hoặc không hợp lệ.";
    WrongEnvironment = "WRONG-ENVIRONMENT", 403, 7, Sender, Never, "verify",
        "The message was made for another environment, receiver or direction.", "Thông điệp thuộc môi trường, bên nhận hoặc chiều khác.";
    Invalid = "INVALID", 422, 3, Sender, Never, "verify",
        "The message breaks a rule of its schema or of its fields.", "Nội dung thông điệp không hợp lệ.";
    Forbidden = "FORBIDDEN", 403, 7, Sender, Never, "permit",
        "No agreement in force allows this operation for this purpose.", "Không có thoả thuận còn hiệu lực cho phép thao tác này.";
    Conflict = "CONFLICT", 409, 6, Sender, Never, "record",
        "This message id was used before with other content.", "Mã thông điệp đã dùng cho nội dung khác.";
    Stale = "STALE", 422, 9, Sender, Never, "record",
        "The message is too old or its clock is ahead, and its id was not seen before.", "Thông điệp quá cũ hoặc sai giờ, và mã chưa từng được ghi nhận.";
    InProgress = "IN-PROGRESS", 409, 10, Us, AskAgain, "record",
        "The same message is being acted upon; ask again with the same id.", "Thông điệp này đang được xử lý; xin hỏi lại với cùng mã.";
    JournalUnavailable = "JOURNAL-UNAVAILABLE", 503, 14, Us, SameId, "record",
        "The journal cannot take the message, so nothing was done.", "Nhật ký không ghi được nên chưa có gì được thực hiện.";
    Recovering = "RECOVERING", 503, 14, Us, SameId, "record",
        "This gateway was put back from a backup and makes no changes yet; send the same message again later.", "Cổng vừa được khôi phục từ bản sao lưu và chưa nhận thay đổi; xin gửi lại đúng thông điệp này sau.";
    InsuranceUnavailable = "INSURANCE-UNAVAILABLE", 503, 14, Registry, SameId, "perform",
        "The insurance database did not answer; the outcome is unknown, ask again with the same id.", "Cơ sở dữ liệu bảo hiểm chưa trả lời; xin hỏi lại với cùng mã.";
    ScannerUnavailable = "SCANNER-UNAVAILABLE", 503, 14, Us, SameId, "perform",
        "What came cannot be searched for malware now, so it is not taken yet; send the same message again later.", "Chưa quét được mã độc nên chưa nhận tệp; xin gửi lại đúng thông điệp này sau.";
    DeadlineExceeded = "DEADLINE-EXCEEDED", 504, 4, Us, SameId, "perform",
        "The time for this message ran out; the outcome is unknown, ask again with the same id.", "Hết thời hạn xử lý; xin hỏi lại với cùng mã.";
    UnknownSubject = "UNKNOWN-SUBJECT", 422, 5, Sender, Never, "perform",
        "The insurance database knows no such person, card, employer or case.", "Cơ sở dữ liệu bảo hiểm không có đối tượng này.";
    AmbiguousSubject = "AMBIGUOUS-SUBJECT", 422, 9, Sender, Never, "perform",
        "More than one record fits; a person has to decide.", "Có nhiều bản ghi phù hợp; cần cán bộ xem xét.";
    RuleRefused = "RULE-REFUSED", 422, 9, Sender, Never, "perform",
        "A rule of the insurance database does not allow this change.", "Quy tắc nghiệp vụ không cho phép thay đổi này.";
    SigningUnavailable = "SIGNING-UNAVAILABLE", 503, 14, Us, SameId, "answer",
        "The gateway cannot sign its answer now; send the same message again later.", "Cổng chưa ký được câu trả lời; xin gửi lại đúng thông điệp này sau.";
    Internal = "INTERNAL", 500, 13, Us, SameId, "any",
        "The gateway failed; the message may be sent again with the same id.", "Cổng gặp lỗi; có thể gửi lại với cùng mã.";
}

/// One fault on its way to an answer: the code for the caller, a reason for both, a note for the log.
///
/// `reason` is a stable word such as `duplicate-id`; it may leave. `log` never leaves and holds no
/// personal data either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    code: FaultCode,
    reason: &'static str,
    field: Option<&'static str>,
    retry_after: Option<Duration>,
    log: Option<Box<str>>,
}

impl Fault {
    /// A fault with the stable word for what exactly was wrong.
    #[must_use]
    pub fn new(code: FaultCode, reason: &'static str) -> Self {
        Self {
            code,
            reason,
            field: None,
            retry_after: None,
            log: None,
        }
    }

    /// Names the wire field that is wrong (its name, never its value).
    #[must_use]
    pub fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Says when a retry may succeed.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds a note for our log only.
    #[must_use]
    pub fn log(mut self, note: impl Into<String>) -> Self {
        self.log = Some(note.into().into_boxed_str());
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> FaultCode {
        self.code
    }

    /// The stable word for what was wrong.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The wire field that was wrong.
    #[must_use]
    pub fn wrong_field(&self) -> Option<&'static str> {
        self.field
    }

    /// How long to wait before a retry.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The note for the log.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// True where the same message can never succeed: the refusal itself is the final outcome.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.code.row().retry == Retry::Never
    }
}

/// The fault as problem details (RFC 9457): `type`, `title`, `status`, `detail`, `code`, `reason`,
/// `field`, `blame`, `retry` and the evidence id as `instance`. The detail is Vietnamese, the title
/// English; neither holds data.
#[must_use]
pub fn problem(fault: &Fault, evidence: &str) -> Vec<u8> {
    let row = fault.code().row();
    let mut body = serde_json::json!({
        "type": format!("urn:vn:lienthong:fault:{}", row.code.to_ascii_lowercase()),
        "title": row.en,
        "status": row.http,
        "detail": row.vi,
        "instance": format!("urn:uuid:{evidence}"),
        "code": row.code,
        "reason": fault.reason(),
        "blame": row.blame.as_str(),
        "retry": row.retry.as_str(),
    });
    if let Some(field) = fault.wrong_field() {
        body["field"] = field.into();
    }
    body.to_string().into_bytes()
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.code.row().code, self.reason)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_from_the_wire() {
        for &code in FaultCode::ALL {
            assert_eq!(FaultCode::from_wire(code.row().code), Some(code));
        }
        assert_eq!(FaultCode::from_wire("NO-SUCH"), None);
    }

    #[test]
    fn a_fault_of_ours_is_never_blamed_on_the_sender_for_ever() {
        for code in FaultCode::ALL.iter().map(|code| code.row()) {
            if code.blame != Blame::Sender {
                assert_ne!(code.retry, Retry::Never, "{}", code.code);
            }
        }
    }
}
