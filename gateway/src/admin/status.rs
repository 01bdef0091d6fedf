//! One page: what is up, what is wrong, what to do.

use dci::{
    follow::{self, Followed},
    pull::{self, Pulled},
};
use gateway_core::{
    partner::{Partner, Partners},
    ports::{Census, LaneCensus, Note, Order, Orders, Recovering, Stop},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    date::day_in_viet_nam,
    proto::admin::{
        Finding, FollowedLine, Lane, PartnerLine, PulledLine, Recovery, StatusResponse,
    },
};

use super::{AdminParts, Phase, office::act_line};
use crate::ends::{self, Nearness};

/// The page of a running gateway.
pub async fn page(parts: &AdminParts) -> StatusResponse {
    let now = parts.clock.now();
    let partners = parts.partners.load_full();
    let mut findings = Vec::new();
    findings.extend(phase_finding(parts.readiness.phase()));
    findings.extend(crate::clock::behind(parts.clock.as_ref()).map(clock_finding));
    let census = match parts.log.census().await {
        Ok(census) => census,
        Err(refused) => {
            findings.push(error(&format!("{refused}"), "look at the disk and the log"));
            Census::default()
        }
    };
    let recovering = parts.office.recovering().await.unwrap_or_default();
    findings.extend(recovering.as_ref().map(recovering_finding));
    findings.extend(quarantine_finding(census.quarantined));
    findings.extend(lane_findings(&census.lanes, now));
    let orders = parts.office.orders().await.unwrap_or_default();
    findings.extend(orders.0.iter().map(order_finding));
    findings.extend(parts.metrics.degraded().map(degraded_finding));
    findings.extend(partner_findings(&partners, now));
    findings.extend(certificate_findings(parts, now));
    let (followed, pulled) = registry_lines(parts, &partners).await;
    findings.extend(followed.iter().filter_map(followed_finding));
    findings.extend(pulled.iter().flat_map(pulled_findings));
    StatusResponse {
        environment: parts.environment.as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ready: parts.readiness.takes_messages(),
        uptime_seconds: parts.readiness.uptime().as_secs(),
        findings,
        lanes: census
            .lanes
            .iter()
            .map(|lane| lane_line(lane, &orders, recovering.is_some(), now))
            .collect(),
        partners: partner_lines(parts, &partners),
        journal_records: census.journal_records,
        inbox_in_progress: census.in_progress,
        inbox_quarantined: census.quarantined,
        recovery: recovering.map(|recovering| recovery(parts, &recovering)),
        followed,
        pulled,
    }
}

/// What a page says of a store that was put back.
pub(super) fn recovery(parts: &AdminParts, recovering: &Recovering) -> Recovery {
    Recovery {
        cut: recovering.cut.to_string(),
        act: Some(act_line(&recovering.act)),
        sent_away: parts.metrics.sent_away(),
    }
}

fn recovering_finding(recovering: &Recovering) -> Finding {
    let act = &recovering.act;
    error(
        &format!(
            "put back from a backup of {}, at {} by {}: {}; no change is taken and nothing goes out",
            recovering.cut, act.at, act.who, act.why
        ),
        "`lienthong recovery status` says what waits; `lienthong recovery release --why` lets it go on",
    )
}

fn clock_finding((behind, reached): (SignedDuration, Timestamp)) -> Finding {
    error(
        &format!(
            "the clock is {} s behind what it was: messages are judged by {reached}, so new ones may be refused as STALE",
            behind.as_secs()
        ),
        "set the clock right; where it is right and was ahead before: `lienthong clock accept --why`",
    )
}

fn phase_finding(phase: Phase) -> Option<Finding> {
    match phase {
        // the store says by whom and why
        Phase::Ready | Phase::Recovering => None,
        Phase::Starting => Some(error("no messages are taken yet", "wait for the start")),
        Phase::Draining => Some(error(
            "no messages are taken any more",
            "start it again after the drain",
        )),
        Phase::Halted => Some(error(
            "the store or the registry no longer writes after a failed write or sync, so nothing is acted upon",
            "look at the disk and the log, run `lienthong journal verify`, then start again",
        )),
        Phase::Broken => Some(error(
            "a worker has died",
            "look at the log, then start again",
        )),
    }
}

/// Evidence goes on without a time that others vouch for.
fn degraded_finding(unstamped: u64) -> Finding {
    warning(
        &format!(
            "degraded: no time-stamping authority answers; {unstamped} checkpoints wait for their time-stamps"
        ),
        "look at the addresses in `journal.tsa` and ask their operators; messages go on, and what waits is stamped by itself",
    )
}

fn quarantine_finding(quarantined: u64) -> Option<Finding> {
    (quarantined > 0).then(|| {
        error(
            &format!("{quarantined} messages could not be recovered and are set aside"),
            "the log names them; `lienthong explain` says why; `lienthong outbox recover` takes one up again",
        )
    })
}

