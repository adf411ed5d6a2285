//! Every number the server tells, by name.
//!
//! A label is one of a few words of this program (`&'static str`), never what a client sent: the number of
//! series does not grow with the number of users (R152). To add one: a line in [`METRICS`] and a function.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::Error;

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How values are spread over buckets, seconds.
    Histogram,
}

/// One number: its kind, name, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The kind.
    pub kind: Kind,
    /// The name, labels left out.
    pub name: &'static str,
    /// What it says, for the reader of `/metrics`.
    pub about: &'static str,
}

const REQUESTS: &str = "multauth_requests_total";
const REQUEST_SECONDS: &str = "multauth_request_seconds";
const THROTTLED: &str = "multauth_throttled_total";
const THROTTLE_FULL: &str = "multauth_throttle_full_total";
const THROTTLE_SHARED: &str = "multauth_throttle_shared";
const ATTEMPTS: &str = "multauth_attempts_total";
const WRONG: &str = "multauth_wrong_secrets_total";
const MESSAGES: &str = "multauth_messages_total";
const MESSAGE_SECONDS: &str = "multauth_message_seconds";
const REFUSED_IN_A_ROW: &str = "multauth_messages_refused_in_a_row";
const RECEIPTS: &str = "multauth_receipts_total";
const OUTBOX: &str = "multauth_outbox_waiting";
const SPEND_NEAR: &str = "multauth_spend_near_total";
const SPEND_REFUSED: &str = "multauth_spend_refused_total";
const SUSPENDED: &str = "multauth_suspended_prefixes_total";
const LOOKUPS: &str = "multauth_lookups_total";
const WEBHOOKS: &str = "multauth_webhook_deliveries_total";
const WEBHOOK_SECONDS: &str = "multauth_webhook_seconds";
const WEBHOOK_WAITING: &str = "multauth_webhook_waiting";
const CLOCK_JUMPS: &str = "multauth_clock_jumps_total";
const HOOKS: &str = "multauth_hooks_total";

const fn metric(kind: Kind, name: &'static str, about: &'static str) -> Metric {
    Metric { kind, name, about }
}

/// Every number there is.
pub const METRICS: &[Metric] = &[
    metric(Kind::Counter, REQUESTS, "Requests answered, by route and class of status."),
    metric(Kind::Histogram, REQUEST_SECONDS, "Time to answer a request, by route."),
    metric(Kind::Counter, THROTTLED, "Calls refused by a limit, by action."),
    metric(
        Kind::Counter,
        THROTTLE_FULL,
        "Searches that found no room for more windows: a flood of distinct clients.",
    ),
    metric(
        Kind::Gauge,
        THROTTLE_SHARED,
        "1 while limits are shared in Redis, 0 while they are counted in memory.",
    ),
    metric(Kind::Counter, ATTEMPTS, "Attempts, by purpose and outcome."),
    metric(Kind::Counter, WRONG, "Wrong secrets, by kind."),
    metric(Kind::Counter, MESSAGES, "Messages, by channel, provider and outcome."),
    metric(Kind::Histogram, MESSAGE_SECONDS, "Time a provider takes to accept a message, by provider."),
    metric(
        Kind::Gauge,
        REFUSED_IN_A_ROW,
        "Messages that a provider refused, each as its recipient's fault, since it took one, by provider.",
    ),
    metric(Kind::Counter, RECEIPTS, "What vendors reported of messages, by provider and fate."),
    metric(Kind::Gauge, OUTBOX, "Messages that wait to be sent."),
    metric(Kind::Counter, SPEND_NEAR, "Limits of messages to phones that were nearly used up, by window."),
    metric(Kind::Counter, SPEND_REFUSED, "Messages to phones refused by a limit, by window."),
    metric(Kind::Counter, SUSPENDED, "Prefixes of numbers suspended because hardly a code was typed."),
    metric(Kind::Counter, LOOKUPS, "Questions what kind of line a number is, by outcome."),
    metric(Kind::Counter, WEBHOOKS, "Events posted to webhooks, by webhook and outcome."),
    metric(Kind::Histogram, WEBHOOK_SECONDS, "Time a webhook takes to answer, by webhook."),
    metric(Kind::Gauge, WEBHOOK_WAITING, "Events that wait to be posted, by webhook."),
    metric(
        Kind::Counter,
        CLOCK_JUMPS,
        "Times that the wall clock was found set, or apart from the database's.",
    ),
    metric(Kind::Counter, HOOKS, "Questions to hooks, by point and outcome."),
];

/// Upper bounds of the buckets, seconds.
const BUCKETS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The numbers of this process.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Starts counting, for the whole process. Before, and where nobody calls it, numbers go nowhere.
    ///
    /// # Errors
    /// When somebody else in this process counts already.
    pub fn init() -> Result<Self, Error> {
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| Error::Again("the metrics were"))?;
        describe();
        Ok(Self(handle))
    }

    /// Everything counted so far, as Prometheus reads it (text format 0.0.4).
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Puts histograms in order; to be called once a minute or so, or they grow between two readings.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// The numbers of this process, counted from the first call on; none where somebody else counts already.
pub fn shared() -> Option<&'static Metrics> {
    static SHARED: std::sync::OnceLock<Option<Metrics>> = std::sync::OnceLock::new();
    SHARED.get_or_init(|| Metrics::init().ok()).as_ref()
}

fn recorder() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new();
    // It refuses an empty list only; without buckets there would be summaries, which cannot be added up.
    builder.set_buckets(&BUCKETS).unwrap_or_default().build_recorder()
}

fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.about),
            Kind::Gauge => describe_gauge!(metric.name, metric.about),
            Kind::Histogram => describe_histogram!(metric.name, metric.about),
        }
    }
}

/// A request was answered. `route` is the route's pattern or operation, never the path that was asked for.
pub fn request(route: &'static str, status: u16, seconds: f64) {
    let class = match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    counter!(REQUESTS, "route" => route, "status" => class).increment(1);
    histogram!(REQUEST_SECONDS, "route" => route).record(seconds);
}

/// A limit refused a call.
pub fn throttled(action: &'static str) {
    counter!(THROTTLED, "action" => action).increment(1);
}

/// The wall clock was found elsewhere than the time that went by says.
pub fn clock_jumped() {
    counter!(CLOCK_JUMPS).increment(1);
}

/// There was no room for more windows.
pub fn throttle_full() {
    counter!(THROTTLE_FULL).increment(1);
}

/// Whether limits are shared in Redis now.
pub fn throttle_shared(shared: bool) {
    gauge!(THROTTLE_SHARED).set(if shared { 1.0 } else { 0.0 });
}

/// An attempt went on: `purpose` such as `signin`; `outcome` such as `begun`, `done`, `refused`.
pub fn attempt(purpose: &'static str, outcome: &'static str) {
    counter!(ATTEMPTS, "purpose" => purpose, "outcome" => outcome).increment(1);
}

/// A secret of `kind` was wrong.
pub fn wrong(kind: &'static str) {
    counter!(WRONG, "secret" => kind).increment(1);
}

/// A provider took `seconds` over a message; `outcome` such as `accepted`, `rejected`, `failed`.
pub fn message(channel: &'static str, provider: &str, outcome: &'static str, seconds: f64) {
    let provider = provider.to_owned();
    counter!(MESSAGES, "channel" => channel, "provider" => provider.clone(), "outcome" => outcome)
        .increment(1);
    histogram!(MESSAGE_SECONDS, "provider" => provider).record(seconds);
}

/// A provider refused `count` messages since it took one.
pub fn refused_in_a_row(provider: &str, count: u32) {
    gauge!(REFUSED_IN_A_ROW, "provider" => provider.to_owned()).set(f64::from(count));
}

/// A vendor reported what became of a message.
pub fn receipt(provider: &str, fate: &'static str) {
    counter!(RECEIPTS, "provider" => provider.to_owned(), "fate" => fate).increment(1);
}

/// How many messages wait to be sent.
pub fn outbox(waiting: u32) {
    gauge!(OUTBOX).set(f64::from(waiting));
}

/// A limit of messages to phones came near: `window` such as `day` or `country_hour`.
pub fn spend_near(window: &'static str) {
    counter!(SPEND_NEAR, "window" => window).increment(1);
}

/// A limit of messages to phones refused one.
pub fn spend_refused(window: &'static str) {
    counter!(SPEND_REFUSED, "window" => window).increment(1);
}

/// A prefix of numbers was suspended.
pub fn suspended() {
    counter!(SUSPENDED).increment(1);
}

/// It was asked what kind of line a number is; `outcome` is `known`, `unknown`, `failed` or `kept`.
pub fn lookup(outcome: &'static str) {
    counter!(LOOKUPS, "outcome" => outcome).increment(1);
}

/// A webhook took `seconds` over an event; `outcome` is `sent`, `retried` or `failed`. The name is the settings'.
pub fn webhook(name: &str, outcome: &'static str, seconds: f64) {
    counter!(WEBHOOKS, "webhook" => name.to_owned(), "outcome" => outcome).increment(1);
    histogram!(WEBHOOK_SECONDS, "webhook" => name.to_owned()).record(seconds);
}

/// How many events wait for a webhook.
pub fn webhook_waiting(name: &str, waiting: u32) {
    gauge!(WEBHOOK_WAITING, "webhook" => name.to_owned()).set(f64::from(waiting));
}

/// A hook was asked at `point`; `outcome` is `answered`, `refused` or `down`.
pub fn hook(point: &'static str, outcome: &'static str) {
    counter!(HOOKS, "point" => point, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One call of every function here.
    fn everything() {
        request("signin", 200, 0.01);
        throttled("signin");
        throttle_full();
        clock_jumped();
        throttle_shared(true);
        attempt("signin", "done");
        wrong("passcode");
        message("email", "smtp", "accepted", 0.2);
        refused_in_a_row("smtp", 10);
        receipt("smtp", "delivered");
        outbox(3);
        spend_near("day");
        spend_refused("hour");
        suspended();
        lookup("known");
        webhook("crm", "sent", 0.1);
        webhook_waiting("crm", 3);
        hook("ways", "answered");
    }

    fn rendered(work: impl FnOnce()) -> String {
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            work();
        });
        handle.render()
    }

    #[test]
    fn every_metric_is_described_and_counted() {
        let text = rendered(everything);
        for metric in METRICS {
            assert!(
                text.contains(&format!("# HELP {} {}", metric.name, metric.about)),
                "{}\n{text}",
                metric.name
            );
            assert!(text.contains(&format!("\n{}", metric.name)), "{} is never counted", metric.name);
        }
        assert!(text.contains("multauth_requests_total{route=\"signin\",status=\"2xx\"} 1"), "{text}");
        assert!(text.contains("multauth_request_seconds_bucket{route=\"signin\",le=\"0.01\"} 1"), "{text}");
        let described = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(described, METRICS.len(), "{text}");
    }

    #[test]
    fn the_number_of_series_does_not_grow_with_use() {
        let once = rendered(everything).lines().count();
        let often = rendered(|| (0..10_000).for_each(|_| everything())).lines().count();
        assert_eq!(once, often);
    }
}
