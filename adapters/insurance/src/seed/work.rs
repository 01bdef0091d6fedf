//! Employers of skewed size, who works for them, and what they paid in each of 24 closed months.

use std::collections::HashSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemas::codes::contributions::{self, Fund, Rate};
use schemas::codes::reference_levels;
use schemas::id::{Mst, Period};

use super::people::Resident;
use super::places::Places;
use super::random::{Random, Scale};
use super::sheet::{Sheet, Table};
use super::{SeedError, SeedParams, names};
use crate::sql::values;

/// Writes employers, employments and contributions; marks who is employed on the day of the photograph.
pub(super) fn employ(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    params: &SeedParams,
    places: &Places,
    residents: &mut [Resident],
) -> Result<(), SeedError> {
    let months = Month::all(params.as_of)?;
    let mut employers = found(sheet, random, params.employers, places)?;
    hire(sheet, random, &months, &mut employers, residents)?;
    for employer in &employers {
        statements(sheet, random, &months, employer)?;
    }
    Ok(())
}

struct Employer {
    id: i64,
    state: i64,
    /// The month, counted from the first, in which it stopped; beyond the last for those that go on.
    stops: usize,
    /// Whether its last statement is still open.
    late: bool,
    region: u8,
    habit: Habit,
    workers: Vec<Worker>,
}

struct Worker {
    from: usize,
    to: usize,
    salary_vnd: i64,
}

/// How an employer pays.
#[derive(Clone, Copy)]
enum Habit {
    InFull,
    Late,
    Badly,
}

/// A month with the rates and caps that held on its first day.
struct Month {
    period: Period,
    rates: Vec<&'static Rate>,
    salary_cap_vnd: i64,
    unemployment_caps_vnd: [i64; 4],
}

impl Month {
    /// The closed months, oldest first, and after them the month whose statement is still open.
    fn all(as_of: Date) -> Result<Vec<Self>, SeedError> {
        let mut period = Period::of(as_of)
            .ok()
            .and_then(Period::previous)
            .ok_or(SeedError::Day("period"))?;
        let mut periods = vec![period];
        while periods.len() <= CLOSED_MONTHS {
            period = period.previous().ok_or(SeedError::Day("period"))?;
            periods.push(period);
        }
        periods.into_iter().rev().map(Self::of).collect()
    }

    fn of(period: Period) -> Result<Self, SeedError> {
        let day = period.first_day();
        let vnd = |amount: Option<u64>| amount.and_then(|amount| i64::try_from(amount).ok());
        let unemployment =
            |region| vnd(reference_levels::unemployment_cap_vnd(region, day)).unwrap_or(i64::MAX);
        Ok(Self {
            period,
            rates: contributions::on(day).collect(),
            salary_cap_vnd: vnd(reference_levels::salary_cap_vnd(day))
                .ok_or(SeedError::Day("salary cap"))?,
            unemployment_caps_vnd: [1, 2, 3, 4].map(unemployment),
        })
    }

    /// What is due for one salary in this month, employee's and employer's parts together.
    fn due_vnd(&self, salary_vnd: i64, region: u8) -> i64 {
        let region = usize::from(region.clamp(1, 4) - 1);
        let part = |rate: &&Rate| {
            let cap = match rate.fund {
                Fund::Unemployment => self.unemployment_caps_vnd[region],
                _ => self.salary_cap_vnd,
            };
            let base = u64::try_from(salary_vnd.min(cap)).unwrap_or(0);
            i64::try_from(contributions::part_of(base, rate.bp)).unwrap_or(0)
        };
        self.rates.iter().map(part).sum()
    }
}

fn found(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    count: usize,
    places: &Places,
) -> Result<Vec<Employer>, SeedError> {
    let mut names = HashSet::new();
    let mut codes = HashSet::new();
    let mut roots: Vec<String> = Vec::new();
    let mut employers = Vec::with_capacity(count);
    for rank in 0..count {
        // the last few of a large number are branches of the first few
        let root = (count >= 20)
            .then(|| rank.checked_sub(count - BRANCHES))
            .flatten()
            .and_then(|at| roots.get(at));
        let mst = match (root, is_household(rank, count)) {
            (Some(root), _) => format!("{root}-001"),
            (None, household) => {
                let code = tax_code(random, &mut codes);
                if household { owners_pin(rank) } else { code }
            }
        };
        roots.push(mst.clone());
        let kind = match is_household(rank, count) {
            true => HOUSEHOLD,
            false => random_kind(rank),
        };
        let name = firm(random, &mut names, kind, rank);
        employers.push(write(sheet, random, places, rank, &mst, &name)?);
    }
    Ok(employers)
}

