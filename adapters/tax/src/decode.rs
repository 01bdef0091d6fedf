//! Proven bytes become a typed request: the schema first, then what a schema cannot say.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{Decoded, Identity, Operation};
use schemas::{
    fault::{Fault, FaultCode},
    wire::tax::{self as wire, Body, Message, Request, WireError},
    xsd::{self, SchemaError},
};

use crate::{PING, PING_PURPOSE, VERIFY_EMPLOYER};

/// Reads the canonical root without signature.
pub(crate) fn decode(canonical: &[u8]) -> Result<Decoded<Request>, Fault> {
    xsd::validate_tax_v1(canonical).map_err(|error| off_schema(&error))?;
    let (Message { header, body }, range) = wire::read(canonical).map_err(invalid)?;
    let Body::Request(request) = body else {
        return Err(Fault::new(FaultCode::WrongEnvironment, "direction"));
    };
    let asked = Asked::of(&request);
    Ok(Decoded {
        claims: roads::xml::claims(&header),
        operation: asked.operation,
        identity: Identity::Envelope,
        purpose: asked.purpose,
        asked: asked.fields,
        payload: Bytes::copy_from_slice(canonical.get(range).unwrap_or_default()),
        synthetic: asked.synthetic,
        // employers are asked about, and nobody by a number of their own
        persons: Vec::new(),
        request,
    })
}

/// What policy wants to know of a request.
struct Asked {
    operation: &'static Operation,
    purpose: String,
    fields: BTreeSet<&'static str>,
    synthetic: bool,
}

impl Asked {
    fn of(request: &Request) -> Self {
        match request {
            Request::VerifyEmployer(ask) => Self {
                operation: &VERIFY_EMPLOYER,
                purpose: ask.purpose.clone(),
                fields: ask.fields.iter().map(|field| field.as_str()).collect(),
                synthetic: ask.mst.is_synthetic(),
            },
            Request::Ping(_) => Self {
                operation: &PING,
                purpose: PING_PURPOSE.to_owned(),
                fields: BTreeSet::new(),
                synthetic: false,
            },
        }
    }
}

fn off_schema(error: &SchemaError) -> Fault {
    let fault = Fault::new(FaultCode::Invalid, error.rule.as_str()).log(error.to_string());
    match error.element {
        Some(element) => fault.field(element),
        None => fault,
    }
}

fn invalid(error: WireError) -> Fault {
    Fault::new(FaultCode::Invalid, error.reason).field(error.field)
}

#[cfg(test)]
mod tests;
