//! Starting, reloading, gathering, refusing inputs that kill workers, and extractors.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use resight_plugin::{
    Call, CallOptions, Cause, Encoding, Health, Plugin, PluginError, PythonGlobalExtractor,
    PythonLocalExtractor, Reply, check, template,
};
use resight_vision::{GlobalExtractor, LocalExtractor};
use support::*;

#[test]
fn a_poison_picture_is_found_among_others_and_refused_from_then_on() {
    for python in pythons() {
        let plugin = start(config(&chaos(), &python));
        // Keeps the worker busy, so that all calls are gathered.
        let nap = Call::new("nap").with("seconds", 0.3);
        let held = plugin.submit(nap, CallOptions::default());
        until("it runs", || plugin.status().running == 1);
        let replies: Vec<_> = [1, 66, 2, 67, 3]
            .map(|first| {
                let picture = image(first, 40, 30);
                let call = Call::new("embed").picture(&picture).into_owned();
                plugin.submit(call, CallOptions::default())
            })
            .into_iter()
            .map(resight_plugin::PendingReply::wait)
            .collect();
        held.wait().unwrap();
        let codes: Vec<&str> = replies
            .iter()
            .map(|t| t.as_ref().map_or_else(PluginError::code, |_| "ok"))
            .collect();
        assert_eq!(codes, ["ok", "plugin_crashed", "ok", "plugin_raised", "ok"]);
        let restarts = plugin.status().restarts[&Cause::Crash];
        let again = failed(&plugin, Call::new("embed").picture(&image(66, 40, 30)));
        assert_eq!(again.code(), "plugin_quarantined");
        assert!(again.to_string().contains("status 66"), "{again}");
        assert_eq!(plugin.status().restarts[&Cause::Crash], restarts);
        assert_eq!(plugin.status().quarantined, 1);
        // The worker is killed from outside, so the call is tried once more before it is blamed.
        let killed = failed(&plugin, Call::new("embed").picture(&image(68, 40, 30)));
        assert_eq!(killed.code(), "plugin_crashed");
        assert_eq!(plugin.status().restarts[&Cause::Crash], restarts + 2);
        plugin.reload().unwrap();
        assert_eq!(plugin.status().quarantined, 0);
    }
}

#[test]
fn calls_are_gathered() {
    for python in pythons() {
        let plugin = start(config(&chaos(), &python));
        let nap = Call::new("nap").with("seconds", 0.3);
        let held = plugin.submit(nap, CallOptions::default());
        until("it runs", || plugin.status().running == 1);
        let submit = |first| {
            let call = Call::new("embed").picture(&image(first, 4, 3)).into_owned();
            (first, plugin.submit(call, CallOptions::default()))
        };
        let pending: Vec<_> = (1..=40).map(submit).collect();
        let mut sizes: Vec<f32> = Vec::new();
        for (first, reply) in pending {
            let Ok(Ok(Reply::Vector(vector))) = reply.wait_for(Duration::from_secs(30)) else {
                panic!("no vector for {first}")
            };
            assert_eq!(vector[0], f32::from(first));
            sizes.push(vector[1]);
        }
        assert_eq!(
            sizes.iter().filter(|s| **s == 32.0).count(),
            32,
            "{sizes:?}"
        );
        assert_eq!(sizes.iter().filter(|s| **s == 8.0).count(), 8);
        held.wait().unwrap();
    }
}

