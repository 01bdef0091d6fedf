//! The eight rooms of one message, from what the store remembers: verdict, next step, safe to replay.
//!
//! A pure function, so that the same words come from a running gateway and from its file alone.

use gateway_core::ports::{ParcelState, ParcelStory, Story};
use jiff::Timestamp;
use schemas::{
    fault::{FaultCode, Retry},
    proto::admin::{MessageStory, RoomLine},
};

/// The rooms in their order.
pub const ROOMS: [&str; 8] = [
    "accept", "admit", "receive", "verify", "permit", "record", "perform", "answer",
];

/// How a message stands.
enum State<'s> {
    /// Refused before it was recorded: nothing was done.
    TurnedAway { room: usize, code: &'s str },
    /// Claimed, and somebody is acting upon it.
    Held { until: Timestamp },
    /// Claimed, and its holder has gone.
    Left,
    /// Answered with a refusal that is final.
    Declined { code: &'s str },
    /// Answered.
    Done,
}

/// Tells one message's way through the rooms.
#[must_use]
pub fn explain(story: &Story, now: Timestamp) -> MessageStory {
    let state = state(story, now);
    let sender = story
        .sender
        .as_ref()
        .map(|sender| sender.as_str().to_owned());
    MessageStory {
        evidence: story.evidence.to_string(),
        sender: sender.unwrap_or_default(),
        message_id: story
            .id
            .as_ref()
            .map(|id| id.as_str().to_owned())
            .unwrap_or_default(),
        operation: story.operation.clone().unwrap_or_default(),
        rooms: rooms(story, &state),
        verdict: verdict(story, &state),
        next_step: next_step(story, &state),
        replay_safe: !matches!(state, State::Held { .. }),
        acts: story.acts.iter().map(super::office::act_line).collect(),
    }
}

/// The same while the store stands as it was put back from a backup: what is not answered waits for a person.
#[must_use]
pub fn fenced(told: MessageStory) -> MessageStory {
    let is_open = told
        .rooms
        .get(PERFORM)
        .is_some_and(|room| room.outcome == "unknown");
    let next_step = match is_open {
        true => "the store was put back from a backup: a person has to release it (`lienthong recovery release`), then recovery takes it up".to_owned(),
        false => told.next_step,
    };
    MessageStory { next_step, ..told }
}

fn state<'s>(story: &'s Story, now: Timestamp) -> State<'s> {
    if let Some(room) = &story.room {
        return State::TurnedAway {
            room: ROOMS
                .iter()
                .position(|known| known == room)
                .unwrap_or(VERIFY),
            code: story.fault.as_deref().unwrap_or(UNKNOWN),
        };
    }
    match (story.answered_at, &story.fault, story.leased_until) {
        (Some(_), Some(code), _) => State::Declined { code },
        (Some(_), None, _) => State::Done,
        (None, _, Some(until)) if until > now => State::Held { until },
        (None, ..) => State::Left,
    }
}

fn rooms(story: &Story, state: &State<'_>) -> Vec<RoomLine> {
    ROOMS
        .iter()
        .enumerate()
        .map(|(index, room)| RoomLine {
            room: (*room).to_owned(),
            outcome: outcome(index, state).to_owned(),
            detail: match outcome(index, state) {
                NOT_REACHED => String::new(),
                REFUSED => refusal(story, state),
                _ => detail(index, story),
            },
        })
        .collect()
}

