//! Files of many pictures as one ZIP file.
//!
//! Invariant: which pictures are sent is decided before the first byte, within the bounds of the settings; so a
//! refusal is an answer, and what is sent is bounded.

mod archive;
pub(crate) mod limits;
mod names;

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use resight_app::Code;
use resight_engine::{EngineError, Filter, Library, Order, OrderBy, PictureId};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::App;
use super::access::Caller;
use super::files::disposition;
use super::filters::{Filters, parameters};
use super::intake::{self, Sent, bad_body, clean_name};
use super::params::{Flag, Params, bad, picture_id};
use super::problem::Problem;
use super::wanted;
use crate::wire::{DownloadForm, DownloadWanted, FileBytes, ProblemBody};
use archive::{BUFFERED, Entry};
use limits::DownloadLimits;

/// Downloads that are written at once.
const AT_ONCE: usize = 4;
/// The largest request, in bytes: a hundred thousand ids.
const REQUEST_BYTES: u64 = 4 << 20;
/// Pictures read at a time.
const PAGE: u64 = 1000;
/// What an entry of the list takes in memory, about.
const LISTED: u64 = 400;
/// The archive's name where the request has none.
const NAME: &str = "resight-pictures";

/// What downloads share.
#[derive(Clone)]
pub(crate) struct Downloads {
    limits: DownloadLimits,
    places: Arc<Semaphore>,
}

