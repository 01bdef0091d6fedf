//! The tax department's questions and notices, in XML and in JSON.

use gateway_tests::{
    house::House,
    message::{
        Json, Tax,
        tax::{text_of, xml},
    },
};
use schemas::fault::FaultCode::{Forbidden, Invalid, Malformed};
use serde_json::json;

/// Many employers in the newest closed month.
fn many(house: &House, keys: &[String]) -> Tax {
    let keys: String = keys.iter().map(|key| format!("<Mst>{key}</Mst>")).collect();
    let body = format!(
        "<VerifyMany><Employers><Period>{}</Period><Fields><Field>arrears</Field></Fields>{keys}\
         </Employers><Purpose>tax-compliance</Purpose></VerifyMany>",
        house.landmarks.period
    );
    Tax::new(house.now(), "tax.verify-many", body)
}

/// A question or a claim about a person over the newest closed month.
fn person(house: &House, pin: &str, asked: &str) -> Tax {
    let period = &house.landmarks.period;
    let body = format!(
        "<VerifyIndividual><Subject><Pin>{pin}</Pin></Subject><From>{period}</From><To>{period}</To>\
         {asked}<Purpose>tax-compliance</Purpose></VerifyIndividual>"
    );
    Tax::new(house.now(), "tax.verify-individual", body)
}

