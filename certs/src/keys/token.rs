//! A private key that stays in its PKCS#11 token: the hash is made here, the signature there.
//!
//! Nothing of the token is touched before the first signature, so that a gateway starts and reloads while
//! its token is away. A token that has gone, or a module that has lost its sessions, is tried again whole,
//! at most every half second. A PIN that the token has refused is never shown to it again: tokens lock.

mod module;
mod scheme;

use std::sync::Arc;

use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::{Algorithm, KeyError, SecretPlace, TokenStore, VerifyingKey};
use crate::digest;
use module::{Live, Module, Trouble};
use scheme::Scheme;

/// What is signed to see that the token's key is the certificate's.
const PROBE: &[u8] = b"lienthong: the key of this certificate";

/// One key of one token; its `Debug` shows labels only.
pub(super) struct Token {
    module: Arc<Module>,
    token: String,
    label: String,
    pin: SecretPlace,
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
            module: Module::at(&store.module),
            token: store.token.clone(),
            label: store.label.clone(),
            pin: store.pin.clone(),
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
        let seen = match self.module.with(|live| self.sign_in(live, &input)) {
            Err(Trouble::Lost(seen)) => seen,
            other => return other.map_err(KeyError::from),
        };
        self.module.renew(seen)?;
        let again = self.module.with(|live| self.sign_in(live, &input));
        again.map_err(KeyError::from)
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
        let session = live
            .context()
            .open_ro_session(self.slot(live)?)
            .map_err(|error| live.trouble(&error))?;
        self.log_in(live, &session)?;
        let key = self.find(live, &session)?;
        let pen = Pen { session, key };
        let signature = self.write(live, &pen, &self.scheme.input(PROBE))?;
        match self.public.verify(self.algorithm, PROBE, &signature) {
            Ok(()) => Ok(pen),
            Err(_) => Err(Trouble::Refused(KeyError::OtherKey)),
        }
    }

    fn slot(&self, live: &Live) -> Result<Slot, Trouble> {
        let context = live.context();
        let slots = context
            .get_slots_with_token()
            .map_err(|error| live.trouble(&error))?;
        let is_ours = |slot: &Slot| {
            let info = context.get_token_info(*slot);
            info.is_ok_and(|info| info.label().trim_end() == self.token)
        };
        let mut ours = slots.into_iter().filter(is_ours);
        match (ours.next(), ours.next()) {
            (Some(slot), None) => Ok(slot),
            (None, _) => Err(live.lost()),
            (Some(_), Some(_)) => Err(Trouble::Refused(KeyError::Ambiguous)),
        }
    }

    fn log_in(&self, live: &Live, session: &Session) -> Result<(), Trouble> {
        let pin = self.pin.read().map_err(Trouble::Refused)?;
        self.module.may_show(live, &self.token, &pin)?;
        let shown = AuthPin::new(pin.as_str().into());
        match session.login(UserType::User, Some(&shown)) {
            Ok(()) => {
                self.module.accept(&self.token);
                Ok(())
            }
            Err(error) if module::is_logged_in(&error) => Ok(()),
            Err(error) if module::is_pin_refused(&error) => {
                self.module.refuse(live, &self.token, &pin);
                Err(Trouble::Refused(KeyError::PinRefused))
            }
            Err(error) => Err(live.trouble(&error)),
        }
    }

    fn find(&self, live: &Live, session: &Session) -> Result<ObjectHandle, Trouble> {
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Label(self.label.as_bytes().to_vec()),
        ];
        let found = session
            .find_objects(&template)
            .map_err(|error| live.trouble(&error))?;
        match found.as_slice() {
            [key] => Ok(*key),
            [] => Err(live.lost()),
            _ => Err(Trouble::Refused(KeyError::Ambiguous)),
        }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({}, {}, REDACTED)", self.token, self.label)
    }
}
