//! What we tell the tax department unasked of an employer.

use jiff::civil::Date;

use super::super::answer::{label, number, optional};
use super::super::header::word;
use super::super::parts::day;
use super::super::request::{month, mst, mst_reason, purpose};
use super::super::words::{NoticeKind, ParticipationState};
use super::{WireError, leaves, name, wrong};
use crate::id::{Period, TaxId, UnitCode};
use crate::xml::{Reader, Writer};

/// One change of one employer, as the insurance side recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmployerNotice {
    /// The employer's tax code.
    pub mst: TaxId,
    /// Its VSS unit code.
    pub unit_code: UnitCode,
    /// What happened; says which of the parts below are there.
    pub kind: NoticeKind,
    /// The day from which it counts.
    pub effective_on: Date,
    /// Whether it takes part, after it.
    pub state: ParticipationState,
    /// The name, 1–255 characters; there where it was registered.
    pub name: Option<String>,
    /// Commune and province by name, 1–255 characters; there where it was registered or moved.
    pub address: Option<String>,
    /// Into whom it was merged; there where it was.
    pub merged_into: Option<TaxId>,
    /// There where participants changed by more than the agreed step.
    pub participants: Option<Participants>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

/// Participants of an employer as they were told last, and in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Participants {
    /// The month.
    pub period: Period,
    /// Those told last.
    pub before: u32,
    /// Those of the month.
    pub now: u32,
}

impl EmployerNotice {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ChangeNotice")?;
        let notice = Self {
            mst: mst(reader)?,
            unit_code: word(reader, "UnitCode", |text| UnitCode::parse(text).ok())?,
            kind: word(reader, "Kind", NoticeKind::parse)?,
            effective_on: word(reader, "EffectiveOn", day)?,
            state: word(reader, "State", ParticipationState::parse)?,
            name: optional(reader, "Name", label)?,
            address: optional(reader, "Address", label)?,
            merged_into: merged_into(reader)?,
            participants: participants(reader)?,
            purpose: purpose(reader)?,
        };
        reader.leave("ChangeNotice")?;
        notice.fits()?;
        Ok(notice)
    }

    /// Each kind has its own parts and no other kind's, and leaves the employer in a state of its own.
    ///
    /// # Errors
    /// The first part that is not as its kind demands.
    pub fn fits(&self) -> Result<(), WireError> {
        use NoticeKind::{Dissolved, Headcount, Merged, Moved, Registered, Resumed, Suspended};
        use ParticipationState::{Active, Closed, Suspended as Resting};
        let kind = self.kind;
        for (is_there, is_due, field) in [
            (self.name.is_some(), kind == Registered, "Name"),
            (
                self.address.is_some(),
                matches!(kind, Registered | Moved),
                "Address",
            ),
            (self.merged_into.is_some(), kind == Merged, "MergedInto"),
            (
                self.participants.is_some(),
                kind == Headcount,
                "Participants",
            ),
        ] {
            match (is_there, is_due) {
                (false, true) => return wrong(field, "part-missing"),
                (true, false) => return wrong(field, "part-of-another-kind"),
                _ => {}
            }
        }
        let state = match kind {
            Registered | Resumed => self.state == Active,
            Suspended => self.state == Resting,
            Dissolved | Merged => self.state == Closed,
            Moved => self.state != Closed,
            Headcount => true,
        };
        if !state {
            return wrong("State", "state-of-another-kind");
        }
        if self.merged_into.as_ref() == Some(&self.mst) {
            return wrong("MergedInto", "merged-into-itself");
        }
        match self.participants {
            Some(one) if one.before == one.now => wrong("Participants", "nothing-changed"),
            _ => Ok(()),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("ChangeNotice"), &[]);
        let of = |number: fn(Participants) -> String| self.participants.map(number);
        leaves(
            writer,
            [
                ("Mst", Some(self.mst.as_str().to_owned())),
                ("UnitCode", Some(self.unit_code.as_str().to_owned())),
                ("Kind", Some(self.kind.as_str().to_owned())),
                ("EffectiveOn", Some(self.effective_on.to_string())),
                ("State", Some(self.state.as_str().to_owned())),
                ("Name", self.name.clone()),
                ("Address", self.address.clone()),
                (
                    "MergedInto",
                    self.merged_into.as_ref().map(|mst| mst.as_str().to_owned()),
                ),
                ("Period", of(|one| one.period.to_string())),
                ("ParticipantsBefore", of(|one| one.before.to_string())),
                ("Participants", of(|one| one.now.to_string())),
                ("Purpose", Some(self.purpose.clone())),
            ],
        );
        writer.close();
    }
}

fn merged_into(reader: &mut Reader<'_>) -> Result<Option<TaxId>, WireError> {
    match reader.optional("MergedInto")? {
        None => Ok(None),
        Some(text) => TaxId::parse(&text)
            .map(Some)
            .or_else(|error| wrong("MergedInto", mst_reason(error))),
    }
}

fn participants(reader: &mut Reader<'_>) -> Result<Option<Participants>, WireError> {
    match reader.comes("Period")? {
        false => Ok(None),
        true => Ok(Some(Participants {
            period: month(reader, "Period")?,
            before: word(reader, "ParticipantsBefore", number)?,
            now: word(reader, "Participants", number)?,
        })),
    }
}
