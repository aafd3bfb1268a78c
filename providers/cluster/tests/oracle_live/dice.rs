//! Chance that can be repeated: the same seed throws the same numbers.

/// A generator of numbers (`SplitMix64`); good enough to choose with, and never for secrets.
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of one of many tracks, each with a fate of its own.
    pub(super) fn of(seed: u64, track: usize) -> Self {
        let mut dice = Self(seed ^ (track as u64).wrapping_mul(0xA076_1D64_78BD_642F));
        dice.throw();
        dice
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`, which is not zero.
    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.throw() % count as u64).unwrap()
    }

    /// Whether it happens, so many times in a hundred.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Some of them, in an order of its own, each at most once.
    pub(super) fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let mut left = of.to_vec();
        let count = self.below(of.len() + 1);
        (0..count).map(|_| left.swap_remove(self.below(left.len()))).collect()
    }
}
