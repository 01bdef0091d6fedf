//! Who is told of births and deaths that come to stand here: other registries that have subscribed to them.
//!
//! A notice is a row of the feed, written with what it tells of. A birth is told when the first case of its child stands, a
//! death each time a report of it comes to stand that is the only one; a correction and a death that is taken back are not
//! told, for which the subscribers have no words. Whoever told it here is not told it back. However many subscriptions of a
//! partner fit, it is told once, under the oldest of them, and only the fields of that one.

use jiff::{SignedDuration, Timestamp};
use schemas::fault::FaultCode;
use schemas::id::Pin;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    Context, GetVitalSubscriptionRequest, GetVitalSubscriptionResponse,
    SubscribeVitalEventsRequest, SubscribeVitalEventsResponse, UnsubscribeVitalEventsRequest,
    UnsubscribeVitalEventsResponse, VitalEvent, VitalEventKind, VitalNotice, VitalSubscription,
};

use super::effects::Asked;
use super::{Error, Registry, Tx, changes, facts, people, vital};
use crate::sql::{Row, Sql, values};

impl Registry {
    /// The sender is told of births or deaths from a moment on, until another.
    ///
    /// # Errors
    /// `INVALID` for a kind, PIN, field or span that is none; `RULE-REFUSED` where the sender has the same one already or too
    /// many. Nothing is changed then.
    pub async fn subscribe_vital_events(
        &self,
        mut request: SubscribeVitalEventsRequest,
    ) -> Result<SubscribeVitalEventsResponse, Error> {
        let context = facts::context(request.context.take())?;
        let population = self.population();
        if request.kind() == VitalEventKind::Unspecified {
            return Err(facts::invalid("unknown-code", "kind"));
        }
        if !request.pin.is_empty() {
            facts::pin(&request.pin, population, "pin")?;
        }
        let known = |field: &String| FIELDS.iter().any(|one| one == field);
        if !request.fields.iter().all(known) {
            return Err(facts::invalid("unknown-code", "fields"));
        }
        let asked = Asked::new("VitalEvents.Subscribe", &context, request.encode_to_vec())?;
        let code = code_of(&asked.key);
        self.effect(asked, move |tx, _| {
            let subscription = subscribe(tx, &context, code, &request)?;
            Ok(SubscribeVitalEventsResponse {
                subscription: Some(subscription),
            })
        })
        .await
    }

    /// Ends one of the sender's subscriptions; what was not sent yet is not sent any more.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where the sender has no such one, `RULE-REFUSED` where it was ended before.
    pub async fn unsubscribe_vital_events(
        &self,
        mut request: UnsubscribeVitalEventsRequest,
    ) -> Result<UnsubscribeVitalEventsResponse, Error> {
        let context = facts::context(request.context.take())?;
        let asked = Asked::new("VitalEvents.Unsubscribe", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            let found = of(tx.sql, &context.sender, &request.code, tx.now)?;
            let found = found.ok_or_else(|| {
                Error::refused(FaultCode::UnknownSubject, "unknown-subscription", "code")
            })?;
            if !found.ended_at.is_empty() {
                return Err(Error::refused(
                    FaultCode::RuleRefused,
                    "ended-already",
                    "code",
                ));
            }
            tx.sql.execute(
                "UPDATE vital_subscriptions SET ended_ms = ?2 WHERE code = ?1",
                values![request.code, tx.now.as_millisecond()],
            )?;
            Ok(UnsubscribeVitalEventsResponse {
                subscription: of(tx.sql, &context.sender, &request.code, tx.now)?,
            })
        })
        .await
    }

    /// One of the sender's subscriptions; none where it has no such one.
    ///
    /// # Errors
    /// `INVALID` where the context is malformed.
    pub async fn vital_subscription(
        &self,
        request: GetVitalSubscriptionRequest,
    ) -> Result<GetVitalSubscriptionResponse, Error> {
        let sender = facts::context(request.context)?.sender;
        let now = (self.shared.clock)();
        self.read("vital-subscription", move |sql| {
            Ok(GetVitalSubscriptionResponse {
                subscription: of(sql, &sender, &request.code, now)?,
            })
        })
        .await
    }
}

/// It comes from the key of the call, so that a restored registry that is asked again gives the same.
fn code_of(key: &[u8; 32]) -> String {
    let half = key.first_chunk().copied().map_or(0, u128::from_be_bytes);
    format!("sub-{half:032x}")
}

