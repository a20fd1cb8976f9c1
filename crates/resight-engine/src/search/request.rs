//! What a search is asked: the queries, and which part of which ranking is wanted.

use std::str::FromStr;

use resight_store::{Filter, PictureId};

use crate::error::EngineError;

/// Pictures of one search, at most.
pub const MOST_QUERIES: usize = 10;

/// The shortest side of a region in pixels.
const LEAST_SIDE: f64 = 8.0;

/// A picture to search by.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// The bytes of a picture file.
    Bytes(&'a [u8]),
    /// A stored picture. It is not among its own results.
    Stored(&'a PictureId),
    /// Features encoded by [`crate::features_blob`], in this or another process.
    Features(&'a [u8]),
}

/// A query, or a region of it.
#[derive(Clone, Copy, Debug)]
pub struct QueryPicture<'a> {
    /// The picture.
    pub query: Query<'a>,
    /// The part that counts; `None` for all of it.
    pub region: Option<Region>,
}

impl<'a> From<Query<'a>> for QueryPicture<'a> {
    fn from(query: Query<'a>) -> Self {
        Self {
            query,
            region: None,
        }
    }
}

/// A rectangle of an upright picture: x, y, width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Region {
    /// In pixels of the picture.
    Pixels([f64; 4]),
    /// In hundredths of the picture's width and height.
    Percent([f64; 4]),
}

/// The forms of IIIF Image API 3.0, §4.1: `x,y,w,h` and `pct:x,y,w,h`, with decimals.
impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (is_percent, numbers) = match text.strip_prefix("pct:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let parsed: Vec<f64> = numbers.split(',').flat_map(str::parse).collect();
        let is_sound =
            |v: &[f64; 4]| v.iter().all(|v| v.is_finite() && *v >= 0.0) && v[2] > 0.0 && v[3] > 0.0;
        match <[f64; 4]>::try_from(parsed) {
            Ok(v) if is_sound(&v) && numbers.split(',').count() == 4 => {
                let form = if is_percent {
                    Self::Percent
                } else {
                    Self::Pixels
                };
                Ok(form(v))
            }
            _ => Err(format!(
                "must be x,y,width,height in pixels or pct:x,y,width,height in percent, of an area above 0; it is {text:?}"
            )),
        }
    }
}

impl Region {
    /// Left, top, width and height in pixels of a picture of this size, clipped to it.
    pub(crate) fn in_pixels(self, [width, height]: [u32; 2]) -> Result<[f64; 4], EngineError> {
        let (w, h) = (f64::from(width), f64::from(height));
        let [x, y, rw, rh] = match self {
            Self::Pixels(v) => v,
            Self::Percent([x, y, rw, rh]) => [x * w, y * h, rw * w, rh * h].map(|v| v / 100.0),
        };
        let (right, bottom) = ((x + rw).min(w), (y + rh).min(h));
        let clipped = [x, y, right - x, bottom - y];
        if clipped[2] < LEAST_SIDE || clipped[3] < LEAST_SIDE {
            return Err(EngineError::BadQuery(format!(
                "the region covers less than {LEAST_SIDE} × {LEAST_SIDE} pixels of the picture, which has {width} × {height}"
            )));
        }
        Ok(clipped)
    }
}

/// What counts as found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The same thing, by words and geometry alone.
    Exact,
    /// What looks alike as a whole, by the vectors of global models alone; nothing is verified.
    Similar,
    /// Both: candidates of either are verified. Verified hits come first, then those that look alike.
    /// The same as `Exact` while no model is in use.
    #[default]
    Auto,
}

impl Mode {
    /// Names of the modes.
    pub const NAMES: [&str; 3] = ["exact", "similar", "auto"];
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "exact" => Ok(Self::Exact),
            "similar" => Ok(Self::Similar),
            "auto" => Ok(Self::Auto),
            _ => Err(format!(
                "must be one of {}; it is {name:?}",
                Self::NAMES.join(", ")
            )),
        }
    }
}

/// How a result changes the query beside moving it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Mirrored left to right.
    pub mirrored: bool,
    /// Light for dark and dark for light, as in a negative.
    pub inverted: bool,
}

impl Variant {
    /// Every change.
    pub const ALL: Self = Self {
        mirrored: true,
        inverted: true,
    };

    /// The single changes among these.
    pub(crate) fn each(self) -> impl Iterator<Item = Self> {
        let Self { mirrored, inverted } = self;
        let none = Self::default();
        let all = [Self { mirrored, ..none }, Self { inverted, ..none }];
        all.into_iter().filter(move |variant| *variant != none)
    }

