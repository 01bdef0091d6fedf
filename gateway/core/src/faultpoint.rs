//! Places where a test may end the process: each between something durable and its acknowledgement.
//!
//! Only a build with the feature `faultpoints` has them; in every other the macro is nothing. Such a
//! build ends itself, without a destructor, where the variable `LIENTHONG_FAULTPOINT` says so:
//! `t1-after@3` is the third time that T1 has been written.

/// Every point, in the order of a message's way.
pub const POINTS: &[&str] = &[
    "t1-before",
    "t1-after",
    "store-commit-before",
    "store-commit-after",
    "perform-before",
    "registry-commit-before",
    "registry-commit-after",
    "perform-after",
    "sign-before",
    "sign-after",
    "t2-before",
    "t2-after",
    "read-before",
    "read-after",
    "resume-before",
    "resume-after",
    "feed-lease-before",
    "feed-lease-after",
    "feed-put-before",
    "feed-put-after",
    "feed-ack-before",
    "feed-ack-after",
    "lease-before",
    "lease-after",
    "sending-before",
    "sending-after",
    "send-before",
    "send-after",
    "settle-before",
    "settle-after",
];

/// Ends the process here, where a build for it is told to.
#[cfg(feature = "faultpoints")]
#[macro_export]
macro_rules! faultpoint {
    ($name:literal) => {
        $crate::faultpoint::reached($name)
    };
}

/// Nothing: this build has no fault points.
#[cfg(not(feature = "faultpoints"))]
#[macro_export]
macro_rules! faultpoint {
    ($name:literal) => {};
}

/// Called at each point; does not return where this is the one.
#[cfg(feature = "faultpoints")]
pub fn reached(name: &'static str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };
    static CHOSEN: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static TIMES: AtomicU64 = AtomicU64::new(0);
    let chosen = CHOSEN.get_or_init(|| {
        let text = std::env::var("LIENTHONG_FAULTPOINT").ok()?;
        let (name, nth) = text.split_once('@')?;
        Some((name.to_owned(), nth.parse().ok()?))
    });
    let Some((wanted, nth)) = chosen else { return };
    if wanted == name && TIMES.fetch_add(1, Ordering::Relaxed) + 1 == *nth {
        eprintln!("faultpoint {name}");
        std::process::abort();
    }
}
