//! Ending a channel.

use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::value::RawValue;
use uraiden_core::{ChannelId, ClosingAgreement, Signature, TokenAmount};

use crate::charge::Held;
use crate::purchase::{payment_headers, reason};
use crate::session::Memory;
use crate::{Channel, Error, Mined, Session, Settlement};

#[derive(Deserialize)]
struct Agreed {
    close_signature: Signature,
}

#[derive(Deserialize)]
struct State {
    balance: Box<RawValue>,
    last_signature: Option<Signature>,
}

impl Session {
    /// Ends a channel with the receiver's agreement: it is settled at once, at exactly what was paid.
    ///
    /// `gateway` is the root of the server's channel API, such as `https://example.com/api/1`.
    ///
    /// # Errors
    ///
    /// [`Error::CloseRefused`], [`Error::FalseAgreement`] and [`Error::NothingPaid`] leave
    /// [`Session::close_uncooperatively`]; the others say what to mend. The channel pays no more in any case.
    pub async fn close_cooperatively(&self, gateway: &Url, id: &ChannelId) -> Result<Settlement, Error> {
        let chain = self.chain()?;
        let mut memory = self.memory.lock().await;
        let mut channel = self.end(&mut memory, id)?;
        let url = channel_url(gateway, id);
        if channel.pending.is_some() || channel.balance.is_none() {
            self.learn_balance(&mut memory, &mut channel, &url).await?;
        }
        let balance = channel.balance.unwrap_or_default();
        if balance.is_zero() {
            return Err(Error::NothingPaid { channel: *id });
        }
        let proof = self.payer(&channel).proof(balance);
        let answer = self
            .http
            .delete(url)
            .headers(payment_headers(&crate::proof_headers(&proof)))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(format!("balance={balance}"))
            .send()
            .await?;
        let agreed: Agreed = read(answer).await?;
        let agreement = ClosingAgreement { channel: *id, balance, signature: agreed.close_signature };
        if !agreement.is_by_receiver() {
            return Err(Error::FalseAgreement { receiver: id.receiver });
        }
        Ok(chain.close_cooperatively(&proof, &agreement).await?)
    }

    /// Asks the contract to end a channel at the last balance, which starts the challenge period.
    /// [`Session::settle`] is possible after it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownChannel`], [`Error::NoChain`], [`Error::Chain`].
    pub async fn close_uncooperatively(&self, id: &ChannelId) -> Result<Mined, Error> {
        let chain = self.chain()?;
        let mut memory = self.memory.lock().await;
        let channel = self.end(&mut memory, id)?;
        // Where the last payment's fate is unknown the server may hold it, and would challenge anything less.
        let balance = channel.pending.or(channel.balance).unwrap_or_default();
        Ok(chain.close_uncooperatively(id, balance).await?)
    }

    /// Takes the rest of the deposit back, after the challenge period.
    ///
    /// # Errors
    ///
    /// [`Error::NoChain`], [`Error::Chain`].
    pub async fn settle(&self, id: &ChannelId) -> Result<Settlement, Error> {
        Ok(self.chain()?.settle(id).await?)
    }

    /// Marks the channel, so that it pays no more, whatever becomes of its closing.
    fn end(&self, memory: &mut Memory, id: &ChannelId) -> Result<Channel, Error> {
        let mut channel = memory.channel(id).ok_or(Error::UnknownChannel { channel: *id })?.clone();
        channel.closing = true;
        self.keep(memory, &channel)?;
        Ok(channel)
    }

    /// Asks the channel API which balance the server holds, and believes it with our own signature only.
    async fn learn_balance(
        &self,
        memory: &mut Memory,
        channel: &mut Channel,
        url: &Url,
    ) -> Result<(), Error> {
        let payer = self.payer(channel);
        let balance = channel.pending.or(channel.balance).unwrap_or_default();
        let question = self.http.get(url.clone()).headers(payment_headers(&payer.headers(balance)));
        let state: State = read(question.send().await?).await?;
        let balance: TokenAmount = state.balance.get().parse().map_err(|error| Error::CloseRefused {
            status: StatusCode::OK.as_u16(),
            reason: format!("its balance is {}: {error}", state.balance.get()),
        })?;
        channel.balance = Some(Held { balance, signature: state.last_signature }.verified(&payer)?);
        channel.pending = None;
        self.keep(memory, channel)
    }
}

fn channel_url(gateway: &Url, id: &ChannelId) -> Url {
    let mut url = gateway.clone();
    let root = gateway.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{root}/channels/{}/{}", id.sender, id.open_block));
    url
}

async fn read<T: for<'de> Deserialize<'de>>(answer: reqwest::Response) -> Result<T, Error> {
    let status = answer.status();
    if status != StatusCode::OK {
        return Err(Error::CloseRefused { status: status.as_u16(), reason: reason(answer).await });
    }
    let body = answer.text().await?;
    serde_json::from_str(&body).map_err(|error| Error::CloseRefused {
        status: status.as_u16(),
        reason: format!("{error} in {:?}", body.chars().take(200).collect::<String>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uraiden_core::{Address, BlockNumber};

    #[test]
    fn the_channels_url_keeps_the_gateways_root() {
        let id = ChannelId {
            contract: Address([1; 20]),
            receiver: Address([2; 20]),
            sender: Address([3; 20]),
            open_block: BlockNumber(7),
        };
        let expected = "http://a.example/pay/api/1/channels/0x0303030303030303030303030303030303030303/7";
        for root in ["http://a.example/pay/api/1", "http://a.example/pay/api/1/"] {
            assert_eq!(channel_url(&root.parse().unwrap(), &id).as_str(), expected);
        }
    }
}
