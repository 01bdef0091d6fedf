//! Faults as a security server's client reads them: `X-Road-Error` and a body of type, message and detail.
//!
//! A refusal that was decided upon and committed is an answer and keeps the partner's words, as a service's
//! own 4xx does on X-Road. Whatever else ends a message is said like this, in the spelling that the server's
//! registration names and, where nothing has to be signed, in the form that `Accept` asks for.

use http::{HeaderName, HeaderValue, Response, header};
use schemas::{
    fault::Fault,
    id::PartnerId,
    wire::xroad::{self, ErrorBody, ErrorForm, Spelling, soap},
};

use super::Parts;
use crate::{
    adapter::{Face, Unsigned},
    head::{Arrival, Evidence},
};

/// The forms of what a security server hears.
#[derive(Debug)]
enum Form {
    /// REST r1.
    Rest(ErrorForm),
    /// SOAP 4.0.
    Soap,
}

const ID: HeaderName = HeaderName::from_static(xroad::ID);
const ERROR: HeaderName = HeaderName::from_static(xroad::ERROR);

/// How to speak to the security server that brought a message.
#[derive(Debug)]
pub(in crate::stage) struct Spoken {
    spelling: Spelling,
    form: Form,
    id: Option<HeaderValue>,
}

impl Spoken {
    /// Nothing where the peer is no security server of ours.
    pub(in crate::stage) fn of(arrival: &Arrival, parts: &Parts) -> Option<Self> {
        let spelling = parts
            .partners
            .load()
            .security_server(arrival.peer.partner())?
            .errors;
        let headers = arrival.request.headers();
        let accept = headers.get(header::ACCEPT);
        let mut ids = headers.get_all(ID).iter();
        Some(Self {
            spelling,
            form: Form::Rest(ErrorForm::accepted(
                accept.and_then(|value| value.to_str().ok()),
            )),
            id: ids.next().filter(|_| ids.next().is_none()).cloned(),
        })
    }

    /// The same at a door of SOAP, where no header field says anything.
    pub(in crate::stage) fn soap(peer: &PartnerId, parts: &Parts) -> Option<Self> {
        let spelling = parts.partners.load().security_server(peer)?.errors;
        Some(Self {
            spelling,
            form: Form::Soap,
            id: None,
        })
    }

    /// An answer bears the id of its request.
    pub(super) fn answer<B>(&self, response: &mut Response<B>) {
        if let Some(id) = &self.id {
            response.headers_mut().insert(ID, id.clone());
        }
    }

    /// An error bears its code, and no id; SOAP says it in the fault alone.
    pub(super) fn error<B>(&self, fault: &Fault, response: &mut Response<B>) {
        if matches!(self.form, Form::Soap) {
            return;
        }
        if let Ok(code) = HeaderValue::from_str(&self.code(fault)) {
            response.headers_mut().insert(ERROR, code);
        }
    }

    /// The body of an error; JSON where it is to be signed, since the signature stands beside it.
    /// A SOAP fault has the status 200, since a security server takes every other for a failure of its own.
    pub(in crate::stage) fn face(
        &self,
        fault: &Fault,
        evidence: Evidence,
        is_signed: bool,
    ) -> Face {
        let form = match (&self.form, is_signed) {
            (Form::Rest(_), true) => ErrorForm::Json,
            (Form::Rest(form), false) => *form,
            (Form::Soap, _) => {
                let body = soap::fault(fault, self.spelling, &evidence.to_string());
                return Face {
                    content_type: soap::MEDIA_TYPE,
                    status: Some(200),
                    unsigned: Unsigned::Soap(body),
                };
            }
        };
        let body = ErrorBody {
            kind: self.code(fault),
            message: format!("{} ({})", fault.code().row().en, fault.reason()),
            detail: evidence.to_string(),
        };
        Face {
            content_type: form.media_type(),
            status: None,
            unsigned: Unsigned::Json(body.encode(form)),
        }
    }

    fn code(&self, fault: &Fault) -> String {
        self.spelling.write(xroad::code_of(fault.code()))
    }
}
