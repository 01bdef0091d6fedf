//! R14: backed up under load, killed later, put back into another folder: what the backup claims is there,
//! nothing leaves and nothing is begun until a person releases it, and when all that was forgotten is sent
//! again no effect is there twice and no number belongs to two.

mod database;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Output,
    time::{Duration, Instant},
};

use super::{Engine, Plan};
use crate::torture::{
    kit::{Kit, READY_MAX},
    ledger,
    load::{Load, Shape},
    process::{Launch, Process},
    random::Random,
    report::{Line, thousands},
    source::Source,
};

use database::Tools;

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let mut kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R14", NAME, why, plan.seed)],
    };
    let tools = match plan.engine {
        Engine::Sqlite => None,
        Engine::Postgres => match Tools::make() {
            Ok(tools) => Some(tools),
            Err(why) => return vec![Line::not_run("R14", NAME, why, plan.seed)],
        },
    };
    let section = "[insurance]\n";
    kit.site.edit(
        "gateway.toml",
        section,
        &format!("{section}marks = \"given\"\n"),
    );
    let mut process = kit.serve().await;
    // an answer that was forgotten is made anew, so a resend in the middle of a restore gets another
    let load = kit.load(Shape {
        again: 0,
        keeps: true,
        ..Shape::USUAL
    });
    let mut random = Random::of(plan.seed, &[14]);
    let mut told = Told::default();
    while told.rounds == 0 || told.rounds < plan.n.unwrap_or(3) && plan.has_time() {
        let waits = [0; 2].map(|_| Duration::from_millis(700 + random.below(1_300)));
        let round = match &tools {
            None => told.round(&mut kit, &load, process, waits).await,
            Some(tools) => {
                told.database_round(&mut kit, &load, process, tools, waits)
                    .await
            }
        };
        process = match round {
            Ok(process) => process,
            Err(why) => return vec![kit.broken("R14", NAME, why)],
        };
    }
    let mut closed = kit.close(load, process).await;
    closed.wrong.append(&mut told.wrong);
    let name = format!("{NAME} ({})", plan.engine.word());
    vec![kit.line("R14", &name, told.words(), closed)]
}

const NAME: &str = "backup and restore";

/// What the rounds came to.
#[derive(Default)]
struct Told {
    rounds: u64,
    backup_slowest: Duration,
    rto_slowest: Duration,
    records: u64,
    forgotten: u64,
    sent_away: u64,
    wrong: Vec<String>,
}

impl Told {
    fn words(&self) -> String {
        format!(
            "{} restores into another folder, backup under load within {} ms, RTO {} ms (restore and start, a person's \
             release not counted), {} records claimed and there, {} answers since the cut asked for again, {} changes \
             sent away while recovering",
            self.rounds,
            self.backup_slowest.as_millis(),
            self.rto_slowest.as_millis(),
            thousands(self.records),
            thousands(self.forgotten),
            thousands(self.sent_away),
        )
    }

    async fn round(
        &mut self,
        kit: &mut Kit,
        load: &Load,
        process: Process,
        [before, after]: [Duration; 2],
    ) -> Result<Process, String> {
        self.rounds += 1;
        tokio::time::sleep(before).await;
        let (claimed, kept) = (acknowledged(load), load.kept());
        let backup = kit.site.root().join(format!("backup-{}", self.rounds));
        let (config, to) = (
            kit.site.layout.config().display().to_string(),
            backup.display().to_string(),
        );
        let began = Instant::now();
        done(&kit.launch, &["backup", "--config", &config, "--to", &to]).await?;
        self.backup_slowest = self.backup_slowest.max(began.elapsed());
        // what is done now will be forgotten
        tokio::time::sleep(after).await;
        process.kill();
        let (lost_registry, lost_store) = (Given::read(&kit.registry()), kit.store());

        kit.move_data(&format!("restored-{}", self.rounds));
        let began = Instant::now();
        let why = ["--who", "bench", "--why", "R14"];
        let words = [&["restore", "--config", &config, "--from", &to], &why[..]].concat();
        done(&kit.launch, &words).await?;
        let chain = lost_store.rows(&chain_of(&lost_store));
        self.claims(&kit.store(), &chain, &claimed);
        let told_before = kit.office.read(|book| book.calls);
        let mut process = kit.launch.serve(&kit.site);
        process.ready(READY_MAX).await?;
        self.rto_slowest = self.rto_slowest.max(began.elapsed());

        self.fenced(kit, &process, &config, told_before).await?;
        let words = [&["recovery", "release", "--config", &config], &why[..]].concat();
        done(&kit.launch, &words).await?;
        self.forgotten += load.resend(kept).await;
        self.numbers(&lost_registry, &Given::read(&kit.registry()));
        self.orphans(kit);
        Ok(process)
    }

    /// The restored journal is a prefix of the one that was lost, and holds every answer that was out before
    /// the backup began.
    fn claims(&mut self, restored: &Source, was: &[Vec<String>], claimed: &BTreeSet<String>) {
        let mut there = restored.rows(&chain_of(restored));
        there.pop(); // who put it back, and why
        self.records += there.len() as u64;
        if !was.starts_with(&there) {
            self.wrong
                .push("the restored journal is no prefix".to_owned());
        }
        let answered = restored.rows("SELECT message_id FROM inbox WHERE answer IS NOT NULL");
        let answered: BTreeSet<String> = answered.into_iter().flatten().collect();
        for id in claimed.difference(&answered) {
            self.wrong
                .push(format!("lost: {id}, acknowledged before the backup"));
        }
    }

