//! Features from anybody, changed at random and sealed again: a search answers, or says what is wrong with them.

use std::str::FromStr;

use resight_engine::{
    EngineOptions, Query, QueryPicture, Region, SearchOptions, features_blob, is_features_blob,
};
use resight_test_support::fuzz;
use resight_vision::Sift;

use crate::support::{Bench, parts, picture};

/// With the hash that the rest of it has.
fn sealed(blob: &[u8]) -> Vec<u8> {
    let mut sealed = blob.to_vec();
    if blob.len() > 36 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&blob[..20]).update(&blob[36..]);
        sealed[20..36].copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    }
    sealed
}

#[test]
fn a_search_by_changed_features_answers_or_refuses() {
    let root = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        max_features: 60,
        ..EngineOptions::default()
    };
    let bench = Bench::open(parts(root.path()), options.clone()).unwrap();
    for number in 0..4 {
        bench.indexer.add(&picture(number, 0), "a.png").unwrap();
    }
    let blob = |number| {
        features_blob(&picture(number, 9), &Sift::default(), &options)
            .unwrap()
            .0
    };
    let corpus = [blob(0), blob(1), blob(0)[..200].to_vec()];
    assert_eq!(
        sealed(&corpus[0]),
        corpus[0],
        "the hash is where this test thinks"
    );
    let (mut answered, mut refused) = (0, 0);
    fuzz("features", 400, &corpus, |bytes| {
        let bytes = sealed(bytes);
        let found = bench
            .searcher
            .search(Query::Features(&bytes), &SearchOptions::default());
        match found {
            Ok(answer) => {
                answered += 1;
                assert!(is_features_blob(&bytes));
                assert!(answer.hits.len() <= 4);
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.code(), "bad_features", "{error}");
            }
        }
    });
    assert!(answered > 20 && refused > 20, "{answered} {refused}");
}

#[test]
fn a_region_in_any_text_is_read_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
    bench.indexer.add(&picture(0, 0), "a.png").unwrap();
    let query = picture(0, 3);
    let corpus = [
        "1,2,30,40",
        "pct:10,0,50.5,100",
        "0,0,8.5,9",
        "1e3,-0,nan,inf",
        "pct:1e-9,1,99,1e308",
    ];
    let corpus = corpus.map(|text| text.as_bytes().to_vec());
    let mut searched = 0;
    fuzz("region", 3000, &corpus, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let Ok(region) = Region::from_str(text) else {
            return;
        };
        // A search takes milliseconds, so few of them are made.
        searched += 1;
        if searched % 40 == 1 {
            let part = QueryPicture {
                region: Some(region),
                ..Query::Bytes(&query).into()
            };
            if let Err(error) = bench
                .searcher
                .search_all(&[part], &SearchOptions::default())
            {
                assert_eq!(error.code(), "bad_query", "{text:?}: {error}");
            }
        }
    });
    assert!(searched > 100, "{searched}");
}
