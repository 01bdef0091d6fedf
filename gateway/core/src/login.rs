//! The legacy token of VSS's eGW: a user name and the MD5 of a password for a token of an hour. Danger: it proves a
//! facility no better than its password was kept.
//!
//! Only a partner without a signing key has such a login, and only where danger names it. The MD5 is held against a slow
//! hash and is itself neither kept nor logged. A token is known by its digest, and is good for one sender, from the
//! certificate that it was given to, until it ends or the login is another. Tokens and failures are this process's own:
//! after a start nobody has a token, and an account whose password was not shown since has one try, so that a restart
//! gives a guesser one guess.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use certs::{
    digest::{Sha256, random},
    password::SlowHash,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};
use tokio::sync::Semaphore;

use crate::{
    adapter::Road,
    head::Peer,
    limits::Limits,
    partner::{Partner, Partners, Quota},
};

/// What is agreed of one partner's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRule {
    /// Its user name; no two partners have the same.
    pub username: String,
    /// The slow hash of its password's MD5, 32 lower-case hex digits.
    pub hash: SlowHash,
    /// So many wrong passwords in a row lock it.
    pub failures_max: u32,
    /// For so long.
    pub locked: Duration,
    /// How long a token is good for.
    pub lives: Duration,
    /// How often it may ask for a token.
    pub quota: Quota,
}

/// Who asks for a token. `Debug` does not show the password.
pub struct Asked {
    /// The user name.
    pub username: String,
    /// The MD5 of the password, hex.
    pub password: String,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked(***)")
    }
}

/// A token as it is given out, once. `Debug` shows nothing of it.
pub struct Given {
    /// Whose it is.
    pub holder: PartnerId,
    /// Its first half.
    pub access: String,
    /// Its second half; both are shown together.
    pub id: String,
    /// How long it is good for.
    pub lives: Duration,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(***)")
    }
}

/// The digest by which a token is known; the token cannot be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Of both halves.
    #[must_use]
    pub fn of(access: &str, id: &str) -> Self {
        let hash = Sha256::new().chain(&(access.len() as u64).to_be_bytes());
        Self(hash.chain(access.as_bytes()).chain(id.as_bytes()).finish())
    }

    /// As it stands in what is kept of a message: `sha256:` and 64 hex digits.
    #[must_use]
    pub fn kept(&self) -> String {
        format!("{KEPT}{}", hex::encode(self.0))
    }

    /// Reads [`kept`](Self::kept) back.
    #[must_use]
    pub fn of_kept(text: &str) -> Option<Self> {
        let digest = hex::decode(text.strip_prefix(KEPT)?).ok()?;
        digest.try_into().ok().map(Self)
    }
}

const KEPT: &str = "sha256:";

/// A token as a message shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownToken {
    /// The token itself.
    Whole(TokenDigest),
    /// What was kept of it when the message was taken: believed of a message that comes out of our own journal alone.
    Kept(TokenDigest),
}

