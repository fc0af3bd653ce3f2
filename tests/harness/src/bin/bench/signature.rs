//! One signature check in Envoy, beside libsecp256k1's natively.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use serde_json::{Value, json};
use uraiden_core::digest::keccak256;
use uraiden_core::{Address, Signature};
use uraiden_harness::Meter;

use crate::report::Report;
use crate::rounds::minimum;

/// How many signers there are. The meter uses the first 64 where signers are few.
const SIGNERS: u32 = 2048;

/// How many signatures a native sample checks.
const BATCH: usize = 64;

/// How often everyone signs before anything is measured: until all tables are made, the largest too.
const WARM_UP: u32 = 64;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds, in each of which everything is measured once
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The module that times checks in Envoy
    #[arg(long, env = "URAIDEN_METER")]
    meter: PathBuf,
}

pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("signature");
    let native = Secp256k1::new();
    let cases: Vec<Case> = (0..SIGNERS).map(|number| Case::new(&native, number)).collect::<Result<_>>()?;
    let list: Value = cases.iter().map(Case::to_json).collect();
    let meter = Meter::start(&options.meter, &list).await?;
    for _ in 0..WARM_UP {
        meter.ask("/few").await?;
        meter.ask("/many").await?;
    }
    let few = &cases[..BATCH];
    let (mut repeat, mut first, mut many) = (Vec::new(), Vec::new(), Vec::new());
    let (mut verify, mut own_first) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        repeat.push(meter.ask("/few").await?);
        verify.push(time(few, |case| case.verify(&native))?);
        first.push(meter.ask("/first").await?);
        verify.push(time(few, |case| case.verify(&native))?);
        many.push(meter.ask("/many").await?);
        own_first.push(time(few, |case| case.ours.signer(&case.digest) == Some(case.signer))?);
    }
    let verify = minimum(&verify)?;
    let (repeat, first, many) = (minimum(&repeat)?, minimum(&first)?, minimum(&many)?);
    report.figure("native_verify_us", verify, "µs");
    report.figure("repeat_us", repeat, "µs");
    report.at_most("repeat_ratio", repeat / verify, "", 0.97);
    report.figure("first_us", first, "µs");
    report.at_most("first_ratio", first / verify, "", 2.7);
    report.figure("repeat_2048_signers_us", many, "µs");
    report.at_most("repeat_2048_signers_ratio", many / verify, "", 1.5);
    report.figure("bytes_per_signer", meter.ask("/bytes").await?, "bytes");
    report.figure("first_native_us", minimum(&own_first)?, "µs");
    Ok(report)
}

/// Microseconds that libsecp256k1 takes to check a signature by a known key, natively.
pub(crate) fn native_verify_us() -> Result<f64> {
    let native = Secp256k1::new();
    let cases: Vec<Case> = (0..64).map(|number| Case::new(&native, number)).collect::<Result<_>>()?;
    let samples: Vec<f64> =
        (0..32).map(|_| time(&cases, |case| case.verify(&native))).collect::<Result<_>>()?;
    minimum(&samples)
}

/// A signature in both libraries' types.
struct Case {
    digest: [u8; 32],
    ours: Signature,
    signer: Address,
    theirs: secp256k1::ecdsa::Signature,
    key: PublicKey,
}

impl Case {
    /// Signer and digest of this number.
    fn new(native: &Secp256k1<secp256k1::All>, number: u32) -> Result<Self> {
        let secret = SecretKey::from_byte_array(keccak256(&[b"signer", &number.to_be_bytes()]))?;
        let digest = keccak256(&[b"digest", &number.to_be_bytes()]);
        let recoverable = native.sign_ecdsa_recoverable(Message::from_digest(digest), &secret);
        let (id, bytes) = recoverable.serialize_compact();
        let v = u8::try_from(i32::from(id))?;
        let ours = Signature::from_bytes(&[&bytes[..], &[v]].concat())?;
        let signer = ours.signer(&digest).context("a good signature has no signer")?;
        let key = PublicKey::from_secret_key(native, &secret);
        Ok(Self { digest, ours, signer, theirs: recoverable.to_standard(), key })
    }

    fn to_json(&self) -> Value {
        json!({ "address": self.signer, "digest": hex::encode(self.digest), "signature": self.ours })
    }

    fn verify(&self, native: &Secp256k1<secp256k1::All>) -> bool {
        native.verify_ecdsa(Message::from_digest(self.digest), &self.theirs, &self.key).is_ok()
    }
}

/// Microseconds per case.
fn time(cases: &[Case], mut check: impl FnMut(&Case) -> bool) -> Result<f64> {
    let start = Instant::now();
    let all_good = cases.iter().all(|case| black_box(check(case)));
    let spent = start.elapsed();
    ensure!(all_good, "a good signature was refused");
    Ok(spent.as_secs_f64() * 1e6 / cases.len() as f64)
}
