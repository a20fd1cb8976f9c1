//! Synthetic pictures: lists of visual words with signatures and places, made of photos'.

use resight_index::{PictureWords, Place, Posting};
use resight_test_support::Random;

/// Share of a signature's bits that are flipped, in 1/2^16ths.
const FLIPPED: u64 = 65_536 / 5;

/// A synthetic picture: the same for the same key.
pub(crate) fn synthetic(key: u64, photos: &[Vec<Posting>]) -> PictureWords {
    let mut random = random(key);
    let length = photos[random.below(photos.len())].len();
    let mut features = Vec::with_capacity(length);
    for third in 0..3 {
        let donor = &photos[random.below(photos.len())];
        let wanted = length * (third + 1) / 3 - features.len();
        let shift = [random.below(1024) as u32, random.below(1024) as u32];
        let (turn, zoom) = (random.below(64) as u32, random.below(13) as u32);
        for _ in 0..wanted {
            let Posting {
                word,
                signature,
                place,
            } = donor[random.below(donor.len())];
            let mut flips = 0;
            for bit in 0..64 {
                flips |= u64::from(random.next_u64() & 0xFFFF < FLIPPED) << bit;
            }
            features.push(Posting {
                word,
                signature: signature ^ flips,
                place: moved(place, shift, turn, zoom),
            });
        }
    }
    PictureWords::new(features)
}

/// The photo that gives a synthetic picture its length.
pub(crate) fn donor(key: u64, photos: usize) -> usize {
    random(key).below(photos)
}

/// A place moved, turned and zoomed; what leaves the picture comes in on the other side.
fn moved(place: Place, shift: [u32; 2], turn: u32, zoom: u32) -> Place {
    let Place(bits) = place;
    let angle = f64::from(turn) / 64.0 * std::f64::consts::TAU;
    let factor = f64::from(zoom).mul_add(1.0 / 6.0, -1.0).exp2();
    let (sin, cos) = (angle.sin() * factor, angle.cos() * factor);
    let (x, y) = (f64::from(bits & 1023), f64::from(bits >> 10 & 1023));
    let at = |v: f64, shift: u32| (v as i64 + i64::from(shift)).rem_euclid(1024) as u32;
    let column = at(cos * x - sin * y, shift[0]);
    let row = at(sin * x + cos * y, shift[1]);
    let scale = ((bits >> 20 & 63) + zoom).saturating_sub(6).min(63);
    let angle = ((bits >> 26) + turn) % 64;
    Place(column | row << 10 | scale << 20 | angle << 26)
}

/// The numbers of a key.
fn random(key: u64) -> Random {
    Random::new(key.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
