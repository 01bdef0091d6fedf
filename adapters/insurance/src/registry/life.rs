//! The life of a dossier: ten states, and between them only the steps of one table.
//!
//! A dossier is held as a value of its state's type, which its next step consumes; a step that the table does
//! not have does not compile. The codes are TrangThaiHoSo of the portal; which may follow which is in no
//! public text, so the table is our own profile.
//!
//! ```text
//! 1 registered     -> 2 received, 3 not received, 7 withdrawn
//! 2 received       -> 4 in work, 7 withdrawn, 8 stopped
//! 4 in work        -> 5 supplement asked, 6 payment asked, 7 withdrawn, 8 stopped, 9 done
//! 5 supplement     -> 4 in work, 7 withdrawn, 8 stopped
//! 6 payment        -> 4 in work, 7 withdrawn, 8 stopped
//! 9 done           -> 10 handed out
//! ```

use std::marker::PhantomData;

use jiff::{SignedDuration, Timestamp};

use super::{Error, Tx, dossiers, facts, requests, steps};
use crate::sql::values;

/// One state.
pub(super) trait State {
    /// Its TrangThaiHoSo.
    const CODE: u32;
}

/// A step that the table has.
pub(super) trait Step<Next: State>: State {}

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $code:literal => [$($next:ident),*];)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(super) enum $name {}

            impl State for $name {
                const CODE: u32 = $code;
            }

            $(impl Step<$next> for $name {})*
        )*

        /// A dossier in whichever state it stands.
        #[derive(Debug)]
        pub(super) enum Standing {
            $($(#[$doc])* $name(At<$name>),)*
        }

        impl Standing {
            fn of(state: u32, held: Held) -> Option<Self> {
                match state {
                    $($code => Some(Self::$name(At::new(held))),)*
                    _ => None,
                }
            }

            /// Its TrangThaiHoSo.
            pub(super) fn code(&self) -> u32 {
                match self {
                    $(Self::$name(at) => at.code(),)*
                }
            }

            /// How many steps it has taken.
            pub(super) fn step(&self) -> u32 {
                match self {
                    $(Self::$name(at) => at.held.step,)*
                }
            }
        }

        /// The table, for those who ask by number.
        #[cfg(test)]
        const TABLE: &[(u32, &[u32])] = &[$(($code, &[$(<$next as State>::CODE),*])),*];
    };
}

states! {
    /// It has come in.
    Registered = 1 => [Received, NotReceived, Withdrawn];
    /// It was taken in.
    Received = 2 => [InWork, Withdrawn, Stopped];
    /// It was not taken in: the end.
    NotReceived = 3 => [];
    /// Somebody works on it.
    InWork = 4 => [Supplement, Payment, Withdrawn, Stopped, Done];
    /// Papers are missing.
    Supplement = 5 => [InWork, Withdrawn, Stopped];
    /// Something has to be paid.
    Payment = 6 => [InWork, Withdrawn, Stopped];
    /// The applicant took it back: the end.
    Withdrawn = 7 => [];
    /// It cannot go on: the end.
    Stopped = 8 => [];
    /// It was decided.
    Done = 9 => [HandedOut];
    /// The result was handed out: the end.
    HandedOut = 10 => [];
}

/// What a step needs of a dossier, whatever its state.
#[derive(Debug)]
struct Held {
    code: String,
    procedure: String,
    person: i64,
    card_number: String,
    card_serial: Option<u32>,
    step: u32,
    /// When it took its last step.
    stepped_at: Timestamp,
}

impl Held {
    /// The time of its next step: never before the last one. A state that comes back is told apart from what it was
    /// by its second alone (CapNhatTienDoHoSoMC has no number of a step), so a person's word has one of its own.
    fn next_at(&self, now: Timestamp, by: &By<'_>) -> Timestamp {
        let apart = SignedDuration::from_secs(i64::from(!by.officer.is_empty()));
        let earliest = self.stepped_at.saturating_add(apart);
        earliest.map_or(now, |earliest| earliest.max(now))
    }
}

/// Who takes a step, and what is said of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    /// Why it ends, where it does.
    pub(super) reason: &'a str,
    /// In whose name; empty: the registry's own.
    pub(super) officer: &'a str,
    /// What the applicant is told; empty: the state in words.
    pub(super) text: &'a str,
    /// SI numbers of those of whom the text tells a group that the state supports.
    pub(super) supported: &'a [String],
}

/// A dossier in the state `S`. Made by [`open`] and by a step alone.
#[derive(Debug)]
pub(super) struct At<S> {
    held: Held,
    state: PhantomData<S>,
}

impl<S: State> At<S> {
    fn new(held: Held) -> Self {
        Self {
            held,
            state: PhantomData,
        }
    }

    fn code(&self) -> u32 {
        S::CODE
    }

    /// Its own code.
    pub(super) fn code_of(&self) -> &str {
        &self.held.code
    }

    /// The person whom it is about.
    pub(super) fn person(&self) -> i64 {
        self.held.person
    }

    /// The code of its procedure.
    pub(super) fn procedure(&self) -> &str {
        &self.held.procedure
    }

    /// The card that it is about.
    pub(super) fn card_number(&self) -> &str {
        &self.held.card_number
    }

