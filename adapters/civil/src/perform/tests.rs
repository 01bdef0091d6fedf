use std::sync::Mutex;

use gateway_core::{Context, files::Content};
use schemas::{file_kind::Kind, id::PartnerId, proto::insurance::BirthCase};

use super::*;
use crate::Paper;
use crate::decode::tests::{birth, deaths::death};

#[derive(Default)]
struct Registry {
    registered: Mutex<Vec<contract::RegisterBirthRequest>>,
    deaths: Mutex<Vec<contract::RegisterDeathRequest>>,
    corrections: Mutex<Vec<contract::CorrectBirthRequest>>,
    supplements: Mutex<Vec<contract::SupplementBirthRequest>>,
    answer_other_cases: bool,
    refuses: Option<Fault>,
}

impl Births for Registry {
    fn register(
        &self,
        _context: Context,
        request: contract::RegisterBirthRequest,
    ) -> BoxFuture<'_, Result<BirthCase, Fault>> {
        if let Some(fault) = &self.refuses {
            return Box::pin(std::future::ready(Err(fault.clone())));
        }
        let case = BirthCase {
            case_id: request.case_id.clone(),
            ..BirthCase::default()
        };
        self.registered.lock().unwrap().push(request);
        Box::pin(async { Ok(case) })
    }

    fn cases(
        &self,
        _context: Context,
        mut ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<BirthCase>, Fault>> {
        if self.answer_other_cases {
            ids.reverse();
        }
        let cases = ids
            .into_iter()
            .map(|case_id| BirthCase {
                case_id,
                ..BirthCase::default()
            })
            .collect();
        Box::pin(async { Ok(cases) })
    }

    fn register_death(
        &self,
        _context: Context,
        request: contract::RegisterDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>> {
        let case = contract::DeathCase {
            case_id: request.case_id.clone(),
            ..contract::DeathCase::default()
        };
        self.deaths.lock().unwrap().push(request);
        Box::pin(async { Ok(case) })
    }

    fn correct(
        &self,
        _context: Context,
        request: contract::CorrectBirthRequest,
    ) -> BoxFuture<'_, Result<BirthCase, Fault>> {
        let case = BirthCase {
            case_id: request.corrects.clone(),
            corrected_by: request.case_id.clone(),
            ..BirthCase::default()
        };
        self.corrections.lock().unwrap().push(request);
        Box::pin(async { Ok(case) })
    }

    fn supplement(
        &self,
        _context: Context,
        request: contract::SupplementBirthRequest,
    ) -> BoxFuture<'_, Result<BirthCase, Fault>> {
        let case = BirthCase {
            case_id: request.supplements.clone(),
            ..BirthCase::default()
        };
        self.supplements.lock().unwrap().push(request);
        Box::pin(async { Ok(case) })
    }

    fn facts(
        &self,
        _context: Context,
        request: contract::GetBirthFactsRequest,
    ) -> BoxFuture<'_, Result<Vec<contract::BirthFacts>, Fault>> {
        let one = contract::BirthFacts {
            paper: request.code,
            name: request.mother_pin,
            ..contract::BirthFacts::default()
        };
        Box::pin(async { Ok(vec![one]) })
    }

    fn withdraw_death(
        &self,
        _context: Context,
        request: contract::WithdrawDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>> {
        let case = contract::DeathCase {
            case_id: request.withdraws.clone(),
            withdrawn_by: request.case_id,
            ..contract::DeathCase::default()
        };
        Box::pin(async { Ok(case) })
    }

    fn death_cases(
        &self,
        _context: Context,
        mut ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<contract::DeathCase>, Fault>> {
        if self.answer_other_cases {
            ids.reverse();
        }
        let case = |case_id| contract::DeathCase {
            case_id,
            ..contract::DeathCase::default()
        };
        let cases = ids.into_iter().map(case).collect();
        Box::pin(async { Ok(cases) })
    }
}

fn context() -> Context {
    Context {
        key: [7; 32],
        sender: PartnerId::parse("dvclt").unwrap(),
        rule: "TT-02/civil.birth".into(),
        purpose: crate::PURPOSE.into(),
        deadline: tokio::time::Instant::now() + std::time::Duration::from_secs(5),
    }
}

fn poll() -> Request {
    let id = |serial: &str| {
        schemas::id::DossierCode::parse(&format!("G22.99.08-261120-{serial}")).unwrap()
    };
    Request::Poll(Poll {
        case_ids: vec![id("000002"), id("000001")],
        province: "01".into(),
        module: Module::Birth,
    })
}

#[tokio::test]
async fn a_birth_reaches_the_contract_in_canonical_words() {
    let registry = Registry::default();
    let outcome = perform(&registry, context(), &Request::Birth(Box::new(birth())))
        .await
        .unwrap();
    assert!(
        matches!(outcome, Outcome::Registered(case) if case.case_id == "G22.99.08-261120-000001")
    );
    let request = registry.registered.lock().unwrap().remove(0);
    assert_eq!(request.received_at, "2026-11-20T02:30:00Z");
    assert_eq!(request.facility, "01001");
    assert_eq!(request.birth_notice, "01001-GCS-26-0001");
    let child = request.child.unwrap();
    assert_eq!(
        (child.sex, child.birth_date.as_str(), child.pin.as_str()),
        (2, "2026-11-03", "099326000001")
    );
    assert_eq!(
        (child.name.as_str(), child.residence_commune.as_str()),
        ("NGUYỄN THỊ HÒA", "00004")
    );
    assert_eq!(
        (child.residence_detail.as_str(), child.declaration_kind),
        ("số 1 phố Mẫu", 1)
    );
    let mother = request.mother.unwrap();
    assert_eq!(
        (mother.birth_date.as_str(), mother.pin.as_str()),
        ("1998", "099198000001")
    );
    assert_eq!(request.father.unwrap().birth_date, "1996-06-05");
    let guardian = request.guardian.unwrap();
    assert_eq!(
        (guardian.relation.as_str(), guardian.name.as_str()),
        ("mother", "Trần Thị Bình")
    );
    let record = request.record.unwrap();
    assert_eq!(
        (record.registered_on.as_str(), record.commune.as_str()),
        ("2026-11-20", "00004")
    );
    assert_eq!(
        (
            record.number.as_str(),
            record.book.as_str(),
            record.page.as_str()
        ),
        ("123", "01/2026", "45")
    );
}

#[tokio::test]
async fn cases_come_back_in_the_order_asked_or_it_is_our_fault() {
    let outcome = perform(&Registry::default(), context(), &poll())
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Cases(cases) if cases[0].case_id.ends_with("000002")));
    let crossed = Registry {
        answer_other_cases: true,
        ..Registry::default()
    };
    let fault = perform(&crossed, context(), &poll()).await.unwrap_err();
    assert_eq!(
        (fault.code(), fault.reason()),
        (FaultCode::Internal, "other-cases-answered")
    );
}

