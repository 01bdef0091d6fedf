//! Guardians and whoever represents an employer, over the real roads: recorded at the operators' listener, taken at their word
//! while the paper holds, refused by reason when it does not.

use std::time::Duration;

use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::House,
    message::{birth::Birth, dossier},
};
use insurance::seed::PersonMark;
use jiff::ToSpan as _;
use schemas::{
    date::day_in_viet_nam,
    fault::FaultCode,
    proto::admin::{
        AccessRequest, EndRepresentationRequest, GroupMember, ListDossiersRequest,
        ListRepresentationsRequest, RecordRepresentationRequest, ShowDossierRequest,
    },
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    applicant::{ask, kept, si_number},
    assert_told,
};

fn named(number: &str, name: &str) -> Option<GroupMember> {
    Some(GroupMember {
        number: number.to_owned(),
        name: name.to_owned(),
    })
}

/// A paper of today.
fn paper(house: &House, kind: &str, basis: &str, who: &PersonMark) -> RecordRepresentationRequest {
    RecordRepresentationRequest {
        kind: kind.to_owned(),
        basis: basis.to_owned(),
        document: "QĐ 12/2026/QĐ-UBND".to_owned(),
        representative: named(&who.pin, &who.name),
        from: day_in_viet_nam(house.now()).to_string(),
        who: "an.officer".to_owned(),
        why: "the paper was shown".to_owned(),
        ..RecordRepresentationRequest::default()
    }
}

fn end(house: &House, id: u64) -> EndRepresentationRequest {
    EndRepresentationRequest {
        id,
        from: day_in_viet_nam(house.now()).to_string(),
        by: "QĐ 13/2026/QĐ-UBND".to_owned(),
        who: "an.officer".to_owned(),
        why: "another guardian".to_owned(),
    }
}

fn code(reply: &Reply) -> String {
    reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn acts_as(house: &House, code: String) -> String {
    let show = ShowDossierRequest {
        code,
        who: "an.operator".to_owned(),
        why: "who applied".to_owned(),
    };
    let shown = client::dossier(house.gateway().admin(), show).await;
    shown.unwrap().acts_as
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_gets_the_childs_card_until_the_guardianship_ends() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    let admin = house.gateway().admin();
    let birth = Birth::new(house.now(), &house.landmarks, 0);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await.assert_ok();
    let child = si_number(&house, &birth.pin);
    let guardian = house.landmarks.card_holders[0].clone();

    let before = kept(&house);
    let stranger = ask(&house, &guardian, &child, "").await;
    stranger.assert_fault(FaultCode::RuleRefused, "not-the-holder");
    let wrong = RecordRepresentationRequest {
        person: named(&child, "Ai Đó Khác"),
        ..paper(&house, "guardian", "commune", &guardian)
    };
    let refused = client::record_representation(admin, wrong).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("not-the-holder"), "{refused}");
    assert!(
        !refused.contains(&birth.name) && !refused.contains(&child),
        "{refused}"
    );
    let good = RecordRepresentationRequest {
        person: named(&child, &birth.name),
        ..paper(&house, "guardian", "commune", &guardian)
    };
    let silent = RecordRepresentationRequest {
        why: String::new(),
        ..good.clone()
    };
    let refused = client::record_representation(admin, silent).await;
    assert!(refused.unwrap_err().to_string().contains("why"));
    assert_eq!(kept(&house), before, "a refusal changed something");

    let first = client::record_representation(admin, good.clone()).await;
    let first = first.unwrap().representation.unwrap();
    let again = client::record_representation(admin, good).await;
    assert_eq!(again.unwrap().representation.unwrap(), first);
    let taken = code(&ask(&house, &guardian, &child, &guardian.si_number).await);
    assert_told(&portal, &taken).await;
    assert_eq!(acts_as(&house, taken).await, "guardian");

    let ended = client::end_representation(admin, end(&house, first.id)).await;
    let ended = ended.unwrap().representation.unwrap();
    assert!(ended.ended.contains("QĐ 13/2026/QĐ-UBND"), "{ended:?}");
    let before = kept(&house);
    let late = ask(&house, &guardian, &child, "").await;
    late.assert_fault(FaultCode::RuleRefused, "representation-not-in-force");
    assert_eq!(kept(&house), before, "a refusal changed something");

    // both sides list it, and everybody who is named sees that it was looked at
    for number in [&child, &birth.pin, &guardian.pin] {
        let request = ListRepresentationsRequest {
            number: number.clone(),
            who: "an.officer".to_owned(),
            why: "the court asks".to_owned(),
            ..ListRepresentationsRequest::default()
        };
        let listed = client::representations(admin, request).await.unwrap();
        assert_eq!(listed.representations, std::slice::from_ref(&ended));
    }
    for person in [&child, &guardian.si_number] {
        let request = AccessRequest {
            person: person.clone(),
            who: "an".to_owned(),
            why: "the citizen asks".to_owned(),
            max: 0,
        };
        let found = client::accesses(admin, request).await.unwrap().accesses;
        let count = |why: &str| found.iter().filter(|row| row.why == why).count();
        assert_eq!(count("the paper was shown"), 2, "recorded twice");
        assert_eq!(count("another guardian"), 1);
        assert_eq!(count("the court asks"), 3);
    }
    assert_eq!(portal.violations(), Vec::<String>::new());
}

