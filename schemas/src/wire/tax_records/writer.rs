//! Both forms, written without an allocation per record; what is written is read back as the same record.

use super::fields::{FIELDS, Field, Row, Shape};
use super::{Employer, Form, Head, Kind, NAMESPACE, Party, Person, Record, Status, ndjson, xml};

/// Writes the head of a stream.
pub fn open(form: Form, head: Head, out: &mut Vec<u8>) {
    let (party, kind) = (head.party.as_str(), head.kind.as_str());
    let (root, version, period) = (xml::ROOT, ndjson::VERSION, head.period);
    let text = match form {
        Form::Xml => format!(
            "<{root} xmlns=\"{NAMESPACE}\" party=\"{party}\" kind=\"{kind}\" period=\"{period}\">\n"
        ),
        Form::Ndjson => format!(
            "{{\"records\":\"{version}\",\"party\":\"{party}\",\"kind\":\"{kind}\",\"period\":\"{period}\"}}\n"
        ),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Writes one record of a stream of `party`.
pub fn write(form: Form, party: Party, record: &Record<'_>, out: &mut Vec<u8>) {
    let mut pen = Pen {
        form,
        out,
        first: true,
    };
    match record {
        Record::Employer(employer) => {
            pen.begin(Kind::Employer);
            write_employer(&mut pen, party, employer);
        }
        Record::Person(person) => {
            pen.begin(Kind::Person);
            write_person(&mut pen, person);
        }
    }
    pen.end();
}

/// Writes the end of a stream.
pub fn close(form: Form, out: &mut Vec<u8>) {
    if form == Form::Xml {
        out.extend_from_slice(b"</TaxRecords>\n");
    }
}

fn write_employer(pen: &mut Pen<'_>, party: Party, employer: &Employer<'_>) {
    pen.display(Field::Mst, employer.mst);
    if party == Party::Si {
        pen.text(Field::Unit, employer.unit);
    }
    pen.digits(Field::Province, u64::from(employer.province), 2);
    pen.digits(Field::Region, u64::from(employer.region), 1);
    match employer.status {
        Status::Active => pen.text(Field::Status, "active"),
        Status::Suspended => pen.text(Field::Status, "suspended"),
        Status::Closed => pen.text(Field::Status, "closed"),
        Status::Taxpayer(code) => pen.digits(Field::Status, u64::from(code), 2),
    }
    pen.text(Field::Name, &employer.name);
    pen.text(Field::Address, &employer.address);
    pen.digits(Field::Count, u64::from(employer.count), 1);
    pen.digits(Field::Amount, employer.amount, 1);
    if party == Party::Si {
        pen.digits(Field::Due, employer.due, 1);
        pen.digits(Field::Paid, employer.paid, 1);
    }
}

fn write_person(pen: &mut Pen<'_>, person: &Person<'_>) {
    pen.display(Field::Mst, person.mst);
    pen.digits(Field::Person, person.person.raw(), 12);
    if let Some(number) = person.number.raw().checked_sub(1) {
        pen.digits(Field::Number, number, 10);
    }
    pen.digits(Field::Province, u64::from(person.province), 2);
    pen.digits(Field::Region, u64::from(person.region), 1);
    pen.text(Field::Name, &person.name);
    pen.born(person.born);
    pen.digits(Field::Amount, person.amount, 1);
    pen.flag(Field::Full, person.full);
}

struct Pen<'a> {
    form: Form,
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Pen<'_> {
    fn begin(&mut self, kind: Kind) {
        match (self.form, kind) {
            (Form::Xml, Kind::Employer) => self.out.extend_from_slice(b"<Employer"),
            (Form::Xml, Kind::Person) => self.out.extend_from_slice(b"<Person"),
            (Form::Ndjson, _) => self.out.push(b'{'),
        }
    }

    fn end(&mut self) {
        self.out.extend_from_slice(match self.form {
            Form::Xml => b"/>\n".as_slice(),
            Form::Ndjson => b"}\n",
        });
    }

    /// The name of a field and what stands before its value.
    fn name(&mut self, row: &Row) {
        match self.form {
            Form::Xml => {
                self.out.push(b' ');
                self.out.extend_from_slice(row.word.as_bytes());
                self.out.extend_from_slice(b"=\"");
            }
            Form::Ndjson => {
                if !std::mem::take(&mut self.first) {
                    self.out.push(b',');
                }
                self.out.push(b'"');
                self.out.extend_from_slice(row.word.as_bytes());
                self.out.extend_from_slice(b"\":");
                if row.shape == Shape::Text {
                    self.out.push(b'"');
                }
            }
        }
    }

    fn closed(&mut self, row: &Row) {
        if self.form == Form::Xml || row.shape == Shape::Text {
            self.out.push(b'"');
        }
    }

    fn value(&mut self, field: Field, write: impl FnOnce(&mut Vec<u8>, Form)) {
        let row = &FIELDS[field as usize];
        self.name(row);
        write(self.out, self.form);
        self.closed(row);
    }

    fn text(&mut self, field: Field, text: &str) {
        self.value(field, |out, form| escape(text, form, out));
    }

    fn display(&mut self, field: Field, value: impl std::fmt::Display) {
        self.value(field, |out, _| {
            use std::io::Write as _;
            let written = write!(out, "{value}");
            debug_assert!(written.is_ok(), "a vector takes every byte");
        });
    }

    /// A number with at least `width` digits.
    fn digits(&mut self, field: Field, number: u64, width: usize) {
        self.value(field, |out, _| push_digits(number, width, out));
    }

    fn flag(&mut self, field: Field, flag: bool) {
        self.value(field, |out, _| {
            out.extend_from_slice(if flag { b"true" } else { b"false" });
        });
    }

    fn born(&mut self, born: u32) {
        self.value(Field::Born, |out, _| {
            push_digits(u64::from(born / 10_000), 4, out);
            if !born.is_multiple_of(10_000) {
                out.push(b'-');
                push_digits(u64::from(born / 100 % 100), 2, out);
                out.push(b'-');
                push_digits(u64::from(born % 100), 2, out);
            }
        });
    }
}

fn push_digits(number: u64, width: usize, out: &mut Vec<u8>) {
    let mut buffer = [b'0'; 20];
    let (mut at, mut rest) = (buffer.len(), number);
    while rest > 0 && at > 0 {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    let from = at.min(buffer.len().saturating_sub(width));
    out.extend_from_slice(&buffer[from..]);
}

fn escape(text: &str, form: Form, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match (form, byte) {
            (Form::Xml, b'&') => out.extend_from_slice(b"&amp;"),
            (Form::Xml, b'<') => out.extend_from_slice(b"&lt;"),
            (Form::Xml, b'"') => out.extend_from_slice(b"&quot;"),
            (Form::Ndjson, b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
}
