//! Whoever is in a month that we send can be told that they were: the ledger of accesses has each of them once, before the chunk
//! that tells of them leaves.

use schemas::{
    proto::admin::{AccessLine, AccessRequest},
    wire::tax_records::Record,
};

use super::*;

async fn look(house: &House, person: &str) -> Vec<AccessLine> {
    let request = AccessRequest {
        person: person.to_owned(),
        who: "an".to_owned(),
        why: "the citizen asks".to_owned(),
        max: 0,
    };
    let found = client::accesses(house.gateway().admin(), request).await;
    let lines = found.unwrap().accesses.into_iter();
    lines.filter(|line| line.operator.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_of_our_month_is_in_the_ledger_once_through_losses_and_a_death() {
    let mut scene = Scene::new(&Terms::of(PERSONS, 10), Kind::Person).await;
    let register = Arc::clone(&scene.register);
    register.misbehave(|knobs| {
        (knobs.drop_replies, knobs.server_errors) = (2, 2);
        knobs.delay = Duration::from_millis(100);
    });
    let nobody = "099090000001";
    assert_eq!(look(&scene.house, nobody).await, []);
    let run = scene.start("ours").await.unwrap();
    let started = Instant::now();
    while register
        .sent_month(&run)
        .is_none_or(|month| month.taken < 1)
    {
        assert!(started.elapsed() < AT_MOST, "no chunk came");
        tokio::time::sleep(MOMENT).await;
    }
    // some of its chunks are still to come: the next reply that is lost is about one of them
    register.misbehave(|knobs| knobs.drop_replies += 1);
    scene.house.kill().await;
    scene.house.open().await;
    scene.until("done", |line| line.state == "done").await;
    let month = register.sent_month(&run).unwrap();
    assert!(month.calls > month.taken && month.taken >= 3, "{month:?}");

    // by either number; who is in their rows alone was in no chunk of ours
    let mut people = BTreeSet::new();
    for row in &scene.department.rows {
        if let Record::Person(person) = row {
            people.insert(person.person.text());
            people.extend(
                person
                    .number
                    .text()
                    .filter(|number| !number.starts_with('8')),
            );
        }
    }
    assert!(
        people.remove(nobody) && people.len() >= 50,
        "{}",
        people.len()
    );
    // one of whom they know nothing
    let unknown = scene.department.seeds.iter();
    people.extend(
        unknown
            .filter(|seed| seed.0 == "P-UNKNOWN")
            .map(|seed| seed.2.clone()),
    );
    for person in people.iter().step_by(7).chain(people.last()) {
        let lines = look(&scene.house, person).await;
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!(
            (&*line.partner, &*line.operation),
            ("tax", "taxpayer.reconcile")
        );
        assert!(line.rule.ends_with("/taxpayer.reconcile"), "{line:?}");
        assert_eq!(line.purpose, "tax-compliance");
        let told: BTreeSet<_> = line.fields.split(',').collect();
        let expected = "mst,person,number,province,region,name,born,amount,full";
        assert_eq!(told, expected.split(',').collect());
        assert!(line.journal > 0 && !line.evidence.is_empty());
    }
    assert_eq!(look(&scene.house, nobody).await, []);
}
