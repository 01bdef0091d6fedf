//! The death form inside `data` of module LTKT, and its registration result.

use super::Address;
use crate::wire::object::wire_object;

wire_object! {
    /// The form of a death (inter-linked procedure 2.002622), with its result.
    ///
    /// Every member may be absent on the wire; the `civil` adapter says which it demands.
    pub struct DeathForm as "hoTich of LTKT" {
        /// Hospital's death notice code.
        death_notice: Option<String> = "maGBT", Carried("RegisterDeathRequest.death_notice");
        /// Day of the death notice, `yyyyMMdd`.
        death_notice_on: Option<String> = "ngayCapGBT", NotCarried("the notice is found by its code");
        /// 0 none, 1 on time, 2 again, 3 note of a foreign registration, 4 late.
        registration_kind: Option<String> = "loaiDangKy", NotCarried("the civil register's own; nothing of ours depends on it");
        /// Commune of registration, 5 digits.
        registered_at: Option<String> = "noiDangKy", Carried("CivilRecord.commune");
        /// Number of copies asked.
        copies: Option<String> = "soLuongBanSao", NotCarried("copies of the extract are not ours");
        /// Name of the deceased as told.
        name: Option<String> = "nktHoTen", NotCarried("repeats ketQuaXuLy.nktHoTen, with which it must agree");
        /// 1 male, 2 female, 3 undetermined.
        sex: Option<String> = "nktGioiTinh", NotCarried("repeats ketQuaXuLy.nktGioiTinh, with which it must agree");
        /// Day of birth, may be partial.
        born: Option<String> = "nktNgaySinh", NotCarried("ketQuaXuLy.nktNgaySinh is the registered one");
        /// Ethnicity code, 2 digits.
        ethnicity: Option<String> = "nktDanToc", NotCarried("the registry has it");
        /// Ethnicity outside the list.
        ethnicity_other: Option<String> = "nktDanTocKhac", NotCarried("the registry has it");
        /// ISO 3166 alpha-2.
        nationality: Option<String> = "nktQuocTich", NotCarried("the registry has it");
        /// 0 none, 1 permanent, 2 temporary.
        residence_kind: Option<String> = "nktLoaiCuTru", NotCarried("the residence of the dead is not ours");
        /// Residence.
        residence: Option<Address> = "nktNoiCuTru", NotCarried("the residence of the dead is not ours");
        /// Kind of identity paper.
        paper_kind: Option<String> = "nktLoaiGiayToTuyThan", NotCarried("the PIN is recognised by its form");
        /// Other identity paper.
        paper_other: Option<String> = "nktGiayToKhac", NotCarried("the deceased is found by the PIN");
        /// Number of the identity paper.
        paper_number: Option<String> = "nktSoGiayToTuyThan", NotCarried("repeats ketQuaXuLy.nktSoGiayTo, with which it must agree");
        /// Day of the identity paper.
        paper_on: Option<String> = "nktNgayCapGiayToTuyThan", NotCarried("the deceased is found by the PIN");
        /// Issuer of the identity paper.
        paper_at: Option<String> = "nktNoiCapGiayToTuyThan", NotCarried("the deceased is found by the PIN");
        /// Day of death, `dd.MM.yyyy`.
        died_on: Option<String> = "nktNgayChet", NotCarried("repeats ketQuaXuLy.nktNgayChet, with which it must agree");
        /// Time of death.
        died_at: Option<String> = "nktGioPhutChet", NotCarried("cards end with the day");
        /// Place of death.
        place: Option<String> = "nktNoiChet", NotCarried("the registry keeps no place of death");
        /// Cause of death.
        cause: Option<String> = "nktNguyenNhanChet", NotCarried("health data that nothing of ours needs");
        /// Whether the data were verified.
        verified: Option<String> = "nktXacThucThongTin", NotCarried("a mark of the form");
        /// Paper that proves the death: 0 none to 7 statement of a witness.
        proof_kind: Option<String> = "gbtLoai", Carried("RegisterDeathRequest.proof_kind");
        /// Its number.
        proof_number: Option<String> = "gbtSo", Carried("RegisterDeathRequest.proof_number");
        /// Its day.
        proof_on: Option<String> = "gbtNgay", NotCarried("papers stay in the journal");
        /// Its issuer.
        proof_by: Option<String> = "gbtCoQuanCap", NotCarried("papers stay in the journal");
        /// Name of the requester.
        requester_name: Option<String> = "nycHoTen", Carried("Claimant.name");
        /// Relation to the deceased.
        requester_relation: Option<String> = "nycQuanHe", Carried("Claimant.relation");
        /// Kind of identity paper of the requester.
        requester_paper_kind: Option<String> = "nycLoaiGiayToTuyThan", NotCarried("papers of the requester stay in the journal");
        /// Other identity paper of the requester.
        requester_paper_other: Option<String> = "nycGiayToKhac", NotCarried("papers of the requester stay in the journal");
        /// Number of the identity paper of the requester.
        requester_paper_number: Option<String> = "nycSoGiayToTuyThan", NotCarried("papers of the requester stay in the journal");
        /// Day of the identity paper of the requester.
        requester_paper_on: Option<String> = "nycNgayCapGiayToTuyThan", NotCarried("papers of the requester stay in the journal");
        /// Issuer of the identity paper of the requester.
        requester_paper_at: Option<String> = "nycNoiCapGiayToTuyThan", NotCarried("papers of the requester stay in the journal");
        /// Telephone of the requester.
        requester_phone: Option<String> = "nycSoDienThoai", Carried("Claimant.phone");
        /// E-mail of the requester.
        requester_email: Option<String> = "nycEmail", NotCarried("the registry writes to no one");
        /// 0 none, 1 permanent, 2 temporary.
        requester_residence_kind: Option<String> = "nycLoaiCuTru", NotCarried("the allowance does not depend on it");
        /// Residence of the requester.
        requester_residence: Option<Address> = "nycNoiCuTru", NotCarried("the allowance does not depend on it");
        /// Whether the requester's data were verified.
        requester_verified: Option<String> = "nycXacThucThongTin", NotCarried("a mark of the form");
        /// The registration's result, an object.
        result: Option<DeathResult> = "ketQuaXuLy", Carried("RegisterDeathRequest, member by member");
    }
}

