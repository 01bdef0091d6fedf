//! PostgreSQL, as the scene needs it: a database of its own in one cluster for all tests.

use std::io::Write as _;
use std::path::Path;

use gateway_store::{Engine, PostgresParams};

use crate::pg::{Cluster, NOT_RUN};

pub(crate) fn make(_: &Path) -> Engine {
    Engine::Postgres(patient(&cluster().database()))
}

/// On a busy machine a test may wait longer than a message would.
pub(crate) fn patient(url: &str) -> PostgresParams {
    let mut params = PostgresParams::new(url);
    params.connect_timeout = std::time::Duration::from_secs(5);
    params.statement_timeout = std::time::Duration::from_secs(5);
    params
}

/// Ends the program, without a failure, where there is no server to run on.
pub(crate) fn cluster() -> &'static Cluster {
    Cluster::shared().unwrap_or_else(|| {
        // Past the harness, which keeps what passing tests print.
        let _ = writeln!(std::io::stderr(), "{NOT_RUN}");
        std::process::exit(0)
    })
}

/// The name of its database.
pub(crate) fn database(engine: &Engine) -> String {
    let Engine::Postgres(params) = engine else {
        panic!("not PostgreSQL");
    };
    let rest = params.url.strip_prefix("postgresql:///").unwrap();
    rest.split('?').next().unwrap().to_owned()
}

/// The first column of all rows.
pub(crate) fn ask(engine: &Engine, sql: &str) -> Vec<String> {
    let sql = format!("SET search_path = lienthong_store; {sql}");
    let told = cluster().psql(&database(engine), &sql);
    told.lines()
        .map(|line| line.split('|').next().unwrap().to_owned())
        .collect()
}

/// Changes something beside the store.
pub(crate) fn edit(engine: &Engine, sql: &str) {
    let sql = format!("SET search_path = lienthong_store; {sql}");
    cluster().psql(&database(engine), &sql);
}

/// Every row of a table as one text, bytes in hexadecimal.
pub(crate) fn rows(engine: &Engine, table: &str) -> Vec<String> {
    let sql = format!("SET search_path = lienthong_store; SELECT t::text FROM {table} t");
    let told = cluster().psql(&database(engine), &sql);
    told.lines().map(str::to_owned).collect()
}
