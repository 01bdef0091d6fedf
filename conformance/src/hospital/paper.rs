//! Notices as a hospital writes them, element by element, and the form around them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::digest::content_digest;
use certs::xmldsig::sign_beside;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use schemas::date::{day_in_viet_nam, format_compact};

use super::{FACILITY, NOTICES, PACKETS};
use crate::call::{Prepared, Trouble};
use crate::identity::Identity;
use crate::landmarks::{Error, Landmarks, Person, pick};

/// One child of whom the hospital tells.
#[derive(Clone)]
pub(crate) struct Birth {
    /// `MA_GCS`.
    pub(crate) code: String,
    /// `MA_CT` of one of several children; empty else.
    pub(crate) paper: String,
    /// `SO_CON`.
    pub(crate) children: u8,
    /// 1 male, 2 female.
    pub(crate) sex: u8,
    /// Day of birth.
    pub(crate) born: Date,
    /// Province of the mother's commune, by the list in force.
    pub(crate) province: String,
    commune: String,
    mother: Person,
}

impl std::fmt::Debug for Birth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Birth({} {}, ***)", self.code, self.paper)
    }
}

impl Birth {
    /// The birth that `seed` and `number` give; each mother has one on a day of her own.
    pub(crate) fn make(
        seed: u64,
        number: u64,
        now: Timestamp,
        from: &Landmarks,
    ) -> Result<Self, Error> {
        let mothers = u64::try_from(from.mothers.len()).unwrap_or(1).max(1);
        let mother = pick(&from.mothers, number, "mothers")?.clone();
        // a mother who comes again had her child on another day
        let days_ago = 1 + i64::try_from(number / mothers % 50).unwrap_or(0);
        let home = mother.commune.as_ref();
        let home = home.and_then(|code| from.communes.iter().find(|one| one.code == *code));
        let home = match home {
            Some(home) => home,
            None => pick(&from.communes, number, "communes")?,
        };
        Ok(Self {
            code: format!("GCS.{FACILITY}.{:08x}.{number:06}", seed >> 32),
            paper: String::new(),
            children: 1,
            sex: if (seed ^ number).is_multiple_of(2) {
                1
            } else {
                2
            },
            born: day_in_viet_nam(now).saturating_sub(days_ago.days()),
            province: home.province.clone(),
            commune: home.code.clone(),
            mother,
        })
    }

    /// The same birth of a girl and a boy, each with a paper.
    pub(crate) fn twins(self) -> [Self; 2] {
        [1, 2].map(|sex| Self {
            paper: format!("CT.{sex:04}"),
            children: 2,
            sex,
            ..self.clone()
        })
    }

    /// `GIAYCHUNGSINH`; the child has no name yet.
    pub(crate) fn element(&self, id: &str) -> String {
        let mother = &self.mother;
        let born = mother.birth_date.replace('-', "");
        let elements = [
            ("MA_GCS", self.code.as_str()),
            ("MA_CT", &self.paper),
            ("HOTEN_NND", &mother.name),
            ("NGAYSINH_NND", &born),
            ("MA_DANTOC_NND", "01"),
            ("MA_QUOCTICH_NND", "000"),
            ("LOAI_GIAYTO_NND", "4"),
            ("SO_CCCD_NND", &mother.pin),
            ("NOI_CU_TRU_NND", "Số 1, đường Mẫu"),
            ("MAXA_CU_TRU", &self.commune),
            ("GIOI_TINH_CON", &self.sex.to_string()),
            ("SO_CON", &self.children.to_string()),
            ("CAN_NANG_CON", "3200"),
            (
                "NGAY_SINH_CON",
                &format!("{}0430", format_compact(self.born)),
            ),
            ("NGAY_CT", &format_compact(self.born)),
            ("CAP_LAN_DAU", "1"),
        ];
        written("GIAYCHUNGSINH", id, &elements)
    }
}

