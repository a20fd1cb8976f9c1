//! How good the search is, measured on pictures whose right answers are known.
//!
//! Useful for: comparing settings and versions on the same data. Not useful for: comparing with
//! published numbers, unless the data and its protocol are the published ones.

mod ground_truth;
mod metrics;
mod outcome;
mod run;

pub use ground_truth::{GroundTruth, GroundTruthError, LabelledQuery};
pub use metrics::{Judged, average_precision, percentile};
pub use outcome::{AttackScore, FalseMatch, Miss, Outcome, Scores};
pub use run::{EvalError, EvalEvent, evaluate};
