//! Stored pictures for viewers of the International Image Interoperability Framework: the Image API 3.0 at level 2,
//! and Presentation API 3.0 manifests of pictures and of what a search finds.
//!
//! The routes are there where the server was started with them. Answers may be read by pages of every site, as the
//! specification asks: on a server that asks for no key, that lets every site read every picture.
//!
//! Invariant: images are drawn in the lane of heavy work, and their pixels draw on the one budget of memory.
//! Invariant: a key sees the pictures of its collections, also where the collection is a part of the identifier.

mod manifest;
mod request;

use std::io::Cursor;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use image::ExtendedColorType;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use resight_app::Code;
use resight_engine::{Picture, PictureId};
use resight_store::CollectionName;
use resight_vision::Image;
use serde_json::{Value, json};

use super::App;
use super::access::{Caller, not_for};
use super::collections;
use super::connections::OverTls;
use super::files::kept_for_good;
use super::pages::holds_tag;
use super::params::path_segments;
use super::problem::Problem;
use super::proxy::{self, Forwarded};
#[cfg(any(test, fuzzing))]
pub use request::image_request;
use request::{Asked, Format, MOST_SIDE};

/// What all addresses of the Image API begin with.
const IMAGES: &str = "/iiif/3";
/// And those of manifests.
const MANIFESTS: &str = "/iiif/presentation/3";
const ALL: &str = "/iiif/";
const CONTEXT: &str = "http://iiif.io/api/image/3/context.json";
const PROFILE: &str = "http://iiif.io/api/image/3/level2.json";
/// Columns and rows of a tile.
const TILE: u32 = 1024;
/// The quality of JPEGs.
const QUALITY: u8 = 90;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/iiif/3/{id}", get(base))
        .route("/iiif/3/{id}/info.json", get(info))
        .route("/iiif/3/{id}/{region}/{size}/{rotation}/{file}", get(draw))
        .route("/iiif/presentation/3/{id}/manifest", get(manifest::of_one))
        .route("/iiif/presentation/3/{id}/search", get(manifest::of_hits))
}

/// Lets pages of every site read answers, and asks browsers to let them embed images.
pub(crate) async fn open_to_all(
    State(is_on): State<bool>,
    request: Request,
    next: Next,
) -> Response {
    if !is_on || !request.uri().path().starts_with(ALL) {
        return next.run(request).await;
    }
    let mut response = match *request.method() == Method::OPTIONS {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-max-age", "600"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

/// A picture as an address names it: `ID`, or `COLLECTION:ID`.
pub(super) struct Named {
    app: App,
    /// As it stands in addresses.
    text: String,
    collection: CollectionName,
    id: PictureId,
    /// Scheme and host, and the prefix of a proxy.
    origin: String,
}

impl Named {
    async fn of(text: String, parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let unknown = || {
            let detail = format!("No picture has the identifier {text:?}.");
            Problem::new(Code::UnknownPicture, detail)
        };
        let (collection, id) = match text.split_once(':') {
            Some((name, id)) => (CollectionName::parse(name).ok_or_else(unknown)?, id),
            None => (CollectionName::default(), text.as_str()),
        };
        let id = PictureId::parse(id).ok_or_else(unknown)?;
        let caller = Caller::from_request_parts(parts, app).await;
        let Ok(caller) = caller;
        if !caller.sees(&collection) {
            return Err(not_for(&collection));
        }
        Ok(Self {
            app: collections::found(app, &collection).await?,
            origin: origin(parts),
            text,
            collection,
            id,
        })
    }

    async fn picture(&self) -> Result<Picture, Problem> {
        let (library, id) = (self.app.library.clone(), self.id.clone());
        self.app.work.light.run(move || library.picture(&id)).await
    }

    /// The address of a picture of the same collection.
    fn image(&self, id: &PictureId) -> String {
        let (origin, text) = (&self.origin, self.text_of(id));
        format!("{origin}{IMAGES}/{text}")
    }

    /// The beginning of the addresses of a picture's manifests.
    fn manifests(&self, id: &PictureId) -> String {
        let (origin, text) = (&self.origin, self.text_of(id));
        format!("{origin}{MANIFESTS}/{text}")
    }

    fn text_of(&self, id: &PictureId) -> String {
        match self.collection.is_default() {
            true => id.to_string(),
            false => format!("{}:{id}", self.collection),
        }
    }

    fn address(&self) -> String {
        format!("{}{IMAGES}/{}", self.origin, self.text)
    }
}

impl FromRequestParts<App> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let [text] = path_segments(["id"], parts, app).await?;
        Self::of(text, parts, app).await
    }
}

/// Scheme, host and prefix by which the client asks.
fn origin(parts: &Parts) -> String {
    let forwarded = parts.extensions.get::<Forwarded>();
    let is_https =
        forwarded.is_some_and(Forwarded::is_https) || parts.extensions.get::<OverTls>().is_some();
    let scheme = match is_https || parts.uri.scheme_str() == Some("https") {
        true => "https",
        false => "http",
    };
    let told = forwarded.and_then(|forwarded| forwarded.host.as_ref());
    let host = told
        .or(parts.uri.authority())
        .map(|authority| authority.as_str());
    let named = parts.headers.get(header::HOST);
    let host = host.or_else(|| named.and_then(|host| host.to_str().ok()));
    let prefix = proxy::prefix();
    format!("{scheme}://{}{prefix}", host.unwrap_or("localhost"))
}

