//! What a request for an image asks for (IIIF Image API 3.0, section 4).

use resight_app::Code;
use resight_engine::{Drawing, Tone};

use super::super::problem::Problem;

/// The longest side of an image.
pub(super) const MOST_SIDE: u32 = 4096;

/// The file that an image is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
}

impl Format {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// An image that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) drawing: Drawing,
    pub(super) format: Format,
}

impl Asked {
    /// Of a picture with so many columns and rows.
    pub(super) fn parse(
        of: [u32; 2],
        region: &str,
        size: &str,
        rotation: &str,
        file: &str,
    ) -> Result<Self, Problem> {
        let region = region_of(of, region)?;
        let size = size_of([region[2], region[3]], size)?;
        let (mirrored, quarter_turns) = rotation_of(rotation)?;
        let (quality, ending) = file
            .rsplit_once('.')
            .ok_or_else(|| bad("quality", file, "quality.format, as in default.jpg"))?;
        let tone = match quality {
            "default" | "color" => Tone::Colour,
            "gray" => Tone::Grey,
            "bitonal" => Tone::TwoTone,
            _ => return Err(bad("quality", quality, "default, color, gray or bitonal")),
        };
        let format = match ending {
            "jpg" => Format::Jpeg,
            "png" => Format::Png,
            "tif" | "gif" | "jp2" | "pdf" | "webp" => {
                return Err(not_implemented(&format!("the format {ending}")));
            }
            _ => return Err(bad("format", ending, "jpg or png")),
        };
        Ok(Self {
            drawing: Drawing {
                of,
                region,
                size,
                mirrored,
                quarter_turns,
                tone,
            },
            format,
        })
    }

    /// The same request in its canonical form, below the picture's address.
    pub(super) fn canonical(&self) -> String {
        let Drawing {
            of,
            region: [x, y, w, h],
            size,
            ..
        } = self.drawing;
        let region = match [x, y, w, h] == [0, 0, of[0], of[1]] {
            true => "full".to_owned(),
            false => format!("{x},{y},{w},{h}"),
        };
        let up = if size[0] > w || size[1] > h { "^" } else { "" };
        let size = match size == within([w, h], [MOST_SIDE; 2], false) {
            true => "max".to_owned(),
            false => format!("{up}{},{}", size[0], size[1]),
        };
        let mirrored = if self.drawing.mirrored { "!" } else { "" };
        let degrees = u32::from(self.drawing.quarter_turns) * 90;
        let quality = match self.drawing.tone {
            Tone::Colour => "default",
            Tone::Grey => "gray",
            Tone::TwoTone => "bitonal",
        };
        let ending = self.format.ending();
        format!("{region}/{size}/{mirrored}{degrees}/{quality}.{ending}")
    }
}

/// Left, top, width and height in pixels.
fn region_of([width, height]: [u32; 2], text: &str) -> Result<[u32; 4], Problem> {
    let form = "full, square, x,y,w,h or pct:x,y,w,h, of an area within the picture";
    let wrong = || bad("region", text, form);
    let [x, y, w, h] = match text {
        "full" => return Ok([0, 0, width, height]),
        "square" => {
            let side = width.min(height);
            return Ok([(width - side) / 2, (height - side) / 2, side, side]);
        }
        _ => match text.strip_prefix("pct:") {
            Some(shares) => {
                let [x, y, w, h] = four(shares, decimal).ok_or_else(wrong)?;
                let of = |share: f64, side: u32| (share * f64::from(side) / 100.0).round();
                [of(x, width), of(y, height), of(w, width), of(h, height)]
            }
            None => four(text, |number| whole(number).map(f64::from)).ok_or_else(wrong)?,
        },
    };
    // All are whole numbers from 0 on; what reaches beyond an edge is cut off there.
    let cut = |from: f64, length: f64, side: u32| {
        let end = (from + length).min(f64::from(side));
        (from < end).then_some((from as u32, (end - from) as u32))
    };
    let (x, w) = cut(x, w, width).ok_or_else(wrong)?;
    let (y, h) = cut(y, h, height).ok_or_else(wrong)?;
    Ok([x, y, w, h])
}

