//! A dossier submitted through the portal, and the answer that accepts it. Own profile.

use crate::wire::object::wire_object;

wire_object! {
    /// A dossier to reissue a lost or damaged health insurance card.
    ///
    /// The message id is the JWS member `jti`; `MaThamChieu` is the portal's name for the dossier.
    pub struct Submission as "dossier" {
        /// The portal's own reference.
        reference: String = "MaThamChieu", Carried("SubmitReissueRequest.foreign_id");
        /// Procedure code (mã TTHC).
        procedure: String = "MaTTHC", Carried("SubmitReissueRequest.procedure");
        /// Who applies.
        applicant: Applicant = "ChuHoSo", Carried("SubmitReissueRequest.applicant_*");
        /// Card number (15) or SI number (10).
        card: String = "MaThe", Carried("SubmitReissueRequest.card_or_si_number");
        /// `MAT` lost, `HONG` damaged.
        reason: String = "LyDoCapLai", Carried("SubmitReissueRequest.reason");
        /// When the applicant submitted, `yyyyMMddHHmmss` at +07:00.
        submitted_at: String = "NgayNopHoSo", Carried("SubmitReissueRequest.submitted_at");
        /// A remark of the applicant.
        note: Option<String> = "GhiChu", NotCarried("free text is for the officer; the journal keeps it");
    }
}

wire_object! {
    /// The applicant, with the member names of the portal's single sign-on.
    pub struct Applicant as "ChuHoSo" {
        /// Name.
        name: String = "HoVaTen", Carried("SubmitReissueRequest.applicant_name");
        /// PIN, 12 digits.
        pin: String = "SoDinhDanh", Carried("SubmitReissueRequest.applicant_pin");
        /// Day of birth, `dd/MM/yyyy`.
        born: String = "NgayThangNamSinh", Carried("SubmitReissueRequest.applicant_birth_date");
        /// 1 male, 2 female, 3 undetermined.
        sex: Option<String> = "GioiTinh", NotCarried("checked against the PIN, not asked by the contract");
        /// Telephone.
        phone: Option<String> = "SoDienThoai", Carried("SubmitReissueRequest.phone");
        /// E-mail.
        email: Option<String> = "ThuDienTu", Carried("SubmitReissueRequest.email");
        /// The portal's technical id of the account.
        tech_id: Option<String> = "TechID", NotCarried("the contract has no place for it");
    }
}

wire_object! {
    /// The answer to a submission: the dossier's code with us, its state and its times.
    pub struct Acceptance as "acceptance" {
        /// Dossier code issued by us.
        code: String = "MaHoSo", Carried("Dossier.code");
        /// The portal's own reference.
        reference: String = "MaThamChieu", Carried("Dossier.foreign_id");
        /// `TrangThaiHoSo` 1–10 ([`crate::codes::dossier_statuses`]).
        state: String = "TrangThaiHoSo", Carried("Dossier.state");
        /// `yyyyMMddHHmmss` at +07:00.
        received_at: String = "NgayTiepNhan", Carried("Dossier.received_at");
        /// `yyyyMMddHHmmss` at +07:00.
        due_at: String = "NgayHenTra", Carried("Dossier.due_at");
    }
}

/// Why a card is reissued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReissueReason {
    /// `MAT`.
    Lost,
    /// `HONG`.
    Damaged,
}

impl ReissueReason {
    /// The reason that is written like this on the wire, if there is one.
    pub fn from_wire(text: &str) -> Option<Self> {
        match text {
            "MAT" => Some(Self::Lost),
            "HONG" => Some(Self::Damaged),
            _ => None,
        }
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "MAT",
            Self::Damaged => "HONG",
        }
    }
}
