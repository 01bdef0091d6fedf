//! The simulated tax department's own database of one month, with discrepancies that it knows of, and its way of sending it.
//!
//! Its rows are made from what the insurance side has, bent in every category that the registry can show; the list of
//! what was bent is what a reconciliation has to find: nothing missing, nothing extra.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use certs::digest;
use insurance::{Insurance, seed::Landmarks};
use schemas::{
    proto::insurance::{
        Context, EmployerMonth, ParticipationState, PersonMonth, RecordKind, StreamRecordsRequest,
    },
    wire::tax_records::{
        self as wire, Employer, Form, Head, Kind, NumberKey, Packing, Party, Person, PersonKey,
        Record, Status, TaxKey,
    },
};
use tax::unpack::pack;

use crate::house::House;

/// What was bent: category, tax code, and the person's PIN or nothing.
pub type Seed = (String, String, String);

/// One kind of record of one month, as the department keeps it.
#[derive(Debug, Clone)]
pub struct Department {
    /// Employers or persons.
    pub kind: Kind,
    /// The month, `yyyy-MM`.
    pub period: String,
    /// Its rows.
    pub rows: Vec<Record<'static>>,
    /// What has to be found.
    pub seeds: BTreeSet<Seed>,
}

/// A month cut into chunks.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The manifest's id.
    pub manifest: String,
    /// The word of the form.
    pub form: Form,
    /// The word of the packing.
    pub packing: Packing,
    /// Bytes, records and amount of each chunk.
    pub chunks: Vec<(Vec<u8>, u64, u64)>,
}

impl Department {
    /// The department's rows of the newest closed month, bent in every category.
    pub async fn of(house: &House, kind: Kind) -> Self {
        let client = &house.gateway().contract().client;
        Self::beside(client, &house.landmarks, kind).await
    }

    /// The same beside whatever stands behind the contract.
    pub async fn beside(client: &Insurance, landmarks: &Landmarks, kind: Kind) -> Self {
        let period = landmarks.period.clone();
        let (employers, persons) = insured(client, kind, &period).await;
        let mut department = Self {
            kind,
            period,
            rows: Vec::new(),
            seeds: BTreeSet::new(),
        };
        let nobody = landmarks.unregistered_mst.as_str();
        match kind {
            Kind::Employer => department.employers(&employers, nobody),
            Kind::Person => department.persons(&persons, nobody),
        }
        department
    }

    fn seed(&mut self, category: &str, mst: &str, person: &str) {
        self.seeds
            .insert((category.into(), mst.into(), person.into()));
    }

    fn employers(&mut self, rows: &[EmployerMonth], nobody: &str) {
        let mut bends = [
            "E-NOTAX",
            "E-UNDERCOUNT",
            "E-OVERCOUNT",
            "E-UNDERFUND",
            "E-OVERFUND",
            "E-STATUS-TAX",
            "E-NAME",
            "E-ADDR",
        ]
        .into_iter();
        let mut stopped = ["E-STATUS-SI"].into_iter();
        for row in rows {
            let mut told = employer(row);
            let code = row.tax_code.as_str();
            let active = row.state() == ParticipationState::Active;
            let bend = if active { bends.next() } else { stopped.next() };
            match bend {
                Some("E-NOTAX") => {
                    self.seed("E-NOTAX", code, "");
                    continue;
                }
                Some("E-UNDERCOUNT") => told.count += 3,
                Some("E-OVERCOUNT") => told.count = told.count.saturating_sub(1),
                Some("E-UNDERFUND") => told.amount += 5_000_000,
                Some("E-OVERFUND") => told.amount -= 5_000_000,
                Some("E-STATUS-TAX") => told.status = Status::Taxpayer(3),
                Some("E-STATUS-SI") => told.status = Status::Taxpayer(0),
                Some("E-NAME") => told.name = Cow::Borrowed("Hợp tác xã Chuồn Chuồn Ớt"),
                Some("E-ADDR") => told.address = Cow::Borrowed("12 ngõ Gạch, bên kia sông"),
                _ => {}
            }
            if let Some(bend) = bend {
                self.seed(bend, code, "");
            }
            // what only the insurance side knows shows itself
            if row.paid_vnd + 1_000 < row.due_vnd {
                self.seed("E-UNDERPAID", code, "");
            }
            self.rows.push(Record::Employer(told));
        }
        assert_eq!(bends.next(), None, "too few employers to bend them all");
        let first = rows.first().map(employer).unwrap();
        self.seed("E-NOTREG", nobody, "");
        self.rows.push(Record::Employer(Employer {
            mst: TaxKey::parse(nobody).unwrap(),
            count: 4,
            status: Status::Taxpayer(0),
            ..first
        }));
    }

