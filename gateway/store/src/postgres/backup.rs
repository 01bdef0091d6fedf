//! What a backup of a database needs beside PostgreSQL's own programs: where the chains stand, a named point
//! in the log, and how those programs are told where the server is.

use gateway_core::seal::Vault;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::{PostgresParams, Target, base_of};
use crate::sql::{Connection, params};
use crate::{OpenError, Verified, anchor};

/// Where each chain stands, as its sealed head says: at least this is in a base backup that begins now.
///
/// # Errors
/// Where the database is not reached, or a head does not open with this vault.
pub fn heads(database: &PostgresParams, vault: &Vault) -> Result<Vec<Verified>, OpenError> {
    on_session(database, |conn| {
        let mut chains = conn.prepare_cached("SELECT id, writer, anchor FROM chain ORDER BY id")?;
        let chains = chains.query_map([], |row| {
            Ok((
                row.get::<i64>(0)?,
                row.get::<String>(1)?,
                row.get::<Vec<u8>>(2)?,
            ))
        })?;
        let open = |chain: crate::sql::Result<(i64, String, Vec<u8>)>| {
            let (id, writer, sealed) = chain?;
            let head = anchor::open(vault, &writer, &sealed).ok_or(OpenError::OtherKey)?;
            Ok(Verified {
                records: (head.seq - base_of(id)).unsigned_abs(),
                head: head.hash,
                writer,
                erased: 0,
                checkpoints: 0,
                signer: None,
            })
        };
        chains.map(open).collect()
    })
}

/// Names the present place in the server's log, for a recovery to end at; gives the place.
///
/// # Errors
/// Where the database is not reached, or this user may not.
pub fn restore_point(database: &PostgresParams, name: &str) -> Result<String, OpenError> {
    on_session(database, |conn| {
        let sql = "SELECT pg_create_restore_point(?1)::text";
        Ok(conn.query_row(sql, params![name], |row| row.get(0))?)
    })
}

impl PostgresParams {
    /// The environment that tells libpq's programs where the server is: nothing of it is seen in a list of
    /// processes. What proves the server is left to the caller.
    ///
    /// # Errors
    /// Where the connection string cannot be used.
    pub fn environment(&self) -> Result<Vec<(&'static str, String)>, OpenError> {
        let parsed = self.parsed()?;
        let hosts = parsed.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let ports = parsed.get_ports().iter().map(u16::to_string);
        let mut all = vec![
            ("PGHOST", hosts.collect::<Vec<_>>().join(",")),
            ("PGPORT", ports.collect::<Vec<_>>().join(",")),
            ("PGUSER", parsed.get_user().unwrap_or_default().to_owned()),
            (
                "PGDATABASE",
                parsed.get_dbname().unwrap_or_default().to_owned(),
            ),
            ("PGTARGETSESSIONATTRS", "read-write".to_owned()),
        ];
        if parsed.get_ssl_mode() == SslMode::Disable {
            all.push(("PGSSLMODE", "disable".to_owned()));
        }
        let theirs = parsed.get_password().map(String::from_utf8_lossy);
        if let Some(password) = self.password.clone().or(theirs.map(Into::into)) {
            all.push(("PGPASSWORD", password));
        }
        all.retain(|(_, value)| !value.is_empty());
        Ok(all)
    }

    /// The same user and database on a server that listens in this folder and asks for no password.
    ///
    /// # Errors
    /// Where the connection string cannot be used.
    pub fn at_socket(&self, folder: &std::path::Path) -> Result<Self, OpenError> {
        let parsed = self.parsed()?;
        let quoted = |text: &str| format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"));
        let url = format!(
            "host={} user={} dbname={} sslmode=disable",
            quoted(&folder.display().to_string()),
            quoted(parsed.get_user().unwrap_or_default()),
            quoted(parsed.get_dbname().unwrap_or_default())
        );
        Ok(Self::new(url))
    }

    fn parsed(&self) -> Result<Config, OpenError> {
        // an error would quote the string
        let parsed = self.url.parse();
        parsed.map_err(|_| OpenError::Url("it is no PostgreSQL connection string".into()))
    }
}

/// A session brings a runtime of its own, and the caller's thread may drive one already.
fn on_session<T: Send>(
    database: &PostgresParams,
    work: impl FnOnce(&Connection) -> Result<T, OpenError> + Send,
) -> Result<T, OpenError> {
    let target = Target::new(database, "backup").map_err(OpenError::Url)?;
    std::thread::scope(|scope| {
        let work = scope.spawn(|| work(&Connection::Postgres(target.connect()?)));
        let gone = |_| Err(OpenError::Database("it panicked".into()));
        work.join().unwrap_or_else(gone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_by_their_environment_where_the_server_is() {
        let mut params = PostgresParams::new("host=/run/a,db.example port=1,2 user=me dbname=it");
        params.password = Some("secret".into());
        let told = params.environment().unwrap();
        let is = |name: &str| {
            told.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.as_str())
        };
        assert_eq!(is("PGHOST"), Some("/run/a,db.example"));
        assert_eq!(is("PGPORT"), Some("1,2"));
        assert_eq!((is("PGUSER"), is("PGDATABASE")), (Some("me"), Some("it")));
        assert_eq!((is("PGPASSWORD"), is("PGSSLMODE")), (Some("secret"), None));
        let near = params.at_socket(std::path::Path::new("/tmp/it's")).unwrap();
        let told = near.environment().unwrap();
        assert!(told.contains(&("PGHOST", "/tmp/it's".into())), "{told:?}");
        assert!(told.contains(&("PGUSER", "me".into())));
    }
}
