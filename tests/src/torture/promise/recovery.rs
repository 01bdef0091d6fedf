//! The mark: so many messages were past T1 when the gateway was killed. How long until it takes new
//! ones, and how fast the old ones are brought to their end.

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
        load::Shape,
        random::Random,
        report::{Line, thousands},
    },
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    let rows = plan.n.unwrap_or(2_000);
    leave(&kit, rows, None).await;
    let mut process = kit.launch.serve(&kit.site);
    let ready = match process.ready(READY_MAX).await {
        Ok(ready) => ready,
        Err(why) => return vec![kit.broken("MARK", NAME, why)],
    };
    let load = kit.load(Shape {
        senders: 4,
        mix: Mix::BIRTHS,
        ..Shape::USUAL
    });
    while load.answered() == 0 && process.started.elapsed() < READY_MAX {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let first_answer = process.started.elapsed();
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
    let rate = before.saturating_sub(left) as f64 / took.as_secs_f64();
    let figures = vec![
        format!("{} rows in flight", thousands(rows)),
        format!("ready after {} ms", ready.as_millis()),
        format!(
            "first new answer after {} ms{}",
            first_answer.as_millis(),
            plan.judge(late, &mut wrong)
        ),
        format!("{rate:.0} old ones a second, {} left", thousands(left)),
    ];
    vec![kit.figures(
        "MARK",
        NAME,
        figures,
        "taking messages within 5,000 ms",
        wrong,
    )]
}

const NAME: &str = "recovery after a kill";
const MARK: Duration = Duration::from_secs(5);

/// What a gateway leaves that is killed with so many messages past T1, and whose senders never ask
/// again; no gateway may run. They are noted as sent.
pub(super) async fn leave(kit: &Kit, rows: u64, ledger: Option<&Ledger>) {
    let vault = Vault::open_or_create(&kit.site.layout.gateway("seal.key")).unwrap();
    let path = kit.data("store.sqlite");
    let mut params = StoreParams::new(path, Arc::new(vault), Arc::new(SystemClock));
    params.lease = Duration::from_secs(1);
    let store = Arc::new(Store::open(params).unwrap());
    let mut scribe = Scribe::new(&kit.site.layout.agencies(), kit.site.landmarks.clone());
    // numbers that no load comes to, new ones each time; a serial has six digits
    let from = 100_000 + u32::try_from(Timestamp::now().as_millisecond() % 200_000).unwrap_or(0);
    scribe.skip_births(from);
    let mut random = Random::of(kit.seed, &[30]);
    let entries: Vec<_> = (0..rows)
        .map(|_| {
            let letter = scribe.write(Kind::Birth, &mut random);
            ledger.inspect(|ledger| ledger.sent(&letter));
            entry(letter)
        })
        .collect();
    let claims = stream::iter(entries).map(|entry| {
        let store = Arc::clone(&store);
        async move { store.claim(entry).await.unwrap() }
    });
    let claimed: Vec<_> = claims.buffer_unordered(512).collect().await;
    assert!(claimed.iter().all(|claimed| *claimed == Claimed::New));
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
        body: Bytes::from(letter.message.body),
    }
}

fn open_claims(kit: &Kit) -> u64 {
    let open = "SELECT count(*) FROM inbox WHERE answer IS NULL";
    kit.store().count(open)
}