#[tokio::test]
async fn a_death_and_what_takes_it_back_reach_the_contract_in_canonical_words() {
    let registry = Registry::default();
    let death = Request::Death(Box::new(death()));
    perform(&registry, context(), &death).await.unwrap();
    let asked = registry.deaths.lock().unwrap().remove(0);
    let deceased = asked.deceased.unwrap();
    assert_eq!(
        (deceased.pin.as_str(), deceased.name.as_str(), deceased.sex),
        ("099198000001", "Trần Thị Bình", 2)
    );
    assert_eq!(
        (deceased.birth_date.as_str(), asked.died_on.as_str()),
        ("1998", "2026-11-19")
    );
    assert_eq!((asked.proof_kind, asked.proof_number.as_str()), (1, "77"));
    assert_eq!(asked.claimant.unwrap().name, "Nguyễn Văn Nam");
    assert_eq!(asked.record.unwrap().commune, "00004");

    let id = |text: &str| schemas::id::DossierCode::parse(text).unwrap();
    let withdrawal = Request::Withdrawal(Withdrawal {
        case_id: id("G22.99.10-261121-000001"),
        withdraws: id("G22.99.09-261120-000001"),
        reason: String::new(),
    });
    let outcome = perform(&registry, context(), &withdrawal).await.unwrap();
    let Outcome::Death(case) = outcome else {
        panic!("no death")
    };
    assert_eq!(
        (case.case_id.as_str(), case.withdrawn_by.as_str()),
        ("G22.99.09-261120-000001", "G22.99.10-261121-000001")
    );
}

