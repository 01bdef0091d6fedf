//! A development PKI: root, issuing authority, certificates and revocation lists for the sandbox and tests.
//!
//! It exists so that nobody is tempted to switch certificate checks off. Production keys come from the
//! state's authorities; nothing here is read there.

mod development;
mod files;
mod inspect;
mod issue;
mod office;
mod register;
mod renew;

pub use development::is_development;
pub use files::{read_or_issue, write_private, write_public};
pub use inspect::{describe, first_end};
pub use issue::{Authority, IssueParams, Issued, KeyChoice, Usage, request};
pub use office::Office;
pub use register::{Entry, Register};

/// Why the development PKI could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(String, #[source] std::io::Error),
    /// A certificate, name or key could not be made.
    #[error("certificate authority: {0}")]
    Issue(String),
    /// A line of the register could not be read.
    #[error("{0}: line {1} is no entry of a register")]
    Register(String, usize),
    /// No certificate with this serial number was issued, or it is revoked already.
    #[error("no certificate in force has the serial number {0}")]
    NoSuchSerial(String),
    /// The folder holds a half-written authority.
    #[error("{0} is there but {1} is missing: remove the folder to start afresh")]
    Incomplete(String, String),
}

impl PkiError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::File(..) => "pki-file",
            Self::Issue(_) => "pki-issue",
            Self::Register(..) => "pki-register",
            Self::NoSuchSerial(_) => "pki-serial",
            Self::Incomplete(..) => "pki-incomplete",
        }
    }
}
