//! What a record declares as it stands: what every accepted action declares, and the one that is asked for, a later one over an
//! earlier one; what is null is taken back. So OpenCRVS itself puts a record together (`aggregateActionDeclarations`).

use schemas::{
    fault::Fault,
    wire::opencrvs::{self as wire, Action, EventDocument, FullName},
};
use serde_json::{Map, Value};

use crate::decode::invalid;

/// Actions that declare nothing of the record.
const NOT_COUNTED: [&str; 3] = [
    "REQUEST_CORRECTION",
    "PRINT_CERTIFICATE",
    "REJECT_CORRECTION",
];

/// The action that is asked for, and what the record declares.
pub(super) struct State<'a> {
    pub(super) asked: &'a Action,
    declared: Map<String, Value>,
}

impl<'a> State<'a> {
    /// Finds the registration that is asked for: it is there once, and nobody has answered it.
    pub(super) fn of(record: &'a EventDocument, action: &str) -> Result<Self, Fault> {
        let mut named = record.actions.iter().filter(|one| one.id == action);
        let (Some(asked), None) = (named.next(), named.next()) else {
            return Err(invalid("unknown-action", "actions"));
        };
        if asked.kind != "REGISTER" {
            return Err(invalid("path-and-record-differ", "actions"));
        }
        let is_answer = |one: &Action| one.original_action_id.as_deref() == Some(action);
        if asked.status != REQUESTED || record.actions.iter().any(is_answer) {
            return Err(invalid("action-is-over", "status"));
        }
        let mut accepted: Vec<&Action> = record.actions.iter().filter(|one| counts(one)).collect();
        accepted.sort_by(|one, other| one.created_at.cmp(&other.created_at));
        let mut declared = Map::new();
        for one in accepted {
            let begun = |known: &&Action| {
                one.original_action_id.as_ref() == Some(&known.id) && known.status == REQUESTED
            };
            if let Some(begun) = record.actions.iter().find(begun) {
                merge(&mut declared, begun.declaration.as_ref());
            }
            merge(&mut declared, one.declaration.as_ref());
        }
        merge(&mut declared, asked.declaration.as_ref());
        Ok(Self { asked, declared })
    }

    /// A text; none where it is not there or empty.
    pub(super) fn text(&self, field: &'static str) -> Result<Option<String>, Fault> {
        match self.declared.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                let text = text.trim();
                Ok((!text.is_empty()).then(|| text.to_owned()))
            }
            Some(_) => Err(invalid("bad-code", field)),
        }
    }

    /// A name; none where it is not there or nothing stands in it.
    pub(super) fn name(&self, field: &'static str) -> Result<Option<FullName>, Fault> {
        let Some(value) = self.declared.get(field).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let name: FullName =
            wire::decode(value.to_string().as_bytes()).map_err(|_| invalid("bad-code", field))?;
        let parts = [&name.surname, &name.middlename, &name.firstname];
        let is_said =
            |part: &&Option<String>| part.as_deref().is_some_and(|part| !part.trim().is_empty());
        Ok(parts.iter().any(is_said).then_some(name))
    }
}

fn counts(action: &Action) -> bool {
    action.status == "Accepted" && !NOT_COUNTED.contains(&action.kind.as_str())
}

/// Objects member by member, everything else as a whole.
fn merge(into: &mut Map<String, Value>, more: Option<&Map<String, Value>>) {
    for (name, value) in more.into_iter().flatten() {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {
                into.remove(name);
            }
            (Some(Value::Object(known)), Value::Object(more)) => merge(known, Some(more)),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

const REQUESTED: &str = "Requested";
