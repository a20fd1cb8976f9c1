//! Failures in the description of the API that an operation does not describe itself: those that the way to it brings,
//! as a key or a name in the address. They stand here once for all operations.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response};

use super::collections::operations;

/// Answers that need nothing and fail by nothing that a caller could change.
const ALWAYS: [&str; 2] = ["/livez", "/healthz"];
/// The scheme's name.
const KEY: &str = "key";

/// Describes the failures of each operation, and how a key is sent.
pub(crate) fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if !ALWAYS.contains(&path.as_str()) {
            operations(item).for_each(fill);
        }
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key, where the server asks for one"));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(KEY, SecurityScheme::Http(bearer.build()));
    // One of the two: without a key a server may answer as well.
    let with_key = SecurityRequirement::new(KEY, [] as [&str; 0]);
    document.security = Some(vec![SecurityRequirement::default(), with_key]);
}

fn fill(operation: &mut Operation) {
    let parameters = operation.parameters.iter().flatten();
    let in_path = |one: &RefOr<Parameter>| matches!(one, RefOr::T(one) if one.parameter_in == ParameterIn::Path);
    let names_something = parameters.clone().any(in_path);
    let takes_something = parameters.count() > 0 || operation.request_body.is_some();
    let has_body = operation.request_body.is_some();
    let failures = [
        (true, "401", "The key is missing, unknown or ended"),
        (true, "403", "The key or the server does not allow this"),
        (names_something, "404", "There is no such thing"),
        (has_body, "415", "The body's content type is not taken here"),
        (
            takes_something,
            "422",
            "A parameter or the body is not valid",
        ),
        (true, "429", "The key has reached its limit"),
    ];
    // Where a plug-in answers, its author may have given a detail of any type.
    let is_plugins = operation
        .operation_id
        .as_deref()
        .is_some_and(|id| id.ends_with("_plugin_function"));
    let body = if is_plugins {
        "PluginProblem"
    } else {
        "ProblemBody"
    };
    for (is_possible, status, text) in failures {
        if is_possible {
            let all = &mut operation.responses.responses;
            all.entry(status.to_owned())
                .or_insert_with(|| RefOr::T(problem(text, body)));
        }
    }
}

fn problem(text: &str, body: &str) -> Response {
    let body = Content::new(Some(Ref::from_schema_name(body)));
    let mut response = Response::new(text);
    response
        .content
        .insert("application/problem+json".to_owned(), RefOr::T(body));
    response
}
