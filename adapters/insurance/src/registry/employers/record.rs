//! What an officer records of an employer: kept with who and why, and told to whoever watches, in one commit.

use schemas::fault::FaultCode;
use schemas::id::TaxId;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    EmployerChange, NoticeKind, ParticipationState as State, RecordEmployerRequest,
    RecordEmployerResponse,
};

use super::super::effects::Asked;
use super::super::{Error, Registry, Tx, facts, months};
use super::said::{Month, Place, Said, What};
use super::watch;
use crate::sql::values;

impl Registry {
    /// Records one change of one employer; the same key gives the same answer again.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where the employer, or the one that it was merged into, is none; `RULE-REFUSED` where it is
    /// known already, stands otherwise, or the month is closed; `INVALID`. Nothing is changed then.
    pub async fn record_employer(
        &self,
        mut request: RecordEmployerRequest,
    ) -> Result<RecordEmployerResponse, Error> {
        let context = facts::context(request.context.take())?;
        let asked = Asked::new("Employers.Record", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            let said = Said::parse(&tx.sight(), &request)?;
            let (id, change) = change(tx, &said, request.kind())?;
            keep(tx, id, &said, &change)?;
            Ok(RecordEmployerResponse {
                told: watch::tell(tx, id, &change)?,
                change: Some(change),
            })
        })
        .await
    }
}

/// The employer as it stands.
struct Standing {
    id: i64,
    unit_code: String,
    state: State,
}

/// Does it, and gives the employer's row and what is told.
fn change(tx: &Tx<'_>, said: &Said, kind: NoticeKind) -> Result<(i64, EmployerChange), Error> {
    let told = EmployerChange {
        tax_code: said.code.as_str().to_owned(),
        kind: kind.into(),
        effective_on: said.effective_on.to_string(),
        ..EmployerChange::default()
    };
    if let What::Registered {
        unit_code,
        name,
        place,
    } = &said.what
    {
        let id = insert(tx, said, unit_code, name, place)?;
        return Ok((
            id,
            EmployerChange {
                unit_code: unit_code.clone(),
                state: State::Active.into(),
                name: name.clone(),
                address: address(said, place),
                ..told
            },
        ));
    }
    let standing = standing(tx, &said.code)?.ok_or_else(|| unknown("tax_code"))?;
    let told = EmployerChange {
        unit_code: standing.unit_code.clone(),
        state: standing.state.into(),
        ..told
    };
    let told = match &said.what {
        What::Registered { .. } => told, // above
        What::Dissolved => moved_to(tx, &standing, State::Closed, told)?,
        What::Suspended => moved_to(tx, &standing, State::Suspended, told)?,
        What::Resumed => moved_to(tx, &standing, State::Active, told)?,
        What::Moved(place) => {
            moved(tx, &standing, place)?;
            EmployerChange {
                address: address(said, place),
                ..told
            }
        }
        What::Merged(into) => EmployerChange {
            merged_into: into.as_str().to_owned(),
            ..merged(tx, &standing, into, told)?
        },
        What::Closed(month) => closed(tx, &standing, month, told)?,
    };
    Ok((standing.id, told))
}

fn insert(
    tx: &Tx<'_>,
    said: &Said,
    unit_code: &str,
    name: &str,
    place: &Place,
) -> Result<i64, Error> {
    let new: Option<i64> = tx.sql.query_opt(
        "INSERT INTO employers (mst, unit_code, name, state, province, commune) VALUES (?1, ?2, ?3, 1, ?4, ?5)
         ON CONFLICT DO NOTHING RETURNING id",
        values![
            said.code.as_str(),
            unit_code,
            name,
            place.province,
            place.commune
        ],
        |row| row.get(0),
    )?;
    match (new, standing(tx, &said.code)?.is_some()) {
        (Some(id), _) => Ok(id),
        (None, true) => Err(against("known-already", "tax_code")),
        (None, false) => Err(against("known-already", "unit_code")),
    }
}

