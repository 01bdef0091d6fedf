//! No signature for strangers; from the permit room on every word is signed and bound.

use std::time::Duration;

use schemas::fault::FaultCode;

use super::{
    bench::Bench,
    letter::{DVCLT, Letter, OURS, letter},
};
use crate::{
    partner::Environment,
    ports::Blind,
    sign::{PoolParams, Signer},
};

/// A signer whose key is in a token that nobody can reach.
fn away() -> Signer {
    use certs::{
        keys::{KeyStore, SecretPlace, TokenStore},
        pki::{Authority, IssueParams, Usage},
    };
    let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let authority = Authority::generate("sandbox", now).unwrap();
    let params = IssueParams::new("vss", Usage::Signing, now);
    let store = TokenStore {
        module: "/nonexistent/module.so".into(),
        token: "vss".into(),
        label: "sign".into(),
        pin: SecretPlace::Env("LIENTHONG_NO_SUCH_VARIABLE".into()),
        sessions: 1,
        certificate_pem: authority.issue(&params).unwrap().chain_pem.into_bytes(),
    };
    let us = super::bench::id("vss");
    let key = store.open(None).unwrap();
    Signer::new(key, "vss-1".into(), None, us, Environment::Sandbox)
        .pooled(PoolParams::default(), std::sync::Arc::new(Blind))
        .unwrap()
}

fn change() -> Letter {
    letter("t.change", "m-0000001")
}

#[tokio::test]
async fn an_answer_is_signed_and_bound_to_its_request_and_content() {
    for operation in ["t.change", "t.look", "t.poll"] {
        let bench = Bench::new();
        let letter = letter(operation, "m-0000001");
        let answer = bench.send(&letter).await;
        answer.assert_bound_to(&letter);
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn faults_before_the_permit_room_are_unsigned_problem_details() {
    for letter in [
        Letter {
            path: "/elsewhere",
            ..change()
        },
        change().with("content-length", "99999"),
        Letter {
            pen: &DVCLT,
            ..change()
        },
        Letter {
            environment: "test",
            ..change()
        },
        Letter {
            operation: "t.none",
            ..change()
        },
    ] {
        let refused = Bench::new().send(&letter).await;
        assert!(
            refused.status >= 400 && !refused.is_signed(),
            "{}",
            refused.text()
        );
        assert_eq!(refused.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn faults_from_the_permit_room_on_are_signed_and_bound() {
    let forbidden = Letter {
        purpose: "other",
        ..change()
    };
    let stale = Letter {
        sent_at: change().sent_at - Duration::from_secs(999),
        ..change()
    };
    for (letter, code) in [(forbidden, FaultCode::Forbidden), (stale, FaultCode::Stale)] {
        let refused = Bench::new().send(&letter).await;
        assert_eq!(refused.header("lienthong-fault"), code.row().code);
        refused.assert_bound_to(&letter);
    }
    for code in [FaultCode::InsuranceUnavailable, FaultCode::UnknownSubject] {
        let bench = Bench::new();
        bench.fail_with(code, "registry");
        let refused = bench.send(&change()).await;
        refused.assert_fault(code, "registry");
        refused.assert_bound_to(&change());
    }
}

#[tokio::test]
async fn each_answer_has_an_id_of_its_own() {
    let bench = Bench::new();
    let ids: Vec<String> = {
        let first = bench.send(&change()).await;
        let second = bench.send(&letter("t.change", "m-0000002")).await;
        let id = |seen: &super::answered::Answered| {
            let unproven = certs::jws::parse(seen.header("x-jws-signature")).unwrap();
            unproven.header().jti.clone()
        };
        vec![id(&first), id(&second)]
    };
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_new_key_signs_new_answers_and_stored_ones_keep_their_bytes() {
    let bench = Bench::new();
    let first = bench.send(&change()).await;
    let us = super::bench::id("vss");
    let renewed = Signer::new(
        DVCLT.signing(),
        "vss-2".into(),
        None,
        us,
        Environment::Sandbox,
    );
    bench.parts.signer.store(std::sync::Arc::new(renewed));
    assert_eq!(bench.send(&change()).await, first);
    let second = bench.send(&letter("t.change", "m-0000002")).await;
    let unproven = certs::jws::parse(second.header("x-jws-signature")).unwrap();
    assert_eq!(unproven.header().kid, "vss-2");
    let algorithm = certs::keys::Algorithm::Es256;
    assert!(
        unproven
            .verify(&OURS.verifying(), algorithm, &second.body)
            .is_err()
    );
}

#[tokio::test]
async fn what_cannot_be_signed_does_not_leave_and_is_signed_when_the_key_is_back() {
    let bench = Bench::new();
    let ours = bench.parts.signer.load_full();
    bench.parts.signer.store(std::sync::Arc::new(away()));
    let sent_away = bench.send(&change()).await;
    sent_away.assert_fault(FaultCode::SigningUnavailable, "pkcs11-module");
    assert!(!sent_away.is_signed());
    bench.parts.signer.store(ours);
    let answer = bench.send(&change()).await;
    assert_eq!(answer.status, 200);
    answer.assert_bound_to(&change());
}

#[tokio::test]
async fn a_fault_that_should_be_signed_and_cannot_be_gives_way_to_one_that_says_so() {
    let bench = Bench::new();
    bench.parts.signer.store(std::sync::Arc::new(away()));
    let forbidden = Letter {
        purpose: "other",
        ..change()
    };
    let refused = bench.send(&forbidden).await;
    refused.assert_fault(FaultCode::SigningUnavailable, "pkcs11-module");
    assert!(!refused.is_signed());
    assert_eq!(bench.effects(), 0);
}
