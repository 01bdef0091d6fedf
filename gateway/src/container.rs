//! One message in a file that stands alone: an ASiC-E container (ETSI EN 319 162-1) with the exact bytes, the
//! signatures and certificates, the journal's proof, the checkpoint and its time-stamp.
//!
//! [`write`] makes it out of the store, [`read`] takes it apart within bounds, [`judge`] says in words what it
//! proves, without a database and without a network.

mod archive;
mod judge;
mod proof;
mod words;
mod write;

pub use archive::{Archive, ReadError, read};
pub use judge::{Trust, judge};
pub use words::{Finding, Verdict};
pub use write::export;
