//! Administrative procedures (mã TTHC) and VSS's own procedure numbers and forms.
//!
//! No official TTHC code of a VSS procedure is public, so ours are our own profile: they begin with `9.`, which
//! the national numbering has not been seen to use. What is offered today is in [`crate::procedure`], with its
//! form; here stand other offices' procedures and what VSS offers no more.

use jiff::civil::date;

use super::{Certainty, List, Term, code};

/// Procedures by their national code `N.NNNNNN`.
pub const LIST: List = List(&[
    code(
        "2.000986",
        "Liên thông khai sinh, thường trú, thẻ BHYT cho trẻ dưới 6 tuổi",
        "inter-linked birth, residence and child card",
        LINKED,
    ),
    code(
        "2.002621",
        "Liên thông khai sinh, thường trú, thẻ BHYT (địa phương)",
        "the same, local code",
        LINKED,
    ),
    code(
        "2.002622",
        "Liên thông khai tử, xoá thường trú, mai táng phí",
        "inter-linked death, residence removal and funeral allowance",
        LINKED,
    ),
    code(
        "1.006714",
        "Liên thông khai tử (mã cũ)",
        "inter-linked death, older code",
        OLDER,
    ),
    code(
        "1.011733",
        "Liên thông khai tử (mã cũ)",
        "inter-linked death, older code",
        OLDER,
    ),
    code("1.001193", "Đăng ký khai sinh", "birth", CIVIL),
    code("1.000656", "Đăng ký khai tử", "death", CIVIL),
    code("1.000894", "Đăng ký kết hôn", "marriage", CIVIL),
    code(
        "1.000094",
        "Đăng ký kết hôn có yếu tố nước ngoài (khu vực biên giới)",
        "marriage with a foreign element, variant",
        CIVIL,
    ),
    code(
        "1.000593",
        "Đăng ký kết hôn có yếu tố nước ngoài (biến thể)",
        "marriage with a foreign element, variant",
        CIVIL,
    ),
    code(
        "2.000806",
        "Đăng ký kết hôn có yếu tố nước ngoài",
        "marriage with a foreign element",
        CIVIL,
    ),
    code(
        COVID_SUPPORT,
        "Xác nhận hỗ trợ do COVID-19",
        "certification for COVID-19 support",
        OWN_COVID,
    ),
]);

/// Own profile: reissue of a lost or damaged health insurance card.
pub const REISSUE_CARD: &str = "9.000001";
/// Own profile: certification for the supports of QĐ 15/2020/QĐ-TTg.
pub const COVID_SUPPORT: &str = "9.000005";

/// Procedure numbers and forms of VSS's own portal.
pub const VSS_OWN_CODES: List = List(&[
    code(
        "600",
        "Báo tăng, báo giảm, điều chỉnh",
        "increase, decrease, adjustment",
        VSS,
    ),
    code("601", "Truy thu", "back-collection", VSS),
    code(
        "604",
        "Đăng ký, thay đổi thông tin",
        "registration and change",
        VSS,
    ),
    code(
        "TK1-TS",
        "Tờ khai tham gia, điều chỉnh thông tin",
        "form of a person",
        VSS,
    ),
    code("TK3-TS", "Tờ khai đơn vị", "form of a unit", VSS),
    code(
        "CT-DK",
        "Tờ khai đăng ký đơn vị",
        "registration form of a unit",
        VSS,
    ),
    code("D01-TS", "Bảng kê thông tin", "list of documents", VSS),
    code("D02-TS", "Danh sách lao động", "list of employees", VSS),
    code(
        "D03-TS",
        "Danh sách chỉ tham gia BHYT",
        "list of people in health insurance only",
        VSS,
    ),
    code(
        "C12-TS",
        "Thông báo kết quả đóng",
        "statement of contributions",
        VSS,
    ),
]);

const LINKED: Term = Term::since(
    date(2024, 7, 1),
    "Decree 63/2024/NĐ-CP; QĐ 296/QĐ-VPCP",
    Certainty::Read,
);
const OLDER: Term = Term::since(
    date(2022, 11, 21),
    "QĐ 3509/QĐ-BHXH (pilot)",
    Certainty::Weak,
)
.until(date(2024, 6, 30));
const CIVIL: Term = Term::since(date(2016, 1, 1), "Decree 123/2015/NĐ-CP", Certainty::Read);
const OWN_COVID: Term = Term::since(
    date(2020, 4, 24),
    "own profile; QĐ 15/2020/QĐ-TTg",
    Certainty::OwnProfile,
)
.until(date(2022, 12, 31));
const VSS: Term = Term::since(
    date(2018, 12, 1),
    "VSS portal procedure list",
    Certainty::Secondary,
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ProcedureCode;

    #[test]
    fn every_procedure_has_a_code_of_the_national_shape() {
        for row in LIST.rows() {
            assert_eq!(ProcedureCode::parse(row.code).unwrap().national(), row.code);
        }
    }

    #[test]
    fn our_own_codes_say_so_and_no_other_does() {
        for row in LIST.rows() {
            assert_eq!(
                row.code.starts_with("9."),
                row.term.certainty == Certainty::OwnProfile,
                "{}",
                row.code
            );
            assert_eq!(
                row.code.starts_with("9."),
                row.term.source.starts_with("own profile"),
                "{}",
                row.code
            );
        }
    }

    #[test]
    fn an_older_code_ends_when_the_decree_begins() {
        assert!(
            LIST.holds("1.006714", date(2024, 6, 30)) && !LIST.holds("1.006714", date(2024, 7, 1))
        );
        assert!(LIST.holds("2.002622", date(2024, 7, 1)));
    }
}
