//! Where a discrepancy stands, as types: a step that the ledger does not know cannot be written.

use std::marker::PhantomData;

use schemas::proto::insurance::DiscrepancyState as State;

/// The other side was told; it has not answered.
#[derive(Debug, Clone, Copy)]
pub struct Notified;
/// Looked at again, the sides agree.
#[derive(Debug, Clone, Copy)]
pub struct Matched;
/// Looked at again, they still differ.
#[derive(Debug, Clone, Copy)]
pub struct Mismatched;
/// A side says that it is otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Disputed;
/// Closed for good: agreed.
#[derive(Debug, Clone, Copy)]
pub struct Settled;
/// Closed for good: its term ended without agreement.
#[derive(Debug, Clone, Copy)]
pub struct Expired;

/// A discrepancy that stands in `S`, and the states it came through to get there since it was read.
///
/// It goes from state to state by the methods of the state that it stands in, and there are no others:
///
/// ```
/// use insurance::registry::ledger::Standing;
/// Standing::noted().mismatched().disputed().settled();
/// Standing::noted().matched().disputed().expired();
/// ```
///
/// Nothing is settled before it was looked at again:
///
/// ```compile_fail
/// use insurance::registry::ledger::Standing;
/// Standing::noted().settled();
/// ```
///
/// What matches does not expire, and what is closed is not opened:
///
/// ```compile_fail
/// use insurance::registry::ledger::Standing;
/// Standing::noted().matched().expired();
/// ```
///
/// ```compile_fail
/// use insurance::registry::ledger::Standing;
/// Standing::noted().mismatched().settled().disputed();
/// ```
#[derive(Debug, Clone)]
pub struct Standing<S> {
    steps: Vec<State>,
    stands: PhantomData<S>,
}

/// A state that a discrepancy can stand in.
trait Stands {
    const STATE: State;
}

macro_rules! states {
    ($($state:ident)*) => {$(
        impl Stands for $state {
            const STATE: State = State::$state;
        }
    )*};
}
states!(Notified Matched Mismatched Disputed Settled Expired);

impl<S> Standing<S> {
    /// As it was read: nothing has been done since.
    const fn read() -> Self {
        Self {
            steps: Vec::new(),
            stands: PhantomData,
        }
    }

    fn step<T: Stands>(mut self) -> Standing<T> {
        self.steps.push(T::STATE);
        Standing {
            steps: self.steps,
            stands: PhantomData,
        }
    }

    /// The states it came through, oldest first; the last is where it stands.
    pub(super) fn steps(self) -> Vec<State> {
        self.steps
    }
}

impl Standing<Notified> {
    /// A new discrepancy.
    #[must_use]
    pub fn noted() -> Self {
        Standing::<Notified>::read().step()
    }

    /// The sides agree.
    #[must_use]
    pub fn matched(self) -> Standing<Matched> {
        self.step()
    }

    /// They still differ.
    #[must_use]
    pub fn mismatched(self) -> Standing<Mismatched> {
        self.step()
    }

    /// Nobody answered within the term.
    #[must_use]
    pub fn expired(self) -> Standing<Expired> {
        self.step()
    }
}

impl Standing<Matched> {
    /// It was found again.
    #[must_use]
    pub fn mismatched(self) -> Standing<Mismatched> {
        self.step()
    }

    /// A side says that they do not agree.
    #[must_use]
    pub fn disputed(self) -> Standing<Disputed> {
        self.step()
    }

    /// Agreed.
    #[must_use]
    pub fn settled(self) -> Standing<Settled> {
        self.step()
    }
}

impl Standing<Mismatched> {
    /// The sides agree now.
    #[must_use]
    pub fn matched(self) -> Standing<Matched> {
        self.step()
    }

    /// A side says that it is otherwise.
    #[must_use]
    pub fn disputed(self) -> Standing<Disputed> {
        self.step()
    }

    /// Agreed on what is right.
    #[must_use]
    pub fn settled(self) -> Standing<Settled> {
        self.step()
    }

    /// The term ended.
    #[must_use]
    pub fn expired(self) -> Standing<Expired> {
        self.step()
    }
}

impl Standing<Disputed> {
    /// Agreed on what is right.
    #[must_use]
    pub fn settled(self) -> Standing<Settled> {
        self.step()
    }

    /// The term ended.
    #[must_use]
    pub fn expired(self) -> Standing<Expired> {
        self.step()
    }
}

/// A discrepancy as it was read, in whichever state.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    Notified(Standing<Notified>),
    Matched(Standing<Matched>),
    Mismatched(Standing<Mismatched>),
    Disputed(Standing<Disputed>),
    /// Settled or expired: there is nothing it can do.
    Closed,
}

impl Stored {
    /// The state with this number on disk.
    pub(super) fn of(code: i32) -> Option<Self> {
        Some(match State::try_from(code).ok()? {
            State::Unspecified => return None,
            State::Notified => Self::Notified(Standing::read()),
            State::Matched => Self::Matched(Standing::read()),
            State::Mismatched => Self::Mismatched(Standing::read()),
            State::Disputed => Self::Disputed(Standing::read()),
            State::Settled | State::Expired => Self::Closed,
        })
    }

    /// A side says that it is otherwise; none where it cannot any more.
    ///
    /// Whoever disputes what it was just notified of has looked at it and differs.
    pub(super) fn dispute(self) -> Option<Standing<Disputed>> {
        match self {
            Self::Notified(notified) => Some(notified.mismatched().disputed()),
            Self::Matched(matched) => Some(matched.disputed()),
            Self::Mismatched(mismatched) => Some(mismatched.disputed()),
            Self::Disputed(_) | Self::Closed => None,
        }
    }

    /// An officer closes it; none where nobody has looked at it, or it is closed.
    pub(super) fn settle(self) -> Option<Standing<Settled>> {
        match self {
            Self::Matched(matched) => Some(matched.settled()),
            Self::Mismatched(mismatched) => Some(mismatched.settled()),
            Self::Disputed(disputed) => Some(disputed.settled()),
            Self::Notified(_) | Self::Closed => None,
        }
    }

    /// The sides agree now: what was disputed is settled by that.
    pub(super) fn agree(self) -> Vec<State> {
        match self {
            Self::Notified(notified) => notified.matched().steps(),
            Self::Mismatched(mismatched) => mismatched.matched().steps(),
            Self::Disputed(disputed) => disputed.settled().steps(),
            Self::Matched(_) | Self::Closed => Vec::new(),
        }
    }

    /// They still differ.
    pub(super) fn differ(self) -> Vec<State> {
        match self {
            Self::Notified(notified) => notified.mismatched().steps(),
            Self::Matched(matched) => matched.mismatched().steps(),
            Self::Mismatched(_) | Self::Disputed(_) | Self::Closed => Vec::new(),
        }
    }

    /// The term has ended: nobody objected to what matches, and of the rest nobody agreed.
    pub(super) fn end(self) -> Vec<State> {
        match self {
            Self::Notified(notified) => notified.expired().steps(),
            Self::Matched(matched) => matched.settled().steps(),
            Self::Mismatched(mismatched) => mismatched.expired().steps(),
            Self::Disputed(disputed) => disputed.expired().steps(),
            Self::Closed => Vec::new(),
        }
    }
}
