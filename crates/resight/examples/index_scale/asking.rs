//! The queries of the labelled sets, asked of the index alone and of the engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use resight_engine::{EngineError, Library, PictureId, SearchOptions, Searcher, Variant};
use resight_index::{CandidateOptions, Key, QueryWords, Snapshot};
use serde_json::json;

pub(crate) const SHORTLISTS: [usize; 4] = [50, 200, 500, 1000];

pub(crate) struct Query {
    pub(crate) set: usize,
    /// Of its file.
    pub(crate) bytes: Vec<u8>,
    /// Whether it counts in the times.
    pub(crate) is_timed: bool,
    pub(crate) words: QueryWords,
    /// Milliseconds of reading, describing and assigning words.
    pub(crate) described_ms: f64,
    pub(crate) relevant: Vec<PictureId>,
    /// Of the same.
    pub(crate) keys: Vec<Key>,
}

/// Sums over the queries of one set.
#[derive(Clone, Copy, Default)]
struct Sum {
    queries: f64,
    value: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.queries += 1.0;
        self.value += value;
    }

    fn mean(&self) -> f64 {
        self.value / self.queries.max(1.0)
    }
}

fn name_of(set: &std::path::Path) -> std::borrow::Cow<'_, str> {
    set.file_name().unwrap_or_default().to_string_lossy()
}

/// Shortlists of the index: times and recall.
pub(crate) fn ask_index(
    snapshot: &Snapshot,
    queries: &[Query],
    options: &CandidateOptions,
    sets: &[PathBuf],
    put: &mut impl FnMut(&str, serde_json::Value),
) {
    let (mut times, mut whole) = (Vec::new(), Vec::new());
    let mut found = vec![[(Sum::default(), Sum::default()); SHORTLISTS.len()]; sets.len()];
    // Once to bring the lists into memory, once to be measured.
    for measured in [false, true] {
        for query in queries {
            let begun = Instant::now();
            let candidates = snapshot.candidates(&query.words, options).best;
            let took = begun.elapsed().as_secs_f64() * 1e3;
            if !measured {
                continue;
            }
            if query.is_timed {
                times.push(took);
                whole.push(took + query.described_ms);
            }
            for (k, sums) in SHORTLISTS.iter().zip(&mut found[query.set]) {
                let shortlist = &candidates[..candidates.len().min(*k)];
                let hits = shortlist.iter().filter(|c| query.keys.contains(&c.key));
                let hits = hits.count();
                sums.0.add(f64::from(u8::from(hits > 0)));
                sums.1.add(hits as f64 / query.keys.len() as f64);
            }
        }
    }
    let [p50, p95] = percentiles(&mut times);
    let [whole_p50, whole_p95] = percentiles(&mut whole);
    println!(
        "candidates: p50 {p50:.1} ms, p95 {p95:.1} ms; with extraction: p50 {whole_p50:.1} ms, p95 {whole_p95:.1} ms"
    );
    put("candidates_p50_ms", json!(p50));
    put("candidates_p95_ms", json!(p95));
    put("with_extraction_p50_ms", json!(whole_p50));
    put("with_extraction_p95_ms", json!(whole_p95));
    for (dir, found) in sets.iter().zip(&found) {
        let set = name_of(dir);
        print!("{set:20}");
        for (k, (any, all)) in SHORTLISTS.iter().zip(found) {
            print!("  @{k} {:.3} ({:.3})", any.mean(), all.mean());
            put(&format!("{set}_recall_at_{k}"), json!(any.mean()));
            put(&format!("{set}_found_at_{k}"), json!(all.mean()));
        }
        println!();
    }
}

/// Kinds of whole searches.
const KINDS: [(&str, bool, bool); 3] = [
    ("bare", false, false),
    ("plain", false, true),
    ("expanded", true, true),
];

/// Whole searches: times without and with expansion and variants of the query, and what is looked at
/// and verified.
// Long because it measures, counts and prints each figure side by side.
pub(crate) fn ask_whole(
    engine: &Arc<Library>,
    queries: &[Query],
    sets: &[PathBuf],
    put: &mut impl FnMut(&str, serde_json::Value),
) -> Result<(), EngineError> {
    let ask = |query: &Query, expand: bool, varied: bool| {
        let options = SearchOptions {
            limit: 1000,
            expand,
            variants: Variant {
                mirrored: varied,
                inverted: varied,
            },
            ..SearchOptions::default()
        };
        Searcher::new(engine.clone()).search(resight_engine::Query::Bytes(&query.bytes), &options)
    };
    // The first time a list is asked for the system maps it into memory: as a server's first searches do.
    let mut first = Vec::new();
    for query in queries {
        let took = ask(query, true, true)?.timings.total_ms;
        first.extend(query.is_timed.then_some(took));
    }
    let [p50, p95] = percentiles(&mut first);
    println!("whole searches, expanded, the first after opening: p50 {p50:.1} ms, p95 {p95:.1} ms");
    put("first_total_p50_ms", json!(p50));
    put("first_total_p95_ms", json!(p95));
    for (kind, expand, varied) in KINDS {
        let mut found = vec![(Sum::default(), Sum::default(), 0usize); sets.len()];
        let mut steps: [Vec<f64>; 6] = Default::default();
        for query in queries {
            let answer = ask(query, expand, varied)?;
            let of_all = |count: usize| count as f64 / query.relevant.len() as f64;
            let is_right = |id: &PictureId| query.relevant.contains(id);
            let right = answer.hits.iter().filter(|h| is_right(&h.picture.id));
            let examined = right.clone().filter(|h| h.examined).count();
            let verified = right.filter(|h| h.verified).count();
            let sums = &mut found[query.set];
            sums.0.add(of_all(examined));
            sums.1.add(of_all(verified));
            sums.2 += answer.verified - verified;
            let t = &answer.timings;
            let described = t.decode_ms + t.extract_ms;
            let own = [described, t.candidates_ms, t.verify_ms];
            let parts = own
                .into_iter()
                .chain([t.expand_ms, t.variants_ms, t.total_ms]);
            for (list, ms) in steps.iter_mut().zip(parts) {
                list.extend(query.is_timed.then_some(ms));
            }
        }
        println!("whole searches, {kind}:");
        let names = [
            "extraction",
            "candidates",
            "verification",
            "expansion",
            "variants",
            "total",
        ];
        for (name, times) in names.iter().zip(&mut steps) {
            let [p50, p95] = percentiles(times);
            println!("  {name:13} p50 {p50:6.1} ms, p95 {p95:6.1} ms");
            put(&format!("{kind}_{name}_p50_ms"), json!(p50));
            put(&format!("{kind}_{name}_p95_ms"), json!(p95));
        }
        for (dir, (examined, verified, others)) in sets.iter().zip(&found) {
            let set = name_of(dir);
            println!(
                "  {set:20} of all right pictures {:.3} looked at closely, {:.3} verified; {others} others verified",
                examined.mean(),
                verified.mean()
            );
            put(&format!("{kind}_{set}_examined"), json!(examined.mean()));
            put(&format!("{kind}_{set}_verified"), json!(verified.mean()));
            put(&format!("{kind}_{set}_others_verified"), json!(others));
        }
    }
    Ok(())
}

/// Median and 95th percentile; 0 of none.
fn percentiles(times: &mut [f64]) -> [f64; 2] {
    times.sort_unstable_by(f64::total_cmp);
    [0.5, 0.95].map(|share| {
        let at = times.get((times.len() as f64 * share) as usize);
        at.copied().unwrap_or_default()
    })
}
