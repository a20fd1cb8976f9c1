//! Thumbnails and files of pictures.
//!
//! Invariant: a file in a folder is sent in small parts, and of a stored one there is one copy in memory
//! however many clients fetch it.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use parking_lot::Mutex;
use resight_app::Code;
use resight_engine::{EngineError, OpenFile, PictureId};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::App;
use super::intake::{self, LARGE_RATE};
use super::pages::holds_tag;
use super::params::{Params, PictureAt, Whole};
use super::problem::Problem;
use super::ranges::{Asked, beyond_end};
use crate::wire::{ExifList, FileBytes, ProblemBody};

/// Sent with stored files: shown directly, they may neither run nor load anything.
const FILE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// Bytes of a file that are read at once.
const PART: usize = 64 << 10;
/// The largest part of a stored file that is read by itself.
const SMALL_PART: u64 = 1 << 20;
/// How long a request waits for others that do the same for the same picture.
const PATIENCE: Duration = Duration::from_secs(30);

/// Work on files that several requests share.
#[derive(Default)]
pub(crate) struct Files {
    /// Of each picture whose work is done once for several requests.
    turns: Mutex<InUse<tokio::sync::Mutex<()>>>,
    /// Stored files that are being sent.
    sent: Mutex<InUse<Bytes>>,
}

/// What several requests use of each picture, as long as one of them does.
type InUse<T> = HashMap<PictureId, Weak<T>>;

/// What is in use of a picture.
fn known<T>(all: &InUse<T>, id: &PictureId) -> Option<Arc<T>> {
    all.get(id).and_then(Weak::upgrade)
}

/// What is in use of a picture; where nothing is, what `make` returns from now on.
fn shared<T>(all: &mut InUse<T>, id: &PictureId, make: impl FnOnce() -> T) -> Arc<T> {
    known(all, id).unwrap_or_else(|| {
        let made = Arc::new(make());
        all.retain(|_, other| other.strong_count() > 0);
        all.insert(id.clone(), Arc::downgrade(&made));
        made
    })
}

impl Files {
    /// Waits for requests that do the same for this picture.
    async fn turn(&self, id: &PictureId) -> Result<OwnedMutexGuard<()>, Problem> {
        let turn = shared(&mut self.turns.lock(), id, Default::default);
        timeout(PATIENCE, turn.lock_owned()).await.map_err(|_| {
            let detail = "Another request for the same picture takes too long.";
            Problem::new(Code::Busy, detail)
        })
    }
}

/// Which page of a file is shown.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Shown {
    /// Number of a page or frame of the file, from 1, to be drawn instead; without, the picture's own thumbnail
    #[param(value_type = Option<u64>, minimum = 1)]
    page: Option<Whole<1, { u32::MAX as u64 }>>,
}

