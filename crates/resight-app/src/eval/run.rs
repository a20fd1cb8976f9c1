//! One measurement: add the database, ask the queries, judge the answers, take the database away.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use resight_engine::{
    EngineError, Hit, Indexer, Library, PictureId, Query, Refused, RefusedCode, SearchOptions,
    Searcher, Timings, read_bounded,
};

use super::ground_truth::{GroundTruth, GroundTruthError, LabelledQuery};
use super::metrics::{Judged, average_precision, mean, percentile};
use super::outcome::{AttackScore, FalseMatch, Miss, Outcome, Scores};

/// Hits of a query that are looked at: one beyond adds less than a thousandth to its precision.
const RANKED: usize = 1000;

/// How a measurement goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalEvent {
    /// Pictures of the database added so far, and in all.
    Adding(usize, usize),
    /// Queries asked so far, and in all.
    Asking(usize, usize),
}

/// Why there is no outcome. What was added has been taken away again.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The labels cannot be used.
    #[error(transparent)]
    GroundTruth(#[from] GroundTruthError),
    /// A picture's file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        reason: Refused,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Measures on the labelled pictures in `dir`, beside whatever the engine holds. The database's
/// pictures are added, and those that were not stored before are removed at the end, also after a
/// failure or when `cancel` is set. Everything happens in the data's order, one by one. Of `options`,
/// which part of the ranking is wanted has no effect.
pub fn evaluate(
    engine: &Arc<Library>,
    dir: &Path,
    options: &SearchOptions,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(EvalEvent),
) -> Result<Outcome, EvalError> {
    let truth = GroundTruth::read(dir)?;
    let mut measurement = Measurement {
        engine,
        images: dir.join("images"),
        truth: &truth,
        options,
        cancel,
        ids: HashMap::new(),
        names: HashMap::new(),
        added: Vec::new(),
        unusable: Vec::new(),
    };
    let outcome = measurement.run(on_event);
    let removed = engine.remove(&measurement.added);
    let outcome = outcome?;
    removed?;
    Ok(outcome)
}

struct Measurement<'a> {
    engine: &'a Arc<Library>,
    images: PathBuf,
    truth: &'a GroundTruth,
    options: &'a SearchOptions,
    cancel: &'a AtomicBool,
    /// Pictures of the database by file name; without those that could not be used.
    ids: HashMap<&'a str, PictureId>,
    /// The other way round, for messages; of files with equal bytes the first.
    names: HashMap<PictureId, &'a str>,
    /// To be removed at the end.
    added: Vec<PictureId>,
    unusable: Vec<String>,
}

/// One query's answer, judged.
struct Answer<'a> {
    query: &'a LabelledQuery,
    judged: Judged,
    /// Name of the first hit that counts.
    first: Option<String>,
    milliseconds: f64,
    timings: Timings,
    verified_true: usize,
    false_matches: Vec<FalseMatch>,
}

impl<'a> Measurement<'a> {
    fn run(&mut self, on_event: &mut dyn FnMut(EvalEvent)) -> Result<Outcome, EvalError> {
        self.add_database(on_event)?;
        let storage = self.engine.storage()?;
        let queries = &self.truth.queries;
        let mut answers = Vec::with_capacity(queries.len());
        for (i, query) in queries.iter().enumerate() {
            self.check_cancel()?;
            on_event(EvalEvent::Asking(i, queries.len()));
            answers.push(self.ask(query)?);
        }
        on_event(EvalEvent::Asking(queries.len(), queries.len()));
        let bytes = storage.feature_bytes + storage.word_bytes + storage.index_bytes;
        Ok(Outcome {
            scores: Scores {
                bytes_per_picture: bytes as f64 / storage.pictures.max(1) as f64,
                pictures: storage.pictures,
                ..scores(&self.truth.name, &answers)
            },
            attacks: attacks(&answers),
            misses: answers.iter().filter_map(miss).collect(),
            false_matches: answers
                .into_iter()
                .flat_map(|answer| answer.false_matches)
                .collect(),
            unusable: std::mem::take(&mut self.unusable),
        })
    }

