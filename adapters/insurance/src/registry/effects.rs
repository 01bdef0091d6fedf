//! What a change did under its key: the change, its response and its change rows, committed together.

use certs::digest::Sha256;
use schemas::fault::FaultCode;
use schemas::proto::Message;
use schemas::proto::insurance::Context;

use super::{Desk, Error, Registry, Tx};
use crate::sql::values;

/// One change as it was asked for: the method, the caller's key and what was said, without the context.
pub(super) struct Asked {
    pub(super) method: &'static str,
    pub(super) key: [u8; 32],
    pub(super) facts: Vec<u8>,
}

impl Asked {
    /// Proves that the context of a change names its sender and carries a key of 32 bytes.
    pub(super) fn new(
        method: &'static str,
        context: &Context,
        facts: Vec<u8>,
    ) -> Result<Self, Error> {
        let key = <[u8; 32]>::try_from(context.key.as_slice())
            .map_err(|_| Error::refused(FaultCode::Invalid, "malformed-key", "context.key"))?;
        Ok(Self { method, key, facts })
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::new()
            .chain(self.method.as_bytes())
            .chain(&[0])
            .chain(&self.facts)
            .finish()
    }
}

impl Registry {
    /// Runs a change once: the same key gets the stored response, byte for byte, for ever.
    ///
    /// The key alone says that it is the same change: the caller makes it from the message's content. So
    /// what is asked may be worded otherwise the second time, as after an upgrade of the caller, and is
    /// still answered from what was done. A refusal changes nothing and is not stored: the same key
    /// asks again.
    pub(super) async fn effect<R: Message + Default + 'static>(
        &self,
        asked: Asked,
        change: impl FnOnce(&Tx<'_>, &[u8]) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let method = asked.method;
        self.write(Desk::Business, method, move |tx| {
            if let Some(stored) = stored(tx, &asked)? {
                return R::decode(stored.as_slice())
                    .map_err(|_| Error::Corrupt("a stored response"));
            }
            tx.key.set(Some(asked.key));
            let response = change(tx, &asked.facts)?;
            remember(tx, &asked, &response.encode_to_vec())?;
            Ok(response)
        })
        .await
    }
}

fn stored(tx: &Tx<'_>, asked: &Asked) -> Result<Option<Vec<u8>>, Error> {
    let found: Option<(String, Vec<u8>, Vec<u8>)> = tx.sql.query_opt(
        "SELECT method, request_digest, response FROM effects WHERE key = ?1",
        values![asked.key],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((method, digest, response)) = found else {
        return Ok(None);
    };
    if method != asked.method {
        // No refusal for good: whatever was done under the key, it was not this, and a person must look.
        return Err(Error::Corrupt("a key was used for another method"));
    }
    if digest != asked.digest() {
        let method = asked.method;
        tracing::error!(
            method,
            "a key came again with other facts; what was done is answered"
        );
    }
    Ok(Some(response))
}

fn remember(tx: &Tx<'_>, asked: &Asked, response: &[u8]) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO effects (key, method, request_digest, response, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![asked.key, asked.method, asked.digest(), response, tx.now.to_string()],
    )?;
    Ok(())
}
