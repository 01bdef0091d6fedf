//! Who may say what to whom: the peer, the sender, the key, the agreement.

use certs::jws;
use jiff::civil::date;
use schemas::fault::FaultCode;

use super::{
    super::SIGNATURE,
    bench::Bench,
    letter::{DVCLT, Letter, OLD, OURS, letter},
    words::CLAIMED_ID,
};
use crate::{adapter::Road, partner::Environment};

fn change() -> Letter {
    letter("t.change", "m-0000001")
}

/// Each message alone in a house of its own: refused by this name, nothing done, nothing recorded.
async fn all_refused(code: FaultCode, cases: impl IntoIterator<Item = (Letter, &'static str)>) {
    for (letter, reason) in cases {
        let bench = Bench::new();
        bench.send(&letter).await.assert_fault(code, reason);
        assert_eq!(bench.effects(), 0, "{reason}");
        assert!(bench.log.entry("tax", "m-0000001").is_none(), "{reason}");
    }
}

#[tokio::test]
async fn a_message_for_another_environment_receiver_or_direction_is_refused() {
    let answer = jws::Direction::Answer;
    let cases = [
        (
            Letter {
                environment: "test",
                ..change()
            },
            "environment",
        ),
        (
            Letter {
                environment: "production",
                ..change()
            },
            "environment",
        ),
        (
            Letter {
                receiver: "dvclt",
                ..change()
            },
            "receiver",
        ),
        (
            Letter {
                direction: answer,
                ..change()
            },
            "direction",
        ),
    ];
    all_refused(FaultCode::WrongEnvironment, cases).await;
}

#[tokio::test]
async fn an_unknown_sender_and_a_peer_that_may_not_carry_the_sender_are_refused() {
    let cases = [
        (
            Letter {
                sender: "nobody",
                ..change()
            }
            .relayed(),
            "unknown-sender",
        ),
        (
            Letter {
                peer: "dvclt",
                ..change()
            },
            "peer-may-not-carry-sender",
        ),
        (
            Letter {
                sender: "dvclt",
                pen: &DVCLT,
                ..change()
            },
            "peer-may-not-carry-sender",
        ),
    ];
    all_refused(FaultCode::Unauthenticated, cases).await;
}

#[tokio::test]
async fn a_relay_carries_only_those_who_registered_it() {
    let bench = Bench::with(|setup| setup.tax.relays.clear());
    let refused = bench.send(&change().relayed()).await;
    refused.assert_fault(FaultCode::Unauthenticated, "peer-may-not-carry-sender");
    bench
        .send(&change().of_dvclt().relayed())
        .await
        .assert_done("hello");
    bench.send(&change()).await.assert_done("hello");
}

#[tokio::test]
async fn only_a_registered_key_that_is_valid_today_proves_a_message() {
    let cases = [
        (
            Letter {
                pen: &DVCLT,
                ..change()
            },
            "signature-mismatch",
        ),
        (
            Letter {
                pen: &OURS,
                ..change()
            },
            "signature-mismatch",
        ),
        (
            Letter {
                kid: "key-none",
                ..change()
            },
            "unknown-key",
        ),
        (
            Letter {
                kid: "key-old",
                pen: &OLD,
                ..change()
            },
            "key-not-valid-now",
        ),
    ];
    all_refused(FaultCode::BadSignature, cases).await;
}

#[tokio::test]
async fn a_changed_body_byte_and_a_missing_signature_are_refused() {
    let bench = Bench::new();
    let changed = super::super::receive::body_of("audit|fund|hellp".into());
    let refused = bench.send_body(&change(), changed).await;
    refused.assert_fault(FaultCode::BadSignature, "signature-mismatch");
    let mut bare = change().arrival();
    bare.request.headers_mut().remove(SIGNATURE);
    bench
        .arrive(bare)
        .await
        .assert_fault(FaultCode::BadSignature, "no-signature");
    assert_eq!(bench.effects(), 0);
}

#[tokio::test]
async fn an_envelope_that_differs_from_the_proof_is_refused() {
    let cases = [(
        change().with(CLAIMED_ID, "m-0000002"),
        "envelope-differs-from-proof",
    )];
    all_refused(FaultCode::BadSignature, cases).await;
    let bench = Bench::new();
    let same = change().with(CLAIMED_ID, "m-0000001");
    bench.send(&same).await.assert_done("hello");
}

#[tokio::test]
async fn an_operation_refuses_the_proof_of_another_kind() {
    let cases = [(
        Letter {
            operation: "t.xml",
            ..change()
        },
        "proof-of-another-kind",
    )];
    all_refused(FaultCode::BadSignature, cases).await;
}

#[tokio::test]
async fn headers_that_claim_an_identity_never_reach_the_words() {
    let bench = Bench::new();
    let forged = change()
        .with("x-forwarded-client-cert", "By=vss")
        .with("x_road_client", "VN/GOV/vss")
        .with("x-partner", "vss")
        .with("t-harmless", "yes");
    bench.send(&forged).await.assert_done("hello");
    let seen = bench.words.headers.lock().unwrap();
    let mut names: Vec<_> = seen.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["content-type", "host", "t-harmless", "x-jws-signature"]
    );
}

