//! Bad client certificates, each refused for its own reason: by the verifier as it judges open connections
//! and, where a client can hold such a key at all, over a real handshake.

use std::sync::Arc;
use std::time::Duration;

use certs::revocation::{CheckedList, Issuer as Watched, Revocations, Source};
use certs::tls::{
    Acceptor, Alpn, Anchors, ClientParams, Connector, Identity, PeerCertificate, ServerParams,
};
use jiff::Timestamp;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::dsa::Dsa;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{ExtendedKeyUsage, KeyUsage};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CustomExtension, DnType, ExtendedKeyUsagePurpose as Purpose, GeneralSubtree, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose as Use, NameConstraints, RevokedCertParams, SanType,
    SerialNumber,
};
use time::{Duration as Days, OffsetDateTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const DAY: Days = Days::DAY;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(Timestamp::now().as_second()).unwrap()
}

/// An authority of the zoo with everything that a certificate under it needs.
struct Keeper {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    key_pem: String,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now() - DAY * 3;
    params.not_after = now() + DAY * 300;
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str, length: u8) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
    params.key_usages = vec![Use::KeyCertSign, Use::CrlSign];
    params
}

fn client() -> CertificateParams {
    let mut params = named("tax");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![Use::DigitalSignature];
    params.extended_key_usages = vec![Purpose::ClientAuth];
    let uri = "urn:lienthong:test:partner:tax".try_into().unwrap();
    params.subject_alt_names = vec![SanType::URI(uri)];
    params
}

/// One that is under `above`, or under itself.
fn keep(params: CertificateParams, above: Option<&Keeper>) -> Keeper {
    let key = KeyPair::generate().unwrap();
    let key_pem = key.serialize_pem();
    let certificate = match above {
        Some(above) => params.signed_by(&key, &above.issuer),
        None => params.self_signed(&key),
    };
    Keeper {
        certificate: certificate.unwrap(),
        issuer: Issuer::new(params, key),
        key_pem,
    }
}

/// A certificate as a client shows it, and why it is refused.
struct Animal {
    name: &'static str,
    reason: &'static str,
    leaf: Vec<u8>,
    rest: Vec<Vec<u8>>,
    key_pem: String,
}

struct Zoo {
    root: Keeper,
    issuing: Keeper,
    animals: Vec<Animal>,
}

impl Zoo {
    fn open() -> Self {
        let root = keep(authority("zoo root", 1), None);
        let issuing = keep(authority("zoo issuing", 0), Some(&root));
        Self {
            root,
            issuing,
            animals: Vec::new(),
        }
    }

    /// A client under the issuing authority, changed.
    fn add(
        &mut self,
        name: &'static str,
        reason: &'static str,
        change: impl Fn(&mut CertificateParams),
    ) {
        let mut params = client();
        change(&mut params);
        let leaf = keep(params, Some(&self.issuing));
        let rest = vec![self.issuing.certificate.der().to_vec()];
        self.put(name, reason, &leaf, rest);
    }

    fn put(&mut self, name: &'static str, reason: &'static str, leaf: &Keeper, rest: Vec<Vec<u8>>) {
        self.animals.push(Animal {
            name,
            reason,
            leaf: leaf.certificate.der().to_vec(),
            rest,
            key_pem: leaf.key_pem.clone(),
        });
    }

    /// A client under a chain of authorities, each under the one before it, the first under the root.
    fn under(
        &mut self,
        name: &'static str,
        reason: &'static str,
        chain: Vec<CertificateParams>,
        leaf: CertificateParams,
    ) {
        let mut keepers: Vec<Keeper> = Vec::new();
        for params in chain {
            let above = keepers.last().unwrap_or(&self.root);
            keepers.push(keep(params, Some(above)));
        }
        let leaf = keep(leaf, Some(keepers.last().unwrap_or(&self.root)));
        let rest = keepers
            .iter()
            .rev()
            .map(|keeper| keeper.certificate.der().to_vec())
            .collect();
        self.put(name, reason, &leaf, rest);
    }

    /// A client with a key or a signature that only OpenSSL makes.
    fn foreign(
        &mut self,
        name: &'static str,
        reason: &'static str,
        key: &PKey<Private>,
        digest: MessageDigest,
    ) {
        let leaf = by_openssl(&self.issuing, key, digest, 2);
        self.animals.push(Animal {
            name,
            reason,
            leaf,
            rest: vec![self.issuing.certificate.der().to_vec()],
            key_pem: key
                .private_key_to_pem_pkcs8()
                .map(|pem| String::from_utf8(pem).unwrap())
                .unwrap_or_default(),
        });
    }
}

