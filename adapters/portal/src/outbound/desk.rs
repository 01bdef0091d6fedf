//! The courier to one portal: packs parcels into calls, sends a call, judges the answer.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Road,
    outbound::{Courier, Sendable, Shipment},
    ports::{Delivery, Leased, Person, PersonNumber, Receipt},
};
use roads::vdxp::{self, Reply, Vdxp};
use schemas::{
    id::Pin,
    procedure::Catalog,
    proto::{
        Message as _,
        insurance::{Change, Dossier, DossierChange},
    },
    wire::portal::{self, PROGRESS_BATCH_MAX, Service},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{CITIZEN_NOTICE, LOOK_UP, PROGRESS, SYNC, citizens, pulls, service_of, words};
use crate::PURPOSE;

/// What the portal must be told about us.
#[derive(Debug, Clone)]
pub struct DeskConfig {
    /// Our unit at the portal (`madonvi`).
    pub unit: String,
    /// Code and name of the field of work (`MaLinhVuc`, `TenLinhVuc`), where one was given to us.
    pub domain: Option<(String, String)>,
    /// Code of the result paper (`MaGiayToKetQua`), where one was given to us.
    pub result_code: Option<String>,
    /// How long to wait after a call that failed on the way; the worker may wait longer.
    pub retry_after: Duration,
    /// How long to wait after the portal said no, to the account or to a record.
    pub retry_after_refusal: Duration,
    /// Records in one call at most; never more than [`PROGRESS_BATCH_MAX`].
    pub batch_max: usize,
    /// What the procedures are called, and who applies.
    pub procedures: &'static Catalog,
}

/// Carries one call, session added, and brings the answer back.
pub trait Exchange: Send + Sync + 'static {
    /// Sends a body that has no session yet.
    fn call<'a>(&'a self, body: &'a [u8]) -> BoxFuture<'a, Result<Reply, vdxp::Error>>;
}

impl Exchange for Vdxp {
    fn call<'a>(&'a self, body: &'a [u8]) -> BoxFuture<'a, Result<Reply, vdxp::Error>> {
        Box::pin(Vdxp::call(self, body))
    }
}

/// One portal's way out.
#[derive(Debug)]
pub struct Desk<E = Vdxp> {
    config: DeskConfig,
    road: E,
    pub(super) permanent: &'static [i64],
}

/// One call without its session: exactly what is recorded before it is sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(rename = "madonvi")]
    unit: String,
    service: String,
    #[serde(
        rename = "isUpdating",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    is_updating: Option<String>,
    data: Box<RawValue>,
}

impl<E: Exchange> Desk<E> {
    /// A desk that sends by `road`.
    #[must_use]
    pub fn new(config: DeskConfig, road: E) -> Self {
        Self {
            config,
            road,
            permanent: PERMANENT,
        }
    }

    /// Records in one call at most.
    fn call_max(&self) -> usize {
        self.config.batch_max.clamp(1, PROGRESS_BATCH_MAX)
    }

