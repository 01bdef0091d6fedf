//! A database as anybody can read it: SQLite's file with plain SQL, PostgreSQL with `psql`.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, types::ValueRef};

/// Where rows are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file.
    Sqlite(PathBuf),
    /// A database, by its url.
    Postgres(String),
}

impl Source {
    /// Every row, each column as text; NULL is empty.
    #[must_use]
    pub fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let begun = Instant::now();
        loop {
            match self.try_rows(query) {
                Ok(rows) => return rows,
                Err(why) if begun.elapsed() > PATIENCE => panic!("{query}: {why}"),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// The same, asked once.
    ///
    /// # Errors
    /// What the database says.
    pub fn try_rows(&self, query: &str) -> Result<Vec<Vec<String>>, String> {
        match self {
            Self::Sqlite(path) => sqlite(path, query).map_err(|error| error.to_string()),
            Self::Postgres(url) => psql(url, query),
        }
    }

    /// The one number that a query counts.
    #[must_use]
    pub fn count(&self, query: &str) -> u64 {
        self.rows(query)[0][0].parse().unwrap()
    }

    /// How this engine writes a column of bytes in hex.
    #[must_use]
    pub fn hex(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("hex({column})"),
            Self::Postgres(_) => format!("encode({column}, 'hex')"),
        }
    }
}

fn sqlite(path: &PathBuf, query: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let sql = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    sql.busy_timeout(PATIENCE)?;
    let mut statement = sql.prepare(query)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|nth| Ok(text(row.get_ref(nth)?)))
            .collect()
    })?;
    rows.collect()
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Blob(bytes) => hex::encode(bytes),
    }
}

fn psql(url: &str, query: &str) -> Result<Vec<Vec<String>>, String> {
    let mut command = Command::new("psql");
    command.env("PGOPTIONS", "-c search_path=lienthong_store,registry");
    command.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-F",
        "\u{1f}",
        "-v",
        "ON_ERROR_STOP=1",
    ]);
    let output = command.args(["-c", query, url]).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter(|line| !line.is_empty());
    Ok(lines
        .map(|line| line.split('\u{1f}').map(str::to_owned).collect())
        .collect())
}

const PATIENCE: Duration = Duration::from_secs(5);
