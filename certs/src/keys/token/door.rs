//! The way to one object of one token: the slot, the login, the label.

use std::path::Path;
use std::sync::Arc;

use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::module::{self, Live, Module, Trouble};
use crate::keys::{KeyError, SecretPlace};

/// Where an object is; its `Debug` shows labels only.
pub(super) struct Door {
    module: Arc<Module>,
    pub(super) token: String,
    pub(super) label: String,
    pin: SecretPlace,
}

impl Door {
    pub(super) fn new(module: &Path, token: &str, label: &str, pin: &SecretPlace) -> Self {
        Self {
            module: Module::at(module),
            token: token.to_owned(),
            label: label.to_owned(),
            pin: pin.clone(),
        }
    }

    /// Works inside the library; what was lost is fetched anew once, and the second failure is told.
    pub(super) fn inside<T>(
        &self,
        work: impl Fn(&Live) -> Result<T, Trouble>,
    ) -> Result<T, KeyError> {
        let seen = match self.module.with(&work) {
            Err(Trouble::Lost(seen)) => seen,
            other => return other.map_err(KeyError::from),
        };
        self.module.renew(seen)?;
        self.module.with(&work).map_err(KeyError::from)
    }

    /// A session that is logged in; one that may write where something is to be made.
    pub(super) fn session(&self, live: &Live, writes: bool) -> Result<Session, Trouble> {
        let (context, slot) = (live.context(), self.slot(live)?);
        let session = match writes {
            true => context.open_rw_session(slot),
            false => context.open_ro_session(slot),
        };
        let session = session.map_err(|error| live.trouble(&error))?;
        self.log_in(live, &session)?;
        Ok(session)
    }

    /// The one object of this class with the label; none where there is none.
    pub(super) fn find(
        &self,
        live: &Live,
        session: &Session,
        class: ObjectClass,
    ) -> Result<Option<ObjectHandle>, Trouble> {
        let template = [
            Attribute::Class(class),
            Attribute::Label(self.label.as_bytes().to_vec()),
        ];
        let found = session
            .find_objects(&template)
            .map_err(|error| live.trouble(&error))?;
        match found.as_slice() {
            [] => Ok(None),
            [key] => Ok(Some(*key)),
            _ => Err(Trouble::Refused(KeyError::Ambiguous)),
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
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.token, self.label)
    }
}
