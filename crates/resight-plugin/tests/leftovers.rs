//! Counts descriptors, threads and processes, and therefore is alone in its process.
//! `RESIGHT_PLUGIN_ROUNDS=1000` makes it long.

mod support;

use std::time::Duration;

use resight_plugin::{Call, CallOptions};
use support::*;

#[test]
fn no_descriptor_thread_or_process_is_left() {
    let rounds = std::env::var("RESIGHT_PLUGIN_ROUNDS");
    let rounds: usize = rounds.ok().and_then(|r| r.parse().ok()).unwrap_or(9);
    // The runtime opens two sockets for signals, once in a process.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let before = (descriptors(), threads(), children().len());
    for python in pythons() {
        let mut settings = config(&chaos(), &python);
        settings.time_limit = Duration::from_millis(300);
        settings.workers = 2;
        let plugin = start(settings);
        let picture = image(11, 300, 200);
        let deeds = [
            "exits_hard",
            "null",
            "endless",
            "closes",
            "children_then_die",
            "kill_me",
        ];
        for round in 0..rounds {
            failed(&plugin, Call::new(deeds[round % deeds.len()]));
            plugin.call(Call::new("extract").picture(&picture)).unwrap();
            let nap = Call::new("nap").with("seconds", 0.01);
            drop(plugin.submit(nap.clone(), CallOptions::default()));
            // A task that cancels its call at once, or while a thread waits for the reply.
            let wait = Duration::from_millis(if round % 9 == 0 { 60 } else { 1 });
            let leaves = async {
                let deed = plugin.call_async(
                    Call::new(deeds[round % deeds.len()]),
                    CallOptions::default(),
                );
                drop(tokio::time::timeout(wait, deed).await);
                let nap = plugin.call_async(nap, CallOptions::default());
                drop(tokio::time::timeout(wait / 20, nap).await);
            };
            runtime.block_on(leaves);
            if round % 50 == 0 {
                plugin.reload().unwrap();
            }
        }
    }
    assert_eq!(
        (descriptors(), threads(), children().len()),
        before,
        "{:?}",
        children()
    );
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
