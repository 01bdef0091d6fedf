//! From a location to TCP: resolved once, every address judged, connected by address.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::Error;
use crate::reach::Location;

/// TCP without Nagle to an address that `location` may have.
pub(crate) async fn dial(location: &Location, deadline: Duration) -> Result<TcpStream, Error> {
    timeout(deadline, judged(location))
        .await
        .map_err(|_| Error::Connect(io::ErrorKind::TimedOut.into()))?
}

async fn judged(location: &Location) -> Result<TcpStream, Error> {
    let addresses = location
        .judge(resolve(location).await.map_err(Error::Connect)?)
        .map_err(Error::Forbidden)?;
    let mut failed: io::Error = io::ErrorKind::NotFound.into();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                tcp.set_nodelay(true).map_err(Error::Connect)?;
                return Ok(tcp);
            }
            Err(error) => failed = error,
        }
    }
    Err(Error::Connect(failed))
}

async fn resolve(location: &Location) -> io::Result<Vec<SocketAddr>> {
    match location.literal() {
        Some(address) => Ok(vec![address]),
        None => Ok(lookup_host((location.host(), location.port()))
            .await?
            .collect()),
    }
}
