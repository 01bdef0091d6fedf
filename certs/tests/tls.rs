//! Mutual TLS over real loopback sockets: who gets in, and the reason of everybody who does not.

use std::sync::Arc;
use std::time::Duration;

use certs::pki::{Authority, IssueParams, Issued, KeyChoice, Usage};
use certs::tls::{
    Accepted, Acceptor, Alpn, Anchors, ClientParams, Connector, HandshakeError, Identity,
    RevocationList, ServerParams,
};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::AUTHORITY;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn client() -> IssueParams {
    IssueParams {
        san_uri: Some("urn:lienthong:test:partner:tax".into()),
        ..IssueParams::new("tax", Usage::Client, Timestamp::now())
    }
}

fn identity(issued: &Issued) -> Identity {
    Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
}

fn issue(params: &IssueParams) -> Identity {
    identity(&AUTHORITY.issue(params).unwrap())
}

fn server_params() -> ServerParams {
    let params = IssueParams {
        dns: vec!["localhost".into()],
        ips: vec!["127.0.0.1".parse().unwrap()],
        ..IssueParams::new("gateway", Usage::Server, Timestamp::now())
    };
    ServerParams {
        identity: issue(&params),
        client_anchors: anchors(&AUTHORITY),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(5),
        alpn: vec![Alpn::H2, Alpn::Http1],
    }
}

fn anchors(authority: &Authority) -> Anchors {
    Anchors::from_pem(authority.root_pem().as_bytes()).unwrap()
}

fn client_params(identity: Option<Identity>) -> ClientParams {
    ClientParams {
        identity,
        anchors: anchors(&AUTHORITY),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(5),
        alpn: vec![Alpn::Http1],
    }
}

fn revocation(revoked: &[&[u8]], age: SignedDuration) -> RevocationList {
    let made = Timestamp::now() - age;
    let pem = AUTHORITY
        .revocation_list(revoked, made, made + DAY)
        .unwrap();
    RevocationList::from_pem(pem.as_bytes()).unwrap()
}

/// What the server and the client make of one connection.
struct Meeting {
    server: Result<Accepted<TcpStream>, HandshakeError>,
    /// Whether the client could read the server's greeting.
    client_served: bool,
}

async fn meet(acceptor: Acceptor, client: ClientParams) -> Meeting {
    meet_shared(Arc::new(acceptor), client).await
}

async fn meet_shared(acceptor: Arc<Acceptor>, client: ClientParams) -> Meeting {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let mut accepted = acceptor.accept(io).await?;
        accepted.stream.write_all(b"hello").await.unwrap();
        accepted.stream.flush().await.unwrap();
        Ok(accepted)
    });
    let io = TcpStream::connect(address).await.unwrap();
    let connected = Connector::new(client)
        .unwrap()
        .connect("localhost", io)
        .await;
    let client_served = match connected {
        Ok(mut connected) => {
            let mut greeting = [0; 5];
            connected.stream.read_exact(&mut greeting).await.is_ok() && greeting == *b"hello"
        }
        Err(_) => false,
    };
    Meeting {
        server: server.await.unwrap(),
        client_served,
    }
}

async fn refusal(server: ServerParams, client: ClientParams) -> &'static str {
    let meeting = meet(Acceptor::new(server).unwrap(), client).await;
    assert!(
        !meeting.client_served,
        "a refused client must not be served"
    );
    meeting.server.unwrap_err().reason()
}

/// What a server says to a client that sends these bytes and waits.
async fn refusal_of_bytes(bytes: &[u8], deadline: Duration) -> &'static str {
    let params = ServerParams {
        handshake_deadline: deadline,
        ..server_params()
    };
    let acceptor = Acceptor::new(params).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    client.write_all(bytes).await.unwrap();
    let (io, _) = listener.accept().await.unwrap();
    let reason = acceptor.accept(io).await.unwrap_err().reason();
    drop(client);
    reason
}

