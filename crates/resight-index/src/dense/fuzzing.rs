//! The readers of the dense index's files, as [`crate::fuzzing`] calls them.

use std::sync::LazyLock;

use super::graph::Graph;
use super::vectors::Vectors;
use crate::Key;
use crate::fuzzing::{OWNER, owned, sealed};

/// Numbers of a vector in these files.
const DIMENSION: usize = 8;

/// Forty vectors that do not change.
fn stored() -> Vectors {
    let vector = |key: u64| {
        let numbers: Vec<f32> = (0..DIMENSION as u64)
            .map(|i| ((key * 31 + i * 17) % 23) as f32 - 11.0)
            .collect();
        let length = numbers.iter().map(|v| v * v).sum::<f32>().sqrt().max(1.0);
        let unit = numbers.iter().map(|v| v / length);
        (Key(3 * key), unit.collect())
    };
    let all: Vec<(Key, Vec<f32>)> = (0..40).map(vector).collect();
    Vectors::build(&all, DIMENSION)
}

/// The same as they are read from a file, which gives them an identity.
static OPENED: LazyLock<Vectors> = LazyLock::new(|| {
    let mut file = Vec::new();
    let written = stored().write(&OWNER, &mut file);
    match written.map(|()| Vectors::open(owned(&file), &OWNER)) {
        Ok(Ok(vectors)) => vectors,
        _ => panic!("what was written is not read"),
    }
});

/// A file of them.
#[cfg(test)]
pub(crate) fn stored_vectors() -> Vec<u8> {
    let mut file = Vec::new();
    stored().write(&OWNER, &mut file).unwrap();
    file
}

/// A file of their graph.
#[cfg(test)]
pub(crate) fn stored_graph() -> Vec<u8> {
    let vectors = &*OPENED;
    let graph = super::build::build(vectors, &|| false).unwrap();
    let mut file = Vec::new();
    graph.write(vectors, &mut file).unwrap();
    file
}

/// A file of vectors.
pub fn vectors(bytes: &[u8]) -> bool {
    let read = Vectors::open(owned(bytes), &OWNER);
    if let Ok(vectors) = &read {
        let mut written = Vec::new();
        let done = vectors.write(&OWNER, &mut written);
        assert!(done.is_ok() && written == bytes, "it is not what was read");
    }
    let foreign = sealed(bytes).map(|all| Vectors::open(all, &OWNER));
    if let Some(Ok(vectors)) = foreign {
        let count = vectors.keys().len();
        assert_eq!(vectors.codes().len(), count * vectors.dimension());
        assert_eq!(vectors.missed().len(), count);
        if let Some(last) = (count as u32).checked_sub(1) {
            assert_eq!(vectors.halves(last).len(), vectors.dimension());
        }
        return true;
    }
    read.is_ok()
}

/// A graph of these vectors, along which a walk goes.
pub fn graph(bytes: &[u8]) -> bool {
    let vectors = &*OPENED;
    let mut all = bytes.to_vec();
    // The identity of its vectors, without which nothing further is read.
    if let Some(identity) = all.get_mut(32..64) {
        identity.copy_from_slice(vectors.identity());
    }
    let Some(Ok(graph)) = sealed(&all).map(|all| Graph::open(all, vectors)) else {
        return false;
    };
    let query = [3; DIMENSION];
    graph.nearest(vectors, &query, 10, |found| {
        assert!(found.len() <= 10);
    });
    true
}
