//! Key and certificate files: there, readable, belonging together, private, not a development key.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path};

use certs::{
    keys::Algorithm,
    seal::is_exposed,
    tls::{Anchors, Identity, RevocationList},
};

use gateway_core::partner::{Partners, PeerId};

use super::{Config, Problem, read::Place};

/// Checks our own files: TLS identity, anchors, revocation lists, signing key.
pub(super) fn check_own(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let mut note =
        |path: &str, what: String, cure: &str| problems.push(place.error(path, what, cure));
    if let Err(error) = Identity::from_files(&config.tls.cert, &config.tls.key) {
        note(
            "tls.cert",
            format!("TLS certificate and key: {error}"),
            IDENTITY_CURE,
        );
    }
    if config.tls.anchors.is_empty() {
        note(
            "tls.anchors",
            "no authority: nobody could connect".to_owned(),
            "name at least one PEM file",
        );
    }
    for (index, file) in config.tls.anchors.iter().enumerate() {
        if let Err(error) = Anchors::from_file(file) {
            note(
                &format!("tls.anchors.{index}"),
                format!("anchors: {error}"),
                "name a PEM file with CA certificates",
            );
        }
    }
    for (index, file) in config.tls.crls.iter().enumerate() {
        if let Err(error) = RevocationList::from_file(file) {
            note(
                &format!("tls.crls.{index}"),
                format!("revocation list: {error}"),
                "name a PEM file with an X509 CRL",
            );
        }
    }
    signing(config, problems);
    private("tls.key", &config.tls.key, place, problems);
    if let Some(key) = &config.sign.key {
        private("sign.key", key, place, problems);
    }
    if let Some(line) = &config.sign.pkcs12 {
        private("sign.pkcs12.file", &line.file, place, problems);
    }
    private("store.seal_key", &config.store.seal_key, place, problems);
    if let Err((key, what, cure)) = super::key_file(config) {
        problems.push(place.error(key, what, cure));
    }
}

/// How many different authorities the certificates of partners may lead to; what cannot be read counts not.
pub(super) fn authorities(config: &Config) -> usize {
    let files = config.tls.anchors.iter();
    let anchors: Vec<Anchors> = files
        .filter_map(|file| Anchors::from_file(file).ok())
        .collect();
    let different: BTreeSet<[u8; 32]> = anchors.iter().flat_map(Anchors::authorities).collect();
    different.len()
}

/// What forbids the anchors as they stand in their files now, beside partners who are in force.
pub(crate) fn anchors_beside(config: &Config, partners: &Partners) -> Option<String> {
    let named = |peer: &PeerId| matches!(peer, PeerId::Uri(_));
    let partner = partners
        .iter()
        .find(|partner| partner.peers.iter().any(named))?;
    (authorities(config) > 1).then(|| {
        format!(
            "several authorities in `tls.anchors`, and `{}` is known by its URI: pin its key first",
            partner.id
        )
    })
}

/// Refuses what the development authority issued.
pub(super) fn refuse_development(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let named = [
        ("tls.cert", &config.tls.cert),
        ("sign.cert", &config.sign.cert),
    ]
    .map(|(path, file)| (path.to_owned(), file));
    let anchors = config.tls.anchors.iter().enumerate();
    let anchors = anchors.map(|(index, file)| (format!("tls.anchors.{index}"), file));
    for (path, file) in named.into_iter().chain(anchors) {
        if is_development(file) {
            problems.push(place.error(
                &path,
                "production refuses the development authority and its certificates",
                "use certificates of the state's authority",
            ));
        }
    }
}

/// True where a certificate in the file comes from the development authority.
pub(super) fn is_development(file: &Path) -> bool {
    fs::read(file).is_ok_and(|pem| certs::pki::is_development(&pem))
}

fn signing(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    match super::signing_key(config) {
        Err((key, what, cure)) => problems.push(place.error(key, what, cure)),
        Ok((key, _)) if !Algorithm::JWS.contains(&key.algorithm()) => problems.push(place.error(
            "sign.algorithm",
            format!("{} cannot sign JSON answers", key.algorithm()),
            "use ES256, ES384, PS256, PS384, RS256 or EdDSA",
        )),
        Ok(_) => {}
    }
    if let Err((key, what, cure)) = super::keys_shown(&config.sign) {
        problems.push(place.error(key, what, cure));
    }
}

/// A private key that others can read is an error, not a warning; only its group may.
fn private(path: &str, file: &Path, place: &Place, problems: &mut Vec<Problem>) {
    let Ok(metadata) = fs::metadata(file) else {
        return; // said already
    };
    let mode = metadata.permissions().mode() & 0o777;
    if is_exposed(mode) {
        problems.push(place.error(
            path,
            format!("the private key is open to others (mode {mode:04o})"),
            format!(
                "chmod 0600 {} (0640 where its group must read it)",
                file.display()
            ),
        ));
    }
}

const IDENTITY_CURE: &str =
    "name the chain (leaf first) and the private key that belongs to it, both PEM";
