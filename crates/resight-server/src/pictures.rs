//! The stored pictures: list, add, look at, remove.

use std::fmt::Write;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use resight_app::Code;
use resight_engine::{Indexer, PictureId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::labels::{Filters, LabelParameters};
use super::pages::holds_tag;
use super::params::{Page, Params, PictureAt};
use super::problem::Problem;
use super::{App, intake};
use crate::wire::{AddedPicture, Picture, PictureForm, PictureList, ProblemBody};

/// Entries of a list when no limit is given.
const PAGE: u64 = 60;
/// Sent with stored files: shown directly, they may neither run nor load anything.
const FILE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// The stored pictures, or those that a filter means, newest first.
#[utoipa::path(
    get, path = "/images", tag = "pictures", operation_id = "list_pictures",
    params(Filters, Page),
    responses(
        (status = 200, description = "One page", body = PictureList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(app: App, uri: Uri) -> Result<Json<PictureList>, Problem> {
    let mut params = Params::of(&uri)?;
    let filter = params.take::<Filters>()?.filter()?;
    let (offset, limit) = params.take::<Page>()?.or(PAGE);
    params.finish()?;
    let library = app.library.clone();
    let read = move || {
        let total = library.count_matching(&filter)?;
        Ok((total, library.pictures_matching(&filter, offset, limit)?))
    };
    let (total, found) = app.work.light.run(read).await?;
    let list = PictureList::new(total, offset, limit, found, app.reader());
    Ok(Json(list))
}

/// The name of a picture.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadName {
    /// Name of a picture that is sent as it is; in a form, the file's own name counts
    name: Option<String>,
}

/// Stores a picture; it can be found as soon as this has answered.
#[utoipa::path(
    post, path = "/images", tag = "pictures", operation_id = "add_picture",
    params(UploadName, LabelParameters),
    request_body(
        description = "The picture, in a form or as it is",
        content((PictureForm = "multipart/form-data"), (Vec<u8> = "image/*"), (Vec<u8> = "application/octet-stream")),
    ),
    responses(
        (status = 201, description = "Stored", body = AddedPicture),
        (status = 200, description = "Exactly this file was stored before", body = AddedPicture),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not a form or a picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The picture cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn add(app: App, request: Request) -> Result<Response, Problem> {
    let request = app.work.heavy.look_in(request).await?;
    let params = Params::of(request.uri()).and_then(|mut params| {
        let UploadName { name } = params.take()?;
        // Looked at once more with what a form holds; what is wrong here is wrong without it.
        let given = params.copy();
        params.take::<LabelParameters>()?;
        params.finish()?;
        Ok((name, given))
    });
    let (name, given) = match params {
        Ok(taken) => taken,
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    let upload = intake::picture(request, app.bodies).await?;
    let mut said = Params::from(given);
    said.extend(upload.texts);
    let patch = said.take::<LabelParameters>()?.patch();
    let names = [name.unwrap_or_default(), upload.name];
    let name = intake::clean_name(
        names
            .iter()
            .find(|name| !name.is_empty())
            .map_or("", |name| name),
    );
    let library = app.library.clone();
    let add = move || Indexer::new(library.shared()).add_labelled(&upload.bytes, &name, patch);
    let added = app.work.heavy.run(add).await?;
    let status = match added.already_there {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let location = format!("{}/images/{}", app.base, added.picture.id);
    let body = Json(AddedPicture::new(added, app.reader()));
    Ok((status, [(header::LOCATION, location)], body).into_response())
}

/// What is known of one picture.
#[utoipa::path(
    get, path = "/images/{id}", tag = "pictures", operation_id = "picture",
    params(("id" = String, Path, description = "The picture's id")),
    responses(
        (status = 200, description = "The picture", body = Picture),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn one(app: App, PictureAt(id): PictureAt) -> Result<Json<Picture>, Problem> {
    let library = app.library.clone();
    let found = app.work.light.run(move || library.picture(&id)).await?;
    Ok(Json(Picture::new(found, app.reader())))
}

/// Removes a picture; it is no longer found as soon as this has answered. One whose file stays in
/// an indexed folder comes back when that folder is indexed again.
#[utoipa::path(
    delete, path = "/images/{id}", tag = "pictures", operation_id = "remove_picture",
    params(("id" = String, Path, description = "The picture's id")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove(app: App, PictureAt(id): PictureAt) -> Result<StatusCode, Problem> {
    let unknown = Problem::new(Code::UnknownPicture, format!("No picture has the id {id}."));
    let library = app.library.clone();
    let removed = app.work.light.run(move || library.remove(&[id])).await?;
    match removed.first() {
        Some(true) => Ok(StatusCode::NO_CONTENT),
        _ => Err(unknown),
    }
}

/// A small JPEG of a picture, upright.
#[utoipa::path(
    get, path = "/images/{id}/thumbnail", tag = "pictures", operation_id = "thumbnail",
    params(("id" = String, Path, description = "The picture's id")),
    responses(
        (status = 200, description = "The thumbnail", body = Vec<u8>, content_type = "image/jpeg"),
        (status = 304, description = "The client holds it already"),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn thumbnail(
    app: App,
    PictureAt(id): PictureAt,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let tag = format!("\"{id}-small\"");
    if let Some(answer) = held(&app, &asked, &id, &tag).await? {
        return Ok(answer);
    }
    let library = app.library.clone();
    let bytes = app.work.light.run(move || library.thumbnail(&id)).await?;
    let headers = [(header::CONTENT_TYPE, "image/jpeg")];
    Ok(kept_for_good((headers, bytes).into_response(), &tag))
}

/// A picture's file, as it was sent or as it lies in its folder.
#[utoipa::path(
    get, path = "/images/{id}/file", tag = "pictures", operation_id = "picture_file",
    params(("id" = String, Path, description = "The picture's id")),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "image/*"),
        (status = 304, description = "The client holds it already"),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "The file is no longer in its folder", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn file(
    app: App,
    PictureAt(id): PictureAt,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let tag = format!("\"{id}\"");
    if let Some(answer) = held(&app, &asked, &id, &tag).await? {
        return Ok(answer);
    }
    let library = app.library.clone();
    let found = app.work.light.run(move || library.file(&id)).await?;
    let headers = [
        (header::CONTENT_TYPE, found.media_type),
        (header::CONTENT_DISPOSITION, disposition(&found.name)),
        (header::CONTENT_SECURITY_POLICY, FILE_POLICY.to_owned()),
    ];
    Ok(kept_for_good((headers, found.bytes).into_response(), &tag))
}

/// The short answer to a client that holds what `tag` names, as long as the picture is there.
async fn held(
    app: &App,
    asked: &HeaderMap,
    id: &PictureId,
    tag: &str,
) -> Result<Option<Response>, Problem> {
    if !holds_tag(asked, tag) {
        return Ok(None);
    }
    let (library, id) = (app.library.clone(), id.clone());
    app.work.light.run(move || library.picture(&id)).await?;
    let answer = StatusCode::NOT_MODIFIED.into_response();
    Ok(Some(kept_for_good(answer, tag)))
}

/// The id is derived from the bytes, so what lies at this address never changes.
fn kept_for_good(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Content-Disposition (RFC 6266): a plain name for old clients, the full one percent-encoded.
fn disposition(name: &str) -> String {
    let name = intake::clean_name(name);
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let mut header = format!("inline; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                header.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => _ = write!(header, "%{byte:02X}"),
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("a\"; x=\r\n\"é.jpg"),
            "inline; filename=\"a_; x=__.jpg\"; filename*=UTF-8''a%22%3B%20x%3D%22%C3%A9.jpg"
        );
    }
}
