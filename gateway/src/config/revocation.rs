//! Which authorities are watched for what they take back, and where they tell it.

use std::sync::Arc;

use certs::{revocation::Issuer, tls::Anchors};
use roads::reach::{Location, Reach, Scheme};

use super::{Config, RevocationSource};

/// One authority with its places, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// The authority.
    pub issuer: Arc<Issuer>,
    /// Where its list stands.
    pub list: Option<Location>,
    /// Where its responder is asked.
    pub responder: Option<Location>,
    /// Whom certificates of these places must lead to, where they are over TLS.
    pub anchors: Option<Anchors>,
}

/// Every authority that the config names, or the first thing that is wrong: key, what, cure.
pub(crate) fn points(config: &Config) -> Result<Vec<Point>, (String, String, String)> {
    let revocation = &config.revocation;
    let needs_folder = revocation.sources.iter().any(|source| source.crl.is_some());
    if needs_folder && revocation.folder.is_none() {
        return Err((
            "revocation.folder".to_owned(),
            "`revocation.folder` is missing, and lists are fetched".to_owned(),
            "name a folder in which the last good lists are kept".to_owned(),
        ));
    }
    let mut points: Vec<Point> = Vec::new();
    for (index, source) in revocation.sources.iter().enumerate() {
        let key = |name: &str| format!("revocation.sources.{index}.{name}");
        let point = point(source).map_err(|(name, what, cure)| (key(name), what, cure))?;
        let is_known = |known: &Point| known.issuer.spki_sha256() == point.issuer.spki_sha256();
        if points.iter().any(is_known) {
            let what = "this authority stands twice".to_owned();
            return Err((key("issuer"), what, "keep one of the two".to_owned()));
        }
        points.push(point);
    }
    Ok(points)
}

type Wrong = (&'static str, String, String);

fn point(source: &RevocationSource) -> Result<Point, Wrong> {
    let issuer = std::fs::read(&source.issuer)
        .map_err(|error| error.to_string())
        .and_then(|pem| Issuer::from_pem(&pem).map_err(|error| error.to_string()))
        .map_err(|why| {
            let what = format!("{}: {why}", source.issuer.display());
            (
                "issuer",
                what,
                "name the authority's certificate, PEM".to_owned(),
            )
        })?;
    if source.crl.is_none() && source.ocsp.is_none() {
        let what = "neither a list nor a responder".to_owned();
        return Err((
            "issuer",
            what,
            "add `crl = \"http://…\"` or `ocsp = \"http://…\"`".to_owned(),
        ));
    }
    let anchors = source
        .anchors
        .as_deref()
        .map(Anchors::from_file)
        .transpose();
    let anchors = anchors.map_err(|error| {
        (
            "anchors",
            error.to_string(),
            "name a PEM file with CA certificates".to_owned(),
        )
    })?;
    let place = |name: &'static str, text: &Option<String>| -> Result<Option<Location>, Wrong> {
        let Some(text) = text else { return Ok(None) };
        let location = Location::parse(text, Reach::private(source.private)).map_err(|error| {
            let cure = "write http://host/path; where the host really is in a private network, add `private = true`";
            (name, error.to_string(), cure.to_owned())
        })?;
        if location.scheme() == Scheme::Https && anchors.is_none() {
            let what = "an https address without `anchors`".to_owned();
            return Err((
                name,
                what,
                "name the authorities of that server as `anchors`".to_owned(),
            ));
        }
        Ok(Some(location))
    };
    Ok(Point {
        list: place("crl", &source.crl)?,
        responder: place("ocsp", &source.ocsp)?,
        issuer: Arc::new(issuer),
        anchors,
    })
}
