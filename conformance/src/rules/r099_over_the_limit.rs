//! A bounded burst of pings must meet the agreed limit, and the refusal must say when to come back.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "099-over-the-limit",
    title: "Over the limit is told with 429, Retry-After and RateLimit headers",
    citation: "RFC 6585 §4; RFC 9110 §10.2.3",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    for _ in 0..ROUNDS {
        let burst = (0..TOGETHER)
            .map(|_| async { Ok::<_, Stop>(tax.client().send(ping(tax)?.request()?).await?) });
        for reply in futures_util::future::try_join_all(burst).await? {
            if reply.status == 200 {
                continue;
            }
            refused(
                &reply,
                FaultCode::RateLimited,
                &["sender-operation", "peer-route"],
            )?;
            let number = |name: &str| reply.header(name).and_then(|text| text.parse::<u64>().ok());
            holds(
                number("retry-after").is_some_and(|wait| (1..=3_600).contains(&wait)),
                "no Retry-After in seconds",
            )?;
            for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
                holds(number(name).is_some(), &format!("no {name}"))?;
            }
            return holds(
                number("ratelimit-remaining") == Some(0),
                "something remains over the limit",
            );
        }
    }
    not_run(format!("no limit met within {} pings", ROUNDS * TOGETHER))
}

/// Few enough not to hurt a gateway without limit.
const ROUNDS: usize = 50;
const TOGETHER: usize = 8;