fn standing(tx: &Tx<'_>, code: &TaxId) -> Result<Option<Standing>, Error> {
    let row: Option<(i64, String, i32)> = tx.sql.query_opt(
        "SELECT id, unit_code, state FROM employers WHERE mst = ?1",
        values![code.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    row.map(|(id, unit_code, state)| {
        Ok(Standing {
            id,
            unit_code,
            state: State::try_from(state).map_err(|_| Error::Corrupt("an employer's state"))?,
        })
    })
    .transpose()
}

/// What is closed stays so, what is active was not suspended, and what is suspended is not so twice.
fn moved_to(
    tx: &Tx<'_>,
    standing: &Standing,
    to: State,
    told: EmployerChange,
) -> Result<EmployerChange, Error> {
    let may = matches!(
        (standing.state, to),
        (State::Active | State::Suspended, State::Closed)
            | (State::Active, State::Suspended)
            | (State::Suspended, State::Active)
    );
    if !may {
        return Err(against("employer-state", "kind"));
    }
    tx.sql.execute(
        "UPDATE employers SET state = ?2 WHERE id = ?1",
        values![standing.id, i32::from(to)],
    )?;
    Ok(EmployerChange {
        state: to.into(),
        ..told
    })
}

fn moved(tx: &Tx<'_>, standing: &Standing, place: &Place) -> Result<(), Error> {
    if standing.state == State::Closed {
        return Err(against("employer-state", "kind"));
    }
    tx.sql.execute(
        "UPDATE employers SET province = ?2, commune = ?3 WHERE id = ?1",
        values![standing.id, place.province, place.commune],
    )?;
    Ok(())
}

fn merged(
    tx: &Tx<'_>,
    standing: &Standing,
    into: &TaxId,
    told: EmployerChange,
) -> Result<EmployerChange, Error> {
    let other = self::standing(tx, into)?.ok_or_else(|| unknown("merged_into"))?;
    if other.state == State::Closed {
        return Err(against("employer-state", "merged_into"));
    }
    moved_to(tx, standing, State::Closed, told)
}

/// Closes a month for good. What is owed grows by what is due and falls by what is paid.
fn closed(
    tx: &Tx<'_>,
    standing: &Standing,
    month: &Month,
    told: EmployerChange,
) -> Result<EmployerChange, Error> {
    let period = month.period.to_string();
    let before: Option<(i64, i64)> = tx.sql.query_opt(
        "SELECT participants, arrears_vnd FROM contributions
         WHERE employer = ?1 AND period < ?2 AND closed = 1 ORDER BY period DESC LIMIT 1",
        values![standing.id, period],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (participants, arrears) = before.unwrap_or_default();
    let arrears = arrears
        .checked_add(month.due_vnd)
        .and_then(|owed| owed.checked_sub(month.paid_vnd))
        .ok_or_else(|| facts::invalid("bad-amount", "month"))?
        .max(0);
    let written = tx.sql.execute(
        "INSERT INTO contributions (employer, period, state, participants, fund_vnd, due_vnd, paid_vnd, arrears_vnd, closed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)
         ON CONFLICT (employer, period) DO UPDATE SET state = excluded.state, participants = excluded.participants,
           fund_vnd = excluded.fund_vnd, due_vnd = excluded.due_vnd, paid_vnd = excluded.paid_vnd,
           arrears_vnd = excluded.arrears_vnd, closed = 1 WHERE contributions.closed = 0",
        values![
            standing.id,
            period,
            i32::from(standing.state),
            i64::from(month.participants),
            month.fund_vnd,
            month.due_vnd,
            month.paid_vnd,
            arrears
        ],
    )?;
    if written == 0 {
        return Err(against("month-closed", "period"));
    }
    Ok(EmployerChange {
        period,
        participants_before: u32::try_from(participants)
            .map_err(|_| Error::Corrupt("participants"))?,
        participants: month.participants,
        ..told
    })
}

fn address(said: &Said, place: &Place) -> String {
    months::address(&place.commune, place.province, said.effective_on)
}

/// Who said it, why, and what it was.
fn keep(tx: &Tx<'_>, id: i64, said: &Said, change: &EmployerChange) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO employer_records (employer, nth, kind, effective_on, facts, who, why, at)
         SELECT ?1, coalesce(max(nth), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7 FROM employer_records WHERE employer = ?1",
        values![
            id,
            i64::from(change.kind),
            change.effective_on,
            change.encode_to_vec(),
            said.who,
            said.why,
            facts::instant(tx.now)
        ],
    )?;
    Ok(())
}

fn unknown(field: &'static str) -> Error {
    Error::refused(FaultCode::UnknownSubject, "unknown-employer", field)
}

fn against(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, field)
}
