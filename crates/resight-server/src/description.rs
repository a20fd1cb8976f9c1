//! `/openapi.json`: what the API takes and answers, plug-ins included.

use axum::Json;
use axum::routing::{MethodRouter, get};
use resight_app::plugins::Plugins;
use utoipa::openapi::OpenApi;

use crate::problem::Problem;
use crate::{plugins, proxy};

/// The route. What plug-ins offer changes when they are loaded again, and the prefix is the request's.
pub(crate) fn route(description: OpenApi, served: Plugins) -> MethodRouter {
    let description = serde_json::to_value(description).map_err(|error| error.to_string());
    get(async move || {
        let mut document = description.map_err(|error| Problem::internal(&error))?;
        plugins::describe(&mut document, &served);
        let prefix = proxy::prefix();
        if !prefix.as_str().is_empty() {
            document["servers"] = serde_json::json!([{"url": prefix.as_str()}]);
        }
        Ok::<_, Problem>(Json(document))
    })
}
