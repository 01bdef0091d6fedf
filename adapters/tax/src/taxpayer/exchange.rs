//! The roads to the department: straight, and through the platform.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::Road;
use http::HeaderMap;
use roads::{
    client::{self, Answer as Response},
    direct::Direct,
    ngsp,
};
use schemas::id::MessageId;

/// Carries one signed document and brings the answer back.
pub trait Exchange: Send + Sync + 'static {
    /// By which road; the agreement must allow it.
    fn road(&self) -> Road;

    /// Posts it under these header fields and the id of its message.
    fn post<'a>(
        &'a self,
        id: &'a MessageId,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>>;

    /// Puts a body beside where documents are posted: `beside` in the place of the last part of that path.
    fn put<'a>(
        &'a self,
        id: &'a MessageId,
        beside: &'a str,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>>;
}

/// Why nobody has answered.
#[derive(Debug)]
pub struct Failed {
    /// A stable word.
    pub reason: &'static str,
    /// Whether the department surely has not seen the document.
    pub is_unsent: bool,
    /// When whoever stands between wants to be asked again.
    pub again_after: Option<Duration>,
}

impl Exchange for Direct {
    fn road(&self) -> Road {
        Road::Direct
    }

    fn post<'a>(
        &'a self,
        _: &'a MessageId,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>> {
        Box::pin(async move {
            let posted = Direct::post(self, headers, body).await;
            posted.map_err(|error| unreached(&error))
        })
    }

    fn put<'a>(
        &'a self,
        _: &'a MessageId,
        beside: &'a str,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>> {
        Box::pin(async move {
            let put = self.put_beside(beside, headers, body).await;
            put.map_err(|error| unreached(&error))
        })
    }
}

fn unreached(error: &client::Error) -> Failed {
    tracing::warn!(%error, "what is said did not reach the tax department");
    Failed {
        reason: error.reason(),
        is_unsent: error.is_unsent(),
        again_after: None,
    }
}

impl Exchange for ngsp::Resource {
    fn road(&self) -> Road {
        Road::Ngsp
    }

    fn post<'a>(
        &'a self,
        id: &'a MessageId,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>> {
        Box::pin(async move {
            let posted = ngsp::Resource::post(self, id.as_str(), headers, body);
            posted.await.map_err(|error| not_through(&error))
        })
    }

    fn put<'a>(
        &'a self,
        id: &'a MessageId,
        beside: &'a str,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Response, Failed>> {
        Box::pin(async move {
            let put = self.put_beside(id.as_str(), beside, headers, body);
            put.await.map_err(|error| not_through(&error))
        })
    }
}

fn not_through(error: &ngsp::Error) -> Failed {
    tracing::warn!(%error, "what is said did not get through the platform");
    Failed {
        reason: error.reason(),
        is_unsent: error.is_unsent(),
        again_after: error.again_after(),
    }
}
