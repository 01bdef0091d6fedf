//! `TraCuuGCS`: which birth notice is asked about, and whose.

use schemas::{
    fault::Fault,
    id::Pin,
    wire::civil::{FactsQuery, decode},
};

use super::check::{self, invalid, json};

/// A question for the children of one birth notice; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct FactsAsked {
    /// Code of the notice.
    pub code: String,
    /// The mother's PIN.
    pub mother: Pin,
}

impl std::fmt::Debug for FactsAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FactsAsked(***)")
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<FactsAsked, Fault> {
    let query: FactsQuery = decode(bytes).map_err(json)?;
    let code = query.code.trim();
    let is_code =
        (1..=CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_code {
        return Err(invalid("bad-code", "maGCS"));
    }
    Ok(FactsAsked {
        code: code.to_owned(),
        mother: check::pin(query.mother_pin.trim(), "meSoDDCN")?,
    })
}

/// Most characters of a notice's code.
const CODE: usize = 64;
