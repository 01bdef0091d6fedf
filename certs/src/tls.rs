//! Mutual TLS: who the peer's certificate says it is, and every reason to hang up.
//!
//! TLS 1.3 (1.2 with AEAD suites by choice), client certificates required, no tickets, no resumption and
//! no early data: a revoked certificate must not come back through a side door. It knows certificates;
//! which partner one belongs to is decided by its callers.

mod acceptor;
mod connector;
mod error;
mod identity;
mod judged;
mod peer;
mod policy;
#[cfg(feature = "postgres")]
mod postgres;
mod standing;

pub use acceptor::{Accepted, Acceptor, ServerParams, ServerStream};
pub use connector::{ClientParams, Connected, Connector};
pub use error::{HandshakeError, TlsConfigError};
pub use identity::{Anchors, Identity, RevocationList, first_certificate};
pub use judged::Judged;
pub use peer::{Alpn, PeerCertificate};
#[cfg(feature = "postgres")]
pub use postgres::PostgresTls;
pub use standing::ClientStream;
