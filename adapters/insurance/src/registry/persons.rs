//! What is corrected of a person is told to whoever watches, in the transaction of the correction: what is otherwise now, and
//! of that the agreed fields alone. Departments that watch hear of everybody, a portal of whom its dossiers are about.
//!
//! It is told under the PIN, which is a person's tax code (Circular 86/2024/TT-BTC art. 5): of one who had none nobody has heard.

use schemas::proto::insurance::{Person, PersonChange, Sex};

use super::births::Birth;
use super::{Error, Tx, changes, watches};
use crate::sql::values;

/// The words of the fields that can be told.
pub(super) const FIELDS: [&str; 4] = ["pin", "name", "birthDate", "sex"];

/// Tells everybody who watches and is to be told of something of this.
pub(super) fn corrected(
    tx: &Tx<'_>,
    person: i64,
    before: &Person,
    now: &Birth,
    parents: bool,
) -> Result<(), Error> {
    if before.pin.is_empty() {
        return Ok(());
    }
    let mut watching: Vec<(String, String)> = tx.sql.query(
        "SELECT partner, persons FROM employer_watches ORDER BY partner",
        values![],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    watching.extend(watches::of(tx.sql, person)?);
    for (partner, fields) in watching {
        let change = told(before, now, parents, &fields);
        if change == PersonChange::default() {
            continue;
        }
        let change = PersonChange {
            pin: before.pin.clone(),
            corrected_on: tx.today.to_string(),
            ..change
        };
        changes::append_person(tx, &partner, person, &change)?;
    }
    Ok(())
}

/// Whether a field is one of these.
pub(super) fn is_agreed(fields: &str, field: &str) -> bool {
    fields.split(' ').any(|one| one == field)
}

/// What is otherwise now, of these fields.
fn told(before: &Person, now: &Birth, parents: bool, fields: &str) -> PersonChange {
    let agreed = |field: &str| is_agreed(fields, field);
    let text = |field: &str, before: &str, now: String| match agreed(field) && before != now {
        true => now,
        false => String::new(),
    };
    let sex = match agreed("sex") && before.sex != now.sex_code() {
        true => now.sex_code(),
        false => Sex::Unspecified.into(),
    };
    PersonChange {
        new_pin: text("pin", &before.pin, now.pin.as_str().to_owned()),
        name: text("name", &before.name, now.name.text.clone()),
        birth_date: text("birthDate", &before.birth_date, now.birth_date.to_string()),
        sex,
        parents: parents && agreed(watches::PARENTS),
        ..PersonChange::default()
    }
}
