//! One PKCS#11 library: initialised once per process, used by many threads, and started anew when what it
//! holds has gone stale.
//!
//! Signers share the library under a read lock. Starting anew takes the write lock, so nobody is inside,
//! and drops every session before it finalises: a handle of the old life never meets the new one.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};

use super::{KeyError, Pen};
use crate::digest;

/// A library is not started anew more often.
const RENEW_EVERY: Duration = Duration::from_millis(500);

/// C_Initialize is once per process and library, whoever asks.
static MODULES: LazyLock<Mutex<BTreeMap<PathBuf, Arc<Module>>>> = LazyLock::new(Mutex::default);

/// Why a try gave no signature.
pub(super) enum Trouble {
    /// Sessions, login, key or token are gone from this life of the library; a new one may find them.
    Lost(Life),
    /// Another try would end the same.
    Refused(KeyError),
}

impl From<Trouble> for KeyError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Lost(_) => Self::TokenGone,
            Trouble::Refused(error) => error,
        }
    }
}

/// Counts the starts of one library.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Life(u64);

pub(super) struct Module {
    path: PathBuf,
    state: RwLock<State>,
    /// What hides the PINs in `refused`.
    salt: [u8; 32],
    /// By token: the salted hash of the PIN that it has refused, and in which life.
    refused: Mutex<HashMap<String, ([u8; 32], Life)>>,
}

struct State {
    live: Option<Live>,
    life: u64,
    tried: Option<Instant>,
}

/// The library between its start and its end.
pub(super) struct Live {
    /// Dropped first: sessions close before the library ends.
    idle: Mutex<HashMap<[u8; 32], Vec<Pen>>>,
    context: Pkcs11,
    opening: Mutex<()>,
    life: Life,
}

impl Module {
    /// The one handle of this process on a library.
    pub(super) fn at(path: &Path) -> Arc<Self> {
        let mut modules = unpoisoned(MODULES.lock());
        let module = modules.entry(path.to_owned()).or_insert_with(|| {
            Arc::new(Self {
                path: path.to_owned(),
                state: RwLock::new(State {
                    live: None,
                    life: 0,
                    tried: None,
                }),
                salt: digest::random(),
                refused: Mutex::default(),
            })
        });
        Arc::clone(module)
    }

    /// Works inside the library as it is now.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Live) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match &state.live {
            Some(live) => work(live),
            None => Err(Trouble::Lost(Life(state.life))),
        }
    }

    /// Starts the library anew, unless somebody has since `seen`, or it was tried a moment ago.
    pub(super) fn renew(&self, seen: Life) -> Result<(), KeyError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.live.is_some() && Life(state.life) != seen {
            return Ok(());
        }
        if state
            .tried
            .is_some_and(|tried| tried.elapsed() < RENEW_EVERY)
        {
            return Err(match state.live {
                Some(_) => KeyError::TokenGone,
                None => KeyError::BadModule,
            });
        }
        state.tried = Some(Instant::now());
        if let Some(live) = state.live.take() {
            live.end();
        }
        state.life += 1;
        state.live = Some(Live::start(&self.path, Life(state.life))?);
        Ok(())
    }

    /// Whether this PIN may be shown to the token. The very one that it has refused may not; another may,
    /// but in a new life, since some libraries remember what PIN a token had when they started.
    pub(super) fn may_show(&self, live: &Live, token: &str, pin: &str) -> Result<(), Trouble> {
        match unpoisoned(self.refused.lock()).get(token) {
            Some((hidden, _)) if *hidden == self.hidden(pin) => {
                Err(Trouble::Refused(KeyError::PinRefused))
            }
            Some((_, life)) if *life == live.life => Err(live.lost()),
            _ => Ok(()),
        }
    }

    pub(super) fn refuse(&self, live: &Live, token: &str, pin: &str) {
        let refused = (self.hidden(pin), live.life);
        unpoisoned(self.refused.lock()).insert(token.to_owned(), refused);
    }

    pub(super) fn accept(&self, token: &str) {
        unpoisoned(self.refused.lock()).remove(token);
    }

    fn hidden(&self, pin: &str) -> [u8; 32] {
        digest::Sha256::new()
            .chain(&self.salt)
            .chain(pin.as_bytes())
            .finish()
    }
}