fn by_openssl(
    issuing: &Keeper,
    key: &PKey<Private>,
    digest: MessageDigest,
    version: i32,
) -> Vec<u8> {
    let above = X509::from_der(issuing.certificate.der()).unwrap();
    let above_key = PKey::private_key_from_pem(issuing.key_pem.as_bytes()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "tax").unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(version).unwrap();
    builder.set_subject_name(&name.build()).unwrap();
    builder.set_issuer_name(above.subject_name()).unwrap();
    let serial = BigNum::from_u32(77).unwrap();
    builder
        .set_serial_number(&Asn1Integer::from_bn(&serial).unwrap())
        .unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(30).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    if version == 2 {
        let usage = KeyUsage::new().digital_signature().build().unwrap();
        builder.append_extension(usage).unwrap();
        let usage = ExtendedKeyUsage::new().client_auth().build().unwrap();
        builder.append_extension(usage).unwrap();
    }
    builder.sign(&above_key, digest).unwrap();
    builder.build().to_der().unwrap()
}

fn on_curve(curve: Nid, flag: Asn1Flag) -> PKey<Private> {
    let mut group = EcGroup::from_curve_name(curve).unwrap();
    group.set_asn1_flag(flag);
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn extension(critical: bool) -> CustomExtension {
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(critical);
    extension
}

/// Times, uses, names and forms of the client's own certificate.
fn leaves(zoo: &mut Zoo) {
    zoo.add("expired", "expired", |leaf| leaf.not_after = now() - DAY);
    zoo.add("not yet valid", "not-yet-valid", |leaf| {
        leaf.not_before = now() + DAY
    });
    zoo.add("ends before it begins", "expired", |leaf| {
        (leaf.not_before, leaf.not_after) = (now() + DAY, now() - DAY);
    });
    zoo.add("valid for twenty years", "lives-too-long", |leaf| {
        leaf.not_after = now() + DAY * 7300
    });
    for (name, uses) in [
        ("for servers only", vec![Purpose::ServerAuth]),
        ("for e-mail only", vec![Purpose::EmailProtection]),
        ("for time-stamps only", vec![Purpose::TimeStamping]),
        ("for OCSP only", vec![Purpose::OcspSigning]),
        ("for code only", vec![Purpose::CodeSigning]),
        ("for any use", vec![Purpose::Any]),
        (
            "for clients and any use",
            vec![Purpose::ClientAuth, Purpose::Any],
        ),
        ("for no named use", vec![]),
    ] {
        zoo.add(name, "wrong-usage", move |leaf| {
            leaf.extended_key_usages = uses.clone()
        });
    }
    zoo.add("key only for encipherment", "wrong-key-usage", |leaf| {
        leaf.key_usages = vec![Use::KeyEncipherment];
    });
    zoo.add(
        "no authority, but may sign certificates",
        "wrong-key-usage",
        |leaf| {
            leaf.key_usages = vec![Use::DigitalSignature, Use::KeyCertSign];
        },
    );
    zoo.add(
        "no authority, but may sign lists",
        "wrong-key-usage",
        |leaf| {
            leaf.key_usages = vec![Use::DigitalSignature, Use::CrlSign];
        },
    );
    zoo.add("an authority itself", "wrong-usage", |leaf| {
        leaf.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    zoo.add("unknown critical extension", "critical-extension", |leaf| {
        leaf.custom_extensions = vec![extension(true)];
    });
    zoo.add("the same extension twice", "bad-certificate", |leaf| {
        leaf.custom_extensions = vec![extension(false), extension(false)];
    });
    zoo.add("serial number zero", "bad-certificate", |leaf| {
        leaf.serial_number = Some(SerialNumber::from_slice(&[0]));
    });
    zoo.add("serial number of forty bytes", "bad-certificate", |leaf| {
        leaf.serial_number = Some(SerialNumber::from_slice(&[0x11; 40]));
    });
}

/// Keys and signatures that are too weak, or that nobody agreed on.
fn keys(zoo: &mut Zoo) {
    let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let three = BigNum::from_u32(3).unwrap();
    let small = PKey::from_rsa(Rsa::generate_with_e(2048, &three).unwrap()).unwrap();
    let dsa = PKey::from_dsa(Dsa::generate(2048).unwrap()).unwrap();
    let sha256 = MessageDigest::sha256();
    zoo.foreign("RSA of 1,024 bits", "weak-key", &rsa(1024), sha256);
    zoo.foreign("RSA with exponent 3", "weak-key", &small, sha256);
    zoo.foreign("DSA", "weak-key", &dsa, sha256);
    for (name, curve) in [
        ("P-192", Nid::X9_62_PRIME192V1),
        ("P-224", Nid::SECP224R1),
        ("P-521", Nid::SECP521R1),
        ("secp256k1", Nid::SECP256K1),
        ("brainpool", Nid::BRAINPOOL_P256R1),
    ] {
        zoo.foreign(
            name,
            "weak-key",
            &on_curve(curve, Asn1Flag::NAMED_CURVE),
            sha256,
        );
    }
    let explicit = on_curve(Nid::X9_62_PRIME256V1, Asn1Flag::EXPLICIT_CURVE);
    zoo.foreign("P-256 by its parameters", "weak-key", &explicit, sha256);
    zoo.foreign(
        "Ed448",
        "weak-key",
        &PKey::generate_ed448().unwrap(),
        sha256,
    );
    zoo.foreign(
        "signed with SHA-1",
        "weak-key",
        &rsa(2048),
        MessageDigest::sha1(),
    );
    let good = on_curve(Nid::X9_62_PRIME256V1, Asn1Flag::NAMED_CURVE);
    let first_version = by_openssl(&zoo.issuing, &good, sha256, 0);
    zoo.animals.push(Animal {
        name: "version 1",
        reason: "bad-certificate",
        leaf: first_version,
        rest: vec![zoo.issuing.certificate.der().to_vec()],
        key_pem: String::new(),
    });
}

/// Paths that lead nowhere, or over somebody who has no right.
fn paths(zoo: &mut Zoo) {
    let alone = keep(client(), None);
    zoo.put("signed by itself", "unknown-issuer", &alone, vec![]);
    let leaf = keep(client(), Some(&zoo.issuing));
    zoo.put(
        "without the authority between",
        "unknown-issuer",
        &leaf,
        vec![],
    );
    let stranger = keep(authority("another root", 1), None);
    let theirs = keep(client(), Some(&stranger));
    let rest = vec![stranger.certificate.der().to_vec()];
    zoo.put("of another authority", "unknown-issuer", &theirs, rest);
    let twin = keep(authority("zoo root", 1), None);
    let theirs = keep(authority("zoo issuing", 0), Some(&twin));
    let leaf = keep(client(), Some(&theirs));
    let rest = vec![theirs.certificate.der().to_vec()];
    zoo.put(
        "of an authority of the same name",
        "bad-signature",
        &leaf,
        rest,
    );
    let holder = keep(client(), Some(&zoo.issuing));
    let leaf = keep(client(), Some(&holder));
    let rest = [&holder, &zoo.issuing]
        .map(|keeper| keeper.certificate.der().to_vec())
        .to_vec();
    zoo.put("issued by a client", "not-an-authority", &leaf, rest);
    zoo.under(
        "one authority too many",
        "path-too-long",
        vec![authority("a", 0), authority("b", 0)],
        client(),
    );
    let mut mute = authority("mute", 0);
    mute.key_usages = vec![Use::CrlSign];
    zoo.under(
        "an authority without keyCertSign",
        "not-an-authority",
        vec![mute],
        client(),
    );
    let mut plain = authority("plain", 0);
    plain.key_usages = vec![];
    zoo.under(
        "an authority without key usage",
        "not-an-authority",
        vec![plain],
        client(),
    );
    let mut late = authority("late", 0);
    late.not_after = now() - DAY;
    zoo.under(
        "an authority that has ended",
        "expired",
        vec![late],
        client(),
    );
    let mut bound = authority("bound", 0);
    bound.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("a.example".into())],
        excluded_subtrees: vec![],
    });
    let mut outside = client();
    outside.subject_alt_names = vec![SanType::DnsName("b.example".try_into().unwrap())];
    zoo.under(
        "a name outside the constraints",
        "name-constraint",
        vec![bound],
        outside,
    );
    let crowd: Vec<_> = (0..5)
        .map(|_| keep(authority("zoo issuing", 0), None))
        .collect();
    let leaf = keep(client(), Some(&zoo.issuing));
    let mut rest: Vec<_> = crowd
        .iter()
        .map(|keeper| keeper.certificate.der().to_vec())
        .collect();
    rest.insert(0, zoo.issuing.certificate.der().to_vec());
    zoo.put("a crowd of authorities", "path-too-long", &leaf, rest);
    let rest = vec![leaf.certificate.der().to_vec()];
    let issuing = Keeper {
        certificate: zoo.issuing.certificate.clone(),
        issuer: Issuer::new(
            authority("zoo issuing", 0),
            KeyPair::from_pem(&zoo.issuing.key_pem).unwrap(),
        ),
        key_pem: zoo.issuing.key_pem.clone(),
    };
    zoo.put("the chain upside down", "wrong-usage", &issuing, rest);
}

