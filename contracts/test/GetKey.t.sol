// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";

contract GetKeyTest is Fixture {
    /// The keys are by eth_utils 6.0 (Python).
    function test_it_is_the_packed_hash_as_another_library_computes_it() public view {
        address from = 0x70997970C51812dc3A010C7d01b50e0d17dc79C8;
        address to = 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC;
        vm.assertEq(
            channels.getKey(from, to, 1), 0x41c30733037672607e669a9e5ea468a18647442549beb094c11e4291d61ec15a, "block 1"
        );
        vm.assertEq(
            channels.getKey(from, to, 0xf1e2d3c4),
            0xd4f2727cdfc8f23dde93e98d92d59848fbaf5ef7a34975062a8888d76d2cfc59,
            "block 0xf1e2d3c4"
        );
        vm.assertEq(
            channels.getKey(from, to, 0xffffffff),
            0x09e6974489daa74120cc7a22859a467becaa1a244eb25a47a94f0a6fda8b6e47,
            "the last block"
        );
    }

    function test_it_differs_where_sender_or_receiver_or_open_block_does(address one, address two, uint32 openBlock)
        public
        view
    {
        vm.assume(one != two);
        bytes32 key = channels.getKey(one, two, openBlock);
        vm.assertTrue(key != channels.getKey(two, one, openBlock), "the other way round");
        vm.assertTrue(key != channels.getKey(two, two, openBlock), "another sender");
        vm.assertTrue(key != channels.getKey(one, one, openBlock), "another receiver");
        vm.assertTrue(key != channels.getKey(one, two, openBlock ^ 1), "another open block");
    }
}
