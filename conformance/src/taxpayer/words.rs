//! The emitter of answers: exclusive-canonical by construction, so that the signature is over exactly these bytes.

use std::collections::{BTreeMap, BTreeSet};

use certs::keys::SigningKey;
use schemas::fault::FaultCode;

use super::notice::LookedUp;
use super::question::{Asked, NAMESPACE, Question, Wrong};
use super::truth::{Employer, Person, Truth};
use crate::call::Trouble;
use crate::clock;
use crate::identity::Identity;
use crate::jws::fresh_id;
use crate::xml::escape;

/// What an answer is bound to.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) id: String,
    pub(super) digest: String,
}

/// A signed answer to a question, with this body element.
pub(super) fn signed(
    identity: &Identity,
    question: &Question,
    binding: &Binding,
    key: &SigningKey,
    body: &str,
) -> Result<Vec<u8>, Trouble> {
    let id = fresh_id(identity);
    let header: String = [
        ("MessageId", id.as_str()),
        ("SentAt", &clock::rfc3339(clock::now())),
        ("Environment", &identity.environment),
        ("Direction", "answer"),
        ("Sender", identity.partner.as_str()),
        ("Receiver", identity.receiver.as_str()),
        ("Operation", &question.operation),
        ("InReplyTo", &binding.id),
        ("RequestDigest", &binding.digest),
    ]
    .iter()
    .map(|(name, text)| element(name, text))
    .collect();
    let root = format!(
        "<TaxpayerMessage xmlns=\"{NAMESPACE}\" Id=\"m-{id}\"><Header>{header}</Header>{body}</TaxpayerMessage>"
    );
    certs::xmldsig::sign_enveloped(root.as_bytes(), &format!("m-{id}"), key, None)
        .map_err(|error| Trouble::Sign(error.to_string()))
}

/// The body element of the answer: what the register knows, as far as it was asked for and may be told.
pub(super) fn body(truth: &Truth, operation: &str, asked: &Asked) -> String {
    let (told, withheld): (BTreeSet<String>, BTreeSet<String>) = asked
        .fields
        .iter()
        .cloned()
        .partition(|field| !truth.withheld.contains(field));
    let told = Told {
        truth,
        asked,
        told,
        withheld,
    };
    match operation {
        "taxpayer.verify-individual" => told.individual(),
        _ => told.employer(),
    }
}

/// The body element that answers many, one line for each in the order asked.
pub(super) fn many(truth: &Truth, operation: &str, asked: &[Asked]) -> String {
    let lines = asked.iter().map(|one| {
        let line = match truth.ambiguous.contains(&one.mst) {
            true => {
                let parts = element("Key", &one.mst)
                    + &element("Code", FaultCode::AmbiguousSubject.row().code)
                    + &element("Reason", "several-taxpayers");
                format!("<Refused>{parts}</Refused>")
            }
            false => body(truth, operation, one),
        };
        format!("<Line>{line}</Line>")
    });
    let lines: String = lines.collect();
    format!("<VerifyManyResult>{lines}</VerifyManyResult>")
}

/// The body element that says when something was kept.
pub(super) fn receipt(name: &str, at: &str) -> String {
    format!("<{name}>{}</{name}>", element("ReceivedAt", at))
}

/// The body element that says how many chunks of a month are awaited.
pub(super) fn manifest_receipt(manifest: &str, chunks: usize) -> String {
    let parts = element("Manifest", manifest) + &element("Chunks", &chunks.to_string());
    format!("<ReconcileReceipt>{parts}</ReconcileReceipt>")
}

/// The body element that says that a chunk is taken.
pub(super) fn chunk_receipt(manifest: &str, number: usize, records: u64, amount: u64) -> String {
    let parts = element("Manifest", manifest)
        + &element("Number", &number.to_string())
        + &element("Records", &records.to_string())
        + &element("Amount", &amount.to_string());
    format!("<ReconcileChunkReceipt>{parts}</ReconcileChunkReceipt>")
}

/// The body element that names those of these notices that are held, and those that were sent.
pub(super) fn looked_up(
    asked: &LookedUp,
    is_held: impl Fn(&String) -> bool,
    sent: &BTreeMap<String, String>,
) -> String {
    let held = asked.named.iter().filter(|id| is_held(id));
    let held: String = held.map(|id| element("Held", id)).collect();
    let told = asked.time.as_ref().map(|(from, until)| {
        let mut all: Vec<(&String, &String)> = sent
            .iter()
            .filter(|(_, at)| *at >= from && *at < until)
            .map(|(id, at)| (at, id))
            .collect();
        all.sort();
        let one = |(at, id): &(&String, &String)| {
            format!(
                "<Sent>{}{}</Sent>",
                element("Notice", id),
                element("SentAt", at)
            )
        };
        let named: String = all.iter().take(SENT_MAX).map(one).collect();
        named + &element("SentTotal", &all.len().to_string())
    });
    let told = told.unwrap_or_default();
    format!("<LookUpNoticesResult>{held}{told}</LookUpNoticesResult>")
}

