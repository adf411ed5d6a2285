//! One line an event, for machines (JSON) or for people; each line is written whole and at once.
//!
//! ```json
//! {"at":"2026-01-02T03:04:05Z","level":"INFO","target":"multauth::server","message":"…","span":{"id":"…"},"status":200}
//! ```
//! The fields of an event stand beside its message, those of the spans around it in `span`, the inner one's
//! winning. A field called as one of the line's own names cannot take its place.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::time::Instant;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::often::{Beat, Entry, Often};
use super::text::{Short, json, plain};
use crate::base::clock::{Clock, rfc3339};

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// A JSON object.
    Json,
}

impl Format {
    /// The format that the settings call `name`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "pretty" => Some(Self::Pretty),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The layer of a `tracing` subscriber that writes the lines.
#[derive(Debug)]
pub struct Lines<W> {
    format: Format,
    writer: W,
    clock: Clock,
    often: Often,
}

impl<W> Lines<W> {
    /// Lines of `format`, to `writer`, by the system's clock.
    pub fn new(format: Format, writer: W) -> Self {
        Self { format, writer, clock: Clock::System, often: Often::new(Beat::System(Instant::now())) }
    }
}

/// Fields by name, values made safe in length; made safe to print when the line is written. They are few: a list is the
/// cheapest map.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Short::of(format_args!("{value:?}")).into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Short::of(value).into());
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, Short::of(value).into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, kept)) => *kept = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl<W, S> Layer<S> for Lines<W>
where
    W: for<'w> MakeWriter<'w> + 'static,
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let around = context.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
        let mut span = Map::new();
        for outer in around {
            if let Some(fields) = outer.extensions().get::<Fields>() {
                span.extend(fields.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            }
        }
        let fields = fields.0.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for entry in self.often.pass(Entry { meta: event.metadata(), fields, span }) {
            let meta = entry.meta;
            let mut line = match self.format {
                Format::Json => self.json(entry),
                Format::Pretty => self.pretty(entry),
            };
            line.push('\n');
            // Where the log itself cannot be written there is nowhere to say so.
            let _ = self.writer.make_writer_for(meta).write_all(line.as_bytes());
        }
    }
}

impl<W> Lines<W> {
    fn json(&self, Entry { meta, fields, span }: Entry) -> String {
        let mut line = fields;
        line.insert("at".into(), rfc3339(self.clock.now()).into());
        line.insert("level".into(), meta.level().as_str().into());
        line.insert("target".into(), meta.target().into());
        line.entry("message").or_insert_with(|| "".into());
        line.remove("span");
        if !span.is_empty() {
            line.insert("span".into(), span.into());
        }
        json(&serde_json::to_string(&line).unwrap_or_default())
    }

