//! A7: floods over HTTP/2, each on a connection of its own, by frames that no good client sends. Each ends
//! in GOAWAY or in the end of the connection, and costs little memory and time; a good partner goes on.

use std::time::{Duration, Instant};

use certs::tls::Alpn;

use super::{
    Plan,
    seen::{self, Before, limit},
};
use crate::torture::{
    frames::{self, END_HEADERS, END_STREAM, Flooded, flood, frame, kind},
    kit::Kit,
    letter::{Kind, Scribe},
    line::Caller,
    pace::{Lines, Tally},
    process::Process,
    random::Random,
    report::{Line, thousands},
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    kit.site.edit(
        "gateway.toml",
        "[limits]\n",
        "[limits]\nfirst_byte_ms = 2000\nidle_ms = 2000\nbody_ms = 2000\n",
    );
    let process = kit.serve().await;
    let scribe = Scribe::new(&kit.site.layout.agencies(), kit.site.landmarks.clone());
    let write = |nth: u64| {
        scribe
            .write(Kind::Verify, &mut Random::of(nth, &[87]))
            .message
    };
    let good = Lines::new(kit.caller("tax"), 32);
    let every = Duration::from_millis(150);
    let calm = good
        .fire(every, Instant::now() + plan.budget.mul_f64(0.15), write)
        .await;
    let agency = kit.site.layout.agency("dvclt");
    let caller = Caller::speaking(&agency, kit.site.address, Alpn::H2);
    let mut seen = Seen::default();
    let before = Before::of(&process);
    let until = plan.began + plan.budget;
    let floods = async {
        for way in WAYS {
            if Instant::now() < until {
                seen.attack(&caller, &process, way).await;
            }
        }
    };
    let watch = good.fire(every, until, write);
    let ((), shots) = tokio::join!(floods, watch);
    let too_many = before.settle(&process, 40, Duration::from_secs(10)).await;
    let grown = before.grown_kb(&process);
    let ended = process.terminate(Duration::from_secs(30)).await;
    let (mut wrong, mut late) = (seen.wrong, seen.late);
    if ended.is_none_or(|status| !status.success()) {
        wrong.push(format!("the gateway ended with {ended:?}"));
    }
    if grown > 64 << 10 {
        wrong.push(format!("memory grew by {grown} KiB"));
    }
    if too_many > 0 {
        wrong.push(format!("{too_many} descriptors were not given back"));
    }
    let (calm, busy) = (Tally::of(&calm), Tally::of(&shots));
    if busy.done < busy.shots {
        wrong.push(format!(
            "a good partner was not answered: {:?}",
            busy.not_done
        ));
    }
    limit(&mut late, "p99 of a good partner", busy.p99, calm.p99 * 2);
    let figures = vec![
        format!("{} floods: {}", seen.told.len(), seen.told.join(", ")),
        format!("memory +{} MiB (limit 64)", grown >> 10),
        format!(
            "good partner: {} of {} answered, p99 {} ms (calm {} ms){}",
            busy.done,
            busy.shots,
            busy.p99.as_millis(),
            calm.p99.as_millis(),
            plan.judge(late, &mut wrong)
        ),
    ];
    let limit = "each ended, one core-second each";
    vec![seen::line(
        &plan,
        "A7",
        "HTTP/2 floods",
        figures,
        limit,
        wrong,
    )]
}

/// What is said again and again.
#[derive(Debug, Clone, Copy)]
enum Way {
    RapidReset,
    MadeYouReset,
    Continuation,
    EmptyData,
    Crumbs,
    Settings,
    Ping,
    WindowUpdates,
    ManyStreams,
    HpackBomb,
    ZeroWindow,
    UnknownFrames,
}

const WAYS: [Way; 12] = [
    Way::RapidReset,
    Way::MadeYouReset,
    Way::Continuation,
    Way::EmptyData,
    Way::Crumbs,
    Way::Settings,
    Way::Ping,
    Way::WindowUpdates,
    Way::ManyStreams,
    Way::HpackBomb,
    Way::ZeroWindow,
    Way::UnknownFrames,
];

/// A head that waits for its body.
fn open(stream: u32, more: &[(&str, &str)]) -> Vec<u8> {
    let block = frames::post("/civil/v1/NhanDKHT", more);
    frame(kind::HEADERS, END_HEADERS, stream, &block)
}

