//! The checker of our questions: whose signature, for whom, when, and every element by its own reading.

use std::collections::BTreeSet;

use certs::digest::content_digest;
use certs::xmldsig;
use schemas::fault::FaultCode;

use super::month::{self, PageAsked, SentMonth};
use super::notice::{self, LookedUp, MonthWanted, Notice, PersonTold};
use crate::clock;
use crate::identity::Identity;
use crate::jws::SKEW_SECONDS_MAX;
use crate::xml::{self, Element};

/// The namespace of the profile.
pub(super) const NAMESPACE: &str = "urn:vn:lienthong:taxpayer:v1";

/// A question whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// Its id.
    pub(super) id: String,
    /// Its operation.
    pub(super) operation: String,
    /// Hex content digest.
    pub(super) digest: String,
    /// When it was sent, where it is a moment.
    pub(super) sent_at: Option<jiff::Timestamp>,
    /// What is asked or told, or why it is neither.
    pub(super) asked: Result<Said, Wrong>,
}

/// What the gateway says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It asks about an employer or a person.
    Asked(Asked),
    /// It asks about many, in this order; the operation that each alone would be of.
    Many(&'static str, Vec<Asked>),
    /// It tells a change of an employer.
    Notice(Notice),
    /// It tells what was corrected of a person.
    Person(PersonTold),
    /// It asks which of these notices are held, and which were sent.
    LookUp(LookedUp),
    /// It asks for these notices again.
    Resend(BTreeSet<String>),
    /// It asks for a month.
    Month(MonthWanted),
    /// It announces a month of its own.
    Sent(String, Box<SentMonth>),
    /// It asks what was found in it.
    Result(PageAsked),
    /// It sends a chunk of it.
    Chunk,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The tax code.
    pub(super) mst: String,
    /// First and last month; the same of an employer.
    pub(super) from: String,
    pub(super) to: String,
    /// Which fields.
    pub(super) fields: BTreeSet<String>,
}

/// Why a question is refused: code, reason word and element.
pub(super) type Wrong = (FaultCode, &'static str, &'static str);

/// Proves a document and reads the question in it; refused here is what cannot be answered bound.
pub(super) fn proven(identity: &Identity, document: &[u8]) -> Result<Question, Wrong> {
    let profile = xmldsig::Profile {
        algorithms: vec![identity.gateway_algorithm],
        ..xmldsig::Profile::default()
    };
    let bad = |_| (FaultCode::BadSignature, "signature", "Signature");
    let proven = xmldsig::verify(document, &identity.gateway_key, &profile).map_err(bad)?;
    let malformed = (FaultCode::Malformed, "canonical", "TaxpayerMessage");
    let text = std::str::from_utf8(proven.canonical()).map_err(|_| malformed)?;
    let root = xml::read(text).ok_or(malformed)?;
    let (header, body) = match root.children.as_slice() {
        [header, body] if header.name == "Header" => (header, body),
        _ => return Err(malformed),
    };
    meant_for(identity, &root, header)?;
    let part = |name: &str| header.text_of(name).unwrap_or_default().to_owned();
    let operation = part("Operation");
    let content = text.get(body.span.0..body.span.1).ok_or(malformed)?;
    let digest = content_digest(
        &operation,
        &part("Sender"),
        &part("Receiver"),
        content.as_bytes(),
    );
    Ok(Question {
        id: part("MessageId"),
        digest: hex::encode(digest),
        sent_at: part("SentAt").parse().ok(),
        asked: said(&operation, body),
        operation,
    })
}

impl Question {
    /// Whether its time is near ours; of one that is known already nobody asks.
    pub(super) fn is_fresh(&self) -> bool {
        let off = |at: jiff::Timestamp| (at.as_second() - clock::now().as_second()).abs();
        self.sent_at.is_some_and(|at| off(at) <= SKEW_SECONDS_MAX)
    }
}

fn meant_for(identity: &Identity, root: &Element, header: &Element) -> Result<(), Wrong> {
    let says = |name: &str, text: &str| header.text_of(name) == Some(text);
    let id = header.text_of("MessageId").unwrap_or_default();
    for (holds, code, element) in [
        (
            root.name == "TaxpayerMessage",
            FaultCode::Malformed,
            "TaxpayerMessage",
        ),
        (
            root.attribute("xmlns") == Some(NAMESPACE),
            FaultCode::Malformed,
            "TaxpayerMessage",
        ),
        (
            root.attribute("Id") == Some(&format!("m-{id}")),
            FaultCode::Malformed,
            "MessageId",
        ),
        (
            says("Direction", "request"),
            FaultCode::Invalid,
            "Direction",
        ),
        (
            says("Environment", &identity.environment),
            FaultCode::Invalid,
            "Environment",
        ),
        (
            says("Sender", identity.receiver.as_str()),
            FaultCode::Unauthenticated,
            "Sender",
        ),
        (
            says("Receiver", identity.partner.as_str()),
            FaultCode::Invalid,
            "Receiver",
        ),
        (
            header.child("InReplyTo").is_none(),
            FaultCode::Invalid,
            "InReplyTo",
        ),
    ] {
        if !holds {
            return Err((code, "header", element));
        }
    }
    Ok(())
}

