//! A body with pictures as its parts come: texts, and files in memory, or where one is an archive, on disk.
//!
//! Invariant: of a body that is longer than one picture may be, one file at a time is in memory, with a share of
//! the budget of its own.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::extract::multipart::{self, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use resight_app::Code;
use resight_engine::Purpose;

use super::archives::{Archive, ArchiveKind, Spools, TELLING, archive_kind};
use super::flow::{Flow, GivenUp};
use super::{
    Bounds, Kind, MAX_FIELDS, Memory, Share, TEXT_BYTES, bad_body, content_type, declared_length,
    discard, essence_of, kind_of, too_many_fields, wrong_type,
};
use crate::problem::Problem;

/// The longest body of many files, in bytes.
const REQUEST_BYTES: u64 = 16 << 30;
/// Kinds of bodies that have pictures to add.
const TAKEN: &[Kind] = &[Kind::Form, Kind::Raw, Kind::Archive];
/// The same with the JSON that names an address, which its handler reads before.
const TOLD: &[Kind] = &[Kind::Form, Kind::Raw, Kind::Archive, Kind::Json];
/// The field of a form that is a picture or an archive.
const FILE: &str = "file";
/// Texts of a form that are read also where they are sent as a file.
const LINES: &str = "labels";

/// One part of a body.
pub(crate) enum Part {
    Text(TextField),
    /// A picture, or what was sent as one.
    Picture {
        name: String,
        bytes: Bytes,
    },
    /// Pictures in one file.
    Archive {
        name: String,
        archive: Archive,
    },
    /// A file that cannot be taken, where the others can.
    Refused {
        name: String,
        problem: Problem,
    },
}

/// Name and text of a field.
pub(crate) type TextField = (String, String);

/// A body that is being read.
pub(crate) struct Parts {
    source: Source,
    reader: Reader,
}

enum Source {
    /// One file.
    Raw(Box<Flow>),
    /// A form, and what its reader has taken without having made use of it.
    Form(Box<Multipart>, Arc<AtomicU64>),
    Ended,
}

/// What a file is read with.
struct Reader {
    /// Memory that was taken for all of the body.
    share: Option<Share>,
    memory: Memory,
    /// The largest picture.
    most: u64,
    /// Of a body of one file, as its content type states it.
    stated: Option<ArchiveKind>,
    spools: Spools,
    /// How much texts may have still.
    texts: u64,
    /// Fields that are no pictures.
    fields: usize,
}

impl Parts {
    /// Begins to read the body of `request`.
    pub(crate) async fn of(
        request: Request,
        bounds: &Bounds,
        spools: &Spools,
    ) -> Result<Self, Problem> {
        let content_type = content_type(request.headers()).map(essence_of);
        let kind = kind_of(request.headers()).filter(|kind| TAKEN.contains(kind));
        let Some(kind) = kind else {
            discard(request.into_body()).await;
            return Err(wrong_type(content_type.as_deref(), TOLD));
        };
        let content_type = content_type.unwrap_or_default();
        let is_picture = content_type.starts_with("image/");
        let announced = declared_length(request.headers());
        let most = if is_picture {
            bounds.bytes
        } else {
            REQUEST_BYTES
        };
        if announced.is_some_and(|length| length > most) {
            discard(request.into_body()).await;
            return Err(Problem::from(&GivenUp::TooLarge(most)));
        }
        let is_long = !is_picture && announced.is_none_or(|length| length > bounds.bytes);
        let (parts, body) = request.into_parts();
        let (flow, share) = if is_long {
            (Flow::long(body, bounds, most), None)
        } else {
            match Flow::begin(body, bounds.clone(), 1).await {
                Ok(flow) => {
                    let share = flow.share();
                    (flow, Some(share))
                }
                Err((body, busy)) => {
                    discard(body).await;
                    return Err(busy);
                }
            }
        };
        let source = if kind == Kind::Form {
            let ahead = Arc::new(AtomicU64::new(0));
            let body = match share {
                Some(_) => flow.into_body(),
                None => flow.into_long_body(ahead.clone()),
            };
            let mut request = Request::from_parts(parts, body);
            // The flow has bounds of its own.
            DefaultBodyLimit::disable().apply(&mut request);
            let form = Multipart::from_request(request, &()).await;
            let form = form.map_err(|error| bad_body(&error.body_text()))?;
            Source::Form(Box::new(form), ahead)
        } else {
            Source::Raw(Box::new(flow))
        };
        Ok(Self {
            source,
            reader: Reader {
                share,
                memory: bounds.memory.clone(),
                most: bounds.bytes,
                stated: ArchiveKind::of_type(&content_type),
                spools: spools.clone(),
                texts: TEXT_BYTES,
                fields: 0,
            },
        })
    }

    /// The next part; `None` at the end. An error is of the body as a whole.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, Problem> {
        match &mut self.source {
            Source::Ended => Ok(None),
            Source::Raw(_) => match mem::replace(&mut self.source, Source::Ended) {
                Source::Raw(mut flow) => {
                    let name = String::new();
                    Ok(Some(self.reader.file(&mut *flow, name).await?))
                }
                _ => Ok(None),
            },
            Source::Form(form, ahead) => loop {
                let field = form.next_field().await.map_err(failed)?;
                ahead.store(0, Ordering::Relaxed);
                let Some(field) = field else {
                    self.source = Source::Ended;
                    return Ok(None);
                };
                if let Some(part) = self.reader.field(field, ahead).await? {
                    return Ok(Some(part));
                }
            },
        }
    }
}