    /// The changes of both.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            mirrored: self.mirrored || other.mirrored,
            inverted: self.inverted || other.inverted,
        }
    }
}

/// Which part of which ranking is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchOptions {
    /// Hits to skip.
    pub offset: usize,
    /// Hits to return, at most.
    pub limit: usize,
    /// Leave out hits that are not verified.
    pub verified_only: bool,
    /// Ask the index once more with what verified hits show of the same thing. Finds more of them and
    /// ranks the others better, for about as much time as the first time.
    pub expand: bool,
    /// Search the pictures that match only.
    pub filter: Filter,
    /// Return each object once, by the best of its pictures. A picture of no object stands for itself.
    pub group_by_object: bool,
    /// Search for the query mirrored and with inverted tones too, where the extractor's features can be
    /// changed so.
    pub variants: Variant,
    /// What counts as found.
    pub mode: Mode,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 20,
            verified_only: false,
            expand: true,
            filter: Filter::default(),
            group_by_object: false,
            variants: Variant::ALL,
            mode: Mode::default(),
        }
    }
}

impl SearchOptions {
    /// Refuses a number of queries or a combination of options that no search can answer.
    pub(crate) fn check(&self, queries: usize) -> Result<(), EngineError> {
        if !(1..=MOST_QUERIES).contains(&queries) {
            return Err(EngineError::BadQuery(format!(
                "a search takes 1 to {MOST_QUERIES} pictures, and {queries} were given"
            )));
        }
        if self.mode == Mode::Similar && self.verified_only {
            return Err(EngineError::BadQuery(
                "what only looks alike is not verified: ask for verified hits in the mode exact or auto"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Whether words bring candidates.
    pub(crate) fn by_words(&self) -> bool {
        self.mode != Mode::Similar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_in_both_forms() {
        for (text, read) in [
            ("1,2,30,40", Region::Pixels([1.0, 2.0, 30.0, 40.0])),
            ("0,0,8.5,9", Region::Pixels([0.0, 0.0, 8.5, 9.0])),
            (
                "pct:10,0,50.5,100",
                Region::Percent([10.0, 0.0, 50.5, 100.0]),
            ),
        ] {
            assert_eq!(text.parse(), Ok(read), "{text}");
        }
        for bad in [
            "",
            "1,2,3",
            "1,2,3,4,5",
            "1,2,0,4",
            "-1,2,3,4",
            "a,b,c,d",
            "1,2,3,inf",
            "pct:1,2,3",
            "1,2,3,4,x",
            "full",
        ] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_are_clipped_to_the_picture() {
        let pixels = |region: &str, size| {
            let region: Region = region.parse().unwrap();
            region.in_pixels(size).ok()
        };
        assert_eq!(
            pixels("10,20,300,30", [100, 80]),
            Some([10.0, 20.0, 90.0, 30.0])
        );
        assert_eq!(
            pixels("pct:25,50,50,50", [200, 100]),
            Some([50.0, 50.0, 100.0, 50.0])
        );
        assert_eq!(pixels("95,0,50,50", [100, 80]), None, "5 pixels wide");
        assert_eq!(pixels("500,0,50,50", [100, 80]), None);
    }

    #[test]
    fn a_search_takes_one_to_ten_pictures_and_verifies_no_likeness() {
        let options = SearchOptions::default();
        for (queries, is_good) in [(0, false), (1, true), (10, true), (11, false)] {
            assert_eq!(options.check(queries).is_ok(), is_good, "{queries}");
        }
        let verified_likeness = SearchOptions {
            mode: Mode::Similar,
            verified_only: true,
            ..SearchOptions::default()
        };
        let error = verified_likeness.check(1).unwrap_err();
        assert_eq!(error.code(), "bad_query");
    }

    #[test]
    fn variants_are_tried_one_change_at_a_time() {
        let mirrored = Variant {
            mirrored: true,
            inverted: false,
        };
        let inverted = Variant {
            mirrored: false,
            inverted: true,
        };
        for (wanted, each) in [
            (Variant::default(), vec![]),
            (mirrored, vec![mirrored]),
            (Variant::ALL, vec![mirrored, inverted]),
        ] {
            assert_eq!(wanted.each().collect::<Vec<_>>(), each);
        }
        assert_eq!(mirrored.or(inverted), Variant::ALL);
    }

    #[test]
    fn modes_are_read_by_their_names() {
        for name in Mode::NAMES {
            assert!(name.parse::<Mode>().is_ok(), "{name}");
        }
        assert_eq!("auto".parse(), Ok(Mode::default()));
        assert!("Exact".parse::<Mode>().is_err());
    }
}
