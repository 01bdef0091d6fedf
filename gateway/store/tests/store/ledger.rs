//! Who asked about whom: written with the answer, found by any number of the person, and told to nobody
//! who is not in it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use gateway_core::ports::{
    Access, AccessStory, Act, Acted, Adoption, Asker, Claimed, Deed, Delivery, Hold, Ledger as _,
    LookUp, MessageLog as _, Office as _, Outbox as _, PersonNumber, Registrations as _, Stop,
    Whom,
};
use gateway_core::seal::{KeyFile, Vault, sha256};
use gateway_store::{Store, What, rewrap};

use crate::scene::{Scene, answer, parcel, partner};

const PIN: &str = "099099000001";
const SI: &str = "9900000001";
const CARD: &str = "TE1019900000001";
const OTHER: &str = "9900000002";

fn number(text: &str) -> PersonNumber {
    PersonNumber::parse(text).unwrap()
}

/// A row of the tax partner.
fn access(numbers: &[&str], fields: &str) -> Access {
    Access {
        numbers: numbers.iter().map(|text| number(text)).collect(),
        whom: Whom::One,
        sender: partner("tax"),
        operation: "tax.verify-employer",
        rule: "QC-01/tax.verify-employer".into(),
        purpose: "inspection".into(),
        fields: fields.into(),
    }
}

/// A read about these persons.
async fn read(scene: &Scene, store: &Store, id: &str, accesses: Vec<Access>) {
    let entry = scene.entry(id, id);
    let answer = answer(entry.evidence);
    let recorded = store.record(entry, answer, accesses).await.unwrap();
    assert_eq!(recorded, Claimed::New);
}

async fn look(store: &Store, text: &str) -> Vec<AccessStory> {
    let look_up = LookUp {
        number: number(text),
        who: "an".into(),
        why: "the citizen asks".into(),
    };
    store.accesses(look_up, 100).await.unwrap()
}

/// The fields that partners were told, newest first.
fn fields(stories: &[AccessStory]) -> Vec<&str> {
    let of_partners = stories.iter().filter_map(|story| match &story.asker {
        Asker::Partner { fields, .. } => Some(fields.as_str()),
        Asker::Operator(_) => None,
    });
    of_partners.collect()
}

#[tokio::test]
async fn a_read_and_a_change_are_found_by_each_number_of_the_person_and_the_look_up_too() {
    let scene = Scene::new();
    let store = scene.open();
    read(
        &scene,
        &store,
        "message-1",
        vec![access(&[PIN, SI], "fund"), access(&[OTHER], "due")],
    )
    .await;
    let entry = scene.entry("message-2", "message-2");
    store.claim(entry.clone()).await.unwrap();
    let stored = answer(entry.evidence);
    store
        .commit(
            entry.evidence,
            stored,
            Vec::new(),
            vec![access(&[SI], "card")],
        )
        .await
        .unwrap();
    for (looks, text) in (1..).zip([PIN, SI, CARD]) {
        let found = look(&store, text).await;
        let mut told = fields(&found);
        told.sort_unstable();
        assert_eq!(told, ["card", "fund"], "{looks}");
        assert_eq!(found.len(), 2 + looks, "each look-up is a row of its own");
        let Asker::Operator(Some(act)) = &found[0].asker else {
            panic!("the newest row is not the look-up: {found:?}")
        };
        assert_eq!(
            (act.who.as_str(), act.why.as_str()),
            ("an", "the citizen asks")
        );
        assert_eq!(act.deed, "look-up-person");
    }
    let found = look(&store, OTHER).await;
    let Asker::Partner {
        sender,
        operation,
        rule,
        purpose,
        ..
    } = &found[1].asker
    else {
        panic!("not a partner's")
    };
    assert_eq!(
        (sender.as_str(), operation.as_str()),
        ("tax", "tax.verify-employer")
    );
    assert_eq!(
        (rule.as_str(), purpose.as_str()),
        ("QC-01/tax.verify-employer", "inspection")
    );
    assert_eq!((found.len(), fields(&found)), (2, vec!["due"]));
    assert!(found[1].journal > 0);
}