wire_object! {
    /// What the civil registry registered of a death.
    pub struct DeathResult as "ketQuaXuLy of LTKT" {
        /// Name of the deceased.
        name: Option<String> = "nktHoTen", Carried("Deceased.name");
        /// 1 male, 2 female, 3 undetermined.
        sex: Option<u8> = "nktGioiTinh", Carried("Deceased.sex");
        /// Day of birth, may be partial.
        born: Option<String> = "nktNgaySinh", Carried("Deceased.birth_date");
        /// Ethnicity code, 2 digits.
        ethnicity: Option<String> = "nktDanToc", NotCarried("the registry has it");
        /// ISO 3166 alpha-2.
        nationality: Option<String> = "nktQuocTich", NotCarried("the registry has it");
        /// 0 none, 1 permanent, 2 temporary.
        residence_kind: Option<u8> = "nktLoaiCuTru", NotCarried("the residence of the dead is not ours");
        /// Residence, one text.
        residence: Option<String> = "nktNoiCuTru", NotCarried("the residence of the dead is not ours");
        /// The PIN of the deceased.
        paper: Option<String> = "nktSoGiayTo", Carried("Deceased.pin");
        /// Day of death, `dd.MM.yyyy`.
        died_on: Option<String> = "nktNgayChet", Carried("RegisterDeathRequest.died_on");
        /// Place of death.
        place: Option<String> = "nktNoiChet", NotCarried("the registry keeps no place of death");
        /// Cause of death.
        cause: Option<String> = "nktNguyenNhanChet", NotCarried("health data that nothing of ours needs");
        /// Paper that proves the death.
        proof_kind: Option<String> = "giayBaoTuLoai", NotCarried("the form's gbtLoai is used");
        /// Its number.
        proof_number: Option<String> = "giayBaoTuSo", NotCarried("the form's gbtSo is used");
        /// Name of the requester.
        requester_name: Option<String> = "nycHoTen", NotCarried("the form's nycHoTen is used");
        /// Relation of the requester.
        requester_relation: Option<String> = "nycQuanHe", NotCarried("the form's nycQuanHe is used");
        /// Identity paper of the requester.
        requester_paper: Option<String> = "nycSoGiayTo", NotCarried("papers of the requester stay in the journal");
        /// Day of registration, `dd.MM.yyyy`; own profile.
        registered_on: Option<String> = "ngayDangKy", Carried("CivilRecord.registered_on");
        /// Number in the civil register.
        number: Option<String> = "soDangKy", Carried("CivilRecord.number");
        /// Book, for example `01/2017`.
        book: Option<String> = "quyenSo", Carried("CivilRecord.book");
        /// Page of the book.
        page: Option<String> = "trangSo", Carried("CivilRecord.page");
        /// Extract of the death, PDF in base64.
        certificate: Option<String> = "giayKhaiTu", NotCarried("the extract stays in the journal");
        /// Code of the result paper.
        paper_code: Option<String> = "maGiayToKetQua", NotCarried("says which paper giayKhaiTu is");
    }
}

wire_object! {
    /// What a registered death did here.
    pub struct DeathSeen as "ketQuaXuLy of value, LTKT" {
        /// SI number, 10 digits.
        si_number: String = "maSoBHXH", Carried("DeathCase.si_number");
        /// Day of death, `dd/MM/yyyy`.
        died_on: String = "ngayChet", Carried("DeathCase.died_on");
        /// The funeral allowance's case: 0 none, 1 open, 2 cancelled.
        funeral: u8 = "hoSoMaiTangPhi", Carried("DeathCase.funeral");
    }
}
