//! The same file read by the JDK's StAX and by Python's lxml, where they are installed: attributes of each person taken as
//! text, nothing checked.

use std::{
    path::Path,
    process::{Command, Output},
};

/// One line for each peer, with its records/s or why it was not run.
pub(super) fn lines(file: &Path, records: u64) -> Vec<String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    vec![
        told("StAX of the JDK", stax(folder, file), records),
        told("lxml of Python", lxml(file), records),
    ]
}

fn told(name: &str, output: Result<Output, String>, records: u64) -> String {
    let figure = output.and_then(|output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = text.split_whitespace();
        let read = words.next().and_then(|word| word.parse::<u64>().ok());
        let rate = words.next().and_then(|word| word.parse::<f64>().ok());
        match (output.status.success(), read, rate) {
            (true, Some(read), Some(rate)) if read == records => Ok(rate),
            (true, Some(read), _) => Err(format!("it read {read} records of {records}")),
            _ => Err("it is not installed or failed".to_owned()),
        }
    });
    match figure {
        Ok(rate) => format!("{name}: {rate:.0} records/s of one core, same file"),
        Err(why) => format!("{name}: not run: {why}"),
    }
}

fn stax(folder: &Path, file: &Path) -> Result<Output, String> {
    let source = folder.join("Stax.java");
    std::fs::write(&source, STAX).map_err(|error| error.to_string())?;
    run(Command::new("java")
        .arg("-XX:+UseSerialGC")
        .arg(source)
        .arg(file))
}

/// By the first Python that has lxml: a distribution's package belongs to its own.
fn lxml(file: &Path) -> Result<Output, String> {
    let has = |python: &&str| {
        let found = run(Command::new(python).args(["-c", "import lxml"]));
        found.is_ok_and(|output| output.status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(has);
    run(Command::new(python.ok_or("lxml is not installed")?)
        .arg("-c")
        .arg(LXML)
        .arg(file))
}

fn run(command: &mut Command) -> Result<Output, String> {
    command.output().map_err(|error| error.to_string())
}

/// Five rounds, the best by the thread's CPU time: the first ones warm the compiler up.
const STAX: &str = r#"
import java.io.*; import java.lang.management.*; import java.nio.file.*; import javax.xml.stream.*;
class Stax {
  public static void main(String[] args) throws Exception {
    byte[] bytes = Files.readAllBytes(Path.of(args[0]));
    var cpu = ManagementFactory.getThreadMXBean();
    var factory = XMLInputFactory.newInstance();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    long count = 0; double best = 0;
    for (int round = 0; round < 5; round++) {
      long begun = cpu.getCurrentThreadCpuTime(); count = 0; long letters = 0;
      var reader = factory.createXMLStreamReader(new ByteArrayInputStream(bytes));
      while (reader.hasNext()) {
        if (reader.next() == XMLStreamConstants.START_ELEMENT && reader.getLocalName().equals("Person")) {
          count++;
          for (int at = 0; at < reader.getAttributeCount(); at++) letters += reader.getAttributeValue(at).length();
        }
      }
      best = Math.max(best, count * 1e9 / (cpu.getCurrentThreadCpuTime() - begun));
    }
    System.out.println(count + " " + best);
  }
}
"#;

const LXML: &str = r#"
import sys, time
from lxml import etree
best = 0
for _ in range(3):
    begun = time.process_time(); count = 0; letters = 0
    for _, element in etree.iterparse(sys.argv[1], tag="{urn:vn:lienthong:tax:records:v1}Person"):
        count += 1
        for value in element.attrib.values():
            letters += len(value)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    best = max(best, count / (time.process_time() - begun))
print(count, best)
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_not_there_is_told_and_not_passed_over() {
        let absent = run(&mut Command::new("/nowhere/java"));
        let line = told("StAX of the JDK", absent, 1);
        assert!(line.starts_with("StAX of the JDK: not run: "), "{line}");
    }
}