/// A small JPEG of a picture, upright.
#[utoipa::path(
    get, path = "/images/{id}/thumbnail", tag = "pictures", operation_id = "thumbnail",
    params(("id" = String, Path, description = "The picture's id"), Shown),
    responses(
        (status = 200, description = "The thumbnail", body = inline(FileBytes), content_type = "image/jpeg"),
        (status = 304, description = "The client holds it already"),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn thumbnail(
    app: App,
    PictureAt(id): PictureAt,
    uri: Uri,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let page = Params::only::<Shown>(&uri)?.page.map(Whole::value);
    let tag = match page {
        None => format!("\"{id}-small\""),
        Some(page) => format!("\"{id}-small-{page}\""),
    };
    if let Some(answer) = held(&app, &asked, &id, &tag).await? {
        return Ok(answer);
    }
    let bytes = match page.and_then(|page| u32::try_from(page).ok()) {
        Some(page) => page_thumbnail(&app, &id, page).await?,
        None => match stored_thumbnail(&app, &id).await? {
            Some(stored) => stored,
            None => rebuilt_thumbnail(&app, &id).await?,
        },
    };
    let headers = [(header::CONTENT_TYPE, "image/jpeg")];
    Ok(kept_for_good((headers, bytes).into_response(), &tag))
}

async fn stored_thumbnail(app: &App, id: &PictureId) -> Result<Option<Vec<u8>>, Problem> {
    let (library, id) = (app.library.clone(), id.clone());
    let read = move || library.stored_thumbnail(&id);
    app.work.light.run(read).await
}

async fn page_thumbnail(app: &App, id: &PictureId, page: u32) -> Result<Vec<u8>, Problem> {
    let _turn = app.files.turn(id).await?;
    let (library, id) = (app.library.clone(), id.clone());
    let draw = move || library.page_thumbnail(&id, page);
    app.work.heavy.run(draw).await
}

async fn rebuilt_thumbnail(app: &App, id: &PictureId) -> Result<Vec<u8>, Problem> {
    let _turn = app.files.turn(id).await?;
    // The request before may have rebuilt it.
    if let Some(stored) = stored_thumbnail(app, id).await? {
        return Ok(stored);
    }
    let (library, id) = (app.library.clone(), id.clone());
    let rebuild = move || library.rebuild_thumbnail(&id);
    app.work.heavy.run(rebuild).await
}

/// A picture's file, as it was sent or as it lies in its folder.
#[utoipa::path(
    get, path = "/images/{id}/file", tag = "pictures", operation_id = "picture_file",
    params(("id" = String, Path, description = "The picture's id")),
    responses(
        (status = 200, description = "The file", body = inline(FileBytes), content_type = "image/*"),
        (status = 206, description = "The part of it that the header Range asks for", body = inline(FileBytes), content_type = "image/*"),
        (status = 304, description = "The client holds it already"),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "The file is no longer in its folder", body = ProblemBody, content_type = "application/problem+json"),
        (status = 416, description = "The header Range names nothing that the file has", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn file(
    app: App,
    PictureAt(id): PictureAt,
    method: Method,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let tag = format!("\"{id}\"");
    if let Some(answer) = held(&app, &asked, &id, &tag).await? {
        return Ok(answer);
    }
    let (library, opened) = (app.library.clone(), id.clone());
    let open = move || library.open_file(&opened);
    let (picture, content) = app.work.light.run(open).await?;
    let length = picture.byte_len;
    let part = match Asked::of(&method, &asked, length, &tag) {
        Asked::Whole => None,
        Asked::Part(range) => Some(range),
        Asked::Beyond => return Ok(beyond_end(length)),
    };
    let range = part.clone().unwrap_or(0..length);
    let size = range.end - range.start;
    let body = match content {
        // Nobody gets the bytes, so they are not read.
        _ if method == Method::HEAD => Body::empty(),
        OpenFile::InFolder(file) => in_parts(file, &range)?,
        OpenFile::Stored if part.is_some() && size <= SMALL_PART => {
            in_time(small_part(&app, &id, &range).await?)
        }
        OpenFile::Stored => in_time(slice(&stored_file(&app, &id, length).await?, &range)),
    };
    let headers = [
        (header::CONTENT_TYPE, picture.media_type),
        (
            header::CONTENT_DISPOSITION,
            disposition("inline", &picture.name),
        ),
        (header::CONTENT_SECURITY_POLICY, FILE_POLICY.to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
    ];
    let answer = match part {
        None => (headers, body).into_response(),
        Some(Range { start, end }) => {
            let place = format!("bytes {start}-{}/{length}", end.saturating_sub(1));
            let place = [(header::CONTENT_RANGE, place)];
            (StatusCode::PARTIAL_CONTENT, place, headers, body).into_response()
        }
    };
    Ok(kept_for_good(answer, &tag))
}

/// What the camera and the person behind it recorded in a picture's file, as Exif: in the order of the file, with names as
/// Exif gives them and values with their units. Empty where there is none.
#[utoipa::path(
    get, path = "/images/{id}/exif", tag = "pictures", operation_id = "picture_exif",
    params(("id" = String, Path, description = "The picture's id")),
    responses(
        (status = 200, description = "The fields", body = ExifList),
        (status = 404, description = "No such picture", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "The file is no longer in its folder", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn exif(app: App, PictureAt(id): PictureAt) -> Result<Json<ExifList>, Problem> {
    let _turn = app.files.turn(&id).await?;
    let library = app.library.clone();
    // The whole file is read.
    let fields = app.work.heavy.run(move || library.exif(&id)).await?;
    Ok(Json(ExifList::new(fields)))
}

/// A part of a file as a body that is read as it is sent.
pub(crate) fn in_parts(mut file: File, range: &Range<u64>) -> Result<Body, Problem> {
    file.seek(SeekFrom::Start(range.start))
        .map_err(|error| Problem::internal(&error))?;
    let part = tokio::fs::File::from_std(file).take(range.end - range.start);
    Ok(Body::from_stream(ReaderStream::with_capacity(part, PART)))
}

/// Bytes of which a client takes at least [`LARGE_RATE`] a second: as long as it has not taken them all, they use
/// the memory for large bodies.
fn in_time(bytes: Bytes) -> Body {
    let most = PATIENCE + Duration::from_secs(bytes.len() as u64 / LARGE_RATE);
    in_time_until(bytes, Instant::now() + most)
}

fn in_time_until(bytes: Bytes, deadline: Instant) -> Body {
    let parts = stream::try_unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return Ok(None);
        }
        if Instant::now() > deadline {
            let why = "the client takes its answer too slowly";
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        let part = rest.split_to(rest.len().min(PART));
        Ok(Some((part, rest)))
    });
    Body::from_stream(parts)
}

/// A part of bytes that are as long as they should be; all of them where they are not.
fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    match (usize::try_from(range.start), usize::try_from(range.end)) {
        (Ok(start), Ok(end)) if end <= bytes.len() => bytes.slice(start..end),
        _ => bytes.clone(),
    }
}

/// The bytes of a stored file: those that another request is sending, or read within the bound of memory.
async fn stored_file(app: &App, id: &PictureId, length: u64) -> Result<Bytes, Problem> {
    let _turn = app.files.turn(id).await?;
    let known = known(&app.files.sent.lock(), id);
    let sent = match known {
        Some(sent) => sent,
        None => {
            let share = app.bodies.memory.take(length).await?;
            let (library, asked) = (app.library.clone(), id.clone());
            let read = move || Ok::<_, EngineError>(library.file(&asked)?.bytes);
            let bytes = share.of(app.work.light.run(read).await?);
            shared(&mut app.files.sent.lock(), id, || bytes)
        }
    };
    Ok(Bytes::from_owner(OneCopy(sent)))
}

/// Bytes that several answers share.
struct OneCopy(Arc<Bytes>);

impl AsRef<[u8]> for OneCopy {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A small part of a stored file, which is read alone.
async fn small_part(app: &App, id: &PictureId, range: &Range<u64>) -> Result<Bytes, Problem> {
    let share = app.bodies.memory.take(range.end - range.start).await?;
    let (library, id, range) = (app.library.clone(), id.clone(), range.clone());
    let read = move || library.stored_part(&id, range);
    Ok(share.of(app.work.light.run(read).await?))
}

/// The short answer to a client that holds what `tag` names, as long as the picture is there.
async fn held(
    app: &App,
    asked: &HeaderMap,
    id: &PictureId,
    tag: &str,
) -> Result<Option<Response>, Problem> {
    if !holds_tag(asked, tag) {
        return Ok(None);
    }
    let (library, id) = (app.library.clone(), id.clone());
    app.work.light.run(move || library.picture(&id)).await?;
    let answer = StatusCode::NOT_MODIFIED.into_response();
    Ok(Some(kept_for_good(answer, tag)))
}

/// The id is derived from the bytes, so what lies at this address never changes.
pub(crate) fn kept_for_good(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Content-Disposition (RFC 6266) of this kind: a plain name for old clients, the full one percent-encoded.
pub(crate) fn disposition(kind: &str, name: &str) -> String {
    let name = intake::clean_name(name);
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let mut header = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                header.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => _ = write!(header, "%{byte:02X}"),
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("inline", "a\"; x=\r\n\"é.jpg"),
            "inline; filename=\"a_; x=__.jpg\"; filename*=UTF-8''a%22%3B%20x%3D%22%C3%A9.jpg"
        );
    }

    #[tokio::test]
    async fn bytes_are_sent_until_their_time_is_over() {
        let bytes = Bytes::from(vec![7; 3 * PART + 5]);
        let later = Instant::now() + Duration::from_secs(3600);
        let all = axum::body::to_bytes(in_time_until(bytes.clone(), later), usize::MAX);
        assert_eq!(all.await.unwrap(), bytes);
        let before = Instant::now() - Duration::from_millis(1);
        let late = axum::body::to_bytes(in_time_until(bytes, before), usize::MAX);
        assert!(late.await.is_err());
    }
}
