//! From a request to a function's arguments.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Uri;
use resight_app::Code;
use resight_engine::{DecodeLimits, EngineError, decode};
use resight_plugin::{Attachment, Call, Content, Function, FunctionRef, Role};
use serde_json::{Map, Value};

use crate::App;
use crate::intake::{self, Field, Sent};
use crate::params::Params;
use crate::problem::Problem;

/// Reads the query and the body. Pictures are decoded within the engine's limits.
pub(super) async fn of(
    app: &App,
    function: &FunctionRef,
    request: Request,
) -> Result<Call<'static>, Problem> {
    let named = match query(function, request.uri()) {
        Ok(named) => named,
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    let request = app.work.heavy.look_in(request).await?;
    let sent = intake::sent(request, &app.bodies).await?;
    let mut call = Call::of(function.clone());
    call.named = named;
    let files = match sent {
        Sent::Nothing => return Ok(call),
        Sent::Json(body) => {
            call.named.extend(object(&body)?);
            return Ok(call);
        }
        Sent::Raw(field) => vec![field],
        Sent::Form(fields) => {
            let (files, texts): (Vec<_>, Vec<_>) = fields.into_iter().partition(Field::is_file);
            for field in texts {
                let text = String::from_utf8_lossy(&field.bytes).into_owned();
                add(function, &mut call.named, field.name, text)?;
            }
            files
        }
    };
    let names: Vec<Option<String>> = files.iter().map(|f| parameter(function, &f.name)).collect();
    let pictures_only = function.role != Role::Function;
    let limits = app.library.options().decode.clone();
    let contents = app
        .work
        .heavy
        .run(move || {
            let content = |field| content(field, pictures_only, &limits);
            files
                .into_iter()
                .map(content)
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let attach = |(name, content)| Attachment { name, content };
    call.attachments = names.into_iter().zip(contents).map(attach).collect();
    Ok(call)
}

fn content(
    field: Field,
    pictures_only: bool,
    limits: &DecodeLimits,
) -> Result<Content<'static>, EngineError> {
    if !pictures_only && !field.content_type.starts_with("image/") {
        return Ok(Content::Bytes(Vec::from(field.bytes).into()));
    }
    let image = decode(&field.bytes, limits)?.image;
    Ok(Content::Picture {
        width: image.width(),
        height: image.height(),
        rgb: resight_plugin::Data::Shared(Arc::new(image.into_rgb())),
    })
}

/// The parameter that a file is for: the one of the field's name, else the next positional one.
fn parameter(function: &Function, field: &str) -> Option<String> {
    let takes = |p: &resight_plugin::Parameter| p.name == field || p.kind == "var_keyword";
    (!field.is_empty() && function.parameters.iter().any(takes)).then(|| field.to_owned())
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("The JSON is not an object of named arguments: {error}");
        Problem::new(Code::BadBody, detail)
    })
}

fn query(function: &Function, uri: &Uri) -> Result<Map<String, Value>, Problem> {
    let mut named = Map::new();
    for (name, text) in Params::of(uri)?.rest() {
        add(function, &mut named, name, text)?;
    }
    Ok(named)
}

fn add(
    function: &Function,
    named: &mut Map<String, Value>,
    name: String,
    text: String,
) -> Result<(), Problem> {
    if named.contains_key(&name) {
        let detail = format!("The parameter {name} must be given once only.");
        return Err(Problem::new(Code::BadParameter, detail));
    }
    let value = typed(function, &name, text)?;
    named.insert(name, value);
    Ok(())
}

/// Text as the parameter's annotation wants it; without one, as JSON where it is JSON.
fn typed(function: &Function, name: &str, text: String) -> Result<Value, Problem> {
    let parameter = function.parameters.iter().find(|p| p.name == name);
    let wanted = parameter.map_or("", |p| p.annotation.as_str());
    let fits = |value: &Value| match wanted {
        "int" => value.is_i64() || value.is_u64(),
        "float" => value.is_number(),
        "bool" => value.is_boolean(),
        _ => true,
    };
    if wanted == "str" {
        return Ok(text.into());
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(value) if fits(&value) => Ok(value),
        _ if matches!(wanted, "int" | "float" | "bool") => Err(Problem::new(
            Code::BadParameter,
            format!("The parameter {name} is to be of type {wanted}; it is {text:?}."),
        )),
        _ => Ok(text.into()),
    }
}
