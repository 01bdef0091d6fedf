//! One birth on one page. Whoever looks says why, and is in the child's access ledger before they see anything.

use gateway_core::ports::{AccessStory, Asker, LookUp, PersonNumber};
use schemas::{
    id::MessageId,
    proto::{
        admin::{
            AccessLine, BirthPage, LaterLine, MessageStory, ShowBirthRequest, ShowBirthResponse,
        },
        insurance::{self as contract, BirthStory, CardState, LaterEvent},
    },
};
use tonic::Status;

use super::{
    AdminParts,
    explain::explain,
    ledger,
    office::{said_why, unavailable},
    reviews::{asking, behind, line, said, soon},
};

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
        let told = enter(parts, &story, &who, &why).await?;
        let messages = messages(parts, &story.sender, &asked.case_id).await?;
        births.push(BirthPage {
            told,
            messages,
            ..page(story)
        });
    }
    tracing::warn!(case = asked.case_id, "an operator looked at a birth");
    Ok(ShowBirthResponse { births })
}

/// Writes the look down under the child's number; gives when the case's partner was told of the child.
async fn enter(
    parts: &AdminParts,
    story: &BirthStory,
    who: &str,
    why: &str,
) -> Result<Vec<AccessLine>, Status> {
    let si_number = story.case.as_ref().map(|case| case.si_number.as_str());
    let number = [si_number.unwrap_or_default(), &story.pin]
        .into_iter()
        .find_map(PersonNumber::parse)
        .ok_or_else(|| Status::internal("a birth without a number"))?;
    let look_up = LookUp {
        number,
        who: who.to_owned(),
        why: why.to_owned(),
    };
    let accesses = parts.ledger.accesses(look_up, ACCESSES_MAX).await;
    let accesses = accesses.map_err(unavailable)?;
    let told = accesses.iter().filter(|one| is_told(one, &story.sender));
    Ok(told.map(ledger::line).collect())
}

/// Whether a row says that a partner was told something of the child by an answer of civil status.
fn is_told(story: &AccessStory, partner: &str) -> bool {
    matches!(
        &story.asker,
        Asker::Partner { sender, operation, fields, .. }
            if sender.as_str() == partner && operation.starts_with("civil.") && !fields.is_empty()
    )
}

/// What its partner sent under the case's id: the birth, a death, a correction.
async fn messages(
    parts: &AdminParts,
    sender: &str,
    case_id: &str,
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
    Ok(told)
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
/// Rows of the ledger that are looked through.
const ACCESSES_MAX: usize = 1_000;
/// Digits of a social insurance number that are not shown, the first ones.
const SI_HIDDEN: usize = 6;
/// Characters of a card number that are shown, the first ones: object, level, province.
const CARD_SHOWN: usize = 5;
