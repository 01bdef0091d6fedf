//! Reconciliation with the portal: `TraCuuHoSo` asks which of the dossiers that it was told of it holds,
//! and what it has sent. Own profile: the portal's own words for it are not public.

use std::collections::BTreeMap;

use bytes::Bytes;
use gateway_core::{
    ports::{Class, Parcel, Pull, Telling, Told},
    reconcile::{Held, Pulls},
};
use jiff::Timestamp;
use schemas::{
    date::portal_time,
    id::MessageId,
    proto::{Message as _, insurance::Change},
    wire::portal::{self, HeldStep, LOOK_UP_MAX, LookUp, LookUpAnswer, Service},
};
use serde::{Deserialize, Serialize};

use super::{kind, service_of, told};

/// The portal's words for reconciliation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reconciler;

/// The content of a pull's parcel.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    look_up: LookUp,
    /// There are more dossiers in the window than one call can name.
    more: bool,
}

impl Pulls for Reconciler {
    fn subjects_max(&self) -> usize {
        LOOK_UP_MAX
    }

    fn parcel(&self, pull: &Pull, telling: &Telling) -> Parcel {
        let mut codes: Vec<String> = telling.told.iter().filter_map(code_of).collect();
        codes.sort_unstable();
        codes.dedup();
        let asked = Asked {
            look_up: LookUp {
                from: portal_time::format(pull.window.from()),
                until: portal_time::format(pull.window.until()),
                codes,
            },
            more: telling.more,
        };
        Parcel {
            id: pull.id(),
            partner: pull.partner.clone(),
            // its own subject: a pull that is stuck holds up no other
            subject: pull.id(),
            sequence: 0,
            kind: kind(Service::LookUp),
            content: portal::encode(&asked).into(),
            class: Class::Bulk,
            due: None,
        }
    }

    fn read(&self, asked: &Bytes, answer: &Bytes) -> Result<Box<dyn Held>, &'static str> {
        let asked: Asked = portal::decode(asked).map_err(|_| "unreadable-question")?;
        let answer: LookUpAnswer = portal::decode(answer).map_err(|_| "unreadable-answer")?;
        let more = asked.more || answer.result.more.as_deref() == Some("1");
        let mut dossiers: BTreeMap<String, Vec<HeldStep>> = asked
            .look_up
            .codes
            .into_iter()
            .map(|code| (code, Vec::new()))
            .collect();
        for held in answer.result.dossiers {
            let steps = dossiers.get_mut(&held.code).ok_or("unasked-dossier")?;
            *steps = held.steps;
        }
        let sent = answer.result.submissions.iter().map(|submission| {
            let id = MessageId::parse(&submission.id).map_err(|_| "bad-message-id")?;
            let at = portal_time::parse(&submission.at).map_err(|_| "bad-time")?;
            Ok::<_, &'static str>((id, at))
        });
        Ok(Box::new(Holding {
            sent: sent.collect::<Result<_, _>>()?,
            more,
            dossiers,
        }))
    }
}

/// What the portal says it holds of what it was asked about.
struct Holding {
    dossiers: BTreeMap<String, Vec<HeldStep>>,
    sent: Vec<(MessageId, Timestamp)>,
    more: bool,
}

impl Held for Holding {
    fn more(&self) -> bool {
        self.more
    }

    /// Both calls tell the same step, one of them without its time.
    fn has(&self, told: &Told) -> Option<bool> {
        let service = service_of(&told.kind).filter(|service| tells_a_step(*service))?;
        let change = Change::decode(told.content.clone()).ok()?;
        let dossier = self::told(&change).ok()?.dossier.as_ref()?;
        let steps = self.dossiers.get(&dossier.code)?;
        let state = dossier.state.to_string();
        let at: Timestamp = change.at.parse().ok()?;
        let at = portal_time::format(at);
        Some(steps.iter().any(|step| {
            let same_time =
                service == Service::SyncDossier || step.at.as_ref().is_none_or(|held| *held == at);
            step.state == state && same_time
        }))
    }

    fn sent(&self) -> Vec<(MessageId, Timestamp)> {
        self.sent.clone()
    }
}

/// The record of `TraCuuHoSo` that a pull's parcel becomes.
pub(super) fn question(content: &Bytes) -> Result<Vec<u8>, &'static str> {
    let asked: Asked = portal::decode(content).map_err(|_| "unreadable-content")?;
    Ok(portal::encode(&asked.look_up))
}

/// Whether an answer has the form that [`Reconciler`] reads.
pub(super) fn is_readable(answer: &[u8]) -> bool {
    portal::decode::<LookUpAnswer>(answer).is_ok()
}

/// Whether a call tells a step of a dossier; what a portal holds of citizens is not asked.
fn tells_a_step(service: Service) -> bool {
    matches!(service, Service::SyncDossier | Service::UpdateProgress)
}

/// The dossier that a parcel told of.
fn code_of(told: &Told) -> Option<String> {
    service_of(&told.kind).filter(|service| tells_a_step(*service))?;
    let change = Change::decode(told.content.clone()).ok()?;
    Some(self::told(&change).ok()?.dossier.as_ref()?.code.clone())
}

