//! The submission of a reissue dossier and the checker of its acceptance.

use jiff::Timestamp;
use schemas::codes::procedures::REISSUE_CARD;
use schemas::date::{format_slash, portal_time};
use schemas::id::DossierCode;
use serde_json::{Value, json};

use crate::call::{Params, Prepared, Trouble};
use crate::client::Reply;
use crate::desk::only;
use crate::identity::Identity;
use crate::jws;
use crate::landmarks::{self, Landmarks, Person, pick};

/// The body of a submission, from parameters and a holder of the landmarks.
pub(super) fn body(
    params: &Params,
    landmarks: Result<Landmarks, landmarks::Error>,
    number: u64,
    now: Timestamp,
) -> Result<Vec<u8>, Trouble> {
    only(
        params,
        &["reason", "card", "name", "pin", "birth_date", "procedure"],
    )?;
    let all_given = ["card", "name", "pin", "birth_date"]
        .iter()
        .all(|name| params.contains_key(*name));
    let holder = match all_given {
        true => None,
        false => Some(pick(&landmarks?.holders, number, "holders")?.clone()),
    };
    let given = |name: &str, of: fn(&Person) -> String| {
        params
            .get(name)
            .cloned()
            .or_else(|| holder.as_ref().map(of))
            .unwrap_or_default()
    };
    let born = given("birth_date", |holder| holder.birth_date.clone());
    let born = born.parse::<jiff::civil::Date>().map_or(born, format_slash);
    let body = json!({
        "MaThamChieu": format!("DVC-{}-{number:06}", portal_time::format(now)),
        "MaTTHC": params.get("procedure").map_or(REISSUE_CARD, String::as_str),
        "ChuHoSo": {
            "HoVaTen": given("name", |holder| holder.name.clone()),
            "SoDinhDanh": given("pin", |holder| holder.pin.clone()),
            "NgayThangNamSinh": born,
        },
        "MaThe": given("card", |holder| holder.card.clone().unwrap_or_default()),
        "LyDoCapLai": params.get("reason").map_or("HONG", String::as_str),
        "NgayNopHoSo": portal_time::format(now),
    });
    Ok(body.to_string().into_bytes())
}

/// Proves that a reply is the gateway's signed acceptance of `sent` and gives its members.
pub(super) fn proven(
    identity: &Identity,
    sent: &Prepared,
    reply: &Reply,
) -> Result<Params, Trouble> {
    let body = jws::proven_answer(identity, sent, reply)?;
    let asked: Value = serde_json::from_slice(&sent.body)
        .map_err(|_| Trouble::answer("the request cannot be read back"))?;
    let Value::Object(members) = &body else {
        return Err(Trouble::answer("the answer is no object"));
    };
    let answer: Params = members
        .iter()
        .filter_map(|(name, value)| value.as_str().map(|text| (name.clone(), text.to_owned())))
        .collect();
    let says = |name: &str| answer.get(name).map(String::as_str).unwrap_or_default();
    let time = |name: &str| portal_time::parse(says(name));
    for (holds, what) in [
        (answer.len() == members.len(), "a member that is no text"),
        (
            DossierCode::parse(says("MaHoSo")).is_ok(),
            "MaHoSo is no dossier code",
        ),
        (
            Some(says("MaThamChieu")) == asked["MaThamChieu"].as_str(),
            "another MaThamChieu",
        ),
        (
            matches!(says("TrangThaiHoSo"), "1" | "2"),
            "TrangThaiHoSo of a new dossier",
        ),
        (
            matches!((time("NgayTiepNhan"), time("NgayHenTra")), (Ok(from), Ok(to)) if from < to),
            "NgayTiepNhan or NgayHenTra",
        ),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_what_the_published_words_read() {
        let landmarks: Landmarks = serde_json::from_str(
            r#"{"holders":[{"name":"Lê Mẫu","pin":"099093000002","birth_date":"1993-02-01","card":"GD4019900000007"}]}"#,
        )
        .unwrap();
        let now = "2026-11-22T05:00:00Z".parse().unwrap();
        let bytes = body(&Params::new(), Ok(landmarks), 5, now).unwrap();
        let read: schemas::wire::portal::Submission =
            schemas::wire::portal::decode(&bytes).unwrap();
        assert_eq!(read.applicant.born, "01/02/1993");
        assert_eq!(
            (read.reason.as_deref().unwrap(), read.submitted_at.as_str()),
            ("HONG", "20261122120000")
        );
    }

    #[test]
    fn a_parameter_that_nobody_reads_is_refused() {
        let params = [("colour".to_owned(), "red".to_owned())].into();
        let refused = body(&params, Ok(Landmarks::default()), 1, Timestamp::UNIX_EPOCH);
        assert!(matches!(refused, Err(Trouble::Params(_))));
    }
}