    fn item(&self, leased: &Leased) -> Result<Item, &'static str> {
        let service = service_of(&leased.kind).ok_or("unknown-kind")?;
        let change = || Change::decode(leased.content.clone()).map_err(|_| "unreadable-content");
        let (record, updating, persons) = match service {
            Service::SyncDossier => {
                let change = change()?;
                let step = super::told(&change)?;
                (
                    portal::encode(&words::record(&self.config, &change)?),
                    Some(step.step > 1),
                    step.dossier
                        .as_ref()
                        .and_then(applicant)
                        .into_iter()
                        .collect(),
                )
            }
            Service::UpdateProgress => {
                let change = change()?;
                let progress = portal::encode(&words::progress(&change)?);
                (progress, None, supported(super::told(&change)?))
            }
            Service::LookUp => (pulls::question(&leased.content)?, None, Vec::new()),
            Service::NotifyCitizen => {
                let (notice, person) = citizens::opened(leased)?;
                (portal::encode(&notice), None, vec![person])
            }
        };
        Ok(Item {
            parcel: leased.id.clone(),
            subject: leased.subject.clone(),
            service,
            record,
            updating,
            persons,
        })
    }

    fn shipment(&self, load: Load) -> Result<Shipment, &'static str> {
        let records = load
            .items
            .iter()
            .map(|item| item.record.as_slice())
            .collect::<Vec<_>>()
            .join(&b","[..]);
        let data = String::from_utf8([b"[", records.as_slice(), b"]"].concat())
            .map_err(|_| "unwritable")?;
        let call = Call {
            unit: self.config.unit.clone(),
            service: load.service.as_str().to_owned(),
            is_updating: load.updating.map(|updating| flag(updating).to_owned()),
            data: RawValue::from_string(data).map_err(|_| "unwritable")?,
        };
        Ok(Shipment {
            operation: match load.service {
                Service::SyncDossier => &SYNC,
                Service::UpdateProgress => &PROGRESS,
                Service::LookUp => &LOOK_UP,
                Service::NotifyCitizen => &CITIZEN_NOTICE,
            },
            fields: match load.service {
                // each by the agreement
                Service::NotifyCitizen => {
                    let told = load.items.iter().flat_map(|item| &item.persons);
                    told.flat_map(|person| person.told.iter().copied())
                        .collect()
                }
                _ => BTreeSet::new(),
            },
            lines: 1,
            provinces: None,
            due: None,
            purpose: PURPOSE.into(),
            road: Road::Vdxp,
            service: load.service.as_str(),
            persons: load
                .items
                .iter()
                .flat_map(|item| item.persons.clone())
                .collect(),
            body: body(&call)?,
            parcels: load.items.into_iter().map(|item| item.parcel).collect(),
        })
    }

    pub(super) async fn deliver(&self, shipment: &Shipment) -> Delivery {
        match self.road.call(&shipment.body).await {
            Ok(reply) => self.judge(shipment, &reply),
            Err(error) => self.failed(&error),
        }
    }

    fn judge(&self, shipment: &Shipment, reply: &Reply) -> Delivery {
        let answer = &reply.answer;
        if shipment.service == Service::LookUp.as_str() {
            return self.judge_look_up(reply);
        }
        if answer.says_exists()
            && let Some(body) = updating(&shipment.body)
        {
            return Delivery::Instead {
                body,
                reason: "exists-already",
            };
        }
        if answer.is_done() || answer.says_received() || answer.says_exists() {
            return Delivery::Delivered {
                receipt: Receipt::plain(reply.raw.clone(), Some(reply.peer_sha256)),
            };
        }
        tracing::warn!(
            service = shipment.service,
            code = answer.error_code,
            "the portal refuses a call"
        );
        self.refused(shipment.parcels.len(), answer.error_code)
    }

    /// An answer that cannot be read is no answer: the portal's account of what it holds has to be whole.
    fn judge_look_up(&self, reply: &Reply) -> Delivery {
        match (reply.answer.is_done(), pulls::is_readable(&reply.raw)) {
            (true, true) => Delivery::Delivered {
                receipt: Receipt::plain(reply.raw.clone(), Some(reply.peer_sha256)),
            },
            (true, false) => Delivery::Refused {
                after: self.config.retry_after_refusal,
                reason: "pull-unreadable",
            },
            (false, _) => self.refused(1, reply.answer.error_code),
        }
    }

    /// The portal's codes say too little to tell a wrong record from a busy portal: the worker tells
    /// them apart by what becomes of others meanwhile.
    fn refused(&self, parcels: usize, code: i64) -> Delivery {
        match parcels {
            0 | 1 if self.permanent.contains(&code) => Delivery::Quarantined {
                reason: "portal-refused-for-good",
            },
            0 | 1 => Delivery::Refused {
                after: self.config.retry_after_refusal,
                reason: "portal-refused",
            },
            // One of them is wrong; each goes alone next time, so the others get through.
            _ => Delivery::Refused {
                after: self.config.retry_after,
                reason: "portal-refused-batch",
            },
        }
    }

    fn failed(&self, error: &vdxp::Error) -> Delivery {
        use vdxp::Error;
        let reason = error.reason();
        tracing::warn!(reason, %error, "a call of the portal failed");
        match error {
            Error::BadBody => Delivery::Quarantined { reason },
            // A person ends it, and until then no dossier dies of it.
            Error::BadConfig | Error::LoginRefused(_) | Error::SessionRefused => Delivery::Retry {
                after: self.config.retry_after_refusal,
                reason,
            },
            error if error.is_unsent() => Delivery::Retry {
                after: self.config.retry_after,
                reason,
            },
            // Both calls may be repeated: a step told twice is one step, a dossier that exists is told so.
            _ => Delivery::Unknown {
                after: self.config.retry_after,
                reason,
            },
        }
    }
}

