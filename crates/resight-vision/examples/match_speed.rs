//! Times matching of all features with all and of one feature with runs of rows, and checks that all
//! instruction sets give the same matches.
//!
//! `match_speed [QUERIES RESULTS] [A.features B.features]` reads the files that `describe` writes, or
//! generates descriptors like RootSIFT's. With `--matches REPEATS` it prints the matches of the two
//! files instead, `query result distance` a line, and as the last line the median time of that many
//! calls in ms, after one that is not counted.
//! Times are CPU time of one thread.

use std::time::Duration;

use resight_test_support::Random;
use resight_vision::{Descriptors, Match, MatchOptions, Nearest, PackedQueries, Simd};

const LENGTH: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut matches_only = None;
    if args.len() >= 2 && args[0] == "--matches" {
        matches_only = Some(args[1].parse()?);
        args.drain(..2);
    }
    let mut counts = (1000, 1000);
    if let [queries, results, ..] = &args[..]
        && let (Ok(q), Ok(r)) = (queries.parse(), results.parse())
    {
        counts = (q, r);
        args.drain(..2);
    }
    let (query, result) = match &args[..] {
        [] => made(counts.0, counts.1),
        [a, b] => (read(a)?, read(b)?),
        _ => return Err("usage: match_speed [--matches REPEATS] [QUERIES RESULTS] [A B]".into()),
    };
    if let Some(repeats) = matches_only {
        let (found, ms) = time(Simd::widest(), &query, &result, repeats);
        for m in found {
            println!("{} {} {}", m.query, m.result, m.distance);
        }
        println!("{ms}");
        return Ok(());
    }
    let mut first: Option<Vec<Match>> = None;
    for &simd in Simd::available() {
        let (found, ms) = time(simd, &query, &result, 41);
        let same = first.get_or_insert_with(|| found.clone()) == &found;
        println!(
            "{:9} {}x{}: {} matches, {ms:.3} ms{}",
            simd.name(),
            query.len(),
            result.len(),
            found.len(),
            if same { "" } else { "; DIFFERENT" }
        );
        for run in [10, 35, 60, 128] {
            let run = run.min(result.len());
            let ns = time_runs(simd, &query, &result, run);
            println!("{:9}   runs of {run}: {ns:.2} ns a pair", simd.name());
        }
        let us = time_cells(simd, &query, &result);
        println!("{:9}   in {CELLS} cells: {us:.1} us", simd.name());
    }
    Ok(())
}

/// Matches, and the median time of so many calls in ms.
fn time(
    simd: Simd,
    query: &Descriptors,
    result: &Descriptors,
    repeats: usize,
) -> (Vec<Match>, f64) {
    let mut found = Vec::new();
    let ms = median(repeats, || {
        let mut nearest = Nearest::on(simd, query.len(), result.len());
        nearest.compare_all(query, result);
        found = nearest.matches(&MatchOptions::default());
    });
    (found, ms * 1e3)
}

/// Median time of a pair in ns where each query feature meets one run of rows.
fn time_runs(simd: Simd, query: &Descriptors, result: &Descriptors, run: usize) -> f64 {
    let runs = (result.len() / run.max(1)).max(1);
    let pairs = (query.len() * run).max(1) as f64;
    let s = median(41, || {
        let mut nearest = Nearest::on(simd, query.len(), result.len());
        for (i, descriptor) in query.iter().enumerate() {
            let first = i % runs * run;
            let rows = &result.as_bytes()[first * LENGTH..(first + run) * LENGTH];
            nearest.compare(i as u32, descriptor, first as u32, rows);
        }
        std::hint::black_box(&nearest);
    });
    s * 1e9 / pairs
}

/// Cells of a vocabulary, and those that a query feature is matched in.
const CELLS: usize = 256;
const VISITED: usize = 12;

