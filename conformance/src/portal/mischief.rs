//! What can be made to go wrong at the portal, for tests of the gateway's outbox.

use std::time::Duration;

use crate::security_server::Wrong;

/// Knobs; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many calls are acted upon, and their replies never sent.
    pub drop_replies: u32,
    /// So many calls find their session ended.
    pub expire_sessions: u32,
    /// So many calls are acted upon and answered as if the dossier had been there before.
    pub claim_exists: u32,
    /// So many calls are answered with HTTP 500 and not acted upon.
    pub server_errors: u32,
    /// So many calls are refused in words that repeat all that was sent, and not acted upon.
    pub echoes: u32,
    /// So many logins are refused.
    pub refuse_logins: u32,
    /// Calls through X-Road that go wrong on the way back, from the last; they were acted upon.
    pub on_xroad: Vec<Wrong>,
    /// Every reply waits so long.
    pub delay: Duration,
}

impl Mischief {
    /// Uses one of a counter up; whether there was one.
    pub(super) fn take(&mut self, counter: fn(&mut Self) -> &mut u32) -> bool {
        let left = counter(self);
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }
}
