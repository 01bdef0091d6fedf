//! From a connection string to a session with whichever host takes writes.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::select_ok;
use gateway_core::tls::PostgresTls;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::{PostgresParams, SCHEMA, Session};
use crate::sql::{Error, Result};

/// Where to connect to, checked.
#[derive(Clone)]
pub(crate) struct Target {
    hosts: Vec<Config>,
    /// What `pg_stat_activity` calls its sessions.
    pub(crate) name: String,
    tls: Option<PostgresTls>,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) schema_check: Duration,
    pub(crate) open_patience: Duration,
}

impl Target {
    /// Checks the connection string; `role` names the session in `pg_stat_activity`.
    ///
    /// # Errors
    /// What is wrong, without the url.
    pub(crate) fn new(params: &PostgresParams, role: &str) -> std::result::Result<Self, String> {
        let parsed: Config = params
            .url
            .parse()
            .map_err(|_| "the url is not a PostgreSQL connection string".to_owned())?;
        let count = parsed.get_hosts().len();
        if count == 0 || parsed.get_dbname().is_none() || parsed.get_user().is_none() {
            return Err("the url must name user, host and database".to_owned());
        }
        if !(parsed.get_ports().len() <= 1 || parsed.get_ports().len() == count) {
            return Err("the url must name one port, or one for each host".to_owned());
        }
        if !parsed.get_hostaddrs().is_empty() {
            return Err("the url may not name hostaddr".to_owned());
        }
        // The server cuts a name at 63 bytes.
        let name: String = format!("lienthong {role}")
            .chars()
            .filter(char::is_ascii)
            .take(63)
            .collect();
        let hosts = (0..count).map(|at| one_host(params, &parsed, at, &name));
        Ok(Self {
            hosts: hosts.collect::<std::result::Result<_, _>>()?,
            name: name.clone(),
            tls: params.tls.clone().map(PostgresTls),
            connect_timeout: params.connect_timeout,
            statement_timeout: params.statement_timeout,
            schema_check: params.schema_check,
            open_patience: params.open_patience,
        })
    }

    /// Asks all hosts at once and takes the first that takes writes.
    ///
    /// Not to be called on a thread that drives a runtime: the session brings its own.
    pub(crate) fn connect(&self) -> Result<Session> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Gone(error.to_string()))?;
        let (client, alone) = runtime.block_on(async {
            let tries = self.hosts.iter().map(|host| {
                Box::pin(async {
                    tokio::time::timeout(self.connect_timeout, self.reach(host))
                        .await
                        .unwrap_or(Err(Error::Late(self.connect_timeout.as_millis())))
                })
            });
            select_ok(tries).await.map(|(reached, _)| reached)
        })?;
        let patience = self.statement_timeout;
        Ok(Session::new(runtime, client, patience, alone))
    }

    async fn reach(&self, host: &Config) -> Result<(Client, Arc<AtomicBool>)> {
        let alone = Arc::new(AtomicBool::new(false));
        let client = match &self.tls {
            Some(tls) => {
                let (client, connection) = host.connect(tls.clone()).await?;
                drive(connection, &alone);
                client
            }
            None => {
                let (client, connection) = host.connect(NoTls).await?;
                drive(connection, &alone);
                client
            }
        };
        client.batch_execute(&self.settings()).await?;
        let row = client.query_one(STANDING, &[]).await?;
        if row.get::<_, i32>(0) < VERSION_MIN {
            return Err(Error::Gone("the server is older than PostgreSQL 15".into()));
        }
        if row.get::<_, bool>(1) {
            return Err(Error::Gone("the server takes no writes".into()));
        }
        Ok((client, alone))
    }

    /// Every look-up here goes by an index: plans that read whole tables are ruled out beforehand. A
    /// synchronous standby that is asked for more than `on` stays so. A session that stands still inside
    /// a transaction must not hold its locks.
    fn settings(&self) -> String {
        let patience = self.statement_timeout.as_millis();
        format!(
            "SET search_path = {SCHEMA}; SET statement_timeout = {patience}; \
            SET lock_timeout = {}; SET idle_in_transaction_session_timeout = 2000; \
            SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; \
            SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; \
            SET client_connection_check_interval = 1000; SET jit = off; SET plan_cache_mode = force_generic_plan; SET client_min_messages = warning; \
            SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
            WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)",
            patience / 3
        )
    }
}

