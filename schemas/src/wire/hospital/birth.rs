//! A birth notice (giấy chứng sinh).

use super::paper::wire_paper;

wire_paper! {
    /// A birth notice of one child. `NND` is who brings the child up, as a rule the mother; `MTH` a surrogate mother.
    pub struct BirthPaper as "GIAYCHUNGSINH" {
        /// The notice's code, which the registration names.
        code = "MA_GCS"(64), Carried("BirthNotice.code and message id");
        /// Patient number.
        patient = "MA_BN"(100), NotCarried("the hospital's own");
        /// Number of the document: tells the children of one birth apart.
        paper = "MA_CT"(64), Carried("BirthNotice.paper and message id where there are several children");
        /// Serial number of the sheet.
        serial = "SO_SERI"(50), NotCarried("the sheet's own");
        /// Her SI number.
        carer_si = "MA_BHXH_NND"(10), NotCarried("the PIN names her");
        /// Her card.
        carer_card = "MA_THE_NND"(15), NotCarried("the PIN names her");
        /// Her name.
        carer_name = "HOTEN_NND"(255), Carried("BirthNotice.mother.name");
        /// Her day of birth, `yyyyMMdd` or `yyyy`.
        carer_born = "NGAYSINH_NND"(8), Carried("BirthNotice.mother.birth_date");
        /// Ethnicity code, 2 digits.
        carer_ethnicity = "MA_DANTOC_NND"(2), Carried("BirthNotice.ethnicity");
        /// Nationality, 3 characters; 000 is Viet Nam.
        carer_nationality = "MA_QUOCTICH_NND"(3), Carried("BirthNotice.nationality");
        /// Kind of her identity paper.
        carer_paper_kind = "LOAI_GIAYTO_NND"(1), Carried("whether SO_CCCD_NND is a PIN");
        /// Its number.
        carer_paper_number = "SO_CCCD_NND"(20), Carried("BirthNotice.mother.pin");
        /// Its day.
        carer_paper_on = "NGAYCAP_CCCD_NND"(8), NotCarried("papers of parents stay in the journal");
        /// Its issuer.
        carer_paper_at = "NOICAP_CCCD_NND"(255), NotCarried("papers of parents stay in the journal");
        /// Residence in words.
        residence = "NOI_CU_TRU_NND"(1024), NotCarried("the commune is what a card depends on");
        /// Province of residence.
        residence_province = "MATINH_CU_TRU"(3), NotCarried("follows from the commune");
        /// District of residence.
        residence_district = "MAHUYEN_CU_TRU"(3), NotCarried("follows from the commune; abolished on 2025-07-01");
        /// Commune of residence, 5 digits.
        residence_commune = "MAXA_CU_TRU"(5), Carried("BirthNotice.residence_commune");
        /// The father's name.
        father_name = "HO_TEN_CHA"(255), NotCarried("the registration says who the father is");
        /// The child's temporary card, where it has one.
        temporary_card = "MA_THE_TAM"(15), Carried("BirthNotice.card");
        /// The child's name, where it has one.
        child_name = "TEN_CON"(255), Carried("BirthNotice.name");
        /// The same by QĐ 130.
        child_name_130 = "HO_TEN_CON"(255), Carried("BirthNotice.name where TEN_CON is absent");
        /// 1 male, 2 female, 3 undetermined.
        child_sex = "GIOI_TINH_CON"(1), Carried("BirthNotice.sex");
        /// How many children were born.
        children = "SO_CON"(2), Carried("BirthNotice.children");
        /// The how many-th birth.
        births = "LAN_SINH"(2), NotCarried("health data that nothing of ours needs");
        /// Living children.
        living = "SO_CON_SONG"(2), NotCarried("health data that nothing of ours needs");
        /// Grams.
        weight = "CAN_NANG_CON"(10), NotCarried("health data that nothing of ours needs");
        /// `yyyyMMddHHmmss`, `yyyyMMddHHmm` or `yyyyMMdd`.
        child_born = "NGAY_SINH_CON"(14), Carried("BirthNotice.birth_date");
        /// Place of birth.
        child_born_at = "NOI_SINH_CON"(1024), NotCarried("the registry keeps no place of birth");
        /// Condition.
        condition = "TINH_TRANG_CON"(1024), NotCarried("health data that nothing of ours needs");
        /// 0 or 1.
        by_operation = "SINHCON_PHAUTHUAT"(1), NotCarried("health data that nothing of ours needs");
        /// 0 or 1.
        under_32_weeks = "SINHCON_DUOI32TUAN"(1), NotCarried("health data that nothing of ours needs");
        /// Remarks.
        remarks = "GHI_CHU"(1024), NotCarried("free text stays in the journal");
        /// Who delivered the child.
        midwife = "NGUOI_DO_DE"(255), NotCarried("staff of the hospital stay in the journal");
        /// Who wrote the notice.
        writer = "NGUOI_GHI_PHIEU"(255), NotCarried("staff of the hospital stay in the journal");
        /// SI number of the head.
        head_si = "MA_TTDV"(10), NotCarried("the unit's signature stands for the head");
        /// The head.
        head = "THU_TRUONG_DVI"(255), NotCarried("the unit's signature stands for the head");
        /// Day of the notice, `yyyyMMdd`.
        issued_on = "NGAY_CT"(8), Carried("BirthNotice.issued_on");
        /// Number in the book.
        number = "SO"(200), NotCarried("the hospital's own book");
        /// The book.
        book = "QUYEN_SO"(200), NotCarried("the hospital's own book");
        /// Surrogate mother: SI number.
        surrogate_si = "MA_BHXH_MTH"(10), NotCarried("the child is of whom NND names (Law on Marriage and Family 2014 art. 94)");
        /// Her card.
        surrogate_card = "MA_THE_MTH"(15), NotCarried("the child is of whom NND names");
        /// Her name.
        surrogate_name = "HOTEN_MTH"(255), NotCarried("the child is of whom NND names");
        /// Her day of birth.
        surrogate_born = "NGAYSINH_MTH"(8), NotCarried("the child is of whom NND names");
        /// Her ethnicity.
        surrogate_ethnicity = "MA_DANTOC_MTH"(2), NotCarried("the child is of whom NND names");
        /// Her nationality.
        surrogate_nationality = "MA_QUOCTICH_MTH"(3), NotCarried("the child is of whom NND names");
        /// Kind of her identity paper.
        surrogate_paper_kind = "LOAI_GIAYTO_MTH"(1), NotCarried("the child is of whom NND names");
        /// Its number.
        surrogate_paper_number = "SO_CCCD_MTH"(20), NotCarried("the child is of whom NND names");
        /// Its day.
        surrogate_paper_on = "NGAYCAP_CCCD_MTH"(8), NotCarried("the child is of whom NND names");
        /// Its issuer.
        surrogate_paper_at = "NOICAP_CCCD_MTH"(255), NotCarried("the child is of whom NND names");
        /// Her residence.
        surrogate_residence = "NOI_CU_TRU_MTH"(1024), NotCarried("the child is of whom NND names");
        /// Her husband's name.
        surrogate_father_name = "HO_TEN_CHA_MTH"(255), NotCarried("the child is of whom NND names");
        /// His day of birth.
        surrogate_father_born = "NGAYSINH_CHA_MTH"(8), NotCarried("the child is of whom NND names");
        /// His ethnicity.
        surrogate_father_ethnicity = "MA_DANTOC_CHA_MTH"(2), NotCarried("the child is of whom NND names");
        /// Kind of his identity paper.
        surrogate_father_paper_kind = "LOAI_GIAYTO_CHA_MTH"(1), NotCarried("the child is of whom NND names");
        /// Its number.
        surrogate_father_paper_number = "SO_CCCD_CHA_MTH"(20), NotCarried("the child is of whom NND names");
        /// Its day.
        surrogate_father_paper_on = "NGAYCAP_CCCD_CHA_MTH"(8), NotCarried("the child is of whom NND names");
        /// Its issuer.
        surrogate_father_paper_at = "NOICAP_CCCD_CHA_MTH"(255), NotCarried("the child is of whom NND names");
        /// The father's day of birth.
        father_born = "NGAYSINH_CHA_NND"(8), NotCarried("the registration says who the father is");
        /// His ethnicity.
        father_ethnicity = "MA_DANTOC_CHA_NND"(2), NotCarried("the registration says who the father is");
        /// Kind of his identity paper.
        father_paper_kind = "LOAI_GIAYTO_CHA_NND"(1), NotCarried("the registration says who the father is");
        /// Its number.
        father_paper_number = "SO_CCCD_CHA_NND"(20), NotCarried("the registration says who the father is");
        /// Its day.
        father_paper_on = "NGAYCAP_CCCD_CHA_NND"(8), NotCarried("the registration says who the father is");
        /// Its issuer.
        father_paper_at = "NOICAP_CCCD_CHA_NND"(255), NotCarried("the registration says who the father is");
        /// 1 the first notice, 0 one that is issued again.
        first_issue = "CAP_LAN_DAU"(1), Carried("BirthNotice.reissued");
        /// 1: the hospital takes this notice back (own profile; PL02 has no words for it).
        withdrawn = "THU_HOI"(1), Carried("HospitalBirthWithdrawal");
        /// Why (own profile).
        withdrawn_why = "LY_DO_THU_HOI"(1024), Carried("HospitalBirthWithdrawal.reason");
    }
}
