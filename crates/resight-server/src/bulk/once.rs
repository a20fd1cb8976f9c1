//! `Idempotency-Key`: a request that comes again is answered as it was before.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use resight_app::answers::{Answer, Begun, Slot};
use resight_app::{Code, identity_of};

use crate::App;
use crate::access::{Caller, on_disk};
use crate::intake::Part;
use crate::params::bad;
use crate::problem::Problem;

/// The header's name.
const HEADER: &str = "idempotency-key";
/// The most characters of a key.
const MOST_CHARS: usize = 200;

/// What a request consists of, and the right to answer it where it has a key.
pub(crate) struct Once {
    hasher: blake3::Hasher,
    slot: Option<Slot>,
    answered: Option<Answer>,
}

/// Begins a request with these headers about the pictures of `app`: `about` is the rest of what tells it from others.
pub(crate) async fn begin(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    about: &str,
) -> Result<Once, Problem> {
    let mut once = Once {
        hasher: blake3::Hasher::new(),
        slot: None,
        answered: None,
    };
    once.field(about.as_bytes());
    let mut given = headers.get_all(HEADER).iter();
    let Some(key) = given.next() else {
        return Ok(once);
    };
    let is_good = |text: &&str| {
        !text.is_empty()
            && text.len() <= MOST_CHARS
            && text.bytes().all(|byte| matches!(byte, b'!'..=b'~'))
    };
    let key = key.to_str().ok().filter(is_good);
    let (Some(key), None) = (key, given.next()) else {
        let detail = format!("must be given once, with 1 to {MOST_CHARS} visible characters");
        return Err(bad("Idempotency-Key", &detail));
    };
    // Nobody learns another one's answers.
    let holder = match caller {
        Caller::Holder(holder) => holder.id.clone(),
        Caller::Anyone | Caller::Unknown => String::new(),
    };
    let (answers, library, key) = (app.answers.clone(), app.library.clone(), key.to_owned());
    let begun = move || {
        // Not the name: another collection may have it tomorrow, and this one another name.
        let collection = identity_of(&library)?;
        Ok(answers.begin(&collection, &[&holder, &key]))
    };
    match on_disk(begun).await? {
        Begun::Fresh(slot) => once.slot = Some(slot),
        Begun::Answered(answer) => once.answered = Some(answer),
        Begun::AtWork => {
            let detail = "A request with this key is at work.";
            return Err(Problem::new(Code::IdempotencyKeyInUse, detail));
        }
    }
    Ok(once)
}

impl Once {
    /// Counts a part to what the request consists of: not how a form writes it, which differs each time.
    pub(crate) fn count(&mut self, part: &Part) {
        if self.slot.is_none() && self.answered.is_none() {
            return;
        }
        match part {
            Part::Text((name, text)) => {
                self.field(name.as_bytes());
                self.field(text.as_bytes());
            }
            Part::Picture { name, bytes } => {
                self.field(name.as_bytes());
                self.field(blake3::hash(bytes).as_bytes());
            }
            Part::Archive { name, archive } => {
                self.field(name.as_bytes());
                self.field(archive.hash.as_bytes());
            }
            Part::Refused { name, .. } => self.field(name.as_bytes()),
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    /// Whether it was answered before.
    pub(crate) fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// The answer that it had, if its parts are the same.
    pub(crate) fn again(self) -> Result<Response, Problem> {
        let request = self.hasher.finalize().to_hex().to_string();
        match self.answered {
            Some(answer) if answer.request == request => Ok(response(&answer, true)),
            _ => {
                let detail = "An earlier request with this key had other content.";
                Err(Problem::new(Code::IdempotencyKeyReused, detail))
            }
        }
    }

    /// Answers, and keeps the answer where the request has a key.
    pub(crate) async fn answer(
        self,
        status: StatusCode,
        content_type: &str,
        location: Option<String>,
        body: Vec<u8>,
    ) -> Response {
        let answer = Answer {
            request: self.hasher.finalize().to_hex().to_string(),
            status: status.as_u16(),
            content_type: content_type.to_owned(),
            location,
            body,
        };
        let Some(slot) = self.slot else {
            return response(&answer, false);
        };
        let kept = tokio::task::spawn_blocking(move || (slot.keep(&answer), answer)).await;
        match kept {
            Ok((kept, answer)) => {
                if let Err(error) = kept {
                    // What it has done is done: the same request again finds all of it there.
                    tracing::warn!(%error, "an answer could not be kept for its Idempotency-Key");
                }
                response(&answer, false)
            }
            Err(error) => axum::response::IntoResponse::into_response(Problem::internal(&error)),
        }
    }
}

fn response(answer: &Answer, is_again: bool) -> Response {
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    let location = answer.location.as_deref();
    for (name, value) in [
        (header::CONTENT_TYPE, Some(&*answer.content_type)),
        (header::LOCATION, location),
    ] {
        if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
            headers.insert(name, value);
        }
    }
    if is_again {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}
