//! Findings become rows; what is found again and what is not.

use certs::digest::Sha256;
use schemas::id::Period;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    ConcludeRequest, ConcludeResponse, Finding, NoteFindingsRequest, NoteFindingsResponse, Party,
    RecordKind,
};

use super::row::{By, apply};
use super::standing::{Standing, Stored};
use super::{finding, page};
use crate::registry::effects::Asked;
use crate::registry::{Error, Registry, Tx, facts};
use crate::sql::values;

impl Registry {
    /// Notes what one reconciliation found; the same key gives the same answer again.
    ///
    /// What stands open already keeps its id and is found again. What was settled or has expired and is
    /// found again is a new discrepancy.
    ///
    /// # Errors
    /// `INVALID`; nothing is noted then.
    pub async fn note_findings(
        &self,
        mut request: NoteFindingsRequest,
    ) -> Result<NoteFindingsResponse, Error> {
        let context = facts::context(request.context.take())?;
        facts::word(&request.run, RUN_BYTES_MAX, "run")?;
        period(&request.period)?;
        facts::date(&request.due_on, "due_on")?;
        finding::check_all(&request.findings)?;
        let asked = Asked::new("TaxLedger.Note", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            let mut answer = NoteFindingsResponse::default();
            let run = Run {
                partner: &context.sender,
                request: &request,
            };
            for (line, finding) in request.findings.iter().enumerate() {
                let (id, again) = run.note(tx, line, finding)?;
                answer.ids.push(id);
                answer.again += u32::from(again);
            }
            Ok(answer)
        })
        .await
    }

    /// Matches what stood open in a reconciliation's scope and was not found again by it. Of persons and of employers
    /// each has its own reconciliation.
    ///
    /// # Errors
    /// `INVALID`; nothing is changed then.
    pub async fn conclude(&self, mut request: ConcludeRequest) -> Result<ConcludeResponse, Error> {
        let context = facts::context(request.context.take())?;
        facts::word(&request.run, RUN_BYTES_MAX, "run")?;
        period(&request.period)?;
        if !request.province.is_empty() {
            finding::province(&request.province)?;
        }
        let max = page(request.max)?;
        let kind = match request.kind() {
            RecordKind::Employer => "E-",
            RecordKind::Person => "P-",
            RecordKind::Unspecified => return Err(facts::invalid("unknown-code", "kind")),
        };
        let asked = Asked::new("TaxLedger.Conclude", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            let open = tx.sql.query(
                "SELECT seq, state FROM tax_ledger
                 WHERE partner = ?1 AND period = ?2 AND state < 5 AND state <> 2 AND run <> ?3
                   AND (?4 = '' OR province = ?4) AND substr(category, 1, 2) = ?6
                 ORDER BY category, tax_code, person LIMIT ?5",
                values![
                    context.sender,
                    request.period,
                    request.run,
                    request.province,
                    max,
                    kind
                ],
                |row| Ok((row.get::<i64>(0)?, row.get::<i32>(1)?)),
            )?;
            let by = by_reconciliation(&request.run, "not found again");
            for (seq, state) in &open {
                apply(tx, *seq, stored(*state)?.agree(), &by)?;
            }
            Ok(ConcludeResponse {
                matched: u32::try_from(open.len()).unwrap_or(u32::MAX),
            })
        })
        .await
    }
}

/// One call of one reconciliation.
struct Run<'a> {
    partner: &'a str,
    request: &'a NoteFindingsRequest,
}

impl Run<'_> {
    /// The row's id, and whether it stood open already.
    fn note(&self, tx: &Tx<'_>, line: usize, finding: &Finding) -> Result<(String, bool), Error> {
        let by = by_reconciliation(&self.request.run, "found");
        let id = id(tx, line);
        match self.insert(tx, &id, finding)? {
            Some(seq) => {
                apply(tx, seq, Standing::noted().steps(), &by)?;
                Ok((id, false))
            }
            None => Ok((self.again(tx, finding)?, true)),
        }
    }

    fn insert(&self, tx: &Tx<'_>, id: &str, finding: &Finding) -> Result<Option<i64>, Error> {
        let (now, asked) = (facts::instant(tx.now), self.request);
        Ok(tx.sql.query_opt(
            "INSERT INTO tax_ledger (id, partner, period, category, tax_code, person, province, field, ours, theirs,
               expected, state, run, found, due_on, noted_at, moved_at, checked_at, tolerated, tolerated_bp)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12, 1, ?13, ?14, ?14, ?14, ?15, ?16)
             ON CONFLICT DO NOTHING RETURNING seq",
            values![
                id,
                self.partner,
                asked.period,
                finding.category,
                finding.tax_code,
                finding.person,
                finding.province,
                finding.field,
                finding.ours,
                finding.theirs,
                finding.expected_vnd,
                asked.run,
                asked.due_on,
                now,
                finding.tolerated,
                finding.tolerated_bp
            ],
            |row| row.get(0),
        )?)
    }

    /// It stands open: it has the newest values, and is found once more by each reconciliation.
    fn again(&self, tx: &Tx<'_>, finding: &Finding) -> Result<String, Error> {
        let open: Option<(i64, String, i32, String)> = tx.sql.query_opt(
            "SELECT seq, id, state, run FROM tax_ledger
             WHERE partner = ?1 AND period = ?2 AND category = ?3 AND tax_code = ?4 AND person = ?5 AND state < 5",
            values![
                self.partner,
                self.request.period,
                finding.category,
                finding.tax_code,
                finding.person
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        let (seq, id, state, run) = open.ok_or(Error::Corrupt("an id was given twice"))?;
        if run == self.request.run {
            return Ok(id);
        }
        tx.sql.execute(
            "UPDATE tax_ledger SET ours = ?2, theirs = ?3, expected = ?4, province = ?5, run = ?6, found = found + 1,
               checked_at = ?7, tolerated = ?8, tolerated_bp = ?9 WHERE seq = ?1",
            values![
                seq,
                finding.ours,
                finding.theirs,
                finding.expected_vnd,
                finding.province,
                self.request.run,
                facts::instant(tx.now),
                finding.tolerated,
                finding.tolerated_bp
            ],
        )?;
        let by = by_reconciliation(&self.request.run, "found again");
        apply(tx, seq, stored(state)?.differ(), &by)?;
        Ok(id)
    }
}

/// From the key of the call and the finding's place in it: the same where a restored registry is told again.
fn id(tx: &Tx<'_>, line: usize) -> String {
    let digest = Sha256::new()
        .chain(&tx.key.get().unwrap_or_default())
        .chain(&(line as u64).to_be_bytes())
        .finish();
    let half = digest.first_chunk().copied().unwrap_or_default();
    format!("d-{:032x}", u128::from_be_bytes(half))
}

fn by_reconciliation<'a>(run: &'a str, reason: &'a str) -> By<'a> {
    By {
        side: Party::Insurance,
        who: run,
        reason,
    }
}

fn stored(state: i32) -> Result<Stored, Error> {
    Stored::of(state).ok_or(Error::Corrupt("a discrepancy's state"))
}

fn period(text: &str) -> Result<(), Error> {
    match Period::parse(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(facts::invalid("malformed-period", "period")),
    }
}

const RUN_BYTES_MAX: usize = 64;
