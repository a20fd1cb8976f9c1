//! Pages of lists of pictures, of objects and of decisions, in an order, each after the page before.

use std::str::FromStr;

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use resight_engine::{
    EngineError, Filter, Library, Order, OrderBy, OrderValue, Picture, PictureId, Position, Refuted,
};
use resight_store::NotAMatch;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::cursor::Cursors;
use super::params::{Page, Params, bad, parsed_option};
use super::problem::Problem;

/// The order of a list, and the page of it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Ordered {
    /// What pictures are ordered by: `added`, `name`, `taken` or `bytes`, with `-` before it the largest first; `-added` by default
    #[serde(default, deserialize_with = "parsed_option")]
    #[param(value_type = Option<String>)]
    sort: Option<Sort>,
    /// `next` of the page before, which this page follows, whatever was added or removed in between
    cursor: Option<String>,
}

/// The page of a list of objects or of decisions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Following {
    /// `next` of the page before, which this page follows, whatever was added or removed in between
    cursor: Option<String>,
}

/// What `sort` may be.
pub(crate) const SORTS: [&str; 8] = [
    "added", "-added", "name", "-name", "taken", "-taken", "bytes", "-bytes",
];

struct Sort(Order);

impl FromStr for Sort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let by = match name {
            "added" => OrderBy::Added,
            "name" => OrderBy::Name,
            "taken" => OrderBy::Taken,
            "bytes" => OrderBy::Bytes,
            _ => {
                let all = SORTS.join(", ");
                return Err(format!("must be one of {all}; it is {text:?}"));
            }
        };
        Ok(Self(Order { by, descending }))
    }
}

/// A page of pictures that was asked for.
pub(crate) struct PageOfPictures {
    filter: Filter,
    order: Order,
    after: Option<Position>,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    /// What its cursors are good for.
    list: String,
}

/// A page that was found.
pub(crate) struct Found<T> {
    /// Entries in all.
    pub(crate) total: u64,
    pub(crate) page: Vec<T>,
    /// The place after it, where it was not the last.
    pub(crate) next: Option<Position>,
}

impl PageOfPictures {
    /// Takes the parameters of a page of the pictures that match `filter`, in the list at `address`.
    pub(crate) fn take(
        params: &mut Params,
        filter: Filter,
        default: u64,
        (cursors, address): (&Cursors, &str),
    ) -> Result<Self, Problem> {
        let (offset, limit) = params.take::<Page>()?.or(default);
        let Ordered { sort, cursor } = params.take()?;
        let order = sort.map_or(Order::default(), |sort| sort.0);
        if offset > 0 && (cursor.is_some() || order != Order::default()) {
            let what =
                "goes with the default order alone; `next` of a page leads to the page after it";
            return Err(bad("offset", &what));
        }
        let list = format!("{address} {order:?} {filter:?}");
        let after = cursor.map(|cursor| cursors.read(&list, &cursor));
        Ok(Self {
            after: after.transpose()?,
            filter,
            order,
            offset,
            limit,
            list,
        })
    }

    /// Reads it.
    pub(crate) fn read(&self, library: &Library) -> Result<Found<Picture>, EngineError> {
        let total = library.count_matching(&self.filter)?;
        // One more than is shown tells whether there is a next page.
        let most = self.limit + 1;
        let mut found = match self.offset {
            0 => library.pictures_after(&self.filter, self.order, self.after.as_ref(), most)?,
            offset => library.pictures_at(&self.filter, offset, most)?,
        };
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more);
        Ok(Found {
            total,
            next: next.map(|(place, _)| place.clone()),
            page: found.into_iter().map(|(_, picture)| picture).collect(),
        })
    }

    /// The cursor of the next page.
    pub(crate) fn cursor(&self, cursors: &Cursors, next: Option<&Position>) -> Option<String> {
        next.and_then(|place| cursors.make(&self.list, place))
    }
}

/// The object after which a page of the list of objects at `address` begins.
pub(crate) fn object_after(
    params: &mut Params,
    cursors: &Cursors,
    address: &str,
) -> Result<Option<String>, Problem> {
    let Following { cursor } = params.take()?;
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    match cursors.read(address, &cursor)?.value {
        OrderValue::Text(id) => Ok(Some(id)),
        OrderValue::Number(_) => Ok(None),
    }
}

/// The place after an object.
pub(crate) fn place_of_object(id: &str) -> Position {
    Position {
        value: OrderValue::Text(id.to_owned()),
        key: 0,
    }
}

/// The decision after which a page of the list of decisions at `address` begins.
pub(crate) fn decision_after(
    params: &mut Params,
    cursors: &Cursors,
    address: &str,
) -> Result<Option<NotAMatch>, Problem> {
    let Following { cursor } = params.take()?;
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let OrderValue::Text(text) = cursors.read(address, &cursor)?.value else {
        return Ok(None);
    };
    // It is sealed, so it is one of ours.
    let mut parts = text.split(' ');
    let mut next = || parts.next().unwrap_or_default();
    let decided_ms = next().parse().ok();
    let ids = (PictureId::parse(next()), PictureId::parse(next()));
    Ok(match (decided_ms, ids) {
        (Some(decided_ms), (Some(a), Some(b))) => Some(NotAMatch { a, b, decided_ms }),
        _ => None,
    })
}

/// The place after a decision.
pub(crate) fn place_of_decision(decision: &Refuted) -> Position {
    let (a, b) = (&decision.a.0, &decision.b.0);
    Position {
        value: OrderValue::Text(format!("{} {a} {b}", decision.decided_ms)),
        key: 0,
    }
}

/// A list, with the address of its next page in a header (RFC 8288).
pub(crate) fn answer<T: Serialize>(
    list: T,
    address: &str,
    uri: &Uri,
    next: Option<&str>,
) -> Response {
    let mut response = Json(list).into_response();
    let Some(next) = next else {
        return response;
    };
    let kept = uri.query().unwrap_or_default().split('&');
    let kept = kept.filter(|one| {
        let name = one.split('=').next().unwrap_or_default();
        !name.is_empty() && !["cursor", "offset"].contains(&name)
    });
    let mut query: Vec<&str> = kept.collect();
    let cursor = format!("cursor={next}");
    query.push(&cursor);
    let link = format!("<{address}?{}>; rel=\"next\"", query.join("&"));
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
