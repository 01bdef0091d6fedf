//! The record of `DongBoHoSoMC`: a dossier as a whole, with what the portal shows of it.

use crate::wire::object::wire_object;

/// The most characters of `TrichYeuHoSo`.
pub const SUMMARY_CHARS_MAX: usize = 1_000;

wire_object! {
    /// One dossier for `DongBoHoSoMC`.
    pub struct DossierRecord as "DongBoHoSoMC" {
        /// Dossier code.
        code: String = "MaHoSo", Carried("Dossier.code");
        /// Procedure code.
        procedure: String = "MaTTHC", Carried("Dossier.procedure");
        /// Procedure's name.
        procedure_name: Option<String> = "TenTTHC", Carried("the procedure's row: its name");
        /// Code of the field of work.
        domain: Option<String> = "MaLinhVuc", Carried("config: code of the field of work");
        /// Name of the field of work.
        domain_name: Option<String> = "TenLinhVuc", Carried("config: name of the field of work");
        /// 1 direct, 2 online, 3 post.
        channel: String = "KenhThucHien", Carried("always 2: it came through the portal");
        /// Applicant's name.
        applicant: String = "ChuHoSo", Carried("Dossier.applicant_name");
        /// 1 citizen, 2 enterprise, 3 state agency, 4 organisation.
        applicant_kind: String = "LoaiDoiTuong", Carried("the procedure's row: 1 a citizen, 2 an enterprise");
        /// What the dossier is about, at most [`SUMMARY_CHARS_MAX`] characters.
        summary: Option<String> = "TrichYeuHoSo", Carried("the procedure's row: its name");
        /// Received, `yyyyMMddHHmmss`.
        received_at: String = "NgayTiepNhan", Carried("Dossier.received_at");
        /// Due, `yyyyMMddHHmmss`.
        due_at: String = "NgayHenTra", Carried("Dossier.due_at");
        /// State 1–10.
        state: String = "TrangThaiHoSo", Carried("Dossier.state");
        /// Result handed over, `yyyyMMddHHmmss`; in state 10.
        returned_at: Option<String> = "NgayTra", Carried("Change.at in state 10");
        /// About handing over; in state 10.
        return_note: Option<String> = "ThongTinTra", Carried("DossierChange.text in state 10");
        /// 0 at the counter, 1 by post, 2 electronic.
        return_form: Option<String> = "HinhThuc", Carried("always 2 in state 10: an electronic result");
        /// Work ended, `yyyyMMddHHmmss`; from state 9 on.
        finished_at: Option<String> = "NgayKetThucXuLy", Carried("Change.at in states 9 and 10");
        /// Unit that works on it.
        unit: String = "DonViXuLy", Carried("DossierChange.unit");
        /// A remark.
        note: Option<String> = "GhiChu", Carried("Dossier.reason in states 3 and 8");
        /// Result papers; from state 9 on.
        #[serde(default)]
        results: Vec<ResultPaper> = "DanhSachGiayToKetQua", Carried("Dossier.card, as a paper without its number");
        /// 1 portal, 2 one-stop.
        submitted_where: String = "NoiNopHoSo", Carried("always 1: the portal");
        /// 0 no, 1 yes.
        digitised: String = "HoSoCoThanhPhanSoHoa", Carried("always 0: the papers stay at the portal");
        /// 0 no, 1 yes.
        account_verified: String = "TaiKhoanDuocXacThucVoiVNeID", Carried("always 1: a PIN is demanded");
        /// 0, 1 or 3.
        payable_online: String = "DuocThanhToanTrucTuyen", Carried("the procedure's row: 1 where something has to be paid");
        /// When it was refused, `yyyyMMddHHmmss`; in state 3.
        refused_at: Option<String> = "NgayTuChoi", Carried("Change.at in state 3");
        /// Identity numbers of the applicant.
        #[serde(default)]
        identities: Vec<Identity> = "DinhDanhCHS", Carried("Dossier.applicant_pin");
    }
    never written {
        "MaDoiTuong": "the contract does not keep the portal's technical id";
        "ThongTinKhac": "nothing else to say";
        "Email": "the portal knows its applicant";
        "Fax": "no fax is asked";
        "SoDienThoai": "the portal knows its applicant";
        "TaiLieuNop": "the portal holds the papers itself";
        "DanhSachLePhi": "VSS asks for no fee; contributions are not fees";
        "DanhSachTepDinhKemKhac": "no other paper is taken in";
        "DanhSachHoSoBoSung": "what is missing is told in NoiDungXuLy of the step";
        "NgayNopHoSo": "the contract's dossier does not repeat it; the portal set it";
        "DSKetNoiCSDL": "the list of database codes is not public";
    }
}

wire_object! {
    /// One identity number of the applicant.
    pub struct Identity as "DinhDanhCHS" {
        /// 1 = 12 digits, 2 = 9 digits.
        kind: String = "LoaiDinhDanh", Carried("always 1: a PIN");
        /// The number.
        number: String = "SoDinhDanh", Carried("Dossier.applicant_pin");
    }
}

wire_object! {
    /// One result paper.
    pub struct ResultPaper as "DanhSachGiayToKetQua" {
        /// Name of the paper.
        name: String = "TenGiayTo", Carried("always the health insurance card");
        /// Our id of the paper.
        id: String = "GiayToId", Carried("Dossier.code and Card.serial");
        /// Code of the kind of paper.
        code: Option<String> = "MaGiayToKetQua", Carried("config: code of the result paper");
    }
    never written {
        "MaThanhPhanHoSo": "the card is no component of the dossier";
        "DuongDanTepTinKetQua": "the card is looked up, not downloaded";
    }
}
