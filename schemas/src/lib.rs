//! schemas
pub mod fault;
pub mod proto;
