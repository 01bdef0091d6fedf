//! `guiGiayToDienTu`: what a hospital tells, in a form around a document that its unit has signed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certs::{keys::SigningKey, xmldsig::sign_beside};
use insurance::seed::Landmarks;
use jiff::{Timestamp, ToSpan as _};
use schemas::{
    date::{day_in_viet_nam, format_compact},
    wire::hospital::{BirthPaper, DeathPaper, Kind, Packet, PacketFile},
};
use serde_json::{Map, Value, json};

use super::Message;

/// Where notices are taken, one at a time.
pub const NOTICES: &str = "/api/hososuckhoe/guiGiayToDienTu";
/// Where packets of them are.
pub const PACKETS: &str = "/api/chungtugw/GuiHoSoChungTu2025";
/// The hospital of every house.
pub const HOSPITAL: &str = "cskcb-01001";

/// A form before it is signed; every part of it can be bent.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The path.
    pub path: &'static str,
    /// The members of the form beside the file.
    pub form: Map<String, Value>,
    /// The document's root.
    pub root: &'static str,
    /// The element that is signed.
    pub element: Vec<u8>,
    /// Its id.
    pub id: String,
}

impl Notice {
    /// A birth.
    #[must_use]
    pub fn birth(paper: &BirthPaper) -> Self {
        Self::of(Kind::Birth, &paper.id, paper.write())
    }

    /// A death.
    #[must_use]
    pub fn death(paper: &DeathPaper) -> Self {
        Self::of(Kind::Death, &paper.id, paper.write())
    }

    /// A packet of births under an id of its own.
    #[must_use]
    pub fn packet(id: &str, births: &[BirthPaper]) -> Self {
        let file = |paper: &BirthPaper| PacketFile {
            kind: "61".to_owned(),
            content: paper.write(),
        };
        let packet = Packet {
            id: id.to_owned(),
            cases: births.iter().map(|paper| vec![file(paper)]).collect(),
        };
        Self::of(Kind::Packet, id, packet.write())
    }

    fn of(kind: Kind, id: &str, element: Vec<u8>) -> Self {
        let form = json!({ "maCskcb": "01001", "loaiHs": kind.as_str() });
        let Value::Object(form) = form else {
            unreachable!("braces make an object")
        };
        Self {
            path: match kind {
                Kind::Packet => PACKETS,
                Kind::Birth | Kind::Death => NOTICES,
            },
            form,
            root: kind.root(),
            element,
            id: id.to_owned(),
        }
    }

    /// The same with another member of the form.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.form.insert(name.to_owned(), value.into());
        self
    }

    /// The document with this in the place of the signature.
    #[must_use]
    pub fn document(&self, signature: &str) -> String {
        let (root, element) = (self.root, String::from_utf8_lossy(&self.element));
        format!("<{root}>{element}<CHUKYDONVI>{signature}</CHUKYDONVI></{root}>")
    }

    /// The form around a document.
    #[must_use]
    pub fn carrying(&self, document: &str) -> Message {
        let mut form = self.form.clone();
        form.insert("fileBase64Str".to_owned(), STANDARD.encode(document).into());
        Message {
            path: self.path,
            content_type: "application/json".to_owned(),
            signature: None,
            body: Value::Object(form).to_string().into_bytes(),
        }
    }

    /// Signed by the unit.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Message {
        let signature = sign_beside(&self.element, &self.id, key, None).unwrap();
        self.carrying(&self.document(&String::from_utf8(signature).unwrap()))
    }
}

/// The notice of the `number`th birth of [`super::Birth`]: the same mother, day and sex; the child has no name yet.
#[must_use]
pub fn birth_paper(now: Timestamp, landmarks: &Landmarks, number: u32) -> BirthPaper {
    let today = day_in_viet_nam(now);
    let mother = &landmarks.mothers[0];
    let some = |text: &str| Some(text.to_owned());
    BirthPaper {
        id: format!("Id-{number}"),
        code: Some(format!("GCS.01001.26.{:06}", number + 1)),
        carer_name: Some(mother.name.clone()),
        carer_born: Some(mother.birth_date.replace('-', "")),
        carer_ethnicity: some("01"),
        carer_nationality: some("000"),
        carer_paper_kind: some("4"),
        carer_paper_number: Some(super::birth::mother_of(landmarks, number)),
        residence_commune: Some(landmarks.places[0].commune.clone()),
        child_sex: some("2"),
        children: some("1"),
        child_born: Some(format!(
            "{}043000",
            format_compact(today.saturating_sub(10.days()))
        )),
        issued_on: Some(format_compact(today.saturating_sub(9.days()))),
        first_issue: some("1"),
        ..BirthPaper::default()
    }
}

/// The death, yesterday, of somebody under an SI number.
#[must_use]
pub fn death_paper(now: Timestamp, number: u32, si_number: &str) -> DeathPaper {
    let today = day_in_viet_nam(now);
    let some = |text: &str| Some(text.to_owned());
    DeathPaper {
        id: format!("Id-{number}"),
        code: Some(format!("GBT.01001.26.{:06}", number + 1)),
        name: some("Con bà ai đó"),
        born: Some(format_compact(today.saturating_sub(10.days()))),
        sex: some("2"),
        died: Some(format!(
            "{}0130",
            format_compact(today.saturating_sub(1.days()))
        )),
        facility: some("01001"),
        si_number: some(si_number),
        ..DeathPaper::default()
    }
}
