//! The segments of a JPEG file before its first scan (ITU-T T.81, B.1.1).

/// The markers that have a segment, each with what follows it: the segment's length first. Ends where the
/// structure is damaged. After the first scan's marker there are no segments to read.
pub(crate) struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
    fill_left: usize,
    /// Whether the segment at `at` was returned.
    is_read: bool,
    is_cut: bool,
}

impl<'a> Segments<'a> {
    /// Of a file that begins with the marker of a picture.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 2,
            fill_left: usize::MAX,
            is_read: false,
            is_cut: false,
        }
    }

    /// Ends after this many fill bytes.
    pub(crate) fn with_fill(self, fill_left: usize) -> Self {
        Self { fill_left, ..self }
    }

    /// The first frame's marker with what follows it, or else that of the first scan or of the end
    /// (ITU-T T.81, B.2.2).
    pub(crate) fn frame_or_end(mut self) -> Option<(u8, &'a [u8])> {
        self.find(|(marker, _)| matches!(marker, 0xc0..=0xc3 | 0xd9 | 0xda))
    }

    /// Whether the file ends where it has come to: within a segment's length, or where a marker is due.
    pub(crate) fn ends_early(&self) -> bool {
        self.is_cut || self.bytes.get(self.at..self.at + 2).is_none()
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.is_read) {
            let Some(&[high, low]) = self.bytes.get(self.at + 2..self.at + 4) else {
                self.is_cut = true;
                return None;
            };
            self.at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
        }
        while let Some(&[0xff, marker]) = self.bytes.get(self.at..self.at + 2) {
            match marker {
                // A fill byte.
                0xff => {
                    self.fill_left = self.fill_left.checked_sub(1)?;
                    self.at += 1;
                }
                // Markers that stand alone.
                0x01 | 0xd0..=0xd8 => self.at += 2,
                _ => {
                    self.is_read = true;
                    return Some((marker, &self.bytes[self.at + 2..]));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_read_over_fill_bytes_and_lone_markers() {
        let bytes = [
            &[0xff, 0xd8, 0xff, 0xe1, 0, 4, 7, 7][..],
            &[0xff, 0x01, 0xff, 0xff, 0xff, 0xc0, 0, 2, 0xff, 0xda, 9],
        ]
        .concat();
        let markers: Vec<u8> = Segments::of(&bytes)
            .take(3)
            .map(|(marker, _)| marker)
            .collect();
        assert_eq!(markers, [0xe1, 0xc0, 0xda]);
        assert_eq!(Segments::of(&bytes).with_fill(1).count(), 1);
        assert_eq!(Segments::of(&bytes).next(), Some((0xe1, &bytes[4..])));
        let mut cut = Segments::of(&bytes[..5]);
        assert_eq!((cut.by_ref().count(), cut.ends_early()), (1, true));
    }
}
