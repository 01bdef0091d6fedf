//! The rooms, put together as the gateway puts them together, over fakes that keep a diary.

mod answered;
mod bench;
mod diary;
mod letter;
mod log;
mod words;

mod contract;
mod ledger;
mod limits;
mod once;
mod rooms;
mod signed;
mod trust;
mod twins;
mod xroad;
