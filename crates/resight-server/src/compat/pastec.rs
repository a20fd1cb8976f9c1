//! The interface of pastec: pictures are known by numbers that their owner gives. A number is stored as a tag
//! `pastec:NUMBER`, and the text that pastec calls a tag in the metadata as `pastec_tag`.

use axum::Json;
use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use resight_app::Code;
use resight_app::keys::Scope;
use resight_engine::{
    EngineError, Filter, LabelPatch, Library, Order, OrderBy, Picture, SearchOptions, Tag,
};
use serde_json::{Value, json};

use super::super::App;
use super::super::access::Caller;
use super::super::intake::bad_body;
use super::super::params::{Params, path_segment};
use super::super::problem::Problem;
use super::{Fields, added, found, matching, metadata_of, one_by_one, set_metadata};

/// What the tag of a number begins with.
const PREFIX: &str = "pastec:";
const TAG: &str = "pastec_tag";
/// The most hits of a search, as pastec has it.
const HITS: usize = 100;
/// Pictures that are read at a time.
const READ: u64 = 1000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/index/images/{image}", put(add).delete(remove))
        .route("/index/images/{image}/tag", put(add_tag).delete(remove_tag))
        .route("/index/searcher", post(search))
        .route("/index/imageIds", get(ids))
        .route("/index/io", post(io))
        .route("/", post(ping))
}

/// An answer in the form of this interface.
fn answer(done: Result<Value, Problem>) -> Response {
    match done {
        Ok(body) => Json(body).into_response(),
        Err(problem) => {
            let kind = kind(problem.code());
            let body = json!({"type": kind, "detail": problem.message()});
            // Clients read the type, and take another status than 200 for a broken connection.
            let status = match kind.starts_with("IMAGE_") {
                true => StatusCode::OK,
                false => problem.status(),
            };
            (status, Json(body)).into_response()
        }
    }
}

/// The name that pastec has for a failure.
fn kind(code: Code) -> &'static str {
    match code {
        Code::TooSmall => "IMAGE_SIZE_TOO_SMALL",
        Code::TooManyPixels => "IMAGE_SIZE_TOO_BIG",
        Code::TooManyBytes => "IMAGE_DATA_TOO_BIG",
        Code::FetchFailed | Code::FetchTooSlow | Code::FetchTooManyRedirects => {
            "IMAGE_DOWNLOADER_HTTP_ERROR"
        }
        Code::UnknownPicture => "IMAGE_NOT_FOUND",
        Code::BadBody | Code::BadParameter => "MISFORMATTED_REQUEST",
        Code::Busy => "TOO_MANY_CLIENTS",
        Code::Empty
        | Code::Broken
        | Code::NotAnImage
        | Code::FormatNotSupported
        | Code::DecoderFailed
        | Code::FetchWrongType => "IMAGE_NOT_DECODED",
        _ => "ERROR_GENERIC",
    }
}

/// A picture's number in an address.
struct Numbered(u32);

impl FromRequestParts<App> for Numbered {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let text = path_segment("image", parts, app).await;
        let text = text.map_err(|error| answer(Err(error.into())))?;
        text.parse().map(Self).map_err(|_| {
            let problem = bad_body(&format!("{text:?} is no number of a picture"));
            answer(Err(problem))
        })
    }
}

/// The fields of a body, which clients send as it is, whatever content type their libraries add.
async fn fields_of(app: &App, mut request: Request) -> Result<Fields, Problem> {
    let headers = request.headers_mut();
    let given = headers.get(header::CONTENT_TYPE);
    if given.is_some_and(|value| value == "application/x-www-form-urlencoded") {
        headers.remove(header::CONTENT_TYPE);
    }
    Fields::read(app, request).await
}

fn tag_of(number: u32) -> Option<Tag> {
    Tag::parse(&format!("{PREFIX}{number}"))
}

/// The numbers of a picture.
fn numbers(picture: &Picture) -> impl Iterator<Item = u32> {
    let tags = picture.labels.tags.iter();
    tags.filter_map(|tag| tag.as_str().strip_prefix(PREFIX)?.parse().ok())
}

/// The pictures with a number; one, unless somebody has set tags by other means.
fn with_number(library: &Library, number: u32) -> Result<Vec<Picture>, EngineError> {
    let filter = Filter {
        tags: tag_of(number).into_iter().collect(),
        ..Filter::default()
    };
    matching(library, &filter)
}

