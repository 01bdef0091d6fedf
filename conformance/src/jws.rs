//! JSON messages with a detached JWS: made by an emitter of their own, answers checked for their binding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::digest::content_digest;
use certs::jws::{Direction, parse};
use certs::keys::SigningKey;
use serde_json::{Map, Value, json};

use crate::call::{Prepared, Trouble};
use crate::client::Reply;
use crate::clock;
use crate::identity::Identity;

/// How far an answer's clock may be ahead of ours, seconds.
pub(crate) const SKEW_SECONDS_MAX: i64 = 300;

/// A JSON message before it is signed; the rules bend its header.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// The protected header, members in no particular order.
    pub(crate) header: Map<String, Value>,
    pub(crate) path: &'static str,
    pub(crate) body: Vec<u8>,
    /// The id that the gateway makes from the content, where it does.
    pub(crate) content_id: Option<String>,
}

impl Draft {
    pub(crate) fn new(
        identity: &Identity,
        operation: &str,
        path: &'static str,
        body: Vec<u8>,
    ) -> Self {
        let header = json!({
            "alg": identity.sign.algorithm().jws_name(),
            "kid": identity.kid,
            "typ": "lienthong+jws",
            "iss": identity.partner.as_str(),
            "aud": identity.receiver.as_str(),
            "jti": fresh_id(identity),
            "iat": clock::now().as_second(),
            "env": identity.environment,
            "dir": "request",
            "op": operation,
        });
        let Value::Object(header) = header else {
            unreachable!("json! of braces is an object")
        };
        Self {
            header,
            path,
            body,
            content_id: None,
        }
    }

    /// A header member as text; empty where it is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.header
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn sign(&self, key: &SigningKey) -> Result<Prepared, Trouble> {
        let protected = URL_SAFE_NO_PAD.encode(Value::Object(self.header.clone()).to_string());
        self.sign_protected(&protected, key)
    }

    /// Signs under a protected header that is already encoded, whatever it says.
    pub(crate) fn sign_protected(
        &self,
        protected: &str,
        key: &SigningKey,
    ) -> Result<Prepared, Trouble> {
        let input = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(&self.body));
        let signature = key
            .sign(input.as_bytes())
            .map_err(|error| Trouble::Sign(error.to_string()))?;
        Ok(self.with_signature(format!(
            "{protected}..{}",
            URL_SAFE_NO_PAD.encode(signature)
        )))
    }

    pub(crate) fn with_signature(&self, signature: String) -> Prepared {
        let (operation, sender, receiver) = (self.text("op"), self.text("iss"), self.text("aud"));
        let id = self.text("jti").to_owned();
        Prepared {
            operation: operation.to_owned(),
            answers_to: self.content_id.clone().unwrap_or_else(|| id.clone()),
            id,
            digest: content_digest(operation, sender, receiver, &self.body),
            path: self.path,
            content_type: "application/json",
            signature: Some(signature),
            body: self.body.clone(),
        }
    }
}

/// A message id that was never used: the partner's name and a UUIDv7.
pub(crate) fn fresh_id(identity: &Identity) -> String {
    format!("{}-{}", identity.partner, uuid::Uuid::now_v7().simple())
}