    /// With the card that came of it.
    pub(super) fn with_card(mut self, serial: u32) -> Self {
        self.held.card_serial = Some(serial);
        self
    }

    /// Takes one step of the table by a rule, for a reason where it has one, and tells it.
    pub(super) fn go<Next: State>(self, tx: &Tx<'_>, reason: &str) -> Result<At<Next>, Error>
    where
        S: Step<Next>,
    {
        let by = By {
            reason,
            officer: "",
            text: "",
            supported: &[],
        };
        self.go_by(tx, &by)
    }

    /// Takes one step of the table in somebody's name, and tells it.
    pub(super) fn go_by<Next: State>(self, tx: &Tx<'_>, by: &By<'_>) -> Result<At<Next>, Error>
    where
        S: Step<Next>,
    {
        let Held { code, step, .. } = &self.held;
        let (step, stepped_at) = (step + 1, self.held.next_at(tx.now, by));
        let moved = tx.sql.execute(
            "UPDATE dossiers SET state = ?2, step = ?3, card_serial = ?4, updated_at = ?5, reason = ?6, awaits = 0
             WHERE code = ?1 AND state = ?7",
            values![
                code,
                Next::CODE,
                step,
                self.held.card_serial,
                facts::instant(stepped_at),
                by.reason,
                S::CODE
            ],
        )?;
        if moved != 1 {
            return Err(Error::Corrupt("a dossier that moved under its step"));
        }
        let told = dossiers::by_code(tx.sql, code)?;
        let told = told.ok_or(Error::Corrupt("a dossier just written"))?;
        steps::tell_by(tx, &told, step, by)?;
        requests::stepped(tx, code, &self.held.procedure, (S::CODE, Next::CODE))?;
        Ok(At::new(Held {
            step,
            stepped_at,
            ..self.held
        }))
    }
}

impl<S: State> At<S> {
    /// Leaves it to a person: it moves no more by itself.
    pub(super) fn await_person(&self, tx: &Tx<'_>) -> Result<(), Error> {
        tx.sql.execute(
            "UPDATE dossiers SET awaits = 1 WHERE code = ?1",
            values![self.held.code],
        )?;
        Ok(())
    }

    /// Says by when a supplement has to come; none where none is awaited.
    pub(super) fn supplement_until(
        &self,
        tx: &Tx<'_>,
        due: Option<Timestamp>,
    ) -> Result<(), Error> {
        tx.sql.execute(
            "UPDATE dossiers SET supplement_due = ?2 WHERE code = ?1",
            values![self.held.code, due.map(facts::instant)],
        )?;
        Ok(())
    }

    /// Says by when the result is due now.
    pub(super) fn due(&self, tx: &Tx<'_>, due: Timestamp) -> Result<(), Error> {
        tx.sql.execute(
            "UPDATE dossiers SET due_at = ?2 WHERE code = ?1",
            values![self.held.code, facts::instant(due)],
        )?;
        Ok(())
    }
}

/// The dossier of this code, in its state; none where there is no such dossier.
pub(super) fn open(tx: &Tx<'_>, code: &str) -> Result<Option<Standing>, Error> {
    let found: Option<(u32, String, Held)> = tx.sql.query_opt(
        "SELECT state, person, card_number, card_serial, step, procedure, updated_at FROM dossiers WHERE code = ?1",
        values![code],
        |row| {
            let held = Held {
                code: code.to_owned(),
                procedure: row.get(5)?,
                person: row.get(1)?,
                card_number: row.get(2)?,
                card_serial: row.get(3)?,
                step: row.get(4)?,
                stepped_at: Timestamp::UNIX_EPOCH,
            };
            Ok((row.get(0)?, row.get(6)?, held))
        },
    )?;
    let Some((state, stepped_at, held)) = found else {
        return Ok(None);
    };
    let stepped_at = stepped_at
        .parse()
        .map_err(|_| Error::Corrupt("the time of a dossier's step"))?;
    let held = Held { stepped_at, ..held };
    let standing = Standing::of(state, held).ok_or(Error::Corrupt("a dossier's state"))?;
    Ok(Some(standing))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use schemas::codes::dossier_statuses;

    use super::TABLE;

    #[test]
    fn the_ends_of_the_table_are_those_of_the_portal_and_no_step_goes_back_to_a_beginning() {
        let on = date(2026, 11, 22);
        for (state, next) in TABLE {
            let row = dossier_statuses::find(u8::try_from(*state).unwrap(), on).unwrap();
            assert_eq!(row.terminal, next.is_empty(), "{state}");
            assert!(!next.contains(&1) && !next.contains(state), "{state}");
        }
        assert_eq!(TABLE.len(), 10);
    }

    #[test]
    fn every_state_can_be_reached_and_leads_to_an_end() {
        let next = |state: u32| {
            let row = TABLE.iter().find(|(from, _)| *from == state);
            row.map_or(&[][..], |(_, next)| next)
        };
        let mut reached = vec![1];
        let mut at = 0;
        while let Some(state) = reached.get(at).copied() {
            let new: Vec<u32> = next(state)
                .iter()
                .copied()
                .filter(|to| !reached.contains(to))
                .collect();
            reached.extend(new);
            at += 1;
        }
        reached.sort_unstable();
        assert_eq!(reached, (1..=10).collect::<Vec<u32>>());
    }
}
