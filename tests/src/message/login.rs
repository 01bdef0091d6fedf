//! Hospitals that sign nothing: `[md5_login]` in the place of keys, the call for a token, and a notice under one.

use serde_json::{Value, json};

use super::{Message, Notice};
use crate::{client::Reply, house::Plan};

/// The MD5 of the synthetic password, as a hospital's software sends it.
pub const MD5: &str = "5f4dcc3b5aa765d61d8327deb882cf99";
/// Its slow hash, as `lienthong partner hash-md5` writes it.
const HASH: &str =
    "pbkdf2-sha256$600000$c3ludGhldGljLXNhbHQtMA==$Ft1RrVm00G9Dc8ydf//DYmpv+3roT8NGycd/gViJz5o=\n";
/// Another facility with a login; its notices come through the platform alone.
pub const OTHER: &str = "cskcb-01002";

/// The house of two facilities without keys: 01001, whose user name is `bv-01001`, and 01002.
#[must_use]
pub fn with_logins(plan: Plan) -> Plan {
    plan.replace(
        "gateway.toml",
        "[danger]\n",
        "[danger]\nmd5_tokens_of = [\"cskcb-01001\", \"cskcb-01002\"]\n",
    )
    .secret("md5.hash", HASH)
    .write("partners/cskcb-01001.toml", file("01001", true))
    .write("partners/cskcb-01002.toml", file("01002", false))
}

/// A facility's file.
#[must_use]
pub fn file(code: &str, is_direct: bool) -> String {
    let peers = match is_direct {
        true => format!("\"urn:lienthong:sandbox:partner:cskcb-{code}\""),
        false => String::new(),
    };
    format!(
        r#"
id = "cskcb-{code}"
name = "Hospital {code}"
environment = "sandbox"
peers = [{peers}]

[quota]
per_minute = 6000
burst = 1000

[md5_login]
username = "bv-{code}"
hash_file = "../md5.hash"
failures = 3
lock_seconds = 600
token_seconds = 1800
per_minute = 1
burst = 12

[[relays]]
road = "ngsp"
relay = "ngsp"

[[agreements]]
number = "SANDBOX-HOSPITAL-{code}"
legal_basis = "Circular 25/2025/TT-BYT; Law on Health Insurance art. 16"
purposes = ["child-health-insurance", "end-of-participation"]
roads = ["direct", "ngsp"]
valid_from = 2026-01-01

[agreements.operations."hospital.birth-notice"]
fields = ["siNumber", "card"]
per_minute = 1
burst = 3

[agreements.operations."hospital.death-notice"]
"#
    )
}

/// A call for a token, in JSON.
#[must_use]
pub fn call(username: &str, md5: &str) -> Message {
    Message {
        path: "/api/token/take",
        content_type: "application/json".to_owned(),
        signature: None,
        body: json!({ "username": username, "password": md5 })
            .to_string()
            .into_bytes(),
    }
}

/// Both halves of the token that was given.
#[must_use]
pub fn token(reply: &Reply) -> [String; 2] {
    let answer = reply.assert_ok().json();
    assert_eq!(answer["maKetQua"], "200");
    let half = |name: &str| answer["APIKey"][name].as_str().unwrap().to_owned();
    [half("access_token"), half("id_token")]
}

/// The notice under a token: whatever stands in the signature's place.
#[must_use]
pub fn under(notice: &Notice, [access, id]: &[String; 2]) -> Message {
    notice
        .clone()
        .with("token", access)
        .with("id_token", id)
        .with("username", "bv-01001")
        .with("password", MD5)
        .carrying(&notice.document(""))
}

/// The same as a form of the older kind.
#[must_use]
pub fn as_form(message: &Message) -> Message {
    let members: Value = serde_json::from_slice(&message.body).unwrap();
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, text) in members.as_object().unwrap() {
        form.append_pair(name, text.as_str().unwrap());
    }
    Message {
        content_type: "application/x-www-form-urlencoded".to_owned(),
        body: form.finish().into_bytes(),
        ..message.clone()
    }
}

/// What is kept of it: the token's digest in its place, and no credentials.
#[must_use]
pub fn kept(message: &Message, [access, id]: &[String; 2]) -> Value {
    let mut form: Value = serde_json::from_slice(&message.body).unwrap();
    let members = form.as_object_mut().unwrap();
    for secret in ["id_token", "username", "password"] {
        members.remove(secret);
    }
    let digest = gateway_core::login::TokenDigest::of(access, id);
    members.insert("token".to_owned(), digest.kept().into());
    form
}
