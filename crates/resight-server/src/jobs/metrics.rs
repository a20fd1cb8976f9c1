//! Figures of jobs and registered folders.

use std::sync::Arc;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use resight_app::AppError;
use resight_app::folders::FolderState;
use resight_store::{JobFilter, JobState};

use super::super::App;
use super::super::problem::Problem;
use super::served::JobsServed;

type Labels = Vec<(&'static str, String)>;

/// Adds the numbers of jobs and of folders by state.
pub(crate) async fn register(app: &App, registry: &mut Registry) -> Result<(), Problem> {
    let Some(served) = app.jobs.clone() else {
        return Ok(());
    };
    let (jobs, folders) = app.work.health.run(move || Ok(counted(&served))).await??;
    registry.register("resight_jobs", "Jobs that are kept", family(jobs));
    registry.register("resight_folders", "Registered folders", family(folders));
    Ok(())
}

type Counts = Vec<(&'static str, u64)>;

fn counted(served: &Arc<JobsServed>) -> Result<(Counts, Counts), AppError> {
    let mut jobs = Vec::new();
    for state in JobState::ALL {
        let filter = JobFilter {
            states: vec![state],
            ..JobFilter::default()
        };
        jobs.push((state.as_str(), served.jobs.count(&filter)?));
    }
    let listed = served.folders.list()?;
    let states = listed.iter().map(|one| served.folders.state(one.record.id));
    let states: Vec<FolderState> = states.collect();
    let of = |state: FolderState| states.iter().filter(|one| **one == state).count() as u64;
    let folders = FolderState::ALL.map(|state| (state.as_str(), of(state)));
    Ok((jobs, folders.to_vec()))
}

fn family(counts: Counts) -> Family<Labels, Gauge> {
    let family = Family::<Labels, Gauge>::default();
    for (state, number) in counts {
        let label = vec![("state", state.to_owned())];
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        family.get_or_create(&label).set(number);
    }
    family
}
