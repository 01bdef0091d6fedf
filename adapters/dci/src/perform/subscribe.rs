//! Subscriptions are begun and ended one by one: one that is refused does not hold up the others.

use gateway_core::{Context, policy::Permit};
use schemas::{
    fault::Fault,
    proto::insurance as contract,
    wire::dci::{Code, VitalEvent},
};

use super::{Outcome, Registrar};
use crate::{Subscribe, Unsubscribe, Wanted};

/// In the fields that the agreement grants now, and for the purpose that it was asked for.
pub(super) async fn begin(
    registrar: &dyn Registrar,
    context: Context,
    permit: &Permit,
    said: &Subscribe,
) -> Result<Outcome, Fault> {
    let mut begun = Vec::with_capacity(said.wishes.len());
    for (index, wish) in said.wishes.iter().enumerate() {
        let wanted = match &wish.wanted {
            Ok(wanted) => canonical(wanted, permit),
            Err(refused) => {
                begun.push(Err(*refused));
                continue;
            }
        };
        begun.push(
            match registrar.subscribe(context.part(index), wanted).await {
                Ok(subscription) => Ok(subscription),
                Err(fault) if fault.is_final() => Err(refused(&fault)),
                Err(fault) => return Err(fault),
            },
        );
    }
    Ok(Outcome::Subscribed(begun))
}

fn canonical(wanted: &Wanted, permit: &Permit) -> contract::SubscribeVitalEventsRequest {
    let kind = match wanted.event {
        VitalEvent::Death => contract::VitalEventKind::Death,
        _ => contract::VitalEventKind::Birth,
    };
    let moment = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    contract::SubscribeVitalEventsRequest {
        context: None,
        kind: kind.into(),
        pin: wanted
            .pin
            .as_ref()
            .map(|pin| pin.as_str().to_owned())
            .unwrap_or_default(),
        fields: permit
            .disclosed()
            .iter()
            .map(|&field| field.to_owned())
            .collect(),
        begins_at: moment(wanted.begins),
        ends_at: moment(wanted.ends),
    }
}

fn refused(fault: &Fault) -> (Code, &'static str) {
    match (fault.reason(), fault.wrong_field()) {
        ("subscribed-already", _) => (Code::AlreadySubscribed, "reg_event_type"),
        ("too-many-subscriptions", _) => (Code::TotalCountLimit, "subscribe_request"),
        (_, Some("pin")) => (Code::PersonId, "value"),
        (_, Some("begins_at")) => (Code::NotifyDetails, "start_time"),
        (_, Some("ends_at")) => (Code::NotifyDetails, "end_time"),
        _ => (Code::NotifyDetails, "subscribe_criteria"),
    }
}

/// Another's subscription is told from none by nobody.
pub(super) async fn end(
    registrar: &dyn Registrar,
    context: Context,
    said: &Unsubscribe,
) -> Result<Outcome, Fault> {
    let mut ended = Vec::with_capacity(said.codes.len());
    for (index, code) in said.codes.iter().enumerate() {
        let done = registrar.unsubscribe(context.part(index), code.clone());
        ended.push(match done.await {
            Ok(subscription) => Ok(subscription),
            Err(fault) if fault.reason() == "ended-already" => Err(Code::AlreadyUnsubscribed),
            Err(fault) if fault.is_final() => Err(Code::SubscriptionCode),
            Err(fault) => return Err(fault),
        });
    }
    Ok(Outcome::Unsubscribed(ended))
}
