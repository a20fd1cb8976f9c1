//! Plug-ins in this process: `cargo test -p resight-plugin --features embed --test embedded`, where
//! `PYO3_PYTHON` names a Python with a shared library.

#![cfg(feature = "embed")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use resight_plugin::{Call, CallOptions, Health, Plugin, PluginConfig, PluginError, Reply};
use serde_json::json;
use support::*;

fn embedded(file: &Path) -> PluginConfig {
    // The one that was linked, if that is known: pools start it.
    let python = std::env::var_os("PYO3_PYTHON");
    let python = python.map_or_else(|| "no-such-interpreter".into(), PathBuf::from);
    let mut settings = config(file, &python);
    settings.in_process = true;
    settings
}

#[test]
fn calls_are_answered_and_failures_told_as_by_workers() {
    let plugin = start(embedded(&chaos()));
    ok(&plugin);
    let raised = failed(&plugin, Call::new("raises"));
    assert_eq!(raised.code(), "plugin_raised");
    let at = format!("line {}", line("LINE-OF-RAISE"));
    assert!(raised.to_string().contains(&at), "{raised}");
    assert!(raised.traceback().unwrap().contains("helper()"));
    for (function, code) in [
        ("exits", "plugin_raised"),
        ("unsayable", "plugin_bad_result"),
        ("none_of_it", "plugin_no_function"),
    ] {
        assert_eq!(failed(&plugin, Call::new(function)).code(), code);
    }
    let reply = plugin
        .call(Call::new("echo").arg(7).with("a", "b"))
        .unwrap();
    assert_eq!(reply, Reply::Json(json!([7, ["a"]]).into()));
    assert_eq!(
        plugin.call(Call::new("later")).unwrap(),
        plugin.call(Call::new("later")).unwrap()
    );
    assert_eq!(plugin.status().health, Health::Ok);
}

#[test]
fn arguments_are_converted_and_pools_import_the_package_and_the_file() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/ported.py");
    let mut settings = embedded(&file);
    settings.time_limit = Duration::from_secs(60);
    let plugin = start(settings);
    let mut call = Call::new("maybe_flag");
    call.texts.push(("value".into(), "False".into()));
    let flag = plugin.call(call).unwrap();
    assert_eq!(flag, Reply::Json(json!(["bool", false]).into()));
    let wrong = failed(&plugin, Call::new("whole"));
    assert_eq!(wrong.code(), "plugin_bad_argument", "{wrong}");
    if std::env::var_os("PYO3_PYTHON").is_none() {
        println!("SKIPPED: PYO3_PYTHON names no interpreter that a pool could start");
        return;
    }
    for method in ["spawn", "forkserver"] {
        let pooled = plugin.call(Call::new("pooled").with("method", method));
        assert_eq!(pooled.unwrap(), Reply::Json(json!([0, 1, 4, 9]).into()));
        let executed = plugin.call(Call::new("executed").with("method", method));
        assert_eq!(executed.unwrap(), Reply::Json(json!(["0.1.0"]).into()));
    }
}

#[test]
fn pictures_and_bytes_of_any_size_go_in_and_out() {
    let plugin = start(embedded(&chaos()));
    for length in [0, 1, 40_000, 3_000_000] {
        let data: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        match plugin.call(Call::new("back").bytes(&data)).unwrap() {
            Reply::Bytes { bytes, .. } => assert_eq!(bytes, data),
            other => panic!("{other:?}"),
        }
    }
    for first in 1..=3 {
        let picture = image(first, 200, 100);
        plugin.call(Call::new("keep").picture(&picture)).unwrap();
    }
    let kept = plugin.call(Call::new("kept_first")).unwrap();
    assert_eq!(kept, Reply::Json(json!([1, 2, 3]).into()));
    let error = failed(&plugin, Call::new("write").picture(&image(1, 200, 100)));
    assert_eq!(error.code(), "plugin_raised", "{error}");
    let Reply::Local(local) = plugin
        .call(Call::new("extract").picture(&image(11, 300, 200)))
        .unwrap()
    else {
        panic!("no features");
    };
    assert_eq!(local.keypoints.len() * local.dimension, {
        match &local.rows {
            resight_plugin::Rows::Float(values) => values.len(),
            resight_plugin::Rows::Bytes(values) => values.len(),
        }
    });
}

#[test]
fn eight_threads_at_once_keep_their_own_state() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(
        dir.path(),
        "import threading\nlocal = threading.local()\n\
         def count(value):\n    local.n = getattr(local, 'n', 0) + 1\n    return [value, local.n]\n",
    );
    let mut settings = embedded(&file);
    settings.workers = 3;
    let plugin = start(settings);
    let most = std::sync::Mutex::new(0);
    std::thread::scope(|scope| {
        for client in 0..8 {
            let (plugin, most) = (&plugin, &most);
            scope.spawn(move || {
                for round in 0..50 {
                    let value = client * 100 + round;
                    let Reply::Json(answer) = plugin.call(Call::new("count").arg(value)).unwrap()
                    else {
                        panic!("no JSON");
                    };
                    let answer = answer.value();
                    assert_eq!(answer[0], value);
                    let mut most = most.lock().unwrap();
                    *most = answer[1].as_i64().unwrap().max(*most);
                }
            });
        }
    });
    let most = *most.lock().unwrap();
    assert!(most >= 400 / 3, "what a thread stores stays: {most}");
}

