//! The insurance side's own records in a PostgreSQL of the bench's own: loaded before the clock starts, read in the order
//! of their keys through `COPY` while it runs.
//!
//! The tables are the bench's: one row for each record, not the registry's own tables behind the contract. The server is
//! Debian's, started as a user who is not root, on a Unix socket, and ends with this process however that ends.

use std::{
    borrow::Cow,
    fs,
    io::{BufRead as _, BufReader, BufWriter},
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use certs::digest;
use schemas::wire::tax_records::{
    Employer, Kind, NumberKey, Party, Person, PersonKey, Record, Status, TaxKey,
};
use tax::{country::Country, reconcile::Reconciliation};

use super::Trouble;
use crate::bulk::Covered;

/// A running server with the records of the insurance side.
pub(super) struct Registry {
    bin: PathBuf,
    /// Of its socket, below the system's temporary folder, since the path of a socket must be short.
    socket: PathBuf,
    watch: Child,
}

impl Registry {
    /// Starts a server below `dir` and loads what is not loaded yet; nothing where PostgreSQL is not installed.
    pub(super) fn start(dir: &Path, country: &Country) -> Result<Option<Self>, Trouble> {
        let Some(bin) = installed() else {
            return Ok(None);
        };
        let folder = std::path::absolute(dir)?;
        fs::create_dir_all(&folder)?;
        let owner = owner()?;
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group))?;
        }
        let data = folder.join("data");
        if !data.join("PG_VERSION").exists() {
            let mut initdb = as_user(bin.join("initdb"), owner);
            initdb.args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
                "-D",
            ]);
            done(
                initdb.arg(&data).stdout(Stdio::null()).status()?.success(),
                "initdb",
            )?;
        }
        let socket =
            std::env::temp_dir().join(format!("lienthong-{}", hex::encode(digest::random::<6>())));
        fs::create_dir(&socket)?;
        if let Some((user, group)) = owner {
            chown(&socket, Some(user), Some(group))?;
        }
        let registry = Self {
            watch: watch(&bin, &folder, &socket, owner)?,
            bin,
            socket,
        };
        registry.wait()?;
        for kind in [Kind::Employer, Kind::Person] {
            registry.load(country, kind)?;
        }
        Ok(Some(registry))
    }

    /// Gives all records of a kind to a reconciliation, in chunks of as many as a checkpoint should hold.
    pub(super) fn give(&self, kind: Kind, to: &mut Reconciliation<Covered>) -> Result<(), Trouble> {
        let table = Table::of(kind);
        let mut psql = self.psql(&format!(
            "COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT",
            table.columns, table.name, table.order
        ));
        let mut child = psql.stdout(Stdio::piped()).spawn()?;
        let mut rows = BufReader::with_capacity(1 << 20, child.stdout.take().ok_or("no output")?);
        let (mut number, mut text) = (0, Vec::new());
        while fill(&mut rows, &mut text)? {
            number += 1;
            let text = std::str::from_utf8(&text)?;
            let records = text
                .lines()
                .map(|row| parse(kind, row))
                .collect::<Option<Vec<_>>>();
            to.take_records(Party::Si, number, records.ok_or("a row that is no record")?)?;
        }
        done(child.wait()?.success(), "COPY")?;
        let all = to.taken(Party::Si);
        Ok(to.seal(Party::Si, number, all)?)
    }

    fn load(&self, country: &Country, kind: Kind) -> Result<(), Trouble> {
        let table = Table::of(kind);
        let exists = self
            .psql(&format!(
                "SELECT to_regclass('{}_loaded') IS NOT NULL",
                table.name
            ))
            .output()?;
        if exists.stdout.starts_with(b"t") {
            return Ok(());
        }
        let Table {
            name,
            definition,
            columns,
            order,
        } = table;
        self.run(&format!(
            "DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({definition})"
        ))?;
        let mut copy = self
            .psql(&format!("COPY {name} ({columns}) FROM STDIN"))
            .stdin(Stdio::piped())
            .spawn()?;
        let mut out = BufWriter::with_capacity(1 << 20, copy.stdin.take().ok_or("no input")?);
        match kind {
            Kind::Employer => {
                let all = (0..country.employers()).flat_map(|nth| country.employer(Party::Si, nth));
                all.flatten()
                    .try_for_each(|employer| write_employer(&employer, &mut out))?;
            }
            Kind::Person => {
                let all = (0..country.people()).flat_map(|nth| country.person(Party::Si, nth));
                all.flatten()
                    .try_for_each(|person| write_person(&person, &mut out))?;
            }
        }
        drop(out.into_inner()?);
        done(copy.wait()?.success(), "loading")?;
        self.run(&format!("ALTER TABLE {name} ADD PRIMARY KEY ({order}); ANALYZE {name}; CREATE TABLE {name}_loaded ()"))
    }

    fn run(&self, sql: &str) -> Result<(), Trouble> {
        done(
            self.psql(sql).stdout(Stdio::null()).status()?.success(),
            "a statement",
        )
    }

    fn psql(&self, sql: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.env("PGOPTIONS", "--client_min_messages=warning");
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-h",
        ]);
        psql.arg(&self.socket).args(["-c", sql]);
        psql
    }

    fn wait(&self) -> Result<(), Trouble> {
        for _ in 0..READY_TRIES {
            let mut ready = Command::new(self.bin.join("pg_isready"));
            if ready
                .arg("-q")
                .arg("-h")
                .arg(&self.socket)
                .status()?
                .success()
            {
                return Ok(());
            }
            thread::park_timeout(READY_EVERY);
        }
        Err("PostgreSQL did not start; see log in its folder".into())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.watch.stdin.take()); // tells the shell to end the server
        let _ = self.watch.wait();
        let _ = fs::remove_dir_all(&self.socket);
    }
}

