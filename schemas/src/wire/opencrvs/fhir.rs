//! The resources of FHIR that a birth or a death is told in, as OpenCRVS 1.x writes them.

use serde_json::{Map, Value};

use crate::wire::object::wire_object;

/// Resources of a bundle that are not looked into, and why.
pub const NOT_CARRIED: &[(&str, &str)] = &[
    (
        "Encounter",
        "where it was born or died: the contract keeps where a child lives",
    ),
    (
        "Observation",
        "weight, attendant, cause of death: no business of health insurance",
    ),
    (
        "DocumentReference",
        "papers of the declaration stay with the registry",
    ),
    (
        "Practitioner",
        "who registered it: kept in the journal only",
    ),
    (
        "PractitionerRole",
        "who registered it: kept in the journal only",
    ),
    ("Organization", "the registry's own"),
    ("TaskHistory", "how the declaration came to be registered"),
    (
        "CompositionHistory",
        "how the declaration came to be registered",
    ),
    ("PaymentReconciliation", "fees of the registry"),
];

/// A resource: its members, and behind them those that OpenCRVS's database adds of its own to every resource.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        pub struct $name:ident as $object:literal { $($members:tt)* }
    ) => {
        wire_object! {
            $(#[$doc])*
            pub struct $name as $object {
                $($members)*
                /// The database's own.
                meta: Option<Map<String, Value>> = "meta", NotCarried("the database's own");
                /// The database's own.
                transforms: Option<Map<String, Value>> = "_transforms", NotCarried("the database's own");
                /// The database's own.
                request: Option<Map<String, Value>> = "_request", NotCarried("the database's own");
            }
        }
    };
}

wire_object! {
    /// All that is told of one event.
    pub struct Bundle as "Bundle" {
        /// `Bundle`.
        resource_type: String = "resourceType", Carried("judged: a Bundle");
        /// Its id.
        id: Option<String> = "id", NotCarried("the database's own");
        /// The database's own.
        meta: Option<Map<String, Value>> = "meta", NotCarried("the database's own");
        /// `document`.
        kind: Option<String> = "type", NotCarried("the Composition says what it is");
        /// When it was put together.
        timestamp: Option<String> = "timestamp", NotCarried("the payload's own time counts");
        /// A signature of the registry's.
        signature: Option<Map<String, Value>> = "signature", NotCarried("the keyed hash is what is proven");
        /// The resources.
        #[serde(default)]
        entries: Vec<Entry> = "entry", Carried("the resources");
    }
}

wire_object! {
    /// One resource.
    pub struct Entry as "entry" {
        /// Where the database has it.
        full_url: Option<String> = "fullUrl", NotCarried("the database's own: references name type and id");
        /// The resource.
        resource: Value = "resource", Carried("read by its resourceType; one that nobody knows is refused");
        /// The database's own.
        request: Option<Map<String, Value>> = "request", NotCarried("the database's own");
        /// The database's own.
        response: Option<Map<String, Value>> = "response", NotCarried("the database's own");
    }
}

resource! {
    /// The declaration: who of the bundle is who.
    pub struct Composition as "Composition" {
        /// Its kind.
        resource_type: String = "resourceType", Carried("which resource it is");
        /// Its name in the bundle.
        id: String = "id", Carried("what references name it by");
        /// The tracking id.
        identifier: Option<Identifier> = "identifier", NotCarried("the tracking id: kept in the journal only");
        /// preliminary or final.
        status: Option<String> = "status", NotCarried("the Task says whether it is registered");
        /// birth-declaration or death-declaration.
        kind: Concept = "type", Carried("judged: agrees with the topic");
        /// Its class.
        class: Option<Concept> = "class", NotCarried("always a document of the registry");
        /// Its title.
        title: Option<String> = "title", NotCarried("for people");
        /// Who is who.
        #[serde(default)]
        sections: Vec<Section> = "section", Carried("who is the child, the mother, the father, the deceased, the informant");
        /// Empty.
        subject: Option<Map<String, Value>> = "subject", NotCarried("the sections say it");
        /// When it was declared.
        date: Option<String> = "date", NotCarried("the day of registration counts");
        /// Who wrote it.
        #[serde(default)]
        author: Vec<Value> = "author", NotCarried("kept in the journal only");
        /// What it relates to.
        #[serde(default)]
        relates_to: Vec<Value> = "relatesTo", NotCarried("declarations that were found alike: the registry's own");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("none is known that health insurance needs");
    }
}