#[test]
fn a_late_call_is_answered_and_others_go_on() {
    let mut settings = embedded(&chaos());
    settings.workers = 2;
    settings.time_limit = Duration::from_millis(300);
    let plugin = Arc::new(start(settings));
    let late = failed(&plugin, Call::new("endless"));
    assert_eq!(late.code(), "plugin_timeout");
    ok(&plugin);
    // An exception from outside stops Python code; then all is as before.
    until("the endless one", || plugin.status().health == Health::Ok);
    assert_eq!(plugin.status().workers, 2);
    let begun = Instant::now();
    let nap = plugin.submit(
        Call::new("nap").with("seconds", 20.0),
        CallOptions::default(),
    );
    assert_eq!(nap.wait().unwrap_err().code(), "plugin_timeout");
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert_eq!(plugin.status().health, Health::Degraded);
    ok(&plugin);
}

#[test]
fn a_call_taken_back_is_told() {
    let plugin = start(embedded(&chaos()));
    let polite = plugin.submit(Call::new("polite"), CallOptions::default());
    until("it runs", || plugin.status().running == 1);
    let queued = plugin.submit(Call::new("ok"), CallOptions::default());
    assert_eq!(plugin.status().queued, 1);
    drop(queued);
    assert_eq!(plugin.status().queued, 0);
    drop(polite);
    let told = plugin.call(Call::new("told")).unwrap();
    assert_eq!(told, Reply::Json(1.into()));
}

#[test]
fn new_code_serves_and_a_broken_edit_keeps_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "def version():\n    return 1\n");
    let plugin = start(embedded(&file));
    let version = || plugin.call(Call::new("version")).unwrap();
    assert_eq!(version(), Reply::Json(1.into()));
    written(dir.path(), "def version():\n    return 2\n");
    plugin.reload().unwrap();
    assert_eq!(version(), Reply::Json(2.into()));
    written(dir.path(), "def version(:\n");
    let error = plugin.reload().unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
    assert_eq!(version(), Reply::Json(2.into()));
    assert_eq!(plugin.status().health, Health::Degraded);
}

#[test]
fn a_file_that_does_not_load_is_broken_and_a_full_queue_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "import no_such_module\n");
    let plugin = Plugin::start(embedded(&file)).unwrap();
    let error = plugin.wait_ready(Duration::from_secs(20)).unwrap_err();
    assert!(error.to_string().contains("no_such_module"), "{error}");
    assert_eq!(failed(&plugin, Call::new("x")).code(), "plugin_broken");
    let mut settings = embedded(&chaos());
    settings.queue = 1;
    let plugin = start(settings);
    let nap = || {
        let call = Call::new("nap").with("seconds", 0.5);
        plugin.submit(call, CallOptions::default())
    };
    let first = nap();
    until("it runs", || plugin.status().running == 1);
    let (second, third) = (nap(), nap());
    assert_eq!(third.wait().unwrap_err().code(), "plugin_busy");
    for pending in [first, second] {
        assert_eq!(pending.wait().unwrap(), Reply::Json("slept".into()));
    }
}

#[test]
fn calls_that_are_still_gathered_hold_up_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(
        dir.path(),
        "import resight\n@resight.batch(max=2, wait_ms=10000)\ndef pair(values):\n    \
         return [len(values) for _ in values]\ndef now():\n    return 'now'\n",
    );
    let plugin = start(embedded(&file));
    let pair = || plugin.submit(Call::new("pair").arg(1), CallOptions::default());
    let first = pair();
    // The other function is called while the first call waits for a second one.
    assert_eq!(
        plugin.call(Call::new("now")).unwrap(),
        Reply::Json("now".into())
    );
    let Err(first) = first.wait_for(Duration::ZERO) else {
        panic!("the call is gathered with another one");
    };
    let second = pair();
    for pending in [first, second] {
        assert_eq!(pending.wait().unwrap(), Reply::Json(2.into()));
    }
}

#[test]
fn gathered_calls_are_one_call_and_the_bad_one_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(
        dir.path(),
        "import resight\n@resight.batch(max=4, wait_ms=50)\ndef twice(values):\n    \
         return [[2 * v, len(values)] for v in values]\n",
    );
    let plugin = start(embedded(&file));
    let replies: Vec<_> = [1, 2, 3, 4]
        .map(|v| plugin.submit(Call::new("twice").arg(v), CallOptions::default()))
        .into();
    for (i, pending) in replies.into_iter().enumerate() {
        let expected = Reply::Json(json!([2 * (i + 1), 4]).into());
        assert_eq!(pending.wait().unwrap(), expected);
    }
    let bad = plugin.submit(Call::new("twice").arg(json!(null)), CallOptions::default());
    let good = plugin.submit(Call::new("twice").arg(5), CallOptions::default());
    assert!(matches!(bad.wait(), Err(PluginError::Raised { .. })));
    assert_eq!(good.wait().unwrap(), Reply::Json(json!([10, 1]).into()));
}
