//! Labels of pictures, and the objects that pictures belong to.

use axum::Json;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use resight_app::Code;
use resight_engine::{EngineError, Filter, LabelPatch, Metadata, ObjectId, Tag, Update};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::IntoParams;

use super::App;
use super::intake;
use super::listing::{self, Following, Ordered, PageOfPictures};
use super::params::{Page, Params, PictureAt, bad, path_segment};
use super::problem::Problem;
use super::wanted;
use crate::wire::{self, LabelChange, ObjectList, ObjectPictures, Picture, ProblemBody, Removed};

/// Entries of a list when no limit is given.
const PAGE: u64 = 60;
/// The largest change read, in bytes: all bounds of labels together, written wastefully.
pub(crate) const CHANGE_BYTES: u64 = 256 << 10;

/// Labels for a picture that is sent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LabelParameters {
    /// A tag for it; may be given several times, and in a form as a field
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    tag: Vec<OfLabels<Tag>>,
    /// The object it belongs to; in a form also a field
    #[param(value_type = Option<String>)]
    object: Option<OfLabels<ObjectId>>,
    /// Its metadata, a JSON object; in a form also a field
    #[param(value_type = Option<String>)]
    metadata: Option<OfLabels<Metadata>>,
}

impl LabelParameters {
    /// What the picture's labels change to.
    pub(crate) fn patch(self) -> LabelPatch {
        LabelPatch {
            add_tags: values(self.tag),
            object: self
                .object
                .map_or(Update::Keep, |object| Update::Set(object.0)),
            metadata: self
                .metadata
                .map_or(Update::Keep, |metadata| Update::Set(metadata.0)),
            ..LabelPatch::default()
        }
    }
}

/// A tag, an object's id or metadata, read from a text.
pub(crate) struct OfLabels<T>(pub(crate) T);

pub(crate) fn values<T>(given: Vec<OfLabels<T>>) -> Vec<T> {
    given.into_iter().map(|one| one.0).collect()
}

/// A label that has a text form.
pub(crate) trait LabelText: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

impl LabelText for Tag {
    fn read(text: &str) -> Result<Self, String> {
        wire::tag(text)
    }
}

impl LabelText for ObjectId {
    fn read(text: &str) -> Result<Self, String> {
        wire::object_id(text)
    }
}

impl LabelText for Metadata {
    fn read(text: &str) -> Result<Self, String> {
        wire::metadata_of(text)
    }
}

impl<'de, T: LabelText> Deserialize<'de> for OfLabels<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let read = T::read(&text).map_err(|why| D::Error::custom(unusable(&why)));
        read.map(Self)
    }
}

fn unusable(why: &str) -> String {
    format!("cannot be taken: {why}")
}

/// The change that a body stands for.
pub(crate) fn change_of(body: &[u8]) -> Result<LabelPatch, Problem> {
    let not_one =
        |why: &str| Problem::new(Code::BadBody, format!("The change cannot be made: {why}"));
    let change: LabelChange = wanted::object(body).map_err(|why| not_one(&why))?;
    change.patch().map_err(|why| not_one(&why))
}

/// Changes a picture's labels: what is left out stays, null clears.
#[utoipa::path(
    patch, path = "/images/{id}", tag = "pictures", operation_id = "label_picture",
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
    app: App,
    PictureAt(id): PictureAt,
    request: Request,
) -> Result<Json<Picture>, Problem> {
    let request = app.work.light.look_in(request).await?;
    let bounds = app.bodies.of(CHANGE_BYTES);
    let patch = change_of(&intake::json(request, &bounds).await?)?;
    let library = app.library.clone();
    let changed = move || match library.label(vec![(id.clone(), patch)])?.first() {
        Some(true) => library.picture(&id),
        _ => Err(EngineError::UnknownPicture(id)),
    };
    let picture = app.work.light.run(changed).await?;
    Ok(Json(Picture::new(picture, app.reader())))
}

