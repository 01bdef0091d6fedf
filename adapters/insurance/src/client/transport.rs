//! The two ways to a server of the contract, behind one type, so that the typed clients exist once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::{Channel, Error};
use tower::Service;

/// A server in this process, or a channel to one far away.
#[derive(Clone)]
pub(super) enum Transport {
    Embedded(Routes),
    Remote(Channel),
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self {
            Self::Embedded(_) => Poll::Ready(Ok(())), // a router has no readiness of its own
            Self::Remote(channel) => channel.poll_ready(context),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        match self {
            Self::Embedded(routes) => {
                let answer = routes.call(request);
                Box::pin(async move {
                    match answer.await {
                        Ok(response) => Ok(response),
                        Err(never) => match never {},
                    }
                })
            }
            Self::Remote(channel) => Box::pin(channel.call(request)),
        }
    }
}
