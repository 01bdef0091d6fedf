//! What a dossier costs: its form as a quote, and each amount as a line of the contribution that is to be booked.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use schemas::date::VIET_NAM;
use schemas::fault::FaultCode;
use schemas::id::{Period, SiNumber};
use schemas::procedure::{Filled, Pays, Role, Said};
use schemas::proto::insurance::{Card, CardState};
use schemas::quote::{self, Debt, Groups, Household, Member, Quote, Unquotable, Voluntary};

use crate::registry::groups::{self, Standing};
use crate::registry::{Error, Tx, cards, facts, people};
use crate::sql::{Sql, values};

/// Whoever pays, and for what.
pub(super) struct Payers<'a> {
    pub(super) form: &'a Filled,
    pub(super) applicant: i64,
    pub(super) employer: Option<i64>,
}

/// A quote and what is booked once it is paid.
pub(super) struct Charge {
    pub(super) quote: Quote,
    /// The decisions behind what the state adds.
    pub(super) lists: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) valid_until: Timestamp,
}

impl Charge {
    /// What people read: each amount, and the lists behind what the state adds.
    pub(super) fn page(&self) -> String {
        let mut page = self.quote.explain();
        if self.quote.support_vnd() > 0 && !self.lists.is_empty() {
            page.push_str(&format!(
                "\nDanh sách đã chứng nhận: {}\n",
                self.lists.join("; ")
            ));
        }
        page
    }
}

/// One line of a contribution, before it is booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) kind: String,
    pub(super) person: Option<i64>,
    pub(super) household: Option<i64>,
    pub(super) employer: Option<i64>,
    pub(super) period: String,
    pub(super) months: u32,
    pub(super) vnd: i64,
    pub(super) card: String,
    /// Whether the page tells a group of the payer's that the state supports.
    pub(super) supported: bool,
}

/// What is asked for, before it has a price.
enum Asked {
    Household {
        members: Vec<(i64, Card)>,
        household: Option<i64>,
        terms: Household,
        proven: Vec<Standing>,
    },
    Voluntary {
        person: i64,
        from: Period,
        terms: Voluntary,
        proven: Vec<Standing>,
    },
    Arrears {
        employer: i64,
        debts: Vec<Debt>,
    },
}

/// What a form of a procedure that has to be paid for costs today.
pub(super) fn of(tx: &Tx<'_>, pays: Pays, payers: &Payers<'_>) -> Result<Charge, Error> {
    let asked = match pays {
        Pays::Household => household(tx, payers)?,
        Pays::Voluntary => voluntary(tx, payers)?,
        Pays::Arrears => arrears(tx.sql, payers)?,
    };
    let quote = asked.quote(tx.today).map_err(unquotable)?;
    let lines = asked.lines(&quote)?;
    let mut last = tx.today;
    while last < tx.today.saturating_add(DAYS_MAX.days()) {
        let next = last.saturating_add(1.day());
        let same = asked
            .quote(next)
            .is_ok_and(|other| other.vnd() == quote.vnd());
        if !same {
            break;
        }
        last = next;
    }
    // own profile: what grows by the day may still be paid on the day after
    let last = last.max(tx.today.saturating_add(1.day()));
    // what a list is behind ends with the list
    let ends = asked.proven().iter().filter_map(|one| one.until).min();
    let last = ends.map_or(last, |ends| last.min(ends));
    let mut lists: Vec<String> = Vec::new();
    for list in asked.proven().iter().flat_map(|one| &one.lists) {
        if !lists.contains(list) {
            lists.push(list.clone());
        }
    }
    Ok(Charge {
        valid_until: end_of(last),
        quote,
        lists,
        lines,
    })
}

impl Asked {
    /// What is proven of those who pay.
    fn proven(&self) -> &[Standing] {
        match self {
            Self::Household { proven, .. } | Self::Voluntary { proven, .. } => proven,
            Self::Arrears { .. } => &[],
        }
    }

    fn quote(&self, on: Date) -> Result<Quote, Unquotable> {
        match self {
            Self::Household { terms, .. } => quote::household(terms, on),
            Self::Voluntary { terms, .. } => quote::voluntary(terms, on),
            Self::Arrears { debts, .. } => quote::arrears(debts, on),
        }
    }