    fn add_database(&mut self, on_event: &mut dyn FnMut(EvalEvent)) -> Result<(), EvalError> {
        let names = &self.truth.database;
        for (i, name) in names.iter().enumerate() {
            self.check_cancel()?;
            on_event(EvalEvent::Adding(i, names.len()));
            let added = self
                .read(name)
                .and_then(|bytes| Indexer::new(self.engine.clone()).add(&bytes, name));
            match added {
                Ok(added) => {
                    let id = added.picture.id;
                    if !added.already_there {
                        self.added.push(id.clone());
                    }
                    self.names.entry(id.clone()).or_insert(name);
                    self.ids.insert(name, id);
                }
                Err(EngineError::Refused(refused)) => {
                    self.leave_out(name, &format!("{name} of the database"), refused)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn ask(&mut self, query: &'a LabelledQuery) -> Result<Answer<'a>, EvalError> {
        let bytes = self.read(&query.query);
        let options = SearchOptions {
            offset: 0,
            limit: RANKED,
            verified_only: false,
            ..self.options.clone()
        };
        let start = Instant::now();
        let answer = bytes.and_then(|bytes| {
            Searcher::new(self.engine.clone()).search(Query::Bytes(&bytes), &options)
        });
        let (hits, timings) = match answer {
            Ok(answer) => (answer.hits, answer.timings),
            Err(EngineError::Refused(refused)) => {
                self.leave_out(&query.query, &format!("query {}", query.query), refused)?;
                Default::default()
            }
            Err(error) => return Err(error.into()),
        };
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        Ok(Answer {
            milliseconds,
            timings,
            ..self.judge(query, &hits)
        })
    }

    fn judge(&self, query: &'a LabelledQuery, hits: &[Hit]) -> Answer<'a> {
        let ids = |names: &'a [String]| names.iter().filter_map(|name| self.ids.get(name.as_str()));
        let relevant: HashSet<&PictureId> = ids(&query.relevant).collect();
        // What could not be added cannot be found, and still counts.
        let absent = query.relevant.len() - ids(&query.relevant).count();
        let mut neither: HashSet<&PictureId> = ids(&query.ignore).collect();
        if self.truth.query_in_database {
            neither.extend(self.ids.get(query.query.as_str()));
        }

        let mut answer = Answer {
            query,
            judged: Judged {
                ranking: Vec::with_capacity(hits.len()),
                examined: 0,
                relevant: relevant.len() + absent,
            },
            first: None,
            milliseconds: 0.0,
            timings: Timings::default(),
            verified_true: 0,
            false_matches: Vec::new(),
        };
        for hit in hits {
            let id = &hit.picture.id;
            // Relevant first: files of equal bytes are one picture, whatever their labels.
            let right = relevant.contains(id);
            if !right && neither.contains(id) {
                continue;
            }
            answer.judged.ranking.push(right);
            answer.judged.examined += usize::from(right && hit.examined);
            if answer.first.is_none() {
                answer.first = Some(self.name(hit));
            }
            match (hit.verified, right) {
                (true, true) => answer.verified_true += 1,
                (true, false) => answer.false_matches.push(FalseMatch {
                    query: query.query.clone(),
                    result: self.name(hit),
                    inliers: hit.inliers,
                    log10_nfa: hit.log10_nfa,
                }),
                (false, _) => {}
            }
        }
        answer
    }

    /// The file's name in the database, or a distractor's place.
    fn name(&self, hit: &Hit) -> String {
        let picture = &hit.picture;
        match self.names.get(&picture.id) {
            Some(name) => (*name).to_owned(),
            None => picture.sources.first().unwrap_or(&picture.name).clone(),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, EngineError> {
        let limit = self.engine.options().decode.max_bytes;
        Ok(read_bounded(&self.images.join(name), limit)?)
    }

    /// Notes a picture that cannot be used. A file that cannot be read ends the measurement: the
    /// data is then not what its labels say.
    fn leave_out(&mut self, name: &str, what: &str, reason: Refused) -> Result<(), EvalError> {
        if reason.code == RefusedCode::Unreadable {
            let path = self.images.join(name);
            return Err(EvalError::Unreadable { path, reason });
        }
        self.unusable.push(format!("{what}: {reason}"));
        Ok(())
    }

    fn check_cancel(&self) -> Result<(), EvalError> {
        if self.cancel.load(Ordering::SeqCst) {
            return Err(EvalError::Cancelled);
        }
        Ok(())
    }
}

/// All but what the store tells.
fn scores(name: &str, answers: &[Answer<'_>]) -> Scores {
    let share = |k: usize| {
        mean(
            answers
                .iter()
                .map(|a| f64::from(u8::from(a.judged.hit_within(k)))),
        )
    };
    let times = |of: fn(&Answer<'_>) -> f64| answers.iter().map(of).collect::<Vec<f64>>();
    let whole = times(|a| a.milliseconds);
    Scores {
        name: name.to_owned(),
        queries: answers.len(),
        recall_at_1: share(1),
        recall_at_10: share(10),
        map: mean(answers.iter().map(|a| average_precision(&a.judged))),
        shortlist_recall: mean(answers.iter().map(|a| a.judged.found())),
        verified_true: answers.iter().map(|a| a.verified_true).sum(),
        verified_false: answers.iter().map(|a| a.false_matches.len()).sum(),
        query_ms_p50: percentile(&whole, 0.5),
        query_ms_p95: percentile(&whole, 0.95),
        expand_ms_p50: percentile(&times(|a| a.timings.expand_ms), 0.5),
        variants_ms_p50: percentile(&times(|a| a.timings.variants_ms), 0.5),
        bytes_per_picture: 0.0,
        pictures: 0,
    }
}

fn attacks(answers: &[Answer<'_>]) -> Vec<AttackScore> {
    let mut by_attack: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for answer in answers {
        if let Some(attack) = &answer.query.attack {
            by_attack
                .entry(attack)
                .or_default()
                .push(answer.judged.hit_within(1));
        }
    }
    by_attack
        .into_iter()
        .map(|(attack, right)| AttackScore {
            attack: attack.to_owned(),
            queries: right.len(),
            recall_at_1: mean(right.iter().map(|right| f64::from(u8::from(*right)))),
        })
        .collect()
}

fn miss(answer: &Answer<'_>) -> Option<Miss> {
    (!answer.judged.hit_within(1)).then(|| Miss {
        query: answer.query.query.clone(),
        first: answer.first.clone(),
        relevant_rank: answer
            .judged
            .ranking
            .iter()
            .position(|right| *right)
            .map(|i| i + 1),
    })
}
