//! Answers `{code, msg, data}` below `/api`, as the project that Resight grew from has them: code 200 and `success`,
//! or the HTTP status of the failure and what went wrong. `/api/tot_num` is there in any case.

use axum::Json;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use resight_app::Code;
use resight_engine::{PictureId, SearchOptions};
use serde_json::{Value, json};

use super::super::App;
use super::super::intake::{self, bad_body};
use super::super::params::picture_id;
use super::super::plugins;
use super::super::problem::Problem;
use super::{Fields, MOST, PAGE, added, found, score_of};
use crate::wire::{Picture, Reader};

/// Names of the field with a picture.
const FILES: &[&str] = &["file", "image", "img"];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/search", post(search))
        .route("/api/add", post(add))
        .route("/api/delete", post(remove).delete(remove))
        .route("/api/list", get(list))
}

/// An answer in the form of this interface.
fn answer(done: Result<Value, Problem>) -> Response {
    let (status, msg, data) = match done {
        Ok(data) => (StatusCode::OK, "success".to_owned(), data),
        Err(problem) => (problem.status(), problem.message(), Value::Null),
    };
    let body = json!({"code": status.as_u16(), "msg": msg, "data": data});
    (status, Json(body)).into_response()
}

/// Answers by `work`, unless a plug-in's author asked for the address.
async fn unless_taken<F: Future<Output = Result<Value, Problem>>>(
    app: &App,
    request: Request,
    work: impl FnOnce(Request) -> F,
) -> Response {
    match plugins::by_route(app, request).await {
        Ok(response) => response,
        Err(request) => answer(work(request).await),
    }
}

async fn search(app: App, request: Request) -> Response {
    let work = |request| search_one(&app, request);
    unless_taken(&app, request, work).await
}

async fn search_one(app: &App, request: Request) -> Result<Value, Problem> {
    let fields = Fields::read(app, request).await?;
    let limit = fields.number(&["limit", "topk", "top_k", "num"])?;
    let limit = limit.map_or(PAGE, |number| number as usize);
    let picture = fields.picture(app, FILES, &["url"]).await?;
    let (bytes, _) = picture.ok_or_else(|| bad_body("The field file is needed"))?;
    let options = SearchOptions {
        limit: limit.clamp(1, MOST as usize),
        ..SearchOptions::default()
    };
    let answer = found(app, bytes, options).await?;
    let hits = answer.hits.iter().map(|hit| {
        let mut shown = shown(app, &hit.picture);
        shown["score"] = json!(score_of(hit));
        shown["verified"] = json!(hit.verified);
        shown
    });
    Ok(hits.collect())
}

/// A picture with its addresses.
fn shown(app: &App, picture: &resight_engine::Picture) -> Value {
    let picture = Picture::new(picture.clone(), Reader::Remote(&app.base));
    let whole = serde_json::to_value(picture).unwrap_or_default();
    json!({
        "id": whole["id"],
        "name": whole["name"],
        "url": whole["file"],
        "thumbnail": whole["thumbnail"],
        "width": whole["width"],
        "height": whole["height"],
    })
}

async fn add(app: App, request: Request) -> Response {
    let work = |request| add_one(&app, request);
    unless_taken(&app, request, work).await
}

async fn add_one(app: &App, request: Request) -> Result<Value, Problem> {
    let fields = Fields::read(app, request).await?;
    let picture = fields.picture(app, FILES, &["url"]).await?;
    let (bytes, sent_name) = picture.ok_or_else(|| bad_body("The field file is needed"))?;
    let name = fields.text(&["name"]).unwrap_or(sent_name);
    let added = added(app, bytes, intake::clean_name(&name)).await?;
    let mut data = shown(app, &added.picture);
    data["exists"] = json!(added.already_there);
    Ok(data)
}

async fn remove(app: App, request: Request) -> Response {
    let work = |request| remove_one(&app, request);
    unless_taken(&app, request, work).await
}

async fn remove_one(app: &App, request: Request) -> Result<Value, Problem> {
    let fields = Fields::read(app, request).await?;
    let text = fields.text(&["id"]);
    let text = text.ok_or_else(|| bad_body("The field id is needed"))?;
    let id: PictureId = picture_id("id", &text)?;
    let (library, removed) = (app.library.clone(), id.clone());
    let done = app
        .work
        .light
        .run(move || library.remove(&[removed]))
        .await?;
    match done.first() {
        Some(true) => Ok(json!({"id": id.to_string()})),
        _ => Err(Problem::new(
            Code::UnknownPicture,
            format!("No picture has the id {id}."),
        )),
    }
}

async fn list(app: App, request: Request) -> Response {
    let work = |request| list_some(&app, request);
    unless_taken(&app, request, work).await
}

async fn list_some(app: &App, request: Request) -> Result<Value, Problem> {
    let fields = Fields::read(app, request).await?;
    let size = fields.number(&["size", "page_size", "limit"])?;
    let size = size.map_or(20, |number| number as u64).clamp(1, MOST);
    // Pages count from 1.
    let page = fields.number(&["page"])?.map_or(1, |number| number as u64);
    let offset = page.max(1).saturating_sub(1).saturating_mul(size);
    let library = app.library.clone();
    let read = move || {
        // Beyond what any list has, there is nothing.
        let pictures = match i64::try_from(offset) {
            Ok(_) => library.pictures(offset, size)?,
            Err(_) => Vec::new(),
        };
        Ok((library.count()?, pictures))
    };
    let (total, pictures) = app.work.light.run(read).await?;
    let shown: Vec<Value> = pictures.iter().map(|one| shown(app, one)).collect();
    Ok(json!({"total": total, "page": page.max(1), "size": size, "list": shown}))
}
