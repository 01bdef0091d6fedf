//! When a peer's certificate was judged, by what was known then, and whether that still holds.

use std::time::Duration;

use tokio::time::Instant;

/// The last judgement of an open connection's peer. A connection outlives what was known at its handshake: a
/// list names the certificate, an anchor goes, the certificate ends.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    by: u64,
    at: Instant,
}

impl Judged {
    /// Judged now, by what the counter of changes stood for **before** the judgement: what changes meanwhile
    /// is then seen at the next look.
    pub(super) fn by(counter: u64) -> Self {
        Self {
            by: counter,
            at: Instant::now(),
        }
    }

    /// Judges anew where the counter has moved or [`HOLDS`] is over; a refusal holds as long as it is asked again.
    pub(super) fn hold<E>(
        &mut self,
        counter: u64,
        judge: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        if counter == self.by && self.at.elapsed() < HOLDS {
            return Ok(());
        }
        judge()?;
        *self = Self::by(counter);
        Ok(())
    }
}

/// How long a judgement holds where nothing was heard: certificates and lists end by themselves.
const HOLDS: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_judgement_holds_half_a_minute_or_until_something_is_heard() {
        let (mut judged, mut asked) = (Judged::by(7), 0);
        let mut look = |counter, verdict: Result<(), &'static str>| {
            let mut times = 0;
            let said = judged.hold(counter, || {
                times += 1;
                verdict
            });
            asked += times;
            (said, asked)
        };
        assert_eq!(look(7, Err("unasked")), (Ok(()), 0));
        assert_eq!(look(8, Ok(())), (Ok(()), 1));
        assert_eq!(look(8, Err("unasked")), (Ok(()), 1));
        tokio::time::advance(HOLDS).await;
        assert_eq!(look(8, Err("ended")), (Err("ended"), 2));
        assert_eq!(
            look(8, Err("ended")),
            (Err("ended"), 3),
            "no refusal is forgotten"
        );
    }
}
