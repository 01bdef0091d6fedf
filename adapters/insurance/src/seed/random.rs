//! SplitMix64: one small generator, so that a seed means the same people on every machine.
//!
//! Not for secrets; it refuses to know anything but numbers.

/// The generator's state.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of `from..to`; `from` where the range is empty.
    pub(super) fn range(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to.saturating_sub(from)).unwrap_or(0).max(1);
        // the bias of a width far below 2^64 is too small to see in ten thousand people
        from + i64::try_from(self.next() % width).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, chance: i64) -> bool {
        self.range(0, 100) < chance
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.range(0, i64::try_from(from.len()).unwrap_or(i64::MAX));
        &from[usize::try_from(at).unwrap_or(0)]
    }

    /// One of these, each as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let total: i64 = from.iter().map(|(_, weight)| i64::from(*weight)).sum();
        let mut at = self.range(0, total);
        for (value, weight) in from {
            at -= i64::from(*weight);
            if at < 0 {
                return *value;
            }
        }
        from[0].0
    }

    /// The same choice as [`weighted`](Self::weighted) makes.
    pub(super) fn one_of<'a, T>(&mut self, from: &'a Scale<T>) -> &'a T {
        let at = self.range(0, from.total);
        let place = from.choices.partition_point(|(_, end)| *end <= at);
        &from.choices[place].0
    }
}

/// Choices with their weights added up, for many choices drawn many times.
pub(super) struct Scale<T> {
    choices: Vec<(T, i64)>,
    total: i64,
}

impl<T> Scale<T> {
    pub(super) fn new(from: Vec<(T, u32)>) -> Self {
        let mut total = 0;
        let mut add = |(value, weight)| {
            total += i64::from(weight);
            (value, total)
        };
        let choices = from.into_iter().map(&mut add).collect();
        Self { choices, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn a_scale_chooses_what_the_weights_choose() {
        let weights: Vec<(usize, u32)> = (0..50).map(|at| (at, 1_000 / (at as u32 + 2))).collect();
        let scale = Scale::new(weights.clone());
        let (mut one, mut other) = (Random::new(3), Random::new(3));
        for _ in 0..1_000 {
            assert_eq!(one.weighted(&weights), *other.one_of(&scale));
        }
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(7);
        let often = (0..10_000)
            .filter(|_| random.weighted(&[("a", 9), ("b", 1)]) == "a")
            .count();
        assert!((8_700..9_300).contains(&often), "{often}");
    }
}
