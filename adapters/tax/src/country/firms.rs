//! Employers: what each side holds of them, and what must be found.

use std::borrow::Cow;

use schemas::wire::tax_records::{Employer, Party, Status};

use super::{Country, Seeded, mixed, region};
use crate::compare::Category;

impl Country {
    /// What a side holds of the nth employer: nothing, one unit, or two in the order of their keys.
    #[must_use]
    pub fn employer(&self, party: Party, nth: u64) -> [Option<Employer<'static>>; 2] {
        let twist = nth % EVERY;
        let known = match party {
            Party::Si => !matches!(twist, NOT_REGISTERED | PAYS_NOBODY | STOPPED_UNREGISTERED),
            Party::Tax => !matches!(twist, NO_TAXPAYER | CLOSED_UNKNOWN),
        };
        if !known {
            return [None, None];
        }
        let mut firm = self.plain_firm(party, nth);
        match party {
            Party::Si => self.twist_si(&mut firm, twist),
            Party::Tax => self.twist_tax(&mut firm, twist),
        }
        let again = (party == Party::Si && twist == TWO_UNITS).then(|| Employer {
            unit: "TZ0001L",
            count: 0,
            amount: 0,
            due: 0,
            paid: 0,
            ..firm.clone()
        });
        [Some(firm), again]
    }

    /// What must be found about the nth employer.
    #[must_use]
    pub fn employer_findings(&self, nth: u64) -> Option<Seeded> {
        let category = match nth % EVERY {
            NOT_REGISTERED => Category::NotRegistered,
            NO_TAXPAYER => Category::NoTaxpayer,
            UNDER_COUNTED => Category::UnderCounted,
            OVER_COUNTED => Category::OverCounted,
            UNDER_FUNDED => Category::UnderFunded,
            OVER_FUNDED => Category::OverFunded,
            UNDER_PAID | UNDER_DUE => Category::UnderPaid,
            STOPPED_AT_TAX => Category::StoppedAtTax,
            STOPPED_AT_SI => Category::StoppedAtSi,
            OTHER_NAME => Category::EmployerName,
            OTHER_ADDRESS | OTHER_PROVINCE => Category::Address,
            TWO_UNITS => Category::EmployerTwice,
            _ => return None,
        };
        Some(Seeded {
            category,
            mst: self.mst(nth),
        })
    }

    /// The nth employer's tax code.
    #[must_use]
    pub fn tax_code(&self, nth: u64) -> schemas::wire::tax_records::TaxKey {
        self.mst(nth)
    }

    fn plain_firm(&self, party: Party, nth: u64) -> Employer<'static> {
        let count = u32::try_from(3 + mixed(nth) % 60).unwrap_or(3);
        let amount = u64::from(count) * 9_000_000;
        let due = self.rules.due_of(amount);
        let si = party == Party::Si;
        Employer {
            mst: self.mst(nth),
            unit: if si { "TZ0000L" } else { "" },
            province: self.province(nth),
            region: region(nth),
            status: if si {
                Status::Active
            } else {
                Status::Taxpayer(0)
            },
            name: Cow::Owned(format!("Công ty Sản xuất & Thương mại số {nth}")),
            address: Cow::Owned(format!("Số {} đường Hoà Bình", 1 + nth % 500)),
            count,
            amount,
            due: if si { due } else { 0 },
            paid: if si { due } else { 0 },
        }
    }

    fn twist_si(&self, firm: &mut Employer<'static>, twist: u64) {
        match twist {
            UNDER_COUNTED => firm.count -= 2,
            OVER_COUNTED => firm.count += 2,
            UNDER_FUNDED | OVER_FUNDED => {
                let gap = 5_000_000;
                firm.amount = if twist == UNDER_FUNDED {
                    firm.amount - gap
                } else {
                    firm.amount + gap
                };
                firm.due = self.rules.due_of(firm.amount);
                firm.paid = firm.due;
            }
            UNDER_PAID => firm.paid /= 2,
            UNDER_DUE => {
                firm.due /= 2;
                firm.paid = firm.due;
            }
            STOPPED_AT_SI => firm.status = Status::Suspended,
            CLOSED_UNKNOWN => firm.status = Status::Closed,
            CAPITALS => firm.name = Cow::Owned(firm.name.to_uppercase()),
            TONE_PLACE => firm.address = Cow::Owned(firm.address.replace("Hoà", "Hòa")),
            ROUNDING => firm.paid -= 999,
            _ => {}
        }
    }

    fn twist_tax(&self, firm: &mut Employer<'static>, twist: u64) {
        match twist {
            STOPPED_AT_TAX => firm.status = Status::Taxpayer(3),
            STOPPED_UNREGISTERED => firm.status = Status::Taxpayer(1),
            MOVED => firm.status = Status::Taxpayer(2),
            PAYS_NOBODY => firm.count = 0,
            OTHER_NAME => firm.name = Cow::Borrowed("Hợp tác xã Tân Tiến"),
            OTHER_ADDRESS => firm.address = Cow::Borrowed("Thôn Đoài"),
            OTHER_PROVINCE => firm.province = self.province_but(firm.province),
            _ => {}
        }
    }

    fn province_but(&self, province: u8) -> u8 {
        let other = self.provinces.iter().find(|code| **code != province);
        other.copied().unwrap_or(province)
    }
}

/// Twists by the place among each hundred; from `CAPITALS` on nothing is wrong.
const EVERY: u64 = 100;
const NOT_REGISTERED: u64 = 1;
const NO_TAXPAYER: u64 = 2;
const UNDER_COUNTED: u64 = 3;
const OVER_COUNTED: u64 = 4;
const UNDER_FUNDED: u64 = 5;
const OVER_FUNDED: u64 = 6;
const UNDER_PAID: u64 = 7;
const UNDER_DUE: u64 = 8;
const STOPPED_AT_TAX: u64 = 9;
const STOPPED_AT_SI: u64 = 10;
const OTHER_NAME: u64 = 11;
const OTHER_ADDRESS: u64 = 12;
const OTHER_PROVINCE: u64 = 13;
const TWO_UNITS: u64 = 14;
const CAPITALS: u64 = 20;
const TONE_PLACE: u64 = 21;
const MOVED: u64 = 22;
const PAYS_NOBODY: u64 = 23;
const STOPPED_UNREGISTERED: u64 = 24;
const CLOSED_UNKNOWN: u64 = 25;
const ROUNDING: u64 = 26;
