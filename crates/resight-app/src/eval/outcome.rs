//! What a measurement gives.

use serde::Serialize;

/// The numbers of one folder of labelled pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Name of the data.
    pub name: String,
    /// Queries asked.
    pub queries: usize,
    /// Share of the queries with something relevant ranked first.
    pub recall_at_1: f64,
    /// Share of the queries with something relevant among the first ten.
    pub recall_at_10: f64,
    /// Mean average precision over the queries.
    pub map: f64,
    /// Mean share of the relevant pictures that were among the hits at all.
    pub shortlist_recall: f64,
    /// Verified pairs of a query and something relevant.
    pub verified_true: usize,
    /// Verified hits that are neither relevant nor ignored nor the query itself.
    pub verified_false: usize,
    /// Median time of a search from the file's bytes, in milliseconds.
    pub query_ms_p50: f64,
    /// Time of a search that 95 % do not exceed, in milliseconds.
    pub query_ms_p95: f64,
    /// Median of what asking once more takes of it; 0 where that is not done.
    pub expand_ms_p50: f64,
    /// Median of what looking for the query mirrored and inverted takes of it.
    pub variants_ms_p50: f64,
    /// Features, words and index for each picture stored while searching.
    pub bytes_per_picture: f64,
    /// Pictures stored while searching, distractors among them.
    pub pictures: u64,
}

/// How queries of one kind fared.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackScore {
    /// The kind.
    pub attack: String,
    /// Its queries.
    pub queries: usize,
    /// Share of them with something relevant ranked first.
    pub recall_at_1: f64,
}

/// A query whose first hit is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// The query's file name.
    pub query: String,
    /// The first hit's name; `None` when nothing was found.
    pub first: Option<String>,
    /// Rank of the first relevant hit, from 1; `None` when there is none.
    pub relevant_rank: Option<usize>,
}

/// A hit verified though it is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct FalseMatch {
    /// The query's file name.
    pub query: String,
    /// The hit's name.
    pub result: String,
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms.
    pub log10_nfa: Option<f64>,
}

/// Everything one measurement gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The numbers.
    pub scores: Scores,
    /// Kinds of queries, by name; empty when the data names none.
    pub attacks: Vec<AttackScore>,
    /// Queries whose first hit is wrong, in the data's order.
    pub misses: Vec<Miss>,
    /// Wrong hits that were verified, in the data's order.
    pub false_matches: Vec<FalseMatch>,
    /// Pictures that could not be used, each a sentence. They count as not found.
    pub unusable: Vec<String>,
}