    /// One line for each amount that is paid; together they are the quote.
    fn lines(&self, quote: &Quote) -> Result<Vec<Line>, Error> {
        let lines = match self {
            Self::Household {
                members,
                household,
                terms,
                proven,
            } => {
                let each = members
                    .iter()
                    .zip(quote.net().into_iter().zip(told(quote, proven)));
                let line = |((person, card), (vnd, supported)): (&(i64, Card), (u64, bool))| Line {
                    kind: "household".to_owned(),
                    person: Some(*person),
                    household: *household,
                    employer: None,
                    period: month_of(quote.paid_on()),
                    months: u32::from(terms.months),
                    vnd: signed(vnd),
                    card: card.number.clone(),
                    supported,
                };
                each.map(line).collect()
            }
            Self::Voluntary {
                person,
                from,
                terms,
                proven,
            } => vec![Line {
                kind: "voluntary".to_owned(),
                person: Some(*person),
                household: None,
                employer: None,
                period: from.to_string(),
                months: u32::from(terms.months),
                vnd: signed(quote.vnd()),
                card: String::new(),
                supported: told(quote, proven).contains(&true),
            }],
            Self::Arrears { employer, debts } => of_debts(*employer, debts, quote),
        };
        let sum: i64 = lines.iter().map(|line| line.vnd).sum();
        match sum == signed(quote.vnd()) && lines.iter().all(|line| line.vnd > 0) {
            true => Ok(lines),
            false => Err(Error::Corrupt("lines that are not their quote")),
        }
    }
}

/// Of each payer whether the page tells a group: everybody's part that nobody has to belong to a group for tells none.
fn told(quote: &Quote, proven: &[Standing]) -> Vec<bool> {
    let each = quote.supported().into_iter().zip(proven);
    each.map(|(supported, one)| supported && one.groups != Groups::default())
        .collect()
}

/// A line of a debt has no factor; what follows it with factors is the cost of its lateness.
fn of_debts(employer: i64, debts: &[Debt], quote: &Quote) -> Vec<Line> {
    let mut months = debts.iter().map(|debt| debt.period.to_string());
    let mut month = String::new();
    let amounts = quote.lines().iter().map(|line| {
        let is_late = !line.factors.is_empty();
        if !is_late {
            month = months.next().unwrap_or_default();
        }
        Line {
            kind: if is_late { "late" } else { "arrears" }.to_owned(),
            person: None,
            household: None,
            employer: Some(employer),
            period: month.clone(),
            months: 1,
            vnd: signed(line.vnd),
            card: String::new(),
            supported: false,
        }
    });
    // a debt so young that its lateness costs nothing yet has a line of 0
    amounts.filter(|line| line.vnd > 0).collect()
}

fn household(tx: &Tx<'_>, payers: &Payers<'_>) -> Result<Asked, Error> {
    let months = said(payers.form.get("SoThang"))?;
    let months = months.text().parse().map_err(|_| unreadable())?;
    let household: Option<i64> = tx.sql.query_one(
        "SELECT household FROM people WHERE id = ?1",
        values![payers.applicant],
        |row| row.get(0),
    )?;
    let mut members: Vec<(i64, Card)> = Vec::new();
    for number in payers.form.of_role(Role::HouseholdMember) {
        let number = SiNumber::parse(number).map_err(|_| unreadable())?;
        let known = people::by_si_number(tx.sql, &number)?.ok_or_else(unreadable)?;
        if members.iter().any(|(person, _)| *person == known.id) {
            return Err(refused(Unquotable::Members.reason()));
        }
        let card = card(tx.sql, known.id)?.ok_or_else(|| refused("not-a-household-card"))?;
        members.push((known.id, card));
    }
    let before = paid_this_year(tx, household, &members)?;
    let proven = members
        .iter()
        .map(|(person, _)| groups::of(tx.sql, *person, tx.today))
        .collect::<Result<Vec<_>, _>>()?;
    let terms = (1..).zip(&proven).map(|(place, one)| Member {
        place: u8::try_from(before + place).unwrap_or(u8::MAX),
        groups: one.groups,
    });
    Ok(Asked::Household {
        terms: Household {
            members: terms.collect(),
            months,
        },
        members,
        household,
        proven,
    })
}

/// The newest print of somebody's card of a household, where it was not taken back.
pub(super) fn card(sql: &Sql, person: i64) -> Result<Option<Card>, Error> {
    let found: Option<String> = sql.query_opt(
        "SELECT number FROM cards WHERE person = ?1 AND number LIKE 'GD%' ORDER BY issued_on DESC, serial DESC LIMIT 1",
        values![person],
        |row| row.get(0),
    )?;
    let Some(number) = found else {
        return Ok(None);
    };
    let newest = cards::newest(sql, person, &number)?;
    Ok(newest.filter(|card| card.state == CardState::Valid as i32))
}

