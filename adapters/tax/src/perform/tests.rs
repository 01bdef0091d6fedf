use super::*;
use crate::testscene::{
    Registry, about, ask, context, contributed, facts, many, many_permit, permit, person_permit,
    ping, response,
};
use schemas::wire::tax::{Answer, Claim, Dispute, DisputeReceipt};

#[tokio::test]
async fn the_registry_is_asked_for_the_code_and_the_month() {
    let registry = Registry::answering(Ok(response()));
    let ask = Request::VerifyEmployer(ask(&["fund"]));
    let outcome = perform(&registry, context(), &permit(&["fund"], &["fund"]), &ask).await;
    assert_eq!(outcome, Ok(Outcome::Participation(response())));
    let asked = registry.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].tax_code.as_str(), asked[0].period.as_str()),
        ("9900000016", "2026-10")
    );
}

#[tokio::test]
async fn a_ping_never_touches_the_registry() {
    let registry = Registry::answering(Ok(response()));
    let outcome = perform(
        &registry,
        context(),
        &permit(&[], &[]),
        &Request::Ping(ping()),
    )
    .await;
    assert_eq!(outcome, Ok(Outcome::Pong));
    assert!(registry.asked().is_empty());
}

#[tokio::test]
async fn without_one_permitted_field_nobody_is_asked() {
    let registry = Registry::answering(Ok(response()));
    let ask = Request::VerifyEmployer(ask(&["name", "unitCode"]));
    let permit = permit(&["fund"], &["name", "unitCode"]);
    let outcome = perform(&registry, context(), &permit, &ask).await;
    assert_eq!(outcome, Ok(Outcome::NotPermitted));
    assert!(registry.asked().is_empty());
}

#[tokio::test]
async fn a_fault_of_the_registry_stays_what_it_is() {
    let fault = Fault::new(schemas::fault::FaultCode::InsuranceUnavailable, "timeout");
    let registry = Registry::answering(Err(fault.clone()));
    let ask = Request::VerifyEmployer(ask(&["fund"]));
    let outcome = perform(&registry, context(), &permit(&["fund"], &["fund"]), &ask).await;
    assert_eq!(outcome, Err(fault));
}

#[tokio::test]
async fn what_takes_work_is_asked_of_the_registry_only_where_it_is_agreed() {
    let parts = ["units", "ageing", "lastD02", "registeredFrom"];
    let asked_for = async |granted: &[&str]| {
        let registry = Registry::answering(Ok(response()));
        let ask = Request::VerifyEmployer(ask(&parts));
        perform(&registry, context(), &permit(granted, &parts), &ask)
            .await
            .unwrap();
        let asked = registry.asked().remove(0);
        [
            asked.with_units,
            asked.with_ageing,
            asked.with_last_d02,
            asked.with_registered_from,
        ]
    };
    assert_eq!(asked_for(&parts).await, [true; 4]);
    assert_eq!(asked_for(&["ageing"]).await, [false, true, false, false]);
}

#[tokio::test]
async fn a_person_is_asked_about_by_the_number_that_was_given() {
    let registry = Registry::telling(Ok(contributed()));
    let ask = Request::VerifyIndividual(about(facts(&["months"])));
    let permit = person_permit(&["months"], &["months"]);
    let outcome = perform(&registry, context(), &permit, &ask).await;
    assert_eq!(outcome, Ok(Outcome::Contributions(contributed())));
    let asked = registry.asked_of_people().remove(0);
    assert_eq!(asked.number, Some(Number::Pin("099190000001".into())));
    assert_eq!(
        (asked.from.as_str(), asked.to.as_str()),
        ("2026-01", "2026-09")
    );
}

#[tokio::test]
async fn a_claim_with_one_thing_that_is_not_agreed_is_not_judged_at_all() {
    let registry = Registry::telling(Ok(contributed()));
    let claim = Claim {
        months: Some(9),
        birth_date: Some(jiff::civil::date(1990, 2, 3)),
        ..Claim::default()
    };
    let ask = Request::VerifyIndividual(about(Question::Claim(claim)));
    let permit = person_permit(&["months"], &["months", "birthDate"]);
    let outcome = perform(&registry, context(), &permit, &ask).await;
    assert_eq!(outcome, Ok(Outcome::NotPermitted));
    assert!(registry.asked_of_people().is_empty());
}

#[tokio::test]
async fn a_final_refusal_is_of_its_line_and_one_that_may_pass_is_of_the_message() {
    let permit = many_permit(&["fund"], &["fund"]);
    let ask = Request::VerifyMany(many(&["fund"], &["9900000016", "9900000017"]));
    let ambiguous = Fault::new(FaultCode::AmbiguousSubject, "several-people");
    let registry = Registry::answering(Err(ambiguous.clone()));
    let wrong_digit = Fault::new(FaultCode::Invalid, "mst-check-digit").field("Mst");
    assert_eq!(
        perform(&registry, context(), &permit, &ask).await,
        Ok(Outcome::Many(vec![
            LineOutcome::Refused(ambiguous),
            LineOutcome::Refused(wrong_digit),
        ]))
    );
    let away = Fault::new(FaultCode::InsuranceUnavailable, "timeout");
    let registry = Registry::answering(Err(away.clone()));
    assert_eq!(
        perform(&registry, context(), &permit, &ask).await,
        Err(away)
    );
}

fn notice() -> ChangeNotice {
    ChangeNotice {
        mst: TaxId::parse("9900000016").unwrap(),
        kind: NoticeKind::Headcount,
        effective_on: jiff::civil::date(2026, 11, 1),
        status: Some("00".into()),
        status_reason: None,
        name: None,
        address: None,
        merged_into: None,
        headcount: Some((40, 12)),
        purpose: "tax-compliance".into(),
    }
}

#[tokio::test]
async fn a_notice_is_told_to_the_registry_whole_and_needs_no_field() {
    let registry = Registry::answering(Ok(response()));
    let request = Request::ChangeNotice(Box::new(notice()));
    let outcome = perform(&registry, context(), &permit(&[], &[]), &request).await;
    assert!(matches!(outcome, Ok(Outcome::Noted(_))));
    let expected = Notice {
        tax_code: "9900000016".into(),
        kind: Kind::Headcount.into(),
        effective_on: "2026-11-01".into(),
        status: "00".into(),
        headcount_before: 40,
        headcount: 12,
        ..Notice::default()
    };
    assert_eq!(registry.told(), [expected]);
}

#[tokio::test]
async fn a_dispute_is_the_senders_own_word_and_its_receipt_is_the_ledgers() {
    let registry = Registry::answering(Ok(response()));
    let id = format!("d-{}", "0a".repeat(16));
    let request = Request::Dispute(Dispute {
        discrepancy: id.clone(),
        reason: "counted by hand".into(),
        purpose: "tax-compliance".into(),
    });
    let permit = permit(&[], &[]);
    let outcome = perform(&registry, context(), &permit, &request)
        .await
        .unwrap();
    let expected = MoveDiscrepancyRequest {
        context: None,
        id: id.clone(),
        side: Party::Tax.into(),
        to: DiscrepancyState::Disputed.into(),
        who: context().sender.as_str().into(),
        reason: "counted by hand".into(),
    };
    assert_eq!(registry.disputed(), [expected]);
    let answer = crate::encode::answer(&permit, &request, outcome).unwrap();
    let receipt = DisputeReceipt {
        discrepancy: id,
        disputed_at: "2026-11-22T05:00:01Z".parse().unwrap(),
    };
    assert_eq!(answer, Answer::DisputeReceipt(receipt));
}
