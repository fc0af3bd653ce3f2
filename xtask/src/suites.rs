//! The table of suites: what each needs, how it runs and how long it may take.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::build;
use crate::image;
use crate::process;
use crate::repo::Repo;
use crate::tools::{self, Tool};

/// One row of the table.
pub(crate) struct Suite {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it proves, in a line.
    pub(crate) proves: &'static str,
    /// How long it may take on two cores, in minutes. More is marked in the table of times.
    pub(crate) budget: u32,
    /// What has to be on the machine.
    pub(crate) tools: &'static [Tool],
    /// Whether it runs against our own filter, sidecar and harness, which are then built first.
    pub(crate) parts: bool,
    /// What to run, in this order.
    pub(crate) steps: fn(&Repo) -> Result<Vec<Step>>,
}

/// One program that a suite runs. The next one runs also if it fails, except after a build.
pub(crate) enum Step {
    /// Has to end well, or the next steps would test what was there before.
    Build(Command),
    /// Has to end well.
    Check(Command),
    /// Has to end well and says how many tests it ran ([`crate::counts`] knows how).
    Tests(Command),
    /// The fuzz targets, each of which counts as a test.
    Fuzz,
}

/// All suites, in the order in which they run.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "lint",
        proves: "house rules, format, clippy without a warning, xtask's own tests",
        budget: 5,
        tools: &[Tool::WasmTarget],
        parts: false,
        steps: lint,
    },
    Suite {
        name: "core",
        proves: "the rules of money, by example and by property",
        budget: 1,
        tools: &[],
        parts: false,
        steps: core,
    },
    Suite {
        name: "vectors",
        proves: "signatures and digests made by others, natively and in wasm's 32-bit arithmetic",
        budget: 1,
        tools: &[Tool::Node, Tool::WasmTarget],
        parts: false,
        steps: vectors,
    },
    Suite {
        name: "fuzz",
        proves: "what no input may do to the parsers and the gate, ten seconds each (--seconds N for more)",
        budget: 5,
        tools: &[Tool::CargoFuzz],
        parts: false,
        steps: fuzz,
    },
    Suite {
        name: "signature",
        proves: "the fast check against k256: in 64 and 32 bits, with sizes checked, and in wasm",
        budget: 6,
        tools: &[Tool::Node, Tool::WasmTarget],
        parts: false,
        steps: signature,
    },
    Suite {
        name: "contract",
        proves: "the channel contract, and that its artefacts are what the source compiles to",
        budget: 3,
        tools: &[Tool::Node, Tool::Npm],
        parts: false,
        steps: contract,
    },
    Suite {
        name: "http",
        proves: "the HTTP protocol against the real Envoy, the newest and the oldest that is supported",
        budget: 4,
        tools: &[Tool::WasmTarget, Tool::Npm, Tool::Envoy, Tool::OldestEnvoy],
        parts: true,
        steps: http,
    },
    Suite {
        name: "ledger",
        proves: "the rules of money in any order of events, by a model of the ledger (--seed)",
        budget: 3,
        tools: build::STACK_TOOLS,
        parts: true,
        steps: ledger,
    },
    Suite {
        name: "chain",
        proves: "the sidecar's and the client's own tests, and channels on a real chain",
        budget: 4,
        tools: build::STACK_TOOLS,
        parts: true,
        steps: chain,
    },
    Suite {
        name: "faults",
        proves: "that nothing is lost, doubled or taken for nothing while parts break under load",
        budget: 5,
        tools: build::STACK_TOOLS,
        parts: true,
        steps: faults,
    },
    Suite {
        name: "postgres",
        proves: "the ledger on PostgreSQL: its own tests there, standbys, failovers, and every fault with real servers",
        budget: 5,
        tools: &[Tool::WasmTarget, Tool::Npm, Tool::Envoy, Tool::Postgres],
        parts: true,
        steps: postgres,
    },
    Suite {
        name: "python",
        proves: "the Python client, its types and its wheel, against hostile servers and the real stack",
        budget: 4,
        tools: build::STACK_TOOLS,
        parts: true,
        steps: python,
    },
    Suite {
        name: "web",
        proves: "the TypeScript client, its bundle and vectors, and the pages in a real browser against the real stack",
        budget: 5,
        tools: &[Tool::WasmTarget, Tool::Npm, Tool::Envoy, Tool::Chromium],
        parts: true,
        steps: web,
    },
    Suite {
        name: "deploy",
        proves: "what operators copy: images, manifests, configurations on both Envoys, the documents' commands",
        budget: 3,
        tools: &[
            Tool::WasmTarget,
            Tool::Npm,
            Tool::Envoy,
            Tool::OldestEnvoy,
            Tool::Python,
            Tool::Node,
            Tool::Hadolint,
            Tool::Manifests,
            Tool::Commands,
            Tool::Namespaces,
        ],
        parts: true,
        steps: deploy,
    },
];

