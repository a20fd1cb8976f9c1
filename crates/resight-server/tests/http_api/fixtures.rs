//! Generated pictures, an engine in a temporary folder, and short ways to ask.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use flate2::read::GzDecoder;
use resight_engine::{Components, EngineOptions, Library};
use resight_index::Vocabulary;
use resight_server::HttpSettings;
use resight_store::{BlobStore, Catalogue, FolderBlobs, SqliteCatalogue};
pub(crate) use resight_test_support::{png, textured};
use resight_vision::{
    ExtractError, Image, LocalExtractor, LocalFeatures, ModelId, Sift, SiftOptions,
};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// An engine with an empty catalogue; everything goes when it is dropped.
pub(crate) struct Bench {
    pub(crate) engine: Arc<Library>,
    pub(crate) catalogue: Arc<SqliteCatalogue>,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(
            Arc::new(Sift::new(SiftOptions::default())),
            EngineOptions::default(),
        )
    }

    pub(crate) fn with(extractor: Arc<dyn LocalExtractor>, options: EngineOptions) -> Self {
        Self::stored(extractor, options, |folder| Arc::new(folder))
    }

    /// With files stored in what `blobs` makes of a folder.
    pub(crate) fn stored(
        extractor: Arc<dyn LocalExtractor>,
        options: EngineOptions,
        blobs: impl FnOnce(FolderBlobs) -> Arc<dyn BlobStore>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = Arc::new(SqliteCatalogue::in_memory().unwrap());
        let parts = Components {
            catalogue: Arc::clone(&catalogue) as Arc<dyn Catalogue>,
            blobs: blobs(FolderBlobs::open(folder.path()).unwrap()),
            extractor,
            vocabulary: Vocabulary::generic(),
            convert: false,
            index: None,
        };
        Self {
            engine: Arc::new(Library::open(parts, options).unwrap()),
            catalogue,
            folder,
        }
    }

    pub(crate) fn app(&self) -> Router {
        self.app_with(HttpSettings::default())
    }

    pub(crate) fn app_with(&self, settings: HttpSettings) -> Router {
        resight_server::app(Arc::clone(&self.engine), settings)
    }
}

/// An answer with its body read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a complete problem with this status and code; gives its detail.
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), &body["code"]),
            (status, &code.into()),
            "{body}"
        );
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            "application/problem+json"
        );
        assert_eq!(body["type"], format!("/errors#{code}"));
        assert_eq!(body["status"], status);
        for text in ["title", "detail", "next_step"] {
            assert!(
                body[text].as_str().is_some_and(|text| text.len() > 5),
                "{text}: {body}"
            );
        }
        body["detail"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn ask(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    }
}

pub(crate) fn request(method: &str, address: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(address)
        .body(Body::empty())
        .unwrap()
}

pub(crate) async fn get(app: &Router, address: &str) -> Answer {
    ask(app, request("GET", address)).await
}

pub(crate) fn post(address: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(address)
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .unwrap()
}

/// A form with one file in the field `field`.
pub(crate) fn form(address: &str, field: &str, file_name: &str, bytes: &[u8]) -> Request<Body> {
    let mut body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file_name}\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    post(address, "multipart/form-data; boundary=edge", body)
}

/// A form of files and, without a name of a file, texts, in this order.
pub(crate) fn form_of(address: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        body.extend_from_slice(b"--edge\r\nContent-Disposition: form-data; name=\"");
        body.extend_from_slice(format!("{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    post(address, "multipart/form-data; boundary=edge", body)
}

/// Stores a picture and gives its id.
pub(crate) async fn add(app: &Router, name: &str, bytes: &[u8]) -> String {
    let answer = ask(app, form("/v1/images", "file", name, bytes)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// SIFT behind a gate: closed, each picture waits; told to, it panics.
pub(crate) struct Gated {
    sift: Sift,
    /// How many may pass; all where it is open.
    passes: Mutex<usize>,
    opened: Condvar,
    pub(crate) entered: AtomicUsize,
    pub(crate) panics: AtomicBool,
}

impl Gated {
    pub(crate) fn new(open: bool) -> Arc<Self> {
        Arc::new(Self {
            sift: Sift::new(SiftOptions::default()),
            passes: Mutex::new(if open { usize::MAX } else { 0 }),
            opened: Condvar::new(),
            entered: AtomicUsize::new(0),
            panics: AtomicBool::new(false),
        })
    }

    pub(crate) fn open(&self) {
        *self.passes.lock().unwrap() = usize::MAX;
        self.opened.notify_all();
    }

    pub(crate) fn close(&self) {
        *self.passes.lock().unwrap() = 0;
    }

    /// Lets one picture more through the closed gate.
    pub(crate) fn let_one_pass(&self) {
        *self.passes.lock().unwrap() += 1;
        self.opened.notify_all();
    }

    /// Waits until `count` pictures have come to the gate.
    pub(crate) async fn wait_for(&self, count: usize) {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
        while self.entered.load(Ordering::SeqCst) < count {
            assert!(std::time::Instant::now() < end, "waited for {count}");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

impl LocalExtractor for Gated {
    fn model(&self) -> &ModelId {
        self.sift.model()
    }

    fn dimension(&self) -> usize {
        self.sift.dimension()
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let mut passes = self.passes.lock().unwrap();
        while *passes == 0 {
            passes = self.opened.wait(passes).unwrap();
        }
        if *passes < usize::MAX {
            *passes -= 1;
        }
        drop(passes);
        assert!(!self.panics.load(Ordering::SeqCst), "told to");
        self.sift.extract(image)
    }
}

/// The body of an answer as it was before it was compressed.
pub(crate) fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    match answer.header(header::CONTENT_ENCODING) {
        "gzip" => GzDecoder::new(&*answer.body).read_to_end(&mut bytes),
        "br" => brotli::Decompressor::new(&*answer.body, 4096).read_to_end(&mut bytes),
        "" => return answer.body.clone(),
        other => panic!("{other}"),
    }
    .unwrap();
    bytes
}

/// Address of the first file with this ending that the page names.
pub(crate) async fn asset(app: &Router, ending: &str) -> String {
    let html = String::from_utf8(get(app, "/").await.body).unwrap();
    let end = format!(".{ending}\"");
    let (before, _) = html.split_once(&end).unwrap();
    let (_, name) = before.rsplit_once("=\"./").unwrap();
    format!("/{name}.{ending}")
}
