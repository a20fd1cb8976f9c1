//! Rows of bytes, deflated (RFC 1951) column by column: a number of a descriptor is distributed as its column is, and
//! rarely as its neighbours in the row. Eight columns are a stream of their own, so that several threads read them.
//!
//! | field | bytes |
//! |---|---|
//! | for each eight columns, the last ones perhaps fewer: length of the stream | 4 |
//! | the stream: all rows of the first column, then of the next | as said |

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use rayon::prelude::*;

/// Columns of one stream.
const TOGETHER: usize = 8;
/// No stream of deflate has more bytes for each of its own.
const MOST_EXPANSION: usize = 1032;

/// `rows`, each of `width` bytes, deflated.
pub(super) fn deflate(rows: &[u8], width: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for first in (0..width).step_by(TOGETHER) {
        let mut columns = first..width.min(first + TOGETHER);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        let written = columns.try_for_each(|column| {
            let bytes: Vec<u8> = rows.iter().skip(column).step_by(width).copied().collect();
            encoder.write_all(&bytes)
        });
        let written = written.and_then(|()| encoder.finish());
        let stream = match written {
            Ok(stream) => stream,
            Err(error) => unreachable!("writing to memory failed: {error}"),
        };
        out.extend_from_slice(&(stream.len() as u32).to_le_bytes());
        out.extend_from_slice(&stream);
    }
    out
}

/// The streams of [`deflate`] at the start of `bytes`, and what follows them; None where they are cut short.
pub(super) fn split(mut bytes: &[u8], width: usize) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut streams = Vec::new();
    for _ in 0..width.div_ceil(TOGETHER) {
        let (length, rest) = bytes.split_first_chunk()?;
        let (stream, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        streams.push(stream);
        bytes = rest;
    }
    Some((streams, bytes))
}

/// The `count` rows of `width` bytes that `streams` have; None where they have more, fewer, or are none of deflate's.
pub(super) fn inflate(streams: &[&[u8]], count: usize, width: usize) -> Option<Vec<u8>> {
    let columns = |stream: usize| TOGETHER.min(width - stream * TOGETHER);
    // Before anything is allocated by what the file says of itself.
    let may_have = |(at, stream): (usize, &&[u8])| {
        let claimed = count.checked_mul(columns(at));
        claimed.is_some_and(|bytes| bytes / MOST_EXPANSION <= stream.len())
    };
    if !streams.iter().enumerate().all(may_have) {
        return None;
    }
    let inflated = (0..streams.len()).into_par_iter();
    let inflated = inflated.map(|at| inflate_one(streams[at], count * columns(at)));
    let inflated = inflated.collect::<Option<Vec<_>>>()?;
    let mut rows = vec![0; count.checked_mul(width)?];
    let all = rows.par_chunks_mut(width).enumerate();
    all.with_min_len(1024).for_each(|(row, bytes)| {
        for (own, columns) in bytes.chunks_mut(TOGETHER).zip(&inflated) {
            for (byte, column) in own.iter_mut().zip(columns.chunks_exact(count)) {
                *byte = column[row];
            }
        }
    });
    Some(rows)
}

/// The `length` bytes of a stream that ends with them.
fn inflate_one(stream: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    let mut decoder = Decompress::new(false);
    let status = decoder.decompress(stream, &mut out, FlushDecompress::Finish);
    let is_whole =
        decoder.total_out() == length as u64 && decoder.total_in() == stream.len() as u64;
    (matches!(status, Ok(Status::StreamEnd)) && is_whole).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::{deflate, inflate, split};

    #[test]
    fn rows_come_back_whole_and_in_order() {
        for (count, width) in [(1, 1), (300, 8), (300, 13), (7, 64)] {
            let rows: Vec<u8> = (0..count * width)
                .map(|i| (i % width * 9 + i / 40) as u8)
                .collect();
            let mut bytes = deflate(&rows, width);
            bytes.extend_from_slice(b"rest");
            let (streams, rest) = split(&bytes, width).unwrap();
            assert_eq!(rest, b"rest");
            assert_eq!(inflate(&streams, count, width).unwrap(), rows);
            assert_eq!(inflate(&streams, count + 1, width), None);
            assert_eq!(inflate(&streams, count - 1, width), None);
        }
    }

    #[test]
    fn what_claims_more_than_it_can_have_is_refused_before_it_is_read() {
        let bytes = deflate(&[0; 64], 8);
        let (streams, _) = split(&bytes, 8).unwrap();
        assert_eq!(inflate(&streams, usize::MAX / 8, 8), None);
        assert_eq!(inflate(&streams, usize::MAX, 8), None);
        assert!(split(&bytes[..bytes.len() - 1], 8).is_none());
        assert!(split(&bytes[..3], 8).is_none());
    }
}
