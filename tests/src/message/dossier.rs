//! A dossier of the portal: a card is lost or damaged.

use insurance::seed::PersonMark;
use jiff::Timestamp;
use schemas::{
    codes::procedures::REISSUE_CARD,
    date::{format_slash, portal_time},
};
use serde_json::{Value, json};

use super::Json;

/// The dossier's members, for this holder under this name.
#[must_use]
pub fn members(now: Timestamp, holder: &PersonMark, name: &str) -> Value {
    json!({
        "MaThamChieu": format!("DVC-{}", uuid::Uuid::now_v7().simple()),
        "MaTTHC": REISSUE_CARD,
        "ChuHoSo": {
            "HoVaTen": name,
            "SoDinhDanh": holder.pin,
            "NgayThangNamSinh": format_slash(holder.birth_date.parse().unwrap()),
        },
        "MaThe": holder.card_number,
        "LyDoCapLai": "HONG",
        "NgayNopHoSo": portal_time::format(now),
    })
}

/// The message before it is signed.
#[must_use]
pub fn message(now: Timestamp, members: &Value) -> Json {
    let body = members.to_string().into_bytes();
    Json::new(
        now,
        "portal",
        "portal.submit-dossier",
        "/portal/v1/dossiers",
        body,
    )
}