    /// While it recovers: it says so, nothing leaves, nothing is changed.
    async fn fenced(
        &mut self,
        kit: &Kit,
        process: &Process,
        config: &str,
        told_before: u64,
    ) -> Result<(), String> {
        let effects = "SELECT count(*) FROM effects";
        let before = kit.registry().count(effects);
        let ready = process.get("/ready").await.map_err(|e| e.to_string())?;
        let since = Instant::now();
        let mut away = 0;
        // long enough for what would leave to leave, and until somebody has asked for a change
        while since.elapsed() < AT_LEAST || away == 0 && since.elapsed() < READY_MAX {
            tokio::time::sleep(Duration::from_millis(100)).await;
            away = sent_away(process).await.unwrap_or(away);
        }
        let status = command(&kit.launch, &["recovery", "status", "--config", config]).await?;
        let said = String::from_utf8_lossy(&status.stdout).into_owned();
        self.sent_away += away;
        let told = kit.office.read(|book| book.calls) - told_before;
        let changed = kit.registry().count(effects) - before;
        for (is_wrong, what) in [
            (told > 0, format!("{told} calls left while recovering")),
            (changed > 0, format!("{changed} changes while recovering")),
            (away == 0, "no change was sent away".to_owned()),
            (!ready.contains("recovering"), format!("/ready: {ready}")),
            (
                status.status.success() || !said.starts_with("recovering"),
                format!("recovery status: {said}"),
            ),
        ] {
            if is_wrong {
                self.wrong.push(what);
            }
        }
        Ok(())
    }

    /// No case has two numbers, and no number two cases, over what was lost and what is there.
    fn numbers(&mut self, lost: &Given, there: &Given) {
        for (number, case) in &lost.0 {
            match there.0.get(number) {
                Some(other) if other != case => {
                    self.wrong
                        .push(format!("duplicate: {number} is {case}'s and {other}'s"));
                }
                _ => {}
            }
        }
        let numbers: BTreeMap<&String, &String> = there
            .0
            .iter()
            .map(|(number, case)| (case, number))
            .collect();
        for (number, case) in &lost.0 {
            if let Some(other) = numbers.get(case).filter(|other| **other != number) {
                self.wrong
                    .push(format!("duplicate: {case} got {number} and then {other}"));
            }
        }
    }

    /// Every dossier that the agency has heard of is one of ours, under the code that it heard.
    fn orphans(&mut self, kit: &Kit) {
        let codes = kit.registry().rows("SELECT code FROM dossiers");
        let codes: BTreeSet<String> = codes.into_iter().flatten().collect();
        let heard: Vec<String> = kit.office.read(|book| book.files.keys().cloned().collect());
        for code in heard.iter().filter(|code| !codes.contains(*code)) {
            self.wrong.push(format!(
                "duplicate: the agency knows {code}, which nobody has"
            ));
        }
    }
}

/// Numbers and codes, each with the case or dossier that has it.
struct Given(BTreeMap<String, String>);

impl Given {
    fn read(registry: &Source) -> Self {
        let births = "SELECT n.number, b.case_id FROM birth_cases b \
            JOIN numbers n ON n.person = b.person AND n.scheme = 'si'";
        let dossiers = "SELECT code, foreign_id FROM dossiers";
        let rows = [births, dossiers].map(|query| registry.rows(query));
        let given = rows.into_iter().flatten();
        Self(given.map(|row| (row[0].clone(), row[1].clone())).collect())
    }
}

/// Changes and reads that the client holds an accepting answer to.
fn acknowledged(load: &Load) -> BTreeSet<String> {
    let whole = fs::read_to_string(load.ledger().path()).unwrap_or_default();
    // a last line may be in the writing
    let end = whole.rfind('\n').map_or(0, |end| end + 1);
    let copy = load.ledger().path().with_extension("then");
    fs::write(&copy, &whole[..end]).unwrap();
    let entries = ledger::read(&copy).into_iter();
    let accepted = entries.filter(|(_, entry)| entry.answer.as_ref().is_some_and(|a| a.accepted));
    accepted.map(|(id, _)| id).collect()
}

/// How many changes a gateway that recovers has sent away.
async fn sent_away(process: &Process) -> Option<u64> {
    let page = process.get("/metrics").await.ok()?;
    let name = "lienthong_recovering_sent_away_total ";
    let line = page.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

/// How long a gateway that recovers is watched.
const AT_LEAST: Duration = Duration::from_millis(1_500);

/// The journal's chain, as a query of its engine.
fn chain_of(store: &Source) -> String {
    format!(
        "SELECT seq, {} FROM journal ORDER BY seq",
        store.hex("hash")
    )
}

async fn command(launch: &Launch, words: &[&str]) -> Result<Output, String> {
    let mut command = launch.command(words);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.map_err(|error| error.to_string())?;
    output.map_err(|error| error.to_string())
}

async fn done(launch: &Launch, words: &[&str]) -> Result<(), String> {
    let output = command(launch, words).await?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{}: {}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
