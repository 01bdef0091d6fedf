//! What an applicant says of a dossier that is on its way, through the portal: the papers that were missing, or that it is
//! taken back. Own profile, version 1, with the names of `DanhSachHoSoBoSung`.

use super::SubmittedPaper;
use crate::wire::object::wire_object;

wire_object! {
    /// Papers that were asked for in state 5.
    pub struct DossierSupplement as "supplement" {
        /// Dossier code issued by us.
        code: String = "MaHoSo", Carried("SupplementDossierRequest.code");
        /// Its procedure.
        procedure: String = "MaTTHC", Carried("SupplementDossierRequest.procedure");
        /// The portal's id of this supplement.
        id: String = "HoSoBoSungId", Carried("SupplementDossierRequest.supplement_id");
        /// PIN of whoever is logged in: the dossier's applicant.
        pin: String = "SoDinhDanh", Carried("SupplementDossierRequest.applicant_pin");
        /// The papers.
        #[serde(default)]
        papers: Vec<SubmittedPaper> = "DanhSachGiayToBoSung", Carried("SupplementDossierRequest.papers");
        /// What the applicant says of them.
        text: Option<String> = "NoiDungBoSung", Carried("SupplementDossierRequest.text");
        /// When, `yyyyMMddHHmmss` at +07:00.
        sent_at: String = "NgayBoSung", Carried("SupplementDossierRequest.sent_at");
    }
}

wire_object! {
    /// That an applicant takes a dossier back.
    pub struct DossierWithdrawal as "withdrawal" {
        /// Dossier code issued by us.
        code: String = "MaHoSo", Carried("WithdrawDossierRequest.code");
        /// Its procedure.
        procedure: String = "MaTTHC", Carried("WithdrawDossierRequest.procedure");
        /// PIN of whoever is logged in: the dossier's applicant.
        pin: String = "SoDinhDanh", Carried("WithdrawDossierRequest.applicant_pin");
        /// Why, where the applicant says it.
        text: Option<String> = "LyDo", Carried("WithdrawDossierRequest.text");
        /// When, `yyyyMMddHHmmss` at +07:00.
        sent_at: String = "NgayYeuCau", Carried("WithdrawDossierRequest.sent_at");
    }
}