fn subscribe(
    tx: &Tx<'_>,
    context: &Context,
    code: String,
    said: &SubscribeVitalEventsRequest,
) -> Result<VitalSubscription, Error> {
    let (begins, ends) = span(tx.now, said)?;
    let open: Vec<(i64, String)> = tx.sql.query(
        "SELECT kind, pin FROM vital_subscriptions WHERE partner = ?1 AND ended_ms IS NULL AND ends_ms > ?2",
        values![context.sender, tx.now.as_millisecond()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let same = |(kind, pin): &(i64, String)| *kind == i64::from(said.kind) && *pin == said.pin;
    if open.iter().any(same) {
        return Err(Error::refused(
            FaultCode::RuleRefused,
            "subscribed-already",
            "kind",
        ));
    }
    if open.len() >= OPEN_MAX {
        return Err(Error::refused(
            FaultCode::RuleRefused,
            "too-many-subscriptions",
            "kind",
        ));
    }
    tx.sql.execute(
        "INSERT INTO vital_subscriptions (code, partner, kind, pin, fields, purpose, begins_ms, ends_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            code,
            context.sender,
            i64::from(said.kind),
            said.pin,
            said.fields.join(" "),
            context.purpose,
            begins.as_millisecond(),
            ends.as_millisecond(),
        ],
    )?;
    of(tx.sql, &context.sender, &code, tx.now)?.ok_or(Error::Corrupt("a subscription just written"))
}

/// From when until when: never from a past moment on, never longer than a year.
fn span(
    now: Timestamp,
    said: &SubscribeVitalEventsRequest,
) -> Result<(Timestamp, Timestamp), Error> {
    let given = |text: &str, field| match text {
        "" => Ok(None),
        text => facts::moment(text, field).map(Some),
    };
    let begins = given(&said.begins_at, "begins_at")?.unwrap_or(now).max(now);
    let longest = begins
        .checked_add(LONGEST)
        .map_err(|_| facts::invalid("span-too-long", "begins_at"))?;
    let ends = given(&said.ends_at, "ends_at")?.unwrap_or(longest);
    match ends {
        _ if ends <= begins => Err(facts::invalid("span-backwards", "ends_at")),
        _ if ends > longest => Err(facts::invalid("span-too-long", "ends_at")),
        _ => Ok((begins, ends)),
    }
}

fn of(
    sql: &Sql,
    partner: &str,
    code: &str,
    now: Timestamp,
) -> Result<Option<VitalSubscription>, Error> {
    let found: Option<(i64, i64, i64, Option<i64>)> = sql.query_opt(
        "SELECT kind, begins_ms, ends_ms, ended_ms FROM vital_subscriptions WHERE code = ?1 AND partner = ?2",
        values![code, partner],
        |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let Some((kind, begins, ends, ended)) = found else {
        return Ok(None);
    };
    let at = |ms: i64| {
        let at = Timestamp::from_millisecond(ms);
        at.map(facts::instant)
            .map_err(|_| Error::Corrupt("a subscription's time"))
    };
    let now = now.as_millisecond();
    Ok(Some(VitalSubscription {
        code: code.to_owned(),
        kind: i32::try_from(kind).unwrap_or_default(),
        begins_at: at(begins)?,
        ends_at: at(ends)?,
        ended_at: ended.map(at).transpose()?.unwrap_or_default(),
        stands: ended.is_none() && (begins..ends).contains(&now),
    }))
}

/// A birth that stands from now on: told where it is the first case of the child.
pub(super) fn birth(tx: &Tx<'_>, sender: &str, person: i64, pin: &Pin) -> Result<(), Error> {
    let cases: i64 = tx.sql.query_one(
        "SELECT count(*) FROM birth_cases WHERE person = ?1",
        values![person],
        |row| row.get(0),
    )?;
    if cases != 1 {
        return Ok(());
    }
    let subject = format!("vital.{person}");
    tell(tx, sender, &subject, (VitalEventKind::Birth, pin))
}

/// A report of a death that stands from now on: told where it is the only one. A death without a PIN is told to nobody,
/// since nobody could be named.
pub(super) fn death(tx: &Tx<'_>, sender: &str, case_id: &str) -> Result<(), Error> {
    let (person, pin): (Option<i64>, String) = tx.sql.query_one(
        "SELECT person, pin FROM deaths WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (reports, pin, subject): (i64, _, _) = match person {
        Some(person) => {
            let reports = tx.sql.query_one(
                "SELECT count(*) FROM deaths WHERE person = ?1 AND withdrawn_by IS NULL",
                values![person],
                |row| row.get(0),
            )?;
            let pin = people::number_of(tx.sql, person, "pin")?;
            (reports, pin.unwrap_or_default(), format!("vital.{person}"))
        }
        None => {
            let reports = tx.sql.query_one(
                "SELECT count(*) FROM deaths WHERE pin = ?1 AND withdrawn_by IS NULL",
                values![pin],
                |row| row.get(0),
            )?;
            (reports, pin, format!("vital.{sender}.{case_id}"))
        }
    };
    match Pin::parse(&pin) {
        Ok(pin) if reports == 1 => tell(tx, sender, &subject, (VitalEventKind::Death, &pin)),
        _ => Ok(()),
    }
}

fn tell(
    tx: &Tx<'_>,
    sender: &str,
    subject: &str,
    (kind, pin): (VitalEventKind, &Pin),
) -> Result<(), Error> {
    let now = tx.now.as_millisecond();
    let fitting: Vec<(String, String, String, String)> = tx.sql.query(
        "SELECT code, partner, fields, purpose FROM vital_subscriptions
         WHERE kind = ?1 AND ended_ms IS NULL AND ends_ms > ?2 AND begins_ms <= ?2 AND partner <> ?3 AND (pin = '' OR pin = ?4)
         ORDER BY partner, begins_ms, code",
        values![kind as i32, now, sender, pin.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    if fitting.is_empty() {
        return Ok(());
    }
    let event = match kind {
        VitalEventKind::Death => vital::death(tx.sql, pin)?,
        _ => vital::birth(tx.sql, pin)?,
    };
    let event = event.ok_or(Error::Corrupt("a vital event just written"))?;
    let mut last = None;
    for (code, partner, fields, purpose) in fitting {
        if last.as_ref() == Some(&partner) {
            continue;
        }
        let (event, told) = narrowed(&event, kind, &fields);
        let notice = VitalNotice {
            code,
            kind: kind.into(),
            event: Some(event),
            purpose,
            told,
        };
        changes::append_vital(tx, &partner, subject, &notice)?;
        last = Some(partner);
    }
    Ok(())
}

/// The PIN and these fields, as far as there is something in them; and which those are.
fn narrowed(event: &VitalEvent, kind: VitalEventKind, fields: &str) -> (VitalEvent, Vec<String>) {
    let mut told = Vec::new();
    let mut tells = |field: &str, is_there: bool| {
        let tells = is_there && fields.split(' ').any(|one| one == field);
        if tells {
            told.push(field.to_owned());
        }
        tells
    };
    let of = |tells: bool, text: &str| match tells {
        true => text.to_owned(),
        false => String::new(),
    };
    let is_birth = kind == VitalEventKind::Birth;
    let parents = event.mother.is_some() || event.father.is_some();
    let parents = is_birth && tells("parents", parents);
    let home = is_birth && tells("address", !event.residence_commune.is_empty());
    let narrow = VitalEvent {
        pin: event.pin.clone(),
        name: of(tells("name", !event.name.is_empty()), &event.name),
        sex: match tells("sex", event.sex != 0) {
            true => event.sex,
            false => 0,
        },
        birth_date: of(
            tells("birthDate", !event.birth_date.is_empty()),
            &event.birth_date,
        ),
        residence_commune: of(home, &event.residence_commune),
        mother: event.mother.clone().filter(|_| parents),
        father: event.father.clone().filter(|_| parents),
        record: event
            .record
            .clone()
            .filter(|_| tells("registration", event.record.is_some())),
        died_on: of(
            tells("deathDate", !event.died_on.is_empty()),
            &event.died_on,
        ),
    };
    (narrow, told)
}

/// What can be told, as agreements name it.
const FIELDS: [&str; 7] = [
    "name",
    "sex",
    "birthDate",
    "deathDate",
    "address",
    "parents",
    "registration",
];
/// Subscriptions of one partner that are not over.
const OPEN_MAX: usize = 100;
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