/// A table of the bench.
struct Table {
    name: &'static str,
    definition: &'static str,
    columns: &'static str,
    order: &'static str,
}

impl Table {
    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Employer => Self {
                name: "employer_month",
                definition: "mst BIGINT NOT NULL, amount BIGINT NOT NULL, due BIGINT NOT NULL, paid BIGINT NOT NULL, count BIGINT NOT NULL, \
                             province SMALLINT NOT NULL, region SMALLINT NOT NULL, state SMALLINT NOT NULL, unit TEXT NOT NULL, \
                             name TEXT NOT NULL, address TEXT NOT NULL",
                columns: "mst, amount, due, paid, count, province, region, state, unit, name, address",
                order: "mst, unit",
            },
            Kind::Person => Self {
                name: "person_month",
                definition: "person BIGINT NOT NULL, mst BIGINT NOT NULL, number BIGINT NOT NULL, amount BIGINT NOT NULL, born INTEGER NOT NULL, \
                             province SMALLINT NOT NULL, region SMALLINT NOT NULL, full_time SMALLINT NOT NULL, name TEXT NOT NULL",
                columns: "person, mst, number, amount, born, province, region, full_time, name",
                order: "person, mst, number",
            },
        }
    }
}

fn write_employer(employer: &Employer<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let state = match employer.status {
        Status::Active => 1,
        Status::Suspended => 2,
        Status::Closed => 3,
        Status::Taxpayer(_) => return Err(std::io::Error::other("not a state of ours")),
    };
    let Employer {
        mst,
        amount,
        due,
        paid,
        count,
        province,
        region,
        unit,
        name,
        address,
        ..
    } = employer;
    let mst = mst.raw();
    writeln!(
        out,
        "{mst}\t{amount}\t{due}\t{paid}\t{count}\t{province}\t{region}\t{state}\t{unit}\t{name}\t{address}"
    )
}

fn write_person(person: &Person<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let [who, mst, number] = [person.person.raw(), person.mst.raw(), person.number.raw()];
    let Person {
        amount,
        born,
        province,
        region,
        name,
        ..
    } = person;
    let full = u8::from(person.full);
    writeln!(
        out,
        "{who}\t{mst}\t{number}\t{amount}\t{born}\t{province}\t{region}\t{full}\t{name}"
    )
}

/// A row of `COPY`; the synthetic texts have nothing that would be escaped in it.
fn parse(kind: Kind, row: &str) -> Option<Record<'_>> {
    let mut fields = row.split('\t');
    let record = match kind {
        Kind::Employer => Record::Employer(employer(&mut fields)?),
        Kind::Person => Record::Person(person(&mut fields)?),
    };
    fields.next().is_none().then_some(record)
}

