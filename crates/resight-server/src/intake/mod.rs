//! Request bodies: a picture in a form, a picture as it is, or a small JSON object.

mod archives;
mod flow;
mod memory;
mod parts;

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use tokio::time::timeout;

use super::params::Params;
use super::problem::Problem;
pub(crate) use archives::{Archive, ArchiveKind, Spools, archive_kind};
use flow::{Flow, GivenUp};
pub(crate) use memory::{Memory, Share};
pub(crate) use parts::{Part, Parts, TextField};
use resight_app::Code;

/// The content type of features that are sent in place of a picture.
pub(crate) const FEATURES: &str = "application/vnd.resight.features";
/// The longest name kept for a picture, in bytes.
const MAX_NAME: usize = 255;
/// The largest body of JSON, or of a form without files, in bytes.
const TEXT_BYTES: u64 = 8 << 20;
/// Bytes that a byte of such a body may become.
const PARSED: u64 = 12;
/// The most fields of a form.
const MAX_FIELDS: usize = 1000;
/// Bytes a second at which large bodies must move, so that their memory is returned in time: one of unknown
/// length as it comes, and a stored file as a client takes it.
pub(crate) const LARGE_RATE: u64 = 32 << 10;
/// For how long, and how far, a body that nobody wants is read.
const DISCARD_TIME: Duration = Duration::from_secs(10);
const DISCARD_BYTES: usize = 128 << 20;

/// What a body may take before it is given up.
#[derive(Clone)]
pub(crate) struct Bounds {
    /// The largest body read, in bytes.
    pub(crate) bytes: u64,
    /// The longest wait for its next part.
    pub(crate) idle: Duration,
    /// Bytes a second that must come on average, once `idle` is over; 0 for any.
    pub(crate) rate: u64,
    /// For all bodies at once.
    pub(crate) memory: Memory,
}

impl Bounds {
    /// The same for bodies of at most so many bytes.
    pub(crate) fn of(&self, bytes: u64) -> Self {
        Self {
            bytes,
            ..self.clone()
        }
    }

    /// Asks for at least `least` bytes a second, unless any rate will do.
    fn raise_rate(&mut self, least: u64) {
        if self.rate > 0 {
            self.rate = self.rate.max(least);
        }
    }
}

/// Which kind of body a content type announces.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Form,
    Raw,
    Json,
    /// Several pictures in one file.
    Archive,
    /// What a page's form without files sends.
    Texts,
    /// A body without a content type, or with the one that programs give to every body.
    Untyped,
}

const PICTURES: &[Kind] = &[Kind::Form, Kind::Raw];
const PICTURES_OR_JSON: &[Kind] = &[Kind::Form, Kind::Raw, Kind::Json];
const JSON: &[Kind] = &[Kind::Json];
const ANYTHING: &[Kind] = &[
    Kind::Form,
    Kind::Raw,
    Kind::Json,
    Kind::Texts,
    Kind::Untyped,
];

/// Reads a picture, and nothing else.
pub(crate) async fn picture(request: Request, bounds: &Bounds) -> Result<Bytes, Problem> {
    match receive(request, bounds, PICTURES).await? {
        Sent::Form(fields) => form(fields),
        Sent::Raw(field) => Ok(field.bytes),
        Sent::Json(_) | Sent::Nothing => Err(wrong_type(None, PICTURES)),
    }
}

/// Reads pictures in a form or one as it is, or JSON that names stored ones.
pub(crate) async fn pictures_or_json(request: Request, bounds: &Bounds) -> Result<Sent, Problem> {
    match receive(request, bounds, PICTURES_OR_JSON).await? {
        Sent::Nothing => Err(wrong_type(None, PICTURES_OR_JSON)),
        sent => Ok(sent),
    }
}

/// A body of any kind, before its handler reads it.
pub(crate) enum Sent {
    /// None.
    Nothing,
    /// JSON, not parsed.
    Json(Bytes),
    /// One file as it is; it has no name.
    Raw(Field),
    /// The fields of a form, in order.
    Form(Vec<Field>),
}

/// A field of a form.
pub(crate) struct Field {
    pub(crate) name: String,
    /// In lower case, without parameters; empty if none is given.
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
    pub(crate) file_name: Option<String>,
}

impl Field {
    /// Whether it is a file and not a text.
    pub(crate) fn is_file(&self) -> bool {
        self.file_name.is_some() || !matches!(&*self.content_type, "" | "text/plain")
    }

    /// Its name and text, unless it is a file.
    pub(crate) fn text(self) -> Option<(String, String)> {
        if self.is_file() && self.content_type != "application/json" {
            return None;
        }
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        Some((self.name, text))
    }
}

