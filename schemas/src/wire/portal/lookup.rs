//! `TraCuuHoSo`: which dossiers and steps the portal holds, and what it says it has sent.
//!
//! **Own profile**, version 1: the portal has a service of this name, but its request and answer are not
//! public. The names are those of `DongBoHoSoMC` and `CapNhatTienDoHoSoMC` where they have one. It stays
//! in this module so that it can be replaced.

use serde::{Deserialize, Serialize};

use crate::wire::object::wire_object;

/// The most dossiers in one `TraCuuHoSo` call, and the most submissions in its answer.
pub const LOOK_UP_MAX: usize = 50;

wire_object! {
    /// One question of `TraCuuHoSo`.
    pub struct LookUp as "TraCuuHoSo" {
        /// From when submissions are asked for, `yyyyMMddHHmmss`.
        from: String = "TuNgay", Carried("Pull.from");
        /// Until when, `yyyyMMddHHmmss`; that second is not in it.
        until: String = "DenNgay", Carried("Pull.until");
        /// Dossier codes, at most [`LOOK_UP_MAX`].
        #[serde(default)]
        codes: Vec<String> = "MaHoSo", Carried("Dossier.code of what was told in the window");
    }
}

wire_object! {
    /// What `TraCuuHoSo` finds.
    pub struct LookedUp as "result of TraCuuHoSo" {
        /// The dossiers asked for that the portal has.
        #[serde(default)]
        dossiers: Vec<HeldDossier> = "HoSo", Carried("compared with the outbox");
        /// What it sent us in that time, at most [`LOOK_UP_MAX`].
        #[serde(default)]
        submissions: Vec<HeldSubmission> = "DaNop", Carried("compared with the inbox");
        /// `"1"` where there are more submissions.
        more: Option<String> = "ConNua", Carried("asked again in halves");
    }
}

wire_object! {
    /// One dossier as the portal holds it.
    pub struct HeldDossier as "HoSo" {
        /// Dossier code.
        code: String = "MaHoSo", Carried("Dossier.code");
        /// Its steps, in order.
        #[serde(default)]
        steps: Vec<HeldStep> = "TienDo", Carried("compared with the outbox");
    }
}

wire_object! {
    /// One step that the portal holds.
    pub struct HeldStep as "TienDo" {
        /// State 1–10.
        state: String = "TrangThai", Carried("Dossier.state");
        /// When, `yyyyMMddHHmmss`; absent where `DongBoHoSoMC` told it.
        at: Option<String> = "ThoiDiemXuLy", Carried("Change.at");
    }
}

wire_object! {
    /// A message that the portal counts as sent: it was accepted, or has no final answer yet.
    pub struct HeldSubmission as "DaNop" {
        /// Its message id.
        id: String = "MaThongDiep", Carried("inbox: message id");
        /// When it was sent, `yyyyMMddHHmmss`.
        at: String = "NgayNop", Carried("whether it lies in the window");
    }
}

/// The answer to `TraCuuHoSo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookUpAnswer {
    /// What was found.
    pub result: LookedUp,
}
