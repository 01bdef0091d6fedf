//! The tax ledger, as operators see and move it. No person is told: whoever has to know one looks in the
//! insurance database, under its own rules.

use certs::digest::Sha256;
use gateway_core::{
    Evidence,
    ports::{Act, Deed, LedgerStep},
};
use insurance::Insurance;
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::TaxId,
    proto::{
        admin::{
            DiscrepancyLine, DiscrepancyStepLine, ListDiscrepanciesRequest,
            ListDiscrepanciesResponse, ListNoticesRequest, ListNoticesResponse,
            MoveDiscrepancyRequest, MoveDiscrepancyResponse, NoticeLine, RecheckLedgerRequest,
            RecheckLedgerResponse, ShowDiscrepancyResponse,
        },
        insurance::{
            self as contract, Discrepancy, DiscrepancyState as State, DiscrepancyStep, Finding,
            Notice, NoticeKind, Party,
        },
    },
};
use tokio::time::{Duration, Instant};
use tonic::Status;

use super::{
    AdminParts,
    office::{page, said_why, unavailable},
};

pub(super) async fn list(
    parts: &AdminParts,
    asked: ListDiscrepanciesRequest,
) -> Result<ListDiscrepanciesResponse, Status> {
    let state = match asked.state.as_str() {
        "" => State::Unspecified,
        word => STATES
            .into_iter()
            .find_map(|(state, known)| (known == word).then_some(state))
            .ok_or_else(|| Status::invalid_argument("no such state"))?,
    };
    let request = contract::ListDiscrepanciesRequest {
        context: Some(asking(parts, Vec::new())),
        partner: asked.partner,
        tax_code: asked.tax_code,
        period: asked.period,
        state: state.into(),
        category: asked.category,
        before: asked.before,
        max: u32::try_from(page(asked.max)).unwrap_or(1),
    };
    let listed = behind(parts)?.discrepancies(soon(), request).await;
    let now = parts.clock.now();
    let lines = listed.map_err(said)?.discrepancies.into_iter();
    Ok(ListDiscrepanciesResponse {
        discrepancies: lines.map(|one| line(one, now)).collect(),
    })
}

pub(super) async fn show(
    parts: &AdminParts,
    id: String,
) -> Result<ShowDiscrepancyResponse, Status> {
    let found = fetch(parts, id).await?;
    let now = parts.clock.now();
    Ok(ShowDiscrepancyResponse {
        discrepancy: found.discrepancy.map(|one| line(one, now)),
        steps: found.steps.into_iter().map(step_line).collect(),
    })
}

pub(super) async fn dispute(
    parts: &AdminParts,
    asked: MoveDiscrepancyRequest,
) -> Result<MoveDiscrepancyResponse, Status> {
    let from = [State::Notified, State::Matched, State::Mismatched];
    step(parts, asked, LedgerStep::Dispute, &from).await
}

pub(super) async fn settle(
    parts: &AdminParts,
    asked: MoveDiscrepancyRequest,
) -> Result<MoveDiscrepancyResponse, Status> {
    let from = [State::Matched, State::Mismatched, State::Disputed];
    step(parts, asked, LedgerStep::Settle, &from).await
}

/// The act is sealed first: a step that stands in the ledger always has its record.
async fn step(
    parts: &AdminParts,
    asked: MoveDiscrepancyRequest,
    step: LedgerStep,
    from: &[State],
) -> Result<MoveDiscrepancyResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let found = fetch(parts, asked.id).await?.discrepancy;
    let found = found.ok_or_else(|| Status::unavailable("an answer without the discrepancy"))?;
    if !from.contains(&found.state()) {
        let reason = format!("ledger-state: it is {}", word(found.state));
        return Err(Status::failed_precondition(reason));
    }
    let key = seal(parts, step, found.id.clone(), &who, &why).await?;
    let request = contract::MoveDiscrepancyRequest {
        context: Some(asking(parts, key.to_vec())),
        id: found.id,
        side: Party::Insurance.into(),
        to: match step {
            LedgerStep::Settle => State::Settled.into(),
            LedgerStep::Dispute | LedgerStep::Recheck => State::Disputed.into(),
        },
        who,
        reason: why,
    };
    let moved = behind(parts)?.move_discrepancy(soon(), request).await;
    let now = parts.clock.now();
    let moved = moved.map_err(said)?.discrepancy;
    Ok(MoveDiscrepancyResponse {
        discrepancy: moved.map(|one| line(one, now)),
    })
}

