//! What a security server brings: believed from it alone, each word once, and no more than was agreed.

use std::time::Duration;

use http::{HeaderValue, header};
use schemas::{
    fault::FaultCode,
    id::XRoadClient,
    wire::xroad::{ERROR, ErrorBody, ID, Spelling, code_of},
};

use super::{
    super::SIGNATURE,
    answered::Answered,
    bench::{Bench, Setup, id},
    letter::{DVCLT, Letter, letter, untouchable},
};
use crate::{adapter::Road, head::Arrival, partner::Relay};

const CLIENT: &str = "VN/GOV/000.00.00.X99/tax";
const MESSAGE: &str = "m-0000001";

/// Tax is known to the server `ss` as [`CLIENT`], and may use the road; `attested` says whether that suffices.
fn known(attested: bool) -> impl FnOnce(&mut Setup) {
    move |setup| {
        setup.tax.relays.push(Relay {
            road: Road::XRoad,
            relay: id("ss"),
            client: Some(XRoadClient::parse(CLIENT).unwrap()),
        });
        let agreement = &mut setup.tax.agreements[0];
        agreement.roads.insert(Road::XRoad);
        agreement.attested = attested;
    }
}

fn signed() -> Letter {
    Letter {
        peer: "ss",
        ..letter("t.change", MESSAGE)
    }
    .with("x-road-client", CLIENT)
    .with("x-road-id", MESSAGE)
}

fn unsigned() -> Arrival {
    without_signature(&signed())
}

fn without_signature(letter: &Letter) -> Arrival {
    let mut arrival = letter.arrival();
    arrival.request.headers_mut().remove(SIGNATURE);
    arrival
}

#[track_caller]
fn assert_error(answered: &Answered, code: FaultCode, reason: &str) {
    let said = ErrorBody::decode(&answered.body).unwrap();
    assert_eq!(answered.status, code.row().http, "{said:?}");
    assert_eq!(answered.header("lienthong-fault"), code.row().code);
    assert_eq!(
        (said.kind.as_str(), answered.header(ERROR)),
        (code_of(code), code_of(code))
    );
    assert!(said.message.contains(&format!("({reason})")), "{said:?}");
    assert_eq!(said.detail, answered.header("lienthong-evidence"));
    assert_eq!(answered.header(ID), "", "an error bears no id");
}

#[tokio::test]
async fn a_signed_message_through_its_security_server_is_answered_under_its_id() {
    let bench = Bench::with(known(false));
    let answered = bench.send(&signed()).await;
    answered.assert_done("hello");
    answered.assert_bound_to(&signed());
    assert_eq!((answered.header(ID), answered.header(ERROR)), (MESSAGE, ""));
    let entry = bench.log.entry("tax", MESSAGE).unwrap();
    assert_eq!(
        (entry.road, entry.proof, entry.peer.as_str()),
        ("xroad", "jws", "ss")
    );
    assert_eq!(
        entry.attested.as_deref(),
        Some("tax vss sandbox m-0000001 VN/GOV/000.00.00.X99/tax")
    );
}

#[tokio::test]
async fn the_word_of_the_server_suffices_where_the_agreement_says_so() {
    let bench = Bench::with(known(true));
    bench.arrive(unsigned()).await.assert_done("hello");
    let entry = bench.log.entry("tax", MESSAGE).unwrap();
    assert_eq!((entry.proof, entry.signature), ("xroad-relay", None));
    // and once only, whatever the connection
    let again = bench.arrive(unsigned()).await;
    again.assert_done("hello");
    assert_eq!(bench.effects(), 1);
    let other = Letter {
        text: "other",
        ..signed()
    };
    let conflict = bench.arrive(without_signature(&other)).await;
    assert_error(&conflict, FaultCode::Conflict, "same-id-other-content");
}