/// Certificates that were good until somebody touched them.
fn touched(zoo: &mut Zoo) {
    let leaf = keep(client(), Some(&zoo.issuing));
    let rest = vec![zoo.issuing.certificate.der().to_vec()];
    let der = leaf.certificate.der().to_vec();
    let at = |from_end: usize| der.len() - from_end;
    let subject = der.windows(3).rposition(|window| window == b"tax").unwrap();
    for (name, reason, position) in [
        ("its signature changed", "bad-signature", at(1)),
        ("its name changed", "bad-signature", subject),
    ] {
        let mut changed = der.clone();
        changed[position] ^= 1;
        zoo.animals.push(Animal {
            name,
            reason,
            leaf: changed,
            rest: rest.clone(),
            key_pem: String::new(),
        });
    }
    for (name, leaf) in [
        ("nothing", Vec::new()),
        ("no certificate", b"<html></html>".to_vec()),
        ("half a certificate", der[..der.len() / 2].to_vec()),
        ("more after it", [der.clone(), vec![0]].concat()),
    ] {
        zoo.animals.push(Animal {
            name,
            reason: "bad-certificate",
            leaf,
            rest: rest.clone(),
            key_pem: String::new(),
        });
    }
}

fn server(anchor: &Certificate) -> ServerParams {
    let mut params = named("gateway");
    params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
    let own = keep(params, None);
    ServerParams {
        identity: identity(own.certificate.der(), &[], &own.key_pem).unwrap(),
        client_anchors: Anchors::from_pem(anchor.pem().as_bytes()).unwrap(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(30),
        alpn: vec![Alpn::Http1],
    }
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn identity(leaf: &[u8], rest: &[Vec<u8>], key_pem: &str) -> Option<Identity> {
    let rest: String = rest.iter().map(|der| pem(der)).collect();
    Identity::from_pem((pem(leaf) + &rest).as_bytes(), key_pem.as_bytes()).ok()
}

/// What the server says to a client with this identity; `None` where it lets it in.
async fn meet(
    acceptor: &Acceptor,
    own: &Anchors,
    identity: Option<Identity>,
) -> Option<&'static str> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connector = Connector::new(ClientParams {
        identity,
        anchors: own.clone(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(30),
        alpn: vec![Alpn::Http1],
    })
    .unwrap();
    let client = async {
        let tcp = TcpStream::connect(address).await.unwrap();
        let Ok(mut connected) = connector.connect("localhost", tcp).await else {
            return false;
        };
        connected.stream.read_u8().await.is_ok()
    };
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut accepted = acceptor
            .accept(tcp)
            .await
            .map_err(|refused| refused.reason())?;
        accepted.stream.write_u8(1).await.unwrap();
        accepted.stream.flush().await.unwrap();
        Ok(())
    };
    let (served, verdict) = tokio::join!(client, server);
    assert_eq!(served, verdict.is_ok(), "who is refused is not served");
    verdict.err()
}

