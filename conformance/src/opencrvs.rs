//! An OpenCRVS 1.x: it registers births and deaths, keeps them, and tells its subscriber by webhooks from a queue, as bullmq
//! does: what it takes for lost is told again, up to three times.
//!
//! Every child is made up; the births are those that the inter-linked software would tell of.

pub mod bundle;
pub mod core;
pub mod hub;
pub mod vectors;

use std::path::Path;

use bytes::Bytes;
use certs::hub::{HubForm, HubSecret};
use http::{Request, header};
use jiff::Timestamp;
use schemas::date::day_in_viet_nam;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{self, Trouble};
use crate::client::Reply;
use crate::clock;
use crate::desk::{Desk, Ledgers};
use crate::dvclt::Birth;
use crate::landmarks::Landmarks;
use crate::state::Ledger;
use bundle::Registered;

/// Where it tells.
pub const WEBHOOK: &str = "/opencrvs/webhook";

/// How often one event is told at most.
const ATTEMPTS_MAX: u32 = 3;

/// What it does beside what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// The answer to each first telling is lost on its way.
    LosesAnswers,
    /// Each event is told twice.
    Repeats,
    /// The newest is told first.
    Reorders,
    /// Before each event somebody without the secret tells of it.
    IsForged,
}

/// What came of one run through the queue.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Events whose receipt was read.
    pub received: usize,
    /// Answers that were lost.
    pub lost: usize,
    /// Forged tellings that were refused.
    pub turned_away: usize,
    /// Events that were refused, by registration number, with the reason.
    pub refused: Vec<(String, String)>,
}

/// What it keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Book {
    ledger: Ledger,
    seed: u64,
    register: Vec<Registered>,
    queue: Vec<Job>,
}

/// An event that has to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Job {
    number: String,
    body: String,
    signature: String,
    attempts: u32,
}

impl Ledgers for Book {
    fn fresh() -> Self {
        Self {
            ledger: Ledger::default(),
            seed: u64::from_be_bytes(certs::digest::random::<8>()),
            register: Vec::new(),
            queue: Vec::new(),
        }
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }
}

/// The simulated registry.
#[derive(Debug)]
pub struct OpenCrvs {
    desk: Desk<Book>,
    secret: HubSecret,
}

impl OpenCrvs {
    /// Opens its folder; it signs by `secret` in this form.
    pub fn open(folder: &Path, form: HubForm, secret: &str) -> Result<Self, Trouble> {
        Ok(Self {
            desk: Desk::open(folder, None, "opencrvs.json")?,
            secret: HubSecret::new(form, secret.as_bytes()),
        })
    }

    /// Registers a birth that was never told; gives its number.
    pub fn register_birth(&self) -> Result<String, Trouble> {
        let landmarks = Landmarks::read(&self.desk.identity.folder)?;
        let serial = self.desk.memory.change(|book| book.ledger.draw())?;
        let seed = self.desk.memory.read(|book| book.seed);
        let now = clock::now();
        let birth = Birth::make(seed, serial, now, &landmarks)?;
        let child = Registered {
            number: format!("2026B{serial:09}"),
            pin: birth.pin.clone(),
            name: birth.name.clone(),
            sex: birth.sex,
            born: birth.born.to_string(),
            commune: birth.commune.clone(),
            province: birth.province.clone(),
            facility: birth.facility.clone(),
            mother: (
                birth.mother.name.clone(),
                birth.mother.pin.clone(),
                birth.mother.birth_date.clone(),
            ),
            at: now.to_string(),
        };
        let job = self.job("BIRTH_REGISTERED", &child.number, &bundle::birth(&child));
        let number = child.number.clone();
        self.desk.memory.change(|book| {
            book.register.push(child);
            book.queue.push(job);
        })?;
        Ok(number)
    }

    /// Registers the death, today, of the child whose birth has this number; gives the death's own.
    pub fn register_death(&self, birth: &str) -> Result<String, Trouble> {
        let find = |book: &Book| {
            let mut register = book.register.iter();
            register.find(|one| one.number == birth).cloned()
        };
        let child = self.desk.memory.read(find);
        let child = child.ok_or_else(|| Trouble::Params(format!("no birth {birth}")))?;
        let (number, now) = (birth.replacen('B', "D", 1), clock::now());
        let told = bundle::death(&child, &number, day_in_viet_nam(now), now);
        let job = self.job("DEATH_REGISTERED", &number, &told);
        self.desk.memory.change(|book| book.queue.push(job))?;
        Ok(number)
    }