/// Takes a number from a picture, and removes the picture where nothing else keeps it, if that is allowed.
fn take_number(
    library: &Library,
    picture: &Picture,
    number: u32,
    may_remove: bool,
) -> Result<(), EngineError> {
    let is_other = |one: u32| one != number;
    if !may_remove
        || numbers(picture).any(is_other)
        || !picture.uploaded
        || !picture.sources.is_empty()
    {
        let patch = LabelPatch {
            remove_tags: tag_of(number).into_iter().collect(),
            ..LabelPatch::default()
        };
        return library.label(vec![(picture.id.clone(), patch)]).map(drop);
    }
    library.remove(std::slice::from_ref(&picture.id)).map(drop)
}

async fn ping(app: App, request: Request) -> Response {
    let pong = async {
        let fields = fields_of(&app, request).await?;
        match fields.text(&["type"]).as_deref() {
            Some("PING") => Ok(json!({"type": "PONG"})),
            _ => Err(bad_body("The type is PING")),
        }
    };
    answer(pong.await)
}

async fn add(app: App, caller: Caller, Numbered(number): Numbered, request: Request) -> Response {
    let may_remove = caller.allows(Scope::Delete);
    answer(add_one(&app, may_remove, number, request).await)
}

async fn add_one(
    app: &App,
    may_remove: bool,
    number: u32,
    request: Request,
) -> Result<Value, Problem> {
    let fields = fields_of(app, request).await?;
    let picture = fields.picture(app, &["image", "file"], &["url"]).await?;
    let (bytes, name) = picture.ok_or_else(|| bad_body("The request has no picture"))?;
    let name = match name.is_empty() {
        true => number.to_string(),
        false => name,
    };
    let new = added(app, bytes, name).await?.picture;
    let features = new.features;
    let library = app.library.clone();
    let label = move || {
        let patch = LabelPatch {
            add_tags: tag_of(number).into_iter().collect(),
            ..LabelPatch::default()
        };
        library.label(vec![(new.id.clone(), patch)])?;
        // Another picture that had the number gives way.
        for other in with_number(&library, number)? {
            if other.id != new.id {
                take_number(&library, &other, number, may_remove)?;
            }
        }
        Ok(())
    };
    one_by_one(app, label).await?;
    Ok(json!({
        "type": "IMAGE_ADDED",
        "image_id": number,
        "nb_features_extracted": features,
    }))
}

async fn remove(app: App, Numbered(number): Numbered) -> Response {
    let library = app.library.clone();
    let remove = move || {
        let found = with_number(&library, number)?;
        for picture in &found {
            take_number(&library, picture, number, true)?;
        }
        Ok(!found.is_empty())
    };
    answer(match one_by_one(&app, remove).await {
        Ok(true) => Ok(json!({"type": "IMAGE_REMOVED", "image_id": number})),
        Ok(false) => Err(unknown(number)),
        Err(problem) => Err(problem),
    })
}

fn unknown(number: u32) -> Problem {
    Problem::new(
        Code::UnknownPicture,
        format!("No picture has the number {number}."),
    )
}

async fn add_tag(app: App, Numbered(number): Numbered, request: Request) -> Response {
    let tagged = async {
        let fields = fields_of(&app, request).await?;
        // As it is, or as a member of JSON.
        let text = fields.text(&["tag"]).or_else(|| {
            let (bytes, _) = fields.file(&["image"])?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        });
        let text = text.ok_or_else(|| bad_body("The request has no tag"))?;
        set_tag(&app, number, Some(text)).await?;
        Ok(json!({"type": "IMAGE_TAG_ADDED", "image_id": number}))
    };
    answer(tagged.await)
}

async fn remove_tag(app: App, Numbered(number): Numbered) -> Response {
    let removed = set_tag(&app, number, None).await;
    answer(removed.map(|()| json!({"type": "IMAGE_TAG_REMOVED", "image_id": number})))
}

async fn set_tag(app: &App, number: u32, text: Option<String>) -> Result<(), Problem> {
    let library = app.library.clone();
    let set = move || {
        let found = with_number(&library, number)?;
        for picture in &found {
            let mut metadata = metadata_of(picture);
            match &text {
                Some(text) => drop(metadata.insert(TAG.into(), text.clone().into())),
                None => drop(metadata.remove(TAG)),
            }
            set_metadata(&library, &picture.id, metadata)?;
        }
        Ok(!found.is_empty())
    };
    match one_by_one(app, set).await? {
        true => Ok(()),
        false => Err(unknown(number)),
    }
}

async fn search(app: App, request: Request) -> Response {
    answer(search_one(&app, request).await)
}

