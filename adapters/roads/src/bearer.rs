//! An access token as a caller shows it, before anybody has proven it.

use certs::jwt;
use http::{HeaderMap, header};
use schemas::fault::{Fault, FaultCode};
use serde::de::DeserializeOwned;

/// The token of the one `Authorization: Bearer`, and what it claims; none where there is no such field.
///
/// # Errors
/// `TokenRefused` where there are several, another scheme, or nothing that could be a token.
pub fn shown<T: DeserializeOwned>(headers: &HeaderMap) -> Result<Option<(String, T)>, Fault> {
    let refused = |reason| Fault::new(FaultCode::TokenRefused, reason);
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(one) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(refused("token-twice"));
    }
    let parts = one.to_str().ok().and_then(|text| text.split_once(' '));
    let token = parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or_else(|| refused("token-missing"))?;
    let claims = jwt::parse_pinned(token).and_then(|unproven| unproven.claims());
    let claims = claims.map_err(|error| refused(error.reason()))?;
    Ok(Some((token.to_owned(), claims)))
}
