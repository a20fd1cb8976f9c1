//! Interfaces of other search services, each switched on by itself: a client of one of them works with Resight after
//! its address was changed. `docs/compatibility.md` says what each route does here.
//!
//! Invariant: these routes work on the default collection, and need the scopes that the same work needs below `/v1`.
//! Invariant: a picture gives its name to another one by an addition; it is removed only where the key may delete.
//! Invariant: a failure of such a route has the form of that interface, and the HTTP status of Resight's own, but
//! where clients of that interface expect 200.

pub(crate) mod interface;
mod matching;
mod origin;
mod pastec;

use axum::Router;
use axum::body::Bytes;
use parking_lot::Mutex;
use resight_engine::{
    Added, EngineError, Filter, Hit, Indexer, LabelPatch, Library, Metadata, Picture, PictureId,
    Query, QueryPicture, SearchAnswer, SearchOptions, Searcher, Update,
};
use serde_json::{Map, Value};

use super::App;
use super::intake::{self, Field, Sent, bad_body};
use super::problem::Problem;
use crate::wire;
use interface::Interface;

/// Hits when no limit is given.
const PAGE: usize = 10;
/// The most hits or entries of one answer.
const MOST: u64 = 1000;

/// Of two additions under one name one stays: each looks for the other's picture after its own has the name.
static CHANGES: Mutex<()> = Mutex::new(());

/// Runs `work`, which changes by what name pictures are known or what is stored with it, beside no other of its kind.
async fn one_by_one<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, Problem> {
    let alone = move || {
        let _alone = CHANGES.lock();
        work()
    };
    app.work.light.run(alone).await
}

/// The routes of these interfaces.
pub(crate) fn routes(interfaces: &[Interface]) -> Router<App> {
    let wanted = Interface::ALL.into_iter();
    let wanted = wanted.filter(|one| interfaces.contains(one));
    let routes_of = |one| match one {
        Interface::Match => matching::routes(),
        Interface::Pastec => pastec::routes(),
        Interface::Origin => origin::routes(),
    };
    wanted.fold(Router::new(), |all, one| all.merge(routes_of(one)))
}

/// The fields of a request's body, whatever its form.
struct Fields(Vec<Field>);

impl Fields {
    async fn read(app: &App, request: axum::extract::Request) -> Result<Self, Problem> {
        let request = app.work.heavy.look_in(request).await?;
        let query = request.uri().query().unwrap_or_default().to_owned();
        let sent = intake::sent(request, &app.bodies).await?;
        let mut fields = match sent {
            Sent::Form(fields) => fields,
            Sent::Json(body) => of_json(&body)?,
            Sent::Raw(field) if !field.bytes.is_empty() => vec![Field {
                name: "image".into(),
                file_name: Some("picture".into()),
                ..field
            }],
            Sent::Raw(_) | Sent::Nothing => Vec::new(),
        };
        let given = super::params::Params::parse(&query)?.rest();
        fields.extend(given.into_iter().map(|(name, text)| text_field(name, text)));
        Ok(Self(fields))
    }

    /// The text of the first of these fields that there is.
    fn text(&self, names: &[&str]) -> Option<String> {
        let field = self.find(names, false)?;
        Some(String::from_utf8_lossy(&field.bytes).trim().to_owned())
    }

    fn number(&self, names: &[&str]) -> Result<Option<f64>, Problem> {
        let Some(text) = self.text(names).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0);
        let wrong = || bad_body(&format!("The field {} must be a number from 0", names[0]));
        number.map(Some).ok_or_else(wrong)
    }

    fn flag(&self, names: &[&str], default: bool) -> bool {
        let text = self.text(names).unwrap_or_default().to_ascii_lowercase();
        match text.as_str() {
            "" => default,
            "false" | "0" | "no" | "off" => false,
            _ => true,
        }
    }

    /// The bytes of the first of these fields that is a file, with its name.
    fn file(&self, names: &[&str]) -> Option<(Bytes, String)> {
        let field = self.find(names, true)?;
        let name = field.file_name.clone().unwrap_or_default();
        Some((field.bytes.clone(), name))
    }

    fn find(&self, names: &[&str], is_file: bool) -> Option<&Field> {
        let is_one = |field: &&Field| {
            names.contains(&&*field.name) && is_file_of(field) == is_file && !field.bytes.is_empty()
        };
        self.0.iter().find(is_one)
    }

    /// A picture that was sent as a file, or that an address leads to.
    async fn picture(
        &self,
        app: &App,
        files: &[&str],
        addresses: &[&str],
    ) -> Result<Option<(Bytes, String)>, Problem> {
        if let Some(found) = self.file(files) {
            return Ok(Some(found));
        }
        let Some(url) = self.text(addresses) else {
            return Ok(None);
        };
        let fetched = app.fetcher.fetch(&url, &app.bodies).await?;
        Ok(Some((fetched.bytes, fetched.name)))
    }
}

