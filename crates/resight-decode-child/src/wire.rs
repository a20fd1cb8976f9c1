//! Messages between parent and child: a length of four bytes, a kind, and fields, all little-endian.

use std::io::{self, Read, Write};

use resight_decode::{Refused, RefusedCode};

/// Longest message. Pictures and pixels are not in messages.
const LONGEST: usize = 16 << 10;
/// Longest sentence of a refusal; the rest is cut off.
const LONGEST_DETAIL: usize = 4 << 10;

/// In place of the time of what is no frame.
const NO_TIME: u64 = u64::MAX;

/// What a picture is, and what it may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Length of the picture, which lies in the shared memory.
    pub(crate) bytes: u64,
    pub(crate) max_bytes: u64,
    pub(crate) max_pixels: u64,
    pub(crate) min_side: u32,
    /// The most memory that one picture may have.
    pub(crate) most: u64,
}

/// From the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToChild {
    Decode(Request),
    /// Open the pages or frames of a picture.
    Pages(Request),
    /// The next page but for so many.
    Next {
        skipped: u32,
    },
    /// No further page is wanted.
    Stop,
    /// There is the memory that was asked for.
    Grant,
    /// There can be no such memory.
    Deny(Refused),
}

/// From the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FromChild {
    /// It was started, and whether it is confined.
    Ready {
        confined: bool,
    },
    /// Memory is needed.
    Need(u64),
    /// The pixels lie in the shared memory.
    Picture {
        width: u32,
        height: u32,
        pages: u32,
        depth: u8,
        /// When the frame begins.
        time_ms: Option<u64>,
    },
    /// The pages are open.
    Opened,
    /// There is no further page.
    End,
    Refused(Refused),
}

impl ToChild {
    pub(crate) fn send(&self, to: impl Write) -> io::Result<()> {
        let (kind, fields) = match self {
            Self::Decode(request) => (0, request.to_bytes()),
            Self::Pages(request) => (1, request.to_bytes()),
            Self::Next { skipped } => (2, skipped.to_le_bytes().to_vec()),
            Self::Stop => (3, Vec::new()),
            Self::Grant => (4, Vec::new()),
            Self::Deny(refused) => (5, refusal(refused)),
        };
        send(to, kind, &fields)
    }

    pub(crate) fn receive(from: impl Read) -> io::Result<Self> {
        let message = receive(from)?;
        let mut fields = Fields(&message);
        let read = match fields.byte() {
            Some(0) => fields.request().map(Self::Decode),
            Some(1) => fields.request().map(Self::Pages),
            Some(2) => fields.number().map(|skipped| Self::Next { skipped }),
            Some(3) => Some(Self::Stop),
            Some(4) => Some(Self::Grant),
            Some(5) => fields.refused().map(Self::Deny),
            _ => None,
        };
        read.ok_or_else(garbled)
    }
}

impl FromChild {
    pub(crate) fn send(&self, to: impl Write) -> io::Result<()> {
        let (kind, fields) = match self {
            Self::Ready { confined } => (0, vec![u8::from(*confined)]),
            Self::Need(bytes) => (1, bytes.to_le_bytes().to_vec()),
            Self::Picture {
                width,
                height,
                pages,
                depth,
                time_ms,
            } => {
                let mut fields = [width, height, pages].map(|n| n.to_le_bytes()).concat();
                fields.push(*depth);
                fields.extend(time_ms.unwrap_or(NO_TIME).to_le_bytes());
                (2, fields)
            }
            Self::Opened => (3, Vec::new()),
            Self::End => (4, Vec::new()),
            Self::Refused(refused) => (5, refusal(refused)),
        };
        send(to, kind, &fields)
    }

    pub(crate) fn receive(from: impl Read) -> io::Result<Self> {
        let message = receive(from)?;
        let mut fields = Fields(&message);
        let read = match fields.byte() {
            Some(0) => fields.byte().map(|b| Self::Ready { confined: b == 1 }),
            Some(1) => fields.long().map(Self::Need),
            Some(2) => fields.picture(),
            Some(3) => Some(Self::Opened),
            Some(4) => Some(Self::End),
            Some(5) => fields.refused().map(Self::Refused),
            _ => None,
        };
        read.ok_or_else(garbled)
    }
}

