//! The words of a subscription: what we ask an OpenCRVS, and the challenge that it asks us before it believes that we did.

use schemas::{
    fault::Fault,
    wire::opencrvs::{self as wire, Challenged, Login, Subscribe, Topic, Wish},
};

use crate::decode::invalid;

/// Longest challenge, characters: OpenCRVS's has 24.
const CHALLENGE_CHARS_MAX: usize = 128;

/// A challenge as it was asked: `?mode=subscribe&challenge=…&topic=…`, each once and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What is said to have been subscribed to.
    pub topic: Topic,
    text: String,
}

impl Challenge {
    /// Reads a query. The names may have `hub.` before them, as WebSub (W3C, §5.3) has it.
    ///
    /// # Errors
    /// `Invalid`, with the parameter's name.
    pub fn read(query: &str) -> Result<Self, Fault> {
        let (mut mode, mut challenge, mut topic) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let into = match name.strip_prefix("hub.").unwrap_or(&name) {
                "mode" => &mut mode,
                "challenge" => &mut challenge,
                "topic" => &mut topic,
                _ => return Err(invalid("parameter-unknown", "query")),
            };
            if into.replace(value.into_owned()).is_some() {
                return Err(invalid("parameter-twice", "query"));
            }
        }
        let missing = |field| move || invalid("missing-field", field);
        if mode.ok_or_else(missing("mode"))? != "subscribe" {
            return Err(invalid("unknown-code", "mode"));
        }
        let topic = topic.ok_or_else(missing("topic"))?;
        let topic = Topic::parse(&topic).ok_or_else(|| invalid("event-not-for-us", "topic"))?;
        let text = challenge.ok_or_else(missing("challenge"))?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        match is_plain && (1..=CHALLENGE_CHARS_MAX).contains(&text.len()) {
            true => Ok(Self { topic, text }),
            false => Err(invalid("bad-code", "challenge")),
        }
    }

    /// What is answered by whoever did subscribe.
    #[must_use]
    pub fn answer(self) -> Vec<u8> {
        wire::encode(&Challenged {
            challenge: self.text,
        })
    }
}

/// What a token is asked for with.
#[must_use]
pub fn login(client: &str, secret: &str) -> Vec<u8> {
    wire::encode(&Login {
        client_id: client.to_owned(),
        client_secret: secret.to_owned(),
    })
}

/// The token in the answer to it; none where there is no such, or none that a header can carry.
#[must_use]
pub fn token(answer: &[u8]) -> Option<String> {
    let read: wire::LoggedIn = wire::decode(answer).ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let fits = (1..=TOKEN_CHARS_MAX).contains(&read.token.len());
    (fits && read.token.bytes().all(plain)).then_some(read.token)
}

/// A wish to be told of a topic at our address.
#[must_use]
pub fn wish(topic: Topic, callback: &str, secret: &str) -> Vec<u8> {
    wire::encode(&Subscribe {
        hub: Wish {
            callback: callback.to_owned(),
            mode: "subscribe".to_owned(),
            topic: topic.as_str().to_owned(),
            secret: secret.to_owned(),
        },
    })
}

/// The topics that do not stand yet at our address; none where the list cannot be read.
#[must_use]
pub fn missing(list: &[u8], callback: &str) -> Option<Vec<Topic>> {
    let read: wire::Subscriptions = wire::decode(list).ok()?;
    let stands = |topic: &Topic| {
        read.entries.iter().any(|one| {
            one.callback.as_deref() == Some(callback)
                && one.topic.as_deref() == Some(topic.as_str())
        })
    };
    let topics = Topic::ALL.into_iter();
    Some(topics.filter(|topic| !stands(topic)).collect())
}

const TOKEN_CHARS_MAX: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<String, (&'static str, &'static str)> {
        let challenge = Challenge::read(query)
            .map_err(|fault| (fault.reason(), fault.wrong_field().unwrap_or_default()))?;
        Ok(String::from_utf8(challenge.answer()).unwrap())
    }

    #[test]
    fn a_challenge_is_answered_as_it_was_asked() {
        let said = r#"{"challenge":"a+b/c=="}"#;
        let asked = "mode=subscribe&challenge=a%2Bb%2Fc%3D%3D&topic=BIRTH_REGISTERED";
        assert_eq!(read(asked).unwrap(), said);
        let websub = "hub.topic=BIRTH_REGISTERED&hub.mode=subscribe&hub.challenge=a%2Bb%2Fc%3D%3D";
        assert_eq!(read(websub).unwrap(), said);
    }

    #[test]
    fn whatever_else_is_asked_is_refused() {
        let long = "a".repeat(CHALLENGE_CHARS_MAX + 1);
        for (query, reason, field) in [
            ("", "missing-field", "mode"),
            (
                "mode=unsubscribe&challenge=a&topic=BIRTH_REGISTERED",
                "unknown-code",
                "mode",
            ),
            ("mode=subscribe&challenge=a", "missing-field", "topic"),
            (
                "mode=subscribe&topic=BIRTH_REGISTERED",
                "missing-field",
                "challenge",
            ),
            (
                "mode=subscribe&challenge=a&topic=BIRTH_CERTIFIED",
                "event-not-for-us",
                "topic",
            ),
            (
                "mode=subscribe&challenge=&topic=BIRTH_REGISTERED",
                "bad-code",
                "challenge",
            ),
            (
                "mode=subscribe&challenge=%3Cb%3E%20&topic=BIRTH_REGISTERED",
                "bad-code",
                "challenge",
            ),
            (
                "mode=subscribe&mode=subscribe&challenge=a&topic=BIRTH_REGISTERED",
                "parameter-twice",
                "query",
            ),
            (
                "mode=subscribe&hub.mode=subscribe&challenge=a&topic=BIRTH_REGISTERED",
                "parameter-twice",
                "query",
            ),
            (
                "mode=subscribe&challenge=a&topic=BIRTH_REGISTERED&x=1",
                "parameter-unknown",
                "query",
            ),
            (
                &format!("mode=subscribe&challenge={long}&topic=BIRTH_REGISTERED"),
                "bad-code",
                "challenge",
            ),
        ] {
            assert_eq!(read(query), Err((reason, field)), "{query}");
        }
    }

    #[test]
    fn what_stands_elsewhere_does_not_stand_here() {
        let at = "https://vss.example/opencrvs/webhook";
        let list = |callback: &str| {
            format!(
                r#"{{"entries":[{{"id":"1","callback":"{callback}","createdAt":"x","createdBy":{{}},"topic":"BIRTH_REGISTERED"}}]}}"#
            )
        };
        assert_eq!(
            missing(list(at).as_bytes(), at),
            Some(vec![Topic::DeathRegistered])
        );
        assert_eq!(
            missing(list("https://x").as_bytes(), at),
            Some(Topic::ALL.to_vec())
        );
        assert_eq!(missing(br#"{"entries":[]}"#, at), Some(Topic::ALL.to_vec()));
        assert_eq!(missing(b"Active system details cannot be found", at), None);
    }

    #[test]
    fn a_token_is_one_that_a_header_can_carry() {
        assert_eq!(token(br#"{"token":"a.b-c"}"#).as_deref(), Some("a.b-c"));
        for other in [&br#"{"token":""}"#[..], br#"{"token":"a\nb"}"#, b"{}", b""] {
            assert_eq!(token(other), None);
        }
    }
}
