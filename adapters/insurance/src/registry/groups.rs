//! Who belongs to a group that the state supports, as an authority has certified it for a time.
//!
//! A list is a commune's decision on its poor, near-poor, island and averagely living farming households; ethnicity is as the
//! civil registry told it. What an applicant says of themselves is never asked. It refuses to know what a group is
//! worth: that is [`schemas::quote`]'s.

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemas::codes::ethnicities;
use schemas::fault::FaultCode;
use schemas::id::SiNumber;
use schemas::proto::Message as _;
use schemas::proto::insurance::{CertifyGroupRequest, CertifyGroupResponse, GroupMember};
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
                let known = member_of(tx, member)?;
                certified += u32::from(list.write(tx, known.id)?);
            }
            Ok(CertifyGroupResponse { certified })
        })
        .await
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
            if text.trim().is_empty() {
                return Err(invalid("missing", field));
            }
            bounded(text, TEXT_BYTES_MAX, field)?;
        }
        let group = Group::of_word(&said.group).filter(|group| CERTIFIED.contains(group));
        let group = group.ok_or_else(|| invalid("unknown-code", "group"))?;
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
            Some(_) => Err(Error::refused(
                FaultCode::Conflict,
                "list-has-other-facts",
                "decision",
            )),
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
    let name = facts::name(&said.name, "members")?;
    let known = match said.number.len() {
        12 => {
            let pin = facts::pin(&said.number, tx.params.population, "members")?;
            people::by_pin(tx.sql, &pin)?
        }
        _ => {
            let number = SiNumber::parse(&said.number)
                .map_err(|_| invalid("malformed-number", "members"))?;
            people::by_si_number(tx.sql, &number)?
        }
    };
    let unknown = || Error::refused(FaultCode::UnknownSubject, "unknown-person", "members");
    let known = known.ok_or_else(unknown)?;
    let rule = |reason| Err(Error::refused(FaultCode::RuleRefused, reason, "members"));
    match (known.match_key == name.match_key, known.dead) {
        (false, _) => rule("not-the-holder"),
        (true, true) => rule("person-is-dead"),
        (true, false) => Ok(known),
    }
}

/// What is proven of a person's groups on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) groups: Groups,
    /// The day on which the first of the lists ends; none where no list is behind it.
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
    let lists: Vec<(String, String, String)> = sql.query(
        "SELECT grp, decision, to_on FROM certified_groups
         WHERE person = ?1 AND from_on <= ?2 AND to_on >= ?2 ORDER BY grp, decision",
        values![person, on.to_string()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (group, decision, to) in lists {
        let corrupt = || Error::Corrupt("a certified list");
        let group = Group::of_word(&group).ok_or_else(corrupt)?;
        let to: Date = to.parse().map_err(|_| corrupt())?;
        standing.groups = standing.groups.with(group);
        standing.until = Some(standing.until.map_or(to, |until| until.min(to)));
        if !standing.lists.contains(&decision) {
            standing.lists.push(decision);
        }
    }
    Ok(standing)
}

/// The groups that an authority certifies by a list.
const CERTIFIED: [Group; 4] = [Group::Poor, Group::Island, Group::NearPoor, Group::Farming];
/// Kinh, and foreigners: no minority of Viet Nam.
const MAJORITY: [&str; 2] = ["01", "55"];
const TEXT_BYTES_MAX: usize = 400;
/// Most people of one call; a longer list comes in parts under one decision.
const MEMBERS_MAX: usize = 1_000;
/// The longest time of a list. Own profile: the lists are made anew each year.
const YEARS_MAX: i32 = 5;
