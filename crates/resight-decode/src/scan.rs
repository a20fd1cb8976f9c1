//! How far the scans of a JPEG reach: whether data for every row of blocks are there (ITU-T T.81, annexes F and G).
//!
//! The end marker does not say it. Cameras, recovered disks and broken transfers leave files without one whose
//! pixels are all there, and programs put one behind data that ended early. Decoders fill missing rows, so a cut
//! picture would pass for a whole one. So the codes are read here, without their values.

mod bits;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bits::{Bits, Codes, Stop};

use crate::jpeg::Segments;

/// Markers after which data of a scan, tables and frames follow.
const DEFINE_CODES: u8 = 0xc4;
const RESTART_INTERVAL: u8 = 0xdd;
const START_OF_SCAN: u8 = 0xda;
const END: u8 = 0xd9;

/// Share of the rows of blocks that may be incomplete: of so many, the last one.
const ROWS_OF_WHICH_ONE: u64 = 8;

/// What the scans of a file have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Data for all rows, with an end marker or without. Of the last row of blocks some may be missing, and a
    /// progressive picture may lack scans that refine it.
    AllRows(End),
    /// The data end before the last rows.
    Cut,
    /// Of a kind that is not followed here, or damaged within the data.
    Unknown {
        /// Whether there is an end marker.
        is_marked: bool,
    },
}

/// How data end that are all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a marker.
    Marked,
    /// Without one, at this offset. The decoder needs a marker there.
    Unmarked(usize),
    /// At this offset, and the decoder is to find the end of the file there: at a marker it would complete the scan
    /// that ends early with zeros.
    Open(usize),
}

/// How far the scans of a JPEG reach. The bytes begin with the marker of a picture.
pub(crate) fn reach(bytes: &[u8]) -> Reach {
    let is_marked = has_end(bytes);
    let data = if is_marked { bytes } else { trimmed(bytes) };
    let mut file = File::default();
    let walked = file.walk(data, is_marked);
    if file.is_covered() {
        return Reach::AllRows(match (is_marked, file.scans) {
            (true, _) => End::Marked,
            (false, 2..) if file.is_progressive => End::Open(walked.unwrap_or(file.sound)),
            (false, _) => End::Unmarked(walked.unwrap_or(file.sound)),
        });
    }
    match walked {
        Ok(_) | Err(Stop::Ended) => Reach::Cut,
        Err(Stop::Unknown) => Reach::Unknown { is_marked },
    }
}

/// Whether an end marker follows the first scan.
///
/// The segments before it are skipped, whose thumbnails have end markers of their own. After it the marker cannot
/// occur by chance, because 0 follows each 0xFF byte of data.
fn has_end(bytes: &[u8]) -> bool {
    let mut segments = Segments::of(bytes);
    match segments.find(|(marker, _)| *marker == START_OF_SCAN) {
        // It is at the back of most files.
        Some((_, scan)) => scan.windows(2).rev().any(|pair| pair == [0xff, END]),
        // Damaged before the first scan: the decoder copes with it, or explains it better.
        None => !segments.ends_early(),
    }
}

/// Without the zero bytes at the end, which may take the place of lost data and would pass for codes.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let end = bytes.len() - zeros;
    // A zero after 0xFF belongs to it.
    let is_stuffed = zeros > 0 && bytes[..end].last() == Some(&0xff);
    &bytes[..end + usize::from(is_stuffed)]
}

/// One component of the frame.
struct Component {
    id: u8,
    /// Sampling factors, horizontal and vertical.
    factors: [u64; 2],
    /// Whether a scan has its values from the first coefficient on, of all rows.
    is_covered: bool,
}

#[derive(Default)]
struct File {
    is_progressive: bool,
    size: [u64; 2],
    components: Vec<Component>,
    codes: [[Option<Codes>; 4]; 2],
    interval: u64,
    scans: usize,
    /// Up to where segments and scans are whole.
    sound: usize,
}