pub(super) fn said(operation: &str, body: &Element) -> Result<Said, Wrong> {
    match (operation, body.name.as_str()) {
        ("taxpayer.change-notice", "ChangeNotice") => notice::notice(body).map(Said::Notice),
        ("taxpayer.look-up-notices", "LookUpNotices") => notice::looked_up(body).map(Said::LookUp),
        ("taxpayer.person-notice", "PersonNotice") => notice::person(body).map(Said::Person),
        ("taxpayer.resend-notices", "ResendNotices") => notice::resend(body).map(Said::Resend),
        ("taxpayer.request-month", "RequestMonth") => notice::month(body).map(Said::Month),
        ("taxpayer.reconcile", "Reconcile") => {
            month::announced(body).map(|(manifest, month)| Said::Sent(manifest, Box::new(month)))
        }
        ("taxpayer.reconcile-result", "ReconcileResult") => month::asked(body).map(Said::Result),
        ("taxpayer.verify-many", "VerifyMany") => many(body),
        _ => asked(operation, body).map(Said::Asked),
    }
}

/// One question for each number; what is asked of all stands beside them.
fn many(body: &Element) -> Result<Said, Wrong> {
    let wrong = |element| (FaultCode::Invalid, "element", element);
    let (list, operation, months, known): (_, _, [&str; 2], &[&str]) =
        match (body.child("Employers"), body.child("Individuals")) {
            (Some(list), None) => (
                list,
                "taxpayer.verify-employer",
                ["Period", "Period"],
                &EMPLOYER_FIELDS,
            ),
            (None, Some(list)) => (
                list,
                "taxpayer.verify-individual",
                ["From", "To"],
                // who paid is asked about one by one
                &PERSON_FIELDS[..3],
            ),
            _ => return Err(wrong("VerifyMany")),
        };
    if body.text_of("Purpose").is_none_or(str::is_empty) {
        return Err(wrong("Purpose"));
    }
    let [from, to] = months.map(|name| list.text_of(name).filter(|text| is_month(text)));
    let (from, to) = (from.ok_or(wrong("From"))?, to.ok_or(wrong("To"))?);
    let all = list.child("Fields").ok_or(wrong("Fields"))?;
    let fields: BTreeSet<String> = all.children.iter().map(|one| one.text.clone()).collect();
    let numbers = list.children.iter().filter(|one| one.name == "Mst");
    let numbers: Vec<&str> = numbers.map(|one| one.text.as_str()).collect();
    let unique: BTreeSet<&str> = numbers.iter().copied().collect();
    for (holds, element) in [
        (from <= to, "To"),
        (
            !fields.is_empty() && fields.len() == all.children.len(),
            "Fields",
        ),
        (
            fields.iter().all(|field| known.contains(&field.as_str())),
            "Field",
        ),
        ((1..=1_000).contains(&numbers.len()), "VerifyMany"),
        (numbers.iter().all(|text| is_number(text)), "Mst"),
        (unique.len() == numbers.len(), "Mst"),
    ] {
        if !holds {
            return Err(wrong(element));
        }
    }
    let asked = numbers.iter().map(|mst| Asked {
        mst: (*mst).to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        fields: fields.clone(),
    });
    Ok(Said::Many(operation, asked.collect()))
}

fn asked(operation: &str, body: &Element) -> Result<Asked, Wrong> {
    let (months, known): (&[&str; 2], &[&str]) = match (operation, body.name.as_str()) {
        ("taxpayer.verify-employer", "VerifyEmployer") => (&["Period", "Period"], &EMPLOYER_FIELDS),
        ("taxpayer.verify-individual", "VerifyIndividual") => (&["From", "To"], &PERSON_FIELDS),
        _ => return Err((FaultCode::Invalid, "operation-unlike-body", "Operation")),
    };
    let wrong = |element| (FaultCode::Invalid, "element", element);
    let mst = body.text_of("Mst").filter(|mst| is_number(mst));
    let month = |name: &'static str| {
        let text = body.text_of(name).filter(|text| is_month(text));
        text.map(str::to_owned).ok_or_else(|| wrong(name))
    };
    let list = body.child("Fields").ok_or_else(|| wrong("Fields"))?;
    let fields: Vec<String> = list.children.iter().map(|one| one.text.clone()).collect();
    let set: BTreeSet<String> = fields.iter().cloned().collect();
    if set.is_empty() || set.len() != fields.len() {
        return Err(wrong("Fields"));
    }
    if !set.iter().all(|field| known.contains(&field.as_str())) {
        return Err(wrong("Field"));
    }
    if body.text_of("Purpose").is_none_or(str::is_empty) {
        return Err(wrong("Purpose"));
    }
    let [from, to] = months;
    let asked = Asked {
        mst: mst.ok_or_else(|| wrong("Mst"))?.to_owned(),
        from: month(from)?,
        to: month(to)?,
        fields: set,
    };
    match asked.from <= asked.to {
        true => Ok(asked),
        false => Err(wrong("To")),
    }
}

pub(super) fn is_number(text: &str) -> bool {
    let digits = |part: &str, many: usize| {
        part.len() == many && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    match text.split_once('-') {
        Some((root, branch)) => digits(root, 10) && digits(branch, 3),
        None => digits(text, 10) || digits(text, 12),
    }
}

pub(super) fn is_month(text: &str) -> bool {
    let month = text
        .split_once('-')
        .and_then(|(year, month)| Some((year.parse::<u16>().ok()?, month.parse::<u8>().ok()?)));
    text.len() == 7 && month.is_some_and(|(year, month)| year >= 1995 && (1..=12).contains(&month))
}

/// What can be asked of an employer.
const EMPLOYER_FIELDS: [&str; 5] = ["status", "name", "address", "headcount", "incomePaid"];
/// What can be asked of a person.
const PERSON_FIELDS: [&str; 4] = ["name", "months", "income", "payers"];
