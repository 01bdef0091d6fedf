//! `lienthong bench tax-reconcile`: a synthetic country for a month, both directions, from the first manifest to the last
//! signed page, at a sixteenth, a quarter and the whole of the size asked for.
//!
//! Each side is a thread: it takes the other's signed manifest and chunks (digest, unpacking, typed records, sorted and
//! encrypted runs), reads its own records, joins, and signs each page. The insurance side's own records come from a PostgreSQL
//! that the bench starts, the tax side's, and both where PostgreSQL is not installed, from files. What is found is then held
//! against what was seeded. Not in it: the sockets and rooms of the gateway, and the registry's own tables.
//! Run again on the same folder after a kill it goes on where it stood.

mod check;
mod peers;
mod registry;
mod seed;
mod side;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use schemas::{
    id::Period,
    wire::tax_records::{Form, Kind, Party, Records},
};
use tax::country::{Country, Size};

use registry::Registry;
use seed::Seeds;
use side::Side;

type Trouble = Box<dyn Error + Send + Sync>;

/// How large a country, and where.
#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// People with social insurance; the default is what 2021 had.
    #[arg(long, default_value_t = 15_100_000)]
    employees: u64,
    /// People whom the tax side knows as paid.
    #[arg(long, default_value_t = 20_000_000)]
    tax_payees: u64,
    /// Employers; 1 to 3,000,000.
    #[arg(long, default_value_t = 550_000)]
    employers: u64,
    /// The month, before the one that runs.
    #[arg(long, default_value = "2026-10", value_parser = |text: &str| Period::parse(text))]
    period: Period,
    /// How records are written: xml or ndjson.
    #[arg(long, default_value = "xml", value_parser = |text: &str| form(text))]
    form: Form,
    /// Only the whole size, without the sixteenth and the quarter.
    #[arg(long)]
    whole: bool,
    /// Ends with one JSON line about the whole size.
    #[arg(long)]
    json: bool,
    /// The folder; about 500 bytes for each person are written into it.
    #[arg(long, default_value = "var/bench/reconcile")]
    dir: PathBuf,
}

/// What one size cost and gave.
struct Figures {
    size: Size,
    wall: Duration,
    findings: u64,
    missing: u64,
    extra: u64,
}

