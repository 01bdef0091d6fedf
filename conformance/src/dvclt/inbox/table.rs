//! What each dossier was told, in order, and what was not allowed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::Status;

/// All dossiers that were told of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// By `<module>-<maHoSo>`.
    pub(super) dossiers: BTreeMap<String, Dossier>,
    /// What the gateway said and should not have said, oldest first; never personal data.
    pub(super) violations: Vec<String>,
}

/// One dossier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// What it was told, each once, in order.
    pub told: Vec<Told>,
    /// How often it was told again what it knew.
    pub repeats: u32,
    /// Its result is in the citizen's hands.
    pub handed_out: bool,
}

/// One state that was told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The message's id.
    pub id: String,
    /// `trangThai`.
    pub state: u8,
    /// `thoiGianThucHien`.
    pub at: String,
    pub(super) moment: i64,
    /// `ketQuaXuLy`, a JSON string.
    pub result: Option<String>,
    /// `ghiChu`.
    pub note: Option<String>,
    /// `hanBoSungHoSo`.
    pub supplement_by: Option<String>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Told({}, state {}, {})", self.id, self.state, self.at)
    }
}

impl Dossier {
    /// The states, in the order in which they were told.
    pub fn states(&self) -> Vec<u8> {
        self.told.iter().map(|told| told.state).collect()
    }
}

/// What the software answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Taken,
    Known,
    HandedOut,
    NotInTurn,
}

impl Table {
    /// Takes a status in its turn; the same again is known, whatever came meanwhile.
    pub(super) fn take(&mut self, status: Status) -> Said {
        let dossier = self.dossiers.entry(status.dossier.clone()).or_default();
        if let Some(known) = dossier.told.iter().find(|one| one.id == status.told.id) {
            let same = *known == status.told;
            dossier.repeats += 1;
            if !same {
                self.violate(format!("{}: another content under its id", status.told.id));
            }
            return if same { Said::Known } else { Said::NotInTurn };
        }
        if dossier.handed_out {
            return Said::HandedOut;
        }
        let last = dossier.told.last();
        let next = dossier.told.len() as u64 + 1;
        let wrong = match last.map(|last| (last.state, last.moment)) {
            _ if status.nth != next => Some("not in its place"),
            _ if !status.fresh => Some("sent long ago"),
            None if !FIRST.contains(&status.told.state) => Some("no first state"),
            Some((from, _)) if !follows(from, status.told.state) => {
                Some("a state that cannot follow")
            }
            Some((_, moment)) if status.told.moment < moment => Some("before the last one"),
            None | Some(_) => None,
        };
        if let Some(wrong) = wrong {
            self.violate(format!("{}: {wrong}", status.told.id));
            return Said::NotInTurn;
        }
        dossier.told.push(status.told);
        Said::Taken
    }

    /// Notes something that the gateway should not have said.
    pub(super) fn violate(&mut self, what: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(what);
        }
    }
}

/// States in which a dossier can be heard of first: that it was received the answer to it has said.
const FIRST: [u8; 4] = [2, 3, 4, 6];

/// Which state may follow which; a completed one may be told anew, with what has become of it. Own profile.
fn follows(from: u8, to: u8) -> bool {
    matches!((from, to), (2, 3 | 4 | 6) | (3, 2 | 3 | 4 | 6) | (4, 4 | 5))
}

const VIOLATIONS_MAX: usize = 1_000;
