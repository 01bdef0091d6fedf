//! When the certificates that we use end: ours, the anchors, the watched authorities, the officers', the
//! partners' keys.

use std::{collections::BTreeMap, fs, path::Path};

use certs::pki;
use gateway_core::partner::Partners;
use jiff::{SignedDuration, Timestamp};

use crate::config::Config;

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Within 60 days.
    TwoMonths,
    /// Within 30 days.
    Month,
    /// Within 7 days.
    Week,
    /// Over.
    Ended,
}

impl Nearness {
    /// How near `end` is at `now`; `None` where nobody has to do anything yet.
    #[must_use]
    pub fn of(end: Timestamp, now: Timestamp) -> Option<Self> {
        let days = |days: i64| SignedDuration::from_hours(days * 24);
        match end.duration_since(now) {
            left if left.is_negative() => Some(Self::Ended),
            left if left < days(7) => Some(Self::Week),
            left if left < days(30) => Some(Self::Month),
            left if left < days(60) => Some(Self::TwoMonths),
            _ => None,
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::TwoMonths => "within two months",
            Self::Month => "soon: within a month",
            Self::Week => "at once: within a week",
            Self::Ended => "it has ended",
        }
    }
}

/// The files of the config, by their keys; of several certificates in one file the first end counts.
#[must_use]
pub fn of_files(config: &Config) -> BTreeMap<String, Timestamp> {
    let (tls, sign) = (&config.tls, &config.sign);
    let admin = config.admin.tls.iter();
    let admin = admin.flat_map(|one| {
        let (cert, anchors) = (&one.cert, &one.anchors);
        [("admin.tls.cert", cert), ("admin.tls.anchors", anchors)]
    });
    let journal = config.journal.cert.iter();
    let own = [("tls.cert", &tls.cert), ("sign.cert", &sign.cert)]
        .into_iter()
        .chain(admin)
        .chain(journal.map(|file| ("journal.cert", file)))
        .map(|(key, file)| (key.to_owned(), file.as_path()));
    let officers = config.officers.iter().enumerate();
    let officers =
        officers.map(|(index, one)| (format!("officers.{index}.cert"), one.cert.as_path()));
    let anchors = tls.anchors.iter().enumerate();
    let anchors = anchors.map(|(index, file)| (format!("tls.anchors.{index}"), file.as_path()));
    let watched = config.revocation.sources.iter().enumerate();
    let watched = watched.map(|(index, one)| {
        (
            format!("revocation.sources.{index}.issuer"),
            one.issuer.as_path(),
        )
    });
    own.chain(anchors)
        .chain(watched)
        .chain(officers)
        .filter_map(|(key, file)| Some((key, of_file(file)?)))
        .collect()
}

/// The same, and the partners' keys as `partners.ID.keys.KID`.
#[must_use]
pub fn of_all(config: &Config, partners: &Partners) -> BTreeMap<String, Timestamp> {
    let mut all = of_files(config);
    for partner in partners.iter() {
        let keys = partner
            .keys
            .iter()
            .filter_map(|key| Some((key, key.key.not_after()?)));
        all.extend(keys.map(|(key, end)| {
            (
                format!("{PARTNERS}{}.keys.{}", partner.id.as_str(), key.kid),
                end,
            )
        }));
    }
    all
}

fn of_file(file: &Path) -> Option<Timestamp> {
    pki::first_end(&fs::read(file).ok()?)
}

/// How the places of partners' keys begin.
pub const PARTNERS: &str = "partners.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_at_sixty_thirty_and_seven_days() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        for (days, near) in [
            (61, None),
            (59, Some(Nearness::TwoMonths)),
            (29, Some(Nearness::Month)),
            (6, Some(Nearness::Week)),
            (0, Some(Nearness::Week)),
            (-1, Some(Nearness::Ended)),
        ] {
            let end = now + SignedDuration::from_hours(days * 24);
            assert_eq!(Nearness::of(end, now), near, "{days} days");
        }
    }
}
