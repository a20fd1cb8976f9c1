//! From what a function returned to an answer.

use std::io::Cursor;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use resight_plugin::{ExtractedFeatures, Reply, Rows};
use serde_json::{Value, json};

use crate::problem::Problem;

/// What an author returns is not ours: it may not script the page.
const SANDBOX: [(HeaderName, HeaderValue); 1] = [(
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static("sandbox; default-src 'none'"),
)];

pub(super) async fn of(reply: Reply) -> Result<Response, Problem> {
    Ok(match reply {
        Reply::Json(text) => {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], text.into_string()).into_response()
        }
        Reply::Bytes {
            content_type,
            bytes,
        } => (SANDBOX, [(header::CONTENT_TYPE, content_type)], bytes).into_response(),
        Reply::Picture(image) => {
            let encoded = tokio::task::spawn_blocking(move || {
                let mut bytes = Cursor::new(Vec::new());
                let (width, height) = (image.width(), image.height());
                PngEncoder::new(&mut bytes)
                    .write_image(image.rgb(), width, height, ExtendedColorType::Rgb8)
                    .map(|()| bytes.into_inner())
            });
            let bytes = encoded.await.map_err(|error| Problem::internal(&error))?;
            let bytes = bytes.map_err(|error| Problem::internal(&error))?;
            (SANDBOX, [(header::CONTENT_TYPE, "image/png")], bytes).into_response()
        }
        Reply::Local(local) => Json(features(&local)).into_response(),
        Reply::Vector(vector) => Json(json!({"vector": vector})).into_response(),
    })
}

fn features(local: &ExtractedFeatures) -> Value {
    let keypoints = local.keypoints.iter();
    let keypoints: Vec<[f32; 5]> = keypoints
        .map(|k| [k.x, k.y, k.scale, k.angle, k.response])
        .collect();
    let dimension = local.dimension.max(1);
    let descriptors: Value = match &local.rows {
        Rows::Float(values) => values.chunks(dimension).map(<[f32]>::to_vec).collect(),
        Rows::Bytes(values) => values.chunks(dimension).map(<[u8]>::to_vec).collect(),
    };
    json!({"keypoints": keypoints, "dimension": local.dimension, "descriptors": descriptors})
}
