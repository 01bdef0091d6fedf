//! Everything that is logged in this process, kept as data: events, spans and who lies in whom.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gateway::{config::LogFormat, telemetry};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::MakeWriter,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

/// One event.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its fields by name; the text is `message`.
    pub fields: BTreeMap<String, String>,
    /// The innermost span it lies in.
    pub span: Option<u64>,
}

/// One span.
#[derive(Debug, Clone)]
pub struct Span {
    /// Its number, never used twice.
    pub number: u64,
    /// Its name.
    pub name: &'static str,
    /// Its fields by name.
    pub fields: BTreeMap<String, String>,
    /// The span around it.
    pub parent: Option<u64>,
}

#[derive(Default)]
struct Kept {
    lines: Vec<Line>,
    spans: BTreeMap<u64, Span>,
    written: Vec<u8>,
}

/// The tape of this process.
#[derive(Clone)]
pub struct Tape(Arc<Mutex<Kept>>);

/// The tape, running from the first call on.
pub fn tape() -> &'static Tape {
    static TAPE: OnceLock<Tape> = OnceLock::new();
    TAPE.get_or_init(|| {
        let tape = Tape(Arc::default());
        let filter = EnvFilter::builder().parse(LEVELS).unwrap();
        let subscriber = Registry::default()
            .with(tape.clone())
            .with(telemetry::layer(LogFormat::Json, tape.clone()))
            .with(filter);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        tape
    })
}

/// More than an operator would ever turn on.
const LEVELS: &str = "debug,hyper=info,h2=info,tower=info,hyper_util=info,rustls=info,\
    gateway=trace,gateway_core=trace,gateway_store=trace,insurance=trace,civil=trace,tax=trace,\
    portal=trace,roads=trace,certs=trace,schemas=trace,conformance=trace";

impl Tape {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every event whose field has exactly this value.
    #[must_use]
    pub fn lines_with(&self, field: &str, value: &str) -> Vec<Line> {
        let fits = |line: &&Line| line.fields.get(field).is_some_and(|known| known == value);
        self.kept().lines.iter().filter(fits).cloned().collect()
    }

    /// The first such event, waited for at most thirty seconds.
    pub async fn wait_for(&self, field: &str, value: &str) -> Line {
        for _ in 0..1_500 {
            if let Some(line) = self.lines_with(field, value).pop() {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no event with {field}={value}")
    }

    /// Every span of one message.
    #[must_use]
    pub fn spans_of(&self, evidence: &str) -> Vec<Span> {
        let fits = |span: &&Span| {
            span.fields
                .get("evidence")
                .is_some_and(|known| known == evidence)
        };
        self.kept().spans.values().filter(fits).cloned().collect()
    }

    /// The outermost span around a span, itself where nothing is around it.
    #[must_use]
    pub fn root_of(&self, span: &Span) -> u64 {
        let kept = self.kept();
        let mut at = span.number;
        while let Some(parent) = kept.spans.get(&at).and_then(|span| span.parent) {
            at = parent;
        }
        at
    }

    /// The log as the gateway writes it, and every field that was ever recorded.
    #[must_use]
    pub fn everything(&self) -> String {
        let kept = self.kept();
        let mut text = String::from_utf8_lossy(&kept.written).into_owned();
        let fields = kept.lines.iter().map(|line| &line.fields);
        for fields in fields.chain(kept.spans.values().map(|span| &span.fields)) {
            let _ = writeln!(text, "{fields:?}");
            for value in fields.values() {
                text.push_str(value);
                text.push('\n');
            }
        }
        text
    }
}

impl io::Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept().written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Tape {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The number of a span, kept beside it, since tracing uses its own ids again.
#[derive(Clone, Copy)]
struct Number(u64);

static NEXT: AtomicU64 = AtomicU64::new(1);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Tape {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let Some(span) = context.span(id) else { return };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let parent = span
            .parent()
            .and_then(|parent| parent.extensions().get::<Number>().map(|number| number.0));
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Number(number));
        let made = Span {
            number,
            name: span.name(),
            fields: fields.0,
            parent,
        };
        self.kept().spans.insert(number, made);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let number = context
            .span(id)
            .and_then(|span| span.extensions().get::<Number>().copied());
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(span) = number.and_then(|number| self.kept().spans.get(&number.0).cloned()) {
            let mut span = span;
            span.fields.extend(fields.0);
            self.kept().spans.insert(span.number, span);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context
            .event_span(event)
            .and_then(|span| span.extensions().get::<Number>().map(|number| number.0));
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.kept().lines.push(Line {
            fields: fields.0,
            span,
        });
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