/// What is stopped, by whom and why: an order that everybody has forgotten is trouble.
fn order_finding(order: &Order) -> Finding {
    let partner = order.partner.as_str();
    let both_ways = "nothing goes out to and nothing is taken in from";
    let operation = order.operation.as_deref().unwrap_or_default();
    let (what, cure) = match order.stop {
        Stop::Lane => (
            "nothing goes out to".to_owned(),
            format!("`lienthong outbox resume {partner}` undoes it"),
        ),
        Stop::Partner => (
            both_ways.to_owned(),
            format!("`lienthong partner resume {partner}` undoes it"),
        ),
        Stop::Operation => (
            format!("{operation} is stopped for"),
            format!("`lienthong partner resume-operation {partner} {operation}` undoes it"),
        ),
        Stop::Retired => (
            format!("for good, {both_ways}"),
            "take its file out of the partners' folder".to_owned(),
        ),
    };
    let act = &order.act;
    warning(
        &format!(
            "{what} {partner}, since {} by {}: {}",
            act.at, act.who, act.why
        ),
        &cure,
    )
}

fn lane_findings(lanes: &[LaneCensus], now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for lane in lanes {
        let partner = lane.partner.as_str();
        if lane.dead > 0 {
            findings.push(error(
                &format!("{} parcels for {partner} could not be delivered", lane.dead),
                &format!("`lienthong outbox list --partner {partner} --state dead` says why; then replay or cancel"),
            ));
        }
        if lane.poison > 0 {
            findings.push(error(
                &format!("{} parcels for {partner} are in quarantine", lane.poison),
                &format!("`lienthong outbox list --partner {partner} --state poison` says why; then replay or cancel"),
            ));
        }
        if age_seconds(lane, now) > LATE_SECONDS {
            findings.push(warning(
                &format!(
                    "parcels for {partner} wait since more than {} minutes",
                    LATE_SECONDS / 60
                ),
                "ask the partner whether its service is up; delivery goes on by itself",
            ));
        }
    }
    findings
}

/// Our own certificates and anchors that end within 60 days; partners' keys are told with the partners.
fn certificate_findings(parts: &AdminParts, now: Timestamp) -> Vec<Finding> {
    let ends = parts.metrics.certificate_ends().into_iter();
    ends.filter(|(place, _)| !place.starts_with(ends::PARTNERS))
        .filter_map(|(place, end)| {
            let near = Nearness::of(end, now)?;
            let day = day_in_viet_nam(end);
            let what = format!("the certificate of {place} ends on {day} ({})", near.words());
            let cure = "have it renewed and put the new files in its place: they are taken up while running";
            Some(match near >= Nearness::Week {
                true => error(&what, cure),
                false => warning(&what, cure),
            })
        })
        .collect()
}

/// What ends within a month: keys and agreements.
pub(crate) fn partner_findings(partners: &Partners, now: Timestamp) -> Vec<Finding> {
    let mut all: Vec<_> = partners.iter().collect();
    all.sort_by(|left, right| left.id.as_str().cmp(right.id.as_str()));
    all.into_iter()
        .flat_map(|partner| partner_ends(partner, now))
        .collect()
}

fn partner_ends(partner: &Partner, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let id = partner.id.as_str();
    for key in &partner.keys {
        let Some(end) = key.key.not_after().filter(|end| *end - SOON < now) else {
            continue;
        };
        let what = format!(
            "the signing key {} of {id} ends on {}",
            key.kid,
            day_in_viet_nam(end)
        );
        let cure = "register its next key beside it before that day";
        findings.push(if end < now {
            error(&what, cure)
        } else {
            warning(&what, cure)
        });
    }
    let today = day_in_viet_nam(now);
    for agreement in &partner.agreements {
        let Some(end) = agreement
            .valid_to
            .filter(|end| *end < day_in_viet_nam(now + SOON))
        else {
            continue;
        };
        let what = format!("the agreement {} of {id} ends on {end}", agreement.number);
        let cure = "renew it and put the new one into the partner's file";
        findings.push(if end < today {
            error(&what, cure)
        } else {
            warning(&what, cure)
        });
    }
    findings
}

fn lane_line(lane: &LaneCensus, orders: &Orders, fenced: bool, now: Timestamp) -> Lane {
    let state = match (lane.dead + lane.poison, lane.waiting) {
        _ if fenced => "fenced",
        _ if orders.suspends(&lane.partner) => "suspended",
        _ if orders.holds_lane(&lane.partner) => "paused",
        (0, 0) => "empty",
        (0, _) => "delivering",
        _ => "needs a person",
    };
    Lane {
        partner: lane.partner.as_str().to_owned(),
        state: state.to_owned(),
        waiting: lane.waiting,
        dead: lane.dead,
        poison: lane.poison,
        oldest_seconds: age_seconds(lane, now),
    }
}

