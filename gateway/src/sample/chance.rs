/// A small seeded generator (splitmix64): the same seed gives the same city on every machine. Not for secrets.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `bound - 1`. Its slight bias does not matter to a sample.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    /// True once in `count` times.
    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of the choices.
    pub(super) fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// A date from `from`, up to `days - 1` days later.
    pub(super) fn day(&mut self, from: jiff::civil::Date, days: u64) -> jiff::civil::Date {
        later(from, self.below(days) as i64)
    }
}

/// The date so many days later.
pub(super) fn later(from: jiff::civil::Date, days: i64) -> jiff::civil::Date {
    from.saturating_add(jiff::Span::new().days(days))
}

/// The last day of a term of so many years that starts on `from`.
pub(super) fn term_end(from: jiff::civil::Date, years: i64) -> jiff::civil::Date {
    later(from.saturating_add(jiff::Span::new().years(years)), -1)
}
