//! The closed list of words that a refusal may carry; whatever else a server says stays in the log.

/// The reason as a word of ours.
pub(super) fn reason(word: &str) -> Option<&'static str> {
    REASONS.iter().find(|known| **known == word).copied()
}

/// The contract's field as a word of ours.
pub(super) fn field(word: &str) -> Option<&'static str> {
    FIELDS.iter().find(|known| **known == word).copied()
}

/// A foreign word fit for a log: at most 64 of the characters that our own words are made of.
pub(super) fn printable(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_ascii_lowercase() || *c == '-')
        .take(64)
        .collect()
}

const REASONS: &[&str] = &[
    "amount-too-large",
    "another-birth",
    "bad-amount",
    "bad-card",
    "bad-date",
    "bad-name",
    "bad-number",
    "base-too-high",
    "base-too-low",
    "before-birth",
    "busy",
    "candidates-changed",
    "card-not-valid",
    "case-has-other-facts",
    "case-is-closed",
    "case-waits",
    "control-character",
    "corrupt",
    "death-on-another-day",
    "death-was-withdrawn",
    "decided-already",
    "decided-by-rule",
    "dossier-has-other-facts",
    "dossier-state",
    "employer-state",
    "ended-already",
    "facility-of-another",
    "finding-twice",
    "has-a-guardian",
    "in-the-future",
    "known-already",
    "ledger-state",
    "list-has-other-facts",
    "malformed-date",
    "malformed-id",
    "malformed-instant",
    "malformed-key",
    "malformed-name",
    "malformed-number",
    "malformed-period",
    "malformed-pin",
    "malformed-province",
    "malformed-sender",
    "malformed-tax-code",
    "malformed-text",
    "merged-into-itself",
    "missing",
    "missing-field",
    "missing-paper",
    "month-closed",
    "months-not-offered",
    "months-paid-already",
    "more-children-than-told",
    "more-than-owed",
    "moved-meanwhile",
    "name-alone",
    "no-context",
    "no-rule-for-the-day",
    "not-a-candidate",
    "not-a-household-card",
    "not-an-employee",
    "not-of-the-household",
    "not-on-the-list",
    "not-one-household",
    "not-the-applicant",
    "not-the-employer",
    "not-the-holder",
    "not-to-refund",
    "not-under-six",
    "nothing-to-match",
    "nothing-to-pay",
    "notice-has-other-facts",
    "notice-was-replaced",
    "notice-was-withdrawn",
    "of-full-age",
    "other-population",
    "outside-representation",
    "paid-by-the-state",
    "paid-too-late",
    "paper-of-one",
    "part-of-another-kind",
    "payment-has-other-facts",
    "payment-not-asked",
    "payment-not-named",
    "payment-state",
    "payment-used-already",
    "person-is-dead",
    "pin-birth-year-mismatch",
    "pin-of-another-person",
    "pin-sex-mismatch",
    "population-not-asked",
    "refunded-already",
    "registry-deadline",
    "representation-has-other-facts",
    "representation-not-in-force",
    "represents-themselves",
    "several-people",
    "span-backwards",
    "span-too-long",
    "storage",
    "subscribed-already",
    "supplement-asked-already",
    "supplement-has-other-facts",
    "supplement-not-asked",
    "supplement-too-late",
    "text-too-long",
    "too-many",
    "too-many-lines",
    "too-many-subscriptions",
    "unanswered",
    "under-age",
    "unknown-card",
    "unknown-case",
    "unknown-code",
    "unknown-commune",
    "unknown-discrepancy",
    "unknown-dossier",
    "unknown-employer",
    "unknown-facility",
    "unknown-field",
    "unknown-list",
    "unknown-paper",
    "unknown-payment",
    "unknown-person",
    "unknown-procedure",
    "unknown-representation",
    "unknown-review",
    "unknown-subscription",
    "which-notice",
    "wrong-kind",
    "younger-than-child",
];

