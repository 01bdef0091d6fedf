//! The provider's side in SOAP 4.0: an envelope as a client's library writes it, with files beside it where it has
//! some, and a reading of what comes back that is its own: the header block is compared as text, the rest with the
//! strict reader of `xml`.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use schemas::xml::{Element, Limits};

use super::US;
use crate::call::Trouble;
use crate::client::Reply;

/// Where the gateway takes it.
pub const PATH: &str = "/portal/v1/soap";
/// The namespace of the bodies.
pub const NAMESPACE: &str = "urn:vn:lienthong:portal:v1";

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// One message, before it is an envelope; whatever stands here is a rule's to falsify.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The lines of the header block, in their order.
    pub block: Vec<String>,
    /// The wrapper's name.
    pub service: String,
    /// What stands in it.
    pub body: String,
    /// The files beside it: `Content-ID` and bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Letter {
    /// A good call of `service` by the client of this name, under this id.
    pub fn new(client: &str, service: &str, id: &str, body: String) -> Self {
        let parts: Vec<&str> = client.split('/').collect();
        let kind = if parts.len() == 4 {
            "SUBSYSTEM"
        } else {
            "MEMBER"
        };
        let said = named(&parts);
        let ours: Vec<&str> = US.split('/').collect();
        let ours = named(&ours);
        let block = vec![
            format!("<xrd:client id:objectType=\"{kind}\">{said}</xrd:client>"),
            format!(
                "<xrd:service id:objectType=\"SERVICE\">{ours}<id:serviceCode>{service}</id:serviceCode>\
                 <id:serviceVersion>v1</id:serviceVersion></xrd:service>"
            ),
            format!("<xrd:id>{id}</xrd:id>"),
            "<xrd:userId>VN&#49;</xrd:userId>".to_owned(),
            "<xrd:issue>a &amp; b</xrd:issue>".to_owned(),
            "<xrd:protocolVersion>4.0</xrd:protocolVersion>".to_owned(),
        ];
        Self {
            block,
            service: service.to_owned(),
            body,
            files: Vec::new(),
        }
    }

    /// How the dossier of this code stands.
    pub fn status(client: &str, id: &str, code: &str) -> Self {
        let body = format!("<por:MaHoSo>{code}</por:MaHoSo>");
        Self::new(client, "TraCuuTrangThaiHoSo", id, body)
    }

    /// The block as it stands in the envelope.
    pub fn header(&self) -> String {
        format!(
            "<soapenv:Header>\n  {}\n </soapenv:Header>",
            self.block.join("\n  ")
        )
    }

    /// The envelope.
    pub fn envelope(&self) -> String {
        let Self { service, body, .. } = self;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope xmlns:soapenv=\"{SOAP}\" \
             xmlns:xrd=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:id=\"http://x-road.eu/xsd/identifiers\" \
             xmlns:por=\"{NAMESPACE}\">\n {}\n <soapenv:Body><por:{service}>{body}</por:{service}></soapenv:Body>\n\
             </soapenv:Envelope>",
            self.header()
        )
    }

    /// Media type and body: the envelope alone, or as the root of a multipart body.
    pub fn written(&self) -> (String, Vec<u8>) {
        let envelope = self.envelope().into_bytes();
        if self.files.is_empty() {
            return ("text/xml; charset=utf-8".to_owned(), envelope);
        }
        let head = "--part-1\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\
                    Content-ID: <root@server>\r\n\r\n";
        let mut body = [head.as_bytes(), &envelope].concat();
        for (id, bytes) in &self.files {
            let head = format!(
                "\r\n--part-1\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\n\
                 Content-ID: <{id}>\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
        }
        body.extend_from_slice(b"\r\n--part-1--\r\n");
        let kind =
            "multipart/related; boundary=\"part-1\"; type=\"text/xml\"; start=\"<root@server>\"";
        (kind.to_owned(), body)
    }

    /// The HTTP request.
    pub fn request(&self) -> Result<Request<Bytes>, Trouble> {
        let (kind, body) = self.written();
        request(&kind, body)
    }

    /// Proves that a reply answers this letter: 200, its header block as it stands, the wrapper `…Response` and
    /// nothing beside it. Gives the response's elements.
    pub fn judge(&self, reply: &Reply) -> Result<Vec<(String, String)>, Trouble> {
        let wrong = |what: &str| Err(Trouble::answer(what));
        if reply.status != 200 || reply.header("lienthong-fault").is_some() {
            let said = reply.header("lienthong-fault").unwrap_or_default();
            return wrong(&format!("status {} and fault {said:?}", reply.status));
        }
        let kind = reply.header("content-type").unwrap_or_default();
        if !kind.starts_with("text/xml") {
            return wrong("no text/xml");
        }
        let text = std::str::from_utf8(&reply.body).unwrap_or_default();
        if text.matches("<soapenv:Header>").count() != 1 || !text.contains(&self.header()) {
            return wrong("the header block is not that of the request");
        }
        let read = Element::parse(text.as_bytes(), &Limits::default());
        let read = read.map_err(|error| Trouble::answer(error.code()))?;
        let body = read.children.get(1).filter(|body| body.is(SOAP, "Body"));
        let wrapper = body.and_then(|body| match body.children.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let name = format!("{}Response", self.service);
        match wrapper {
            Some(wrapper) if read.is(SOAP, "Envelope") && wrapper.is(NAMESPACE, &name) => {
                let members = wrapper.children.iter();
                Ok(members
                    .map(|one| (one.local.to_owned(), one.text.clone()))
                    .collect())
            }
            _ => wrong("the body is not the one wrapper of the response"),
        }
    }
}

/// An identifier's parts, as the block writes them.
fn named(parts: &[&str]) -> String {
    let names = [
        "xRoadInstance",
        "memberClass",
        "memberCode",
        "subsystemCode",
    ];
    let said = names.iter().zip(parts);
    said.map(|(name, part)| format!("<id:{name}>{part}</id:{name}>"))
        .collect()
}

/// A body of this media type, as it is.
pub fn request(kind: &str, body: Vec<u8>) -> Result<Request<Bytes>, Trouble> {
    let kind = HeaderValue::from_str(kind)
        .map_err(|_| Trouble::Params("the media type is no header value".to_owned()))?;
    let mut request = Request::post(PATH)
        .body(Bytes::from(body))
        .map_err(|error| Trouble::Params(error.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert("soapaction", HeaderValue::from_static("\"\""));
    Ok(request)
}

/// A SOAP 1.1 fault, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapFault {
    /// `faultcode`.
    pub code: String,
    /// `faultstring`.
    pub said: String,
    /// `detail/faultDetail`: the id under which it stands in the log.
    pub detail: String,
}

/// The fault of a reply: status 200, `text/xml`, `faultcode`, `faultstring` and `detail` in this order.
pub fn fault(reply: &Reply) -> Result<SoapFault, Trouble> {
    let wrong =
        |what: &str| Trouble::answer(format!("{what} in a reply of status {}", reply.status));
    let kind = reply.header("content-type").unwrap_or_default();
    if reply.status != 200 || !kind.starts_with("text/xml") {
        return Err(wrong(kind));
    }
    let read =
        Element::parse(&reply.body, &Limits::default()).map_err(|error| wrong(error.code()))?;
    let body = read.children.iter().find(|one| one.is(SOAP, "Body"));
    let fault = body
        .and_then(|body| body.children.first())
        .filter(|one| one.is(SOAP, "Fault"))
        .ok_or_else(|| wrong("no Fault"))?;
    let [code, said, detail] = fault.children.as_slice() else {
        return Err(wrong("other than three children"));
    };
    if !(code.is("", "faultcode") && said.is("", "faultstring") && detail.is("", "detail")) {
        return Err(wrong("other children"));
    }
    let id = detail.children.iter().find(|one| one.is("", "faultDetail"));
    Ok(SoapFault {
        code: code.text.clone(),
        said: said.text.clone(),
        detail: id.map(|one| one.text.clone()).unwrap_or_default(),
    })
}
