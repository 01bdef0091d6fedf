//! The process that serves a disk, as its user sees it: asked over its standard input, and never waited for longer than agreed.

use std::{
    io::{self, BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::{
    mounted::{end_of, take_away},
    say,
    words::{Answer, Ask},
};

pub(super) struct Child {
    process: std::process::Child,
    asks: Option<ChildStdin>,
    answers: mpsc::Receiver<String>,
    at: PathBuf,
    /// How long an answer is waited for.
    pub(super) patience: Duration,
    /// Why nothing can be asked any more.
    over: Option<String>,
}

impl Child {
    pub(super) fn start(program: &Path, at: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("disk").arg(at);
        // what ends our group, be it a terminal or a time limit, must leave it the time to take its disk away
        command.process_group(0);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asks = process.stdin.take();
        let (heard, answers) = mpsc::channel();
        if let Some(said) = process.stdout.take() {
            thread::spawn(move || {
                let mut lines = BufReader::new(said).lines().map_while(Result::ok);
                lines.try_for_each(|line| heard.send(line))
            });
        }
        Ok(Self {
            process,
            asks,
            answers,
            at: at.to_owned(),
            patience: PATIENCE,
            over: None,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// Where none came in time, or none can come any more.
    pub(super) fn ask(&mut self, ask: &Ask<&'static str>) -> io::Result<Answer> {
        if let Some(why) = &self.over {
            return Err(io::Error::other(why.clone()));
        }
        // one that has ended is found out by its silence
        let _ = self.asks.as_mut().map(|asks| say(asks, ask));
        self.hear(&format!("{ask:?}"))
    }

    /// Waits for the answer to what was asked.
    pub(super) fn hear(&mut self, asked: &str) -> io::Result<Answer> {
        let why = match self.answers.recv_timeout(self.patience) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(answer) => return Ok(answer),
                Err(error) => format!("answered {line:?} ({error}): {asked}"),
            },
            Err(RecvTimeoutError::Timeout) => {
                format!("did not answer in {:?}: {asked}", self.patience)
            }
            Err(RecvTimeoutError::Disconnected) => format!("ended before it answered: {asked}"),
        };
        let why = format!("the disk at {} {why}", self.at.display());
        self.over = Some(why.clone());
        self.kill();
        Err(io::Error::other(why))
    }

    /// Whoever waits for the disk gets an error, and its folder is free again.
    fn kill(&mut self) {
        self.asks = None;
        let _ = self.process.kill();
        let _ = end_of(&mut self.process, PATIENCE);
        let _ = take_away(&self.at, true); // it may not be mounted
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// Lets it take its disk away and end.
    pub(super) fn end(&mut self) {
        if self.is_over() {
            return;
        }
        self.asks = None;
        self.over = Some(format!("the disk at {} was given up", self.at.display()));
        match end_of(&mut self.process, self.patience) {
            Ok(Some(ended)) if ended.success() => {}
            _ => self.kill(),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
