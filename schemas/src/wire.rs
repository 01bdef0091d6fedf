//! Partners' messages, one module per system: their names, shapes and bounds, read and written.
//!
//! Nothing here judges what a value means; that is done by the adapter of the system.

pub mod civil;
pub mod dci;
pub mod hospital;
pub mod object;
pub mod opencrvs;
pub mod payment;
pub mod population;
pub mod portal;
pub mod tax;
pub mod tax_records;
pub mod xroad;
