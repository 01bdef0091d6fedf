//! Size, health, and one hash over every business row: equal before and after means nothing changed.

use certs::digest::Sha256;
use schemas::proto::insurance::{
    FingerprintRequest, FingerprintResponse, InfoRequest, InfoResponse,
};

use super::{Error, Registry, schema};
use crate::sql::{Cell, Sql, dialect};

impl Registry {
    /// Size, population and schema version. PostgreSQL estimates what is more than a hundred thousand.
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
                schema_version: schema::newest(sql.engine()).to_string(),
            })
        })
        .await
    }

    /// SHA-256 over every business row in key order.
    ///
    /// It reads everything: for tests and for comparing two registries, not for a large one in service.
    ///
    /// People, their numbers, households, employers, what was recorded of them, employments, contributions, D02 declarations,
    /// personal tax codes, notices, the tax ledger, facilities, cards, birth cases with their reviews, supplements, clocks and corrections, announced ends of cards, where people were born, hospitals' notices, deaths and what they closed, dossiers with their clocks, what persons did about them, certified groups, payments with what became of them, and counters count; remembered effects, the change feed and who watches or has subscribed do not, since
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

/// One snapshot of everything, hashed table by table: the same on either engine.
pub(crate) fn fingerprint(sql: &Sql) -> Result<[u8; 32], Error> {
    sql.snapshot()?;
    let hashed = hash_all(sql);
    sql.rollback(); // nothing was written
    hashed
}

fn hash_all(sql: &Sql) -> Result<[u8; 32], Error> {
    let mut hash = Sha256::new();
    for (table, columns, key) in TABLES {
        hash.update(table.as_bytes());
        let query = format!("SELECT {columns} FROM {table} ORDER BY {key}");
        add_rows(sql, &query, &mut hash)?;
    }
    Ok(hash.finish())
}

fn add_rows(sql: &Sql, query: &str, hash: &mut Sha256) -> Result<(), Error> {
    let mut bytes = Vec::with_capacity(512);
    sql.each(query, &[], |row| {
        bytes.clear();
        for column in 0..row.width() {
            add_value(row.cell(column)?, &mut bytes);
        }
        hash.update(&bytes);
        Ok(())
    })?;
    Ok(())
}

/// Type, length and content, so that no two rows look alike.
fn add_value(value: Cell<'_>, bytes: &mut Vec<u8>) {
    let (kind, content): (u8, &[u8]) = match &value {
        Cell::Null => (0, &[]),
        Cell::Int(number) => (1, &number.to_be_bytes()),
        Cell::Text(text) => (3, text.as_bytes()),
        Cell::Blob(blob) => (4, blob),
    };
    bytes.push(kind);
    bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
    bytes.extend_from_slice(content);
}

fn count(sql: &Sql, table: &str) -> Result<u64, Error> {
    let query = dialect::count(sql.engine(), table);
    let count: i64 = sql.query_one(&query, &[], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| Error::Corrupt("a count"))
}

