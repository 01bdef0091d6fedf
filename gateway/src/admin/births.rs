//! One birth on one page. Whoever looks says why, and is in the child's access ledger before they see anything.

use gateway_core::ports::{AccessStory, Asker, LookUp, ParcelFilter, ParcelState, PersonNumber};
use schemas::{
    id::{MessageId, PartnerId},
    proto::{
        admin::{
            BirthPage, KeptFile, LaterLine, MessageStory, ParcelLine, ShowBirthRequest,
            ShowBirthResponse,
        },
        insurance::{self as contract, BirthStory, CardState, LaterEvent},
    },
};
use tonic::Status;

use super::{
    AdminParts,
    explain::explain,
    ledger,
    office::{parcel_line, said_why, unavailable},
    reviews::{asking, behind, line, said, soon},
};
use crate::papers::Lies;

pub(super) async fn show(
    parts: &AdminParts,
    asked: ShowBirthRequest,
) -> Result<ShowBirthResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let request = contract::ShowBirthRequest {
        context: Some(asking(parts, Vec::new())),
        case_id: asked.case_id.clone(),
        sender: asked.sender,
    };
    let found = behind(parts)?.birth_stories(soon(), request).await;
    let mut births = Vec::new();
    for story in found.map_err(said)?.births {
        let accesses = enter(parts, &story, &who, &why).await?;
        let told = accesses.iter().filter(|one| is_told(one, &story.sender));
        let kept = files(parts, &story, &asked.case_id).await?;
        births.push(BirthPage {
            told: told.map(ledger::line).collect(),
            messages: messages(parts, &story.sender, &asked.case_id, &accesses).await?,
            sent: sent(parts, &story.sender, &asked.case_id).await?,
            files: kept.into_iter().map(kept_file).collect(),
            ..page(story)
        });
    }
    tracing::warn!(case = asked.case_id, "an operator looked at a birth");
    Ok(ShowBirthResponse { births })
}

/// Writes the look down under the child's number, and under the other one where nobody has shown the two together; gives who
/// has named the child or was told of it.
async fn enter(
    parts: &AdminParts,
    story: &BirthStory,
    who: &str,
    why: &str,
) -> Result<Vec<AccessStory>, Status> {
    let si_number = story.case.as_ref().map(|case| case.si_number.as_str());
    let numbers = [si_number.unwrap_or_default(), &story.pin];
    let mut numbers = numbers
        .into_iter()
        .filter_map(PersonNumber::parse)
        .peekable();
    if numbers.peek().is_none() {
        return Err(Status::internal("a birth without a number"));
    }
    let mut found = Vec::new();
    for number in numbers {
        let look_up = LookUp {
            number,
            who: who.to_owned(),
            why: why.to_owned(),
        };
        let accesses = parts.ledger.accesses(look_up, ACCESSES_MAX).await;
        found = accesses.map_err(unavailable)?;
        // whoever told of the birth has named the child
        if found.iter().any(|one| of(one, &story.sender).is_some()) {
            break;
        }
    }
    Ok(found)
}

/// Operation and fields of a row that a message of this partner has made.
fn of<'a>(story: &'a AccessStory, partner: &str) -> Option<(&'a str, &'a str)> {
    match &story.asker {
        Asker::Partner {
            sender,
            operation,
            fields,
            ..
        } if sender.as_str() == partner => Some((operation, fields)),
        _ => None,
    }
}

/// Whether a row says that a partner was told something of the child.
fn is_told(story: &AccessStory, partner: &str) -> bool {
    of(story, partner).is_some_and(|(operation, fields)| {
        let mut roads = ROADS.iter();
        roads.any(|road| operation.starts_with(road)) && !fields.is_empty()
    })
}

/// What its partner sent under the case's id, and what else of it told something of the child: the birth, a death, a correction.
async fn messages(
    parts: &AdminParts,
    sender: &str,
    case_id: &str,
    accesses: &[AccessStory],
) -> Result<Vec<MessageStory>, Status> {
    let now = parts.clock.now();
    let mut told = Vec::new();
    for module in MODULES {
        let Ok(id) = MessageId::parse(&format!("{module}-{case_id}")) else {
            continue;
        };
        let stories = parts.log.story(id.as_str()).await;
        let stories = stories.map_err(unavailable)?;
        let theirs = stories.iter().filter(|story| {
            story
                .sender
                .as_ref()
                .is_some_and(|one| one.as_str() == sender)
        });
        told.extend(theirs.map(|story| explain(story, now)));
    }
    // the oldest first, as they came
    let named = accesses
        .iter()
        .rev()
        .filter(|one| of(one, sender).is_some_and(|(operation, _)| TELLING.contains(&operation)));
    for one in named.take(NAMED_MAX) {
        let evidence = one.evidence.to_string();
        if told.iter().any(|known| known.evidence == evidence) {
            continue;
        }
        let stories = parts.log.story(&evidence).await.map_err(unavailable)?;
        told.extend(stories.iter().map(|story| explain(story, now)));
    }
    Ok(told)
}

