//! Unit vectors, in single precision and in the half precision that is stored.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::fault::VectorFault;

/// Shorter vectors have no direction.
const MIN_LENGTH: f64 = 1e-12;

/// `vector` scaled to length 1.
///
/// Errors: why it cannot be.
pub(crate) fn unit(vector: &[f32], dimension: usize) -> Result<Vec<f32>, VectorFault> {
    if vector.len() != dimension {
        return Err(VectorFault::Dimension {
            expected: dimension,
            found: vector.len(),
        });
    }
    if vector.iter().any(|x| !x.is_finite()) {
        return Err(VectorFault::NotFinite);
    }
    // Squares of any `f32` are within the range of an `f64`.
    let length = squares(vector).sqrt();
    if length < MIN_LENGTH {
        return Err(VectorFault::NoDirection);
    }
    let scaled = vector.iter().map(|&x| (f64::from(x) / length) as f32);
    Ok(scaled.collect())
}

/// Writes a vector in half precision, as bits.
pub(crate) fn to_halves(vector: &[f32], out: &mut [u16]) {
    out.reinterpret_cast_mut::<half::f16>()
        .convert_from_f32_slice(vector);
}

/// Reads what [`to_halves`] wrote.
pub(crate) fn to_floats(halves: &[u16], out: &mut [f32]) {
    halves
        .reinterpret_cast::<half::f16>()
        .convert_to_f32_slice(out);
}

const LANES: usize = 8;

/// The inner product in eight sums, added in a fixed order, so that every processor rounds alike.
pub(super) fn product(a: &[f32], b: &[f32]) -> f64 {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0f64; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += f64::from(a) * f64::from(b);
        }
    }
    let rest = a_rest.iter().zip(b_rest);
    let rest: f64 = rest.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    sums.into_iter().sum::<f64>() + rest
}

/// The sum of squares.
pub(super) fn squares(vector: &[f32]) -> f64 {
    product(vector, vector)
}

/// A query, with a buffer that stored vectors are read into.
pub(crate) struct Cosine<'a> {
    query: &'a [f32],
    length: f64,
    row: Vec<f32>,
}

impl<'a> Cosine<'a> {
    pub(crate) fn of(query: &'a [f32]) -> Self {
        Self {
            query,
            length: squares(query).sqrt(),
            row: vec![0.0; query.len()],
        }
    }

    /// The cosine between the query and a stored vector, −1 to 1.
    pub(crate) fn to(&mut self, halves: &[u16]) -> f32 {
        to_floats(halves, &mut self.row);
        let lengths = self.length * squares(&self.row).sqrt();
        ((product(self.query, &self.row) / lengths) as f32).clamp(-1.0, 1.0)
    }
}
