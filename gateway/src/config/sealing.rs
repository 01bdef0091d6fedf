//! The file of the key that seals what is stored, and the token that locks it where one is named.

use std::sync::Arc;

use certs::{keys::TokenLock, seal::KeyFile};

use super::{Config, registry::Wrong, signing::secret};

/// The key file, behind its lock; nothing is read yet.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn key_file(config: &Config) -> Result<KeyFile, Wrong> {
    let file = KeyFile::at(&config.store.seal_key);
    Ok(match lock(config)? {
        Some(lock) => file.locked_by(Arc::new(lock)),
        None => file,
    })
}

/// The lock alone; none where the file stands open.
///
/// # Errors
/// As [`key_file`].
pub(crate) fn lock(config: &Config) -> Result<Option<TokenLock>, Wrong> {
    let Some(line) = &config.store.seal_token else {
        return Ok(None);
    };
    let pin = secret(
        "store.seal_token.pin_file",
        line.pin_file.as_ref(),
        line.pin_env.as_ref(),
    )?;
    let lock = TokenLock::new(&line.module, &line.token, &line.label, &pin);
    Ok(Some(lock))
}
