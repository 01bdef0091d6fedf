//! A form and what was filled in: every field known, every value of its kind.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::kind::{Field, Kind, Role, Said};
use super::{Sure, Wrong};
use crate::codes::Certainty;
use crate::id::{CardNumber, Pin, SiNumber, TaxId};

/// What a procedure asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The form's name, such as `D02-TS`.
    pub name: &'static str,
    certainty: Sure,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Its table, where it has one.
    pub lines: Option<Lines>,
}

/// The table of a form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// The member that holds the lines.
    pub name: &'static str,
    certainty: Sure,
    /// The most lines; at least one is asked for.
    pub max: usize,
    /// The fields of a line.
    pub fields: Vec<Field>,
}

impl Form {
    /// How sure we are of the fields' names, and of those of the lines.
    #[must_use]
    pub fn certainty(&self) -> (Certainty, Option<Certainty>) {
        let lines = self.lines.as_ref().map(|lines| lines.certainty.into());
        (self.certainty.into(), lines)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        let lines = self.lines.as_ref();
        for fields in [Some(&self.fields), lines.map(|lines| &lines.fields)] {
            let fields = fields.map(Vec::as_slice).unwrap_or_default();
            for (at, field) in fields.iter().enumerate() {
                field.check()?;
                if fields[..at].iter().any(|other| other.name == field.name) {
                    return Err("a field twice");
                }
            }
        }
        match lines.is_some_and(|lines| lines.max == 0) {
            true => Err("a table without lines"),
            false => Ok(()),
        }
    }

    /// Proves what was filled in.
    ///
    /// # Errors
    /// One of [`super::REASONS`], with the field's own name.
    pub fn fill(&'static self, said: &Map<String, Value>) -> Result<Filled, Wrong> {
        let mut said = said.clone();
        let table = self.lines.as_ref().map(|lines| {
            let value = said.remove(lines.name);
            (lines, value)
        });
        let fields = fill(self.name, &self.fields, &said)?;
        let lines = match table {
            None => Vec::new(),
            Some((table, value)) => table.fill(value.as_ref())?,
        };
        Ok(Filled {
            form: self,
            fields,
            lines,
        })
    }
}

impl Lines {
    fn fill(&'static self, value: Option<&Value>) -> Result<Vec<Line>, Wrong> {
        let wrong = |reason| Wrong {
            reason,
            field: self.name,
        };
        let lines = match value {
            None => return Err(wrong("missing-field")),
            Some(Value::Array(lines)) if lines.is_empty() => return Err(wrong("missing-field")),
            Some(Value::Array(lines)) if lines.len() > self.max => {
                return Err(wrong("too-many-lines"));
            }
            Some(Value::Array(lines)) => lines,
            Some(_) => return Err(wrong("wrong-kind")),
        };
        let line = |value: &Value| match value {
            Value::Object(said) => fill(self.name, &self.fields, said),
            _ => Err(wrong("wrong-kind")),
        };
        lines.iter().map(line).collect()
    }
}

