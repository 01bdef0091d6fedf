//! The counterparts and what goes wrong: answers lost, messages said twice, everything started again while the last
//! words are on their way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use certs::tls::ClientStream;
use conformance::payment::{PARTNER, Platform, Serving};
use gateway::admin::client;
use gateway_tests::{
    client::{Reply, Wire, read_reply},
    house::House,
    message::{Json, Message},
    torture::random::Random,
};
use schemas::proto::admin::{
    ListParcelsRequest, ParcelLine, ShowPaymentRequest, ShowPaymentResponse,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    time::Instant,
};

use super::{country, country::Dossier};
use crate::payment::with_platform;

/// A running gateway, the portal and the platform.
pub(super) struct Scene {
    pub(super) house: House,
    pub(super) platform: Arc<Platform>,
    serving: Option<Serving>,
    port: u16,
    /// Answers that never came to whoever asked.
    pub(super) lost: usize,
}

impl Scene {
    pub(super) async fn start(count: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut plan = with_platform(House::plan().with_portal(20), port, 5);
        for operation in ["submit-dossier", "supplement-dossier", "withdraw-dossier"] {
            let head = format!("[agreements.operations.\"portal.{operation}\"]\n");
            let much = format!("{head}per_minute = 6000000\nburst = 100000\n");
            plan = plan.replace("partners/portal.toml", head, much);
        }
        let line = "[delivery]\n";
        let wide = "[delivery]\nper_minute = 600000\nconcurrency = 8\nbreaker_failures = 1000\n";
        let house = plan
            .replace("partners/portal.toml", line, wide)
            .start()
            .await;
        let platform = Platform::open(&house.layout.agency(PARTNER)).unwrap();
        // its longest statement is more than a page
        platform.misbehave(|knobs| knobs.page = (count / 40).clamp(10, 500));
        Self {
            serving: Some(platform.serve(listener).unwrap()),
            platform,
            house,
            port,
            lost: 0,
        }
    }

    /// Of so many dossiers some are in for bad luck.
    pub(super) fn turn_bad(&self, dossiers: usize) {
        let some = u32::try_from(dossiers.div_ceil(50)).unwrap();
        self.platform.misbehave(|knobs| {
            (knobs.drop_replies, knobs.server_errors) = (some, some);
            (knobs.wrong_hash, knobs.another_reference) = (some, some);
        });
        let portal = self.house.portal.as_ref().unwrap();
        portal.misbehave(|knobs| {
            (knobs.drop_replies, knobs.server_errors) = (some, some);
            (knobs.claim_exists, knobs.expire_sessions) = (some, 1);
        });
    }

    /// The gateway is killed, and by turns the portal or the platform is started again from what it wrote down.
    pub(super) async fn restart(&mut self, round: usize) {
        self.house.kill().await;
        match round % 2 {
            0 => self.house.reopen_portal().await,
            _ => {
                self.serving.take().unwrap().stop().await;
                let folder = self.house.layout.agency(PARTNER);
                self.platform = Platform::open(&folder).unwrap();
                let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
                self.serving = Some(self.platform.serve(listener).unwrap());
            }
        }
        // what the killed one had in hand is free again
        self.house
            .clock
            .advance(jiff::SignedDuration::from_secs(61));
        self.house.open().await;
    }

