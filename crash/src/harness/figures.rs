//! What a run has done, as one line of JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Result;
use crate::harness::check::Checked;
use crate::harness::program::{Server, Setup, Start, serve};
use crate::harness::tracer::{Call, Traced};

/// Counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) rounds: u64,
    /// Processes killed at a system call.
    pub(crate) kills_at_calls: u64,
    /// Processes killed at a random instant.
    pub(crate) kills_at_instants: u64,
    /// Calls that were made to fail.
    pub(crate) faults: u64,
    /// Disks after a simulated power cut.
    pub(crate) power_cuts: u64,
    /// Changes by name and outcome.
    changes: BTreeMap<String, u64>,
    classes: BTreeSet<String>,
    pub(crate) checked: Checked,
    starts: Vec<Duration>,
}

impl Figures {
    /// Notes a change of this name.
    pub(crate) fn change(&mut self, name: &str, was_done: bool) {
        let outcome = if was_done {
            "acknowledged"
        } else {
            "unanswered"
        };
        *self.changes.entry(format!("{name}_{outcome}")).or_default() += 1;
    }

    /// Notes a start of a server.
    pub(crate) fn start(&mut self, took: Duration) {
        self.starts.push(took);
    }

    /// Notes the calls at which a plan acted; returns whether there were any.
    pub(crate) fn struck(&mut self, traced: &Traced) -> bool {
        let struck = traced.struck();
        self.classes.extend(struck.iter().map(Call::class));
        !struck.is_empty()
    }

    pub(crate) fn add(&mut self, checked: Checked) {
        self.checked.pictures += checked.pictures;
        self.checked.searches += checked.searches;
    }

    /// All of them by name.
    pub(crate) fn to_json(&self) -> Value {
        let mut starts = self.starts.clone();
        starts.sort();
        let at = |share: f64| {
            let last = starts.len().saturating_sub(1);
            let start = starts.get((last as f64 * share) as usize);
            start.map(|start| (start.as_secs_f64() * 1e3).round())
        };
        json!({
            "rounds": self.rounds,
            "kills_at_calls": self.kills_at_calls,
            "kills_at_instants": self.kills_at_instants,
            "faults": self.faults,
            "power_cuts": self.power_cuts,
            "classes_of_calls": self.classes.len(),
            "changes": self.changes,
            "pictures_compared": self.checked.pictures,
            "searches": self.checked.searches,
            "starts": starts.len(),
            "start_ms_median": at(0.5),
            "start_ms_p95": at(0.95),
            "start_ms_most": at(1.0),
        })
    }

    /// The kinds of calls that were struck, one a line.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &String> {
        self.classes.iter()
    }
}

/// A server that must serve; its start counts.
pub(crate) fn started(setup: &Setup, figures: &mut Figures) -> Result<Box<Server>> {
    match serve(setup, None)? {
        Start::Serves(server) => {
            figures.start(server.started_in);
            Ok(server)
        }
        Start::Ended(how, _) => Err(format!("the server does not start: {how}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_ordered_and_changes_counted() {
        let mut figures = Figures::default();
        for ms in [30, 10, 20] {
            figures.start(Duration::from_millis(ms));
        }
        figures.change("add", true);
        figures.change("add", false);
        figures.change("add", true);
        let json = figures.to_json();
        assert_eq!(json["start_ms_median"], 20.0);
        assert_eq!(json["start_ms_most"], 30.0);
        assert_eq!(json["changes"]["add_acknowledged"], 2);
        assert_eq!(json["changes"]["add_unanswered"], 1);
    }
}
