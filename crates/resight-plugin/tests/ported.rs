//! Functions as people write them for FastAPI, on each interpreter that is found.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use resight_plugin::{Call, HttpAnswer, Manifest, Plugin, PluginError, Reply, Takes};
use serde_json::{Value, json};
use support::*;

fn ported() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/ported.py")
}

fn started(file: &Path, python: &Path) -> Plugin {
    let mut settings = config(file, python);
    // Each process that a function starts imports the file again.
    settings.time_limit = Duration::from_secs(60);
    start(settings)
}

fn json_of(plugin: &Plugin, call: Call<'_>) -> Value {
    match plugin.call(call) {
        Ok(Reply::Json(text)) => text.value(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pools_by_every_method_import_the_package_and_the_file() {
    let folder = tempfile::tempdir().unwrap();
    // A file whose name is no module's, and one with the name of a module of Python.
    let files = ["ported.py", "my-algorithm.py", "json.py"].map(|name| folder.path().join(name));
    for (file, methods) in files
        .iter()
        .zip([&["spawn", "forkserver"][..], &["spawn"], &["fork"]])
    {
        std::fs::copy(ported(), file).unwrap();
        for python in pythons() {
            let plugin = started(file, &python);
            for method in methods {
                let pooled = json_of(&plugin, Call::new("pooled").with("method", *method));
                assert_eq!(pooled, json!([0, 1, 4, 9]), "{python:?} {file:?} {method}");
                let executed = json_of(&plugin, Call::new("executed").with("method", *method));
                assert_eq!(executed, json!(["0.1.0"]), "{python:?} {file:?} {method}");
            }
            assert_eq!(json_of(&plugin, Call::new("imported")), "0.1.0");
        }
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn results_of_every_common_kind_become_json() {
    for python in pythons() {
        let plugin = started(&ported(), &python);
        for (function, expected) in [
            (
                "dates",
                json!(["2024-01-02T03:00:00", "2024-01-02", "03:04:00", 60.0]),
            ),
            (
                "things",
                json!([
                    "00000000-0000-0000-0000-000000000001",
                    "/a/b",
                    1.5,
                    "red",
                    2
                ]),
            ),
            (
                "objects",
                json!([{"left": 1, "name": "x"}, [1, 2.5], {"at": "2024-01-02"}, {"old": "/a"}]),
            ),
            (
                "sets",
                json!({"set": [1, 2], "frozen": ["a"], "generated": ["blue"]}),
            ),
            (
                "keys",
                json!({"1": "a", "red": "b", "2024-01-02": "c", "null": "d"}),
            ),
            ("not_a_number", json!({"a": [null, null, 1.5]})),
        ] {
            assert_eq!(
                json_of(&plugin, Call::new(function)),
                expected,
                "{function}"
            );
        }
        let Ok(Reply::Json(exact)) = plugin.call(Call::new("exact")) else {
            panic!("no JSON")
        };
        let text = r#"{"z":12345678901234567890123,"a":0.30000000000000004}"#;
        assert_eq!(exact.as_str(), text);
    }
    if let Some(python) = scientific("numpy") {
        let plugin = started(&ported(), &python);
        let scalars = json_of(&plugin, Call::new("scalars"));
        assert_eq!(scalars, json!({"1": 0.5, "b": true, "c": [1.0, null]}));
    }
}

#[test]
fn texts_become_what_the_annotations_say_and_others_are_refused() {
    for python in pythons() {
        let plugin = started(&ported(), &python);
        let asked = |function: &'static str, texts: &[&str]| {
            let mut call = Call::new(function);
            let pair = |text: &&str| ("value".to_owned(), (*text).to_owned());
            call.texts = texts.iter().map(pair).collect();
            plugin.call(call)
        };
        for (function, texts, expected) in [
            ("maybe_text", &["1e5"][..], json!(["str", "1e5"])),
            ("maybe_flag", &["False"], json!(["bool", false])),
            ("texts", &["a"], json!(["list", [["str", "a"]]])),
            ("annotated", &["3"], json!(["int", 3])),
            ("either", &["x"], json!(["str", "x"])),
            ("later", &["5"], json!(["str", "5"])),
        ] {
            let reply = asked(function, texts).unwrap();
            assert_eq!(reply, Reply::Json(expected.into()), "{function}");
        }
        for (function, texts, named) in [
            ("whole", &["x"][..], "argument value is int; \"x\""),
            ("whole", &[], "needs the argument value (int)"),
            ("bare", &["a", "b"], "argument value 2 times"),
            ("colour", &["green"], "'red', 'blue'"),
        ] {
            let error = asked(function, texts).unwrap_err();
            assert_eq!(error.code(), "plugin_bad_argument", "{function}: {error}");
            assert!(error.to_string().contains(named), "{error}");
        }
        let takes = |manifest: &Manifest, name: &str| {
            let function = manifest.functions.iter().find(|f| f.name == name).unwrap();
            function.parameters[0].takes
        };
        let manifest = plugin.manifest().unwrap();
        assert_eq!(takes(&manifest, "sizes"), Takes::Bytes);
        assert_eq!(takes(&manifest, "shape"), Takes::Any);
        assert_eq!(takes(&manifest, "whole"), Takes::None);
    }
}

fn answer_of(plugin: &Plugin, call: Call<'_>) -> HttpAnswer {
    match failed(plugin, call) {
        PluginError::Answered { answer, .. } => *answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_exception_of_http_is_the_answer_and_the_worker_stays() {
    for python in pythons() {
        let plugin = started(&ported(), &python);
        let process = json_of(&plugin, Call::new("says"));
        for ours in [true, false] {
            for detail in [
                json!("no such picture"),
                json!({"loc": ["id"], "n": 3}),
                json!(null),
            ] {
                let call = Call::new("answers").with("status", 404).with("ours", ours);
                let answer = answer_of(&plugin, call.with("detail", detail.clone()));
                let expected = match ours && detail.is_null() {
                    true => json!("Not Found"),
                    false => detail,
                };
                assert_eq!((answer.status, answer.detail.value()), (404, expected));
                assert_eq!(answer.headers, []);
            }
            let call = Call::new("answers").with("status", 503).with("wait", "7");
            let answer = answer_of(&plugin, call.with("ours", ours));
            let header = ("Retry-After".to_owned(), "7".to_owned());
            assert_eq!((answer.status, answer.headers), (503, vec![header]));
        }
        // Longer than a frame takes, so that it comes through shared memory.
        let long = answer_of(&plugin, Call::new("answers_at_length"));
        let rows = long.detail.value()["rows"].as_array().map(Vec::len);
        assert_eq!((long.status, rows), (413, Some(1000)));
        let redirected = failed(&plugin, Call::new("answers").with("status", 307));
        assert_eq!(redirected.code(), "plugin_raised", "{redirected}");
        // The caller's mistakes are none of the plug-in's failures.
        let status = plugin.status();
        assert_eq!(status.errors, 3, "two of 503, and what was raised");
        assert_eq!(status.restarts.len(), 0);
        assert_eq!(json_of(&plugin, Call::new("says")), process);
    }
}

#[test]
fn of_gathered_calls_only_the_one_is_answered_so() {
    let Some(python) = pythons().into_iter().next() else {
        return;
    };
    let plugin = started(&ported(), &python);
    std::thread::scope(|scope| {
        let calls = ["a", "bad", "b"].map(|value| {
            let call = Call::new("batched").with("values", value);
            (value, scope.spawn(|| plugin.call(call)))
        });
        for (value, call) in calls {
            match call.join().unwrap() {
                Ok(reply) => assert_eq!(reply, Reply::Json(value.into())),
                Err(error) => assert_eq!((value, error.code()), ("bad", "plugin_answered")),
            }
        }
    });
}

#[test]
fn a_file_whose_function_asks_for_a_request_is_refused_as_it_loads() {
    let text = r#"
class Request:
    __module__ = "starlette.requests"

def listed(q: str, request: Request):
    return q
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), text);
    for python in pythons() {
        let report = resight_plugin::check(&file, &python).unwrap();
        let error = report.load_error.unwrap();
        assert_eq!(error.code(), "plugin_start_failed");
        for part in [
            "listed asks for a Request of FastAPI",
            "the parameter request",
            "parameters of their own",
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
    let renamed = text.replace("listed", "_listed");
    let file = written(folder.path(), &renamed);
    for python in pythons() {
        assert!(resight_plugin::check(&file, &python).unwrap().passed());
    }
}
