//! The National Public Service Portal's words: a dossier that comes in, its progress that goes out.
//!
//! The way out (`DongBoHoSoMC`, `CapNhatTienDoHoSoMC`, the login session) uses the names that
//! integrators of the portal use, as they stand. The way in is **own profile**: the portal's
//! submission to VSS is not public, so [`Submission`] takes the portal's own names where one exists
//! and stays in this module so that it can be replaced.
//!
//! Everything is read through [`crate::json`]; times are `yyyyMMddHHmmss` at +07:00.

mod lookup;
mod notice;
mod progress;
mod record;
mod session;
mod status;
mod submission;
mod supplement;
mod upload;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use lookup::{
    HeldDossier, HeldStep, HeldSubmission, LOOK_UP_MAX, LookUp, LookUpAnswer, LookedUp,
};
pub use notice::CitizenNotice;
pub use progress::{OFFICER_CHARS_MAX, PROGRESS_BATCH_MAX, Progress};
pub use record::{DossierRecord, Identity, ResultPaper, SUMMARY_CHARS_MAX};
pub use session::{CALL_PATH, LOGIN_PATH, Login, LoginAnswer, Push, PushAnswer, Service};
pub use status::{StatusAsked, StatusTold};
pub use submission::{
    Acceptance, Applicant, FormMembers, ReissueReason, Submission, SubmittedPaper,
};

pub use supplement::{DossierSupplement, DossierWithdrawal};
pub use upload::{PartTaken, Upload, UploadTaken, UploadedFile};

use crate::json::{self, JsonError, Limits};
use crate::wire::object::Field;

/// Reads one object of this profile strictly.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    json::read(bytes, &LIMITS)
}

/// Writes one object of this profile, without absent members.
pub fn encode<T: Serialize>(object: &T) -> Vec<u8> {
    serde_json::to_vec(object)
        .expect("wire objects hold only texts, small numbers and lists of them")
}

/// Every member of every object of this profile, in the order of the mapping document.
pub fn fields() -> Vec<Field> {
    [
        Submission::FIELDS,
        SubmittedPaper::FIELDS,
        Applicant::FIELDS,
        Acceptance::FIELDS,
        DossierSupplement::FIELDS,
        DossierWithdrawal::FIELDS,
        Upload::FIELDS,
        UploadedFile::FIELDS,
        UploadTaken::FIELDS,
        PartTaken::FIELDS,
        StatusAsked::FIELDS,
        StatusTold::FIELDS,
        DossierRecord::FIELDS,
        Identity::FIELDS,
        ResultPaper::FIELDS,
        Progress::FIELDS,
        LookUp::FIELDS,
        LookedUp::FIELDS,
        HeldDossier::FIELDS,
        HeldStep::FIELDS,
        HeldSubmission::FIELDS,
        CitizenNotice::FIELDS,
        Login::FIELDS,
        Push::<DossierRecord>::FIELDS,
    ]
    .concat()
}

/// The bounds of these messages; the route's body limit comes before them.
const LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 8,
    members_max: 128,
    items_max: 512,
};

#[cfg(test)]
mod tests;
