//! What the contract would pay, asked by a call that changes nothing.

use alloy::primitives::aliases::U192;
use alloy::primitives::{Address as ChainAddress, Bytes};
use uraiden_core::BalanceProof;

use crate::DevChain;

alloy::sol! {
    #[sol(rpc)]
    interface Withdrawing {
        function withdraw(uint32 _open_block_number, uint192 _balance, bytes calldata _balance_msg_sig) external;
        function extractBalanceProofSignature(
            address _receiver_address,
            uint32 _open_block_number,
            uint192 _balance,
            bytes memory _balance_msg_sig
        ) external view returns (address);
    }
}

/// Asks the contract for the signer of a proof, and whether the receiver could withdraw by it now.
pub(super) async fn would_pay(chain: &DevChain, proof: &BalanceProof) -> Result<(), String> {
    let contract = Withdrawing::new(ChainAddress::from(proof.channel.contract.0), chain.chain().provider());
    let receiver = ChainAddress::from(proof.channel.receiver.0);
    let block = proof.channel.open_block.0;
    let balance = U192::from_be_bytes(proof.balance.to_be_bytes());
    let signature = Bytes::copy_from_slice(&proof.signature.to_bytes());
    let signer = contract
        .extractBalanceProofSignature(receiver, block, balance, signature.clone())
        .call()
        .await
        .map_err(|error| format!("extractBalanceProofSignature: {error}"))?;
    if signer.into_array() != proof.channel.sender.0 {
        return Err(format!("the contract takes the proof for one of {signer}"));
    }
    let withdrawal = contract.withdraw(block, balance, signature).from(receiver);
    withdrawal.call().await.map(|_| ()).map_err(|error| format!("withdraw: {error}"))
}
