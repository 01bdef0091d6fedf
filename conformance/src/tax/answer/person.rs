//! Whether what is said of a person follows from what was asked, and a comparison tells nothing else.

use std::collections::BTreeSet;

use crate::call::{Params, Prepared, Trouble};
use crate::xml;

/// The element that tells each field.
const TOLD: [(&str, &str); 7] = [
    ("name", "Name"),
    ("birthDate", "BirthDate"),
    ("pin", "Pin"),
    ("siNumber", "SiNumber"),
    ("employers", "Employments"),
    ("months", "MonthsContributed"),
    ("base", "BaseTotal"),
];

pub(super) fn follows_its_logic(sent: &Prepared, answer: &Params) -> Result<(), Trouble> {
    let (asked, is_claim) = asked(sent)?;
    let result = answer.get("Result").map(String::as_str).unwrap_or_default();
    let told: BTreeSet<String> = TOLD
        .iter()
        .filter(|(_, element)| answer.contains_key(*element))
        .map(|(field, _)| (*field).to_owned())
        .collect();
    let withheld: BTreeSet<String> = answer
        .get("NotDisclosed")
        .map(|list| list.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    let judged = ["matches", "doesNotMatch"].contains(&result);
    for (holds, what) in [
        (!is_claim || told.is_empty(), "facts beside a comparison"),
        (
            !is_claim || judged || ["notPermitted", "incomplete"].contains(&result),
            "a claim without a judgement",
        ),
        (is_claim || !judged, "a judgement without a claim"),
        (
            told.is_subset(&asked) && withheld.is_subset(&asked),
            "a field that was not asked for",
        ),
        (
            told.is_disjoint(&withheld),
            "a field both disclosed and withheld",
        ),
        (
            !["noData", "notPermitted"].contains(&result) || told.is_empty(),
            "data beside no data",
        ),
        (
            result != "hasData" || told.union(&withheld).cloned().collect::<BTreeSet<_>>() == asked,
            "a field asked for and neither told nor withheld",
        ),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    Ok(())
}

/// What the message asked or claimed, read back from the bytes that went out.
fn asked(sent: &Prepared) -> Result<(BTreeSet<String>, bool), Trouble> {
    let text = String::from_utf8_lossy(&sent.body);
    let body = text
        .find("<VerifyIndividual>")
        .zip(text.find("</VerifyIndividual>"))
        .and_then(|(start, end)| text.get(start..end + "</VerifyIndividual>".len()))
        .and_then(xml::read)
        .ok_or_else(|| Trouble::answer("the request cannot be read back"))?;
    if let Some(claim) = body.child("Claim") {
        let claimed = |(field, element): &(&str, &str)| {
            claim.child(element).is_some().then(|| (*field).to_owned())
        };
        return Ok((TOLD.iter().filter_map(claimed).collect(), true));
    }
    let fields = body
        .child("Fields")
        .into_iter()
        .flat_map(|list| list.all("Field"));
    Ok((fields.map(|field| field.text.clone()).collect(), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, tests::write_agency};
    use crate::tax::message::{Draft, verify_individual};

    fn sent(params: &[(&str, &str)]) -> Prepared {
        let folder = tempfile::tempdir().unwrap();
        write_agency(folder.path(), "tax");
        let identity = Identity::load(folder.path()).unwrap();
        let body = verify_individual(&all(params));
        let draft = Draft::new(&identity, "tax.verify-individual", body);
        draft.sign(&identity.sign).unwrap()
    }

    fn all(pairs: &[(&str, &str)]) -> Params {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn judged(sent: &Prepared, answer: &[(&str, &str)]) -> Result<(), String> {
        follows_its_logic(sent, &all(answer)).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn a_comparison_may_say_whether_it_matches_and_nothing_else() {
        let sent = sent(&[("pin", "099190000001"), ("year", "2026"), ("months", "9")]);
        assert_eq!(judged(&sent, &[("Result", "matches")]), Ok(()));
        assert_eq!(judged(&sent, &[("Result", "doesNotMatch")]), Ok(()));
        for (answer, why) in [
            (
                &[("Result", "doesNotMatch"), ("MonthsContributed", "8")][..],
                "facts beside a comparison",
            ),
            (&[("Result", "hasData")], "a claim without a judgement"),
        ] {
            assert!(judged(&sent, answer).unwrap_err().contains(why), "{why}");
        }
    }

    #[test]
    fn every_fact_asked_for_is_told_or_withheld_and_no_other_is() {
        let sent = sent(&[
            ("pin", "099190000001"),
            ("year", "2026"),
            ("fields", "months,base"),
        ]);
        let good = [
            ("Result", "hasData"),
            ("MonthsContributed", "9"),
            ("NotDisclosed", "base"),
        ];
        assert_eq!(judged(&sent, &good), Ok(()));
        for (answer, why) in [
            (
                &[("Result", "hasData"), ("MonthsContributed", "9")][..],
                "neither told nor withheld",
            ),
            (&[("Result", "hasData"), ("Name", "A")], "not asked for"),
            (
                &[("Result", "noData"), ("MonthsContributed", "9")],
                "data beside no data",
            ),
            (&[("Result", "matches")], "a judgement without a claim"),
        ] {
            assert!(judged(&sent, answer).unwrap_err().contains(why), "{why}");
        }
    }
}
