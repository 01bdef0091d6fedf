//! The synthetic people, employers and places that an agency may speak about: `landmarks.json`.
//!
//! The sandbox writes the file when it seeds its database, so that messages can name somebody who is
//! there. Nobody in it is real; members that are not listed here are passed over.

use std::path::Path;

use serde::Deserialize;

/// Why there are no landmarks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("{0}: {1}")]
    File(String, #[source] std::io::Error),
    /// The file is not of this form.
    #[error("{0}: {1}")]
    Form(String, #[source] serde_json::Error),
    /// The list that is needed is empty.
    #[error("landmarks.json names no {0}")]
    None(&'static str),
}

/// Everything that an agency may speak about.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Landmarks {
    /// Employers that are in the database.
    pub employers: Vec<Employer>,
    /// Tax code of an employer whose newest statement is still open, where there is one.
    pub employer_incomplete: Option<String>,
    /// Tax code of an employer in arrears, where there is one.
    pub employer_in_arrears: Option<String>,
    /// Tax code of a branch, where there is one.
    pub branch: Option<String>,
    /// Tax code of a household business, its owner's PIN, where there is one.
    pub household: Option<String>,
    /// A personal tax code that two people have, where there is one.
    pub ambiguous_mst: Option<String>,
    /// A tax code with a right check digit that nobody has.
    pub unregistered_mst: Option<String>,
    /// The newest month whose statements are closed, `yyyy-MM`.
    pub period: Option<String>,
    /// Women of child-bearing age that are in the database.
    pub mothers: Vec<Person>,
    /// Communes in force today.
    pub communes: Vec<Commune>,
    /// Health facilities, 5 characters.
    pub facilities: Vec<Facility>,
    /// People with a card that may be reissued.
    pub holders: Vec<Person>,
}

impl std::fmt::Debug for Landmarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Landmarks(***)")
    }
}

/// An employer.
#[derive(Clone, Deserialize)]
pub struct Employer {
    /// Tax code.
    pub mst: String,
}

/// A person.
#[derive(Clone, Deserialize)]
pub struct Person {
    /// Name.
    pub name: String,
    /// PIN, 12 digits.
    pub pin: String,
    /// Day of birth, `yyyy-MM-dd`.
    pub birth_date: String,
    /// Card number, 15 characters.
    #[serde(default)]
    pub card: Option<String>,
    /// Commune of residence, 5 digits.
    #[serde(default)]
    pub commune: Option<String>,
}

/// A commune with its province.
#[derive(Clone, Deserialize)]
pub struct Commune {
    /// 5 digits.
    pub code: String,
    /// 2 digits of the list in force.
    pub province: String,
    /// A facility of that province, 5 characters.
    #[serde(default)]
    pub facility: Option<String>,
}

/// A health facility.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Facility {
    /// Its code alone.
    Code(String),
    /// Its code among other members.
    Record {
        /// 5 characters.
        code: String,
    },
}

impl Facility {
    /// The code.
    pub fn code(&self) -> &str {
        match self {
            Self::Code(code) | Self::Record { code } => code,
        }
    }
}

impl Landmarks {
    /// Reads `landmarks.json` of an agency's folder.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("landmarks.json");
        let shown = || path.display().to_string();
        let text = std::fs::read(&path).map_err(|error| Error::File(shown(), error))?;
        serde_json::from_slice(&text).map_err(|error| Error::Form(shown(), error))
    }
}

/// The item that a number points at, counted round; an empty list is told by its name.
pub(crate) fn pick<'a, T>(list: &'a [T], number: u64, name: &'static str) -> Result<&'a T, Error> {
    let count = u64::try_from(list.len())
        .ok()
        .filter(|count| *count > 0)
        .ok_or(Error::None(name))?;
    usize::try_from(number % count)
        .ok()
        .and_then(|at| list.get(at))
        .ok_or(Error::None(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_nobody_needs_are_passed_over() {
        let text = r#"{"mothers":[{"name":"A","pin":"099193000001","birth_date":"1993-01-02","x":1}],"facilities":["01001",{"code":"79001","name":"B"}],"y":[]}"#;
        let landmarks: Landmarks = serde_json::from_str(text).unwrap();
        assert_eq!(landmarks.facilities[1].code(), "79001");
        assert_eq!(
            pick(&landmarks.mothers, 7, "mother").unwrap().birth_date,
            "1993-01-02"
        );
        assert!(matches!(
            pick(&landmarks.communes, 0, "commune"),
            Err(Error::None("commune"))
        ));
        assert_eq!(format!("{landmarks:?}"), "Landmarks(***)");
    }
}
