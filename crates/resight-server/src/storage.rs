//! How much room the data folder takes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use parking_lot::Mutex;
use resight_app::storage::StorageMeter;

use super::App;
use super::access::Caller;
use super::params::Params;
use super::problem::Problem;
use crate::wire::{ProblemBody, StorageShown};

/// What measures the data folder, for one request after the other: those that wait for it hold no thread.
#[derive(Clone, Default)]
pub(crate) struct Meter {
    turn: Arc<tokio::sync::Mutex<()>>,
    meter: Arc<Mutex<StorageMeter>>,
}

/// How much room the data folder takes, by collection and kind.
#[utoipa::path(
    get, path = "/v1/storage", tag = "service", operation_id = "storage",
    responses(
        (status = 200, description = "Bytes by kind", body = StorageShown),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn used(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<StorageShown>, Problem> {
    Params::none(&uri)?;
    let (served, collections) = (app.served()?.clone(), app.collections.clone());
    let _turn = app.meter.turn.lock().await;
    let meter = app.meter.meter.clone();
    let measure = move || Ok(meter.lock().measure(&served.config, &collections));
    let measured = app.work.light.run(measure).await??;
    let all = caller.collections().is_none();
    let sees = |name: &_| caller.sees(name);
    Ok(Json(StorageShown::new(measured, sees, all)))
}