#[tokio::test]
async fn a_correction_carries_what_changes_and_nothing_else() {
    let registry = Registry::default();
    let said = crate::decode::tests::deaths::correction();
    let outcome = perform(&registry, context(), &Request::Correction(Box::new(said)))
        .await
        .unwrap();
    let Outcome::Corrected(case) = outcome else {
        panic!("no correction")
    };
    assert_eq!(case.corrected_by, "G22.99.10-261121-000001");
    let asked = registry.corrections.lock().unwrap().remove(0);
    assert_eq!(asked.corrects, "G22.99.09-261120-000001");
    let changes = asked.changes.unwrap();
    assert_eq!(
        (
            changes.name.as_str(),
            changes.sex,
            changes.birth_date.as_str()
        ),
        ("Nguyễn Hoà An", 2, "2026-11-14")
    );
    let mother = changes.mother.unwrap();
    assert_eq!(
        (mother.name.as_str(), mother.birth_date.as_str()),
        ("", "1998")
    );
    assert_eq!(changes.father, None);
}

#[test]
fn a_partial_date_is_carried_as_far_as_it_is_known() {
    for (dotted, carried) in [
        ("05.03.1998", "1998-03-05"),
        (".03.1998", "1998-03"),
        ("..1998", "1998"),
        ("1998", "1998"),
    ] {
        assert_eq!(iso(&PartialDate::parse(dotted).unwrap()), carried);
    }
}

#[tokio::test]
async fn facts_are_asked_of_the_contract_by_both_numbers() {
    let asked = Request::Facts(crate::FactsAsked {
        code: "GCS.1".into(),
        mother: Pin::parse("099198000001").unwrap(),
    });
    let outcome = perform(&Registry::default(), context(), &asked).await;
    let Outcome::Facts(children) = outcome.unwrap() else {
        panic!("no facts")
    };
    assert_eq!(
        (&*children[0].paper, &*children[0].name),
        ("GCS.1", "099198000001")
    );
}

#[tokio::test]
async fn a_supplement_carries_what_was_asked_for() {
    let registry = Registry::default();
    let facts = schemas::wire::civil::CorrectedFacts {
        mother_pin: Some("099198000002".into()),
        birth_notice: Some("01001-GCS-26-0001".into()),
        ..Default::default()
    };
    let said = crate::decode::tests::deaths::supplement(Some(facts));
    let outcome = perform(&registry, context(), &Request::Supplement(said)).await;
    assert!(matches!(outcome.unwrap(), Outcome::Corrected(_)));
    let asked = registry.supplements.lock().unwrap().remove(0);
    assert_eq!(
        (asked.case_id.as_str(), asked.supplements.as_str()),
        ("G22.99.10-261121-000001", "G22.99.09-261120-000001")
    );
    assert_eq!(asked.birth_notice, "01001-GCS-26-0001");
    assert_eq!(asked.changes.unwrap().mother.unwrap().pin, "099198000002");
}

