//! A5: hostile requests are cheap to refuse. Each case of a catalogue comes many times at once; none is
//! accepted, none breaks anything, and what it costs is bounded: processor time, memory, and the bodies of
//! all of them in sum. A good partner goes on.

mod catalogue;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    Plan,
    seen::{self, Before, limit},
};
use crate::{
    client::read_reply,
    torture::{
        kit::Kit,
        letter::{Kind, Scribe},
        line::Caller,
        pace::{Lines, Tally},
        process::Process,
        random::Random,
        report::{Line, thousands},
    },
};
use catalogue::Case;

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    let bodies = format!(
        "[limits]\nbody_bytes_max = {BODY}\nbody_bytes_in_flight_max = {BODIES}\nbody_ms = 3000\n"
    );
    kit.site.edit("gateway.toml", "[limits]\n", &bodies);
    let process = kit.serve().await;
    let scribe = Scribe::new(&kit.site.layout.agencies(), kit.site.landmarks.clone());
    let good = Lines::new(kit.caller("tax"), 32);
    let every = Duration::from_millis(200);
    let write = |nth: u64| {
        scribe
            .write(Kind::Verify, &mut Random::of(nth, &[85]))
            .message
    };
    let quiet = good
        .fire(every, Instant::now() + plan.budget.mul_f64(0.15), write)
        .await;
    let mut seen = Seen::default();
    let before = Before::of(&process);
    let at_once = usize::try_from(plan.n.unwrap_or(4)).unwrap_or(4);
    let mut cases = catalogue::all();
    Random::of(plan.seed, &[84]).shuffle(&mut cases);
    let all = cases.len();
    let until = plan.began + plan.budget.mul_f64(0.8);
    let hostile = async {
        for case in cases {
            if Instant::now() < until {
                seen.attack(&kit, &process, &case, at_once).await;
            }
        }
        let spent = before.spent(&process);
        let grown = before.grown_kb(&process);
        let sum = sum(&kit.caller("dvclt"), &process).await;
        (spent, grown, sum)
    };
    let watch = good.fire(every, until + Duration::from_secs(2), write);
    let ((spent, grown, sum), shots) = tokio::join!(hostile, watch);
    let too_many = before.settle(&process, 40, Duration::from_secs(10)).await;
    let ended = process.terminate(Duration::from_secs(30)).await;
    let (mut wrong, mut late) = (std::mem::take(&mut seen.wrong), Vec::new());
    if ended.is_none_or(|status| !status.success()) {
        wrong.push(format!("the gateway ended with {ended:?}"));
    }
    if too_many > 0 {
        wrong.push(format!("{too_many} descriptors were not given back"));
    }
    let (calm, busy) = (Tally::of(&quiet), Tally::of(&shots));
    if busy.done < busy.shots {
        wrong.push(format!(
            "a good partner was not answered: {:?}",
            busy.not_done
        ));
    }
    limit(&mut late, "p99 of a good partner", busy.p99, calm.p99 * 2);
    let each = spent / u32::try_from(seen.asked.max(1)).unwrap_or(u32::MAX);
    limit(
        &mut late,
        "processor time of one",
        each,
        Duration::from_millis(50),
    );
    // of the requests at once, each may hold so much; what an allocator keeps is in it
    let most_kb = (16 << 10) * at_once as u64;
    if grown > most_kb {
        wrong.push(format!("memory grew by {grown} KiB, {most_kb} allowed"));
    }
    let sum = sum.unwrap_or_else(|why| {
        wrong.push(why);
        String::new()
    });
    let figures = vec![
        format!(
            "{} of {all} cases x {at_once}: {} refused, {} closed, {:.1} ms of processor each (limit 50; the good partner's in it; most \
             {} ms: {}), \
             memory +{} MiB (limit {})",
            seen.cases,
            thousands(seen.refused),
            thousands(seen.closed),
            each.as_secs_f64() * 1_000.0,
            seen.dearest.0.as_millis(),
            seen.dearest.1,
            grown >> 10,
            most_kb >> 10
        ),
        sum,
        format!(
            "good partner: {} of {} answered, p99 {} ms (calm {} ms){}",
            busy.done,
            busy.shots,
            busy.p99.as_millis(),
            calm.p99.as_millis(),
            plan.judge(late, &mut wrong)
        ),
    ];
    vec![seen::line(
        &plan,
        "A5",
        "hostile requests",
        figures,
        "0 accepted, 0 broken",
        wrong,
    )]
}

