//! What a registered security server attests about a message that it brings: who called, under which id.
//!
//! X-Road's header fields are believed only when the connection's certificate is that of a registered
//! security server; from everybody else they are stripped. Each may stand once. The client that they name
//! must be registered with this very server, and a service that is named must be ours by the name that config gives us
//! there. The result is a value that only this file can make, read from
//! the head alone, before one byte of the body.
//!
//! X-Road REST protocol §4.3. Stricter than X-Road: duplicates are refused (it takes the last and forwards
//! all, issue 1177), and so are characters outside the specification (it warns).

use http::HeaderMap;
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId, XRoadClient, XRoadService},
    wire::xroad,
};

use crate::{
    adapter::{Called, Claims, Direction},
    partner::{Environment, Partners},
};

/// The attestation of one message. Made only in this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    client: XRoadClient,
    id: MessageId,
    sender: PartnerId,
    receiver: PartnerId,
    environment: Environment,
}

impl Attested {
    /// Reads what the security server `peer` says of a request.
    pub(crate) fn read(
        partners: &Partners,
        peer: &PartnerId,
        headers: &HeaderMap,
    ) -> Result<Self, Fault> {
        for name in ONCE {
            if headers.get_all(*name).iter().count() > 1 {
                return Err(malformed("xroad-header-twice").field(name));
            }
        }
        let client = text(headers, xroad::CLIENT)?;
        let client = client.ok_or_else(|| unknown("xroad-client-missing"))?;
        let client = XRoadClient::parse(client)
            .map_err(|error| unknown("xroad-client-malformed").log(error.to_string()))?;
        let id = text(headers, xroad::ID)?.ok_or_else(|| malformed("xroad-id-missing"))?;
        let id = MessageId::parse(id)
            .map_err(|error| malformed("xroad-id-malformed").log(error.to_string()))?;
        let represented = text(headers, xroad::REPRESENTED_PARTY)?;
        if represented.is_some_and(|party| party.split('/').count() > 2) {
            return Err(malformed("xroad-represented-party"));
        }
        // nobody has to name it here, since a server maps its services to our paths
        if let Some(service) = text(headers, xroad::SERVICE)? {
            let service = XRoadService::parse(service)
                .map_err(|error| malformed("xroad-service-malformed").log(error.to_string()))?;
            is_ours(partners, peer, &service.provider(), xroad::SERVICE)?;
        }
        Self::sent(partners, peer, client, id)
    }

    /// What the security server `peer` says of a SOAP message, whose envelope names client, service and id.
    pub(crate) fn said(
        partners: &Partners,
        peer: &PartnerId,
        called: Called,
    ) -> Result<Self, Fault> {
        is_ours(partners, peer, &called.provider, "service")?;
        Self::sent(partners, peer, called.client, called.id)
    }

    fn sent(
        partners: &Partners,
        peer: &PartnerId,
        client: XRoadClient,
        id: MessageId,
    ) -> Result<Self, Fault> {
        let sender = partners
            .by_client(peer, &client)
            .ok_or_else(|| unknown("xroad-client-not-registered"))?;
        Ok(Self {
            client,
            id,
            sender: sender.clone(),
            receiver: partners.us().clone(),
            environment: partners.environment(),
        })
    }

    /// Before a SOAP message is read: only a security server may bring one, and it says who calls in the envelope
    /// alone, so that no second word stands beside it.
    pub(crate) fn awaited(
        partners: &Partners,
        peer: &PartnerId,
        headers: &HeaderMap,
    ) -> Result<(), Fault> {
        if partners.security_server(peer).is_none() {
            return Err(unknown("peer-is-no-security-server"));
        }
        match IDENTIFYING.iter().find(|name| headers.contains_key(**name)) {
            Some(name) => Err(malformed("xroad-header-beside-soap").field(name)),
            None => Ok(()),
        }
    }

    /// The partner that is registered under the client's name.
    #[must_use]
    pub fn sender(&self) -> &PartnerId {
        &self.sender
    }

    /// `X-Road-Id`.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// The envelope of a message that has no other: the road says from whom it is and under which id; it is
    /// for us, since it came to us, and X-Road tells no time, so that of its arrival counts.
    #[must_use]
    pub fn claims(&self, operation: &str, arrived_at: Timestamp) -> Claims {
        Claims {
            sender: self.sender.clone(),
            receiver: self.receiver.clone(),
            environment: self.environment,
            direction: Direction::Request,
            id: self.id.clone(),
            sent_at: arrived_at,
            operation: operation.to_owned(),
        }
    }

    /// One line for the journal; nothing personal is in it.
    pub(crate) fn record(&self) -> String {
        [
            self.sender.as_str(),
            self.receiver.as_str(),
            self.environment.as_str(),
            self.id.as_str(),
            &self.client.to_string(),
        ]
        .join(" ")
    }

    /// The attestation of a message that T1 recorded.
    pub(crate) fn of_record(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let read = Self {
            sender: PartnerId::parse(words.next()?).ok()?,
            receiver: PartnerId::parse(words.next()?).ok()?,
            environment: Environment::parse(words.next()?)?,
            id: MessageId::parse(words.next()?).ok()?,
            client: XRoadClient::parse(words.next()?).ok()?,
        };
        words.next().is_none().then_some(read)
    }
}

/// Whoever is called is who we are behind this server: its address for us comes from config, and no message says
/// another.
fn is_ours(
    partners: &Partners,
    peer: &PartnerId,
    provider: &XRoadClient,
    field: &'static str,
) -> Result<(), Fault> {
    let server = partners.security_server(peer);
    match server.is_some_and(|server| server.us == *provider) {
        true => Ok(()),
        false => Err(Fault::new(FaultCode::UnknownRoute, "xroad-service-not-ours").field(field)),
    }
}

/// Fields that say who calls, under which id or on whose behalf.
const IDENTIFYING: &[&str] = &[
    xroad::CLIENT,
    xroad::ID,
    xroad::SERVICE,
    xroad::USER_ID,
    xroad::REPRESENTED_PARTY,
];

/// Fields that identify; two of one kind mean two things to two readers.
const ONCE: &[&str] = &[
    xroad::CLIENT,
    xroad::ID,
    xroad::REQUEST_ID,
    xroad::SERVICE,
    xroad::USER_ID,
    xroad::ISSUE,
    xroad::SECURITY_SERVER,
    xroad::REPRESENTED_PARTY,
];

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Fault> {
    let value = headers.get(name).map(|value| value.to_str());
    value
        .transpose()
        .map_err(|_| malformed("xroad-header-characters").field(name))
}

fn unknown(reason: &'static str) -> Fault {
    Fault::new(FaultCode::Unauthenticated, reason)
}

fn malformed(reason: &'static str) -> Fault {
    Fault::new(FaultCode::Malformed, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attestation_comes_back_from_its_line_and_from_no_other() {
        let attested = Attested {
            client: XRoadClient::parse("VN/GOV/B%E1%BA%A3o/portal").unwrap(),
            id: MessageId::parse("VN-00000001").unwrap(),
            sender: PartnerId::parse("portal").unwrap(),
            receiver: PartnerId::parse("vss").unwrap(),
            environment: Environment::Test,
        };
        let line = attested.record();
        assert_eq!(Attested::of_record(&line), Some(attested));
        for other in ["", "portal", &line[1..], &format!("{line} more")] {
            let read = Attested::of_record(other);
            assert!(read.is_none_or(|read| read.record() != line), "{other}");
        }
    }
}
