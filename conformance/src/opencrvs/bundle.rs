//! The bundle of one birth or one death, as OpenCRVS 1.x writes it and Viet Nam's profile fills it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A registered birth. `Debug` shows its number only.
#[derive(Clone, Serialize, Deserialize)]
pub struct Registered {
    /// Registration number.
    pub number: String,
    /// The child's PIN.
    pub pin: String,
    /// The child's name.
    pub name: String,
    /// 1 male, 2 female.
    pub sex: u8,
    /// Day of birth, ISO.
    pub born: String,
    /// Commune of residence, 5 digits.
    pub commune: String,
    /// Its province, 2 digits.
    pub province: String,
    /// Initial facility.
    pub facility: String,
    /// The mother: name, PIN, day of birth.
    pub mother: (String, String, String),
    /// When it was registered, RFC 3339.
    pub at: String,
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registered({}, ***)", self.number)
    }
}

/// The bundle of a birth.
#[must_use]
pub fn birth(child: &Registered) -> Value {
    let (mother, mother_pin, mother_born) = &child.mother;
    let mut born = person("child", &child.name, Some(&child.pin), &child.born);
    born["gender"] = gender(child.sex).into();
    born["identifier"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "value": child.number, "type": concept("BIRTH_REGISTRATION_NUMBER") }));
    let mut mother = person("mother", mother, Some(mother_pin), mother_born);
    mother["address"] = json!([{
        "type": "PRIMARY_ADDRESS",
        "line": ["Số 1, đường Mẫu", "", "", ""],
        "district": "place-commune",
        "state": "place-province",
        "country": "VNM",
        "extension": [{
            "url": "http://opencrvs.org/specs/extension/part-of",
            "valueReference": { "reference": "Location/place-commune" },
        }],
    }]);
    bundle(vec![
        composition(
            "birth-declaration",
            &[
                ("child-details", "Patient/child"),
                ("mother-details", "Patient/mother"),
                ("informant-details", "RelatedPerson/informant"),
                ("birth-encounter", "Encounter/encounter"),
            ],
        ),
        task("BIRTH", "birth", &child.number, &child.at),
        born,
        mother,
        json!({
            "resourceType": "RelatedPerson",
            "id": "informant",
            "relationship": concept("MOTHER"),
            "patient": { "reference": "Patient/mother" },
        }),
        json!({ "resourceType": "Encounter", "id": "encounter", "status": "finished" }),
        place("place-province", &child.province),
        place("place-commune", &child.commune),
        json!({
            "resourceType": "QuestionnaireResponse",
            "id": "questions",
            "status": "completed",
            "item": [
                question("birth.child.child-view-group.initialFacility", &child.facility),
                question("birth.child.child-view-group.ethnicity", "01"),
                question("birth.child.child-view-group.nationality", "VN"),
                question("birth.mother.mother-view-group.motherIdType", "NATIONAL_ID"),
            ],
        }),
    ])
}

/// The bundle of the death of a child that was born so.
#[must_use]
pub fn death(child: &Registered, number: &str, died_on: Date, at: Timestamp) -> Value {
    let mut dead = person("dead", &child.name, Some(&child.pin), &child.born);
    dead["gender"] = gender(child.sex).into();
    dead["deceasedBoolean"] = true.into();
    dead["deceasedDateTime"] = died_on.to_string().into();
    bundle(vec![
        composition("death-declaration", &[("deceased-details", "Patient/dead")]),
        task("DEATH", "death", number, &at.to_string()),
        dead,
        json!({ "resourceType": "Observation", "id": "cause", "status": "final" }),
    ])
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries = resources.into_iter().map(|mut resource| {
        resource["_transforms"] = json!({ "meta": { "lastUpdated": "2026-11-23T01:00:00.000Z" } });
        let (kind, id) = (resource["resourceType"].as_str(), resource["id"].as_str());
        let url = format!(
            "/fhir/{}/{}/_history/1",
            kind.unwrap_or_default(),
            id.unwrap_or_default()
        );
        json!({ "fullUrl": url, "resource": resource })
    });
    json!({
        "resourceType": "Bundle",
        "type": "document",
        "entry": entries.collect::<Vec<_>>(),
    })
}

fn composition(kind: &str, sections: &[(&str, &str)]) -> Value {
    let sections = sections.iter().map(|(code, reference)| {
        json!({ "title": code, "code": concept(code), "entry": [{ "reference": reference }] })
    });
    json!({
        "resourceType": "Composition",
        "id": "declaration",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": "BN6TQN5" },
        "status": "preliminary",
        "type": concept(kind),
        "class": concept("crvs-document"),
        "title": kind,
        "section": sections.collect::<Vec<_>>(),
        "subject": {},
        "date": "2026-11-23T01:00:00.000Z",
        "author": [],
    })
}

fn task(kind: &str, word: &str, number: &str, at: &str) -> Value {
    let id = |what: &str| format!("http://opencrvs.org/specs/id/{word}-{what}");
    json!({
        "resourceType": "Task",
        "id": "task",
        "status": "ready",
        "intent": "proposal",
        "code": concept(kind),
        "focus": { "reference": "Composition/declaration" },
        "requester": { "agent": { "reference": "Practitioner/registrar" } },
        "identifier": [
            { "system": id("tracking-id"), "value": "BN6TQN5" },
            { "system": id("registration-number"), "value": number },
        ],
        "extension": [{ "url": "http://opencrvs.org/specs/extension/timeLoggedMS", "valueInteger": 1699 }],
        "lastModified": at,
        "businessStatus": concept("REGISTERED"),
    })
}

/// The first word is the family name.
fn person(id: &str, name: &str, pin: Option<&str>, born: &str) -> Value {
    let (family, given) = name.split_once(' ').unwrap_or((name, ""));
    let identifiers = pin.map(|pin| json!({ "value": pin, "type": concept("NATIONAL_ID") }));
    json!({
        "resourceType": "Patient",
        "id": id,
        "active": true,
        "extension": [],
        "name": [{ "use": "vi", "given": [given, ""], "family": family }],
        "identifier": identifiers.into_iter().collect::<Vec<_>>(),
        "birthDate": born,
    })
}

fn place(id: &str, code: &str) -> Value {
    json!({
        "resourceType": "Location",
        "id": id,
        "identifier": [{
            "system": "http://opencrvs.org/specs/id/statistical-code",
            "value": format!("ADMIN_STRUCTURE_{code}"),
        }],
        "status": "active",
    })
}

fn question(text: &str, answer: &str) -> Value {
    json!({ "text": text, "linkId": "", "answer": [{ "valueString": answer }] })
}

fn concept(code: &str) -> Value {
    json!({ "coding": [{ "system": "http://opencrvs.org/specs", "code": code }] })
}

fn gender(sex: u8) -> &'static str {
    match sex {
        1 => "male",
        _ => "female",
    }
}
