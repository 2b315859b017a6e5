//! Counts of durations by size, as Prometheus keeps them.

use std::time::Duration;

/// A histogram of durations over fixed bucket bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    /// How many fell into each bucket alone; the last one is above every bound.
    counts: Box<[u64]>,
    sum: f64,
}

impl Histogram {
    /// Bounds in seconds for the time between a keepalive and its acknowledgment: 0.1 ms to 30 s.
    pub const KEEPALIVE_BOUNDS: &'static [f64] = &[
        0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
        2.5, 5.0, 10.0, 30.0,
    ];

    /// Bounds in seconds for the stages of a boot: 10 ms to 5 min.
    pub const BOOT_BOUNDS: &'static [f64] = &[
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
    ];

    /// An empty histogram over these upper bounds, in seconds and in rising order.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1].into(),
            sum: 0.0,
        }
    }

    /// Counts one duration.
    pub fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.bounds.partition_point(|&bound| bound < seconds);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += seconds;
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum, in seconds.
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// Each upper bound in seconds with how many were at most that long.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        self.bounds
            .iter()
            .zip(self.counts.iter())
            .scan(0, |total, (&bound, count)| {
                *total += count;
                Some((bound, *total))
            })
    }

    /// The duration in seconds below which this share (0 to 1) of them lies, interpolated within its bucket as
    /// Prometheus does; `None` where nothing was counted.
    #[expect(clippy::cast_precision_loss, reason = "a quantile is an estimate")]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = share.clamp(0.0, 1.0) * count as f64;
        let (mut lower, mut below) = (0.0, 0);
        for (bound, cumulative) in self.cumulative() {
            if cumulative as f64 >= wanted && cumulative > below {
                let within = (wanted - below as f64) / (cumulative - below) as f64;
                return Some((bound - lower).mul_add(within, lower));
            }
            (lower, below) = (bound, cumulative);
        }
        self.bounds.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_into_buckets_and_estimates_quantiles() {
        let mut histogram = Histogram::new(&[0.1, 0.2, 0.4]);
        assert_eq!(histogram.quantile(0.5), None);
        for milliseconds in [50, 100, 150, 300, 9_000] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let buckets: Vec<_> = histogram.cumulative().collect();
        assert_eq!(buckets, [(0.1, 2), (0.2, 3), (0.4, 4)]);
        assert_eq!(histogram.count(), 5);
        assert!((histogram.sum() - 9.6).abs() < 1e-9);
        assert!((histogram.quantile(0.4).unwrap() - 0.1).abs() < 1e-9);
        assert!((histogram.quantile(0.6).unwrap() - 0.2).abs() < 1e-9);
        assert!(
            (histogram.quantile(1.0).unwrap() - 0.4).abs() < 1e-9,
            "above every bound: the last one"
        );
    }
}
