//! A folder, a clock that tests turn, and messages of synthetic partners.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::head::Evidence;
use gateway_core::ports::{Clock, Entry, MessageLog as _, Parcel, StoredAnswer};
use gateway_core::seal::{Vault, sha256};
use gateway_store::{Engine, Store, StoreParams};
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Stands still until it is turned.
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<TestClock>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let start = AtomicI64::new(1_795_000_000_000_000);
        let folder = tempfile::tempdir().unwrap();
        Self {
            engine: crate::engine::make(folder.path()),
            folder,
            clock: Arc::new(TestClock(start)),
        }
    }

    /// The first column of all rows that this gives, read beside the store.
    pub(crate) fn ask(&self, sql: &str) -> Vec<String> {
        crate::engine::ask(&self.engine, sql)
    }

    /// Changes something beside the store, as nobody should.
    pub(crate) fn edit(&self, sql: &str) {
        crate::engine::edit(&self.engine, sql);
    }

    /// Every row of a table as one text, bytes in hexadecimal.
    pub(crate) fn columns(&self, table: &str) -> Vec<String> {
        crate::engine::rows(&self.engine, table)
    }

    /// The database file, where it is one.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("store.sqlite")
    }

    pub(crate) fn params(&self) -> StoreParams {
        let mut params = StoreParams::on(self.engine.clone(), vault(), self.clock.clone());
        params.lease = LEASE;
        params.headroom_bytes = 0;
        params
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(self.params()).unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A message of the tax partner.
    pub(crate) fn entry(&self, id: &str, body: &str) -> Entry {
        Entry {
            evidence: Evidence::fresh(),
            sender: partner("tax"),
            id: MessageId::parse(id).unwrap(),
            operation: "tax.verify-employer",
            digest: sha256(body.as_bytes()),
            received_at: self.now(),
            sent_at: self.now() - Duration::from_secs(1),
            fresh: true,
            peer: partner("ngsp"),
            peer_certificate: [7; 32],
            road: "direct",
            path: "/tax/v1/messages".into(),
            proof: "xml-dsig",
            rule: "QC-01/tax.verify-employer".into(),
            purpose: "inspection".into(),
            fields: "participants,arrears".into(),
            content_type: "application/xml".into(),
            signature: Some("eyJ..c2ln".into()),
            attested: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }
}

pub(crate) fn vault() -> Arc<Vault> {
    Arc::new(Vault::from_bytes([3; 32]))
}

pub(crate) fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

/// An answer with every field set and bytes that no text type would keep.
pub(crate) fn answer(evidence: Evidence) -> StoredAnswer {
    StoredAnswer {
        evidence,
        status: 422,
        content_type: "application/problem+json".into(),
        signature: Some("eyJhbGciOiJFUzI1NiJ9..c2ln".into()),
        fault: Some("INVALID".into()),
        body: Bytes::from(vec![0, 255, 13, 10, 0, 128, evidence.as_bytes()[15]]),
    }
}

pub(crate) fn parcel(id: &str, subject: &str, sequence: u64) -> Parcel {
    Parcel {
        id: id.into(),
        partner: partner("portal"),
        subject: subject.into(),
        sequence,
        kind: "portal.dossier",
        class: gateway_core::ports::Class::Normal,
        due: None,
        content: Bytes::from(format!("content of {id}")),
    }
}

/// Claims and answers one message; gives what was answered.
pub(crate) async fn finish(scene: &Scene, store: &Store, id: &str) -> StoredAnswer {
    let entry = scene.entry(id, id);
    let stored = answer(entry.evidence);
    store.claim(entry).await.unwrap();
    store
        .commit(stored.evidence, stored.clone(), Vec::new(), Vec::new())
        .await
        .unwrap();
    stored
}