/// Reads a body of JSON; it is not parsed.
pub(crate) async fn json(request: Request, bounds: &Bounds) -> Result<Bytes, Problem> {
    match receive(request, bounds, JSON).await? {
        Sent::Json(body) => Ok(body),
        Sent::Nothing | Sent::Raw(_) | Sent::Form(_) => Err(wrong_type(None, JSON)),
    }
}

/// Whether a body of JSON is announced.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    kind_of(headers) == Some(Kind::Json)
}

/// Reads whatever was sent.
pub(crate) async fn sent(request: Request, bounds: &Bounds) -> Result<Sent, Problem> {
    receive(request, bounds, ANYTHING).await
}

/// Reads a body of one of the kinds that are taken.
async fn receive(request: Request, bounds: &Bounds, taken: &[Kind]) -> Result<Sent, Problem> {
    let content_type = content_type(request.headers()).map(essence_of);
    let kind = kind_of(request.headers()).filter(|kind| taken.contains(kind));
    if kind.is_none() && content_type.is_some() {
        discard(request.into_body()).await;
        return Err(wrong_type(content_type.as_deref(), taken));
    }
    // What is parsed takes more memory than its text.
    let is_text = matches!(kind, Some(Kind::Json | Kind::Texts));
    let (most, factor) = if is_text {
        (TEXT_BYTES, PARSED)
    } else {
        (u64::MAX, 1)
    };
    let bounds = Bounds {
        bytes: bounds.bytes.min(most),
        ..bounds.clone()
    };
    if declared_length(request.headers()).is_some_and(|length| length > bounds.bytes) {
        discard(request.into_body()).await;
        return Err(Problem::from(&GivenUp::TooLarge(bounds.bytes)));
    }
    let (parts, body) = request.into_parts();
    let flow = match Flow::begin(body, bounds, factor).await {
        Ok(flow) => flow,
        Err((body, busy)) => {
            discard(body).await;
            return Err(busy);
        }
    };
    let share = flow.share();
    let failed = |why: GivenUp| Problem::from(&why);
    if kind == Some(Kind::Form) {
        let request = Request::from_parts(parts, flow.into_body());
        return fields(request, &share).await.map(Sent::Form);
    }
    let body = share.of(flow.whole().await.map_err(failed)?);
    let is_guessed = taken.contains(&Kind::Untyped);
    match kind {
        Some(Kind::Json) => Ok(Sent::Json(body)),
        Some(Kind::Texts) if is_guessed && !is_form(&body) => Ok(untyped(body)),
        Some(Kind::Texts) => texts(&body).map(Sent::Form),
        Some(Kind::Raw | Kind::Form | Kind::Archive | Kind::Untyped) => Ok(Sent::Raw(Field {
            name: String::new(),
            content_type: content_type.unwrap_or_default(),
            bytes: body,
            file_name: None,
        })),
        None if body.is_empty() => Ok(Sent::Nothing),
        None if is_guessed => Ok(untyped(body)),
        None => Err(wrong_type(None, taken)),
    }
}

/// Reads a body away, within bounds.
pub(crate) async fn discard(mut body: Body) {
    let reading = async {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Whatever comes of it, the answer is an error already.
    let _ = timeout(DISCARD_TIME, reading).await;
}

/// The one file of a form.
fn form(fields: Vec<Field>) -> Result<Bytes, Problem> {
    let mut files = fields.into_iter().filter(|field| field.name == "file");
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file.bytes),
        (Some(_), Some(_)) => Err(bad_body(
            "The form has more than one field named file; send one picture a request",
        )),
        (None, _) => Err(bad_body("The form has no field named file")),
    }
}

/// The fields of a form.
async fn fields(request: Request, share: &Share) -> Result<Vec<Field>, Problem> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| bad_body(&error.body_text()))?;
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(parts::failed)? {
        if fields.len() == MAX_FIELDS {
            return Err(too_many_fields());
        }
        fields.push(Field {
            name: field.name().unwrap_or_default().to_owned(),
            content_type: field.content_type().map_or_else(String::new, essence_of),
            file_name: field.file_name().map(str::to_owned),
            bytes: share.of(field.bytes().await.map_err(parts::failed)?),
        });
    }
    Ok(fields)
}

/// Whether a body can be a form's, whose names and values are escaped.
fn is_form(body: &[u8]) -> bool {
    let is_escaped = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    body.first() != Some(&b'{')
        && (body.iter().all(is_escaped)
            // Some programs leave letters as they are.
            || std::str::from_utf8(body).is_ok_and(|text| !text.contains(|c: char| c.is_control())))
}

