//! The contract, held against the client in this process, against a server over mutual TLS, and against a
//! registry on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot set up its scene should stop there"
)]

mod backup;
mod birth_facts;
mod births;
mod changes;
mod clocks;
mod contributions;
mod corrections;
mod deaths;
mod decisions;
mod dossiers;
mod durability;
mod employer_records;
mod employers;
mod endings;
mod forms;
mod groups;
mod hospitals;
mod ledger;
mod marks;
mod months;
mod notices;
mod payments;
mod people;
mod persons;
#[path = "../../../../tests/support/pg.rs"]
mod pg;
mod plans;
mod population;
mod proxy;
mod quotes;
mod reissued;
mod remote;
mod representation;
mod representatives;
mod requests;
mod reviews;
mod said;
mod scene;
mod secured;
mod server;
mod subscriptions;
mod supplements;
mod taken_back;
mod told;
mod told_again;
mod vital;
mod watches;

/// Runs each test three times: over the embedded client, over mutual TLS on loopback, and over the embedded
/// client of a registry on PostgreSQL.
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
        mod on_postgresql {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(scene) = $crate::scene::Scene::on_postgresql() {
                        super::$name(scene).await;
                    }
                }
            )*
        }
    };
}
