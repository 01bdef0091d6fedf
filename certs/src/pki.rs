//! A development PKI: root, issuing authority, certificates and revocation lists for the sandbox and tests.
//!
//! It exists so that nobody is tempted to switch certificate checks off. Production keys come from the
//! state's authorities; nothing here is read there.

mod development;
mod files;
mod issue;

pub use development::is_development;
pub use files::{read_or_issue, write_private, write_public};
pub use issue::{Authority, IssueParams, Issued, KeyChoice, Usage};

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
            Self::Incomplete(..) => "pki-incomplete",
        }
    }
}
