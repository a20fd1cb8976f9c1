//! Pairs of pictures.

use std::collections::BTreeMap;
use std::collections::HashMap;

use resight_store::listing::in_order;
use resight_store::{PairLink, PairedPicture, Pairs, PicturePair, StoreError};

use super::open::PostgresCatalogue;
use super::rows::{Line, above, at_most, page};
use super::session::{Owned, Session};
use super::settings;

/// The setting with the key up to which pictures have been checked.
const CHECKED: &str = "pairs_looked_up_to";

const PUT: &str = "INSERT INTO pair (a, b, kind, log10_nfa, inliers, coverage_a, coverage_b, alike,
        transform, inverted, regions)
    SELECT first.key, second.key, $3, $4, $5, $6, $7, $8, $9, $10, $11
    FROM picture AS first, picture AS second WHERE first.key = $1 AND second.key = $2
    ON CONFLICT (a, b) DO UPDATE SET kind = excluded.kind, log10_nfa = excluded.log10_nfa,
        inliers = excluded.inliers, coverage_a = excluded.coverage_a,
        coverage_b = excluded.coverage_b, alike = excluded.alike, transform = excluded.transform,
        inverted = excluded.inverted, regions = excluded.regions";

const PAIR: &str = "SELECT pair.a, pair.b, kind, log10_nfa, inliers, coverage_a, coverage_b, alike,
        transform, inverted, regions
    FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS asked (a, b)
    JOIN pair ON pair.a = asked.a AND pair.b = asked.b";

/// Tests one picture after another by the indexes of pairs and sources, and ends with the page. For `EXISTS` the
/// server would read all pairs for each page.
const PAIRED: &str = "SELECT key, width, height, byte_len, media_type, pages, depth,
        (SELECT COUNT(*) FROM source WHERE source.key = picture.key), uploaded
    FROM picture WHERE key > $1 AND (
        (SELECT TRUE FROM pair WHERE pair.a = picture.key LIMIT 1)
        OR (SELECT TRUE FROM pair WHERE pair.b = picture.key LIMIT 1)
        OR (SELECT COUNT(*) FROM source WHERE source.key = picture.key) > 1)
    ORDER BY key LIMIT $2";

impl Pairs for PostgresCatalogue {
    fn put_pairs(&self, pairs: &[PicturePair], checked_up_to: u64) -> Result<(), StoreError> {
        // In the order of their keys, so that the rows lie together.
        let pairs: BTreeMap<(u64, u64), &PicturePair> = pairs
            .iter()
            .filter(|pair| pair.a < pair.b)
            .map(|pair| ((pair.a, pair.b), pair))
            .collect();
        self.write(|change| {
            for pair in pairs.into_values() {
                change.session.send(PUT, values(pair))?;
            }
            if checked_up_to > checked(change.session)? {
                settings::set(change.session, CHECKED, &checked_up_to.to_string())?;
            }
            Ok(())
        })
    }

    fn checked_up_to(&self) -> Result<u64, StoreError> {
        self.read(checked)
    }

    fn unchecked_count(&self) -> Result<u64, StoreError> {
        self.read_state(|session| {
            let checked = at_most(checked(session)?);
            session.number("SELECT COUNT(*) FROM picture WHERE key > $1", &[&checked])
        })
    }

    fn links_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<PairLink>, StoreError> {
        // Keys start at 1.
        let (a, b) = after.unwrap_or((0, 0));
        let sql = "SELECT a, b, kind, log10_nfa FROM pair WHERE (a, b) > ($1, $2)
            ORDER BY a, b LIMIT $3";
        self.read(|session| {
            let lines = session.query(sql, &[&at_most(a), &at_most(b), &page(limit)])?;
            let link = |line: &Line| {
                Ok(PairLink {
                    a: line.unsigned(0)?,
                    b: line.unsigned(1)?,
                    kind: line.small(2)?,
                    log10_nfa: line.get(3)?,
                })
            };
            lines.iter().map(link).collect()
        })
    }

    fn pairs(&self, keys: &[(u64, u64)]) -> Result<Vec<Option<PicturePair>>, StoreError> {
        let signed = |(a, b): &(u64, u64)| (a.cast_signed(), b.cast_signed());
        let (a, b): (Vec<i64>, Vec<i64>) = keys.iter().map(signed).unzip();
        let by_keys: HashMap<(u64, u64), PicturePair> = self.read(|session| {
            let lines = session.query(PAIR, &[&a, &b])?;
            let keyed = |line| pair(line).map(|pair| ((pair.a, pair.b), pair));
            lines.iter().map(keyed).collect()
        })?;
        Ok(in_order(keys, by_keys))
    }

    fn paired_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<PairedPicture>, StoreError> {
        self.read(|session| {
            let lines = session.query(PAIRED, &[&above(after), &page(limit)])?;
            let paired = |line: &Line| {
                Ok(PairedPicture {
                    key: line.unsigned(0)?,
                    width: line.small(1)?,
                    height: line.small(2)?,
                    byte_len: line.unsigned(3)?,
                    media_type: line.text(4)?,
                    pages: line.optional(5)?,
                    depth: line.optional(6)?,
                    sources: line.unsigned(7)?,
                    uploaded: line.get(8)?,
                })
            };
            lines.iter().map(paired).collect()
        })
    }
}

/// An unreadable value counts as 0: checking once more does no harm.
fn checked(session: &Session) -> Result<u64, StoreError> {
    let text = settings::get(session, CHECKED)?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// In the order of [`PUT`].
fn values(pair: &PicturePair) -> Vec<Owned> {
    vec![
        Box::new(pair.a.cast_signed()),
        Box::new(pair.b.cast_signed()),
        Box::new(i64::from(pair.kind)),
        Box::new(pair.log10_nfa),
        Box::new(i64::from(pair.inliers)),
        Box::new(pair.coverage_a),
        Box::new(pair.coverage_b),
        Box::new(pair.alike),
        Box::new(pair.transform.to_vec()),
        Box::new(pair.inverted),
        Box::new(pair.regions.as_flattened().to_vec()),
    ]
}

fn pair(line: &Line) -> Result<PicturePair, StoreError> {
    let transform: Vec<f64> = line.get(8)?;
    let transform = <[f64; 9]>::try_from(transform);
    let regions: Vec<f32> = line.get(10)?;
    // What is left of a damaged list would be part of a box.
    let (regions, _) = regions.as_chunks();
    Ok(PicturePair {
        a: line.unsigned(0)?,
        b: line.unsigned(1)?,
        kind: line.small(2)?,
        log10_nfa: line.get(3)?,
        inliers: line.small(4)?,
        coverage_a: line.get(5)?,
        coverage_b: line.get(6)?,
        alike: line.get(7)?,
        transform: transform
            .map_err(|_| line.not_valid("a pair's transform is not nine numbers"))?,
        inverted: line.get(9)?,
        regions: regions.to_vec(),
    })
}