/// Every business table with its columns and its key.
const TABLES: [(&str, &str, &str); 38] = [
    (
        "people",
        "id, name, match_key, birth_date, sex, ethnicity, nationality, commune, household, relation, died_on",
        "id",
    ),
    (
        "numbers",
        "scheme, number, person, valid_from, valid_to",
        "number, scheme",
    ),
    ("households", "id, commune, commune_before", "id"),
    (
        "employers",
        "id, mst, unit_code, name, state, province, commune",
        "id",
    ),
    (
        "employments",
        "person, employer, from_period, to_period, salary_vnd",
        "person, from_period",
    ),
    (
        "contributions",
        "employer, period, state, participants, fund_vnd, due_vnd, paid_vnd, arrears_vnd, closed",
        "employer, period",
    ),
    (
        "d02",
        "employer, period, submitted_on, plan, joined, gone",
        "employer, period",
    ),
    (
        "employer_records",
        "employer, nth, kind, effective_on, facts, who, why, at",
        "employer, nth",
    ),
    ("tax_codes", "code, person", "code, person"),
    (
        "tax_notices",
        "seq, sender, tax_code, kind, effective_on, facts, received_at",
        "seq",
    ),
    (
        "tax_ledger",
        "seq, id, partner, period, category, tax_code, person, province, field, ours, theirs, expected, state, run, \
         found, due_on, noted_at, moved_at, checked_at, tolerated, tolerated_bp",
        "seq",
    ),
    (
        "tax_ledger_steps",
        "discrepancy, nth, state, side, who, reason, at, key",
        "discrepancy, nth",
    ),
    ("facilities", "code, name", "code"),
    (
        "cards",
        "number, serial, person, valid_from, valid_to, facility, state, rule, issued_on",
        "number, serial",
    ),
    (
        "birth_cases",
        "sender, case_id, facts, person, state, due_on, updated_at, card_number, card_rule",
        "sender, case_id",
    ),
    (
        "birth_origins",
        "person, birth_date, birth_notice, mother_pin, mother_name, mother_key",
        "person",
    ),
    (
        "birth_notices",
        "sender, code, paper, facts, children, sex, outcome, person, at, withdrawn_by, withdrawn_at",
        "sender, code, paper",
    ),
    (
        "replaced_notices",
        "sender, code, paper, nth, facts, by_code, by_paper, at",
        "sender, code, paper, nth",
    ),
    (
        "birth_reviews",
        "id, sender, case_id, facts, score, why, due_on, opened_at, decided_at, decided_by, reason, same_as, \
         refused, moved_at, asked",
        "id",
    ),
    (
        "birth_clocks",
        "sender, case_id, province, counted_on, half_ms, most_ms, due_ms, done_ms, told, next_ms, settled, \
         paused_ms",
        "sender, case_id",
    ),
    (
        "birth_supplements",
        "sender, case_id, nth, told, who, why, asked_at, until_on, until_ms, answer_case, answer, ended_at",
        "sender, case_id, nth",
    ),
    (
        "card_endings",
        "sender, case_id, ends_on, next_object, next_level, next_from, rule, at",
        "sender, case_id, ends_on",
    ),
    (
        "person_endings",
        "partner, person, ends_on, at",
        "partner, person, ends_on",
    ),
    (
        "birth_corrections",
        "sender, case_id, corrects, nth, person, facts, print, at",
        "sender, case_id",
    ),
    (
        "deaths",
        "sender, case_id, facts, pin, person, died_on, funeral, updated_at, withdrawn_by, notice_number, replaces_number",
        "sender, case_id",
    ),
    (
        "death_closures",
        "person, kind, what, serial, ended",
        "person, kind, what, serial",
    ),
    (
        "dossiers",
        "code, owner, foreign_id, facts, procedure, state, step, person, card_number, card_serial, applicant_name, \
         applicant_pin, received_at, due_at, updated_at, reason, employer, awaits, \
         supplement_due, acts_as",
        "code",
    ),
    (
        "certified_groups",
        "person, grp, decision, from_on, to_on, who, why, at, ended_on, ended_by, ended_who, ended_why, ended_at",
        "person, grp, decision",
    ),
    (
        "representations",
        "id, representative, person, employer, kind, basis, document, from_on, to_on, procedures, who, why, at, \
         ended_on, ended_by, ended_who, ended_why, ended_at",
        "id",
    ),
    (
        "dossier_clocks",
        "dossier, clock, half_ms, most_ms, due_ms, done_ms, paused_ms, told, next_ms",
        "dossier, clock",
    ),
    (
        "dossier_acts",
        "dossier, step, decision, who, why, told, paid, at",
        "dossier, step",
    ),
    (
        "dossier_supplements",
        "dossier, id, facts, at",
        "dossier, id",
    ),
    (
        "payment_orders",
        "reference, dossier, state, vnd, page, quoted_at, valid_until, url, asked, ask_at, bill",
        "reference",
    ),
    (
        "contribution_lines",
        "reference, line, kind, person, household, employer, period, months, vnd, card_number, card_serial, \
         transaction_id, booked_at, supported",
        "reference, line",
    ),
    (
        "payments",
        "id, reference, vnd, bank, paid_at, paid_on, heard_by, heard_at, reason, refunded, refunded_by, refunded_why",
        "id",
    ),
    (
        "payment_statements",
        "day, id, reference, vnd, paid_at",
        "day, id",
    ),
    ("payment_statement_days", "day, noted_at", "day"),
    ("counters", "name, value", "name"),
];
