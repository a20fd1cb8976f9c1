//! Manifests (IIIF Presentation API 3.0): a picture, and what a search by it finds.

use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use resight_app::Code;
use resight_app::keys::Scope;
use resight_engine::{Hit, Picture, Query, QueryPicture, SearchOptions, Searcher};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::super::access::Caller;
use super::super::params::{Flag, Params, Whole};
use super::super::problem::Problem;
use super::{Named, linked_data};

const CONTEXT: &str = "http://iiif.io/api/presentation/3/context.json";
/// Hits when no limit is given.
const PAGE: u64 = 20;
/// The longest side of a canvas's thumbnail.
const THUMBNAIL: u32 = 400;

/// A manifest of one picture.
pub(super) async fn of_one(
    named: Named,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Params::none(&uri)?;
    let picture = named.picture().await?;
    let id = format!("{}/manifest", named.manifests(&named.id));
    let items = vec![canvas(&named, &id, 1, &picture, None)];
    let body = manifest(&id, &picture.name, items);
    Ok(linked_data(CONTEXT, &headers, body))
}

/// Which hits a manifest has.
#[derive(Deserialize, IntoParams)]
pub(super) struct HitsWanted {
    #[param(value_type = Option<u64>)]
    limit: Option<Whole<1, 200>>,
    #[param(value_type = Option<bool>)]
    verified_only: Option<Flag>,
}

/// A manifest of a stored picture and the pictures that a search by it finds, a canvas each: the query first. What both
/// show is an annotation of a canvas.
pub(super) async fn of_hits(
    named: Named,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !caller.allows(Scope::Search) {
        let detail = "The key lacks the scope search.";
        return Err(Problem::new(Code::KeyNotAllowed, detail));
    }
    let wanted: HitsWanted = Params::only(&uri)?;
    let verified_only = wanted.verified_only.is_none_or(|flag| flag.0);
    let limit = wanted.limit.map_or(PAGE, Whole::value);
    let options = SearchOptions {
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        verified_only,
        ..SearchOptions::default()
    };
    let (library, asked) = (named.app.library.clone(), named.id.clone());
    let search = move |left| {
        let query = QueryPicture::from(Query::Stored(&asked));
        let searcher = Searcher::new(library.shared()).until(left);
        let answer = searcher.search_all(&[query], &options)?;
        Ok((library.picture(&asked)?, answer))
    };
    let (query, answer) = named.app.work.heavy.run_until_left(search).await?;
    // Below it lie addresses that need not lead anywhere.
    let below = format!("{}/search", named.manifests(&named.id));
    let id = match uri.query() {
        Some(query) => format!("{below}?{query}"),
        None => below.clone(),
    };
    let mut items = vec![canvas(&named, &below, 1, &query, None)];
    for (hit, number) in answer.hits.iter().zip(2..) {
        items.push(canvas(&named, &below, number, &hit.picture, Some(hit)));
    }
    let mut body = manifest(&id, &format!("Found by {}", query.name), items);
    let found = format!("{} of {}", answer.hits.len(), answer.total);
    body["summary"] = said(&format!(
        "{found} pictures found; {} are verified",
        answer.verified
    ));
    Ok(linked_data(CONTEXT, &headers, body).into_response())
}

fn manifest(id: &str, label: &str, items: Vec<Value>) -> Value {
    json!({
        "@context": CONTEXT,
        "id": id,
        "type": "Manifest",
        "label": said(label),
        "items": items,
    })
}

/// A text in no language.
fn said(text: &str) -> Value {
    // A label may not be empty.
    let text = if text.is_empty() { "-" } else { text };
    json!({"none": [text]})
}

/// A picture as a canvas of its own size, with the annotation of a hit.
fn canvas(
    named: &Named,
    below: &str,
    number: usize,
    picture: &Picture,
    hit: Option<&Hit>,
) -> Value {
    let id = format!("{below}/canvas/{number}");
    let image = named.image(&picture.id);
    let (width, height) = (picture.width, picture.height);
    let service = json!([{"id": image, "type": "ImageService3", "profile": "level2"}]);
    let most = format!("!{THUMBNAIL},{THUMBNAIL}");
    let mut canvas = json!({
        "id": id,
        "type": "Canvas",
        "label": said(&picture.name),
        "width": width,
        "height": height,
        "thumbnail": [{
            "id": format!("{image}/full/{most}/0/default.jpg"),
            "type": "Image",
            "format": "image/jpeg",
            "service": service,
        }],
        "items": [{
            "id": format!("{id}/page"),
            "type": "AnnotationPage",
            "items": [{
                "id": format!("{id}/painting"),
                "type": "Annotation",
                "motivation": "painting",
                "target": id,
                "body": {
                    "id": format!("{image}/full/max/0/default.jpg"),
                    "type": "Image",
                    "format": "image/jpeg",
                    "width": width,
                    "height": height,
                    "service": service,
                },
            }],
        }],
    });
    if let Some(hit) = hit {
        canvas["annotations"] = json!([{
            "id": format!("{id}/annotations"),
            "type": "AnnotationPage",
            "items": annotations(&id, hit),
        }]);
    }
    canvas
}

/// Each place that shows the query; the canvas as a whole where none is known.
fn annotations(canvas: &str, hit: &Hit) -> Vec<Value> {
    let text = match hit.verified {
        true => format!("verified by {} matched points", hit.inliers),
        false => "similar, and not verified".to_owned(),
    };
    let body = json!({"type": "TextualBody", "value": text, "format": "text/plain"});
    let annotation = |number: usize, target: Value| {
        json!({
            "id": format!("{canvas}/match/{number}"),
            "type": "Annotation",
            "motivation": "highlighting",
            "body": body,
            "target": target,
        })
    };
    // The canvas shows the first page: an outline on another one has no place there.
    let is_first = hit.view.as_ref().is_none_or(|view| view.number <= 1);
    let outlines = hit.instances.iter().filter(|_| is_first);
    let outlines = outlines.filter_map(|one| one.shared.as_ref());
    let mut all: Vec<Value> = outlines
        .zip(1..)
        .map(|(outline, number)| annotation(number, part(canvas, outline)))
        .collect();
    if all.is_empty() {
        all.push(annotation(1, json!(canvas)));
    }
    all
}

/// A polygon on the canvas.
fn part(canvas: &str, outline: &[[f64; 2]]) -> Value {
    let corners = outline.iter().map(|[x, y]| format!("{x:.1},{y:.1}"));
    let corners = corners.collect::<Vec<_>>().join(" ");
    let svg =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><polygon points=\"{corners}\"/></svg>");
    json!({
        "type": "SpecificResource",
        "source": canvas,
        "selector": {"type": "SvgSelector", "value": svg},
    })
}
