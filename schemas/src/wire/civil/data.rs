//! What stands in `data`: the form as a JSON string (as in the field), as a JSON object, or as the XML element `hoTich` in a string, in
//! which one-stop systems have it from DVCLT. The three say the same and are read by the same tables.

use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value, value::RawValue};

use super::decode;
use crate::json::{JsonError, Reason};
use crate::xml::{Element, Limits, XmlError};

/// Why the form in `data` cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataError {
    /// As JSON.
    Json(JsonError),
    /// It breaks a rule of XML.
    Xml(XmlError),
    /// An element, an attribute or a text where the form has none.
    Unexpected,
    /// An element that is there twice.
    Twice,
}

/// A text as it stands; an object in its very spelling.
pub(super) fn text_or_object<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let raw = <Box<RawValue>>::deserialize(from)?;
    match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw.get()).map_err(D::Error::custom),
        Some(b'{') => Ok(raw.get().to_owned()),
        _ => Err(D::Error::custom("neither a text nor an object")),
    }
}

/// Reads a form, in whichever way it is written.
pub(super) fn read<T: DeserializeOwned>(data: &str) -> Result<T, DataError> {
    let data = data.trim_start();
    if !data.starts_with('<') {
        return decode(data.as_bytes()).map_err(DataError::Json);
    }
    let root = Element::parse(data.as_bytes(), &LIMITS).map_err(DataError::Xml)?;
    if !root.is("", ROOT) {
        return Err(DataError::Unexpected);
    }
    let form = Value::Object(members(&root)?).to_string();
    decode(form.as_bytes()).map_err(|error| match error.reason() {
        // an element that the tables do not have, or a number that is none
        Reason::Mismatch => DataError::Unexpected,
        _ => DataError::Json(error),
    })
}

/// The elements in one as members of an object; an empty one says nothing.
fn members(outer: &Element<'_>) -> Result<Map<String, Value>, DataError> {
    if !outer.attributes.is_empty() || outer.is_mixed() {
        return Err(DataError::Unexpected);
    }
    let mut found = Map::new();
    for element in &outer.children {
        if !element.namespace.is_empty() {
            return Err(DataError::Unexpected);
        }
        if found.contains_key(element.local) {
            return Err(DataError::Twice);
        }
        let inner = members(element)?;
        let text = element.text.trim();
        let value = match (inner.is_empty(), text) {
            (false, _) => Value::Object(inner),
            (true, "") => Value::Null,
            (true, text) if is_number(outer.local, element.local) => number(text)?,
            (true, text) => Value::String(text.to_owned()),
        };
        found.insert(element.local.to_owned(), value);
    }
    found.retain(|_, value| !value.is_null());
    Ok(found)
}

fn number(text: &str) -> Result<Value, DataError> {
    let number: Result<u8, _> = text.parse();
    number.map(Value::from).map_err(|_| DataError::Unexpected)
}

/// Codes that are numbers in JSON: those of the result and of what is true now, not those of the form itself.
fn is_number(outer: &str, name: &str) -> bool {
    ["ketQuaXuLy", "noiDung"].contains(&outer) && NUMBERS.contains(&name)
}

const NUMBERS: [&str; 5] = [
    "nksGioiTinh",
    "nktGioiTinh",
    "meLoaiCuTru",
    "chaLoaiCuTru",
    "nktLoaiCuTru",
];
const ROOT: &str = "hoTich";
/// The bounds of a form; what is in it is bounded by the JSON that it becomes too.
const LIMITS: Limits = Limits {
    bytes_max: 16 << 20,
    depth_max: 8,
    elements_max: 1_024,
    attributes_max: 8,
    namespaces_max: 8,
    name_bytes_max: 64,
    text_bytes_max: 8 << 20,
};
