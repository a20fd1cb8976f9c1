//! The stored pictures: list, add, look at, remove.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use resight_app::Code;
use resight_engine::{Indexer, LabelPatch};
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::Caller;
use super::bulk::{self, Beginning, Bulk, Once};
use super::filters::Filters;
use super::intake::{Part, Parts};
use super::labels::LabelParameters;
use super::listing::{self, Ordered, PageOfPictures};
use super::params::{Page, Params, PictureAt};
use super::problem::Problem;
use super::{App, intake, wanted};
use crate::wire::{
    AddedOrMany, AddedPicture, AdditionForm, FileBytes, FileOutcome, PictureAndPaths,
    PictureAtAddress, PictureList, ProblemBody, Reader,
};

/// Entries of a list when no limit is given.
const PAGE: u64 = 60;

/// The stored pictures, or those that a filter means, newest first unless `sort` says otherwise. The header `Link`
/// has the address of the next page.
#[utoipa::path(
    get, path = "/images", tag = "pictures", operation_id = "list_pictures",
    params(Filters, Page, Ordered),
    responses(
        (status = 200, description = "One page", body = PictureList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(app: App, caller: Caller, uri: Uri) -> Result<Response, Problem> {
    let mut params = Params::of(&uri)?;
    let filter = params.take::<Filters>()?.filter(&caller)?;
    let address = format!("{}/images", app.base);
    let asked = PageOfPictures::take(&mut params, filter, PAGE, (&app.cursors, &address))?;
    params.finish()?;
    let library = app.library.clone();
    let read = move || asked.read(&library).map(|found| (asked, found));
    let (asked, found) = app.work.light.run(read).await?;
    let next = asked.cursor(&app.cursors, found.next.as_ref());
    let page = (asked.offset, asked.limit);
    let list = PictureList::new(found.total, page.0, page.1, found.page, app.reader());
    Ok(listing::answer(
        list.followed_by(next.clone()),
        &address,
        &uri,
        next.as_deref(),
    ))
}

/// The name of a picture.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadName {
    /// Name of a picture that is sent as it is; in a form, the file's own name counts
    name: Option<String>,
}

/// Stores a picture, or many: files of a form and entries of archives. Each can be found as soon as this has told
/// of it.
///
/// Several files, archives and lines of labels are answered with what became of each file; one that cannot be
/// taken stops no other. With `Accept: application/x-ndjson` the answer has a line for each file as soon as it is
/// stored or refused, and a last one with `summary`.
#[utoipa::path(
    post, path = "/images", tag = "pictures", operation_id = "add_picture",
    params(
        UploadName, LabelParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "A key of the client's own, 1 to 200 visible characters: the same request again within 24 hours is answered as before", min_length = 1, max_length = 200),
    ),
    request_body(
        description = "The picture, in a form, as it is, or at an address; or several in a form or in archives",
        content((AdditionForm = "multipart/form-data"), (inline(FileBytes) = "image/*"), (inline(FileBytes) = "application/octet-stream"), (inline(FileBytes) = "application/zip"), (inline(FileBytes) = "application/x-tar"), (inline(FileBytes) = "application/gzip"), (PictureAtAddress = "application/json")),
    ),
    responses(
        (status = 201, description = "Stored", body = AddedPicture),
        (status = 200, description = "Exactly this file was stored before; or what became of each of several files", content((AddedOrMany = "application/json"), (FileOutcome = "application/x-ndjson"))),
        (status = 409, description = "A request with this Idempotency-Key is at work", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not a form or a picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The picture cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn add(app: App, caller: Caller, request: Request) -> Result<Response, Problem> {
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
    let (lines, headers) = (bulk::wants_lines(request.headers()), request.headers());
    let about = format!("{name:?} {given:?}");
    let begun = bulk::begin(&app, &caller, headers, &about).await;
    let mut once = match begun {
        Ok(once) => once,
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    if intake::is_json(request.headers()) {
        return from_address(app, request, once, (name, given)).await;
    }
    let mut parts = Parts::of(request, &app.bodies, &app.spools).await?;
    if once.is_answered() {
        bulk::read_away(&mut parts, &mut once).await?;
        return once.again();
    }
    let mut beginning = Beginning::read(&mut parts, &mut once, lines).await?;
    if lines || !beginning.is_single() {
        let bulk = Bulk {
            app,
            beginning,
            given,
            parts,
            once,
        };
        return bulk.answer(lines).await;
    }
    let mut said = Params::from(given);
    said.extend(beginning.texts);
    let patch = said.take::<LabelParameters>()?.patch();
    said.finish()?;
    let (sent_name, bytes) = match beginning.files.pop() {
        Some(Part::Picture { name, bytes }) => (name, bytes),
        Some(Part::Refused { problem, .. }) => return Err(problem),
        Some(Part::Archive { .. } | Part::Text(_)) | None => {
            return Err(intake::bad_body("The form has no field named file"));
        }
    };
    let names = [name.unwrap_or_default(), sent_name];
    let name = intake::clean_name(
        names
            .iter()
            .find(|name| !name.is_empty())
            .map_or("", |name| name),
    );
    store(&app, once, bytes, &name, patch).await
}

/// Adds a picture that the server fetches.
async fn from_address(
    app: App,
    request: Request,
    mut once: Once,
    (name, given): (Option<String>, Vec<(String, String)>),
) -> Result<Response, Problem> {
    let body = intake::json(request, &app.bodies).await?;
    once.count(&Part::Text((
        String::new(),
        String::from_utf8_lossy(&body).into_owned(),
    )));
    if once.is_answered() {
        return once.again();
    }
    let PictureAtAddress {
        url,
        name: own_name,
        tags,
        object,
        metadata,
    } = wanted::json(&body, "{\"url\": \"…\"}")?;
    let mut said = Params::from(given);
    said.extend(tags.into_iter().map(|tag| ("tag".to_owned(), tag)));
    said.extend(object.map(|object| ("object".to_owned(), object)));
    let metadata = metadata.map(serde_json::Value::Object);
    said.extend(metadata.map(|object| ("metadata".to_owned(), object.to_string())));
    let patch = said.take::<LabelParameters>()?.patch();
    let fetched = app.fetcher.fetch(&url, &app.bodies).await?;
    let name = own_name.or(name).unwrap_or(fetched.name);
    store(&app, once, fetched.bytes, &intake::clean_name(&name), patch).await
}

/// Adds one picture and answers with it.
async fn store(
    app: &App,
    once: Once,
    bytes: Bytes,
    name: &str,
    patch: LabelPatch,
) -> Result<Response, Problem> {
    let (library, name) = (app.library.clone(), name.to_owned());
    let add = move || Indexer::new(library.shared()).add_labelled(&bytes, &name, patch);
    let added = app.work.heavy.run(add).await?;
    let status = match added.already_there {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let location = format!("{}/images/{}", app.base, added.picture.id);
    let body = serde_json::to_vec(&AddedPicture::new(added, app.reader()))
        .map_err(|error| Problem::internal(&error))?;
    let answer = once.answer(status, "application/json", Some(location), body);
    Ok(answer.await)
}

/// What is known of one picture, and what is at its paths now.
#[utoipa::path(
    get, path = "/images/{id}", tag = "pictures", operation_id = "picture",
    params(("id" = String, Path, description = "The picture's id")),
    responses(
        (status = 200, description = "The picture", body = PictureAndPaths),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn one(
    app: App,
    caller: Caller,
    PictureAt(id): PictureAt,
) -> Result<Json<PictureAndPaths>, Problem> {
    let (library, base) = (app.library.clone(), app.base.clone());
    let read = move || {
        let picture = library.picture(&id)?;
        Ok(PictureAndPaths::new(
            picture,
            Reader::Remote(&base),
            caller.is_admin(),
        ))
    };
    Ok(Json(app.work.light.run(read).await?))
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
