//! Cards by age and work: children, pupils, students, employees, pensioners, the poor and households.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use schemas::codes::{card_objects, child_card};
use schemas::id::{CardNumber, SiNumber};

use super::people::Resident;
use super::places::facility;
use super::random::Random;
use super::sheet::{Sheet, Table};
use super::{SeedError, SeedParams, Tick};
use crate::sql::values;

/// Issues to most residents the card that their age and work give them.
pub(super) fn issue(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    params: &SeedParams,
    residents: &[Resident],
    tick: &mut Tick<'_>,
) -> Result<(), SeedError> {
    for resident in residents {
        if let Some(paper) = paper(random, params.as_of, resident) {
            write(sheet, random, params.as_of, resident, &paper)?;
        }
        tick.one();
    }
    Ok(())
}

/// A card in the making.
struct Paper {
    object: &'static str,
    from: Date,
    to: Date,
    rule: &'static str,
}

fn paper(random: &mut Random, as_of: Date, resident: &Resident) -> Option<Paper> {
    let born = resident.birth;
    if let Ok(validity) = child_card::validity(born, as_of) {
        return Some(Paper {
            object: "TE",
            from: validity.from,
            to: validity.to,
            rule: validity.rule.term.source,
        });
    }
    let object = object(random, resident)?;
    let rule = card_objects::find(object, as_of)?.term.source;
    let from = as_of.saturating_sub(random.range(0, 300).days()).max(born);
    let to = match object {
        // renewed each year; the others run on while work, pension or status last
        "GD" | "HS" | "SV" | "CN" => from.saturating_add(1.year()).saturating_sub(1.day()),
        _ => date(as_of.year().saturating_add(4), 12, 31),
    };
    Some(Paper {
        object,
        from,
        to,
        rule,
    })
}

fn object(random: &mut Random, resident: &Resident) -> Option<&'static str> {
    if resident.employed {
        return Some(random.weighted(&[("DN", 84), ("CH", 11), ("HX", 5)]));
    }
    if resident.poor {
        return Some(if random.percent(60) { "HN" } else { "CN" });
    }
    match resident.age {
        ..=17 => Some("HS"),
        18..=22 if random.percent(55) => Some("SV"),
        60.. if random.percent(45) => Some("HT"),
        80.. => Some("BT"),
        _ => random.percent(86).then_some("GD"),
    }
}

fn write(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    as_of: Date,
    resident: &Resident,
    paper: &Paper,
) -> Result<(), SeedError> {
    let level = card_objects::find(paper.object, as_of)
        .map(|row| row.level)
        .ok_or(SeedError::Day("card object"))?;
    let number = SiNumber::parse(&resident.si_number())
        .and_then(|si_number| {
            CardNumber::compose(paper.object, level, resident.province, &si_number)
        })
        .map_err(|_| SeedError::Range("a card number"))?;
    let facility = facility(random, resident.province);
    // one in fifty lost a card and got another
    let prints = if random.percent(2) { 2 } else { 1 };
    for serial in 1..=prints {
        let state = match (serial == prints, resident.died_on) {
            (false, _) => REPLACED,
            (true, Some(_)) => REVOKED,
            (true, None) => VALID,
        };
        sheet.add(
            Table::Cards,
            values![
                number.as_str(),
                serial,
                resident.id,
                paper.from.to_string(),
                paper.to.to_string(),
                facility,
                state,
                paper.rule,
                paper.from.to_string(),
            ],
        )?;
    }
    Ok(())
}

const VALID: i64 = 1;
const REPLACED: i64 = 2;
const REVOKED: i64 = 3;
