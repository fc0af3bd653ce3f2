// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "./IRaidenMicroTransferChannels.sol";

/// @title What sender and receiver sign, and who has signed it
/// @dev Both digests are typed data as wallets signed it before EIP-712 was final: the hash of the names, followed by
/// the hash of the values, each packed without separators. They name the contract but not the chain.
library Signatures {
    bytes32 private constant BALANCE_PROOF_NAMES =
        keccak256("string message_id" "address receiver" "uint32 block_created" "uint192 balance" "address contract");

    bytes32 private constant CLOSING_NAMES =
        keccak256("string message_id" "address sender" "uint32 block_created" "uint192 balance" "address contract");

    /// @notice The digest of a balance proof for this contract.
    /// @param receiver Who is paid.
    /// @param openBlock The block that the channel was opened in.
    /// @param balance The total signed over to the receiver.
    function balanceProofDigest(address receiver, uint32 openBlock, uint192 balance) internal view returns (bytes32) {
        bytes32 values =
            keccak256(abi.encodePacked("Sender balance proof signature", receiver, openBlock, balance, address(this)));
        return keccak256(abi.encodePacked(BALANCE_PROOF_NAMES, values));
    }

    /// @notice The digest of a closing signature for this contract.
    /// @param sender Who pays.
    /// @param openBlock The block that the channel was opened in.
    /// @param balance The total that the channel is to be closed at.
    function closingDigest(address sender, uint32 openBlock, uint192 balance) internal view returns (bytes32) {
        bytes32 values =
            keccak256(abi.encodePacked("Receiver closing signature", sender, openBlock, balance, address(this)));
        return keccak256(abi.encodePacked(CLOSING_NAMES, values));
    }

    /// @notice The account whose key made `signature` over `digest`; never the zero address.
    /// @dev A signature and its twin with the other s name the same signer, and both are accepted: nothing here
    /// is identified by its signature.
    /// @param digest What was signed.
    /// @param signature r[32] s[32] v[1], where v is 27 or 28, or 0 or 1 for the same.
    function signer(bytes32 digest, bytes calldata signature) internal pure returns (address account) {
        if (signature.length != 65) revert Channels.BadSignatureLength(signature.length);
        uint8 v = uint8(signature[64]);
        if (v != 0 && v != 1 && v != 27 && v != 28) revert Channels.BadSignatureV(v);
        account = ecrecover(digest, v < 27 ? v + 27 : v, bytes32(signature[:32]), bytes32(signature[32:64]));
        // `ecrecover` answers zero for a signature that no key can have made.
        if (account == address(0)) revert Channels.NoSigner(digest);
    }
}
