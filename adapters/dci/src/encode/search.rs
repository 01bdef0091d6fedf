//! What was found in the standard's words: permitted fields only, and of nobody but whom it was asked for.

use gateway_core::{
    AnswerHead, Encoded, Unsigned,
    policy::Permit,
    ports::{Person as Told, PersonNumber},
};
use schemas::{
    id::Sex,
    proto::insurance as contract,
    wire::dci::{
        self as wire, Address, Found, FoundData, Identifier, IdentifierType, Name, Pagination,
        ParentFacts, Person, SearchResponse, VietNam, VitalEvent,
    },
};

use super::{count, header, promise};
use crate::{
    decode::{Question, Search},
    outbound::{self, Header, Letter, ON_SEARCH, Promise},
};

/// What the database holds of each question that could be asked.
pub(crate) type Events = Vec<Option<contract::VitalEvent>>;

pub(crate) fn encode(
    head: &AnswerHead,
    permit: &Permit,
    search: &Search,
    events: Events,
) -> Encoded {
    let at = head.sent_at.to_string();
    let answered = search
        .questions
        .iter()
        .filter(|one| one.wanted.is_ok())
        .count();
    let first_refused = search
        .questions
        .iter()
        .find_map(|one| one.wanted.as_ref().err());
    let counts = (search.questions.len(), answered);
    let mut header = header(
        head,
        search.opening.names.clone(),
        "on-search",
        status(answered > 0),
        counts,
    );
    header.reason_code = first_refused
        .filter(|_| answered == 0)
        .map(|(code, _)| code.as_str().to_owned());
    let may = |field: &str| permit.disclosed().contains(field);
    let mut persons = Vec::new();
    let mut responses = Vec::with_capacity(search.questions.len());
    for (question, event) in search.questions.iter().zip(events) {
        let event = event.filter(|_| question.first_page);
        if let (Ok((kind, pin)), Some(event)) = (&question.wanted, &event) {
            let mut told = Told::named(vec![PersonNumber::Pin(pin.clone())]);
            told.told = fields_of(*kind, event)
                .into_iter()
                .filter(|field| may(field))
                .collect();
            persons.push(told);
        }
        responses.push(response(question, event, &at, &may));
    }
    let message = Found {
        transaction_id: search.opening.transaction_id.clone(),
        correlation_id: head.evidence.to_string(),
        responses,
    };
    let Some(purpose) = &search.later else {
        return Encoded {
            unsigned: Unsigned::Dci {
                header: wire::encode(&header),
                message: wire::encode(&message),
            },
            callbacks: Vec::new(),
            persons,
        };
    };
    let name = outbound::exchange(&search.opening.transaction_id);
    header.message_id.clone_from(&name);
    let letter = Letter {
        purpose: purpose.clone(),
        lines: search.questions.len() as u64,
        header: Header::Callback(header),
        message: serde_json::to_value(&message).unwrap_or_default(),
        told: persons.iter().filter_map(whom).collect(),
        promise: Promise::of(head, &search.opening),
        subscription: None,
    };
    promise(head, &letter, ON_SEARCH, &name)
}

/// Whom a callback tells of, and what; the ledger has it when the callback goes.
fn whom(person: &Told) -> Option<(String, Vec<String>)> {
    let pin = person.numbers.iter().find_map(|number| match number {
        PersonNumber::Pin(pin) => Some(pin.as_str().to_owned()),
        PersonNumber::Si(_) => None,
    })?;
    let told = person.told.iter().map(|&field| field.to_owned());
    Some((pin, told.collect()))
}

pub(super) fn status(is_answered: bool) -> &'static str {
    match is_answered {
        true => "succ",
        false => "rjct",
    }
}

fn response(
    question: &Question,
    event: Option<contract::VitalEvent>,
    at: &str,
    may: &impl Fn(&str) -> bool,
) -> SearchResponse {
    let plain = SearchResponse {
        reference_id: question.reference.clone(),
        timestamp: at.to_owned(),
        status: status(question.wanted.is_ok()).to_owned(),
        ..SearchResponse::default()
    };
    let kind = match &question.wanted {
        Ok((kind, _)) => *kind,
        Err((code, field)) => {
            return SearchResponse {
                reason_code: Some(code.as_str().to_owned()),
                reason_message: Some(format!("Field: {field}")),
                ..plain
            };
        }
    };
    let records: Vec<Person> = event.iter().map(|event| person(kind, event, may)).collect();
    SearchResponse {
        pagination: Some(Pagination {
            page_size: question.page_size,
            page_number: Some(1),
            total_count: Some(count(records.len())),
        }),
        data: Some(FoundData {
            reg_type: None,
            event_type: question.event.clone(),
            record_type: "CRVSPerson".to_owned(),
            records: Some(records),
        }),
        ..plain
    }
}

