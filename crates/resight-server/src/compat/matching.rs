//! The interface of `match` (an HTTP service over image-match) and of MatchEngine: a picture is known by the path that
//! its owner gave it, which is stored in its metadata as `filepath`.

use axum::Json;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use resight_app::keys::Scope;
use resight_engine::{
    EngineError, Filter, Library, Picture, PictureId, Query, SearchOptions, Searcher, Variant,
};
use serde_json::{Value, json};

use super::super::App;
use super::super::access::Caller;
use super::super::intake::{self, bad_body};
use super::super::params::MAX_OFFSET;
use super::super::problem::Problem;
use super::{
    Fields, MOST, PAGE, added, found, last_name, matching, metadata_of, one_by_one, score,
    score_of, set_metadata,
};

/// Entries of a list when no limit is given.
const LISTED: u64 = 20;
/// Where a path and a client's metadata are stored.
const PATH: &str = "filepath";
const METADATA: &str = "metadata";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/add", post(add))
        .route("/search", post(search))
        .route("/compare", post(compare))
        .route("/delete", delete(remove))
        .route("/count", get(count).post(count))
        .route("/list", get(list).post(list))
        .route("/ping", get(ping).post(ping))
}

/// An answer in the form of this interface.
fn answer(method: &str, done: Result<Vec<Value>, Problem>) -> Response {
    let (status, word, errors, result) = match done {
        Ok(result) => (StatusCode::OK, "ok", Vec::new(), result),
        Err(problem) => (
            problem.status(),
            "fail",
            vec![problem.message()],
            Vec::new(),
        ),
    };
    let body = json!({"status": word, "error": errors, "method": method, "result": result});
    (status, Json(body)).into_response()
}

/// By which path a picture is known: the one it was added with, or else its id.
fn path_of(picture: &Picture) -> String {
    match metadata_of(picture).get(PATH) {
        Some(Value::String(path)) => path.clone(),
        _ => picture.id.to_string(),
    }
}

/// The pictures that were added with a path.
fn with_path(library: &Library, path: &str) -> Result<Vec<Picture>, EngineError> {
    let filter = Filter {
        entries: vec![(PATH.to_owned(), path.to_owned())],
        ..Filter::default()
    };
    matching(library, &filter)
}

/// Takes the path from a picture, and removes the picture where nothing else keeps it, if that is allowed.
fn take_path(library: &Library, picture: &Picture, may_remove: bool) -> Result<(), EngineError> {
    if may_remove && picture.uploaded && picture.sources.is_empty() {
        return library.remove(std::slice::from_ref(&picture.id)).map(drop);
    }
    let mut labels = metadata_of(picture);
    labels.remove(PATH);
    set_metadata(library, &picture.id, labels)
}

/// The pictures that a path names, or an id.
fn at(library: &Library, path: &str) -> Result<Vec<Picture>, EngineError> {
    let mut found = with_path(library, path)?;
    if found.is_empty()
        && let Some(id) = PictureId::parse(path)
    {
        found.extend(library.picture(&id).ok());
    }
    Ok(found)
}

async fn ping(request: Request) -> Response {
    intake::discard(request.into_body()).await;
    answer("ping", Ok(Vec::new()))
}

async fn add(app: App, caller: Caller, request: Request) -> Response {
    let may_remove = caller.allows(Scope::Delete);
    answer("add", add_one(&app, may_remove, request).await)
}

async fn add_one(app: &App, may_remove: bool, request: Request) -> Result<Vec<Value>, Problem> {
    let fields = Fields::read(app, request).await?;
    let path = fields.text(&["filepath", "filepaths[0]"]);
    let metadata = match fields.text(&["metadata"]) {
        None => Value::Null,
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| bad_body(&format!("The field metadata is no JSON: {error}")))?,
    };
    let picture = fields.picture(app, &["image", "images[0]"], &["url", "urls[0]"]);
    let (bytes, sent_name) = picture
        .await?
        .ok_or_else(|| bad_body("One of the fields image and url is needed"))?;
    let path = path.or_else(|| fields.text(&["url", "urls[0]"]));
    let path = path.ok_or_else(|| bad_body("The field filepath is needed"))?;
    let name = match last_name(&path) {
        name if name == "picture" => intake::clean_name(&sent_name),
        name => name,
    };
    let new = added(app, bytes, name).await?.picture;
    let library = app.library.clone();
    let label = move || {
        let mut labels = metadata_of(&new);
        labels.insert(PATH.into(), path.clone().into());
        match metadata {
            Value::Null => drop(labels.remove(METADATA)),
            given => drop(labels.insert(METADATA.into(), given)),
        }
        set_metadata(&library, &new.id, labels)?;
        // Another picture that had the path gives way.
        for other in with_path(&library, &path)? {
            if other.id != new.id {
                take_path(&library, &other, may_remove)?;
            }
        }
        Ok(())
    };
    one_by_one(app, label).await?;
    Ok(Vec::new())
}

