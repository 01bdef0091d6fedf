//! What the tax department tells unasked: an employer registered, ended, paused, moved, merged, or became
//! larger or smaller.

use jiff::civil::Date;

use super::answer::{label, number, optional};
use super::header::word;
use super::parts::day;
use super::request::{mst, mst_reason, purpose};
use super::words::NoticeKind;
use super::{WireError, name, wrong};
use crate::id::TaxId;
use crate::xml::{Reader, Writer};

/// One change of one employer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNotice {
    /// The employer's tax code.
    pub mst: TaxId,
    /// What happened; says which of the parts below are there.
    pub kind: NoticeKind,
    /// The day from which it counts.
    pub effective_on: Date,
    /// The taxpayer status after it, two digits of the list in force on that day.
    pub status: Option<String>,
    /// The status's reason code, 1–16 of `[A-Za-z0-9.]`.
    pub status_reason: Option<String>,
    /// The name, 1–255 characters; there where it was registered.
    pub name: Option<String>,
    /// The new address, 1–255 characters; there where it moved.
    pub address: Option<String>,
    /// Into whom it was merged; there where it was.
    pub merged_into: Option<TaxId>,
    /// People with income before and now; there where their number changed.
    pub headcount: Option<(u32, u32)>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl ChangeNotice {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ChangeNotice")?;
        let notice = Self {
            mst: mst(reader)?,
            kind: word(reader, "Kind", NoticeKind::parse)?,
            effective_on: word(reader, "EffectiveOn", day)?,
            status: optional(reader, "Status", status)?,
            status_reason: optional(reader, "StatusReason", status_reason)?,
            name: optional(reader, "Name", label)?,
            address: optional(reader, "Address", label)?,
            merged_into: merged_into(reader)?,
            headcount: headcount(reader)?,
            purpose: purpose(reader)?,
        };
        reader.leave("ChangeNotice")?;
        notice.fits()?;
        Ok(notice)
    }

    /// Each kind has its own parts and no other kind's.
    fn fits(&self) -> Result<(), WireError> {
        use NoticeKind::{Headcount, Merged, Moved, Registered};
        for (is_there, is_due, field) in [
            (self.name.is_some(), self.kind == Registered, "Name"),
            (self.address.is_some(), self.kind == Moved, "Address"),
            (
                self.merged_into.is_some(),
                self.kind == Merged,
                "MergedInto",
            ),
            (
                self.headcount.is_some(),
                self.kind == Headcount,
                "Headcount",
            ),
        ] {
            match (is_there, is_due) {
                (false, true) => return wrong(field, "part-missing"),
                // a newly registered one has an address, too
                (true, false) if (field, self.kind) != ("Address", Registered) => {
                    return wrong(field, "part-of-another-kind");
                }
                _ => {}
            }
        }
        if self.kind.is_of_the_status() && self.status.is_none() {
            return wrong("Status", "part-missing");
        }
        if self.merged_into.as_ref() == Some(&self.mst) {
            return wrong("MergedInto", "merged-into-itself");
        }
        match self.headcount {
            Some((before, now)) if before == now => wrong("Headcount", "nothing-changed"),
            _ => Ok(()),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("ChangeNotice"), &[]);
        let values = [
            ("Mst", Some(self.mst.as_str().to_owned())),
            ("Kind", Some(self.kind.as_str().to_owned())),
            ("EffectiveOn", Some(self.effective_on.to_string())),
            ("Status", self.status.clone()),
            ("StatusReason", self.status_reason.clone()),
            ("Name", self.name.clone()),
            ("Address", self.address.clone()),
            (
                "MergedInto",
                self.merged_into.as_ref().map(|mst| mst.as_str().to_owned()),
            ),
            (
                "HeadcountBefore",
                self.headcount.map(|(before, _)| before.to_string()),
            ),
            ("Headcount", self.headcount.map(|(_, now)| now.to_string())),
            ("Purpose", Some(self.purpose.clone())),
        ];
        for (element, value) in values {
            if let Some(text) = value {
                writer.leaf(name(element), &text);
            }
        }
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

fn headcount(reader: &mut Reader<'_>) -> Result<Option<(u32, u32)>, WireError> {
    match reader.comes("HeadcountBefore")? {
        false => Ok(None),
        true => Ok(Some((
            word(reader, "HeadcountBefore", number)?,
            word(reader, "Headcount", number)?,
        ))),
    }
}

pub(super) fn status(text: &str) -> Option<String> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.to_owned())
}

pub(super) fn status_reason(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    ((1..=16).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}
