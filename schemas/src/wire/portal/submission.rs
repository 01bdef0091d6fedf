//! A dossier submitted through the portal, and the answer that accepts it. Own profile.

use crate::wire::object::wire_object;

wire_object! {
    /// A dossier of any procedure of [`crate::procedure`].
    ///
    /// The message id is the JWS member `jti`; `MaThamChieu` is the portal's name for the dossier.
    pub struct Submission as "dossier" {
        /// The portal's own reference.
        reference: String = "MaThamChieu", Carried("SubmitDossierRequest.foreign_id");
        /// Procedure code (mã TTHC).
        procedure: String = "MaTTHC", Carried("SubmitDossierRequest.procedure");
        /// Who applies.
        applicant: Applicant = "ChuHoSo", Carried("SubmitDossierRequest.applicant_*");
        /// The procedure's form, with the fields' own names.
        form: Option<FormMembers> = "ToKhai", Carried("SubmitDossierRequest.form");
        /// A field of the form of a reissue, where the first submissions had it.
        card: Option<String> = "MaThe", Carried("SubmitReissueRequest.card_or_si_number");
        /// A field of the form of a reissue, where the first submissions had it.
        reason: Option<String> = "LyDoCapLai", Carried("SubmitReissueRequest.reason");
        /// The papers. Those without content stay at the portal.
        #[serde(default)]
        papers: Vec<SubmittedPaper> = "TaiLieuNop", Carried("SubmitDossierRequest.papers");
        /// When the applicant submitted, `yyyyMMddHHmmss` at +07:00.
        submitted_at: String = "NgayNopHoSo", Carried("SubmitDossierRequest.submitted_at");
        /// A remark of the applicant.
        note: Option<String> = "GhiChu", NotCarried("free text is for the officer; the journal keeps it");
    }
}

/// The members of a form; which they are says the procedure's row.
pub type FormMembers = serde_json::Map<String, serde_json::Value>;

wire_object! {
    /// A paper of a dossier, with the member names of `DongBoHoSoMC`.
    pub struct SubmittedPaper as "TaiLieuNop" {
        /// Code of the paper in the procedure's row.
        code: String = "MaThanhPhanHoSo", Carried("DossierPaper.code");
        /// The file's id at the portal.
        file_id: String = "TepDinhKemId", Carried("DossierPaper.file_id");
        /// The file's name; never a path.
        file_name: String = "TenTepDinhKem", Carried("DossierPaper.file_name");
        /// SHA-256 of the file's bytes, 64 hexadecimal digits: an upload part that has come, or what `data` has to be.
        sha256: Option<String> = "SHA256", Carried("DossierPaper.sha256");
        /// The bytes themselves, base64, where they are few.
        data: Option<String> = "DuLieuTepDinhKem", Carried("DossierPaper.bytes and media_type; the file is kept, encrypted");
    }
}

wire_object! {
    /// The applicant, with the member names of the portal's single sign-on.
    pub struct Applicant as "ChuHoSo" {
        /// Name.
        name: String = "HoVaTen", Carried("SubmitDossierRequest.applicant_name");
        /// PIN, 12 digits.
        pin: String = "SoDinhDanh", Carried("SubmitDossierRequest.applicant_pin");
        /// Day of birth, `dd/MM/yyyy`.
        born: String = "NgayThangNamSinh", Carried("SubmitDossierRequest.applicant_birth_date");
        /// 1 male, 2 female, 3 undetermined.
        sex: Option<String> = "GioiTinh", NotCarried("checked against the PIN, not asked by the contract");
        /// Telephone.
        phone: Option<String> = "SoDienThoai", Carried("SubmitDossierRequest.phone");
        /// E-mail.
        email: Option<String> = "ThuDienTu", Carried("SubmitDossierRequest.email");
        /// Tax code of the enterprise whose account it is; none of a citizen's.
        tax_code: Option<String> = "MaSoThue", Carried("SubmitDossierRequest.applicant_tax_code");
        /// Social insurance number of the account, where the portal knows it.
        si_number: Option<String> = "MaBHXH", Carried("SubmitDossierRequest.applicant_si_number");
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
