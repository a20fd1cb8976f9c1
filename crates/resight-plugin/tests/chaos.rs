//! What Python code can do to a worker, with real interpreters. In every case the call that did it
//! gets its error, other calls are served, and the worker is replaced.

mod support;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resight_plugin::{Call, CallOptions, Cause, Health, Plugin, PluginError, Reply, Transport};
use support::*;

fn each(workers: usize, run: impl Fn(&Plugin)) {
    for python in pythons() {
        let mut config = config(&chaos(), &python);
        config.workers = workers;
        let plugin = start(config);
        run(&plugin);
        ok(&plugin);
        until("health", || plugin.status().health == Health::Ok);
    }
}

#[test]
fn exceptions_name_the_authors_line_and_cost_no_worker() {
    each(1, |plugin| {
        let before = plugin.status().pids;
        let PluginError::Raised {
            kind,
            message,
            traceback,
            line: at,
            ..
        } = failed(plugin, Call::new("raises"))
        else {
            panic!("not raised")
        };
        assert_eq!((&*kind, &*message), ("ValueError", "a bad day"));
        assert_eq!(at, Some(line("LINE-OF-RAISE")));
        assert!(traceback.starts_with("Traceback") && traceback.contains("in raises"));
        assert!(!traceback.contains("<resight>"), "{traceback}");
        let exited = failed(plugin, Call::new("exits"));
        assert_eq!(exited.code(), "plugin_raised");
        assert!(exited.to_string().contains("SystemExit: 3"), "{exited}");
        let unknown = failed(plugin, Call::new("none"));
        assert_eq!(unknown.code(), "plugin_no_function");
        let wrong = failed(plugin, Call::new("ok").arg(1));
        assert_eq!(wrong.code(), "plugin_bad_argument", "{wrong}");
        assert_eq!(plugin.status().pids, before);
    });
}

#[test]
fn what_ends_a_worker_ends_only_that_call() {
    let cases = [
        ("exits_hard", "plugin_crashed", "status 7"),
        ("aborts", "plugin_crashed", "SIGABRT"),
        ("null", "plugin_crashed", "SIGSEGV"),
        ("kill_me", "plugin_crashed", "SIGKILL"),
        ("endless", "plugin_timeout", "1.5 s"),
        ("endless_c", "plugin_timeout", "1.5 s"),
        ("closes", "plugin_protocol", "closed"),
        ("closes_and_stays", "plugin_protocol", "closed"),
        ("children_then_die", "plugin_crashed", "status 1"),
    ];
    each(2, |plugin| {
        for (function, code, text) in cases {
            let error = failed(plugin, Call::new(function));
            assert_eq!(error.code(), code, "{function}: {error}");
            assert!(error.to_string().contains(text), "{function}: {error}");
            ok(plugin);
            until("the worker", || plugin.status().workers == 2);
        }
        let PluginError::Crashed {
            line: at, output, ..
        } = failed(plugin, Call::new("null"))
        else {
            panic!("not crashed")
        };
        assert_eq!(at, Some(line("LINE-OF-NULL")), "{output:?}");
        let PluginError::Timeout { line: at, .. } = failed(plugin, Call::new("endless")) else {
            panic!("not stopped")
        };
        let expected = line("LINE-OF-LOOP");
        assert!(at == Some(expected) || at == Some(expected + 1), "{at:?}");
        // Those that replace the dead ones are started at once.
        until("the workers", || plugin.status().workers == 2);
        assert_eq!(
            marked(plugin.config()),
            plugin.status().pids.len(),
            "nothing else is left"
        );
    });
}

#[test]
fn a_stack_that_overflows_ends_one_call() {
    each(1, |plugin| {
        let error = failed(plugin, Call::new("deep"));
        // Newer versions raise RecursionError even then.
        let codes = [
            "plugin_crashed",
            "plugin_raised",
            "plugin_timeout",
            "plugin_too_much",
        ];
        assert!(codes.contains(&error.code()), "{error}");
    });
}