pub(super) async fn recheck(
    parts: &AdminParts,
    asked: RecheckLedgerRequest,
) -> Result<RecheckLedgerResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let before = match asked.before.as_str() {
        "" => parts.clock.now(),
        text => text
            .parse()
            .map_err(|_| Status::invalid_argument("an instant"))?,
    };
    let act = seal(
        parts,
        LedgerStep::Recheck,
        THE_LEDGER.to_owned(),
        &who,
        &why,
    )
    .await?;
    let until = Instant::now() + RECHECK_MAX;
    let mut answer = RecheckLedgerResponse {
        before: before.to_string(),
        more: true,
        ..RecheckLedgerResponse::default()
    };
    for nth in 0_u64.. {
        let request = contract::RecheckRequest {
            context: Some(asking(parts, part_of(&act, nth).to_vec())),
            before: answer.before.clone(),
            max: LOOKED_AT_ONCE,
            who: who.clone(),
        };
        let looked = behind(parts)?
            .recheck(soon(), request)
            .await
            .map_err(said)?;
        answer.checked += u64::from(looked.checked);
        answer.matched += u64::from(looked.matched);
        answer.mismatched += u64::from(looked.mismatched);
        answer.settled += u64::from(looked.settled);
        answer.expired += u64::from(looked.expired);
        answer.more = looked.checked == LOOKED_AT_ONCE;
        if !answer.more || Instant::now() >= until {
            break;
        }
    }
    Ok(answer)
}

pub(super) async fn notices(
    parts: &AdminParts,
    asked: ListNoticesRequest,
) -> Result<ListNoticesResponse, Status> {
    let request = contract::ListNoticesRequest {
        context: Some(asking(parts, Vec::new())),
        tax_code: asked.tax_code,
    };
    let listed = behind(parts)?
        .notices(soon(), request)
        .await
        .map_err(said)?;
    Ok(ListNoticesResponse {
        notices: listed.notices.into_iter().map(notice_line).collect(),
    })
}

/// Writes the act down, and gives the key that both the act and the ledger's step name.
async fn seal(
    parts: &AdminParts,
    step: LedgerStep,
    of: String,
    who: &str,
    why: &str,
) -> Result<[u8; 32], Status> {
    // a store that was put back changes nothing, here neither
    if parts
        .office
        .recovering()
        .await
        .map_err(unavailable)?
        .is_some()
    {
        return Err(Status::unavailable("recovering"));
    }
    let nonce = Evidence::fresh().to_string();
    let key = Sha256::new()
        .chain(b"tax-ledger/")
        .chain(of.as_bytes())
        .chain(nonce.as_bytes())
        .finish();
    let deed = Deed::Ledger { step, of, key };
    let (word, target) = (deed.word(), deed.target());
    let act = Act {
        who: who.to_owned(),
        why: why.to_owned(),
        deed,
    };
    parts.office.act(act).await.map_err(unavailable)?;
    tracing::warn!(deed = word, target, "an operator acted");
    Ok(key)
}

/// The key of one part of a re-check; the first part's is the act's own.
fn part_of(act: &[u8; 32], nth: u64) -> [u8; 32] {
    match nth {
        0 => *act,
        nth => Sha256::new().chain(act).chain(&nth.to_be_bytes()).finish(),
    }
}

async fn fetch(parts: &AdminParts, id: String) -> Result<contract::GetDiscrepancyResponse, Status> {
    let request = contract::GetDiscrepancyRequest {
        context: Some(asking(parts, Vec::new())),
        id,
    };
    behind(parts)?
        .discrepancy(soon(), request)
        .await
        .map_err(said)
}

fn behind(parts: &AdminParts) -> Result<&Insurance, Status> {
    let nobody = || Status::unavailable("there is no insurance database behind this listener");
    parts.insurance.as_ref().ok_or_else(nobody)
}

/// In our own name: an operator is no partner.
fn asking(parts: &AdminParts, key: Vec<u8>) -> contract::Context {
    contract::Context {
        key,
        sender: parts.partners.load().us().as_str().to_owned(),
        rule: "tax-ledger".to_owned(),
        purpose: "tax-compliance".to_owned(),
        ..contract::Context::default()
    }
}

fn said(fault: Fault) -> Status {
    let reason = fault.reason();
    match fault.code() {
        FaultCode::UnknownSubject => Status::not_found(reason),
        FaultCode::Invalid => Status::invalid_argument(reason),
        _ if fault.is_final() => Status::failed_precondition(reason),
        _ => Status::unavailable(reason),
    }
}

fn line(one: Discrepancy, now: Timestamp) -> DiscrepancyLine {
    let found_by = found_by(&one).to_owned();
    let finding = one.finding.unwrap_or_default();
    let (of_household, of_person) = (is_a_person(&finding.tax_code), !finding.person.is_empty());
    let Finding {
        category,
        field,
        province,
        ..
    } = finding.clone();
    let line = DiscrepancyLine {
        id: one.id,
        partner: one.partner,
        period: one.period,
        category,
        province,
        field,
        of_person,
        state: word(one.state).to_owned(),
        age_days: age_days(&one.noted_at, now),
        noted_at: one.noted_at,
        moved_at: one.moved_at,
        checked_at: one.checked_at,
        due_on: one.due_on,
        run: one.run,
        found: one.found,
        found_by,
        their_run: one.tax_run,
        ..DiscrepancyLine::default()
    };
    match (of_household, of_person) {
        (true, _) => line,
        (false, true) => DiscrepancyLine {
            tax_code: finding.tax_code,
            ..line
        },
        (false, false) => DiscrepancyLine {
            tax_code: finding.tax_code,
            ours: finding.ours,
            theirs: finding.theirs,
            expected_vnd: finding.expected_vnd,
            ..line
        },
    }
}