fn json(house: &House, operation: &str, body: &serde_json::Value) -> Json {
    let body = body.to_string().into_bytes();
    Json::new(house.now(), "tax", operation, "/tax/v1/json", body)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_answered_line_by_line_within_the_lines_that_are_agreed() {
    let house = House::start().await;
    let (key, wire) = (house.key("tax"), house.wire("tax"));
    let (known, nobody) = (
        house.landmarks.employer.mst.clone(),
        house.landmarks.unregistered_mst.clone(),
    );
    let lines = [nobody, "9900000017".to_owned(), known.clone()];
    let asked = many(&house, &lines);
    let reply = wire.send(&asked.sign(&key)).await;
    house.assert_answers(&asked, reply.assert_ok());
    let told = reply.text().split("<Line>").skip(1);
    let told: Vec<&str> = told
        .map(|line| text_of(line, "Result").or(text_of(line, "Code")).unwrap())
        .collect();
    assert_eq!(told, ["noData", "INVALID", "hasData"]);
    let root = &known[..10];
    let branches: Vec<String> = (1..=501).map(|at| format!("{root}-{at:03}")).collect();
    let more = many(&house, &branches).sign(&key);
    house
        .refuses("tax", &more, Forbidden, "more-lines-than-agreed")
        .await;
    let reply = wire.send(&many(&house, &branches[..500]).sign(&key)).await;
    assert_eq!(reply.assert_ok().text().matches("<Line>").count(), 500);
    let twice = many(&house, &[known.clone(), known]).sign(&key);
    house.refuses("tax", &twice, Invalid, "key-twice").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_about_a_person_is_answered_with_yes_or_no_and_nothing_else() {
    let house = House::start().await;
    let holder = house.landmarks.card_holders[0].clone();
    for (born, result) in [
        (holder.birth_date.as_str(), "matches"),
        ("1901-01-01", "doesNotMatch"),
    ] {
        let claim = format!(
            "<Claim><Name>{}</Name><BirthDate>{born}</BirthDate></Claim>",
            holder.name
        );
        let asked = person(&house, &holder.pin, &claim);
        let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
        house.assert_answers(&asked, reply.assert_ok());
        let text = reply.text();
        assert_eq!(text_of(text, "Result"), Some(result));
        for element in [
            "<Name>",
            "<BirthDate>",
            "<MonthsContributed>",
            "<NotDisclosed>",
        ] {
            assert!(!text.contains(element), "{element} in {result}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_a_person_that_are_not_agreed_are_withheld_and_said_so() {
    let house = House::start().await;
    let holder = house.landmarks.card_holders[0].clone();
    let fields = "<Fields><Field>siNumber</Field><Field>months</Field></Fields>";
    let asked = person(&house, &holder.pin, fields);
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    house.assert_answers(&asked, reply.assert_ok());
    let text = reply.text();
    assert!(text_of(text, "MonthsContributed").is_some());
    assert_eq!(
        text_of(text, "NotDisclosed"),
        Some("<Field>siNumber</Field>")
    );
    assert!(!text.contains(&holder.si_number));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_in_json_gets_the_same_facts_under_a_jws() {
    let house = House::start().await;
    let (mst, period) = (&house.landmarks.employer.mst, &house.landmarks.period);
    let ask = json!({ "VerifyEmployer": {
        "Mst": mst, "Period": period, "Fields": ["participants", "name"], "Purpose": "tax-compliance",
    } });
    let asked = json(&house, "tax.verify-employer", &ask);
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    house.assert_answers_json(&asked, asked.text("jti"), reply.assert_ok());
    let told = reply.json();
    let told = &told["VerifyEmployerResult"];
    assert_eq!(
        (&told["Result"], &told["NotDisclosed"]),
        (&json!("hasData"), &json!(["name"]))
    );
    let same = house.verify(&["participants"]).sign(&house.key("tax"));
    let same = house.wire("tax").send(&same).await;
    let count = text_of(same.text(), "Participants").unwrap();
    assert_eq!(told["Participants"].to_string(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_by_the_same_word_in_json_and_in_xml() {
    let house = House::start().await;
    let key = house.key("tax");
    let (mst, period) = (
        house.landmarks.employer.mst.clone(),
        &house.landmarks.period,
    );
    let (branch, other) = (
        format!("{}-001", &mst[..10]),
        house.landmarks.unregistered_mst.clone(),
    );
    for (mst, period, parent, reason) in [
        ("9900000017", period.as_str(), None, "mst-check-digit"),
        (mst.as_str(), "2199-01", None, "period-in-the-future"),
        (mst.as_str(), "1994-12", None, "period-before-1995"),
        (
            branch.as_str(),
            period.as_str(),
            Some(&other),
            "branch-of-another-parent",
        ),
    ] {
        let mut ask = json!({
            "Mst": mst, "Period": period, "Fields": ["fund"], "Purpose": "tax-compliance",
        });
        let mut asked = Tax::verify(house.now(), mst, period, &["fund"]);
        if let Some(parent) = parent {
            ask["Parent"] = json!(parent);
            let named = format!("<Parent>{parent}</Parent><Period>");
            asked.body = asked.body.replace("<Period>", &named);
        }
        house
            .refuses("tax", &asked.sign(&key), Invalid, reason)
            .await;
        let ask = json(
            &house,
            "tax.verify-employer",
            &json!({ "VerifyEmployer": ask }),
        );
        house.refuses("tax", &ask.sign(&key), Invalid, reason).await;
    }
    let mut latin = json(&house, "tax.ping", &json!({ "Ping": {} }));
    latin.body.insert(2, 0xe1);
    house
        .refuses("tax", &latin.sign(&key), Malformed, "json-encoding")
        .await;
    let mut latin = Tax::ping(house.now(), "latin").signed(&key).into_bytes();
    latin.insert(1, 0xe1);
    house
        .refuses("tax", &xml(latin), Malformed, "xml-encoding")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_notice_is_kept_once_and_its_receipt_is_the_same_for_a_resend() {
    let house = House::start().await;
    let key = house.key("tax");
    let notice = |status: &str| {
        let body = format!(
            "<ChangeNotice><Mst>{}</Mst><Kind>suspended</Kind><EffectiveOn>2026-10-01</EffectiveOn>\
             <Status>{status}</Status><Purpose>tax-compliance</Purpose></ChangeNotice>",
            house.landmarks.employer.mst
        );
        Tax::new(house.now(), "tax.change-notice", body)
    };
    house
        .refuses(
            "tax",
            &notice("04").sign(&key),
            Invalid,
            "status-not-in-force",
        )
        .await;
    let before = house.fingerprint().await;
    let told = notice("05");
    let message = told.sign(&key);
    let first = house.wire("tax").send(&message).await;
    house.assert_answers(&told, first.assert_ok());
    assert!(text_of(first.text(), "ReceivedAt").is_some());
    let kept = house.fingerprint().await;
    assert!(
        kept != before,
        "the notice is not in the insurance database"
    );
    let again = house.wire("tax").send(&message).await;
    assert_eq!(again.text(), first.text());
    assert!(
        house.fingerprint().await == kept,
        "the notice was kept twice"
    );
}
