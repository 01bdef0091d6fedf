//! Sealing at rest and the signatures over evidence, as the certs package does them, for the packages that
//! may not import certs.

pub use certs::digest::{Sha256, sha256};
pub use certs::seal::{DataKey, KeyFile, SealError, Sealed, Vault, is_erased};
pub use certs::{evidence, merkle};
