//! What an applicant says of a dossier that is on its way: its papers, or that it is taken back.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    Claims, Decoded, Identity, Operation,
    ports::{Person, PersonNumber},
};
use jiff::Timestamp;
use schemas::{
    date::{day_in_viet_nam, portal_time},
    fault::Fault,
    id::{DossierCode, Pin, ProcedureCode},
    procedure::{Catalog, Procedure},
    wire::portal::{self, DossierSupplement, DossierWithdrawal, StatusAsked},
};

use super::{
    Paper,
    check::{self, invalid, optional},
    papers, reference,
};
use crate::{PURPOSE, STATUS, SUPPLEMENT, WITHDRAW};

/// About which dossier somebody speaks, every value checked; `Debug` shows the code only.
#[derive(Clone, PartialEq, Eq)]
pub struct Later {
    /// The dossier.
    pub code: DossierCode,
    /// Its procedure.
    pub procedure: ProcedureCode,
    /// Whoever is logged in.
    pub pin: Pin,
    /// What they say; may be empty.
    pub text: String,
    /// When.
    pub sent_at: Timestamp,
    /// The papers of a supplement; none of a withdrawal.
    pub supplement: Option<Supplement>,
}

/// Papers that were missing.
#[derive(Clone, PartialEq, Eq)]
pub struct Supplement {
    /// The portal's id of it.
    pub id: String,
    /// The papers.
    pub papers: Vec<Paper>,
}

impl std::fmt::Debug for Later {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Later")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// Papers that were asked for.
pub(crate) fn supplement(
    catalog: &'static Catalog,
    claims: Claims,
    bytes: &[u8],
) -> Result<Decoded<Later>, Fault> {
    check::is_for(&claims, &SUPPLEMENT)?;
    let said: DossierSupplement = portal::decode(bytes).map_err(check::json)?;
    if said.papers.is_empty() {
        return Err(invalid("missing-field", "DanhSachGiayToBoSung"));
    }
    let supplement = Supplement {
        id: reference(&said.id, "HoSoBoSungId")?,
        papers: papers(said.papers)?,
    };
    let about = About {
        code: &said.code,
        procedure: &said.procedure,
        pin: &said.pin,
        text: optional(said.text.as_ref(), TEXT_CHARS_MAX, "NoiDungBoSung")?,
        sent_at: moment(&said.sent_at, "NgayBoSung")?,
    };
    about.decoded(catalog, claims, bytes, (&SUPPLEMENT, Some(supplement)))
}

/// A dossier is taken back.
pub(crate) fn withdrawal(
    catalog: &'static Catalog,
    claims: Claims,
    bytes: &[u8],
) -> Result<Decoded<Later>, Fault> {
    check::is_for(&claims, &WITHDRAW)?;
    let said: DossierWithdrawal = portal::decode(bytes).map_err(check::json)?;
    let about = About {
        code: &said.code,
        procedure: &said.procedure,
        pin: &said.pin,
        text: optional(said.text.as_ref(), TEXT_CHARS_MAX, "LyDo")?,
        sent_at: moment(&said.sent_at, "NgayYeuCau")?,
    };
    about.decoded(catalog, claims, bytes, (&WITHDRAW, None))
}

/// How a dossier stands is asked.
pub(crate) fn status(claims: Claims, bytes: &[u8]) -> Result<Decoded<DossierCode>, Fault> {
    check::is_for(&claims, &STATUS)?;
    let said: StatusAsked = portal::decode(bytes).map_err(check::json)?;
    asked_status(claims, &said, Bytes::copy_from_slice(bytes))
}

/// The same however it was said. It names nobody, and whose dossier it is says the registry alone.
pub(crate) fn asked_status(
    claims: Claims,
    said: &StatusAsked,
    payload: Bytes,
) -> Result<Decoded<DossierCode>, Fault> {
    Ok(Decoded {
        claims,
        operation: &STATUS,
        identity: Identity::Envelope,
        purpose: PURPOSE.to_owned(),
        asked: BTreeSet::new(),
        lines: 1,
        provinces: None,
        payload,
        objection: None,
        synthetic: false,
        persons: Vec::new(),
        request: code(&said.code)?,
    })
}

fn code(text: &str) -> Result<DossierCode, Fault> {
    DossierCode::parse(text)
        .map_err(|error| invalid("bad-reference", "MaHoSo").log(error.to_string()))
}

/// What both have.
struct About<'a> {
    code: &'a str,
    procedure: &'a str,
    pin: &'a str,
    text: String,
    sent_at: Timestamp,
}

impl About<'_> {
    fn decoded(
        self,
        catalog: &'static Catalog,
        claims: Claims,
        bytes: &[u8],
        (operation, supplement): (&'static Operation, Option<Supplement>),
    ) -> Result<Decoded<Later>, Fault> {
        let (procedure, row) = self.row(catalog)?;
        let pin = Pin::parse(self.pin.trim())
            .map_err(|error| invalid("bad-pin", "SoDinhDanh").log(error.to_string()))?;
        let code = code(self.code.trim())?;
        Ok(Decoded {
            claims,
            operation,
            identity: Identity::Envelope,
            purpose: row.purpose.to_owned(),
            asked: BTreeSet::new(),
            lines: 1,
            provinces: None,
            payload: Bytes::copy_from_slice(bytes),
            objection: None,
            synthetic: pin.is_synthetic(),
            persons: vec![Person::named(vec![PersonNumber::Pin(pin.clone())])],
            request: Later {
                code,
                procedure,
                pin,
                text: self.text,
                sent_at: self.sent_at,
                supplement,
            },
        })
    }

    /// Its procedure, as it is on the day of the message: an older row is as good, since only its purpose is asked.
    fn row(&self, catalog: &'static Catalog) -> Result<(ProcedureCode, &'static Procedure), Fault> {
        let code = ProcedureCode::parse(self.procedure.trim())
            .map_err(|error| invalid("bad-procedure", "MaTTHC").log(error.to_string()))?;
        let row = catalog.find(&code, day_in_viet_nam(self.sent_at));
        let row = row.ok_or_else(|| invalid("procedure-not-for-us", "MaTTHC"))?;
        Ok((code, row))
    }
}

fn moment(text: &str, field: &'static str) -> Result<Timestamp, Fault> {
    portal_time::parse(text.trim()).map_err(|_| invalid("bad-date", field))
}

const TEXT_CHARS_MAX: usize = 100;
