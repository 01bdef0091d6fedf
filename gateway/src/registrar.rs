//! Which terms of partners are in force: what files say is compared with what the store keeps, and comes
//! into force by itself only where it restricts. What loosens needs two officers' signatures.
//!
//! The store's word is the last: a file that was changed while nothing ran is judged at the start as it
//! would have been before.

use std::sync::Arc;

use bytes::Bytes;
use gateway_core::ports::{Acted, Adoption, Clock, InForce, Registrations};
use schemas::id::PartnerId;

use crate::config::{
    Config, Problem,
    officers::{SIGNATURES, Statement, signers},
    snapshot::Source,
    terms::{Change, Effect, Terms},
};

/// Compares, and puts in force.
pub(crate) struct Registrar {
    config: Config,
    store: Arc<dyn Registrations>,
    clock: Arc<dyn Clock>,
}

/// Why what files say does not come into force.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It loosens, and it is not signed.
    Files(Vec<Problem>),
    /// The store cannot be asked now.
    Store(String),
}

impl Refused {
    /// In words, with their places.
    pub(crate) fn problems(self, config: &Config) -> Vec<Problem> {
        match self {
            Self::Files(problems) => problems,
            Self::Store(why) => vec![config.place().error(
                "partners",
                format!("what is in force cannot be told: {why}"),
                "see that the store answers; it is tried again",
            )],
        }
    }
}

/// Terms that may come into force, in whose name and why.
struct Admitted {
    adoption: Adoption,
    who: String,
    why: String,
}

impl Registrar {
    pub(crate) fn new(
        config: &Config,
        store: Arc<dyn Registrations>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            config: config.clone(),
            store,
            clock,
        }
    }

    /// Puts what all files say in force, or nothing of it.
    pub(crate) async fn admit(&self, sources: &[Source]) -> Result<(), Refused> {
        for _ in 0..TRIES {
            let in_force = self.store.in_force().await;
            let in_force = in_force.map_err(|error| Refused::Store(error.to_string()))?;
            let admitted = self.judge(sources, &in_force)?;
            if self.adopt(admitted).await? {
                return Ok(());
            }
        }
        let why = "other replicas put other terms in force meanwhile";
        Err(Refused::Store(why.to_owned()))
    }

    fn judge(&self, sources: &[Source], in_force: &[InForce]) -> Result<Vec<Admitted>, Refused> {
        let known = |partner: &PartnerId| in_force.iter().find(|one| one.partner == *partner);
        let (mut admitted, mut problems) = (Vec::new(), Vec::new());
        for source in sources {
            match self.judge_one(source, known(&source.partner)) {
                Ok(one) => admitted.extend(one),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(Refused::Files(problems));
        }
        let gone = in_force
            .iter()
            .filter(|one| sources.iter().all(|source| source.partner != one.partner));
        admitted.extend(gone.map(|one| Admitted {
            adoption: Adoption {
                partner: one.partner.clone(),
                replaces: Some(one.digest),
                becomes: None,
            },
            who: GATEWAY.to_owned(),
            why: "its file is gone".to_owned(),
        }));
        Ok(admitted)
    }

    fn judge_one(
        &self,
        source: &Source,
        in_force: Option<&InForce>,
    ) -> Result<Option<Admitted>, Problem> {
        let digest = source.terms.digest();
        if in_force.is_some_and(|one| one.digest == digest) {
            return Ok(None);
        }
        let before = in_force.and_then(|one| Terms::parse(&one.terms));
        let admitted = |who: String, why: &str| {
            let terms = Bytes::from(source.terms.bytes());
            Some(Admitted {
                adoption: Adoption {
                    partner: source.partner.clone(),
                    replaces: in_force.map(|one| one.digest),
                    becomes: Some((digest, terms)),
                },
                who,
                why: why.to_owned(),
            })
        };
        if let Some(before) = &before
            && !before.loosened_by(&source.terms)
        {
            return Ok(admitted(GATEWAY.to_owned(), "the file restricts"));
        }
        let said = Statement {
            environment: self.config.environment,
            partner: &source.partner,
            file: source.sha256,
            terms: digest,
            replaces: in_force.map(|one| (one.digest, one.act.journal)),
        };
        let signed = signers(&self.config, &source.place.file, &said, self.clock.now());
        if signed.len() >= SIGNATURES {
            let names: Vec<&str> = signed.iter().map(PartnerId::as_str).collect();
            return Ok(admitted(names.join(", "), "signed beside the file"));
        }
        let file = source.place.file.display();
        let what = format!(
            "`{}` {}, and {} of {SIGNATURES} officers have signed it",
            source.partner,
            loosens(before.as_ref(), &source.terms),
            signed.len(),
        );
        let cure = format!(
            "two officers run `lienthong partner sign {file} --officer NAME --key KEY`; or take the change back"
        );
        Err(source.place.error("", what, cure))
    }

    /// False where somebody was quicker: it is to be judged again.
    async fn adopt(&self, admitted: Vec<Admitted>) -> Result<bool, Refused> {
        for Admitted { adoption, who, why } in admitted {
            let partner = adoption.partner.clone();
            let adopted = self.store.adopt(adoption, who, why.clone()).await;
            match adopted.map_err(|error| Refused::Store(error.to_string()))? {
                Acted::Done => tracing::warn!(%partner, why, "terms of a partner are in force"),
                Acted::AlreadySo => {}
                Acted::NotFound | Acted::NotNow(_) => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// What loosens, in few words: the paths that do.
fn loosens(before: Option<&Terms>, next: &Terms) -> String {
    let Some(before) = before else {
        return "is new".to_owned();
    };
    let changes = before.changes(next);
    let loosening = changes
        .iter()
        .filter(|change| change.effect == Effect::Loosens);
    let paths: Vec<&str> = loosening
        .map(|change: &Change| change.path.as_str())
        .collect();
    let shown = paths.iter().take(PATHS_SHOWN).copied();
    let more = paths.len().saturating_sub(PATHS_SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("loosens {}{more}", shown.collect::<Vec<_>>().join(", "))
}

const TRIES: usize = 3;
const PATHS_SHOWN: usize = 5;
/// Who puts in force what restricts.
const GATEWAY: &str = "the gateway";

#[cfg(test)]
mod tests;