/// What its partner was or is to be told of the case unasked.
async fn sent(parts: &AdminParts, sender: &str, case_id: &str) -> Result<Vec<ParcelLine>, Status> {
    let Ok(partner) = PartnerId::parse(sender) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for module in MODULES {
        for state in [None, Some(ParcelState::Done), Some(ParcelState::Cancelled)] {
            let filter = ParcelFilter {
                partner: Some(partner.clone()),
                state,
                subject: Some(format!("{module}-{case_id}")),
                max: NAMED_MAX,
                before: None,
            };
            found.extend(parts.office.list(filter).await.map_err(unavailable)?);
        }
    }
    found.sort_by_key(|one| (one.put_at, one.sequence));
    Ok(found.iter().map(parcel_line).collect())
}

/// The sender of a case and its files, for whoever is in the child's ledger with the reason first.
pub(super) async fn files_of(
    parts: &AdminParts,
    (case_id, sender): (String, String),
    (who, why): (&str, &str),
) -> Result<(PartnerId, Vec<Lies>), Status> {
    let request = contract::ShowBirthRequest {
        context: Some(asking(parts, Vec::new())),
        case_id: case_id.clone(),
        sender,
    };
    let found = behind(parts)?.birth_stories(soon(), request).await;
    let mut births = found.map_err(said)?.births;
    let (Some(story), true) = (births.pop(), births.is_empty()) else {
        return Err(Status::failed_precondition(
            "several partners have a case of this id: say whose it is",
        ));
    };
    enter(parts, &story, who, why).await?;
    let files = files(parts, &story, &case_id).await?;
    let sender = PartnerId::parse(&story.sender);
    let sender = sender.map_err(|_| Status::internal("a case of nobody"))?;
    Ok((sender, files))
}

/// The files of the case, and of what its sender told of the child later.
async fn files(parts: &AdminParts, story: &BirthStory, case_id: &str) -> Result<Vec<Lies>, Status> {
    let (Some(papers), Ok(sender)) = (&parts.papers, PartnerId::parse(&story.sender)) else {
        return Ok(Vec::new());
    };
    let later = story.later.iter();
    let later = later.filter(|event| event.sender == story.sender);
    let mut codes = vec![case_id.to_owned()];
    codes.extend(later.map(|event| event.case_id.clone()));
    papers.of_cases(&sender, codes).await.map_err(|fault| {
        let reason = fault.reason();
        tracing::error!(
            note = fault.note(),
            reason,
            "files of a case are not listed"
        );
        Status::unavailable("the files of the case cannot be listed now")
    })
}

fn kept_file(one: Lies) -> KeptFile {
    KeptFile {
        media_type: one.media_type,
        bytes: one.bytes,
        came_at: one.at.to_string(),
    }
}

fn page(story: BirthStory) -> BirthPage {
    let case = story.case.unwrap_or_default();
    let page = BirthPage {
        sender: story.sender,
        case_id: case.case_id,
        state: case.state,
        received_at: story.received_at,
        counted_on: story.counted_on,
        province: story.province,
        due_at: case.due_at,
        done_at: story.done_at,
        over_percent: story.over_percent,
        told_percent: story.told_percent,
        settled: story.settled,
        review: story.review.map(line),
        si_number_end: case.si_number.chars().skip(SI_HIDDEN).collect(),
        rule: case.card_rule,
        later: story.later.into_iter().map(later).collect(),
        ..BirthPage::default()
    };
    let Some(card) = case.card else {
        return page;
    };
    BirthPage {
        card_begin: card.number.chars().take(CARD_SHOWN).collect(),
        card_state: match card.state() {
            CardState::Valid => "valid",
            CardState::Replaced => "replaced",
            CardState::Revoked => "revoked",
            CardState::Unspecified => "unknown",
        }
        .to_owned(),
        valid_from: card.valid_from,
        valid_to: card.valid_to,
        facility: card.facility,
        print: card.serial,
        ..page
    }
}

fn later(event: LaterEvent) -> LaterLine {
    LaterLine {
        what: event.what,
        sender: event.sender,
        case_id: event.case_id,
        at: event.at,
    }
}

/// Under which modules a message of a case may have come.
const MODULES: [&str; 3] = ["LTKS", "LTKT", "LTCC"];
/// Operations of the roads by which births come.
const ROADS: [&str; 3] = ["civil.", "dci.", "opencrvs."];
/// Operations that tell us of a birth or of what came after.
const TELLING: [&str; 8] = [
    "civil.birth",
    "civil.death",
    "civil.correction",
    "dci.notify",
    "opencrvs.birth",
    "opencrvs.death",
    "opencrvs.trigger.birth",
    "opencrvs.trigger.death",
];
/// Messages and parcels of one kind that a page has at most.
const NAMED_MAX: usize = 100;
/// Rows of the ledger that are looked through.
const ACCESSES_MAX: usize = 1_000;
/// Digits of a social insurance number that are not shown, the first ones.
const SI_HIDDEN: usize = 6;
/// Characters of a card number that are shown, the first ones: object, level, province.
const CARD_SHOWN: usize = 5;
