//! What goes into a statement.

use std::error::Error;

use bytes::BufMut as _;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    Ints(&'a [i64]),
    Blobs(&'a [&'a [u8]]),
    Texts(&'a [&'a str]),
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Ints(_) | Self::Blobs(_) | Self::Texts(_) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(
                    "SQLite has no arrays".into(),
                ));
            }
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(number) if *ty == Type::INT8 => out.put_i64(*number),
            Self::Int(number) if *ty == Type::INT4 => out.put_i32((*number).try_into()?),
            Self::Int(number) if *ty == Type::INT2 => out.put_i16((*number).try_into()?),
            Self::Int(number) if *ty == Type::BOOL => out.put_u8(u8::from(*number != 0)),
            Self::Text(text) if *ty == Type::TEXT => out.put_slice(text.as_bytes()),
            Self::Blob(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
            Self::Ints(all) => return all.to_sql_checked(ty, out),
            Self::Blobs(all) => return all.to_sql_checked(ty, out),
            Self::Texts(all) => return all.to_sql_checked(ty, out),
            _ => return Err(format!("a parameter is {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What can be a parameter.
pub(crate) trait ToValue {
    fn value(&self) -> Value<'_>;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::value)
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl ToValue for $kind {
            fn value(&self) -> Value<'_> {
                Value::Int(i64::from(*self))
            }
        }
    )*};
}

numbers!(i64, i32, i16, u8, u16, u32, bool);

impl ToValue for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl ToValue for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl ToValue for Value<'_> {
    fn value(&self) -> Value<'_> {
        *self
    }
}

/// The parameters of one statement.
pub(crate) trait Params {
    fn with<T>(&self, then: impl FnOnce(&[Value<'_>]) -> T) -> T;
}

impl Params for &[&dyn ToValue] {
    fn with<T>(&self, then: impl FnOnce(&[Value<'_>]) -> T) -> T {
        let values: Vec<_> = self.iter().map(|value| value.value()).collect();
        then(&values)
    }
}

impl Params for [&dyn ToValue; 0] {
    fn with<T>(&self, then: impl FnOnce(&[Value<'_>]) -> T) -> T {
        then(&[])
    }
}

macro_rules! arrays {
    ($($n:literal),*) => {$(
        impl<V: ToValue> Params for [V; $n] {
            fn with<T>(&self, then: impl FnOnce(&[Value<'_>]) -> T) -> T {
                then(&std::array::from_fn::<_, $n, _>(|at| self[at].value()))
            }
        }

        impl Params for &[&dyn ToValue; $n] {
            fn with<T>(&self, then: impl FnOnce(&[Value<'_>]) -> T) -> T {
                then(&std::array::from_fn::<_, $n, _>(|at| self[at].value()))
            }
        }
    )*};
}

arrays!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);

/// Parameters of several kinds.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::sql::ToValue),*]
    };
}
pub(crate) use params;
