//! Who may ask what, why and by which road: a pure function over the registered agreements.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemas::codes::province_set::ProvinceSet;

use crate::{
    adapter::{Operation, ProofKind, Road},
    partner::{Agreement, Grant, Partner, Quota},
};

/// A question that policy answers.
#[derive(Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub partner: &'a Partner,
    /// By which road.
    pub road: Road,
    /// How it was proven.
    pub proof: ProofKind,
    /// What.
    pub operation: &'static Operation,
    /// What for.
    pub purpose: &'a str,
    /// Which fields.
    pub asked: &'a BTreeSet<&'static str>,
    /// How many lines it has.
    pub lines: u64,
    /// The provinces that it is about.
    pub provinces: Option<ProvinceSet>,
    /// On which day (+07).
    pub on: Date,
}

/// The rule that allows a message, and the fields it may disclose. Made only by [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    rule: String,
    legal_basis: String,
    disclosed: BTreeSet<&'static str>,
    withheld: BTreeSet<&'static str>,
    quota: Quota,
}

impl Permit {
    /// Agreement number and operation.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The article that the agreement rests on.
    #[must_use]
    pub fn legal_basis(&self) -> &str {
        &self.legal_basis
    }

    /// Fields asked for and granted.
    #[must_use]
    pub fn disclosed(&self) -> &BTreeSet<&'static str> {
        &self.disclosed
    }

    /// Fields asked for and not granted.
    #[must_use]
    pub fn withheld(&self) -> &BTreeSet<&'static str> {
        &self.withheld
    }

    /// How often the agreement allows this operation.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota
    }
}

/// Why policy says no. The words are stable and may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The registration is suspended.
    #[error("partner-suspended")]
    Suspended,
    /// An operator has stopped this operation of the partner.
    #[error("operation-suspended")]
    Stopped,
    /// No agreement names the operation.
    #[error("operation-not-agreed")]
    Operation,
    /// The agreements that name it are not in force today.
    #[error("agreement-not-in-force")]
    NotInForce,
    /// None of them allows this road.
    #[error("road-not-agreed")]
    Road,
    /// None of them allows this purpose.
    #[error("purpose-not-agreed")]
    Purpose,
    /// Nothing but the road's own word proves it, and none of them takes that.
    #[error("body-signature-demanded")]
    Proof,
    /// None of them allows all of these provinces.
    #[error("province-not-agreed")]
    Province,
    /// None of them allows so many lines in one message.
    #[error("more-lines-than-agreed")]
    Lines,
    /// Outwards: a field that we ask for is not granted.
    #[error("field-not-agreed")]
    Field,
}

impl Denied {
    /// The stable word.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Suspended => "partner-suspended",
            Self::Stopped => "operation-suspended",
            Self::Operation => "operation-not-agreed",
            Self::NotInForce => "agreement-not-in-force",
            Self::Road => "road-not-agreed",
            Self::Purpose => "purpose-not-agreed",
            Self::Proof => "body-signature-demanded",
            Self::Province => "province-not-agreed",
            Self::Lines => "more-lines-than-agreed",
            Self::Field => "field-not-agreed",
        }
    }
}

/// Decides one question: the first agreement that allows all of it.
///
/// # Errors
/// The narrowest reason: what would have to change for the nearest agreement to allow it.
pub fn decide(question: &Question<'_>) -> Result<Permit, Denied> {
    if !question.partner.active {
        return Err(Denied::Suspended);
    }
    if question.partner.stopped.contains(question.operation.name) {
        return Err(Denied::Stopped);
    }
    let mut nearest = Denied::Operation;
    for agreement in &question.partner.agreements {
        match examine(agreement, question) {
            Ok(grant) => return Ok(permit(agreement, grant, question)),
            Err(denied) if rank(denied) > rank(nearest) => nearest = denied,
            Err(_) => {}
        }
    }
    Err(nearest)
}

fn examine<'a>(agreement: &'a Agreement, question: &Question<'_>) -> Result<&'a Grant, Denied> {
    let grant = agreement
        .operations
        .get(question.operation.name)
        .ok_or(Denied::Operation)?;
    let ended = agreement.valid_to.is_some_and(|last| question.on > last);
    if question.on < agreement.valid_from || ended {
        return Err(Denied::NotInForce);
    }
    if !agreement.roads.contains(&question.road) {
        return Err(Denied::Road);
    }
    if !agreement.purposes.contains(question.purpose) {
        return Err(Denied::Purpose);
    }
    if question.proof == ProofKind::XRoadRelay && !agreement.attested {
        return Err(Denied::Proof);
    }
    if question
        .provinces
        .is_some_and(|asked| !asked.is_within(grant.provinces))
    {
        return Err(Denied::Province);
    }
    if question.lines > u64::from(grant.lines_max) {
        return Err(Denied::Lines);
    }
    Ok(grant)
}

fn rank(denied: Denied) -> u8 {
    match denied {
        Denied::Suspended | Denied::Stopped | Denied::Operation => 0,
        Denied::NotInForce => 1,
        Denied::Road => 2,
        Denied::Purpose => 3,
        Denied::Proof => 4,
        Denied::Province => 5,
        Denied::Lines => 6,
        Denied::Field => 7,
    }
}

