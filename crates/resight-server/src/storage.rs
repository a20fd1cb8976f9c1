//! How much room the data folder takes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use resight_app::storage::StorageMeter;

use super::App;
use super::access::Caller;
use super::params::Params;
use super::problem::Problem;
use crate::wire::{ProblemBody, StorageShown};

/// What measures the data folder, for one request after the other: those that wait for it hold no thread. A turn ends with
/// its measuring, which goes on where its client has left.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<tokio::sync::Mutex<StorageMeter>>);

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
    let mut meter = app.meter.0.clone().lock_owned().await;
    let measure = move || Ok(meter.measure(&served.config, &collections));
    let measured = app.work.light.run(measure).await??;
    let all = caller.collections().is_none();
    let sees = |name: &_| caller.sees(name);
    Ok(Json(StorageShown::new(measured, sees, all)))
}
