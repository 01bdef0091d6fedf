//! A server that staples what its authority says of it is believed, against itself too.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use certs::pki::{IssueParams, Issued, Office, Usage};
use certs::revocation::{Issuer, Question, Refused, Revocations, Source};
use certs::tls::{Alpn, Anchors, ClientParams, Connector};
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};

use super::support::{has_openssl, run};

/// What `openssl ocsp` says of a certificate, in DER.
fn staple(folder: &Path, issuer: &Arc<Issuer>, leaf: &Issued) -> Vec<u8> {
    let question = Question::about(&leaf.der, Arc::clone(issuer)).unwrap();
    fs::write(folder.join("q"), question.request().unwrap().0).unwrap();
    let words = "ocsp -index index.txt -CA issuing.pem -rsigner ocsp.pem -rkey ocsp.key -reqin q -respout r \
                 -nmin 60 -rmd sha256";
    let mut command = Command::new("openssl");
    run(command.args(words.split_whitespace()).current_dir(folder));
    fs::read(folder.join("r")).unwrap()
}

async fn connect(
    server: &Issued,
    stapled: Vec<u8>,
    connector: &Connector,
) -> Result<(), &'static str> {
    let chain = CertificateDer::pem_slice_iter(server.chain_pem.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(server.key_pem.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert_with_ocsp(chain, key, stapled)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        drop(acceptor.accept(tcp).await);
    };
    let calling = async {
        let tcp = TcpStream::connect(address).await.unwrap();
        let connected = connector.connect("localhost", tcp).await;
        connected.map(drop).map_err(|refused| refused.reason())
    };
    tokio::join!(serving, calling).1
}

#[tokio::test]
async fn a_staple_counts_as_the_authoritys_answer_and_a_foreign_one_as_none() {
    if !has_openssl() {
        return;
    }
    let (folder, now) = (tempfile::tempdir().unwrap(), Timestamp::now());
    let mut office = Office::open_or_create(folder.path(), "test", now).unwrap();
    office.make_services(now).unwrap();
    let authority = office.authority();
    let issuer = Arc::new(Issuer::from_pem(authority.issuing_pem().as_bytes()).unwrap());
    let anchors = Anchors::from_pem(authority.root_pem().as_bytes()).unwrap();
    let known = Arc::new(Revocations::watching(vec![Source {
        issuer: Arc::clone(&issuer),
        has_list: false,
        has_responder: true,
    }]));
    let params = ClientParams {
        identity: None,
        anchors,
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(30),
        alpn: vec![Alpn::Http1],
    };
    let connector = Connector::judged_by(params, Arc::clone(&known)).unwrap();
    let params = IssueParams {
        dns: vec!["localhost".to_owned()],
        ..IssueParams::new("server", Usage::Server, now)
    };
    let (good, bad) = (
        office.issue(&params).unwrap(),
        office.issue(&params).unwrap(),
    );
    office.revoke(&bad.serial, now).unwrap();
    let says_good = staple(folder.path(), &issuer, &good);
    let says_bad = staple(folder.path(), &issuer, &bad);
    // another's staple says nothing of this one
    assert_eq!(connect(&good, says_bad.clone(), &connector).await, Ok(()));
    assert_eq!(known.judge(&good.der, now), Err(Refused::Unasked));
    assert_eq!(connect(&good, says_good.clone(), &connector).await, Ok(()));
    assert_eq!(known.judge(&good.der, now), Ok(()));
    assert_eq!(connect(&bad, says_bad, &connector).await, Err("revoked"));
    assert_eq!(connect(&bad, says_good, &connector).await, Err("revoked"));
}
