//! A1, the lanes: two portals, each with a lane of its own. One is in trouble; the other is told each step of
//! its dossiers as soon as before. When the trouble is over the first one is told everything it missed.

use std::time::{Duration, Instant};

use certs::keys::SigningKey;
use futures_util::future::join_all;
use insurance::seed::Landmarks;
use jiff::Timestamp;

use super::{
    super::{
        Plan,
        seen::{key_of, limit, register},
    },
    TROUBLES, Trouble,
};
use crate::{
    message::dossier,
    torture::{
        kit::Kit,
        line::{Caller, Line as Wire},
        office::{Manners, Office, STATES},
        pace::percentile,
        random::Random,
        report::Line,
    },
};

pub(super) async fn run(plan: &Plan) -> Line {
    let mut plan = plan.clone();
    plan.began = Instant::now();
    let (kit, chaos) = match Kit::behind(plan.seed).await {
        Ok(made) => made,
        Err(why) => return Line::not_run("A1", NAME, why.to_string(), plan.seed),
    };
    let eager = "timeout_ms = 400\nbreaker_failures = 50";
    let portal = "partners/portal.toml";
    kit.site.edit(portal, "timeout_ms = 1500", eager);
    let (listener, address) = Office::place().await;
    let quota = "per_minute = 6000000\nburst = 100000";
    register(&kit.site, "portal", "portal-2", quota);
    let uri = |port: u16| format!("uri = \"https://localhost:{port}\"");
    let second = "partners/portal-2.toml";
    kit.site
        .edit(second, &uri(chaos.address().port()), &uri(address.port()));
    // no two partners have one name on X-Road
    kit.site.edit(second, "/portal\"\n", "/portal-2\"\n");
    let good = Office::open(listener, &kit.site.layout.agency("portal"), plan.seed);
    let process = kit.serve().await;
    let desk = |name: &'static str| Desk::of(&kit, name);
    let (near, far) = (desk("portal-2"), desk("portal"));
    let each = (plan.budget.as_secs_f64() / 16.0).clamp(0.5, 120.0);
    let calm = near.play(&good, Duration::from_secs_f64(each * 3.0)).await;
    let (mut troubled, mut missed) = (Vec::new(), Vec::new());
    for (_, manner, fail) in some(plan.seed) {
        chaos.behave(manner);
        chaos.cut();
        kit.office.behave(Manners {
            fail,
            ..Manners::default()
        });
        missed.extend(far.submit(&mut far.caller.line()).await);
        troubled.extend(near.play(&good, Duration::from_secs_f64(each)).await);
    }
    chaos.behave(crate::torture::chaos::Manner::FAIR);
    chaos.cut();
    kit.office.behave(Manners::default());
    let mut wrong = Vec::new();
    for code in &missed {
        if heard(&kit.office, code).await.is_none() {
            wrong.push(format!("{code} was never told to the end"));
        }
    }
    for office in [&kit.office, &good] {
        wrong.extend(office.read(|book| book.violations.clone()));
    }
    process.terminate(Duration::from_secs(30)).await;
    let figures = judge(&plan, calm, troubled, missed.len(), wrong.as_mut());
    kit.figures(
        "A1",
        NAME,
        figures,
        "p99 <= 1.2 times + 5 ms, all told",
        wrong,
    )
}

const NAME: &str = "trouble on another lane";

/// Some of the troubles, in an order from the seed; the other line of A1 has them all.
fn some(seed: u64) -> impl Iterator<Item = Trouble> {
    let mut order = TROUBLES.to_vec();
    Random::of(seed, &[82]).shuffle(&mut order);
    order.into_iter().take(6)
}

fn judge(
    plan: &Plan,
    calm: Vec<Option<Duration>>,
    troubled: Vec<Option<Duration>>,
    missed: usize,
    wrong: &mut Vec<String>,
) -> Vec<String> {
    let mut late = Vec::new();
    let mut p99 = |all: &[Option<Duration>]| {
        let mut told: Vec<_> = all.iter().flatten().copied().collect();
        if told.len() < all.len() || told.is_empty() {
            wrong.push(format!(
                "of {} dossiers {} were told to the end",
                all.len(),
                told.len()
            ));
        }
        told.sort_unstable();
        percentile(&told, 99)
    };
    let (before, during) = (p99(&calm), p99(&troubled));
    let bound = before.mul_f64(1.2) + Duration::from_millis(5);
    limit(&mut late, "five steps told in trouble", during, bound);
    vec![format!(
        "five steps told to the good portal: p99 {} ms before ({} dossiers), {} ms in trouble ({}, limit {}), {missed} dossiers \
         of the other told after it healed{}",
        before.as_millis(),
        calm.len(),
        during.as_millis(),
        troubled.len(),
        bound.as_millis(),
        plan.judge(late, wrong)
    )]
}

/// One portal's own citizens.
struct Desk {
    name: &'static str,
    caller: Caller,
    key: SigningKey,
    landmarks: Landmarks,
}

impl Desk {
    fn of(kit: &Kit, name: &'static str) -> Self {
        Self {
            name,
            caller: kit.caller(name),
            key: key_of(&kit.site, "portal"),
            landmarks: kit.site.landmarks.clone(),
        }
    }

    /// Submits a dossier; its code, where it was taken.
    async fn submit(&self, line: &mut Wire) -> Option<String> {
        let (now, holder) = (Timestamp::now(), self.landmarks.card_holders.first()?);
        let members = dossier::members(now, holder, &holder.name);
        let message = dossier::message(now, &members).with("iss", self.name);
        let reply = line.exchange(&message.sign(&self.key)).await.ok()?;
        let said: serde_json::Value = serde_json::from_slice(&reply.body).ok()?;
        said["MaHoSo"].as_str().map(str::to_owned)
    }

    /// One dossier after the other at three desks; how long each took from its submission to its last step.
    async fn play(&self, office: &Office, during: Duration) -> Vec<Option<Duration>> {
        let until = Instant::now() + during;
        let desks = (0..3).map(|_| async {
            let (mut line, mut took) = (self.caller.line(), Vec::new());
            while Instant::now() < until {
                let begun = Instant::now();
                let told = match self.submit(&mut line).await {
                    Some(code) => heard(office, &code).await,
                    None => None,
                };
                took.push(told.map(|_| begun.elapsed()));
            }
            took
        });
        join_all(desks).await.concat()
    }
}

/// Waits until a portal has heard the last step of a dossier; nothing after a minute.
async fn heard(office: &Office, code: &str) -> Option<()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let steps = office.read(|book| book.files.get(code).map_or(0, |file| file.states.len()));
        if steps == STATES.len() {
            return Some(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}
