//! Search by a picture that is sent, or by one that is stored.

use axum::Json;
use axum::extract::{Request, State};
use resight_engine::{Engine, EngineError, Query, SearchOptions};

use super::App;
use super::intake::{self, Intake};
use super::params::{Params, picture_id};
use super::problem::Problem;
use crate::wire::{self, PictureForm, ProblemBody, Reader, SearchAnswer, StoredQuery};

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
        ("mirrored" = Option<bool>, Query, description = "Whether to look for the query mirrored left to right as well; true by default, and left out with features of a plug-in"),
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
    let engine = app.engine.clone();
    let answer = match intake::picture_or_id(request, app.bodies).await? {
        Intake::Picture(upload) => {
            place
                .run(move || asked.answer(&engine, Query::Bytes(&upload.bytes)))
                .await?
        }
        Intake::Stored(text) => {
            let id = picture_id("image_id", &text)?;
            place
                .run(move || asked.answer(&engine, Query::Stored(&id)))
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
        let mirrored = params.flag_or("mirrored", true)?;
        params.finish("offset, limit, matches, verified_only, expand and mirrored are")?;
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Ok(Self {
            options: SearchOptions {
                offset: number(offset),
                limit: number(limit),
                verified_only,
                expand,
                mirrored,
            },
            matches,
        })
    }

    /// Searches; blocks until it is done.
    fn answer(&self, engine: &Engine, query: Query<'_>) -> Result<SearchAnswer, EngineError> {
        let answer = engine.search(query, &self.options)?;
        let name = wire::query_name(engine, &answer)?;
        let (options, matches) = (&self.options, self.matches);
        Ok(SearchAnswer::new(
            answer,
            name,
            options,
            matches,
            Reader::Remote,
        ))
    }
}
