//! The same dossiers as SOAP 4.0 through our security server, and how one of them stands. Own profile
//! `urn:vn:lienthong:portal:v1`; the elements are the members of `MAPPING.md` by their names, `portal.wsdl` describes
//! the two services.
//!
//! A second door before the same registry: a dossier is judged by the one reader that JSON has as well. What differs
//! is how it is said, and that the answer begins with the request's header block.

mod body;

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Claims, Context, Decoded, Encoded, Envelope, Evidence, Face, Head,
    Operation, Proven, Route, Unsigned,
    adapter::{Called, Effect},
    policy::Permit,
};
use http::Method;
use roads::xroad::soap::{self as road, Brought};
use schemas::{
    fault::{Fault, FaultCode},
    id::DossierCode,
    proto::insurance::Dossier,
    wire::{
        portal::{Acceptance, StatusAsked, StatusTold},
        xroad::{
            Spelling,
            soap::{self as wire, Frame},
        },
    },
    xml::{Name, Writer},
};

use crate::{Portal, STATUS, SUBMIT, Submit, decode, encode, perform};

/// The namespace of the bodies.
pub const NAMESPACE: &str = "urn:vn:lienthong:portal:v1";

/// The service that takes a dossier in.
pub const SUBMIT_SERVICE: &str = "NopHoSo";
/// The service that says how one stands.
pub const STATUS_SERVICE: &str = "TraCuuTrangThaiHoSo";
/// The version of both, where a caller names one.
pub const VERSION: &str = "v1";

static ROUTES: [Route; 1] = [Route {
    path: "/portal/v1/soap",
    method: Method::POST,
    body_bytes_max: 1 << 20,
    deadline: Duration::from_secs(20),
    bulk: None,
}];

/// The adapter of the system `portal` in SOAP.
#[derive(Clone)]
pub struct PortalSoap {
    portal: Portal,
}

impl PortalSoap {
    /// An adapter that does what `portal` does.
    #[must_use]
    pub fn new(portal: Portal) -> Self {
        Self { portal }
    }
}

impl fmt::Debug for PortalSoap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PortalSoap")
    }
}

/// What is asked, and what its answer begins with.
#[derive(Debug)]
pub struct Request {
    frame: Frame,
    asks: Asks,
}

/// What is asked.
#[derive(Debug)]
pub enum Asks {
    /// That a dossier is taken in.
    Submit(Box<Submit>),
    /// How the dossier of this code stands.
    Status(DossierCode),
}

impl Adapter for PortalSoap {
    type Request = Request;
    /// None of a dossier that the asker does not have.
    type Outcome = Option<Dossier>;

    fn system(&self) -> &'static str {
        "portal"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn is_soap(&self) -> bool {
        true
    }

    fn said_by_server(&self, head: &Head, body: &Bytes) -> Result<Called, Fault> {
        let block = road::read(head, body)?.message.block;
        Ok(Called {
            client: block.client,
            provider: block.provider,
            id: block.id,
        })
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        let operation = operation(&road::read(head, body)?)?;
        road::envelope(head, operation.name)
    }

    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        let brought = road::read(head, proven.bytes())?;
        let operation = operation(&brought)?;
        let claims = road::claims(head, proven, operation.name)?;
        let frame = brought.message.frame.clone();
        let decoded = match operation.effect {
            Effect::Change => self.submission(claims, &brought)?,
            Effect::Read => status(claims, &brought)?,
        };
        Ok(decoded.map(|asks| Request { frame, asks }))
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Option<Dossier>, Fault>> {
        let Portal {
            dossiers, papers, ..
        } = &self.portal;
        Box::pin(async move {
            match &request.asks {
                Asks::Submit(submit) => {
                    let (dossiers, papers) = (dossiers.as_ref(), papers.as_ref());
                    let dossier = perform::dossier(dossiers, papers, context, submit).await?;
                    Ok(Some(dossier))
                }
                Asks::Status(code) => perform::status(dossiers.as_ref(), context, code).await,
            }
        })
    }