/// How many others of the household have paid this year: the shares of those who come go on from there.
fn paid_this_year(
    tx: &Tx<'_>,
    household: Option<i64>,
    members: &[(i64, Card)],
) -> Result<usize, Error> {
    let Some(household) = household else {
        return Ok(0);
    };
    let new_year = Date::constant(tx.today.year(), 1, 1).at(0, 0, 0, 0);
    let since = VIET_NAM.to_timestamp(new_year).unwrap_or(Timestamp::MIN);
    let paid: Vec<i64> = tx.sql.query(
        "SELECT DISTINCT person FROM contribution_lines
         WHERE household = ?1 AND booked_at >= ?2 AND transaction_id <> ''",
        values![household, facts::instant(since)],
        |row| row.get(0),
    )?;
    let comes = |person: &i64| members.iter().any(|(member, _)| member == person);
    Ok(paid.iter().filter(|person| !comes(person)).count())
}

fn voluntary(tx: &Tx<'_>, payers: &Payers<'_>) -> Result<Asked, Error> {
    let number = |name| said(payers.form.get(name))?.number().ok_or_else(unreadable);
    let months = number("SoThang")?;
    let from = said(payers.form.get("TuThang"))?;
    let from = from.month().ok_or_else(unreadable)?;
    let proven = groups::of(tx.sql, payers.applicant, tx.today)?;
    let asked = Asked::Voluntary {
        person: payers.applicant,
        from,
        terms: Voluntary {
            base_vnd: number("MucThuNhap")?,
            months: u8::try_from(months).map_err(|_| unquotable(Unquotable::Months))?,
            groups: proven.groups,
        },
        proven: vec![proven],
    };
    let months = u32::try_from(months).unwrap_or(u32::MAX);
    match months_are_paid(tx.sql, payers.applicant, (&from.to_string(), months))? {
        true => Err(refused(MONTHS_PAID)),
        false => Ok(asked),
    }
}

/// Whether somebody has paid voluntary insurance for one of these months.
pub(super) fn months_are_paid(
    sql: &Sql,
    person: i64,
    (from, months): (&str, u32),
) -> Result<bool, Error> {
    let paid: Vec<(String, u32)> = sql.query(
        "SELECT period, months FROM contribution_lines
         WHERE person = ?1 AND kind = 'voluntary' AND transaction_id <> ''",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let span = |period: &str, months: u32| {
        let first = Period::parse(period).map_or(0, at_month);
        (first, first + i64::from(months))
    };
    let (first, end) = span(from, months);
    let overlaps = |(period, months): &(String, u32)| {
        let (other, other_end) = span(period, *months);
        first < other_end && other < end
    };
    Ok(paid.iter().any(overlaps))
}

fn arrears(sql: &Sql, payers: &Payers<'_>) -> Result<Asked, Error> {
    let employer = payers.employer.ok_or_else(unreadable)?;
    let months = payers.form.column("Thang");
    let amounts = payers.form.column("SoTien");
    let mut debts = Vec::new();
    for (month, amount) in months.zip(amounts) {
        debts.push(Debt {
            period: said(month)?.month().ok_or_else(unreadable)?,
            vnd: said(amount)?.number().ok_or_else(unreadable)?,
        });
    }
    debts.sort_by_key(|debt| debt.period);
    for debt in &debts {
        if owed(sql, employer, &debt.period.to_string())? < signed(debt.vnd) {
            return Err(refused(MORE_THAN_OWED));
        }
    }
    Ok(Asked::Arrears { employer, debts })
}

/// What an employer still owes for one month that is closed.
pub(super) fn owed(sql: &Sql, employer: i64, period: &str) -> Result<i64, Error> {
    let owed: Option<i64> = sql.query_opt(
        "SELECT due_vnd - paid_vnd FROM contributions WHERE employer = ?1 AND period = ?2 AND closed = 1",
        values![employer, period],
        |row| row.get(0),
    )?;
    Ok(owed.unwrap_or(0))
}

fn said(field: Option<&Said>) -> Result<&Said, Error> {
    field.ok_or_else(unreadable)
}

/// Amounts of a quote are far below the largest number.
fn signed(vnd: u64) -> i64 {
    i64::try_from(vnd).unwrap_or(i64::MAX)
}

fn at_month(period: Period) -> i64 {
    i64::from(period.year()) * 12 + i64::from(period.month())
}

fn month_of(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

fn end_of(day: Date) -> Timestamp {
    let last = day.at(23, 59, 59, 0);
    VIET_NAM.to_timestamp(last).unwrap_or(Timestamp::MAX)
}

fn unquotable(why: Unquotable) -> Error {
    refused(why.reason())
}

fn refused(reason: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, "form")
}

/// The form was proven before it was kept.
fn unreadable() -> Error {
    Error::Corrupt("a proven form")
}

pub(super) const MONTHS_PAID: &str = "months-paid-already";
pub(super) const MORE_THAN_OWED: &str = "more-than-owed";
/// The longest that a quote holds. Own profile.
const DAYS_MAX: i32 = 7;
