//! From the node's log entries to events.

use alloy::primitives::aliases::U192;
use alloy::rpc::types::Log;
use alloy::sol_types::{SolEvent, SolEventInterface};
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber, TokenAmount};

use super::contract::RaidenMicroTransferChannels::{
    ChannelCloseRequested, ChannelCreated, ChannelSettled, ChannelToppedUp, ChannelWithdraw,
    RaidenMicroTransferChannelsEvents as Event,
};
use crate::store::{ChainEvent, EventKind};

/// The topics of the events that are about a channel. The second topic of each is the sender, the third the receiver.
pub(super) const TOPICS: [alloy::primitives::B256; 5] = [
    ChannelCreated::SIGNATURE_HASH,
    ChannelToppedUp::SIGNATURE_HASH,
    ChannelCloseRequested::SIGNATURE_HASH,
    ChannelSettled::SIGNATURE_HASH,
    ChannelWithdraw::SIGNATURE_HASH,
];

/// Why a log entry is not what was asked for. Then nothing of the node's answer is believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLog {
    /// It has no place on the chain, or is marked as removed.
    #[error("a log entry without a place on the chain")]
    Unplaced,
    /// Two different ones have the same place.
    #[error("two log entries at place {log_index} of block {block}")]
    SamePlace {
        /// The block.
        block: u64,
        /// The place.
        log_index: u64,
    },
    /// It comes from another contract.
    #[error("a log entry of {found}, where only {asked} was asked for")]
    OtherContract {
        /// Whose entry it is.
        found: Address,
        /// Our contract.
        asked: Address,
    },
    /// It is about another receiver.
    #[error("an event of the receiver {found}, where only {asked} was asked for")]
    OtherReceiver {
        /// Whose event it is.
        found: Address,
        /// Our receiver.
        asked: Address,
    },
    /// It is not of the five kinds, or is misshapen.
    #[error("a log entry in block {block} that is no event of a channel: {reason}")]
    Unreadable {
        /// Where it stands.
        block: u64,
        /// Why.
        reason: String,
    },
    /// The contract cannot name such a block.
    #[error("an event in block {block}, above 4294967295")]
    BlockTooHigh {
        /// Where it stands.
        block: u64,
    },
}

/// Reads one log entry, and believes nothing of it that was not asked for.
pub(super) fn read(log: &Log, contract: Address, receiver: Address) -> Result<ChainEvent, BadLog> {
    let (Some(block), Some(block_hash), Some(log_index), Some(tx_hash), false) =
        (log.block_number, log.block_hash, log.log_index, log.transaction_hash, log.removed)
    else {
        return Err(BadLog::Unplaced);
    };
    let found = ours(log.address());
    if found != contract {
        return Err(BadLog::OtherContract { found, asked: contract });
    }
    let unreadable = |reason: String| BadLog::Unreadable { block, reason };
    let event = Event::decode_log(&log.inner).map_err(|error| unreadable(error.to_string()))?;
    // The event has no field for it: the open block is the block of the event.
    let own_block = u32::try_from(block).map_err(|_| BadLog::BlockTooHigh { block })?;
    let (kind, sender, to, open_block, units) = match event.data {
        Event::ChannelCreated(e) => {
            (EventKind::Opened, e._sender_address, e._receiver_address, own_block, e._deposit)
        }
        Event::ChannelToppedUp(e) => (
            EventKind::ToppedUp,
            e._sender_address,
            e._receiver_address,
            e._open_block_number,
            e._added_deposit,
        ),
        Event::ChannelCloseRequested(e) => (
            EventKind::CloseRequested,
            e._sender_address,
            e._receiver_address,
            e._open_block_number,
            e._balance,
        ),
        Event::ChannelSettled(e) => {
            (EventKind::Settled, e._sender_address, e._receiver_address, e._open_block_number, e._balance)
        }
        Event::ChannelWithdraw(e) => (
            EventKind::Withdrawn,
            e._sender_address,
            e._receiver_address,
            e._open_block_number,
            e._withdrawn_balance,
        ),
        Event::TrustedContract(_) => return Err(unreadable("an event TrustedContract".to_owned())),
    };
    let to = ours(to);
    if to != receiver {
        return Err(BadLog::OtherReceiver { found: to, asked: receiver });
    }
    Ok(ChainEvent {
        block,
        block_hash: block_hash.0,
        log_index,
        tx_hash: tx_hash.0,
        channel: ChannelKey { sender: ours(sender), open_block: BlockNumber(open_block) },
        kind,
        amount: amount(units),
    })
}

