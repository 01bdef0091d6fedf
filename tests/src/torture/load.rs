//! Senders that never give up: each sends its next message only when the last has a final answer, and
//! sends the same one under the same id until then.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use schemas::fault::{FaultCode, Retry};
use tokio::task::JoinSet;

use super::{
    ledger::{self, Ledger},
    letter::{Kind, Letter, Mix, Scribe},
    line::{Broken, Caller, Line},
    random::Random,
    site::Site,
};
use crate::client::Reply;

/// How a load is shaped.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Senders, each with one message in flight.
    pub senders: u64,
    /// What they send.
    pub mix: Mix,
    /// Of a hundred messages, how many are sent again after their answer, to get the same bytes.
    pub again: u64,
    /// Of a hundred messages, how many are sent twice at once, on two connections.
    pub twins: u64,
    /// How long a sender rests after each message.
    pub rest: Duration,
    /// Whether answered messages are kept, to be sent again by [`Load::resend`].
    pub keeps: bool,
}

impl Shape {
    /// 64 senders of the usual mix.
    pub const USUAL: Self = Self {
        senders: 64,
        mix: Mix::USUAL,
        again: 5,
        twins: 3,
        rest: Duration::ZERO,
        keeps: false,
    };
}

/// What the senders have seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Final answers that accept.
    pub acked: AtomicU64,
    /// Final answers that refuse.
    pub refused: AtomicU64,
    /// Tries that had no final answer.
    pub retried: AtomicU64,
    /// Messages sent again whose answer was compared.
    pub repeated: AtomicU64,
    /// What should never be seen.
    pub wrong: Mutex<Vec<String>>,
    /// Tries without a final answer, by fault code or by how the line broke.
    pub causes: Mutex<BTreeMap<String, u64>>,
    /// Replies that were no final answer: code and time until they came, at most 100,000.
    pub refusals_after: Mutex<Vec<(Instant, Duration, String)>>,
    /// Final answers: when, and after how long, at most 1,000,000.
    pub answers_after: Mutex<Vec<(Instant, Duration)>>,
}

struct Shared {
    scribe: Scribe,
    ledger: Ledger,
    callers: BTreeMap<&'static str, Caller>,
    shape: Shape,
    seed: u64,
    stop: AtomicBool,
    rests: AtomicBool,
    abandon: AtomicBool,
    seen: Arc<Seen>,
    sample: Mutex<Vec<(Letter, String)>>,
    kept: Mutex<Vec<Letter>>,
}

/// A running load.
pub struct Load {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    /// What its senders see.
    pub seen: Arc<Seen>,
}

impl Load {
    /// Starts the senders against a site, each towards one of these gateways (`None`: the site's own).
    #[must_use]
    pub fn start(site: &Site, shape: Shape, seed: u64, towards: &[SocketAddr]) -> Self {
        let own = [site.address];
        let towards = if towards.is_empty() { &own } else { towards };
        let agency = |partner: &'static str| {
            let caller = Caller::new(&site.layout.agency(partner), towards[0]);
            (partner, caller)
        };
        let seen = Arc::new(Seen::default());
        let shared = Arc::new(Shared {
            scribe: Scribe::new(&site.layout.agencies(), site.landmarks.clone()),
            ledger: Ledger::create(&site.root().join("client.ledger")),
            callers: ["tax", "dvclt", "portal"].map(agency).into(),
            shape,
            seed,
            stop: AtomicBool::new(false),
            rests: AtomicBool::new(false),
            abandon: AtomicBool::new(false),
            seen: Arc::clone(&seen),
            sample: Mutex::default(),
            kept: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for index in 0..shape.senders {
            let nth = usize::try_from(index).unwrap_or(0) % towards.len();
            tasks.spawn(sender(Arc::clone(&shared), index, towards[nth]));
        }
        Self {
            shared,
            tasks,
            seen,
        }
    }

    /// Messages with a final answer so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.seen.acked.load(Ordering::Relaxed) + self.seen.refused.load(Ordering::Relaxed)
    }

    /// Whether senders wait with their next message.
    pub fn rest(&self, rests: bool) {
        self.shared.rests.store(rests, Ordering::Relaxed);
    }

