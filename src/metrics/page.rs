//! Metric families built by hand, and their text.

use std::collections::BTreeMap;

use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::phone::Histogram;
use crate::phone::tally::Tally;

/// The families of one scrape, in the order in which they are shown.
#[derive(Debug, Default)]
pub(super) struct Page {
    families: Vec<MetricFamily>,
}

impl Page {
    /// Adds a family of counters; its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Family)) {
        self.add(name, help, MetricType::COUNTER, fill);
    }

    /// Adds a family of gauges.
    pub(super) fn gauge(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Family)) {
        self.add(name, help, MetricType::GAUGE, fill);
    }

    /// Adds a family of histograms.
    pub(super) fn histogram(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Family)) {
        self.add(name, help, MetricType::HISTOGRAM, fill);
    }

    /// The text.
    pub(super) fn encode(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.families)
    }

    fn add(
        &mut self,
        name: &str,
        help: &str,
        field_type: MetricType,
        fill: impl FnOnce(&mut Family),
    ) {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(field_type);
        let mut family = Family(family);
        fill(&mut family);
        // The encoder takes a family without a series for an error.
        if !family.0.get_metric().is_empty() {
            self.families.push(family.0);
        }
    }
}

/// A family that series are added to. No two of them may have the same labels.
pub(super) struct Family(MetricFamily);

impl Family {
    /// Adds a series with a whole number.
    pub(super) fn number(&mut self, labels: &[Label<'_>], number: u64) {
        self.value(labels, float(number));
    }

    /// Adds a series.
    pub(super) fn value(&mut self, labels: &[Label<'_>], value: f64) {
        let mut metric = Metric::from_label(label_pairs(labels));
        if self.0.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.0.mut_metric().push(metric);
    }

    /// Adds a series for each count of `tally`, told apart by the label `name`, and one with 0 for each value in `known`
    /// that was not counted so far.
    pub(super) fn tally(
        &mut self,
        labels: &[Label<'_>],
        name: &str,
        known: impl IntoIterator<Item = &'static str>,
        tally: &Tally,
    ) {
        let mut counts: BTreeMap<_, _> = known.into_iter().map(|value| (value, 0)).collect();
        counts.extend(tally.iter());
        for (value, count) in counts {
            self.number(&[labels, &[(name, value)]].concat(), count);
        }
    }

    /// Adds a histogram.
    pub(super) fn buckets(&mut self, labels: &[Label<'_>], histogram: &Histogram) {
        let bucket = |(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(count);
            bucket
        };
        let mut buckets = Buckets::default();
        buckets.set_bucket(histogram.cumulative().map(bucket).collect());
        buckets.set_sample_count(histogram.count());
        buckets.set_sample_sum(histogram.sum());
        let mut metric = Metric::from_label(label_pairs(labels));
        metric.set_histogram(buckets);
        self.0.mut_metric().push(metric);
    }
}

/// A label's name and its value.
pub(super) type Label<'l> = (&'l str, &'l str);

/// How long a label's value may be, in characters: what devices say of themselves has no other bound here.
const LONGEST_VALUE: usize = 64;

fn label_pairs(labels: &[Label<'_>]) -> Vec<LabelPair> {
    let pair = |&(name, value): &Label<'_>| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(bounded(value).to_owned());
        pair
    };
    labels.iter().map(pair).collect()
}

fn bounded(value: &str) -> &str {
    value
        .char_indices()
        .nth(LONGEST_VALUE)
        .and_then(|(end, _)| value.get(..end))
        .unwrap_or(value)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus keeps every number as a float"
)]
fn float(number: u64) -> f64 {
    number as f64
}
