//! A side disputes, an officer settles.

use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    Discrepancy, DiscrepancyState as State, MoveDiscrepancyRequest, MoveDiscrepancyResponse, Party,
};

use super::row::{self, By};
use super::standing::Stored;
use super::unknown;
use crate::registry::effects::Asked;
use crate::registry::{Error, Registry, Tx, facts};

impl Registry {
    /// Moves one discrepancy by a person's word; the same key gives the same answer again.
    ///
    /// # Errors
    /// `INVALID`; `UNKNOWN-SUBJECT`, also where the tax side names a discrepancy that is not its own;
    /// `RULE-REFUSED` where it does not stand so that it can be moved. Nothing is changed then.
    pub async fn move_discrepancy(
        &self,
        mut request: MoveDiscrepancyRequest,
    ) -> Result<MoveDiscrepancyResponse, Error> {
        let context = facts::context(request.context.take())?;
        let wanted = Wanted::parse(&request)?;
        let asked = Asked::new("TaxLedger.Move", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            let (seq, found) = row::by_id(tx.sql, &request.id)?.ok_or_else(unknown)?;
            if request.side() == Party::Tax && found.partner != context.sender {
                return Err(unknown());
            }
            let by = By {
                side: request.side(),
                who: &request.who,
                reason: &request.reason,
            };
            row::apply(tx, seq, wanted.steps(&found)?, &by)?;
            Ok(MoveDiscrepancyResponse {
                discrepancy: Some(moved(tx, &request.id)?),
            })
        })
        .await
    }
}

fn moved(tx: &Tx<'_>, id: &str) -> Result<Discrepancy, Error> {
    let found = row::by_id(tx.sql, id)?;
    Ok(found.ok_or(Error::Corrupt("a row has gone"))?.1)
}

/// Where a person may move a discrepancy.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Disputed,
    Settled,
}

impl Wanted {
    fn parse(asked: &MoveDiscrepancyRequest) -> Result<Self, Error> {
        said(&asked.who, 200, "who")?;
        said(&asked.reason, 2_000, "reason")?;
        match (asked.side(), asked.to()) {
            (Party::Unspecified, _) => Err(facts::invalid("unknown-code", "side")),
            (_, State::Disputed) => Ok(Self::Disputed),
            // what is right in the insurance database is said by its officers
            (Party::Insurance, State::Settled) => Ok(Self::Settled),
            _ => Err(facts::invalid("unknown-code", "to")),
        }
    }

    fn steps(self, found: &Discrepancy) -> Result<Vec<State>, Error> {
        let stored = Stored::of(found.state).ok_or(Error::Corrupt("a discrepancy's state"))?;
        let steps = match self {
            Self::Disputed => stored.dispute().map(|disputed| disputed.steps()),
            Self::Settled => stored.settle().map(|settled| settled.steps()),
        };
        steps.ok_or_else(|| Error::refused(FaultCode::RuleRefused, "ledger-state", "to"))
    }
}

/// Said, and not at such length that the row becomes a document.
pub(super) fn said(text: &str, bytes_max: usize, field: &'static str) -> Result<(), Error> {
    match !text.trim().is_empty() && text.len() <= bytes_max {
        true => Ok(()),
        false => Err(facts::invalid("malformed-text", field)),
    }
}