async fn search_one(app: &App, request: Request) -> Result<Value, Problem> {
    let fields = fields_of(app, request).await?;
    let picture = fields.picture(app, &["image", "file"], &["url"]).await?;
    let (bytes, _) = picture.ok_or_else(|| bad_body("The request has no picture"))?;
    let options = SearchOptions {
        limit: HITS,
        verified_only: true,
        filter: Filter {
            tag_prefixes: vec![PREFIX.to_owned()],
            ..Filter::default()
        },
        ..SearchOptions::default()
    };
    let answer = found(app, bytes, options).await?;
    let (mut ids, mut tags, mut scores, mut rects) = (vec![], vec![], vec![], vec![]);
    for hit in &answer.hits {
        let tag = metadata_of(&hit.picture).remove(TAG);
        let tag = tag.unwrap_or_else(|| json!(""));
        // In the picture that was sent.
        let rect = bounding_rect(hit.shared_query.as_deref().unwrap_or_default());
        for number in numbers(&hit.picture) {
            ids.push(number);
            tags.push(tag.clone());
            scores.push(hit.inliers);
            rects.push(rect.clone());
        }
    }
    Ok(json!({
        "type": "SEARCH_RESULTS",
        "image_ids": ids,
        "tags": tags,
        "scores": scores,
        "bounding_rects": rects,
    }))
}

fn bounding_rect(outline: &[[f64; 2]]) -> Value {
    let range = |axis: usize| {
        let values = outline.iter().map(|corner| corner[axis].max(0.0));
        let first = values.clone().fold(f64::INFINITY, f64::min);
        let last = values.fold(0.0, f64::max);
        match first <= last {
            true => (first.floor() as u64, (last.ceil() - first.floor()) as u64),
            false => (0, 0),
        }
    };
    let ((x, width), (y, height)) = (range(0), range(1));
    json!({"x": x, "y": y, "width": width, "height": height})
}

async fn ids(app: App, uri: Uri) -> Response {
    let listed = async {
        Params::none(&uri)?;
        let library = app.library.clone();
        app.work.light.run(move || all_numbers(&library)).await
    };
    let body = |ids: Vec<u32>| json!({"type": "INDEX_IMAGE_IDS", "image_ids": ids});
    answer(listed.await.map(body))
}

fn all_numbers(library: &Library) -> Result<Vec<u32>, EngineError> {
    let filter = Filter {
        tag_prefixes: vec![PREFIX.to_owned()],
        ..Filter::default()
    };
    let oldest_first = Order {
        by: OrderBy::Added,
        descending: false,
    };
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = library.pictures_after(&filter, oldest_first, after.as_ref(), READ)?;
        let Some((last, _)) = page.last() else {
            break;
        };
        after = Some(last.clone());
        all.extend(page.iter().flat_map(|(_, picture)| numbers(picture)));
    }
    all.sort_unstable();
    Ok(all)
}

/// Pastec's index is in memory and is read and written by the client's command. Here it is durable at any time.
async fn io(app: App, request: Request) -> Response {
    answer(io_one(&app, request).await)
}

async fn io_one(app: &App, request: Request) -> Result<Value, Problem> {
    let fields = fields_of(app, request).await?;
    let done = match fields.text(&["type"]).as_deref() {
        Some("LOAD") => "INDEX_LOADED",
        Some("WRITE") => "INDEX_WRITTEN",
        Some("LOAD_TAGS") => "INDEX_TAGS_LOADED",
        Some("WRITE_TAGS") => "INDEX_TAGS_WRITTEN",
        Some("CLEAR") => {
            let library = app.library.clone();
            let clear = move || {
                for number in all_numbers(&library)? {
                    for picture in with_number(&library, number)? {
                        take_number(&library, &picture, number, true)?;
                    }
                }
                Ok(())
            };
            app.work.light.run(clear).await?;
            "INDEX_CLEARED"
        }
        _ => return Err(bad_body("The type is LOAD, WRITE or CLEAR")),
    };
    Ok(json!({"type": done}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_is_around_all_corners() {
        let outline = [[10.5, 3.0], [20.2, -4.0], [15.0, 30.0]];
        assert_eq!(
            bounding_rect(&outline),
            json!({"x": 10, "y": 0, "width": 11, "height": 30})
        );
        assert_eq!(
            bounding_rect(&[]),
            json!({"x": 0, "y": 0, "width": 0, "height": 0})
        );
    }

    #[test]
    fn failures_have_the_names_of_pastec() {
        assert_eq!(kind(Code::Broken), "IMAGE_NOT_DECODED");
        assert_eq!(kind(Code::TooSmall), "IMAGE_SIZE_TOO_SMALL");
        assert_eq!(kind(Code::UnknownPicture), "IMAGE_NOT_FOUND");
    }
}