impl<E: Exchange> Courier for Desk<E> {
    fn batch_max(&self) -> usize {
        CALLS_PER_LEASE * self.call_max()
    }

    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
        let (mut loads, mut unsayable) = (Vec::<Load>::new(), Vec::new());
        let (mut stuck, call_max) = (BTreeSet::new(), self.call_max());
        for leased in parcels {
            // What follows a step that cannot be said waits for the person who looks at it.
            if stuck.contains(&leased.subject) {
                continue;
            }
            match self.item(leased) {
                Ok(item) => load(&mut loads, item, tried_before(leased), call_max),
                Err(reason) => {
                    stuck.insert(&leased.subject);
                    unsayable.push((leased.id.clone(), reason));
                }
            }
        }
        let mut shipments = Vec::new();
        for load in loads {
            let ids: Vec<String> = load.items.iter().map(|item| item.parcel.clone()).collect();
            match self.shipment(load) {
                Ok(shipment) => shipments.push(shipment),
                Err(reason) => unsayable.extend(ids.into_iter().map(|id| (id, reason))),
            }
        }
        (shipments, unsayable)
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        Box::pin(self.deliver(sendable.shipment()))
    }
}

/// A reason is kept of every try that ended; one that did not end was lost.
fn tried_before(leased: &Leased) -> bool {
    leased.reason.is_some() || leased.lost > 0
}

/// One parcel as a record.
struct Item {
    parcel: String,
    subject: String,
    service: Service,
    record: Vec<u8>,
    updating: Option<bool>,
    /// Whom it tells of, beside what happens to the dossier.
    persons: Vec<Person>,
}

/// Whom a dossier's record names, where that is a person with a number.
fn applicant(dossier: &Dossier) -> Option<Person> {
    let pin = Pin::parse(&dossier.applicant_pin).ok()?;
    Some(Person {
        numbers: vec![PersonNumber::Pin(pin)],
        told: vec!["name", "pin"],
    })
}

/// Those of whom a step's text tells a group that the state supports.
fn supported(step: &DossierChange) -> Vec<Person> {
    let numbers = step.supported.iter();
    let numbers = numbers.filter_map(|number| PersonNumber::parse(number));
    numbers
        .map(|number| Person {
            numbers: vec![number],
            told: vec!["group"],
        })
        .collect()
}

/// Records that go in one call.
struct Load {
    service: Service,
    updating: Option<bool>,
    alone: bool,
    items: Vec<Item>,
}

impl Load {
    fn has(&self, subject: &str) -> bool {
        self.items.iter().any(|item| item.subject == subject)
    }

    fn has_room(&self, call_max: usize) -> bool {
        self.service == Service::UpdateProgress && !self.alone && self.items.len() < call_max
    }
}

/// Puts a record into the last call with room, unless that would overtake its own dossier.
/// One that failed before travels alone: a wrong record must not hold up nine others for ever.
fn load(loads: &mut Vec<Load>, item: Item, tried_before: bool, call_max: usize) {
    let alone = tried_before || item.service != Service::UpdateProgress;
    let newest = loads
        .iter()
        .rposition(|load| load.has(&item.subject))
        .unwrap_or(0);
    let room = loads
        .iter()
        .enumerate()
        .skip(newest)
        .find(|(_, load)| load.has_room(call_max))
        .map(|(at, _)| at);
    match room.filter(|_| !alone).and_then(|at| loads.get_mut(at)) {
        Some(load) => load.items.push(item),
        None => loads.push(Load {
            service: item.service,
            updating: item.updating,
            alone,
            items: vec![item],
        }),
    }
}

/// The same call as an update, where it was not one.
fn updating(first_body: &[u8]) -> Option<Bytes> {
    let call: Call = serde_json::from_slice(first_body).ok()?;
    let first = call.is_updating.as_deref() == Some(flag(false));
    let call = Call {
        is_updating: Some(flag(true).to_owned()),
        ..call
    };
    first.then(|| body(&call).ok()).flatten()
}

fn body(call: &Call) -> Result<Bytes, &'static str> {
    serde_json::to_vec(call)
        .map(Bytes::from)
        .map_err(|_| "unwritable")
}

fn flag(updating: bool) -> &'static str {
    match updating {
        true => "True",
        false => "False",
    }
}

/// Full calls worth leasing at once.
const CALLS_PER_LEASE: usize = 2;

/// Codes after which no further try can help. Own profile: the portal's codes are not public, so none.
const PERMANENT: &[i64] = &[];