/// The objects that pictures belong to, by id.
#[utoipa::path(
    get, path = "/objects", tag = "objects", operation_id = "list_objects",
    params(Page, Following),
    responses(
        (status = 200, description = "One page", body = ObjectList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn objects(app: App, uri: Uri) -> Result<Response, Problem> {
    let mut params = Params::of(&uri)?;
    let (offset, limit) = params.take::<Page>()?.or(PAGE);
    let address = format!("{}/objects", app.base);
    let after = listing::object_after(&mut params, &app.cursors, &address)?;
    params.finish()?;
    if after.is_some() && offset > 0 {
        return Err(bad("offset", &"cannot be given with a cursor"));
    }
    let after = after.as_deref().and_then(ObjectId::parse);
    let library = app.library.clone();
    let found = move || match after {
        Some(after) => library.objects_after(&after, limit + 1),
        None => library.objects(offset, limit + 1),
    };
    let (total, mut objects) = app.work.light.run(found).await?;
    let has_more = objects.len() as u64 > limit;
    objects.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let last = objects.last().filter(|_| has_more);
    let next = last.map(|last| listing::place_of_object(last.id.as_str()));
    let next = next.and_then(|place| app.cursors.make(&address, &place));
    let list = ObjectList::new(total, offset, limit, objects).followed_by(next.clone());
    Ok(listing::answer(list, &address, &uri, next.as_deref()))
}

/// The pictures of an object, newest first.
#[utoipa::path(
    get, path = "/objects/{object}", tag = "objects", operation_id = "object",
    params(
        ("object" = String, Path, description = "The object's id"),
        Page,
        Ordered,
    ),
    responses(
        (status = 200, description = "One page", body = ObjectPictures),
        (status = 404, description = "No picture belongs to this object", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn object(
    app: App,
    ObjectAt(id): ObjectAt,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::of(&uri)?;
    let filter = Filter {
        object: Some(id.clone()),
        ..Filter::default()
    };
    // As it stands in the address, with its escapes.
    let segment = uri.path().rsplit('/').next().unwrap_or_default();
    let address = format!("{}/objects/{segment}", app.base);
    let asked = PageOfPictures::take(&mut params, filter, PAGE, (&app.cursors, &address))?;
    params.finish()?;
    let (library, wanted) = (app.library.clone(), id.clone());
    let read = move || match asked.read(&library)? {
        found if found.total == 0 => Err(EngineError::UnknownObject(wanted)),
        found => Ok((asked, found)),
    };
    let (asked, found) = app.work.light.run(read).await?;
    let next = asked.cursor(&app.cursors, found.next.as_ref());
    let page = (asked.offset, asked.limit);
    let list = ObjectPictures::new(&id, found.total, page, found.page, app.reader());
    Ok(listing::answer(
        list.followed_by(next.clone()),
        &address,
        &uri,
        next.as_deref(),
    ))
}

/// Removes all pictures of an object, or none of them.
#[utoipa::path(
    delete, path = "/objects/{object}", tag = "objects", operation_id = "remove_object",
    params(("object" = String, Path, description = "The object's id")),
    responses(
        (status = 200, description = "Its pictures are removed", body = Removed),
        (status = 404, description = "No picture belongs to this object", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove_object(
    app: App,
    ObjectAt(id): ObjectAt,
) -> Result<(StatusCode, Json<Removed>), Problem> {
    let library = app.library.clone();
    let removed = app
        .work
        .light
        .run(move || library.remove_object(&id))
        .await?;
    Ok((StatusCode::OK, Json(Removed { removed })))
}

/// The object's id in an address with `{object}`.
pub(crate) struct ObjectAt(ObjectId);

impl<S: Send + Sync> FromRequestParts<S> for ObjectAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = path_segment("object", parts, state).await?;
        let id = wire::object_id(&text).map_err(|why| bad("object", &unusable(&why)))?;
        Ok(Self(id))
    }
}
