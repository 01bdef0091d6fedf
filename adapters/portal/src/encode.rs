//! The accepted dossier in the portal's words.

use gateway_core::{Encoded, Unsigned};
use jiff::Timestamp;
use schemas::{
    date::portal_time,
    fault::{Fault, FaultCode},
    id::DossierCode,
    proto::insurance::Dossier,
    wire::portal::{self, Acceptance, StatusTold},
};

pub(crate) fn encode(reference: &str, dossier: &Dossier) -> Result<Encoded, Fault> {
    let acceptance = acceptance(reference, dossier)?;
    Ok(Encoded {
        unsigned: Unsigned::Json(portal::encode(&acceptance)),
        callbacks: Vec::new(),
        // what happens to the dossier is told, nothing about its holder
        persons: Vec::new(),
    })
}

/// What is told of a dossier.
pub(crate) fn acceptance(reference: &str, dossier: &Dossier) -> Result<Acceptance, Fault> {
    Ok(Acceptance {
        code: dossier.code.clone(),
        reference: reference.to_owned(),
        state: dossier.state.to_string(),
        received_at: portal_clock(&dossier.received_at)?,
        due_at: portal_clock(&dossier.due_at)?,
    })
}

/// How a dossier stands, to whoever asked for this code; none where the asker has none of it.
pub(crate) fn told(code: &DossierCode, dossier: Option<&Dossier>) -> Result<StatusTold, Fault> {
    let said = |found: &str| StatusTold {
        code: code.as_str().to_owned(),
        found: found.to_owned(),
        ..StatusTold::default()
    };
    let Some(dossier) = dossier else {
        return Ok(said("0"));
    };
    let acceptance = acceptance(&dossier.foreign_id, dossier)?;
    Ok(StatusTold {
        reference: Some(acceptance.reference),
        state: Some(acceptance.state),
        received_at: Some(acceptance.received_at),
        due_at: Some(acceptance.due_at),
        ..said("1")
    })
}

/// The same as JSON.
pub(crate) fn stands(code: &DossierCode, dossier: Option<&Dossier>) -> Result<Encoded, Fault> {
    Ok(Encoded {
        unsigned: Unsigned::Json(portal::encode(&told(code, dossier)?)),
        callbacks: Vec::new(),
        // what happens to the dossier is told, nothing about its holder
        persons: Vec::new(),
    })
}

/// RFC 3339 as the portal reads it, `yyyyMMddHHmmss` at +07:00.
fn portal_clock(rfc3339: &str) -> Result<String, Fault> {
    let at: Timestamp = rfc3339.parse().map_err(|_| {
        Fault::new(FaultCode::Internal, "registry-answer").log("a time is not RFC 3339")
    })?;
    Ok(portal_time::format(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dossier() -> Dossier {
        Dossier {
            code: "X99.01-261122-000001".into(),
            state: 1,
            received_at: "2026-11-22T05:00:00Z".into(),
            due_at: "2026-11-27T10:00:00Z".into(),
            ..Dossier::default()
        }
    }

    #[test]
    fn the_answer_gives_the_code_the_state_and_local_times() {
        let Unsigned::Json(body) = encode("DVC-2026-0001", &dossier()).unwrap().unsigned else {
            panic!("not JSON")
        };
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"MaHoSo":"X99.01-261122-000001","MaThamChieu":"DVC-2026-0001","TrangThaiHoSo":"1","NgayTiepNhan":"20261122120000","NgayHenTra":"20261127170000"}"#
        );
    }

    #[test]
    fn a_time_that_the_contract_forbids_is_our_fault() {
        let fault = encode(
            "DVC-2026-0001",
            &Dossier {
                due_at: "soon".into(),
                ..dossier()
            },
        )
        .unwrap_err();
        assert_eq!(
            (fault.code(), fault.reason()),
            (FaultCode::Internal, "registry-answer")
        );
    }
}