fn outcome(room: usize, state: &State<'_>) -> &'static str {
    match state {
        State::TurnedAway { room: refused, .. } if room == *refused => REFUSED,
        State::TurnedAway { room: refused, .. } if room > *refused => NOT_REACHED,
        State::Held { .. } if room == PERFORM => "in progress",
        State::Left if room == PERFORM => "unknown",
        State::Held { .. } | State::Left if room > PERFORM => NOT_REACHED,
        State::Declined { .. } if room == PERFORM => REFUSED,
        _ => "ok",
    }
}

fn refusal(story: &Story, state: &State<'_>) -> String {
    let (State::TurnedAway { code, .. } | State::Declined { code }) = state else {
        return String::new();
    };
    match &story.reason {
        Some(reason) => format!("{code} ({reason})"),
        None => (*code).to_owned(),
    }
}

fn detail(room: usize, story: &Story) -> String {
    let named = |name: &str, value: &Option<String>| {
        value
            .as_ref()
            .filter(|value| !value.is_empty())
            .map(|value| format!("{name} {value}"))
    };
    let parts = match ROOMS[room] {
        "accept" => vec![Some(format!("carried by {}", story.peer.as_str()))],
        "admit" => vec![Some(format!("at {}", story.received_at))],
        "receive" => vec![named("road", &story.road)],
        "verify" => vec![named("proof", &story.proof)],
        "permit" => vec![
            named("rule", &story.rule),
            named("purpose", &story.purpose),
            named("fields", &story.fields),
        ],
        "record" => vec![journal(&story.journal)],
        "answer" => vec![
            story.answered_at.map(|at| format!("at {at}")),
            story.status.map(|status| format!("status {status}")),
            callbacks(&story.parcels),
        ],
        _ => Vec::new(),
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn journal(sequence: &[u64]) -> Option<String> {
    let numbers: Vec<String> = sequence.iter().map(u64::to_string).collect();
    (!numbers.is_empty()).then(|| format!("journal {}", numbers.join(" and ")))
}

fn callbacks(parcels: &[ParcelStory]) -> Option<String> {
    if parcels.is_empty() {
        return None;
    }
    let counted = ParcelState::ALL.map(|state| {
        let count = parcels
            .iter()
            .filter(|parcel| parcel.state == state)
            .count();
        (count > 0).then(|| format!("{count} {}", state.word()))
    });
    let counted: Vec<String> = counted.into_iter().flatten().collect();
    Some(format!("callbacks: {}", counted.join(", ")))
}

fn verdict(story: &Story, state: &State<'_>) -> String {
    match state {
        State::TurnedAway { room, code } => format!(
            "refused in the {} room with {code}: {} Nothing was done.",
            ROOMS[*room],
            sentence(code)
        ),
        State::Held { until } => {
            format!("being acted upon; its holder has it until {until}")
        }
        State::Left if story.quarantined.is_some() => format!(
            "recorded but not answered; recovery has given it up ({})",
            story.quarantined.as_deref().unwrap_or_default()
        ),
        State::Left => {
            "recorded but not answered, and its holder has gone; recovery takes it up under the same key"
                .to_owned()
        }
        State::Declined { code } => {
            format!("answered with a final refusal, {code}: {}", sentence(code))
        }
        State::Done => match dead(story) {
            Some(parcel) => format!(
                "done and answered; a callback to {} could not be delivered",
                parcel.partner.as_str()
            ),
            None => "done and answered".to_owned(),
        },
    }
}

fn next_step(story: &Story, state: &State<'_>) -> String {
    match state {
        State::TurnedAway { code, .. } => after_refusal(code),
        State::Declined { .. } => {
            "none with this id: the same message gets the same refusal; a corrected one needs a new id"
                .to_owned()
        }
        State::Held { .. } => {
            "wait, then ask again with the same id; never send it under a new id".to_owned()
        }
        State::Left if story.quarantined.is_some() => {
            "a person has to look at it, then `lienthong outbox recover` with its evidence id; the sender may ask again with the same id"
                .to_owned()
        }
        State::Left => {
            "none if the gateway runs: recovery looks every few seconds; the sender may ask again with the same id"
                .to_owned()
        }
        State::Done => match dead(story) {
            Some(parcel) => format!(
                "a person has to look at parcel {} ({} tries, last: {})",
                parcel.id,
                parcel.attempts,
                parcel.reason.as_deref().unwrap_or("no reason kept")
            ),
            None => "none: a resend of the same message gets the stored answer".to_owned(),
        },
    }
}

fn after_refusal(code: &str) -> String {
    let Some(known) = FaultCode::from_wire(code) else {
        return "see the page of this fault code".to_owned();
    };
    match known.row().retry {
        Retry::Never => format!("the sender has to correct it; schemas/faults/{code}.md says how"),
        Retry::SameId => "the sender may send the same message again, under the same id".to_owned(),
        Retry::AskAgain => "ask again with the same id".to_owned(),
    }
}

fn sentence(code: &str) -> &'static str {
    FaultCode::from_wire(code).map_or("", |code| code.row().en)
}

fn dead(story: &Story) -> Option<&ParcelStory> {
    let stuck = [ParcelState::Dead, ParcelState::Poison];
    let mut parcels = story.parcels.iter();
    parcels.find(|parcel| stuck.contains(&parcel.state))
}

const VERIFY: usize = 3;
const PERFORM: usize = 6;
const REFUSED: &str = "refused";
const NOT_REACHED: &str = "not reached";
const UNKNOWN: &str = "an unknown fault";

#[cfg(test)]
mod tests;