#[tokio::test]
async fn a_message_that_is_not_taken_leaves_no_row() {
    let scene = Scene::new();
    let store = scene.open();
    read(&scene, &store, "message-1", vec![access(&[SI], "fund")]).await;
    let mut other = scene.entry("message-1", "other");
    let refused = store
        .record(
            other.clone(),
            answer(other.evidence),
            vec![access(&[SI], "due")],
        )
        .await;
    assert_eq!(refused.unwrap(), Claimed::Conflict);
    other = scene.entry("message-2", "message-2");
    let never_claimed = store
        .commit(
            other.evidence,
            answer(other.evidence),
            Vec::new(),
            vec![access(&[SI], "due")],
        )
        .await;
    assert!(never_claimed.is_err());
    assert_eq!(fields(&look(&store, SI).await), ["fund"]);
}

#[tokio::test]
async fn who_was_shown_under_a_key_that_was_forgotten_since_is_still_found() {
    let scene = Scene::new();
    let path = scene.folder.path().join("seal.key");
    let open = || {
        let mut params = scene.params();
        params.vault = Arc::new(Vault::open_or_create(&path).unwrap());
        Store::open(params).unwrap()
    };
    let store = open();
    read(
        &scene,
        &store,
        "message-1",
        vec![access(&[PIN, SI], "fund")],
    )
    .await;
    drop(store);
    KeyFile::at(&path).add_generation().unwrap();
    let store = open();
    read(&scene, &store, "message-2", vec![access(&[SI], "due")]).await;
    drop(store);
    let vault = Vault::open_file(&path).unwrap();
    assert_eq!(rewrap(&scene.engine, &vault).unwrap().stuck, 0);
    KeyFile::at(&path).forget_older().unwrap();
    let store = open();
    assert_eq!(fields(&look(&store, SI).await), ["due", "fund"]);
    // the second message has not shown this number
    assert_eq!(fields(&look(&store, PIN).await), ["fund"]);
}

#[tokio::test]
async fn a_row_that_was_taken_away_changed_or_added_is_found_with_its_record() {
    let scene = Scene::new();
    let store = scene.open();
    read(
        &scene,
        &store,
        "message-1",
        vec![access(&[PIN, SI], "fund"), access(&[OTHER], "due")],
    )
    .await;
    look(&store, SI).await;
    assert_eq!(store.verify().unwrap().records, 3);
    let answer = "(SELECT min(record) FROM access)";
    let act = "(SELECT max(record) FROM access)";
    for (edit, record) in [
        (
            format!("DELETE FROM access WHERE record = {answer} AND subject = 1"),
            2,
        ),
        (format!("DELETE FROM access WHERE record = {act}"), 3),
        (
            format!("UPDATE access SET at = at + 1 WHERE record = {answer} AND subject = 1"),
            2,
        ),
        (
            format!(
                "UPDATE access SET details = (SELECT details FROM access WHERE subject = 1 LIMIT 1) \
                 WHERE record = {answer} AND subject = 0"
            ),
            2,
        ),
        (
            format!(
                "INSERT INTO access SELECT person, record, 9, at, evidence, details FROM access \
                 WHERE record = {act}"
            ),
            3,
        ),
        (
            format!("UPDATE access SET record = {act} WHERE record = {answer} AND subject = 1"),
            2,
        ),
    ] {
        scene.edit("CREATE TABLE kept AS SELECT * FROM access");
        scene.edit(&edit);
        let broken = store.verify().unwrap_err();
        let place = broken.seq & ((1 << 40) - 1);
        assert_eq!((place, broken.what), (record, What::Ledger), "{edit}");
        scene.edit("DELETE FROM access");
        scene.edit("INSERT INTO access SELECT * FROM kept");
        scene.edit("DROP TABLE kept");
        store.verify().unwrap();
    }
}

#[tokio::test]
async fn what_is_sent_unasked_is_in_the_ledger_of_whom_it_tells_and_what_is_not_sent_is_not() {
    let scene = Scene::new();
    let store = scene.open();
    let portal = partner("portal");
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let leased = store.lease(&portal, 1, Duration::from_secs(30)).await;
    let hold = leased.unwrap()[0].hold();
    let send = |turn| {
        let hold = Hold {
            turn,
            ..hold.clone()
        };
        let told = access(&[PIN, SI], "siNumber,card");
        store.sending(&portal, vec![hold], Bytes::from_static(b"told"), vec![told])
    };
    assert!(!send(7).await.unwrap(), "a lease that nobody holds");
    assert_eq!(fields(&look(&store, PIN).await), Vec::<&str>::new());
    assert!(send(hold.turn).await.unwrap());
    for number in [PIN, SI] {
        assert_eq!(fields(&look(&store, number).await), ["siNumber,card"]);
    }
    store.verify().unwrap();
    scene.edit(
        "DELETE FROM access WHERE subject = 0 AND record = (SELECT max(sending) FROM outbox)",
    );
    assert_eq!(store.verify().unwrap_err().what, What::Ledger);
}