/// One body, and all of them, bytes; half of it for one peer.
const BODY: usize = 1 << 20;
const BODIES: usize = 4 << 20;

#[derive(Default)]
struct Seen {
    cases: u64,
    asked: u64,
    refused: u64,
    closed: u64,
    /// The case that cost most processor time, and how much for one request.
    dearest: (Duration, &'static str),
    wrong: Vec<String>,
}

impl Seen {
    async fn attack(&mut self, kit: &Kit, process: &Process, case: &Case, at_once: usize) {
        self.cases += 1;
        let before = Before::of(process);
        let caller = kit.caller(case.partner);
        let all = (0..at_once).map(|_| one(&caller, &case.bytes));
        for status in join_all(all).await {
            self.asked += 1;
            match status {
                Some(400..=499 | 503) => self.refused += 1,
                None => self.closed += 1,
                Some(status) => self.wrong.push(format!("{}: answered {status}", case.name)),
            }
        }
        let each = before.spent(process) / u32::try_from(at_once.max(1)).unwrap_or(u32::MAX);
        self.dearest = self.dearest.max((each, case.name));
    }
}

/// Says it on a connection of its own; the status of the reply, or nothing where there was none.
async fn one(caller: &Caller, bytes: &[u8]) -> Option<u16> {
    let exchange = async {
        let stream = caller.open().await.ok()?;
        let (mut from, mut to) = tokio::io::split(stream);
        let say = async {
            let _ = to.write_all(bytes).await; // it may be refused before it is read whole
            let _ = to.flush().await;
            std::future::pending::<()>().await
        };
        let mut said = Vec::new();
        let hear = async {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut piece).await {
                said.extend_from_slice(&piece[..count]);
                if said.len() >= 12 {
                    break;
                }
            }
        };
        tokio::select! {
            () = hear => {}
            () = say => {}
        }
        std::str::from_utf8(said.get(9..12)?).ok()?.parse().ok()
    };
    tokio::time::timeout(Duration::from_secs(20), exchange)
        .await
        .unwrap_or(Some(0)) // nobody answered and nobody closed
}

/// Bodies that stop before their end, more than there is room for: what is held stays within the budget,
/// and who finds no room is told to come later.
async fn sum(caller: &Caller, process: &Process) -> Result<String, String> {
    let head = format!(
        "POST /civil/v1/NhanDKHT HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        BODY - 1
    );
    let most = 700 << 10;
    let half = [head.into_bytes(), vec![b' '; most]].concat();
    let hold = async |_| {
        let mut stream = caller.open().await.ok()?;
        let _ = stream.write_all(&half).await;
        let reply = tokio::time::timeout(Duration::from_secs(8), read_reply(&mut stream)).await;
        Some(reply.ok()??.header("lienthong-fault").to_owned())
    };
    let holders = join_all((0..12).map(hold));
    let held = async {
        let mut held = 0.0_f64;
        for _ in 0..40 {
            let now = process.metric("lienthong_body_bytes_inside").await;
            held = held.max(now.unwrap_or(0.0));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        held
    };
    let (ends, held) = tokio::join!(holders, held);
    let shed = ends
        .iter()
        .flatten()
        .filter(|fault| *fault == "OVERLOADED")
        .count();
    if held > BODIES as f64 {
        return Err(format!(
            "{held} bytes of bodies were held, {BODIES} allowed"
        ));
    }
    if shed == 0 || held < most as f64 {
        return Err(format!(
            "no budget at work: {held} bytes held, ends {ends:?}"
        ));
    }
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    Ok(format!(
        "12 bodies at once: at most {:.1} MiB held (limit {} for one peer), {shed} told to come later",
        mib(held),
        BODIES >> 21
    ))
}
