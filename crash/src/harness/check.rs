//! What must hold after every restart, without a manual step.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Result;
use crate::harness::http::{Answer, PATIENCE, request};
use crate::harness::oracle::{DEFAULT, Labels, Oracle};
use crate::harness::pictures::sample;
use crate::harness::program::Setup;

/// Whether the server itself clears this finding in the background after a start: uploads that it adds again, and
/// words of a conversion that it completes.
fn is_cleared(finding: &Value) -> bool {
    let kind = finding["kind"].as_str().unwrap_or_default();
    let detail = finding["detail"].as_str().unwrap_or_default();
    matches!(kind, "original_unrecorded" | "thumbnail_unrecorded")
        || kind == "words_damaged" && detail.contains("another vocabulary")
}

/// The address of what belongs to a collection.
pub(crate) fn base(collection: &str) -> String {
    match collection {
        DEFAULT => "/v1".into(),
        name => format!("/v1/collections/{name}"),
    }
}

/// The id of the file with these bytes.
pub(crate) fn id_of(bytes: &[u8]) -> String {
    let hash = blake3::hash(bytes).to_hex();
    hash[..32].to_owned()
}

/// A request without a body that must be answered.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    request(address, "GET", path, "text/plain", b"")
        .map_err(|error| format!("GET {path}: {error}").into())
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checked {
    pub(crate) pictures: u64,
    pub(crate) searches: u64,
}

/// Compares what the server stores and finds with the oracle, and settles the oracle. Every picture's record
/// is compared; `searched` of each collection are searched for, in turn from `turn` on.
pub(crate) fn check(
    setup: &Setup,
    address: SocketAddr,
    oracle: &mut Oracle,
    searched: usize,
    turn: usize,
) -> Result<Checked> {
    compare(Some(setup), address, oracle, searched, turn)
}

/// As [`check`], in a process that has just met a failing call: what that left is deleted by the next opening, so
/// `resight verify` does not count.
pub(crate) fn check_after_failure(address: SocketAddr, oracle: &mut Oracle) -> Result<Checked> {
    compare(None, address, oracle, usize::MAX, 0)
}

fn compare(
    verified: Option<&Setup>,
    address: SocketAddr,
    oracle: &mut Oracle,
    searched: usize,
    turn: usize,
) -> Result<Checked> {
    let list = get(address, "/v1/collections")?.json();
    let collections = list["collections"].as_array().into_iter().flatten();
    let found: BTreeSet<String> = collections
        .filter_map(|one| Some(one["name"].as_str()?.to_owned()))
        .collect();
    oracle.settle_collections(&found)?;
    let mut checked = Checked::default();
    for (name, collection) in &mut oracle.collections {
        // Opens the collection, which begins what is done in the background.
        listed(address, name)?;
        if let Some(setup) = verified {
            verify(setup, name)?;
        }
        let stored = listed(address, name)?;
        collection
            .settle(&stored)
            .map_err(|error| format!("{name}: {error}"))?;
        let count = get(address, &format!("{}/count", base(name)))?.json();
        if count["count"].as_u64() != Some(stored.len() as u64) {
            return Err(format!("{name}: {count} of {} pictures", stored.len()).into());
        }
        checked.pictures += stored.len() as u64;
        let numbers: Vec<u64> = collection.pictures.keys().copied().collect();
        let most = searched.min(numbers.len());
        for number in numbers.iter().cycle().skip(turn * most).take(most) {
            let is_stored = stored.contains_key(number);
            find(address, name, *number, is_stored).map_err(|e| format!("{name}: {e}"))?;
            checked.searches += 1;
        }
    }
    Ok(checked)
}

/// The stored pictures of a collection, by number.
fn listed(address: SocketAddr, collection: &str) -> Result<BTreeMap<u64, Labels>> {
    let answer = get(address, &format!("{}/images?limit=1000", base(collection)))?;
    if !answer.is_success() {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        return Err(format!("{collection} cannot be listed: {} {body}", answer.status).into());
    }
    let list = answer.json();
    let mut found = BTreeMap::new();
    for picture in list["images"].as_array().into_iter().flatten() {
        let id = picture["id"].as_str().unwrap_or_default();
        let number = number_of(id).ok_or_else(|| format!("an unknown picture: {picture}"))?;
        found.insert(number, Labels::of(picture));
    }
    Ok(found)
}

/// Pictures have numbers below this.
pub(crate) const NUMBERS: u64 = 64;

/// The number of the picture whose file has this id.
fn number_of(id: &str) -> Option<u64> {
    static IDS: std::sync::OnceLock<BTreeMap<String, u64>> = std::sync::OnceLock::new();
    let ids = IDS.get_or_init(|| {
        let numbers = 0..NUMBERS;
        numbers
            .map(|number| (id_of(&sample(number).file), number))
            .collect()
    });
    ids.get(id).copied()
}

/// Runs `resight verify`, and waits for what the server does in the background.
fn verify(setup: &Setup, collection: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let (code, lines) = setup.run(&["verify", "--collection", collection])?;
        let findings = lines.first().map(|line| line["findings"].clone());
        let findings = findings.as_ref().and_then(Value::as_array);
        match (code, findings) {
            (Some(0), _) => return Ok(()),
            (_, Some(findings)) => {
                if !findings.iter().all(is_cleared) || Instant::now() > until {
                    return Err(format!("{collection}: verify found {findings:?}").into());
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            (code, None) => {
                return Err(format!("{collection}: verify ended with {code:?}").into());
            }
        }
    }
}

/// Looks one picture up: by its id, its file, its thumbnail, and by a search with another file of it.
pub(crate) fn find(
    address: SocketAddr,
    collection: &str,
    number: u64,
    is_stored: bool,
) -> Result<()> {
    let picture = sample(number);
    let (base, id) = (base(collection), id_of(&picture.file));
    let record = get(address, &format!("{base}/images/{id}"))?;
    let file = get(address, &format!("{base}/images/{id}/file"))?;
    let query = "limit=1&expand=false&mirrored=false&inverted=false&mode=exact";
    let path = format!("{base}/search?{query}");
    let answer = request(address, "POST", &path, "image/png", &picture.query)
        .map_err(|error| format!("POST {path}: {error}"))?;
    if !answer.is_success() {
        return Err(format!("picture {number}: the search is answered {}", answer.status).into());
    }
    let hit = &answer.json()["hits"][0];
    let is_hit = hit["image"]["id"] == id.as_str();
    if !is_stored {
        if record.status != 404 || file.status != 404 || is_hit {
            return Err(format!(
                "picture {number} was removed; record {}, file {}, found {is_hit}",
                record.status, file.status
            )
            .into());
        }
        return Ok(());
    }
    let thumbnail = get(address, &format!("{base}/images/{id}/thumbnail"))?;
    if file.body != picture.file || !thumbnail.is_success() {
        return Err(format!(
            "picture {number}: file {}, thumbnail {}",
            file.status, thumbnail.status
        )
        .into());
    }
    if !is_hit || hit["verified"] != true || hit["stage"] != "words" {
        return Err(format!("picture {number} is not found by a search: {hit}").into());
    }
    Ok(())
}
