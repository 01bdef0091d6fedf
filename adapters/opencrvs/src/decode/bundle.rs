//! A bundle taken apart: which resources there are, and who of them is who. Everything that is named is there once; whoever is
//! there is named by somebody.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    fault::Fault,
    wire::opencrvs::{
        Bundle, Composition, Item, Location, NOT_CARRIED, Patient, Questionnaire, Reference,
        RelatedPerson, Task, Topic,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::invalid;

/// The resources of one event.
pub(super) struct Parts {
    pub(super) task: Task,
    composition: Composition,
    patients: BTreeMap<String, Patient>,
    related: BTreeMap<String, RelatedPerson>,
    locations: BTreeMap<String, Location>,
    pub(super) items: Vec<Item>,
}

/// Parts of a declaration that OpenCRVS has.
const SECTIONS: [&str; 13] = [
    "child-details",
    "mother-details",
    "father-details",
    "deceased-details",
    "spouse-details",
    "informant-details",
    "birth-encounter",
    "death-encounter",
    "supporting-documents",
    "witness-one-details",
    "witness-two-details",
    "certificates",
    "corrections",
];

impl Parts {
    /// Takes a bundle apart that must be of this topic.
    pub(super) fn of(bundle: Bundle, topic: Topic) -> Result<Self, Fault> {
        if bundle.resource_type != "Bundle" {
            return Err(invalid("unknown-code", "resourceType"));
        }
        let (mut tasks, mut compositions) = (Vec::new(), Vec::new());
        let (mut patients, mut related, mut locations) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut items: Vec<Item> = Vec::new();
        for entry in &bundle.entries {
            let resource = &entry.resource;
            let kind = resource.get("resourceType").and_then(Value::as_str);
            match kind.ok_or_else(|| invalid("missing-field", "resourceType"))? {
                "Task" => tasks.push(read::<Task>(resource, "Task")?),
                "Composition" => compositions.push(read(resource, "Composition")?),
                "Patient" => {
                    let one: Patient = read(resource, "Patient")?;
                    once(&mut patients, one.id.clone(), one)?;
                }
                "RelatedPerson" => {
                    let one: RelatedPerson = read(resource, "RelatedPerson")?;
                    once(&mut related, one.id.clone(), one)?;
                }
                "Location" => {
                    let one: Location = read(resource, "Location")?;
                    once(&mut locations, one.id.clone(), one)?;
                }
                "QuestionnaireResponse" => {
                    items.extend(read::<Questionnaire>(resource, "QuestionnaireResponse")?.items);
                }
                other if NOT_CARRIED.iter().any(|(known, _)| *known == other) => {}
                _ => return Err(invalid("unknown-code", "resourceType")),
            }
        }
        let parts = Self {
            task: only(tasks, "Task")?,
            composition: only(compositions, "Composition")?,
            patients,
            related,
            locations,
            items,
        };
        parts.is_of(topic)?;
        parts.is_whole()?;
        Ok(parts)
    }

    /// Task and Composition tell of the same as the topic, and it is registered.
    fn is_of(&self, topic: Topic) -> Result<(), Fault> {
        let (event, declaration) = match topic {
            Topic::BirthRegistered => ("BIRTH", "birth-declaration"),
            Topic::DeathRegistered => ("DEATH", "death-declaration"),
        };
        if self.task.code.code() != Some(event) {
            return Err(invalid("topic-and-bundle-differ", "Task"));
        }
        if self.composition.kind.code() != Some(declaration) {
            return Err(invalid("topic-and-bundle-differ", "Composition"));
        }
        if named(&self.task.focus, "Composition") != Some(&self.composition.id) {
            return Err(invalid("unknown-reference", "focus"));
        }
        let status = self.task.business_status.as_ref();
        match status.and_then(|status| status.code()) {
            Some("REGISTERED") => Ok(()),
            _ => Err(invalid("not-registered", "businessStatus")),
        }
    }

    /// Every section is known and stands once, what it names is there, and nobody is there whom nobody names.
    fn is_whole(&self) -> Result<(), Fault> {
        let mut seen = BTreeSet::new();
        let mut named_patients = BTreeSet::new();
        for section in &self.composition.sections {
            let code = section.code.code().unwrap_or_default();
            if !SECTIONS.contains(&code) {
                return Err(invalid("unknown-code", "section"));
            }
            if !seen.insert(code) {
                return Err(invalid("section-twice", "section"));
            }
            for reference in &section.entries {
                if let Some(id) = named(reference, "Patient") {
                    named_patients.insert(id.to_owned());
                }
                if let Some(id) = named(reference, "RelatedPerson") {
                    let one = self.related.get(id);
                    let one = one.ok_or_else(|| invalid("unknown-reference", "section"))?;
                    let patient = one.patient.as_ref();
                    let patient = patient.and_then(|patient| named(patient, "Patient"));
                    named_patients.extend(patient.map(str::to_owned));
                }
            }
        }
        if !named_patients
            .iter()
            .all(|id| self.patients.contains_key(id))
        {
            return Err(invalid("unknown-reference", "Patient"));
        }
        match self.patients.keys().all(|id| named_patients.contains(id)) {
            true => Ok(()),
            false => Err(invalid("nobody-names-it", "Patient")),
        }
    }

    /// The one reference of a section, where there is that section with anything in it.
    fn of_section(&self, code: &'static str) -> Result<Option<&Reference>, Fault> {
        let mut sections = self.composition.sections.iter();
        let section = sections.find(|section| section.code.code() == Some(code));
        match section.map(|section| section.entries.as_slice()) {
            None | Some([]) => Ok(None),
            Some([one]) => Ok(Some(one)),
            Some(_) => Err(invalid("two-references", code)),
        }
    }

    /// The person of a section, where there is one.
    pub(super) fn patient(&self, code: &'static str) -> Result<Option<&Patient>, Fault> {
        let Some(reference) = self.of_section(code)? else {
            return Ok(None);
        };
        let id = named(reference, "Patient");
        let patient = id.and_then(|id| self.patients.get(id));
        patient
            .map(Some)
            .ok_or_else(|| invalid("unknown-reference", code))
    }

    /// Who told of it, and as what.
    pub(super) fn informant(&self) -> Result<Option<(&str, &Patient)>, Fault> {
        let code = "informant-details";
        let Some(reference) = self.of_section(code)? else {
            return Ok(None);
        };
        let unknown = || invalid("unknown-reference", code);
        let id = named(reference, "RelatedPerson").ok_or_else(unknown)?;
        let related = self.related.get(id).ok_or_else(unknown)?;
        let Some(patient) = &related.patient else {
            return Ok(None);
        };
        let id = named(patient, "Patient").ok_or_else(unknown)?;
        let patient = self.patients.get(id).ok_or_else(unknown)?;
        let relation = related.relationship.as_ref();
        Ok(Some((
            relation.and_then(|relation| relation.code()).unwrap_or(""),
            patient,
        )))
    }

    /// The statistical code of the place of this id.
    pub(super) fn place(&self, id: &str, field: &'static str) -> Result<&str, Fault> {
        let place = self.locations.get(id);
        let place = place.ok_or_else(|| invalid("unknown-reference", field))?;
        let mut codes = place
            .identifiers
            .iter()
            .filter(|one| one.system.as_deref() == Some(STATISTICAL_CODE))
            .filter_map(|one| one.value.as_deref());
        match (codes.next(), codes.next()) {
            (Some(code), None) => Ok(code.strip_prefix("ADMIN_STRUCTURE_").unwrap_or(code)),
            (None, _) => Err(invalid("missing-field", field)),
            (Some(_), Some(_)) => Err(invalid("identifier-twice", field)),
        }
    }
}

const STATISTICAL_CODE: &str = "http://opencrvs.org/specs/id/statistical-code";

/// A resource by its strict shape: a member that it does not have is refused.
fn read<T: DeserializeOwned>(resource: &Value, kind: &'static str) -> Result<T, Fault> {
    T::deserialize(resource).map_err(|_| invalid("json-mismatch", kind))
}

fn once<T>(into: &mut BTreeMap<String, T>, id: String, one: T) -> Result<(), Fault> {
    match into.insert(id, one) {
        None => Ok(()),
        Some(_) => Err(invalid("resource-twice", "id")),
    }
}

fn only<T>(mut all: Vec<T>, kind: &'static str) -> Result<T, Fault> {
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(invalid("missing-field", kind)),
        (Some(_), false) => Err(invalid("resource-twice", kind)),
    }
}

/// The id in a reference to a resource of this kind.
fn named<'a>(reference: &'a Reference, kind: &str) -> Option<&'a str> {
    let text = reference.reference.as_deref()?;
    let id = text.strip_prefix(kind)?.strip_prefix('/')?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}