#[test]
fn memory_and_processes_are_bounded() {
    // On a busy machine either may take longer than the usual limit.
    let options = CallOptions {
        time_limit: Some(Duration::from_secs(60)),
        kill_on_cancel: false,
    };
    each(2, |plugin| {
        let hoards = Call::new("hoards").with("megabytes", 1000);
        for (call, limit) in [
            (hoards, "may take 400"),
            (Call::new("forks"), "may have 64"),
        ] {
            let error = plugin.call_with(call, options).unwrap_err();
            assert_eq!(error.code(), "plugin_too_much", "{error}");
            assert!(error.to_string().contains(limit), "{error}");
        }
        // A leak ends the worker between calls or in one; the next call is served all the same.
        for _ in 0..12 {
            let _maybe = plugin.call(Call::new("leaks").with("megabytes", 60));
            std::thread::sleep(Duration::from_millis(50));
        }
        until("a restart", || {
            plugin.status().restarts.get(&resight_plugin::Cause::Memory) >= Some(&3)
        });
        until("both", || plugin.status().workers == 2);
        assert_eq!(marked(plugin.config()), 2, "no forked process is left");
    });
}

#[test]
fn noise_on_the_socket_and_on_stdout() {
    each(1, |plugin| {
        for kind in ["noise", "long"] {
            let error = failed(plugin, Call::new("garbage").with("kind", kind));
            assert_eq!(error.code(), "plugin_protocol", "{kind}: {error}");
            until("the worker", || plugin.status().workers == 1);
        }
        let printed = plugin.call(Call::new("noisy")).unwrap();
        assert_eq!(printed, Reply::Json("printed".into()));
    });
}

#[test]
fn values_that_cannot_be_said_are_explained() {
    each(1, |plugin| {
        let before = plugin.status().pids;
        for (function, text) in [
            ("inner_bytes", "bytes inside"),
            ("unsayable", "type object"),
        ] {
            let error = failed(plugin, Call::new(function));
            assert_eq!(error.code(), "plugin_bad_result", "{error}");
            assert!(error.to_string().contains(text), "{error}");
        }
        assert_eq!(
            failed(plugin, Call::new("nested")).code(),
            "plugin_bad_result"
        );
        assert_eq!(plugin.status().pids, before);
        let echoed = plugin.call(
            Call::new("echo")
                .arg(1)
                .with("b", 2)
                .with("$", "x")
                .bytes(b"abc"),
        );
        let expected = serde_json::json!([1, 3, ["$", "b"]]);
        assert_eq!(echoed.unwrap(), Reply::Json(expected.into()));
        assert_eq!(
            plugin.call(Call::new("later")).unwrap(),
            Reply::Json("later".into())
        );
    });
}

#[test]
fn bytes_of_any_size_come_back_by_every_transport() {
    let transports = [
        Transport::Memory,
        Transport::TemporaryFile,
        Transport::Socket,
    ];
    for (python, transport) in pythons().iter().flat_map(|p| transports.map(|t| (p, t))) {
        let mut config = config(&chaos(), python);
        config.transport = transport;
        // On a busy machine the socket may take longer than the usual limit.
        config.time_limit = Duration::from_secs(60);
        let plugin = start(config);
        for size in [0, 1, 32 * 1024, 32 * 1024 + 1, 300_000, 7_000_000, 100] {
            let data: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
            let reply = plugin.call(Call::new("back").bytes(&data)).unwrap();
            let content_type = "application/octet-stream".into();
            let same = reply
                == Reply::Bytes {
                    content_type,
                    bytes: data,
                };
            assert!(same, "{size} by {transport:?}");
        }
        assert_eq!(plugin.status().transport, transport, "none was given up");
        assert_eq!(plugin.status().restarts.values().sum::<u64>(), 0);
    }
}

#[test]
fn others_are_answered_while_one_worker_hangs() {
    each(2, |plugin| {
        let options = CallOptions {
            time_limit: Some(Duration::from_secs(600)),
            kill_on_cancel: true,
        };
        let endless = plugin.submit(Call::new("endless_c"), options);
        until("it hangs", || plugin.status().running == 1);
        for round in 0..50 {
            let reply = plugin.call(Call::new("echo").arg(round)).unwrap();
            assert_eq!(reply, Reply::Json(serde_json::json!([round, []]).into()));
            let queued = plugin.submit(Call::new("ok"), CallOptions::default());
            assert_eq!(queued.wait().unwrap(), Reply::Json("fine".into()));
        }
        assert_eq!(plugin.status().running, 1, "it hangs still");
        endless.cancel();
        until("the worker", || plugin.status().workers == 2);
    });
}

