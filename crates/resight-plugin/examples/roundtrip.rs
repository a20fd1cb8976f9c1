//! The latency of a call beyond the function itself: `cargo run --release -p resight-plugin --example
//! roundtrip [PYTHON]`. Prints medians and 99th percentiles; takes about 20 s. With `--features embed` it
//! also measures plug-ins in its own process.

use std::time::{Duration, Instant};

use resight_plugin::{Call, CallOptions, Plugin, PluginConfig};
use resight_vision::Image;

const FILE: &str = r#"
import time

def nothing():
    pass

def look(image):
    return image.shape[0]

def spin():
    end = time.perf_counter() + 0.001
    n = 0
    while time.perf_counter() < end:
        n += 1
    return n

def large():
    return bytes(6_220_800)
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let python = std::env::args().nth(1).unwrap_or_else(|| "python3".into());
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("roundtrip.py");
    std::fs::write(&file, FILE)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let image = Image::from_rgb(1920, 1080, vec![77; 1920 * 1080 * 3]).ok_or("size")?;
    for (workers, in_process) in [(1, false), (2, false), (1, true), (2, true)] {
        let mut config = PluginConfig::new(&file);
        config.python = python.clone().into();
        config.workers = workers;
        #[cfg(feature = "embed")]
        {
            config.in_process = in_process;
        }
        if in_process && cfg!(not(feature = "embed")) {
            continue;
        }
        let plugin = Plugin::start(config)?;
        let manifest = plugin.wait_ready(Duration::from_secs(60))?;
        while plugin.status().workers < workers {
            std::thread::sleep(Duration::from_millis(10));
        }
        let numpy = manifest.numpy.as_deref().unwrap_or("none");
        println!(
            "{} {workers}, Python {}, numpy {numpy}",
            if in_process {
                "in-process threads"
            } else {
                "workers"
            },
            manifest.python
        );
        time("no-op", 20_000, || {
            plugin.call(Call::new("nothing")).is_ok()
        });
        time("no-op from a task", 20_000, || {
            let call = plugin.call_async(Call::new("nothing"), CallOptions::default());
            runtime.block_on(call).is_ok()
        });
        time("6.2 MB picture in", 500, || {
            plugin.call(Call::new("look").picture(&image)).is_ok()
        });
        let pixels = image.rgb();
        let mut copy = vec![0; pixels.len()];
        time("  a copy of it in memory", 500, || {
            copy.copy_from_slice(std::hint::black_box(pixels));
            std::hint::black_box(&copy).len() == pixels.len()
        });
        time("6.2 MB out", 500, || {
            plugin.call(Call::new("large")).is_ok()
        });
        time("pure Python 1 ms", 2000, || {
            plugin.call(Call::new("spin")).is_ok()
        });
        for clients in [1, 2, 4] {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..clients {
                    scope.spawn(|| {
                        for _ in 0..2000 / clients {
                            let _answer = plugin.call(Call::new("spin"));
                        }
                    });
                }
            });
            let rate = 2000.0 / start.elapsed().as_secs_f64();
            println!("  pure Python 1 ms, {clients} clients: {rate:.0} calls/s");
        }
    }
    Ok(())
}

fn time(name: &str, rounds: usize, mut run: impl FnMut() -> bool) {
    for _ in 0..rounds / 10 {
        assert!(run());
    }
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            assert!(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    let at = |share: f64| times[((rounds - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("  {name}: p50 {:.1} µs, p99 {:.1} µs", at(0.5), at(0.99));
}
