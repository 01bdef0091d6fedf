//! The contract, held against the client in this process and against a server over mutual TLS.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot set up its scene should stop there"
)]

mod births;
mod changes;
mod dossiers;
mod durability;
mod employers;
mod people;
mod remote;
mod scene;

/// Runs each test twice: over the embedded client, and over mutual TLS on loopback.
#[macro_export]
macro_rules! over_both {
    ($($name:ident)*) => {
        mod embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name($crate::scene::Scene::embedded()).await;
                }
            )*
        }
        mod over_tls {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name($crate::scene::Scene::over_tls().await).await;
                }
            )*
        }
    };
}
