//! A secret key that stays in its token and locks what is kept outside: AES-256-GCM, made there.

use std::path::Path;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use zeroize::Zeroizing;

use super::door::Door;
use super::module::{Live, Trouble, is_other};
use crate::digest;
use crate::keys::{KeyError, KeyLock, SecretPlace};

const NONCE_BYTES: usize = 12;
const TAG_BITS: u64 = 128;
const KEY_BYTES: u64 = 32;

/// A secret key of a PKCS#11 token, found by its label; its `Debug` shows labels only.
#[derive(Debug)]
pub struct TokenLock(Door);

impl TokenLock {
    /// The key `label` of the token `token`; nothing of it is touched before it is used.
    pub fn new(module: &Path, token: &str, label: &str, pin: &SecretPlace) -> Self {
        Self(Door::new(module, token, label, pin))
    }

    /// Makes the key where the token has none: AES, 256 bits, never to leave it. True where it was made.
    ///
    /// # Errors
    /// [`KeyError`], also where the token makes no such keys.
    pub fn make_key(&self) -> Result<bool, KeyError> {
        self.0.inside(|live| {
            let _alone = live.opening();
            let session = self.0.session(live, true)?;
            let there = self.0.find(live, &session, ObjectClass::SECRET_KEY)?;
            if there.is_some() {
                return Ok(false);
            }
            let template = [
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
                Attribute::ValueLen(KEY_BYTES.into()),
                Attribute::Label(self.0.label.as_bytes().to_vec()),
            ];
            session
                .generate_key(&Mechanism::AesKeyGen, &template)
                .map_err(|error| live.trouble(&error))?;
            Ok(true)
        })
    }

    fn with_key<T>(
        &self,
        work: impl Fn(&Live, &Session, ObjectHandle) -> Result<T, Trouble>,
    ) -> Result<T, KeyError> {
        self.0.inside(|live| {
            let session = {
                let _alone = live.opening();
                self.0.session(live, false)?
            };
            let key = self.0.find(live, &session, ObjectClass::SECRET_KEY)?;
            work(live, &session, key.ok_or_else(|| live.lost())?)
        })
    }
}

impl KeyLock for TokenLock {
    fn lock(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let drawn: [u8; NONCE_BYTES] = digest::random();
        self.with_key(|live, session, key| {
            let mut nonce = drawn;
            let mechanism = gcm(&mut nonce, purpose)?;
            let locked = session
                .encrypt(&mechanism, key, plain)
                .map_err(|error| live.trouble(&error))?;
            drop(mechanism);
            // some tokens draw the nonce themselves and put it there (PKCS#11 v3.1, 6.13.4)
            Ok([nonce.as_slice(), &locked].concat())
        })
    }

    fn unlock(&self, purpose: &[u8], locked: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (nonce, locked) = locked
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(KeyError::OtherLock)?;
        self.with_key(|live, session, key| {
            let mut nonce = *nonce;
            let mechanism = gcm(&mut nonce, purpose)?;
            match session.decrypt(&mechanism, key, locked) {
                Ok(plain) => Ok(Zeroizing::new(plain)),
                Err(error) if is_other(&error) => Err(Trouble::Refused(KeyError::OtherLock)),
                Err(error) => Err(live.trouble(&error)),
            }
        })
    }
}

fn gcm<'a>(nonce: &'a mut [u8], purpose: &'a [u8]) -> Result<Mechanism<'a>, Trouble> {
    GcmParams::new(nonce, purpose, TAG_BITS.into())
        .map(Mechanism::AesGcm)
        .map_err(|_| Trouble::Refused(KeyError::WrongAlgorithm))
}