fn employer<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Employer<'a>> {
    Some(Employer {
        mst: TaxKey::from_raw(next(fields)?),
        amount: next(fields)?,
        due: next(fields)?,
        paid: next(fields)?,
        count: next(fields)?,
        province: next(fields)?,
        region: next(fields)?,
        status: match next(fields)? {
            1 => Status::Active,
            2 => Status::Suspended,
            3 => Status::Closed,
            0_u8 | 4.. => return None,
        },
        unit: fields.next()?,
        name: Cow::Borrowed(fields.next()?),
        address: Cow::Borrowed(fields.next()?),
    })
}

fn person<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Person<'a>> {
    Some(Person {
        person: PersonKey::from_raw(next(fields)?),
        mst: TaxKey::from_raw(next(fields)?),
        number: NumberKey::from_raw(next(fields)?),
        amount: next(fields)?,
        born: next(fields)?,
        province: next(fields)?,
        region: next(fields)?,
        full: next::<u8>(fields)? == 1,
        name: Cow::Borrowed(fields.next()?),
    })
}

fn next<'a, T: std::str::FromStr>(fields: &mut impl Iterator<Item = &'a str>) -> Option<T> {
    fields.next()?.parse().ok()
}

/// The next rows, always as many but for the last time, so that chunks are the same after a death.
fn fill(rows: &mut BufReader<ChildStdout>, text: &mut Vec<u8>) -> std::io::Result<bool> {
    text.clear();
    for _ in 0..ROWS {
        if rows.read_until(b'\n', text)? == 0 {
            break;
        }
    }
    Ok(!text.is_empty())
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    bins.filter(|bin| bin.join("initdb").exists()).max()
}

/// PostgreSQL refuses root: then it runs as the user of its package.
fn owner() -> Result<Option<(u32, u32)>, Trouble> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd")?;
    let line = passwd.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line
        .ok_or("no user postgres to run PostgreSQL as")?
        .split(':')
        .skip(2);
    let (user, group) = (next(&mut fields), next(&mut fields));
    Ok(Some((
        user.ok_or("/etc/passwd")?,
        group.ok_or("/etc/passwd")?,
    )))
}

fn as_user(program: PathBuf, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

fn watch(
    bin: &Path,
    folder: &Path,
    socket: &Path,
    owner: Option<(u32, u32)>,
) -> Result<Child, Trouble> {
    let log = fs::File::create(folder.join("log"))?;
    let mut shell = as_user("/bin/sh".into(), owner);
    shell
        .args(["-c", WATCH, "watch"])
        .arg(bin.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"));
    shell.args([
        "-c",
        "listen_addresses=",
        "-c",
        "shared_buffers=64MB",
        "-c",
        "max_wal_size=2GB",
        "-c",
    ]);
    shell.arg(format!("unix_socket_directories={}", socket.display()));
    Ok(shell
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?)
}

fn done(success: bool, what: &str) -> Result<(), Trouble> {
    match success {
        true => Ok(()),
        false => Err(format!("PostgreSQL: {what} failed").into()),
    }
}

/// Runs the server until the standard input ends, which it does with the bench.
const WATCH: &str = r#"
trap '' INT TERM HUP
"$@" </dev/null &
cat >/dev/null
kill -INT $!
wait $!
"#;

const ROWS: usize = 100_000;
const READY_TRIES: u32 = 600;
const READY_EVERY: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use schemas::id::Period;
    use tax::country::Size;

    use super::*;

    #[test]
    fn a_row_is_read_back_as_the_record_that_was_written() {
        let size = Size {
            employees: 3_000,
            payees: 4_000,
            employers: 110,
        };
        let country = Country::new(size, Period::new(2026, 10).unwrap()).unwrap();
        for nth in 0..country.people() {
            for person in country.person(Party::Si, nth).into_iter().flatten() {
                let mut row = Vec::new();
                write_person(&person, &mut row).unwrap();
                let row = String::from_utf8(row).unwrap();
                assert_eq!(
                    parse(Kind::Person, row.trim_end()),
                    Some(Record::Person(person))
                );
            }
        }
        for nth in 0..country.employers() {
            for employer in country.employer(Party::Si, nth).into_iter().flatten() {
                let mut row = Vec::new();
                write_employer(&employer, &mut row).unwrap();
                let row = String::from_utf8(row).unwrap();
                assert_eq!(
                    parse(Kind::Employer, row.trim_end()),
                    Some(Record::Employer(employer))
                );
            }
        }
        assert_eq!(parse(Kind::Person, "1\t2"), None);
    }
}
