//! What comes out of a statement.

use std::error::Error as _;

use tokio_postgres::types::{FromSql, Type};

use super::{Error, Result};

/// One row, as long as the statement holds it.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// A column by its place.
    pub(crate) fn get<T: FromValue>(&self, column: usize) -> Result<T> {
        let misshapen = |what: &str| Error::Shape(column, what.to_owned());
        match self {
            Self::Sqlite(row) => {
                use rusqlite::types::ValueRef;
                let cell = match row.get_ref(column)? {
                    ValueRef::Null => Cell::Null,
                    ValueRef::Integer(number) => Cell::Int(number),
                    ValueRef::Text(text) => {
                        Cell::Text(std::str::from_utf8(text).map_err(|_| misshapen("not UTF-8"))?)
                    }
                    ValueRef::Blob(bytes) => Cell::Blob(bytes),
                    ValueRef::Real(_) => return Err(misshapen("a fraction")),
                };
                T::from_cell(cell).ok_or_else(|| misshapen("another type"))
            }
            Self::Postgres(row) => {
                let cell: Cell<'_> = row.try_get(column).map_err(|error| {
                    let why = error
                        .source()
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    misshapen(&why)
                })?;
                T::from_cell(cell).ok_or_else(|| misshapen("another type"))
            }
        }
    }
}

/// A column's content.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Self::Blob(raw),
            _ => Self::Text(<&str>::from_sql(&Type::TEXT, raw)?),
        })
    }

    fn from_sql_null(
        _: &Type,
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::INT2,
            Type::BOOL,
            Type::BYTEA,
            Type::TEXT,
        ]
        .contains(ty)
    }
}

/// What a column can be read as.
pub(crate) trait FromValue: Sized {
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl FromValue for $kind {
            fn from_cell(cell: Cell<'_>) -> Option<Self> {
                match cell {
                    Cell::Int(number) => number.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

numbers!(i64, u32, u8);

impl FromValue for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number != 0),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Blob(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Blob(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}
