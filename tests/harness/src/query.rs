//! What a query in Prometheus's language asks for, and whether it is there.

use std::collections::BTreeSet;
use std::convert::Infallible;

use anyhow::{Context, Result, anyhow, ensure};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, AggregateExpr, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use crate::scrape::Scrape;

impl Scrape {
    /// Checks that everything is here that a query asks for: metrics, their labels, the labels' values, the labels of
    /// `sum by`, and those that are `shown` of the answer. `known` says of a label and a value whether it may be
    /// missing, because it has not come to pass.
    ///
    /// # Errors
    ///
    /// Names what is missing, or why the query cannot be parsed.
    pub fn has(&self, query: &str, shown: &[String], known: impl Fn(&str, &str) -> bool) -> Result<()> {
        let expression = parser::parse(query).map_err(|error| anyhow!(error))?;
        let mut asked = Asked::default();
        let Ok(_) = walk_expr(&mut asked, &expression);
        ensure!(!asked.selectors.is_empty(), "it asks for nothing");
        let mut labels = BTreeSet::new();
        for VectorSelector { name, matchers, .. } in &asked.selectors {
            let name = name.as_deref().context("a selector without a name")?;
            ensure!(self.named(name).next().is_some(), "nobody tells {name}");
            let own = self.labels(name);
            for Matcher { op, name: label, value } in &matchers.matchers {
                ensure!(own.contains(label.as_str()), "{name} has no label {label}");
                let values = match op {
                    MatchOp::Re(_) | MatchOp::NotRe(_) if value == ".*" => Vec::new(),
                    MatchOp::Re(_) | MatchOp::NotRe(_) => value.split('|').collect(),
                    MatchOp::Equal | MatchOp::NotEqual => vec![value.as_str()],
                };
                for value in values {
                    let mut samples = self.named(name);
                    let seen = samples.any(|sample| sample.labels.get(label).is_some_and(|own| own == value));
                    ensure!(seen || known(label, value), "{name} has no {label} {value}");
                }
            }
            labels.extend(own);
        }
        for label in asked.groups.iter().chain(shown) {
            ensure!(labels.contains(label.as_str()), "nothing in it has the label {label}");
        }
        Ok(())
    }
}

/// What an expression asks for.
#[derive(Default)]
struct Asked {
    selectors: Vec<VectorSelector>,
    groups: Vec<String>,
}

impl ExprVisitor for Asked {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::VectorSelector(selector) => self.selectors.push(selector.clone()),
            Expr::MatrixSelector(matrix) => self.selectors.push(matrix.vs.clone()),
            Expr::Aggregate(AggregateExpr { modifier: Some(modifier), .. }) => {
                self.groups.extend(modifier.labels().labels.iter().cloned());
            }
            _ => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_for_what_is_not_there_is_found() {
        let scrape = Scrape::parse("# TYPE a_total counter\na_total{kind=\"x\"} 1\n").unwrap();
        let trouble = |query: &str| {
            let known = |label: &str, value: &str| label == "kind" && value == "later";
            scrape.has(query, &[], known).err().map(|error| error.to_string())
        };
        assert_eq!(trouble("sum by (kind) (rate(a_total{kind=~\"x|later\"}[5m])) > 0"), None);
        for (query, expected) in [
            ("rate(b_total[5m])", "nobody tells b_total"),
            ("absent(b_total)", "nobody tells b_total"),
            ("a_total{sort=\"x\"}", "a_total has no label sort"),
            ("a_total{kind!=\"y\"}", "a_total has no kind y"),
            ("a_total{kind=~\"x|y\"}", "a_total has no kind y"),
            ("sum by (sort) (a_total)", "nothing in it has the label sort"),
            ("1 + 1", "it asks for nothing"),
        ] {
            assert_eq!(trouble(query).as_deref(), Some(expected), "{query}");
        }
        assert!(trouble("sum by (").is_some());
        assert!(scrape.has("a_total", &["sort".to_owned()], |_, _| true).is_err());
    }
}