/// Whose comparisons find it.
fn found_by(one: &Discrepancy) -> &'static str {
    let finds = |side| one.found_by().any(|found| found == side);
    match (finds(Party::Insurance), finds(Party::Tax)) {
        (true, true) => "both",
        (true, false) => "us",
        (false, true) => "them",
        (false, false) => "neither",
    }
}

/// A household business has its owner's PIN for a tax code.
fn is_a_person(tax_code: &str) -> bool {
    !matches!(TaxId::parse(tax_code), Ok(TaxId::Mst(_)))
}

fn age_days(noted_at: &str, now: Timestamp) -> u32 {
    let Ok(noted_at) = noted_at.parse::<Timestamp>() else {
        return 0;
    };
    let hours = now.duration_since(noted_at).as_hours();
    u32::try_from(hours / 24).unwrap_or(0)
}

fn word(state: i32) -> &'static str {
    let known = STATES.into_iter().find(|(known, _)| *known as i32 == state);
    known.map_or("unknown", |(_, word)| word)
}

fn step_line(step: DiscrepancyStep) -> DiscrepancyStepLine {
    DiscrepancyStepLine {
        state: word(step.state).to_owned(),
        side: match step.side() {
            Party::Tax => "tax",
            Party::Insurance | Party::Unspecified => "insurance",
        }
        .to_owned(),
        who: step.who,
        reason: step.reason,
        at: step.at,
        key: hex::encode(step.key),
    }
}

fn notice_line(notice: Notice) -> NoticeLine {
    let kind = match notice.kind() {
        NoticeKind::Unspecified => "unknown",
        NoticeKind::Registered => "registered",
        NoticeKind::Dissolved => "dissolved",
        NoticeKind::Suspended => "suspended",
        NoticeKind::Resumed => "resumed",
        NoticeKind::Moved => "moved",
        NoticeKind::Merged => "merged",
        NoticeKind::Headcount => "headcount",
    };
    let of_household = is_a_person(&notice.tax_code);
    let public = |text: String| if of_household { String::new() } else { text };
    NoticeLine {
        kind: kind.to_owned(),
        effective_on: notice.effective_on,
        status: notice.status,
        status_reason: notice.status_reason,
        name: public(notice.name),
        address: public(notice.address),
        merged_into: notice.merged_into,
        headcount_before: notice.headcount_before,
        headcount: notice.headcount,
    }
}

fn soon() -> Instant {
    Instant::now() + CALL_MAX
}

const STATES: [(State, &str); 6] = [
    (State::Notified, "notified"),
    (State::Matched, "matched"),
    (State::Mismatched, "mismatched"),
    (State::Disputed, "disputed"),
    (State::Settled, "settled"),
    (State::Expired, "expired"),
];
/// What a re-check names in the journal.
const THE_LEDGER: &str = "the-ledger";
const CALL_MAX: Duration = Duration::from_secs(8);
/// How long one call looks; the caller asks again for the rest.
const RECHECK_MAX: Duration = Duration::from_secs(5);
const LOOKED_AT_ONCE: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(category: &str, tax_code: &str, person: &str) -> DiscrepancyLine {
        let finding = Finding {
            category: category.to_owned(),
            tax_code: tax_code.to_owned(),
            person: person.to_owned(),
            ours: "Nguyễn Văn A".to_owned(),
            theirs: "Nguyễn Văn B".to_owned(),
            expected_vnd: 5_000_000,
            ..Finding::default()
        };
        let one = Discrepancy {
            noted_at: "2026-11-01T00:00:00Z".to_owned(),
            state: State::Disputed.into(),
            finding: Some(finding),
            ..Discrepancy::default()
        };
        line(one, "2026-11-22T05:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_line_tells_employers_figures_and_nothing_of_a_person() {
        let employer = told("E-NAME", "9900000016", "");
        assert_eq!(employer.tax_code, "9900000016");
        assert_eq!((&*employer.state, employer.age_days), ("disputed", 21));
        assert!(employer.ours.starts_with("Nguy") && employer.expected_vnd > 0);
        let person = told("P-BASE", "9900000016", "099300000001");
        assert!(person.of_person);
        for line in [person, told("E-NAME", "099300000001", "")] {
            let all = format!("{line:?}");
            assert!(
                !all.contains("099300000001") && !all.contains("Nguy"),
                "{all}"
            );
            assert_eq!(line.expected_vnd, 0);
        }
    }

    #[test]
    fn a_line_says_whose_comparison_finds_it() {
        let (us, them) = (Party::Insurance, Party::Tax);
        for (sides, word) in [
            (vec![us], "us"),
            (vec![them], "them"),
            (vec![us, them], "both"),
            (vec![], "neither"),
        ] {
            let one = Discrepancy {
                found_by: sides.into_iter().map(i32::from).collect(),
                ..Discrepancy::default()
            };
            assert_eq!(found_by(&one), word);
        }
    }

    #[test]
    fn the_ledger_knows_every_category_of_the_comparison() {
        let compared = tax::compare::Category::ALL.map(tax::compare::Category::code);
        assert_eq!(insurance::registry::ledger::CATEGORIES, compared);
    }
}
