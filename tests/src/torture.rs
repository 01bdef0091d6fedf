//! The torture bench: a gateway of its own process is killed, cut off, starved and lied to under load,
//! and what it promised is compared with what was done.
//!
//! Three ledgers that know nothing of each other: the client's (every acknowledged id, synced), the
//! simulated agency's, and the insurance database, read with plain SQL. Nothing of the gateway's
//! code takes part in the comparison.

pub mod chaos; // a line with bad manners
pub mod checker; // compares the three ledgers
pub mod frames; // HTTP/2 by hand
pub mod kit; // everything one run needs, put together
pub mod ledger; // the client's synced file
pub mod letter; // the messages, from a seed
pub mod line; // one kept connection of a partner
pub mod load; // senders that never give up
pub mod lossy; // a file system that forgets what was not synced
pub mod office; // the simulated agency, with a ledger of its own and bad manners
pub mod pace; // messages at a fixed pace
pub mod process; // children: started, looked at, killed
pub mod promise; // the list of promises, one file each
pub mod random; // one seed, one schedule
pub mod report; // one line per promise
pub mod site; // the folder of one run
pub mod source; // a database as anybody can read it
