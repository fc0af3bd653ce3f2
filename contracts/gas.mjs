// What each call costs: the gas of whole transactions (the 21,000 and the calldata included) with the committed
// artefacts on a fresh anvil, where every transaction has a block of its own.
//
//   node contracts/gas.mjs           fails where a figure is above its limit, or not what gas.json and docs/contract.md say
//   node contracts/gas.mjs --write   writes the figures into both

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { startAnvil } from "./anvil.mjs";
import { contracts } from "./tools.mjs";

const snapshotFile = path.join(contracts, "gas.json");
const docsFile = path.join(contracts, "..", "docs", "contract.md");

// The selectors in this file are by eth_utils 6.0 (Python), the signatures by eth_keys 0.8.
//
// anvil's first development accounts, and the addresses of the first two contracts of the first of them.
const deployer = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const sender = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
const receiver = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";
const token = "0x5fbdb2315678afecb367f032d93f642f64180aa3";
const channels = "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512";

const challengePeriod = 500;

/** The gas limits that the original clients send: the Python client always the first, the page the others. */
const clientLimits = { any: 130_000, open: 100_000, topUp: 70_000 };

/**
 * One transaction. Where `name` is given its gas is a figure of the table, which must not exceed `limit`: what version
 * 0.2.0 with its own token was seen to use on the same node. It is sent with the gas limit of the original clients,
 * unless `gas` is another.
 *
 * @typedef {{ name?: string, limit?: number, from: string, to?: string, data: string, gas?: number }} Step
 */

/**
 * The transactions in order. The first is in block 1, the next in block 2, and so on: the open blocks below, and the
 * signatures over them, count on it.
 *
 * @returns {Step[]}
 */
function steps() {
  return [
    deploy("TestToken", 10n ** 24n, 96n, 160n, 4n, text("Test"), 3n, text("TST")),
    deploy("RaidenMicroTransferChannels", token, challengePeriod, 96n, 0n),
    { from: deployer, to: token, data: "0xa9059cbb" + words(sender, 1000n) }, // transfer
    // Block 4: the contract holds nothing yet.
    { name: "open by ERC-223, the contract's first tokens", limit: 88_188, ...open(30n) },
    { name: "open by ERC-223", limit: 88_188, ...open(30n) },
    { name: "top up by ERC-223", limit: 54_669, ...topUp(5, 30n) },
    { from: sender, to: token, data: "0x095ea7b3" + words(channels, 1000n) }, // approve
    // Block 8.
    { name: "open by ERC-20, after approve", from: sender, to: channels, data: "0xa6d15963" + words(receiver, 30n) },
    { name: "top up by ERC-20, after approve", from: sender, to: channels, data: "0x016a8cf6" + words(receiver, 8, 30n) },
    { name: "cooperativeClose, the receiver's first tokens", limit: 83_329, ...cooperativeClose(4, 9n) },
    { name: "cooperativeClose", limit: 64_246, ...cooperativeClose(5, 9n) },
    { name: "withdraw", ...withdraw(8, 9n) },
    // Block 13.
    open(30n),
    { name: "cooperativeClose after a withdrawal", limit: 64_246, ...cooperativeClose(8, 20n) },
    { name: "uncooperativeClose at 0", limit: 52_740, ...uncooperativeClose(13, 0n) },
    { name: "cooperativeClose as a challenge", limit: 64_246, ...cooperativeClose(13, 9n) },
    // Block 17.
    open(30n),
    { name: "uncooperativeClose at 9", limit: 52_740, ...uncooperativeClose(17, 9n) },
    { name: "settle", from: sender, to: channels, data: "0x5a8e9d66" + words(receiver, 17) },
  ];
}

function deploy(contractName, ...args) {
  const file = path.join(contracts, "artifacts", `${contractName}.json`);
  return { from: deployer, data: JSON.parse(readFileSync(file, "utf8")).bytecode + words(...args), gas: 5_000_000 };
}

function open(deposit) {
  return { ...erc223(deposit, sender.slice(2) + receiver.slice(2)), gas: clientLimits.open };
}

function topUp(block, added) {
  return { ...erc223(added, sender.slice(2) + receiver.slice(2) + words(block).slice(-8)), gas: clientLimits.topUp };
}

function erc223(amount, data) {
  return { from: sender, to: token, data: "0xbe45fd62" + words(channels, amount, 96n) + bytes(data) };
}

function uncooperativeClose(block, balance) {
  return { from: sender, to: channels, data: "0x323cb59b" + words(receiver, block, balance) };
}

function withdraw(block, balance) {
  const { proof } = signed[`${block}: ${balance}`];
  return { from: receiver, to: channels, data: "0xa6b7fa36" + words(block, balance, 96n) + bytes(proof) };
}

function cooperativeClose(block, balance) {
  const { proof, closing } = signed[`${block}: ${balance}`];
  const head = words(receiver, block, balance, 160n, 288n);
  return { from: sender, to: channels, data: "0x1c6f609b" + head + bytes(proof) + bytes(closing) };
}

