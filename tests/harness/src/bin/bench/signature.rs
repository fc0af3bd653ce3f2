//! One signature check, beside libsecp256k1's.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use uraiden_core::{Address, Signature};

use crate::report::Report;
use crate::rounds::minimum;

/// How many signatures one sample checks.
const BATCH: u8 = 64;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds, in each of which everything is measured once
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

pub(crate) fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("signature");
    let native = Secp256k1::new();
    let cases: Vec<Case> = (1..=BATCH).map(|seed| Case::new(&native, seed)).collect::<Result<_>>()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        ours.push(time(&cases, |case| case.ours.signer(&case.digest) == Some(case.signer))?);
        let verified = |case: &Case| {
            let message = Message::from_digest(case.digest);
            native.verify_ecdsa(message, &case.theirs, &case.key).is_ok()
        };
        theirs.push(time(&cases, verified)?);
    }
    let (ours, theirs) = (minimum(&ours)?, minimum(&theirs)?);
    report.figure("first_native_us", ours, "µs");
    report.figure("native_verify_us", theirs, "µs");
    report.at_most("native_ratio", ours / theirs, "", 2.7);
    Ok(report)
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
    fn new(native: &Secp256k1<secp256k1::All>, seed: u8) -> Result<Self> {
        let secret = SecretKey::from_byte_array([seed; 32])?;
        let digest = [seed.wrapping_mul(31); 32];
        let recoverable = native.sign_ecdsa_recoverable(Message::from_digest(digest), &secret);
        let (id, bytes) = recoverable.serialize_compact();
        let v = u8::try_from(i32::from(id))?;
        let ours = Signature::from_bytes(&[&bytes[..], &[v]].concat())?;
        let signer = ours.signer(&digest).context("a good signature has no signer")?;
        let key = PublicKey::from_secret_key(native, &secret);
        Ok(Self { digest, ours, signer, theirs: recoverable.to_standard(), key })
    }
}

/// Microseconds per case.
fn time(cases: &[Case], mut check: impl FnMut(&Case) -> bool) -> Result<f64> {
    let start = Instant::now();
    let all_good = cases.iter().all(|case| black_box(check(case)));
    let spent = start.elapsed();
    anyhow::ensure!(all_good, "a good signature was refused");
    Ok(spent.as_secs_f64() * 1e6 / f64::from(BATCH))
}
