//! Where a PostgreSQL server is; its password is never shown.

use std::fmt;
use std::time::Duration;

use certs::tls::{Connector, PostgresTls};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// A parsed url of a PostgreSQL database; with several hosts the one that may be written to is used.
#[derive(Clone)]
pub struct Address {
    config: Box<Config>,
    tls: Option<PostgresTls>,
}

/// Why a url is not one of a PostgreSQL database that can be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// Not `postgresql://…`, or a parameter that nobody knows.
    #[error("not a url of a PostgreSQL database: postgresql://user@host[,host]/database")]
    Malformed,
    /// The url names no database.
    #[error("the url names no database")]
    NoDatabase,
    /// The url asks for TLS, and nobody said which authority the server's certificate leads to.
    #[error("sslmode=require needs the anchors that the server's certificate leads to")]
    Unproven,
    /// TLS is spoken with hosts, and the url names a Unix socket or turns TLS off.
    #[error("anchors are for hosts over a network, without sslmode=disable")]
    NoTls,
}

impl Address {
    /// Parses a url, and prepares what every session has: bounds on connecting and on a dead network.
    ///
    /// # Errors
    /// Where it is not a url of a database; the text is never repeated, since it may hold a password.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let address = Self::read(url)?;
        match address.config.get_ssl_mode() {
            SslMode::Disable | SslMode::Prefer => Ok(address),
            _ => Err(AddressError::Unproven),
        }
    }

    /// The same, each session over TLS with a server that this connector has proven.
    ///
    /// # Errors
    /// As [`Address::parse`], and where a host is no host of a network or TLS is turned off.
    pub fn secured(url: &str, connector: Connector) -> Result<Self, AddressError> {
        let mut address = Self::read(url)?;
        let hosts = address.config.get_hosts();
        let all_far = hosts.iter().all(|host| matches!(host, Host::Tcp(_)));
        if !all_far || hosts.is_empty() || address.config.get_ssl_mode() == SslMode::Disable {
            return Err(AddressError::NoTls);
        }
        address.config.ssl_mode(SslMode::Require);
        address.tls = Some(PostgresTls(connector));
        Ok(address)
    }

    fn read(url: &str) -> Result<Self, AddressError> {
        if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
            return Err(AddressError::Malformed);
        }
        let mut config: Config = url.trim().parse().map_err(|_| AddressError::Malformed)?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(AddressError::NoDatabase);
        }
        config
            .application_name("lienthong-registry")
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(Duration::from_secs(3))
            .keepalives_idle(Duration::from_secs(10))
            .tcp_user_timeout(Duration::from_secs(10));
        Ok(Self {
            config: Box::new(config),
            tls: None,
        })
    }

    /// Hosts and database, without user and password.
    #[must_use]
    pub fn shown(&self) -> String {
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(folder) => folder.display().to_string(),
            })
            .collect();
        let database = self.config.get_dbname().unwrap_or_default();
        format!("postgresql://{}/{database}", hosts.join(","))
    }

    /// Whether what is said can be read on the way: a host is named that is neither a Unix socket nor this
    /// machine, and it is not spoken to over TLS.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.tls.is_none() && self.crosses_a_network()
    }

    fn crosses_a_network(&self) -> bool {
        let is_here = |name: &str| {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        };
        let hosts = self.config.get_hosts();
        hosts
            .iter()
            .any(|host| matches!(host, Host::Tcp(name) if !is_here(name)))
            || (hosts.is_empty()
                && !self
                    .config
                    .get_hostaddrs()
                    .iter()
                    .all(|one| one.is_loopback()))
    }

    /// Whether the url holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    pub(super) fn tls(&self) -> Option<&PostgresTls> {
        self.tls.as_ref()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use certs::{
        pki::Authority,
        tls::{Anchors, ClientParams},
    };

    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address =
            Address::parse("postgresql://gate:hidden@one.example,two.example/people").unwrap();
        assert_eq!(
            format!("{address:?}"),
            "postgresql://one.example,two.example/people"
        );
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let refused = |url| Address::parse(url).unwrap_err();
        assert_eq!(refused("sqlite://file"), AddressError::Malformed);
        assert_eq!(
            refused("postgresql://host/db?no_such=1"),
            AddressError::Malformed
        );
        assert_eq!(refused("postgresql://host"), AddressError::NoDatabase);
        assert_eq!(
            refused("postgresql://host/db?sslmode=require"),
            AddressError::Unproven
        );
    }

    #[test]
    fn a_secured_address_names_hosts_and_is_exposed_to_nobody() {
        let authority = Authority::generate("test", jiff::Timestamp::UNIX_EPOCH).unwrap();
        let connector = Connector::new(ClientParams {
            identity: None,
            anchors: Anchors::from_pem(authority.root_pem().as_bytes()).unwrap(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: Duration::from_secs(1),
            alpn: Vec::new(),
        })
        .unwrap();
        let far = "postgresql://me@db.example/people";
        assert!(Address::parse(far).unwrap().is_exposed());
        assert!(
            !Address::secured(far, connector.clone())
                .unwrap()
                .is_exposed()
        );
        for wrong in [
            "postgresql:///people?host=/tmp&user=me",
            "postgresql://me@db.example/people?sslmode=disable",
        ] {
            let refused = Address::secured(wrong, connector.clone()).unwrap_err();
            assert_eq!(refused, AddressError::NoTls, "{wrong}");
        }
    }
}
