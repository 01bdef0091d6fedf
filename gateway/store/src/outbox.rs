//! The outbox: parcels claimed by state and lease, in the order of their subject.
//!
//! A parcel that is not done holds back all that come after it in its subject, a dead or poison one too:
//! until a person replays or cancels it.

mod front;
mod held;
mod lease;
mod office;
pub(crate) mod pulls;
mod put;
mod registration;
mod settle;
mod story;

use gateway_core::ports::{Class, ParcelState};
use jiff::Timestamp;
use schemas::id::PartnerId;

pub(crate) use held::held;
pub(crate) use lease::Lease;
pub(crate) use office::{Perform, Standing, act_story, acts_of, newest_act, newest_acts, orders};
pub(crate) use put::{Put, SealedParcel, insert};
pub(crate) use registration::{Adopted, in_force};
pub(crate) use settle::{Sending, Settle};
pub(crate) use story::{behind, caused_by, lanes, list, one};

use crate::meta::{list as texts, time};
use crate::sql::{self, Row};

/// What a parcel's ciphertext is bound to.
fn bound(partner: &str, id: &str, subject: &str, sequence: i64, kind: &str) -> Vec<u8> {
    let number = sequence.to_string();
    [
        b"outbox".as_slice(),
        &texts([partner, id, subject, &number, kind]),
    ]
    .concat()
}

/// Where a parcel stands. On disk a cancelled one is done (2) without a receipt.
fn state(code: i64, has_receipt: bool) -> sql::Result<ParcelState> {
    match ParcelState::from_code(code) {
        Some(ParcelState::Done) if !has_receipt => Ok(ParcelState::Cancelled),
        Some(ParcelState::Cancelled) | None => Err(sql::Error::out_of_range(0, code)),
        Some(state) => Ok(state),
    }
}

fn class(row: &Row<'_>, column: usize) -> sql::Result<Class> {
    let code = row.get(column)?;
    Class::from_code(code).ok_or(sql::Error::out_of_range(column, code))
}

fn instant(row: &Row<'_>, column: usize) -> sql::Result<Timestamp> {
    let micros = row.get(column)?;
    time(micros).ok_or(sql::Error::out_of_range(column, micros))
}

fn partner(row: &Row<'_>, column: usize) -> sql::Result<PartnerId> {
    PartnerId::parse(&row.get::<String>(column)?)
        .map_err(|error| sql::Error::Shape(column, error.to_string()))
}
