//! The insurance database on the far side of a socket: the same file, served over mutual TLS.

use std::{net::SocketAddr, sync::Arc};

use gateway::{config::Config, registry_server, wiring};
use gateway_core::ports::Clock;
use insurance::Registry;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    clock::TestClock,
    house::{House, replace},
};

/// A served registry.
pub struct Far {
    /// The registry itself, seen from this side.
    pub registry: Registry,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Far {
    /// Serves the registry file of a house whose gateway does not open it.
    pub async fn serve(house: &House, listener: TcpListener) -> Self {
        let config =
            Config::load(&house.layout.config()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&house.clock);
        let registry = wiring::open_registry(&config, &clock).unwrap();
        let door = registry_server::door(&config).unwrap();
        let (stop, stops) = watch::channel(false);
        let task = tokio::spawn(registry_server::serve(
            listener,
            door,
            registry.clone(),
            stops,
        ));
        Self {
            registry,
            stop,
            task,
        }
    }

    /// Stops serving and lets go of the file.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Where a far registry may be: a listener and its address.
pub async fn anywhere() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The lines that put the registry there, in the place of [`NEAR`].
#[must_use]
pub fn far_at(address: SocketAddr) -> String {
    format!(
        "mode = \"remote\"\nuri = \"https://localhost:{}\"\nanchors = \"ca.pem\"",
        address.port()
    )
}

/// The line that keeps the registry in the gateway's own process.
pub const NEAR: &str = "mode = \"embedded\"";

/// Brings a far registry back into the gateway's own process, from the next start on.
pub fn bring_near(house: &House, address: SocketAddr) {
    replace(&house.layout.config(), &far_at(address), NEAR);
}