#[tokio::test]
async fn a_registered_kind_of_client_gets_in_and_is_known_by_its_certificate() {
    for key in [KeyChoice::P256, KeyChoice::Rsa2048, KeyChoice::Ed25519] {
        let issued = AUTHORITY.issue(&IssueParams { key, ..client() }).unwrap();
        let acceptor = Acceptor::new(server_params()).unwrap();
        let meeting = meet(acceptor, client_params(Some(identity(&issued)))).await;
        assert!(meeting.client_served);
        let accepted = meeting.server.unwrap();
        assert_eq!(accepted.alpn, Alpn::Http1);
        assert_eq!(accepted.peer.der, issued.der);
        assert_eq!(accepted.peer.san_uris, ["urn:lienthong:test:partner:tax"]);
        assert_eq!(accepted.peer.serial_hex, hex::encode(&issued.serial));
        let key = certs::keys::VerifyingKey::from_certificate_der(&issued.der).unwrap();
        assert_eq!(accepted.peer.pin(), hex::encode(key.spki_sha256()));
        assert_eq!(Some(accepted.peer.not_after), key.not_after());
    }
}

#[tokio::test]
async fn every_bad_client_certificate_is_refused_for_its_own_reason() {
    let now = Timestamp::now();
    let foreign = Authority::generate("foreign", now).unwrap();
    let expired = IssueParams {
        not_before: now - DAY * 2,
        not_after: now - DAY,
        ..client()
    };
    let early = IssueParams {
        not_before: now + DAY,
        not_after: now + DAY * 2,
        ..client()
    };
    let server_only = IssueParams {
        usage: Usage::Server,
        ..client()
    };
    let signing_only = IssueParams {
        usage: Usage::Signing,
        ..client()
    };
    let table = [
        (Some(issue(&expired)), "expired"),
        (Some(issue(&early)), "not-yet-valid"),
        (Some(issue(&server_only)), "wrong-usage"),
        (Some(issue(&signing_only)), "wrong-usage"),
        (
            Some(identity(&foreign.issue(&client()).unwrap())),
            "unknown-issuer",
        ),
        (None, "no-certificate"),
    ];
    for (identity, expected) in table {
        let reason = refusal(server_params(), client_params(identity)).await;
        assert_eq!(reason, expected);
    }
}

#[tokio::test]
async fn a_leaf_without_its_chain_and_an_authority_as_client_are_refused() {
    let issued = AUTHORITY.issue(&client()).unwrap();
    let end = "-----END CERTIFICATE-----\n";
    let leaf = &issued.chain_pem[..issued.chain_pem.find(end).unwrap() + end.len()];
    let alone = Identity::from_pem(leaf.as_bytes(), issued.key_pem.as_bytes()).unwrap();
    assert_eq!(
        refusal(server_params(), client_params(Some(alone))).await,
        "unknown-issuer"
    );

    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open_or_create(folder.path(), "test", Timestamp::now()).unwrap();
    let issuing = Identity::from_files(
        &folder.path().join("issuing.pem"),
        &folder.path().join("issuing.key"),
    )
    .unwrap();
    let server = ServerParams {
        client_anchors: anchors(&authority),
        ..server_params()
    };
    assert_eq!(
        refusal(server, client_params(Some(issuing))).await,
        "wrong-usage"
    );
}

#[tokio::test]
async fn revoked_certificates_and_stale_lists_are_refused() {
    let issued = AUTHORITY.issue(&client()).unwrap();
    let bystander = AUTHORITY.issue(&client()).unwrap();
    let with = |crls| ServerParams {
        crls,
        ..server_params()
    };
    let as_client = |issued: &Issued| client_params(Some(identity(issued)));
    let current = revocation(&[&issued.serial], SignedDuration::from_hours(1));

    let reason = refusal(with(vec![current.clone()]), as_client(&issued)).await;
    assert_eq!(reason, "revoked");
    let meeting = meet(
        Acceptor::new(with(vec![current])).unwrap(),
        as_client(&bystander),
    )
    .await;
    assert!(
        meeting.client_served,
        "a certificate that is not on the list gets in"
    );

    let stale = revocation(&[], DAY * 3);
    assert_eq!(
        refusal(with(vec![stale]), as_client(&bystander)).await,
        "crl-expired"
    );

    let foreign = Authority::generate("foreign", Timestamp::now()).unwrap();
    let now = Timestamp::now();
    let list = foreign.revocation_list(&[], now - DAY, now + DAY).unwrap();
    let list = RevocationList::from_pem(list.as_bytes()).unwrap();
    assert_eq!(
        refusal(with(vec![list]), as_client(&bystander)).await,
        "revocation-unknown"
    );
}

