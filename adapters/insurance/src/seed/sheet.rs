//! Rows on their way into an empty registry: inserted one by one into a file, copied by the megabyte into a
//! server. Ids are given here, so that both engines get the same.

use crate::sql::{Error, Postgres, Sql, Value};

/// A table that the seed writes, in the order in which it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Facilities,
    Households,
    People,
    Numbers,
    Employers,
    Employments,
    Contributions,
    Cards,
    D02,
    TaxCodes,
}

/// Takes rows and writes them in its own time; [`finish`](Self::finish) writes the rest.
pub(super) struct Sheet<'a> {
    sql: &'a Sql,
    waiting: [Vec<u8>; TABLES.len()],
}

impl<'a> Sheet<'a> {
    pub(super) fn new(sql: &'a Sql) -> Self {
        Self {
            sql,
            waiting: Default::default(),
        }
    }

    pub(super) fn add(&mut self, table: Table, row: &[Value<'_>]) -> Result<(), Error> {
        let words = &TABLES[table as usize];
        match self.sql {
            Sql::Lite(_) => self.sql.execute(words.insert, row).map(drop),
            Sql::Postgres(server) => {
                let waiting = &mut self.waiting[table as usize];
                put(waiting, row);
                match waiting.len() < COPY_BYTES {
                    true => Ok(()),
                    false => copy(server, words, waiting),
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<(), Error> {
        let Sql::Postgres(server) = self.sql else {
            return Ok(());
        };
        for (words, waiting) in TABLES.iter().zip(&mut self.waiting) {
            if !waiting.is_empty() {
                copy(server, words, waiting)?;
            }
        }
        Ok(())
    }
}

fn copy(server: &Postgres, words: &Words, waiting: &mut Vec<u8>) -> Result<(), Error> {
    let rows = std::mem::replace(waiting, Vec::with_capacity(COPY_BYTES + 4096));
    server.copy(words.copy, rows)
}

/// A row in PostgreSQL's text format.
fn put(to: &mut Vec<u8>, row: &[Value<'_>]) {
    for (at, value) in row.iter().enumerate() {
        if at > 0 {
            to.push(b'\t');
        }
        match value {
            Value::Null => to.extend_from_slice(b"\\N"),
            Value::Int(number) => to.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(text) => put_text(to, text.as_bytes()),
            Value::Blob(bytes) => {
                to.extend_from_slice(b"\\\\x");
                bytes
                    .iter()
                    .for_each(|byte| to.extend_from_slice(format!("{byte:02x}").as_bytes()));
            }
        }
    }
    to.push(b'\n');
}

fn put_text(to: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'\\' => to.extend_from_slice(b"\\\\"),
            b'\t' => to.extend_from_slice(b"\\t"),
            b'\n' => to.extend_from_slice(b"\\n"),
            b'\r' => to.extend_from_slice(b"\\r"),
            byte => to.push(*byte),
        }
    }
}

/// The two ways into a table.
struct Words {
    insert: &'static str,
    copy: &'static str,
}

macro_rules! table {
    ($name:literal ($columns:literal) $places:literal) => {
        Words {
            insert: concat!(
                "INSERT INTO ",
                $name,
                " (",
                $columns,
                ") VALUES (",
                $places,
                ")"
            ),
            copy: concat!("COPY ", $name, " (", $columns, ") FROM STDIN"),
        }
    };
}

/// In the order of [`Table`].
const TABLES: [Words; 10] = [
    table!("facilities" ("code, name") "?1, ?2"),
    table!("households" ("id, commune, commune_before") "?1, ?2, ?3"),
    table!("people" ("id, name, match_key, birth_date, sex, ethnicity, nationality, commune, household, relation, died_on")
        "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11"),
    table!("numbers" ("scheme, number, person, valid_from, valid_to") "?1, ?2, ?3, ?4, ?5"),
    table!("employers" ("id, mst, unit_code, name, state, province, commune") "?1, ?2, ?3, ?4, ?5, ?6, ?7"),
    table!("employments" ("person, employer, from_period, to_period, salary_vnd") "?1, ?2, ?3, ?4, ?5"),
    table!("contributions" ("employer, period, state, participants, fund_vnd, due_vnd, paid_vnd, arrears_vnd, closed")
        "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"),
    table!("cards" ("number, serial, person, valid_from, valid_to, facility, state, rule, issued_on")
        "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"),
    table!("d02" ("employer, period, submitted_on, plan, joined, gone") "?1, ?2, ?3, ?4, ?5, ?6"),
    table!("tax_codes" ("code, person") "?1, ?2"),
];

const COPY_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_so_that_nothing_in_it_ends_it() {
        let mut row = Vec::new();
        put(
            &mut row,
            &[Value::Int(-1), Value::Null, Value::Text("a\tb\\c\nd")],
        );
        assert_eq!(row, b"-1\t\\N\ta\\tb\\\\c\\nd\n");
    }
}
