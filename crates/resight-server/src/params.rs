//! Query parameters, each group of them a struct, and ids in addresses. Every mistake is answered
//! with the parameter's name and what it may be.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::Uri;
use axum::http::request::Parts;
use resight_app::Code;
use resight_engine::PictureId;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_path_to_error::Segment;
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use super::problem::Problem;

/// The largest whole number that every JSON reader holds exactly.
pub(crate) const MAX_OFFSET: u64 = (1 << 53) - 1;
/// The most entries of one answer.
pub(crate) const MAX_LIMIT: u64 = 1000;
/// The end of a parameter's name that stands for any text.
const ANY_KEY: &str = "KEY";

/// Which part of a list an answer holds.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many entries to skip; 0 by default
    #[param(value_type = Option<u64>)]
    offset: Option<Whole<0, MAX_OFFSET>>,
    /// At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000)]
    limit: Option<Whole<1, MAX_LIMIT>>,
}

impl Page {
    /// `offset`, and `limit` or this list's default.
    pub(crate) fn or(&self, limit: u64) -> (u64, u64) {
        (
            self.offset.map_or(0, Whole::value),
            self.limit.map_or(limit, Whole::value),
        )
    }
}

/// A whole number within bounds, both included.
#[derive(Clone, Copy)]
pub(crate) struct Whole<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Whole<LEAST, MOST> {
    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

impl<const LEAST: u64, const MOST: u64> FromStr for Whole<LEAST, MOST> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(value) if (LEAST..=MOST).contains(&value) => Ok(Self(value)),
            _ => Err(format!(
                "must be a whole number from {LEAST} to {MOST}; it is {text:?}"
            )),
        }
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parsed(from)
    }
}

/// `true` or `false`.
#[derive(Clone, Copy)]
pub(crate) struct Flag(pub(crate) bool);

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = text.parse();
        value
            .map(Self)
            .map_err(|_| format!("must be true or false; it is {text:?}"))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parsed(from)
    }
}

/// Reads one text as `T`; for `#[serde(deserialize_with)]` of a field that need not be given, see
/// [`parsed_option`].
fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err: Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("one text")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    from.deserialize_str(Text(PhantomData))
}

/// Reads the one text of a parameter that was given.
pub(crate) fn parsed_option<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    parsed(from).map(Some)
}

/// The query parameters of one request, taken from it group by group.
pub(crate) struct Params {
    /// Those that no group took yet.
    given: Vec<(String, String)>,
    /// The names of the groups that were taken.
    known: Vec<String>,
}

impl From<Vec<(String, String)>> for Params {
    fn from(given: Vec<(String, String)>) -> Self {
        Self {
            given,
            known: Vec::new(),
        }
    }
}

impl Params {
    /// Splits the query part of `uri`.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Problem> {
        Self::parse(uri.query().unwrap_or_default())
    }

    /// Splits `name=value&…` with its escapes; those that stand for no text are replaced.
    pub(crate) fn parse(query: &str) -> Result<Self, Problem> {
        serde_html_form::from_str::<Vec<(String, String)>>(query)
            .map(Self::from)
            .map_err(|error| Problem::new(Code::BadParameter, format!("{error}.")))
    }

    /// The only group of `uri`.
    pub(crate) fn only<T: DeserializeOwned + IntoParams>(uri: &Uri) -> Result<T, Problem> {
        let mut params = Self::of(uri)?;
        let group = params.take()?;
        params.finish()?;
        Ok(group)
    }

    /// Refuses any parameter of `uri`.
    pub(crate) fn none(uri: &Uri) -> Result<(), Problem> {
        Self::of(uri)?.finish()
    }

    /// The parameters that are fields of `T`. A field whose name ends in `KEY` takes all whose
    /// names begin as it does and go on.
    pub(crate) fn take<T: DeserializeOwned + IntoParams>(&mut self) -> Result<T, Problem> {
        let fields = T::into_params(|| Some(ParameterIn::Query));
        let names: Vec<String> = fields.into_iter().map(|field| field.name).collect();
        let is_one = |given: &str| names.iter().any(|name| names_parameter(name, given));
        let own: Vec<_> = self
            .given
            .extract_if(.., |(name, _)| is_one(name))
            .collect();
        self.known.extend(names);
        read(&own)
    }

    /// Copies of all that no group took yet.
    pub(crate) fn copy(&self) -> Vec<(String, String)> {
        self.given.clone()
    }

    /// Adds parameters that were given elsewhere.
    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = (String, String)>) {
        self.given.extend(more);
    }

    /// All that no group took.
    pub(crate) fn rest(self) -> Vec<(String, String)> {
        self.given
    }

    /// Refuses parameters that no group took: a misspelt one must not be passed over in silence.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let Some((name, _)) = self.given.first() else {
            return Ok(());
        };
        let known = match self.known.split_last() {
            None => "there are no parameters".to_owned(),
            Some((only, [])) => format!("{only} is"),
            Some((last, others)) => format!("{} and {last} are", others.join(", ")),
        };
        Err(bad(name, &format_args!("is not known here; {known}")))
    }
}

/// Whether a field of this name takes the parameter `given`.
fn names_parameter(field: &str, given: &str) -> bool {
    match field.strip_suffix(ANY_KEY) {
        Some(prefix) if !prefix.is_empty() => {
            given.starts_with(prefix) && given.len() > prefix.len()
        }
        _ => field == given,
    }
}

