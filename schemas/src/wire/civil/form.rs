//! The birth form `hoTich` inside `data`.

use super::{InsuranceBlock, RegistrationResult};
use crate::wire::object::wire_object;

wire_object! {
    /// The form `hoTich` of a birth (inter-linked procedure 2.000986), with its result and insurance block.
    ///
    /// Every member may be absent on the wire; the `civil` adapter says which it demands.
    pub struct BirthForm as "hoTich" {
        /// Hospital's birth notice code.
        birth_notice: Option<String> = "maGCS", Carried("RegisterBirthRequest.birth_notice");
        /// Day of the birth notice, `yyyyMMdd`.
        birth_notice_on: Option<String> = "ngayCapGCS", NotCarried("the notice is found by its code");
        /// 0 none, 1 on time, 2 again, 3 note of a foreign registration, 4 late.
        registration_kind: Option<String> = "loaiDangKy", NotCarried("the civil register's own; a card does not depend on it");
        /// Commune of registration, 5 digits.
        registered_at: Option<String> = "noiDangKy", NotCarried("repeats ketQuaXuLy.ndkksMaXa, with which it must agree");
        /// Number of copies asked.
        copies: Option<String> = "soLuongBanSao", NotCarried("copies of the certificate are not ours");
        /// Name of the child as asked.
        child_name: Option<String> = "nksHoTen", NotCarried("repeats ketQuaXuLy.nksHoTen, with which it must agree");
        /// 1 male, 2 female, 3 undetermined.
        child_sex: Option<String> = "nksGioiTinh", NotCarried("repeats ketQuaXuLy.nksGioiTinh, with which it must agree");
        /// Day of birth, `dd.MM.yyyy`.
        child_born: Option<String> = "nksNgaySinh", NotCarried("repeats ketQuaXuLy.nksNgaySinh, with which it must agree");
        /// Day of birth in words.
        child_born_in_words: Option<String> = "nksNgaySinhBangChu", NotCarried("the date in words repeats the date");
        /// Place of birth.
        birth_place: Option<String> = "nksNoiSinh", NotCarried("the registry keeps no place of birth");
        /// Administrative unit of the place of birth.
        birth_place_unit: Option<Address> = "nksNoiSinhDVHC", NotCarried("the registry keeps no place of birth");
        /// Place of birth abroad.
        birth_place_abroad: Option<String> = "nksNoiSinhNuocNgoai", NotCarried("the registry keeps no place of birth");
        /// Home town (quê quán).
        home_town: Option<String> = "nksQueQuan", NotCarried("the registry keeps no home town");
        /// Ethnicity code, 2 digits.
        child_ethnicity: Option<String> = "nksDanToc", NotCarried("ketQuaXuLy.nksDanToc is the registered one");
        /// Ethnicity outside the list.
        child_ethnicity_other: Option<String> = "nksDanTocKhac", NotCarried("ketQuaXuLy.nksDanToc is the registered one");
        /// ISO 3166 alpha-2.
        child_nationality: Option<String> = "nksQuocTich", NotCarried("ketQuaXuLy.nksQuocTich is the registered one");
        /// Second nationality.
        child_nationality_other: Option<String> = "nksQuocTichKhac", NotCarried("ketQuaXuLy.nksQuocTich is the registered one");
        /// 1 both parents known, 2 mother unknown, 3 father unknown, 4 both unknown, 5 abandoned.
        declaration_kind: Option<String> = "nksLoaiKhaiSinh", Carried("Child.declaration_kind");
        /// Name of the mother.
        mother_name: Option<String> = "meHoTen", NotCarried("ketQuaXuLy.meHoTen is the registered one");
        /// Day of birth of the mother, may be partial.
        mother_born: Option<String> = "meNgaySinh", NotCarried("ketQuaXuLy.meNgaySinh is the registered one");
        /// Ethnicity of the mother.
        mother_ethnicity: Option<String> = "meDanToc", NotCarried("the registry keeps no ethnicity of parents");
        /// Ethnicity of the mother outside the list.
        mother_ethnicity_other: Option<String> = "meDanTocKhac", NotCarried("the registry keeps no ethnicity of parents");
        /// Nationality of the mother.
        mother_nationality: Option<String> = "meQuocTich", NotCarried("the registry keeps no nationality of parents");
        /// Second nationality of the mother.
        mother_nationality_other: Option<String> = "meQuocTichKhac", NotCarried("the registry keeps no nationality of parents");
        /// 0 none, 1 permanent, 2 temporary.
        mother_residence_kind: Option<String> = "meLoaiCuTru", NotCarried("a card does not depend on it");
        /// Residence of the mother.
        mother_residence: Option<Address> = "meNoiCuTru", Carried("Child.residence_commune and Child.residence_detail where baoHiem.noiCuTru is absent");
        /// Kind of identity paper of the mother.
        mother_paper_kind: Option<String> = "meLoaiGiayToTuyThan", NotCarried("papers of parents stay in the journal");
        /// Other identity paper of the mother.
        mother_paper_other: Option<String> = "meGiayToKhac", NotCarried("papers of parents stay in the journal");
        /// Number of the identity paper of the mother.
        mother_paper_number: Option<String> = "meSoGiayToTuyThan", NotCarried("papers of parents stay in the journal");
        /// PIN of the mother.
        mother_pin: Option<String> = "meSoDDCN", Carried("RegisterBirthRequest.mother.pin");
        /// Whether the mother's data were verified.
        mother_verified: Option<String> = "meXacThucThongTin", NotCarried("a mark of the form");
        /// Name of the father.
        father_name: Option<String> = "chaHoTen", NotCarried("ketQuaXuLy.chaHoTen is the registered one");
        /// Day of birth of the father, may be partial.
        father_born: Option<String> = "chaNgaySinh", NotCarried("ketQuaXuLy.chaNgaySinh is the registered one");
        /// Ethnicity of the father.
        father_ethnicity: Option<String> = "chaDanToc", NotCarried("the registry keeps no ethnicity of parents");
        /// Ethnicity of the father outside the list.
        father_ethnicity_other: Option<String> = "chaDanTocKhac", NotCarried("the registry keeps no ethnicity of parents");
        /// Nationality of the father.
        father_nationality: Option<String> = "chaQuocTich", NotCarried("the registry keeps no nationality of parents");
        /// Second nationality of the father.
        father_nationality_other: Option<String> = "chaQuocTichKhac", NotCarried("the registry keeps no nationality of parents");
        /// 0 none, 1 permanent, 2 temporary.
        father_residence_kind: Option<String> = "chaLoaiCuTru", NotCarried("a card does not depend on it");
        /// Residence of the father.
        father_residence: Option<Address> = "chaNoiCuTru", Carried("Child.residence_commune and Child.residence_detail where baoHiem.noiCuTru is absent");
        /// Kind of identity paper of the father.
        father_paper_kind: Option<String> = "chaLoaiGiayToTuyThan", NotCarried("papers of parents stay in the journal");
        /// Other identity paper of the father.
        father_paper_other: Option<String> = "chaGiayToKhac", NotCarried("papers of parents stay in the journal");
        /// Number of the identity paper of the father.
        father_paper_number: Option<String> = "chaSoGiayToTuyThan", NotCarried("papers of parents stay in the journal");
        /// PIN of the father.
        father_pin: Option<String> = "chaSoDDCN", Carried("RegisterBirthRequest.father.pin");
        /// Whether the father's data were verified.
        father_verified: Option<String> = "chaXacThucThongTin", NotCarried("a mark of the form");
        /// Name of the requester.
        requester_name: Option<String> = "nycHoTen", Carried("Guardian.name where the requester is the guardian");
        /// Relation of the requester to the child.
        requester_relation: Option<String> = "nycQuanHe", NotCarried("Guardian.relation comes from baoHiem.nguoiGiamHo");
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
        requester_phone: Option<String> = "nycSoDienThoai", Carried("Guardian.phone");
        /// E-mail of the requester.
        requester_email: Option<String> = "nycEmail", NotCarried("the registry writes to no one");
        /// 0 none, 1 permanent, 2 temporary.
        requester_residence_kind: Option<String> = "nycLoaiCuTru", NotCarried("a card does not depend on it");
        /// Residence of the requester.
        requester_residence: Option<Address> = "nycNoiCuTru", Carried("Child.residence_commune where no parent's residence is given");
        /// Whether the requester's data were verified.
        requester_verified: Option<String> = "nycXacThucThongTin", NotCarried("a mark of the form");
        /// Number of a foreign registration.
        foreign_number: Option<String> = "soDangKyNuocNgoai", NotCarried("a foreign registration stays in the journal");
        /// Day of a foreign registration.
        foreign_on: Option<String> = "ngayDangKyNuocNgoai", NotCarried("a foreign registration stays in the journal");
        /// Office of a foreign registration.
        foreign_office: Option<String> = "cqNuocNgoaiDaDangKy", NotCarried("a foreign registration stays in the journal");
        /// Country of a foreign registration.
        foreign_country: Option<String> = "qgNuocNgoaiDaDangKy", NotCarried("a foreign registration stays in the journal");
        /// The registration's result, an object.
        result: Option<RegistrationResult> = "ketQuaXuLy", Carried("RegisterBirthRequest, member by member");
        /// The insurance block, an object.
        insurance: Option<InsuranceBlock> = "baoHiem", Carried("RegisterBirthRequest, member by member");
    }
}

wire_object! {
    /// An address of the form.
    pub struct Address as "address" {
        /// Province, 2 digits of the list in force.
        province: Option<String> = "maTinh", NotCarried("follows from the commune");
        /// District, 3 digits; absent or null since 2025-07-01.
        district: Option<String> = "maHuyen", NotCarried("follows from the commune; abolished on 2025-07-01");
        /// Commune, 5 digits.
        commune: Option<String> = "maXa", Carried("Child.residence_commune");
        /// House, street, hamlet.
        detail: Option<String> = "dcChiTiet", Carried("Child.residence_detail");
    }
}
