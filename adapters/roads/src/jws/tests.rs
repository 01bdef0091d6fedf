use certs::keys::Algorithm;
use gateway_core::Road;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::*;
use crate::testhead::{head, signing_key};

const BODY: &[u8] = b"{\"a\":1}";

fn header() -> Header {
    Header {
        alg: Algorithm::Es256,
        kid: "dvclt-1".into(),
        iss: "dvclt".into(),
        aud: "vss".into(),
        jti: "dvclt-00000001".into(),
        iat: 1_795_323_600,
        env: "sandbox".into(),
        dir: jws::Direction::Request,
        op: "civil.birth".into(),
        irt: None,
        dig: None,
    }
}

fn signed(header: &Header) -> String {
    jws::sign(header, &signing_key(), BODY).unwrap()
}

fn arrives(peer: &str, signatures: &[&str]) -> Result<Envelope, Fault> {
    let mut headers = vec![(CONTENT_TYPE, "application/json")];
    headers.extend(signatures.iter().map(|one| (SIGNATURE, *one)));
    envelope(&head(peer, &headers), &Bytes::from_static(BODY))
}

#[test]
fn the_protected_header_is_what_the_envelope_claims() {
    let compact = signed(&header());
    let envelope = arrives("dvclt", &[&compact]).unwrap();
    assert_eq!(envelope.road, Road::Direct);
    assert_eq!(envelope.key_hint.as_deref(), Some("dvclt-1"));
    assert_eq!(envelope.signature, SignatureForm::Jws(compact));
    let claims = envelope.claims;
    assert_eq!(
        (
            claims.sender.as_str(),
            claims.receiver.as_str(),
            claims.id.as_str()
        ),
        ("dvclt", "vss", "dvclt-00000001")
    );
    assert_eq!(
        (
            claims.environment,
            claims.direction,
            claims.operation.as_str()
        ),
        (Environment::Sandbox, Direction::Request, "civil.birth")
    );
    assert_eq!(claims.sent_at.as_second(), 1_795_323_600);
}

#[test]
fn another_peer_can_only_be_a_relay_and_the_sender_stays_the_signer() {
    let envelope = arrives("ngsp", &[&signed(&header())]).unwrap();
    assert_eq!(envelope.road, Road::Ngsp);
    assert_eq!(envelope.claims.sender.as_str(), "dvclt");
}

#[test]
fn a_signature_that_cannot_be_one_is_refused_with_its_reason() {
    let good = signed(&header());
    let (protected, signature) = good.split_once("..").unwrap();
    let attached = format!("{protected}.eyJhIjoxfQ.{signature}");
    let padded = format!("{protected}=..{signature}");
    let long = format!("{good}{}", "A".repeat(SIGNATURE_BYTES_MAX));
    let cases: &[(&[&str], &str)] = &[
        (&[], "no-signature"),
        (&[&good, &good], "two-signatures"),
        (&[&attached], "payload-attached"),
        (&[&padded], "base64url-not-strict"),
        (&[&long], "signature-too-long"),
        (&["a.b"], "jws-parts"),
    ];
    for (signatures, reason) in cases {
        let fault = arrives("dvclt", signatures).unwrap_err();
        assert_eq!(
            (fault.code(), fault.reason()),
            (FaultCode::BadSignature, *reason)
        );
    }
}

#[test]
fn claims_that_cannot_be_are_refused() {
    let mut far = header();
    far.iat = i64::MAX;
    let fault = arrives("dvclt", &[&signed(&far)]).unwrap_err();
    assert_eq!(
        (fault.code(), fault.reason()),
        (FaultCode::BadSignature, "jws-time")
    );
}

#[test]
fn a_body_that_is_empty_coded_or_of_another_type_is_refused() {
    let compact = signed(&header());
    let refused = |headers: &[(HeaderName, &str)], body: &'static [u8]| {
        let fault = envelope(&head("dvclt", headers), &Bytes::from_static(body)).unwrap_err();
        (fault.code(), fault.reason())
    };
    let json = (CONTENT_TYPE, "application/json");
    let signature = (SIGNATURE, compact.as_str());
    assert_eq!(
        refused(&[json.clone(), signature.clone()], b""),
        (FaultCode::Malformed, "empty-body")
    );
    assert_eq!(
        refused(&[json, (CONTENT_ENCODING, "gzip"), signature.clone()], BODY),
        (FaultCode::UnsupportedMediaType, "content-coding")
    );
    assert_eq!(
        refused(&[(CONTENT_TYPE, "application/xml"), signature], BODY),
        (FaultCode::UnsupportedMediaType, "media-type")
    );
}
