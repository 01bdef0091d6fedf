//! `lienthong tax ask`: what the tax department knows, asked by a signed question and told as it was signed.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::{AskTaxRequest, AskTaxResponse};
use serde_json::{Value, json};

use super::super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Asks the tax department.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Ask {
    /// An employer in one month: status, name, address, headcount, incomePaid; who asks and why is kept of persons only
    Employer(Employer),
    /// A person over some months: name, months, income, payers. It is noted who looked.
    Individual(Individual),
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Employer {
    #[command(flatten)]
    how: How,
    /// Fields, with commas between them; no more than agreed.
    #[arg(long, default_value = "status,name,address,headcount,incomePaid")]
    fields: String,
    /// The month, yyyy-MM.
    #[arg(long)]
    period: String,
    /// The tax code.
    mst: String,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Individual {
    #[command(flatten)]
    how: How,
    /// Fields, with commas between them; no more than agreed.
    #[arg(long, default_value = "months,income,payers")]
    fields: String,
    /// The first month, yyyy-MM.
    #[arg(long)]
    from: String,
    /// The last month; the first where absent.
    #[arg(long, default_value = "")]
    to: String,
    /// The person's PIN.
    pin: String,
}

#[derive(Debug, Clone, Args)]
struct How {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The department.
    #[arg(long, default_value = "tax")]
    partner: String,
    /// The id under which it is asked: the same again is the same question and has the same answer.
    #[arg(long, default_value = "")]
    id: String,
    /// How long to wait for the answer, milliseconds.
    #[arg(long, default_value_t = 10_000)]
    wait_ms: u64,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Ask {
    pub(in crate::cli) async fn run(self) -> Ended {
        let (how, asked) = match self {
            Self::Employer(asked) => (
                asked.how,
                AskTaxRequest {
                    about: "employer".to_owned(),
                    mst: asked.mst,
                    from: asked.period,
                    fields: list(&asked.fields),
                    ..AskTaxRequest::default()
                },
            ),
            Self::Individual(asked) => (
                asked.how,
                AskTaxRequest {
                    about: "individual".to_owned(),
                    mst: asked.pin,
                    from: asked.from,
                    to: asked.to,
                    fields: list(&asked.fields),
                    ..AskTaxRequest::default()
                },
            ),
        };
        how.ask(asked).await
    }
}

impl How {
    async fn ask(self, asked: AskTaxRequest) -> Ended {
        let asked = AskTaxRequest {
            partner: self.partner,
            id: self.id,
            wait_ms: self.wait_ms,
            who: self.reason.who()?,
            why: self.reason.why,
            ..asked
        };
        let answer = client::ask_tax(self.which.address()?, asked).await?;
        match self.json {
            true => println!("{}", as_json(&answer)),
            false => print!("{}", page(&answer)),
        }
        Ok(match answer.fault {
            Some(_) => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        })
    }
}

fn list(fields: &str) -> Vec<String> {
    let fields = fields.split(',').map(str::trim);
    let fields = fields.filter(|field| !field.is_empty());
    fields.map(str::to_owned).collect()
}

/// The result first, then what is told, one thing on a line.
fn page(answer: &AskTaxResponse) -> String {
    let mut lines = vec![match &answer.fault {
        Some(fault) => format!("refused  {} {} {}", fault.code, fault.reason, fault.field),
        None => format!("result  {}", answer.result),
    }];
    let told = answer.told.iter();
    lines.extend(told.map(|one| format!("{}  {}", one.field, one.value.escape_debug())));
    lines.extend(answer.payers.iter().map(|payer| {
        let mut line = format!("payer  {}", payer.mst);
        if let Some(months) = payer.months {
            line.push_str(&format!("  months {months}"));
        }
        if let Some(vnd) = payer.income_vnd {
            line.push_str(&format!("  income {vnd}"));
        }
        line
    }));
    if !answer.not_disclosed.is_empty() {
        lines.push(format!(
            "not disclosed  {}",
            answer.not_disclosed.join(", ")
        ));
    }
    let AskTaxResponse {
        id,
        answered_at,
        journal,
        ..
    } = answer;
    lines.push(format!(
        "answered  {answered_at}  id {id}  journal {journal}"
    ));
    lines.into_iter().map(|line| line + "\n").collect()
}

fn as_json(answer: &AskTaxResponse) -> Value {
    let told = answer.told.iter();
    let told: serde_json::Map<String, Value> = told
        .map(|one| (one.field.clone(), Value::String(one.value.clone())))
        .collect();
    let payers: Vec<Value> = answer
        .payers
        .iter()
        .map(|one| json!({"mst": one.mst, "months": one.months, "incomeVnd": one.income_vnd}))
        .collect();
    let fault = answer.fault.as_ref();
    let fault =
        fault.map(|one| json!({"code": one.code, "reason": one.reason, "field": one.field}));
    json!({
        "id": answer.id,
        "result": answer.result,
        "told": told,
        "payers": payers,
        "notDisclosed": answer.not_disclosed,
        "fault": fault,
        "answeredAt": answer.answered_at,
        "journal": answer.journal,
    })
}

#[cfg(test)]
mod tests {
    use schemas::proto::admin::{PayerLine, TaxpayerTold};

    use super::*;

    #[test]
    fn an_answer_is_one_thing_on_a_line_whatever_its_words_hold() {
        let answer = AskTaxResponse {
            id: "vss-00000001".to_owned(),
            result: "hasData".to_owned(),
            told: vec![TaxpayerTold {
                field: "name".to_owned(),
                value: "An\nresult  noData\u{1b}[2J".to_owned(),
            }],
            payers: vec![PayerLine {
                mst: "9900000016".to_owned(),
                months: Some(2),
                income_vnd: None,
            }],
            not_disclosed: vec!["income".to_owned()],
            answered_at: "2026-11-22T05:00:00Z".to_owned(),
            journal: 7,
            fault: None,
        };
        assert_eq!(
            page(&answer),
            "result  hasData\nname  An\\nresult  noData\\u{1b}[2J\npayer  9900000016  months 2\n\
             not disclosed  income\nanswered  2026-11-22T05:00:00Z  id vss-00000001  journal 7\n"
        );
        assert_eq!(as_json(&answer)["payers"][0]["incomeVnd"], Value::Null);
    }

    #[test]
    fn fields_are_read_with_commas_between_them() {
        assert_eq!(list(" status, name ,,"), ["status", "name"]);
    }
}