#[tokio::test]
async fn a_replaced_list_bars_the_next_connection_of_a_client_that_was_in() {
    let issued = AUTHORITY.issue(&client()).unwrap();
    let acceptor = Arc::new(Acceptor::new(server_params()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connector = Connector::new(client_params(Some(identity(&issued)))).unwrap();
    let mut reasons = Vec::new();
    for _ in 0..2 {
        let connector = connector.clone();
        let client = tokio::spawn(async move {
            let io = TcpStream::connect(address).await.unwrap();
            connector.connect("127.0.0.1", io).await
        });
        let (io, _) = listener.accept().await.unwrap();
        let outcome = acceptor.accept(io).await;
        reasons.push(outcome.map_or_else(|refused| refused.reason(), |_| "accepted"));
        let _ = client.await.unwrap();
        let list = revocation(&[&issued.serial], SignedDuration::from_hours(1));
        acceptor
            .replace(ServerParams {
                crls: vec![list],
                ..server_params()
            })
            .unwrap();
    }
    assert_eq!(reasons, ["accepted", "revoked"]);
}

#[tokio::test]
async fn an_open_connection_is_judged_anew_after_a_replacement() {
    let issued = AUTHORITY.issue(&client()).unwrap();
    let acceptor = Arc::new(Acceptor::new(server_params()).unwrap());
    let meeting = meet_shared(
        Arc::clone(&acceptor),
        client_params(Some(identity(&issued))),
    )
    .await;
    let Accepted {
        peer, mut judged, ..
    } = meeting.server.unwrap();
    assert_eq!(peer.intermediates.len(), 1);
    assert!(acceptor.still(&peer, &mut judged).is_ok());

    let list = revocation(&[&issued.serial], SignedDuration::from_hours(1));
    acceptor
        .replace(ServerParams {
            crls: vec![list],
            ..server_params()
        })
        .unwrap();
    let refused = acceptor.still(&peer, &mut judged).unwrap_err();
    assert_eq!(refused.reason(), "revoked");

    let foreign = Authority::generate("foreign", Timestamp::now()).unwrap();
    let params = ServerParams {
        client_anchors: anchors(&foreign),
        ..server_params()
    };
    acceptor.replace(params).unwrap();
    let refused = acceptor.still(&peer, &mut judged).unwrap_err();
    assert_eq!(refused.reason(), "unknown-issuer");
}

#[tokio::test]
async fn plain_text_silence_and_garbage_are_told_apart() {
    let long = Duration::from_secs(5);
    let short = Duration::from_millis(100);
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(refusal_of_bytes(http, long).await, "plaintext");
    assert_eq!(
        refusal_of_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", long).await,
        "plaintext"
    );
    assert_eq!(refusal_of_bytes(b"", short).await, "deadline");
    assert_eq!(
        refusal_of_bytes(b"\x16\x03\x01\x02", short).await,
        "deadline"
    );
    assert_eq!(
        refusal_of_bytes(b"\x16\x47\x45\x00\x04abcd", long).await,
        "protocol"
    );
    // a record of type handshake that holds no ClientHello
    let finished = b"\x16\x03\x01\x00\x04\x14\x00\x00\x00";
    assert_eq!(refusal_of_bytes(finished, long).await, "protocol");
}

#[tokio::test]
async fn versions_and_protocols_must_have_something_in_common() {
    let params = || client_params(Some(issue(&client())));
    let h2_only = ServerParams {
        alpn: vec![Alpn::H2],
        ..server_params()
    };
    assert_eq!(refusal(h2_only, params()).await, "no-alpn");

    let h2 = ClientParams {
        alpn: vec![Alpn::H2, Alpn::Http1],
        ..params()
    };
    let meeting = meet(Acceptor::new(server_params()).unwrap(), h2).await;
    assert_eq!(meeting.server.unwrap().alpn, Alpn::H2);

    let silent = ClientParams {
        alpn: Vec::new(),
        ..params()
    };
    let meeting = meet(Acceptor::new(server_params()).unwrap(), silent).await;
    assert_eq!(meeting.server.unwrap().alpn, Alpn::Http1);
}

/// A client that our own library would not be: old versions, weak keys.
fn openssl_client(
    address: std::net::SocketAddr,
    issued: Issued,
    version: openssl::ssl::SslVersion,
) -> Result<Vec<u8>, String> {
    use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
    let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
    builder.set_security_level(0);
    builder.set_verify(SslVerifyMode::NONE);
    builder
        .set_min_proto_version(Some(openssl::ssl::SslVersion::TLS1))
        .unwrap();
    builder.set_max_proto_version(Some(version)).unwrap();
    let mut chain = openssl::x509::X509::stack_from_pem(issued.chain_pem.as_bytes()).unwrap();
    builder.set_certificate(&chain.remove(0)).unwrap();
    builder.add_extra_chain_cert(chain.remove(0)).unwrap();
    let key = openssl::pkey::PKey::private_key_from_pem(issued.key_pem.as_bytes()).unwrap();
    builder.set_private_key(&key).unwrap();
    let io = std::net::TcpStream::connect(address).unwrap();
    let mut stream = builder
        .build()
        .connect("localhost", io)
        .map_err(|error| error.to_string())?;
    let mut greeting = vec![0; 5];
    std::io::Read::read_exact(&mut stream, &mut greeting).map_err(|error| error.to_string())?;
    Ok(greeting)
}

async fn meet_openssl(
    server: ServerParams,
    key: KeyChoice,
    version: openssl::ssl::SslVersion,
) -> (Result<(), &'static str>, Result<Vec<u8>, String>) {
    let issued = AUTHORITY.issue(&IssueParams { key, ..client() }).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = tokio::task::spawn_blocking(move || openssl_client(address, issued, version));
    let (io, _) = listener.accept().await.unwrap();
    let outcome = Acceptor::new(server).unwrap().accept(io).await;
    let verdict = match outcome {
        Ok(mut accepted) => {
            accepted.stream.write_all(b"hello").await.unwrap();
            Ok(())
        }
        Err(refused) => Err(refused.reason()),
    };
    (verdict, client.await.unwrap())
}

#[tokio::test]
async fn short_rsa_keys_and_old_versions_are_refused() {
    use openssl::ssl::SslVersion;
    let (verdict, client) = meet_openssl(
        server_params(),
        KeyChoice::DangerRsa1024,
        SslVersion::TLS1_3,
    )
    .await;
    assert_eq!(verdict, Err("weak-key"));
    assert!(client.is_err());

    let (verdict, client) =
        meet_openssl(server_params(), KeyChoice::P256, SslVersion::TLS1_2).await;
    assert_eq!(verdict, Err("incompatible"));
    assert!(client.is_err());

    let (verdict, _) = meet_openssl(server_params(), KeyChoice::P256, SslVersion::TLS1_1).await;
    assert_eq!(verdict, Err("incompatible"));

    let tls12 = ServerParams {
        tls12: true,
        ..server_params()
    };
    let (verdict, client) = meet_openssl(tls12, KeyChoice::P256, SslVersion::TLS1_2).await;
    assert_eq!((verdict, client), (Ok(()), Ok(b"hello".to_vec())));
}

#[tokio::test]
async fn a_client_does_not_believe_a_server_of_another_name_or_authority() {
    let connect = async |name: &str, anchors: Anchors| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = Acceptor::new(server_params()).unwrap();
        let server = tokio::spawn(async move {
            let (io, _) = listener.accept().await.unwrap();
            acceptor
                .accept(io)
                .await
                .map(|_| ())
                .map_err(|refused| refused.reason())
        });
        let params = ClientParams {
            anchors,
            ..client_params(Some(issue(&client())))
        };
        let io = TcpStream::connect(address).await.unwrap();
        let outcome = Connector::new(params).unwrap().connect(name, io).await;
        let reason = outcome.map_or_else(|refused| refused.reason(), |_| "accepted");
        (reason, server.await.unwrap())
    };
    let foreign = Authority::generate("foreign", Timestamp::now()).unwrap();
    assert_eq!(
        connect("localhost", anchors(&AUTHORITY)).await,
        ("accepted", Ok(()))
    );
    let (reason, server) = connect("other.example", anchors(&AUTHORITY)).await;
    assert_eq!((reason, server), ("wrong-name", Err("refused-by-peer")));
    assert_eq!(
        connect("localhost", anchors(&foreign)).await.0,
        "unknown-issuer"
    );
    assert_eq!(
        connect("not a name", anchors(&AUTHORITY)).await.0,
        "bad-name"
    );
}

#[tokio::test]
async fn nothing_is_resumed_even_when_the_client_would_like_to() {
    let issued = AUTHORITY.issue(&client()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    let root = rustls::pki_types::pem::PemObject::from_pem_slice(AUTHORITY.root_pem().as_bytes());
    roots.add(root.unwrap()).unwrap();
    let chain: Vec<_> =
        rustls::pki_types::pem::PemObject::pem_slice_iter(issued.chain_pem.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
    let key = rustls::pki_types::pem::PemObject::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let eager = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(eager));
    let acceptor = Acceptor::new(ServerParams {
        tls12: true,
        ..server_params()
    })
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for _ in 0..3 {
        let connector = connector.clone();
        let client = tokio::spawn(async move {
            let io = TcpStream::connect(address).await.unwrap();
            let name = "localhost".try_into().unwrap();
            let mut stream = connector.connect(name, io).await.unwrap();
            let _ = stream.read(&mut [0; 5]).await.unwrap();
            stream.get_ref().1.handshake_kind()
        });
        let (io, _) = listener.accept().await.unwrap();
        let mut accepted = acceptor.accept(io).await.unwrap();
        accepted.stream.write_all(b"hello").await.unwrap();
        let kind = client.await.unwrap();
        assert_ne!(kind, Some(rustls::HandshakeKind::Resumed));
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused_before_a_port_opens() {
    let (one, two) = (
        AUTHORITY.issue(&client()).unwrap(),
        AUTHORITY.issue(&client()).unwrap(),
    );
    let crossed = Identity::from_pem(one.chain_pem.as_bytes(), two.key_pem.as_bytes());
    assert!(matches!(
        crossed,
        Err(certs::tls::TlsConfigError::KeyMismatch)
    ));
    assert!(Anchors::from_pem(b"").is_err());
    assert!(RevocationList::from_pem(b"").is_err());
    let shown = format!("{:?}", identity(&one));
    assert!(shown.contains("REDACTED") && !shown.contains("PRIVATE"));
}

#[test]
fn anchors_tell_their_authorities_apart_by_key() {
    let now = jiff::Timestamp::now();
    let [one, other] = ["test", "test"].map(|name| Authority::generate(name, now).unwrap());
    let both = format!("{}{}", one.root_pem(), other.root_pem());
    let keys = |pem: &str| -> std::collections::BTreeSet<[u8; 32]> {
        Anchors::from_pem(pem.as_bytes())
            .unwrap()
            .authorities()
            .collect()
    };
    assert_eq!(keys(one.root_pem()).len(), 1);
    assert_eq!(keys(&one.root_pem().repeat(2)), keys(one.root_pem()));
    assert_eq!(keys(&both).len(), 2, "the same name, another key");
}