/// The fields that an event has something for, in the words of agreements.
fn fields_of(kind: VitalEvent, event: &contract::VitalEvent) -> Vec<&'static str> {
    let has = [
        ("name", !event.name.is_empty()),
        ("sex", event.sex != 0),
        ("birthDate", !event.birth_date.is_empty()),
        ("deathDate", !event.died_on.is_empty()),
        ("address", !event.residence_commune.is_empty()),
        ("parents", event.mother.is_some() || event.father.is_some()),
        ("registration", event.record.is_some()),
    ];
    let fits =
        |field: &str| kind == VitalEvent::LiveBirth || !["address", "parents"].contains(&field);
    has.into_iter()
        .filter(|(field, is_there)| *is_there && fits(field))
        .map(|(field, _)| field)
        .collect()
}

/// A birth or a death as a record: the number, and those fields that may be told.
pub(crate) fn person(
    kind: VitalEvent,
    event: &contract::VitalEvent,
    may: &impl Fn(&str) -> bool,
) -> Person {
    let has = fields_of(kind, event);
    let tells = |field: &str| has.contains(&field) && may(field);
    let record = event.record.as_ref().filter(|_| tells("registration"));
    let number_kind = match kind {
        VitalEvent::Death => IdentifierType::Drn,
        _ => IdentifierType::Brn,
    };
    let mut identifiers = vec![identifier(IdentifierType::Uin, &event.pin)];
    identifiers.extend(record.map(|record| identifier(number_kind, &record.number)));
    let parent = |one: &Option<contract::Parent>| one.clone().filter(|_| tells("parents"));
    let (mother, father) = (parent(&event.mother), parent(&event.father));
    let uin = |one: &Option<contract::Parent>| {
        let pin = one
            .as_ref()
            .map(|one| one.pin.as_str())
            .filter(|pin| !pin.is_empty());
        pin.map(|pin| identifier(IdentifierType::Uin, pin))
    };
    let viet_nam = VietNam {
        registered_on: record.map(|record| record.registered_on.clone()),
        registered_at: record.and_then(|record| some(&record.commune)),
        book: record.and_then(|record| some(&record.book)),
        mother: mother.as_ref().and_then(facts),
        father: father.as_ref().and_then(facts),
        ..VietNam::default()
    };
    Person {
        identifiers,
        name: tells("name").then(|| name(&event.name)),
        sex: tells("sex").then(|| sex(event.sex).to_owned()),
        birth_date: some(&event.birth_date).filter(|_| tells("birthDate")),
        death_date: some(&event.died_on).filter(|_| tells("deathDate")),
        addresses: match tells("address") {
            true => vec![Address {
                commune: some(&event.residence_commune),
                ..Address::default()
            }],
            false => Vec::new(),
        },
        parent1: uin(&mother),
        parent2: uin(&father),
        viet_nam: Some(viet_nam).filter(|one| *one != VietNam::default()),
        ..Person::default()
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn identifier(kind: IdentifierType, value: &str) -> Identifier {
    Identifier {
        kind: kind.as_str().to_owned(),
        value: value.to_owned(),
    }
}

fn facts(parent: &contract::Parent) -> Option<ParentFacts> {
    (!parent.name.is_empty()).then(|| ParentFacts {
        name: name(&parent.name),
        birth_date: some(&parent.birth_date),
    })
}

fn sex(code: i32) -> &'static str {
    match u8::try_from(code)
        .ok()
        .and_then(|code| Sex::from_code(code).ok())
    {
        Some(Sex::Male) => "male",
        Some(Sex::Female) => "female",
        Some(Sex::Undetermined) | None => "unknown",
    }
}

/// The first word is the surname, the last the given name: as `notify` is read.
fn name(whole: &str) -> Name {
    let words: Vec<&str> = whole.split_whitespace().collect();
    match words.as_slice() {
        [] => Name::default(),
        [only] => Name {
            given_name: some(only),
            ..Name::default()
        },
        [surname, between @ .., given] => Name {
            surname: some(surname),
            second_name: some(&between.join(" ")),
            given_name: some(given),
            ..Name::default()
        },
    }
}
