//! Figures that grow while the server runs: requests, and where the time of searches goes.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use resight_engine::Timings;

use crate::work::{Lane, Work};

type Labels = Vec<(&'static str, String)>;
type Times = Family<Labels, Histogram, fn() -> Histogram>;

/// The address of requests that match no route: what clients make up must not become labels.
const NO_ROUTE: &str = "none";

/// Clones share them.
#[derive(Clone)]
pub(crate) struct Figures(Arc<All>);

struct All {
    requests: Family<Labels, Counter>,
    request_seconds: Times,
    stage_seconds: Times,
}

/// From a millisecond to a minute.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 17))
}

impl Default for Figures {
    fn default() -> Self {
        Self(Arc::new(All {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            stage_seconds: Family::new_with_constructor(seconds),
        }))
    }
}

impl Figures {
    /// A search took so long.
    pub(crate) fn searched(&self, timings: &Timings) {
        for (stage, milliseconds) in [
            ("decode", timings.decode_ms),
            ("describe", timings.extract_ms),
            ("candidates", timings.candidates_ms),
            ("verify", timings.verify_ms),
            ("expand", timings.expand_ms),
            ("variants", timings.variants_ms),
            ("likeness", timings.likeness_ms),
            ("total", timings.total_ms),
        ] {
            // What was not needed took no time, and tells nothing of that stage.
            if milliseconds <= 0.0 {
                continue;
            }
            #[cfg(feature = "otel")]
            crate::joined_trace::stage(stage, milliseconds);
            let label = vec![("stage", stage.to_owned())];
            let of_stage = self.0.stage_seconds.get_or_create(&label);
            of_stage.observe(milliseconds / 1e3);
        }
    }

    fn answered(&self, method: &Method, route: &str, answer: &Response, since: Instant) {
        let method = match *method {
            Method::GET | Method::HEAD | Method::POST | Method::PUT => method.as_str(),
            Method::PATCH | Method::DELETE | Method::OPTIONS => method.as_str(),
            _ => "other",
        };
        let label = |name, value: &str| (name, value.to_owned());
        let counted = vec![
            label("method", method),
            label("route", route),
            label("status", answer.status().as_str()),
        ];
        self.0.requests.get_or_create(&counted).inc();
        let timed = vec![label("method", method), label("route", route)];
        let seconds = since.elapsed().as_secs_f64();
        self.0
            .request_seconds
            .get_or_create(&timed)
            .observe(seconds);
    }

    /// Adds them to what a monitor reads.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "resight_http_requests",
            "Requests answered",
            self.0.requests.clone(),
        );
        registry.register(
            "resight_http_request_seconds",
            "Time from a request's head to the head of its answer",
            self.0.request_seconds.clone(),
        );
        registry.register(
            "resight_search_stage_seconds",
            "Time of the stages of searches that were answered",
            self.0.stage_seconds.clone(),
        );
    }
}

/// Counts a request and its time.
pub(crate) async fn count(
    State(figures): State<Figures>,
    request: Request,
    next: Next,
) -> Response {
    let (since, method) = (Instant::now(), request.method().clone());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let answer = next.run(request).await;
    figures.answered(&method, &route, &answer, since);
    answer
}

/// Adds the queues of work.
pub(crate) fn register_queues(registry: &mut Registry, work: &Work) {
    let running = Family::<Labels, Gauge>::default();
    let waiting = Family::<Labels, Gauge>::default();
    let places = Family::<Labels, Gauge>::default();
    let lanes: [(&str, &Lane); 5] = [
        ("heavy", &work.heavy),
        ("light", &work.light),
        ("health", &work.health),
        ("opening", &work.opening),
        ("removing", &work.removing),
    ];
    for (name, lane) in lanes {
        let load = lane.load();
        for (family, number) in [
            (&running, load.running),
            (&waiting, load.waiting),
            (&places, load.places),
        ] {
            let label = vec![("lane", name.to_owned())];
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            family.get_or_create(&label).set(number);
        }
    }
    registry.register("resight_work_running", "Requests at work", running);
    registry.register("resight_work_waiting", "Requests that wait", waiting);
    registry.register(
        "resight_work_places",
        "Requests at work and waiting that are let in at once",
        places,
    );
}
