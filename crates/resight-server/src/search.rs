//! Search by pictures that are sent, or that are stored; comparison of two; features to search with.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use resight_engine::{
    EngineError, Mode, QueryPicture, Region, SearchOptions, Searcher, Variant, features_blob,
};

use super::App;
use super::intake::{self, FEATURES, Sent};
use super::labels;
use super::params::{Params, bad, picture_id};
use super::problem::Problem;
use super::wanted::{self, Wanted};
use crate::wire::{
    Comparison, PairForm, PictureForm, PicturesForm, ProblemBody, SearchAnswer, StoredPair,
    StoredQuery,
};

/// Hits when no limit is given.
const PAGE: u64 = 20;

/// The stored pictures in which the query, or a part of it, is seen again.
#[utoipa::path(
    post, path = "/v1/search", tag = "search", operation_id = "search",
    params(
        ("offset" = Option<u64>, Query, description = "How many hits to skip; 0 by default"),
        ("limit" = Option<u64>, Query, description = "How many hits to give, 1 to 1000; 20 by default", minimum = 1, maximum = 1000),
        ("matches" = Option<bool>, Query, description = "Whether to give the matched points of each hit; false by default"),
        ("verified_only" = Option<bool>, Query, description = "Whether to leave out hits that are not verified; false by default"),
        ("expand" = Option<bool>, Query, description = "Whether to ask once more with what verified hits show of the same thing; true by default"),
        ("group_by" = Option<String>, Query, description = "`object`: give each object once, by the best of its pictures; pictures of no object stand for themselves"),
        ("tag" = Option<Vec<String>>, Query, description = "Look for pictures with this tag only; given several times, with all of them"),
        ("not_tag" = Option<Vec<String>>, Query, description = "Look for pictures without this tag only; may be given several times"),
        ("object" = Option<String>, Query, description = "Look for pictures of this object only"),
        ("meta.KEY" = Option<String>, Query, description = "Look for pictures only whose metadata has this value at KEY, which may be any"),
        ("region" = Option<String>, Query, description = "Only what is inside counts: x,y,width,height in pixels of the picture, or pct:x,y,width,height in percent; for one picture"),
        ("mode" = Option<String>, Query, description = "What counts as found: `exact`, the same thing by its details; `similar`, what looks alike as a whole, by the models in use; `auto` (default), both, the same thing first"),
        ("mirrored" = Option<bool>, Query, description = "Whether to look for the query mirrored left to right as well; true by default, and left out with features of a plug-in"),
        ("inverted" = Option<bool>, Query, description = "Whether to look for the query with its tones inverted, as in a negative, as well; true by default, and left out with features of a plug-in"),
    ),
    request_body(
        description = "One or several pictures of the same thing, 10 at most: in a form, one as it is, features that /v1/features gave, or the ids of stored ones",
        content((PicturesForm = "multipart/form-data"), (StoredQuery = "application/json"), (Vec<u8> = "image/*"), (Vec<u8> = "application/octet-stream"), (Vec<u8> = "application/vnd.resight.features")),
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
    State(app): State<App>,
    request: Request,
) -> Result<Json<SearchAnswer>, Problem> {
    let (place, request) = app.work.heavy.enter_with(request).await?;
    let asked = Params::of(request.uri()).and_then(Asked::of);
    let asked = match asked {
        Ok(asked) => asked,
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    let wanted = wanted::queries(intake::pictures_or_json(request, app.bodies).await?)?;
    let answer = place.run(move || asked.answer(&app, &wanted)).await?;
    Ok(Json(answer))
}

/// The same by a stored picture, or a region of it, in an address that can be kept.
#[utoipa::path(
    get, path = "/v1/search", tag = "search", operation_id = "search_stored",
    params(
        ("image_id" = String, Query, description = "Id of the stored picture; it is left out of the results"),
        ("region" = Option<String>, Query, description = "Only what is inside counts: x,y,width,height in pixels of the picture, or pct:x,y,width,height in percent"),
        ("offset" = Option<u64>, Query, description = "How many hits to skip; 0 by default"),
        ("limit" = Option<u64>, Query, description = "How many hits to give, 1 to 1000; 20 by default", minimum = 1, maximum = 1000),
        ("matches" = Option<bool>, Query, description = "Whether to give the matched points of each hit; false by default"),
        ("verified_only" = Option<bool>, Query, description = "Whether to leave out hits that are not verified; false by default"),
        ("expand" = Option<bool>, Query, description = "Whether to ask once more with what verified hits show of the same thing; true by default"),
        ("group_by" = Option<String>, Query, description = "`object`: give each object once, by the best of its pictures; pictures of no object stand for themselves"),
        ("tag" = Option<Vec<String>>, Query, description = "Look for pictures with this tag only; given several times, with all of them"),
        ("not_tag" = Option<Vec<String>>, Query, description = "Look for pictures without this tag only; may be given several times"),
        ("object" = Option<String>, Query, description = "Look for pictures of this object only"),
        ("meta.KEY" = Option<String>, Query, description = "Look for pictures only whose metadata has this value at KEY, which may be any"),
        ("mode" = Option<String>, Query, description = "What counts as found: `exact`, the same thing by its details; `similar`, what looks alike as a whole, by the models in use; `auto` (default), both, the same thing first"),
        ("mirrored" = Option<bool>, Query, description = "Whether to look for the query mirrored left to right as well; true by default, and left out with features of a plug-in"),
        ("inverted" = Option<bool>, Query, description = "Whether to look for the query with its tones inverted, as in a negative, as well; true by default, and left out with features of a plug-in"),
    ),
    responses(
        (status = 200, description = "The hits", body = SearchAnswer),
        (status = 404, description = "No stored picture has this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A parameter cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn search_stored(
    State(app): State<App>,
    uri: Uri,
) -> Result<Json<SearchAnswer>, Problem> {
    let mut params = Params::of(&uri)?;
    let id = params.text("image_id")?;
    let id = id.ok_or_else(|| bad("image_id", &"is missing: give the id of a stored picture"))?;
    let wanted = [Wanted::Stored(picture_id("image_id", &id)?)];
    let asked = Asked::of(params)?;
    let heavy = app.work.heavy.clone();
    let answer = move || asked.answer(&app, &wanted);
    Ok(Json(heavy.run(answer).await?))
}

/// What two pictures, sent or stored, share: without the index, all features with all.
#[utoipa::path(
    post, path = "/v1/compare", tag = "search", operation_id = "compare",
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
pub(crate) async fn compare(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Comparison>, Problem> {
    let (place, request) = app.work.heavy.enter_with(request).await?;
    let sent = sent_alone(request, &app).await?;
    let [a, b] = wanted::pair(sent)?;
    let engine = app.engine.clone();
    let comparison = place.run(move || Searcher::new(engine.clone()).compare(a.query(), b.query()));
    Ok(Json(comparison.await?.into()))
}

/// The local features of a picture, as bytes to search with later: a tenth of a second's work that
/// need not be done again, and the picture itself need not be sent.
#[utoipa::path(
    post, path = "/v1/features", tag = "search", operation_id = "features",
    request_body(
        description = "The picture, in a form or as it is",
        content((PictureForm = "multipart/form-data"), (Vec<u8> = "image/*"), (Vec<u8> = "application/octet-stream")),
    ),
    responses(
        (status = 200, description = "The features; they carry the version of the format and the model that made them", body = Vec<u8>, content_type = "application/vnd.resight.features"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not a form or a picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The picture cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much work is waiting", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn features(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let (place, request) = app.work.heavy.enter_with(request).await?;
    if let Err(problem) = no_parameters(request.uri()) {
        intake::discard(request.into_body()).await;
        return Err(problem);
    }
    let upload = intake::picture(request, app.bodies).await?;
    let engine = app.engine.clone();
    let blob = place.run(move || {
        let encoded = features_blob(&upload.bytes, &**engine.extractor(), engine.options())?;
        Ok(encoded.0)
    });
    Ok(([(header::CONTENT_TYPE, FEATURES)], blob.await?).into_response())
}

/// A body of a request that takes no parameters.
async fn sent_alone(request: Request, app: &App) -> Result<Sent, Problem> {
    if let Err(problem) = no_parameters(request.uri()) {
        intake::discard(request.into_body()).await;
        return Err(problem);
    }
    intake::pictures_or_json(request, app.bodies).await
}

fn no_parameters(uri: &Uri) -> Result<(), Problem> {
    Params::of(uri)?.finish("there are no parameters")
}

/// The parameters of a search.
struct Asked {
    options: SearchOptions,
    region: Option<Region>,
    matches: bool,
}

impl Asked {
    fn of(mut params: Params) -> Result<Self, Problem> {
        let (offset, limit) = params.page(PAGE)?;
        let matches = params.flag("matches")?;
        let verified_only = params.flag("verified_only")?;
        let expand = params.flag_or("expand", true)?;
        let group_by_object = params.one_of("group_by", &["object"])?.is_some();
        let filter = labels::filter(&mut params)?;
        let variants = Variant {
            mirrored: params.flag_or("mirrored", true)?,
            inverted: params.flag_or("inverted", true)?,
        };
        let mode = params.one_of("mode", &Mode::NAMES)?.unwrap_or("auto");
        let mode = mode.parse::<Mode>().map_err(|what| bad("mode", &what))?;
        let region = params.text("region")?.map(|text| text.parse::<Region>());
        let region = region.transpose().map_err(|what| bad("region", &what))?;
        params.finish(&format!(
            "offset, limit, matches, verified_only, expand, mirrored, inverted, mode, region, group_by, {} are",
            labels::FILTERS
        ))?;
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Ok(Self {
            options: SearchOptions {
                offset: number(offset),
                limit: number(limit),
                verified_only,
                expand,
                filter,
                group_by_object,
                variants,
                mode,
            },
            region,
            matches,
        })
    }

    /// Searches; blocks until it is done.
    fn answer(&self, app: &App, wanted: &[Wanted]) -> Result<SearchAnswer, EngineError> {
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
        let answer = Searcher::new(app.engine.clone()).search_all(&queries, &self.options)?;
        let (options, matches) = (&self.options, self.matches);
        SearchAnswer::new(&app.engine, answer, options, matches, app.reader())
    }
}
