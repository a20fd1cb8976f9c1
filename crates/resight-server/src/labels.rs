//! What is said about pictures, and the objects they belong to.

use axum::Json;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use resight_engine::{EngineError, Filter, LabelPatch, ObjectId, Update};

use super::App;
use super::intake::{self, Bounds};
use super::params::{Params, PictureAt, bad};
use super::problem::Problem;
use crate::wire::{self, LabelChange, ObjectList, ObjectPictures, Picture, ProblemBody, Removed};

/// Entries of a list when no limit is given.
const PAGE: u64 = 60;
/// The largest change read, in bytes: all bounds of labels together, written wastefully.
const CHANGE_BYTES: u64 = 256 << 10;
/// What the names of parameters begin with that stand for an entry of the metadata.
const ENTRY: &str = "meta.";
/// The parameters of [`filter`], for [`Params::finish`].
pub(crate) const FILTERS: &str = "tag, not_tag, object, meta.KEY";

/// Which pictures are meant: `tag` and `not_tag`, each any number of times, `object`, and
/// `meta.KEY` with the value of the metadata's entry KEY.
pub(crate) fn filter(params: &mut Params) -> Result<Filter, Problem> {
    let tags = |given: Vec<String>, name: &str| {
        let read = |text: &String| wire::tag(text).map_err(|why| wrong(name, &why));
        given.iter().map(read).collect::<Result<Vec<_>, _>>()
    };
    let object = params.text("object")?;
    let object = object.map(|text| wire::object_id(&text).map_err(|why| wrong("object", &why)));
    let filter = Filter {
        tags: tags(params.all("tag"), "tag")?,
        not_tags: tags(params.all("not_tag"), "not_tag")?,
        object: object.transpose()?,
        entries: params.all_with_prefix(ENTRY),
    };
    match filter.conditions() > Filter::MOST {
        true => Err(Problem::new(
            "bad_parameter",
            format!(
                "tag, not_tag and meta.KEY may be given {} times in all.",
                Filter::MOST
            ),
        )),
        false => Ok(filter),
    }
}

/// What is to be said about a picture that is sent: `tag`, any number of times, `object` and
/// `metadata`.
pub(crate) fn patch(params: &mut Params) -> Result<LabelPatch, Problem> {
    let tags = params.all("tag");
    let tags = tags.iter().map(|text| wire::tag(text));
    let object = params.text("object")?;
    let metadata = params.text("metadata")?;
    Ok(LabelPatch {
        add_tags: tags
            .collect::<Result<_, _>>()
            .map_err(|why| wrong("tag", &why))?,
        object: match object {
            None => Update::Keep,
            Some(text) => Update::Set(wire::object_id(&text).map_err(|why| wrong("object", &why))?),
        },
        metadata: match metadata {
            None => Update::Keep,
            Some(text) => {
                Update::Set(wire::metadata_of(&text).map_err(|why| wrong("metadata", &why))?)
            }
        },
        ..LabelPatch::default()
    })
}

fn wrong(name: &str, why: &str) -> Problem {
    bad(name, &format_args!("cannot be taken: {why}"))
}

/// Changes what is said about a picture: what is left out stays, null clears.
#[utoipa::path(
    patch, path = "/v1/images/{id}", tag = "pictures", operation_id = "label_picture",
    params(("id" = String, Path, description = "The picture's id")),
    request_body(
        description = "What changes",
        content((LabelChange = "application/json"), (LabelChange = "application/merge-patch+json")),
    ),
    responses(
        (status = 200, description = "The picture as it is now", body = Picture),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The change cannot be made", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change(
    State(app): State<App>,
    PictureAt(id): PictureAt,
    request: Request,
) -> Result<Json<Picture>, Problem> {
    let (place, request) = app.work.light.enter_with(request).await?;
    let bounds = Bounds {
        bytes: CHANGE_BYTES,
        ..app.bodies
    };
    let body = intake::json(request, bounds).await?;
    let not_one = |why: &str| Problem::new("bad_body", format!("The change cannot be made: {why}"));
    let change: LabelChange =
        serde_json::from_slice(&body).map_err(|error| not_one(&error.to_string()))?;
    let patch = change.patch().map_err(|why| not_one(&why))?;
    let engine = app.engine.clone();
    let changed = move || match engine.label(vec![(id.clone(), patch)])?.first() {
        Some(true) => engine.picture(&id),
        _ => Err(EngineError::UnknownPicture(id)),
    };
    let picture = place.run(changed).await?;
    Ok(Json(Picture::new(picture, app.reader())))
}

/// The objects that pictures belong to, by id.
#[utoipa::path(
    get, path = "/v1/objects", tag = "objects", operation_id = "list_objects",
    params(
        ("offset" = Option<u64>, Query, description = "How many to skip; 0 by default"),
        ("limit" = Option<u64>, Query, description = "How many to give, 1 to 1000; 60 by default", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, description = "One page", body = ObjectList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn objects(State(app): State<App>, uri: Uri) -> Result<Json<ObjectList>, Problem> {
    let mut params = Params::of(&uri)?;
    let (offset, limit) = params.page(PAGE)?;
    params.finish("offset and limit are")?;
    let engine = app.engine.clone();
    let found = move || engine.objects(offset, limit);
    let (total, objects) = app.work.light.run(found).await?;
    Ok(Json(ObjectList::new(total, offset, limit, objects)))
}

/// The pictures of an object, newest first.
#[utoipa::path(
    get, path = "/v1/objects/{object}", tag = "objects", operation_id = "object",
    params(
        ("object" = String, Path, description = "The object's id"),
        ("offset" = Option<u64>, Query, description = "How many to skip; 0 by default"),
        ("limit" = Option<u64>, Query, description = "How many to give, 1 to 1000; 60 by default", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, description = "One page", body = ObjectPictures),
        (status = 404, description = "No picture belongs to this object", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn object(
    State(app): State<App>,
    ObjectAt(id): ObjectAt,
    uri: Uri,
) -> Result<Json<ObjectPictures>, Problem> {
    let mut params = Params::of(&uri)?;
    let (offset, limit) = params.page(PAGE)?;
    params.finish("offset and limit are")?;
    let (engine, asked) = (app.engine.clone(), id.clone());
    let found = move || engine.object(&asked, offset, limit);
    let (total, pictures) = app.work.light.run(found).await?;
    let page = (offset, limit);
    Ok(Json(ObjectPictures::new(
        &id,
        total,
        page,
        pictures,
        app.reader(),
    )))
}

/// Removes all pictures of an object, or none of them.
#[utoipa::path(
    delete, path = "/v1/objects/{object}", tag = "objects", operation_id = "remove_object",
    params(("object" = String, Path, description = "The object's id")),
    responses(
        (status = 200, description = "Its pictures are removed", body = Removed),
        (status = 404, description = "No picture belongs to this object", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove_object(
    State(app): State<App>,
    ObjectAt(id): ObjectAt,
) -> Result<(StatusCode, Json<Removed>), Problem> {
    let engine = app.engine.clone();
    let removed = app
        .work
        .light
        .run(move || engine.remove_object(&id))
        .await?;
    Ok((StatusCode::OK, Json(Removed { removed })))
}

/// The object's id in an address with `{object}`.
pub(crate) struct ObjectAt(ObjectId);

impl<S: Send + Sync> FromRequestParts<S> for ObjectAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| {
                bad(
                    "object",
                    &format_args!("cannot be read: {}", error.body_text()),
                )
            })?;
        let id = wire::object_id(&text).map_err(|why| wrong("object", &why))?;
        Ok(Self(id))
    }
}