fn age_seconds(lane: &LaneCensus, now: Timestamp) -> u64 {
    let seconds = lane
        .oldest
        .map_or(0, |oldest| now.as_second() - oldest.as_second());
    u64::try_from(seconds).unwrap_or(0)
}

fn partner_lines(parts: &AdminParts, partners: &Partners) -> Vec<PartnerLine> {
    let mut lines: Vec<PartnerLine> = partners
        .iter()
        .map(|partner| {
            let (accepted, refused) = parts.metrics.of_partner(partner.id.as_str());
            PartnerLine {
                id: partner.id.as_str().to_owned(),
                state: if partner.active {
                    "active"
                } else {
                    "suspended"
                }
                .to_owned(),
                accepted,
                refused,
            }
        })
        .collect();
    lines.sort_by(|left, right| left.id.cmp(&right.id));
    lines
}

/// What we subscribe to and what we look for, by partner and event.
async fn registry_lines(
    parts: &AdminParts,
    partners: &Partners,
) -> (Vec<FollowedLine>, Vec<PulledLine>) {
    let mut registries: Vec<_> = partners.iter().filter(|one| one.dci.is_some()).collect();
    registries.sort_by(|left, right| left.id.as_str().cmp(right.id.as_str()));
    let (mut followed, mut pulled) = (Vec::new(), Vec::new());
    for registry in registries {
        let notes = parts.notes.notes(&registry.id).await.unwrap_or_default();
        let id = registry.id.as_str();
        followed.extend(notes.iter().filter_map(|note| followed_line(id, note)));
        pulled.extend(notes.iter().filter_map(|note| pulled_line(id, note)));
    }
    (followed, pulled)
}

fn pulled_line(partner: &str, note: &Note) -> Option<PulledLine> {
    let event = note.name.strip_prefix(pull::NOTES)?;
    let pulled = Pulled::read(&note.content)?;
    let day = |day: pull::Day| day.0.to_string();
    let done = pulled.done.as_ref();
    let at = done.and_then(|done| Timestamp::from_second(done.at).ok());
    let reason = match (&pulled.waits, &pulled.refused) {
        (Some(waits), _) => waits.clone(),
        (None, Some(refused)) => refused.code.clone(),
        (None, None) => String::new(),
    };
    Some(PulledLine {
        partner: partner.to_owned(),
        event: event.to_owned(),
        state: pulled.word().to_owned(),
        mark: pulled.mark.map(day).unwrap_or_default(),
        from: done.map(|done| day(done.from)).unwrap_or_default(),
        until: done.map(|done| day(done.until)).unwrap_or_default(),
        records: done.map_or(0, |done| u64::try_from(done.records).unwrap_or_default()),
        found: pulled.found,
        rejected: pulled.rejected,
        reason,
        at: at.map(|at| at.to_string()).unwrap_or_default(),
    })
}

fn pulled_findings(line: &PulledLine) -> Vec<Finding> {
    let (partner, event) = (&line.partner, &line.event);
    let mut findings = Vec::new();
    if !line.reason.is_empty() {
        let what = format!(
            "{partner} is not looked into for every {event}: {}",
            line.reason
        );
        findings.push(warning(
            &what,
            "ask the registry; it is asked again by itself",
        ));
    }
    if line.rejected > 0 {
        let what = format!(
            "{partner} has {} records of {event} that are refused for good",
            line.rejected
        );
        findings.push(warning(&what, "the log says why; ask the registry"));
    }
    findings
}

fn followed_line(partner: &str, note: &Note) -> Option<FollowedLine> {
    let event = note.name.strip_prefix(follow::NOTES)?;
    let followed = Followed::read(&note.content)?;
    let state = followed.word().to_owned();
    let (code, ends) = match followed.stands {
        Some(stands) => (stands.code, Timestamp::from_second(stands.ends).ok()),
        None => Default::default(),
    };
    Some(FollowedLine {
        partner: partner.to_owned(),
        event: event.to_owned(),
        state,
        code,
        ends: ends.map(|at| at.to_string()).unwrap_or_default(),
        refused: followed.refused.map(|no| no.code).unwrap_or_default(),
    })
}

fn followed_finding(line: &FollowedLine) -> Option<Finding> {
    let FollowedLine {
        partner,
        event,
        refused,
        ..
    } = line;
    (!refused.is_empty()).then(|| {
        warning(
            &format!(
                "{partner} does not do what we ask about our subscription to {event}: {refused}"
            ),
            "ask the registry; it is asked again by itself",
        )
    })
}

fn error(what: &str, cure: &str) -> Finding {
    finding("error", what, cure)
}

fn warning(what: &str, cure: &str) -> Finding {
    finding("warning", what, cure)
}

fn finding(severity: &str, what: &str, cure: &str) -> Finding {
    Finding {
        severity: severity.to_owned(),
        what: what.to_owned(),
        cure: cure.to_owned(),
    }
}

const LATE_SECONDS: u64 = 600;
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
