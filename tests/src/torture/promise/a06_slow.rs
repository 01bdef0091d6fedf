//! A6: slow clients. Many connections that are silent, or slow at the handshake, at a head, at a body or at
//! reading, at once: each is closed when its deadline has come, nothing of them stays, and good partners
//! go on.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use certs::tls::{Alpn, ClientStream};
use futures_util::future::join_all;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Plan,
    seen::{self, Before, limit},
};
use crate::torture::{
    frames::{self, kind},
    kit::Kit,
    letter::{Kind, Scribe},
    line::Caller,
    pace::{Lines, Tally},
    random::Random,
    report::{Line, thousands},
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    let short = format!(
        "[limits]\nhandshake_ms = {MS}\nfirst_byte_ms = {MS}\nheader_ms = {MS}\nbody_ms = {MS}\nidle_ms = {IDLE_MS}\n"
    );
    kit.site.edit("gateway.toml", "[limits]\n", &short);
    let process = kit.serve().await;
    let scribe = Scribe::new(&kit.site.layout.agencies(), kit.site.landmarks.clone());
    let write = |nth: u64| {
        scribe
            .write(Kind::Verify, &mut Random::of(nth, &[86]))
            .message
    };
    let good = Lines::new(kit.caller("tax"), 32);
    let every = Duration::from_millis(100);
    let calm = good
        .fire(every, Instant::now() + plan.budget.mul_f64(0.2), write)
        .await;
    let before = Before::of(&process);
    let all = usize::try_from(plan.n.unwrap_or(400)).unwrap_or(400);
    let slow = join_all((0..all).map(|nth| linger(&kit, nth)));
    let until = Instant::now() + plan.budget.mul_f64(0.5).max(Duration::from_secs(5));
    let (ends, shots) = tokio::join!(slow, good.fire(every, until, write));
    let too_many = before.settle(&process, 40, Duration::from_secs(15)).await;
    let grown = before.grown_kb(&process);
    process.terminate(Duration::from_secs(30)).await;
    let (mut wrong, mut late) = (Vec::new(), Vec::new());
    let figures = judge(&ends, &mut wrong, &mut late);
    if too_many > 0 {
        wrong.push(format!("{too_many} descriptors were not given back"));
    }
    // what an allocator keeps of so many connections; a leak of each would be more
    let most_kb = (32 << 10) + 16 * all as u64;
    if grown > most_kb {
        wrong.push(format!("memory grew by {grown} KiB, {most_kb} allowed"));
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
        figures,
        format!(
            "descriptors back, memory +{} MiB (limit {})",
            grown >> 10,
            most_kb >> 10
        ),
        format!(
            "good partner: {} of {} answered, p99 {} ms (calm {} ms){}",
            thousands(busy.done),
            thousands(busy.shots),
            busy.p99.as_millis(),
            calm.p99.as_millis(),
            plan.judge(late, &mut wrong)
        ),
    ];
    let limit = "each closed within its deadline + 1 s";
    vec![seen::line(
        &plan,
        "A6",
        "slow clients",
        figures,
        limit,
        wrong,
    )]
}

/// Handshake, first byte, head and body.
const MS: u64 = 1_500;
const IDLE_MS: u64 = 2_000;

/// In which way a client is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Silent,
    SlowTls,
    SilentAfterTls,
    SlowHead,
    SlowBody,
    NeverReads,
    SilentH2,
    HalfHeadH2,
    SlowBodyH2,
    NeverReadsH2,
}

const WAYS: [Way; 10] = [
    Way::Silent,
    Way::SlowTls,
    Way::SilentAfterTls,
    Way::SlowHead,
    Way::SlowBody,
    Way::NeverReads,
    Way::SilentH2,
    Way::HalfHeadH2,
    Way::SlowBodyH2,
    Way::NeverReadsH2,
];

impl Way {
    /// From when on it counts, it may stay so long.
    fn deadline(self) -> Duration {
        Duration::from_millis(match self {
            // a request that was refused or answered leaves an idle connection
            Self::NeverReads | Self::NeverReadsH2 => IDLE_MS,
            Self::SlowBodyH2 => MS + IDLE_MS,
            _ => MS,
        })
    }
}

/// How one slow client fared: how long it stayed, where it got in at all.
#[derive(Debug)]
struct Stay {
    way: Way,
    stayed: Option<Duration>,
    turned_away: bool,
}

async fn linger(kit: &Kit, nth: usize) -> Stay {
    let way = WAYS[nth % WAYS.len()];
    // strangers are counted by address, partners by name
    let from = IpAddr::V4(Ipv4Addr::new(
        127,
        0,
        1,
        u8::try_from(nth % 50).unwrap_or(0) + 1,
    ));
    let agency = kit
        .site
        .layout
        .agency(["dvclt", "portal"][nth / WAYS.len() % 2]);
    let alpn = match way {
        Way::SilentH2 | Way::HalfHeadH2 | Way::SlowBodyH2 | Way::NeverReadsH2 => Alpn::H2,
        _ => Alpn::Http1,
    };
    let caller = Caller::speaking(&agency, kit.site.address, alpn).from(from);
    // not all in one moment: a flood is another promise's
    tokio::time::sleep(Duration::from_millis(nth as u64 % 1_000)).await;
    let stayed = match way {
        Way::Silent | Way::SlowTls => match caller.tcp().await {
            Ok(stream) => Ok(at_the_door(stream, way).await),
            Err(_) => Err(()),
        },
        _ => match caller.open().await {
            Ok(stream) => Ok(inside(stream, way).await),
            Err(_) => Err(()),
        },
    };
    Stay {
        way,
        stayed: stayed.ok().flatten(),
        turned_away: stayed.is_err(),
    }
}

