//! Logs: one event is one line, whatever it carries.
//!
//! Spans carry the evidence id and the partner. Personal data never enters a field; and if a hostile
//! text does, it can neither break the line nor steer a terminal.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt as _, registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::config::{Log, LogFormat};

/// The environment variable that overrides `log.level`.
pub const LEVEL_VARIABLE: &str = "LIENTHONG_LOG";

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The levels cannot be read.
    #[error("log levels: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// A subscriber is there already.
    #[error("logging is set up already")]
    Twice,
}

/// Sends the log of this process to standard error.
///
/// # Errors
/// Where the levels cannot be read, or logging is set up already.
pub fn init(log: &Log) -> Result<(), Error> {
    let level = std::env::var(LEVEL_VARIABLE).unwrap_or_else(|_| log.level.clone());
    tracing_subscriber::registry()
        .with(layer(log.format, io::stderr))
        .with(EnvFilter::builder().parse(level)?)
        .try_init()
        .map_err(|_| Error::Twice)?;
    tell_panics();
    Ok(())
}

/// A panic is told by its place alone: its text may quote what a message said.
fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "panicked");
    }));
}

/// The layer that writes events, one line each, to `writer`.
pub fn layer<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(OneLine(writer));
    match format {
        LogFormat::Json => Box::new(
            layer
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false),
        ),
        LogFormat::Human => Box::new(layer.with_ansi(false)),
    }
}

/// Hands out writers that keep an event on its line.
struct OneLine<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for OneLine<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Line(self.0.make_writer())
    }
}

/// The formatter writes a whole event at once; only its last byte may be a line end.
struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(&on_one_line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Control characters, line separators and bidi overrides become `\uXXXX`; the closing line end stays.
fn on_one_line(event: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(event);
    let (body, end) = match text.strip_suffix('\n') {
        Some(body) => (body, "\n"),
        None => (text.as_ref(), ""),
    };
    let mut line = String::with_capacity(text.len());
    for character in body.chars() {
        if is_unruly(character) {
            // the same escape in JSON and for people; all of these are in the basic plane
            line.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    line.push_str(end);
    line.into_bytes()
}

fn is_unruly(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const NASTY: &[&str] = &[
        "\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
        "\r\n",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}]0;title\u{7}",
        "\",\"level\":\"ERROR",
        "\u{2028}\u{2029}\u{85}\u{b}\u{c}\u{0}",
        "\u{202e}txt.exe",
        "\\n\\u000a",
        "<script>alert(1)</script>",
        "Ｔｈｅ ｑｕｉｃｋ Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
        "👩🏽 🇻🇳 ﷽ ணோ",
        "$(touch /tmp/x) `id` ${jndi:ldap://x} %s%n",
        "nil undefined NaN 1E+02 0x0 ' OR 1=1 --",
    ];

    fn written(format: LogFormat) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = tracing_subscriber::registry().with(layer(format, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            for text in NASTY {
                let span = tracing::info_span!("message", evidence = %text, partner = ?text);
                let _entered = span.enter();
                tracing::info!(shown = %text, debugged = ?text, "{text}");
            }
        });
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn one_event_is_one_line_of_json_whatever_it_carries() {
        let log = written(LogFormat::Json);
        assert_eq!(log.lines().count(), NASTY.len());
        for (line, text) in log.lines().zip(NASTY) {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["level"], "INFO", "{text:?}");
            assert!(event["span"]["evidence"].is_string());
        }
    }

    #[test]
    fn one_event_is_one_line_for_people_too_and_steers_no_terminal() {
        let log = written(LogFormat::Human);
        assert_eq!(log.lines().count(), NASTY.len());
        assert!(
            log.chars()
                .all(|character| character == '\n' || !is_unruly(character))
        );
    }

    #[test]
    fn levels_that_cannot_be_read_are_an_error() {
        assert!(EnvFilter::builder().parse("info,gateway=loud").is_err());
        assert!(EnvFilter::builder().parse("info,gateway=debug").is_ok());
    }
}
