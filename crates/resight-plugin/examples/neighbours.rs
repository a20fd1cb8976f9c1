//! How much a client that breaks workers slows another one down: `cargo run --release -p
//! resight-plugin --example neighbours [PYTHON]`. With two workers, one client calls a failing function
//! over and over, while another calls a function of 1 ms. Prints the latter's times alone and beside
//! each failing function, and one line of JSON at the end; takes about a minute.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_plugin::{Call, CallOptions, Plugin, PluginConfig};

const ROUNDS: usize = 3;
const SPAN: Duration = Duration::from_millis(1200);
/// Functions of `tests/support/chaos.py`.
const DEEDS: [&str; 12] = [
    "raises",
    "exits",
    "exits_hard",
    "aborts",
    "null",
    "deep",
    "endless",
    "endless_c",
    "closes",
    "noisy",
    "kill_me",
    "children_then_die",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let python = std::env::args().nth(1).unwrap_or_else(|| "python3".into());
    let folder = tempfile::tempdir()?;
    let chaos = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/chaos.py");
    let text = std::fs::read_to_string(chaos)?
        + "\n\ndef spin():\n    end = time.process_time() + 0.001\n    \
           while time.process_time() < end:\n        pass\n";
    let file = folder.path().join("neighbours.py");
    std::fs::write(&file, text)?;
    let mut config = PluginConfig::new(file);
    config.python = python.into();
    config.workers = 2;
    config.breaker_deaths = 1_000_000;
    config.restart_delay = Duration::from_millis(100);
    config.memory_limit = Some(400 << 20);
    let plugin = Plugin::start(config)?;
    plugin.wait_ready(Duration::from_secs(60))?;
    println!(
        "{:20} {:>9} {:>9} {:>9} {:>9}",
        "beside", "p50 µs", "times", "p90 µs", "times"
    );
    let mut figures = serde_json::Map::new();
    let mut worst: f64 = 0.0;
    for deed in DEEDS {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            whole(&plugin);
            alone.extend(times(&plugin));
            let over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let options = CallOptions {
                            time_limit: Some(Duration::from_millis(500)),
                            ..CallOptions::default()
                        };
                        let _failed = plugin.call_with(Call::new(deed), options);
                    }
                });
                beside.extend(times(&plugin));
                over.store(true, Ordering::Relaxed);
            });
        }
        let [(a50, a90), (b50, b90)] = [alone, beside].map(percentiles);
        println!(
            "{deed:20} {b50:9.0} {:9.2} {b90:9.0} {:9.2}",
            b50 / a50,
            b90 / a90
        );
        worst = worst.max(b50 / a50);
        figures.insert(format!("{deed}_p50_times"), (b50 / a50).into());
        figures.insert(format!("{deed}_p90_times"), (b90 / a90).into());
    }
    figures.insert("worst_p50_times".into(), worst.into());
    println!("{}", serde_json::Value::Object(figures));
    Ok(())
}

fn whole(plugin: &Plugin) {
    while plugin.status().workers < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How long calls of 1 ms take, one after the other.
fn times(plugin: &Plugin) -> Vec<Duration> {
    let until = Instant::now() + SPAN;
    let mut times = Vec::new();
    while Instant::now() < until {
        let begun = Instant::now();
        if plugin.call(Call::new("spin")).is_ok() {
            times.push(begun.elapsed());
        }
    }
    times
}

fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: f64| {
        let i = (times.len() as f64 * share) as usize;
        times.get(i).map_or(f64::NAN, |t| t.as_secs_f64() * 1e6)
    };
    (at(0.5), at(0.9))
}
