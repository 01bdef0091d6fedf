use std::sync::Mutex;

use gateway_core::Context;
use schemas::{fault::FaultCode, id::PartnerId};
use tokio::time::Instant;

use super::*;
use crate::decode::tests as told;

/// Registers what it is told, and answers the deaths with a fault where it has one.
#[derive(Default)]
struct Book {
    cases: Mutex<Vec<(String, [u8; 32])>>,
    deaths_end_with: Option<Fault>,
}

impl Registrar for Book {
    fn register_birth(
        &self,
        context: Context,
        request: contract::RegisterBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>> {
        self.cases
            .lock()
            .unwrap()
            .push((request.case_id, context.key));
        Box::pin(async { Ok(contract::BirthCase::default()) })
    }

    fn vital_event(
        &self,
        _: Context,
        request: contract::FindVitalEventRequest,
    ) -> BoxFuture<'_, Result<Option<contract::VitalEvent>, Fault>> {
        let event = contract::VitalEvent {
            pin: request.pin,
            ..contract::VitalEvent::default()
        };
        Box::pin(async { Ok(Some(event)) })
    }

    fn subscribe(
        &self,
        _: Context,
        _: contract::SubscribeVitalEventsRequest,
    ) -> BoxFuture<'_, Result<contract::VitalSubscription, Fault>> {
        Box::pin(async { Err(Fault::new(FaultCode::Internal, "not-asked")) })
    }

    fn unsubscribe(
        &self,
        _: Context,
        _: String,
    ) -> BoxFuture<'_, Result<contract::VitalSubscription, Fault>> {
        Box::pin(async { Err(Fault::new(FaultCode::Internal, "not-asked")) })
    }

    fn register_death(
        &self,
        context: Context,
        request: contract::RegisterDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>> {
        self.cases
            .lock()
            .unwrap()
            .push((request.case_id, context.key));
        let answer = match &self.deaths_end_with {
            None => Ok(contract::DeathCase::default()),
            Some(fault) => Err(fault.clone()),
        };
        Box::pin(async { answer })
    }
}

fn context() -> Context {
    Context {
        key: [1; 32],
        sender: PartnerId::parse("crvs").unwrap(),
        rule: "X".to_owned(),
        purpose: crate::PURPOSE.to_owned(),
        deadline: Instant::now(),
    }
}

fn message(kinds: &[&str]) -> Told {
    let records = kinds.iter().map(|kind| told::one(kind)).collect();
    Told {
        sent_at: told::sent_at(),
        records,
    }
}

#[tokio::test]
async fn each_record_is_registered_under_a_key_of_its_own() {
    let book = Book::default();
    let refused = register(&book, context(), &message(&["live_birth", "death"]))
        .await
        .unwrap();
    assert_eq!(refused, []);
    let cases = book.cases.lock().unwrap().clone();
    assert_eq!(cases[0].0, "dci-15/2026");
    assert_eq!(cases[1].0, "dci-7/2026");
    assert_ne!(cases[0].1, cases[1].1);
    assert_ne!(cases[0].1, [1; 32]);
}

#[tokio::test]
async fn one_record_that_is_refused_does_not_hold_up_the_others() {
    let book = Book {
        deaths_end_with: Some(Fault::new(FaultCode::RuleRefused, "person-is-dead")),
        ..Book::default()
    };
    let both = message(&["death", "live_birth"]);
    let refused = register(&book, context(), &both).await.unwrap();
    assert_eq!((refused.len(), refused[0].index), (1, 0));
    assert_eq!(book.cases.lock().unwrap().len(), 2);
    // alone it is refused as a whole
    let alone = register(&book, context(), &message(&["death"])).await;
    assert_eq!(alone.unwrap_err().reason(), "person-is-dead");
}

#[tokio::test]
async fn a_database_that_does_not_answer_leaves_the_message_to_be_sent_again() {
    let book = Book {
        deaths_end_with: Some(Fault::new(FaultCode::InsuranceUnavailable, "timeout")),
        ..Book::default()
    };
    let both = message(&["death", "live_birth"]);
    let refused = register(&book, context(), &both).await.unwrap_err();
    assert_eq!(refused.code(), FaultCode::InsuranceUnavailable);
}

#[test]
fn a_birth_is_said_in_the_contracts_words() {
    let Told { records, sent_at } = message(&["live_birth"]);
    let What::Birth(_, birth) = &records[0] else {
        panic!("a birth")
    };
    let said = canonical_birth(birth, sent_at);
    let child = said.child.unwrap();
    assert_eq!((child.sex, child.birth_date.as_str()), (2, "2026-11-10"));
    assert_eq!(child.residence_commune, "00004");
    assert_eq!(
        (said.facility.as_str(), said.birth_notice.as_str()),
        ("01001", "GCS.01001.26.000001")
    );
    assert_eq!(said.mother.unwrap().pin, "099193000123");
    assert_eq!(said.guardian.unwrap().relation, "mother");
    assert_eq!(said.received_at, "2026-11-23T01:00:00Z");
    let record = said.record.unwrap();
    assert_eq!(
        (record.number.as_str(), record.book.as_str()),
        ("15/2026", "01/2026")
    );
}