impl File {
    fn is_covered(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|one| one.is_covered)
    }

    /// Reads marker after marker, up to the end or until all is covered that is needed. Returns where the data end, which
    /// scans that refine a picture tell only where no marker does.
    fn walk(&mut self, data: &[u8], is_marked: bool) -> Result<usize, Stop> {
        let mut at = 2;
        loop {
            // What stands between segments is skipped, as decoders do.
            let Some((marker, segment)) = next_marker(data, at) else {
                return Ok(data.len());
            };
            self.sound = segment - 2;
            if marker == END {
                return Ok(segment - 2);
            }
            let length = data.get(segment..).and_then(|rest| rest.first_chunk());
            let length = length.map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
            let content = data.get(segment + 2..segment + length.max(2));
            let content = content.ok_or(Stop::Ended)?;
            at = segment + length.max(2);
            match marker {
                0xc0..=0xc2 => self.frame(marker, content)?,
                0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(Stop::Unknown),
                DEFINE_CODES => self.tables(content)?,
                RESTART_INTERVAL => {
                    let interval = content.first_chunk().ok_or(Stop::Unknown)?;
                    self.interval = u64::from(u16::from_be_bytes(*interval));
                }
                START_OF_SCAN => {
                    self.scans += 1;
                    at = self.scan(content, data, at)?;
                    if self.is_covered() && (is_marked || !self.is_progressive) {
                        return Ok(at);
                    }
                }
                _ => {}
            }
        }
    }

    fn frame(&mut self, marker: u8, content: &[u8]) -> Result<(), Stop> {
        let &[precision, h1, h0, w1, w0, count, ref listed @ ..] = content else {
            return Err(Stop::Unknown);
        };
        let side = |high, low| u64::from(u16::from_be_bytes([high, low]));
        self.size = [side(w1, w0), side(h1, h0)];
        // A height of 0 is told after the first scan. Nobody writes that.
        if precision != 8 || self.size.contains(&0) || !self.components.is_empty() {
            return Err(Stop::Unknown);
        }
        self.is_progressive = marker == 0xc2;
        let listed = listed.as_chunks::<3>().0.iter().take(usize::from(count));
        self.components = listed
            .map(|&[id, factors, _]| Component {
                id,
                factors: [factors >> 4, factors & 15].map(u64::from),
                is_covered: false,
            })
            .collect();
        let is_known = |one: &Component| one.factors.iter().all(|f| (1..=4).contains(f));
        match self.components.len() == usize::from(count) && self.components.iter().all(is_known) {
            true => Ok(()),
            false => Err(Stop::Unknown),
        }
    }

    fn tables(&mut self, mut content: &[u8]) -> Result<(), Stop> {
        while let Some((&place, rest)) = content.split_first() {
            let counts: &[u8; 16] = rest.first_chunk().ok_or(Stop::Unknown)?;
            let total = counts.iter().map(|&n| usize::from(n)).sum::<usize>();
            let symbols = rest.get(16..16 + total).ok_or(Stop::Unknown)?;
            let class = self.codes.get_mut(usize::from(place >> 4));
            let table = class.and_then(|tables| tables.get_mut(usize::from(place & 15)));
            *table.ok_or(Stop::Unknown)? = Some(Codes::new(counts, symbols).ok_or(Stop::Unknown)?);
            content = &rest[16 + total..];
        }
        Ok(())
    }

    /// Follows a scan whose header is `content` and whose data begin at `at`. Returns where they end.
    fn scan(&mut self, content: &[u8], data: &[u8], at: usize) -> Result<usize, Stop> {
        let (&count, rest) = content.split_first().ok_or(Stop::Unknown)?;
        let (listed, rest) = rest.as_chunks::<2>();
        let (listed, spectral) = match (listed.get(..usize::from(count)), rest) {
            // The three bytes behind an even number of others are a pair and one.
            (Some(components), &[approximation]) if listed.len() == components.len() + 1 => (
                components,
                [listed[components.len()][0], approximation >> 4],
            ),
            _ => return Err(Stop::Unknown),
        };
        if self.is_progressive && spectral != [0, 0] {
            return Ok(data_end(data, at));
        }
        let mut blocks = Vec::new();
        for &[id, tables] in listed {
            let index = self.components.iter().position(|one| one.id == id);
            let index = index.ok_or(Stop::Unknown)?;
            let [h, v] = self.components[index].factors;
            let repeated = if count == 1 { 1 } else { h * v };
            let pick = |class: usize, table: u8| {
                let tables: &[Option<Codes>; 4] = &self.codes[class];
                tables.get(usize::from(table)).and_then(Option::as_ref)
            };
            let dc = pick(0, tables >> 4).ok_or(Stop::Unknown)?;
            let ac = match self.is_progressive {
                true => None,
                false => Some(pick(1, tables & 15).ok_or(Stop::Unknown)?),
            };
            blocks.extend((0..repeated).map(|_| (dc, ac)));
        }
        let [across, down] = self.units(listed);
        let mut bits = Bits::new(data, at);
        let reached = follow(&mut bits, &blocks, across * down, self.interval);
        let lacking = if down >= ROWS_OF_WHICH_ONE {
            across - 1
        } else {
            0
        };
        let is_whole = match reached {
            Ok(()) => true,
            Err((Stop::Ended, reached)) => reached + lacking >= across * down,
            Err((Stop::Unknown, _)) => return Err(Stop::Unknown),
        };
        if !is_whole {
            return Err(Stop::Ended);
        }
        for one in &mut self.components {
            one.is_covered |= listed.iter().any(|[id, _]| *id == one.id);
        }
        Ok(bits.end())
    }

    /// Units of a scan of these components, across and down.
    fn units(&self, listed: &[[u8; 2]]) -> [u64; 2] {
        let most = |axis: usize| self.components.iter().map(|one| one.factors[axis]).max();
        let most = [0, 1].map(|axis| most(axis).unwrap_or(1));
        let own = match listed {
            &[[id, _]] => self.components.iter().find(|one| one.id == id),
            _ => None,
        };
        [0, 1].map(|axis| match own {
            Some(one) => (self.size[axis] * one.factors[axis])
                .div_ceil(most[axis])
                .div_ceil(8),
            None => self.size[axis].div_ceil(8 * most[axis]),
        })
    }
}

