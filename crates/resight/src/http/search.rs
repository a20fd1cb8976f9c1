//! Search by a picture that is sent, or by one that is stored.

use axum::Json;
use axum::extract::{Request, State};
use resight_engine::{EngineError, Query, SearchOptions};

use super::App;
use super::intake::{self, Intake};
use super::labels;
use super::params::{Params, picture_id};
use super::problem::Problem;
use crate::wire::{self, PictureForm, ProblemBody, SearchAnswer, StoredQuery};

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
    ),
    request_body(
        description = "The picture, in a form or as it is, or the id of a stored one",
        content((PictureForm = "multipart/form-data"), (StoredQuery = "application/json"), (Vec<u8> = "image/*"), (Vec<u8> = "application/octet-stream")),
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
pub(super) async fn search(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SearchAnswer>, Problem> {
    let (place, request) = app.work.heavy.enter_with(request).await?;
    let asked = match Asked::of(&request) {
        Ok(asked) => asked,
        Err(problem) => {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
    };
    let answer = match intake::picture_or_id(request, app.bodies).await? {
        Intake::Picture(upload) => {
            place
                .run(move || asked.answer(&app, Query::Bytes(&upload.bytes)))
                .await?
        }
        Intake::Stored(text) => {
            let id = picture_id("image_id", &text)?;
            place
                .run(move || asked.answer(&app, Query::Stored(&id)))
                .await?
        }
    };
    Ok(Json(answer))
}

/// The parameters of a search.
struct Asked {
    options: SearchOptions,
    matches: bool,
}

impl Asked {
    fn of(request: &Request) -> Result<Self, Problem> {
        let mut params = Params::of(request.uri())?;
        let (offset, limit) = params.page(PAGE)?;
        let matches = params.flag("matches")?;
        let verified_only = params.flag("verified_only")?;
        let expand = params.flag_or("expand", true)?;
        let group_by_object = params.one_of("group_by", &["object"])?.is_some();
        let filter = labels::filter(&mut params)?;
        params.finish(&format!(
            "offset, limit, matches, verified_only, expand, group_by, {} are",
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
            },
            matches,
        })
    }

    /// Searches; blocks until it is done.
    fn answer(&self, app: &App, query: Query<'_>) -> Result<SearchAnswer, EngineError> {
        let (engine, reader) = (&app.engine, app.reader());
        let answer = engine.search(query, &self.options)?;
        let name = wire::query_name(engine, &answer)?;
        let (options, matches) = (&self.options, self.matches);
        Ok(SearchAnswer::new(answer, name, options, matches, reader))
    }
}
