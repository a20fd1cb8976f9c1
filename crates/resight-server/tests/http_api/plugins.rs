//! Functions of plug-ins over HTTP, with a real interpreter.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode, header};
use resight_app::plugins::{PluginSettings, Plugins};
use resight_server::HttpSettings;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixtures::{Answer, Bench, ask, form, get, png, post, textured};

const SOURCE: &str = r#"
import os, time
import resight

def add(a: int, b: int = 2):
    """Adds two numbers."""
    return {"sum": a + b}

def echo(value=None, text: str = ""):
    return [value, text]

def size(image):
    return list(image.shape)

def length(data):
    return len(data)

def page():
    return b"<script>1</script>", "text/html"

def flipped(image):
    import numpy
    return numpy.ascontiguousarray(image[:, ::-1])

def embed(images):
    return [[1.0, 2.0] for image in images]

def fails(n=0):
    return 1 // n

def answers(status: int = 404, detail="no such picture", json: bool = False):
    headers = {
        "Retry-After": "7", "WWW-Authenticate": 'Basic realm="mine"', "X-Accel-Redirect": "/etc/passwd",
        "Set-Cookie": "a=b", "Content-Type": "text/html", "X-Error": "mine",
    }
    raise resight.HTTPException(status, {"why": [detail]} if json else detail, headers)

def refuses():
    raise resight.HTTPException(401, "who are you?")

def ends():
    os._exit(7)

def sleeps(seconds: float):
    time.sleep(seconds)
    return "done"

@resight.function(route="/api/hello", methods=["POST"])
def hello(name):
    return {"code": 200, "msg": "success", "data": name}

@resight.function(route="/api/tot_num")
def tot_num():
    return {"code": 200, "msg": "success", "data": 42}
"#;

/// A server with one plug-in. Fields are dropped in this order: the server, then its folders.
pub(crate) struct Served {
    app: Router,
    pub(crate) plugins: Plugins,
    pub(crate) bench: Bench,
    pub(crate) folder: TempDir,
}

fn python() -> Option<&'static str> {
    let ask = "import sys; sys.exit(sys.version_info < (3, 9))";
    let found = ["python3", "python"].into_iter().find(|python| {
        let run = std::process::Command::new(python)
            .args(["-c", ask])
            .status();
        run.is_ok_and(|status| status.success())
    });
    if found.is_none() {
        eprintln!("SKIPPED: no Python from 3.9 on, so no plug-in can run");
    }
    found
}

impl Served {
    fn new(source: &str, change: impl FnOnce(&mut PluginSettings)) -> Option<Self> {
        let python = python()?;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.py");
        std::fs::write(&file, source).unwrap();
        let mut args = PluginSettings {
            files: vec![file],
            python: python.into(),
            time_limit: Duration::from_secs(20),
            ..PluginSettings::default()
        };
        change(&mut args);
        let plugins = Plugins::for_serving(&args, true).unwrap();
        let bench = Bench::new();
        let app = bench.app_with(HttpSettings {
            plugins: plugins.clone(),
            ..HttpSettings::default()
        });
        Some(Self {
            app,
            plugins,
            bench,
            folder,
        })
    }

    /// With [`SOURCE`], ready.
    pub(crate) fn ready() -> Option<Self> {
        let served = Self::new(SOURCE, |_| {})?;
        let plugin = served.plugins.get("mine").unwrap();
        plugin.wait_ready(Duration::from_secs(60)).unwrap();
        Some(served)
    }

    async fn get(&self, address: &str) -> Answer {
        get(&self.app, address).await
    }

    async fn post(&self, function: &str, body: &Value) -> Answer {
        let address = format!("/v1/plugins/mine/{function}");
        ask(
            &self.app,
            post(&address, "application/json", body.to_string()),
        )
        .await
    }

