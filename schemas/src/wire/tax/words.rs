//! Closed lists of words, as they are spelled on the wire.

/// A closed list: an enum whose variants are words on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// Every word, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Reads the word back.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// Where a message is meant to count.
    Environment {
        /// One machine, synthetic people.
        Sandbox = "sandbox",
        /// Partners' test systems, synthetic people.
        Test = "test",
        /// The real thing.
        Production = "production",
    }
}

words! {
    /// Whether a message asks or answers.
    Direction {
        /// It asks.
        Request = "request",
        /// It answers, and names what it answers.
        Answer = "answer",
    }
}

words! {
    /// What can be asked about an employer; the same words stand in agreements.
    FieldName {
        /// Whether the employer takes part.
        ParticipationState = "participationState",
        /// How many people are insured through it in the month.
        Participants = "participants",
        /// The month's contribution salary fund.
        Fund = "fund",
        /// The amount due for the month.
        Due = "due",
        /// The amount paid in the month.
        Paid = "paid",
        /// The balance owed at the end of the month.
        Arrears = "arrears",
        /// The registered name.
        Name = "name",
        /// The VSS unit code.
        UnitCode = "unitCode",
        /// Since which month the employer takes part.
        RegisteredFrom = "registeredFrom",
        /// The units under the tax code.
        Units = "units",
        /// How old the arrears are.
        Ageing = "ageing",
        /// The newest declaration of changes among its people.
        LastD02 = "lastD02",
    }
}

words! {
    /// What can be asked about a person; the same words stand in agreements.
    PersonField {
        /// The name.
        Name = "name",
        /// The day of birth.
        BirthDate = "birthDate",
        /// The PIN in force.
        Pin = "pin",
        /// The SI number.
        SiNumber = "siNumber",
        /// By which employers.
        Employers = "employers",
        /// Which months, and how many.
        Months = "months",
        /// The monthly base of contributions.
        Base = "base",
    }
}

words! {
    /// What can be asked of the tax department about an employer; the same words stand in agreements.
    TaxpayerField {
        /// The taxpayer status, its reason and since when.
        Status = "status",
        /// The registered name.
        Name = "name",
        /// The registered address.
        Address = "address",
        /// How many people were paid an income in the month.
        Headcount = "headcount",
        /// The income paid in the month.
        IncomePaid = "incomePaid",
    }
}

words! {
    /// What can be asked of the tax department about a person; the same words stand in agreements.
    IncomeField {
        /// The name.
        Name = "name",
        /// In how many months an income was paid.
        Months = "months",
        /// How much.
        Income = "income",
        /// By whom.
        Payers = "payers",
    }
}

words! {
    /// What a change notice tells.
    NoticeKind {
        /// A tax code was given.
        Registered = "registered",
        /// The tax code was ended.
        Dissolved = "dissolved",
        /// Business rests for a time.
        Suspended = "suspended",
        /// Business goes on.
        Resumed = "resumed",
        /// The address changed.
        Moved = "moved",
        /// It became part of another.
        Merged = "merged",
        /// The number of people with income changed by more than the agreed step.
        Headcount = "headcount",
    }
}

impl NoticeKind {
    /// True where the taxpayer's status is what changed.
    #[must_use]
    pub const fn is_of_the_status(self) -> bool {
        matches!(
            self,
            Self::Registered | Self::Dissolved | Self::Suspended | Self::Resumed
        )
    }
}

words! {
    /// The four results that Circular 13/2017/TT-BTTTT tells apart, and the two of a comparison.
    ResultKind {
        /// The permitted fields follow.
        HasData = "hasData",
        /// Nobody is registered under this number.
        NoData = "noData",
        /// None of the fields asked for is agreed; the database was not asked.
        NotPermitted = "notPermitted",
        /// The subject is known, but a month asked about is not closed.
        Incomplete = "incomplete",
        /// Everything claimed of the person is so.
        Matches = "matches",
        /// Something claimed is not so, or nobody is known under the number; which, is not told.
        DoesNotMatch = "doesNotMatch",
    }
}

words! {
    /// Whether an employer takes part in compulsory insurance.
    ParticipationState {
        /// It does.
        Active = "active",
        /// For the time being it does not.
        Suspended = "suspended",
        /// It has left for good.
        Closed = "closed",
    }
}

impl FieldName {
    /// True where it is more than one value: told one employer at a time only.
    #[must_use]
    pub const fn is_a_part(self) -> bool {
        matches!(self, Self::Units | Self::Ageing | Self::LastD02)
    }

    /// True where the value comes from the month's statement, which may not be closed yet.
    #[must_use]
    pub const fn is_of_the_month(self) -> bool {
        matches!(
            self,
            Self::Participants | Self::Fund | Self::Due | Self::Paid | Self::Arrears | Self::Ageing
        )
    }
}
