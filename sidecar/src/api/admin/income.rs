//! What was earned when.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use alloy::primitives::U256;
use axum::Json;
use axum::extract::{Query, State};
use serde::Serialize;

use super::Admin;
use crate::api::error::ApiError;
use crate::api::path;
use crate::store::{HOURS, Income};

/// An hour or a day (UTC) in which something was earned.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    /// When it begins, in seconds since 1970.
    start: u64,
    payments: u64,
    /// Base units of the token, as text.
    amount: String,
}

/// `GET /income`: the last `count` hours, or days with `by=day`, the running one included. Those without income are
/// left out.
pub(super) async fn income(
    State(admin): State<Admin>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Vec<Bar>>, ApiError> {
    let hours = match query.get("by").map(String::as_str) {
        None | Some("hour") => 1,
        Some("day") => 24,
        Some(other) => {
            return Err(ApiError::bad_request(format!("by is {other:?}, where hour or day is expected")));
        }
    };
    let longest = u32::try_from(HOURS / hours).unwrap_or(u32::MAX);
    let count = path::number(&query, "count", 48.min(longest), 1..=longest)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 3600;
    let first = (now / hours + 1).saturating_sub(u64::from(count)) * hours;
    Ok(Json(bars(&admin.store.income(first).await?, hours)))
}

fn bars(income: &[Income], hours: u64) -> Vec<Bar> {
    let mut sums: BTreeMap<u64, (u64, U256)> = BTreeMap::new();
    for hour in income {
        let (payments, amount) = sums.entry(hour.hour / hours).or_default();
        *payments += hour.payments;
        *amount += hour.amount;
    }
    let bar = |(at, (payments, amount)): (u64, (u64, U256))| Bar {
        start: at * hours * 3600,
        payments,
        amount: amount.to_string(),
    };
    sums.into_iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_add_up_to_days() {
        let hour = |hour, amount| Income { hour, payments: 2, amount: U256::from(amount) };
        let income = [hour(47, 1), hour(48, 10), hour(71, 100), hour(72, 1000)];
        let bar = |start, payments, amount: &str| Bar { start, payments, amount: amount.to_owned() };
        assert_eq!(bars(&income, 24), [bar(86_400, 2, "1"), bar(172_800, 4, "110"), bar(259_200, 2, "1000")]);
        assert_eq!(bars(&income, 1)[1], bar(172_800, 2, "10"));
    }
}
