//! Looked at again: what the registry's own figures answer now, and what has come to its term.

use jiff::Timestamp;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    Discrepancy, DiscrepancyState as State, Finding, GetContributionsResponse,
    GetParticipationResponse, ParticipationState, Party, RecheckProgressRequest,
    RecheckProgressResponse, RecheckRequest, RecheckResponse,
};

use super::moves::said;
use super::row::{self, By, ROW};
use super::standing::Stored;
use super::{finding, page};
use crate::registry::effects::Asked;
use crate::registry::{Error, Registry, Tx, contributions, employers, facts};
use crate::sql::{Sql, values};

impl Registry {
    /// Looks again at those that were looked at longest ago; the same key gives the same answer again.
    ///
    /// A figure of ours that now is what the other side, or the rule, asks for matches. Where the registry
    /// has no figure to compare, only the term is looked at.
    ///
    /// # Errors
    /// `INVALID`; nothing is changed then.
    pub async fn recheck(&self, mut request: RecheckRequest) -> Result<RecheckResponse, Error> {
        let context = facts::context(request.context.take())?;
        let before = facts::moment(&request.before, "before")?;
        let max = page(request.max)?;
        said(&request.who, 200, "who")?;
        let asked = Asked::new("TaxLedger.Recheck", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            let mut answer = RecheckResponse::default();
            for (seq, open) in due(tx, before, max)? {
                look(tx, seq, &open, &request.who, &mut answer)?;
            }
            Ok(answer)
        })
        .await
    }
}

impl Registry {
    /// How far a look in parts has come, whoever looks: by what the rows say.
    ///
    /// # Errors
    /// `INVALID` where the time or the key is malformed.
    pub async fn recheck_progress(
        &self,
        request: RecheckProgressRequest,
    ) -> Result<RecheckProgressResponse, Error> {
        facts::context(request.context)?;
        let before = facts::instant(facts::moment(&request.before, "before")?);
        let first = <[u8; 32]>::try_from(request.first.as_slice())
            .map_err(|_| facts::invalid("malformed-key", "first"))?;
        self.read("recheck_progress", move |sql| {
            let begun = sql.query_opt(
                "SELECT 1 FROM effects WHERE key = ?1",
                values![first],
                |_| Ok(()),
            )?;
            let checked = "SELECT count(*) FROM tax_ledger WHERE state < 5 AND checked_at >= ?1 AND noted_at < ?1";
            let left = "SELECT count(*) FROM tax_ledger WHERE state < 5 AND checked_at < ?1";
            let count = |sum: &str| -> Result<u64, Error> {
                let many = sql.query_opt(sum, values![before], |row| row.get::<i64>(0))?;
                Ok(many.unwrap_or(0).unsigned_abs())
            };
            Ok(RecheckProgressResponse {
                begun: begun.is_some(),
                checked: count(checked)?,
                left: count(left)?,
            })
        })
        .await
    }
}

fn due(tx: &Tx<'_>, before: Timestamp, max: i64) -> Result<Vec<(i64, Discrepancy)>, Error> {
    const LONGEST_AGO: &str =
        "WHERE state < 5 AND checked_at < ?1 ORDER BY checked_at, seq LIMIT ?2";
    let before = facts::instant(before.min(tx.now));
    Ok(tx.sql.query(
        &format!("{ROW} {LONGEST_AGO}"),
        values![before, max],
        row::read,
    )?)
}

fn look(
    tx: &Tx<'_>,
    seq: i64,
    open: &Discrepancy,
    who: &str,
    answer: &mut RecheckResponse,
) -> Result<(), Error> {
    let stored = || Stored::of(open.state).ok_or(Error::Corrupt("a discrepancy's state"));
    let (mut steps, reason) = match verdict(tx.sql, open)? {
        Verdict::Agrees => (stored()?.agree(), "our figures answer it"),
        Verdict::Differs => (stored()?.differ(), "our figures do not answer it"),
        Verdict::Unknown => (Vec::new(), ""),
    };
    let by = |reason| By {
        side: Party::Insurance,
        who,
        reason,
    };
    row::apply(tx, seq, steps.clone(), &by(reason))?;
    if open.due_on < tx.today.to_string() {
        let state = steps.last().map_or(open.state, |state| *state as i32);
        let ended = Stored::of(state).ok_or(Error::Corrupt("a discrepancy's state"))?;
        let ended = ended.end();
        row::apply(tx, seq, ended.clone(), &by("its term has ended"))?;
        steps.extend(ended);
    }
    tx.sql.execute(
        "UPDATE tax_ledger SET checked_at = ?2 WHERE seq = ?1",
        values![seq, facts::instant(tx.now)],
    )?;
    count(answer, steps.last().copied());
    Ok(())
}