fn read<T: DeserializeOwned>(given: &[(String, String)]) -> Result<T, Problem> {
    let ours = |error: &dyn Display| Problem::internal(error);
    let text = serde_html_form::to_string(given).map_err(|error| ours(&error))?;
    let from = serde_html_form::Deserializer::from_bytes(text.as_bytes());
    serde_path_to_error::deserialize(from).map_err(|error| {
        // The parameter, and for one that may be given several times which of its values.
        let mut place = error.path().iter();
        let name = match place.next() {
            Some(Segment::Map { key }) => key.clone(),
            _ => error.path().to_string(),
        };
        let is_one_of_several = place.next().is_some();
        let times = given.iter().filter(|(given, _)| *given == name).count();
        match error.into_inner().to_string() {
            _ if times > 1 && !is_one_of_several => bad(&name, &"must be given once only"),
            what => bad(&name, &what),
        }
    })
}

/// Why [`path_segments`] returns no text.
pub(crate) enum SegmentError {
    /// What stands at `{key}` in the address, which may be another part than the one asked for, is no
    /// UTF-8 once it is decoded.
    NotText { key: String },
    /// The route is not made as its handler expects.
    Internal(Problem),
}

impl From<SegmentError> for Problem {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::NotText { key } => {
                bad(&key, &"cannot be read: it is no UTF-8 once it is decoded")
            }
            SegmentError::Internal(problem) => problem,
        }
    }
}

/// The part of an address that stands at `{name}`.
pub(crate) async fn path_segment<S: Send + Sync>(
    name: &str,
    parts: &mut Parts,
    state: &S,
) -> Result<String, SegmentError> {
    let [segment] = path_segments([name], parts, state).await?;
    Ok(segment)
}

/// The parts of an address that stand at these names.
pub(crate) async fn path_segments<const N: usize, S: Send + Sync>(
    names: [&str; N],
    parts: &mut Parts,
    state: &S,
) -> Result<[String; N], SegmentError> {
    let internal = |what: &dyn Display| SegmentError::Internal(Problem::internal(what));
    let all = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
    let Path(all) = all.map_err(|error| {
        if let PathRejection::FailedToDeserializePathParams(error) = &error
            && let ErrorKind::InvalidUtf8InPathParam { key } = error.kind()
        {
            return SegmentError::NotText { key: key.clone() };
        }
        internal(&error.body_text())
    })?;
    let mut found = names.map(|_| String::new());
    for (name, segment) in names.iter().zip(&mut found) {
        let (_, text) = all
            .iter()
            .find(|(at, _)| at == name)
            .ok_or_else(|| internal(&format_args!("the route has no part named {name}")))?;
        segment.clone_from(text);
    }
    Ok(found)
}

/// The picture's id in an address with `{id}`.
pub(crate) struct PictureAt(pub(crate) PictureId);

impl<S: Send + Sync> FromRequestParts<S> for PictureAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = path_segment("id", parts, state).await?;
        picture_id("id", &text).map(Self)
    }
}

/// A picture's id as it stands in an address or a body.
pub(crate) fn picture_id(name: &str, text: &str) -> Result<PictureId, Problem> {
    PictureId::parse(text).ok_or_else(|| {
        bad(
            name,
            &format_args!("must be 32 characters of 0-9 and a-f; it is {text:?}"),
        )
    })
}

pub(crate) fn bad(name: &str, what: &dyn Display) -> Problem {
    Problem::new(Code::BadParameter, format!("The parameter {name} {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::filters::Filters;

    fn page(query: &str) -> Result<(u64, u64), String> {
        let uri: Uri = format!("/x?{query}").parse().unwrap();
        Params::only::<Page>(&uri)
            .map(|page| page.or(60))
            .map_err(|problem| problem.message())
    }

    #[test]
    fn a_page_has_bounds_and_a_default() {
        for (query, expected) in [
            ("", (0, 60)),
            ("limit=1", (0, 1)),
            ("limit=1000&offset=9007199254740991", (MAX_OFFSET, 1000)),
        ] {
            assert_eq!(page(query), Ok(expected), "{query}");
        }
        for (query, parts) in [
            ("limit=0", ["limit", "from 1 to 1000"]),
            ("limit=1001", ["limit", "\"1001\""]),
            ("limit=", ["limit", "\"\""]),
            ("limit=2&limit=3", ["limit", "given once only"]),
            ("offset=-1", ["offset", "whole number from 0"]),
            ("size=1", ["size", "offset and limit are"]),
        ] {
            let error = page(query).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn a_name_that_ends_in_key_takes_every_longer_name() {
        assert!(names_parameter("meta.KEY", "meta.year"));
        assert!(!names_parameter("meta.KEY", "meta."));
        assert!(!names_parameter("meta.KEY", "tag"));
        assert!(names_parameter("tag", "tag") && !names_parameter("tag", "tags"));
        let uri: Uri = "/x?meta.a=1&meta.b=2&meta.a=3&tag=t&tag=u".parse().unwrap();
        let filter =
            Params::only::<Filters>(&uri).and_then(|filters| filters.filter(&Caller::Anyone));
        let filter = filter.map_err(|problem| problem.message()).unwrap();
        let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            filter.entries,
            [entry("a", "1"), entry("a", "3"), entry("b", "2")]
        );
        assert_eq!(filter.tags.len(), 2);
    }

    #[test]
    fn where_no_group_is_known_every_parameter_is_refused() {
        let refused = |uri: &str| Params::none(&uri.parse().unwrap()).is_err();
        assert!(!refused("/x") && !refused("/x?"));
        assert!(refused("/x?a=1"));
    }
}
