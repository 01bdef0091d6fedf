//! `lienthong tax ask`: what the tax department knows, asked by a signed question and told as it was signed.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use schemas::proto::admin::{AskTaxLine, AskTaxRequest, AskTaxResponse, TaxFault, TaxpayerTold};
use serde_json::{Value, json};

use super::super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Asks the tax department.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Ask {
    /// An employer in one month: status, name, address, headcount, incomePaid
    Employer(Employer),
    /// A person over some months: name, months, income, payers. It is noted who looked.
    Individual(Individual),
    /// Up to 1,000 employers in one month, in one signed question.
    Employers(Employers),
    /// Up to 1,000 persons over some months, in one signed question. It is noted who looked at each.
    Individuals(Individuals),
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
pub(in crate::cli) struct Employers {
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    whom: Whom,
    /// Fields, with commas between them; no more than agreed.
    #[arg(long, default_value = "status,name,address,headcount,incomePaid")]
    fields: String,
    /// The month, yyyy-MM.
    #[arg(long)]
    period: String,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Individuals {
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    whom: Whom,
    /// Fields, with commas between them; no more than agreed.
    #[arg(long, default_value = "months,income")]
    fields: String,
    /// The first month, yyyy-MM.
    #[arg(long)]
    from: String,
    /// The last month; the first where absent.
    #[arg(long, default_value = "")]
    to: String,
}

/// Several subjects, answered in this order.
#[derive(Debug, Clone, Args)]
struct Whom {
    /// A file with one number on each line; `-` is what comes in.
    #[arg(long, conflicts_with = "numbers", required_unless_present = "numbers")]
    file: Option<PathBuf>,
    /// The tax codes, or PINs.
    numbers: Vec<String>,
}

impl Whom {
    fn numbers(self) -> io::Result<Vec<String>> {
        let text = match self.file {
            None => return Ok(self.numbers),
            Some(path) if path.as_os_str() == "-" => io::read_to_string(io::stdin())?,
            Some(path) => fs::read_to_string(path)?,
        };
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        Ok(lines.map(str::to_owned).collect())
    }
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
            Self::Employers(asked) => (
                asked.how,
                AskTaxRequest {
                    about: "employers".to_owned(),
                    keys: asked.whom.numbers()?,
                    from: asked.period,
                    fields: list(&asked.fields),
                    ..AskTaxRequest::default()
                },
            ),
            Self::Individuals(asked) => (
                asked.how,
                AskTaxRequest {
                    about: "individuals".to_owned(),
                    keys: asked.whom.numbers()?,
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
    let mut lines = match &answer.fault {
        None if !answer.lines.is_empty() => answer.lines.iter().flat_map(of_one).collect(),
        fault => vec![result(fault.as_ref(), &answer.result)],
    };
    lines.extend(answer.told.iter().map(told));
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
    lines.extend(withheld(&answer.not_disclosed));
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

fn result(fault: Option<&TaxFault>, result: &str) -> String {
    match fault {
        Some(fault) => format!("refused  {} {} {}", fault.code, fault.reason, fault.field),
        None => format!("result  {result}"),
    }
}

fn told(one: &TaxpayerTold) -> String {
    format!("{}  {}", one.field, one.value.escape_debug())
}

fn withheld(fields: &[String]) -> Option<String> {
    (!fields.is_empty()).then(|| format!("not disclosed  {}", fields.join(", ")))
}

/// Of one of many: its number with the result, then what is told of it, further in.
fn of_one(line: &AskTaxLine) -> Vec<String> {
    let head = result(line.fault.as_ref(), &line.result);
    let further = line.told.iter().map(told);
    let further = further.chain(withheld(&line.not_disclosed));
    let head = std::iter::once(format!("{}  {head}", line.mst));
    head.chain(further.map(|text| format!("  {text}")))
        .collect()
}

fn as_json(answer: &AskTaxResponse) -> Value {
    let payers: Vec<Value> = answer
        .payers
        .iter()
        .map(|one| json!({"mst": one.mst, "months": one.months, "incomeVnd": one.income_vnd}))
        .collect();
    let lines = answer.lines.iter().map(|one| {
        json!({
            "mst": one.mst,
            "result": one.result,
            "told": told_json(&one.told),
            "notDisclosed": one.not_disclosed,
            "fault": fault_json(one.fault.as_ref()),
        })
    });
    json!({
        "id": answer.id,
        "result": answer.result,
        "told": told_json(&answer.told),
        "payers": payers,
        "notDisclosed": answer.not_disclosed,
        "fault": fault_json(answer.fault.as_ref()),
        "lines": lines.collect::<Vec<Value>>(),
        "answeredAt": answer.answered_at,
        "journal": answer.journal,
    })
}

fn told_json(told: &[TaxpayerTold]) -> Value {
    let told = told
        .iter()
        .map(|one| (one.field.clone(), Value::String(one.value.clone())));
    Value::Object(told.collect())
}

fn fault_json(fault: Option<&TaxFault>) -> Value {
    match fault {
        Some(one) => json!({"code": one.code, "reason": one.reason, "field": one.field}),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use schemas::proto::admin::PayerLine;

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
            ..AskTaxResponse::default()
        };
        assert_eq!(
            page(&answer),
            "result  hasData\nname  An\\nresult  noData\\u{1b}[2J\npayer  9900000016  months 2\n\
             not disclosed  income\nanswered  2026-11-22T05:00:00Z  id vss-00000001  journal 7\n"
        );
        assert_eq!(as_json(&answer)["payers"][0]["incomeVnd"], Value::Null);
    }

    #[test]
    fn many_are_told_each_under_its_number_in_the_order_asked() {
        let answer = AskTaxResponse {
            id: "vss-00000001".to_owned(),
            answered_at: "2026-11-22T05:00:00Z".to_owned(),
            lines: vec![
                AskTaxLine {
                    mst: "9900000016".to_owned(),
                    result: "hasData".to_owned(),
                    told: vec![TaxpayerTold {
                        field: "headcount".to_owned(),
                        value: "3".to_owned(),
                    }],
                    not_disclosed: vec!["name".to_owned()],
                    fault: None,
                },
                AskTaxLine {
                    mst: "9900000024".to_owned(),
                    fault: Some(TaxFault {
                        code: "AMBIGUOUS-SUBJECT".to_owned(),
                        reason: "several".to_owned(),
                        field: String::new(),
                    }),
                    ..AskTaxLine::default()
                },
            ],
            ..AskTaxResponse::default()
        };
        assert_eq!(
            page(&answer),
            "9900000016  result  hasData\n  headcount  3\n  not disclosed  name\n\
             9900000024  refused  AMBIGUOUS-SUBJECT several \n\
             answered  2026-11-22T05:00:00Z  id vss-00000001  journal 0\n"
        );
        let told = as_json(&answer);
        assert_eq!(told["lines"][0]["told"]["headcount"], "3");
        assert_eq!(told["lines"][1]["fault"]["code"], "AMBIGUOUS-SUBJECT");
    }

    #[test]
    fn numbers_come_from_a_file_one_on_a_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "9900000016\n\n 9900000024 \n").unwrap();
        let whom = Whom {
            file: Some(file.path().to_owned()),
            numbers: Vec::new(),
        };
        assert_eq!(whom.numbers().unwrap(), ["9900000016", "9900000024"]);
    }

    #[test]
    fn fields_are_read_with_commas_between_them() {
        assert_eq!(list(" status, name ,,"), ["status", "name"]);
    }
}
