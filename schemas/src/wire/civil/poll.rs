//! The poll `LayKetQua` and its answer.

use crate::json::JsonError;
use crate::wire::object::wire_object;

/// The most dossier codes that one `LayKetQua` may ask for.
pub const CASE_IDS_MAX: usize = 3;

wire_object! {
    /// Asks for the newest status of at most [`CASE_IDS_MAX`] cases.
    pub struct StatusQuery as "LayKetQua" {
        /// Inter-linked dossier codes (`maHoSoLT`).
        #[serde(default)]
        case_ids: Vec<String> = "maDinhDanhHoSo", Carried("case_ids of the request");
        /// Province of the asking office, 2 digits.
        province: String = "maTinh", NotCarried("repeated in the answer");
        /// `LTKS` or `LTKT`.
        module: String = "module", NotCarried("repeated in the answer");
    }
}

wire_object! {
    /// The answer to `LayKetQua`.
    pub struct StatusAnswer as "LayKetQua answer" {
        /// 1 answered, 0 refused.
        status: u8 = "status", Carried("whether the poll was answered");
        /// What happened, in Vietnamese.
        status_description: String = "statusDescription", Carried("Fault text, or how many cases are known");
        /// One row per known case, in the order asked.
        #[serde(default)]
        cases: Vec<CaseRow> = "value", Carried("cases of the answer");
    }
}

wire_object! {
    /// The newest status of one case.
    pub struct CaseRow as "value" {
        /// Unit that registered the birth.
        unit: Option<String> = "maDonVi", NotCarried("the registry does not answer it");
        /// Province, as asked.
        province: Option<String> = "maTinh", Carried("StatusQuery.maTinh");
        /// Module, as asked.
        module: String = "module", Carried("StatusQuery.module");
        /// Inter-linked dossier code.
        case_id: String = "maHoSoLT", Carried("case_id of the case");
        /// Dossier code of the one-stop system.
        one_stop_case_id: Option<String> = "maHoSoMCDT", NotCarried("the registry does not keep it");
        /// What is wrong with the case.
        errors: Option<String> = "errors", Carried("set when the sender has no such case");
        /// 1 received, 2 needs supplement, 3 processing, 4 completed, 5 returned, 6 refused; absent when unknown.
        state: Option<u8> = "trangThai", Carried("BirthCase.state; 4 for a death");
        /// When the state was reached, `dd/MM/yyyy HH:mm:ss` at +07:00.
        updated_at: Option<String> = "thoiGianThucHien", Carried("updated_at of the case");
        /// A remark.
        note: Option<String> = "ghiChu", Carried("BirthCase.due_on, corrected_by and ending, or DeathCase.withdrawn_by");
        /// [`CardResult`] or [`super::DeathSeen`] as a JSON string, from state 4 on.
        result: Option<String> = "ketQuaXuLy", Carried("BirthCase.si_number and BirthCase.card, or DeathCase");
        /// Officer.
        officer: Option<String> = "nguoiXuLy", NotCarried("the registry does not name officers here");
        /// Officer's title.
        officer_title: Option<String> = "chucDanh", NotCarried("the registry does not name officers here");
        /// Department.
        department: Option<String> = "phongBanXuLy", NotCarried("the registry does not name departments here");
        /// What was done.
        text: Option<String> = "noiDungXuLy", Carried("BirthCase.told, else the state in words");
        /// Until when a supplement may come, `dd/MM/yyyy`.
        supplement_by: Option<String> = "hanBoSungHoSo", Carried("BirthCase.supplement_by");
    }
}

impl CaseRow {
    /// Reads the JSON string inside `ketQuaXuLy`, where there is one.
    pub fn card(&self) -> Result<Option<CardResult>, JsonError> {
        self.result
            .as_deref()
            .map(|text| super::decode(text.as_bytes()))
            .transpose()
    }
}

wire_object! {
    /// The SI number and card of a child; names of the VSS card lookup where it has them.
    pub struct CardResult as "ketQuaXuLy of value" {
        /// SI number, 10 digits.
        si_number: String = "maSoBHXH", Carried("BirthCase.si_number");
        /// Card number, 15 characters.
        card: String = "maThe", Carried("Card.number");
        /// First day of validity, `dd/MM/yyyy`.
        valid_from: String = "gtTheTu", Carried("Card.valid_from");
        /// Last day of validity, `dd/MM/yyyy`.
        valid_to: String = "gtTheDen", Carried("Card.valid_to");
        /// Initial facility, 5 characters.
        facility: String = "maDKBD", Carried("Card.facility");
        /// Law and article of the validity rule.
        rule: Option<String> = "canCuThoiHan", Carried("BirthCase.card_rule");
    }
}
