//! The portal's dossier table: which states came, in which order, and what was not allowed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::rows::{self, Rows, Tables};

/// Most violations that are kept.
const VIOLATIONS_MAX: usize = 1_000;

/// All dossiers that the gateway has told the portal about.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// By dossier code.
    pub(super) dossiers: Rows<Dossier>,
    /// What it was told of citizens, oldest first; each once.
    pub(super) citizens: Rows<BTreeMap<String, String>>,
    /// What the gateway said and should not have said, oldest first; never personal data.
    pub(super) violations: Rows<String>,
}

impl Tables for Table {
    fn tables(&mut self) -> Vec<(&'static str, &mut dyn rows::Table)> {
        vec![
            ("dossiers", &mut self.dossiers),
            ("citizens", &mut self.citizens),
            ("violations", &mut self.violations),
        ]
    }
}

/// One dossier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// Every step that was taken, in the order of arrival.
    pub steps: Vec<Step>,
    /// How many calls told nothing new.
    pub repeats: u32,
}

/// One step of a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// TrangThaiHoSo, 1–10.
    pub state: u8,
    /// When, `yyyyMMddHHmmss`, as told; empty where `DongBoHoSoMC` told it.
    pub at: String,
    /// The service that told it first.
    pub service: String,
}

impl Dossier {
    /// The states, in the order in which they were reached.
    pub fn states(&self) -> Vec<u8> {
        self.steps.iter().map(|step| step.state).collect()
    }

    fn state(&self) -> Option<u8> {
        self.steps.last().map(|step| step.state)
    }
}

/// What a step does to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The dossier moved.
    Moved,
    /// It was told before; nothing changed.
    Repeated,
}

/// Why a step is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The dossier is there already and the call does not say that it updates.
    Exists,
    /// There is no such dossier to update.
    Unknown,
    /// The state does not follow from the one before.
    Order,
    /// The step lies before the one before.
    Time,
}

impl Table {
    /// Tells the whole dossier (`DongBoHoSoMC`).
    pub(super) fn sync(&mut self, code: &str, state: u8, updating: bool) -> Result<Taken, Refused> {
        match (self.dossiers.get(code).is_some(), updating) {
            (true, false) => Err(Refused::Exists),
            (false, true) => {
                self.violate(format!(
                    "{code}: update of a dossier that was never created"
                ));
                Err(Refused::Unknown)
            }
            _ => self.step(
                code,
                Step {
                    state,
                    at: String::new(),
                    service: "DongBoHoSoMC".into(),
                },
            ),
        }
    }

    /// Tells one step (`CapNhatTienDoHoSoMC`).
    pub(super) fn progress(&mut self, code: &str, state: u8, at: &str) -> Result<Taken, Refused> {
        if self.dossiers.get(code).is_none() {
            self.violate(format!(
                "{code}: progress of a dossier that was never created"
            ));
            return Err(Refused::Unknown);
        }
        let service = "CapNhatTienDoHoSoMC".to_owned();
        self.step(
            code,
            Step {
                state,
                at: at.to_owned(),
                service,
            },
        )
    }

    /// Tells something of a citizen (`ThongBaoCongDan`).
    pub(super) fn citizen(&mut self, told: BTreeMap<String, String>) -> Result<Taken, Refused> {
        let same = |known: &&BTreeMap<String, String>| known["MaThongBao"] == told["MaThongBao"];
        if let Some(known) = self.citizens.all().values().find(same) {
            if *known == told {
                return Ok(Taken::Repeated);
            }
            self.violate(format!("{}: told otherwise again", told["MaThongBao"]));
            return Err(Refused::Order);
        }
        // whoever has another number by now is named by it
        let mut past = self.citizens.all().values().rev();
        let number = &told["SoDinhDanh"];
        let last = past.find_map(|known| {
            let new = known.get("SoDinhDanhMoi")?;
            (new == number || known["SoDinhDanh"] == *number).then_some(new == number)
        });
        if last == Some(false) {
            self.violate(format!("{}: by a past number", told["MaThongBao"]));
            return Err(Refused::Order);
        }
        self.citizens.push(told);
        Ok(Taken::Moved)
    }

    /// Loses a dossier's steps behind the first `keep`, and with none left the dossier.
    pub(super) fn forget(&mut self, code: &str, keep: usize) {
        if keep == 0 {
            self.dossiers.remove(code);
        } else if let Some(dossier) = self.dossiers.edit(code) {
            dossier.steps.truncate(keep);
        }
    }

    /// Notes something that the gateway should not have said.
    pub(super) fn violate(&mut self, what: String) {
        if self.violations.all().len() < VIOLATIONS_MAX {
            self.violations.push(what);
        }
    }

    fn step(&mut self, code: &str, step: Step) -> Result<Taken, Refused> {
        let mut dossier = self.dossiers.get(code).cloned().unwrap_or_default();
        // at least once is what a gateway can promise: telling a step again is no fault
        if dossier
            .steps
            .iter()
            .any(|known| known.state == step.state && same_time(known, &step))
        {
            dossier.repeats += 1;
            self.dossiers.put(code, dossier);
            return Ok(Taken::Repeated);
        }
        if !follows(dossier.state(), step.state) {
            self.violate(format!(
                "{code}: state {} after {:?}",
                step.state,
                dossier.states()
            ));
            return Err(Refused::Order);
        }
        let newest = dossier
            .steps
            .iter()
            .map(|known| known.at.as_str())
            .max()
            .unwrap_or_default();
        if !step.at.is_empty() && step.at.as_str() < newest {
            self.violate(format!(
                "{code}: state {} lies before the step before it",
                step.state
            ));
            return Err(Refused::Time);
        }
        dossier.steps.push(step);
        self.dossiers.put(code, dossier);
        Ok(Taken::Moved)
    }
}

