//! A record as it lies in a run: its length, a key of fixed size that sorts as it stands, then the rest.

use std::borrow::Cow;

use schemas::wire::tax_records::{Employer, NumberKey, Person, PersonKey, Record, Status, TaxKey};

use super::Refusal;

/// What records are sorted by: of a person PIN, employer, number; of an employer tax code, unit, nothing.
pub(super) type Key = [u64; 3];

/// Bytes of a key.
const KEY_BYTES: usize = 24;

pub(super) fn key_of(record: &Record<'_>) -> Key {
    match record {
        Record::Employer(employer) => [employer.mst.raw(), unit_number(employer.unit), 0],
        Record::Person(person) => [person.person.raw(), person.mst.raw(), person.number.raw()],
    }
}

/// Writes a record behind its length.
pub(super) fn pack(key: Key, record: &Record<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    for part in key {
        out.extend_from_slice(&part.to_be_bytes());
    }
    match record {
        Record::Employer(employer) => pack_employer(employer, out),
        Record::Person(person) => pack_person(person, out),
    }
    let length = u16::try_from(out.len() - start - 2).unwrap_or(u16::MAX);
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

fn pack_employer(employer: &Employer<'_>, out: &mut Vec<u8>) {
    for number in [employer.amount, employer.due, employer.paid] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&employer.count.to_be_bytes());
    out.extend_from_slice(&[
        employer.province,
        employer.region,
        status_byte(employer.status),
    ]);
    let name = u16::try_from(employer.name.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&name.to_be_bytes());
    out.extend_from_slice(employer.name.as_bytes());
    out.extend_from_slice(employer.address.as_bytes());
}

fn pack_person(person: &Person<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&person.amount.to_be_bytes());
    out.extend_from_slice(&person.born.to_be_bytes());
    out.extend_from_slice(&[person.province, person.region, u8::from(person.full)]);
    out.extend_from_slice(person.name.as_bytes());
}

/// The key of a packed record without its length.
pub(super) fn key(packed: &[u8]) -> Option<Key> {
    let mut bytes = packed.get(..KEY_BYTES)?;
    Some([
        take_u64(&mut bytes)?,
        take_u64(&mut bytes)?,
        take_u64(&mut bytes)?,
    ])
}

pub(super) fn employer(packed: &[u8]) -> Result<Employer<'_>, Refusal> {
    unpack_employer(packed).ok_or(Refusal::Folder)
}

pub(super) fn person(packed: &[u8]) -> Result<Person<'_>, Refusal> {
    unpack_person(packed).ok_or(Refusal::Folder)
}

fn unpack_employer(mut bytes: &[u8]) -> Option<Employer<'_>> {
    let [mst, _, _] = key(bytes)?;
    let unit = unit_text(bytes.get(8..16)?)?;
    bytes = bytes.get(KEY_BYTES..)?;
    let [amount, due, paid] = [
        take_u64(&mut bytes)?,
        take_u64(&mut bytes)?,
        take_u64(&mut bytes)?,
    ];
    let count = take_u32(&mut bytes)?;
    let (&[province, region, status], rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (name, address) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some(Employer {
        mst: TaxKey::from_raw(mst),
        unit,
        province,
        region,
        status: status_of(status),
        name: text(name)?,
        address: text(address)?,
        count,
        amount,
        due,
        paid,
    })
}

fn unpack_person(mut bytes: &[u8]) -> Option<Person<'_>> {
    let [person, mst, number] = key(bytes)?;
    bytes = bytes.get(KEY_BYTES..)?;
    let amount = take_u64(&mut bytes)?;
    let born = take_u32(&mut bytes)?;
    let (&[province, region, full], name) = bytes.split_first_chunk()?;
    Some(Person {
        person: PersonKey::from_raw(person),
        number: NumberKey::from_raw(number),
        mst: TaxKey::from_raw(mst),
        province,
        region,
        name: text(name)?,
        born,
        amount,
        full: full == 1,
    })
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_be_bytes(*head))
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*head))
}

/// Seven characters behind a zero byte, so that numbers sort as the texts do.
fn unit_number(unit: &str) -> u64 {
    unit.bytes()
        .fold(0, |number, byte| number << 8 | u64::from(byte))
}

fn unit_text(bytes: &[u8]) -> Option<&str> {
    let from = bytes
        .iter()
        .position(|byte| *byte > 0)
        .unwrap_or(bytes.len());
    std::str::from_utf8(bytes.get(from..)?).ok()
}

const fn status_byte(status: Status) -> u8 {
    match status {
        Status::Taxpayer(code) => code,
        Status::Active => 200,
        Status::Suspended => 201,
        Status::Closed => 202,
    }
}

const fn status_of(byte: u8) -> Status {
    match byte {
        200 => Status::Active,
        201 => Status::Suspended,
        202 => Status::Closed,
        code => Status::Taxpayer(code),
    }
}