/// Some of the small ones are household businesses.
fn is_household(rank: usize, count: usize) -> bool {
    rank >= 20 && rank % 10 == 7 && rank + BRANCHES < count
}

/// The PIN of a household business's owner, who is not insured: a serial that no seeded person and no
/// newborn has.
fn owners_pin(rank: usize) -> String {
    format!("099075{:06}", 900_000 + rank)
}

fn firm(random: &mut Random, names: &mut HashSet<String>, kind: &str, rank: usize) -> String {
    let name = names::employer(random, kind);
    let name = if names.contains(&name) {
        format!("{name} {}", rank + 1)
    } else {
        name
    };
    names.insert(name.clone());
    name
}

fn random_kind(rank: usize) -> &'static str {
    KINDS[rank % KINDS.len()]
}

fn write(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    places: &Places,
    rank: usize,
    mst: &str,
    name: &str,
) -> Result<Employer, SeedError> {
    let place = places.one(random).commune;
    let state = match rank % 25 {
        17 => SUSPENDED,
        24 => CLOSED,
        _ => ACTIVE,
    };
    let stops = if state == ACTIVE {
        usize::MAX
    } else {
        usize::try_from(random.range(6, 20)).unwrap_or(6)
    };
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).unwrap_or(0));
    let unit_code = format!(
        "T{}{:04}{}",
        letter(rank / 260),
        rank % 10_000,
        letter(rank)
    );
    let id = i64::try_from(rank + 1).map_err(|_| SeedError::Range("the number of employers"))?;
    let row = values![id, mst, unit_code, name, state, place.province, place.code];
    sheet.add(Table::Employers, row)?;
    let habit = random.weighted(&[(Habit::InFull, 78), (Habit::Late, 15), (Habit::Badly, 7)]);
    Ok(Employer {
        id,
        state,
        stops,
        late: state == ACTIVE && rank % 33 == 6,
        region: u8::try_from(random.range(1, 5)).unwrap_or(1),
        // the largest pays in full, so that there is always a plain example
        habit: if rank == 0 { Habit::InFull } else { habit },
        workers: Vec::new(),
    })
}

/// A tax code of the reserved block, below the part that is never given to anybody.
fn tax_code(random: &mut Random, given: &mut HashSet<String>) -> String {
    loop {
        let number = random.range(1, i64::from(super::landmarks::UNREGISTERED_FROM));
        if let Some(code) = with_check_digit(number)
            && given.insert(code.clone())
        {
            return code;
        }
    }
}

/// `99`, seven digits and their check digit, where there is one.
pub(super) fn with_check_digit(number: i64) -> Option<String> {
    let leading = format!("99{number:07}");
    let mut digits = [0; 9];
    for (slot, byte) in digits.iter_mut().zip(leading.bytes()) {
        *slot = byte - b'0';
    }
    let code = format!("{leading}{}", Mst::compute_check(&digits)?);
    Mst::parse(&code).is_ok().then_some(code)
}

/// Sizes fall with the rank, as those of real employers do.
fn hire(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    months: &[Month],
    employers: &mut [Employer],
    residents: &mut [Resident],
) -> Result<(), SeedError> {
    let sizes: Vec<(usize, u32)> = (0..employers.len())
        .map(|rank| {
            (
                rank,
                1_000_000 / (u32::try_from(rank).unwrap_or(u32::MAX - 2) + 2),
            )
        })
        .collect();
    let sizes = Scale::new(sizes);
    let mut hired = 0;
    for resident in residents {
        let works =
            (19..60).contains(&resident.age) && resident.died_on.is_none() && random.percent(58);
        if !works {
            continue;
        }
        let employer = &mut employers[*random.one_of(&sizes)];
        let worker = contract(random, months.len(), employer.stops);
        let to = months.get(worker.to).map(|month| month.period.to_string());
        resident.employed = to.is_none();
        let from = months
            .get(worker.from)
            .map_or(months[0].period, |month| month.period);
        let from = from.to_string();
        let row = values![resident.id, employer.id, from, to, worker.salary_vnd];
        sheet.add(Table::Employments, row)?;
        personal_code(sheet, resident.id, hired)?;
        hired += 1;
        employer.workers.push(worker);
    }
    Ok(())
}

