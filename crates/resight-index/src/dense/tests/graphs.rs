use super::*;

/// Of the ten that exact search finds, the share that the graph does.
fn recall(index: &DenseIndex, queries: &[Vec<f32>]) -> f64 {
    let snapshot = index.snapshot();
    let mut right = 0;
    for query in queries {
        let usual = NearestOptions::default();
        let exact = NearestOptions {
            exact: true,
            ..usual
        };
        let truth = snapshot.nearest_with(query, &exact, None).unwrap();
        let found = snapshot.nearest_with(query, &usual, None).unwrap();
        assert_eq!(found.len(), truth.len());
        right += found.iter().filter(|f| truth.contains(f)).count();
    }
    right as f64 / (10 * queries.len()) as f64
}

#[test]
fn queries_between_clusters_find_what_exact_search_does() {
    // The last: more clusters than a walk has beginnings, each of more vectors than one has edges.
    for (count, number, dimension) in [(20_000, 200, 64), (6000, 10, 128), (20_000, 400, 256)] {
        let mut clusters = Clusters::new(number, dimension);
        // At once, so that there is one graph: several find more.
        let index = DenseIndex::new(dimension, settings(2000)).unwrap();
        index.add(&lent(&many(&mut clusters, count))).unwrap();
        index.settle();
        assert!(index.snapshot().in_graphs() > count as usize / 2);
        let hard: Vec<_> = (0..200).map(|_| clusters.between()).collect();
        let easy: Vec<_> = (0..200).map(|_| clusters.one()).collect();
        let (hard, easy) = (recall(&index, &hard), recall(&index, &easy));
        assert!(hard >= 0.98 && easy >= 0.98, "hard {hard}, easy {easy}");
    }
}

#[test]
fn a_graph_is_the_same_for_any_number_of_threads() {
    let mut clusters = Clusters::new(30, DIMENSION);
    let vectors = Vectors::build(&many(&mut clusters, 3000), DIMENSION);
    let bytes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        let graph = pool.install(|| build::build(&vectors, &|| false)).unwrap();
        let mut bytes = Vec::new();
        graph.write(&vectors, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(bytes(1), bytes(3));
    assert!(build::build(&vectors, &|| true).is_none());
}

#[test]
fn small_and_equal_vectors_make_a_graph() {
    for count in [1, 2, 3, 40] {
        let vectors: Vec<_> = (0..count).map(|k| (Key(k), vec![0.0, 1.0])).collect();
        let index = memory(&vectors, 1);
        index.settle();
        assert_eq!(index.snapshot().in_graphs(), count as usize);
        let found = index.snapshot().nearest(&[0.0, 2.0], 3, None).unwrap();
        let keys: Vec<u64> = found.iter().map(|f| f.0.0).collect();
        assert_eq!(keys, (0..count.min(3)).collect::<Vec<_>>());
    }
    // Many copies of the same beside others: all is still reached.
    let mut clusters = Clusters::new(10, DIMENSION);
    let mut vectors = many(&mut clusters, 3000);
    for v in &mut vectors[..1500] {
        v.1 = vec![1.0; DIMENSION];
    }
    let index = memory(&vectors, 1000);
    index.settle();
    let queries: Vec<_> = (0..100).map(|_| clusters.between()).collect();
    assert!(recall(&index, &queries) >= 0.98);
}

#[test]
fn searches_go_on_while_vectors_come_and_go() {
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 6000);
    let index = DenseIndex::new(DIMENSION, settings(1500)).unwrap();
    std::thread::scope(|scope| {
        for half in [&vectors[..3000], &vectors[3000..]] {
            let index = &index;
            scope.spawn(move || {
                for part in half.chunks(150) {
                    index.add(&lent(part)).unwrap();
                    // Visible to the next search.
                    let (key, vector) = &part[7];
                    let found = index.snapshot().nearest(vector, 1, None).unwrap();
                    assert_eq!(found[0].0, *key);
                    let gone: Vec<Key> = part[..30].iter().map(|p| p.0).collect();
                    assert_eq!(index.remove(&gone), 30);
                    let found = index.snapshot().nearest(&part[3].1, 20, None).unwrap();
                    assert!(found.iter().all(|f| !gone.contains(&f.0)));
                }
            });
        }
    });
    index.settle();
    let snapshot = index.snapshot();
    assert_eq!(snapshot.len(), 4800);
    for (i, (key, vector)) in vectors.iter().enumerate() {
        assert_eq!(snapshot.contains(*key), i % 150 >= 30);
        if i % 97 == 50 {
            let first = snapshot.nearest(vector, 1, None).unwrap()[0].0;
            assert_eq!(first == *key, i % 150 >= 30, "{i}");
        }
    }
}
