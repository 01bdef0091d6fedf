//! Where messages are kept: a file of our own, or a database that all replicas share.

use std::{sync::Arc, time::Duration};

use gateway_core::{ports::Clock, seal::Vault};
use gateway_store::{Engine, PostgresParams, StoreParams};

use super::{
    Config, Store, StoreEngine,
    registry::{Wrong, connector},
    secret,
};

/// The store that `[store]` names, with the bounds that it sets.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn params(
    config: &Config,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
) -> Result<StoreParams, Wrong> {
    let store = &config.store;
    let mut params = StoreParams::on(engine(config)?, vault, clock);
    params.lease = Duration::from_secs(store.lease_seconds);
    params.queue_max = store.queue;
    if store.engine == StoreEngine::Postgres {
        params.readers = store.pool;
        params.writer = store.writer.clone().unwrap_or_else(host_name);
    } else if let Some(writer) = &store.writer {
        params.writer.clone_from(writer);
    }
    Ok(params)
}

/// Where it is kept.
pub(crate) fn engine(config: &Config) -> Result<Engine, Wrong> {
    let store = &config.store;
    match (store.engine, &store.path) {
        (StoreEngine::Sqlite, Some(path)) => Ok(Engine::Sqlite(path.clone())),
        (StoreEngine::Sqlite, None) => Err((
            "store.path",
            "`store.path` is missing, and the engine is sqlite".to_owned(),
            "add `path = \"store.sqlite\"`, or set engine = \"postgres\"",
        )),
        (StoreEngine::Postgres, _) => database(config).map(Engine::Postgres),
    }
}

/// The store in a few words, without a secret.
pub(crate) fn shown(store: &Store) -> String {
    match (store.engine, &store.path) {
        (StoreEngine::Sqlite, Some(path)) => path.display().to_string(),
        (StoreEngine::Sqlite, None) => "no file".to_owned(),
        (StoreEngine::Postgres, _) => "postgresql".to_owned(),
    }
}

fn database(config: &Config) -> Result<PostgresParams, Wrong> {
    let store = &config.store;
    let (key, url) = match (&store.url, &store.url_file) {
        (Some(url), None) => ("store.url", without_password(url)?),
        (None, Some(file)) => (
            "store.url_file",
            secret::first_line("store.url_file", file)?,
        ),
        (Some(_), Some(_)) => {
            let what = "`store.url` and `store.url_file` are both there".to_owned();
            return Err(("store.url_file", what, "keep one of them"));
        }
        (None, None) => {
            return Err((
                "store.url",
                "`store.url` is missing, and the engine is postgres".to_owned(),
                "add `url = \"postgresql://user@host/database\"`, or `url_file` where it holds a password",
            ));
        }
    };
    let mut params = PostgresParams::new(url);
    params.connect_timeout = Duration::from_millis(store.connect_timeout_ms);
    params.statement_timeout = Duration::from_millis(store.timeout_ms);
    params.keep = store
        .keep_weeks
        .map(|weeks| Duration::from_secs(u64::from(weeks) * WEEK));
    params.danger_plain = config.danger.store_without_tls;
    params.tls = store
        .anchors
        .as_deref()
        .map(|file| connector("store.anchors", file, params.connect_timeout))
        .transpose()?;
    if store.keep_weeks == Some(0) {
        let what = "`store.keep_weeks` is 0: ids would be forgotten within their window".to_owned();
        return Err(("store.keep_weeks", what, "keep at least one week"));
    }
    match params.problem() {
        None => Ok(params),
        Some(what) => Err((key, format!("`{key}`: {what}"), FORM)),
    }
}

fn without_password(url: &str) -> Result<String, Wrong> {
    match PostgresParams::new(url).holds_password() {
        false => Ok(url.to_owned()),
        true => Err((
            "store.url",
            "`store.url` holds a password".to_owned(),
            "put the url into a file of mode 0600 and name it as `url_file`",
        )),
    }
}

/// A replica's name where nobody gave it one: on Kubernetes a stateful pod's, which it keeps.
fn host_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    if name.is_empty() {
        "gateway".to_owned()
    } else {
        name
    }
}

const FORM: &str =
    "write postgresql://user@host[,host]/database, and name the server's authority as `anchors`";
const WEEK: u64 = 7 * 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_belongs_into_a_file() {
        let wrong = without_password("postgresql://me:secret@localhost/db").unwrap_err();
        assert_eq!(wrong.0, "store.url");
        assert!(!wrong.1.contains("secret"));
        without_password("postgresql://me@localhost/db").unwrap();
    }
}