    /// A webhook as it goes out: body and keyed hash.
    #[must_use]
    pub fn webhook(&self, topic: &str, at: Timestamp, bundle: &Value) -> (String, String) {
        let body = body(topic, at, bundle);
        let signature = match self.secret.form() {
            HubForm::Sha256 => self.secret.sign(body.as_bytes()),
            HubForm::Sha1 => self.secret.sign(bundle.to_string().as_bytes()),
        };
        (body, signature)
    }

    fn job(&self, topic: &str, number: &str, bundle: &Value) -> Job {
        let (body, signature) = self.webhook(topic, clock::now(), bundle);
        Job {
            number: number.to_owned(),
            body,
            signature,
            attempts: 0,
        }
    }

    /// Runs through the queue until nothing is left that may be told again.
    pub async fn deliver(&self, mischief: &[Mischief]) -> Result<Tally, Trouble> {
        let does = |one: Mischief| mischief.contains(&one);
        let mut tally = Tally::default();
        while let Some(job) = self.next(does(Mischief::Reorders))? {
            if does(Mischief::IsForged) {
                tally.turned_away += self.forged(&job).await?;
            }
            let reply = self.send(&job.body, &job.signature).await?;
            if does(Mischief::LosesAnswers) && job.attempts == 1 {
                tally.lost += 1;
                self.desk.memory.change(|book| book.queue.push(job))?;
                continue;
            }
            if let Some(fault) = call::fault(&reply)? {
                let reason = fault.reason.unwrap_or_default();
                tally.refused.push((job.number, reason));
                continue;
            }
            receipt(&reply)?;
            if does(Mischief::Repeats) {
                let again = self.send(&job.body, &job.signature).await?;
                if again.body != reply.body {
                    return Err(Trouble::answer("told again it is answered otherwise"));
                }
            }
            tally.received += 1;
        }
        Ok(tally)
    }

    /// Takes the next one out of the queue, its attempt counted.
    fn next(&self, newest: bool) -> Result<Option<Job>, Trouble> {
        Ok(self.desk.memory.change(|book| {
            book.queue.retain(|job| job.attempts < ATTEMPTS_MAX);
            let at = if newest {
                book.queue.len().checked_sub(1)?
            } else {
                0
            };
            let mut job = (at < book.queue.len()).then(|| book.queue.remove(at))?;
            job.attempts += 1;
            Some(job)
        })?)
    }

    /// The same event by another secret, with other facts under the right hash, and under a hash of no bytes.
    async fn forged(&self, job: &Job) -> Result<usize, Trouble> {
        let stranger = HubSecret::new(self.secret.form(), b"nobody agreed on this secret");
        let edited = job
            .body
            .replacen("\"birthDate\":\"20", "\"birthDate\":\"19", 1);
        let forgeries = [
            (&job.body, stranger.sign(job.body.as_bytes())),
            (&edited, job.signature.clone()),
            (&job.body, self.secret.sign(b"")),
        ];
        for (body, signature) in &forgeries {
            let reply = self.send(body, signature).await?;
            match call::fault(&reply)? {
                Some(fault) if fault.code == "BAD-SIGNATURE" => {}
                _ => return Err(Trouble::answer("a forged webhook was taken")),
            }
        }
        Ok(forgeries.len())
    }

    /// Tells once, whatever it is.
    pub async fn send(&self, body: &str, signature: &str) -> Result<Reply, Trouble> {
        let request = Request::post(WEBHOOK)
            .header(header::CONTENT_TYPE, "application/json")
            .header("X-Hub-Signature", signature)
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .map_err(|error| Trouble::Params(error.to_string()))?;
        Ok(self.desk.client.send(request).await?)
    }
}

/// The body as `JSON.stringify` writes it, the bundle as it stands.
#[must_use]
pub fn body(topic: &str, at: Timestamp, bundle: &Value) -> String {
    let payload = json!({
        "timestamp": at.to_string(),
        "id": "9f24f539-8126-4261-baa0-243eea374004",
        "event": { "hub": { "topic": topic }, "context": [bundle] },
    });
    payload.to_string()
}

fn receipt(reply: &Reply) -> Result<(), Trouble> {
    let said: Value =
        serde_json::from_slice(&reply.body).map_err(|_| Trouble::answer("no receipt"))?;
    let moment = said["receivedAt"].as_str().unwrap_or_default();
    for (holds, what) in [
        (reply.status == 200, "a receipt has status 200"),
        (
            said["evidence"].as_str().map(str::to_owned) == call::evidence(reply),
            "the receipt has another evidence than the header",
        ),
        (
            moment.parse::<Timestamp>().is_ok(),
            "receivedAt is no moment",
        ),
        (
            reply.header("x-jws-signature").is_some(),
            "nobody signed the receipt",
        ),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    Ok(())
}
