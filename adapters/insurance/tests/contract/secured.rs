//! A registry whose PostgreSQL stands behind a network: spoken to over TLS, and only with a proven server.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    time::Duration,
};

use certs::{
    pki::{Authority, IssueParams, Usage},
    tls::{Anchors, ClientParams, Connector},
};
use insurance::{
    registry::{OpenError, Place, migrate},
    sql::Address,
};
use jiff::Timestamp;
use schemas::proto::insurance::InfoRequest;

use crate::{
    pg::Cluster,
    scene::{Time, open},
};

/// A cluster that takes TLS on an address of loopback of its own, and nothing else there.
fn secured_cluster(authority: &Authority) -> Option<(Cluster, String)> {
    let mut cluster = Cluster::start()?;
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let address = format!("127.77.{high}.{}", low.clamp(1, 254));
    let params = IssueParams {
        ips: vec![address.parse().unwrap()],
        ..IssueParams::new("database", Usage::Server, Timestamp::now())
    };
    let issued = authority.issue(&params).unwrap();
    let rules = "local all all trust\nhostssl all all 127.0.0.0/8 trust\n";
    let files = [
        ("server.pem", issued.chain_pem.as_str()),
        ("server.key", issued.key_pem.as_str()),
        ("pg_hba.conf", rules),
    ];
    let owner = fs::metadata(cluster.data()).unwrap();
    for (name, text) in files {
        let file = cluster.data().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let listen = format!("listen_addresses={address}");
    cluster.restart(&[
        "fsync=off",
        "ssl=on",
        "ssl_cert_file=server.pem",
        "ssl_key_file=server.key",
        &listen,
    ]);
    Some((cluster, address))
}

fn connector(authority: &Authority) -> Connector {
    Connector::new(ClientParams {
        identity: None,
        anchors: Anchors::from_pem(authority.root_pem().as_bytes()).unwrap(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(30),
        alpn: Vec::new(),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_behind_a_network_is_reached_over_tls_and_only_where_the_server_is_proven() {
    let now = Timestamp::now();
    let authority = Authority::generate("test", now).unwrap();
    let Some((cluster, host)) = secured_cluster(&authority) else {
        return;
    };
    cluster.psql("postgres", "CREATE DATABASE people");
    let url = format!("postgresql://postgres@{host}/people");
    let secured = |authority: &Authority| {
        Place::Server(Address::secured(&url, connector(authority)).unwrap())
    };
    let place = secured(&authority);
    migrate(&place, None).unwrap();
    let registry = open(&place, &Time::new());
    let info = registry.info(InfoRequest {}).await.unwrap();
    assert_eq!(info.people, 0);
    let sessions = "SELECT count(*) > 0, count(*) FILTER (WHERE NOT ssl), min(version) \
        FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'people'";
    assert_eq!(cluster.psql("postgres", sessions), "t|0|TLSv1.3");
    drop(registry);

    let stranger = Authority::generate("test", now).unwrap();
    let in_clear = Place::Server(Address::parse(&url).unwrap());
    for refused in [secured(&stranger), in_clear] {
        let error = migrate(&refused, None).unwrap_err();
        assert!(matches!(error, OpenError::Storage(_)), "{error}");
    }
}
