//! The rows of the calendar. The days of 2024 to 2026 follow the Government's announcements as offices kept
//! them, from secondary sources; those of 2027 were not announced when this was written and are absent.

use jiff::civil::{Date, Time, date, time};

use crate::codes::{Certainty, Term};

/// A holiday on the same date each year.
pub(super) struct Fixed {
    month: i8,
    day: i8,
    pub(super) name: &'static str,
    pub(super) term: Term,
}

impl Fixed {
    pub(super) fn holds_on(&self, day: Date) -> bool {
        (day.month(), day.day()) == (self.month, self.day) && self.term.holds_on(day)
    }
}

/// Days declared free in one year, first to last.
pub(super) struct Free {
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) name: &'static str,
    pub(super) source: &'static str,
}

/// A Saturday worked in exchange for a free day.
pub(super) struct Worked {
    pub(super) day: Date,
}

/// The time of day after which a paper counts as received on the next working day.
pub(super) struct CutOff {
    pub(super) after: Time,
    pub(super) term: Term,
}

pub(super) const CUT_OFFS: &[CutOff] = &[CutOff {
    after: time(15, 0, 0, 0),
    term: Term::since(
        date(2015, 7, 1),
        "Decree 63/2024/NĐ-CP; Joint Circular 05/2015",
        Certainty::Secondary,
    ),
}];

/// The hours of a working day.
pub(super) struct OfficeHours {
    pub(super) from: Time,
    pub(super) to: Time,
    pub(super) term: Term,
}

pub(super) const OFFICE_HOURS: &[OfficeHours] = &[OfficeHours {
    from: time(8, 0, 0, 0),
    to: time(17, 0, 0, 0),
    term: Term::since(
        date(2015, 7, 1),
        "own profile: a state office's day, its break counted; provinces set their own hours",
        Certainty::OwnProfile,
    ),
}];

const LABOUR_CODE: Term = Term::since(
    date(2021, 1, 1),
    "Labour Code 45/2019/QH14 art. 112",
    Certainty::Secondary,
);

pub(super) const FIXED: &[Fixed] = &[
    Fixed {
        month: 1,
        day: 1,
        name: "Tết Dương lịch",
        term: LABOUR_CODE,
    },
    Fixed {
        month: 4,
        day: 30,
        name: "Ngày Chiến thắng",
        term: LABOUR_CODE,
    },
    Fixed {
        month: 5,
        day: 1,
        name: "Ngày Quốc tế lao động",
        term: LABOUR_CODE,
    },
    Fixed {
        month: 9,
        day: 2,
        name: "Quốc khánh",
        term: LABOUR_CODE,
    },
    Fixed {
        month: 11,
        day: 24,
        name: "Ngày Văn hoá Việt Nam",
        term: Term::since(date(2026, 1, 1), "NQ 28/2026/QH16", Certainty::Secondary),
    },
];

const DECLARED: &str = "Government announcement for the year; Labour Code art. 111–112";

const fn free(first: Date, last: Date, name: &'static str) -> Free {
    Free {
        first,
        last,
        name,
        source: DECLARED,
    }
}

pub(super) const FREE: &[Free] = &[
    free(date(2024, 2, 8), date(2024, 2, 14), "Tết Giáp Thìn"),
    free(date(2024, 4, 18), date(2024, 4, 18), "Giỗ Tổ Hùng Vương"),
    free(date(2024, 4, 29), date(2024, 4, 29), "Nghỉ hoán đổi"),
    free(
        date(2024, 9, 3),
        date(2024, 9, 3),
        "Quốc khánh, ngày liền kề",
    ),
    free(date(2025, 1, 27), date(2025, 1, 31), "Tết Ất Tỵ"),
    free(date(2025, 4, 7), date(2025, 4, 7), "Giỗ Tổ Hùng Vương"),
    free(date(2025, 5, 2), date(2025, 5, 2), "Nghỉ hoán đổi"),
    free(
        date(2025, 9, 1),
        date(2025, 9, 1),
        "Quốc khánh, ngày liền kề",
    ),
    free(date(2026, 1, 2), date(2026, 1, 2), "Nghỉ hoán đổi"),
    free(date(2026, 2, 16), date(2026, 2, 20), "Tết Bính Ngọ"),
    free(
        date(2026, 4, 27),
        date(2026, 4, 27),
        "Nghỉ bù Giỗ Tổ Hùng Vương",
    ),
    free(date(2026, 8, 31), date(2026, 8, 31), "Nghỉ hoán đổi"),
    free(
        date(2026, 9, 1),
        date(2026, 9, 1),
        "Quốc khánh, ngày liền kề",
    ),
];

pub(super) const WORKED: &[Worked] = &[
    Worked {
        day: date(2024, 5, 4),
    },
    Worked {
        day: date(2025, 4, 26),
    },
    Worked {
        day: date(2026, 1, 10),
    },
    Worked {
        day: date(2026, 8, 22),
    },
];
