//! The comparison of one month: what the insurance side knows of an employer or a person against what the tax side knows.
//!
//! Pure and deterministic: records in, findings out, by [`Rules`] that hold the dated figures of the month. Numbers say
//! who is compared with whom; a name is compared afterwards, with an explained score, and never makes two records one.
//! Seen from the other side the findings are the same, ours and theirs changed over.
//!
//! It refuses to know how records arrive, who may see which value (that is [`Finding::seen_with`]) and what becomes of
//! a finding.

mod category;
mod employers;
mod finding;
mod people;
mod rules;
#[cfg(test)]
mod tests;

pub use category::Category;
pub use employers::employers;
pub use finding::{Disclosed, Finding, Value};
pub use people::people;
pub use rules::{RuleError, Rules, Tolerance};
