//! The messages of a run, made from its seed: births, dossiers, verifications, and some that must be
//! refused.

use std::{
    fmt, fs,
    path::Path,
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

use certs::keys::{Algorithm, SigningKey};
use insurance::seed::Landmarks;
use jiff::Timestamp;

use super::random::Random;
use crate::message::{Birth, Message, Tax, dossier};

/// What a message is, and so what it must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A birth: one person, one number, one card.
    Birth,
    /// A dossier: one row, five steps told to the portal.
    Dossier,
    /// A verification: a read.
    Verify,
    /// A birth under a spoilt signature: nothing.
    Forged,
    /// A dossier by somebody who is not the holder: an answer that refuses, and nothing else.
    NotHolder,
}

impl Kind {
    const NAMES: [(Self, &'static str); 5] = [
        (Self::Birth, "birth"),
        (Self::Dossier, "dossier"),
        (Self::Verify, "verify"),
        (Self::Forged, "forged"),
        (Self::NotHolder, "not-holder"),
    ];

    /// The partner that sends it.
    #[must_use]
    pub fn partner(self) -> &'static str {
        match self {
            Self::Birth | Self::Forged => "dvclt",
            Self::Dossier | Self::NotHolder => "portal",
            Self::Verify => "tax",
        }
    }

    /// Whether it must be refused.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Forged | Self::NotHolder)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(kind, _)| kind == self);
        f.write_str(name.map_or("?", |(_, name)| name))
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(kind, _)| *kind).ok_or(())
    }
}

/// One message.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The id under which the gateway remembers it.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The case or dossier it makes in the insurance database; `-` where it makes none.
    pub business: String,
    /// The exact bytes.
    pub message: Message,
}

/// How many of a hundred messages are of each kind; what is left are births.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Dossiers, of 100.
    pub dossiers: u64,
    /// Verifications, of 100.
    pub verifications: u64,
    /// Messages to be refused, of 100.
    pub bad: u64,
}

impl Mix {
    /// What a run has where nothing else is said.
    pub const USUAL: Self = Self {
        dossiers: 6,
        verifications: 34,
        bad: 6,
    };
    /// Changes that nobody has to be told about.
    pub const BIRTHS: Self = Self {
        dossiers: 0,
        verifications: 0,
        bad: 0,
    };

    /// The kind of the next message.
    pub fn kind(self, random: &mut Random) -> Kind {
        let draw = random.below(100);
        if draw < self.dossiers {
            Kind::Dossier
        } else if draw < self.dossiers + self.verifications {
            Kind::Verify
        } else if draw < self.dossiers + self.verifications + self.bad {
            *random.one_of(&[Kind::Forged, Kind::NotHolder])
        } else {
            Kind::Birth
        }
    }
}

/// Writes messages for one site.
pub struct Scribe {
    landmarks: Landmarks,
    tax: SigningKey,
    dvclt: SigningKey,
    portal: SigningKey,
    next_birth: AtomicU32,
    next: AtomicU32,
}

impl Scribe {
    /// A scribe with the keys that lie in the agencies' folder.
    #[must_use]
    pub fn new(agencies: &Path, landmarks: Landmarks) -> Self {
        let key = |partner: &str| {
            let pem = fs::read(agencies.join(partner).join("sign.key")).unwrap();
            SigningKey::from_pem(&pem, Some(Algorithm::Es256)).unwrap()
        };
        Self {
            landmarks,
            tax: key("tax"),
            dvclt: key("dvclt"),
            portal: key("portal"),
            next_birth: AtomicU32::new(0),
            next: AtomicU32::new(0),
        }
    }

    /// Leaves this many births to another scribe of the same site.
    pub fn skip_births(&mut self, number: u32) {
        *self.next_birth.get_mut() = number;
    }

    /// The next message of this kind.
    pub fn write(&self, kind: Kind, random: &mut Random) -> Letter {
        let now = Timestamp::now();
        match kind {
            Kind::Birth | Kind::Forged => self.birth(now, kind),
            Kind::Dossier | Kind::NotHolder => self.dossier(now, kind, random),
            Kind::Verify => self.verify(now),
        }
    }

    fn birth(&self, now: Timestamp, kind: Kind) -> Letter {
        let number = self.next_birth.fetch_add(1, Ordering::Relaxed);
        let birth = Birth::new(now, &self.landmarks, number);
        let mut message = birth.message(now).sign(&self.dvclt);
        if kind == Kind::Forged {
            let signature = message.signature.as_mut().unwrap();
            let last = if signature.ends_with('A') { 'Q' } else { 'A' };
            signature.pop();
            signature.push(last);
        }
        Letter {
            id: format!("LTKS-{}", birth.case_id),
            kind,
            business: birth.case_id,
            message,
        }
    }

    fn dossier(&self, now: Timestamp, kind: Kind, random: &mut Random) -> Letter {
        let holder = random.one_of(&self.landmarks.card_holders);
        let name = match kind {
            Kind::NotHolder => "Nguyễn Không Phải",
            _ => holder.name.as_str(),
        };
        let members = dossier::members(now, holder, name);
        let json = dossier::message(now, &members);
        Letter {
            id: json.text("jti").to_owned(),
            kind,
            business: members["MaThamChieu"].as_str().unwrap().to_owned(),
            message: json.sign(&self.portal),
        }
    }

    fn verify(&self, now: Timestamp) -> Letter {
        let Landmarks {
            employer, period, ..
        } = &self.landmarks;
        let mut tax = Tax::verify(now, &employer.mst, period, &["participants", "due"]);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        tax.id = format!("{}-{number}", tax.id);
        Letter {
            id: tax.id.clone(),
            kind: Kind::Verify,
            business: "-".to_owned(),
            message: tax.sign(&self.tax),
        }
    }
}
