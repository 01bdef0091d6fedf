//! How a line behaves, said in full: nothing here depends on luck but what has a percentage.

use std::time::Duration;

/// How the whole line behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// What happens to a connection that comes.
    pub door: Door,
    /// What the caller says.
    pub there: Way,
    /// What it is told.
    pub back: Way,
    /// A message that comes back waits until one of another connection has overtaken it, but no longer
    /// than this.
    pub reorder: Option<Duration>,
}

/// What happens to a connection that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// It is carried.
    Open,
    /// It is taken, and nothing is ever said: a black hole behind a load balancer.
    Silent,
    /// Nobody takes it; it waits in the kernel.
    Unanswered,
    /// It is reset at once.
    Reset,
    /// Its handshake is refused by a fatal alert.
    NoTls,
}

/// How one direction behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Every piece is so late.
    pub delay: Duration,
    /// And so much more at most, by dice; pieces keep their order, as in TCP.
    pub jitter: Duration,
    /// Of a hundred pieces, how many are lost once: TCP sends them again after [`Way::RESENT_AFTER`].
    pub loss: u64,
    /// Bytes a second.
    pub rate: Option<u64>,
    /// Nothing moves; what is under way arrives when this ends.
    pub frozen: bool,
    /// How a message ends before its end.
    pub end: Option<End>,
}

/// Something happens inside a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// So many messages of a connection go whole first, such as those of a TLS handshake.
    pub spares: u64,
    /// After so many bytes of it.
    pub after: u64,
    /// What happens.
    pub how: Ending,
}

/// What happens inside a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// RST to both ends.
    Reset,
    /// This direction is closed as if all had been said; the other goes on.
    HalfClose,
    /// The rest never comes, and the connection stays open.
    Hang,
}

impl Way {
    /// Everything at once.
    pub const FAIR: Self = Self {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0,
        rate: None,
        frozen: false,
        end: None,
    };
    /// How much later a piece arrives that was lost once: the first retransmission timeout of Linux.
    pub const RESENT_AFTER: Duration = Duration::from_millis(200);

    /// So many bytes a second.
    #[must_use]
    pub const fn at(rate: u64) -> Self {
        Self {
            rate: Some(rate),
            ..Self::FAIR
        }
    }

    /// A message ends so after so many bytes.
    #[must_use]
    pub const fn ending(after: u64, how: Ending) -> Self {
        Self {
            end: Some(End {
                spares: 0,
                after,
                how,
            }),
            ..Self::FAIR
        }
    }

    /// The same once a TLS handshake is over: hello and the caller's own proof go whole.
    #[must_use]
    pub const fn ending_inside_tls(after: u64, how: Ending) -> Self {
        Self {
            end: Some(End {
                spares: 2,
                after,
                how,
            }),
            ..Self::FAIR
        }
    }
}

impl Manner {
    /// A good line.
    pub const FAIR: Self = Self {
        door: Door::Open,
        there: Way::FAIR,
        back: Way::FAIR,
        reorder: None,
    };
    /// Both directions stand still, whatever is open stays open.
    pub const FROZEN: Self = {
        let way = Way {
            frozen: true,
            ..Way::FAIR
        };
        Self {
            there: way,
            back: way,
            ..Self::FAIR
        }
    };

    /// A line with this door.
    #[must_use]
    pub const fn door(door: Door) -> Self {
        Self { door, ..Self::FAIR }
    }

    /// A line whose way back is so.
    #[must_use]
    pub const fn back(back: Way) -> Self {
        Self { back, ..Self::FAIR }
    }
}
