//! A picture that is sent again is described once, where its extractor is repeatable.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use resight_engine::{
    Components, EngineOptions, Query, QueryPicture, Region, SearchAnswer, SearchOptions,
};
use resight_vision::{ExtractError, Image, LocalExtractor, LocalFeatures, ModelId, Sift};

use crate::support::{Bench, parts, picture};

/// SIFT that counts.
struct Counting {
    sift: Sift,
    is_repeatable: bool,
    described: AtomicUsize,
}

impl LocalExtractor for Counting {
    fn model(&self) -> &ModelId {
        self.sift.model()
    }

    fn dimension(&self) -> usize {
        self.sift.dimension()
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        self.described.fetch_add(1, Ordering::SeqCst);
        self.sift.extract(image)
    }

    fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }
}

/// A library of four pictures, and its extractor.
fn library(is_repeatable: bool) -> (tempfile::TempDir, Bench, Arc<Counting>) {
    let root = tempfile::tempdir().unwrap();
    let extractor = Arc::new(Counting {
        sift: Sift::default(),
        is_repeatable,
        described: AtomicUsize::new(0),
    });
    let parts = Components {
        extractor: extractor.clone(),
        ..parts(root.path())
    };
    let bench = Bench::open(parts, EngineOptions::default()).unwrap();
    for number in 0..4 {
        bench.indexer.add(&picture(number, 0), "").unwrap();
    }
    extractor.described.store(0, Ordering::SeqCst);
    (root, bench, extractor)
}

/// All that is said of the hits.
fn told(answer: &SearchAnswer) -> String {
    let queries = format!("{:?}", answer.queries);
    format!("{queries} {} {:?}", answer.total, answer.hits)
}

#[test]
fn a_picture_that_is_sent_again_is_described_once() {
    for is_repeatable in [true, false] {
        let (_root, bench, extractor) = library(is_repeatable);
        let described = || extractor.described.swap(0, Ordering::SeqCst);
        let sent = picture(2, 20);
        let search = |sent: &[u8], region, options: &SearchOptions| {
            let query = Query::Bytes(sent);
            let query = QueryPicture { query, region };
            bench.searcher.search_all(&[query], options).unwrap()
        };
        let whole = SearchOptions::default();
        let page = SearchOptions {
            offset: 1,
            ..SearchOptions::default()
        };
        let again = usize::from(!is_repeatable);
        let first = search(&sent, None, &whole);
        assert_eq!(described(), 1);
        assert!(first.verified >= 1);
        assert_eq!(told(&search(&sent, None, &whole)), told(&first));
        assert_eq!(described(), again);
        let rest = search(&sent, None, &page);
        assert_eq!(described(), again);
        assert_eq!(
            format!("{:?}", rest.hits),
            format!("{:?}", &first.hits[1..])
        );
        // A region is another picture, and so are other bytes.
        let half = Some(Region::Percent([0.0, 0.0, 50.0, 100.0]));
        let of_half = search(&sent, half, &whole);
        assert_eq!(described(), 1);
        assert_eq!(told(&search(&sent, half, &whole)), told(&of_half));
        assert_eq!(described(), again);
        search(&picture(3, 20), None, &whole);
        assert_eq!(described(), 1);
    }
}
