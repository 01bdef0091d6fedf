//! One status as it came: whose it is by its signature, and whether every member is what its form allows.

use certs::jws::{Direction, parse};
use schemas::date::parse_slash;
use serde_json::{Map, Value};

use super::table::Told;
use crate::clock;
use crate::identity::Identity;
use crate::jws::SKEW_SECONDS_MAX;

/// A status that was proven and read.
#[derive(Debug)]
pub(super) struct Status {
    /// `<module>-<maHoSo>`.
    pub(super) dossier: String,
    /// Its place in the dossier, from 1: the end of its id.
    pub(super) nth: u64,
    /// Whether it was sent just now.
    pub(super) fresh: bool,
    pub(super) told: Told,
}

/// Proves and reads; or says what is wrong, without a value.
pub(super) fn proven(
    identity: &Identity,
    signature: Option<&str>,
    body: &[u8],
) -> Result<Status, String> {
    let signature = signature.ok_or("no signature")?;
    let unproven = parse(signature).map_err(|error| error.reason().to_owned())?;
    let proof = unproven.verify(&identity.gateway_key, identity.gateway_algorithm, body);
    let header = proof
        .map_err(|error| error.reason().to_owned())?
        .into_header();
    for (holds, what) in [
        (header.dir == Direction::Request, "direction"),
        (header.kid == identity.gateway_kid, "kid"),
        (header.iss == identity.receiver.as_str(), "sender"),
        (header.aud == identity.partner.as_str(), "receiver"),
        (header.env == identity.environment, "environment"),
        (header.op == "civil.status", "operation"),
    ] {
        if !holds {
            return Err(what.to_owned());
        }
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| "not JSON")?;
    let members = body.as_object().ok_or("no object")?;
    let (dossier, nth) = header.jti.rsplit_once('.').ok_or("an id without a place")?;
    let status = Status {
        dossier: dossier.to_owned(),
        nth: nth.parse().map_err(|_| "an id without a place")?,
        fresh: (header.iat - clock::now().as_second()).abs() <= SKEW_SECONDS_MAX,
        told: told(members, &header.jti)?,
    };
    agrees(members, dossier)?;
    Ok(status)
}

/// The id names the dossier, and the module its procedure.
fn agrees(members: &Map<String, Value>, dossier: &str) -> Result<(), String> {
    let (module, case_id) = dossier.split_once('-').ok_or("an id without a module")?;
    let procedure = match module {
        "LTKS" => "2.000986",
        "LTKT" => "2.002622",
        _ => return Err("a module that is not told".to_owned()),
    };
    for (name, wanted) in [
        ("maTTHC", procedure),
        ("soHoSoLT", case_id),
        ("maHoSo", case_id),
    ] {
        if members.get(name).and_then(Value::as_str) != Some(wanted) {
            return Err(name.to_owned());
        }
    }
    match members.get("coQuanXuLy").and_then(Value::as_u64) {
        Some(5) => Ok(()),
        _ => Err("coQuanXuLy".to_owned()),
    }
}

fn told(members: &Map<String, Value>, id: &str) -> Result<Told, String> {
    if let Some(name) = members
        .keys()
        .find(|name| !MEMBERS.contains(&name.as_str()))
    {
        return Err(format!("{name} is no member"));
    }
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(name.to_owned()),
    };
    let state = members.get("trangThai").and_then(Value::as_u64);
    let state = state
        .and_then(|state| u8::try_from(state).ok())
        .ok_or("trangThai")?;
    let at = text("thoiGianThucHien")?.ok_or("thoiGianThucHien")?;
    let moment = moment(&at).ok_or("thoiGianThucHien")?;
    for name in ["ngayKetThucTheoQuyDinh", "hanBoSungHoSo"] {
        let day = text(name)?;
        if day.is_some_and(|day| parse_slash(&day).is_err()) {
            return Err(name.to_owned());
        }
    }
    let supplement_by = text("hanBoSungHoSo")?;
    if supplement_by.is_some() != (state == 2) {
        return Err("hanBoSungHoSo belongs to state 2".to_owned());
    }
    let result = text("ketQuaXuLy")?;
    if let Some(result) = &result {
        let read = serde_json::from_str::<Map<String, Value>>(result);
        let number = read.map_err(|_| "ketQuaXuLy")?;
        let number = number.get("maSoBHXH").and_then(Value::as_str);
        if state < 4 || number.is_none_or(|number| number.len() != 10) {
            return Err("ketQuaXuLy".to_owned());
        }
    }
    Ok(Told {
        id: id.to_owned(),
        state,
        at,
        moment,
        result,
        note: text("ghiChu")?,
        supplement_by,
    })
}

/// `dd/MM/yyyy HH:mm:ss` as a number that grows with time.
fn moment(text: &str) -> Option<i64> {
    let (day, clock) = text.split_once(' ')?;
    let day = parse_slash(day).ok()?;
    let clock: Vec<i64> = clock
        .split(':')
        .map(|part| (part.len() == 2).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    let [hour @ 0..24, minute @ 0..60, second @ 0..60] = clock[..] else {
        return None;
    };
    let date = i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day());
    Some(date * 1_000_000 + hour * 10_000 + minute * 100 + second)
}

/// The members of the status message, as the field has them.
const MEMBERS: [&str; 17] = [
    "maTTHC",
    "soHoSoLT",
    "coQuanXuLy",
    "maHoSo",
    "trangThai",
    "thoiGianThucHien",
    "ghiChu",
    "ketQuaXuLy",
    "nguoiXuLy",
    "chucDanh",
    "phongBanXuLy",
    "noiDungXuLy",
    "ngayBatDau",
    "ngayKetThucTheoQuyDinh",
    "ngayHenTraTruoc",
    "ngayHenTraMoi",
    "hanBoSungHoSo",
];