wire_object! {
    /// One part of the declaration.
    pub struct Section as "section" {
        /// Its title.
        title: Option<String> = "title", NotCarried("for people");
        /// Which part.
        code: Concept = "code", Carried("who it is; a part that stands twice is refused");
        /// The resources.
        #[serde(default)]
        entries: Vec<Reference> = "entry", Carried("who it is: one of a person");
        /// For people.
        text: Option<Value> = "text", NotCarried("for people");
    }
}

resource! {
    /// The registration.
    pub struct Task as "Task" {
        /// Its kind.
        resource_type: String = "resourceType", Carried("which resource it is");
        /// Its name in the bundle.
        id: String = "id", Carried("what references name it by");
        /// ready.
        status: Option<String> = "status", NotCarried("businessStatus says whether it is registered");
        /// proposal or order.
        intent: Option<String> = "intent", NotCarried("always the same");
        /// BIRTH or DEATH.
        code: Concept = "code", Carried("judged: agrees with the topic");
        /// The declaration.
        focus: Reference = "focus", Carried("judged: the Composition of this bundle");
        /// Who asked for it.
        requester: Option<Map<String, Value>> = "requester", NotCarried("kept in the journal only");
        /// Numbers: tracking id, registration number, drafts.
        #[serde(default)]
        identifiers: Vec<Identifier> = "identifier", Carried("record and case_id (birth- or death-registration-number); others are kept in the journal only");
        /// When it was registered, ISO 8601 with an offset.
        last_modified: Option<String> = "lastModified", Carried("record.registered_on: the day in Viet Nam");
        /// REGISTERED.
        business_status: Option<Concept> = "businessStatus", Carried("judged: REGISTERED");
        /// Why.
        status_reason: Option<Concept> = "statusReason", NotCarried("the registry's own");
        /// Why.
        reason: Option<Value> = "reason", NotCarried("the registry's own");
        /// Notes of officers.
        #[serde(default)]
        note: Vec<Value> = "note", NotCarried("the registry's own");
        /// What was changed.
        #[serde(default)]
        input: Vec<Value> = "input", NotCarried("the registry's own");
        /// What was changed.
        #[serde(default)]
        output: Vec<Value> = "output", NotCarried("the registry's own");
        /// Fees.
        encounter: Option<Reference> = "encounter", NotCarried("the registry's own");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("office, user and contact of the registry: kept in the journal only");
    }
}

resource! {
    /// A person.
    pub struct Patient as "Patient" {
        /// Its kind.
        resource_type: String = "resourceType", Carried("which resource it is");
        /// Its name in the bundle.
        id: String = "id", Carried("what references name it by");
        /// Whether it is known.
        active: Option<bool> = "active", NotCarried("a parent who is not known has no name");
        /// Names; the one whose use is `vi`, or the only one.
        #[serde(default)]
        names: Vec<HumanName> = "name", Carried("child.name, mother.name, father.name, guardian.name or deceased.name");
        /// Numbers.
        #[serde(default)]
        identifiers: Vec<Identifier> = "identifier", Carried("child.pin, mother.pin, father.pin or deceased.pin (NATIONAL_ID); a registration number is compared with the Task's");
        /// male, female, other or unknown.
        gender: Option<String> = "gender", Carried("child.sex or deceased.sex; of a child male or female");
        /// ISO date.
        birth_date: Option<String> = "birthDate", Carried("child.birth_date, mother.birth_date, father.birth_date or deceased.birth_date");
        /// Addresses; PRIMARY_ADDRESS counts, or the only one.
        #[serde(default)]
        addresses: Vec<Address> = "address", Carried("child.residence_commune and child.residence_detail: of the child, else of the mother, else of the father");
        /// Whether it died.
        deceased: Option<bool> = "deceasedBoolean", NotCarried("deceasedDateTime says it");
        /// ISO date.
        died_on: Option<String> = "deceasedDateTime", Carried("died_on");
        /// Marital status.
        marital_status: Option<Concept> = "maritalStatus", NotCarried("no business of health insurance");
        /// Which of twins.
        multiple_birth: Option<i64> = "multipleBirthInteger", NotCarried("every child is told of by itself");
        /// How to reach it.
        #[serde(default)]
        telecom: Vec<Value> = "telecom", NotCarried("the contract keeps a guardian's telephone alone, and OpenCRVS has the informant's in the Task");
        /// Pictures.
        #[serde(default)]
        photo: Vec<Value> = "photo", NotCarried("no business of health insurance");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("nationality, occupation, education: the child's nationality stands in the questionnaire (own profile)");
    }
}