const FIELDS: &[&str] = &[
    "after",
    "answered_at",
    "applicant_birth_date",
    "applicant_name",
    "applicant_pin",
    "applicant_si_number",
    "applicant_tax_code",
    "ask_after",
    "basis",
    "before",
    "begins_at",
    "bill",
    "birth_date",
    "birth_notice",
    "by",
    "card",
    "card_or_si_number",
    "case_id",
    "case_ids",
    "category",
    "changes",
    "child",
    "child.birth_date",
    "child.declaration_kind",
    "child.ethnicity",
    "child.name",
    "child.nationality",
    "child.pin",
    "child.residence_commune",
    "child.sex",
    "children",
    "claimant.name",
    "code",
    "commune",
    "context",
    "context.key",
    "context.sender",
    "corrects",
    "day",
    "days",
    "death_notice",
    "deceased",
    "deceased.birth_date",
    "deceased.name",
    "deceased.pin",
    "deceased.sex",
    "deceased.si_number",
    "decision",
    "died_on",
    "document",
    "due_on",
    "effective_on",
    "email",
    "ends_at",
    "ethnicity",
    "expected_vnd",
    "facility",
    "father.birth_date",
    "father.name",
    "father.pin",
    "field",
    "fields",
    "findings",
    "first",
    "foreign_id",
    "form",
    "from",
    "group",
    "guardian.relation",
    "heard_by",
    "id",
    "ids",
    "issued_on",
    "kind",
    "max",
    "members",
    "merged_into",
    "month",
    "mother",
    "mother.birth_date",
    "mother.name",
    "mother.pin",
    "name",
    "nationality",
    "notice",
    "notices",
    "number",
    "ours",
    "owner",
    "paid",
    "paid_on",
    "paid_vnd",
    "paper",
    "papers",
    "partner",
    "percent",
    "period",
    "person",
    "person_fields",
    "phone",
    "pin",
    "population",
    "procedure",
    "procedures",
    "proof_kind",
    "province",
    "provinces",
    "reason",
    "received_at",
    "record",
    "record.commune",
    "record.registered_on",
    "reference",
    "refunded",
    "representative",
    "residence_commune",
    "run",
    "same_as",
    "sent_at",
    "sex",
    "si_number",
    "side",
    "state",
    "status",
    "step",
    "submitted_at",
    "supplement_id",
    "supplements",
    "tax_code",
    "text",
    "theirs",
    "to",
    "told",
    "tolerated",
    "tolerated_bp",
    "transaction",
    "transactions",
    "unit_code",
    "url",
    "version",
    "who",
    "why",
    "withdraws",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Every quoted word in the call that begins with one of these.
    fn words_in(source: &str) -> Vec<String> {
        let calls = source
            .match_indices("invalid(")
            .chain(source.match_indices("refused("));
        let words = |(at, _): (usize, &str)| {
            let call = source[at..].split_once(')').map_or("", |(call, _)| call);
            call.split('"')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        calls.flat_map(words).collect()
    }

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => sources(&path, found),
                false => found.push(std::fs::read_to_string(path).unwrap()),
            }
        }
    }

    #[test]
    fn every_word_of_our_own_registry_is_in_the_lists() {
        let mut found = Vec::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/registry"),
            &mut found,
        );
        let words: Vec<String> = found.iter().flat_map(|source| words_in(source)).collect();
        assert!(words.len() > 50, "only {} words found", words.len());
        for word in words {
            assert!(
                reason(&word).is_some() || field(&word).is_some(),
                "{word} is in no list"
            );
        }
    }

    #[test]
    fn every_word_of_a_form_is_in_the_list() {
        for word in schemas::procedure::REASONS {
            assert!(reason(word).is_some(), "{word}");
        }
    }

    #[test]
    fn a_foreign_word_is_fit_for_a_log() {
        assert_eq!(printable("moon-phase\nX=1 \u{202e}"), "moon-phase");
        assert_eq!(printable(&"a".repeat(1000)).len(), 64);
    }
}
