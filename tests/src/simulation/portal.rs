//! The portal: the ledger of the torture bench behind the simulated network. Calls are lost before they
//! are heard, answers after, and some calls come twice or late.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use portal::outbound::Exchange;
use roads::vdxp::{self, Reply};
use serde_json::Value;

use super::{
    net::{Trouble, ask, serve},
    world::{Life, World},
};

pub(super) fn live(world: Arc<World>) -> Life {
    Box::pin(serve(PORT, move |call| answer(Arc::clone(&world), call)))
}

async fn answer(world: Arc<World>, call: Vec<u8>) -> Option<Vec<u8>> {
    world.pause("portal").await;
    if world.percent("portal", 6) {
        world.note("portal: a call is lost");
        return None;
    }
    let call: Value = serde_json::from_slice(&call).ok()?;
    let said = hear(&world, &call);
    if world.percent("portal", 8) {
        let (later, call) = (Arc::clone(&world), call.clone());
        let after = Duration::from_millis(world.below("portal", 5_000));
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            later.note("portal: a call comes once more");
            later.portal.lock().unwrap().overtaken(&call);
        });
    }
    world.pause("portal").await;
    let lost = world.percent("portal", 12);
    if lost {
        world.note("portal: an answer is lost");
    }
    (!lost).then(|| said.to_string().into_bytes())
}

fn hear(world: &World, call: &Value) -> Value {
    let said = world.portal.lock().unwrap().hear(call);
    let records = call["data"].as_array().into_iter().flatten();
    let what: Vec<String> = records
        .map(|record| {
            let state = record.get("TrangThaiHoSo").or(record.get("TrangThai"));
            format!("{} {}", record["MaHoSo"], state.unwrap_or(&Value::Null))
        })
        .collect();
    let (service, code) = (&call["service"], &said["error_code"]);
    world.note(format!("portal: {service} {what:?} -> {code}"));
    said
}

/// The gateway's line to it.
pub(super) struct Line(pub(super) Arc<World>);

/// The dossiers that a call tells of.
fn dossiers(body: &[u8]) -> Vec<String> {
    let call: Value = serde_json::from_slice(body).unwrap_or_default();
    let records = call["data"].as_array().into_iter().flatten();
    let codes = records.filter_map(|record| record["MaHoSo"].as_str());
    codes.map(str::to_owned).collect()
}

impl Exchange for Line {
    fn call<'a>(&'a self, body: &'a [u8]) -> BoxFuture<'a, Result<Reply, vdxp::Error>> {
        Box::pin(async move {
            let _underway = self.0.underway(dossiers(body).into_iter());
            let raw = ask("portal", PORT, body)
                .await
                .map_err(|trouble| match trouble {
                    Trouble::Unsent => vdxp::Error::Login(Box::new(vdxp::Error::Status(503))),
                    Trouble::Unanswered => vdxp::Error::Status(500),
                })?;
            let answer = serde_json::from_slice(&raw).map_err(|_| vdxp::Error::Status(500))?;
            Ok(Reply {
                answer,
                raw: Bytes::from(raw),
                peer_sha256: [0; 32],
            })
        })
    }
}

const PORT: u16 = 9_000;
