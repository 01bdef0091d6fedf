//! The registration's result `ketQuaXuLy` inside `data`.

use crate::wire::object::wire_object;

wire_object! {
    /// What the civil registry registered: the child's new PIN and the place in the book.
    pub struct RegistrationResult as "ketQuaXuLy" {
        /// The child's new PIN.
        pin: Option<String> = "soDinhDanh", Carried("Child.pin");
        /// Day of registration, `dd.MM.yyyy`.
        registered_on: Option<String> = "ngayDangKy", Carried("CivilRecord.registered_on");
        /// Province of registration.
        registered_province: Option<String> = "ndkksMaTinh", NotCarried("follows from the commune");
        /// District of registration; absent since 2025-07-01.
        registered_district: Option<String> = "ndkksMaHuyen", NotCarried("follows from the commune; abolished on 2025-07-01");
        /// Commune of registration, 5 digits.
        registered_commune: Option<String> = "ndkksMaXa", Carried("CivilRecord.commune");
        /// Name of the child.
        child_name: Option<String> = "nksHoTen", Carried("Child.name");
        /// 1 male, 2 female, 3 undetermined.
        child_sex: Option<u8> = "nksGioiTinh", Carried("Child.sex");
        /// Day of birth, `dd.MM.yyyy`.
        child_born: Option<String> = "nksNgaySinh", Carried("Child.birth_date");
        /// Day of birth in words.
        child_born_in_words: Option<String> = "nksNgaySinhBangChu", NotCarried("the date in words repeats the date");
        /// Ethnicity code, 2 digits.
        child_ethnicity: Option<String> = "nksDanToc", Carried("Child.ethnicity");
        /// ISO 3166 alpha-2.
        child_nationality: Option<String> = "nksQuocTich", Carried("Child.nationality");
        /// Home town (quê quán).
        home_town: Option<String> = "nksQueQuan", NotCarried("the registry keeps no home town");
        /// Place of birth.
        birth_place: Option<String> = "nksNoiSinh", NotCarried("the registry keeps no place of birth");
        /// Province of birth.
        birth_province: Option<String> = "nksNoiSinhMaTinh", NotCarried("the registry keeps no place of birth");
        /// Name of the mother.
        mother_name: Option<String> = "meHoTen", Carried("RegisterBirthRequest.mother.name");
        /// Day of birth of the mother, may be partial.
        mother_born: Option<String> = "meNgaySinh", Carried("RegisterBirthRequest.mother.birth_date");
        /// Ethnicity of the mother.
        mother_ethnicity: Option<String> = "meDanToc", NotCarried("the registry keeps no ethnicity of parents");
        /// Nationality of the mother.
        mother_nationality: Option<String> = "meQuocTich", NotCarried("the registry keeps no nationality of parents");
        /// 0 none, 1 permanent, 2 temporary.
        mother_residence_kind: Option<u8> = "meLoaiCuTru", NotCarried("a card does not depend on it");
        /// Residence of the mother, one text.
        mother_residence: Option<String> = "meNoiCuTru", NotCarried("text only; the form has the commune");
        /// Identity paper of the mother.
        mother_paper: Option<String> = "meSoGiayTo", NotCarried("papers of parents stay in the journal");
        /// Name of the father.
        father_name: Option<String> = "chaHoTen", Carried("RegisterBirthRequest.father.name");
        /// Day of birth of the father, may be partial.
        father_born: Option<String> = "chaNgaySinh", Carried("RegisterBirthRequest.father.birth_date");
        /// Ethnicity of the father.
        father_ethnicity: Option<String> = "chaDanToc", NotCarried("the registry keeps no ethnicity of parents");
        /// Nationality of the father.
        father_nationality: Option<String> = "chaQuocTich", NotCarried("the registry keeps no nationality of parents");
        /// 0 none, 1 permanent, 2 temporary.
        father_residence_kind: Option<u8> = "chaLoaiCuTru", NotCarried("a card does not depend on it");
        /// Residence of the father, one text.
        father_residence: Option<String> = "chaNoiCuTru", NotCarried("text only; the form has the commune");
        /// Identity paper of the father.
        father_paper: Option<String> = "chaSoGiayTo", NotCarried("papers of parents stay in the journal");
        /// Name of the requester.
        requester_name: Option<String> = "nycHoTen", NotCarried("the form's nycHoTen is used");
        /// Relation of the requester.
        requester_relation: Option<String> = "nycQuanHe", NotCarried("Guardian.relation comes from baoHiem.nguoiGiamHo");
        /// Identity paper of the requester.
        requester_paper: Option<String> = "nycSoGiayTo", NotCarried("papers of the requester stay in the journal");
        /// Birth certificate, PDF in base64.
        certificate: Option<String> = "giayKhaiSinh", NotCarried("the certificate stays in the journal");
        /// Number in the civil register.
        number: Option<String> = "soDangKy", Carried("CivilRecord.number");
        /// Book, for example `01/2017`.
        book: Option<String> = "quyenSo", Carried("CivilRecord.book");
        /// Page of the book.
        page: Option<String> = "trangSo", Carried("CivilRecord.page");
        /// Code of the result paper, `KQ.G15.000031` by default.
        paper_code: Option<String> = "maGiayToKetQua", NotCarried("says which paper giayKhaiSinh is");
    }
}
