//! Changes of all pictures that a filter means.

use axum::Json;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::Uri;
use resight_app::Code;
use resight_engine::Filter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::access::Caller;
use super::filters::Filters;
use super::intake;
use super::labels::{CHANGE_BYTES, change_of};
use super::params::{Flag, Params, bad};
use super::problem::Problem;
use crate::wire::{LabelChange, ManyChanged, ManyRemoved, ProblemBody};

/// Whether something is done.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRun {
    /// With `true`, nothing is changed, and the answer counts the pictures that would be
    #[param(value_type = Option<bool>)]
    dry_run: Option<Flag>,
}

/// The filter of a request, which must have one, and whether it only counts.
fn asked(uri: &Uri, caller: &Caller) -> Result<(Filter, bool), Problem> {
    let mut params = Params::of(uri)?;
    let filter = params.take::<Filters>()?.filter(caller)?;
    let DryRun { dry_run } = params.take()?;
    params.finish()?;
    if filter.is_empty() {
        let detail = "The request names no condition, so it would be about all pictures.";
        return Err(Problem::new(Code::FilterNeeded, detail));
    }
    Ok((filter, dry_run.is_some_and(|flag| flag.0)))
}

/// Removes all pictures that a filter means; at least one condition is needed. Durable a thousand at a time: what a
/// failure leaves is removed by the same request again.
#[utoipa::path(
    delete, path = "/images", tag = "pictures", operation_id = "remove_pictures",
    params(Filters, DryRun),
    responses(
        (status = 200, description = "How many were removed", body = ManyRemoved),
        (status = 422, description = "There is no condition, or a parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove(
    app: App,
    caller: Caller,
    request: Request,
) -> Result<Json<ManyRemoved>, Problem> {
    if !request.body().is_end_stream() {
        intake::discard(request.into_body()).await;
        // What it says would be taken for said, dry_run above all.
        let detail = "It takes no body: conditions and dry_run stand in the address";
        return Err(intake::bad_body(detail));
    }
    let (filter, dry_run) = asked(request.uri(), &caller)?;
    if filter.paired {
        // Both of two, and none of them once the other is gone.
        let what = "cannot be given here: every copy would go. POST /v1/duplicates/resolve keeps one of each group";
        return Err(bad("paired", &what));
    }
    let library = app.library.clone();
    let done = move || {
        let matched = library.count_matching(&filter)?;
        let removed = match dry_run {
            true => 0,
            false => library.remove_matching(&filter)?,
        };
        Ok(ManyRemoved {
            matched,
            removed,
            dry_run,
        })
    };
    Ok(Json(app.work.light.run(done).await?))
}

/// Changes the labels of all pictures that a filter means; at least one condition is needed. Durable a thousand at a
/// time.
#[utoipa::path(
    patch, path = "/images", tag = "pictures", operation_id = "label_pictures",
    params(Filters, DryRun),
    request_body(
        description = "What changes of each",
        content((LabelChange = "application/json"), (LabelChange = "application/merge-patch+json")),
    ),
    responses(
        (status = 200, description = "How many were changed", body = ManyChanged),
        (status = 422, description = "There is no condition, or the change or a parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change(
    app: App,
    caller: Caller,
    request: Request,
) -> Result<Json<ManyChanged>, Problem> {
    let request = app.work.light.look_in(request).await?;
    let (filter, dry_run) = match asked(request.uri(), &caller) {
        Ok(asked) => asked,
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    let body = intake::json(request, &app.bodies.of(CHANGE_BYTES)).await?;
    let patch = change_of(&body)?;
    if patch.is_empty() {
        return Err(intake::bad_body(
            "It changes nothing: give tags, add_tags, remove_tags, object or metadata",
        ));
    }
    let library = app.library.clone();
    let done = move || {
        let matched = library.count_matching(&filter)?;
        let told = match dry_run {
            true => Default::default(),
            false => library.label_matching(&filter, &patch)?,
        };
        Ok(ManyChanged::new(matched, told, dry_run))
    };
    Ok(Json(app.work.light.run(done).await?))
}
