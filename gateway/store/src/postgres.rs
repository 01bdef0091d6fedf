//! The store on PostgreSQL 15 or newer: connections, the chain that this process holds, the writer.
//!
//! It refuses to know what the commands do: they are the same as on SQLite.

pub(crate) mod ahead;
pub(crate) mod backup;
mod chain;
mod connect;
pub(crate) mod keeper;
pub(crate) mod migrate;
pub(crate) mod partitions;
mod patience;
pub(crate) mod pending;
mod session;
pub(crate) mod writer;

use std::fmt;
use std::time::Duration;

use gateway_core::tls::Connector;

pub(crate) use chain::{base_of, chain_of};
pub(crate) use connect::Target;
pub(crate) use patience::{Patience, passes};
pub(crate) use session::Session;

/// Where the database is and how long it may take; [`PostgresParams::new`] fills in the defaults.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresParams {
    /// A libpq connection string, `postgresql://user@host1,host2/database` or `host=… user=…`. With
    /// several hosts the one that takes writes is used.
    pub url: String,
    /// The password, where the url has none.
    pub password: Option<String>,
    /// Proves the server. Without it only Unix sockets and this machine's own addresses are reached.
    pub tls: Option<Connector>,
    /// How long a connection may take to be made. Default 500 ms.
    pub connect_timeout: Duration,
    /// How long a batch or a look-up may take before it is given up. Default 800 ms.
    pub statement_timeout: Duration,
    /// How long opening waits for locks that others hold, such as a replica that migrates or forgets.
    /// Default 30 s.
    pub open_patience: Duration,
    /// How long journal partitions are kept attached; none for ever. Default none.
    pub keep: Option<Duration>,
    /// How often a running store looks whether it still understands the schema. Default 30 s.
    pub schema_check: Duration,
    /// Reach a database over the network without TLS. Default no.
    pub danger_plain: bool,
}

impl PostgresParams {
    /// The defaults for this connection string.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            tls: None,
            connect_timeout: Duration::from_millis(500),
            statement_timeout: Duration::from_millis(800),
            open_patience: Duration::from_secs(30),
            keep: None,
            schema_check: Duration::from_secs(30),
            danger_plain: false,
        }
    }

    /// Whether the connection string itself holds a password.
    #[must_use]
    pub fn holds_password(&self) -> bool {
        let parsed = self.url.parse::<tokio_postgres::Config>();
        parsed.is_ok_and(|parsed| parsed.get_password().is_some())
    }

    /// What is wrong with the connection string, without quoting it; none where nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        Target::new(self, "check").err()
    }
}

impl fmt::Debug for PostgresParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresParams")
            .field("url", &"REDACTED")
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

/// All tables stand here.
pub(crate) const SCHEMA: &str = "lienthong_store";
