//! Search by pictures that are sent, or that are stored; comparison of two; features to search with.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Json;
use axum::extract::Request;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use resight_engine::{
    EngineError, Mode, QueryPicture, Region, SearchOptions, Searcher, Variant, features_blob,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::App;
use super::access::Caller;
use super::filters;
use super::filters::Filters;
use super::intake::{self, FEATURES, Sent, bad_body};
use super::params::{Flag, Page, Params, bad, parsed_option, picture_id};
use super::problem::Problem;
use super::wanted::{self, Wanted};
use crate::wire::{
    Comparison, FileBytes, PairForm, PictureForm, PicturesForm, ProblemBody, SearchAnswer,
    StoredPair, StoredQuery,
};

/// Hits when no limit is given.
const PAGE: u64 = 20;

/// The stored pictures in which the query, or a part of it, is seen again.
#[utoipa::path(
    post, path = "/search", tag = "search", operation_id = "search",
    params(Page, SearchParameters, Filters),
    request_body(
        description = "At most 10 pictures of the same thing: in a form, one as it is, features that /v1/features gave, the ids of stored ones, or the address of one",
        content((PicturesForm = "multipart/form-data"), (StoredQuery = "application/json"), (inline(FileBytes) = "image/*"), (inline(FileBytes) = "application/octet-stream"), (inline(FileBytes) = "application/vnd.resight.features")),
    ),
    responses(
        (status = 200, description = "The hits", body = SearchAnswer),
        (status = 404, description = "No stored picture has this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not a form, a picture or JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The picture, the JSON or a parameter cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn search(
    app: App,
    caller: Caller,
    request: Request,
) -> Result<Json<SearchAnswer>, Problem> {
    let request = app.work.heavy.look_in(request).await?;
    let asked = Params::of(request.uri()).and_then(|params| SearchRequest::of(params, &caller));
    let asked = match asked {
        Ok(asked) => asked,
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    let (wanted, filter) = wanted::queries(intake::pictures_or_json(request, &app.bodies).await?)?;
    let asked = match filter {
        Some(filter) => asked.within(&filter, &caller)?,
        None => asked,
    };
    let wanted = fetched(&app, wanted).await?;
    let heavy = app.work.heavy.clone();
    let answer = move |left| asked.answer(&app, &wanted, left);
    Ok(Json(heavy.run_until_left(answer).await?))
}

/// The same by a stored picture, or a region of it, in an address that can be kept.
#[utoipa::path(
    get, path = "/search", tag = "search", operation_id = "search_stored",
    params(StoredImage, Page, SearchParameters, Filters),
    responses(
        (status = 200, description = "The hits", body = SearchAnswer),
        (status = 404, description = "No stored picture has this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A parameter cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn search_stored(
    app: App,
    caller: Caller,
    uri: Uri,
) -> Result<Json<SearchAnswer>, Problem> {
    let mut params = Params::of(&uri)?;
    let StoredImage { image_id: id } = params.take()?;
    let id = id.ok_or_else(|| bad("image_id", &"is missing: give the id of a stored picture"))?;
    let wanted = [Wanted::Stored(picture_id("image_id", &id)?)];
    let asked = SearchRequest::of(params, &caller)?;
    let heavy = app.work.heavy.clone();
    let answer = move |left| asked.answer(&app, &wanted, left);
    Ok(Json(heavy.run_until_left(answer).await?))
}

/// What two pictures, sent or stored, share: without the index, all features with all.
#[utoipa::path(
    post, path = "/compare", tag = "search", operation_id = "compare",
    request_body(
        description = "The two pictures: in a form as files or ids, or the ids of two stored ones",
        content((PairForm = "multipart/form-data"), (StoredPair = "application/json")),
    ),
    responses(
        (status = 200, description = "What they share, with the matched points", body = Comparison),
        (status = 404, description = "No stored picture has this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not a form or JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A picture or the JSON cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn compare(app: App, request: Request) -> Result<Json<Comparison>, Problem> {
    let request = app.work.heavy.look_in(request).await?;
    let sent = sent_alone(request, &app).await?;
    let [a, b] = wanted::pair(sent)?;
    let library = app.library.clone();
    let compare = move |left| {
        let searcher = Searcher::new(library.shared()).until(left);
        searcher.compare(a.query(), b.query())
    };
    let comparison = app.work.heavy.run_until_left(compare);
    Ok(Json(comparison.await?.into()))
}

/// The local features of a picture, as bytes to search with later: a tenth of a second's work that
/// need not be done again, and the picture itself need not be sent.
#[utoipa::path(
    post, path = "/features", tag = "search", operation_id = "features",
    request_body(
        description = "The picture, in a form or as it is",
        content((PictureForm = "multipart/form-data"), (inline(FileBytes) = "image/*"), (inline(FileBytes) = "application/octet-stream")),
    ),
    responses(
        (status = 200, description = "The features; they carry the version of the format and the model that made them", body = inline(FileBytes), content_type = "application/vnd.resight.features"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not a form or a picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The picture cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn features(app: App, request: Request) -> Result<Response, Problem> {
    let request = app.work.heavy.look_in(request).await?;
    if let Err(problem) = Params::none(request.uri()) {
        intake::discard(request.into_body()).await;
        return Err(problem);
    }
    let bytes = intake::picture(request, &app.bodies).await?;
    let library = app.library.clone();
    let blob = app.work.heavy.run(move || {
        let encoded = features_blob(&bytes, &**library.extractor(), library.options())?;
        Ok(encoded.0)
    });
    Ok(([(header::CONTENT_TYPE, FEATURES)], blob.await?).into_response())
}

/// The same pictures, with those at addresses fetched.
async fn fetched(app: &App, wanted: Vec<Wanted>) -> Result<Vec<Wanted>, Problem> {
    let mut found = Vec::with_capacity(wanted.len());
    for one in wanted {
        found.push(match one {
            Wanted::Address(url) => Wanted::Sent(app.fetcher.fetch(&url, &app.bodies).await?.bytes),
            other => other,
        });
    }
    Ok(found)
}

/// A body of a request that takes no parameters.
async fn sent_alone(request: Request, app: &App) -> Result<Sent, Problem> {
    if let Err(problem) = Params::none(request.uri()) {
        intake::discard(request.into_body()).await;
        return Err(problem);
    }
    intake::pictures_or_json(request, &app.bodies).await
}

/// Which stored picture to search by.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StoredImage {
    /// Id of the stored picture; it is left out of the results
    #[param(value_type = String, required = true)]
    image_id: Option<String>,
}

/// What a search finds, and what it says of each hit.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParameters {
    /// Whether to return the matched points of each hit; false by default
    #[param(value_type = Option<bool>)]
    matches: Option<Flag>,
    /// Whether to leave out hits that are not verified; false by default
    #[param(value_type = Option<bool>)]
    verified_only: Option<Flag>,
    /// Whether to ask once more with what verified hits show of the same thing; true by default
    #[param(value_type = Option<bool>)]
    expand: Option<Flag>,
    /// Whether to look for the query mirrored left to right as well; true by default, and left out with features of a plug-in
    #[param(value_type = Option<bool>)]
    mirrored: Option<Flag>,
    /// Whether to look for the query with its tones inverted, as in a negative, as well; true by default, and left out with features of a plug-in
    #[param(value_type = Option<bool>)]
    inverted: Option<Flag>,
    /// What counts as found: `exact`, the same thing by its details; `similar`, what looks alike as a whole, by the models in use; `auto` (default), both, the same thing first
    #[serde(default, deserialize_with = "parsed_option")]
    #[param(value_type = Option<String>)]
    mode: Option<Mode>,
    /// Only what is inside counts: x,y,width,height in pixels of the picture, or pct:x,y,width,height in percent; for one picture
    #[serde(default, deserialize_with = "parsed_option")]
    #[param(value_type = Option<String>)]
    region: Option<Region>,
    /// `object`: return each object once, by the best of its pictures; pictures of no object stand for themselves
    #[serde(default, deserialize_with = "parsed_option")]
    #[param(value_type = Option<String>)]
    group_by: Option<Grouping>,
}

/// What hits are grouped by.
struct Grouping;

impl FromStr for Grouping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "object" {
            Ok(Self)
        } else {
            Err(format!("must be object; it is {text:?}"))
        }
    }
}

/// A search as the parameters ask for it.
struct SearchRequest {
    options: SearchOptions,
    region: Option<Region>,
    matches: bool,
}

impl SearchRequest {
    fn of(mut params: Params, caller: &Caller) -> Result<Self, Problem> {
        let (offset, limit) = params.take::<Page>()?.or(PAGE);
        let given: SearchParameters = params.take()?;
        let filter = params.take::<Filters>()?.filter(caller)?;
        params.finish()?;
        let flag = |given: Option<Flag>, default: bool| given.map_or(default, |flag| flag.0);
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Ok(Self {
            options: SearchOptions {
                offset: number(offset),
                limit: number(limit),
                verified_only: flag(given.verified_only, false),
                expand: flag(given.expand, true),
                filter,
                group_by_object: given.group_by.is_some(),
                variants: Variant {
                    mirrored: flag(given.mirrored, true),
                    inverted: flag(given.inverted, true),
                },
                mode: given.mode.unwrap_or(Mode::Auto),
            },
            region: given.region,
            matches: flag(given.matches, false),
        })
    }

    /// The same with the filter of a body of JSON, where the address has none.
    fn within(mut self, filter: &Map<String, Value>, caller: &Caller) -> Result<Self, Problem> {
        if !self.options.filter.is_empty() {
            return Err(bad_body(
                "Give the filter in the address or in the JSON, not in both",
            ));
        }
        let mut params = Params::from(filters::parameters(filter)?);
        self.options.filter = params.take::<Filters>()?.filter(caller)?;
        params.finish()?;
        Ok(self)
    }

    /// Searches; blocks until it is done, or until its client has left.
    fn answer(
        &self,
        app: &App,
        wanted: &[Wanted],
        left: Arc<AtomicBool>,
    ) -> Result<SearchAnswer, EngineError> {
        if self.region.is_some() && wanted.len() > 1 {
            let detail = "a region is of one picture, and several were given";
            return Err(EngineError::BadQuery(detail.into()));
        }
        let region = self.region;
        let queries: Vec<QueryPicture<'_>> = wanted
            .iter()
            .map(|picture| QueryPicture {
                query: picture.query(),
                region,
            })
            .collect();
        let searcher = Searcher::new(app.library.shared()).until(left);
        let answer = searcher.search_all(&queries, &self.options)?;
        app.figures.searched(&answer.timings);
        let (options, matches) = (&self.options, self.matches);
        SearchAnswer::new(&app.library, answer, options, matches, app.reader())
    }
}
