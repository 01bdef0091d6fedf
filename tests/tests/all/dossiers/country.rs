//! Who applies for what, and how each dossier ends: the same every time.

use gateway_tests::{house::House, message::dossier};
use insurance::seed::{EmployerMark, PersonMark};
use schemas::codes::procedures::REISSUE_CARD;
use serde_json::{Value, json};
use std::time::Duration;

/// Everyone's dossiers.
pub(super) struct Country {
    pub(super) dossiers: Vec<Dossier>,
}

/// A procedure, and what its form is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Decided by the registry itself.
    Reissue,
    /// Renewal of a household's card.
    Household,
    Voluntary,
    FirstVoluntary,
    /// An employer pays what it owes.
    Arrears,
    List,
    Change,
    IncreaseDecrease,
    Coverage,
    History,
    EBook,
    DataSubject,
    Employer,
}

/// What becomes of a dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The registry decides.
    Rule,
    Approved,
    /// Papers are asked for and come, then it is approved.
    Supplemented,
    Stopped,
    /// The applicant takes it back.
    Withdrawn,
    /// Paid; nobody is called back, and asking finds it.
    Unheard,
    /// Paid, and called back three times.
    Repeated,
    /// Paid twice, and the second is told first.
    Twice,
    /// A đồng too little, then all of it.
    Less,
    /// Taken back, and paid afterwards; nobody is called back.
    PaidTooLate,
}

/// What the money of one dossier does.
pub(super) struct Money {
    pub(super) books: bool,
    pub(super) transactions: usize,
}

impl Fate {
    pub(super) fn pays(self) -> Option<Money> {
        let (books, transactions) = match self {
            Self::Unheard | Self::Repeated => (true, 1),
            Self::Twice | Self::Less => (true, 2),
            Self::PaidTooLate => (false, 1),
            _ => return None,
        };
        Some(Money {
            books,
            transactions,
        })
    }
}

/// One dossier as its applicant tells it.
pub(super) struct Dossier {
    pub(super) kind: Kind,
    pub(super) fate: Fate,
    pub(super) members: Value,
    /// A paper that this procedure takes.
    pub(super) paper: Option<&'static str>,
}

impl Dossier {
    /// Every state, in order.
    pub(super) fn states(&self) -> &'static [u8] {
        match self.fate {
            Fate::Rule | Fate::Approved => &[1, 2, 4, 9, 10],
            Fate::Supplemented => &[1, 2, 4, 5, 4, 9, 10],
            Fate::Stopped => &[1, 2, 4, 8],
            Fate::Withdrawn => &[1, 2, 4, 7],
            Fate::PaidTooLate => &[1, 2, 4, 6, 7],
            Fate::Unheard | Fate::Repeated | Fate::Twice | Fate::Less => &[1, 2, 4, 6, 4, 9, 10],
        }
    }
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Reissue,
        Self::Household,
        Self::Voluntary,
        Self::FirstVoluntary,
        Self::Arrears,
        Self::List,
        Self::Change,
        Self::IncreaseDecrease,
        Self::Coverage,
        Self::History,
        Self::EBook,
        Self::DataSubject,
        Self::Employer,
    ];

    /// Its procedure, and a paper that belongs to it.
    fn procedure(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Reissue => (REISSUE_CARD, None),
            Self::Household => ("9.000002", None),
            Self::Voluntary => ("9.000003", None),
            Self::Arrears => ("9.000004", None),
            Self::List => ("9.000006", Some("DS-XACNHAN")),
            Self::Change => ("9.000007", Some("GIAY-TO")),
            Self::FirstVoluntary => ("9.000008", None),
            Self::IncreaseDecrease => ("9.000009", Some("D01-TS")),
            Self::Coverage => ("9.000010", None),
            Self::History => ("9.000011", None),
            Self::EBook => ("9.000012", Some("SO-BHXH")),
            Self::DataSubject => ("9.000013", None),
            Self::Employer => ("9.000014", Some("GIAY-TO")),
        }
    }

    fn is_paid(self) -> bool {
        matches!(
            self,
            Self::Household | Self::Voluntary | Self::FirstVoluntary | Self::Arrears
        )
    }

    /// The fate of the nth dossier of this kind.
    fn fate(self, nth: usize) -> Fate {
        const PAID: [Fate; 6] = [
            Fate::Unheard,
            Fate::Repeated,
            Fate::Twice,
            Fate::Repeated,
            Fate::Less,
            Fate::PaidTooLate,
        ];
        const DECIDED: [Fate; 4] = [
            Fate::Approved,
            Fate::Supplemented,
            Fate::Stopped,
            Fate::Withdrawn,
        ];
        match self {
            Self::Reissue => Fate::Rule,
            kind if kind.is_paid() => PAID[nth % PAID.len()],
            _ => DECIDED[nth % DECIDED.len()],
        }
    }
}