fn judge(acceptor: &Acceptor, leaf: &[u8], rest: &[Vec<u8>]) -> Option<&'static str> {
    let peer = match PeerCertificate::from_der(leaf) {
        Ok(peer) => PeerCertificate {
            intermediates: rest.to_vec(),
            ..peer
        },
        Err(refused) => return Some(refused.reason()),
    };
    acceptor.judge(&peer).err().map(|refused| refused.reason())
}

#[tokio::test]
async fn every_kind_of_bad_client_certificate_is_refused_for_its_own_reason() {
    let mut zoo = Zoo::open();
    leaves(&mut zoo);
    keys(&mut zoo);
    paths(&mut zoo);
    touched(&mut zoo);
    let params = server(&zoo.root.certificate);
    let own = params.identity.chain_der().next().map(pem).unwrap();
    let own = Anchors::from_pem(own.as_bytes()).unwrap();
    let acceptor = Acceptor::new(params).unwrap();
    let good = keep(client(), Some(&zoo.issuing));
    let rest = [zoo.issuing.certificate.der().to_vec()];
    let theirs = identity(good.certificate.der(), &rest, &good.key_pem);
    assert_eq!(
        meet(&acceptor, &own, theirs).await,
        None,
        "the control gets in"
    );
    assert_eq!(meet(&acceptor, &own, None).await, Some("no-certificate"));
    let (mut met, mut wrong) = (0, Vec::new());
    for animal in &zoo.animals {
        let judged = judge(&acceptor, &animal.leaf, &animal.rest);
        if judged != Some(animal.reason) {
            wrong.push(format!(
                "{}: judged {judged:?}, not {}",
                animal.name, animal.reason
            ));
        }
        if let Some(theirs) = identity(&animal.leaf, &animal.rest, &animal.key_pem) {
            let said = meet(&acceptor, &own, Some(theirs)).await;
            if said != Some(animal.reason) {
                wrong.push(format!(
                    "{}: met {said:?}, not {}",
                    animal.name, animal.reason
                ));
            }
            met += 1;
        }
    }
    println!(
        "{} kinds of bad certificates, {met} of them over a handshake",
        zoo.animals.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        zoo.animals.len() >= 45 && met >= 20,
        "{} and {met}",
        zoo.animals.len()
    );
}