/// The tokens and failures of one process.
#[derive(Debug)]
pub struct Logins {
    state: Mutex<State>,
    limits: Limits,
    /// A slow hash is work for a core: few at a time.
    turns: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct State {
    tries: HashMap<PartnerId, Tries>,
    tokens: HashMap<TokenDigest, Token>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tries {
    /// The right password was shown since the start.
    known: bool,
    /// Wrong ones in a row, those that are being looked at among them.
    failures: u32,
    locked_until: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Token {
    holder: PartnerId,
    rule: Arc<LoginRule>,
    certificate: [u8; 32],
    ends: Timestamp,
}

/// Slow hashes at once.
const TURNS: usize = 1;
/// Tokens of one partner at once: a new one ends the one that ends first.
const TOKENS_MAX: usize = 8;

impl Default for Logins {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            limits: Limits::new(),
            turns: Arc::new(Semaphore::new(TURNS)),
        }
    }
}

/// A refusal, and of whom where the account is one.
pub type Refused = (Fault, Option<PartnerId>);

impl Logins {
    /// Gives a token to whoever shows the password over a connection that may carry its messages.
    ///
    /// # Errors
    /// `TokenRefused`: `login-unknown`, `login-of-another` (this peer may not carry it), `login-suspended`,
    /// `login-wrong`, `login-locked` (with the wait); `RateLimited` (`login`).
    pub async fn take(
        &self,
        partners: &Partners,
        peer: &Peer,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Given, Refused> {
        let found = partners.by_login(&asked.username);
        let account = found.and_then(|partner| Some((partner, partner.login.as_ref()?)));
        let Some((partner, rule)) = account else {
            return Err((refused("login-unknown"), None));
        };
        let (holder, rule) = (partner.id.clone(), Arc::clone(rule));
        let refuse = |fault| (fault, Some(holder.clone()));
        let carries = |road| partner.may_arrive(peer.partner(), road);
        if !carries(Road::Direct) && !carries(Road::Ngsp) {
            return Err(refuse(refused("login-of-another")));
        }
        if !partner.active {
            return Err(refuse(refused("login-suspended")));
        }
        let within = self.limits.take(&holder, "login", rule.quota);
        within.map_err(|standing| {
            refuse(Fault::new(FaultCode::RateLimited, "login").retry_after(standing.reset))
        })?;
        let counted = self.begin(&holder, &rule, now).map_err(refuse)?;
        let right = self.is_right(&rule, asked.password).await;
        counted.end(right, now).map_err(refuse)?;
        Ok(self.give(holder, rule, peer, now))
    }

    /// Counts a try before it is looked at: of many at once no more are looked at than may be wrong.
    fn begin<'l>(
        &'l self,
        holder: &'l PartnerId,
        rule: &'l LoginRule,
        now: Timestamp,
    ) -> Result<Try<'l>, Fault> {
        let mut state = self.state();
        let tries = state.tries.entry(holder.clone()).or_default();
        match tries.locked_until {
            Some(until) if now < until => return Err(locked(until.duration_since(now))),
            Some(_) => (tries.locked_until, tries.failures) = (None, 0),
            None => {}
        }
        let max = match tries.known {
            true => rule.failures_max,
            false => 1,
        };
        if tries.failures >= max {
            return Err(locked(SignedDuration::from_secs(1)));
        }
        tries.failures += 1;
        Ok(Try {
            logins: self,
            holder,
            rule,
            is_over: false,
        })
    }

    async fn is_right(&self, rule: &Arc<LoginRule>, password: String) -> bool {
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return false;
        };
        let rule = Arc::clone(rule);
        let work = move || {
            let _turn = turn;
            rule.hash.is_of(password.to_ascii_lowercase().as_bytes())
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(false)
    }

    fn give(&self, holder: PartnerId, rule: Arc<LoginRule>, peer: &Peer, now: Timestamp) -> Given {
        let half = || BASE64_URL_SAFE_NO_PAD.encode(random::<32>());
        let lives = rule.lives;
        let given = Given {
            holder: holder.clone(),
            access: half(),
            id: half(),
            lives,
        };
        let until = SignedDuration::try_from(lives).unwrap_or(SignedDuration::ZERO);
        let token = Token {
            holder,
            rule,
            certificate: *peer.certificate_sha256(),
            ends: now.saturating_add(until).unwrap_or(now),
        };
        let mut state = self.state();
        state.tokens.retain(|_, token| now < token.ends);
        let of_holder = state.tokens.iter();
        let of_holder = of_holder.filter(|(_, one)| one.holder == token.holder);
        let mut of_holder: Vec<(Timestamp, TokenDigest)> =
            of_holder.map(|(digest, one)| (one.ends, *digest)).collect();
        of_holder.sort_by_key(|(ends, _)| *ends);
        let over = (of_holder.len() + 1).saturating_sub(TOKENS_MAX);
        for (_, digest) in of_holder.iter().take(over) {
            state.tokens.remove(digest);
        }
        let digest = TokenDigest::of(&given.access, &given.id);
        state.tokens.insert(digest, token);
        given
    }