#[tokio::test]
async fn without_a_signature_that_the_agreement_demands_nothing_is_done() {
    let bench = Bench::with(known(false));
    let refused = bench.arrive(unsigned()).await;
    assert_error(&refused, FaultCode::Forbidden, "body-signature-demanded");
    assert!(
        refused.is_signed(),
        "from the permit room on faults are signed"
    );
    assert_eq!(bench.effects(), 0);
    assert!(bench.log.entry("tax", MESSAGE).is_none());
}

#[tokio::test]
async fn a_bad_word_of_the_server_is_refused_before_a_byte_of_the_body() {
    type Edit = fn(&mut Letter);
    let cases: [(Edit, FaultCode, &str); 14] = [
        (
            |l| l.headers.retain(|(n, _)| *n != "x-road-client"),
            FaultCode::Unauthenticated,
            "xroad-client-missing",
        ),
        (
            |l| l.headers.push(("x-road-client", CLIENT)),
            FaultCode::Malformed,
            "xroad-header-twice",
        ),
        (
            |l| l.headers.push(("x-road-id", MESSAGE)),
            FaultCode::Malformed,
            "xroad-header-twice",
        ),
        (
            |l| {
                l.headers
                    .extend([("x-road-userid", "VN1"), ("x-road-userid", "VN1")])
            },
            FaultCode::Malformed,
            "xroad-header-twice",
        ),
        (
            |l| l.headers[0].1 = "VN/GOV/a%2Fb/tax",
            FaultCode::Unauthenticated,
            "xroad-client-malformed",
        ),
        (
            |l| l.headers[0].1 = "VN/GOV",
            FaultCode::Unauthenticated,
            "xroad-client-malformed",
        ),
        (
            |l| l.headers[0].1 = "VN/GOV/000.00.00.X99/other",
            FaultCode::Unauthenticated,
            "xroad-client-not-registered",
        ),
        (
            |l| l.headers.retain(|(n, _)| *n != "x-road-id"),
            FaultCode::Malformed,
            "xroad-id-missing",
        ),
        (
            |l| l.headers[1].1 = "short",
            FaultCode::Malformed,
            "xroad-id-malformed",
        ),
        (
            |l| l.headers.push(("x-road-represented-party", "a/b/c")),
            FaultCode::Malformed,
            "xroad-represented-party",
        ),
        (
            |l| {
                l.headers
                    .push(("x-road-service", "VN/GOV/000.00.00.X98/other/ask"))
            },
            FaultCode::UnknownRoute,
            "xroad-service-not-ours",
        ),
        (
            |l| {
                l.headers
                    .push(("x-road-service", "VN/GOV/000.00.00.X97/vss/ask"))
            },
            FaultCode::UnknownRoute,
            "xroad-service-not-ours",
        ),
        (
            |l| {
                l.headers
                    .push(("x-road-service", "VN/GOV/000.00.00.X98/vss"))
            },
            FaultCode::Malformed,
            "xroad-service-malformed",
        ),
        (
            |l| {
                l.headers
                    .extend([("x-road-service", "VN/GOV/000.00.00.X98/vss/ask"); 2])
            },
            FaultCode::Malformed,
            "xroad-header-twice",
        ),
    ];
    for (edit, code, reason) in cases {
        let bench = Bench::with(known(true));
        let mut letter = signed();
        edit(&mut letter);
        let refused = bench.send_body(&letter, untouchable()).await;
        assert_error(&refused, code, reason);
        assert_eq!(bench.effects(), 0, "{reason}");
    }
}

#[tokio::test]
async fn a_service_that_is_named_by_our_own_name_is_ours() {
    let bench = Bench::with(known(true));
    let named = signed().with("x-road-service", "VN/GOV/000.00.00.X98/vs%73/ask");
    bench.send(&named).await.assert_done("hello");
}

