//! Keys and documents that the tests share.

use std::process::Command;
use std::sync::LazyLock;

use certs::keys::{Algorithm, SigningKey, VerifyingKey};
use certs::pki::{Authority, IssueParams, Issued, KeyChoice, Usage};

/// The authority of all tests.
pub(crate) static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::generate("test", jiff::Timestamp::now()).unwrap());

/// A signer with everything that belongs to it.
pub(crate) struct Signer {
    pub(crate) issued: Issued,
    pub(crate) signing: SigningKey,
    pub(crate) verifying: VerifyingKey,
}

/// The registered partner with a P-256 key.
pub(crate) static PARTNER: LazyLock<Signer> = LazyLock::new(|| signer(KeyChoice::P256, None));

/// Makes a signer.
pub(crate) fn signer(kind: KeyChoice, algorithm: Option<Algorithm>) -> Signer {
    let now = jiff::Timestamp::now();
    let params = IssueParams {
        key: kind,
        ..IssueParams::new("signer", Usage::Signing, now)
    };
    let issued = AUTHORITY.issue(&params).unwrap();
    Signer {
        signing: SigningKey::from_pem(issued.key_pem.as_bytes(), algorithm).unwrap(),
        verifying: VerifyingKey::from_certificate_pem(issued.chain_pem.as_bytes()).unwrap(),
        issued,
    }
}

/// Every signature algorithm with a key that fits it.
pub(crate) const EVERY_ALGORITHM: [(KeyChoice, Algorithm); 9] = [
    (KeyChoice::P256, Algorithm::Es256),
    (KeyChoice::P384, Algorithm::Es384),
    (KeyChoice::Ed25519, Algorithm::EdDsa),
    (KeyChoice::Rsa2048, Algorithm::Ps256),
    (KeyChoice::Rsa2048, Algorithm::Ps384),
    (KeyChoice::Rsa2048, Algorithm::Ps512),
    (KeyChoice::Rsa2048, Algorithm::Rs256),
    (KeyChoice::Rsa2048, Algorithm::Rs384),
    (KeyChoice::Rsa2048, Algorithm::Rs512),
];

/// The id of [`DOCUMENT`]'s root.
pub(crate) const ID: &str = "m-0001.test";

/// A request in our emitted form: exclusive-canonical, no signature yet.
pub(crate) const DOCUMENT: &str = concat!(
    "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-0001.test\">",
    "<Header><MessageId>m-0001.test</MessageId><Sender>tax</Sender></Header>",
    "<VerifyEmployer><Mst>9900000016</Mst><Purpose>Kiểm tra &amp; đối soát</Purpose>",
    "</VerifyEmployer></TaxMessage>"
);

/// Whether a command is installed; says so when it is not, because then a check has not run.
pub(crate) fn has(command: &str) -> bool {
    let found = Command::new(command).arg("--version").output().is_ok();
    if !found {
        println!("not run: {command} missing");
    }
    found
}

/// The same for openssl, which knows no `--version`.
pub(crate) fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if !found {
        println!("not run: the openssl command is not installed");
    }
    found
}

/// Runs a command that must succeed and gives what it wrote to standard output.
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}