/// So many persons by PIN, and one more by both numbers.
fn crowd(many: u32, fields: &str) -> Access {
    let pins = (0..many).map(|nth| number(&format!("0990{nth:08}")));
    let one = [PIN, SI].map(number);
    Access {
        numbers: pins.chain(one).collect(),
        whom: Whom::Many,
        ..access(&[], fields)
    }
}

/// Sends a parcel that is put in under this id, as often as said, and gives back whether each was recorded.
async fn sent(store: &Store, id: &str, accesses: &[Access], times: usize) {
    let portal = partner("portal");
    store.put(vec![parcel(id, id, 1)]).await.unwrap();
    for _ in 0..times {
        let leased = store.lease(&portal, 1, Duration::from_secs(30)).await;
        let hold = leased.unwrap()[0].hold();
        let bytes = Bytes::from_static(b"told");
        let recorded = store.sending(&portal, vec![hold.clone()], bytes, accesses.to_vec());
        assert!(recorded.await.unwrap());
        let again = Delivery::Retry {
            after: Duration::ZERO,
            reason: "busy",
        };
        store.settle(vec![(hold, again)]).await.unwrap();
    }
    let leased = store.lease(&portal, 1, Duration::from_secs(30)).await;
    let hold = leased.unwrap()[0].hold();
    let set_aside = Delivery::Dead { reason: "over" };
    store.settle(vec![(hold, set_aside)]).await.unwrap();
}

#[tokio::test]
async fn everybody_of_a_crowd_is_found_once_by_each_number_however_often_it_is_sent() {
    let scene = Scene::new();
    let store = scene.open();
    let rows = || scene.columns("access").len();
    let journal = || scene.columns("journal").len();
    sent(&store, "a1", &[crowd(3_000, "name,amount")], 1).await;
    let (once, records) = (rows(), journal());
    assert!((3..=257).contains(&once), "a row for each set: {once}");
    for text in [PIN, SI, "099000000000", "099000002999"] {
        let found = look(&store, text).await;
        assert_eq!(fields(&found), ["name,amount"], "{text}");
        let looked = found
            .iter()
            .filter(|one| matches!(one.asker, Asker::Operator(_)));
        let Some(Asker::Partner { rule, purpose, .. }) = found.last().map(|one| &one.asker) else {
            panic!("{found:?}")
        };
        assert_eq!(
            (&**rule, &**purpose),
            ("QC-01/tax.verify-employer", "inspection")
        );
        assert_eq!(looked.count(), 1);
    }
    let nobody = ["099000003000", "099199000001", OTHER];
    for text in nobody {
        assert_eq!(fields(&look(&store, text).await), Vec::<&str>::new());
    }
    let looks = 7;
    assert_eq!((rows() - once, journal() - records), (looks, looks));

    // which of its numbers are of one person is not kept: what was said under one is not found under the other
    read(&scene, &store, "message-1", vec![access(&[SI], "fund")]).await;
    assert_eq!(fields(&look(&store, SI).await), ["fund", "name,amount"]);
    assert_eq!(fields(&look(&store, PIN).await), ["name,amount"]);
    // and where another message has shown that, it is one person in one crowd still
    read(&scene, &store, "message-2", vec![access(&[PIN, SI], "due")]).await;
    let by_both = ["due", "fund", "name,amount"];
    assert_eq!(fields(&look(&store, PIN).await), by_both);

    // in the same words it is written once, whatever became of the tries
    let before = rows();
    sent(&store, "a2", &[crowd(3_000, "name")], 3).await;
    assert_eq!(rows() - before, once, "of three tries once");
    assert_eq!(
        fields(&look(&store, "099000000007").await),
        ["name", "name,amount"]
    );
    store.verify().unwrap();

    // and one that is in many crowds is found in each, the newest first
    for nth in 0..70 {
        sent(
            &store,
            &format!("b{nth}"),
            &[crowd(0, &format!("f{nth}"))],
            1,
        )
        .await;
    }
    let found = look(&store, SI).await;
    let found = fields(&found);
    assert_eq!((found.len(), found[0], found[69]), (74, "f69", "f0"));
    assert_eq!(
        store
            .accesses(
                LookUp {
                    number: number(SI),
                    who: "an".into(),
                    why: "the citizen asks".into(),
                },
                5
            )
            .await
            .unwrap()
            .len(),
        5
    );
    store.verify().unwrap();
}

