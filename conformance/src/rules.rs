//! The black-box rules: one per file, each with its citation.
//!
//! A rule is a partner that means harm or asks for its due. It sees the gateway's sockets and nothing
//! else, and demands the fault code in `Lienthong-Fault` and the reason in the body, not only a status.

mod context;
mod prelude;
mod r001_no_certificate;
mod r002_unknown_ca_certificate;
mod r003_expired_certificate;
mod r004_wrong_usage_certificate;
mod r005_not_yet_valid_certificate;
mod r006_stranger_certificate;
mod r007_plaintext;
mod r010_two_hosts;
mod r011_no_host;
mod r012_get_with_body;
mod r013_unequal_lengths;
mod r014_content_encoding;
mod r015_unknown_route;
mod r016_wrong_media_type;
mod r017_query_string;
mod r020_flipped_body_byte;
mod r021_signature_moved;
mod r022_wrapped_original;
mod r023_another_partners_key;
mod r024_no_signature;
mod r025_too_large;
mod r026_too_deep;
mod r027_xxe;
mod r028_billion_laughs;
mod r029_comment_in_text;
mod r030_stale_new_id;
mod r031_same_id_other_content;
mod r032_resend_same_bytes;
mod r033_resend_signed_again;
mod r034_other_environment;
mod r035_other_receiver;
mod r036_reflected_answer;
mod r037_carried_by_another;
mod r040_bad_mst_check_digit;
mod r041_pin_of_the_other_sex;
mod r042_pin_of_another_year;
mod r043_unknown_commune;
mod r044_too_many_cases;
mod r045_unknown_case;
mod r046_purpose_not_agreed;
mod r047_applicant_of_another_year;
mod r048_not_the_holder;
mod r050_duplicate_json_keys;
mod r051_alg_none;
mod r052_unknown_crit;
mod r053_symmetric_algorithm;
mod r054_json_flipped_byte;
mod r055_embedded_key;
mod r060_xml_answer_is_bound;
mod r061_json_answer_is_bound;
mod r062_disclosure_by_field;
mod r063_future_period;
mod r064_period_before_1995;
mod r065_branch_of_another_parent;
mod r066_key_twice;
mod r067_more_lines_than_agreed;
mod r068_not_utf_8;
mod r069_line_by_line;
mod r070_a_claim_tells_nothing_else;
mod r071_status_of_the_day;
mod r072_hospital_unsigned;
mod r073_hospital_edited;
mod r074_hospital_wrapped;
mod r075_hospital_of_another;
mod r076_hospital_bad_base64;
mod r077_hospital_md5_token;
mod r078_hospital_credentials;
mod r079_hospital_same_code;
mod r080_xroad_answered;
mod r081_xroad_no_client;
mod r082_xroad_two_clients;
mod r083_xroad_encoded_client;
mod r084_xroad_bad_client;
mod r085_xroad_stranger;
mod r086_xroad_id;
mod r087_xroad_claimed_hash;
mod r088_xroad_error_form;
mod r089_xroad_no_signature;
mod r090_xroad_words_of_others;
mod r091_xroad_media_type;
mod r092_xroad_unknown_service;
mod r093_xroad_too_large;
mod r094_xroad_no_redirect;
mod r095_xroad_no_time;
mod r096_xroad_cut_off;
mod r097_xroad_hash;
mod r098_xroad_forged_answer;
mod r099_over_the_limit;
mod r100_soap_answered;
mod r101_soap_missing_field;
mod r102_soap_field_twice;
mod r103_soap_version;
mod r104_soap_wrapper;
mod r105_soap_action;
mod r106_soap_mtom;
mod r107_soap_multipart;
mod r108_soap_entities;
mod r109_soap_words_of_others;
mod r110_soap_no_signature;
mod r111_soap_same_id;
mod r112_dci_unsigned;
mod r113_dci_other_message;
mod r114_dci_unknown_sender;
mod r115_dci_callback_address;
mod r116_dci_same_id;
mod r117_facts_not_agreed;
mod r118_xroad_own_name;

use std::time::Duration;

use futures_util::future::BoxFuture;
use schemas::fault::FaultCode;

pub use context::Context;

use crate::call::Trouble;
use crate::client;

/// One rule.
pub struct Rule {
    /// Number and name, for example `001-no-certificate`; the order of a run.
    pub id: &'static str,
    /// The sentence that it proves.
    pub title: &'static str,
    /// The law, standard or clause of the design that it rests on.
    pub citation: &'static str,
    check: for<'a> fn(&'a Context) -> BoxFuture<'a, Result<(), Stop>>,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

/// What came of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The sentence holds.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// It could not be tried, and why; never a pass.
    NotRun(String),
}

/// Why a rule ended before its end.
#[derive(Debug)]
pub enum Stop {
    /// The sentence does not hold.
    Failed(String),
    /// It cannot be tried here.
    NotRun(String),
    /// The agreed limit is used up, so nothing was learnt yet.
    Limited,
}

/// How often a rule that meets the limit is tried again, and after how long.
const LIMITED_TRIES: usize = 5;
const LIMITED_WAIT: Duration = Duration::from_secs(2);

impl Rule {
    /// Tries the rule; one that meets the agreed limit, used up by the run before, is tried again later.
    pub async fn run(&self, context: &Context) -> Verdict {
        for _ in 0..LIMITED_TRIES {
            match (self.check)(context).await {
                Ok(()) => return Verdict::Passed,
                Err(Stop::Failed(why)) => return Verdict::Failed(why),
                Err(Stop::NotRun(why)) => return Verdict::NotRun(why),
                Err(Stop::Limited) => tokio::time::sleep(LIMITED_WAIT).await,
            }
        }
        Verdict::NotRun("the agreed limit stayed used up".to_owned())
    }
}