/// An element with an id and texts; what is empty is left out.
fn written(root: &str, id: &str, elements: &[(&str, &str)]) -> String {
    let inside: String = elements
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("<{name}>{}</{name}>", escaped(text)))
        .collect();
    format!("<{root} Id=\"{id}\">{inside}</{root}>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A form before it is signed; the rules bend its parts.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// `maCskcb`.
    pub(crate) facility: String,
    /// `loaiHs`.
    pub(crate) kind: &'static str,
    /// The element that is signed, and its id.
    pub(crate) element: String,
    id: String,
    operation: &'static str,
    path: &'static str,
    root: &'static str,
    /// What stands before the signed element.
    before: String,
    answers_to: String,
    /// Other members of the form.
    pub(crate) others: Vec<(&'static str, String)>,
    is_json: bool,
}

impl Draft {
    pub(crate) fn birth(birth: &Birth) -> Self {
        let id = format!("Id-{}", birth.code);
        let answers_to = match birth.paper.as_str() {
            "" => format!("61-{}-{id}", birth.code),
            paper => format!("61-{}-{paper}-{id}", birth.code),
        };
        Self {
            facility: FACILITY.to_owned(),
            kind: "61",
            // the same birth is the same content each time it is written
            element: birth.element(&id),
            id,
            operation: "hospital.birth-notice",
            path: NOTICES,
            root: "HSDLGCS",
            before: String::new(),
            answers_to,
            others: vec![("token", String::new())],
            is_json: true,
        }
    }

    pub(crate) fn death(
        number: u64,
        (si_number, born, sex): (&str, &str, &str),
        now: Timestamp,
    ) -> Self {
        let code = format!("GBT.{FACILITY}.{}.{number:06}", now.as_second());
        let id = fresh_id();
        let died = format!("{}0101", format_compact(day_in_viet_nam(now)));
        let elements = [
            ("MA_GBT", code.as_str()),
            ("HO_TEN", "Con bà Mẫu"),
            ("NGAY_SINH", born),
            ("GIOI_TINH", sex),
            ("NGAY_TV", &died),
            ("SO_BAOTU", "7"),
            ("MACSKCB", FACILITY),
            ("MA_BHXH", si_number),
        ];
        Self {
            facility: FACILITY.to_owned(),
            kind: "60",
            element: written("GIAYBAOTU", &id, &elements),
            operation: "hospital.death-notice",
            path: NOTICES,
            root: "HSDLGBT",
            before: String::new(),
            answers_to: format!("60-{code}-{id}"),
            id,
            others: Vec::new(),
            is_json: false,
        }
    }

    pub(crate) fn packet(births: &[Birth]) -> Self {
        let id = fresh_id();
        let files: String = births
            .iter()
            .map(|birth| {
                let content = STANDARD.encode(birth.element(&format!("Id-{}", birth.paper)));
                format!(
                    "<FILEHOSO><LOAIHOSO>61</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"
                )
            })
            .collect();
        let element = format!(
            "<THONGTINHOSO Id=\"{id}\"><SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO>{files}</HOSO>\
             </DANHSACHHOSO></THONGTINHOSO>"
        );
        Self {
            facility: FACILITY.to_owned(),
            kind: "39",
            element,
            operation: "hospital.packet",
            path: PACKETS,
            root: "HSCHUNGTU",
            before: format!("<THONGTINDONVI><MACSKCB>{FACILITY}</MACSKCB></THONGTINDONVI>"),
            answers_to: format!("39-{id}"),
            id,
            others: Vec::new(),
            is_json: true,
        }
    }

    /// Signs the element with the unit's key and writes the form.
    pub(crate) fn sign(&self, identity: &Identity) -> Result<Prepared, Trouble> {
        let signature = sign_beside(self.element.as_bytes(), &self.id, &identity.sign, None)
            .map_err(|error| Trouble::Sign(error.to_string()))?;
        let signature = String::from_utf8_lossy(&signature).into_owned();
        Ok(self.with_signature(identity, &signature))
    }

    /// The form with this in the place of the signature.
    pub(crate) fn with_signature(&self, identity: &Identity, signature: &str) -> Prepared {
        let Self {
            root,
            before,
            element,
            ..
        } = self;
        let document =
            format!("<{root}>{before}{element}<CHUKYDONVI>{signature}</CHUKYDONVI></{root}>");
        self.carrying(identity, &STANDARD.encode(document))
    }

    /// The form with this as its file.
    pub(crate) fn carrying(&self, identity: &Identity, file: &str) -> Prepared {
        let mut members = vec![
            ("maCskcb", self.facility.clone()),
            ("loaiHs", self.kind.to_owned()),
            ("fileBase64Str", file.to_owned()),
        ];
        members.extend(self.others.iter().cloned());
        let (content_type, body) = match self.is_json {
            true => {
                let members = members
                    .into_iter()
                    .map(|(name, text)| (name.to_owned(), text.into()));
                let object = serde_json::Value::Object(members.collect());
                ("application/json", object.to_string())
            }
            false => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, text)| format!("{name}={}", in_a_form(text)))
                    .collect();
                ("application/x-www-form-urlencoded", members.join("&"))
            }
        };
        let (sender, receiver) = (identity.partner.as_str(), identity.receiver.as_str());
        Prepared {
            operation: self.operation.to_owned(),
            id: self.id.clone(),
            answers_to: self.answers_to.clone(),
            digest: content_digest(self.operation, sender, receiver, self.element.as_bytes()),
            path: self.path,
            content_type,
            signature: None,
            body: body.into_bytes(),
        }
    }
}

/// What a form must not hold as it is, among base64 and plain words.
fn in_a_form(text: &str) -> String {
    text.replace('%', "%25")
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

fn fresh_id() -> String {
    format!("Id-{}", uuid::Uuid::now_v7())
}
