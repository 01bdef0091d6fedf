//! Findings become rows; what is found again and what is not.

use certs::digest::Sha256;
use schemas::id::Period;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    ConcludeRequest, ConcludeResponse, Finding, NoteFindingsRequest, NoteFindingsResponse, Party,
    RecordKind,
};

use super::row::{By, apply, bit};
use super::standing::{Standing, Stored};
use super::{finding, page};
use crate::registry::effects::Asked;
use crate::registry::{Error, Registry, Tx, facts};
use crate::sql::values;

impl Registry {
    /// Notes what one reconciliation found; the same key gives the same answer again.
    ///
    /// What stands open already keeps its id and is found again, by whichever side's comparison. What was settled or
    /// has expired and is found again is a new discrepancy.
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
        side(request.by)?;
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

    /// Matches what stood open in a reconciliation's scope and was not found again by it, unless the other side's
    /// comparison still finds it. Of persons and of employers each has its own reconciliation.
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
        side(request.by)?;
        let max = page(request.max)?;
        let kind = match request.kind() {
            RecordKind::Employer => "E-",
            RecordKind::Person => "P-",
            RecordKind::Unspecified => return Err(facts::invalid("unknown-code", "kind")),
        };
        let asked = Asked::new("TaxLedger.Conclude", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            let this_side = bit(request.by());
            let open: Vec<(i64, i32, i64)> = tx.sql.query(
                "SELECT seq, state, sides FROM tax_ledger
                 WHERE partner = ?1 AND period = ?2 AND state < 5 AND state <> 2
                   AND (?7 = 1 AND sides IN (1, 3) AND run <> ?3 OR ?7 = 2 AND sides IN (2, 3) AND tax_run <> ?3)
                   AND (?4 = '' OR province = ?4) AND substr(category, 1, 2) = ?6
                 ORDER BY category, tax_code, person LIMIT ?5",
                values![
                    context.sender,
                    request.period,
                    request.run,
                    request.province,
                    max,
                    kind,
                    this_side
                ],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            let by = by_reconciliation(request.by(), &request.run, "not found again");
            for (seq, state, sides) in &open {
                let left = sides & !this_side;
                leave(tx, *seq, left)?;
                // what the other side still finds stands open
                if left == 0 {
                    apply(tx, *seq, stored(*state)?.agree(), &by)?;
                }
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
        let by = by_reconciliation(self.request.by(), &self.request.run, "found");
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
               expected, state, run, found, due_on, noted_at, moved_at, checked_at, tolerated, tolerated_bp, sides, tax_run)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12, 1, ?13, ?14, ?14, ?14, ?15, ?16, ?17, ?18)
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
                finding.tolerated_bp,
                bit(asked.by()),
                self.tax_run("")
            ],
            |row| row.get(0),
        )?)
    }

    /// It stands open: it has the newest values, and is found once more by each reconciliation.
    fn again(&self, tx: &Tx<'_>, finding: &Finding) -> Result<String, Error> {
        let open: Option<Open> = tx.sql.query_opt(
            "SELECT seq, id, state, run, tax_run, sides FROM tax_ledger
             WHERE partner = ?1 AND period = ?2 AND category = ?3 AND tax_code = ?4 AND person = ?5 AND state < 5",
            values![
                self.partner,
                self.request.period,
                finding.category,
                finding.tax_code,
                finding.person
            ],
            |row| {
                Ok(Open {
                    seq: row.get(0)?,
                    id: row.get(1)?,
                    state: row.get(2)?,
                    run: row.get(3)?,
                    tax_run: row.get(4)?,
                    sides: row.get(5)?,
                })
            },
        )?;
        let open = open.ok_or(Error::Corrupt("an id was given twice"))?;
        let last = match self.request.by() {
            Party::Tax => &open.tax_run,
            Party::Insurance | Party::Unspecified => &open.run,
        };
        if *last == self.request.run {
            return Ok(open.id);
        }
        tx.sql.execute(
            "UPDATE tax_ledger SET ours = ?2, theirs = ?3, expected = ?4, province = ?5, run = ?6, found = found + 1,
               checked_at = ?7, tolerated = ?8, tolerated_bp = ?9, sides = ?10, tax_run = ?11 WHERE seq = ?1",
            values![
                open.seq,
                finding.ours,
                finding.theirs,
                finding.expected_vnd,
                finding.province,
                self.our_run(&open.run),
                facts::instant(tx.now),
                finding.tolerated,
                finding.tolerated_bp,
                open.sides | bit(self.request.by()),
                self.tax_run(&open.tax_run)
            ],
        )?;
        let by = by_reconciliation(self.request.by(), &self.request.run, "found again");
        apply(tx, open.seq, stored(open.state)?.differ(), &by)?;
        Ok(open.id)
    }

    /// The reconciliation by which the insurance side found it last.
    fn our_run<'r>(&'r self, before: &'r str) -> &'r str {
        match self.request.by() {
            Party::Tax => before,
            Party::Insurance | Party::Unspecified => &self.request.run,
        }
    }

    /// The reconciliation by which the tax side found it last.
    fn tax_run<'r>(&'r self, before: &'r str) -> &'r str {
        match self.request.by() {
            Party::Tax => &self.request.run,
            Party::Insurance | Party::Unspecified => before,
        }
    }
}

/// What stands open already.
struct Open {
    seq: i64,
    id: String,
    state: i32,
    run: String,
    tax_run: String,
    sides: i64,
}

/// These sides find it now.
fn leave(tx: &Tx<'_>, seq: i64, sides: i64) -> Result<(), Error> {
    let update = "UPDATE tax_ledger SET sides = ?2 WHERE seq = ?1";
    tx.sql.execute(update, values![seq, sides])?;
    Ok(())
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

fn by_reconciliation<'a>(by: Party, run: &'a str, reason: &'a str) -> By<'a> {
    By {
        side: match by {
            Party::Tax => Party::Tax,
            Party::Insurance | Party::Unspecified => Party::Insurance,
        },
        who: run,
        reason,
    }
}

fn stored(state: i32) -> Result<Stored, Error> {
    Stored::of(state).ok_or(Error::Corrupt("a discrepancy's state"))
}

/// A side that there is, or none: then it is the insurance side.
fn side(code: i32) -> Result<(), Error> {
    match Party::try_from(code) {
        Ok(_) => Ok(()),
        Err(_) => Err(facts::invalid("unknown-code", "by")),
    }
}

fn period(text: &str) -> Result<(), Error> {
    match Period::parse(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(facts::invalid("malformed-period", "period")),
    }
}

const RUN_BYTES_MAX: usize = 64;
