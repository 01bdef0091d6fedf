//! The national population database: who it is, who we are to it, and how long a birth waits for it.

use std::collections::BTreeMap;

use schemas::id::PartnerId;

use super::{Config, Delivery, OutwardWords, Problem, read::section};

section! {
    /// The database that is asked before a number is given to a child; nobody is asked where absent.
    pub Population {
        /// The partner that it is registered as, with `[delivery] words = "population"`.
        partner: PartnerId,
        /// Who we are to it (MaTichHop).
        integration: String,
        /// The service for which is asked (MaDVC).
        service: String,
        /// In whose name (MaCanBo).
        officer: String,
        /// How long a birth waits for the answer before its sender is told to come again, milliseconds; it is carried on
        /// all the same.
        wait_ms: u64 = 3_000 => 100..=15_000,
    }
}

/// What is wrong with the section alone.
pub(super) fn check(config: &Config) -> Option<Problem> {
    let section = config.population.as_ref()?;
    let wrong =
        |text: &str| !(1..=64).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic());
    let keys = [
        ("population.integration", &section.integration),
        ("population.service", &section.service),
        ("population.officer", &section.officer),
    ];
    let (key, _) = keys.into_iter().find(|(_, text)| wrong(text))?;
    let what = "1 to 64 letters, digits and signs without spaces";
    let cure = "write the code that the database's operator gave";
    Some(config.place().error(key, what, cure))
}

/// The database has a lane, and nobody has one that is not the database.
pub(super) fn has_its_lane(
    config: &Config,
    deliveries: &BTreeMap<PartnerId, Delivery>,
) -> Option<Problem> {
    let named = config.population.as_ref().map(|section| &section.partner);
    let mut lanes = deliveries
        .values()
        .filter(|one| one.words == OutwardWords::Population);
    if let Some(partner) = named
        && !lanes.clone().any(|one| one.partner == *partner)
    {
        let what = format!("`{partner}` has no lane for questions to the population database");
        let cure = "give its file a [delivery] with words = \"population\"";
        return Some(config.place().error("population.partner", what, cure));
    }
    let other = lanes.find(|one| Some(&one.partner) != named)?;
    let what = format!(
        "`{}` is spoken to as the population database, and is not",
        other.partner
    );
    let cure = "name it in [population], or take its [delivery] away";
    Some(config.place().error("population", what, cure))
}