    /// Lets each sender get its last answer; those that still wait after this time give up, and are
    /// told as wrong.
    pub async fn finish(&mut self, within: Duration) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ended).await.is_err() {
            self.shared.abandon.store(true, Ordering::Relaxed);
            let left = self.tasks.len();
            self.tasks.abort_all();
            let what = format!("{left} senders never got a final answer within {within:?}");
            self.shared.wrong(what);
        }
    }

    /// Sends a sample of the acknowledged messages again: each must get the very bytes it got before.
    pub async fn ask_again(&self) -> u64 {
        let sample = std::mem::take(&mut *self.shared.sample.lock().unwrap());
        let asked = sample.len() as u64;
        let mut lines = BTreeMap::new();
        for (letter, before) in sample {
            let partner = letter.kind.partner();
            let caller = &self.shared.callers[partner];
            let line = lines.entry(partner).or_insert_with(|| caller.line());
            let mut random = Random::of(self.shared.seed, &[9]);
            if let Some(reply) = self.shared.deliver(line, &letter, &mut random).await {
                self.shared.compare(&letter, &before, &reply);
            }
        }
        asked
    }

    /// How many answered messages are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.shared.kept.lock().unwrap().len()
    }

    /// Sends again what was answered from that one on, as senders do that have heard of a restore: whatever
    /// is answered now is the answer, and is noted. Gives how many.
    pub async fn resend(&self, from: usize) -> u64 {
        let letters: Vec<Letter> = self.shared.kept.lock().unwrap()[from..].to_vec();
        self.shared.forget(&letters);
        let hands = letters.chunks(letters.len().div_ceil(HANDS).max(1));
        let hands = hands.map(|letters| self.shared.resend(letters));
        futures_util::future::join_all(hands).await;
        letters.len() as u64
    }

    /// The client's ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }
}