impl Request {
    fn to_bytes(self) -> Vec<u8> {
        let longs = [self.bytes, self.max_bytes, self.max_pixels, self.most];
        let mut bytes = longs.map(u64::to_le_bytes).concat();
        bytes.extend(self.min_side.to_le_bytes());
        bytes
    }
}

fn refusal(refused: &Refused) -> Vec<u8> {
    let mut end = refused.detail.len().min(LONGEST_DETAIL);
    while !refused.detail.is_char_boundary(end) {
        end -= 1;
    }
    let code = refused.code.as_str();
    [code, "\n", &refused.detail[..end]].concat().into_bytes()
}

fn send(mut to: impl Write, kind: u8, fields: &[u8]) -> io::Result<()> {
    let length = u32::try_from(1 + fields.len()).map_err(|_| garbled())?;
    to.write_all(&[&length.to_le_bytes()[..], &[kind], fields].concat())
}

fn receive(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(garbled());
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(message)
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message that is none")
}

/// The rest of a message.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn request(&mut self) -> Option<Request> {
        Some(Request {
            bytes: self.long()?,
            max_bytes: self.long()?,
            max_pixels: self.long()?,
            most: self.long()?,
            min_side: self.number()?,
        })
    }

    fn picture(&mut self) -> Option<FromChild> {
        Some(FromChild::Picture {
            width: self.number()?,
            height: self.number()?,
            pages: self.number()?,
            depth: self.byte()?,
            time_ms: Some(self.long()?).filter(|time| *time != NO_TIME),
        })
    }

    fn refused(&mut self) -> Option<Refused> {
        let text = std::str::from_utf8(self.0).ok()?;
        let (code, detail) = text.split_once('\n')?;
        Some(Refused::new(RefusedCode::from_str(code)?, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_comes_back_and_no_part_of_one_does() {
        let request = Request {
            bytes: 1,
            max_bytes: 2,
            max_pixels: u64::MAX,
            min_side: 4,
            most: 5,
        };
        let refused = Refused::new(RefusedCode::Broken, "zwei\nZeilen");
        let all = [
            ToChild::Decode(request),
            ToChild::Pages(request),
            ToChild::Next { skipped: 7 },
            ToChild::Stop,
            ToChild::Grant,
            ToChild::Deny(refused.clone()),
        ];
        for message in all {
            let mut bytes = Vec::new();
            message.send(&mut bytes).unwrap();
            assert_eq!(ToChild::receive(&bytes[..]).unwrap(), message);
            assert!(ToChild::receive(&bytes[..bytes.len() - 1]).is_err());
        }
        let picture = FromChild::Picture {
            width: 1,
            height: 2,
            pages: 3,
            depth: 16,
            time_ms: Some(40),
        };
        let all = [
            FromChild::Ready { confined: true },
            FromChild::Need(7),
            picture,
            FromChild::Opened,
            FromChild::End,
            FromChild::Refused(refused),
        ];
        for message in all {
            let mut bytes = Vec::new();
            message.send(&mut bytes).unwrap();
            assert_eq!(FromChild::receive(&bytes[..]).unwrap(), message);
            assert!(FromChild::receive(&bytes[..bytes.len() - 1]).is_err());
        }
    }

    #[test]
    fn nonsense_is_no_message_and_long_sentences_are_cut() {
        for bytes in [
            &[255, 255, 255, 255, 1][..],
            &[1, 0, 0, 0, 99],
            &[0, 0, 0, 0],
            &[3, 0, 0, 0, 5, b'x', b'\n'],
        ] {
            assert!(FromChild::receive(bytes).is_err(), "{bytes:?}");
            assert!(ToChild::receive(bytes).is_err(), "{bytes:?}");
        }
        let long = Refused::new(RefusedCode::Broken, "ä".repeat(LONGEST));
        let mut bytes = Vec::new();
        FromChild::Refused(long).send(&mut bytes).unwrap();
        assert!(bytes.len() < LONGEST);
        assert!(FromChild::receive(&bytes[..]).is_ok());
    }
}