    fn encode(
        &self,
        _head: &AnswerHead,
        _permit: &Permit,
        request: &Request,
        outcome: Option<Dossier>,
    ) -> Result<Encoded, Fault> {
        let mut persons = Vec::new();
        let response = match (&request.asks, outcome) {
            (Asks::Submit(submit), Some(dossier)) => {
                persons = submit.proven(&dossier);
                accepted(&encode::acceptance(&submit.reference, &dossier)?)
            }
            (Asks::Submit(_), None) => {
                return Err(Fault::new(FaultCode::Internal, "no-dossier"));
            }
            (Asks::Status(code), dossier) => stands(&encode::told(code, dossier.as_ref())?),
        };
        Ok(Encoded {
            unsigned: Unsigned::Soap(request.frame.answer(&response)),
            callbacks: Vec::new(),
            // what happens to the dossier is told, nothing about its holder
            persons,
        })
    }

    /// To whoever is no security server; those hear it in their spelling.
    fn face(&self, fault: &Fault, evidence: Evidence, _: Option<&AnswerHead>) -> Face {
        let body = wire::fault(fault, Spelling::default(), &evidence.to_string());
        Face {
            content_type: wire::MEDIA_TYPE,
            status: None,
            unsigned: Unsigned::Soap(body),
        }
    }
}

impl PortalSoap {
    fn submission(&self, claims: Claims, brought: &Brought<'_>) -> Result<Decoded<Asks>, Fault> {
        let mut members = body::members(&brought.message.wrapper)?;
        let files = body::named(&mut members, &brought.attachments)?;
        let mut said = body::read(members)?;
        body::attach(&mut said, &files)?;
        let said = (said, brought.payload());
        let decoded = decode::judged(self.portal.procedures, claims, said, body::numbers)?;
        Ok(decoded.map(|submit| Asks::Submit(Box::new(submit))))
    }
}

fn status(claims: Claims, brought: &Brought<'_>) -> Result<Decoded<Asks>, Fault> {
    if !brought.attachments.is_empty() {
        return Err(Fault::new(FaultCode::Invalid, "attachment-unexpected"));
    }
    let said: StatusAsked = body::read(body::members(&brought.message.wrapper)?)?;
    let decoded = decode::asked_status(claims, &said, brought.payload())?;
    Ok(decoded.map(Asks::Status))
}

/// Which operation a service is.
fn operation(brought: &Brought<'_>) -> Result<&'static Operation, Fault> {
    let block = &brought.message.block;
    let unknown = |reason, field| Err(Fault::new(FaultCode::UnknownRoute, reason).field(field));
    if block.version.as_deref().is_some_and(|said| said != VERSION) {
        return unknown("soap-service-version", "serviceVersion");
    }
    if brought.message.wrapper.namespace != NAMESPACE {
        return unknown("soap-service-namespace", "serviceCode");
    }
    match block.service.as_str() {
        SUBMIT_SERVICE => Ok(&SUBMIT),
        STATUS_SERVICE => Ok(&STATUS),
        _ => unknown("soap-service", "serviceCode"),
    }
}

fn accepted(said: &Acceptance) -> Vec<u8> {
    let Acceptance {
        code,
        reference,
        state,
        received_at,
        due_at,
    } = said;
    response(
        "NopHoSoResponse",
        [
            ("MaHoSo", Some(code)),
            ("MaThamChieu", Some(reference)),
            ("TrangThaiHoSo", Some(state)),
            ("NgayTiepNhan", Some(received_at)),
            ("NgayHenTra", Some(due_at)),
        ],
    )
}

fn stands(said: &StatusTold) -> Vec<u8> {
    let StatusTold {
        code,
        found,
        reference,
        state,
        received_at,
        due_at,
    } = said;
    response(
        "TraCuuTrangThaiHoSoResponse",
        [
            ("MaHoSo", Some(code)),
            ("TimThay", Some(found)),
            ("MaThamChieu", reference.as_ref()),
            ("TrangThaiHoSo", state.as_ref()),
            ("NgayTiepNhan", received_at.as_ref()),
            ("NgayHenTra", due_at.as_ref()),
        ],
    )
}

fn response<const N: usize>(
    wrapper: &'static str,
    members: [(&'static str, Option<&String>); N],
) -> Vec<u8> {
    let name = |local| Name::plain(NAMESPACE, local);
    let mut out = Writer::new();
    out.open(name(wrapper), &[]);
    for (local, value) in members {
        if let Some(value) = value {
            out.leaf(name(local), value);
        }
    }
    out.finish()
}

#[cfg(test)]
mod tests;
