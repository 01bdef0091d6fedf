//! What is told unasked, asked about it, and asked to be sent: by its own reading of the elements.

use std::collections::BTreeSet;

use schemas::fault::FaultCode;
use serde::{Deserialize, Serialize};

use super::question::{Wrong, is_month, is_number};
use crate::xml::Element;

/// A change of an employer, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Tax code.
    pub mst: String,
    /// Unit code at the insurance side.
    pub unit: String,
    /// What happened.
    pub kind: String,
    /// The day from which it counts.
    pub effective_on: String,
    /// Whether it takes part, after it.
    pub state: String,
    /// Name and address, where they are told.
    pub name: Option<String>,
    /// The address.
    pub address: Option<String>,
    /// Into whom it was merged.
    pub merged_into: Option<String>,
    /// Month, participants before and now.
    pub participants: Option<(String, u32, u32)>,
    /// When it was kept, RFC 3339.
    pub received_at: String,
    /// Its place among all that is kept, from 1.
    pub nth: usize,
}

/// What was corrected of a person, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonTold {
    /// The PIN under which the person was known.
    pub pin: String,
    /// Another that took its place.
    pub new_pin: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The day of birth.
    pub birth_date: Option<String>,
    /// `1`, `2` or `3`.
    pub sex: Option<String>,
    /// When it was corrected.
    pub corrected_on: String,
    /// Its place among all that is kept, from 1.
    pub nth: usize,
}

/// A month that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthWanted {
    /// Under this manifest.
    pub manifest: String,
    /// `employer` or `person`.
    pub kind: String,
    /// `yyyy-MM`.
    pub period: String,
    /// None is the whole country.
    pub provinces: Vec<String>,
}

/// Reads a notice; when it was kept and its place are not its own words.
pub(super) fn notice(body: &Element) -> Result<Notice, Wrong> {
    let text = |name: &'static str| body.text_of(name).map(str::to_owned);
    let must = |name: &'static str| text(name).ok_or_else(|| wrong(name));
    let kind = one_of(must("Kind")?, &KINDS, "Kind")?;
    let number = |name: &'static str| must(name)?.parse::<u32>().map_err(|_| wrong(name));
    let participants = match text("Period") {
        None => None,
        Some(period) if is_month(&period) => Some((
            period,
            number("ParticipantsBefore")?,
            number("Participants")?,
        )),
        Some(_) => return Err(wrong("Period")),
    };
    let notice = Notice {
        mst: must("Mst")?,
        unit: must("UnitCode")?,
        effective_on: must("EffectiveOn")?,
        state: one_of(must("State")?, &STATES, "State")?,
        name: text("Name"),
        address: text("Address"),
        merged_into: text("MergedInto"),
        participants,
        kind,
        received_at: String::new(),
        nth: 0,
    };
    must("Purpose")?;
    if !is_number(&notice.mst) {
        return Err(wrong("Mst"));
    }
    if notice.effective_on.parse::<jiff::civil::Date>().is_err() {
        return Err(wrong("EffectiveOn"));
    }
    for (is_there, kinds, element) in [
        (notice.name.is_some(), &["registered"][..], "Name"),
        (
            notice.address.is_some(),
            &["registered", "moved"],
            "Address",
        ),
        (notice.merged_into.is_some(), &["merged"], "MergedInto"),
        (
            notice.participants.is_some(),
            &["headcount"],
            "Participants",
        ),
    ] {
        if is_there != kinds.contains(&notice.kind.as_str()) {
            return Err(wrong(element));
        }
    }
    Ok(notice)
}