/// Carries what is said to and fro, and notes in `alone` when the server gives up waiting for its
/// synchronous standby: it says so before it says that the commit is done.
fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, alone: &Arc<AtomicBool>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let alone = Arc::clone(alone);
    tokio::spawn(async move {
        while let Some(said) = poll_fn(|cx| connection.poll_message(cx)).await {
            match said {
                Ok(AsyncMessage::Notice(notice)) => {
                    let told = notice.message();
                    tracing::warn!(told, "the database warns");
                    if *notice.code() == SqlState::WARNING {
                        alone.store(true, Ordering::SeqCst);
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let error = Error::Postgres(error);
                    tracing::warn!(%error, "a connection to the database has ended");
                    return;
                }
            }
        }
    });
}

/// The same settings for one host of the url.
fn one_host(
    params: &PostgresParams,
    parsed: &Config,
    at: usize,
    name: &str,
) -> std::result::Result<Config, String> {
    let mut config = Config::new();
    let port = parsed.get_ports().get(at).or(parsed.get_ports().first());
    config
        .user(parsed.get_user().unwrap_or_default())
        .dbname(parsed.get_dbname().unwrap_or_default())
        .port(*port.unwrap_or(&5432))
        .application_name(name)
        .connect_timeout(params.connect_timeout)
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(10));
    match (&params.password, parsed.get_password()) {
        (Some(password), _) => config.password(password),
        (None, Some(password)) => config.password(password),
        (None, None) => &mut config,
    };
    match &parsed.get_hosts()[at] {
        // What libpq takes for two hosts is one folder's name here.
        Host::Unix(folder) if folder.as_os_str().as_encoded_bytes().contains(&b',') => {
            return Err("several hosts stand before the database's name, not in ?host=".to_owned());
        }
        Host::Unix(folder) => {
            config.host_path(folder).ssl_mode(SslMode::Disable);
        }
        Host::Tcp(name) => {
            let plain = parsed.get_ssl_mode() == SslMode::Disable;
            let near = matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1");
            let mode = match (plain, params.tls.is_some()) {
                (true, _) if near || params.danger_plain => SslMode::Disable,
                (true, _) => return Err("sslmode=disable reaches over the network".to_owned()),
                (false, true) => SslMode::Require,
                (false, false) => {
                    return Err("the server cannot be proven without anchors".to_owned());
                }
            };
            config.host(name).ssl_mode(mode);
        }
    }
    Ok(config)
}

const VERSION_MIN: i32 = 150_000;
const STANDING: &str = "SELECT current_setting('server_version_num')::integer, \
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean";

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str) -> Option<String> {
        PostgresParams::new(url).problem()
    }

    #[test]
    fn a_url_says_who_where_and_what() {
        assert_eq!(problem("postgresql:///db?host=/tmp&user=me"), None);
        assert_eq!(problem("host=/tmp,/var/tmp user=me dbname=db"), None);
        for url in [
            "postgresql://me@/db",
            "postgresql:///db?host=/tmp",
            "postgresql:///?host=/tmp&user=me",
        ] {
            assert!(problem(url).unwrap().contains("must name"), "{url}");
        }
        assert!(
            problem("what?")
                .unwrap()
                .contains("not a PostgreSQL connection string")
        );
        let ports = "host=/a,/b,/c port=1,2 user=me dbname=db";
        assert!(problem(ports).unwrap().contains("one port"));
    }

    #[test]
    fn a_network_url_without_proof_of_the_server_is_refused() {
        let far = "postgresql://me@db.example/db";
        assert!(problem(far).unwrap().contains("without anchors"));
        let plain = format!("{far}?sslmode=disable");
        assert!(problem(&plain).unwrap().contains("over the network"));
        let mut danger = PostgresParams::new(plain);
        danger.danger_plain = true;
        assert_eq!(danger.problem(), None);
        assert_eq!(
            problem("postgresql://me@127.0.0.1:5433/db?sslmode=disable"),
            None
        );
    }

    #[test]
    fn the_url_and_the_password_are_never_printed() {
        let mut params = PostgresParams::new("postgresql://me:secret@db/x");
        params.password = Some("secret".into());
        assert!(!format!("{params:?}").contains("secret"));
        assert!(!params.problem().unwrap().contains("secret"));
    }
}