fn permit(agreement: &Agreement, grant: &Grant, question: &Question<'_>) -> Permit {
    let (disclosed, withheld) = question
        .asked
        .iter()
        .copied()
        .partition(|&field| grant.fields.contains(field));
    Permit {
        rule: format!("{}/{}", agreement.number, question.operation.name),
        legal_basis: agreement.legal_basis.clone(),
        disclosed,
        withheld,
        quota: grant.quota,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use jiff::civil::date;
    use schemas::id::PartnerId;

    use super::*;
    use crate::adapter::Effect;

    pub(crate) static VERIFY: Operation = Operation {
        name: "tax.verify-employer",
        effect: Effect::Read,
        proof: ProofKind::XmlDsig,
        fields: &["participants", "fund", "arrears"],
    };

    pub(crate) const QUOTA: Quota = Quota {
        per_minute: 60,
        burst: 10,
    };

    pub(crate) fn agreement() -> Agreement {
        Agreement {
            number: "TT-01".into(),
            legal_basis: "Law 38/2019 art. 27".into(),
            purposes: ["tax-audit".to_owned()].into(),
            operations: BTreeMap::from([(
                VERIFY.name.to_owned(),
                Grant {
                    fields: ["participants", "fund"].map(str::to_owned).into(),
                    quota: QUOTA,
                    lines_max: 100,
                    provinces: ProvinceSet::of(&[1, 79]),
                },
            )]),
            roads: [Road::Direct].into(),
            valid_from: date(2026, 1, 1),
            valid_to: Some(date(2026, 12, 31)),
            attested: false,
        }
    }

    pub(crate) fn partner(agreements: Vec<Agreement>) -> Partner {
        Partner {
            id: PartnerId::parse("tax").unwrap(),
            name: "Tax".into(),
            active: true,
            stopped: BTreeSet::new(),
            peers: vec![],
            relays: vec![],
            keys: vec![],
            agreements,
            window: Duration::from_secs(300),
            peer_quota: QUOTA,
            token: None,
            security_server: None,
            keyed: None,
            login: None,
            dci: None,
            hub: None,
            triggers: None,
        }
    }

    fn ask(partner: &Partner, change: impl FnOnce(&mut Question<'_>)) -> Result<Permit, Denied> {
        let asked = ["fund", "arrears"].into();
        let mut question = Question {
            partner,
            road: Road::Direct,
            proof: ProofKind::Jws,
            operation: &VERIFY,
            purpose: "tax-audit",
            asked: &asked,
            lines: 1,
            provinces: None,
            on: date(2026, 6, 1),
        };
        change(&mut question);
        decide(&question)
    }

    #[test]
    fn a_permit_names_its_rule_and_splits_the_fields() {
        let permit = ask(&partner(vec![agreement()]), |_| {}).unwrap();
        assert_eq!(permit.rule(), "TT-01/tax.verify-employer");
        assert_eq!(permit.disclosed(), &["fund"].into());
        assert_eq!(permit.withheld(), &["arrears"].into());
    }

    #[test]
    fn each_missing_condition_is_refused_by_its_name() {
        let one = partner(vec![agreement()]);
        let other_road = |q: &mut Question<'_>| q.road = Road::Ngsp;
        assert_eq!(ask(&one, other_road), Err(Denied::Road));
        assert_eq!(ask(&one, |q| q.purpose = "curiosity"), Err(Denied::Purpose));
        assert!(ask(&one, |q| q.provinces = Some(ProvinceSet::of(&[79]))).is_ok());
        for more in [ProvinceSet::of(&[79, 48]), ProvinceSet::COUNTRY] {
            assert_eq!(
                ask(&one, |q| q.provinces = Some(more)),
                Err(Denied::Province)
            );
        }
        assert!(ask(&one, |q| q.lines = 100).is_ok());
        assert_eq!(ask(&one, |q| q.lines = 101), Err(Denied::Lines));
        for day in [date(2025, 12, 31), date(2027, 1, 1)] {
            assert_eq!(ask(&one, |q| q.on = day), Err(Denied::NotInForce));
        }
        assert_eq!(ask(&partner(vec![]), |_| {}), Err(Denied::Operation));
        let mut suspended = partner(vec![agreement()]);
        suspended.active = false;
        assert_eq!(ask(&suspended, |_| {}), Err(Denied::Suspended));
        let mut stopped = partner(vec![agreement()]);
        stopped.stopped.insert("tax.ping".to_owned());
        assert!(ask(&stopped, |_| {}).is_ok(), "another operation");
        stopped.stopped.insert(VERIFY.name.to_owned());
        assert_eq!(ask(&stopped, |_| {}), Err(Denied::Stopped));
    }

    #[test]
    fn the_word_of_a_security_server_suffices_only_where_an_agreement_says_so() {
        let relayed = |q: &mut Question<'_>| q.proof = ProofKind::XRoadRelay;
        let strict = agreement();
        let open = Agreement {
            number: "TT-02".into(),
            attested: true,
            ..agreement()
        };
        assert_eq!(
            ask(&partner(vec![strict.clone()]), relayed),
            Err(Denied::Proof)
        );
        let permit = ask(&partner(vec![strict, open]), relayed).unwrap();
        assert_eq!(permit.rule(), "TT-02/tax.verify-employer");
    }

    #[test]
    fn the_first_and_the_last_day_count() {
        let one = partner(vec![agreement()]);
        for day in [date(2026, 1, 1), date(2026, 12, 31)] {
            assert!(ask(&one, |q| q.on = day).is_ok());
        }
    }
}