#[test]
fn an_anchor_that_has_ended_proves_nothing_and_a_weak_one_is_not_taken() {
    let mut old = authority("old root", 1);
    old.not_after = now() - DAY;
    let root = keep(old, None);
    let issuing = keep(authority("issuing", 0), Some(&root));
    let leaf = keep(client(), Some(&issuing));
    let acceptor = Acceptor::new(server(&root.certificate)).unwrap();
    let rest = [issuing.certificate.der().to_vec()];
    assert_eq!(
        judge(&acceptor, leaf.certificate.der(), &rest),
        Some("anchor-expired")
    );
    let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let weak = by_openssl(&issuing, &weak, MessageDigest::sha256(), 2);
    assert!(Anchors::from_pem(pem(&weak).as_bytes()).is_err());
}

/// What lists and silence do, for the client's certificate and for the authority above it.
#[test]
fn a_revoked_client_or_authority_is_refused_and_so_is_everybody_where_nothing_is_known() {
    let zoo = Zoo::open();
    let leaf = keep(client(), Some(&zoo.issuing));
    let watched =
        |keeper: &Keeper| Arc::new(Watched::from_pem(keeper.certificate.pem().as_bytes()).unwrap());
    let (root, issuing) = (watched(&zoo.root), watched(&zoo.issuing));
    let source = |issuer: &Arc<Watched>| Source {
        issuer: Arc::clone(issuer),
        has_list: true,
        has_responder: false,
    };
    let known = Arc::new(Revocations::watching(vec![source(&root), source(&issuing)]));
    let acceptor = Acceptor::judged_by(server(&zoo.root.certificate), Arc::clone(&known)).unwrap();
    let rest = [zoo.issuing.certificate.der().to_vec()];
    let verdict = || judge(&acceptor, leaf.certificate.der(), &rest);
    let publish =
        |keeper: &Keeper, issuer: &Watched, number: u64, revoked: Option<&Certificate>| {
            let revoked = revoked.map(|certificate| {
                let (_, read) = x509_parser::parse_x509_certificate(certificate.der()).unwrap();
                RevokedCertParams {
                    serial_number: SerialNumber::from_slice(read.raw_serial()),
                    revocation_time: now(),
                    reason_code: None,
                    invalidity_date: None,
                }
            });
            let list = CertificateRevocationListParams {
                this_update: now(),
                next_update: now() + DAY,
                crl_number: SerialNumber::from(number),
                issuing_distribution_point: None,
                revoked_certs: revoked.into_iter().collect(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            let list = list.signed_by(&keeper.issuer).unwrap();
            let list = CheckedList::read(list.der(), issuer, Timestamp::now()).unwrap();
            known.put_list(issuer, list).unwrap();
        };
    assert_eq!(verdict(), Some("revocation-unknown"));
    publish(&zoo.issuing, &issuing, 1, None);
    assert_eq!(
        verdict(),
        Some("revocation-unknown"),
        "the root has said nothing yet"
    );
    publish(&zoo.root, &root, 1, None);
    assert_eq!(verdict(), None);
    publish(&zoo.issuing, &issuing, 2, Some(&leaf.certificate));
    assert_eq!(verdict(), Some("revoked"));
    publish(&zoo.issuing, &issuing, 3, None);
    publish(&zoo.root, &root, 2, Some(&zoo.issuing.certificate));
    assert_eq!(verdict(), Some("revoked"));
}