/// Measures and prints. Fails where anything is missing or extra.
///
/// # Errors
/// An impossible size, or the disk.
pub(super) fn run(options: &Options) -> Result<ExitCode, Trouble> {
    let parts: &[u64] = if options.whole { &[1] } else { &[16, 4, 1] };
    let mut last = None;
    for part in parts {
        let figures = measure(options, *part)?;
        println!("{}", figures.line());
        last = Some(figures);
    }
    let Some(figures) = last else {
        return Ok(ExitCode::SUCCESS);
    };
    intake(options)?;
    let peak = peak_rss_mb()?;
    println!("memory of this process, seeding and checking included: at most {peak} MB");
    if options.json {
        println!("{}", figures.json(options.form, peak));
    }
    Ok(match figures.missing + figures.extra {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn measure(options: &Options, part: u64) -> Result<Figures, Trouble> {
    let size = Size {
        employees: options.employees / part,
        payees: options.tax_payees / part,
        employers: (options.employers / part).max(1),
    };
    let country = Country::new(size, options.period)?;
    let dir = folder(options, part);
    let seeds = Seeds::plant(&country, options.form, &dir.join("sent"))?;
    let registry = Registry::start(&dir.join("postgres"), &country)?;
    if registry.is_none() {
        println!("the insurance side's own records come from files: postgresql is not installed");
    }
    let begun = Instant::now();
    let both = thread::scope(|scope| {
        let threads = [Party::Si, Party::Tax].map(|us| {
            let side = Side::new(us, &country, &seeds, registry.as_ref(), &dir);
            scope.spawn(move || side.run())
        });
        threads.map(|thread| {
            thread
                .join()
                .map_err(|_| Trouble::from("a side panicked"))?
        })
    });
    let wall = begun.elapsed();
    let mut figures = Figures {
        size,
        wall,
        findings: 0,
        missing: 0,
        extra: 0,
    };
    for told in both {
        for pages in told? {
            let checked = check::against_seeds(&country, pages.kind, &pages.files)?;
            figures.findings += checked.found;
            figures.missing += checked.missing;
            figures.extra += checked.extra;
        }
    }
    Ok(figures)
}

/// How fast bytes become typed records, ours and the peers' on the same file.
fn intake(options: &Options) -> Result<(), Trouble> {
    let file = seed::file(
        &folder(options, 1).join("sent"),
        Party::Tax,
        Kind::Person,
        1,
    );
    let chunk = fs::read(&file)?;
    let mut best = 0.0_f64;
    let mut count = 0_u64;
    for _ in 0..ROUNDS {
        let (begun, mut records) = (cpu_ns()?, Records::open(options.form, &chunk)?);
        count = 0;
        while records.next_record()?.is_some() {
            count += 1;
        }
        best = best.max(count as f64 * 1e9 / cpu_ns()?.saturating_sub(begun).max(1) as f64);
    }
    let form = options.form.as_str().to_uppercase();
    println!("{form} intake: {best:.0} typed person records/s of one core ({count} in a chunk)");
    // the peers read XML
    if options.form == Form::Xml {
        for line in peers::lines(&file, count) {
            println!("{line}");
        }
    }
    Ok(())
}

fn form(word: &str) -> Result<Form, String> {
    let forms = [Form::Xml, Form::Ndjson];
    let found = forms.into_iter().find(|form| form.as_str() == word);
    found.ok_or_else(|| "xml or ndjson".to_owned())
}

fn folder(options: &Options, part: u64) -> PathBuf {
    let Options {
        employees,
        tax_payees,
        employers,
        period,
        form,
        ..
    } = options;
    let form = form.as_str();
    options.dir.join(format!(
        "{employees}-{tax_payees}-{employers}-{period}-{form}-{part}"
    ))
}

impl Figures {
    fn line(&self) -> String {
        let people = self.size.employees + self.size.payees;
        let seconds = self.wall.as_secs_f64();
        format!(
            "{:>10} employees {:>10} payees {:>8} employers  {seconds:>8.2} s  {:>9.0} person records/s each way  \
             {} findings  missing {}  extra {}",
            self.size.employees,
            self.size.payees,
            self.size.employers,
            people as f64 / seconds,
            self.findings,
            self.missing,
            self.extra
        )
    }

    fn json(&self, form: Form, peak_rss_mb: u64) -> String {
        serde_json::json!({
            "form": form.as_str(),
            "employees": self.size.employees,
            "tax_payees": self.size.payees,
            "employers": self.size.employers,
            "wall_s": (self.wall.as_secs_f64() * 1_000.0).round() / 1_000.0,
            "peak_rss_mb": peak_rss_mb,
            "missing": self.missing,
            "extra": self.extra,
        })
        .to_string()
    }
}

/// CPU time of this thread, nanoseconds.
fn cpu_ns() -> Result<u64, Trouble> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

fn peak_rss_mb() -> Result<u64, Trouble> {
    let status = fs::read_to_string(Path::new("/proc/self/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap_or_default()
        .parse()?;
    Ok(kb.div_ceil(1_024))
}

const ROUNDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_country_is_reconciled_both_ways_and_a_second_run_finds_its_work_done() {
        let mut found = Vec::new();
        for form in [Form::Xml, Form::Ndjson] {
            // PostgreSQL may run as another user, who must get to its folder.
            let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            let dir = tempfile::Builder::new()
                .permissions(open)
                .tempdir()
                .unwrap();
            let options = Options {
                employees: 3_020,
                tax_payees: 4_000,
                employers: 110,
                period: Period::new(2026, 10).unwrap(),
                form,
                whole: true,
                json: false,
                dir: dir.path().to_owned(),
            };
            let first = measure(&options, 1).unwrap();
            assert_eq!((first.missing, first.extra), (0, 0));
            assert!(first.findings > 2 * 900, "{}", first.findings);
            let again = measure(&options, 1).unwrap();
            assert_eq!(
                (again.findings, again.missing, again.extra),
                (first.findings, 0, 0)
            );
            assert!(again.json(form, 7).contains("\"missing\":0"));
            found.push(first.findings);
        }
        assert_eq!(found[0], found[1], "the same whatever it is written in");
    }
}
