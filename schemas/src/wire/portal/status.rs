//! How a dossier stands, asked by the portal through X-Road, as SOAP or as JSON. Own profile.

use crate::wire::object::wire_object;

wire_object! {
    /// Which dossier is asked about.
    pub struct StatusAsked as "TraCuuTrangThaiHoSo" {
        /// Dossier code issued by us.
        code: String = "MaHoSo", Carried("GetDossierRequest.code");
    }
}

wire_object! {
    /// How it stands; of a dossier that the asker does not have only that it was not found.
    pub struct StatusTold as "TraCuuTrangThaiHoSoResponse" {
        /// The code that was asked about.
        code: String = "MaHoSo", Carried("GetDossierRequest.code");
        /// `"1"` where the asker has such a dossier, else `"0"`.
        found: String = "TimThay", Carried("whether there is a Dossier");
        /// The portal's own reference.
        reference: Option<String> = "MaThamChieu", Carried("Dossier.foreign_id");
        /// `TrangThaiHoSo` 1–10 ([`crate::codes::dossier_statuses`]).
        state: Option<String> = "TrangThaiHoSo", Carried("Dossier.state");
        /// `yyyyMMddHHmmss` at +07:00.
        received_at: Option<String> = "NgayTiepNhan", Carried("Dossier.received_at");
        /// `yyyyMMddHHmmss` at +07:00.
        due_at: Option<String> = "NgayHenTra", Carried("Dossier.due_at");
    }
}
