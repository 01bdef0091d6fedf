//! A simulated X-Road security server, both sides. As the provider's it brings a client's message to the
//! gateway, with the header fields that such a server puts there; what it brings is the rules' to falsify.
//! As the consumer's it stands before the simulated portal.

mod consumer;
pub mod soap;

use std::path::Path;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use schemas::wire::xroad;

use crate::call::{Prepared, Trouble};
use crate::client::{Client, Reply};
use crate::identity::{Identity, Target};

pub(crate) use consumer::{Exchange, SLOW, error};
pub use consumer::{Exchanged, Wrong, exchanged};

/// The partner id of the server.
pub const PARTNER: &str = "security-server";

/// The portal's name on X-Road; made up.
pub const PORTAL: &str = "VN/GOV/000.00.00.X99/portal";

/// The gateway's own name there; made up.
pub const US: &str = "VN/GOV/000.00.00.X98/vss";

/// The server, with its certificate.
#[derive(Debug)]
pub struct SecurityServer {
    identity: Identity,
    client: Client,
}

impl SecurityServer {
    /// Opens its folder; `target` replaces the gateway that it names.
    pub fn open(folder: &Path, target: Option<&Target>) -> Result<Self, Trouble> {
        let identity = Identity::load(folder)?;
        let target = target.unwrap_or(&identity.gateway);
        let client = Client::new(target, &identity.anchors, Some(&identity.tls))?;
        Ok(Self { identity, client })
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its line to the gateway.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// `sent` as `client` would have it brought: its own headers, then who calls, under which id, in which
    /// exchange.
    pub fn bring(&self, client: &str, sent: &Prepared) -> Result<Request<Bytes>, Trouble> {
        let mut request = sent.request()?;
        for (name, value) in [
            (xroad::CLIENT, client),
            (xroad::ID, &sent.id),
            (xroad::REQUEST_ID, "5f1f6e1c-0000-4000-8000-000000000001"),
        ] {
            add(&mut request, name, value)?;
        }
        Ok(request)
    }

    /// Sends a request on a connection of the server's.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Reply, Trouble> {
        Ok(self.client.send(request).await?)
    }
}

/// One more field, beside whatever stands there.
pub fn add(request: &mut Request<Bytes>, name: &'static str, value: &str) -> Result<(), Trouble> {
    let value = HeaderValue::from_str(value)
        .map_err(|_| Trouble::Params(format!("{name} is no header value")))?;
    request
        .headers_mut()
        .append(HeaderName::from_static(name), value);
    Ok(())
}