#[tokio::test]
async fn other_deaths_than_those_asked_for_are_our_fault() {
    let registry = Registry {
        answer_other_cases: true,
        ..Registry::default()
    };
    let Request::Poll(poll) = poll() else {
        panic!("no poll")
    };
    let asked = Request::Poll(Poll {
        module: Module::Death,
        ..poll
    });
    let fault = perform(&registry, context(), &asked).await.unwrap_err();
    assert_eq!(fault.reason(), "other-cases-answered");
}

/// A room that keeps everything, or refuses; what it was told.
#[derive(Default)]
struct Room {
    refuses: Option<Fault>,
    held: Mutex<Vec<Content>>,
    settled: Mutex<Vec<(usize, Option<String>)>>,
}

impl Files for Room {
    fn hold(
        &self,
        _context: &Context,
        contents: Vec<Content>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, Fault>> {
        if let Some(fault) = &self.refuses {
            return Box::pin(std::future::ready(Err(fault.clone())));
        }
        let kept = contents.iter().map(|content| Kept {
            sha256: [9; 32],
            bytes: content.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            kind: content.kind,
        });
        let kept = kept.collect();
        self.held.lock().unwrap().extend(contents);
        Box::pin(std::future::ready(Ok(kept)))
    }

    fn settle(
        &self,
        _context: &Context,
        held: Vec<Kept>,
        made: Option<String>,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        self.settled.lock().unwrap().push((held.len(), made));
        Box::pin(std::future::ready(Ok(())))
    }
}

fn with_a_file(request: Request) -> Said {
    Said {
        request,
        papers: vec![Paper {
            id: "1".to_owned(),
            content: Content {
                kind: Kind::Pdf,
                sha256: None,
                bytes: Some(bytes::Bytes::from_static(b"%PDF-1.7")),
            },
        }],
    }
}

#[tokio::test]
async fn the_files_of_a_case_are_held_while_it_is_carried_out_and_are_its_own_then() {
    let (registry, room) = (Registry::default(), Room::default());
    let said = with_a_file(Request::Birth(Box::new(birth())));
    let done = carry_out(&registry, Some(&room), context(), &said).await;
    let done = done.unwrap();
    assert_eq!(
        (
            done.kept.len(),
            done.kept[0].id.as_str(),
            done.kept[0].file.bytes
        ),
        (1, "1", 8)
    );
    let case = birth().case_id.to_string();
    assert_eq!(*room.settled.lock().unwrap(), [(1, Some(case))]);
    // where there is no place the case is carried out all the same
    let done = carry_out(&registry, None, context(), &said).await.unwrap();
    assert_eq!(done.kept, []);
    assert_eq!(registry.registered.lock().unwrap().len(), 2);
    // a question brings none, and nothing is held for it
    let poll = Said {
        request: poll(),
        papers: Vec::new(),
    };
    let done = carry_out(&registry, Some(&room), context(), &poll).await;
    assert_eq!(done.unwrap().kept, []);
    assert_eq!(room.held.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_refused_leaves_no_case_and_a_case_that_is_refused_no_file() {
    let registry = Registry::default();
    let full = Fault::new(FaultCode::Overloaded, "spool-full");
    let room = Room {
        refuses: Some(full.clone()),
        ..Room::default()
    };
    let said = with_a_file(Request::Birth(Box::new(birth())));
    let refused = carry_out(&registry, Some(&room), context(), &said).await;
    assert_eq!(refused.unwrap_err(), full);
    assert!(registry.registered.lock().unwrap().is_empty());

    for (code, told) in [
        (FaultCode::Conflict, vec![(1, None)]),
        // nobody knows what became of it: it stays held
        (FaultCode::AuthorityUnavailable, Vec::new()),
    ] {
        let registry = Registry {
            refuses: Some(Fault::new(code, "so")),
            ..Registry::default()
        };
        let room = Room::default();
        let refused = carry_out(&registry, Some(&room), context(), &said).await;
        assert_eq!(refused.unwrap_err().code(), code);
        assert_eq!(*room.settled.lock().unwrap(), told);
    }
}