async fn at_the_door(stream: TcpStream, way: Way) -> Option<Duration> {
    let hello: &[u8] = match way {
        // a record of 512 bytes that never gets whole
        Way::SlowTls => &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3],
        _ => &[],
    };
    drip(stream, &[], hello).await
}

async fn inside(stream: ClientStream<TcpStream>, way: Way) -> Option<Duration> {
    let head = b"POST /civil/v1/LayKetQua HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let h2 = |frames: &[Vec<u8>]| [frames::PREFACE.to_vec(), frames.concat()].concat();
    let settings = frames::frame(kind::SETTINGS, 0, 0, &[]);
    let block = frames::post("/civil/v1/LayKetQua", &[("content-length", "100")]);
    match way {
        Way::SlowHead => drip(stream, b"POST /civil", &head[11..]).await,
        Way::SlowBody => {
            let begun = [&head[..], b"Content-Length: 1000\r\n\r\n"].concat();
            drip(stream, &begun, &[b' '; 500]).await
        }
        Way::NeverReads => {
            let asked = [&head[..], b"Content-Length: 2\r\n\r\n{}"].concat();
            unread(stream, &asked).await
        }
        Way::SilentH2 => drip(stream, &h2(&[settings]), &[]).await,
        Way::HalfHeadH2 => {
            let half = frames::frame(kind::HEADERS, 0, 1, &block);
            drip(stream, &h2(&[settings, half]), &[]).await
        }
        Way::SlowBodyH2 => {
            let begun = frames::frame(kind::HEADERS, frames::END_HEADERS, 1, &block);
            let byte = frames::frame(kind::DATA, 0, 1, b" ");
            drip(stream, &h2(&[settings, begun]), &byte.repeat(50)).await
        }
        Way::NeverReadsH2 => {
            // a window of nothing: the answer cannot be sent
            let none = frames::frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
            let end = frames::frame(kind::DATA, frames::END_STREAM, 1, &[b' '; 100]);
            let begun = frames::frame(kind::HEADERS, frames::END_HEADERS, 1, &block);
            drip(stream, &h2(&[none, begun, end]), &[]).await
        }
        _ => drip(stream, &[], &[]).await,
    }
}

/// Says the first at once and the rest byte by byte, and reads; how long until the end.
async fn drip<IO>(stream: IO, first: &[u8], rest: &[u8]) -> Option<Duration>
where
    IO: AsyncRead + AsyncWrite,
{
    let begun = Instant::now();
    let (mut from, mut to) = tokio::io::split(stream);
    let say = async {
        let _ = to.write_all(first).await;
        let _ = to.flush().await;
        for byte in rest {
            tokio::time::sleep(DRIP).await;
            let _ = to.write_all(&[*byte]).await;
            let _ = to.flush().await;
        }
        std::future::pending::<()>().await
    };
    let hear = async {
        let mut piece = [0; 4096];
        while let Ok(1..) = from.read(&mut piece).await {}
    };
    tokio::select! {
        () = hear => Some(begun.elapsed()),
        () = say => None,
        () = tokio::time::sleep(STAYS) => None,
    }
}

/// Asks and never reads: whether it was closed is found out at the end, when it reads after all.
async fn unread(mut stream: ClientStream<TcpStream>, asked: &[u8]) -> Option<Duration> {
    let begun = Instant::now();
    let _ = stream.write_all(asked).await;
    tokio::time::sleep(Duration::from_millis(IDLE_MS + 500)).await;
    let stayed = begun.elapsed();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(STAYS, stream.read_to_end(&mut rest)).await;
    ended
        .ok()
        .map(|_| stayed.max(begun.elapsed().saturating_sub(SOON)))
}

/// How often a slow client says a byte.
const DRIP: Duration = Duration::from_millis(200);
/// Whoever stays so long has not been closed.
const STAYS: Duration = Duration::from_secs(25);
/// What reading the rest takes.
const SOON: Duration = Duration::from_millis(200);

fn judge(ends: &[Stay], wrong: &mut Vec<String>, late: &mut Vec<String>) -> String {
    let turned_away = ends.iter().filter(|stay| stay.turned_away).count();
    let mut slowest = Duration::ZERO;
    for stay in ends.iter().filter(|stay| !stay.turned_away) {
        match stay.stayed {
            None => wrong.push(format!("{:?}: not closed within {STAYS:?}", stay.way)),
            Some(stayed) => {
                let over = stayed.saturating_sub(stay.way.deadline());
                slowest = slowest.max(over);
                if over > Duration::from_secs(1) {
                    late.push(format!("{:?}: {} ms too long", stay.way, over.as_millis()));
                }
            }
        }
    }
    if turned_away * 2 > ends.len() {
        wrong.push(format!("{turned_away} of {} did not get in", ends.len()));
    }
    format!(
        "{} of {} kinds, {turned_away} turned away at the door, all others closed, at most {} ms after their deadline (limit 1,000)",
        thousands(ends.len() as u64),
        WAYS.len(),
        slowest.as_millis()
    )
}
