//! The sender: it never gives up, sends the very same bytes again until there is a final answer, and
//! asks again later whether that is still the answer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use schemas::codes::procedures::REISSUE_CARD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    kit::kit,
    net::ask,
    world::{BEGIN, Life, World},
};
use crate::message::dossier;

/// What it sent, and what it was told.
pub(super) struct Ledger {
    /// How many messages there are.
    pub(super) letters: u64,
    /// The first final answer to each message, by its id.
    pub(super) told: BTreeMap<String, Told>,
    /// Tries without a final answer.
    pub(super) unanswered: u64,
    /// Answers that were another than the first, and refusals.
    pub(super) wrong: Vec<String>,
    left: u64,
}

/// A final answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) fault: Option<String>,
    pub(super) body: String,
    pub(super) signature: Option<String>,
}

/// What goes over the network.
#[derive(Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) path: String,
    pub(super) content_type: String,
    pub(super) signature: Option<String>,
    pub(super) body: String,
}

impl Ledger {
    pub(super) fn new(letters: u64) -> Self {
        Self {
            letters,
            told: BTreeMap::new(),
            unanswered: 0,
            wrong: Vec::new(),
            left: letters,
        }
    }

    /// Every message was answered and asked for again.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }
}

/// The sender's reference of the n-th message.
pub(super) fn reference(nth: u64) -> String {
    format!("SIM-{nth:03}")
}

pub(super) fn live(world: Arc<World>) -> Life {
    Box::pin(async move {
        let letters = world.agency.lock().unwrap().letters;
        for nth in 0..letters {
            tokio::spawn(letter(Arc::clone(&world), nth));
        }
        std::future::pending().await
    })
}

/// One message from its first try to the last time it is asked for.
async fn letter(world: Arc<World>, nth: u64) {
    let sent = Arc::new(write(nth));
    let wait = Duration::from_millis(world.below("agency", 12_000));
    tokio::time::sleep(wait).await;
    // some are sent by two hands at once
    if world.percent("agency", 25) {
        let twin = insist(Arc::clone(&world), nth, Arc::clone(&sent));
        tokio::join!(twin, insist(Arc::clone(&world), nth, Arc::clone(&sent)));
    } else {
        insist(Arc::clone(&world), nth, Arc::clone(&sent)).await;
    }
    let wait = Duration::from_millis(world.below("agency", 15_000));
    tokio::time::sleep(wait).await;
    insist(Arc::clone(&world), nth, sent).await;
    world.agency.lock().unwrap().left -= 1;
}

/// Sends until there is a final answer.
async fn insist(world: Arc<World>, nth: u64, sent: Arc<Vec<u8>>) {
    loop {
        let told = ask("gateway", super::gateway::PORT, &sent).await;
        let told: Option<Told> = told
            .ok()
            .and_then(|told| serde_json::from_slice(&told).ok());
        if let Some(told) = told {
            let fault = told.fault.as_deref().unwrap_or("-");
            world.note(format!("agency: {nth} is told {} {fault}", told.status));
            if told
                .fault
                .as_deref()
                .is_none_or(|code| !PASSING.contains(&code))
            {
                return world.agency.lock().unwrap().hear(nth, told);
            }
        }
        world.agency.lock().unwrap().unanswered += 1;
        let wait = Duration::from_millis(100 + world.below("agency", 3_000));
        tokio::time::sleep(wait).await;
    }
}

impl Ledger {
    fn hear(&mut self, nth: u64, told: Told) {
        let id = reference(nth);
        if told.status != 200 {
            self.wrong
                .push(format!("{id} was refused: {:?}", told.fault));
        }
        match self.told.get(&id) {
            Some(first) if *first != told => {
                self.wrong.push(format!("{id} was given another answer"));
            }
            Some(_) => {}
            None => drop(self.told.insert(id, told)),
        }
    }
}

fn write(nth: u64) -> Vec<u8> {
    let members = json!({
        "MaThamChieu": reference(nth),
        "MaTTHC": REISSUE_CARD,
        "ChuHoSo": {
            "HoVaTen": "Lê Văn Mẫu",
            "SoDinhDanh": "099090000001",
            "NgayThangNamSinh": "17/05/1990",
        },
        "MaThe": "DN4019912345678",
        "LyDoCapLai": "HONG",
        "NgayNopHoSo": schemas::date::portal_time::format(BEGIN),
    });
    let message = dossier::message(BEGIN, &members)
        .with("jti", format!("sim-letter-{nth:03}"))
        .sign(&kit().pen());
    let sent = Sent {
        path: message.path.to_owned(),
        content_type: message.content_type,
        signature: message.signature,
        body: String::from_utf8(message.body).unwrap(),
    };
    serde_json::to_vec(&sent).unwrap()
}

/// Faults after which the same message is sent again.
const PASSING: [&str; 6] = [
    "IN-PROGRESS",
    "INSURANCE-UNAVAILABLE",
    "DEADLINE-EXCEEDED",
    "JOURNAL-UNAVAILABLE",
    "OVERLOADED",
    "DRAINING",
];