impl From<client::Error> for Stop {
    fn from(error: client::Error) -> Self {
        match error {
            client::Error::Connect(..) | client::Error::Config(_) => {
                Self::NotRun(error.to_string())
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Client(error) => error.into(),
            Trouble::Landmarks(_) | Trouble::Identity(_) | Trouble::State(_) => {
                Self::NotRun(trouble.to_string())
            }
            Trouble::Fault(fault) if fault.code == FaultCode::RateLimited.row().code => {
                Self::Limited
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Every rule, in the order of a run; after the limit, which uses the tax department's up, nobody asks in its name.
pub const ALL: &[&Rule] = &[
    &r001_no_certificate::RULE,
    &r002_unknown_ca_certificate::RULE,
    &r003_expired_certificate::RULE,
    &r004_wrong_usage_certificate::RULE,
    &r005_not_yet_valid_certificate::RULE,
    &r006_stranger_certificate::RULE,
    &r007_plaintext::RULE,
    &r010_two_hosts::RULE,
    &r011_no_host::RULE,
    &r012_get_with_body::RULE,
    &r013_unequal_lengths::RULE,
    &r014_content_encoding::RULE,
    &r015_unknown_route::RULE,
    &r016_wrong_media_type::RULE,
    &r017_query_string::RULE,
    &r020_flipped_body_byte::RULE,
    &r021_signature_moved::RULE,
    &r022_wrapped_original::RULE,
    &r023_another_partners_key::RULE,
    &r024_no_signature::RULE,
    &r025_too_large::RULE,
    &r026_too_deep::RULE,
    &r027_xxe::RULE,
    &r028_billion_laughs::RULE,
    &r029_comment_in_text::RULE,
    &r030_stale_new_id::RULE,
    &r031_same_id_other_content::RULE,
    &r032_resend_same_bytes::RULE,
    &r033_resend_signed_again::RULE,
    &r034_other_environment::RULE,
    &r035_other_receiver::RULE,
    &r036_reflected_answer::RULE,
    &r037_carried_by_another::RULE,
    &r040_bad_mst_check_digit::RULE,
    &r041_pin_of_the_other_sex::RULE,
    &r042_pin_of_another_year::RULE,
    &r043_unknown_commune::RULE,
    &r044_too_many_cases::RULE,
    &r045_unknown_case::RULE,
    &r046_purpose_not_agreed::RULE,
    &r047_applicant_of_another_year::RULE,
    &r048_not_the_holder::RULE,
    &r050_duplicate_json_keys::RULE,
    &r051_alg_none::RULE,
    &r052_unknown_crit::RULE,
    &r053_symmetric_algorithm::RULE,
    &r054_json_flipped_byte::RULE,
    &r055_embedded_key::RULE,
    &r060_xml_answer_is_bound::RULE,
    &r061_json_answer_is_bound::RULE,
    &r062_disclosure_by_field::RULE,
    &r063_future_period::RULE,
    &r064_period_before_1995::RULE,
    &r065_branch_of_another_parent::RULE,
    &r066_key_twice::RULE,
    &r067_more_lines_than_agreed::RULE,
    &r068_not_utf_8::RULE,
    &r069_line_by_line::RULE,
    &r070_a_claim_tells_nothing_else::RULE,
    &r071_status_of_the_day::RULE,
    &r072_hospital_unsigned::RULE,
    &r073_hospital_edited::RULE,
    &r074_hospital_wrapped::RULE,
    &r075_hospital_of_another::RULE,
    &r076_hospital_bad_base64::RULE,
    &r077_hospital_md5_token::RULE,
    &r078_hospital_credentials::RULE,
    &r079_hospital_same_code::RULE,
    &r080_xroad_answered::RULE,
    &r081_xroad_no_client::RULE,
    &r082_xroad_two_clients::RULE,
    &r083_xroad_encoded_client::RULE,
    &r084_xroad_bad_client::RULE,
    &r085_xroad_stranger::RULE,
    &r086_xroad_id::RULE,
    &r087_xroad_claimed_hash::RULE,
    &r088_xroad_error_form::RULE,
    &r089_xroad_no_signature::RULE,
    &r090_xroad_words_of_others::RULE,
    &r091_xroad_media_type::RULE,
    &r092_xroad_unknown_service::RULE,
    &r093_xroad_too_large::RULE,
    &r094_xroad_no_redirect::RULE,
    &r095_xroad_no_time::RULE,
    &r096_xroad_cut_off::RULE,
    &r097_xroad_hash::RULE,
    &r098_xroad_forged_answer::RULE,
    &r099_over_the_limit::RULE,
    &r100_soap_answered::RULE,
    &r101_soap_missing_field::RULE,
    &r102_soap_field_twice::RULE,
    &r103_soap_version::RULE,
    &r104_soap_wrapper::RULE,
    &r105_soap_action::RULE,
    &r106_soap_mtom::RULE,
    &r107_soap_multipart::RULE,
    &r108_soap_entities::RULE,
    &r109_soap_words_of_others::RULE,
    &r110_soap_no_signature::RULE,
    &r111_soap_same_id::RULE,
    &r112_dci_unsigned::RULE,
    &r113_dci_other_message::RULE,
    &r114_dci_unknown_sender::RULE,
    &r115_dci_callback_address::RULE,
    &r116_dci_same_id::RULE,
    &r117_facts_not_agreed::RULE,
    &r118_xroad_own_name::RULE,
];

#[cfg(test)]
mod tests;
