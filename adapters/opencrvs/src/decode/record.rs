//! The record that a registry of the DCI kind would tell of, out of the resources of a bundle. What a value must be is checked
//! there (`dci`); here is said only where it stands.

use jiff::Timestamp;
use roads::dci::moment;
use schemas::{
    date::day_in_viet_nam,
    fault::Fault,
    wire::{
        dci::{self as registry, IdentifierType, ParentFacts, Person, VietNam, VitalEvent},
        opencrvs::{Address, HumanName, Identifier, Patient, Topic},
    },
};

use super::{NUMBER, bundle::Parts, invalid};

pub(super) fn read(parts: &Parts, topic: Topic) -> Result<(VitalEvent, Person), Fault> {
    let number = number(parts, topic)?;
    match topic {
        Topic::BirthRegistered => Ok((VitalEvent::LiveBirth, birth(parts, number)?)),
        Topic::DeathRegistered => Ok((VitalEvent::Death, death(parts, number)?)),
    }
}

fn birth(parts: &Parts, number: &str) -> Result<Person, Fault> {
    let child = parts.patient("child-details")?;
    let child = child.ok_or_else(|| invalid("missing-field", "child-details"))?;
    same_number(child, "BIRTH_REGISTRATION_NUMBER", number)?;
    let [mother, father] = [
        parts.patient("mother-details")?,
        parts.patient("father-details")?,
    ];
    // a parent of whom nobody knows a name is none
    let known = |one: Option<&Patient>| one.filter(|one| has_name(one)).map(parent).transpose();
    Ok(Person {
        identifiers: identifiers(child, IdentifierType::Brn, number)?,
        name: Some(name(child)?),
        sex: child.gender.clone(),
        birth_date: child.birth_date.clone(),
        addresses: vec![address(parts, [Some(child), mother, father])?],
        parent1: known_pin(mother)?,
        parent2: known_pin(father)?,
        viet_nam: Some(VietNam {
            facility: item(parts, "birth.child.child-view-group.initialFacility")?,
            notice: item(parts, "birth.child.child-view-group.birthNoticeCode")?,
            ethnicity: item(parts, "birth.child.child-view-group.ethnicity")?,
            nationality: item(parts, "birth.child.child-view-group.nationality")?,
            mother: known(mother)?,
            father: known(father)?,
            guardian: guardian(parts)?,
            ..registered(parts)?
        }),
        ..Person::default()
    })
}

fn death(parts: &Parts, number: &str) -> Result<Person, Fault> {
    let deceased = parts.patient("deceased-details")?;
    let deceased = deceased.ok_or_else(|| invalid("missing-field", "deceased-details"))?;
    same_number(deceased, "DEATH_REGISTRATION_NUMBER", number)?;
    Ok(Person {
        identifiers: identifiers(deceased, IdentifierType::Drn, number)?,
        name: Some(name(deceased)?),
        sex: deceased.gender.clone(),
        birth_date: deceased.birth_date.clone(),
        death_date: deceased.died_on.clone(),
        viet_nam: Some(VietNam {
            notice: item(parts, "death.deceased.deceased-view-group.deathNoticeCode")?,
            ..registered(parts)?
        }),
        ..Person::default()
    })
}

/// The registration number, as the Task has it.
fn number(parts: &Parts, topic: Topic) -> Result<&str, Fault> {
    let system = match topic {
        Topic::BirthRegistered => "http://opencrvs.org/specs/id/birth-registration-number",
        Topic::DeathRegistered => "http://opencrvs.org/specs/id/death-registration-number",
    };
    let identifiers = parts.task.identifiers.iter();
    let mut told = identifiers.filter(|one| one.system.as_deref() == Some(system));
    match (told.next(), told.next()) {
        (Some(one), None) => given(&one.value).ok_or_else(|| invalid("missing-field", NUMBER)),
        (None, _) => Err(invalid("missing-field", NUMBER)),
        (Some(_), Some(_)) => Err(invalid("identifier-twice", NUMBER)),
    }
}

/// The day on which the Task became what it is: registered.
fn registered(parts: &Parts) -> Result<VietNam, Fault> {
    let at = given(&parts.task.last_modified);
    let at: Timestamp = moment(
        at.ok_or_else(|| invalid("missing-field", "lastModified"))?,
        "lastModified",
    )?;
    Ok(VietNam {
        registered_on: Some(day_in_viet_nam(at).to_string()),
        ..VietNam::default()
    })
}

/// A person's own registration number, where it has one, is the Task's.
fn same_number(person: &Patient, kind: &'static str, number: &str) -> Result<(), Fault> {
    match one_identifier(person, kind)? {
        Some(told) if told != number => Err(invalid("registration-numbers-differ", NUMBER)),
        _ => Ok(()),
    }
}

fn identifiers(
    person: &Patient,
    kind: IdentifierType,
    number: &str,
) -> Result<Vec<registry::Identifier>, Fault> {
    let record = registry::Identifier {
        kind: kind.as_str().to_owned(),
        value: number.to_owned(),
    };
    Ok(pin(person)?.into_iter().chain([record]).collect())
}

