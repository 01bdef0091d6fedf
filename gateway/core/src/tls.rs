//! The client's side of TLS, as the certs package does it, for the packages that may not import certs.

#[cfg(feature = "postgres")]
pub use certs::tls::PostgresTls;
pub use certs::tls::{ClientStream, Connector};
