//! The mark: so many messages were past T1 when the gateway was killed. How long from the start of the next
//! one until it answers a new message, and until it answers those of the old ones that are asked for again:
//! none of them may have to wait behind the others. And how fast those that nobody asks for are brought to
//! their end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use certs::seal::Vault;
use futures_util::{StreamExt as _, stream};
use gateway_core::{
    head::Evidence,
    ports::{Claimed, Entry, MessageLog as _, SystemClock},
};
use gateway_store::{Store, StoreParams};
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};

use super::Plan;
use crate::{
    message::content_digest,
    torture::{
        kit::{FINISH_MAX, Kit, READY_MAX},
        ledger::Ledger,
        letter::{Kind, Letter, Mix, Scribe},
        line::Caller,
        load::Shape,
        random::Random,
        report::{Line, thousands},
    },
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let name = format!("recovery after a kill ({})", plan.engine.word());
    let kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("MARK", &name, why, plan.seed)],
    };
    let rows = plan.n.unwrap_or(2_000);
    let mut old = leave(&kit, rows, None).await;
    old.truncate(ASKED_AGAIN);
    let mut process = kit.launch.serve(&kit.site);
    let ready = match process.ready(READY_MAX).await {
        Ok(ready) => ready,
        Err(why) => return vec![kit.broken("MARK", &name, why)],
    };
    let load = kit.load(Shape {
        senders: 4,
        mix: Mix::BIRTHS,
        ..Shape::USUAL
    });
    let asked_again = ask_again(&kit, old, process.started);
    let first = async {
        while load.answered() == 0 && process.started.elapsed() < READY_MAX {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        process.started.elapsed()
    };
    let (first_answer, asked_again) = tokio::join!(first, asked_again);
    let begun = Instant::now();
    let before = open_claims(&kit);
    while open_claims(&kit) > 4 && plan.has_time() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (left, took) = (open_claims(&kit), begun.elapsed());
    let mut load = load;
    load.finish(FINISH_MAX).await;
    process.terminate(Duration::from_secs(30)).await;
    let (mut wrong, mut late) = (Vec::new(), Vec::new());
    if first_answer > MARK {
        late.push(format!(
            "new messages after {} ms",
            first_answer.as_millis()
        ));
    }
    if asked_again > MARK {
        late.push(format!("old ones after {} ms", asked_again.as_millis()));
    }
    let rate = before.saturating_sub(left) as f64 / took.as_secs_f64();
    let figures = vec![
        format!("{} rows in flight", thousands(rows)),
        format!("ready after {} ms", ready.as_millis()),
        format!(
            "first new answer after {} ms, {ASKED_AGAIN} old ones asked again after {} ms{}",
            first_answer.as_millis(),
            asked_again.as_millis(),
            plan.judge(late, &mut wrong)
        ),
        format!("{rate:.0} old ones a second, {} left", thousands(left)),
    ];
    vec![kit.figures(
        "MARK",
        &name,
        figures,
        "new and old messages answered within 5,000 ms",
        wrong,
    )]
}

const MARK: Duration = Duration::from_secs(5);
/// How many of the old ones' senders ask again: here and there among all that were left.
const ASKED_AGAIN: usize = 32;

/// Sends old messages again, as their senders would; how long after the start the last one was answered.
async fn ask_again(kit: &Kit, old: Vec<Letter>, started: Instant) -> Duration {
    let caller = Caller::new(&kit.site.layout.agency("dvclt"), kit.site.address);
    let each = old.into_iter().map(|letter| {
        let mut line = caller.line();
        async move {
            while started.elapsed() < READY_MAX {
                match line.exchange(&letter.message).await {
                    Ok(reply) if reply.status == 200 => break,
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }
    });
    futures_util::future::join_all(each).await;
    started.elapsed()
}

/// What a gateway leaves that is killed with so many messages past T1, and whose senders never ask
/// again; no gateway may run. They are noted as sent. Gives a few of them, from here and there.
pub(super) async fn leave(kit: &Kit, rows: u64, ledger: Option<&Ledger>) -> Vec<Letter> {
    let vault = Vault::open_or_create(&kit.site.layout.gateway("seal.key")).unwrap();
    let mut params = StoreParams::on(kit.engine(), Arc::new(vault), Arc::new(SystemClock));
    if kit.cluster.is_some() {
        // it leaves what a dead gateway of this name would
        params.writer = "one".to_owned();
    }
    params.lease = Duration::from_secs(1);
    let store = Arc::new(Store::open(params).unwrap());
    let mut scribe = Scribe::new(&kit.site.layout.agencies(), kit.site.landmarks.clone());
    // numbers that no load comes to, new ones each time; a serial has six digits
    let from = 100_000 + u32::try_from(Timestamp::now().as_millisecond() % 200_000).unwrap_or(0);
    scribe.skip_births(from);
    let mut random = Random::of(kit.seed, &[30]);
    let every = rows.div_ceil(ASKED_AGAIN as u64).max(1);
    let mut some = Vec::new();
    let entries: Vec<_> = (0..rows)
        .map(|nth| {
            let letter = scribe.write(Kind::Birth, &mut random);
            ledger.inspect(|ledger| ledger.sent(&letter));
            if nth % every == 0 {
                some.push(letter.clone());
            }
            entry(letter)
        })
        .collect();
    let claims = stream::iter(entries).map(|entry| {
        let store = Arc::clone(&store);
        async move { store.claim(entry).await.unwrap() }
    });
    let claimed: Vec<_> = claims.buffer_unordered(512).collect().await;
    assert!(claimed.iter().all(|claimed| *claimed == Claimed::New));
    some
}

fn entry(letter: Letter) -> Entry {
    let partner = PartnerId::parse("dvclt").unwrap();
    let digest = content_digest("civil.birth", "dvclt", "vss", &letter.message.body);
    let now = Timestamp::now();
    Entry {
        evidence: Evidence::fresh(),
        sender: partner.clone(),
        id: MessageId::parse(&letter.id).unwrap(),
        operation: "civil.birth",
        digest: hex::decode(digest).unwrap().try_into().unwrap(),
        received_at: now,
        sent_at: now,
        fresh: true,
        peer: partner,
        peer_certificate: [1; 32],
        road: "direct",
        path: letter.message.path.to_owned(),
        proof: "jws",
        rule: "SANDBOX-CIVIL-01/civil.birth".to_owned(),
        purpose: civil::PURPOSE.to_owned(),
        fields: String::new(),
        content_type: letter.message.content_type,
        signature: letter.message.signature,
        attested: None,
        body: Bytes::from(letter.message.body),
    }
}

fn open_claims(kit: &Kit) -> u64 {
    let open = "SELECT count(*) FROM inbox WHERE answer IS NULL";
    kit.store().count(open)
}
