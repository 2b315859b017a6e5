//! Metric families built by hand, and their text: by the encoder, and line by line where there are very many series.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::phone::Histogram;
use crate::phone::tally::Tally;

/// The families of one scrape, in the order in which they are shown.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    /// Why the encoder refused a family, if it did.
    refused: Option<prometheus::Error>,
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

    /// Adds a family of counters that may have tens of thousands of series; its name ends in `_total`.
    pub(super) fn many_counters(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Lines)) {
        self.add_many(name, help, "counter", fill);
    }

    /// Adds a family of gauges that may have tens of thousands of series.
    pub(super) fn many_gauges(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Lines)) {
        self.add_many(name, help, "gauge", fill);
    }

    /// The text.
    pub(super) fn encode(self) -> prometheus::Result<String> {
        match self.refused {
            None => Ok(self.text),
            Some(error) => Err(error),
        }
    }

    fn add_many(&mut self, name: &str, help: &str, kind: &str, fill: impl FnOnce(&mut Lines)) {
        let before = self.text.len();
        self.text += "# HELP ";
        self.text += name;
        self.text.push(' ');
        escape(&mut self.text, help, false);
        self.text += "\n# TYPE ";
        self.text += name;
        self.text.push(' ');
        self.text += kind;
        self.text.push('\n');
        let mut lines = Lines {
            name,
            text: &mut self.text,
            is_empty: true,
        };
        fill(&mut lines);
        if lines.is_empty {
            self.text.truncate(before);
        }
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
            let written = TextEncoder::new().encode_utf8(&[family.0], &mut self.text);
            self.refused = self.refused.take().or(written.err());
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

/// A family whose series are written as they come: the encoder's objects would take ten times as long as the text.
pub(super) struct Lines<'p> {
    name: &'p str,
    text: &'p mut String,
    is_empty: bool,
}

impl Lines<'_> {
    /// Adds a series with a whole number. A label's value is whatever displays itself.
    pub(super) fn number(&mut self, labels: &[(&str, &dyn Display)], number: u64) {
        self.value(labels, number);
    }

    /// Adds a series with a value that displays itself as a number.
    pub(super) fn value(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.is_empty = false;
        *self.text += self.name;
        let mut separator = '{';
        for (name, label) in labels {
            self.text.push(separator);
            *self.text += name;
            *self.text += "=\"";
            let mut label_writer = LabelValue {
                text: self.text,
                room: LONGEST_VALUE,
            };
            // It fails where the label is too long, and has then written what there is room for.
            write!(label_writer, "{label}").ok();
            self.text.push('"');
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        // Writing to a text does not fail.
        writeln!(self.text, " {value}").ok();
    }
}

/// Writes a label's value, as many characters as there is room for.
struct LabelValue<'t> {
    text: &'t mut String,
    room: usize,
}

impl Write for LabelValue<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let taken = part
            .char_indices()
            .nth(self.room)
            .map_or(part.len(), |(end, _)| end);
        let part = part.get(..taken).unwrap_or(part);
        self.room -= part.chars().count().min(self.room);
        escape(self.text, part, true);
        if self.room == 0 {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// Writes a text as the format wants it: a backslash, a line feed and, in a label's value, a quotation mark get a
/// backslash.
fn escape(to: &mut String, text: &str, in_quotes: bool) {
    let is_plain = |byte: &u8| !matches!(byte, b'\\' | b'\n' | b'"');
    if text.as_bytes().iter().all(is_plain) {
        *to += text;
        return;
    }
    for character in text.chars() {
        match character {
            '\\' => *to += r"\\",
            '\n' => *to += r"\n",
            '"' if in_quotes => *to += r#"\""#,
            other => to.push(other),
        }
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