#[test]
fn wrong_features_are_explained() {
    let cases = [
        (1, "returned None"),
        (2, "a dict with 'keypoints'"),
        (3, "(N, D) float32 or uint8 with N = 1"),
        (
            4,
            "length 2 with first item list; expected (N, D) float32 or uint8 with N = 1",
        ),
        (5, "whose scale is NaN (row 0)"),
        (6, "outside of the picture of 200 × 100"),
        (7, "a scale above 0"),
        (8, "(N, 4): x, y, scale, angle"),
        (9, "expected (N, D) float32 or uint8"),
        (10, "a descriptor with inf at row 0, column 1"),
        (12, "descriptors is None"),
        (13, "a value of type int"),
        (14, "expected (N, D)"),
    ];
    let mut all = pythons();
    all.extend(scientific("numpy"));
    for python in all {
        let plugin = start(config(&chaos(), &python));
        let before = plugin.status().pids;
        for (way, text) in cases {
            let error = failed(&plugin, Call::new("extract").picture(&image(way, 200, 100)));
            assert_eq!(error.code(), "plugin_bad_result", "{way}: {error}");
            assert!(error.to_string().contains(text), "{way}: {error}");
        }
        let good = plugin.call(Call::new("extract").picture(&image(0, 200, 100)));
        let Ok(Reply::Local(local)) = good else {
            panic!("{good:?}")
        };
        assert_eq!((local.keypoints.len(), local.dimension), (2, 4));
        let angle = local.keypoints[0].angle;
        assert!((angle - (std::f32::consts::TAU - 1.0)).abs() < 1e-5);
        let none = plugin.call(Call::new("extract").picture(&image(11, 200, 100)));
        assert!(matches!(none, Ok(Reply::Local(l)) if l.keypoints.is_empty()));
        assert_eq!(plugin.status().pids, before);
    }
}

#[test]
fn a_file_that_does_not_load_is_broken_and_says_where() {
    for python in pythons() {
        let dir = tempfile::tempdir().unwrap();
        for (text, reason) in [
            ("import nonexistent_module\n", "ModuleNotFoundError"),
            ("x = 1\ndef f(:\n", "SyntaxError"),
            ("import os\nos._exit(5)\n", "status 5"),
            ("raise SystemExit(2)\n", "SystemExit"),
        ] {
            let file = written(dir.path(), text);
            let plugin = Plugin::start(config(&file, &python)).unwrap();
            let error = plugin.wait_ready(Duration::from_secs(30)).unwrap_err();
            assert_eq!(error.code(), "plugin_start_failed");
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(plugin.status().health, Health::Broken);
            let refused = failed(&plugin, Call::new("f"));
            assert_eq!(refused.code(), "plugin_broken");
            assert!(refused.to_string().contains(reason) && refused.retry_after().is_some());
            // Once corrected, it serves without a restart of the server.
            std::fs::write(&file, "def f():\n    return 1\n").unwrap();
            plugin.reload().unwrap();
            assert_eq!(plugin.call(Call::new("f")).unwrap(), Reply::Json(1.into()));
        }
        let file = written(dir.path(), "import time\ntime.sleep(100)\n");
        let mut slow = config(&file, &python);
        slow.start_limit = Duration::from_millis(700);
        let plugin = Plugin::start(slow).unwrap();
        let error = plugin.wait_ready(Duration::from_secs(30)).unwrap_err();
        assert!(error.to_string().contains("not ready within"), "{error}");
    }
    let mut none = config(&chaos(), Path::new("no-such-python"));
    none.workers = 1;
    let plugin = Plugin::start(none).unwrap();
    let error = plugin.wait_ready(Duration::from_secs(30)).unwrap_err();
    assert!(
        error.to_string().contains("no-such-python cannot be run"),
        "{error}"
    );
}

#[test]
fn new_code_is_warmed_then_switched_and_a_broken_edit_keeps_the_old() {
    for python in pythons() {
        let dir = tempfile::tempdir().unwrap();
        let file = written(
            dir.path(),
            "import time\ndef f(n=0):\n    time.sleep(n)\n    return 'old'\n",
        );
        let mut watching = config(&file, &python);
        watching.watch = true;
        watching.workers = 2;
        let plugin = start(watching);
        let slow = plugin.submit(Call::new("f").with("n", 1.0), CallOptions::default());
        until("it runs", || plugin.status().running == 1);
        std::fs::write(&file, "def f(\n").unwrap();
        until("the edit is seen", || {
            plugin.status().health == Health::Degraded
        });
        assert!(plugin.status().reason.unwrap().contains("SyntaxError"));
        assert_eq!(
            plugin.call(Call::new("f")).unwrap(),
            Reply::Json("old".into())
        );
        assert_eq!(slow.wait().unwrap(), Reply::Json("old".into()));
        std::fs::write(&file, "def f():\n    return 'new'\n").unwrap();
        until("the new code", || plugin.status().generation == 2);
        assert_eq!(
            plugin.call(Call::new("f")).unwrap(),
            Reply::Json("new".into())
        );
        assert_eq!(plugin.status().health, Health::Ok);
        until("the old workers are gone", || marked(plugin.config()) == 2);
    }
}