/// Median time in µs where each query feature looks for its matches in some of the cells, whose sizes differ.
fn time_cells(simd: Simd, query: &Descriptors, result: &Descriptors) -> f64 {
    let mut random = Random::new(11);
    // Half of the features lie in the first third of the cells.
    let mut cell = || {
        let third = CELLS as f64 * if random.unit() < 0.5 { 1.0 / 3.0 } else { 1.0 };
        (random.unit() * third) as usize
    };
    let mut ends: Vec<usize> = (0..result.len()).map(|_| cell()).collect();
    ends.sort_unstable();
    let mut visitors = vec![Vec::new(); CELLS];
    for feature in 0..query.len() {
        for _ in 0..VISITED {
            let visitors: &mut Vec<u32> = &mut visitors[cell()];
            if visitors.last() != Some(&(feature as u32)) {
                visitors.push(feature as u32);
            }
        }
    }
    let pack = |features: Vec<u32>| {
        let rows = features
            .iter()
            .flat_map(|&i| query.get(i as usize))
            .copied();
        PackedQueries::new(features.clone(), rows.collect(), LENGTH)
    };
    let packed: Vec<PackedQueries> = visitors.into_iter().map(pack).collect();
    let s = median(41, || {
        let mut nearest = Nearest::on(simd, query.len(), result.len());
        let mut first = 0;
        for (packed, cell) in packed.iter().zip(0..) {
            let until = first + ends[first..].iter().take_while(|own| **own == cell).count();
            let rows = &result.as_bytes()[first * LENGTH..until * LENGTH];
            nearest.compare_run(first as u32, rows, packed);
            first = until;
        }
        std::hint::black_box(&nearest);
    });
    s * 1e6
}

/// Median seconds of `repeats` calls, after one that is not counted.
fn median(repeats: usize, mut call: impl FnMut()) -> f64 {
    let repeats = repeats.max(1);
    call();
    let mut times: Vec<Duration> = (0..repeats)
        .map(|_| {
            let before = thread_time();
            call();
            thread_time().saturating_sub(before)
        })
        .collect();
    times.sort();
    times[repeats / 2].as_secs_f64()
}

fn thread_time() -> Duration {
    cpu_time::ThreadTime::try_now().map_or(Duration::ZERO, |t| t.as_duration())
}

/// The descriptors of a file that `describe` wrote.
fn read(path: &str) -> Result<Descriptors, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path)?;
    let rows = bytes.get(4..).unwrap_or_default().chunks_exact(20 + LENGTH);
    let descriptors: Vec<u8> = rows.flat_map(|row| &row[20..]).copied().collect();
    Descriptors::from_bytes(LENGTH, descriptors)
        .ok_or_else(|| format!("{path}: no features").into())
}

/// Roots of random shares, scaled to a length of 512; half of the result resembles the query.
fn made(queries: usize, results: usize) -> (Descriptors, Descriptors) {
    let mut random = Random::new(7);
    let mut shares =
        |count: usize| -> Vec<f64> { (0..count * LENGTH).map(|_| random.unit().powi(4)).collect() };
    let a = shares(queries);
    let mut b = shares(results);
    for (i, row) in b.chunks_exact_mut(LENGTH).enumerate().step_by(2) {
        if let Some(like) = a.get(i * LENGTH..(i + 1) * LENGTH) {
            for (own, like) in row.iter_mut().zip(like) {
                *own = 0.2 * *own + 0.8 * like;
            }
        }
    }
    let quantised = |shares: Vec<f64>| -> Vec<u8> {
        let rows = shares.chunks_exact(LENGTH);
        rows.flat_map(|row| {
            let sum = row.iter().sum::<f64>().max(1e-9);
            row.iter()
                .map(move |s| ((s / sum).sqrt() * 512.0).round().min(255.0) as u8)
        })
        .collect()
    };
    let wrap = |bytes| Descriptors::from_bytes(LENGTH, bytes).unwrap_or_default();
    (wrap(quantised(a)), wrap(quantised(b)))
}
