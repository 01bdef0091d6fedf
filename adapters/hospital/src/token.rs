//! The legacy token of PL02, in its words: who asks, what is given, and a refusal.

use gateway_core::{
    Evidence,
    login::{Asked, Given},
};
use http::HeaderMap;
use roads::{egw, media};
use schemas::{
    fault::{Fault, FaultCode},
    wire::hospital::{self as wire, token},
};

/// Where it is asked for.
pub const PATH: &str = crate::envelope::TOKEN;

/// Reads who asks: JSON or a form, two members.
///
/// # Errors
/// `UnsupportedMediaType`; `Malformed` for what is no such call; `Invalid` (`missing-field`) where one is empty.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Asked, Fault> {
    media::check(headers, egw::FORM)?;
    let malformed = |reason| Fault::new(FaultCode::Malformed, reason);
    let asked: token::Ask = match egw::is_json(headers) {
        true => wire::decode(body).map_err(|error| malformed(error.code()))?,
        false => form(body)?,
    };
    for (field, text) in [("username", &asked.username), ("password", &asked.password)] {
        if text.is_empty() {
            return Err(Fault::new(FaultCode::Invalid, "missing-field").field(field));
        }
    }
    Ok(Asked {
        username: asked.username,
        password: asked.password,
    })
}

fn form(body: &[u8]) -> Result<token::Ask, Fault> {
    let malformed = |reason| Fault::new(FaultCode::Malformed, reason);
    let mut asked = token::Ask::default();
    for (name, text) in form_urlencoded::parse(body) {
        let member = match &*name {
            "username" => &mut asked.username,
            "password" => &mut asked.password,
            _ => return Err(malformed("form-member-unknown")),
        };
        if !member.is_empty() {
            return Err(malformed("form-member-twice"));
        }
        *member = text.into_owned();
    }
    Ok(asked)
}

/// The token, said once.
#[must_use]
pub fn given(username: &str, given: &Given) -> Vec<u8> {
    wire::encode(&token::Given {
        code: "200".to_owned(),
        key: Some(token::Key {
            access_token: given.access.clone(),
            id_token: given.id.clone(),
            token_type: "bearer".to_owned(),
            username: username.to_owned(),
            expires_in: given.lives.as_secs().to_string(),
        }),
        message: None,
    })
}

/// A refusal.
#[must_use]
pub fn face(fault: &Fault, _: Evidence) -> Vec<u8> {
    let row = fault.code().row();
    wire::encode(&token::Given {
        code: token::code(fault.code(), fault.reason()).to_owned(),
        key: None,
        message: Some(format!("{} Lý do: {}.", row.vi, fault.reason())),
    })
}
