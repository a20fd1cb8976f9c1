//! Calls from tasks keep the promises that calls from threads keep.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resight_plugin::{Call, CallOptions, Plugin, PluginConfig, PluginError, Reply};
use serde_json::json;
use support::*;
use tokio::runtime::{Builder, Runtime};

const USUAL: CallOptions = CallOptions {
    time_limit: None,
    kill_on_cancel: false,
};

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs `run` with a plug-in of each interpreter, within a runtime.
fn each<F: Future>(change: impl Fn(&mut PluginConfig), run: impl Fn(Arc<Plugin>) -> F) {
    for python in pythons() {
        let mut settings = config(&chaos(), &python);
        change(&mut settings);
        let plugin = Arc::new(start(settings));
        runtime().block_on(run(plugin.clone()));
    }
}

async fn ask(plugin: &Plugin, function: &'static str) -> Result<Reply, PluginError> {
    plugin.call_async(Call::new(function), USUAL).await
}

/// Waits until something holds; fails where that takes longer than any machine needs.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "waited for {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn until_running(plugin: &Plugin, count: usize) {
    until("a running call", || plugin.status().running == count).await;
}

async fn until_queued(plugin: &Plugin, count: usize) {
    until("a queued call", || plugin.status().queued == count).await;
}

#[test]
fn answers_come_to_whom_they_belong_whatever_happens_beside() {
    each(
        |config| config.workers = 2,
        |plugin| async move {
            let mut asked = Vec::new();
            for client in 0..40 {
                let plugin = plugin.clone();
                asked.push(tokio::spawn(async move {
                    for round in 0..10 {
                        if (client, round) == (3, 1) {
                            let died = ask(&plugin, "exits_hard").await.unwrap_err();
                            assert_eq!(died.code(), "plugin_crashed");
                            assert!(died.to_string().contains("status 7"), "{died}");
                        }
                        let call = Call::new("echo").arg(client * 100 + round);
                        let reply = plugin.call_async(call, USUAL).await.unwrap();
                        assert_eq!(reply, Reply::Json(json!([client * 100 + round, []]).into()));
                    }
                }));
            }
            for task in asked {
                task.await.unwrap();
            }
            let status = plugin.status();
            assert_eq!((status.calls, status.errors), (401, 1));
            assert_eq!((status.queued, status.running), (0, 0));
        },
    );
}

#[test]
fn failures_are_told_as_to_threads() {
    each(
        |_| {},
        |plugin| async move {
            for (function, code) in [
                ("raises", "plugin_raised"),
                ("exits", "plugin_raised"),
                ("null", "plugin_crashed"),
                ("endless", "plugin_timeout"),
                ("endless_c", "plugin_timeout"),
                ("closes", "plugin_protocol"),
                ("unsayable", "plugin_bad_result"),
                ("nothing_of_the_kind", "plugin_no_function"),
            ] {
                let here = ask(&plugin, function).await.unwrap_err();
                assert_eq!(here.code(), code, "{function}: {here}");
                assert_eq!(
                    ask(&plugin, "ok").await.unwrap(),
                    Reply::Json("fine".into())
                );
            }
            let raised = ask(&plugin, "raises").await.unwrap_err();
            assert!(raised.traceback().unwrap().contains("helper()"), "{raised}");
        },
    );
}

#[test]
fn long_arguments_and_long_answers_arrive() {
    each(
        |_| {},
        |plugin| async move {
            for length in [0, 1, 15_000, 16_384, 40_000, 3_000_000] {
                let data: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
                let call = Call::new("back").bytes(&data).into_owned();
                match plugin.call_async(call, USUAL).await.unwrap() {
                    Reply::Bytes { bytes, .. } => assert_eq!(bytes, data),
                    other => panic!("{other:?}"),
                }
                let text = "x".repeat(length);
                let call = Call::new("echo").arg(text.clone());
                let reply = plugin.call_async(call, USUAL).await.unwrap();
                assert_eq!(reply, Reply::Json(json!([text, []]).into()));
            }
        },
    );
}