#[tokio::test]
async fn a_synthetic_subject_is_refused_in_production_alone() {
    let synthetic = Letter {
        text: "synthetic child",
        ..change()
    };
    let sandbox = Bench::new();
    sandbox
        .send(&synthetic)
        .await
        .assert_done("synthetic child");
    let production = Bench::with(|setup| setup.environment = Environment::Production);
    let real = Letter {
        environment: "production",
        ..change()
    };
    production.send(&real).await.assert_done("hello");
    let synthetic = Letter {
        id: "m-0000002",
        text: "synthetic child",
        ..real
    };
    let refused = production.send(&synthetic).await;
    refused.assert_fault(FaultCode::Forbidden, "synthetic-subject");
    refused.assert_bound_to(&synthetic);
    assert_eq!(production.effects(), 1);
}

#[tokio::test]
async fn fields_that_are_not_granted_reach_the_words_as_withheld() {
    let bench = Bench::new();
    let both = Letter {
        asked: "fund,name",
        ..letter("t.look", "m-0000001")
    };
    let answer = bench.send(&both).await;
    assert_eq!(answer.text(), "did hello; shown fund; withheld name");
    let granted = Letter {
        asked: "fund",
        ..letter("t.look", "m-0000002")
    };
    let answer = bench.send(&granted).await;
    assert_eq!(answer.text(), "did hello; shown fund; withheld ");
}

#[tokio::test]
async fn what_no_agreement_in_force_allows_is_forbidden_by_its_reason() {
    type Change = fn(&mut crate::partner::Agreement);
    let cases: [(Change, &str); 4] = [
        (
            |a| drop(a.operations.remove("t.change")),
            "operation-not-agreed",
        ),
        (
            |a| a.valid_to = Some(date(2026, 5, 31)),
            "agreement-not-in-force",
        ),
        (|a| a.roads = [Road::Ngsp].into(), "road-not-agreed"),
        (|a| a.purposes.clear(), "purpose-not-agreed"),
    ];
    for (change_agreement, reason) in cases {
        let bench = Bench::with(|setup| change_agreement(&mut setup.tax.agreements[0]));
        let refused = bench.send(&change()).await;
        refused.assert_fault(FaultCode::Forbidden, reason);
        refused.assert_bound_to(&change());
        assert_eq!(bench.effects(), 0);
    }
}

#[tokio::test]
async fn a_suspended_sender_behind_an_active_relay_is_forbidden() {
    let bench = Bench::with(|setup| setup.tax.active = false);
    let refused = bench.send(&change().relayed()).await;
    refused.assert_fault(FaultCode::Forbidden, "partner-suspended");
    assert_eq!(bench.effects(), 0);
}

#[tokio::test]
async fn the_effect_is_told_who_asks_under_which_rule_and_why() {
    let bench = Bench::new();
    bench.send(&change().relayed()).await.assert_done("hello");
    let contexts = bench.words.contexts.lock().unwrap();
    let context = &contexts[0];
    let told = (
        context.sender.as_str(),
        context.rule.as_str(),
        context.purpose.as_str(),
    );
    assert_eq!(told, ("tax", "TN-01/t.change", "audit"));
}
