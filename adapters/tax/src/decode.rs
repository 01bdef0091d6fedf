//! Proven bytes become a typed request: the schema first, then what a schema cannot say.

use std::{collections::BTreeSet, ops::Range};

use bytes::Bytes;
use gateway_core::{
    Claims, Decoded, Identity,
    ports::{Person, PersonNumber},
};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use schemas::{
    codes::taxpayer_statuses,
    date::day_in_viet_nam,
    fault::{Fault, FaultCode},
    id::{Period, TaxId},
    wire::tax::{
        self as wire, Asked as Lines, Body, ChangeNotice, FieldName, Key, LookUpNotices, Message,
        PersonField, Request, ResendNotices, Span, Subject, VerifyIndividual, VerifyMany,
        WireError,
    },
    xsd::{self, SchemaError},
};

use crate::{PURPOSE, RECONCILE_RESULT, Words, bulk};

/// Reads the canonical root without signature.
pub(crate) fn decode(canonical: &[u8]) -> Result<Decoded<Request>, Fault> {
    let (Message { header, body }, range) = read(canonical)?;
    let Body::Request(request) = body else {
        return Err(Fault::new(FaultCode::WrongEnvironment, "direction"));
    };
    let payload = Bytes::copy_from_slice(canonical.get(range).unwrap_or_default());
    judged(roads::xml::claims(&header), request, payload, Words::Xml)
}

/// What was read in either words, judged against the time at which it was sent.
pub(crate) fn judged(
    claims: Claims,
    request: Request,
    payload: Bytes,
    words: Words,
) -> Result<Decoded<Request>, Fault> {
    let now = month_of(claims.sent_at)?;
    let request = settled(request, now)?;
    if let Request::ChangeNotice(notice) = &request {
        in_its_time(notice, day_in_viet_nam(claims.sent_at))?;
    }
    let asked = Asked::of(&request);
    Ok(Decoded {
        claims,
        operation: words.operation(&request),
        identity: identity(&request),
        purpose: asked.purpose,
        asked: asked.fields,
        lines: lines(&request),
        provinces: match &request {
            Request::Reconcile(ask) => Some(ask.provinces),
            _ => None,
        },
        payload,
        objection: None,
        synthetic: asked.synthetic,
        persons: asked.persons,
        request,
    })
}

/// Held against the schema and read. The patterns of values are the reader's, which is no more lenient; only where
/// something is refused the whole schema is asked, whose word comes first.
fn read(canonical: &[u8]) -> Result<(Message, Range<usize>), Fault> {
    let read = wire::read(canonical);
    if read.is_err() || xsd::outline_tax_v1(canonical).is_err() {
        xsd::validate_tax_v1(canonical).map_err(|error| off_schema(&error))?;
    }
    read.map_err(invalid)
}

fn month_of(sent_at: Timestamp) -> Result<Period, Fault> {
    Period::of(day_in_viet_nam(sent_at)).map_err(|_| future("SentAt"))
}

/// A manifest is taken once under its own id, in whatever message it comes.
fn identity(request: &Request) -> Identity {
    match request {
        Request::Reconcile(ask) => Identity::Content(ask.manifest.clone()),
        _ => Identity::Envelope,
    }
}

/// How many lines a request has: what the agreement bounds.
fn lines(request: &Request) -> u64 {
    match request {
        Request::VerifyMany(ask) => u64::try_from(ask.asked.lines()).unwrap_or(u64::MAX),
        Request::Reconcile(ask) => ask.records,
        _ => 1,
    }
}

/// The same request with no month in it that had not begun when it was sent; a year becomes its months.
fn settled(mut request: Request, now: Period) -> Result<Request, Fault> {
    match &mut request {
        Request::VerifyEmployer(ask) if ask.period > now => return Err(future("Period")),
        Request::VerifyIndividual(ask) => ask.span = begun(ask.span, now)?,
        Request::VerifyMany(VerifyMany { asked, .. }) => match asked {
            Lines::Employers { period, .. } if *period > now => return Err(future("Period")),
            Lines::Individuals { span, .. } => *span = begun(*span, now)?,
            Lines::Employers { .. } => {}
        },
        Request::Reconcile(ask) => bulk::adds_up(ask, now)?,
        Request::VerifyEmployer(_)
        | Request::ChangeNotice(_)
        | Request::LookUpNotices(_)
        | Request::ResendNotices(_)
        | Request::Dispute(_)
        | Request::ReconcileResult(_)
        | Request::Ping(_) => {}
    }
    Ok(request)
}

/// A notice counts from a day of the present social insurance, at most a year ahead, and names a status
/// of that day's list.
fn in_its_time(notice: &ChangeNotice, today: Date) -> Result<(), Fault> {
    let from = Period::FIRST.first_day();
    let to = today.saturating_add(1.year());
    if !(from..=to).contains(&notice.effective_on) {
        return Err(Fault::new(FaultCode::Invalid, "day-out-of-range").field("EffectiveOn"));
    }
    match &notice.status {
        Some(status) if !taxpayer_statuses::LIST.holds(status, notice.effective_on) => {
            Err(Fault::new(FaultCode::Invalid, "status-not-in-force").field("Status"))
        }
        _ => Ok(()),
    }
}