#[test]
fn a_worker_is_kept_clear_of_what_ends_others() {
    each(2, |plugin| {
        failed(plugin, Call::new("exits_hard"));
        ok(plugin);
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Two clients that kill workers, through both ways into the plug-in.
            for queued in [false, true] {
                let over = &over;
                scope.spawn(move || {
                    for _ in 0..10 {
                        let call = Call::new("exits_hard");
                        let outcome = if queued {
                            plugin.submit(call, CallOptions::default()).wait()
                        } else {
                            plugin.call(call)
                        };
                        assert_eq!(outcome.unwrap_err().code(), "plugin_crashed");
                    }
                    over.store(true, std::sync::atomic::Ordering::Relaxed);
                });
            }
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                ok(plugin);
                assert!(plugin.status().workers >= 1);
            }
        });
        // While nobody else calls, such calls may have all workers.
        for _ in 0..3 {
            failed(plugin, Call::new("exits_hard"));
        }
    });
}

#[test]
fn a_function_that_ends_one_worker_after_the_other_is_refused_and_others_are_served() {
    for python in pythons() {
        let mut config = config(&chaos(), &python);
        config.workers = 2;
        config.breaker_deaths = 3;
        config.breaker_pause = Duration::from_secs(3600);
        let plugin = start(config);
        for _ in 0..3 {
            let crashed = failed(&plugin, Call::new("exits_hard"));
            assert_eq!(crashed.code(), "plugin_crashed");
            ok(&plugin);
        }
        let restarts = plugin.status().restarts[&Cause::Crash];
        for _ in 0..5 {
            let refused = failed(&plugin, Call::new("exits_hard"));
            assert_eq!(refused.code(), "plugin_crash_loop");
            assert!(refused.to_string().contains("status 7"), "{refused}");
            assert!(refused.retry_after() > Some(Duration::from_secs(60)));
            ok(&plugin);
        }
        // Its workers were replaced, and no more of them are lost.
        until("the workers", || plugin.status().workers == 2);
        let status = plugin.status();
        assert_eq!(status.restarts[&Cause::Crash], restarts);
        assert_eq!(status.health, Health::Degraded);
        let reason = status.reason.unwrap();
        assert!(reason.contains("exits_hard is refused"), "{reason}");
        plugin.reload().unwrap();
        assert_eq!(plugin.status().health, Health::Ok);
        let again = failed(&plugin, Call::new("exits_hard"));
        assert_eq!(again.code(), "plugin_crashed");
    }
}

#[test]
fn a_refused_function_is_tried_again_and_served_once_it_lives() {
    for python in pythons() {
        let dir = tempfile::tempdir().unwrap();
        let text = "import os\ndef f(bad):\n    if os.path.exists(bad):\n        os._exit(7)\n    \
                    return 1\ndef ok():\n    return 'fine'\n";
        let mut config = config(&written(dir.path(), text), &python);
        config.breaker_deaths = 2;
        config.breaker_pause = Duration::from_millis(1);
        let plugin = start(config);
        let bad = dir.path().join("bad");
        std::fs::write(&bad, "").unwrap();
        let call = || plugin.call(Call::new("f").with("bad", bad.to_str().unwrap()));
        let mut seen = Vec::new();
        until("a refusal", || {
            seen.push(call().unwrap_err().code());
            seen.contains(&"plugin_crash_loop")
        });
        ok(&plugin);
        std::fs::remove_file(&bad).unwrap();
        until("a reply", || call().is_ok());
        assert_eq!(call().unwrap(), Reply::Json(1.into()));
        until("health", || plugin.status().health == Health::Ok);
    }
}