    /// Asks until `wanted` holds.
    async fn until(&self, address: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let answer = self.get(address).await.json();
            if wanted(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{address}: {}", self.get(address).await.json());
    }
}

#[tokio::test]
async fn arguments_come_from_query_json_and_form() {
    let Some(served) = Served::ready() else {
        return;
    };
    let sum = served.get("/v1/plugins/mine/add?a=40").await;
    assert_eq!(sum.json(), json!({"sum": 42}));
    let sum = served.post("add", &json!({"a": 1, "b": 5})).await;
    assert_eq!(sum.json(), json!({"sum": 6}));
    let echo = served.get("/v1/plugins/mine/echo?value=7&text=7").await;
    // Text stays text, unless an annotation says otherwise.
    assert_eq!(echo.json(), json!(["7", "7"]));
    let echo = served.post("echo", &json!({"value": 7, "text": "7"})).await;
    assert_eq!(echo.json(), json!([7, "7"]));
    let echo = served.get("/v1/plugins/mine/echo?value=seven").await;
    assert_eq!(echo.json(), json!(["seven", ""]));

    let picture = png(&textured(30, 20, 1));
    let address = "/v1/plugins/mine/size";
    let sized = ask(&served.app, form(address, "image", "a.png", &picture)).await;
    assert_eq!(sized.json(), json!([20, 30, 3]));
    let sized = ask(&served.app, post(address, "image/png", picture.clone())).await;
    assert_eq!(sized.json(), json!([20, 30, 3]));
    let raw = post(
        "/v1/plugins/mine/length",
        "application/octet-stream",
        vec![7; 12_345],
    );
    assert_eq!(ask(&served.app, raw).await.json(), 12_345);
    let vector = ask(
        &served.app,
        post("/v1/plugins/mine/embed", "image/png", picture),
    )
    .await;
    assert_eq!(vector.json(), json!({"vector": [1.0, 2.0]}));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_its_reason() {
    let Some(served) = Served::ready() else {
        return;
    };
    let detail = served
        .get("/v1/plugins/mine/add?a=x")
        .await
        .problem(422, "plugin_bad_argument");
    assert!(detail.contains("argument a is int; \"x\""), "{detail}");
    for (query, named) in [
        ("a=1&a=2", "argument a (int) 2 times"),
        ("b=1", "needs the argument a (int)"),
        ("a=1&c=1", "no argument 'c'; it has: a (int), b (int)"),
    ] {
        let answer = served.get(&format!("/v1/plugins/mine/add?{query}")).await;
        let detail = answer.problem(422, "plugin_bad_argument");
        assert!(detail.contains(named), "{detail}");
    }
    served
        .post("add", &json!([1, 2]))
        .await
        .problem(422, "bad_body");
    let wrong = post("/v1/plugins/mine/size", "image/png", "no picture");
    ask(&served.app, wrong).await.problem(422, "not_an_image");
    let texts = post(
        "/v1/plugins/mine/add",
        "application/x-www-form-urlencoded",
        "a=1&b=%32",
    );
    assert_eq!(ask(&served.app, texts).await.json()["sum"], 3);
    let twice = post(
        "/v1/plugins/mine/add",
        "application/x-www-form-urlencoded",
        "a=1&a=2",
    );
    ask(&served.app, twice)
        .await
        .problem(422, "plugin_bad_argument");
    let wrong = post("/v1/plugins/mine/add", "text/csv", "1,2");
    ask(&served.app, wrong)
        .await
        .problem(415, "unsupported_media_type");
    let detail = served
        .get("/v1/plugins/mine/none")
        .await
        .problem(404, "plugin_no_function");
    assert!(detail.contains("tot_num"), "{detail}");
    let detail = served
        .get("/v1/plugins/other/add")
        .await
        .problem(404, "unknown_plugin");
    assert!(detail.contains("mine"), "{detail}");
    let foreign = Request::get("/v1/plugins/mine/add?a=1")
        .header("sec-fetch-site", "cross-site")
        .body(axum::body::Body::empty())
        .unwrap();
    ask(&served.app, foreign).await.problem(403, "cross_origin");
}

#[tokio::test]
async fn bodies_without_a_content_type_are_known_by_their_bytes() {
    let Some(served) = Served::ready() else {
        return;
    };
    let picture = png(&textured(30, 20, 1));
    let form = "application/x-www-form-urlencoded";
    let untyped = |function: &str, body: Vec<u8>| {
        Request::post(format!("/v1/plugins/mine/{function}"))
            .body(axum::body::Body::from(body))
            .unwrap()
    };
    let typed =
        |function: &str, body: Vec<u8>| post(&format!("/v1/plugins/mine/{function}"), form, body);
    for request in [untyped("size", picture.clone()), typed("size", picture)] {
        assert_eq!(ask(&served.app, request).await.json(), json!([20, 30, 3]));
    }
    let named = br#"{"a": 12345678901234567890123}"#.to_vec();
    for request in [untyped("add", named.clone()), typed("add", named)] {
        let answer = ask(&served.app, request).await;
        assert_eq!(answer.body, br#"{"sum":12345678901234567890125}"#);
    }
    let bytes = untyped("length", vec![0, 255, 7]);
    assert_eq!(ask(&served.app, bytes).await.json(), 3);
}

#[tokio::test]
async fn an_author_s_page_cannot_script_ours() {
    let Some(served) = Served::ready() else {
        return;
    };
    let page = served.get("/v1/plugins/mine/page").await;
    assert_eq!(page.header(header::CONTENT_TYPE), "text/html");
    assert_eq!(page.body, b"<script>1</script>");
    assert!(
        page.header(header::CONTENT_SECURITY_POLICY)
            .starts_with("sandbox")
    );
    assert_eq!(page.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
}

#[tokio::test]
async fn a_picture_comes_back_as_png() {
    let Some(served) = Served::ready() else {
        return;
    };
    let picture = textured(31, 17, 2);
    let request = form("/v1/plugins/mine/flipped", "image", "a.png", &png(&picture));
    let answer = ask(&served.app, request).await;
    if answer.status != StatusCode::OK {
        assert!(
            answer.json()["traceback"]
                .as_str()
                .unwrap()
                .contains("numpy")
        );
        eprintln!("SKIPPED: the interpreter has no numpy to make a picture with");
        return;
    }
    assert_eq!(answer.header(header::CONTENT_TYPE), "image/png");
    let flipped = image::load_from_memory(&answer.body).unwrap().into_rgb8();
    assert_eq!(flipped, image::imageops::flip_horizontal(&picture));
}

#[tokio::test]
async fn a_failure_is_the_author_s_and_the_rest_goes_on() {
    let Some(served) = Served::ready() else {
        return;
    };
    let raised = served.get("/v1/plugins/mine/fails").await;
    let detail = raised.problem(502, "plugin_raised");
    assert!(detail.contains("ZeroDivisionError"), "{detail}");
    let traceback = raised.json()["traceback"].as_str().unwrap().to_owned();
    assert!(traceback.contains("return 1 // n"), "{traceback}");
    served
        .get("/v1/plugins/mine/ends")
        .await
        .problem(502, "plugin_crashed");
    assert_eq!(served.get("/v1/count").await.json(), json!({"count": 0}));
    assert_eq!(
        served.get("/v1/plugins/mine/add?a=1").await.json(),
        json!({"sum": 3})
    );
    let ready = served
        .until("/readyz", |v| v["plugins"][0]["state"] == "ok")
        .await;
    let told = &ready["plugins"][0];
    let restarts = told["restarts"].as_object().unwrap();
    assert_eq!(
        restarts.values().filter_map(Value::as_u64).sum::<u64>(),
        1,
        "{told}"
    );
    assert_eq!(told["last_error"]["code"], "plugin_crashed");
    let metrics = served.get("/metrics").await;
    let text = String::from_utf8(metrics.body).unwrap();
    crate::metrics::are_documented(&text);
    for line in [
        "resight_pictures 0",
        "resight_plugin_state{plugin=\"mine\",state=\"ok\"} 1",
        "resight_plugin_state{plugin=\"mine\",state=\"broken\"} 0",
        "resight_plugin_errors_total{plugin=\"mine\"} 2",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
}

#[tokio::test]
async fn what_an_author_answers_is_sent_with_its_status_and_detail() {
    let Some(served) = Served::ready() else {
        return;
    };
    for status in [400, 404, 418, 429, 500, 503] {
        let answer = served
            .get(&format!("/v1/plugins/mine/answers?status={status}"))
            .await;
        let detail = answer.problem(status, "plugin_answered");
        assert_eq!(detail, "no such picture", "as it was given");
        let sent = [
            (header::RETRY_AFTER.as_str(), Some("7")),
            ("www-authenticate", Some("Basic realm=\"mine\"")),
            ("x-error", Some("mine")),
            ("x-accel-redirect", None),
            ("set-cookie", None),
            ("content-type", Some("application/problem+json")),
        ];
        for (name, expected) in sent {
            let found = answer
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap());
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(answer.json()["status"], status);
        assert_eq!(answer.json()["traceback"], Value::Null);
    }
    let body = json!({"status": 422, "json": true});
    let answer = served.post("answers", &body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["detail"], json!({"why": ["no such picture"]}));
    assert_eq!(answer.json()["code"], "plugin_answered");
    // The server's own keys have nothing to do with it.
    let refused = served.get("/v1/plugins/mine/refuses").await;
    refused.problem(401, "plugin_answered");
    assert_eq!(refused.headers.get(header::WWW_AUTHENTICATE), None);
    let redirected = served.get("/v1/plugins/mine/answers?status=302").await;
    redirected.problem(502, "plugin_raised");
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_again() {
    let Some(served) = Served::ready() else {
        return;
    };
    let sleep = || {
        let app = served.app.clone();
        tokio::spawn(async move { get(&app, "/v1/plugins/mine/sleeps?seconds=30").await.status })
    };
    let mut waiting = vec![sleep()];
    served
        .until("/readyz", |v| v["plugins"][0]["running"] == 1)
        .await;
    // 64 may wait behind it.
    waiting.extend((0..64).map(|_| sleep()));
    served
        .until("/readyz", |v| v["plugins"][0]["queued"] == 64)
        .await;
    let busy = served.get("/v1/plugins/mine/add?a=1").await;
    busy.problem(429, "plugin_busy");
    assert!(busy.header(header::RETRY_AFTER).parse::<u64>().unwrap() >= 1);
    // Clients that leave take their calls back.
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    let empty = |v: &Value| v["plugins"][0]["queued"] == 0;
    served.until("/readyz", empty).await;
}

#[tokio::test]
async fn authors_choose_addresses_and_the_description_lists_them() {
    let Some(served) = Served::ready() else {
        return;
    };
    let hello = post("/api/hello", "application/json", r#"{"name": "Ada"}"#);
    let hello = ask(&served.app, hello).await.json();
    assert_eq!(hello, json!({"code": 200, "msg": "success", "data": "Ada"}));
    served
        .get("/api/hello?name=Ada")
        .await
        .problem(405, "method_not_allowed");
    assert_eq!(served.get("/api/tot_num").await.json()["data"], 42);
    served.get("/api/other").await.problem(404, "unknown_route");
    let document = served.get("/openapi.json").await.json();
    let add = &document["paths"]["/v1/plugins/mine/add"];
    assert_eq!(add["get"]["summary"], "Adds two numbers.");
    assert_eq!(add["get"]["parameters"][0]["required"], true);
    assert_eq!(add["get"]["parameters"][1]["schema"]["type"], "integer");
    assert!(document["paths"]["/api/hello"]["post"].is_object());
    assert!(document["paths"]["/api/hello"]["get"].is_null());
    let list = served.get("/v1/plugins").await.json();
    assert_eq!(list["plugins"][0]["name"], "mine");
    assert_eq!(
        served.get("/v1/plugins/mine").await.json(),
        list["plugins"][0]
    );
}

#[tokio::test]
async fn a_broken_file_leaves_search_alone_and_a_broken_edit_the_old_code() {
    let Some(served) = Served::new("import no_such_module\n", |_| {}) else {
        return;
    };
    let ready = served
        .until("/readyz", |v| v["plugins"][0]["state"] == "broken")
        .await;
    assert_eq!(ready["status"], "ok");
    let refused = served.get("/v1/plugins/mine/f").await;
    refused.problem(503, "plugin_start_failed");
    let traceback = refused.json()["traceback"].to_string();
    assert!(traceback.contains("no_such_module"), "{traceback}");
    assert_eq!(served.get("/api/tot_num").await.json()["data"], 0);

    let Some(served) = Served::new("def f():\n    return 'old'\n", |_| {}) else {
        return;
    };
    served
        .until("/v1/plugins/mine", |v| v["state"] == "ok")
        .await;
    let edit =
        |text: &str| std::fs::write(Path::join(served.folder.path(), "mine.py"), text).unwrap();
    edit("def f(:\n");
    let told = served
        .until("/v1/plugins/mine", |v| v["state"] == "degraded")
        .await;
    assert!(told["reason"].is_string(), "{told}");
    assert_eq!(served.get("/v1/plugins/mine/f").await.json(), "old");
    edit("def f():\n    return 'new'\n");
    served
        .until("/v1/plugins/mine", |v| {
            v["generation"] == 2 && v["state"] == "ok"
        })
        .await;
    assert_eq!(served.get("/v1/plugins/mine/f").await.json(), "new");
}