    fn pretty(&self, Entry { meta, mut fields, span }: Entry) -> String {
        let message = fields.remove("message").unwrap_or_default();
        let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
        let (at, level) = (rfc3339(self.clock.now()), meta.level());
        let mut line = format!("{at} {level:>5} {}: {message}", meta.target());
        // What the line says itself is not said again.
        let around = span.into_iter().filter(|(name, value)| fields.get(name) != Some(value));
        let around: Vec<_> = around.collect();
        for (name, value) in fields.into_iter().chain(around) {
            let _ = write!(line, " {name}={value}");
        }
        plain(&line)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::super::text::acts;
    use super::*;

    /// What is logged while `work` runs.
    fn logged(format: Format, work: impl FnOnce()) -> String {
        logged_at(format, &Arc::default(), work)
    }

    /// The same, with milliseconds that `work` moves.
    fn logged_at(format: Format, beat: &Arc<AtomicU64>, work: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let often = Often::new(Beat::Given(beat.clone()));
        let lines = Lines { format, writer: Pen(written.clone()), clock: Clock::fixed(0), often };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        let written = written.lock().unwrap();
        String::from_utf8(written.clone()).unwrap()
    }

    #[derive(Clone)]
    struct Pen(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Pen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Pen {
        type Writer = Self;
        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What people have sent to break a log.
    fn payloads() -> Vec<String> {
        let forged = "{\"at\":\"1999\",\"level\":\"ERROR\",\"message\":\"forged\"}";
        let mut all: Vec<String> = [
            "plain",
            "two\nlines",
            "carriage\r\nreturn",
            "\u{1b}[2J\u{1b}[31mred",
            "\u{9b}31m C1",
            "\u{202e}desrever",
            "\u{2066}isolate\u{2069}",
            "\u{200f}mark",
            "\u{61c}arabic mark",
            "\u{2028}line\u{2029}paragraph",
            "nul\0byte",
            "bell\u{7}back\u{8}space",
            "del\u{7f}",
            "\u{feff}bom",
            "\u{e0041}tag",
            "\u{ffff}noncharacter",
            "quote\" backslash\\ brace}",
            "\",\"level\":\"ERROR\",\"x\":\"",
        ]
        .map(str::to_owned)
        .to_vec();
        all.extend([format!("x\n{forged}\n"), "A".repeat(1 << 20), "\u{202e}\n".repeat(1 << 18)]);
        all
    }

    #[test]
    fn no_payload_breaks_or_forges_a_json_line() {
        for payload in payloads() {
            let text = logged(Format::Json, || {
                let span = tracing::info_span!("request", agent = %payload, late = tracing::field::Empty);
                span.record("late", payload.as_str());
                let _inside = span.enter();
                tracing::info!(level = %payload, at = %payload, target = %payload, name = ?payload, payload, "{payload}");
            });
            let line = text.strip_suffix('\n').unwrap();
            assert!(!line.chars().any(acts), "{payload:?}");
            assert!(line.len() < 100_000, "{} bytes", line.len());
            let json: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&json["level"], &json["at"]), (&"INFO".into(), &"1970-01-01T00:00:00Z".into()));
            let kept = Value::from(Short::of(&payload));
            let fields = [&json["message"], &json["payload"], &json["span"]["agent"], &json["span"]["late"]];
            assert!(fields.iter().all(|field| **field == kept), "{payload:?}");
        }
    }

    #[test]
    fn no_payload_breaks_a_line_for_people() {
        for payload in payloads() {
            let text = logged(Format::Pretty, || tracing::warn!(payload, "{payload}"));
            let line = text.strip_suffix('\n').unwrap();
            assert!(!line.chars().any(acts), "{payload:?}");
            assert!(line.starts_with("1970-01-01T00:00:00Z  WARN multauth::telemetry::lines::tests: "));
        }
    }

    #[test]
    fn what_comes_often_is_written_once_a_second_with_its_number() {
        let beat = Arc::new(AtomicU64::new(5_000));
        let text = logged_at(Format::Json, &beat, || {
            let fails = |error: &str| tracing::error!(often = true, error, "the database failed");
            (0..660).for_each(|_| fails("the disk is full"));
            fails("it is busy");
            beat.store(5_999, Ordering::SeqCst);
            fails("the disk is full");
            tracing::info!("a request");
            beat.store(6_000, Ordering::SeqCst);
            tracing::info!("another request");
            fails("the disk is full");
            beat.store(9_000, Ordering::SeqCst);
            fails("the disk is full");
            (0..3).for_each(|_| tracing::error!("each of these"));
        });
        let told = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line.get("often"), None);
            let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (word("error") + &word("message"), line["times"].as_u64())
        };
        let full = "the disk is fullthe database failed";
        let expected = [
            (full, None),
            ("it is busythe database failed", None),
            ("a request", None),
            (full, Some(660)),
            ("another request", None),
            (full, Some(1)),
            ("each of these", None),
            ("each of these", None),
            ("each of these", None),
        ];
        let found: Vec<_> = text.lines().map(told).collect();
        let found: Vec<_> = found.iter().map(|(text, times)| (text.as_str(), *times)).collect();
        // The last one of all is held until a line comes.
        assert_eq!(found, expected);
    }

    #[test]
    fn what_comes_often_is_of_one_kind_whichever_request_it_is_of() {
        let text = logged(Format::Json, || {
            for n in 0..1_000 {
                let span = super::super::request(&format!("r{n}"), "/v1/signin");
                span.in_scope(|| {
                    tracing::error!(often = true, error = "the disk is full", "the database failed");
                });
            }
            tracing::info!("another");
        });
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told =
            |line: &Value| (line["span"]["request"].as_str().map(str::to_owned), line["times"].as_u64());
        let expected = [(Some("r0".to_owned()), None), (None, None)];
        assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), expected);
        let text = logged(Format::Json, || {
            for n in 0..3 {
                let span = super::super::request(&format!("r{n}"), "/v1/signin");
                span.in_scope(|| {
                    tracing::error!(often = true, error = "the disk is full", "the database failed");
                });
            }
            tracing::info!(last = true, "stopped");
        });
        let held: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(told(&held), (Some("r2".to_owned()), Some(2)));
    }

    #[test]
    fn a_line_for_people_says_nothing_twice() {
        let text = logged(Format::Pretty, || {
            let span = super::super::request("r1", "/v1/signin");
            span.in_scope(|| {
                super::super::user("u1");
                tracing::info!(request = "r1", status = 200, "request");
            });
        });
        for once in [r#" request="r1""#, r#" route="/v1/signin""#, r#" user="u1""#, " status=200"] {
            assert_eq!(text.matches(once).count(), 1, "{text}");
        }
    }

    #[test]
    fn slow_statements_are_told_once_a_second() {
        let text = logged(Format::Pretty, || {
            for n in 0..5 {
                tracing::warn!(target: "sqlx::query", summary = n, "slow statement");
                tracing::debug!(target: "sqlx::query", summary = n, "a statement");
            }
        });
        let count = |words: &str| text.matches(words).count();
        assert_eq!((count("slow statement"), count("a statement")), (1, 5), "{text}");
    }

    #[test]
    fn what_is_held_back_is_written_before_the_last_line() {
        let text = logged(Format::Pretty, || {
            for _ in 0..3 {
                tracing::warn!(often = true, "it fails");
            }
            tracing::info!(last = true, "stopped");
        });
        let lines: Vec<_> = text.lines().map(|line| line.split_once(": ").unwrap().1).collect();
        assert_eq!(lines, ["it fails", "it fails times=2", "stopped"]);
    }

    #[test]
    fn kinds_without_end_are_lines_with_one() {
        let text = logged(Format::Json, || {
            for n in 0..1_000 {
                tracing::warn!(often = true, why = format!("the {n}th"), "it fails");
            }
        });
        assert_eq!(text.lines().count(), 65);
    }

    #[test]
    fn an_event_has_the_fields_of_the_spans_around_it() {
        let text = logged(Format::Json, || {
            let _outer = tracing::info_span!("request", id = "r1", route = "signin").entered();
            let _inner = tracing::info_span!("attempt", id = "a1").entered();
            tracing::info!(status = 200, slow = false, "done");
        });
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["span"], serde_json::json!({"id": "a1", "route": "signin"}));
        assert_eq!((&json["status"], &json["slow"]), (&200.into(), &false.into()));
    }
}
