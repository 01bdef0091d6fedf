//! Clients that send what somebody has in stock: as fast as they are answered, or at a rate.

use std::{
    error::Error,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use conformance::identity::Identity;

use super::{
    clients::{Letter, Line, Load, connect, exchange},
    scene::Scene,
};

type Trouble = Box<dyn Error + Send + Sync>;

/// Whoever has something to say.
pub(super) trait Stock: Sync {
    /// Who it is.
    fn identity(&self) -> &Identity;

    /// The next piece: its letters, each sent once the one before is answered.
    fn next(&self) -> Result<Vec<Letter>, Trouble>;
}

/// When a run is over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// After so long.
    Over(Duration),
    /// After so many pieces.
    Done(usize),
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) clients: u16,
    pub(super) until: Until,
    /// Pieces each second, all clients together; as many as are answered where none.
    pub(super) pace: Option<f64>,
}

/// Runs; a letter that is not answered with 200 ends it.
pub(super) async fn drive(scene: &Scene, stock: &impl Stock, run: Run) -> Result<Load, Trouble> {
    let (mut lines, sent) = (Vec::new(), AtomicUsize::new(0));
    for _ in 0..run.clients {
        let socket = scene.config.listen.socket();
        lines.push(connect(socket, stock.identity()).await?);
    }
    let started = Instant::now();
    let running = lines
        .into_iter()
        .map(|line| one(line, stock, run, (&sent, started)));
    let ended = futures_util::future::join_all(running).await;
    let wall = started.elapsed();
    let mut latencies_us = Vec::new();
    for client in ended {
        latencies_us.extend(client?);
    }
    latencies_us.sort_unstable();
    Ok(Load { wall, latencies_us })
}

/// One client; of a paced run each piece is timed from when it was due, however long the one before it took.
async fn one(
    mut line: Line,
    stock: &impl Stock,
    run: Run,
    (sent, started): (&AtomicUsize, Instant),
) -> Result<Vec<u32>, Trouble> {
    let mut latencies = Vec::new();
    loop {
        let nth = sent.fetch_add(1, Ordering::Relaxed);
        let due = match run.pace {
            None => Instant::now(),
            Some(pace) => started + Duration::from_secs_f64(nth as f64 / pace),
        };
        let is_over = match run.until {
            Until::Over(length) => due >= started + length,
            Until::Done(pieces) => nth >= pieces,
        };
        if is_over {
            return Ok(latencies);
        }
        tokio::time::sleep_until(due.into()).await;
        for letter in stock.next()? {
            exchange(&mut line, letter).await?;
        }
        latencies.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}
