//! Sealing at rest, as the certs package does it, for the packages that may not import certs.

pub use certs::digest::{Sha256, sha256};
pub use certs::seal::{SealError, Sealed, Vault};