#[test]
fn a_task_that_leaves_takes_its_call_back() {
    each(
        |_| {},
        |plugin| async move {
            // Soon after the call was sent, and after a thread has taken over.
            for (round, wait) in [5, 150].into_iter().enumerate() {
                let polite = tokio::spawn({
                    let plugin = plugin.clone();
                    async move { ask(&plugin, "polite").await }
                });
                until_running(&plugin, 1).await;
                tokio::time::sleep(Duration::from_millis(wait)).await;
                let queued = tokio::spawn({
                    let plugin = plugin.clone();
                    async move { ask(&plugin, "ok").await }
                });
                until_queued(&plugin, 1).await;
                queued.abort();
                until_queued(&plugin, 0).await;
                polite.abort();
                let told = ask(&plugin, "told").await.unwrap();
                assert_eq!(told, Reply::Json((round + 1).into()), "the function saw it");
            }
            let options = CallOptions {
                kill_on_cancel: true,
                time_limit: Some(Duration::from_secs(600)),
            };
            let endless = plugin.call_async(Call::new("endless_c"), options);
            let left = tokio::time::timeout(Duration::from_millis(20), endless).await;
            assert!(left.is_err());
            assert_eq!(
                ask(&plugin, "ok").await.unwrap(),
                Reply::Json("fine".into())
            );
            assert_eq!(plugin.status().running, 0);
        },
    );
}

#[test]
fn a_full_queue_says_so_and_late_tasks_are_refused() {
    each(
        |config| {
            config.queue = 2;
            config.wait_limit = Duration::from_millis(1500);
            config.time_limit = Duration::from_secs(60);
        },
        |plugin| async move {
            let nap = || {
                let plugin = plugin.clone();
                let call = Call::new("nap").with("seconds", 3.0);
                tokio::spawn(async move { plugin.call_async(call, USUAL).await })
            };
            let first = nap();
            until_running(&plugin, 1).await;
            let waiting = [nap(), nap()];
            until_queued(&plugin, 2).await;
            let refused = ask(&plugin, "ok").await.unwrap_err();
            assert_eq!(refused.code(), "plugin_busy");
            for late in waiting {
                assert_eq!(late.await.unwrap().unwrap_err().code(), "plugin_busy");
            }
            assert_eq!(first.await.unwrap().unwrap(), Reply::Json("slept".into()));
        },
    );
}

#[test]
fn tasks_and_threads_take_turns() {
    each(
        |_| {},
        |plugin| async move {
            let held = plugin.submit(Call::new("nap").with("seconds", 1.0), USUAL);
            until_running(&plugin, 1).await;
            let mut tasks = Vec::new();
            let mut replies = Vec::new();
            for round in 0..10 {
                let call = Call::new("echo").arg(round);
                replies.push(plugin.submit(call.clone(), USUAL));
                let plugin = plugin.clone();
                tasks.push(tokio::spawn(
                    async move { plugin.call_async(call, USUAL).await },
                ));
            }
            assert_eq!(held.wait().unwrap(), Reply::Json("slept".into()));
            for (round, (task, pending)) in tasks.into_iter().zip(replies).enumerate() {
                let expected = Reply::Json(json!([round, []]).into());
                assert_eq!(task.await.unwrap().unwrap(), expected);
                assert_eq!(pending.wait().unwrap(), expected);
            }
        },
    );
}

#[test]
fn another_runtime_is_served_after_the_first_has_ended() {
    for python in pythons() {
        let plugin = start(config(&chaos(), &python));
        for _ in 0..3 {
            let nap = Call::new("nap").with("seconds", 0.005);
            let reply = runtime().block_on(plugin.call_async(nap, USUAL));
            assert_eq!(reply.unwrap(), Reply::Json("slept".into()));
        }
    }
}