    fn persons(&mut self, rows: &[PersonMonth], nobody: &str) {
        let other = TaxKey::parse(nobody).unwrap();
        let mut bends = [
            "P-UNKNOWN",
            "P-EMPLOYER",
            "P-BASE",
            "P-INCOME",
            "P-NAME",
            "P-BORN",
            "P-DUP",
            "P-OVERLAP",
        ]
        .into_iter();
        for row in rows {
            let mut told = person(row);
            let bend = bends.next();
            match bend {
                Some("P-UNKNOWN") => {
                    self.seed("P-UNKNOWN", &row.tax_code, &row.pin);
                    continue;
                }
                Some("P-EMPLOYER") => told.mst = other,
                Some("P-BASE") => told.amount += 2_000_000,
                Some("P-INCOME") => told.amount -= 1_000_000,
                Some("P-NAME") => told.name = Cow::Borrowed("Chuồn Chuồn Ớt"),
                Some("P-BORN") => told.born = 19_010_101,
                Some("P-DUP") => self.rows.push(Record::Person(Person {
                    number: NumberKey::parse("8000000001").unwrap(),
                    ..told.clone()
                })),
                Some("P-OVERLAP") => self.rows.push(Record::Person(Person {
                    mst: other,
                    ..told.clone()
                })),
                _ => {}
            }
            if let Some(bend) = bend {
                // two jobs are told at the one with the smaller tax code
                let at = match bend == "P-OVERLAP" && other < told.mst {
                    true => nobody,
                    false => row.tax_code.as_str(),
                };
                self.seed(bend, at, &row.pin);
            }
            self.rows.push(Record::Person(told));
        }
        assert_eq!(bends.next(), None, "too few persons to bend them all");
        let first = rows.first().map(person).unwrap();
        self.seed("P-UNINSURED", nobody, "099090000001");
        self.rows.push(Record::Person(Person {
            person: PersonKey::parse("099090000001").unwrap(),
            mst: other,
            ..first
        }));
    }

    /// Its rows in chunks of so many records.
    #[must_use]
    pub fn cut(&self, manifest: &str, form: Form, packing: Packing, records: usize) -> Sending {
        let chunks = self.rows.chunks(records.max(1));
        Sending {
            manifest: manifest.to_owned(),
            form,
            packing,
            chunks: chunks.map(|rows| self.chunk(form, packing, rows)).collect(),
        }
    }

    /// One chunk of these rows.
    #[must_use]
    pub fn chunk(
        &self,
        form: Form,
        packing: Packing,
        rows: &[Record<'static>],
    ) -> (Vec<u8>, u64, u64) {
        let head = Head {
            party: Party::Tax,
            kind: self.kind,
            period: self.period.parse().unwrap(),
        };
        let (mut text, mut amount) = (Vec::new(), 0);
        wire::open(form, head, &mut text);
        for row in rows {
            wire::write(form, Party::Tax, row, &mut text);
            amount += match row {
                Record::Employer(employer) => employer.amount,
                Record::Person(person) => person.amount,
            };
        }
        wire::close(form, &mut text);
        (pack(packing, &text).unwrap(), rows.len() as u64, amount)
    }
}

impl Sending {
    /// The manifest's body element of these provinces, canonical XML.
    #[must_use]
    pub fn xml(&self, kind: Kind, period: &str, provinces: &[&str]) -> String {
        let provinces: String = provinces
            .iter()
            .map(|code| format!("<Province>{code}</Province>"))
            .collect();
        let chunks: String = self
            .chunks
            .iter()
            .map(|(bytes, records, amount)| {
                format!(
                    "<Chunk><Sha256>{}</Sha256><Bytes>{}</Bytes><Records>{records}</Records>\
                     <Amount>{amount}</Amount></Chunk>",
                    digest::sha256_hex(bytes),
                    bytes.len()
                )
            })
            .collect();
        let (records, amount) = self.totals();
        format!(
            "<Reconcile><Manifest>{}</Manifest><Kind>{}</Kind><Period>{period}</Period>{provinces}\
             <Form>{}</Form><Packing>{}</Packing><Records>{records}</Records><Amount>{amount}</Amount>\
             {chunks}<Purpose>tax-compliance</Purpose></Reconcile>",
            self.manifest,
            kind.as_str(),
            self.form.as_str(),
            self.packing.as_str(),
        )
    }