impl Reader {
    /// A field of a form; `None` of one that nobody asked for.
    async fn field(
        &mut self,
        field: multipart::Field<'_>,
        ahead: &AtomicU64,
    ) -> Result<Option<Part>, Problem> {
        let name = field.name().unwrap_or_default().to_owned();
        let content_type = field.content_type().map_or_else(String::new, essence_of);
        let file_name = field.file_name().map(str::to_owned);
        let is_file = file_name.is_some() || !matches!(&*content_type, "" | "text/plain");
        let mut chunks = InForm { field, ahead };
        if name == FILE {
            let name = file_name.unwrap_or_default();
            return self.file(&mut chunks, name).await.map(Some);
        }
        self.fields += 1;
        if self.fields == MAX_FIELDS {
            return Err(too_many_fields());
        }
        if is_file && content_type != "application/json" && name != LINES {
            drain(&mut chunks).await?;
            return Ok(None);
        }
        let mut text = Vec::new();
        while let Some(chunk) = chunks.next().await? {
            self.texts = self.texts.saturating_sub(chunk.len() as u64);
            if self.texts == 0 {
                let detail = format!("The texts of the form have more than {TEXT_BYTES} bytes");
                return Err(bad_body(&detail));
            }
            text.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Some(Part::Text((name, text))))
    }

    /// Reads a file to its end.
    async fn file(&self, chunks: &mut impl Chunks, name: String) -> Result<Part, Problem> {
        let (share, mut is_whole) = match &self.share {
            Some(share) => (share.clone(), true),
            None => match self.memory.take(Purpose::SMALL).await {
                Ok(share) => (share, false),
                Err(problem) => return refuse(chunks, name, problem).await,
            },
        };
        let mut bytes = Vec::new();
        let mut is_told = false;
        loop {
            let chunk = chunks.next().await?;
            let is_end = chunk.is_none();
            bytes.extend_from_slice(chunk.as_deref().unwrap_or_default());
            if !is_told && (is_end || bytes.len() >= TELLING) {
                is_told = true;
                if let Some(kind) = archive_kind(&bytes).or(self.stated) {
                    let bytes = Bytes::from(bytes);
                    return self.archive(chunks, name, kind, bytes).await;
                }
            }
            if is_end {
                if self.share.is_none() {
                    // A second file may come while this one is in memory.
                    bytes.shrink_to_fit();
                    share.reduce(bytes.len() as u64);
                }
                let bytes = share.of(bytes);
                return Ok(Part::Picture { name, bytes });
            }
            if bytes.len() as u64 > self.most {
                let detail = format!("The file has more than {} bytes.", self.most);
                let problem = Problem::new(Code::TooManyBytes, detail);
                return refuse(chunks, name, problem).await;
            }
            if !is_whole && bytes.len() as u64 > Purpose::SMALL {
                is_whole = true;
                match self.memory.take(self.most).await {
                    Ok(more) => more.join(&share),
                    Err(problem) => return refuse(chunks, name, problem).await,
                }
            }
        }
    }

    async fn archive(
        &self,
        chunks: &mut impl Chunks,
        name: String,
        kind: ArchiveKind,
        beginning: Bytes,
    ) -> Result<Part, Problem> {
        let mut spooling = match self.spools.begin(kind).await {
            Ok(spooling) => spooling,
            Err(problem) => return refuse(chunks, name, problem).await,
        };
        let mut next = Some(beginning);
        while let Some(chunk) = next {
            if let Err(problem) = spooling.write(&chunk).await {
                drop(spooling);
                return refuse(chunks, name, problem).await;
            }
            next = chunks.next().await?;
        }
        let archive = spooling.finish().await?;
        Ok(Part::Archive { name, archive })
    }
}

/// Reads the rest of a file away.
async fn refuse(chunks: &mut impl Chunks, name: String, problem: Problem) -> Result<Part, Problem> {
    drain(chunks).await?;
    Ok(Part::Refused { name, problem })
}

async fn drain(chunks: &mut impl Chunks) -> Result<(), Problem> {
    while chunks.next().await?.is_some() {}
    Ok(())
}

/// A file as it comes.
trait Chunks {
    /// `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem>;
}

impl Chunks for Flow {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        Self::next(self).await.map_err(|why| Problem::from(&why))
    }
}

/// A field of a form.
struct InForm<'a> {
    field: multipart::Field<'a>,
    ahead: &'a AtomicU64,
}

impl Chunks for InForm<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let chunk = self.field.chunk().await.map_err(failed)?;
        self.ahead.store(0, Ordering::Relaxed);
        Ok(chunk)
    }
}

/// Why a form cannot be read.
pub(super) fn failed(error: MultipartError) -> Problem {
    match GivenUp::behind(&error) {
        Some(GivenUp::Broken(_)) | None => {
            bad_body(&format!("The form cannot be read: {}", error.body_text()))
        }
        Some(why) => why.into(),
    }
}