/// Every fifth of those who work has a personal tax code from before 2025, and the first two of them have
/// one more, the same: such things happen.
fn personal_code(sheet: &mut Sheet<'_>, person: i64, hired: i64) -> Result<(), SeedError> {
    if hired % 5 != 0 {
        return Ok(());
    }
    let own = PERSONAL_FROM + 1_000 + hired / 5;
    let shared = (hired <= 5).then_some(AMBIGUOUS);
    for number in [(own < 9_999_000).then_some(own), shared]
        .into_iter()
        .flatten()
    {
        if let Some(code) = with_check_digit(number) {
            sheet.add(Table::TaxCodes, values![code, person])?;
        }
    }
    Ok(())
}

/// Most work the whole time; some came, some went, and all leave when the employer stops.
fn contract(random: &mut Random, months: usize, stops: usize) -> Worker {
    let month = |random: &mut Random| {
        usize::try_from(random.range(1, i64::try_from(months).unwrap_or(2) - 1)).unwrap_or(1)
    };
    let from = if random.percent(20) { month(random) } else { 0 };
    let to = if random.percent(8) {
        from.max(month(random))
    } else {
        usize::MAX
    };
    let last = stops.saturating_sub(1);
    // a few earn much more than most
    let steps = random.range(0, 60) * random.range(1, 12) * random.range(1, 12) / 12;
    Worker {
        from: from.min(last),
        to: to.min(if stops == usize::MAX { to } else { last }),
        salary_vnd: 5_400_000 + steps * 50_000,
    }
}

/// Every month's statement of one employer.
fn statements(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    months: &[Month],
    employer: &Employer,
) -> Result<(), SeedError> {
    let last = months.len() - 1;
    let mut arrears = 0;
    for (at, month) in months.iter().enumerate() {
        let here = || {
            employer
                .workers
                .iter()
                .filter(|worker| (worker.from..=worker.to).contains(&at))
        };
        let due: i64 = here()
            .map(|worker| month.due_vnd(worker.salary_vnd, employer.region))
            .sum();
        let closed = at < last && !(employer.late && at + 1 == last);
        let paid = if at == last {
            0
        } else {
            paid(random, employer.habit, due, arrears)
        };
        arrears += due - paid;
        let state = if at >= employer.stops {
            employer.state
        } else {
            ACTIVE
        };
        let fund: i64 = here()
            .map(|worker| worker.salary_vnd.min(month.salary_cap_vnd))
            .sum();
        declare(sheet, month, at, employer)?;
        sheet.add(
            Table::Contributions,
            values![
                employer.id,
                month.period.to_string(),
                state,
                i64::try_from(here().count()).unwrap_or(i64::MAX),
                fund,
                due,
                paid,
                arrears,
                closed,
            ],
        )?;
    }
    Ok(())
}

/// The month's D02 declaration, where anybody came or went; handed in on a day of the employer's own.
fn declare(
    sheet: &mut Sheet<'_>,
    month: &Month,
    at: usize,
    employer: &Employer,
) -> Result<(), SeedError> {
    let count = |which: &dyn Fn(&&Worker) -> bool| employer.workers.iter().filter(which).count();
    let joined = count(&|worker| worker.from == at);
    let gone = count(&|worker| worker.to.saturating_add(1) == at);
    if joined + gone == 0 {
        return Ok(());
    }
    let day = i8::try_from(5 + employer.id % 20).unwrap_or(5);
    let submitted_on = month.period.first_day().saturating_add((day - 1).days());
    let plan = if joined > 0 { "TM" } else { "GH" };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let (period, submitted_on) = (month.period.to_string(), submitted_on.to_string());
    let (joined, gone) = (number(joined), number(gone));
    let row = values![employer.id, period, submitted_on, plan, joined, gone];
    Ok(sheet.add(Table::D02, row)?)
}

fn paid(random: &mut Random, habit: Habit, due: i64, arrears: i64) -> i64 {
    match habit {
        Habit::InFull => due + arrears,
        // behind most of the time, even every few months
        Habit::Late if random.percent(30) => due + arrears,
        Habit::Late => due / 100 * random.range(60, 101),
        Habit::Badly => due / 100 * random.range(0, 70),
    }
}

/// Tax codes from here on are given to persons and never to an employer.
const PERSONAL_FROM: i64 = 9_500_000;
/// The number of the code that two persons have.
const AMBIGUOUS: i64 = 9_500_001;
const ACTIVE: i64 = 1;
const SUSPENDED: i64 = 2;
const CLOSED: i64 = 3;
const CLOSED_MONTHS: usize = 24;
const BRANCHES: usize = 5;
const HOUSEHOLD: &str = "Hộ kinh doanh";
const KINDS: &[&str] = &[
    "Công ty TNHH",
    "Công ty Cổ phần",
    "Công ty TNHH MTV",
    "Hợp tác xã",
    "Doanh nghiệp tư nhân",
];
