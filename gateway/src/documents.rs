//! What every registered peer may read: our signing keys as a JWK set, and the provinces and communes of the day.
//!
//! Both are paths of DCI's registry core. The standard gives the second no form: it is a list of SPDCI `Place`s as OpenCRVS's DCI server
//! writes it, with names of numbers of our own profile.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gateway_core::sign::Signer;
use jiff::civil::Date;
use schemas::codes::{communes, provinces};
use serde_json::{Value, json};

/// Our keys.
pub(crate) const JWKS: &str = "/.well-known/jwks.json";
/// The country, as far as registers know it.
pub(crate) const LOCATIONS: &str = "/.well-known/locations.json";

/// The documents; the large one is kept until the list of communes is another.
#[derive(Debug, Default, Clone)]
pub(crate) struct Documents(Arc<Mutex<Option<(Date, Bytes)>>>);

impl Documents {
    /// The document at a path as it is on a day; none where there is none.
    pub(crate) fn find(
        &self,
        path: &str,
        signer: &Signer,
        on: Date,
    ) -> Option<(&'static str, Bytes)> {
        match path {
            JWKS => Some((JWKS, Bytes::from(signer.jwks()?))),
            LOCATIONS => Some((LOCATIONS, self.locations(on))),
            _ => None,
        }
    }

    fn locations(&self, on: Date) -> Bytes {
        let since = communes::term(on).valid_from;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((known, document)) if *known == since => document.clone(),
            _ => {
                let document = Bytes::from(written(on, since).to_string());
                *kept = Some((since, document.clone()));
                document
            }
        }
    }
}

fn written(on: Date, since: Date) -> Value {
    let country = place(("iso-3166-1", "VN"), "Việt Nam", "COUNTRY", None);
    let provinces = provinces::on(on)
        .map(|one| place(("vn-province", one.code), one.name, "PROVINCE", Some("VN")));
    let communes = communes::all(on).map(|one| {
        place(
            ("vn-commune", one.code),
            one.name,
            "COMMUNE",
            Some(one.province),
        )
    });
    let all: Vec<Value> = std::iter::once(country)
        .chain(provinces)
        .chain(communes)
        .collect();
    json!({
        "@context": { "@context": "http://spdci.org/", "schema": "http://schema.org/" },
        "lastUpdated": since.to_string(),
        "locations": all,
    })
}

fn place((scheme, code): (&str, &str), name: &str, kind: &str, within: Option<&str>) -> Value {
    json!({
        "@type": "spdci:Place",
        "identifier": [{ "name": scheme, "identifier": code }],
        "name": name,
        "additionalType": kind,
        "containedInPlace": within,
    })
}
