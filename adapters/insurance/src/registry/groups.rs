//! Who belongs to a group that the state supports, as an authority has certified it for a time, or has taken it back.
//!
//! A list is a commune's decision on its poor, near-poor, island and averagely living farming households; ethnicity is as the
//! civil registry told it. What an applicant says of themselves is never asked. It refuses to know what a group is
//! worth: that is [`schemas::quote`]'s.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemas::codes::ethnicities;
use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    CertifyGroupRequest, CertifyGroupResponse, GroupMember, TakeBackGroupRequest,
    TakeBackGroupResponse,
};
use schemas::quote::{Group, Groups};

use super::dossiers::bounded;
use super::effects::Asked;
use super::facts::{self, invalid};
use super::people::{self, Known};
use super::{Error, Registry, Tx};
use crate::sql::{Sql, values};

impl Registry {
    /// Keeps a certified list of people of one group, whole or not at all; the same people again change nothing.
    ///
    /// # Errors
    /// `INVALID` where a part is malformed, `UNKNOWN-SUBJECT` and `RULE-REFUSED` where somebody on it is nobody, has another
    /// name or is dead, `CONFLICT` where the same decision was told with other days.
    pub async fn certify_group(
        &self,
        mut said: CertifyGroupRequest,
    ) -> Result<CertifyGroupResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Groups.Certify", &context, said.encode_to_vec())?;
        let list = List::parse(said)?;
        self.effect(asked, move |tx, _| {
            let mut certified = 0;
            for member in &list.said.members {
                let known = living(member_of(tx, member)?)?;
                certified += u32::from(list.write(tx, known.id)?);
            }
            Ok(CertifyGroupResponse { certified })
        })
        .await
    }
}

impl Registry {
    /// Takes a certified list back, or people off it, whole or not at all; the same again changes nothing.
    ///
    /// # Errors
    /// `INVALID` where a part is malformed, `UNKNOWN-SUBJECT` where there is no such list or somebody is nobody or not on it,
    /// `RULE-REFUSED` where somebody has another name, `CONFLICT` where somebody was taken off it from another day or by
    /// another decision.
    pub async fn take_back_group(
        &self,
        mut said: TakeBackGroupRequest,
    ) -> Result<TakeBackGroupResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Groups.TakeBack", &context, said.encode_to_vec())?;
        let end = End::parse(said)?;
        self.effect(asked, move |tx, _| {
            let ended = match end.said.members.is_empty() {
                true => end.whole(tx)?,
                false => end.members(tx)?,
            };
            Ok(TakeBackGroupResponse { ended })
        })
        .await
    }
}

/// How a list ends, every part well formed.
struct End {
    group: Group,
    from: Date,
    said: TakeBackGroupRequest,
}

impl End {
    fn parse(said: TakeBackGroupRequest) -> Result<Self, Error> {
        for (text, field) in [
            (&said.decision, "decision"),
            (&said.by, "by"),
            (&said.who, "who"),
            (&said.why, "why"),
        ] {
            words(text, field)?;
        }
        if said.members.len() > MEMBERS_MAX {
            return Err(invalid("too-many", "members"));
        }
        Ok(Self {
            group: certified(&said.group)?,
            from: facts::date(&said.from, "from")?,
            said,
        })
    }

    fn whole(&self, tx: &Tx<'_>) -> Result<u32, Error> {
        let on: Vec<i64> = tx.sql.query(
            "SELECT person FROM certified_groups WHERE decision = ?1 AND grp = ?2 ORDER BY person LIMIT ?3",
            values![self.said.decision, self.group.as_str(), LIST_MAX + 1],
            |row| row.get(0),
        )?;
        match i64::try_from(on.len()) {
            Ok(0) => Err(unknown("unknown-list", "decision")),
            Ok(1..=LIST_MAX) => self.each(tx, on.into_iter()),
            _ => Err(invalid("too-many", "members")),
        }
    }

