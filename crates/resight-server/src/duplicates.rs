//! Groups of duplicates, and what is no match.

use axum::Json;
use axum::extract::Request;
use axum::http::Uri;
use axum::response::Response;
use resight_app::Code;
use resight_engine::{DuplicateOptions, Duplicates, PairKind, PictureId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::intake::{self, Sent};
use super::listing::{self, Following};
use super::params::{Page, Params, Whole, bad, picture_id};
use super::problem::Problem;
use super::wanted;
use crate::wire::{Decision, DuplicateList, NotAMatchList, ProblemBody, TwoPictures};

/// Groups when no limit is given.
const PAGE: u64 = 20;
/// Decisions when no limit is given.
const DECISIONS: u64 = 100;
/// The largest decision read, in bytes: two ids, written wastefully.
const DECISION_BYTES: u64 = 4 << 10;
/// Files of a group that may be asked for at least.
pub(crate) const MOST_MEMBERS: u64 = 1_000_000;

/// Which groups a list holds.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GroupParameters {
    /// Only groups of this kind: identical, re-encoded, edited, cropped or same_scene
    kind: Option<String>,
    /// Only groups of so many files or more; 2 by default
    #[param(value_type = Option<u64>, minimum = 2)]
    min_size: Option<Whole<2, MOST_MEMBERS>>,
}

/// Groups of pictures that are the same or show the same.
#[utoipa::path(
    get, path = "/duplicates", tag = "duplicates", operation_id = "duplicates",
    params(Page, GroupParameters),
    responses(
        (status = 200, description = "One page", body = DuplicateList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(app: App, uri: Uri) -> Result<Json<DuplicateList>, Problem> {
    let mut params = Params::of(&uri)?;
    let (offset, limit) = params.take::<Page>()?.or(PAGE);
    let GroupParameters { kind, min_size } = params.take()?;
    params.finish()?;
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let options = DuplicateOptions {
        offset: number(offset),
        limit: number(limit),
        kind: kind.as_deref().map(kind_named).transpose()?,
        min_size: number(min_size.map_or(2, Whole::value)),
    };
    let library = app.library.clone();
    let work = move || Duplicates::new(library.shared()).groups(&options);
    // All pairs come into memory: not more often at once than searches.
    let found = app.work.heavy.run(work).await?;
    Ok(Json(DuplicateList::new(found, &options, app.reader())))
}

fn kind_named(name: &str) -> Result<PairKind, Problem> {
    let found = PairKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    found.ok_or_else(|| {
        let names = PairKind::ALL.map(PairKind::as_str).join(", ");
        let detail = format!("The parameter kind must be one of {names}; it is {name:?}.");
        Problem::new(Code::BadParameter, detail)
    })
}

/// Says that two pictures are no match: neither finds the other any more, and no group holds both.
#[utoipa::path(
    post, path = "/not-a-match", tag = "duplicates", operation_id = "add_not_a_match",
    request_body = TwoPictures,
    responses(
        (status = 200, description = "It is noted", body = Decision),
        (status = 404, description = "One of them is not stored", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The JSON cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn add(app: App, request: Request) -> Result<Json<Decision>, Problem> {
    decide(app, request, true).await
}

/// Takes back that two pictures are no match.
#[utoipa::path(
    delete, path = "/not-a-match", tag = "duplicates", operation_id = "drop_not_a_match",
    request_body = TwoPictures,
    responses(
        (status = 200, description = "It is taken back", body = Decision),
        (status = 422, description = "The JSON cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn drop(app: App, request: Request) -> Result<Json<Decision>, Problem> {
    decide(app, request, false).await
}

/// Pairs of which it was said that they are no match, the newest first.
#[utoipa::path(
    get, path = "/not-a-match", tag = "duplicates", operation_id = "list_not_a_match",
    params(Page, Following),
    responses(
        (status = 200, description = "One page", body = NotAMatchList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn decisions(app: App, uri: Uri) -> Result<Response, Problem> {
    let mut params = Params::of(&uri)?;
    let (offset, limit) = params.take::<Page>()?.or(DECISIONS);
    let address = format!("{}/not-a-match", app.base);
    let after = listing::decision_after(&mut params, &app.cursors, &address)?;
    params.finish()?;
    if after.is_some() && offset > 0 {
        return Err(bad("offset", &"cannot be given with a cursor"));
    }
    let library = app.library.clone();
    let found = move || {
        let duplicates = Duplicates::new(library.shared());
        match after {
            Some(after) => duplicates.not_matches_after(&after, limit + 1),
            None => duplicates.not_matches(offset, limit + 1),
        }
    };
    let mut page = app.work.light.run(found).await?;
    let has_more = page.pairs.len() as u64 > limit;
    page.pairs
        .truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let last = page.pairs.last().filter(|_| has_more);
    let next = last.map(listing::place_of_decision);
    let next = next.and_then(|place| app.cursors.make(&address, &place));
    let list = NotAMatchList::new(page, offset, limit, app.reader()).followed_by(next.clone());
    Ok(listing::answer(list, &address, &uri, next.as_deref()))
}

async fn decide(app: App, request: Request, apart: bool) -> Result<Json<Decision>, Problem> {
    let request = app.work.light.look_in(request).await?;
    // None of these is about a parameter, and a misspelt one must not be passed over.
    if let Err(problem) = Params::none(request.uri()) {
        intake::discard(request.into_body()).await;
        return Err(problem);
    }
    let bounds = app.bodies.of(DECISION_BYTES);
    let [a, b] = two_pictures(intake::sent(request, &bounds).await?)?;
    let library = app.library.clone();
    let decision = app.work.light.run(move || {
        let changed = match apart {
            true => Duplicates::new(library.shared()).add_not_a_match(&a, &b)?,
            false => Duplicates::new(library.shared()).drop_not_a_match(&a, &b)?,
        };
        Ok(Decision::new([&a, &b], apart, changed))
    });
    decision.await.map(Json)
}

fn two_pictures(sent: Sent) -> Result<[PictureId; 2], Problem> {
    let bad = |why: &str| {
        let detail =
            format!("The body must be JSON of the form {{\"a\": \"…\", \"b\": \"…\"}}{why}");
        Problem::new(Code::BadBody, detail)
    };
    let Sent::Json(body) = sent else {
        return Err(bad(" and say so in its content type."));
    };
    let two: TwoPictures = wanted::object(&body).map_err(|why| bad(&format!(": {why}.")))?;
    Ok([picture_id("a", &two.a)?, picture_id("b", &two.b)?])
}
