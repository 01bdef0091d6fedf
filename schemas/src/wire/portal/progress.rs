//! The record of `CapNhatTienDoHoSoMC`: one step of a dossier.

use crate::wire::object::wire_object;

/// The most steps of one `CapNhatTienDoHoSoMC` call.
pub const PROGRESS_BATCH_MAX: usize = 10;

/// The most characters of `NguoiXuLy`.
pub const OFFICER_CHARS_MAX: usize = 50;

wire_object! {
    /// One step for `CapNhatTienDoHoSoMC`.
    pub struct Progress as "CapNhatTienDoHoSoMC" {
        /// Dossier code.
        code: String = "MaHoSo", Carried("Dossier.code");
        /// Officer, at most [`OFFICER_CHARS_MAX`] characters.
        officer: String = "NguoiXuLy", Carried("DossierChange.officer");
        /// When, `yyyyMMddHHmmss`.
        at: String = "ThoiDiemXuLy", Carried("Change.at");
        /// Department.
        unit: String = "PhongBanXuLy", Carried("DossierChange.unit");
        /// What was done.
        text: String = "NoiDungXuLy", Carried("DossierChange.text, or the state in words");
        /// State 1–10.
        state: String = "TrangThai", Carried("Dossier.state");
        /// When work began, `yyyyMMddHHmmss`.
        began_at: Option<String> = "NgayBatDau", Carried("Dossier.received_at");
        /// When the law says it must end, `yyyyMMddHHmmss`.
        due_at: Option<String> = "NgayKetThucTheoQuyDinh", Carried("Dossier.due_at");
    }
    never written {
        "ChucDanh": "the contract names no titles";
    }
}