impl Live {
    fn start(path: &Path, life: Life) -> Result<Self, KeyError> {
        let context = Pkcs11::new(path).map_err(|_| KeyError::BadModule)?;
        match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // some libraries do not end: what they still know is told by the next try
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(_) => return Err(KeyError::BadModule),
        }
        Ok(Self {
            idle: Mutex::default(),
            context,
            opening: Mutex::default(),
            life,
        })
    }

    /// A library that fails to end is started all the same; that it had not ended is told there.
    fn end(self) {
        unpoisoned(self.idle.lock()).clear();
        let _ = self.context.finalize();
    }

    pub(super) fn context(&self) -> &Pkcs11 {
        &self.context
    }

    pub(super) fn opening(&self) -> MutexGuard<'_, ()> {
        unpoisoned(self.opening.lock())
    }

    pub(super) fn take(&self, shelf: &[u8; 32]) -> Option<Pen> {
        unpoisoned(self.idle.lock()).get_mut(shelf)?.pop()
    }

    pub(super) fn put(&self, shelf: [u8; 32], pen: Pen, most: usize) {
        let mut idle = unpoisoned(self.idle.lock());
        let pens = idle.entry(shelf).or_default();
        if pens.len() < most {
            pens.push(pen);
        }
    }

    pub(super) fn lost(&self) -> Trouble {
        Trouble::Lost(self.life)
    }

    pub(super) fn trouble(&self, error: &Error) -> Trouble {
        refusal(error).map_or_else(|| self.lost(), Trouble::Refused)
    }
}

/// What a return value means for the next try (PKCS#11 v3.1, 5.1); none where a new life may help.
fn refusal(error: &Error) -> Option<KeyError> {
    let Error::Pkcs11(returned, _) = error else {
        return Some(KeyError::BadModule);
    };
    match returned {
        RvError::SessionCount => Some(KeyError::NoSession),
        RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::KeyTypeInconsistent
        | RvError::KeyFunctionNotPermitted
        | RvError::KeySizeRange
        | RvError::DataLenRange => Some(KeyError::WrongAlgorithm),
        _ => None,
    }
}

pub(super) fn is_logged_in(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::UserAlreadyLoggedIn, _))
}

pub(super) fn is_pin_refused(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked
                | RvError::UserPinNotInitialized,
            _
        )
    )
}

/// Whether what was to be decrypted is not what was encrypted. SoftHSM has no word of its own for it.
pub(super) fn is_other(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange | RvError::GeneralError,
            _
        )
    )
}

/// Nothing that is guarded here is left half done by a panic.
fn unpoisoned<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    #[test]
    fn what_a_new_life_may_cure_is_told_from_what_it_cannot() {
        let told = |returned| refusal(&Error::Pkcs11(returned, Function::Sign));
        assert_eq!(told(RvError::SessionCount), Some(KeyError::NoSession));
        assert_eq!(
            told(RvError::MechanismInvalid),
            Some(KeyError::WrongAlgorithm)
        );
        for lost in [
            RvError::DeviceRemoved,
            RvError::TokenNotPresent,
            RvError::SessionHandleInvalid,
            RvError::UserNotLoggedIn,
            RvError::KeyHandleInvalid,
            RvError::CryptokiNotInitialized,
        ] {
            assert_eq!(told(lost), None);
        }
        assert_eq!(
            refusal(&Error::NullFunctionPointer),
            Some(KeyError::BadModule)
        );
        let locked = Error::Pkcs11(RvError::PinLocked, Function::Login);
        assert!(is_pin_refused(&locked) && !is_logged_in(&locked));
    }

    #[test]
    fn a_missing_library_is_told_and_tried_again() {
        let module = Module::at(Path::new("/nonexistent/of-this-test.so"));
        let Err(Trouble::Lost(seen)) = module.with(|_| Ok(())) else {
            panic!("nothing lives before the first start");
        };
        assert_eq!(module.renew(seen), Err(KeyError::BadModule));
        // at once it is not tried again, and the same is told
        assert_eq!(module.renew(seen), Err(KeyError::BadModule));
        assert!(Arc::ptr_eq(
            &module,
            &Module::at(Path::new("/nonexistent/of-this-test.so"))
        ));
    }
}
