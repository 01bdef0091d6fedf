//! The outbox: parcels claimed by state and lease, in the order of their subject.
//!
//! A parcel that is not done holds back all that come after it in its subject, a dead or poison one too:
//! until a person replays or cancels it.

mod front;
mod lease;
mod office;
mod put;
mod settle;
mod story;

use gateway_core::ports::{Class, ParcelState};
use jiff::Timestamp;
use rusqlite::Row;
use schemas::id::PartnerId;

pub(crate) use lease::Lease;
pub(crate) use office::{Perform, Standing, act_story, acts_of, newest_acts, orders};
pub(crate) use put::{Put, SealedParcel, insert};
pub(crate) use settle::{Sending, Settle};
pub(crate) use story::{behind, caused_by, lanes, list, one};

use crate::meta::{list as texts, time};

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
fn state(code: i64, has_receipt: bool) -> rusqlite::Result<ParcelState> {
    match ParcelState::from_code(code) {
        Some(ParcelState::Done) if !has_receipt => Ok(ParcelState::Cancelled),
        Some(ParcelState::Cancelled) | None => {
            Err(rusqlite::Error::IntegralValueOutOfRange(0, code))
        }
        Some(state) => Ok(state),
    }
}

fn class(row: &Row<'_>, column: usize) -> rusqlite::Result<Class> {
    let code = row.get(column)?;
    Class::from_code(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, code))
}

fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let micros = row.get(column)?;
    time(micros).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, micros))
}

fn partner(row: &Row<'_>, column: usize) -> rusqlite::Result<PartnerId> {
    PartnerId::parse(&row.get::<_, String>(column)?).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}