impl Country {
    /// So many dossiers, of all procedures in turn; what they need is put into the registry.
    pub(super) fn of(house: &House, count: usize) -> Self {
        let file = registry(house);
        let (households, holders) = holders(&file);
        let employer = house.landmarks.employer.clone();
        let worker = worker(&file, &employer);
        let of_kind = count.div_ceil(Kind::ALL.len());
        for holder in &households {
            one_household_card(&file, holder);
        }
        owe(&file, &employer, (of_kind + 1) as i64 * PART_VND);
        let mut dossiers = Vec::new();
        let mut months = 0;
        for number in 0..count {
            let (nth, mut kind) = (
                number / Kind::ALL.len(),
                Kind::ALL[number % Kind::ALL.len()],
            );
            // a household renews once
            if kind == Kind::Household && nth >= households.len() {
                kind = Kind::Voluntary;
            }
            let holder = match kind {
                Kind::Household => &households[nth],
                Kind::Voluntary | Kind::FirstVoluntary => {
                    months += 1;
                    &holders[months % holders.len()]
                }
                _ => &holders[nth % holders.len()],
            };
            let month = months / holders.len();
            let form = form(kind, holder, &employer, &worker, month);
            dossiers.push(one(house, kind, kind.fate(nth), holder, &employer, form));
        }
        Self { dossiers }
    }
}

fn one(
    house: &House,
    kind: Kind,
    fate: Fate,
    holder: &PersonMark,
    employer: &EmployerMark,
    form: Value,
) -> Dossier {
    let (procedure, paper) = kind.procedure();
    let mut members = dossier::members(house.now(), holder, &holder.name);
    if kind != Kind::Reissue {
        let whole = members.as_object_mut().unwrap();
        whole.retain(|name, _| name != "MaThe" && name != "LyDoCapLai");
        members["MaTTHC"] = procedure.into();
        if !form["Masothue"].is_null() {
            members["ChuHoSo"]["MaSoThue"] = employer.mst.as_str().into();
        }
        members["ToKhai"] = form;
    }
    if let Some(paper) = paper {
        members["TaiLieuNop"] = json!([{"MaThanhPhanHoSo": paper, "TepDinhKemId": "tep-1",
            "TenTepDinhKem": "giay-to.pdf"}]);
    }
    Dossier {
        kind,
        fate,
        members,
        paper,
    }
}

fn form(
    kind: Kind,
    holder: &PersonMark,
    employer: &EmployerMark,
    worker: &PersonMark,
    month: usize,
) -> Value {
    let number = &holder.si_number;
    let of_employer = |more: Value| {
        let mut form = json!({"Masothue": employer.mst, "Madonvi": employer.unit_code, "Tendonvi": employer.name});
        form.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        form
    };
    match kind {
        Kind::Reissue => Value::Null,
        Kind::Household => json!({"MaBHXH": number, "SoThang": "3",
            "ThanhVien": [{"MaBHXH": number, "HoVaTen": holder.name}]}),
        Kind::Voluntary | Kind::FirstVoluntary => {
            let from = format!("{:02}/{}", month % 12 + 1, 2027 + month / 12);
            json!({"MaBHXH": number, "MucThuNhap": 3_000_000, "TuThang": from, "SoThang": 1})
        }
        Kind::Arrears => {
            of_employer(json!({"KhoanNop": [{"Thang": "09/2026", "SoTien": PART_VND}]}))
        }
        Kind::List => of_employer(json!({"NoiDung": "Ngừng việc", "TuThang": "10/2026",
            "DanhSach": [{"Hoten": worker.name, "Masobhxh": worker.si_number}]})),
        Kind::Change => json!({"MaBHXH": number, "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên"}),
        Kind::IncreaseDecrease => {
            of_employer(json!({"DanhSach": [{"pa": "DC", "Hoten": worker.name,
            "Masobhxh": worker.si_number, "tienLuong": 9_000_000, "tuThang": "10/2026"}]}))
        }
        Kind::Coverage => json!({"MaBHXH": number, "MucDich": "Vay vốn"}),
        Kind::History => json!({"MaBHXH": number, "TuThang": "01/2026", "DenThang": "09/2026"}),
        Kind::EBook => json!({"MaBHXH": number, "SoSo": "SO-99"}),
        Kind::DataSubject => {
            json!({"MaBHXH": number, "LoaiYeuCau": "XEM", "NoiDung": "Ai đã xem"})
        }
        Kind::Employer => of_employer(json!({"LyDo": "Đổi tên"})),
    }
}