wire_object! {
    /// A name in its parts; in Viet Nam it is said family name first.
    pub struct HumanName as "name" {
        /// Language.
        language: Option<String> = "use", Carried("judged: `vi` counts where there are several");
        /// Family name.
        family: Option<String> = "family", Carried("the name, its first part");
        /// What stands behind it.
        #[serde(default)]
        given: Vec<String> = "given", Carried("the name, its other parts; empty ones are left out");
        /// Titles.
        #[serde(default)]
        prefix: Vec<String> = "prefix", NotCarried("no part of a name in Viet Nam");
        /// Titles.
        #[serde(default)]
        suffix: Vec<String> = "suffix", NotCarried("no part of a name in Viet Nam");
    }
}

wire_object! {
    /// An address.
    pub struct Address as "address" {
        /// PRIMARY_ADDRESS and others.
        kind: Option<String> = "type", Carried("judged: PRIMARY_ADDRESS counts where there are several");
        /// What it is used for.
        usage: Option<String> = "use", NotCarried("`type` says it");
        /// House, street, hamlet; most are empty.
        #[serde(default)]
        lines: Vec<String> = "line", Carried("child.residence_detail; empty ones are left out");
        /// City.
        city: Option<String> = "city", NotCarried("the commune's code says it");
        /// Id of a Location: own profile, the commune.
        district: Option<String> = "district", Carried("child.residence_commune: the statistical code of that Location");
        /// Id of a Location: own profile, the province.
        state: Option<String> = "state", NotCarried("judged: the commune's own province");
        /// Postal code.
        postal_code: Option<String> = "postalCode", NotCarried("the contract does not keep it");
        /// Country.
        country: Option<String> = "country", NotCarried("the commune's code says it");
        /// For people.
        text: Option<String> = "text", NotCarried("for people");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("part-of says again what `district` says");
    }
}

resource! {
    /// Who is related to the child or the deceased, and how: the informant.
    pub struct RelatedPerson as "RelatedPerson" {
        /// Its kind.
        resource_type: String = "resourceType", Carried("which resource it is");
        /// Its name in the bundle.
        id: String = "id", Carried("what references name it by");
        /// MOTHER, FATHER or another.
        relationship: Option<Concept> = "relationship", Carried("guardian.relation: mother, father or requester");
        /// The person.
        patient: Option<Reference> = "patient", Carried("guardian.name: the Patient's");
        /// Whether it is known.
        active: Option<bool> = "active", NotCarried("no business of health insurance");
        /// Names.
        #[serde(default)]
        names: Vec<HumanName> = "name", NotCarried("the Patient has it");
        /// Numbers.
        #[serde(default)]
        identifiers: Vec<Identifier> = "identifier", NotCarried("the Patient has it");
        /// How to reach it.
        #[serde(default)]
        telecom: Vec<Value> = "telecom", NotCarried("kept in the journal only");
        /// Addresses.
        #[serde(default)]
        addresses: Vec<Address> = "address", NotCarried("the Patient has it");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("none is known that health insurance needs");
    }
}

