//! A development authority at work in its folder: it issues, revokes, publishes its list, and has the
//! certificates of the two services that `openssl` runs for it, time-stamps and OCSP.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::{
    Authority, Entry, IssueParams, Issued, PkiError, Register, Usage, read_or_issue, write_public,
};
use crate::tls::PeerCertificate;

/// How long a published list holds.
const LIST_HOLDS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An authority, its folder and its register.
#[derive(Debug)]
pub struct Office {
    folder: PathBuf,
    authority: Authority,
    register: Register,
}

impl Office {
    /// Takes up the authority in `folder`, or makes one there.
    pub fn open_or_create(
        folder: &Path,
        environment: &str,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        Ok(Self {
            authority: Authority::open_or_create(folder, environment, now)?,
            register: Register::open(&folder.join("index.txt"))?,
            folder: folder.to_owned(),
        })
    }

    /// The authority.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What it has issued.
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// Makes `tsa.pem`, `tsa.key`, `ocsp.pem` and `ocsp.key` where they are not there yet, the settings that
    /// `openssl ts` needs, and the first list.
    pub fn make_services(&self, now: Timestamp) -> Result<(), PkiError> {
        for (name, usage) in [("tsa", Usage::TimeStamps), ("ocsp", Usage::Ocsp)] {
            let file = |end: &str| self.folder.join(format!("{name}.{end}"));
            let params = IssueParams::new(&format!("Lien Thong development {name}"), usage, now);
            read_or_issue(&self.authority, &file("pem"), &file("key"), &params)?;
        }
        write_public(&self.folder.join("tsa.cnf"), TSA_SETTINGS)?;
        let serial = self.folder.join("tsa.serial");
        if !serial.exists() {
            write_public(&serial, "01\n")?;
        }
        self.publish(now)
    }

    /// Issues a certificate with a new key and notes it.
    pub fn issue(&mut self, params: &IssueParams) -> Result<Issued, PkiError> {
        let issued = self.authority.issue(params)?;
        self.note(issued, &params.common_name)
    }

    /// Issues a certificate for a request (PKCS#10, PEM) and notes it; the result has no key.
    pub fn sign_request(
        &mut self,
        request: &str,
        params: &IssueParams,
    ) -> Result<Issued, PkiError> {
        let issued = self.authority.sign_request(request, params)?;
        self.note(issued, &params.common_name)
    }

    /// Revokes a certificate and publishes the list that says so.
    pub fn revoke(&mut self, serial: &[u8], now: Timestamp) -> Result<(), PkiError> {
        self.register.revoke(serial, now)?;
        self.publish(now)
    }

    /// Writes `issuing.crl` (PEM) as the register stands.
    pub fn publish(&self, now: Timestamp) -> Result<(), PkiError> {
        let entries = self.register.entries().iter();
        let revoked: Vec<_> = entries
            .filter_map(|entry| Some((entry.serial.as_slice(), entry.revoked_at?)))
            .collect();
        let list = self
            .authority
            .revocation_list_of(&revoked, now, now + LIST_HOLDS)?;
        write_public(&self.folder.join("issuing.crl"), &list)
    }

    fn note(&mut self, issued: Issued, name: &str) -> Result<Issued, PkiError> {
        let leaf = PeerCertificate::from_der(&issued.der)
            .map_err(|error| PkiError::Issue(error.to_string()))?;
        self.register.add(Entry {
            serial: issued.serial.clone(),
            ends: leaf.not_after,
            revoked_at: None,
            name: name.to_owned(),
        })?;
        Ok(issued)
    }
}

/// For `openssl ts -reply`, run in the folder itself. The policy is the example of OpenSSL's own documents.
const TSA_SETTINGS: &str = "\
[tsa]
default_tsa = development
[development]
serial = tsa.serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = issuing.pem
signer_digest = sha256
digests = sha256, sha384, sha512
default_policy = 1.3.6.1.4.1.13762.3
accuracy = secs:1
ordering = yes
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::request;

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn common_name(params: &str) -> IssueParams {
        IssueParams {
            san_uri: Some("urn:lienthong:test:partner:tax".to_owned()),
            ..IssueParams::new(params, Usage::Client, now())
        }
    }

    #[test]
    fn a_request_becomes_a_certificate_of_its_key_and_names_and_can_be_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let mut office = Office::open_or_create(folder.path(), "test", now()).unwrap();
        office.make_services(now()).unwrap();
        let (asked, key) = request(&common_name("tax")).unwrap();
        let issued = office.sign_request(&asked, &IssueParams::new("tax", Usage::Client, now()));
        let issued = issued.unwrap();
        crate::tls::Identity::from_pem(issued.chain_pem.as_bytes(), key.as_bytes()).unwrap();
        let leaf = PeerCertificate::from_der(&issued.der).unwrap();
        assert_eq!(leaf.san_uris, ["urn:lienthong:test:partner:tax"]);
        office.revoke(&issued.serial, now()).unwrap();
        let again = Office::open_or_create(folder.path(), "test", now()).unwrap();
        assert_eq!(again.register().entries()[0].revoked_at, Some(now()));
        assert!(office.sign_request("nothing", &common_name("x")).is_err());
    }
}
