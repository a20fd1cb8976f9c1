//! The Huffman codes of a scan (ITU-T T.81, F.2.2).

/// Why data are not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At a marker, or at the end of the file.
    Ended,
    /// They are damaged, or of a kind that is not followed.
    Unknown,
}

/// Bits with which codes are looked up; longer ones are searched for.
const SHORT: u32 = 9;

/// One table of codes.
pub(crate) struct Codes {
    /// By the next [`SHORT`] bits: the symbol and its code's length, 0 for longer codes.
    short: Vec<(u8, u8)>,
    /// By length, 1 to 16: behind the last code of this length, in 16 bits, and what leads from a code to the index
    /// of its symbol.
    ends: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// `None` where there are more codes than their lengths allow.
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut short = vec![(0, 0); 1 << SHORT];
        let mut ends = [(0, 0); 17];
        let (mut code, mut index) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = usize::from(counts[length as usize - 1]);
            ends[length as usize].1 = index as i32 - code as i32;
            for _ in 0..count {
                if code >> length != 0 {
                    return None;
                }
                if length <= SHORT {
                    let first = (code << (SHORT - length)) as usize;
                    let last = first + (1 << (SHORT - length));
                    short[first..last].fill((*symbols.get(index)?, length as u8));
                }
                code += 1;
                index += 1;
            }
            ends[length as usize].0 = code << (16 - length);
            code <<= 1;
        }
        let symbols = symbols.to_vec();
        Some(Self {
            short,
            ends,
            symbols,
        })
    }

    /// The symbol of the code with which these 16 bits begin, and its length.
    pub(super) fn find(&self, next: u32) -> Option<(u8, u32)> {
        let (symbol, length) = self.short[(next >> (16 - SHORT)) as usize];
        if length > 0 {
            return Some((symbol, u32::from(length)));
        }
        let length = (SHORT + 1..=16).find(|&length| next < self.ends[length as usize].0)?;
        let index = (next >> (16 - length)) as i32 + self.ends[length as usize].1;
        let symbol = self.symbols.get(usize::try_from(index).ok()?)?;
        Some((*symbol, length))
    }
}

/// The data of a scan, bit by bit.
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest on.
    next: u64,
    left: u32,
}

impl<'a> Bits<'a> {
    /// The data from `at` on.
    pub(crate) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            next: 0,
            left: 0,
        }
    }

    /// Where the last byte ends of which bits were used.
    pub(crate) fn end(&self) -> usize {
        let unused = 0..self.left / 8;
        unused.fold(self.at, |at, _| {
            match self.data.get(at.saturating_sub(2)..at) {
                Some([0xff, 0]) => at - 2,
                _ => at.saturating_sub(1),
            }
        })
    }

    /// Fills up to at least 32 bits, as long as there are data before a marker.
    fn fill(&mut self) {
        while self.left <= 56 {
            let step = match self.data.get(self.at..) {
                None | Some([] | [0xff]) => return,
                Some([0xff, 0, ..]) => 2,
                Some([0xff, ..]) => return,
                Some(_) => 1,
            };
            self.next |= u64::from(self.data[self.at]) << (56 - self.left);
            self.left += 8;
            self.at += step;
        }
    }

    /// Reads a code and skips as many bits more as the low half of its symbol says.
    fn symbol(&mut self, codes: &Codes) -> Result<u8, Stop> {
        if self.left < 32 {
            self.fill();
        }
        let found = codes.find((self.next >> 48) as u32);
        let Some((symbol, length)) = found else {
            // Zeros follow the last bits.
            return Err(if self.left < 16 {
                Stop::Ended
            } else {
                Stop::Unknown
            });
        };
        let length = length + u32::from(symbol & 15);
        if length > self.left {
            return Err(Stop::Ended);
        }
        self.next <<= length;
        self.left -= length;
        Ok(symbol)
    }

    /// Reads one block, of the first coefficient alone where there is no table for the others.
    pub(crate) fn block(&mut self, dc: &Codes, ac: Option<&Codes>) -> Result<(), Stop> {
        self.symbol(dc)?;
        let Some(ac) = ac else { return Ok(()) };
        let mut at = 1;
        while at < 64 {
            match self.symbol(ac)? {
                0xf0 => at += 16,
                symbol if symbol & 15 == 0 => return Ok(()),
                symbol => at += 1 + u32::from(symbol >> 4),
            }
        }
        match at {
            64 => Ok(()),
            _ => Err(Stop::Unknown),
        }
    }

    /// Whether a restart marker is the next marker.
    pub(crate) fn is_before_restart(&self) -> bool {
        self.next_restart().is_some()
    }

    /// Where the data after the next restart begin.
    fn next_restart(&self) -> Option<usize> {
        let rest = self.data.get(self.at..)?;
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff);
        let found = rest.windows(2).position(is_marker)?;
        matches!(rest[found + 1], 0xd0..=0xd7).then_some(self.at + found + 2)
    }

    /// Goes on behind the next restart.
    pub(crate) fn restart(&mut self) -> Result<(), Stop> {
        self.at = self.next_restart().ok_or(Stop::Ended)?;
        (self.next, self.left) = (0, 0);
        Ok(())
    }
}