/** "open block: balance", signed with the development keys of sender and receiver. */
const signed = {
  "4: 9": {
    proof:
      "a9abef978e6f7c251e16fb163cfbfa7f329cc0638558e95c684cc03f6fbcd5d00d3007739042bd05039afc88730471d1a2bcc8536aa9806de155e88727d037161b",
    closing:
      "26c202338fcb64a9774118776c0ffcb81a59687baad2b65c2dba7a4ebfea0dce0a188c62e7f547ec4e8a7fe8b0aed3db092ef6c8dcd73b968f585303ddb7eba11b",
  },
  "5: 9": {
    proof:
      "e6188693509412094b35eff99333955ab83cfa7213c722bc64e1a2fe056845186ce0682ee36e260572fe4555fc60b82b32343a92bc16ffcb9fe7530935b640ec1c",
    closing:
      "81ed793848c299c40895f665e56c1aa8bd83d8b504887de52611087b49a3eb186e4270648094e0243598b0ef0cd77a9a0207955885117ee7ba0ddae5621bf7e01b",
  },
  "8: 9": {
    proof:
      "d7543e187ebd777b8fc4633076ba4f55145d9d8b5d26dd3caf56f9e6091b5b4879520f33374ef24a3a85486b844eb7e08b64e9ac09098205b49bbcb7e9aee6dc1b",
  },
  "8: 20": {
    proof:
      "f4d7fc5c926b60695fc679b9a97ad7fc5fb75211f828a3f72987640ab5ed58f7178a581859d7f8e4496960b9ca6f1974b68e0b5f8a29c2888b0d9d34397c4e971b",
    closing:
      "6f3b286c149a01d0cf90120edf659bef8460db5debd767129599b7cd90fe14410d0a70d6666c1e888230039cc00fef005ca7951fe9351b8aadcf77b81f99ab031c",
  },
  "13: 9": {
    proof:
      "24f0b777c768033e8481b467179ca973c052ba614593fdaf6019b9b7ce55c71d4df5a7ef897c4c0c83ccedf3ff0bb00401fcae44cbb33e33d1d5e841c1b9b5421c",
    closing:
      "f264db9dc5942098df4fc2676b44ca103af53d13d3c65106a461f21fdaa02ca971f90515e09353b9ff6962f0edb6dcbfd0f5bbc7f1672bb4186ea361871c6feb1c",
  },
};

/** ABI words of numbers and addresses, without 0x. */
function words(...values) {
  return values.map((value) => BigInt(value).toString(16).padStart(64, "0")).join("");
}

/** ABI bytes: the length in front, zeros behind. */
function bytes(hex) {
  return words(hex.length / 2) + hex.padEnd(Math.ceil(hex.length / 64) * 64, "0");
}

/** A short text as the number whose word shows it from the left. */
function text(string) {
  return BigInt(`0x${Buffer.from(string).toString("hex").padEnd(64, "0")}`);
}

/**
 * Runs all steps.
 *
 * @returns {Promise<{ name: string, limit?: number, gas: number }[]>}
 * @throws {Error} Names the step that did not succeed.
 */
async function measure() {
  const anvil = await startAnvil();
  try {
    const figures = [];
    for (const { name, limit, gas = clientLimits.any, ...call } of steps()) {
      if (name === "settle") await anvil.rpc("anvil_mine", `0x${challengePeriod.toString(16)}`);
      const hash = await anvil.rpc("eth_sendTransaction", { ...call, gas: `0x${gas.toString(16)}` });
      await anvil.rpc("evm_mine");
      const { status, gasUsed } = await anvil.rpc("eth_getTransactionReceipt", hash);
      if (status !== "0x1") throw new Error(`${name ?? call.data.slice(0, 10)}: reverted, or out of its ${gas} gas`);
      if (name) figures.push({ name, limit, gas: Number(gasUsed) });
    }
    return figures;
  } finally {
    anvil.stop();
  }
}

function table(figures) {
  const number = (value) => (value === undefined ? "" : value.toLocaleString("en-US"));
  const rows = figures.map(({ name, limit, gas }) => `| ${name} | ${number(gas)} | ${number(limit)} |`);
  return ["| call | gas | at most |", "| --- | ---: | ---: |", ...rows].join("\n");
}

function snapshot(figures) {
  return `${JSON.stringify(Object.fromEntries(figures.map(({ name, gas }) => [name, gas])), null, 2)}\n`;
}

const tableInDocs = /(?<=<!-- gas -->\n)[^]*?(?=\n<!-- \/gas -->)/;

const figures = await measure();
const faults = figures
  .filter(({ limit, gas }) => gas > limit)
  .map(({ name, limit, gas }) => `${name}: ${gas} gas, at most ${limit}`);

if (process.argv[2] === "--write") {
  writeFileSync(snapshotFile, snapshot(figures));
  writeFileSync(docsFile, readFileSync(docsFile, "utf8").replace(tableInDocs, table(figures)));
} else {
  if (readFileSync(snapshotFile, "utf8") !== snapshot(figures)) faults.push("contracts/gas.json is out of date");
  if (tableInDocs.exec(readFileSync(docsFile, "utf8"))?.[0] !== table(figures)) faults.push("docs/contract.md is out of date");
}

console.log(table(figures));
if (faults.length > 0) {
  console.error(`${faults.join("\n")}\n(node contracts/gas.mjs --write records the figures)`);
  process.exitCode = 1;
}