resource! {
    /// A place: a province, a commune, an office, a facility.
    pub struct Location as "Location" {
        /// Its kind.
        resource_type: String = "resourceType", Carried("which resource it is");
        /// Its name in the bundle.
        id: String = "id", Carried("what references name it by");
        /// Codes of it.
        #[serde(default)]
        identifiers: Vec<Identifier> = "identifier", Carried("a commune's or a province's code: statistical-code, with ADMIN_STRUCTURE_ before it or without (own profile)");
        /// Its name.
        name: Option<String> = "name", NotCarried("the code says it");
        /// Other names.
        #[serde(default)]
        alias: Vec<String> = "alias", NotCarried("the code says it");
        /// For people.
        description: Option<String> = "description", NotCarried("for people");
        /// active.
        status: Option<String> = "status", NotCarried("the registry's own");
        /// instance.
        mode: Option<String> = "mode", NotCarried("the registry's own");
        /// What it is in.
        part_of: Option<Reference> = "partOf", NotCarried("the commune's code says its province");
        /// Its kind.
        kind: Option<Concept> = "type", NotCarried("the code says it");
        /// Its kind.
        physical_kind: Option<Concept> = "physicalType", NotCarried("the code says it");
        /// How to reach it.
        #[serde(default)]
        telecom: Vec<Value> = "telecom", NotCarried("no business of health insurance");
        /// Its address.
        address: Option<Value> = "address", NotCarried("no business of health insurance");
        /// On the map.
        position: Option<Value> = "position", NotCarried("no business of health insurance");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("borders and statistics: no business of health insurance");
    }
}

resource! {
    /// What a country asks beyond OpenCRVS's own form.
    pub struct Questionnaire as "QuestionnaireResponse" {
        /// Its kind.
        resource_type: String = "resourceType", Carried("which resource it is");
        /// Its name in the bundle.
        id: String = "id", Carried("what references name it by");
        /// completed.
        status: Option<String> = "status", NotCarried("the Task says whether it is registered");
        /// Whom it is about.
        subject: Option<Value> = "subject", NotCarried("the name of each item says it");
        /// The answers.
        #[serde(default)]
        items: Vec<Item> = "item", Carried("what Viet Nam's profile adds");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("none is known that health insurance needs");
    }
}

wire_object! {
    /// One answer.
    pub struct Item as "item" {
        /// The field's name in the form.
        text: Option<String> = "text", Carried("own profile: facility (birth.child.child-view-group.initialFacility), birth_notice (…birthNoticeCode), child.ethnicity (…ethnicity), child.nationality (…nationality), death_notice (death.deceased.deceased-view-group.deathNoticeCode); others are kept in the journal only");
        /// Empty.
        link_id: Option<String> = "linkId", NotCarried("`text` names the field");
        /// What was answered.
        #[serde(default)]
        answers: Vec<Answer> = "answer", Carried("the value: one of each field that is carried");
    }
}

wire_object! {
    /// A value.
    pub struct Answer as "answer" {
        /// A text.
        text: Option<String> = "valueString", Carried("the value");
        /// A yes or a no.
        yes: Option<bool> = "valueBoolean", NotCarried("no field that is carried is one");
        /// A number.
        number: Option<i64> = "valueInteger", NotCarried("no field that is carried is one");
        /// A day.
        day: Option<String> = "valueDate", NotCarried("no field that is carried is one");
    }
}

wire_object! {
    /// A number and what kind it is.
    pub struct Identifier as "identifier" {
        /// Its id.
        id: Option<String> = "id", NotCarried("the database's own");
        /// What kind: of Tasks and Locations.
        system: Option<String> = "system", Carried("which number it is");
        /// The number.
        value: Option<String> = "value", Carried("the number");
        /// What kind: of Patients.
        kind: Option<Concept> = "type", Carried("which number it is");
        /// Extensions.
        #[serde(default)]
        extension: Vec<Map<String, Value>> = "extension", NotCarried("none is known that health insurance needs");
    }
}

wire_object! {
    /// A code, in as many systems as there are.
    pub struct Concept as "concept" {
        /// The codes.
        #[serde(default)]
        codings: Vec<Coding> = "coding", Carried("the code: one");
        /// For people.
        text: Option<String> = "text", NotCarried("for people");
    }
}

wire_object! {
    /// A code of a system.
    pub struct Coding as "coding" {
        /// The system.
        system: Option<String> = "system", NotCarried("each place has codes of one system");
        /// The code.
        code: Option<String> = "code", Carried("the code");
        /// For people.
        display: Option<String> = "display", NotCarried("for people");
    }
}

wire_object! {
    /// Another resource, as `type/id`.
    pub struct Reference as "reference" {
        /// Which.
        reference: Option<String> = "reference", Carried("which resource of the bundle");
        /// For people.
        display: Option<String> = "display", NotCarried("for people");
    }
}

impl Concept {
    /// The one code; none where there is none, or several.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self.codings.as_slice() {
            [one] => one.code.as_deref(),
            _ => None,
        }
    }
}
