//! Straight to a partner's own server over mutual TLS: one body is sent, one comes back.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use crate::client::{Answer, Client, Error};

/// One address of one partner.
#[derive(Debug, Clone)]
pub struct Direct(Client);

impl Direct {
    /// The address is the endpoint's, as it stands in the config.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// Posts a JSON document.
    ///
    /// # Errors
    /// As [`Client::post`]; an answer of any status is no error.
    pub async fn post_json(&self, document: Bytes) -> Result<Answer, Error> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, JSON), (header::ACCEPT, JSON)]);
        self.post(headers, document).await
    }

    /// Posts a body under these header fields.
    ///
    /// # Errors
    /// As [`Client::post`]; an answer of any status is no error.
    pub async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<Answer, Error> {
        let target = match self.0.endpoint().base() {
            "" => "/",
            path => path,
        };
        self.0.post(target, headers, body).await
    }

    /// Posts a JSON document to a path behind the address.
    ///
    /// # Errors
    /// As [`Client::post`]; an answer of any status is no error.
    pub async fn post_json_to(&self, path: &str, document: Bytes) -> Result<Answer, Error> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, JSON), (header::ACCEPT, JSON)]);
        let target = format!("{}{path}", self.0.endpoint().base());
        self.0.post(&target, headers, document).await
    }

    /// Posts a body under these header fields to a path behind the address.
    ///
    /// # Errors
    /// As [`Client::post`]; an answer of any status is no error.
    pub async fn post_behind(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let target = format!("{}{path}", self.0.endpoint().base());
        self.0.post(&target, headers, body).await
    }

    /// Puts a body beside the address: `beside` stands in the place of the last part of its path.
    ///
    /// # Errors
    /// As [`Client::put`]; an answer of any status is no error.
    pub async fn put_beside(
        &self,
        beside: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let base = self.0.endpoint().base();
        let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
        let target = format!("{folder}/{beside}");
        self.0.put(&target, headers, body).await
    }
}
