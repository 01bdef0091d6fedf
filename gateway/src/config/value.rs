//! The kinds of values that a config file holds.

use std::{fmt, net::IpAddr, ops::RangeInclusive, path::PathBuf};

use certs::keys::Algorithm;
use gateway_core::{Road, partner::Environment};
use jiff::civil::Date;
use schemas::{
    id::{PartnerId, XRoadClient, XRoadService},
    wire::xroad::Spelling,
};
use toml::de::DeValue;

use super::CronTime;
use super::partner::OutwardWords;
use super::read::{At, Reader, Value};

/// A text that must not be shown: it prints as REDACTED.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

/// Whole numbers, which can have bounds.
pub(crate) trait Number: Value + Copy {
    fn as_u64(self) -> u64;
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl Value for $ty {
            fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
                let number = value
                    .as_integer()
                    .and_then(|integer| <$ty>::from_str_radix(integer.as_str(), integer.radix()).ok());
                number.or_else(|| reader.wrong_type(at, concat!("a whole number (", stringify!($ty), ")")))
            }
        }

        impl Number for $ty {
            fn as_u64(self) -> u64 {
                self as u64
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, usize);

/// Holds a number to its bounds.
pub(crate) fn bounded<T: Number>(
    reader: &mut Reader<'_>,
    at: &At,
    key: &str,
    value: Option<T>,
    bounds: RangeInclusive<u64>,
) -> Option<T> {
    let number = value?;
    if bounds.contains(&number.as_u64()) {
        return Some(number);
    }
    let at = reader.known_place(at, key);
    let path = at.path.clone();
    reader.problem(
        &at,
        format!("`{path}` is {}, out of its bounds", number.as_u64()),
        format!("use a number from {} to {}", bounds.start(), bounds.end()),
    );
    None
}

impl Value for bool {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => reader.wrong_type(at, "true or false"),
        }
    }
}

impl Value for String {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::String(text) if !text.is_empty() => Some(text.clone().into_owned()),
            _ => reader.wrong_type(at, "a text that is not empty"),
        }
    }
}

impl Value for PathBuf {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let text = String::read(reader, at, value)?;
        Some(reader.folder().join(text))
    }
}

impl Value for IpAddr {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        parsed(
            reader,
            at,
            value,
            "an IP address such as \"127.0.0.1\"",
            |text| text.parse().ok(),
        )
    }
}

impl Value for CronTime {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted = "a time in cron's five fields, such as \"0 8 5 * *\"";
        parsed(reader, at, value, wanted, Self::parse)
    }
}

impl Value for PartnerId {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted = "a partner id: 2 to 32 of a-z, 0-9 and -";
        parsed(reader, at, value, wanted, |text| Self::parse(text).ok())
    }
}

impl Value for Environment {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted = "one of \"sandbox\", \"test\", \"production\"";
        parsed(reader, at, value, wanted, Self::parse)
    }
}

impl Value for Road {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        parsed(
            reader,
            at,
            value,
            "one of \"direct\", \"ngsp\", \"vdxp\", \"xroad\"",
            Self::parse,
        )
    }
}

impl Value for OutwardWords {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted =
            "one of \"portal\", \"taxpayer\", \"payments\", \"civil\", \"population\", \"dci\"";
        parsed(reader, at, value, wanted, Self::parse)
    }
}

impl Value for XRoadClient {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted = "an X-Road client: instance/class/member, or with /subsystem";
        parsed(reader, at, value, wanted, |text| Self::parse(text).ok())
    }
}

impl Value for XRoadService {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted = "an X-Road service: instance/class/member/subsystem/service";
        parsed(reader, at, value, wanted, |text| Self::parse(text).ok())
    }
}

impl Value for Spelling {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        parsed(reader, at, value, "one of \"new\", \"old\"", Self::parse)
    }
}

impl Value for Algorithm {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let names = Self::ALL.map(|known| format!("\"{known}\"")).join(", ");
        let wanted = format!("one of {names}");
        parsed(reader, at, value, &wanted, Self::from_name)
    }
}

impl Value for Date {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let date = match value {
            DeValue::Datetime(stamp) if stamp.time.is_none() => stamp.date.and_then(|date| {
                let year = i16::try_from(date.year).ok()?;
                Self::new(
                    year,
                    i8::try_from(date.month).ok()?,
                    i8::try_from(date.day).ok()?,
                )
                .ok()
            }),
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        date.or_else(|| reader.wrong_type(at, "a date such as 2026-01-31"))
    }
}

impl<T: Value> Value for Option<T> {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        T::read(reader, at, value).map(Some)
    }

    fn absent(_: &mut Reader<'_>, _: &At) -> Option<Self> {
        Some(None)
    }

    #[cfg(test)]
    fn keys(prefix: &str, out: &mut Vec<String>) {
        T::keys(prefix, out);
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let DeValue::Array(items) = value else {
            return reader.wrong_type(at, "a list");
        };
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let at = reader.below(at, &index.to_string(), item);
                T::read(reader, &at, item.get_ref())
            })
            .collect();
        read.into_iter().collect()
    }

    #[cfg(test)]
    fn keys(prefix: &str, out: &mut Vec<String>) {
        T::keys(prefix, out);
    }
}

/// A table whose keys are names given by the writer, such as operations; in order of the names.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Named<T>(pub(crate) Vec<(String, T)>);

impl<T: Value> Value for Named<T> {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let DeValue::Table(table) = value else {
            return reader.wrong_type(at, "a table");
        };
        let read: Vec<Option<(String, T)>> = table
            .iter()
            .map(|(key, value)| {
                let at = reader.below(at, key.get_ref(), value);
                let value = T::read(reader, &at, value.get_ref())?;
                Some((key.get_ref().clone().into_owned(), value))
            })
            .collect();
        read.into_iter().collect::<Option<Vec<_>>>().map(Self)
    }

    #[cfg(test)]
    fn keys(prefix: &str, out: &mut Vec<String>) {
        T::keys(prefix, out);
    }
}

pub(crate) fn parsed<T>(
    reader: &mut Reader<'_>,
    at: &At,
    value: &DeValue<'_>,
    wanted: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let parsed = match value {
        DeValue::String(text) => parse(text),
        _ => None,
    };
    parsed.or_else(|| reader.wrong_type(at, wanted))
}

/// Declares a closed choice of words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $( $(#[$word_meta:meta])* $variant:ident = $word:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$word_meta])* $variant, )*
        }

        impl $crate::config::read::Value for $name {
            fn read(
                reader: &mut $crate::config::read::Reader<'_>,
                at: &$crate::config::read::At,
                value: &toml::de::DeValue<'_>,
            ) -> Option<Self> {
                let wanted = concat!("one of", $(" \"", $word, "\""),*);
                $crate::config::value::parsed(reader, at, value, wanted, |text| match text {
                    $( $word => Some(Self::$variant), )*
                    _ => None,
                })
            }
        }
    };
}

pub(crate) use words;
