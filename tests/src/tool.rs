//! Foreign commands. One that is not on the machine is told, never passed over in silence.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// Whether a command is on this machine; says that nothing was run where it is not.
#[must_use]
pub fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        println!("not run: the command {program} is not on this machine");
    }
    found
}

/// Runs a command to its end and gives what it wrote; anything but success ends the test.
#[must_use]
pub fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{said}");
    output.stdout
}