pub(super) fn registry(house: &House) -> rusqlite::Connection {
    let file = rusqlite::Connection::open(house.file("registry.sqlite")).unwrap();
    file.busy_timeout(Duration::from_secs(10)).unwrap();
    file
}

/// Grown-up holders of a card that is good for long: every fourth for their household, the others for all else.
fn holders(file: &rusqlite::Connection) -> (Vec<PersonMark>, Vec<PersonMark>) {
    let all = people(
        file,
        "c.number LIKE 'DN%' AND c.valid_to > date('now', '+1 year') AND p.birth_date < date('now', '-20 years')",
        "",
    );
    assert!(all.len() >= 40, "{} holders", all.len());
    let (households, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .enumerate()
        .partition(|(nth, _)| nth % 4 == 0);
    let marks = |some: Vec<(usize, PersonMark)>| some.into_iter().map(|(_, one)| one).collect();
    (marks(households), marks(others))
}

/// Somebody who works for the employer.
fn worker(file: &rusqlite::Connection, employer: &EmployerMark) -> PersonMark {
    let works = "p.id IN (SELECT e.person FROM employments e JOIN employers f ON f.id = e.employer
                 WHERE f.mst = ?1 AND e.to_period IS NULL)";
    people(file, works, &employer.mst).swap_remove(0)
}

fn people(file: &rusqlite::Connection, which: &str, parameter: &str) -> Vec<PersonMark> {
    let text = format!(
        "SELECT p.name, pin.number, si.number, c.number, p.birth_date, p.commune FROM people p
         JOIN numbers pin ON pin.person = p.id AND pin.scheme = 'pin' AND pin.valid_to IS NULL
         JOIN numbers si ON si.person = p.id AND si.scheme = 'si'
         JOIN cards c ON c.person = p.id AND c.state = 1
         WHERE p.died_on IS NULL AND {which} AND ?1 = ?1 ORDER BY p.id"
    );
    let mut rows = file.prepare(&text).unwrap();
    let marks = rows.query_map([parameter], |row| {
        Ok(PersonMark {
            name: row.get(0)?,
            pin: row.get(1)?,
            si_number: row.get(2)?,
            card_number: row.get(3)?,
            birth_date: row.get(4)?,
            commune: row.get(5)?,
        })
    });
    marks.unwrap().map(Result::unwrap).collect()
}

/// The holder's only card is one of a household.
fn one_household_card(file: &rusqlite::Connection, holder: &PersonMark) {
    let of = "(SELECT person FROM numbers WHERE number = ?1)";
    for text in [
        format!("DELETE FROM cards WHERE serial > 1 AND person = {of}"),
        format!(
            "UPDATE cards SET state = 1, number = 'GD4' || substr(number, 4) WHERE person = {of}"
        ),
    ] {
        file.execute(&text, [&holder.si_number]).unwrap();
    }
}

/// The employer owes so much of September.
fn owe(file: &rusqlite::Connection, employer: &EmployerMark, vnd: i64) {
    let text = format!(
        "UPDATE contributions SET due_vnd = paid_vnd + {vnd}, arrears_vnd = arrears_vnd + {vnd}, closed = 1
         WHERE period = '2026-09' AND employer = (SELECT id FROM employers WHERE mst = ?1)"
    );
    assert_eq!(file.execute(&text, [&employer.mst]).unwrap(), 1);
}

/// What an employer pays at once, đồng.
const PART_VND: i64 = 1_000_000;
