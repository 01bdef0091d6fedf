//! `LayKetQua`: which cases are asked for.

use schemas::{
    codes::provinces,
    fault::Fault,
    id::DossierCode,
    wire::civil::{CASE_IDS_MAX, Module, StatusQuery, decode},
};

use super::check::{invalid, json};

/// A poll for the newest status of 1 to 3 cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Inter-linked dossier codes, in the order asked.
    pub case_ids: Vec<DossierCode>,
    /// Births or deaths.
    pub module: Module,
    /// Province of the asking office, repeated in the answer.
    pub province: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Poll, Fault> {
    let query: StatusQuery = decode(bytes).map_err(json)?;
    let module = match Module::from_wire(&query.module) {
        Some(module @ (Module::Birth | Module::Death)) => module,
        Some(Module::Marriage | Module::Correction) => {
            return Err(invalid("module-not-for-us", "module"));
        }
        None => return Err(invalid("unknown-code", "module")),
    };
    // Either list of provinces may be asked with: the poll names an office, not an address.
    if !provinces::in_list_of_63(query.province.trim()) {
        return Err(invalid("unknown-code", "maTinh"));
    }
    match query.case_ids.len() {
        0 => return Err(invalid("missing-field", "maDinhDanhHoSo")),
        1..=CASE_IDS_MAX => {}
        _ => return Err(invalid("too-many-cases", "maDinhDanhHoSo")),
    }
    let case_ids = query.case_ids.iter().map(|id| {
        DossierCode::parse(id.trim())
            .map_err(|error| invalid("bad-case-id", "maDinhDanhHoSo").log(error.to_string()))
    });
    Ok(Poll {
        case_ids: case_ids.collect::<Result<_, _>>()?,
        module,
        province: query.province.trim().to_owned(),
    })
}
