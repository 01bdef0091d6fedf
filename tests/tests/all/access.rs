//! Who asked about a person, as the person may ask: through the operators' listener of a running gateway.

use gateway::admin::client;
use gateway_tests::{
    house::House,
    message::{Birth, dossier},
};
use schemas::proto::admin::{AccessLine, AccessRequest, ShowDossierRequest};

async fn look(house: &House, person: &str) -> Vec<AccessLine> {
    let request = AccessRequest {
        person: person.to_owned(),
        who: "an".to_owned(),
        why: "the citizen asks".to_owned(),
        max: 0,
    };
    let found = client::accesses(house.gateway().admin(), request).await;
    found.unwrap().accesses
}

/// What partners asked, newest first.
fn asked(lines: &[AccessLine]) -> Vec<(&str, &str)> {
    let of_partners = lines.iter().filter(|line| line.operator.is_empty());
    of_partners
        .map(|line| (line.partner.as_str(), line.operation.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_about_a_person_is_listed_under_each_of_their_numbers_and_so_is_the_look_up()
{
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let registered = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&registered).await.assert_ok();
    let holder = &house.landmarks.card_holders[0];
    let members = dossier::members(house.now(), holder, &holder.name);
    let submitted = dossier::message(house.now(), &members).sign(&house.key("portal"));
    house.wire("portal").send(&submitted).await.assert_ok();

    let of_child = look(&house, &birth.pin).await;
    assert_eq!(asked(&of_child), [("dvclt", "civil.birth")]);
    let row = &of_child[1];
    assert_eq!(row.purpose, civil::PURPOSE);
    assert!(row.rule.ends_with("/civil.birth"), "{}", row.rule);
    assert_eq!(row.fields, "", "a receipt tells nothing");
    assert!(row.journal > 0 && !row.evidence.is_empty());

    let numbers = [&holder.pin, &holder.si_number, &holder.card_number];
    for (before, number) in numbers.into_iter().enumerate() {
        let found = look(&house, number).await;
        assert_eq!(asked(&found), [("portal", "portal.submit-dossier")]);
        let looked: Vec<&AccessLine> = found
            .iter()
            .filter(|line| !line.operator.is_empty())
            .collect();
        assert_eq!(looked.len(), before + 1, "this look-up and those before it");
        assert_eq!(
            (looked[0].operator.as_str(), looked[0].why.as_str()),
            ("an", "the citizen asks")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mother_and_the_child_whose_card_she_asks_for_are_two_persons() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 0);
    let registered = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&registered).await.assert_ok();
    let file = rusqlite::Connection::open(house.file("registry.sqlite")).unwrap();
    let number =
        "SELECT s.number FROM numbers p JOIN numbers s ON s.person = p.person AND s.scheme = 'si'
                  WHERE p.number = ?1";
    let child: String = file
        .query_row(number, [&birth.pin], |row| row.get(0))
        .unwrap();
    let mother = &house.landmarks.mothers[0];
    let mut members = dossier::members(house.now(), mother, &mother.name);
    members["MaThe"] = child.as_str().into();
    members["ChuHoSo"]["MaBHXH"] = mother.si_number.as_str().into();
    let submitted = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&submitted).await;
    reply.assert_ok();
    let submit = ("portal", "portal.submit-dossier");
    // whoever looks at the child is not listed under the mother, nor the other way round
    for (number, looks) in [(&child, 1), (&mother.pin, 1), (&mother.si_number, 2)] {
        let found = look(&house, number).await;
        let told = asked(&found);
        assert!(told.contains(&submit), "{told:?}");
        let looked = found.iter().filter(|line| !line.operator.is_empty());
        assert_eq!(looked.count(), looks);
    }
    let code = reply.json()["MaHoSo"].as_str().unwrap().to_owned();
    let show = ShowDossierRequest {
        code,
        who: "an.officer".to_owned(),
        why: "who applied".to_owned(),
    };
    let shown = client::dossier(house.gateway().admin(), show).await;
    assert_eq!(shown.unwrap().acts_as, "mother");
    // the officer who has seen the dossier is listed under both
    for number in [&child, &birth.pin, &mother.pin, &mother.si_number] {
        let found = look(&house, number).await;
        let seen = found.iter().filter(|line| line.operator == "an.officer");
        let why: Vec<&str> = seen.map(|line| line.why.as_str()).collect();
        assert_eq!(why, ["who applied"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_question_is_listed_and_ties_nobody_together() {
    let house = House::start().await;
    let (holder, other) = (
        &house.landmarks.card_holders[0],
        &house.landmarks.card_holders[1],
    );
    let mut members = dossier::members(house.now(), holder, &holder.name);
    *members.pointer_mut("/MaThe").unwrap() = other.card_number.as_str().into();
    let bent = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let refused = house.wire("portal").send(&bent).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text());
    let members = dossier::members(house.now(), other, &other.name);
    let good = dossier::message(house.now(), &members).sign(&house.key("portal"));
    house.wire("portal").send(&good).await.assert_ok();
    let submit = ("portal", "portal.submit-dossier");
    assert_eq!(
        asked(&look(&house, &holder.pin).await),
        [submit],
        "the refused one"
    );
    let found = look(&house, &other.si_number).await;
    let mut of_other = asked(&found);
    // the dossier that was taken may have been told of meanwhile
    of_other.retain(|one| one.1 != "portal.sync-dossier");
    assert_eq!(of_other, [submit, submit]);
}