#[test]
fn a_call_that_its_worker_never_read_is_made_in_another() {
    each(1, |plugin| {
        let pid = plugin.status().pids[0].to_string();
        let signal = |name: &str| {
            let kill = Command::new("kill").args([name, &pid]).status();
            assert!(kill.unwrap().success());
        };
        signal("-STOP");
        let first = Call::new("pid");
        let pending = plugin.submit(first, CallOptions::default());
        until("it is sent", || plugin.status().running == 1);
        signal("-KILL");
        let Reply::Json(other) = pending.wait().unwrap() else {
            panic!("no JSON")
        };
        assert_ne!(other.as_str(), pid);
    });
}

#[test]
fn a_picture_that_is_kept_stays_as_it_was() {
    each(1, |plugin| {
        for first in 1..=4 {
            let picture = image(first, 200, 100);
            plugin.call(Call::new("keep").picture(&picture)).unwrap();
        }
        for first in 11..=14 {
            let picture = image(first, 200, 100);
            plugin
                .call(Call::new("extract").picture(&picture))
                .unwrap_or(Reply::Vector(vec![]));
        }
        let kept = plugin.call(Call::new("kept_first")).unwrap();
        assert_eq!(kept, Reply::Json(serde_json::json!([1, 2, 3, 4]).into()));
        let error = failed(plugin, Call::new("write").picture(&image(1, 200, 100)));
        assert_eq!(
            error.code(),
            "plugin_raised",
            "pictures are read-only: {error}"
        );
    });
}

#[test]
fn sixty_four_clients_at_once() {
    for python in pythons() {
        let mut config = config(&chaos(), &python);
        config.workers = 2;
        let plugin = Arc::new(start(config));
        std::thread::scope(|scope| {
            for client in 0..64 {
                let plugin = &plugin;
                scope.spawn(move || {
                    for round in 0..5 {
                        if client == 0 && round == 1 {
                            assert_eq!(
                                failed(plugin, Call::new("exits_hard")).code(),
                                "plugin_crashed"
                            );
                        } else {
                            let reply = plugin.call(Call::new("echo").arg(client * 100 + round));
                            let expected = serde_json::json!([client * 100 + round, []]);
                            assert_eq!(reply.unwrap(), Reply::Json(expected.into()));
                        }
                    }
                });
            }
        });
        assert_eq!(plugin.status().errors, 1);
    }
}

#[test]
fn a_full_queue_says_so_and_a_late_call_is_given_up() {
    for python in pythons() {
        let mut config = config(&chaos(), &python);
        config.queue = 2;
        config.wait_limit = Duration::from_millis(300);
        let plugin = start(config);
        let nap = || {
            plugin.submit(
                Call::new("nap").with("seconds", 1.0),
                CallOptions::default(),
            )
        };
        let first = nap();
        until("it runs", || plugin.status().running == 1);
        let (second, third, fourth) = (nap(), nap(), nap());
        let refused = fourth.wait().unwrap_err();
        assert_eq!(refused.code(), "plugin_busy");
        assert!(refused.retry_after().unwrap() >= Duration::from_secs(1));
        assert_eq!(second.wait().unwrap_err().code(), "plugin_busy");
        drop(third);
        assert_eq!(first.wait().unwrap(), Reply::Json("slept".into()));
        ok(&plugin);
    }
}

#[test]
fn cancelled_calls_leave_the_queue_or_are_told_or_killed() {
    each(1, |plugin| {
        let mut pending = plugin.submit(Call::new("polite"), CallOptions::default());
        until("it runs", || plugin.status().running == 1);
        let queued = plugin.submit(Call::new("ok"), CallOptions::default());
        assert_eq!(plugin.status().queued, 1);
        queued.cancel();
        assert_eq!(plugin.status().queued, 0);
        pending = match pending.wait_for(Duration::from_millis(20)) {
            Err(pending) => pending,
            Ok(outcome) => panic!("{outcome:?}"),
        };
        drop(pending);
        let told = plugin.call(Call::new("told")).unwrap();
        assert_eq!(told, Reply::Json(1.into()), "the function saw it");
        let options = CallOptions {
            kill_on_cancel: true,
            ..CallOptions::default()
        };
        let doomed = plugin.submit(Call::new("endless"), options);
        until("it runs", || plugin.status().running == 1);
        let start = Instant::now();
        doomed.cancel();
        ok(plugin);
        assert!(start.elapsed() < Duration::from_secs(30));
    });
}
