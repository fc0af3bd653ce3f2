//! The names under which requests are counted. All come from the operator, and there is a bound to their number.

use std::collections::HashMap;

use super::event::Route;
use crate::config::Rule;

/// How many names of routes are told apart.
const MOST_ON_ROUTES: usize = 256;

/// A name of [`Routes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

impl Label {
    /// No price was looked for.
    pub(super) const NONE: Self = Self(0);
    /// No rule matches.
    pub(super) const DEFAULT: Self = Self(1);
    /// The price is on a route or virtual host that has no name for us.
    pub(super) const ROUTE: Self = Self(2);
    /// The route's name is not used: it is no label, or there are too many.
    const OTHER: Self = Self(3);

    /// Its place in a list by label.
    pub(super) fn place(self) -> usize {
        self.0
    }
}

/// The names of the four labels above.
const FIXED: [&str; 4] = ["none", "default", "route", "other"];

pub(super) struct Routes {
    names: Vec<String>,
    on_routes: HashMap<String, Label>,
}

impl Routes {
    /// Names for these rules: their own, or `rule-0`, `rule-1` and so on by their places.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let fixed = FIXED.into_iter().map(str::to_owned);
        let own = |(place, rule): (usize, &Rule)| rule.name().map_or(format!("rule-{place}"), str::to_owned);
        Self { names: fixed.chain(rules.iter().enumerate().map(own)).collect(), on_routes: HashMap::new() }
    }

    /// The label of a rule by its place.
    pub(super) fn of_rule(rule: Option<usize>) -> Label {
        rule.map_or(Label::DEFAULT, |place| Label(FIXED.len().saturating_add(place)))
    }

    /// The label of a route that has a price of its own, by the name beside that price.
    pub(super) fn on_route(&mut self, name: Option<&str>) -> Label {
        let Some(name) = name else { return Label::ROUTE };
        if let Some(label) = self.on_routes.get(name) {
            return *label;
        }
        if !is_label(name) || self.on_routes.len() >= MOST_ON_ROUTES {
            return Label::OTHER;
        }
        let label = Label(self.names.len());
        self.names.push(name.to_owned());
        self.on_routes.insert(name.to_owned(), label);
        label
    }

    pub(super) fn route(&self, label: Label) -> Route<'_> {
        Route { number: label.0, name: self.names.get(label.0).map_or("other", String::as_str) }
    }
}

/// Whether a text can be the value of a label in Envoy's statistics.
pub(crate) fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_routes_are_bounded_in_number_and_in_what_they_hold() {
        let mut routes = Routes::new(&[]);
        let mut name = |name: Option<&str>| {
            let label = routes.on_route(name);
            routes.route(label).name.to_owned()
        };
        assert_eq!(name(None), "route");
        assert_eq!(name(Some("reports")), "reports");
        assert_eq!(name(Some("a b")), "other");
        assert_eq!(name(Some("")), "other");
        for number in 0..2 * MOST_ON_ROUTES {
            let new = format!("route-{number}");
            assert_eq!(name(Some(&new)), if number < MOST_ON_ROUTES - 1 { &new } else { "other" });
        }
        assert_eq!(name(Some("reports")), "reports", "still known");
        assert_eq!(routes.names.len(), FIXED.len() + MOST_ON_ROUTES);
    }
}