type Line = Vec<(&'static Field, Said)>;

fn fill(
    whole: &'static str,
    fields: &'static [Field],
    said: &Map<String, Value>,
) -> Result<Line, Wrong> {
    let known = |name: &String| fields.iter().any(|field| field.name == name);
    if !said.keys().all(known) {
        return Err(Wrong {
            reason: "unknown-field",
            field: whole,
        });
    }
    let mut filled = Vec::with_capacity(fields.len());
    for field in fields {
        match said.get(field.name) {
            Some(value) => filled.push((field, field.prove(value)?)),
            None if field.optional => {}
            None => {
                return Err(Wrong {
                    reason: "missing-field",
                    field: field.name,
                });
            }
        }
    }
    Ok(filled)
}

/// A form that was filled in, proven. `Debug` shows its name and how many lines it has.
#[derive(Clone, PartialEq, Eq)]
pub struct Filled {
    form: &'static Form,
    fields: Line,
    lines: Vec<Line>,
}

impl Filled {
    /// What stands in a field of the form, outside its table.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Said> {
        let found = self.fields.iter().find(|(field, _)| field.name == name);
        found.map(|(_, said)| said)
    }

    /// What stands in a field of the table, line by line; none in a line that leaves it out.
    pub fn column(&self, name: &str) -> impl Iterator<Item = Option<&Said>> {
        self.lines.iter().map(move |line| {
            let found = line.iter().find(|(field, _)| field.name == name);
            found.map(|(_, said)| said)
        })
    }

    /// How many lines the table has.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Every text in a field of this role, in order.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &str> {
        let fits = move |(field, _): &&(&'static Field, Said)| field.role == Some(role);
        self.all().filter(fits).map(|(_, said)| said.text())
    }

    /// Everybody whom the registry has to know, in order; with the name beside the number where a line has one.
    #[must_use]
    pub fn named(&self) -> Vec<Named<'_>> {
        let alone = numbered(&self.fields).map(|(role, number)| Named {
            role,
            number,
            name: None,
        });
        let lines = self.lines.iter().flat_map(|line| {
            let name = line.iter().find(|(field, _)| field.kind == Kind::Name);
            let name = name.map(|(_, said)| said.text());
            numbered(line).map(move |(role, number)| Named { role, number, name })
        });
        alone.chain(lines).collect()
    }

    /// Every social insurance number that the form names.
    pub fn si_numbers(&self) -> impl Iterator<Item = SiNumber> {
        let number = |(field, said): &(&'static Field, Said)| match field.kind {
            Kind::SiNumber => SiNumber::parse(said.text()).ok(),
            _ => None,
        };
        self.all().filter_map(number)
    }

    /// Whether a number in it lies in a range reserved for synthetic people and enterprises.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.all().any(|(field, said)| {
            let text = said.text();
            match field.kind {
                Kind::SiNumber => SiNumber::parse(text).is_ok_and(|number| number.is_synthetic()),
                Kind::Card => match text.len() {
                    15 => CardNumber::parse(text).is_ok_and(|card| card.is_synthetic()),
                    _ => SiNumber::parse(text).is_ok_and(|number| number.is_synthetic()),
                },
                Kind::Pin => Pin::parse(text).is_ok_and(|pin| pin.is_synthetic()),
                Kind::TaxCode => TaxId::parse(text).is_ok_and(|code| code.is_synthetic()),
                _ => false,
            }
        })
    }

    /// The form as JSON, its members in one order whatever order they came in.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut whole = object(&self.fields);
        if let Some(table) = &self.form.lines {
            let lines = self.lines.iter().map(|line| Value::Object(object(line)));
            whole.insert(table.name.to_owned(), lines.collect());
        }
        Value::Object(whole).to_string()
    }

    fn all(&self) -> impl Iterator<Item = &(&'static Field, Said)> {
        self.fields.iter().chain(self.lines.iter().flatten())
    }
}

/// Somebody whom a form names, by social insurance number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// Who it has to be.
    pub role: Role,
    /// The number.
    pub number: &'a str,
    /// The name in the same line.
    pub name: Option<&'a str>,
}

fn numbered(line: &Line) -> impl Iterator<Item = (Role, &str)> {
    line.iter()
        .filter(|(field, _)| field.kind == Kind::SiNumber)
        .filter_map(|(field, said)| field.role.map(|role| (role, said.text())))
}

impl std::fmt::Debug for Filled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filled({}, {} lines)", self.form.name, self.lines.len())
    }
}

impl PartialEq for Form {
    /// Rows of one catalogue: the same one.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Form {}

impl PartialEq for Field {
    /// Rows of one catalogue: the same one.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Field {}

fn object(line: &Line) -> Map<String, Value> {
    let member = |(field, said): &(&'static Field, Said)| {
        let value = match said {
            Said::Text(text) => Value::from(text.as_str()),
            Said::Number(number) => Value::from(*number),
        };
        (field.name.to_owned(), value)
    };
    line.iter().map(member).collect()
}
