//! A status that is told unasked: the message by which DVCLT hears how a dossier stands, and its answer.

use unicode_normalization::UnicodeNormalization as _;

use super::CaseRow;
use crate::wire::object::wire_object;

wire_object! {
    /// How one dossier stands now. Names of the status message between one-stop systems and DVCLT; that we send it
    /// too is own profile.
    pub struct StatusUpdate as "CapNhatTrangThai" {
        /// Procedure code (mã TTHC) of the inter-linked procedure.
        procedure: String = "maTTHC", Carried("which of births and deaths the case is");
        /// Inter-linked dossier code (`maHoSoLT` of `NhanDKHT`).
        inter_linked: String = "soHoSoLT", Carried("case_id of the case");
        /// Which authority tells it: [`AUTHORITY`].
        authority: u8 = "coQuanXuLy", NotCarried("one number for all of ours");
        /// The dossier's code at the authority: the inter-linked one, since we give it no other.
        case_id: String = "maHoSo", Carried("case_id of the case");
        /// 2 needs supplement, 3 processing, 4 completed, 6 refused.
        state: u8 = "trangThai", Carried("BirthCase.state; 4 for a death");
        /// Since when, `dd/MM/yyyy HH:mm:ss` at +07:00.
        at: String = "thoiGianThucHien", Carried("updated_at of the case");
        /// A remark.
        note: Option<String> = "ghiChu", Carried("BirthCase.due_on, corrected_by and ending, or DeathCase.withdrawn_by");
        /// [`super::CardResult`] or [`super::DeathSeen`] as a JSON string.
        result: Option<String> = "ketQuaXuLy", Carried("BirthCase.si_number and BirthCase.card, or DeathCase");
        /// What was done.
        text: Option<String> = "noiDungXuLy", Carried("BirthCase.told, else the state in words");
        /// The law's day, `dd/MM/yyyy`.
        due_on: Option<String> = "ngayKetThucTheoQuyDinh", Carried("BirthCase.due_on");
        /// Until when a supplement may come, `dd/MM/yyyy`.
        supplement_by: Option<String> = "hanBoSungHoSo", Carried("BirthCase.supplement_by");
    }
    never written {
        "nguoiXuLy": "the registry does not name officers here";
        "chucDanh": "the registry does not name officers here";
        "phongBanXuLy": "the registry does not name departments here";
        "ngayBatDau": "the sender knows when it handed the case on";
        "ngayHenTraTruoc": "one appointment: the law's day";
        "ngayHenTraMoi": "one appointment: the law's day";
    }
}

impl StatusUpdate {
    /// What a poll tells of a case, as a message; none of a case that is not known.
    #[must_use]
    pub fn of(row: CaseRow, procedure: &str, due_on: Option<String>) -> Option<Self> {
        Some(Self {
            procedure: procedure.to_owned(),
            inter_linked: row.case_id.clone(),
            authority: AUTHORITY,
            case_id: row.case_id,
            state: row.state?,
            at: row.updated_at?,
            note: row.note,
            result: row.result,
            text: row.text,
            due_on,
            supplement_by: row.supplement_by,
        })
    }
}

/// `coQuanXuLy`: the one number that was seen; which number is VSS's is not public.
pub const AUTHORITY: u8 = 5;

/// What DVCLT answers: plain text, found by the words that integrators look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusAnswered {
    /// "thành công", or "đã được tiếp nhận": it knows it now, or did before.
    Taken,
    /// "đã trả kết quả, không được cập nhật trạng thái": the dossier is closed there.
    ReturnedAlready,
    /// "logic xử lý không hợp lệ": this state may not follow the one that it has.
    BadTransition,
    /// "không tồn tại": it has no such dossier.
    Unknown,
}

impl StatusAnswered {
    /// Reads the answer: UTF-8, compared without case; in quotes or among other words. None where it says none of them,
    /// or is longer than a sentence.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text)
            .ok()
            .filter(|text| text.len() <= SENTENCE_BYTES_MAX)?;
        let text: String = text.nfc().collect::<String>().to_lowercase();
        // the refusals first, and a success that is denied is none
        [
            ("đã trả kết quả", Some(Self::ReturnedAlready)),
            ("không hợp lệ", Some(Self::BadTransition)),
            ("không tồn tại", Some(Self::Unknown)),
            ("không thành công", None),
            ("chưa thành công", None),
            ("thành công", Some(Self::Taken)),
            ("đã được tiếp nhận", Some(Self::Taken)),
        ]
        .into_iter()
        .find(|(words, _)| text.contains(words))
        .and_then(|(_, said)| said)
    }
}

const SENTENCE_BYTES_MAX: usize = 2_048;
