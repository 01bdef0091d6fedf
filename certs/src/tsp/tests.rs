//! Tokens of the openssl command, which is a time-stamping authority too: what they prove and what not.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

const CONFIG: &str = "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ncrypto_device = builtin\n\
    signer_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256\naccuracy = secs:1\n\
    ess_cert_id_alg = sha256\ntsa_name = yes\n\
    [ts]\nextendedKeyUsage = critical,timeStamping\n[plain]\nextendedKeyUsage = clientAuth\n";

fn openssl(folder: &Path, arguments: &str) -> bool {
    Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .is_ok_and(|done| done.status.success())
}

/// A folder with an authority of openssl's own; nothing where the command is missing.
fn authority() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("tsa.cnf"), CONFIG).unwrap();
    fs::write(at.join("serial"), "01\n").unwrap();
    let made = openssl(
        at,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=root -keyout root.key -out root.pem",
    ) && openssl(
        at,
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stamper -keyout tsa.key -out tsa.csr",
    ) && openssl(
        at,
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -days 20 -extfile tsa.cnf -extensions ts -out tsa.pem",
    ) && openssl(
        at,
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -days 20 -extfile tsa.cnf -extensions plain -out plain.pem",
    );
    if !made {
        println!("not run: the openssl command cannot be a time-stamping authority here");
    }
    made.then_some(folder)
}

fn reply(folder: &Path, request: &Request) -> Vec<u8> {
    fs::write(folder.join("query.tsq"), request.der()).unwrap();
    assert!(openssl(
        folder,
        "ts -reply -config tsa.cnf -section t -queryfile query.tsq -signer tsa.pem -inkey tsa.key -out reply.tsr"
    ));
    fs::read(folder.join("reply.tsr")).unwrap()
}

#[test]
fn a_token_proves_its_digest_to_its_authority_and_nothing_else() {
    let Some(folder) = authority() else { return };
    let at = folder.path();
    let root = Authorities::from_pem(&fs::read(at.join("root.pem")).unwrap()).unwrap();
    let imprint = crate::digest::sha256(b"a checkpoint");
    let request = Request::new(imprint);
    let response = reply(at, &request);
    let token = request.token(&response, &root).unwrap();
    let stamped = token.verify(&imprint, Some(&root)).unwrap();
    assert!(stamped.authority.unwrap().contains("stamper"));
    assert_eq!(token.verify(&imprint, None).unwrap().at, stamped.at);
    let reason = |outcome: Result<Stamped, TspError>| outcome.unwrap_err().reason();
    let other = crate::digest::sha256(b"another");
    assert_eq!(
        reason(token.verify(&other, Some(&root))),
        "timestamp-other-imprint"
    );
    let again = Request::new(imprint).token(&response, &root);
    assert_eq!(again.unwrap_err().reason(), "timestamp-other-nonce");
    let stranger = Authorities::from_pem(&fs::read(at.join("tsa.pem")).unwrap());
    assert!(stranger.is_ok(), "a leaf may be pinned");
    let made = openssl(
        at,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=root -keyout other.key -out other.pem",
    );
    assert!(made);
    let other = Authorities::from_pem(&fs::read(at.join("other.pem")).unwrap()).unwrap();
    assert_eq!(
        reason(token.verify(&imprint, Some(&other))),
        "timestamp-refuted"
    );
    let mut changed = 0;
    for place in (0..token.der().len()).step_by(7) {
        let mut bent = token.der().to_vec();
        bent[place] ^= 1;
        let bent = Token::from_der(bent).verify(&imprint, Some(&root));
        // beside the signature stand bytes that nothing depends on (a digest list, an unused certificate's order)
        changed += usize::from(bent.is_err());
    }
    assert!(changed * 7 > token.der().len() * 9 / 10, "{changed}");
}

#[test]
fn a_token_by_a_certificate_that_is_not_for_time_stamping_is_refused() {
    let Some(folder) = authority() else { return };
    let at = folder.path();
    let root = Authorities::from_pem(&fs::read(at.join("root.pem")).unwrap()).unwrap();
    let imprint = crate::digest::sha256(b"a checkpoint");
    let request = Request::new(imprint);
    let token = request.token(&reply(at, &request), &root).unwrap();
    // openssl does not stamp with a wrong certificate, so its TSTInfo is signed by CMS with one
    fs::write(at.join("info.der"), &token.info().unwrap().der).unwrap();
    let signed = openssl(
        at,
        "cms -sign -binary -nodetach -cades -econtent_type 1.2.840.113549.1.9.16.1.4 -in info.der -signer plain.pem -inkey tsa.key -outform DER -out forged.der",
    );
    assert!(signed);
    let forged = Token::from_der(fs::read(at.join("forged.der")).unwrap());
    assert_eq!(forged.verify(&imprint, Some(&root)), Err(TspError::Refuted));
}

#[test]
fn a_request_is_read_by_openssl_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request::new([0xab; 32]);
    fs::write(folder.path().join("query.tsq"), request.der()).unwrap();
    let told = Command::new("openssl")
        .args(["ts", "-query", "-in", "query.tsq", "-text"])
        .current_dir(folder.path())
        .output();
    let Ok(told) = told else {
        println!("not run: there is no openssl command");
        return;
    };
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("Version: 1") && told.contains("Hash Algorithm: sha256"),
        "{told}"
    );
    assert!(told.contains("Certificate required: yes"), "{told}");
    let nonce = told.split("Nonce: 0x").nth(1).unwrap();
    assert!(
        nonce
            .to_lowercase()
            .starts_with(&hex::encode(request.nonce)),
        "{told}"
    );
}