impl Downloads {
    pub(crate) fn new(limits: DownloadLimits) -> Self {
        Self {
            limits,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// Which pictures are sent, beside a filter.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Chosen {
    /// Ids of pictures, separated by commas; may be given several times. Without a filter
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    id: Vec<String>,
    /// With `true`, all pictures, where no id and no condition is given
    #[param(value_type = Option<bool>)]
    all: Option<Flag>,
    /// Name of the archive, without its ending
    name: Option<String>,
}

/// What a request asks for.
struct Wanted {
    pictures: Pictures,
    name: String,
}

enum Pictures {
    Of(Vec<PictureId>),
    Matching(Box<Filter>),
}

impl Wanted {
    fn new(ids: &[&str], filter: Filter, all: bool, name: Option<&str>) -> Result<Self, Problem> {
        let pictures = match (ids, filter.is_empty(), all) {
            ([], true, false) => {
                let detail =
                    "The request names no picture and no condition; all=true means all pictures.";
                return Err(Problem::new(Code::FilterNeeded, detail));
            }
            ([], ..) => Pictures::Matching(Box::new(filter)),
            (_, true, false) => {
                let mut seen = HashSet::with_capacity(ids.len());
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    let id = picture_id("id", id)?;
                    if seen.insert(id.clone()) {
                        found.push(id);
                    }
                }
                Pictures::Of(found)
            }
            _ => return Err(bad("id", &"goes with no condition and not with all")),
        };
        let name = match name.map(clean_name) {
            Some(name) => name.strip_suffix(".zip").unwrap_or(&name).to_owned(),
            None => NAME.to_owned(),
        };
        Ok(Self { pictures, name })
    }

    fn of_parameters(mut params: Params, caller: &Caller) -> Result<Self, Problem> {
        let filter = params.take::<Filters>()?.filter(caller)?;
        let Chosen { id, all, name } = params.take()?;
        params.finish()?;
        let ids = id.iter().flat_map(|text| text.split(',')).map(str::trim);
        let ids: Vec<&str> = ids.filter(|id| !id.is_empty()).collect();
        if ids.is_empty() && !id.is_empty() {
            return Err(bad("id", &"names no picture"));
        }
        Self::new(&ids, filter, all.is_some_and(|all| all.0), name.as_deref())
    }

    fn of_json(body: &[u8], caller: &Caller) -> Result<Self, Problem> {
        let form = "{\"ids\": [\"…\"]}, {\"filter\": {…}} or {\"all\": true}";
        let DownloadWanted {
            ids,
            filter,
            all,
            name,
        } = wanted::json(body, form)?;
        if ids.as_ref().is_some_and(Vec::is_empty) {
            return Err(bad_body("\"ids\" is an empty list"));
        }
        let given = filter.as_ref().map(parameters).transpose()?;
        let mut params = Params::from(given.unwrap_or_default());
        let filter = params.take::<Filters>()?.filter(caller)?;
        params.finish()?;
        let ids = ids.unwrap_or_default();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        Self::new(&ids, filter, all, name.as_deref())
    }

    async fn of_body(app: &App, caller: &Caller, request: Request) -> Result<Self, Problem> {
        if let Err(problem) = Params::none(request.uri()) {
            intake::discard(request.into_body()).await;
            return Err(problem);
        }
        match intake::sent(request, &app.bodies.of(REQUEST_BYTES)).await? {
            Sent::Json(body) => Self::of_json(&body, caller),
            Sent::Form(fields) => {
                let texts: Option<Vec<_>> = fields.into_iter().map(intake::Field::text).collect();
                let Some(texts) = texts else {
                    return Err(bad_body(
                        "The form has a file; ids and conditions are texts",
                    ));
                };
                Self::of_parameters(Params::from(texts), caller)
            }
            Sent::Raw(_) | Sent::Nothing => Err(bad_body(
                "Send JSON, or a form with the names of the parameters",
            )),
        }
    }
}

/// The files of many pictures, as they were added, in one ZIP file: those that match the conditions, or those with the
/// ids. They are stored as they are. What cannot be read any more is left out and named in its last entry, left-out.txt.
#[utoipa::path(
    get, path = "/images/download", tag = "pictures", operation_id = "download_pictures",
    params(Filters, Chosen),
    responses(
        (status = 200, description = "The archive; the headers X-Resight-Files and X-Resight-Bytes count all of the files", body = inline(FileBytes), content_type = "application/zip"),
        (status = 404, description = "There is no picture of one of the ids", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is not valid, nothing is chosen, or more than is sent in one file", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn by_address(app: App, caller: Caller, uri: Uri) -> Result<Response, Problem> {
    let wanted = Wanted::of_parameters(Params::of(&uri)?, &caller)?;
    download(app, wanted).await
}

/// The same for more ids than an address can have, as JSON or as a form, which a page can have its browser send.
#[utoipa::path(
    post, path = "/images/download", tag = "pictures", operation_id = "download_many_pictures",
    request_body(
        description = "Which pictures; a form has the names of the parameters of the address",
        content((DownloadWanted = "application/json"), (DownloadForm = "application/x-www-form-urlencoded")),
    ),
    responses(
        (status = 200, description = "The archive", body = inline(FileBytes), content_type = "application/zip"),
        (status = 404, description = "There is no picture of one of the ids", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not valid, nothing is chosen, or more than is sent in one file", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn by_body(
    app: App,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let request = app.work.light.look_in(request).await?;
    let wanted = Wanted::of_body(&app, &caller, request).await?;
    download(app, wanted).await
}

async fn download(app: App, wanted: Wanted) -> Result<Response, Problem> {
    let place = Arc::clone(&app.downloads.places).try_acquire_owned();
    let place = place.map_err(|_| {
        Problem::new(
            Code::Busy,
            "As many downloads as there may be are being sent.",
        )
    })?;
    let (library, limits) = (app.library.clone(), app.downloads.limits);
    let list =
        move || Ok(entries(&library, &wanted.pictures, limits)?.map(|all| (all, wanted.name)));
    let (entries, name) = app.work.light.run(list).await??;
    let in_memory = BUFFERED + LISTED * entries.len() as u64;
    let share = app.bodies.memory.take(in_memory).await?;
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let numbers = [
        ("x-resight-files", entries.len() as u64),
        ("x-resight-bytes", bytes),
    ];
    let body = archive::body(app.library.clone(), entries, (place, share));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, number) in numbers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
    }
    let file = disposition("attachment", &format!("{name}.zip"));
    if let Ok(file) = HeaderValue::from_str(&file) {
        headers.insert(header::CONTENT_DISPOSITION, file);
    }
    for (name, value) in [
        (header::CONTENT_TYPE, "application/zip"),
        (header::CACHE_CONTROL, "private, no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The pictures that are sent, or why none are.
fn entries(
    library: &Library,
    pictures: &Pictures,
    limits: DownloadLimits,
) -> Result<Result<Vec<Entry>, Problem>, EngineError> {
    let mut list = List {
        limits,
        bytes: 0,
        entries: Vec::new(),
    };
    match pictures {
        Pictures::Of(ids) => {
            if ids.len() as u64 > limits.files {
                return Ok(Err(too_large(limits)));
            }
            for id in ids {
                if !list.add(library.picture(id)?) {
                    return Ok(Err(too_large(limits)));
                }
            }
        }
        Pictures::Matching(filter) => {
            let order = Order {
                by: OrderBy::Added,
                descending: false,
            };
            let mut after = None;
            loop {
                let page = library.pictures_after(filter, order, after.as_ref(), PAGE)?;
                let is_last = (page.len() as u64) < PAGE;
                for (place, picture) in page {
                    after = Some(place);
                    if !list.add(picture) {
                        return Ok(Err(too_large(limits)));
                    }
                }
                if is_last {
                    break;
                }
            }
        }
    }
    Ok(Ok(list.entries))
}

/// Entries within bounds.
struct List {
    limits: DownloadLimits,
    bytes: u64,
    entries: Vec<Entry>,
}

impl List {
    /// Returns whether it still keeps to the bounds.
    fn add(&mut self, picture: resight_engine::Picture) -> bool {
        self.bytes = self.bytes.saturating_add(picture.byte_len);
        self.entries.push(Entry {
            id: picture.id,
            name: picture.name,
            added_ms: picture.added_ms,
            bytes: picture.byte_len,
        });
        self.bytes <= self.limits.bytes && self.entries.len() as u64 <= self.limits.files
    }
}

fn too_large(limits: DownloadLimits) -> Problem {
    let detail = format!(
        "One download has at most {} pictures and {} bytes.",
        limits.files, limits.bytes
    );
    Problem::new(Code::DownloadTooLarge, detail)
}
