//! Closing a channel by agreement: the mark first, durably, then the signature.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uraiden_core::{Signature, TokenAmount};

use super::Api;
use crate::api::error::ApiError;
use crate::api::guesses::ALLOWED;
use crate::api::{json, path, proof};
use crate::settings::CloseNeeds;
use crate::store::Closing;

#[derive(Serialize)]
pub(super) struct Agreement {
    close_signature: Signature,
}

/// `DELETE /channels/<sender>/<open_block>`: agrees to settle at the balance that we hold. The same request again gets
/// the same signature.
pub(super) async fn close(
    State(api): State<Arc<Api>>,
    Path((sender, open_block)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Agreement>, ApiError> {
    let key = path::channel(&sender, &open_block)?;
    let balance = read_balance(&headers, &body?)?;
    let channel = api.channel_id(key);

    let proven = proof::is_by_sender(&headers, &channel, &[balance]);
    if !proven {
        if api.public.close_needs == CloseNeeds::Proof {
            return Err(forbidden(
                "Closing needs a balance proof in the header RDN-Balance-Signature".to_owned(),
            ));
        }
        if !api.guesses.admit(key) {
            return Err(forbidden(format!(
                "After {ALLOWED} wrong balances in an hour, closing needs a balance proof in the header \
                 RDN-Balance-Signature"
            )));
        }
    }
    let closing = api.public.store.close(key, balance).await;
    if !proven && !matches!(closing, Ok(Closing::OtherBalance)) {
        api.guesses.forgive(key);
    }
    match closing? {
        Closing::Marked => {}
        Closing::Absent => return Err(ApiError::not_found("Channel not found")),
        Closing::OtherBalance => {
            return Err(ApiError::bad_request("The requested balance is not the one that was paid"));
        }
        Closing::NothingPaid => {
            return Err(ApiError::bad_request(
                "Nothing was paid by this channel, so there is no balance to agree on",
            ));
        }
        Closing::AboveDeposit { deposit } => {
            return Err(ApiError::bad_request(format!(
                "The balance is above the deposit that the chain shows now, {deposit}"
            )));
        }
        Closing::Held => {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "The channel is held back after a restore: the merchant closes it or releases it",
            ));
        }
        Closing::Settled => return Err(ApiError::bad_request("The channel is settled already")),
    }
    let close_signature = api.public.key.sign_closing(&channel, balance).await.map_err(|error| {
        tracing::error!(%error, %channel, "no closing agreement was signed");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "The closing agreement could not be signed")
    })?;
    tracing::info!(%channel, %balance, "agreed to close");
    Ok(Json(Agreement { close_signature }))
}

fn forbidden(message: String) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, message)
}

/// The balance of a JSON or form body. The original clients send both.
fn read_balance(headers: &HeaderMap, body: &[u8]) -> Result<TokenAmount, ApiError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        balance: &'a RawValue,
    }

    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let balance = if essence.eq_ignore_ascii_case("application/json") {
        let body: Body<'_> = serde_json::from_slice(body)
            .map_err(|error| ApiError::bad_request(format!("Bad balance format: {error}")))?;
        json::amount(body.balance.get())
    } else {
        url::form_urlencoded::parse(body)
            .find(|(name, _)| name == "balance")
            .and_then(|(_, value)| value.parse().ok())
    };
    balance.ok_or_else(|| {
        ApiError::bad_request("Bad balance format: a balance is a whole number from 0 to 2^192 - 1")
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(content_type: &'static str, body: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let balance = read_balance(&headers, body.as_bytes()).ok()?;
        Some(balance.to_string().parse().unwrap())
    }

    #[test]
    fn the_balance_is_read_from_a_form_and_from_json() {
        let form = "application/x-www-form-urlencoded";
        assert_eq!(read(form, "balance=60"), Some(60));
        assert_eq!(read(form, "x=1&balance=60"), Some(60));
        assert_eq!(read("application/json", r#"{"balance":9}"#), Some(9));
        assert_eq!(read("application/json; charset=utf-8", r#"{"balance": "9", "x": 1}"#), Some(9));
        for (content_type, body) in [
            (form, ""),
            (form, "balance="),
            (form, "balance=-1"),
            (form, "balance=1.5"),
            (form, "{\"balance\":9}"),
            ("application/json", ""),
            ("application/json", "9"),
            ("application/json", "{}"),
            ("application/json", r#"{"balance":1.5}"#),
            ("application/json", r#"{"balance":null}"#),
            ("application/json", "balance=60"),
        ] {
            assert_eq!(read(content_type, body), None, "{content_type}: {body}");
        }
    }
}
