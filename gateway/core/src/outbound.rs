//! The way out: a parcel becomes bytes in the partner's words, is recorded, sent and receipted.
//!
//! Due -> Leased -> Permitted -> Encoded -> Recorded -> Sent -> Receipted -> Done. The courier owns
//! encoding and sending; the delivery worker owns leases, permits, the record and the retries.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::ports::{Delivery, Leased};

/// Bytes for one call of the partner, and the parcels that they carry.
#[derive(Debug, Clone)]
pub struct Shipment {
    /// The parcels inside, in order.
    pub parcels: Vec<String>,
    /// The operation that agreements know, such as `portal.sync-dossier`.
    pub operation: &'static str,
    /// What kind of call it is, in the courier's own words.
    pub service: &'static str,
    /// The exact body, without credentials.
    pub body: Bytes,
}

/// One partner's way out: pure encoding, then sending.
pub trait Courier: Send + Sync + 'static {
    /// Largest number of parcels worth leasing at once.
    fn batch_max(&self) -> usize;

    /// Turns leased parcels into shipments, in order. A parcel that cannot be said is returned with
    /// the reason and needs a person.
    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>);

    /// Sends one shipment whose bytes are already recorded.
    fn send<'a>(&'a self, shipment: &'a Shipment) -> BoxFuture<'a, Delivery>;
}
