//! The hub of the simulated OpenCRVS: its own server gives tokens, takes wishes, asks the challenge before it believes one, and
//! lists what stands. What the gateway should not have asked is a violation.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use crate::listener::Serving;

use crate::call::Trouble;
use crate::client::Client;
use crate::identity::Identity;
use crate::listener::{self, Counterpart, status};

/// Our client's id and secret there.
pub const CLIENT: (&str, &str) = ("made-up-client", "made-up-client-secret");

const TOKEN: &str = "made.up-token";
const BODY_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Default)]
struct Table {
    subscriptions: Vec<(String, String)>,
    unanswered: u32,
    asked: u32,
    violations: Vec<String>,
}

/// The hub.
#[derive(Debug)]
pub struct Hub {
    identity: Identity,
    client: Client,
    secret: String,
    table: Mutex<Table>,
}

impl Hub {
    /// Opens the registry's folder; a wish has to know `secret`. The first `unanswered` wishes are lost with HTTP 500.
    pub fn open(folder: &Path, secret: &str, unanswered: u32) -> Result<Arc<Self>, Trouble> {
        let identity = Identity::load(folder)?;
        let client = Client::new(&identity.gateway, &identity.anchors, Some(&identity.tls))?;
        let table = Table {
            unanswered,
            ..Table::default()
        };
        Ok(Arc::new(Self {
            identity,
            client,
            secret: secret.to_owned(),
            table: Mutex::new(table),
        }))
    }

    /// Serves until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    /// What stands: topic and address.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<(String, String)> {
        self.table().subscriptions.clone()
    }

    /// How often it was asked what stands.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.table().asked
    }

    /// What the gateway should not have done.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.table().violations.clone()
    }

    /// Asks the challenge of a topic; gives what was answered, or the status of a refusal.
    pub async fn challenge(&self, query: &str) -> Result<Value, u16> {
        let request = Request::get(format!("{}?{query}", super::WEBHOOK)).body(Bytes::new());
        let reply = self.client.send(request.map_err(|_| 0u16)?).await;
        let reply = reply.map_err(|_| 0u16)?;
        match reply.status {
            200 => serde_json::from_slice(&reply.body).map_err(|_| 0),
            other => Err(other),
        }
    }

    async fn wish(&self, body: &Value) -> Response<Full<Bytes>> {
        let hub = &body["hub"];
        let text = |name: &str| hub[name].as_str().unwrap_or_default().to_owned();
        let (topic, callback) = (text("topic"), text("callback"));
        if text("secret") != self.secret || text("mode") != "subscribe" {
            self.violate(format!("a wish with a wrong secret or mode: {topic}"));
            return status(StatusCode::BAD_REQUEST);
        }
        {
            let mut table = self.table();
            if table.unanswered > 0 {
                table.unanswered -= 1;
                return status(StatusCode::INTERNAL_SERVER_ERROR);
            }
        }
        let query = format!("mode=subscribe&challenge=q%2B%2F9w%3D%3D&topic={topic}");
        match self.challenge(&query).await {
            Ok(said) if said == json!({ "challenge": "q+/9w==" }) => {
                self.table().subscriptions.push((topic, callback));
                status(StatusCode::ACCEPTED)
            }
            _ => {
                self.violate(format!("the challenge of {topic} was not answered"));
                status(StatusCode::BAD_REQUEST)
            }
        }
    }

    fn list(&self) -> Response<Full<Bytes>> {
        let mut table = self.table();
        table.asked += 1;
        let entries = table.subscriptions.iter().map(|(topic, callback)| {
            json!({
                "id": "9f24f539-8126-4261-baa0-243eea374004",
                "callback": callback,
                "createdAt": "2026-11-23T01:00:00.000Z",
                "createdBy": { "client_id": CLIENT.0, "type": "webhook" },
                "topic": topic,
            })
        });
        let entries: Vec<Value> = entries.collect();
        said(&json!({ "entries": entries }))
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counterpart for Hub {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn violate(&self, what: String) {
        self.table().violations.push(what);
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.ok()?;
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let bearer = head.headers.get(header::AUTHORIZATION);
        let is_known = bearer.is_some_and(|one| one == format!("Bearer {TOKEN}").as_str());
        Some(match (&head.method, head.uri.path()) {
            (&Method::POST, "/authenticateSystemClient") => {
                let (client, secret) = CLIENT;
                match body == json!({ "client_id": client, "client_secret": secret }) {
                    true => said(&json!({ "token": TOKEN })),
                    false => status(StatusCode::UNAUTHORIZED),
                }
            }
            (_, "/webhooks") if !is_known => status(StatusCode::UNAUTHORIZED),
            (&Method::GET, "/webhooks") => self.list(),
            (&Method::POST, "/webhooks") => self.wish(&body).await,
            (_, path) => {
                self.violate(format!("nobody is at {path}"));
                status(StatusCode::NOT_FOUND)
            }
        })
    }
}

fn said(value: &Value) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from(value.to_string())))
}