#[tokio::test]
async fn a_crowd_is_bound_to_its_record_stands_in_no_clear_and_outlives_its_key() {
    let scene = Scene::new();
    let path = scene.folder.path().join("seal.key");
    let open = || {
        let mut params = scene.params();
        params.vault = Arc::new(Vault::open_or_create(&path).unwrap());
        Store::open(params).unwrap()
    };
    let store = open();
    let told = [access(&[OTHER], "due"), crowd(100, "amount")];
    sent(&store, "a1", &told, 1).await;
    store.verify().unwrap();
    let set = "subject = 1 AND record = (SELECT min(record) FROM access)";
    for edit in [
        format!("DELETE FROM access WHERE {set}"),
        format!(
            "UPDATE access SET details = (SELECT details FROM access WHERE subject = 2) WHERE {set}"
        ),
        format!(
            "UPDATE access SET person = (SELECT person FROM access WHERE subject = 0) WHERE {set}"
        ),
    ] {
        scene.edit("CREATE TABLE kept AS SELECT * FROM access");
        scene.edit(&edit);
        assert_eq!(store.verify().unwrap_err().what, What::Ledger, "{edit}");
        scene.edit("DELETE FROM access");
        scene.edit("INSERT INTO access SELECT * FROM kept");
        scene.edit("DROP TABLE kept");
        store.verify().unwrap();
    }
    drop(store);
    KeyFile::at(&path).add_generation().unwrap();
    let store = open();
    // by the mark of before, under an older key
    let rows = scene.columns("access").len();
    let (portal, bytes) = (partner("portal"), Bytes::from_static(b"told"));
    let act = act(&store, Deed::Replay("a1".into())).await;
    assert_eq!(act, Acted::Done);
    let leased = store.lease(&portal, 1, Duration::from_secs(30)).await;
    let hold = leased.unwrap()[0].hold();
    let recorded = store.sending(&portal, vec![hold], bytes, vec![crowd(100, "amount")]);
    assert!(recorded.await.unwrap());
    assert_eq!(scene.columns("access").len(), rows);
    sent(&store, "a2", &[crowd(100, "name")], 1).await;
    drop(store);
    let vault = Vault::open_file(&path).unwrap();
    assert_eq!(rewrap(&scene.engine, &vault).unwrap().stuck, 0);
    KeyFile::at(&path).forget_older().unwrap();
    let store = open();
    assert_eq!(fields(&look(&store, SI).await), ["name", "amount"]);
    assert_eq!(
        fields(&look(&store, "099000000099").await),
        ["name", "amount"]
    );
    assert_eq!(fields(&look(&store, OTHER).await), ["due"]);
    store.verify().unwrap();
    drop(store);
    let hex = |text: &str| {
        text.bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    for text in scene.columns("access") {
        for number in [PIN, SI, "099000000099"] {
            assert!(!text.contains(number) && !text.contains(&hex(number)));
        }
    }
}

#[tokio::test]
async fn many_at_once_are_each_in_the_ledger() {
    let scene = Scene::new();
    let store = scene.open();
    let all = (0..50).map(|n| {
        let (store, entry) = (store.clone(), scene.entry(&format!("message-{n}"), "x"));
        async move {
            let answer = answer(entry.evidence);
            store
                .record(entry, answer, vec![access(&[SI], "fund")])
                .await
                .unwrap()
        }
    });
    futures_util::future::join_all(all).await;
    assert_eq!(fields(&look(&store, PIN).await).len(), 0, "another number");
    assert_eq!(fields(&look(&store, SI).await).len(), 50);
}

#[tokio::test]
async fn no_number_and_no_reason_stands_in_clear() {
    let scene = Scene::new();
    let store = scene.open();
    read(
        &scene,
        &store,
        "message-1",
        vec![access(&[PIN, SI], "fund")],
    )
    .await;
    look(&store, CARD).await;
    drop(store);
    let hex = |text: &str| {
        let bytes = text.bytes().map(|byte| format!("{byte:02x}"));
        bytes.collect::<String>()
    };
    for table in ["access", "journal", "act", "inbox"] {
        let columns = scene.columns(table);
        assert!(!columns.is_empty(), "{table}");
        for text in columns {
            for number in [PIN, SI, CARD, "the citizen asks"] {
                assert!(
                    !text.contains(number) && !text.contains(&hex(number)),
                    "{table}"
                );
            }
        }
    }
}

async fn act(store: &Store, deed: Deed) -> Acted {
    let (who, why) = ("an".into(), "a test".into());
    store.act(Act { who, why, deed }).await.unwrap()
}

#[tokio::test]
async fn one_operation_is_stopped_beside_others_and_a_retired_partner_stays_retired() {
    let scene = Scene::new();
    let store = scene.open();
    let tax = partner("tax");
    for operation in ["tax.ping", "tax.verify-employer"] {
        let stop = Deed::SuspendOperation(tax.clone(), operation.into());
        assert_eq!(act(&store, stop.clone()).await, Acted::Done);
        assert_eq!(act(&store, stop).await, Acted::AlreadySo);
    }
    let orders = store.orders().await.unwrap();
    let stopped: Vec<_> = orders.operations().map(|(_, name)| name).collect();
    assert_eq!(stopped, ["tax.ping", "tax.verify-employer"]);
    assert!(!orders.suspends(&tax) && !orders.holds_lane(&tax));
    assert_eq!(orders.0[0].act.deed, "suspend-operation");
    assert_eq!(orders.0[0].act.target, "tax/tax.ping");
    let resume = Deed::ResumeOperation(tax.clone(), "tax.ping".into());
    assert_eq!(act(&store, resume.clone()).await, Acted::Done);
    assert_eq!(act(&store, resume).await, Acted::AlreadySo);
    assert_eq!(
        act(&store, Deed::RetirePartner(tax.clone())).await,
        Acted::Done
    );
    assert_eq!(
        act(&store, Deed::ResumePartner(tax.clone())).await,
        Acted::AlreadySo
    );
    let orders = store.orders().await.unwrap();
    assert!(orders.retired(&tax) && orders.suspends(&tax) && orders.holds_lane(&tax));
    assert!(orders.0.iter().any(|order| order.stop == Stop::Retired));
}

#[tokio::test]
async fn terms_come_into_force_only_in_place_of_those_they_were_judged_beside() {
    let scene = Scene::new();
    let store = scene.open();
    let adopt = |replaces: Option<&'static str>, becomes: Option<&'static str>| {
        let adoption = Adoption {
            partner: partner("tax"),
            replaces: replaces.map(|terms| sha256(terms.as_bytes())),
            becomes: becomes.map(|terms| (sha256(terms.as_bytes()), Bytes::from(terms))),
        };
        let (who, why) = ("an, binh".to_owned(), "signed".to_owned());
        let store = store.clone();
        async move { store.adopt(adoption, who, why).await.unwrap() }
    };
    let not_now = Acted::NotNow("replaced-meanwhile");
    assert_eq!(adopt(None, Some("one")).await, Acted::Done);
    assert_eq!(adopt(None, Some("one")).await, Acted::AlreadySo);
    assert_eq!(adopt(None, Some("two")).await, not_now, "an old judgement");
    assert_eq!(adopt(Some("one"), Some("two")).await, Acted::Done);
    assert_eq!(adopt(Some("one"), Some("three")).await, not_now);
    let in_force = store.in_force().await.unwrap();
    assert_eq!(in_force.len(), 1);
    assert_eq!(in_force[0].terms, "two");
    assert_eq!(in_force[0].act.who, "an, binh");
    assert_eq!(adopt(Some("two"), None).await, Acted::Done);
    assert!(store.in_force().await.unwrap().is_empty());
    assert_eq!(adopt(None, None).await, Acted::AlreadySo);
}