    /// The same in JSON.
    #[must_use]
    pub fn json(&self, kind: Kind, period: &str) -> serde_json::Value {
        let chunks: Vec<_> = self
            .chunks
            .iter()
            .map(|(bytes, records, amount)| {
                serde_json::json!({
                    "Sha256": digest::sha256_hex(bytes),
                    "Bytes": bytes.len(),
                    "Records": records,
                    "Amount": amount,
                })
            })
            .collect();
        let (records, amount) = self.totals();
        serde_json::json!({ "Reconcile": {
            "Manifest": self.manifest,
            "Kind": kind.as_str(),
            "Period": period,
            "Form": self.form.as_str(),
            "Packing": self.packing.as_str(),
            "Records": records,
            "Amount": amount,
            "Chunk": chunks,
            "Purpose": "tax-compliance",
        }})
    }

    fn totals(&self) -> (u64, u64) {
        let add =
            |(all, sum), (_, records, amount): &(Vec<u8>, u64, u64)| (all + records, sum + amount);
        self.chunks.iter().fold((0, 0), add)
    }
}

/// What the insurance side has, from behind its contract.
async fn insured(
    client: &Insurance,
    kind: Kind,
    period: &str,
) -> (Vec<EmployerMonth>, Vec<PersonMonth>) {
    let request = StreamRecordsRequest {
        context: Some(Context {
            sender: "tax".into(),
            ..Context::default()
        }),
        kind: match kind {
            Kind::Employer => RecordKind::Employer.into(),
            Kind::Person => RecordKind::Person.into(),
        },
        period: period.to_owned(),
        ..StreamRecordsRequest::default()
    };
    let stream = client.records(Duration::from_secs(30), request).await;
    let (mut stream, mut employers, mut persons) = (stream.unwrap(), Vec::new(), Vec::new());
    while let Some(batch) = stream.next().await.unwrap() {
        employers.extend(batch.employers);
        persons.extend(batch.persons);
    }
    (employers, persons)
}

fn employer(row: &EmployerMonth) -> Employer<'static> {
    Employer {
        mst: TaxKey::parse(&row.tax_code).unwrap(),
        unit: "",
        province: row.province.parse().unwrap(),
        region: 4,
        status: match row.state() {
            ParticipationState::Active => Status::Taxpayer(0),
            _ => Status::Taxpayer(3),
        },
        name: Cow::Owned(row.name.clone()),
        address: Cow::Owned(row.address.clone()),
        count: row.participants,
        amount: u64::try_from(row.fund_vnd).unwrap(),
        due: 0,
        paid: 0,
    }
}

fn person(row: &PersonMonth) -> Person<'static> {
    Person {
        person: PersonKey::parse(&row.pin).unwrap(),
        number: NumberKey::default(),
        mst: TaxKey::parse(&row.tax_code).unwrap(),
        province: row.province.parse().unwrap(),
        region: 4,
        name: Cow::Owned(row.name.clone()),
        born: row.birth_date.replace('-', "").parse().unwrap(),
        amount: u64::try_from(row.base_vnd).unwrap(),
        full: true,
    }
}