async fn search(app: App, request: Request) -> Response {
    answer("search", search_one(&app, request).await)
}

async fn search_one(app: &App, request: Request) -> Result<Vec<Value>, Problem> {
    let fields = Fields::read(app, request).await?;
    let whole = |number: f64| number as usize;
    let limit = fields.number(&["limit"])?.map_or(PAGE, whole);
    let least = fields.number(&["min_score"])?.unwrap_or(0.0);
    let mirrored = fields.flag(&["all_orientations", "check_horizontal_flip"], true);
    let options = SearchOptions {
        offset: fields.number(&["offset"])?.map_or(0, whole),
        limit: limit.clamp(1, MOST as usize),
        verified_only: true,
        variants: Variant {
            mirrored,
            ..SearchOptions::default().variants
        },
        ..SearchOptions::default()
    };
    let picture = fields.picture(app, &["image"], &["url"]);
    let picture = match (picture.await?, fields.text(&["filepath"])) {
        (Some((bytes, _)), _) => bytes,
        (None, Some(path)) => file_at(app, path).await?,
        (None, None) => return Err(bad_body("One of the fields image and url is needed")),
    };
    let answer = found(app, picture, options).await?;
    let hits = answer.hits.iter();
    let shown = hits.filter(|hit| score_of(hit) >= least).map(|hit| {
        let metadata = metadata_of(&hit.picture).remove(METADATA);
        json!({
            "score": score_of(hit),
            "filepath": path_of(&hit.picture),
            "metadata": metadata.unwrap_or_default(),
        })
    });
    Ok(shown.collect())
}

/// The file of the picture that a path names.
async fn file_at(app: &App, path: String) -> Result<axum::body::Bytes, Problem> {
    let library = app.library.clone();
    let read = move || match at(&library, &path)?.first() {
        Some(picture) => Ok(library.file(&picture.id)?.bytes),
        None => Err(EngineError::BadQuery(format!(
            "nothing was added as {path:?}"
        ))),
    };
    Ok(app.work.light.run(read).await?.into())
}

async fn compare(app: App, request: Request) -> Response {
    answer("compare", compare_two(&app, request).await)
}

async fn compare_two(app: &App, request: Request) -> Result<Vec<Value>, Problem> {
    let fields = Fields::read(app, request).await?;
    let mut both = Vec::new();
    for number in ["1", "2"] {
        let (file, url) = (format!("image{number}"), format!("url{number}"));
        let picture = fields.picture(app, &[&file], &[&url]).await?;
        let needed = || bad_body(&format!("One of the fields {file} and {url} is needed"));
        both.push(picture.ok_or_else(needed)?.0);
    }
    let library = app.library.clone();
    let compare = move |left| {
        let searcher = Searcher::new(library.shared()).until(left);
        searcher.compare(Query::Bytes(&both[0]), Query::Bytes(&both[1]))
    };
    let found = app.work.heavy.run_until_left(compare).await?;
    let coverage = [found.coverage_a, found.coverage_b];
    Ok(vec![
        json!({"score": score(found.identical, found.verified, coverage)}),
    ])
}

async fn remove(app: App, request: Request) -> Response {
    answer("delete", remove_one(&app, request).await)
}

async fn remove_one(app: &App, request: Request) -> Result<Vec<Value>, Problem> {
    let fields = Fields::read(app, request).await?;
    let path = fields.text(&["filepath", "filepaths[0]"]);
    let path = path.ok_or_else(|| bad_body("The field filepath is needed"))?;
    let library = app.library.clone();
    let remove = move || {
        let ids: Vec<PictureId> = at(&library, &path)?.into_iter().map(|one| one.id).collect();
        library.remove(&ids).map(drop)
    };
    one_by_one(app, remove).await?;
    Ok(Vec::new())
}

async fn count(app: App, request: Request) -> Response {
    intake::discard(request.into_body()).await;
    let library = app.library.clone();
    let counted = app.work.light.run(move || library.count()).await;
    answer("count", counted.map(|count| vec![json!(count)]))
}

async fn list(app: App, request: Request) -> Response {
    answer("list", list_some(&app, request).await)
}

async fn list_some(app: &App, request: Request) -> Result<Vec<Value>, Problem> {
    let fields = Fields::read(app, request).await?;
    let number = |name, or| fields.number(&[name]).map(|n| n.map_or(or, |n| n as u64));
    let (offset, limit) = (number("offset", 0)?, number("limit", LISTED)?.min(MOST));
    if limit == 0 || offset > MAX_OFFSET {
        return Ok(Vec::new());
    }
    let library = app.library.clone();
    let read = move || library.pictures(offset, limit);
    let pictures = app.work.light.run(read).await?;
    Ok(pictures.iter().map(|one| json!(path_of(one))).collect())
}
