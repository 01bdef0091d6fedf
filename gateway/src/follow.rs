//! Keeps up what we subscribe to at a registry that speaks DCI: asks, renews, ends.
//!
//! What is to be asked stands in a note first; the parcel that asks has the note's name and is put in afterwards, as often as it is
//! looked for and not there. So any number of replicas may look, before and after a restart: each exchange is begun once.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use dci::follow::{self, Followed, Open, Promise};
use gateway_core::{
    Evidence,
    dci::{DciTerms, Follow},
    partner::Partners,
    ports::{Clock, Note, Notes, Outbox, Receipts, StoreError},
};
use schemas::{id::PartnerId, wire::dci::VitalEvent};
use tokio::sync::watch;

/// The worker of one registry.
pub(crate) struct Follower {
    /// The registry.
    pub(crate) partner: PartnerId,
    /// What is to be followed there, as it is registered when it is looked for.
    pub(crate) partners: Arc<ArcSwap<Partners>>,
    /// What was asked and answered.
    pub(crate) notes: Arc<dyn Notes>,
    /// Where questions go.
    pub(crate) outbox: Arc<dyn Outbox>,
    /// Where acknowledgements are.
    pub(crate) receipts: Arc<dyn Receipts>,
    /// Now.
    pub(crate) clock: Arc<dyn Clock>,
    /// How often it looks.
    pub(crate) idle: Duration,
}

impl Follower {
    /// Looks after it until `stop` turns true.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.round().await {
                let partner = self.partner.as_str();
                tracing::warn!(partner, %error, "subscriptions wait for the store");
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(self.idle) => {}
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let partners = self.partners.load_full();
        let registered = partners.get(&self.partner).filter(|one| one.active);
        let Some(terms) = registered.and_then(|one| one.dci.clone()) else {
            return Ok(());
        };
        let notes = self.notes.notes(&self.partner).await?;
        for event in follow::EVENTS {
            let name = follow::note(event);
            let seen = notes.iter().find(|note| note.name == name);
            self.tend(&terms, event, seen).await?;
        }
        Ok(())
    }

    async fn tend(
        &self,
        terms: &DciTerms,
        event: VitalEvent,
        seen: Option<&Note>,
    ) -> Result<(), StoreError> {
        let followed = match seen {
            None => Followed::default(),
            Some(note) => match Followed::read(&note.content) {
                Some(followed) => followed,
                // a newer build keeps it
                None => return Ok(()),
            },
        };
        if let Some(open) = &followed.open
            && let Some(code) = self.asked(terms, event, open).await?
        {
            let next = followed.given_up(&code, self.now());
            return self.write(event, seen, &next).await.map(drop);
        }
        let wanted = terms
            .follow
            .is_some_and(|follow| follow::wants(&follow, event));
        let patience = terms.follow.unwrap_or(PATIENCE);
        let unique = || follow::transaction(event, &Evidence::fresh().to_string());
        let Some(next) = followed.next((wanted, &patience), self.now(), unique) else {
            return Ok(());
        };
        if self.write(event, seen, &next).await?
            && let Some(open) = &next.open
        {
            self.asked(terms, event, open).await?;
        }
        Ok(())
    }

    /// Sees to it that a question is on its way; why no callback will come, where its acknowledgement says so.
    async fn asked(
        &self,
        terms: &DciTerms,
        event: VitalEvent,
        open: &Open,
    ) -> Result<Option<String>, StoreError> {
        let id = follow::parcel_id(&self.partner, &open.transaction);
        let Some(heard) = self.receipts.heard(&id).await? else {
            let parcel = follow::parcel(&self.partner, terms, event, open);
            self.outbox.put(vec![parcel]).await?;
            return Ok(None);
        };
        let receipt = heard.receipt.map(|receipt| follow::promised(&receipt));
        Ok(match receipt {
            Some(Promise::Nothing(code)) => Some(code),
            _ => None,
        })
    }

    async fn write(
        &self,
        event: VitalEvent,
        seen: Option<&Note>,
        next: &Followed,
    ) -> Result<bool, StoreError> {
        let note = Note {
            name: follow::note(event),
            version: seen.map_or(0, |note| note.version),
            content: next.write(),
        };
        let is_ours = self.notes.write(&self.partner, note).await?;
        if is_ours {
            let (partner, event, word) = (self.partner.as_str(), event.as_str(), next.word());
            let code = next.refused.as_ref().map(|refused| &*refused.code);
            tracing::info!(partner, event, word, code, "a subscription of ours");
        }
        Ok(is_ours)
    }

    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }
}

/// For what is to end though the file says nothing of it any more.
const PATIENCE: Follow = Follow {
    births: false,
    deaths: false,
    length_seconds: 0,
    renew_seconds: 0,
    answer_seconds: 86_400,
    again_seconds: 3_600,
};