#[test]
fn a_corrected_file_does_not_wait_for_one_that_hangs() {
    for python in pythons() {
        let dir = tempfile::tempdir().unwrap();
        let hung = dir.path().join("hung");
        let hanging = format!(
            "import time\nopen({:?}, 'w').close()\ntime.sleep(3600)\n",
            hung.to_str().unwrap()
        );
        let good = |version: u32| format!("def f():\n    return {version}\n");
        // The first version hangs, and one that replaces a version that serves.
        for text in [hanging.clone(), good(1)] {
            let mut patient = config(&written(dir.path(), &text), &python);
            patient.start_limit = Duration::from_secs(3600);
            patient.workers = 2;
            let plugin = Arc::new(Plugin::start(patient).unwrap());
            let is_serving = text != hanging;
            let reload = || {
                let plugin = plugin.clone();
                std::thread::spawn(move || plugin.reload().unwrap().hash.clone())
            };
            let mut reloads = Vec::new();
            if is_serving {
                plugin.wait_ready(Duration::from_secs(60)).unwrap();
                written(dir.path(), &hanging);
                reloads.push(reload());
            }
            until("it hangs", || hung.exists());
            if is_serving {
                assert_eq!(plugin.call(Call::new("f")).unwrap(), Reply::Json(1.into()));
            }
            written(dir.path(), &good(2));
            reloads.push(reload());
            until("the corrected version", || plugin.status().generation == 2);
            let hash = plugin.manifest().unwrap().hash.clone();
            for reload in reloads {
                assert_eq!(reload.join().unwrap(), hash);
            }
            assert_eq!(plugin.call(Call::new("f")).unwrap(), Reply::Json(2.into()));
            assert_eq!(plugin.status().health, Health::Ok);
            until("those that hung are gone", || marked(plugin.config()) == 2);
            std::fs::remove_file(&hung).unwrap();
        }
    }
}

#[test]
fn new_code_serves_while_all_old_workers_run_calls() {
    for python in pythons() {
        let dir = tempfile::tempdir().unwrap();
        let end = dir.path().join("end");
        let source = |version: u32| {
            format!(
                "import os, time\ndef f(end=None):\n    while end and not os.path.exists(end):\n        \
                 time.sleep(0.01)\n    return {version}\n"
            )
        };
        let file = written(dir.path(), &source(1));
        let mut patient = config(&file, &python);
        patient.time_limit = Duration::from_secs(60);
        let plugin = start(patient);
        let call = || Call::new("f").with("end", end.to_str().unwrap());
        let mut old = Vec::new();
        for version in 1..=3 {
            if version > 1 {
                written(dir.path(), &source(version));
                plugin.reload().unwrap();
            }
            let new = plugin.submit(Call::new("f"), CallOptions::default());
            let Ok(reply) = new.wait_for(Duration::from_secs(60)) else {
                panic!("version {version} waits for the calls of earlier ones");
            };
            assert_eq!(reply.unwrap(), Reply::Json(version.into()));
            old.push(plugin.submit(call(), CallOptions::default()));
            until("it runs", || plugin.status().running == old.len());
        }
        std::fs::write(&end, "").unwrap();
        for (pending, version) in old.into_iter().zip(1..) {
            assert_eq!(pending.wait().unwrap(), Reply::Json(version.into()));
        }
        until("the old workers are gone", || marked(plugin.config()) == 1);
        assert_eq!(plugin.call(Call::new("f")).unwrap(), Reply::Json(3.into()));
    }
}

