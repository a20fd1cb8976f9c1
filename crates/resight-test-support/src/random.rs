//! Random numbers from a seed.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): 64 bits of state, every seed is as good as
/// any other.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number below `end`. Panics when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next_u64() % end as u64) as usize
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.next_u64() as u8
    }

    /// `count` bytes from 0 to `largest`.
    pub fn bytes(&mut self, count: usize, largest: u8) -> Vec<u8> {
        let values = usize::from(largest) + 1;
        (0..count).map(|_| self.below(values) as u8).collect()
    }

    /// A number in [0, 1), a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number from the normal distribution of mean 0 and variance 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        // In (0, 1], where the logarithm is finite.
        let mut positive = || ((self.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let radius = (-2.0 * libm::log(positive())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * positive())
    }
}

/// A number without visible order from one that has it, such as a place in a grid.
pub fn scrambled(number: u32) -> u32 {
    (0..3).fold(number, |n, _| (n ^ (n >> 15)).wrapping_mul(0x2C1B_3C6D))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(published.map(|_| random.next_u64()), published);
    }

    #[test]
    fn numbers_lie_in_their_ranges_and_fill_them() {
        let mut random = Random::new(1);
        let small: Vec<usize> = (0..2000).map(|_| random.below(7)).collect();
        assert!((0..7).all(|n| small.contains(&n)) && small.iter().all(|n| *n < 7));
        let bytes = random.bytes(2000, 3);
        assert!((0..=3).all(|n| bytes.contains(&n)) && bytes.iter().all(|n| *n <= 3));
        let units: Vec<f64> = (0..2000).map(|_| random.unit()).collect();
        assert!(units.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = units.iter().sum::<f64>() / 2000.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        assert!((0..2000).all(|_| (-3.0..5.0).contains(&random.between(-3.0, 5.0))));
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut random = Random::new(2);
        let numbers: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(
            mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05,
            "{mean} {variance}"
        );
        let far = numbers.iter().filter(|n| n.abs() > 2.0).count() as f64 / 20_000.0;
        assert!((far - 0.0455).abs() < 0.01, "{far}");
    }

    #[test]
    fn neighbours_are_scrambled_apart() {
        let high = |n: u32| scrambled(n) >> 24;
        let alike = (0..1000).filter(|n| high(*n).abs_diff(high(n + 1)) < 8);
        assert!(alike.count() < 100);
        assert_eq!(scrambled(0), 0);
    }
}
