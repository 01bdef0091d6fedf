//! What a courier that signs needs of this gateway: who its partner is, and our signature.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    partner::{Environment, Partner, Partners},
    ports::Clock,
    sign::{Letter, SignError, Signer},
};
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};
use tax::taxpayer::House;
use tokio::time::Instant;

/// This gateway, as one partner's courier sees it.
pub(super) struct AskingHouse {
    pub(super) partner: PartnerId,
    pub(super) partners: Arc<ArcSwap<Partners>>,
    pub(super) signer: Arc<ArcSwap<Signer>>,
    pub(super) clock: Arc<dyn Clock>,
    /// How long a signature may take.
    pub(super) patience: Duration,
}

impl House for AskingHouse {
    fn us(&self) -> PartnerId {
        self.partners.load().us().clone()
    }

    fn environment(&self) -> Environment {
        self.partners.load().environment()
    }

    fn partner(&self) -> Option<Arc<Partner>> {
        let partners = self.partners.load();
        partners
            .get(&self.partner)
            .filter(|one| one.active)
            .cloned()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sign(
        &self,
        canonical: Bytes,
        root_id: String,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Bytes, SignError>> {
        let signer = self.signer.load_full();
        let until = Instant::now() + self.patience;
        Box::pin(async move { signer.seal_xml(canonical, root_id, at, until).await })
    }

    fn seal(&self, letter: Letter, body: Bytes) -> BoxFuture<'_, Result<String, SignError>> {
        let signer = self.signer.load_full();
        let until = Instant::now() + self.patience;
        Box::pin(async move { signer.seal_json(letter, body, until).await })
    }
}

impl civil::outbound::Pen for AskingHouse {
    fn seal(&self, id: MessageId, body: Bytes) -> BoxFuture<'_, Result<String, SignError>> {
        let letter = Letter {
            receiver: self.partner.clone(),
            id,
            at: self.clock.now(),
            operation: civil::outbound::STATUS.name,
        };
        House::seal(self, letter, body)
    }
}

impl dci::outbound::Pen for AskingHouse {
    fn partner(&self) -> Option<Arc<Partner>> {
        House::partner(self)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn seal(&self, header: Vec<u8>, message: Vec<u8>) -> BoxFuture<'_, Result<Bytes, SignError>> {
        let signer = self.signer.load_full();
        let until = Instant::now() + self.patience;
        Box::pin(async move { signer.seal_dci(header, message, until).await })
    }
}

impl civil::population::House for AskingHouse {
    fn us(&self) -> PartnerId {
        House::us(self)
    }

    fn environment(&self) -> Environment {
        House::environment(self)
    }

    fn partner(&self) -> Option<Arc<Partner>> {
        House::partner(self)
    }

    fn now(&self) -> Timestamp {
        House::now(self)
    }

    fn seal(&self, id: MessageId, body: Bytes) -> BoxFuture<'_, Result<String, SignError>> {
        let letter = Letter {
            receiver: self.partner.clone(),
            id,
            at: self.clock.now(),
            operation: civil::population::VERIFY.name,
        };
        House::seal(self, letter, body)
    }
}
