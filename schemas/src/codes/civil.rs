//! Code lists of civil status (hộ tịch), as the inter-linked birth and death dossiers carry them.
//!
//! Decree 123/2015/NĐ-CP and Joint Circular 05/2015 began them; Decree 63/2024/NĐ-CP carries them on.

use jiff::civil::date;

use super::{Certainty, List, Term, code};

/// `loaiDangKy`: kinds of registration.
pub const REGISTRATION_KINDS: List = List(&[
    code("0", "Không xác định", "none", TERM),
    code("1", "Đăng ký đúng hạn", "on time", TERM),
    code("2", "Đăng ký lại", "registered again", TERM),
    code(
        "3",
        "Ghi vào sổ việc đã đăng ký ở nước ngoài",
        "note of a foreign registration",
        TERM,
    ),
    code("4", "Đăng ký quá hạn", "late", TERM),
]);

/// `loaiCuTru`: kinds of residence.
pub const RESIDENCE_KINDS: List = List(&[
    code("0", "Không xác định", "none", TERM),
    code("1", "Thường trú", "permanent", TERM),
    code("2", "Tạm trú", "temporary", TERM),
]);

/// `loaiGiayToTuyThan`: kinds of identity papers.
pub const IDENTITY_PAPERS: List = List(&[
    code("0", "Không có", "none", TERM),
    code("1", "Chứng minh nhân dân", "identity card (CMND)", TERM),
    code("2", "Hộ chiếu", "passport", TERM),
    code("3", "Thẻ thường trú", "permanent residence card", TERM),
    code(
        "4",
        "Căn cước công dân",
        "citizen identity card (CCCD)",
        TERM,
    ),
    code("5", "Giấy chứng minh quân đội", "army identity paper", TERM),
    code(
        "6",
        "Giấy chứng minh sĩ quan",
        "officer's identity paper",
        TERM,
    ),
    code(
        "7",
        "Giấy chứng minh công an",
        "police identity paper",
        TERM,
    ),
    code("8", "Giấy tờ khác", "other", TERM),
]);

/// `nksLoaiKhaiSinh`: kinds of birth registration.
pub const BIRTH_KINDS: List = List(&[
    code("1", "Biết rõ cha và mẹ", "both parents known", TERM),
    code("2", "Chưa xác định được mẹ", "mother unknown", TERM),
    code("3", "Chưa xác định được cha", "father unknown", TERM),
    code(
        "4",
        "Chưa xác định được cả cha và mẹ",
        "both parents unknown",
        TERM,
    ),
    code("5", "Trẻ bị bỏ rơi", "abandoned", TERM),
]);

/// `gbtLoai`: papers that prove a death.
pub const DEATH_PAPERS: List = List(&[
    code("0", "Không có", "none", TERM),
    code("1", "Giấy báo tử", "death notice", TERM),
    code(
        "2",
        "Biên bản thi hành án tử hình",
        "record of an execution",
        TERM,
    ),
    code("3", "Bản án, quyết định của Toà án", "court judgment", TERM),
    code(
        "4",
        "Văn bản của cơ quan công an hoặc giám định pháp y",
        "police or forensic document",
        TERM,
    ),
    code(
        "5",
        "Văn bản của cơ quan y tế",
        "document of a health office",
        TERM,
    ),
    code(
        "6",
        "Biên bản xác nhận việc chết",
        "certifying minutes",
        TERM,
    ),
    code(
        "7",
        "Văn bản của người làm chứng",
        "statement of a witness",
        TERM,
    ),
]);

/// `trangThai`: statuses of a civil-status dossier.
pub const STATUSES: List = List(&[
    code("1", "Đã tiếp nhận, chờ xử lý", "received, waiting", TERM),
    code("2", "Yêu cầu bổ sung hồ sơ", "needs a supplement", TERM),
    code("3", "Đang xử lý", "accepted, processing", TERM),
    code("4", "Đã hoàn thành đăng ký", "registration completed", TERM),
    code("5", "Đã trả kết quả", "result returned", TERM),
    code("6", "Từ chối", "refused", TERM),
    code(
        "7",
        "Đã chuyển Bộ Tư pháp",
        "sent to the Ministry of Justice",
        TERM,
    ),
]);

/// Working days that a requester has to supplement a dossier in status 2, unless `hanBoSungHoSo` says otherwise.
pub const SUPPLEMENT_DAYS: (u16, Term) = (7, TERM);

const TERM: Term = Term::since(
    date(2016, 1, 1),
    "Decree 123/2015/NĐ-CP; Decree 63/2024/NĐ-CP",
    Certainty::Secondary,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_have_the_codes_of_the_inter_linked_dossiers() {
        for (list, first, last) in [
            (REGISTRATION_KINDS, 0, 4),
            (RESIDENCE_KINDS, 0, 2),
            (IDENTITY_PAPERS, 0, 8),
            (BIRTH_KINDS, 1, 5),
            (DEATH_PAPERS, 0, 7),
            (STATUSES, 1, 7),
        ] {
            let expected: Vec<String> = (first..=last).map(|code| code.to_string()).collect();
            let codes: Vec<&str> = list.on(date(2026, 11, 22)).map(|row| row.code).collect();
            assert_eq!(codes, expected);
        }
    }

    #[test]
    fn no_list_holds_before_the_decree() {
        assert!(!BIRTH_KINDS.holds("1", date(2015, 12, 31)));
    }
}
