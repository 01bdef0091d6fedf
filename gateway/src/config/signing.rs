//! Where the key stands that signs our answers: a PEM file, a PKCS#12 file or a token; secrets by reference.

use std::{collections::BTreeSet, fs, path::PathBuf};

use certs::keys::{
    Algorithm, KeyError, KeyStore, PemFile, Pkcs12File, SecretPlace, SigningKey, TokenStore,
    VerifyingKey,
};
use serde_json::Value;

use super::{Config, Sign, registry::Wrong};

/// The key with its certificate, DER. A token is not asked for anything yet.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn signing_key(config: &Config) -> Result<(SigningKey, Vec<u8>), Wrong> {
    let sign = &config.sign;
    let pem = fs::read(&sign.cert).map_err(|error| {
        let what = format!("{}: {error}", sign.cert.display());
        ("sign.cert", what, CERT_CURE)
    })?;
    let (place, store) = store(sign, &pem)?;
    let key = store
        .open(sign.algorithm)
        .map_err(|error| (place, told(sign, error), cure(error)))?;
    let unfit = |what: &str| ("sign.cert", what.to_owned(), CERT_CURE);
    let public = VerifyingKey::from_certificate_pem(&pem)
        .map_err(|error| unfit(&format!("signing certificate: {error}")))?;
    if public.spki() != key.public_spki() {
        return Err(unfit("signing certificate and key do not belong together"));
    }
    let der = certs::tls::first_certificate(&pem)
        .map_err(|error| unfit(&format!("signing certificate: {error}")))?;
    Ok((key, der))
}

/// The public keys that are shown beside the one in force, each as a JWK, in the order of the config.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn keys_shown(sign: &Sign) -> Result<Vec<Value>, Wrong> {
    let mut names = BTreeSet::from([sign.kid.as_str()]);
    let mut shown = Vec::with_capacity(sign.shown.len());
    for line in &sign.shown {
        let wrong = |what: String| ("sign.shown", what, SHOWN_CURE);
        if !names.insert(&line.kid) {
            return Err(wrong(format!("two keys are named `{}`", line.kid)));
        }
        let place = line.cert.display();
        let pem = fs::read(&line.cert).map_err(|error| wrong(format!("{place}: {error}")))?;
        let key = VerifyingKey::from_certificate_pem(&pem)
            .map_err(|error| wrong(format!("{place}: {error}")))?;
        if key.kind() != line.algorithm.key_kind() || !Algorithm::JWS.contains(&line.algorithm) {
            let what = format!(
                "{place}: its key does not sign JSON with {}",
                line.algorithm
            );
            return Err(wrong(what));
        }
        let jwk = certs::keys::jwk(key.spki(), &line.kid, line.algorithm)
            .map_err(|error| wrong(format!("{place}: {error}")))?;
        shown.push(jwk);
    }
    Ok(shown)
}

/// Every file whose change may change a key.
pub(crate) fn files(sign: &Sign) -> impl Iterator<Item = &PathBuf> {
    let pkcs12 = sign.pkcs12.iter();
    let pkcs12 = pkcs12.flat_map(|line| [Some(&line.file), line.passphrase_file.as_ref()]);
    let pin = sign.pkcs11.iter().map(|line| line.pin_file.as_ref());
    [Some(&sign.cert), sign.key.as_ref()]
        .into_iter()
        .chain(pkcs12)
        .chain(pin)
        .flatten()
        .chain(sign.shown.iter().map(|line| &line.cert))
}

/// The place of the key in a few words.
pub(crate) fn shown(sign: &Sign) -> String {
    match (&sign.key, &sign.pkcs12, &sign.pkcs11) {
        (Some(file), ..) => format!("{}", file.display()),
        (_, Some(line), _) => format!("{} (PKCS#12)", line.file.display()),
        (_, _, Some(line)) => format!("key {} in token {} (PKCS#11)", line.label, line.token),
        (None, None, None) => "none".to_owned(),
    }
}

/// The key in the config that names the place, and the place.
fn store(sign: &Sign, cert: &[u8]) -> Result<(&'static str, Box<dyn KeyStore>), Wrong> {
    match (&sign.key, &sign.pkcs12, &sign.pkcs11) {
        (Some(path), None, None) => Ok(("sign.key", Box::new(PemFile { path: path.clone() }))),
        (None, Some(line), None) => {
            let passphrase = secret(
                "sign.pkcs12.passphrase_file",
                line.passphrase_file.as_ref(),
                line.passphrase_env.as_ref(),
            )?;
            let path = line.file.clone();
            Ok(("sign.pkcs12", Box::new(Pkcs12File { path, passphrase })))
        }
        (None, None, Some(line)) => {
            let pin = secret(
                "sign.pkcs11.pin_file",
                line.pin_file.as_ref(),
                line.pin_env.as_ref(),
            )?;
            let store = TokenStore {
                module: line.module.clone(),
                token: line.token.clone(),
                label: line.label.clone(),
                pin,
                sessions: line.sessions,
                certificate_pem: cert.to_vec(),
            };
            Ok(("sign.pkcs11", Box::new(store)))
        }
        (None, None, None) => Err((
            "sign.key",
            "nothing says where the signing key is".to_owned(),
            ONE,
        )),
        _ => Err((
            "sign.key",
            "the signing key stands in two places".to_owned(),
            ONE,
        )),
    }
}

/// Where a PIN or passphrase stands: in a file or in a variable, one of the two.
pub(super) fn secret(
    key: &'static str,
    file: Option<&PathBuf>,
    env: Option<&String>,
) -> Result<SecretPlace, Wrong> {
    match (file, env) {
        (Some(file), None) => Ok(SecretPlace::File(file.clone())),
        (None, Some(name)) => Ok(SecretPlace::Env(name.clone())),
        _ => Err((
            key,
            "a PIN or passphrase stands in a file or in an environment variable, one of the two"
                .to_owned(),
            "name a file of mode 0600, or 0640 for a group",
        )),
    }
}

fn told(sign: &Sign, error: KeyError) -> String {
    format!("{}: {error}", shown(sign))
}

fn cure(error: KeyError) -> &'static str {
    match error {
        KeyError::SecretUnreadable => "put it on the first line of a file of mode 0600",
        KeyError::BadPkcs12 => "look whether the file is PKCS#12 and the passphrase is its own",
        _ => {
            "name a P-256, P-384, Ed25519 or RSA (2048 bits or more) key, such as PKCS#8 PEM, that fits \
             `sign.algorithm`"
        }
    }
}

const ONE: &str = "set one of `key`, `[sign.pkcs12]` and `[sign.pkcs11]`";
const SHOWN_CURE: &str = "name the certificate of a key of before or of the next one, a name of its own, and its algorithm";
const CERT_CURE: &str = "name the chain, leaf first, of the key that signs, PEM";