/// Reads the blocks of `units` units; on a stop also says how many were read.
fn follow(
    bits: &mut Bits<'_>,
    blocks: &[(&Codes, Option<&Codes>)],
    units: u64,
    interval: u64,
) -> Result<(), (Stop, u64)> {
    let mut unit = 0;
    while unit < units {
        if interval > 0 && unit > 0 && unit.is_multiple_of(interval) {
            bits.restart().map_err(|stop| (stop, unit))?;
        }
        let read = blocks.iter().try_for_each(|(dc, ac)| bits.block(dc, *ac));
        match read {
            Ok(()) => unit += 1,
            // Damage reaches no farther than to the next restart, which the next round reads.
            Err(_) if interval > 0 && bits.is_before_restart() => {
                unit = (unit / interval + 1) * interval;
            }
            Err(stop) => return Err((stop, unit)),
        }
    }
    Ok(())
}

/// The next marker at `at` or later, and where what follows it begins.
fn next_marker(data: &[u8], at: usize) -> Option<(u8, usize)> {
    let found = data.get(at..)?.windows(2).position(|pair| {
        // Fill bytes, stuffed bytes, and markers that stand alone.
        pair[0] == 0xff && !matches!(pair[1], 0 | 1 | 0xd0..=0xd8 | 0xff)
    })?;
    Some((data[at + found + 1], at + found + 2))
}

/// Where the data of a scan end that begin at `at`: at the next marker that is no restart.
fn data_end(data: &[u8], at: usize) -> usize {
    next_marker(data, at).map_or(data.len(), |(_, after)| after - 2)
}

/// A JPEG as the decoder can read it to its end.
pub(crate) fn completed(bytes: &[u8], end: End) -> Cow<'_, [u8]> {
    match end {
        End::Marked => Cow::Borrowed(bytes),
        End::Open(at) => Cow::Borrowed(&bytes[..at]),
        End::Unmarked(at) => Cow::Owned([&bytes[..at], &[0xff, END]].concat()),
    }
}