/// The client's nth stream.
fn nth_stream(nth: u64) -> u32 {
    u32::try_from(nth % (1 << 30)).unwrap_or(0) * 2 + 1
}

impl Way {
    fn opening(self) -> Vec<u8> {
        let settings = frame(kind::SETTINGS, 0, 0, &[]);
        let more = match self {
            Self::Continuation => {
                let block = frames::post("/civil/v1/NhanDKHT", &[]);
                frame(kind::HEADERS, 0, 1, &block)
            }
            Self::EmptyData | Self::Crumbs => open(1, &[]),
            Self::ZeroWindow => frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]),
            _ => Vec::new(),
        };
        [settings, more].concat()
    }

    /// The nth round; nothing where all has been said.
    fn round(self, nth: u64) -> Option<Vec<u8>> {
        let stream = nth_stream(nth);
        Some(match self {
            Self::RapidReset => {
                let reset = frame(kind::RST_STREAM, 0, stream, &8_u32.to_be_bytes());
                [open(stream, &[]), reset].concat()
            }
            // more body than announced: it is the server that resets
            Self::MadeYouReset => {
                let more = frame(kind::DATA, END_STREAM, stream, b"more");
                [open(stream, &[("content-length", "1")]), more].concat()
            }
            Self::Continuation => {
                let block = frames::literals(&[("x-more", &"x".repeat(200))]);
                frame(kind::CONTINUATION, 0, 1, &block).repeat(16)
            }
            Self::EmptyData => frame(kind::DATA, 0, 1, &[]).repeat(200),
            Self::Crumbs => frame(kind::DATA, 0, 1, b" ").repeat(200),
            Self::Settings => frame(kind::SETTINGS, 0, 0, &[]).repeat(200),
            Self::Ping => frame(kind::PING, 0, 0, b"12345678").repeat(200),
            Self::WindowUpdates => {
                frame(kind::WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()).repeat(200)
            }
            Self::ManyStreams => open(stream, &[]),
            Self::HpackBomb => {
                // one entry of the table, and then its index again and again (RFC 7541, 6.1)
                let value = "x".repeat(3_900);
                let mut block = frames::post("/civil/v1/NhanDKHT", &[]);
                let mut entry = frames::literals(&[("x-bomb", &value)]);
                entry[0] = 0x40;
                block.extend(entry);
                block.extend([0xbe].repeat(8_000));
                frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &block)
            }
            Self::ZeroWindow if nth >= 100 => return None,
            Self::ZeroWindow => {
                let body = frame(kind::DATA, END_STREAM, stream, b"{}");
                [open(stream, &[]), body].concat()
            }
            Self::UnknownFrames => frame(0x77, 0, 0, &[0; 1_000]).repeat(10),
        })
    }
}

#[derive(Default)]
struct Seen {
    told: Vec<String>,
    wrong: Vec<String>,
    late: Vec<String>,
}

impl Seen {
    async fn attack(&mut self, caller: &Caller, process: &Process, way: Way) {
        let before = Before::of(process);
        let flooded = match caller.open().await {
            Ok(stream) => flood(stream, way.opening(), |nth| way.round(nth), WITHIN).await,
            Err(broken) => {
                self.wrong.push(format!("{way:?}: {broken:?}"));
                return;
            }
        };
        let (spent, grown) = (before.spent(process), before.grown_kb(process));
        let Flooded {
            rounds,
            goaway,
            ended,
        } = flooded;
        match ended {
            None => self.wrong.push(format!(
                "{way:?}: not ended within {WITHIN:?}, {rounds} rounds"
            )),
            Some(ended) => self.told.push(format!(
                "{way:?} {} after {} rounds, {} ms, {} ms of processor",
                goaway.map_or("closed".to_owned(), |code| format!("GOAWAY {code}")),
                thousands(rounds),
                ended.as_millis(),
                spent.as_millis()
            )),
        }
        if grown > 64 << 10 {
            self.wrong
                .push(format!("{way:?}: memory grew by {grown} KiB"));
        }
        limit(
            &mut self.late,
            &format!("{way:?}, processor"),
            spent,
            Duration::from_secs(1),
        );
    }
}

/// Longer than every deadline of a connection that was told here.
const WITHIN: Duration = Duration::from_secs(12);
