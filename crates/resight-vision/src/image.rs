//! Pixels: the input of every extractor.

/// A picture as 8-bit RGB, row-major, three bytes a pixel, no padding, already upright.
///
/// Learned extractors and plug-ins may use colour; SIFT takes [`Image::to_gray`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Image {
    /// Wraps `rgb`; `None` unless it holds exactly `width * height * 3` bytes and both sides are
    /// at least one pixel.
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let expected = (width as usize)
            .checked_mul(height as usize)?
            .checked_mul(3)?;
        (width > 0 && height > 0 && rgb.len() == expected).then_some(Self { width, height, rgb })
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes: `width * height * 3`, R G B.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The bytes, without a copy.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// Luma with the Rec. 601 weights in 1/65536ths, rounded. It equals the grey that JPEG stores,
    /// so a grey JPEG stays unchanged.
    pub fn to_gray(&self) -> GrayImage {
        let pixels = self
            .rgb
            .chunks_exact(3)
            .map(|p| {
                let sum =
                    19595 * u32::from(p[0]) + 38470 * u32::from(p[1]) + 7471 * u32::from(p[2]);
                ((sum + 0x8000) >> 16) as u8
            })
            .collect();
        GrayImage {
            width: self.width as usize,
            height: self.height as usize,
            pixels,
        }
    }
}

/// One byte a pixel, row-major, no padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrayImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl GrayImage {
    /// Wraps `pixels`; `None` unless it holds exactly `width * height` bytes, both at least 1.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        (width > 0 && height > 0 && width.checked_mul(height)? == pixels.len()).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes, `width * height` of them.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels, borrowed.
    pub fn view(&self) -> GrayView<'_> {
        GrayView::U8(GrayRows {
            width: self.width,
            height: self.height,
            stride: self.width,
            pixels: &self.pixels,
        })
    }
}

/// Borrowed grey pixels of one or two bytes.
#[derive(Clone, Copy, Debug)]
pub enum GrayView<'a> {
    /// 0 is black, 255 white.
    U8(GrayRows<'a, u8>),
    /// 0 is black, 65535 white.
    U16(GrayRows<'a, u16>),
}

impl GrayView<'_> {
    /// Width in pixels, at least 1.
    pub fn width(&self) -> usize {
        match self {
            Self::U8(rows) => rows.width,
            Self::U16(rows) => rows.width,
        }
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> usize {
        match self {
            Self::U8(rows) => rows.height,
            Self::U16(rows) => rows.height,
        }
    }
}

/// Borrowed rows of pixels, each `stride` pixels after the one before.
#[derive(Clone, Copy, Debug)]
pub struct GrayRows<'a, T> {
    width: usize,
    height: usize,
    stride: usize,
    pixels: &'a [T],
}

impl<'a, T> GrayRows<'a, T> {
    /// Wraps `pixels`, of which row `y` begins at `y * stride`. `None` unless both sides are at
    /// least 1, `stride` is at least `width`, and the last row is complete.
    pub fn new(width: usize, height: usize, stride: usize, pixels: &'a [T]) -> Option<Self> {
        let needed = stride
            .checked_mul(height.checked_sub(1)?)?
            .checked_add(width)?;
        (width > 0 && stride >= width && pixels.len() >= needed).then_some(Self {
            width,
            height,
            stride,
            pixels,
        })
    }

    /// Rows, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The `y`-th row, `width` pixels. Panics when there is none, as a slice does.
    pub fn row(&self, y: usize) -> &'a [T] {
        assert!(y < self.height, "row {y} of {}", self.height);
        &self.pixels[y * self.stride..y * self.stride + self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        assert!(Image::from_rgb(2, 2, vec![0; 12]).is_some());
        assert!(Image::from_rgb(2, 2, vec![0; 11]).is_none());
        assert!(Image::from_rgb(0, 2, vec![]).is_none());
        assert!(GrayImage::new(3, 0, vec![]).is_none());
        assert!(GrayRows::new(3, 2, 4, &[0u8; 7]).is_some());
        assert!(GrayRows::new(3, 2, 4, &[0u8; 6]).is_none());
        assert!(GrayRows::new(3, 2, 2, &[0u8; 9]).is_none());
        assert!(GrayRows::new(3, 0, 3, &[0u8; 9]).is_none());
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        assert!(Image::from_rgb(u32::MAX, u32::MAX, vec![0; 3]).is_none());
        assert!(GrayImage::new(usize::MAX, 2, vec![0; 3]).is_none());
        assert!(GrayRows::new(2, usize::MAX, usize::MAX, &[0u8; 9]).is_none());
        assert!(GrayRows::new(usize::MAX, 2, usize::MAX, &[0u8; 9]).is_none());
    }

    #[test]
    fn grey_stays_grey() {
        let rgb: Vec<u8> = (0..=255u8).flat_map(|v| [v, v, v]).collect();
        let gray = Image::from_rgb(256, 1, rgb).unwrap().to_gray();
        assert_eq!(gray.pixels(), (0..=255u8).collect::<Vec<_>>());
    }

    #[test]
    fn colours_have_their_luma() {
        let rgb = vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 30];
        let gray = Image::from_rgb(4, 1, rgb).unwrap().to_gray();
        // 0.299 R + 0.587 G + 0.114 B.
        assert_eq!(gray.pixels(), [76, 150, 29, 124]);
    }

    #[test]
    fn rows_skip_what_lies_between_them() {
        let pixels: Vec<u8> = (0..11).collect();
        let rows = GrayRows::new(3, 3, 4, &pixels).unwrap();
        let all: Vec<&[u8]> = (0..rows.height()).map(|y| rows.row(y)).collect();
        assert_eq!(all, [[0, 1, 2], [4, 5, 6], [8, 9, 10]]);
        assert!(std::panic::catch_unwind(|| rows.row(3)).is_err());
        let view = GrayView::U8(rows);
        assert_eq!((view.width(), view.height()), (3, 3));
    }
}
