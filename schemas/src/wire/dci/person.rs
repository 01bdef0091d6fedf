//! `CRVSPerson`, and what Viet Nam's profile (own profile) adds to it.

use crate::wire::object::wire_object;

wire_object! {
    /// A person in a civil register, as of one event.
    pub struct Person as "CRVSPerson" {
        /// Numbers of the person and of its registration.
        #[serde(default)]
        identifiers: Vec<Identifier> = "identifier", Carried("child.pin or deceased.pin (UIN); record and case_id (BRN of a birth, DRN of a death)");
        /// The name.
        name: Option<Name> = "name", Carried("child.name or deceased.name");
        /// male, female, other or unknown.
        sex: Option<String> = "sex", Carried("child.sex or deceased.sex; of a child male or female");
        /// ISO date.
        birth_date: Option<String> = "birth_date", Carried("child.birth_date or deceased.birth_date");
        /// Where it was born.
        birth_place: Option<Address> = "birth_place", NotCarried("the contract keeps where a child lives");
        /// ISO date.
        death_date: Option<String> = "death_date", Carried("died_on");
        /// Where it died.
        death_place: Option<Address> = "death_place", NotCarried("the contract does not keep it");
        /// Where it lives; the first one counts.
        #[serde(default)]
        addresses: Vec<Address> = "address", Carried("child.residence_commune and child.residence_detail");
        /// Marital status.
        marital_status: Option<String> = "marital_status", NotCarried("no business of health insurance");
        /// ISO date.
        marriage_date: Option<String> = "marriage_date", NotCarried("no business of health insurance");
        /// ISO date.
        divorce_date: Option<String> = "divorce_date", NotCarried("no business of health insurance");
        /// The mother's number.
        parent1: Option<Identifier> = "parent1_identifier", Carried("mother.pin; viet_nam.mother must be there too");
        /// The father's number.
        parent2: Option<Identifier> = "parent2_identifier", Carried("father.pin; viet_nam.father must be there too");
        /// What Viet Nam's profile adds.
        viet_nam: Option<VietNam> = "viet_nam", Carried("facility, guardian, parents' names and the entry in the register");
    }
}

wire_object! {
    /// A number and what kind it is.
    pub struct Identifier as "identifier" {
        /// UIN, BRN, MRN or DRN.
        kind: String = "identifier_type", Carried("which number it is");
        /// The number.
        value: String = "identifier_value", Carried("the number");
    }
}

/// What kind a number is (`IdentifierType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentifierType {
    /// The person's own number: in Viet Nam the PIN.
    Uin,
    /// The registration number of a birth.
    Brn,
    /// The registration number of a marriage.
    Mrn,
    /// The registration number of a death.
    Drn,
}

impl IdentifierType {
    /// Reads `identifier_type`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "UIN" => Some(Self::Uin),
            "BRN" => Some(Self::Brn),
            "MRN" => Some(Self::Mrn),
            "DRN" => Some(Self::Drn),
            _ => None,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uin => "UIN",
            Self::Brn => "BRN",
            Self::Mrn => "MRN",
            Self::Drn => "DRN",
        }
    }
}

wire_object! {
    /// A name in its parts; in Viet Nam it is said surname, second name, given name.
    pub struct Name as "name" {
        /// Family name.
        surname: Option<String> = "surname", Carried("the name, its first part");
        /// Given name.
        given_name: Option<String> = "given_name", Carried("the name, its last part");
        /// What stands between.
        second_name: Option<String> = "second_name", Carried("the name, its middle part");
        /// Title before it.
        prefix: Option<String> = "prefix", NotCarried("no part of a name in Viet Nam");
        /// Title behind it.
        suffix: Option<String> = "suffix", NotCarried("no part of a name in Viet Nam");
    }
}

wire_object! {
    /// An address.
    pub struct Address as "address" {
        /// House and street.
        line1: Option<String> = "address_line1", Carried("child.residence_detail");
        /// More of it.
        line2: Option<String> = "address_line2", Carried("child.residence_detail, after the first line");
        /// Name of the place.
        locality: Option<String> = "locality", NotCarried("the commune's code says it");
        /// Own profile: the commune, 5 digits.
        commune: Option<String> = "sub_region_code", Carried("child.residence_commune");
        /// Own profile: the province, 2 digits.
        province: Option<String> = "region_code", NotCarried("judged: the commune's own province");
        /// Postal code.
        postal_code: Option<String> = "postal_code", NotCarried("the contract does not keep it");
        /// Country.
        country: Option<String> = "country_code", NotCarried("the commune's code says it");
        /// Place on the map.
        geo_location: Option<String> = "geo_location", NotCarried("no business of health insurance");
    }
}

wire_object! {
    /// What Viet Nam's profile adds to a record (own profile).
    pub struct VietNam as "viet_nam" {
        /// Day of registration, ISO date.
        registered_on: Option<String> = "registration_date", Carried("record.registered_on");
        /// Commune of registration, 5 digits.
        registered_at: Option<String> = "registration_place", Carried("record.commune");
        /// Book of the register.
        book: Option<String> = "registration_book", Carried("record.book");
        /// Initial facility, 5 characters.
        facility: Option<String> = "initial_facility", Carried("facility");
        /// The hospital's notice of the birth (maGCS) or of the death (maGBT).
        notice: Option<String> = "notice_code", Carried("birth_notice or death_notice");
        /// Ethnicity, 2 digits.
        ethnicity: Option<String> = "ethnicity", Carried("child.ethnicity");
        /// ISO 3166 alpha-2.
        nationality: Option<String> = "nationality", Carried("child.nationality");
        /// The mother, where she is known.
        mother: Option<ParentFacts> = "mother", Carried("mother");
        /// The father, where he is known.
        father: Option<ParentFacts> = "father", Carried("father");
        /// Who is shown on the card.
        guardian: Option<Guardian> = "guardian", Carried("guardian");
    }
}

wire_object! {
    /// What is told of a parent beside the number.
    pub struct ParentFacts as "parent" {
        /// The name.
        name: Name = "name", Carried("mother.name or father.name");
        /// ISO date, or a year alone.
        birth_date: Option<String> = "birth_date", Carried("mother.birth_date or father.birth_date");
    }
}

wire_object! {
    /// Who is shown on the card.
    pub struct Guardian as "guardian" {
        /// The name.
        name: Name = "name", Carried("guardian.name");
        /// mother, father or requester.
        relation: String = "relation", Carried("guardian.relation");
        /// Telephone.
        phone: Option<String> = "phone", Carried("guardian.phone");
    }
}