#[cfg(test)]
mod tests {
    use gateway_core::ports::Window;
    use schemas::{
        id::PartnerId,
        proto::insurance::{Dossier, DossierChange, change::What},
    };
    use serde_json::json;

    use super::*;

    const AT: &str = "2026-11-22T05:00:00Z";

    fn pull() -> Pull {
        Pull {
            partner: PartnerId::parse("portal").unwrap(),
            window: Window::between(1_795_323_000, 1_795_323_600).unwrap(),
        }
    }

    fn told(code: &str, state: u32, service: Service) -> Told {
        let dossier = Dossier {
            code: code.to_owned(),
            state,
            ..Dossier::default()
        };
        let change = Change {
            at: AT.to_owned(),
            what: Some(What::Dossier(DossierChange {
                dossier: Some(dossier),
                ..DossierChange::default()
            })),
            ..Change::default()
        };
        Told {
            id: format!("{code}.{state}"),
            subject: code.to_owned(),
            sequence: state.into(),
            kind: kind(service).to_owned(),
            content: change.encode_to_vec().into(),
            receipt: 7,
            at: AT.parse().unwrap(),
            healed: 0,
        }
    }

    fn held(answer: &serde_json::Value) -> Result<Box<dyn Held>, &'static str> {
        let telling = Telling {
            told: vec![
                told("A", 1, Service::SyncDossier),
                told("A", 2, Service::UpdateProgress),
                told("B", 1, Service::SyncDossier),
            ],
            more: false,
        };
        let asked = Reconciler.parcel(&pull(), &telling).content;
        let answer = json!({"error_code": 0, "message": "", "result": answer});
        Reconciler.read(&asked, &Bytes::from(answer.to_string()))
    }

    #[test]
    fn a_pull_asks_each_dossier_of_its_window_once_and_bears_its_name() {
        let telling = Telling {
            told: vec![
                told("B", 1, Service::SyncDossier),
                told("A", 1, Service::SyncDossier),
                told("A", 2, Service::UpdateProgress),
            ],
            more: false,
        };
        let parcel = Reconciler.parcel(&pull(), &telling);
        assert_eq!(parcel.id, "pull.portal.1795323000-1795323600");
        assert_eq!((&parcel.subject, parcel.class), (&parcel.id, Class::Bulk));
        let question = question(&parcel.content).unwrap();
        let expected = json!({
            "TuNgay": "20261122115000", "DenNgay": "20261122120000", "MaHoSo": ["A", "B"],
        });
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&question).unwrap(),
            expected
        );
    }

    #[test]
    fn a_step_is_held_where_its_state_stands_at_its_time_or_without_one() {
        let answer = json!({"HoSo": [{"MaHoSo": "A", "TienDo": [
            {"TrangThai": "1"}, {"TrangThai": "2", "ThoiDiemXuLy": "20261122120000"},
            {"TrangThai": "4", "ThoiDiemXuLy": "20261122120001"}]}]});
        let held = held(&answer).unwrap();
        for (code, state, service, has) in [
            ("A", 1, Service::SyncDossier, Some(true)),
            ("A", 2, Service::UpdateProgress, Some(true)),
            ("A", 2, Service::SyncDossier, Some(true)),
            ("A", 4, Service::UpdateProgress, Some(false)),
            ("A", 9, Service::UpdateProgress, Some(false)),
            ("B", 1, Service::SyncDossier, Some(false)),
            ("C", 1, Service::SyncDossier, None),
            ("A", 1, Service::LookUp, None),
            ("A", 1, Service::NotifyCitizen, None),
        ] {
            assert_eq!(
                held.has(&told(code, state, service)),
                has,
                "{code} {state} {service:?}"
            );
        }
    }

    #[test]
    fn what_was_sent_and_whether_there_is_more_are_read() {
        let answer = json!({"DaNop": [{"MaThongDiep": "portal-00000001", "NgayNop": "20261122120000"}],
            "ConNua": "1"});
        let held = held(&answer).unwrap();
        let (id, at) = held.sent().remove(0);
        assert_eq!((id.as_str(), at), ("portal-00000001", AT.parse().unwrap()));
        assert!(held.more());
    }

    #[test]
    fn an_answer_that_is_not_whole_is_refused_with_its_reason() {
        let wrong = [
            (json!([]), "unreadable-answer"),
            (json!({"HoSoKhac": []}), "unreadable-answer"),
            (json!({"HoSo": [{"MaHoSo": "C"}]}), "unasked-dossier"),
            (
                json!({"DaNop": [{"MaThongDiep": "x", "NgayNop": "20261122120000"}]}),
                "bad-message-id",
            ),
            (
                json!({"DaNop": [{"MaThongDiep": "portal-00000001", "NgayNop": "2026"}]}),
                "bad-time",
            ),
        ];
        for (answer, reason) in wrong {
            assert_eq!(held(&answer).err(), Some(reason), "{answer}");
        }
    }
}
