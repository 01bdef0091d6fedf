//! Our subscriptions at an OpenCRVS 1.x: looked after from the start on, made where there is none, and the challenge that its
//! server asks while we do.
//!
//! What stands is the registry's to know, so nothing of it is kept here: at each look it is asked, and what is missing is
//! wished. A wish is pending for as long as its call is under way, which is when OpenCRVS asks its challenge; at any other time
//! nobody has subscribed, whoever asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use certs::keys::SecretPlace;
use http::{HeaderMap, HeaderValue, header};
use opencrvs::subscribe::{self, Challenge};
use roads::fetch::{Fetched, Fetcher};
use schemas::{id::PartnerId, wire::opencrvs::Topic};
use tokio::sync::watch;

/// The subscriptions whose call is under way.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pending(Arc<Mutex<BTreeMap<(PartnerId, Topic), usize>>>);

/// One of them; over when it is dropped.
struct Under<'a>(&'a Pending, (PartnerId, Topic));

impl Pending {
    fn begin(&self, partner: &PartnerId, topic: Topic) -> Under<'_> {
        let key = (partner.clone(), topic);
        *self.lock().entry(key.clone()).or_default() += 1;
        Under(self, key)
    }

    /// What is answered to this partner's challenge; nothing where it is none, or of nothing that we wished.
    pub(crate) fn answer(&self, partner: &PartnerId, query: &str) -> Option<Bytes> {
        let challenge = Challenge::read(query).ok()?;
        let is_ours = self
            .lock()
            .contains_key(&(partner.clone(), challenge.topic));
        is_ours.then(|| Bytes::from(challenge.answer()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(PartnerId, Topic), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        let mut pending = self.0.lock();
        if let Some(count) = pending.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                pending.remove(&self.1);
            }
        }
    }
}

/// Looks after the subscriptions at one registry.
pub(crate) struct Subscriber {
    /// The registry.
    pub(crate) partner: PartnerId,
    /// Where tokens are given.
    pub(crate) login: Fetcher,
    /// Where subscriptions are listed and made.
    pub(crate) webhooks: Fetcher,
    /// Our address, as it is called from there.
    pub(crate) callback: String,
    /// Our system's id there.
    pub(crate) client: String,
    /// Its secret.
    pub(crate) client_secret: SecretPlace,
    /// The secret that webhooks are proven by.
    pub(crate) secret: SecretPlace,
    /// How often it is looked.
    pub(crate) every: Duration,
    /// Those under way.
    pub(crate) pending: Pending,
}

impl Subscriber {
    /// Looks until `stop` turns true.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let wait = match self.look().await {
                Ok(0) => self.every,
                Ok(made) => {
                    tracing::info!(partner = %self.partner, made, "subscribed to webhooks");
                    self.every
                }
                Err(reason) => {
                    tracing::warn!(partner = %self.partner, reason, "webhooks are not subscribed to; tried again");
                    self.every.min(AGAIN)
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One look: a token, what stands, and a wish for each topic that does not. Gives how many were made.
    async fn look(&self) -> Result<usize, &'static str> {
        let bearer = self.bearer().await?;
        let list = self.webhooks.get(with(&bearer)).await;
        let list = taken(list, "webhooks-list")?;
        let missing =
            subscribe::missing(&list.body, &self.callback).ok_or("webhooks-list-unread")?;
        let secret = self.secret.read().map_err(|_| "webhooks-secret")?;
        for &topic in &missing {
            let wish = Bytes::from(subscribe::wish(topic, &self.callback, &secret));
            let pending = self.pending.begin(&self.partner, topic);
            let answer = self.webhooks.post(with(&bearer), wish).await;
            drop(pending);
            taken(answer, "webhooks-wish")?;
        }
        Ok(missing.len())
    }

    async fn bearer(&self) -> Result<HeaderValue, &'static str> {
        let secret = self
            .client_secret
            .read()
            .map_err(|_| "webhooks-client-secret")?;
        let login = Bytes::from(subscribe::login(&self.client, &secret));
        let answer = self.login.post_as("application/json", login).await;
        let answer = taken(answer, "webhooks-login")?;
        let token = subscribe::token(&answer.body).ok_or("webhooks-token-unread")?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| "webhooks-token-unread")?;
        bearer.set_sensitive(true);
        Ok(bearer)
    }
}

fn with(bearer: &HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([
        (header::AUTHORIZATION, bearer.clone()),
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
    ])
}

fn taken(
    answer: Result<Fetched, roads::fetch::Error>,
    refused: &'static str,
) -> Result<Fetched, &'static str> {
    match answer {
        Ok(answer) if answer.status.is_success() => Ok(answer),
        Ok(_) => Err(refused),
        Err(error) => Err(error.reason()),
    }
}

/// How long it waits after a look that failed, at most.
const AGAIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_answered_while_its_own_wish_is_under_way_and_never_else() {
        let pending = Pending::default();
        let (crvs, tax) = (partner("crvs"), partner("tax"));
        let asked = "mode=subscribe&challenge=abc&topic=BIRTH_REGISTERED";
        assert_eq!(pending.answer(&crvs, asked), None);
        let under = pending.begin(&crvs, Topic::BirthRegistered);
        let twice = pending.begin(&crvs, Topic::BirthRegistered);
        let said = pending.answer(&crvs, asked).unwrap();
        assert_eq!(said, r#"{"challenge":"abc"}"#);
        assert_eq!(pending.answer(&tax, asked), None);
        let death = asked.replace("BIRTH", "DEATH");
        assert_eq!(pending.answer(&crvs, &death), None);
        assert_eq!(
            pending.answer(&crvs, &asked.replace("=sub", "=unsub")),
            None
        );
        drop(under);
        assert!(pending.answer(&crvs, asked).is_some());
        drop(twice);
        assert_eq!(pending.answer(&crvs, asked), None);
    }

    fn partner(id: &str) -> PartnerId {
        PartnerId::parse(id).unwrap()
    }
}