fn count(answer: &mut RecheckResponse, moved_to: Option<State>) {
    answer.checked += 1;
    match moved_to {
        Some(State::Matched) => answer.matched += 1,
        Some(State::Mismatched) => answer.mismatched += 1,
        Some(State::Settled) => answer.settled += 1,
        Some(State::Expired) => answer.expired += 1,
        _ => {}
    }
}

/// What the registry's own figures say.
enum Verdict {
    Agrees,
    Differs,
    /// They say nothing about it.
    Unknown,
}

impl Verdict {
    fn of(agrees: Option<bool>) -> Self {
        match agrees {
            Some(true) => Self::Agrees,
            Some(false) => Self::Differs,
            None => Self::Unknown,
        }
    }
}

fn verdict(sql: &Sql, open: &Discrepancy) -> Result<Verdict, Error> {
    let finding = open
        .finding
        .as_ref()
        .ok_or(Error::Corrupt("a row without its finding"))?;
    let Some(numbers) = finding::number(&finding.person) else {
        let month = employers::month(sql, &finding.tax_code, &open.period)?;
        return Ok(Verdict::of(of_employer(finding, &month)));
    };
    for number in numbers {
        // several people under an old code: nobody can say which
        let Some(work) = contributions::month(sql, number, &open.period)? else {
            return Ok(Verdict::Unknown);
        };
        if work.found {
            return Ok(Verdict::of(of_person(finding, &work)));
        }
    }
    Ok(Verdict::of(of_person(
        finding,
        &GetContributionsResponse::default(),
    )))
}

fn of_employer(finding: &Finding, month: &GetParticipationResponse) -> Option<bool> {
    let stands = |state: ParticipationState| month.found && month.state() == state;
    let figure = |ours: i64| (month.found && !month.incomplete).then_some(ours);
    let asked = asked(finding);
    let (reaches, keeps_to) = (
        |ours: i64, asked: i64| reaches(finding, ours, asked),
        |ours: i64, asked: i64| reaches(finding, asked, ours),
    );
    match finding.category.as_str() {
        "E-NOTREG" => Some(month.found),
        "E-STATUS-TAX" => Some(!stands(ParticipationState::Active)),
        "E-STATUS-SI" => Some(stands(ParticipationState::Active)),
        "E-UNDERCOUNT" => Some(reaches(figure(i64::from(month.participants))?, asked?)),
        "E-OVERCOUNT" => Some(keeps_to(figure(i64::from(month.participants))?, asked?)),
        "E-UNDERFUND" => Some(reaches(figure(month.fund_vnd)?, asked?)),
        "E-OVERFUND" => Some(keeps_to(figure(month.fund_vnd)?, asked?)),
        "E-UNDERPAID" => Some(reaches(
            figure(month.paid_vnd)?,
            asked.or(figure(month.due_vnd))?,
        )),
        _ => None,
    }
}

fn of_person(finding: &Finding, work: &GetContributionsResponse) -> Option<bool> {
    let by = |code: &str| work.stretches.iter().find(|one| one.tax_code == code);
    let here = by(&finding.tax_code);
    match finding.category.as_str() {
        _ if work.incomplete => None,
        "P-UNINSURED" => Some(!work.stretches.is_empty()),
        "P-UNKNOWN" => Some(here.is_none()),
        "P-EMPLOYER" => Some(by(&finding.theirs).is_some()),
        "P-BASE" => Some(reaches(finding, here?.base_vnd, asked(finding)?)),
        "P-INCOME" => Some(reaches(finding, asked(finding)?, here?.base_vnd)),
        _ => None,
    }
}

/// Whether `less` is below `more` by no more than what was tolerated when it was found: people or VND, or basis points
/// of the larger figure, whichever is more.
fn reaches(finding: &Finding, less: i64, more: i64) -> bool {
    let share = i128::from(more) * i128::from(finding.tolerated_bp) / 10_000;
    let gap = i128::from(more) - i128::from(less);
    gap <= share.max(i128::from(finding.tolerated))
}

/// What the rule asks for, else what the other side has.
fn asked(finding: &Finding) -> Option<i64> {
    match finding.expected_vnd {
        0 => finding.theirs.parse().ok(),
        expected => Some(expected),
    }
}