/// Reads what was corrected of a person; its place is none of its own words.
pub(super) fn person(body: &Element) -> Result<PersonTold, Wrong> {
    let text = |name: &'static str| body.text_of(name).map(str::to_owned);
    let must = |name: &'static str| text(name).ok_or_else(|| wrong(name));
    let is_pin = |text: &String| text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit());
    let is_day = |text: &String| text.parse::<jiff::civil::Date>().is_ok();
    let told = PersonTold {
        pin: must("Mst")?,
        new_pin: text("NewMst"),
        name: text("Name"),
        birth_date: text("BirthDate"),
        sex: text("Sex"),
        corrected_on: must("CorrectedOn")?,
        nth: 0,
    };
    must("Purpose")?;
    let sexes = ["1", "2", "3"];
    let parts = [&told.new_pin, &told.name, &told.birth_date, &told.sex];
    for (holds, element) in [
        (is_pin(&told.pin), "Mst"),
        (told.new_pin.as_ref().is_none_or(is_pin), "NewMst"),
        (told.new_pin.as_ref() != Some(&told.pin), "NewMst"),
        (told.birth_date.as_ref().is_none_or(is_day), "BirthDate"),
        (
            told.sex
                .as_ref()
                .is_none_or(|sex| sexes.contains(&sex.as_str())),
            "Sex",
        ),
        (is_day(&told.corrected_on), "CorrectedOn"),
        (parts.iter().any(|part| part.is_some()), "PersonNotice"),
    ] {
        if !holds {
            return Err(wrong(element));
        }
    }
    Ok(told)
}

/// What is asked about notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LookedUp {
    /// Whether these are held.
    pub(super) named: BTreeSet<String>,
    /// Which were sent from then on, and before then.
    pub(super) time: Option<(String, String)>,
}

/// Reads which notices are asked about.
pub(super) fn looked_up(body: &Element) -> Result<LookedUp, Wrong> {
    let instant = |name: &'static str| {
        let text = body.text_of(name).filter(|text| text.len() == 20);
        let is_one = |text: &&str| text.parse::<jiff::Timestamp>().is_ok();
        text.filter(is_one).map(str::to_owned).ok_or(wrong(name))
    };
    let time = match (body.child("From"), body.child("Until")) {
        (None, None) => None,
        _ => Some((instant("From")?, instant("Until")?)),
    };
    if time.as_ref().is_some_and(|(from, until)| from >= until) {
        return Err(wrong("Until"));
    }
    Ok(LookedUp {
        named: ids(body)?,
        time,
    })
}

/// Reads which notices are wanted again.
pub(super) fn resend(body: &Element) -> Result<BTreeSet<String>, Wrong> {
    match ids(body)? {
        none if none.is_empty() => Err(wrong("Notice")),
        some => Ok(some),
    }
}

fn ids(body: &Element) -> Result<BTreeSet<String>, Wrong> {
    let named = body.children.iter().filter(|one| one.name == "Notice");
    let named: Vec<String> = named.map(|one| one.text.clone()).collect();
    let set: BTreeSet<String> = named.iter().cloned().collect();
    match set.len() == named.len() && named.len() <= 200 && body.text_of("Purpose").is_some() {
        true => Ok(set),
        false => Err(wrong("Notice")),
    }
}

/// Reads which month is wanted.
pub(super) fn month(body: &Element) -> Result<MonthWanted, Wrong> {
    let must = |name: &'static str| {
        body.text_of(name)
            .map(str::to_owned)
            .ok_or_else(|| wrong(name))
    };
    let provinces = body.children.iter().filter(|one| one.name == "Province");
    let wanted = MonthWanted {
        manifest: must("Manifest")?,
        kind: one_of(must("RecordKind")?, &["employer", "person"], "RecordKind")?,
        period: must("Period")?,
        provinces: provinces.map(|one| one.text.clone()).collect(),
    };
    must("Purpose")?;
    match is_month(&wanted.period) {
        true => Ok(wanted),
        false => Err(wrong("Period")),
    }
}

fn one_of(word: String, words: &[&str], element: &'static str) -> Result<String, Wrong> {
    match words.contains(&word.as_str()) {
        true => Ok(word),
        false => Err(wrong(element)),
    }
}

fn wrong(element: &'static str) -> Wrong {
    (FaultCode::Invalid, "element", element)
}

const KINDS: [&str; 7] = [
    "registered",
    "dissolved",
    "suspended",
    "resumed",
    "moved",
    "merged",
    "headcount",
];
const STATES: [&str; 3] = ["active", "suspended", "closed"];