    fn members(&self, tx: &Tx<'_>) -> Result<u32, Error> {
        let known = self.said.members.iter().map(|one| member_of(tx, one));
        let known = known.collect::<Result<Vec<_>, _>>()?;
        self.each(tx, known.iter().map(|known| known.id))
    }

    fn each(&self, tx: &Tx<'_>, mut persons: impl Iterator<Item = i64>) -> Result<u32, Error> {
        persons.try_fold(0, |ended, person| {
            Ok(ended + u32::from(self.write(tx, person)?))
        })
    }

    /// False where it was known.
    fn write(&self, tx: &Tx<'_>, person: i64) -> Result<bool, Error> {
        let (group, from) = (self.group.as_str(), self.from.to_string());
        let found: Option<(String, String, String)> = tx.sql.query_opt(
            "SELECT to_on, ended_on, ended_by FROM certified_groups WHERE person = ?1 AND grp = ?2 AND decision = ?3",
            values![person, group, self.said.decision],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let (to, ended_on, ended_by) =
            found.ok_or_else(|| unknown("not-on-the-list", "members"))?;
        if to < from {
            return Err(invalid("span-backwards", "from"));
        }
        match ended_on.as_str() {
            "" => {}
            known if known == from && ended_by == self.said.by => return Ok(false),
            _ => return Err(other_facts()),
        }
        tx.sql.execute(
            "UPDATE certified_groups SET ended_on = ?4, ended_by = ?5, ended_who = ?6, ended_why = ?7, ended_at = ?8
             WHERE person = ?1 AND grp = ?2 AND decision = ?3",
            values![
                person,
                group,
                self.said.decision,
                from,
                self.said.by,
                self.said.who,
                self.said.why,
                facts::instant(tx.now)
            ],
        )?;
        Ok(true)
    }
}

fn other_facts() -> Error {
    Error::refused(FaultCode::Conflict, "list-has-other-facts", "decision")
}

fn unknown(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::UnknownSubject, reason, field)
}

/// A group that an authority certifies by a list.
fn certified(word: &str) -> Result<Group, Error> {
    let group = Group::of_word(word).filter(|group| CERTIFIED.contains(group));
    group.ok_or_else(|| invalid("unknown-code", "group"))
}

/// A text that says something, within its bound.
pub(super) fn words(text: &str, field: &'static str) -> Result<(), Error> {
    match text.trim().is_empty() {
        true => Err(invalid("missing", field)),
        false => bounded(text, TEXT_BYTES_MAX, field),
    }
}

/// A list whose every part is well formed.
struct List {
    group: Group,
    from: Date,
    to: Date,
    said: CertifyGroupRequest,
}

impl List {
    fn parse(said: CertifyGroupRequest) -> Result<Self, Error> {
        for (text, field) in [
            (&said.decision, "decision"),
            (&said.who, "who"),
            (&said.why, "why"),
        ] {
            words(text, field)?;
        }
        let group = certified(&said.group)?;
        let (from, to) = (
            facts::date(&said.from, "from")?,
            facts::date(&said.to, "to")?,
        );
        if to < from {
            return Err(invalid("span-backwards", "to"));
        }
        if from.saturating_add(YEARS_MAX.years()) < to {
            return Err(invalid("span-too-long", "to"));
        }
        match said.members.len() {
            0 => Err(invalid("missing", "members")),
            1..=MEMBERS_MAX => Ok(Self {
                group,
                from,
                to,
                said,
            }),
            _ => Err(invalid("too-many", "members")),
        }
    }