fn lint(repo: &Repo) -> Result<Vec<Step>> {
    let mut tidy = process::command(std::env::current_exe().context("where xtask is")?, &repo.root);
    tidy.arg("tidy");
    let mut format = process::cargo(&repo.root);
    format.args(["fmt", "--all", "--check"]);
    let mut native = process::cargo(&repo.root);
    native.args([
        "clippy",
        "--workspace",
        "--exclude",
        "uraiden-filter",
        "--exclude",
        "uraiden-meter",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    let mut filter = process::wasm_cargo(&repo.root);
    filter.args([
        "clippy",
        "--package",
        "uraiden-filter",
        "--package",
        "uraiden-meter",
        "--target",
        "wasm32-wasip1",
        "--",
        "-D",
        "warnings",
    ]);
    let mut own = process::cargo(&repo.root);
    own.args(["test", "--package", "xtask"]);
    Ok(vec![
        Step::Tests(tidy),
        Step::Check(format),
        Step::Check(native),
        Step::Check(filter),
        Step::Tests(own),
    ])
}

fn core(repo: &Repo) -> Result<Vec<Step>> {
    let mut tests = process::cargo(&repo.root);
    tests.args(["test", "--no-fail-fast", "--package", "uraiden-core"]);
    Ok(vec![Step::Tests(tests)])
}

fn vectors(repo: &Repo) -> Result<Vec<Step>> {
    const FOLDER: &str = "tests/vectors";
    const PROGRAM: [&str; 2] = ["--example", "vectors"];
    let files = json_files(&repo.root, FOLDER)?;

    let mut native = process::cargo(&repo.root);
    native.args(["run", "--quiet", "--package", "uraiden-core"]).args(PROGRAM).arg("--").args(&files);
    let mut build = build::cargo_wasm(repo, "uraiden-core");
    build.args(PROGRAM);
    let mut wasm = process::command("node", &repo.root);
    wasm.args(["--no-warnings", "xtask/tools/wasi.mjs"])
        .arg(repo.wasm("examples/vectors.wasm"))
        .arg(FOLDER)
        .args(&files);
    Ok(vec![Step::Tests(native), Step::Build(build), Step::Tests(wasm)])
}

fn fuzz(repo: &Repo) -> Result<Vec<Step>> {
    let mut fixture = process::cargo(&repo.root);
    fixture.args(["test", "--package", "uraiden-fuzz", "--lib"]);
    Ok(vec![Step::Tests(fixture), Step::Fuzz])
}

fn signature(repo: &Repo) -> Result<Vec<Step>> {
    const TESTS: [&str; 5] = ["test", "--no-fail-fast", "--package", "uraiden-core", "--lib"];
    const ONLY: &str = "curve::";
    let mut checked = process::cargo(&repo.root);
    checked.args(TESTS).arg(ONLY);
    // Envoy's arithmetic natively, with its sizes checked. Flags rebuild everything, so it has a folder of its own.
    let mut narrow = process::cargo(&repo.root);
    narrow.args(TESTS).arg(ONLY).env("RUSTFLAGS", "--cfg cpubits=\"32\"");
    narrow.arg("--target-dir").arg(repo.target.join("cpubits-32"));
    let mut wasm = process::wasm_cargo(&repo.root);
    let runner = repo.root.join("xtask/tools/wasi.mjs");
    wasm.args(TESTS)
        .env("CARGO_TARGET_WASM32_WASIP1_RUNNER", format!("node --no-warnings {}", runner.display()))
        .args(["--profile", "wasm", "--target", "wasm32-wasip1", "--"])
        // The program's folder, though it reads no file.
        .arg(repo.root.join("tests/vectors"))
        .arg(ONLY);
    Ok(vec![Step::Tests(checked), Step::Tests(narrow), Step::Tests(wasm)])
}

fn contract(repo: &Repo) -> Result<Vec<Step>> {
    let mut script = process::command("node", &repo.root);
    script.arg("contracts/test.mjs").envs(build::environment(repo));
    Ok(vec![Step::Tests(script)])
}

fn http(repo: &Repo) -> Result<Vec<Step>> {
    let newest = scenes(repo, &["--test", "http"]);
    let mut oldest = scenes(repo, &["--test", "http"]);
    oldest.env("URAIDEN_ENVOY", tools::oldest_envoy(repo));
    Ok(vec![Step::Build(build::cargo_crashing_filter(repo)), Step::Tests(newest), Step::Tests(oldest)])
}

fn ledger(repo: &Repo) -> Result<Vec<Step>> {
    Ok(vec![Step::Tests(scenes(repo, &["--test", "ledger"]))])
}

fn chain(repo: &Repo) -> Result<Vec<Step>> {
    Ok(vec![Step::Tests(scenes(repo, &["--lib", "--bins", "--test", "sidecar", "--test", "chain"]))])
}

fn faults(repo: &Repo) -> Result<Vec<Step>> {
    let mut tests = scenes(repo, &["--test", "faults"]);
    // The auditor's tables are worth reading. Two scenes at a time: more would measure how busy the machine is.
    tests.args(["--", "--nocapture", "--test-threads", "2"]);
    Ok(vec![Step::Build(build::cargo_crashing_filter(repo)), Step::Tests(tests)])
}

fn postgres(repo: &Repo) -> Result<Vec<Step>> {
    // The ledger's own tests, by what a server takes for granted where a transaction says nothing.
    let on_server = |isolation: &str, targets: &[&str]| {
        let mut tests = process::command(repo.program("with-postgres"), &repo.root);
        tests.arg("--setting").arg(format!("default_transaction_isolation = '{isolation}'"));
        let cargo = scenes(repo, targets);
        tests.arg("--").arg(cargo.get_program()).args(cargo.get_args()).envs(build::environment(repo));
        tests.env("URAIDEN_RUNS", "80");
        Step::Tests(tests)
    };
    let ledger = ["--test", "ledger-in-postgres", "--test", "ledger"];
    let mut tests = scenes(repo, &["--test", "postgres"]);
    // Most of their time these scenes wait for servers and leases.
    tests.args(["--", "--nocapture", "--test-threads", "3"]);
    Ok(vec![
        Step::Build(build::cargo_crashing_filter(repo)),
        on_server("read committed", &ledger),
        on_server("serializable", &ledger),
        Step::Tests(tests),
    ])
}

fn python(repo: &Repo) -> Result<Vec<Step>> {
    let mut script = process::command("python3", &repo.root);
    script.arg("clients/python/run_tests.py").envs(build::environment(repo));
    Ok(vec![Step::Tests(script)])
}

fn web(repo: &Repo) -> Result<Vec<Step>> {
    let mut script = process::command("node", &repo.root);
    script
        .arg("clients/web/run-tests.mjs")
        .envs(build::environment(repo))
        .env("CHROMIUM", tools::chromium())
        .env("URAIDEN_STACK_COMMAND", repo.program("stack"));
    Ok(vec![Step::Tests(script)])
}

fn deploy(repo: &Repo) -> Result<Vec<Step>> {
    let xtask = std::env::current_exe().context("where xtask is")?;
    let mut image = process::command(&xtask, &repo.root);
    image.arg("image");
    let mut newest = scenes(repo, &["--test", "deploy"]);
    let mut oldest = scenes(repo, &["--test", "deploy"]);
    // Only what starts Envoy.
    oldest.args(["--", "envoys::"]);
    for test in [&mut newest, &mut oldest] {
        test.env("URAIDEN_XTASK", &xtask)
            .env("URAIDEN_IMAGE", image::layout(repo))
            .env("URAIDEN_HADOLINT", tools::hadolint(repo))
            .env("URAIDEN_KUBECTL", tools::kubectl(repo))
            .env("URAIDEN_MODELS", tools::models(repo));
    }
    oldest.env("URAIDEN_ENVOY", tools::oldest_envoy(repo));
    Ok(vec![Step::Build(image), Step::Tests(newest), Step::Tests(oldest)])
}

/// `cargo test` on the native packages, with what the harness needs to know.
fn scenes(repo: &Repo, targets: &[&str]) -> Command {
    let mut tests = build::cargo_native(repo, "test");
    tests.arg("--no-fail-fast").args(targets).envs(build::environment(repo));
    tests
}

/// The JSON files of a folder, as paths from the root, sorted.
fn json_files(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            files.push(format!("{folder}/{name}"));
        }
    }
    files.sort();
    Ok(files)
}
