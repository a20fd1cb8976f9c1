//! Runs a model in many orders. `RESIGHT_INTERLEAVINGS_FACTOR` multiplies their number, and `RESIGHT_INTERLEAVINGS_SEED`
//! gives others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::faults;

/// Most preemptions that PCT makes.
const DEPTH: usize = 4;
/// A model that takes more steps goes round in circles.
const STEPS: usize = 100_000;
/// How many orders a fault may stay unseen in.
const FOR_A_FAULT: usize = 5_000;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seed() -> u64 {
    asked("RESIGHT_INTERLEAVINGS_SEED").unwrap_or(2026)
}

fn run(
    scheduler: impl Scheduler + 'static,
    shown: FailurePersistence,
    model: impl Fn() + Send + Sync + 'static,
) -> usize {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.failure_persistence = shown;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(model)
}

/// Runs `model` in `orders` orders at random and in as many by PCT. Panics as the model does, after shuttle has
/// printed the order.
pub(crate) fn holds(name: &str, orders: usize, model: impl Fn() + Copy + Send + Sync + 'static) {
    let factor = asked("RESIGHT_INTERLEAVINGS_FACTOR").unwrap_or(1) as usize;
    let orders = orders * factor;
    let random = RandomScheduler::new_from_seed(seed(), orders);
    let mut tried = run(random, FailurePersistence::Print, model);
    let pct = PctScheduler::new_from_seed(seed(), DEPTH, orders);
    tried += run(pct, FailurePersistence::Print, model);
    assert_eq!(tried, 2 * orders);
    eprintln!("{name}: {tried} orders of seed {}", seed());
}

/// Asserts that `model` fails with each of these faults, within a bounded number of orders.
pub(crate) fn finds(
    name: &str,
    planted: &[&'static str],
    model: impl Fn() + Copy + Send + Sync + 'static,
) {
    for fault in planted {
        let failed = |scheduler: Box<dyn Scheduler + Send>| {
            let once = || run(scheduler, FailurePersistence::None, model);
            faults::with(fault, || catch_unwind(AssertUnwindSafe(once))).is_err()
        };
        let random = RandomScheduler::new_from_seed(seed(), FOR_A_FAULT);
        let pct = PctScheduler::new_from_seed(seed(), DEPTH, FOR_A_FAULT);
        assert!(
            failed(Box::new(random)) || failed(Box::new(pct)),
            "{name}: in {} orders nothing failed although {fault}",
            2 * FOR_A_FAULT
        );
    }
}
