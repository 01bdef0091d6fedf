//! SQLite, as the scene needs it.

use std::path::Path;

use gateway_store::Engine;

pub(crate) fn make(folder: &Path) -> Engine {
    Engine::Sqlite(folder.join("store.sqlite"))
}

/// The first column of all rows.
pub(crate) fn ask(engine: &Engine, sql: &str) -> Vec<String> {
    let Engine::Sqlite(path) = engine else {
        panic!("not SQLite");
    };
    let conn = rusqlite::Connection::open(path).unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Every row of a table as one text, bytes in hexadecimal.
pub(crate) fn rows(engine: &Engine, table: &str) -> Vec<String> {
    let columns = ask(
        engine,
        &format!("SELECT name FROM pragma_table_info('{table}')"),
    );
    let shown = columns
        .iter()
        .map(|name| format!("iif(typeof({name}) = 'blob', lower(hex({name})), {name})"));
    let all = shown.collect::<Vec<_>>().join(", '|', ");
    ask(engine, &format!("SELECT concat({all}) FROM {table}"))
}

/// Changes something beside the store.
pub(crate) fn edit(engine: &Engine, sql: &str) {
    let Engine::Sqlite(path) = engine else {
        panic!("not SQLite");
    };
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(sql).unwrap();
}
