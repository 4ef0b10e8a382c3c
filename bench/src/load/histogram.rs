//! Times in buckets that are under 2 % wide, in fixed memory.

/// Buckets of one power of two.
const STEPS: usize = 64;
/// Up to 2^41 ns, over half an hour.
const BUCKETS: usize = STEPS * 36;

/// How often each time was seen, in nanoseconds.
#[derive(Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    most: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, most: 0 }
    }
}

impl Histogram {
    /// Counts one time.
    pub fn add(&mut self, time: u64) {
        self.counts[bucket(time).min(BUCKETS - 1)] += 1;
        self.total += 1;
        self.most = self.most.max(time);
    }

    /// Counts all times of another one.
    pub fn join(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.total += other.total;
        self.most = self.most.max(other.most);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        (self.total, self.most) = (0, 0);
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The longest one.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// The time that this share of all does not exceed; 0 without any.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return top(bucket).min(self.most);
            }
        }
        self.most
    }
}

/// Small times have a bucket each; larger ones share it with those that have the same first seven binary digits.
fn bucket(time: u64) -> usize {
    let shift = (63 - (time | 1).leading_zeros() as usize).saturating_sub(6);
    shift * STEPS + (time >> shift) as usize
}

/// The longest time of a bucket.
fn top(bucket: usize) -> u64 {
    let shift = (bucket / STEPS).saturating_sub(1);
    (((bucket - shift * STEPS) as u64 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_narrow_and_without_gaps() {
        let mut previous = 0;
        for time in (0..1 << 16).chain((16..41).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1])) {
            let bucket = bucket(time);
            assert!(bucket >= previous, "{time}");
            assert!(top(bucket) >= time && top(bucket) as f64 <= time as f64 * 1.02, "{time} in up to {}", top(bucket));
            previous = bucket;
        }
        assert!(previous < BUCKETS);
    }

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), 0);
        (1..=1000).for_each(|time| histogram.add(time * 1000));
        for (share, expected) in [(0.5, 500_000), (0.99, 990_000), (1.0, 1_000_000)] {
            let found = histogram.quantile(share) as f64;
            assert!((found / f64::from(expected) - 1.0).abs() < 0.02, "{share}: {found}");
        }
        let mut other = Histogram::default();
        other.add(u64::MAX);
        other.join(&histogram);
        assert_eq!((other.count(), other.most()), (1001, u64::MAX));
    }
}
