//! A question by a reader of its own, and an answer by a writer of its own.

use certs::digest::content_digest;
use certs::jws::{Direction, Header, parse};

use super::{Person, TERMS};
use crate::identity::Identity;
use crate::xml::{self, Element};

/// A question that was proven and read.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) id: String,
    /// Hex content digest.
    pub(super) digest: String,
    pub(super) operation: String,
    pub(super) name: String,
    pub(super) number: String,
    /// `yyyyMMdd`.
    pub(super) born: String,
}

/// Proves and reads; or says what is wrong, without a value.
pub(super) fn proven(
    identity: &Identity,
    signature: Option<&str>,
    body: &[u8],
) -> Result<Question, String> {
    let header = signer(identity, signature.ok_or("no signature")?, body)?;
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
    let envelope = xml::read(text).ok_or("not canonical XML")?;
    let asked = asked(&envelope).ok_or("an envelope of another form")?;
    let names: Vec<&str> = asked
        .children
        .iter()
        .map(|child| child.name.as_str())
        .collect();
    if names != ORDER {
        return Err(format!("elements: {}", names.join(" ")));
    }
    let of = |name: &str| asked.text_of(name).unwrap_or_default().to_owned();
    let said = ["dc:MaTichHop", "dc:MaDVC", "dc:MaCanBo"].map(of);
    let born = asked
        .child("dc:NgayThangNamSinh")
        .and_then(|born| born.text_of("dc:NgayThangNam"));
    let number = of("dc:SoDinhDanh");
    for (holds, what) in [
        (said == TERMS, "who asks"),
        (of("dc:MaYeuCau") == header.jti, "MaYeuCau"),
        (
            envelope
                .child("soapenv:Header")
                .and_then(|block| block.text_of("bca:MaYeuCau"))
                == Some(&*header.jti),
            "the header block",
        ),
        (
            number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit()),
            "SoDinhDanh",
        ),
        (born.is_some_and(|born| born.len() == 8), "NgayThangNam"),
    ] {
        if !holds {
            return Err(what.to_owned());
        }
    }
    let digest = content_digest(&header.op, &header.iss, &header.aud, body);
    Ok(Question {
        id: header.jti,
        digest: hex::encode(digest),
        operation: header.op,
        name: of("dc:HoVaTen"),
        number,
        born: born.unwrap_or_default().to_owned(),
    })
}

/// The proven header of our gateway's question to this database.
fn signer(identity: &Identity, signature: &str, body: &[u8]) -> Result<Header, String> {
    let unproven = parse(signature).map_err(|error| error.reason().to_owned())?;
    let proof = unproven.verify(&identity.gateway_key, identity.gateway_algorithm, body);
    let header = proof
        .map_err(|error| error.reason().to_owned())?
        .into_header();
    for (holds, what) in [
        (header.dir == Direction::Request, "direction"),
        (header.kid == identity.gateway_kid, "kid"),
        (header.iss == identity.receiver.as_str(), "sender"),
        (header.aud == identity.partner.as_str(), "receiver"),
        (header.env == identity.environment, "environment"),
        (header.op == "population.verify", "operation"),
    ] {
        if !holds {
            return Err(what.to_owned());
        }
    }
    Ok(header)
}

fn asked(envelope: &Element) -> Option<&Element> {
    let body = envelope.child("soapenv:Body")?;
    let asked = body.child("qldc:XacMinhThongTinNhanThan")?;
    let of = |prefix: &str, namespace: &str, at: &Element| {
        at.attribute(&format!("xmlns:{prefix}")) == Some(namespace)
    };
    let data = asked.children.iter();
    let data = data
        .clone()
        .all(|one| of("dc", "http://www.mic.gov.vn/dancu/1.0", one));
    let is_soap = envelope.name == "soapenv:Envelope"
        && of(
            "soapenv",
            "http://schemas.xmlsoap.org/soap/envelope/",
            envelope,
        );
    (is_soap && data && of("qldc", "http://gtel.vn/qldc", asked)).then_some(asked)
}

/// The elements of a question, in their order.
const ORDER: [&str; 7] = [
    "dc:MaYeuCau",
    "dc:MaTichHop",
    "dc:MaDVC",
    "dc:MaCanBo",
    "dc:HoVaTen",
    "dc:SoDinhDanh",
    "dc:NgayThangNamSinh",
];

/// The envelope of an answer: whom it knows by the number, in all that it has of them.
pub(super) fn answer(id: &str, found: Option<(&str, &Person)>) -> String {
    let citizen = found.map(|(number, person)| citizen(number, person));
    let count = u8::from(citizen.is_some());
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <b:MaYeuCau xmlns:b=\"http://dancuquocgia.bca\">{id}</b:MaYeuCau></s:Header><s:Body>\
         <q:XacMinhThongTinNhanThanResponse xmlns:q=\"http://gtel.vn/qldc\">\
         <CongdanCollection xmlns=\"http://www.mic.gov.vn/dancu/1.0\"><SoCongDan>{count}</SoCongDan><GhiChu></GhiChu>\
         <ThoiDiemDuLieu>20261123</ThoiDiemDuLieu><Id>1</Id>{}</CongdanCollection>\
         </q:XacMinhThongTinNhanThanResponse></s:Body></s:Envelope>",
        citizen.unwrap_or_default()
    )
}

fn citizen(number: &str, person: &Person) -> String {
    let words: Vec<&str> = person.name.split_whitespace().collect();
    let (family, rest) = words.split_first().unwrap_or((&"", &[]));
    let (given, middle) = rest.split_last().unwrap_or((&"", &[]));
    let born = match person.born.len() {
        8 => format!("<NgayThangNam>{}</NgayThangNam>", person.born),
        _ => format!("<Nam>{}</Nam>", person.born),
    };
    let parent = |name: &str, number: &str| match number {
        "" => format!("<{name}><QuocTich>VN</QuocTich></{name}>"),
        number => {
            format!("<{name}><QuocTich>VN</QuocTich><SoDinhDanh>{number}</SoDinhDanh></{name}>")
        }
    };
    format!(
        "<CongDan><SoDinhDanh>{number}</SoDinhDanh><SoCMND></SoCMND><HoVaTen><Ho>{}</Ho><ChuDem>{}</ChuDem>\
         <Ten>{}</Ten></HoVaTen><GioiTinh>{}</GioiTinh><DanToc>01</DanToc><TonGiao>00</TonGiao>\
         <TinhTrangHonNhan>1</TinhTrangHonNhan><NhomMau>00</NhomMau><NgayThangNamSinh>{born}</NgayThangNamSinh>\
         <ThuongTru><MaTinhThanh>01</MaTinhThanh></ThuongTru><QuocTich>VN</QuocTich>{}{}\
         <SoSoHoKhau>990000001</SoSoHoKhau></CongDan>",
        xml::escape(family),
        xml::escape(&middle.join(" ")),
        xml::escape(given),
        person.sex,
        parent("Cha", &person.father),
        parent("Me", &person.mother),
    )
}

/// What it says where it cannot say anything.
pub(super) const FAULT: &str = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header></s:Header>\
    <s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>Hệ thống bận</faultstring></s:Fault></s:Body></s:Envelope>";