/// Both services tell the same step, one of them without its time.
fn same_time(known: &Step, told: &Step) -> bool {
    known.at == told.at || known.at.is_empty() || told.at.is_empty()
}

/// The transition matrix of our own profile; 3, 7, 8 and 10 are the end.
fn follows(before: Option<u8>, state: u8) -> bool {
    let next: &[u8] = match before {
        None => &[1],
        Some(1) => &[2, 3, 7],
        Some(2) => &[4, 5, 6, 7, 8],
        Some(4) => &[5, 6, 7, 8, 9],
        Some(5 | 6) => &[4, 7, 8],
        Some(9) => &[10],
        _ => &[],
    };
    next.contains(&state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dossier_goes_through_its_states_in_order() {
        let mut table = Table::default();
        assert_eq!(table.sync("a", 1, false), Ok(Taken::Moved));
        for (state, at) in [
            (2, "20261122120000"),
            (4, "20261122120001"),
            (9, "20261122120001"),
            (10, "20261122120002"),
        ] {
            assert_eq!(table.progress("a", state, at), Ok(Taken::Moved), "{state}");
        }
        assert_eq!(table.dossiers.all()["a"].states(), [1, 2, 4, 9, 10]);
        assert!(table.violations.all().is_empty());
    }

    #[test]
    fn telling_a_step_again_changes_nothing_and_is_no_violation() {
        let mut table = Table::default();
        table.sync("a", 1, false).unwrap();
        table.progress("a", 2, "20261122120000").unwrap();
        assert_eq!(
            table.progress("a", 2, "20261122120000"),
            Ok(Taken::Repeated)
        );
        assert_eq!(table.sync("a", 2, true), Ok(Taken::Repeated));
        assert_eq!(
            (
                table.dossiers.all()["a"].states(),
                table.violations.all().len()
            ),
            (vec![1, 2], 0)
        );
    }

    #[test]
    fn a_citizen_is_told_of_once_and_by_the_number_they_have_now() {
        let mut table = Table::default();
        let told = |id: &str, number: &str, new: &str| -> BTreeMap<String, String> {
            let mut told = BTreeMap::from([
                ("MaThongBao".to_owned(), id.to_owned()),
                ("SoDinhDanh".to_owned(), number.to_owned()),
            ]);
            if !new.is_empty() {
                told.insert("SoDinhDanhMoi".to_owned(), new.to_owned());
            }
            told
        };
        assert_eq!(table.citizen(told("1", "a", "b")), Ok(Taken::Moved));
        assert_eq!(table.citizen(told("1", "a", "b")), Ok(Taken::Repeated));
        assert_eq!(table.citizen(told("2", "b", "")), Ok(Taken::Moved));
        assert_eq!(table.citizen(told("3", "c", "")), Ok(Taken::Moved));
        assert!(table.violations.all().is_empty());
        assert_eq!(table.citizen(told("4", "a", "")), Err(Refused::Order));
        assert_eq!(table.citizen(told("2", "b", "a")), Err(Refused::Order));
        // the first is theirs again
        assert_eq!(table.citizen(told("5", "b", "a")), Ok(Taken::Moved));
        assert_eq!(table.citizen(told("6", "a", "")), Ok(Taken::Moved));
        let kept = (table.citizens.all().len(), table.violations.all().len());
        assert_eq!(kept, (5, 2));
    }

    #[test]
    fn a_second_creation_is_told_as_existing() {
        let mut table = Table::default();
        table.sync("a", 1, false).unwrap();
        assert_eq!(table.sync("a", 1, false), Err(Refused::Exists));
        assert!(table.violations.all().is_empty());
    }

    #[test]
    fn illegal_orders_are_refused_and_recorded() {
        let mut table = Table::default();
        assert_eq!(
            table.progress("a", 2, "20261122120000"),
            Err(Refused::Unknown)
        );
        assert_eq!(table.sync("a", 2, true), Err(Refused::Unknown));
        assert_eq!(table.sync("a", 2, false), Err(Refused::Order));
        table.sync("a", 1, false).unwrap();
        assert_eq!(
            table.progress("a", 9, "20261122120000"),
            Err(Refused::Order)
        );
        table.progress("a", 2, "20261122120005").unwrap();
        assert_eq!(table.progress("a", 4, "20261122120004"), Err(Refused::Time));
        assert_eq!(table.violations.all().len(), 5);
        assert_eq!(table.dossiers.all()["a"].states(), [1, 2]);
    }

    #[test]
    fn nothing_follows_a_terminal_state() {
        for terminal in [3, 7, 8, 10] {
            assert!(
                (1..=10).all(|state| !follows(Some(terminal), state)),
                "{terminal}"
            );
        }
    }
}