    /// What was refused once is tried again after a minute of the gateway's clock; here it is a second.
    pub(super) async fn a_minute_passes(&self) {
        let minute = jiff::SignedDuration::from_secs(61);
        self.house.clock.advance(minute);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    /// Submits over several connections at once; gives the codes.
    pub(super) async fn submit(&mut self, dossiers: &[Dossier]) -> Vec<String> {
        let messages = dossiers.iter().map(|dossier| {
            let body = dossier.members.to_string().into_bytes();
            ("portal.submit-dossier", "/portal/v1/dossiers", body)
        });
        let replies = self.say(messages.collect()).await;
        let code = |reply: Reply| {
            reply.assert_ok().json()["MaHoSo"]
                .as_str()
                .map(str::to_owned)
        };
        replies
            .into_iter()
            .map(|reply| code(reply).unwrap())
            .collect()
    }

    /// Says all of it, each until it is answered; gives the answers in order.
    pub(super) async fn say(
        &mut self,
        messages: Vec<(&'static str, &'static str, Vec<u8>)>,
    ) -> Vec<Reply> {
        let (key, now) = (self.house.key("portal"), self.house.now());
        let mut lanes: Vec<Vec<(usize, Message)>> = vec![Vec::new(); LANES];
        for (nth, (operation, path, body)) in messages.into_iter().enumerate() {
            let message = Json::new(now, "portal", operation, path, body).sign(&key);
            lanes[nth % LANES].push((nth, message));
        }
        let mut running = Vec::new();
        for (number, messages) in lanes.into_iter().enumerate() {
            let mut line = Line {
                wire: self.house.wire("portal"),
                random: Random::of(SEED, &[number as u64, self.lost as u64]),
                open: None,
                lost: 0,
            };
            running.push(tokio::spawn(async move {
                let mut replies = Vec::new();
                for (nth, message) in messages {
                    replies.push((nth, line.send(&message).await));
                }
                (replies, line.lost)
            }));
        }
        let mut replies = BTreeMap::new();
        for lane in running {
            let (some, lost) = lane.await.unwrap();
            replies.extend(some);
            self.lost += lost;
        }
        replies.into_values().collect()
    }

    pub(super) fn registry(&self) -> rusqlite::Connection {
        country::registry(&self.house)
    }

    /// The payment of this dossier or reference.
    pub(super) async fn payment(&self, name: &str) -> ShowPaymentResponse {
        let request = ShowPaymentRequest {
            reference: name.to_owned(),
            ..ShowPaymentRequest::default()
        };
        let shown = client::payment(self.house.gateway().admin(), request).await;
        shown.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What still waits to be told of these dossiers' first.
    pub(super) async fn parcels(&self, missing: &[Missing]) -> Vec<ParcelLine> {
        let request = ListParcelsRequest {
            subject: missing[0].code.clone(),
            ..ListParcelsRequest::default()
        };
        let listed = client::parcels(self.house.gateway().admin(), request).await;
        listed.unwrap().parcels
    }

    /// Dossiers that the portal or the registry does not have at their end yet; none where there is none.
    pub(super) fn not_at_their_end(&self, ends: &BTreeMap<&str, &[u8]>) -> Option<Vec<Missing>> {
        let portal = self.house.portal.as_ref().unwrap();
        let file = self.registry();
        let mut rows = file.prepare("SELECT code, state FROM dossiers").unwrap();
        let ours = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let ours: BTreeMap<String, u8> = ours.unwrap().map(Result::unwrap).collect();
        let missing = ends.iter().filter_map(|(code, states)| {
            let theirs = portal.dossier(code).map(|dossier| dossier.states());
            let ours = ours.get(*code);
            let at_end = theirs.as_deref() == Some(*states) && ours == states.last();
            (!at_end).then(|| Missing {
                code: (*code).to_owned(),
                ours: ours.copied(),
                theirs: theirs.unwrap_or_default(),
            })
        });
        let missing: Vec<Missing> = missing.collect();
        (!missing.is_empty()).then_some(missing)
    }
}

/// A dossier that has not come to its end.
#[derive(Debug)]
pub(super) struct Missing {
    code: String,
    #[expect(dead_code, reason = "told where a test stops")]
    ours: Option<u8>,
    #[expect(dead_code, reason = "told where a test stops")]
    theirs: Vec<u8>,
}

/// One connection, lost now and then.
struct Line {
    wire: Wire,
    random: Random,
    open: Option<ClientStream<TcpStream>>,
    lost: usize,
}

impl Line {
    /// Sends until it is answered: some answers are lost, some messages are said twice.
    async fn send(&mut self, message: &Message) -> Reply {
        let (mut answers, give_up) = (Vec::new(), Instant::now() + Duration::from_secs(60));
        let repeats = if self.random.percent(5) { 2 } else { 1 };
        while answers.len() < repeats {
            assert!(Instant::now() < give_up, "never answered");
            match self.try_send(message).await {
                Some(reply) if reply.status != 503 => answers.push(reply),
                _ => {
                    self.lost += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        let told = answers.swap_remove(0);
        assert!(
            answers.iter().all(|again| again.body == told.body),
            "two answers"
        );
        told
    }

    async fn try_send(&mut self, message: &Message) -> Option<Reply> {
        let mut line = match self.open.take() {
            Some(line) => line,
            None => self.wire.open().await.ok()?.0,
        };
        let length = message.body.len();
        let head = format!("Host: localhost\r\nContent-Length: {length}\r\n");
        line.write_all(&message.exact(&head)).await.ok()?;
        if self.random.percent(3) {
            return None; // the answer is lost with the connection
        }
        let reply = read_reply(&mut line).await?;
        self.open = Some(line);
        Some(reply)
    }
}

/// Connections at once.
const LANES: usize = 4;
const SEED: u64 = 20_261_123;