    /// False where it was known.
    fn write(&self, tx: &Tx<'_>, person: i64) -> Result<bool, Error> {
        let (group, decision) = (self.group.as_str(), &self.said.decision);
        let (from, to) = (self.from.to_string(), self.to.to_string());
        let known: Option<(String, String)> = tx.sql.query_opt(
            "SELECT from_on, to_on FROM certified_groups WHERE person = ?1 AND grp = ?2 AND decision = ?3",
            values![person, group, decision],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        match known {
            Some(before) if before == (from.clone(), to.clone()) => Ok(false),
            Some(_) => Err(other_facts()),
            None => {
                tx.sql.execute(
                    "INSERT INTO certified_groups (person, grp, decision, from_on, to_on, who, why, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    values![
                        person,
                        group,
                        decision,
                        from,
                        to,
                        self.said.who,
                        self.said.why,
                        facts::instant(tx.now)
                    ],
                )?;
                Ok(true)
            }
        }
    }
}

/// Somebody on a list: known under the number and the name.
fn member_of(tx: &Tx<'_>, said: &GroupMember) -> Result<Known, Error> {
    people::named(tx, &said.number, &said.name, "members")
}

/// Nobody is put on a list after their death.
fn living(known: Known) -> Result<Known, Error> {
    match known.dead {
        true => Err(rule("person-is-dead")),
        false => Ok(known),
    }
}

fn rule(reason: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, "members")
}

/// What is proven of a person's groups on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) groups: Groups,
    /// The day on which the first of the groups is proven by no list any more; none where no list is behind it.
    pub(super) until: Option<Date>,
    /// The decisions behind it.
    pub(super) lists: Vec<String>,
}

/// The groups of a person on a day.
pub(super) fn of(sql: &Sql, person: i64, on: Date) -> Result<Standing, Error> {
    let ethnicity: String = sql.query_one(
        "SELECT ethnicity FROM people WHERE id = ?1",
        values![person],
        |row| row.get(0),
    )?;
    let mut standing = Standing::default();
    let is_minority = ethnicities::LIST.holds(&ethnicity, on) && !MAJORITY.contains(&&*ethnicity);
    if is_minority {
        standing.groups = standing.groups.with(Group::Minority);
    }
    let lists: Vec<(String, String, String, String)> = sql.query(
        "SELECT grp, decision, to_on, ended_on FROM certified_groups
         WHERE person = ?1 AND from_on <= ?2 AND to_on >= ?2 AND (ended_on = '' OR ended_on > ?2) ORDER BY grp, decision",
        values![person, on.to_string()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let mut last_days: BTreeMap<&str, Date> = BTreeMap::new();
    for (group, decision, to, ended) in lists {
        let corrupt = || Error::Corrupt("a certified list");
        let group = Group::of_word(&group).ok_or_else(corrupt)?;
        let to = last_day(&to, &ended).ok_or_else(corrupt)?;
        standing.groups = standing.groups.with(group);
        // of several lists of one group the longest proves it
        let last = last_days.entry(group.as_str()).or_insert(to);
        *last = to.max(*last);
        if !standing.lists.contains(&decision) {
            standing.lists.push(decision);
        }
    }
    standing.until = last_days.into_values().min();
    Ok(standing)
}

/// The last day on which a list counts: its own, or the one before it was taken back.
fn last_day(to: &str, ended: &str) -> Option<Date> {
    let to: Date = to.parse().ok()?;
    match ended {
        "" => Some(to),
        ended => Some(to.min(ended.parse::<Date>().ok()?.yesterday().ok()?)),
    }
}

/// The groups that an authority certifies by a list.
const CERTIFIED: [Group; 4] = [Group::Poor, Group::Island, Group::NearPoor, Group::Farming];
/// Kinh, and foreigners: no minority of Viet Nam.
const MAJORITY: [&str; 2] = ["01", "55"];
const TEXT_BYTES_MAX: usize = 400;
/// Most people of one call; a longer list comes in parts under one decision.
const MEMBERS_MAX: usize = 1_000;
/// Most people of one decision that is taken back whole; a longer one is taken back in parts.
const LIST_MAX: i64 = 10_000;
/// The longest time of a list. Own profile: the lists are made anew each year.
const YEARS_MAX: i32 = 5;