/// Some programs send texts as files without a name.
fn is_file_of(field: &Field) -> bool {
    field.is_file() && field.file_name.as_deref() != Some("")
}

fn text_field(name: String, text: String) -> Field {
    Field {
        name,
        content_type: String::new(),
        file_name: None,
        bytes: text.into(),
    }
}

/// The members of an object as fields.
fn of_json(body: &[u8]) -> Result<Vec<Field>, Problem> {
    let object: Map<String, Value> = super::wanted::json(body, "{…}")?;
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let fields = object.into_iter();
    Ok(fields
        .map(|(name, value)| text_field(name, text(value)))
        .collect())
}

/// The last name of a path or an address.
fn last_name(text: &str) -> String {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    intake::clean_name(path)
}

/// The metadata of a picture as an object.
fn metadata_of(picture: &Picture) -> Map<String, Value> {
    let text = picture.labels.metadata.as_deref().unwrap_or("{}");
    // It was stored from JSON.
    serde_json::from_str(text).unwrap_or_default()
}

fn set_metadata(
    library: &Library,
    id: &PictureId,
    metadata: Map<String, Value>,
) -> Result<(), EngineError> {
    let update = match metadata.is_empty() {
        true => Update::Clear,
        false => Update::Set(metadata_value(metadata)?),
    };
    let patch = LabelPatch {
        metadata: update,
        ..LabelPatch::default()
    };
    library.label(vec![(id.clone(), patch)]).map(drop)
}

fn metadata_value(metadata: Map<String, Value>) -> Result<Metadata, EngineError> {
    wire::metadata_of(&Value::Object(metadata).to_string()).map_err(EngineError::BadQuery)
}

/// All pictures that a filter matches; for filters that match few.
fn matching(library: &Library, filter: &Filter) -> Result<Vec<Picture>, EngineError> {
    library.pictures_matching(filter, 0, MOST)
}

async fn added(app: &App, bytes: Bytes, name: String) -> Result<Added, Problem> {
    let library = app.library.clone();
    let add = move || Indexer::new(library.shared()).add(&bytes, &name);
    app.work.heavy.run(add).await
}

async fn found(app: &App, bytes: Bytes, options: SearchOptions) -> Result<SearchAnswer, Problem> {
    let library = app.library.clone();
    let search = move |left| {
        let query = QueryPicture::from(Query::Bytes(&bytes));
        let searcher = Searcher::new(library.shared()).until(left);
        searcher.search_all(&[query], &options)
    };
    app.work.heavy.run_until_left(search).await
}

/// How alike two pictures are, 0 to 100, for clients that expect one number: 100 for the same bytes, 50 to 99 for
/// verified ones by the larger share that is covered, and 0 for others.
fn score(identical: bool, verified: bool, coverage: [f64; 2]) -> f64 {
    let share = coverage[0].max(coverage[1]).clamp(0.0, 1.0);
    match (identical, verified) {
        (true, _) => 100.0,
        (false, true) => ((50.0 + 49.0 * share) * 10.0).round() / 10.0,
        (false, false) => 0.0,
    }
}

fn score_of(hit: &Hit) -> f64 {
    let coverage = [hit.coverage_query, hit.coverage_result];
    score(hit.identical, hit.verified, coverage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_grows_with_what_is_covered_and_tells_verified_ones_apart() {
        assert_eq!(score(true, true, [0.1, 0.1]), 100.0);
        assert_eq!(score(false, true, [0.0, 0.0]), 50.0);
        assert_eq!(score(false, true, [0.2, 1.0]), 99.0);
        assert_eq!(score(false, false, [1.0, 1.0]), 0.0);
    }
}