    /// That a token speaks for this partner, over this connection, now.
    ///
    /// # Errors
    /// `TokenRefused`: `token-unknown`, `token-expired`, `token-of-another-facility`, `token-of-another-peer`,
    /// `token-login-changed`; `Invalid` (`credentials-not-wanted`) of a partner without such a login, as one that can
    /// sign is.
    pub fn check(
        &self,
        shown: TokenDigest,
        partner: &Partner,
        peer: &Peer,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let rule = of(partner)?;
        let mut state = self.state();
        let Some(token) = state.tokens.get(&shown) else {
            return Err(refused("token-unknown"));
        };
        if now >= token.ends {
            state.tokens.remove(&shown);
            return Err(refused("token-expired"));
        }
        let wrong = [
            (token.holder != partner.id, "token-of-another-facility"),
            (
                token.certificate != *peer.certificate_sha256(),
                "token-of-another-peer",
            ),
            (*token.rule != **rule, "token-login-changed"),
        ];
        match wrong.into_iter().find(|(wrong, _)| *wrong) {
            Some((_, reason)) => Err(refused(reason)),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A try that is counted and not yet looked at. One that is broken off (the caller is gone, its time is over) has told nobody
/// anything: it is counted no more, else lost connections alone would lock an account for good.
struct Try<'l> {
    logins: &'l Logins,
    holder: &'l PartnerId,
    rule: &'l LoginRule,
    is_over: bool,
}

impl Try<'_> {
    /// What the password was.
    fn end(mut self, right: bool, now: Timestamp) -> Result<(), Fault> {
        self.is_over = true;
        let mut state = self.logins.state();
        let tries = state.tries.entry(self.holder.clone()).or_default();
        if right {
            *tries = Tries {
                known: true,
                ..Tries::default()
            };
            return Ok(());
        }
        if !tries.known || tries.failures >= self.rule.failures_max {
            tries.known = true;
            let wait = SignedDuration::try_from(self.rule.locked).unwrap_or(SignedDuration::MAX);
            tries.locked_until = Some(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
            tracing::warn!(facility = self.holder.as_str(), "login locked");
        }
        Err(refused("login-wrong"))
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(tries) = self.logins.state().tries.get_mut(self.holder) {
            tries.failures = tries.failures.saturating_sub(1);
        }
    }
}

/// The login of a partner that has one.
///
/// # Errors
/// As in [`Logins::check`].
pub(crate) fn of(partner: &Partner) -> Result<&Arc<LoginRule>, Fault> {
    match &partner.login {
        Some(rule) => Ok(rule),
        None => Err(Fault::new(FaultCode::Invalid, "credentials-not-wanted").field("token")),
    }
}

fn refused(reason: &'static str) -> Fault {
    Fault::new(FaultCode::TokenRefused, reason)
}

fn locked(wait: SignedDuration) -> Fault {
    refused("login-locked").retry_after(wait.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_that_is_broken_off_locks_nobody_out_and_one_that_is_wrong_does() {
        let logins = Logins::default();
        let holder = PartnerId::parse("cskcb-01001").unwrap();
        let rule = LoginRule {
            username: "01001".to_owned(),
            hash: SlowHash::of(b"secret"),
            failures_max: 2,
            locked: Duration::from_secs(900),
            lives: Duration::from_secs(3_600),
            quota: Quota {
                per_minute: 60,
                burst: 60,
            },
        };
        let now: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
        let begin = |at| logins.begin(&holder, &rule, at);
        for _ in 0..5 {
            drop(begin(now).unwrap());
        }
        // while one is looked at, a second is not: nobody has shown the password yet
        let counted = begin(now).unwrap();
        assert_eq!(begin(now).err().unwrap().reason(), "login-locked");
        assert_eq!(counted.end(false, now).unwrap_err().reason(), "login-wrong");
        let locked = begin(now).err().unwrap();
        assert_eq!(locked.reason(), "login-locked");
        let later = now + SignedDuration::from_secs(900);
        begin(later).unwrap().end(true, later).unwrap();
        for _ in 0..5 {
            drop(begin(later).unwrap());
        }
        for _ in 0..2 {
            begin(later).unwrap().end(false, later).unwrap_err();
        }
        assert_eq!(begin(later).err().unwrap().reason(), "login-locked");
    }
}
