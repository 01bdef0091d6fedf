//! How much, how many and how long.

use std::{path::PathBuf, time::Duration};

use super::read::section;

section! {
    /// Every bound on what comes in.
    pub Limits {
        /// Connections at once, all peers together.
        connections: usize = 4_096 => 1..=1_000_000,
        /// Connections at once of one peer.
        connections_per_peer: usize = 512 => 1..=100_000,
        /// A TLS handshake, milliseconds.
        handshake_ms: u64 = 5_000 => 100..=60_000,
        /// From the handshake to the first byte of a request, milliseconds.
        first_byte_ms: u64 = 10_000 => 100..=120_000,
        /// A whole request head, milliseconds.
        header_ms: u64 = 5_000 => 100..=60_000,
        /// A whole request body, milliseconds.
        body_ms: u64 = 15_000 => 100..=600_000,
        /// A connection without a request, milliseconds.
        idle_ms: u64 = 60_000 => 1_000..=3_600_000,
        /// Headers in one request.
        headers_max: usize = 64 => 8..=1_024,
        /// All headers of one request, bytes.
        header_bytes: usize = 16_384 => 8_192..=1_048_576,
        /// A request body, bytes; a route may allow less.
        body_bytes_max: usize = 8_388_608 => 1_024..=16_777_216,
        /// The bodies of all messages in the rooms, bytes; half of it at most for one peer, or one body.
        body_bytes_in_flight_max: usize = 134_217_728 => 1_024..=68_719_476_736,
        /// HTTP/2: streams at once on one connection.
        h2_streams: u32 = 128 => 1..=1_000,
        /// Messages in the rooms at once; above it they are shed.
        in_flight_max: usize = 1_024 => 1..=100_000,
        /// How long a message may take where neither route nor caller says less, milliseconds.
        deadline_ms: u64 = 10_000 => 100..=120_000,
        /// How long messages in the rooms may take to finish when the gateway stops, seconds.
        drain_seconds: u64 = 20 => 1..=300,
        /// One count of all replicas' messages; each replica counts for itself where absent.
        shared: Option<SharedLimits>,
    }
}

section! {
    /// Quotas counted by all replicas together. While Redis does not answer each replica counts for itself.
    pub SharedLimits {
        /// Where Redis is: `unix:///path/to/socket`, `rediss://host:port`, or `redis://` on this machine;
        /// `user@` may stand before the host.
        redis: String,
        /// A user for a Unix socket; elsewhere it stands in the url.
        user: Option<String>,
        /// File with the password on its first line; mode 0600 or, for a group, 0640.
        password_file: Option<PathBuf>,
        /// Environment variable with the password.
        password_env: Option<String>,
        /// Authorities that the server's certificate must lead to, PEM; needed for `rediss://`.
        anchors: Option<PathBuf>,
        /// What every key begins with; installations that share a Redis need different ones.
        prefix: String = "lienthong".to_owned(),
        /// How long one decision may take, milliseconds; then the replica's own count decides.
        timeout_ms: u64 = 50 => 1..=10_000,
    }
}

impl Limits {
    /// How long a TLS handshake may take.
    #[must_use]
    pub fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms)
    }

    /// How long a message may take where nobody says less.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// How long messages in the rooms may take to finish when the gateway stops.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