/// Columns and rows of an image of a part with these.
fn size_of(part: [u32; 2], text: &str) -> Result<[u32; 2], Problem> {
    let form = "max, w, ,h pct:n w,h or !w,h, with ^ before it where it may be enlarged";
    let wrong = || bad("size", text, form);
    let (may_grow, asked) = match text.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let [width, height] = part.map(f64::from);
    let side = |side: f64| side.round().max(1.0);
    if asked == "max" {
        return Ok(within(part, [MOST_SIDE; 2], may_grow));
    }
    let size = if let Some(share) = asked.strip_prefix("pct:") {
        let share = decimal(share).filter(|n| *n > 0.0).ok_or_else(wrong)? / 100.0;
        [side(width * share), side(height * share)]
    } else if let Some(inside) = asked.strip_prefix('!') {
        let (w, h) = inside.split_once(',').ok_or_else(wrong)?;
        let frame = [w, h].map(|text| length(text).map(|side| side.min(MOST_SIDE)));
        let [Some(w), Some(h)] = frame else {
            return Err(wrong());
        };
        return Ok(within(part, [w, h], may_grow));
    } else {
        let (w, h) = asked.split_once(',').ok_or_else(wrong)?;
        match [w, h].map(|text| (!text.is_empty()).then(|| length(text).map(f64::from))) {
            [Some(Some(w)), Some(Some(h))] => [w, h],
            [Some(Some(w)), None] => [w, side(height * w / width)],
            [None, Some(Some(h))] => [side(width * h / height), h],
            _ => return Err(wrong()),
        }
    };
    if !may_grow && (size[0] > width || size[1] > height) {
        return Err(bad(
            "size",
            text,
            "no larger than the region, or begin with ^",
        ));
    }
    if size.iter().any(|side| *side > f64::from(MOST_SIDE)) {
        let most = format!("at most {MOST_SIDE} pixels a side");
        return Err(bad("size", text, &most));
    }
    Ok(size.map(|side| side as u32))
}

/// The largest size with the proportions of `part` within a frame; no larger than `part` unless it may grow.
fn within(part: [u32; 2], frame: [u32; 2], may_grow: bool) -> [u32; 2] {
    let [width, height] = part.map(u64::from);
    let [w, h] = frame.map(u64::from);
    if !may_grow && width <= w && height <= h {
        return part;
    }
    // By the side that meets the frame first.
    let scaled = match w * height <= h * width {
        true => [w, (height * w + width / 2) / width],
        false => [(width * h + height / 2) / height, h],
    };
    scaled.map(|side| u32::try_from(side).unwrap_or(u32::MAX).max(1))
}

/// Whether it is mirrored, and by how many quarters it is turned.
fn rotation_of(text: &str) -> Result<(bool, u8), Problem> {
    let (mirrored, degrees) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let degrees = decimal(degrees).filter(|n| *n <= 360.0);
    let degrees = degrees.ok_or_else(|| bad("rotation", text, "0 to 360 degrees"))?;
    if degrees % 90.0 != 0.0 {
        return Err(not_implemented("a rotation by no multiple of 90 degrees"));
    }
    Ok((mirrored, (degrees / 90.0) as u8 % 4))
}

