//! From a request to a call. The worker converts the arguments to what the function's annotations say.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Request;
use resight_app::Code;
use resight_engine::{DecodeLimits, EngineError, decode};
use resight_plugin::{
    Attachment, Call, Content, Data, FileFacts, Function, FunctionRef, Role, Takes,
};
use serde::de::IgnoredAny;

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
    let mut call = Call::of(function.clone());
    call.texts = match Params::of(request.uri()) {
        Ok(params) => params.rest(),
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    let request = app.work.heavy.look_in(request).await?;
    let files = match intake::sent(request, &app.bodies).await? {
        Sent::Nothing => return Ok(call),
        Sent::Json(body) => {
            call.json = Some(object(&body)?);
            return Ok(call);
        }
        Sent::Raw(field) => vec![field],
        Sent::Form(fields) => {
            let (files, texts) = fields.into_iter().partition(is_file);
            call.texts
                .extend(Vec::into_iter(texts).filter_map(Field::text));
            files
        }
    };
    let files = with_takes(function, &call.texts, files);
    let limits = app.library.options().decode.clone();
    let attach = move |(field, takes)| attachment(field, takes, &limits);
    let attached = app
        .work
        .heavy
        .run(move || files.into_iter().map(attach).collect::<Result<Vec<_>, _>>());
    call.attachments = attached.await?;
    Ok(call)
}

/// Whether a field is a file: what has a file's name, a content type of its own, or no text.
fn is_file(field: &Field) -> bool {
    let is_json = field.file_name.is_none() && field.content_type == "application/json";
    (field.is_file() && !is_json) || std::str::from_utf8(&field.bytes).is_err()
}

fn object(body: &Bytes) -> Result<String, Problem> {
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(body)
        .map_err(|error| error.to_string())
        .and_then(|_| String::from_utf8(body.to_vec()).map_err(|error| error.to_string()))
        .map_err(|error| {
            let detail = format!("The JSON is not an object of named arguments: {error}");
            Problem::new(Code::BadBody, detail)
        })
}

/// Each file with what its parameter takes: the one of the field's name, else the next free positional
/// one that takes files, as the worker chooses it.
fn with_takes(
    function: &Function,
    texts: &[(String, String)],
    files: Vec<Field>,
) -> Vec<(Field, Takes)> {
    if function.role != Role::Function {
        let of_a_picture = |field| (field, Takes::Picture);
        return files.into_iter().map(of_a_picture).collect();
    }
    let named = |name: &str| function.parameters.iter().find(|p| p.name == name);
    let is_given = |name: &str| {
        texts.iter().any(|(given, _)| given == name) || files.iter().any(|f| f.name == name)
    };
    let free = function.parameters.iter().filter(|p| {
        p.kind.starts_with("positional") && p.takes != Takes::None && !is_given(&p.name)
    });
    let mut free = free.map(|p| p.takes);
    let mut placed: BTreeMap<&str, Takes> = BTreeMap::new();
    let takes: Vec<Takes> = files
        .iter()
        .map(|file| match named(&file.name) {
            Some(parameter) => parameter.takes,
            None => *placed
                .entry(&file.name)
                .or_insert_with(|| free.next().unwrap_or_default()),
        })
        .collect();
    files.into_iter().zip(takes).collect()
}

fn attachment(
    field: Field,
    takes: Takes,
    limits: &DecodeLimits,
) -> Result<Attachment<'static>, EngineError> {
    let says_picture = field.content_type.starts_with("image/");
    let decoded = match takes {
        Takes::Picture => Some(decode(&field.bytes, limits)?),
        Takes::Any if says_picture => Some(decode(&field.bytes, limits)?),
        // Many programs send a file without a type.
        Takes::Any if field.content_type.is_empty() => decode(&field.bytes, limits).ok(),
        Takes::Any | Takes::Bytes | Takes::None => None,
    };
    let content = match decoded {
        Some(decoded) => Content::Picture {
            width: decoded.image.width(),
            height: decoded.image.height(),
            rgb: Data::Shared(Arc::new(decoded.image.into_rgb())),
        },
        None => Content::Bytes(Vec::from(field.bytes).into()),
    };
    Ok(Attachment {
        name: (!field.name.is_empty()).then_some(field.name),
        content,
        file: FileFacts {
            name: field.file_name,
            content_type: field.content_type,
        },
    })
}
