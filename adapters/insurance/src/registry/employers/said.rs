//! What an officer says of one employer, checked in the order in which a clerk would.

use jiff::civil::Date;
use schemas::codes::communes;
use schemas::id::{Period, TaxId, UnitCode};
use schemas::proto::insurance::{ClosedMonth, NoticeKind, RecordEmployerRequest};

use super::super::facts::{self, invalid};
use super::super::{Error, Population, Sight};

/// A record whose every part has passed its rule.
pub(super) struct Said {
    pub(super) code: TaxId,
    pub(super) effective_on: Date,
    pub(super) what: What,
    pub(super) who: String,
    pub(super) why: String,
}

/// What happened, with the parts of its kind.
pub(super) enum What {
    Registered {
        unit_code: String,
        name: String,
        place: Place,
    },
    Dissolved,
    Suspended,
    Resumed,
    Moved(Place),
    Merged(TaxId),
    Closed(Month),
}

/// A commune and the province that it lay in on the day.
pub(super) struct Place {
    pub(super) commune: String,
    pub(super) province: &'static str,
}

/// The statement of a month.
pub(super) struct Month {
    pub(super) period: Period,
    pub(super) participants: u32,
    pub(super) fund_vnd: i64,
    pub(super) due_vnd: i64,
    pub(super) paid_vnd: i64,
}

impl Said {
    pub(super) fn parse(at: &Sight<'_>, said: &RecordEmployerRequest) -> Result<Self, Error> {
        let code = code(at, &said.tax_code, "tax_code")?;
        parts_of_its_kind(said)?;
        let (effective_on, what) = match said.kind() {
            NoticeKind::Unspecified => return Err(invalid("unknown-code", "kind")),
            NoticeKind::Headcount => {
                let month = month(at, said.month.as_ref())?;
                (month.period.first_day(), What::Closed(month))
            }
            kind => {
                let on = facts::date(&said.effective_on, "effective_on")?;
                if on > at.today {
                    return Err(invalid("in-the-future", "effective_on"));
                }
                (on, dated(at, kind, on, &code, said)?)
            }
        };
        for (text, field) in [(&said.who, "who"), (&said.why, "why")] {
            if text.trim().is_empty() || text.len() > WORDS_BYTES_MAX {
                return Err(invalid("missing", field));
            }
        }
        Ok(Self {
            code,
            effective_on,
            what,
            who: said.who.clone(),
            why: said.why.clone(),
        })
    }
}

/// Each kind has its own parts and no other kind's; that its own are well-formed is read afterwards.
fn parts_of_its_kind(said: &RecordEmployerRequest) -> Result<(), Error> {
    use NoticeKind::{Headcount, Merged, Moved, Registered};
    let kind = said.kind();
    let parts = [
        (!said.unit_code.is_empty(), kind == Registered, "unit_code"),
        (!said.name.is_empty(), kind == Registered, "name"),
        (
            !said.commune.is_empty(),
            matches!(kind, Registered | Moved),
            "commune",
        ),
        (!said.merged_into.is_empty(), kind == Merged, "merged_into"),
        (said.month.is_some(), kind == Headcount, "month"),
        (
            !said.effective_on.is_empty(),
            kind != Headcount,
            "effective_on",
        ),
    ];
    for (is_there, is_due, field) in parts {
        match (is_there, is_due) {
            (true, false) => return Err(invalid("part-of-another-kind", field)),
            (false, true) => return Err(invalid("missing", field)),
            _ => {}
        }
    }
    Ok(())
}

fn dated(
    at: &Sight<'_>,
    kind: NoticeKind,
    on: Date,
    code: &TaxId,
    said: &RecordEmployerRequest,
) -> Result<What, Error> {
    Ok(match kind {
        NoticeKind::Registered => What::Registered {
            unit_code: unit_code(&said.unit_code)?,
            name: name(&said.name)?,
            place: place(&said.commune, on)?,
        },
        NoticeKind::Dissolved => What::Dissolved,
        NoticeKind::Suspended => What::Suspended,
        NoticeKind::Resumed => What::Resumed,
        NoticeKind::Moved => What::Moved(place(&said.commune, on)?),
        NoticeKind::Merged => {
            let into = self::code(at, &said.merged_into, "merged_into")?;
            if into == *code {
                return Err(invalid("merged-into-itself", "merged_into"));
            }
            What::Merged(into)
        }
        NoticeKind::Headcount | NoticeKind::Unspecified => {
            return Err(invalid("unknown-code", "kind"));
        }
    })
}

/// A tax code of this registry's population.
fn code(at: &Sight<'_>, text: &str, field: &'static str) -> Result<TaxId, Error> {
    let code = TaxId::parse(text).map_err(|_| invalid("malformed-tax-code", field))?;
    match code.is_synthetic() == (at.population == Population::Synthetic) {
        true => Ok(code),
        false => Err(invalid("other-population", field)),
    }
}

fn unit_code(text: &str) -> Result<String, Error> {
    match UnitCode::parse(text) {
        Ok(code) => Ok(code.as_str().to_owned()),
        Err(_) => Err(invalid("malformed-id", "unit_code")),
    }
}

fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    match plain && text.chars().count() <= NAME_CHARS_MAX {
        true => Ok(text.to_owned()),
        false => Err(invalid("malformed-name", "name")),
    }
}

fn place(commune: &str, on: Date) -> Result<Place, Error> {
    let province =
        communes::province_of(commune, on).ok_or_else(|| invalid("unknown-commune", "commune"))?;
    Ok(Place {
        commune: commune.to_owned(),
        province,
    })
}

fn month(at: &Sight<'_>, said: Option<&ClosedMonth>) -> Result<Month, Error> {
    let said = said.ok_or_else(|| invalid("missing", "month"))?;
    let period = Period::parse(&said.period).map_err(|_| invalid("malformed-period", "period"))?;
    if period.first_day() > at.today {
        return Err(invalid("in-the-future", "period"));
    }
    if [said.fund_vnd, said.due_vnd, said.paid_vnd]
        .iter()
        .any(|vnd| *vnd < 0)
    {
        return Err(invalid("bad-amount", "month"));
    }
    Ok(Month {
        period,
        participants: said.participants,
        fund_vnd: said.fund_vnd,
        due_vnd: said.due_vnd,
        paid_vnd: said.paid_vnd,
    })
}

const WORDS_BYTES_MAX: usize = 2_000;
const NAME_CHARS_MAX: usize = 255;