fn four(text: &str, number: impl Fn(&str) -> Option<f64>) -> Option<[f64; 4]> {
    let numbers: Vec<f64> = text.split(',').map(number).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// A whole number from 0 on, in digits alone.
fn whole(text: &str) -> Option<u32> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

/// A whole number from 1 on.
fn length(text: &str) -> Option<u32> {
    whole(text).filter(|side| *side > 0)
}

/// A number from 0 on, in digits with a point at most.
fn decimal(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.bytes().any(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

fn bad(what: &str, text: &str, form: &str) -> Problem {
    let shown: String = text.chars().take(80).collect();
    let detail = format!("The {what} is {shown:?}; it must be {form}.");
    Problem::new(Code::IiifBadRequest, detail)
}

fn not_implemented(what: &str) -> Problem {
    Problem::new(
        Code::IiifNotImplemented,
        format!("This server does not draw {what}."),
    )
}

/// A region, a size, a rotation and a file with slashes between them, as the fuzzers call their parser.
#[cfg(any(test, fuzzing))]
pub fn image_request(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let parts: Vec<&str> = text.split('/').collect();
    let [region, size, rotation, file] = parts[..] else {
        return false;
    };
    let mut read = false;
    for of in [[1000, 600], [1, 1], [u32::MAX, 3]] {
        let asked = match Asked::parse(of, region, size, rotation, file) {
            Ok(asked) => asked,
            Err(problem) => {
                assert!(matches!(problem.status().as_u16(), 400 | 501));
                continue;
            }
        };
        read = true;
        let Drawing { region, size, .. } = asked.drawing;
        for (at, length, side) in [(region[0], region[2], of[0]), (region[1], region[3], of[1])] {
            assert!(length > 0 && u64::from(at) + u64::from(length) <= u64::from(side));
        }
        assert!(
            size.iter().all(|side| (1..=MOST_SIDE).contains(side)),
            "{size:?}"
        );
        // The canonical form asks for the same.
        let canonical = asked.canonical();
        let parts: Vec<&str> = canonical.split('/').collect();
        let [region, size, rotation, file] = parts[..] else {
            panic!("{canonical}");
        };
        let again = Asked::parse(of, region, size, rotation, file);
        assert_eq!(again.ok(), Some(asked), "{canonical}");
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(region: &str, size: &str, rotation: &str, file: &str) -> Result<Asked, u16> {
        let asked = Asked::parse([1000, 600], region, size, rotation, file);
        asked.map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn regions_are_cut_off_at_the_edges() {
        for (text, expected) in [
            ("full", Ok([0, 0, 1000, 600])),
            ("square", Ok([200, 0, 600, 600])),
            ("10,20,30,40", Ok([10, 20, 30, 40])),
            ("900,500,300,300", Ok([900, 500, 100, 100])),
            ("pct:10,50,25.5,100", Ok([100, 300, 255, 300])),
            ("1000,0,10,10", Err(400)),
            ("0,0,0,10", Err(400)),
            ("0,0,10", Err(400)),
            ("-1,0,10,10", Err(400)),
            ("1.5,0,10,10", Err(400)),
            ("99999999999,0,10,10", Err(400)),
            ("pct:0,0,0,100", Err(400)),
            ("pct:a,0,10,100", Err(400)),
            ("Full", Err(400)),
            ("", Err(400)),
        ] {
            let found = asked(text, "max", "0", "default.jpg");
            assert_eq!(found.map(|one| one.drawing.region), expected, "{text}");
        }
    }

    #[test]
    fn sizes_keep_the_proportions_and_grow_only_where_they_may() {
        for (text, expected) in [
            ("max", Ok([1000, 600])),
            ("^max", Ok([4096, 2458])),
            ("500,", Ok([500, 300])),
            (",300", Ok([500, 300])),
            ("100,400", Ok([100, 400])),
            ("!200,200", Ok([200, 120])),
            ("!2000,2000", Ok([1000, 600])),
            ("^!2000,2000", Ok([2000, 1200])),
            ("pct:50", Ok([500, 300])),
            ("pct:0.01", Ok([1, 1])),
            ("^2000,", Ok([2000, 1200])),
            ("^pct:200", Ok([2000, 1200])),
            ("1001,", Err(400)),
            (",601", Err(400)),
            ("pct:101", Err(400)),
            ("^5000,", Err(400)),
            ("0,", Err(400)),
            (",", Err(400)),
            ("full", Err(400)),
            ("!100,", Err(400)),
            ("-5,", Err(400)),
        ] {
            let found = asked("full", text, "0", "default.jpg");
            assert_eq!(found.map(|one| one.drawing.size), expected, "{text}");
        }
    }

    #[test]
    fn rotations_qualities_and_formats_are_told_apart() {
        let turned = |text: &str| {
            let found = asked("full", "max", text, "default.png");
            found.map(|one| (one.drawing.mirrored, one.drawing.quarter_turns))
        };
        assert_eq!(turned("0"), Ok((false, 0)));
        assert_eq!(turned("!90"), Ok((true, 1)));
        assert_eq!(turned("270.0"), Ok((false, 3)));
        assert_eq!(turned("360"), Ok((false, 0)));
        assert_eq!(turned("45"), Err(501));
        for text in ["361", "-90", "!", "a", "1e2", ""] {
            assert_eq!(turned(text), Err(400), "{text}");
        }
        for (file, expected) in [
            ("color.jpg", Ok(Tone::Colour)),
            ("gray.png", Ok(Tone::Grey)),
            ("bitonal.png", Ok(Tone::TwoTone)),
            ("default.webp", Err(501)),
            ("default.abc", Err(400)),
            ("native.jpg", Err(400)),
            ("default", Err(400)),
        ] {
            let found = asked("full", "max", "0", file);
            assert_eq!(found.map(|one| one.drawing.tone), expected, "{file}");
        }
    }

    #[test]
    fn the_canonical_form_is_one_for_all_spellings() {
        for (given, expected) in [
            (
                ["0,0,1000,600", "1000,", "360", "color.jpg"],
                "full/max/0/default.jpg",
            ),
            (
                ["pct:0,0,50,50", "!100,100", "!0", "gray.png"],
                "0,0,500,300/100,60/!0/gray.png",
            ),
            (
                ["square", "^1200,", "90", "default.jpg"],
                "200,0,600,600/^1200,1200/90/default.jpg",
            ),
        ] {
            let [region, size, rotation, file] = given;
            let found = asked(region, size, rotation, file).unwrap();
            assert_eq!(found.canonical(), expected);
        }
    }
}
