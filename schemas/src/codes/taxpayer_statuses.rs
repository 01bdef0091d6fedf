//! `tthai`: the status of a taxpayer, by the circular in force on the record's date.

use jiff::civil::date;

use super::{Certainty, Code, List, Term, code};

/// The statuses of taxpayers. Since 2026-07-01 each carries a reason code beside it, whose list we could not read.
pub const LIST: List = List(ROWS);

const C105: Term = Term::since(
    date(2021, 1, 17),
    "Circular 105/2020/TT-BTC",
    Certainty::Read,
)
.until(date(2025, 2, 5));
const C86: Term = Term::since(date(2025, 2, 6), "Circular 86/2024/TT-BTC", Certainty::Read)
    .until(date(2026, 6, 30));
const C90: Term = Term::since(
    date(2026, 7, 1),
    "Circular 90/2026/TT-BTC",
    Certainty::Secondary,
);

const ROWS: &[Code] = &[
    code("00", "Đang hoạt động", "active", C105),
    code(
        "01",
        "Ngừng hoạt động, đã chấm dứt hiệu lực MST",
        "stopped, tax code ended",
        C105,
    ),
    code(
        "02",
        "Đã chuyển cơ quan thuế quản lý",
        "moved to another tax office",
        C105,
    ),
    code(
        "03",
        "Ngừng hoạt động, chưa chấm dứt hiệu lực MST",
        "stopped, tax code not yet ended",
        C105,
    ),
    code(
        "04",
        "Đang hoạt động (chưa đủ thông tin đăng ký)",
        "active without full registration",
        C105,
    ),
    code("05", "Tạm ngừng kinh doanh", "suspended for a time", C105),
    code(
        "06",
        "Không hoạt động tại địa chỉ đã đăng ký",
        "not at the registered address",
        C105,
    ),
    code("07", "Chờ làm thủ tục phá sản", "awaiting bankruptcy", C105),
    code("00", "Đang hoạt động", "active", C86),
    code(
        "01",
        "Ngừng hoạt động, đã chấm dứt hiệu lực MST",
        "stopped, tax code ended",
        C86,
    ),
    code(
        "02",
        "Đã chuyển cơ quan thuế quản lý",
        "moved to another tax office",
        C86,
    ),
    code(
        "03",
        "Ngừng hoạt động, chưa chấm dứt hiệu lực MST",
        "stopped, tax code not yet ended",
        C86,
    ),
    code(
        "04",
        "Đang hoạt động (chưa đủ thông tin đăng ký)",
        "active without full registration",
        C86,
    ),
    code("05", "Tạm ngừng kinh doanh", "suspended for a time", C86),
    code(
        "06",
        "Không hoạt động tại địa chỉ đã đăng ký",
        "not at the registered address",
        C86,
    ),
    code("07", "Chờ làm thủ tục phá sản", "awaiting bankruptcy", C86),
    code("09", "Chờ xác minh địa chỉ", "address being verified", C86),
    code("00", "Đang hoạt động", "active", C90),
    code(
        "01",
        "Ngừng hoạt động, đã chấm dứt hiệu lực MST",
        "stopped, tax code ended",
        C90,
    ),
    code(
        "02",
        "Đã chuyển cơ quan thuế quản lý",
        "moved to another tax office",
        C90,
    ),
    code(
        "03",
        "Ngừng hoạt động, chưa chấm dứt hiệu lực MST",
        "stopped, tax code not yet ended",
        C90,
    ),
    code("05", "Tạm ngừng kinh doanh", "suspended for a time", C90),
    code(
        "06",
        "Không hoạt động tại địa chỉ đã đăng ký",
        "not at the registered address",
        C90,
    ),
    code("07", "Chờ làm thủ tục phá sản", "awaiting bankruptcy", C90),
    code("09", "Chờ xác minh địa chỉ", "address being verified", C90),
    code(
        "10",
        "Trạng thái 10 (Thông tư 90/2026/TT-BTC)",
        "status 10, whose wording we could not read",
        C90,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_judged_by_the_list_of_its_day() {
        assert!(LIST.holds("04", date(2026, 6, 30)) && !LIST.holds("04", date(2026, 7, 1)));
        assert!(!LIST.holds("10", date(2026, 6, 30)) && LIST.holds("10", date(2026, 7, 1)));
        assert!(!LIST.holds("09", date(2025, 2, 5)) && LIST.holds("09", date(2025, 2, 6)));
        assert!(!LIST.holds("08", date(2026, 7, 1)));
    }

    #[test]
    fn the_codes_of_circular_90_are_nine() {
        let codes: Vec<&str> = LIST.on(date(2026, 7, 1)).map(|row| row.code).collect();
        assert_eq!(
            codes,
            ["00", "01", "02", "03", "05", "06", "07", "09", "10"]
        );
    }
}
