// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {IERC223Receiver} from "../src/IERC223Receiver.sol";
import {TestToken} from "../src/TestToken.sol";
import {Fixture} from "./Fixture.sol";

/// The literals are by eth_utils 6.0 (Python). All other tests reach the deployed code by the selectors and topics that
/// are compared here, so the deployed code has them too.
contract InterfaceTest is Fixture {
    function test_it_has_the_selectors_that_another_library_computes() public pure {
        assertSelector(Channels.addTrustedContracts.selector, 0x8c76b4b7, "addTrustedContracts(address[])");
        assertSelector(Channels.challenge_period.selector, 0x0a00840c, "challenge_period()");
        assertSelector(
            Channels.channel_deposit_bugbounty_limit.selector, 0x6108b5ff, "channel_deposit_bugbounty_limit()"
        );
        assertSelector(Channels.channels.selector, 0x7a7ebd7b, "channels(bytes32)");
        assertSelector(Channels.closing_requests.selector, 0x77c13323, "closing_requests(bytes32)");
        assertSelector(
            Channels.cooperativeClose.selector, 0x1c6f609b, "cooperativeClose(address,uint32,uint192,bytes,bytes)"
        );
        assertSelector(Channels.createChannel.selector, 0xa6d15963, "createChannel(address,uint192)");
        assertSelector(
            Channels.createChannelDelegate.selector, 0xfcff5ed6, "createChannelDelegate(address,address,uint192)"
        );
        assertSelector(
            Channels.extractBalanceProofSignature.selector,
            0x1ac25e99,
            "extractBalanceProofSignature(address,uint32,uint192,bytes)"
        );
        assertSelector(
            Channels.extractClosingSignature.selector,
            0x1d8ceb44,
            "extractClosingSignature(address,uint32,uint192,bytes)"
        );
        assertSelector(Channels.getChannelInfo.selector, 0x0eba6b06, "getChannelInfo(address,address,uint32)");
        assertSelector(Channels.getKey.selector, 0x803c8383, "getKey(address,address,uint32)");
        assertSelector(Channels.owner_address.selector, 0x80edef8e, "owner_address()");
        assertSelector(Channels.removeTrustedContracts.selector, 0x1f52cc35, "removeTrustedContracts(address[])");
        assertSelector(Channels.settle.selector, 0x5a8e9d66, "settle(address,uint32)");
        assertSelector(Channels.token.selector, 0xfc0c546a, "token()");
        assertSelector(IERC223Receiver.tokenFallback.selector, 0xc0ee0b8a, "tokenFallback(address,uint256,bytes)");
        assertSelector(Channels.topUp.selector, 0x016a8cf6, "topUp(address,uint32,uint192)");
        assertSelector(Channels.topUpDelegate.selector, 0x79694f08, "topUpDelegate(address,address,uint32,uint192)");
        assertSelector(Channels.trusted_contracts.selector, 0x990030cc, "trusted_contracts(address)");
        assertSelector(Channels.uncooperativeClose.selector, 0x323cb59b, "uncooperativeClose(address,uint32,uint192)");
        assertSelector(Channels.version.selector, 0x54fd4d50, "version()");
        assertSelector(Channels.withdraw.selector, 0xa6b7fa36, "withdraw(uint32,uint192,bytes)");
        assertSelector(Channels.withdrawn_balances.selector, 0x22a3eab5, "withdrawn_balances(bytes32)");
    }

    function test_it_has_the_event_topics_that_another_library_computes() public pure {
        assertTopic(
            Channels.ChannelCloseRequested.selector,
            0x960e55a871be40c817ffd64e2117c513e42f047ccfdcbc5454e68dfc65e9a9b0,
            "ChannelCloseRequested(address,address,uint32,uint192)"
        );
        assertTopic(
            Channels.ChannelCreated.selector,
            0x986876e67d288f7b8bc5229976a1d5710be919feb66d2e1aec1bf3eadebba207,
            "ChannelCreated(address,address,uint192)"
        );
        assertTopic(
            Channels.ChannelSettled.selector,
            0x5f32714de7650ec742b858687d8db145623b99b0748db73df3ffc4d718867a8d,
            "ChannelSettled(address,address,uint32,uint192,uint192)"
        );
        assertTopic(
            Channels.ChannelToppedUp.selector,
            0x283bcbed58779cdfe40c216a69673863430a43dbf7fe557730c0498890e55126,
            "ChannelToppedUp(address,address,uint32,uint192)"
        );
        assertTopic(
            Channels.ChannelWithdraw.selector,
            0xe588a2bb9921c62e0da981f10952a3bb82216bf11a1f731da610fd2542eef27d,
            "ChannelWithdraw(address,address,uint32,uint192)"
        );
        assertTopic(
            Channels.TrustedContract.selector,
            0xe2ad9d0600e2a93ef46991efd2c22f65f9ebe472487cc7551647bc52d7932899,
            "TrustedContract(address,bool)"
        );
        assertTopic(
            TestToken.Transfer.selector,
            0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef,
            "Transfer(address,address,uint256)"
        );
        assertTopic(
            TestToken.Approval.selector,
            0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925,
            "Approval(address,address,uint256)"
        );
    }

    /// The two transfers, which have one name, are reached by literal selectors in gas.mjs.
    function test_it_has_the_selectors_of_the_test_token_that_another_library_computes() public view {
        assertSelector(token.totalSupply.selector, 0x18160ddd, "totalSupply()");
        assertSelector(token.balanceOf.selector, 0x70a08231, "balanceOf(address)");
        assertSelector(token.allowance.selector, 0xdd62ed3e, "allowance(address,address)");
        assertSelector(token.approve.selector, 0x095ea7b3, "approve(address,uint256)");
        assertSelector(token.transferFrom.selector, 0x23b872dd, "transferFrom(address,address,uint256)");
        assertSelector(token.name.selector, 0x06fdde03, "name()");
        assertSelector(token.symbol.selector, 0x95d89b41, "symbol()");
        assertSelector(token.decimals.selector, 0x313ce567, "decimals()");
    }

    function assertSelector(bytes4 ours, bytes4 theirs, string memory signature) internal pure {
        vm.assertEq(bytes32(ours), bytes32(theirs), signature);
    }

    function assertTopic(bytes32 ours, bytes32 theirs, string memory signature) internal pure {
        vm.assertEq(ours, theirs, signature);
    }
}
