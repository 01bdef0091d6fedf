//! Where partners, payment platforms and operators connect, and who the operators are.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use schemas::id::PartnerId;

use super::{read::section, value::words};

section! {
    /// Where partners connect.
    pub Listen {
        /// Address to bind.
        address: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// Port to bind; 0 takes any free one.
        port: u16 = 8443,
        /// Connections that may wait in the kernel.
        backlog: u32 = 1024 => 1..=65_535,
    }
}

section! {
    /// Where operators connect: gRPC admin.v1, metrics and probes.
    pub Admin {
        /// Address to bind: without TLS a loopback address, unless danger.admin_beyond_loopback.
        address: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// Port to bind; 0 takes any free one.
        port: u16 = 9443,
        /// Mutual TLS; plain where absent, which production refuses.
        tls: Option<AdminTls>,
    }
}

section! {
    /// TLS of the admin listener.
    pub AdminTls {
        /// Our certificate chain there, leaf first, PEM.
        cert: PathBuf,
        /// Its private key, PKCS#8 PEM, mode 0600 or, for a group, 0640.
        key: PathBuf,
        /// Authorities that operators' certificates must lead to, PEM.
        anchors: PathBuf,
    }
}

words! {
    /// What an operator may do; each may what those before it may.
    #[derive(PartialOrd, Ord)]
    Role {
        /// See how things stand.
        Viewer = "viewer",
        /// See messages, run the outbox, stop a partner or an operation.
        Operator = "operator",
        /// Look up who asked about a person, take back a stop, retire a partner, release a restored store.
        SecurityOfficer = "security-officer",
    }
}

section! {
    /// An operator.
    pub OperatorLine {
        /// Its name, as it stands in the journal beside what it did.
        name: String,
        /// Its certificate: the one URI among its alternative names, or `spki:` and 64 hex digits.
        peer: String,
        /// What it may do.
        role: Role,
    }
}

section! {
    /// Probes and metrics only: no message, no partner, no gRPC.
    pub Health {
        /// Address to bind.
        address: IpAddr,
        /// Port to bind; 0 takes any free one.
        port: u16,
    }
}

section! {
    /// Where a payment platform without a client certificate calls back: one path, proven by its keyed hash.
    pub CallbackListen {
        /// Address to bind.
        address: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// Port to bind; 0 takes any free one.
        port: u16 = 8444,
        /// Whose callbacks they are: a partner with `[payment]`.
        partner: PartnerId,
        /// Connections at once.
        connections: usize = 64 => 1..=10_000,
        /// Connections of one address at once.
        per_address: usize = 8 => 1..=10_000,
    }
}

impl Role {
    /// The word in the config.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::SecurityOfficer => "security-officer",
        }
    }
}

impl Listen {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl CallbackListen {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl Admin {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl Health {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}