fn pin(person: &Patient) -> Result<Option<registry::Identifier>, Fault> {
    let told = one_identifier(person, "NATIONAL_ID")?;
    Ok(told.map(|value| registry::Identifier {
        kind: IdentifierType::Uin.as_str().to_owned(),
        value: value.to_owned(),
    }))
}

fn known_pin(parent: Option<&Patient>) -> Result<Option<registry::Identifier>, Fault> {
    match parent {
        Some(parent) => pin(parent),
        None => Ok(None),
    }
}

fn one_identifier<'a>(person: &'a Patient, kind: &'static str) -> Result<Option<&'a str>, Fault> {
    let is_kind = |one: &&Identifier| one.kind.as_ref().and_then(|one| one.code()) == Some(kind);
    let mut told = person.identifiers.iter().filter(is_kind);
    match (told.next(), told.next()) {
        (one, None) => Ok(one.and_then(|one| given(&one.value))),
        (_, Some(_)) => Err(invalid("identifier-twice", kind)),
    }
}

fn has_name(person: &Patient) -> bool {
    let of = |name: &HumanName| {
        given(&name.family).is_some() || name.given.iter().any(|one| !one.trim().is_empty())
    };
    person.names.iter().any(of)
}

fn parent(person: &Patient) -> Result<ParentFacts, Fault> {
    Ok(ParentFacts {
        name: name(person)?,
        birth_date: given(&person.birth_date).map(str::to_owned),
    })
}

/// Family name and what stands behind it, of the one name that counts.
fn name(person: &Patient) -> Result<registry::Name, Fault> {
    let one = match person.names.as_slice() {
        [] => return Err(invalid("missing-field", "name")),
        [one] => one,
        several => {
            let is_ours = |one: &&HumanName| one.language.as_deref() == Some("vi");
            let mut ours = several.iter().filter(is_ours);
            match (ours.next(), ours.next()) {
                (Some(one), None) => one,
                _ => return Err(invalid("several-names", "name")),
            }
        }
    };
    let behind: Vec<&str> = one.given.iter().map(|one| one.trim()).collect();
    let behind: Vec<&str> = behind.into_iter().filter(|one| !one.is_empty()).collect();
    Ok(registry::Name {
        surname: one.family.clone(),
        given_name: (!behind.is_empty()).then(|| behind.join(" ")),
        ..registry::Name::default()
    })
}

/// Where the child lives: its own address, else its mother's, else its father's.
fn address(parts: &Parts, of: [Option<&Patient>; 3]) -> Result<registry::Address, Fault> {
    let with_address = of.into_iter().flatten();
    let mut with_address = with_address.filter(|one| !one.addresses.is_empty());
    let person = with_address
        .next()
        .ok_or_else(|| invalid("missing-field", "address"))?;
    let home = home(&person.addresses)?;
    let district = given(&home.district);
    let district = district.ok_or_else(|| invalid("missing-field", "district"))?;
    let commune = parts.place(district, "district")?.to_owned();
    let province = match given(&home.state) {
        None => None,
        Some(id) => Some(parts.place(id, "state")?.to_owned()),
    };
    let lines: Vec<&str> = home.lines.iter().map(|line| line.trim()).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    Ok(registry::Address {
        line1: (!lines.is_empty()).then(|| lines.join(", ")),
        commune: Some(commune),
        province,
        ..registry::Address::default()
    })
}

fn home(addresses: &[Address]) -> Result<&Address, Fault> {
    if let [one] = addresses {
        return Ok(one);
    }
    let is_home = |one: &&Address| one.kind.as_deref() == Some("PRIMARY_ADDRESS");
    let mut homes = addresses.iter().filter(is_home);
    match (homes.next(), homes.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(invalid("several-addresses", "address")),
    }
}

/// Whoever told of the birth; nobody where that is not said, which makes it a parent.
fn guardian(parts: &Parts) -> Result<Option<registry::Guardian>, Fault> {
    let Some((relation, person)) = parts.informant()? else {
        return Ok(None);
    };
    let relation = match relation {
        "MOTHER" => "mother",
        "FATHER" => "father",
        _ => "requester",
    };
    Ok(Some(registry::Guardian {
        name: name(person)?,
        relation: relation.to_owned(),
        phone: None,
    }))
}

/// The answer to one of our own questions, where it was answered.
fn item(parts: &Parts, text: &'static str) -> Result<Option<String>, Fault> {
    let items = parts.items.iter();
    let mut told = items.filter(|item| item.text.as_deref() == Some(text));
    let answers = match (told.next(), told.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one.answers.as_slice(),
        (Some(_), Some(_)) => return Err(invalid("item-twice", "item")),
    };
    match answers {
        [] => Ok(None),
        [one] => Ok(one.text.clone()),
        _ => Err(invalid("item-twice", "answer")),
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    let text = text.as_deref().map(str::trim);
    text.filter(|text| !text.is_empty())
}