/// Most that one answer names.
const SENT_MAX: usize = 200;

/// The body element of a refusal.
pub(super) fn fault((code, reason, field): Wrong) -> String {
    let row = code.row();
    let parts = [
        ("Code", row.code),
        ("Reason", reason),
        ("Field", field),
        ("Blame", row.blame.as_str()),
        ("Retry", row.retry.as_str()),
        ("TextVi", row.vi),
        ("TextEn", row.en),
    ];
    let parts: String = parts
        .iter()
        .map(|(name, text)| element(name, text))
        .collect();
    format!("<Fault>{parts}</Fault>")
}

/// The same alone, where there is no question to bind it to.
pub(super) fn lone_fault(wrong: Wrong) -> String {
    fault(wrong).replacen("<Fault>", &format!("<Fault xmlns=\"{NAMESPACE}\">"), 1)
}

struct Told<'t> {
    truth: &'t Truth,
    asked: &'t Asked,
    told: BTreeSet<String>,
    withheld: BTreeSet<String>,
}

impl Told<'_> {
    fn employer(&self) -> String {
        let head = element("Mst", &self.asked.mst) + &element("Period", &self.asked.from);
        let known = self.truth.employers.get(&self.asked.mst);
        let body = match known.filter(|_| !self.told.is_empty()) {
            Some(employer) => self.of_employer(employer),
            None => String::new(),
        };
        self.wrapped("VerifyEmployerResult", known.is_some(), &(head + &body))
    }

    fn of_employer(&self, employer: &Employer) -> String {
        let mut out = String::new();
        if self.tells("status") {
            let parts = element("Code", &employer.status) + &element("Since", &employer.since);
            out += &format!("<Status>{parts}</Status>");
        }
        let month = employer.months.get(&self.asked.from);
        let (count, paid) = month.copied().unwrap_or_default();
        let closed = self.is_declared();
        for (field, name, value) in [
            ("name", "Name", Some(employer.name.clone())),
            ("address", "Address", Some(employer.address.clone())),
            ("headcount", "Headcount", closed.then(|| count.to_string())),
            ("incomePaid", "IncomePaid", closed.then(|| paid.to_string())),
        ] {
            if let Some(value) = value.filter(|_| self.tells(field)) {
                out += &element(name, &value);
            }
        }
        out
    }

    fn individual(&self) -> String {
        let asked = self.asked;
        let head =
            element("Mst", &asked.mst) + &element("From", &asked.from) + &element("To", &asked.to);
        let known = self.truth.people.get(&asked.mst);
        let body = match known.filter(|_| !self.told.is_empty()) {
            Some(person) => self.of_person(person),
            None => String::new(),
        };
        self.wrapped("VerifyIndividualResult", known.is_some(), &(head + &body))
    }

    fn of_person(&self, person: &Person) -> String {
        let span = self.asked.from.as_str()..=self.asked.to.as_str();
        let paid = person
            .paid
            .iter()
            .filter(|one| span.contains(&one.period.as_str()));
        let (mut months, mut total) = (BTreeSet::new(), 0);
        let mut by_payer: BTreeMap<&str, (BTreeSet<&str>, u64)> = BTreeMap::new();
        for one in paid {
            months.insert(one.period.as_str());
            total += one.vnd;
            let (of_payer, sum) = by_payer.entry(&one.mst).or_default();
            of_payer.insert(&one.period);
            *sum += one.vnd;
        }
        let mut out = String::new();
        for (field, name, value) in [
            ("name", "Name", person.name.clone()),
            ("months", "MonthsPaid", months.len().to_string()),
            ("income", "IncomeTotal", total.to_string()),
        ] {
            if self.tells(field) {
                out += &element(name, &value);
            }
        }
        if self.tells("payers") {
            let payers = by_payer.iter().map(|(mst, (months, sum))| {
                let mut one = element("Mst", mst);
                if self.tells("months") {
                    one += &element("Months", &months.len().to_string());
                }
                if self.tells("income") {
                    one += &element("Income", &sum.to_string());
                }
                format!("<Payer>{one}</Payer>")
            });
            out += &format!("<Payers>{}</Payers>", payers.collect::<String>());
        }
        out
    }

    fn wrapped(&self, name: &str, known: bool, inside: &str) -> String {
        let result = match (self.told.is_empty(), known) {
            (true, _) => "notPermitted",
            (false, false) => "noData",
            (false, true) if self.is_declared() => "hasData",
            (false, true) => "incomplete",
        };
        let withheld: String = self
            .withheld
            .iter()
            .map(|one| element("Field", one))
            .collect();
        let withheld = match withheld.is_empty() {
            true => String::new(),
            false => format!("<NotDisclosed>{withheld}</NotDisclosed>"),
        };
        let result = element("Result", result);
        format!("<{name}>{result}{inside}{withheld}</{name}>")
    }

    fn tells(&self, field: &str) -> bool {
        self.told.contains(field)
    }

    fn is_declared(&self) -> bool {
        self.asked.to <= self.truth.declared_to
    }
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}
