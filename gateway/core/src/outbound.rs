//! The way out: a parcel becomes bytes in the partner's words, is recorded, sent and receipted.
//!
//! Leased -> [`Shipment`] (encoded) -> [`Allowed`] (an agreement in force permits it) ->
//! [`Sendable`] (its exact bytes are in the journal) -> sent and receipted ([`Delivery`]). The courier
//! owns encoding and sending; the delivery worker owns leases and retries. Other words for the same
//! parcels ([`Delivery::Instead`]) are a shipment of their own and begin at the first step again. What
//! is not recorded cannot be sent:
//! ```compile_fail
//! fn hurry(shipment: gateway_core::outbound::Shipment) -> gateway_core::outbound::Sendable {
//!     gateway_core::outbound::Sendable { shipment }
//! }
//! ```

mod reply;

use std::{borrow::Cow, collections::BTreeSet};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::{Timestamp, civil::Date};
use schemas::codes::province_set::ProvinceSet;

use crate::{
    adapter::{Operation, Road},
    partner::Partner,
    policy::{self, Denied, Question},
    ports::{Access, Delivery, Hold, Leased, Outbox, Person, PersonNumber, StoreError, Whom},
};

pub use reply::{Reply, content_digest, prove_json, prove_xml};

/// Bytes for one call of the partner, and the parcels that they carry.
#[derive(Debug, Clone)]
pub struct Shipment {
    /// The parcels inside, in order.
    pub parcels: Vec<String>,
    /// The operation that agreements know, such as `portal.sync-dossier`.
    pub operation: &'static Operation,
    /// The fields that it asks for, in the words of agreements; empty where it asks for none.
    pub fields: BTreeSet<&'static str>,
    /// How many subjects it asks about; 1 where the operation has no lines.
    pub lines: u64,
    /// The provinces that it tells of, where what it tells is bound to provinces.
    pub provinces: Option<ProvinceSet>,
    /// Until when whoever asked waits for what comes back, where somebody does.
    pub due: Option<Timestamp>,
    /// The purpose that agreements know.
    pub purpose: Cow<'static, str>,
    /// By which road it goes.
    pub road: Road,
    /// What kind of call it is, in the courier's own words.
    pub service: &'static str,
    /// The persons whom it names, with the fields that it tells of them, for the access ledger.
    pub persons: Vec<Person>,
    /// The exact body, without credentials.
    pub body: Bytes,
}

impl Shipment {
    /// The same parcels in other words.
    #[must_use]
    pub fn reworded(&self, body: Bytes) -> Self {
        Self {
            body,
            ..self.clone()
        }
    }

    /// Agreements bind outwards too: nothing leaves that none in force allows.
    ///
    /// # Errors
    /// Why policy says no.
    pub fn permit(self, partner: &Partner, on: Date) -> Result<Allowed, Denied> {
        let permit = policy::decide(&Question {
            partner,
            road: self.road,
            proof: self.operation.proof,
            operation: self.operation,
            purpose: &self.purpose,
            asked: &self.fields,
            lines: self.lines,
            provinces: self.provinces,
            on,
        })?;
        // what is asked for is all agreed, or nothing is asked
        match permit.withheld().is_empty() {
            true => Ok(Allowed {
                rule: permit.rule().to_owned(),
                shipment: self,
            }),
            false => Err(Denied::Field),
        }
    }
}

/// Persons of whom one shipment tells the same, too many to stand in it: those of a chunk of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// Their numbers, as far as the bytes give them.
    pub numbers: Vec<PersonNumber>,
    /// Names of the fields that are told of each.
    pub told: Vec<&'static str>,
}

/// A shipment that an agreement in force allows.
#[derive(Debug)]
pub struct Allowed {
    /// Agreement number and operation.
    rule: String,
    shipment: Shipment,
}

impl Allowed {
    /// What is to be sent.
    #[must_use]
    pub fn shipment(&self) -> &Shipment {
        &self.shipment
    }

    /// Commits the exact bytes to the journal, and who is told of whom to the access ledger, the crowd as well; only then
    /// can they be sent. None where one of the
    /// parcels is no longer held or an operator has stopped the lane: nothing may be sent.
    ///
    /// # Errors
    /// The store could not write; nothing may be sent.
    pub async fn record(
        self,
        outbox: &dyn Outbox,
        partner: &Partner,
        holds: Vec<Hold>,
        crowd: Option<Crowd>,
    ) -> Result<Option<Sendable>, StoreError> {
        let told = self.told(partner, crowd);
        let recorded = outbox
            .sending(&partner.id, holds, self.shipment.body.clone(), told)
            .await?;
        Ok(recorded.then_some(Sendable {
            shipment: self.shipment,
        }))
    }
}

impl Allowed {
    /// Rows of the access ledger: here the partner is who is told.
    fn told(&self, partner: &Partner, crowd: Option<Crowd>) -> Vec<Access> {
        let shipment = &self.shipment;
        let row = |numbers, whom, told: &[&'static str]| Access {
            numbers,
            whom,
            sender: partner.id.clone(),
            operation: shipment.operation.name,
            rule: self.rule.clone(),
            purpose: shipment.purpose.clone().into_owned(),
            fields: told.join(","),
        };
        let persons = shipment.persons.iter();
        let persons = persons.map(|person| row(person.numbers.clone(), Whom::One, &person.told));
        let crowd = crowd.map(|Crowd { numbers, told }| row(numbers, Whom::Many, &told));
        persons.chain(crowd).collect()
    }
}

/// A shipment whose exact bytes are in the journal.
#[derive(Debug)]
pub struct Sendable {
    shipment: Shipment,
}

impl Sendable {
    /// What is sent.
    #[must_use]
    pub fn shipment(&self) -> &Shipment {
        &self.shipment
    }
}

/// One partner's way out: pure encoding, then sending.
pub trait Courier: Send + Sync + 'static {
    /// Largest number of parcels worth leasing at once.
    fn batch_max(&self) -> usize;

    /// Turns leased parcels into shipments, in order. A parcel that cannot be said is returned with
    /// the reason and needs a person. One that was tried before travels alone, so that what becomes of
    /// it is its own doing; only then is it ever given up.
    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>);

    /// Signs what the partner takes only signed, just before it is permitted, recorded and sent. Words that were said
    /// before and are said again as they were do not come here.
    fn seal(&self, shipment: Shipment) -> BoxFuture<'_, Result<Shipment, Delivery>> {
        Box::pin(std::future::ready(Ok(shipment)))
    }

    /// Whom a shipment tells of beside its `persons`, where they are too many to stand there; asked just before it is
    /// recorded. Where they cannot be said it is not sent, and ends so.
    fn crowd<'a>(
        &'a self,
        _shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<Option<Crowd>, Delivery>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Whether a try that ended for this reason ended on our own side, before the partner was called: then it is no news of
    /// the partner, neither good nor bad.
    fn is_ours(&self, _reason: &'static str) -> bool {
        false
    }

    /// Whether a try that ended for this reason ended for its own parcels' sake: then only what stands behind them in their
    /// subjects waits, and everything else goes on, and it is no news of the partner. By default all waits as long as what did not
    /// get through.
    fn is_of_parcel(&self, _reason: &'static str) -> bool {
        false
    }

    /// Sends one shipment whose bytes are already recorded, and nothing else: where the partner asks
    /// for other words, they are given back as [`Delivery::Instead`].
    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery>;
}
