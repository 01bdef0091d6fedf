//! A change of an employer, from the feed to a parcel and from a parcel to a notice.

use bytes::Bytes;
use gateway_core::ports::{Class, Parcel};
use jiff::civil::Date;
use schemas::{
    id::{MessageId, PartnerId, Period, TaxId, UnitCode},
    proto::{
        Message as _,
        insurance::{
            Change, EmployerChange, NoticeKind as Kind, ParticipationState as State, change::What,
        },
    },
    wire::tax::{
        NoticeKind, ParticipationState,
        taxpayer::{EmployerNotice, Participants, Question},
    },
};

use super::PURPOSE;

/// The parcel of a change of an employer; it bears the change's id, which is the id of its message, too.
///
/// # Errors
/// A stable word where the change is none of an employer, or none that can be told.
pub fn notices(partner: &PartnerId, change: &Change) -> Result<Vec<Parcel>, &'static str> {
    notice(change)?;
    MessageId::parse(&change.id).map_err(|_| "unreadable-id")?;
    Ok(vec![Parcel {
        id: change.id.clone(),
        partner: partner.clone(),
        subject: change.subject.clone(),
        sequence: change.subject_sequence,
        kind: KIND,
        content: Bytes::from(change.encode_to_vec()),
        class: Class::Normal,
        due: None,
    }])
}

/// What a parcel of this kind tells.
pub(super) fn opened(id: &str, content: &[u8]) -> Result<(MessageId, Question), &'static str> {
    let change = Change::decode(content).map_err(|_| "unreadable-content")?;
    let id = MessageId::parse(id).map_err(|_| "unreadable-id")?;
    Ok((id, Question::Notice(Box::new(notice(&change)?))))
}

fn notice(change: &Change) -> Result<EmployerNotice, &'static str> {
    let Some(What::Employer(told)) = &change.what else {
        return Err("not-an-employer");
    };
    let notice = EmployerNotice {
        mst: TaxId::parse(&told.tax_code).map_err(|_| "tax-code")?,
        unit_code: UnitCode::parse(&told.unit_code).map_err(|_| "unit-code")?,
        kind: kind(told.kind()).ok_or("kind")?,
        effective_on: told.effective_on.parse::<Date>().map_err(|_| "day")?,
        state: state(told.state()).ok_or("state")?,
        name: some(&told.name),
        address: some(&told.address),
        merged_into: match told.merged_into.as_str() {
            "" => None,
            code => Some(TaxId::parse(code).map_err(|_| "tax-code")?),
        },
        participants: participants(told)?,
        purpose: PURPOSE.to_owned(),
    };
    match notice.fits() {
        Ok(()) => Ok(notice),
        Err(_) => Err("parts"),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn participants(told: &EmployerChange) -> Result<Option<Participants>, &'static str> {
    if told.period.is_empty() {
        return Ok(None);
    }
    Ok(Some(Participants {
        period: Period::parse(&told.period).map_err(|_| "month")?,
        before: told.participants_before,
        now: told.participants,
    }))
}

fn kind(kind: Kind) -> Option<NoticeKind> {
    Some(match kind {
        Kind::Unspecified => return None,
        Kind::Registered => NoticeKind::Registered,
        Kind::Dissolved => NoticeKind::Dissolved,
        Kind::Suspended => NoticeKind::Suspended,
        Kind::Resumed => NoticeKind::Resumed,
        Kind::Moved => NoticeKind::Moved,
        Kind::Merged => NoticeKind::Merged,
        Kind::Headcount => NoticeKind::Headcount,
    })
}

fn state(state: State) -> Option<ParticipationState> {
    Some(match state {
        State::Unspecified => return None,
        State::Active => ParticipationState::Active,
        State::Suspended => ParticipationState::Suspended,
        State::Closed => ParticipationState::Closed,
    })
}

/// The kind of parcels that tell a change of an employer.
pub(super) const KIND: &str = "taxpayer.notice";