pub(super) fn ours(address: alloy::primitives::Address) -> Address {
    Address(address.into_array())
}

pub(super) fn amount(units: U192) -> TokenAmount {
    TokenAmount::from_be_bytes(units.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, LogData};

    use super::*;

    const CONTRACT: Address = Address([0xcc; 20]);
    const RECEIVER: Address = Address([0xbb; 20]);
    const SENDER: Address = Address([0xaa; 20]);

    fn log(data: LogData) -> Log {
        Log {
            inner: alloy::primitives::Log { address: CONTRACT.0.into(), data },
            block_hash: Some(B256::repeat_byte(7)),
            block_number: Some(12),
            transaction_hash: Some(B256::repeat_byte(8)),
            log_index: Some(3),
            ..Log::default()
        }
    }

    fn topped_up() -> LogData {
        ChannelToppedUp {
            _sender_address: SENDER.0.into(),
            _receiver_address: RECEIVER.0.into(),
            _open_block_number: 9,
            _added_deposit: U192::MAX,
        }
        .encode_log_data()
    }

    #[test]
    fn a_log_entry_becomes_an_event_of_its_channel() {
        let event = read(&log(topped_up()), CONTRACT, RECEIVER).unwrap();
        assert_eq!(
            event,
            ChainEvent {
                block: 12,
                block_hash: [7; 32],
                log_index: 3,
                tx_hash: [8; 32],
                channel: ChannelKey { sender: SENDER, open_block: BlockNumber(9) },
                kind: EventKind::ToppedUp,
                amount: TokenAmount::MAX,
            }
        );
    }

    #[test]
    fn an_opening_is_named_by_its_own_block() {
        let created = ChannelCreated {
            _sender_address: SENDER.0.into(),
            _receiver_address: RECEIVER.0.into(),
            _deposit: U192::from(5),
        };
        let event = read(&log(created.encode_log_data()), CONTRACT, RECEIVER).unwrap();
        assert_eq!((event.kind, event.channel.open_block), (EventKind::Opened, BlockNumber(12)));

        let high = Log { block_number: Some(1 << 32), ..log(created.encode_log_data()) };
        assert_eq!(read(&high, CONTRACT, RECEIVER), Err(BadLog::BlockTooHigh { block: 1 << 32 }));
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        let other = Address([1; 20]);
        assert_eq!(
            read(&log(topped_up()), other, RECEIVER),
            Err(BadLog::OtherContract { found: CONTRACT, asked: other })
        );
        assert_eq!(
            read(&log(topped_up()), CONTRACT, other),
            Err(BadLog::OtherReceiver { found: RECEIVER, asked: other })
        );
        for unplaced in [
            Log { block_hash: None, ..log(topped_up()) },
            Log { log_index: None, ..log(topped_up()) },
            Log { removed: true, ..log(topped_up()) },
        ] {
            assert_eq!(read(&unplaced, CONTRACT, RECEIVER), Err(BadLog::Unplaced));
        }
        let mut garbled = topped_up();
        garbled.data = garbled.data.slice(..31);
        assert!(matches!(read(&log(garbled), CONTRACT, RECEIVER), Err(BadLog::Unreadable { block: 12, .. })));
    }
}
