//! Numbers from a seed: the same seed gives the same schedule.

/// A stream of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed for one purpose, told by its path of numbers.
    #[must_use]
    pub fn of(seed: u64, path: &[u64]) -> Self {
        let mut random = Self(seed);
        for step in path {
            random.0 = random.draw() ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        random
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this bound, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, cases: u64) -> bool {
        self.below(100) < cases
    }

    /// Puts them into another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let nth = self.below(last as u64 + 1);
            all.swap(usize::try_from(nth).unwrap_or(last), last);
        }
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let nth = self.below(all.len() as u64);
        &all[usize::try_from(nth).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_path_gives_others() {
        let draw = |seed, path: &[u64]| {
            let mut random = Random::of(seed, path);
            [random.draw(), random.draw()]
        };
        assert_eq!(draw(42, &[1, 7]), draw(42, &[1, 7]));
        assert_ne!(draw(42, &[1, 7]), draw(42, &[1, 8]));
        assert_ne!(draw(42, &[1, 7]), draw(43, &[1, 7]));
    }

    #[test]
    fn shuffled_is_the_same_in_another_order() {
        let mut all: Vec<u64> = (0..50).collect();
        Random::of(42, &[]).shuffle(&mut all);
        assert_ne!(all, (0..50).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
    }
}