/// An employer's details change, by whoever is logged in with its account.
async fn of_employer(house: &House, who: &PersonMark) -> Reply {
    let employer = &house.landmarks.employer;
    let mut members = dossier::members(house.now(), who, &who.name);
    members["MaTTHC"] = "9.000014".into();
    members["ChuHoSo"]["MaSoThue"] = employer.mst.as_str().into();
    members["ToKhai"] = json!({
        "Masothue": employer.mst, "Madonvi": employer.unit_code, "Tendonvi": employer.name, "LyDo": "Đổi tên",
    });
    for of_reissue in ["MaThe", "LyDoCapLai"] {
        members.as_object_mut().unwrap().remove(of_reissue);
    }
    let members: Value = members;
    let message = dossier::message(house.now(), &members);
    house
        .wire("portal")
        .send(&message.sign(&house.key("portal")))
        .await
}

/// Waits until the office has moved a dossier on to a person: from then on nothing moves by itself.
async fn with_a_person(house: &House, code: &str) {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let waiting = client::dossiers(house.gateway().admin(), ListDossiersRequest {}).await;
        let mut waiting = waiting.unwrap().dossiers.into_iter();
        if waiting.any(|one| one.code == code && one.state == 4) {
            return;
        }
        assert!(Instant::now() < give_up, "it never waits for a person");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employers_account_is_used_by_whom_the_employer_named_and_within_the_letter() {
    let house = House::plan().with_portal(50).start().await;
    let admin = house.gateway().admin();
    let [owner, clerk, stranger] = [0, 1, 2].map(|n| house.landmarks.card_holders[n].clone());
    let of = |mut paper: RecordRepresentationRequest| {
        paper.tax_code.clone_from(&house.landmarks.employer.mst);
        paper
    };
    // nothing was recorded: the account alone, as the portal vouches for it
    let first = code(&of_employer(&house, &stranger).await);
    with_a_person(&house, &first).await;
    assert_eq!(acts_as(&house, first).await, "");
    let legal = of(paper(
        &house,
        "legal-representative",
        "registration",
        &owner,
    ));
    client::record_representation(admin, legal).await.unwrap();
    let narrow = RecordRepresentationRequest {
        procedures: vec!["9.000009".to_owned()],
        ..of(paper(&house, "authorised", "authorisation", &clerk))
    };
    let narrow = client::record_representation(admin, narrow).await.unwrap();
    let narrow = narrow.representation.unwrap();
    let year = day_in_viet_nam(house.now()).saturating_add(1.years());
    assert_eq!(narrow.to, year.yesterday().unwrap().to_string());
    let before = kept(&house);
    for (who, why) in [
        (&stranger, "not-the-employer"),
        (&clerk, "outside-representation"),
    ] {
        let reply = of_employer(&house, who).await;
        reply.assert_fault(FaultCode::RuleRefused, why);
    }
    assert_eq!(kept(&house), before, "a refusal changed something");
    assert_eq!(
        acts_as(&house, code(&of_employer(&house, &owner).await)).await,
        "legal-representative"
    );
}