/// Leads to `info.json`.
async fn base(named: Named) -> Result<Response, Problem> {
    named.picture().await?;
    let there = format!("{}/info.json", named.address());
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, there)]).into_response())
}

/// What there is to ask for.
async fn info(named: Named, headers: HeaderMap) -> Result<Response, Problem> {
    let picture = named.picture().await?;
    let address = named.address();
    let body = json!({
        "@context": CONTEXT,
        "id": address,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": picture.width,
        "height": picture.height,
        "maxWidth": MOST_SIDE,
        "maxHeight": MOST_SIDE,
        "sizes": sizes(&picture),
        "tiles": [{"width": TILE, "scaleFactors": scale_factors(&picture)}],
        "preferredFormats": ["jpg"],
        "extraQualities": ["bitonal"],
        "extraFeatures": [
            "canonicalLinkHeader", "mirroring", "profileLinkHeader", "sizeUpscaling",
        ],
    });
    Ok((
        [
            (header::LINK, format!("<{PROFILE}>;rel=\"profile\"")),
            (header::CACHE_CONTROL, "private, no-cache".into()),
        ],
        linked_data(CONTEXT, &headers, body),
    )
        .into_response())
}

/// JSON, under the name of linked data where the client asks for that.
fn linked_data(context: &str, headers: &HeaderMap, body: Value) -> Response {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let wants = accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/ld+json"));
    let mut response = Json(body).into_response();
    let media_type = format!("application/ld+json;profile=\"{context}\"");
    if wants && let Ok(media_type) = HeaderValue::from_str(&media_type) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
    }
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Each a half of the one before, down to a tile.
fn scale_factors(picture: &Picture) -> Vec<u32> {
    let mut factors = vec![1];
    let mut side = picture.width.max(picture.height);
    while side > TILE {
        side = side.div_ceil(2);
        factors.push(factors.last().map_or(1, |factor| factor * 2));
    }
    factors
}

/// Sizes that a viewer may begin with, the smallest first.
fn sizes(picture: &Picture) -> Vec<Value> {
    let factors = scale_factors(picture).into_iter().rev();
    let size = |factor: u32| {
        let [width, height] = [picture.width, picture.height].map(|side| side.div_ceil(factor));
        (width.max(height) <= MOST_SIDE).then(|| json!({"width": width, "height": height}))
    };
    factors.filter_map(size).collect()
}

/// The parts of an image's address after the picture.
struct ImageAt([String; 4]);

impl FromRequestParts<App> for ImageAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let names = ["region", "size", "rotation", "file"];
        Ok(Self(path_segments(names, parts, app).await?))
    }
}

/// An image of the picture, or of a part of it.
async fn draw(
    named: Named,
    ImageAt([region, size, rotation, file]): ImageAt,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let picture = named.picture().await?;
    let of = [picture.width, picture.height];
    let asked = Asked::parse(of, &region, &size, &rotation, &file)?;
    let canonical = format!("{}/{}", named.image(&named.id), asked.canonical());
    // What the address names never changes: the identifier is derived from the bytes.
    let tag = format!("\"{}\"", blake3::hash(canonical.as_bytes()).to_hex());
    let link = format!("<{canonical}>;rel=\"canonical\", <{PROFILE}>;rel=\"profile\"");
    if holds_tag(&headers, &tag) {
        let answer = (StatusCode::NOT_MODIFIED, [(header::LINK, link)]);
        return Ok(kept_for_good(answer.into_response(), &tag));
    }
    let (library, id) = (named.app.library.clone(), named.id.clone());
    let work = move || {
        let image = library.draw(&id, &asked.drawing)?;
        Ok(encoded(&image, asked.format))
    };
    let bytes = named.app.work.heavy.run(work).await?;
    let bytes = bytes.map_err(|error| Problem::internal(&error))?;
    let media_type = asked.format.media_type().to_owned();
    let headers = [(header::CONTENT_TYPE, media_type), (header::LINK, link)];
    Ok(kept_for_good((headers, bytes).into_response(), &tag))
}

fn encoded(image: &Image, format: Format) -> image::ImageResult<Vec<u8>> {
    use image::ImageEncoder;
    let mut out = Cursor::new(Vec::new());
    let (width, height) = (image.width(), image.height());
    match format {
        Format::Jpeg => JpegEncoder::new_with_quality(&mut out, QUALITY).write_image(
            image.rgb(),
            width,
            height,
            ExtendedColorType::Rgb8,
        )?,
        Format::Png => PngEncoder::new(&mut out).write_image(
            image.rgb(),
            width,
            height,
            ExtendedColorType::Rgb8,
        )?,
    }
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        Picture {
            id: PictureId::parse("0123456789abcdef0123456789abcdef").unwrap(),
            name: "a.png".to_owned(),
            media_type: "image/png".to_owned(),
            byte_len: 9,
            width,
            height,
            pages: Some(1),
            depth: Some(8),
            features: 1,
            added_ms: 0,
            taken_ms: None,
            sources: Vec::new(),
            uploaded: true,
            labels: Default::default(),
        }
    }

    #[test]
    fn sizes_go_up_to_the_largest_image_that_is_drawn() {
        assert_eq!(scale_factors(&picture(800, 600)), [1]);
        assert_eq!(scale_factors(&picture(6000, 4000)), [1, 2, 4, 8]);
        let sizes = sizes(&picture(6000, 4000));
        assert_eq!(sizes.len(), 3);
        assert_eq!(sizes[0], json!({"width": 750, "height": 500}));
        assert_eq!(sizes[2], json!({"width": 3000, "height": 2000}));
    }
}
