//! Small checks, each with its reason; a fault names the wire field and never its value.

use gateway_core::{Claims, Operation};
use schemas::{
    fault::{Fault, FaultCode},
    json::{JsonError, Reason},
};

/// What was proven is what this door is for.
pub(crate) fn is_for(claims: &Claims, door: &Operation) -> Result<(), Fault> {
    match claims.operation == door.name {
        true => Ok(()),
        false => Err(Fault::new(FaultCode::Invalid, "operation-and-path-differ")),
    }
}

pub(crate) fn invalid(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason).field(field)
}

/// A text that is not JSON is malformed, one over a bound too large, one of other members invalid.
pub(crate) fn json(error: JsonError) -> Fault {
    let code = match error.reason() {
        Reason::Mismatch => FaultCode::Invalid,
        Reason::TooLong | Reason::TooDeep | Reason::TooMany => FaultCode::TooLarge,
        _ => FaultCode::Malformed,
    };
    Fault::new(code, error.code()).log(format!("at byte {}", error.offset()))
}

/// A text that is not blank.
pub(crate) fn text<'a>(text: &'a str, field: &'static str) -> Result<&'a str, Fault> {
    match text.trim() {
        "" => Err(invalid("missing-field", field)),
        text => Ok(text),
    }
}

/// A bounded text without control characters; empty where absent.
pub(crate) fn optional(
    text: Option<&String>,
    chars_max: usize,
    field: &'static str,
) -> Result<String, Fault> {
    let text = text.map(|text| text.trim()).unwrap_or_default();
    if text.chars().count() > chars_max {
        return Err(invalid("text-too-long", field));
    }
    match text.chars().any(char::is_control) {
        true => Err(invalid("control-character", field)),
        false => Ok(text.to_owned()),
    }
}
