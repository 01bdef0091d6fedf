//! Size, health, and one hash over every business row: equal before and after means nothing changed.

use certs::digest::Sha256;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use schemas::proto::insurance::{
    FingerprintRequest, FingerprintResponse, InfoRequest, InfoResponse,
};

use super::{Error, Registry, schema};

impl Registry {
    /// Size, population and schema version.
    ///
    /// # Errors
    /// Where the registry cannot read.
    pub async fn info(&self, _: InfoRequest) -> Result<InfoResponse, Error> {
        let population = self.population().as_str().to_owned();
        self.read("info", move |sql| {
            Ok(InfoResponse {
                people: count(sql, "people")?,
                employers: count(sql, "employers")?,
                cards: count(sql, "cards")?,
                dossiers: count(sql, "dossiers")?,
                population,
                schema_version: schema::newest().to_string(),
            })
        })
        .await
    }

    /// SHA-256 over every business row in key order.
    ///
    /// People, their numbers, households, employers, employments, contributions, facilities, cards,
    /// birth cases, dossiers and counters count; remembered effects and the change feed do not, since
    /// a lease or a repeated key is no change of the business.
    ///
    /// # Errors
    /// Where the registry cannot read.
    pub async fn fingerprint(&self, _: FingerprintRequest) -> Result<FingerprintResponse, Error> {
        self.read("fingerprint", |sql| {
            Ok(FingerprintResponse {
                sha256: fingerprint(sql)?.to_vec(),
            })
        })
        .await
    }
}

/// One snapshot of the file, hashed table by table.
pub(crate) fn fingerprint(sql: &Connection) -> Result<[u8; 32], Error> {
    let snapshot = sql.unchecked_transaction()?;
    let mut hash = Sha256::new();
    for (table, key) in TABLES {
        hash.update(table.as_bytes());
        add_rows(
            &snapshot,
            &format!("SELECT * FROM {table} ORDER BY {key}"),
            &mut hash,
        )?;
    }
    Ok(hash.finish())
}

fn add_rows(sql: &Connection, query: &str, hash: &mut Sha256) -> Result<(), Error> {
    let mut statement = sql.prepare_cached(query)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut bytes = Vec::with_capacity(512);
    while let Some(row) = rows.next()? {
        bytes.clear();
        for column in 0..columns {
            add_value(row.get_ref(column)?, &mut bytes);
        }
        hash.update(&bytes);
    }
    Ok(())
}

/// Type, length and content, so that no two rows look alike.
fn add_value(value: ValueRef<'_>, bytes: &mut Vec<u8>) {
    let (kind, content): (u8, &[u8]) = match &value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => (1, &number.to_be_bytes()),
        ValueRef::Real(number) => (2, &number.to_be_bytes()),
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(blob) => (4, blob),
    };
    bytes.push(kind);
    bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
    bytes.extend_from_slice(content);
}

fn count(sql: &Connection, table: &str) -> Result<u64, Error> {
    let count: i64 = sql
        .prepare_cached(&format!("SELECT count(*) FROM {table}"))?
        .query_row([], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| Error::Corrupt("a count"))
}

/// Every business table with its key.
const TABLES: [(&str, &str); 11] = [
    ("people", "id"),
    ("numbers", "number, scheme"),
    ("households", "id"),
    ("employers", "id"),
    ("employments", "person, from_period"),
    ("contributions", "employer, period"),
    ("facilities", "code"),
    ("cards", "number, serial"),
    ("birth_cases", "sender, case_id"),
    ("dossiers", "code"),
    ("counters", "name"),
];
