//! A death notice (giấy báo tử).

use super::paper::wire_paper;

wire_paper! {
    /// A death notice.
    pub struct DeathPaper as "GIAYBAOTU" {
        /// The notice's code, which the registration names.
        code = "MA_GBT"(64), Carried("RegisterDeathRequest.case_id and death_notice, and message id");
        /// Patient number.
        patient = "MA_BN"(100), NotCarried("the hospital's own");
        /// Medical record.
        record = "MA_HSBA"(100), NotCarried("the hospital's own");
        /// Name.
        name = "HO_TEN"(255), Carried("Deceased.name");
        /// `yyyyMMdd`, longer with the time, or `yyyy`.
        born = "NGAY_SINH"(14), Carried("Deceased.birth_date");
        /// 1 male, 2 female, 3 undetermined.
        sex = "GIOI_TINH"(1), Carried("Deceased.sex");
        /// Card.
        card = "MA_THE"(15), Carried("Deceased.si_number where MA_BHXH is absent, with which it must agree");
        /// Ethnicity.
        ethnicity = "MA_DANTOC"(2), NotCarried("the registry has it");
        /// Nationality.
        nationality = "MA_QUOCTICH"(3), NotCarried("the registry has it");
        /// Permanent residence in words.
        permanent = "DCHI_THUONGTRU"(1024), NotCarried("the residence of the dead is not ours");
        /// Its province.
        permanent_province = "MATINH_THUONGTRU"(3), NotCarried("the residence of the dead is not ours");
        /// Its district.
        permanent_district = "MAHUYEN_THUONGTRU"(3), NotCarried("the residence of the dead is not ours");
        /// Its commune.
        permanent_commune = "MAXA_THUONGTRU"(5), NotCarried("the residence of the dead is not ours");
        /// Present residence in words.
        present = "DCHI_HIENTAI"(1024), NotCarried("the residence of the dead is not ours");
        /// Its province.
        present_province = "MATINH_HIENTAI"(3), NotCarried("the residence of the dead is not ours");
        /// Its district.
        present_district = "MAHUYEN_HIENTAI"(3), NotCarried("the residence of the dead is not ours");
        /// Its commune.
        present_commune = "MAXA_HIENTAI"(5), NotCarried("the residence of the dead is not ours");
        /// Kind of the identity paper.
        paper_kind = "LOAI_GIAYTO"(1), NotCarried("the PIN is recognised by its form");
        /// Its number.
        paper_number = "SO_GIAYTO"(20), Carried("Deceased.pin where it is one");
        /// Its day.
        paper_on = "NGAY_CAP"(8), NotCarried("papers of the dead stay in the journal");
        /// Its issuer.
        paper_at = "NOI_CAP"(255), NotCarried("papers of the dead stay in the journal");
        /// Admission.
        admitted = "NGAYGIO_VV"(14), NotCarried("health data that nothing of ours needs");
        /// `yyyyMMddHHmmss`, `yyyyMMddHHmm` or `yyyyMMdd`.
        died = "NGAY_TV"(14), Carried("RegisterDeathRequest.died_on");
        /// Condition.
        condition = "TINH_TRANG_TV"(1024), NotCarried("health data that nothing of ours needs");
        /// Cause.
        cause = "NGUYENNHAN_TV"(1024), NotCarried("health data that nothing of ours needs");
        /// Who wrote the notice.
        writer = "NGUOI_GHIGIAY"(255), NotCarried("staff of the hospital stay in the journal");
        /// The next of kin.
        kin = "NGUOI_THANTHICH"(255), NotCarried("who asks for the allowance says so to the civil registry");
        /// The head.
        head = "TTRUONG_DVI"(255), NotCarried("the unit's signature stands for the head");
        /// Number of the notice.
        number = "SO_BAOTU"(200), Carried("RegisterDeathRequest.proof_number");
        /// Its book.
        book = "QUYEN_SO"(200), Carried("RegisterDeathRequest.proof_book");
        /// Day of the notice, `yyyyMMdd`.
        issued_on = "NGAY_CAPGIAYBT"(8), NotCarried("papers stay in the journal");
        /// Number of the notice that this one was issued again for.
        first_number = "SO_BAOTU_BD"(200), Carried("RegisterDeathRequest.replaces_number where it is another's");
        /// Its book.
        first_book = "QUYEN_SO_BD"(200), Carried("RegisterDeathRequest.replaces_book");
        /// The facility, 5 characters.
        facility = "MACSKCB"(5), NotCarried("repeats the sender, with whom it must agree");
        /// Its address.
        facility_address = "DIACHI_CSKCB"(1024), NotCarried("the facility is known by its code");
        /// SI number.
        si_number = "MA_BHXH"(10), Carried("Deceased.si_number");
        /// Disease.
        disease = "BENH_ICD10_ID"(100), NotCarried("health data that nothing of ours needs");
        /// The same in words.
        disease_name = "BENH_ICD10_TEN"(1024), NotCarried("health data that nothing of ours needs");
        /// 1: the hospital takes this notice back (own profile; PL02 has no words for it).
        withdrawn = "THU_HOI"(1), Carried("HospitalDeathWithdrawal");
        /// Why (own profile).
        withdrawn_why = "LY_DO_THU_HOI"(1024), Carried("HospitalDeathWithdrawal.reason");
    }
}