async fn sender(shared: Arc<Shared>, index: u64, towards: SocketAddr) {
    let mut random = Random::of(shared.seed, &[1, index]);
    let mut lines: BTreeMap<&'static str, Line> = BTreeMap::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let kind = shared.shape.mix.kind(&mut random);
        let letter = shared.scribe.write(kind, &mut random);
        shared.ledger.sent(&letter);
        let caller = shared.callers[kind.partner()].clone().towards(towards);
        let line = lines.entry(kind.partner()).or_insert_with(|| caller.line());
        let sent = Instant::now();
        if random.percent(shared.shape.twins) {
            let (twin, message) = (caller.clone(), letter.message.clone());
            tokio::spawn(async move { twin.line().exchange(&message).await });
        }
        let Some(reply) = shared.deliver(line, &letter, &mut random).await else {
            return;
        };
        shared.answered(&letter, &reply, sent).await;
        if random.percent(shared.shape.again)
            && let Some(second) = shared.deliver(line, &letter, &mut random).await
        {
            shared.compare(&letter, &ledger::digest(&reply.body), &second);
        }
        if !shared.shape.rest.is_zero() {
            tokio::time::sleep(shared.shape.rest).await;
        }
        while shared.rests.load(Ordering::Relaxed) && !shared.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Shared {
    /// Sends until there is a final answer; nothing where the run was given up.
    async fn deliver(
        &self,
        line: &mut Line,
        letter: &Letter,
        random: &mut Random,
    ) -> Option<Reply> {
        loop {
            if self.abandon.load(Ordering::Relaxed) {
                return None;
            }
            let sent = Instant::now();
            let ended = line.exchange(&letter.message).await;
            let (cause, wait) = match ended {
                Ok(reply) if is_final(&reply) => return Some(reply),
                Ok(reply) => {
                    let cause = reply.header("lienthong-fault").to_owned();
                    let mut told = self.seen.refusals_after.lock().unwrap();
                    if told.len() < 100_000 {
                        told.push((Instant::now(), sent.elapsed(), cause.clone()));
                    }
                    (cause, RETRY_AFTER_FAULT)
                }
                Err(Broken(why)) => (why.to_owned(), RETRY_AFTER_BREAK),
            };
            self.seen.retried.fetch_add(1, Ordering::Relaxed);
            *self.seen.causes.lock().unwrap().entry(cause).or_default() += 1;
            let jitter = Duration::from_millis(random.below(20));
            tokio::time::sleep(wait + jitter).await;
        }
    }

    /// The answers that these had are no sample any more.
    fn forget(&self, letters: &[Letter]) {
        let ids: BTreeSet<&str> = letters.iter().map(|letter| letter.id.as_str()).collect();
        let mut sample = self.sample.lock().unwrap();
        sample.retain(|(letter, _)| !ids.contains(letter.id.as_str()));
    }

    async fn resend(&self, letters: &[Letter]) {
        let mut lines = BTreeMap::new();
        let mut random = Random::of(self.seed, &[10]);
        for letter in letters {
            let partner = letter.kind.partner();
            let caller = &self.callers[partner];
            let line = lines.entry(partner).or_insert_with(|| caller.line());
            let Some(reply) = self.deliver(line, letter, &mut random).await else {
                return;
            };
            self.ledger.sent(letter);
            self.ledger.answered(letter, &reply).await;
            if reply.header("lienthong-fault").is_empty() == letter.kind.is_bad() {
                let (kind, fault) = (letter.kind, reply.header("lienthong-fault"));
                self.wrong(format!("a {kind} sent again was answered {fault}"));
            }
            let mut sample = self.sample.lock().unwrap();
            if letter.kind != Kind::Forged && sample.len() < SAMPLE {
                sample.push((letter.clone(), ledger::digest(&reply.body)));
            }
        }
    }

    async fn answered(&self, letter: &Letter, reply: &Reply, sent: Instant) {
        self.ledger.answered(letter, reply).await;
        let accepted = reply.header("lienthong-fault").is_empty();
        let counter = match accepted {
            true => &self.seen.acked,
            false => &self.seen.refused,
        };
        let nth = counter.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.seen.answers_after.lock().unwrap();
        if answers.len() < 1_000_000 {
            answers.push((Instant::now(), sent.elapsed()));
        }
        drop(answers);
        if accepted == letter.kind.is_bad() {
            let (kind, status) = (letter.kind, reply.status);
            let fault = reply.header("lienthong-fault");
            let text = String::from_utf8_lossy(&reply.body);
            let text: String = text.chars().take(300).collect();
            self.wrong(format!("a {kind} was answered {status} {fault}: {text}"));
        }
        if self.shape.keeps {
            self.kept.lock().unwrap().push(letter.clone());
        }
        let mut sample = self.sample.lock().unwrap();
        if letter.kind != Kind::Forged && sample.len() < SAMPLE && nth.is_multiple_of(7) {
            sample.push((letter.clone(), ledger::digest(&reply.body)));
        }
    }

    fn compare(&self, letter: &Letter, before: &str, reply: &Reply) {
        self.seen.repeated.fetch_add(1, Ordering::Relaxed);
        // what was refused at the door is not remembered: each refusal has its own evidence
        if letter.kind != Kind::Forged && ledger::digest(&reply.body) != before {
            let (kind, fault) = (letter.kind, reply.header("lienthong-fault"));
            let text = String::from_utf8_lossy(&reply.body);
            let text: String = text.chars().take(200).collect();
            self.wrong(format!(
                "a {kind} sent again got another answer: {fault} {text}"
            ));
        }
    }

    fn wrong(&self, what: String) {
        self.seen.wrong.lock().unwrap().push(what);
    }
}

/// Whether nothing more can come of this message.
fn is_final(reply: &Reply) -> bool {
    match reply.header("lienthong-fault") {
        "" => reply.status == 200,
        fault => FaultCode::from_wire(fault).is_some_and(|code| code.row().retry == Retry::Never),
    }
}

/// A sender that is told to wait waits less than it is told: the bench is impatient.
const RETRY_AFTER_FAULT: Duration = Duration::from_millis(150);
/// After a line broke.
const RETRY_AFTER_BREAK: Duration = Duration::from_millis(10);
/// How often a resting sender looks whether it may go on.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Connections that send again at once.
const HANDS: usize = 16;
/// How many acknowledged messages are asked for again at the end.
const SAMPLE: usize = 2_000;
