//! What Prometheus reads: the text format, as Envoy and the sidecar write it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};

use crate::raw;

/// All samples of one page.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    /// The kind of each metric: `counter`, `gauge` or `histogram`.
    pub kinds: BTreeMap<String, String>,
    /// All samples, with the suffixes of histograms.
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What is counted.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The figure.
    pub value: f64,
}

impl Scrape {
    /// Envoy's page.
    ///
    /// # Errors
    ///
    /// The admin interface does not answer, or what it answers cannot be read.
    pub async fn of_envoy(admin: SocketAddr) -> Result<Self> {
        let answer = raw::send(admin, "GET", "/stats/prometheus", raw::NO_HEADERS, "").await?;
        ensure!(answer.status == 200, "/stats/prometheus says {}", answer.status);
        Self::parse(&answer.text())
    }

    /// Reads a page.
    ///
    /// # Errors
    ///
    /// Names the line that cannot be read.
    pub fn parse(text: &str) -> Result<Self> {
        let mut scrape = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').with_context(|| line.to_owned())?;
                scrape.kinds.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                scrape.samples.push(Sample::parse(line).with_context(|| line.to_owned())?);
            }
        }
        Ok(scrape)
    }

    /// The same with another page's samples.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.kinds.extend(other.kinds);
        self.samples.extend(other.samples);
        self
    }

    /// The samples of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// The sum of the samples of this name that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
        };
        self.named(name).filter(fits).map(|sample| sample.value).sum()
    }

    /// All labels that samples of this name have.
    pub fn labels<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        self.named(name).flat_map(|sample| sample.labels.keys()).map(String::as_str).collect()
    }
}

impl Sample {
    fn parse(line: &str) -> Result<Self> {
        let (head, value) = line.rsplit_once(' ').context("no value")?;
        let (name, labels) = match head.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').context("no end of the labels")?),
            None => (head, ""),
        };
        let value = value.parse().context("the value")?;
        let mut sample = Self { name: name.to_owned(), labels: BTreeMap::new(), value };
        let mut rest = labels.trim_end_matches(',');
        while !rest.is_empty() {
            let (label, quoted) = rest.split_once("=\"").context("a label without a value")?;
            let (value, left) = quoted.split_once('"').context("a value without an end")?;
            sample.labels.insert(label.to_owned(), value.to_owned());
            rest = left.trim_start_matches(',');
        }
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_values_are_read() {
        let page = "# HELP a_total x\n# TYPE a_total counter\na_total{} 1\na_total{b=\"c\",d=\"e,f\"} 2\n\nbare NaN\n";
        let scrape = Scrape::parse(page).unwrap();
        assert_eq!(scrape.kinds["a_total"], "counter");
        assert_eq!((scrape.sum("a_total", &[]), scrape.sum("a_total", &[("d", "e,f")])), (3.0, 2.0));
        assert_eq!(scrape.labels("a_total").into_iter().collect::<Vec<_>>(), ["b", "d"]);
        assert!(scrape.sum("bare", &[]).is_nan());
        assert!(Scrape::parse("a_total{b=\"c\" 1").is_err());
    }
}
