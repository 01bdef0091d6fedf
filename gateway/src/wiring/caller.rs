//! Connections that we make with our TLS identity, straight to a partner or through the national platform.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use certs::tls::{Alpn, Anchors, ClientParams, Connector, Identity};
use roads::{
    client::Client,
    direct::Direct,
    fetch::{FetchLimits, Fetcher},
    ngsp::{self, Ngsp},
    oauth::{Credentials, Tokens},
    way::Way,
};

use crate::{
    config::{Config, Delivery, NgspAccess},
    gateway::StartError,
    revocation::Keeper,
};

/// A connection that we make with our TLS identity; it takes up new files while running.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) connector: Connector,
    /// Whom the server's certificate must lead to, PEM.
    pub(crate) anchors: PathBuf,
    alpn: Vec<Alpn>,
}

impl Caller {
    pub(super) fn new(
        config: &Config,
        anchors: &Path,
        alpn: Vec<Alpn>,
        keeper: &Keeper,
    ) -> Result<Self, StartError> {
        let params = caller_params(config, anchors, &alpn)?;
        let connector = Connector::confirmed_by(params, keeper.known(), Arc::new(keeper.clone()))
            .map_err(|error| StartError::Key(anchors.to_owned(), error.to_string()))?;
        Ok(Self {
            connector,
            anchors: anchors.to_owned(),
            alpn,
        })
    }

    /// What its files say now, checked whole.
    pub(crate) fn checked(&self, config: &Config) -> Result<ClientParams, StartError> {
        let params = caller_params(config, &self.anchors, &self.alpn)?;
        Connector::new(params.clone())
            .map_err(|error| StartError::Key(self.anchors.clone(), error.to_string()))?;
        Ok(params)
    }
}

fn caller_params(
    config: &Config,
    anchors: &Path,
    alpn: &[Alpn],
) -> Result<ClientParams, StartError> {
    let refused =
        |path: &Path, error: &dyn ToString| StartError::Key(path.to_owned(), error.to_string());
    let identity = Identity::from_files(&config.tls.cert, &config.tls.key)
        .map_err(|error| refused(&config.tls.cert, &error))?;
    let theirs = Anchors::from_file(anchors).map_err(|error| refused(anchors, &error))?;
    Ok(ClientParams {
        identity: Some(identity),
        anchors: theirs,
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: config.limits.handshake(),
        alpn: alpn.to_vec(),
    })
}

/// The way to a service behind the national platform; its `/token` is called under the same TLS.
pub(super) fn through_the_platform(
    behind: &NgspAccess,
    caller: &Caller,
    client: Client,
) -> Result<ngsp::Resource, StartError> {
    let limits = FetchLimits::default();
    let token = Fetcher::new(behind.token.clone(), Some(caller.connector.clone()), limits)
        .map_err(|error| StartError::Key(caller.anchors.clone(), error.to_string()))?;
    let credentials = Credentials::Secret {
        client: behind.client.clone(),
        secret: behind.secret.clone(),
    };
    let tokens = Arc::new(Tokens::new(token, credentials, None));
    let road = Ngsp::new(client, tokens);
    Ok(ngsp::Resource::new(
        road,
        behind.api.clone(),
        behind.resource.clone(),
    ))
}

/// To the partner's own server, or to its API at the national platform.
pub(super) fn way(delivery: &Delivery, caller: &Caller, client: Client) -> Result<Way, StartError> {
    Ok(match &delivery.ngsp {
        None => Way::Direct(Direct::new(client)),
        Some(behind) => Way::Ngsp(through_the_platform(behind, caller, client)?),
    })
}