#[tokio::test]
async fn client_and_id_must_be_those_of_the_signed_envelope() {
    let bench = Bench::with(known(true));
    let of_another = Letter {
        sender: "dvclt",
        pen: &DVCLT,
        ..signed()
    };
    let refused = bench.send(&of_another).await;
    assert_error(
        &refused,
        FaultCode::Unauthenticated,
        "peer-may-not-carry-sender",
    );
    let bench = Bench::with(|setup| {
        known(true)(setup);
        setup.dvclt.relays.push(Relay {
            road: Road::XRoad,
            relay: id("ss"),
            client: Some(XRoadClient::parse("VN/GOV/other").unwrap()),
        });
    });
    let refused = bench.send(&of_another).await;
    assert_error(
        &refused,
        FaultCode::Unauthenticated,
        "xroad-client-is-not-sender",
    );
    let mut other_id = signed();
    other_id.headers[1].1 = "m-0000002";
    let refused = bench.send(&other_id).await;
    assert_error(&refused, FaultCode::BadSignature, "xroad-id-differs");
    assert_eq!(bench.effects(), 0);
}

#[tokio::test]
async fn from_anybody_else_the_same_words_are_nothing() {
    let bench = Bench::with(known(true));
    for peer in ["dvclt", "ngsp"] {
        let forged = Letter { peer, ..signed() };
        let refused = bench.arrive(without_signature(&forged)).await;
        refused.assert_fault(FaultCode::BadSignature, "no-signature");
        assert_eq!(refused.header(ERROR), "");
    }
    assert_eq!(bench.effects(), 0);
}

#[tokio::test]
async fn errors_are_spelt_and_formed_as_the_server_wants_them() {
    let bench = Bench::with(|setup| {
        known(true)(setup);
        setup.spelling = Spelling::Old;
    });
    let mut arrival = signed().arrival();
    let headers = arrival.request.headers_mut();
    headers.remove("x-road-client");
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("text/xml;q=0.1, application/json"),
    );
    let refused = bench.arrive(arrival).await;
    assert_eq!(refused.header(ERROR), "Client.InvalidClientIdentifier");
    assert_eq!(refused.header("content-type"), "text/xml");
    let text = refused.text();
    assert!(
        text.starts_with("<error><type>Client.InvalidClientIdentifier</type><message>"),
        "{text}"
    );
}

#[tokio::test]
async fn a_dead_database_is_an_error_of_the_server_kind_and_a_rule_is_the_partners_own_answer() {
    let bench = Bench::with(known(true));
    bench.fail_with(FaultCode::InsuranceUnavailable, "down");
    let down = bench.arrive(unsigned()).await;
    assert_error(&down, FaultCode::InsuranceUnavailable, "down");
    assert_eq!(
        (down.status, down.header(ERROR)),
        (503, "server.service_failed.network_error")
    );

    let mut ruled = signed();
    (ruled.id, ruled.headers[1].1) = ("m-0000002", "m-0000002");
    bench.fail_with(FaultCode::RuleRefused, "no-such-card");
    let ruled = bench.arrive(without_signature(&ruled)).await;
    ruled.assert_fault(FaultCode::RuleRefused, "no-such-card");
    assert_eq!((ruled.header(ERROR), ruled.header(ID)), ("", "m-0000002"));
}

#[tokio::test]
async fn a_message_that_was_left_in_the_middle_is_taken_up_with_its_attestation() {
    let bench = Bench::with(known(true));
    bench.knobs.break_next("commit");
    bench.knobs.break_next("release");
    let lost = bench.arrive(unsigned()).await;
    assert_error(&lost, FaultCode::InProgress, "answer-not-committed");
    bench.clock.turn(Duration::from_secs(3_600));
    let unfinished = bench.parts.log.unfinished(9).await.unwrap().remove(0);
    bench.take_up(unfinished).await.unwrap();
    let keys = bench.effect_keys();
    assert_eq!(
        (keys.len(), keys[0]),
        (2, keys[1]),
        "the same effect, asked for again"
    );
    bench.arrive(unsigned()).await.assert_done("hello");
}