fn begun(span: Span, now: Period) -> Result<Span, Fault> {
    let field = match span {
        Span::Year(_) => "Year",
        Span::Months { .. } => "To",
    };
    let (from, to) = span.until(now).ok_or_else(|| future(field))?;
    Ok(Span::Months { from, to })
}

fn future(field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, "period-in-the-future").field(field)
}

/// What policy and the access ledger want to know of a request.
struct Asked {
    purpose: String,
    fields: BTreeSet<&'static str>,
    synthetic: bool,
    persons: Vec<Person>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        match request {
            Request::VerifyEmployer(ask) => Self {
                purpose: ask.purpose.clone(),
                fields: employer_words(&ask.fields),
                synthetic: ask.mst.is_synthetic(),
                persons: owner(&ask.mst).into_iter().collect(),
            },
            Request::VerifyIndividual(ask) => Self::of_person(ask),
            Request::VerifyMany(ask) => Self::of_many(ask),
            Request::ChangeNotice(notice) => Self {
                purpose: notice.purpose.clone(),
                fields: BTreeSet::new(),
                synthetic: notice.mst.is_synthetic(),
                persons: owner(&notice.mst).into_iter().collect(),
            },
            // ids of messages: whom they were about is not said
            Request::LookUpNotices(LookUpNotices { purpose, .. })
            | Request::ResendNotices(ResendNotices { purpose, .. }) => Self {
                purpose: purpose.clone(),
                fields: BTreeSet::new(),
                synthetic: false,
                persons: Vec::new(),
            },
            // whom it is about stands behind the contract
            Request::Dispute(dispute) => Self {
                purpose: dispute.purpose.clone(),
                fields: BTreeSet::new(),
                synthetic: false,
                persons: Vec::new(),
            },
            Request::Reconcile(ask) => Self {
                purpose: ask.purpose.clone(),
                fields: BTreeSet::new(),
                synthetic: false,
                persons: Vec::new(),
            },
            // values of every field: the permit says which are told
            Request::ReconcileResult(ask) => Self {
                purpose: ask.purpose.clone(),
                fields: RECONCILE_RESULT.fields.iter().copied().collect(),
                synthetic: false,
                persons: Vec::new(),
            },
            Request::Ping(_) => Self {
                purpose: PURPOSE.to_owned(),
                fields: BTreeSet::new(),
                synthetic: false,
                persons: Vec::new(),
            },
        }
    }

    fn of_person(ask: &VerifyIndividual) -> Self {
        Self {
            purpose: ask.purpose.clone(),
            fields: person_words(&ask.fields()),
            synthetic: ask.subject.is_synthetic(),
            persons: named(&ask.subject).into_iter().collect(),
        }
    }

    fn of_many(ask: &VerifyMany) -> Self {
        let (fields, synthetic, persons) = match &ask.asked {
            Lines::Employers { fields, keys, .. } => (
                employer_words(fields),
                good(keys).any(TaxId::is_synthetic),
                good(keys).filter_map(owner).collect(),
            ),
            Lines::Individuals { fields, keys, .. } => (
                person_words(fields),
                good(keys).any(Subject::is_synthetic),
                good(keys).filter_map(named).collect(),
            ),
        };
        Self {
            purpose: ask.purpose.clone(),
            fields,
            synthetic,
            persons,
        }
    }
}

fn good<T>(keys: &[Key<T>]) -> impl Iterator<Item = &T> {
    keys.iter().filter_map(|key| match key {
        Key::Good(key) => Some(key),
        Key::Bad { .. } => None,
    })
}

fn employer_words(fields: &BTreeSet<FieldName>) -> BTreeSet<&'static str> {
    fields.iter().map(|field| field.as_str()).collect()
}

fn person_words(fields: &BTreeSet<PersonField>) -> BTreeSet<&'static str> {
    fields.iter().map(|field| field.as_str()).collect()
}

/// A household business's tax code is a person's own number.
fn owner(code: &TaxId) -> Option<Person> {
    match code {
        TaxId::Mst(_) => None,
        TaxId::Pin(pin) => Some(Person::named(vec![PersonNumber::Pin(pin.clone())])),
    }
}

/// Whom a personal tax code means is known with the answer only.
fn named(subject: &Subject) -> Option<Person> {
    let number = match subject {
        Subject::Pin(pin) => PersonNumber::Pin(pin.clone()),
        Subject::SiNumber(number) => PersonNumber::Si(number.clone()),
        Subject::Mst(_) => return None,
    };
    Some(Person::named(vec![number]))
}

fn off_schema(error: &SchemaError) -> Fault {
    let fault = Fault::new(FaultCode::Invalid, error.rule.as_str()).log(error.to_string());
    match error.element {
        Some(element) => fault.field(element),
        None => fault,
    }
}

pub(crate) fn invalid(error: WireError) -> Fault {
    Fault::new(FaultCode::Invalid, error.reason).field(error.field)
}

#[cfg(test)]
mod tests;
