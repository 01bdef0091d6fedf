//! What can be wrong between the two sides. Own profile: the real categories are not public.

use schemas::wire::tax_records::Field;

/// One kind of discrepancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Pays income, works by its tax status, and is not registered with social insurance.
    NotRegistered,
    /// Registered with social insurance, unknown to tax.
    NoTaxpayer,
    /// Fewer participants than people who were paid.
    UnderCounted,
    /// More participants than people who were paid.
    OverCounted,
    /// A fund below the income paid.
    UnderFunded,
    /// A fund above the income paid.
    OverFunded,
    /// Less due than the fund and the rates give, or less paid than due.
    UnderPaid,
    /// Closed or suspended at tax, active at social insurance.
    StoppedAtTax,
    /// Working at tax, closed or suspended at social insurance.
    StoppedAtSi,
    /// Another name.
    EmployerName,
    /// Another address.
    Address,
    /// Several units that are not closed under one tax code.
    EmployerTwice,
    /// Paid income, with no social insurance at all.
    Uninsured,
    /// Insured with an employer that paid no income, as far as tax knows.
    UnknownToTax,
    /// Insured with one employer, paid full-time by another.
    OtherEmployer,
    /// A base below what the income asks for.
    BaseBelowIncome,
    /// An income that asks for less than the base.
    IncomeBelowBase,
    /// Another name.
    PersonName,
    /// Another birth.
    Birth,
    /// One person under several numbers with one employer.
    PersonTwice,
    /// Two full-time employers at once.
    TwoFullTime,
}

impl Category {
    /// Every category, in the order of the summary.
    pub const ALL: [Self; 21] = [
        Self::NotRegistered,
        Self::NoTaxpayer,
        Self::UnderCounted,
        Self::OverCounted,
        Self::UnderFunded,
        Self::OverFunded,
        Self::UnderPaid,
        Self::StoppedAtTax,
        Self::StoppedAtSi,
        Self::EmployerName,
        Self::Address,
        Self::EmployerTwice,
        Self::Uninsured,
        Self::UnknownToTax,
        Self::OtherEmployer,
        Self::BaseBelowIncome,
        Self::IncomeBelowBase,
        Self::PersonName,
        Self::Birth,
        Self::PersonTwice,
        Self::TwoFullTime,
    ];

    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotRegistered => "E-NOTREG",
            Self::NoTaxpayer => "E-NOTAX",
            Self::UnderCounted => "E-UNDERCOUNT",
            Self::OverCounted => "E-OVERCOUNT",
            Self::UnderFunded => "E-UNDERFUND",
            Self::OverFunded => "E-OVERFUND",
            Self::UnderPaid => "E-UNDERPAID",
            Self::StoppedAtTax => "E-STATUS-TAX",
            Self::StoppedAtSi => "E-STATUS-SI",
            Self::EmployerName => "E-NAME",
            Self::Address => "E-ADDR",
            Self::EmployerTwice => "E-DUP",
            Self::Uninsured => "P-UNINSURED",
            Self::UnknownToTax => "P-UNKNOWN",
            Self::OtherEmployer => "P-EMPLOYER",
            Self::BaseBelowIncome => "P-BASE",
            Self::IncomeBelowBase => "P-INCOME",
            Self::PersonName => "P-NAME",
            Self::Birth => "P-BORN",
            Self::PersonTwice => "P-DUP",
            Self::TwoFullTime => "P-OVERLAP",
        }
    }

    /// The category of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// Whether it is about an employer; else about a person.
    #[must_use]
    pub const fn is_employer(self) -> bool {
        (self as u8) < (Self::Uninsured as u8)
    }

    /// The field that is at fault, where the category leaves no choice.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::NotRegistered | Self::NoTaxpayer | Self::OtherEmployer => Field::Mst,
            Self::UnderCounted | Self::OverCounted => Field::Count,
            Self::UnderFunded
            | Self::OverFunded
            | Self::BaseBelowIncome
            | Self::IncomeBelowBase => Field::Amount,
            Self::UnderPaid => Field::Paid,
            Self::StoppedAtTax | Self::StoppedAtSi => Field::Status,
            Self::EmployerName | Self::PersonName => Field::Name,
            Self::Address => Field::Address,
            Self::EmployerTwice => Field::Unit,
            Self::Uninsured | Self::UnknownToTax => Field::Person,
            Self::Birth => Field::Born,
            Self::PersonTwice => Field::Number,
            Self::TwoFullTime => Field::Full,
        }
    }
}
