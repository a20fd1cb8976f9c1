//! Query parameters and ids in addresses, taken one by one so that every mistake is answered with
//! the parameter's name and what it may be.

use std::fmt::Display;
use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, Path};
use axum::http::Uri;
use axum::http::request::Parts;
use resight_engine::PictureId;

use super::problem::Problem;

/// The largest whole number that every JSON reader holds exactly.
pub(crate) const MAX_OFFSET: u64 = (1 << 53) - 1;
/// The most entries that one answer gives.
pub(crate) const MAX_LIMIT: u64 = 1000;

/// The query parameters of one request that were not taken yet.
pub(crate) struct Params(Vec<(String, String)>);

impl From<Vec<(String, String)>> for Params {
    fn from(given: Vec<(String, String)>) -> Self {
        Self(given)
    }
}

impl Params {
    /// Splits the query part of `uri`.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Problem> {
        Self::parse(uri.query().unwrap_or_default())
    }

    /// Splits `name=value&…` with its escapes; those that stand for no text are replaced.
    pub(crate) fn parse(query: &str) -> Result<Self, Problem> {
        serde_urlencoded::from_str(query)
            .map(Self)
            .map_err(|error| Problem::new("bad_parameter", format!("{error}.")))
    }

    /// The text of a parameter, if it is given.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let found = self.0.iter().position(|(given, _)| given == name);
        let value = found.map(|at| self.0.swap_remove(at).1);
        if self.0.iter().any(|(given, _)| given == name) {
            return Err(bad(name, &"must be given once only"));
        }
        Ok(value)
    }

    /// The texts of a parameter that may be given several times, in the order given.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        let taken = self.0.extract_if(.., |(given, _)| *given == name);
        taken.map(|(_, value)| value).collect()
    }

    /// The parameters whose name begins with `prefix` and goes on, without it.
    pub(crate) fn all_with_prefix(&mut self, prefix: &str) -> Vec<(String, String)> {
        let rest = |name: &str| Some(name.strip_prefix(prefix)?.to_owned());
        let is_one = |name: &str| rest(name).is_some_and(|rest| !rest.is_empty());
        let taken = self.0.extract_if(.., |(name, _)| is_one(name));
        let taken = taken.filter_map(|(name, value)| Some((rest(&name)?, value)));
        taken.collect()
    }

    /// Copies of all.
    pub(crate) fn copy(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// Adds parameters that were given elsewhere.
    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = (String, String)>) {
        self.0.extend(more);
    }

    /// All that were not taken.
    pub(crate) fn rest(self) -> Vec<(String, String)> {
        self.0
    }

    /// A whole number within `range`, or `default`.
    pub(crate) fn number(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, Problem> {
        let Some(text) = self.text(name)? else {
            return Ok(default);
        };
        match text.parse() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(bad(
                name,
                &format_args!(
                    "must be a whole number from {} to {}; it is {text:?}",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }

    /// `offset` and `limit`, the latter `default` when it is not given.
    pub(crate) fn page(&mut self, default: u64) -> Result<(u64, u64), Problem> {
        Ok((
            self.number("offset", 0..=MAX_OFFSET, 0)?,
            self.number("limit", 1..=MAX_LIMIT, default)?,
        ))
    }

    /// `true` or `false`; false when it is not given.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        self.flag_or(name, false)
    }

    /// `true` or `false`; `default` when it is not given.
    pub(crate) fn flag_or(&mut self, name: &str, default: bool) -> Result<bool, Problem> {
        match self.text(name)?.as_deref() {
            None => Ok(default),
            Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(bad(
                name,
                &format_args!("must be true or false; it is {other:?}"),
            )),
        }
    }

    /// One of some words, if it is given.
    pub(crate) fn one_of(
        &mut self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, Problem> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => Err(bad(
                name,
                &format_args!("must be {}; it is {text:?}", words.join(" or ")),
            )),
        }
    }

    /// Refuses parameters that nobody took: a misspelt one must not be passed over in silence.
    pub(crate) fn finish(self, known: &str) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(bad(name, &format_args!("is not known here; {known}"))),
        }
    }
}

/// The picture's id in an address with `{id}`.
pub(crate) struct PictureAt(pub(crate) PictureId);

impl<S: Send + Sync> FromRequestParts<S> for PictureAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| bad("id", &format_args!("cannot be read: {}", error.body_text())))?;
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
    Problem::new("bad_parameter", format!("The parameter {name} {what}."))
}
