//! What is on the wire and what it means: identifiers, names, dated tables, faults, messages.
//!
//! Pure: no async, no I/O, no keys, no clock. A value of a type of this package has passed its rule.

// A test that meets an impossible value should fail on the spot.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod calendar; // working days and due dates
pub mod codes; // dated code lists: provinces, communes, levels, rates, procedures
pub mod date; // dates as the wires write them, and portal time
pub mod fault; // the closed list of faults and their faces
pub mod file_kind; // what a file is, by its first bytes
pub mod id; // identifiers of people, employers, papers and messages
pub mod json; // the one strict JSON reader
pub mod name; // names of people, kept in NFC and compared by a key
pub mod procedure; // procedures as data: forms, papers, steps, limits
pub mod proto; // the generated contracts
pub mod quote; // what a contribution costs, line by line
pub mod wire; // partners' messages, one module per system
pub mod xml; // the one strict XML reader, and a canonical writer
pub mod xsd; // our XML schemas, compiled once
