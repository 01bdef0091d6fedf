//! A private key that stays in its PKCS#11 token: the hash is made here, the signature there.
//!
//! Nothing of the token is touched before the first signature, so that a gateway starts and reloads while
//! its token is away. A token that has gone, or a module that has lost its sessions, is tried again whole,
//! at most every half second. A PIN that the token has refused is never shown to it again: tokens lock.

mod door;
mod lock;
mod module;
mod scheme;

use cryptoki::object::{ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::{Algorithm, KeyError, TokenStore, VerifyingKey};
use crate::digest;
use door::Door;
use module::{Live, Trouble};
use scheme::Scheme;

pub use lock::TokenLock;

/// What is signed to see that the token's key is the certificate's.
const PROBE: &[u8] = b"lienthong: the key of this certificate";

/// One key of one token; its `Debug` shows labels only.
pub(super) struct Token {
    door: Door,
    sessions: usize,
    algorithm: Algorithm,
    scheme: Scheme,
    public: VerifyingKey,
    /// Under which a session of this key waits in its module: other keys, other certificates, other places.
    shelf: [u8; 32],
}

/// A session that is logged in and has found its key.
struct Pen {
    session: Session,
    key: ObjectHandle,
}

impl Token {
    pub(super) fn new(store: &TokenStore, algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        let public = VerifyingKey::from_certificate_pem(&store.certificate_pem)?;
        let algorithm = algorithm.unwrap_or(public.kind().preferred());
        if algorithm.key_kind() != public.kind() {
            return Err(KeyError::WrongAlgorithm);
        }
        let shelf = digest::Sha256::new()
            .chain(store.token.as_bytes())
            .chain(&[0])
            .chain(store.label.as_bytes())
            .chain(&[0])
            .chain(public.spki())
            .chain(algorithm.jws_name().as_bytes())
            .finish();
        Ok(Self {
            door: Door::new(&store.module, &store.token, &store.label, &store.pin),
            sessions: store.sessions.max(1),
            algorithm,
            scheme: Scheme::of(algorithm).ok_or(KeyError::WrongAlgorithm)?,
            public,
            shelf,
        })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn spki(&self) -> &[u8] {
        self.public.spki()
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions
    }

    /// Signs; what was lost is fetched anew once, and the second failure is told.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let input = self.scheme.input(message);
        self.door.inside(|live| self.sign_in(live, &input))
    }

    fn sign_in(&self, live: &Live, input: &[u8]) -> Result<Vec<u8>, Trouble> {
        let pen = match live.take(&self.shelf) {
            Some(pen) => pen,
            None => self.pen(live)?,
        };
        // a session that failed is not put back: it closes
        let signature = self.write(live, &pen, input)?;
        live.put(self.shelf, pen, self.sessions);
        Ok(signature)
    }

    fn write(&self, live: &Live, pen: &Pen, input: &[u8]) -> Result<Vec<u8>, Trouble> {
        let signature = pen
            .session
            .sign(&self.scheme.mechanism(), pen.key, input)
            .map_err(|error| live.trouble(&error))?;
        match signature.len() {
            0 => Err(Trouble::Refused(KeyError::Failed)),
            _ => Ok(signature),
        }
    }

    /// Opens a session, logs in where nobody has, finds the key and sees that it is the right one.
    fn pen(&self, live: &Live) -> Result<Pen, Trouble> {
        // one at a time: two that log in with the same wrong PIN would be two tries
        let _alone = live.opening();
        let session = self.door.session(live, false)?;
        let key = self.door.find(live, &session, ObjectClass::PRIVATE_KEY)?;
        let key = key.ok_or_else(|| live.lost())?;
        let pen = Pen { session, key };
        let signature = self.write(live, &pen, &self.scheme.input(PROBE))?;
        match self.public.verify(self.algorithm, PROBE, &signature) {
            Ok(()) => Ok(pen),
            Err(_) => Err(Trouble::Refused(KeyError::OtherKey)),
        }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({:?}, REDACTED)", self.door)
    }
}
