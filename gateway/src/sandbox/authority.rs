//! The development authority's services beside the sandbox: time-stamps, OCSP and the revocation list.

use certs::pki::Office;
use conformance::authority::{LIST_PATH, OCSP_PATH, Services, Serving, TSA_PATH, Trouble};
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::layout::{ENVIRONMENT, Layout, LayoutError};

/// The services, or why they are off.
#[derive(Debug)]
pub struct Desk(Result<Serving, Trouble>);

impl Desk {
    /// Makes the services' certificates and serves on any free port of this machine; without the `openssl`
    /// command the desk is closed.
    ///
    /// # Errors
    /// Where a certificate cannot be made or a file cannot be written.
    pub async fn open(layout: &Layout, now: Timestamp) -> Result<Self, LayoutError> {
        let office = Office::open_or_create(&layout.pki(), ENVIRONMENT, now)?;
        office.make_services(now)?;
        Ok(Self(serve(layout).await))
    }

    /// Where time-stamps are asked for (RFC 3161); the root that its certificate leads to is the sandbox's.
    #[must_use]
    pub fn time_stamps(&self) -> Option<String> {
        Some(self.0.as_ref().ok()?.url(TSA_PATH))
    }

    /// What there is, for people.
    #[must_use]
    pub fn told(&self) -> String {
        match &self.0 {
            Ok(serving) => format!(
                "time-stamps: {}\nocsp: {}\nrevocation list: {}",
                serving.url(TSA_PATH),
                serving.url(OCSP_PATH),
                serving.url(LIST_PATH)
            ),
            Err(why) => format!("time-stamps: off ({why})"),
        }
    }

    /// Closes the desk.
    pub async fn close(self) {
        if let Ok(serving) = self.0 {
            serving.stop().await;
        }
    }
}

async fn serve(layout: &Layout) -> Result<Serving, Trouble> {
    let services = Services::open(&layout.pki())?;
    services.serve(TcpListener::bind(("127.0.0.1", 0)).await?)
}