#[test]
fn a_worker_is_replaced_after_its_time_without_a_gap() {
    for python in pythons() {
        let mut limited = config(&chaos(), &python);
        limited.max_calls = Some(3);
        let plugin = start(limited);
        let first = plugin.status().pids;
        until("another worker", || {
            ok(&plugin);
            plugin.status().restarts.contains_key(&Cause::Lifetime)
        });
        until("the old one is gone", || plugin.status().pids.len() == 1);
        assert_ne!(plugin.status().pids, first);
    }
}

#[test]
fn numpy_features_are_an_extractors() {
    let Some(python) = scientific("numpy") else {
        return;
    };
    let text = "import numpy as np\n__version__ = '3'\n\
        def extract(image):\n    assert isinstance(image, np.ndarray) and image.shape[2] == 3\n    \
        n = 5\n    k = np.full((n, 5), 1.0); k[:, 4] = np.arange(n)\n    \
        d = np.tile(np.linspace(-0.4, 0.3, 8), (n, 1))\n    return k, d\n\
        def embed(images):\n    return np.array([[3.0, 4.0]] * len(images))\n\
        def picture(image):\n    return image[::-1]\n\
        def numbers():\n    return {'a': np.float32(0.5), 'b': np.arange(3)}\n";
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), text);
    let plugin = Arc::new(start(config(&file, &python)));
    let extractor = PythonLocalExtractor::new(plugin.clone()).unwrap();
    assert_eq!(
        extractor.encoding(),
        Encoding::Quantised {
            signed: true,
            range: 0.5
        }
    );
    assert_eq!(
        extractor.model().as_str(),
        "plugin:algorithm/3;kind=float;d=8;range=-0.5..0.5"
    );
    let features = extractor.extract(&image(0, 300, 200)).unwrap();
    assert_eq!(features.keypoints[0].response, 4.0, "strongest first");
    assert_eq!(features.descriptors.dimension(), 8);
    let global = PythonGlobalExtractor::new(plugin.clone()).unwrap();
    let vectors = global.embed(&[image(1, 9, 9), image(2, 9, 9)]).unwrap();
    assert_eq!(vectors, vec![vec![0.6, 0.8]; 2]);
    let flipped = plugin.call(Call::new("picture").picture(&image(9, 200, 100)));
    let Ok(Reply::Picture(flipped)) = flipped else {
        panic!("{flipped:?}")
    };
    assert_eq!(flipped.rgb()[99 * 200 * 3], 9);
    let numbers = plugin.call(Call::new("numbers")).unwrap();
    assert_eq!(
        numbers,
        Reply::Json(serde_json::json!({"a": 0.5, "b": [0, 1, 2]}).into())
    );
    std::fs::write(&file, text.replace("'3'", "'4'")).unwrap();
    plugin.reload().unwrap();
    let refused = extractor.extract(&image(0, 300, 200)).unwrap_err();
    assert!(
        refused.to_string().contains("plugin:algorithm/4"),
        "{refused}"
    );
}

#[test]
fn the_template_passes_the_check_and_faults_do_not() {
    for python in pythons() {
        let dir = tempfile::tempdir().unwrap();
        let report = check(&written(dir.path(), &template("algorithm")), &python).unwrap();
        assert!(report.passed(), "{report:?}");
        assert!(report.model.unwrap().ends_with("kind=vector;d=12"));
        let faulty = "def raises():\n    return 1 // 0\n";
        let report = check(&written(dir.path(), faulty), &python).unwrap();
        assert!(!report.passed());
        let raised = report
            .trials
            .iter()
            .find(|t| t.function == "raises")
            .unwrap();
        assert_eq!(raised.outcome.as_ref().unwrap_err().code(), "plugin_raised");
    }
}