/// A body whose kind only its bytes tell.
fn untyped(body: Bytes) -> Sent {
    let is_object = body.trim_ascii_start().first() == Some(&b'{')
        && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
    if is_object {
        return Sent::Json(body);
    }
    Sent::Raw(Field {
        name: String::new(),
        content_type: String::new(),
        bytes: body,
        file_name: None,
    })
}

/// The fields of a form that holds texts only; they are written as a query is.
fn texts(body: &[u8]) -> Result<Vec<Field>, Problem> {
    let body = std::str::from_utf8(body).map_err(|_| bad_body("The form is not text"))?;
    if body.bytes().filter(|byte| *byte == b'&').count() >= MAX_FIELDS {
        return Err(too_many_fields());
    }
    let pairs = Params::parse(body)?.rest().into_iter();
    let field = |(name, text): (String, String)| Field {
        name,
        content_type: String::new(),
        file_name: None,
        bytes: text.into(),
    };
    Ok(pairs.map(field).collect())
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// A content type without its parameters, in lower case.
fn essence_of(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn kind_of(headers: &HeaderMap) -> Option<Kind> {
    let essence = content_type(headers).map(essence_of)?;
    match essence.as_str() {
        "multipart/form-data" => Some(Kind::Form),
        "application/octet-stream" | FEATURES => Some(Kind::Raw),
        _ if archives::is_archive(&essence) => Some(Kind::Archive),
        "application/json" | "application/merge-patch+json" => Some(Kind::Json),
        "application/x-www-form-urlencoded" => Some(Kind::Texts),
        _ if essence.starts_with("image/") => Some(Kind::Raw),
        _ => None,
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

pub(crate) fn bad_body(text: &str) -> Problem {
    Problem::new(Code::BadBody, text)
}

fn too_many_fields() -> Problem {
    bad_body(&format!("The form has more than {MAX_FIELDS} fields"))
}

fn wrong_type(given: Option<&str>, taken: &[Kind]) -> Problem {
    let given = match given {
        Some(given) => format!("The content type is {given:?}"),
        None => "The request names no content type".to_owned(),
    };
    let names = taken.iter().filter_map(|kind| match kind {
        Kind::Form => Some("multipart/form-data"),
        Kind::Raw => Some("image/*, application/octet-stream"),
        Kind::Json => Some("application/json"),
        Kind::Archive => Some("application/zip, application/x-tar, application/gzip"),
        Kind::Texts => Some("application/x-www-form-urlencoded"),
        Kind::Untyped => None,
    });
    let names: Vec<&str> = names.collect();
    Problem::new(
        Code::UnsupportedMediaType,
        format!("{given}; {} are taken.", names.join(", ")),
    )
}

/// A name fit to be stored and shown: without folders, control characters or marks that turn the
/// direction of writing, at most 255 bytes.
pub(crate) fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut cleaned: String = last.chars().filter(shown).collect();
    if cleaned.len() > MAX_NAME {
        // The ending tells the kind of file, so the middle gives way.
        let ending = cleaned.rfind('.').map_or("", |at| &cleaned[at..]);
        let ending = if ending.len() <= 16 { ending } else { "" }.to_owned();
        cleaned.truncate(cleaned.floor_char_boundary(MAX_NAME - ending.len()));
        cleaned.push_str(&ending);
    }
    match cleaned.trim() {
        "" | "." | ".." => "picture".to_owned(),
        good => good.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_FIELDS, clean_name, texts};

    #[test]
    fn a_form_has_a_bounded_number_of_fields() {
        let form = |fields: usize| texts(["a=1"; 2 * MAX_FIELDS][..fields].join("&").as_bytes());
        assert_eq!(form(MAX_FIELDS).ok().unwrap().len(), MAX_FIELDS);
        let refused = form(MAX_FIELDS + 1).err().unwrap();
        assert!(refused.message().contains("1000 fields"));
    }

    #[test]
    fn names_are_cleaned() {
        for (given, kept) in [
            ("a.jpg", "a.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\pictures\\b c.png", "b c.png"),
            ("x\r\ny\u{0}\u{7f}.gif", "xy.gif"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("Blåbær 日本.webp", "Blåbær 日本.webp"),
            ("", "picture"),
            ("a/..", "picture"),
            ("  ", "picture"),
        ] {
            assert_eq!(clean_name(given), kept, "{given:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending_and_whole_characters() {
        let long = format!("{}.jpeg", "é".repeat(300));
        let name = clean_name(&long);
        assert!(name.len() <= 255 && name.ends_with("é.jpeg"), "{name}");
        assert!(clean_name(&"x".repeat(999)).len() == 255);
    }
}