/// Proves that `reply` is the gateway's signed answer to `sent`, and gives its body as JSON.
pub(crate) fn proven_answer(
    identity: &Identity,
    sent: &Prepared,
    reply: &Reply,
) -> Result<Value, Trouble> {
    let signature = reply
        .header("x-jws-signature")
        .ok_or_else(|| Trouble::answer("no-signature"))?;
    let header = parse(signature)
        .and_then(|unproven| {
            unproven.verify(
                &identity.gateway_key,
                identity.gateway_algorithm,
                &reply.body,
            )
        })
        .map_err(|error| Trouble::answer(error.reason()))?
        .into_header();
    // an old answer may be the stored one, for it is bound to id and content; one from the future is not
    let ahead = header.iat - clock::now().as_second();
    let digest = hex::encode(sent.digest);
    for (holds, what) in [
        (header.dir == Direction::Answer, "direction"),
        (header.kid == identity.gateway_kid, "kid"),
        (header.iss == identity.receiver.as_str(), "sender"),
        (header.aud == identity.partner.as_str(), "receiver"),
        (header.env == identity.environment, "environment"),
        (header.op == sent.operation, "operation"),
        (
            header.irt.as_deref() == Some(sent.answers_to.as_str()),
            "message-id-binding",
        ),
        (
            header.dig.as_deref() == Some(digest.as_str()),
            "digest-binding",
        ),
        (ahead <= SKEW_SECONDS_MAX, "time"),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    serde_json::from_slice(&reply.body).map_err(|_| Trouble::answer("the body is not JSON"))
}

#[cfg(test)]
mod tests {
    use certs::jws;

    use super::*;
    use crate::identity::tests::write_agency;

    fn agency() -> (tempfile::TempDir, Identity) {
        let folder = tempfile::tempdir().unwrap();
        write_agency(folder.path(), "dvclt");
        let identity = Identity::load(folder.path()).unwrap();
        (folder, identity)
    }

    /// The test's gateway signs with the agency's own key, which stands in gateway-sign.pem.
    fn answer(identity: &Identity, sent: &Prepared, bend: impl Fn(&mut jws::Header)) -> Reply {
        let mut header = jws::Header {
            alg: identity.sign.algorithm(),
            kid: "vss-1".into(),
            iss: "vss".into(),
            aud: "dvclt".into(),
            jti: "answer-0001".into(),
            iat: clock::now().as_second(),
            env: "sandbox".into(),
            dir: Direction::Answer,
            op: sent.operation.clone(),
            irt: Some(sent.answers_to.clone()),
            dig: Some(hex::encode(sent.digest)),
        };
        bend(&mut header);
        let body = b"{\"status\":1}";
        let signature = jws::sign(&header, &identity.sign, body).unwrap();
        let mut headers = http::HeaderMap::new();
        headers.insert("x-jws-signature", signature.parse().unwrap());
        Reply {
            status: 200,
            headers,
            body: body.to_vec().into(),
        }
    }

    #[test]
    fn what_is_signed_here_verifies_under_the_strict_reader() {
        let (_folder, identity) = agency();
        let sent = Draft::new(
            &identity,
            "civil.result",
            "/civil/v1/LayKetQua",
            b"{}".to_vec(),
        )
        .sign(&identity.sign)
        .unwrap();
        let proof = parse(sent.signature.as_deref().unwrap())
            .unwrap()
            .verify(&identity.gateway_key, identity.sign.algorithm(), b"{}")
            .unwrap();
        assert_eq!(proof.header().jti, sent.id);
        assert_eq!(proof.header().dir, Direction::Request);
    }

    #[test]
    fn an_answer_that_is_bound_to_something_else_is_refused_by_name() {
        let (_folder, identity) = agency();
        let sent = Draft::new(
            &identity,
            "civil.result",
            "/civil/v1/LayKetQua",
            b"{}".to_vec(),
        )
        .sign(&identity.sign)
        .unwrap();
        assert!(proven_answer(&identity, &sent, &answer(&identity, &sent, |_| {})).is_ok());
        type Bend = fn(&mut jws::Header);
        let cases: [(Bend, &str); 7] = [
            (
                |header| header.irt = Some("another-id".into()),
                "message-id-binding",
            ),
            (|header| header.dig = Some("0".repeat(64)), "digest-binding"),
            (|header| header.env = "test".into(), "environment"),
            (|header| header.aud = "tax".into(), "receiver"),
            (|header| header.iss = "tax".into(), "sender"),
            (|header| header.op = "civil.birth".into(), "operation"),
            (|header| header.iat += 310, "time"),
        ];
        for (bend, why) in cases {
            let refused = proven_answer(&identity, &sent, &answer(&identity, &sent, bend));
            assert!(
                matches!(&refused, Err(Trouble::Answer(word)) if word == why),
                "{why} {refused:?}"
            );
        }
    }

    #[test]
    fn an_answer_without_signature_or_with_another_body_is_refused() {
        let (_folder, identity) = agency();
        let sent = Draft::new(
            &identity,
            "civil.result",
            "/civil/v1/LayKetQua",
            b"{}".to_vec(),
        )
        .sign(&identity.sign)
        .unwrap();
        let mut bare = answer(&identity, &sent, |_| {});
        bare.headers.clear();
        assert!(proven_answer(&identity, &sent, &bare).is_err());
        let mut other = answer(&identity, &sent, |_| {});
        other.body = "{\"status\":0}".into();
        assert!(proven_answer(&identity, &sent, &other).is_err());
    }
}
