//! Dated code lists: every row says from when to when it holds and which text says so.
//!
//! Callers name the day that they ask for; nothing here knows today.

pub mod card_objects;
pub mod provinces;
