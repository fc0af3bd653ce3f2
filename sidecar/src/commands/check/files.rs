//! Whether the paywall in a configuration of Envoy is as it should be.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use uraiden_core::Address;
use uraiden_core::wire::Identity;

use super::super::End;
use super::super::admin::{Admin, AdminArgs};
use crate::envoy::{Document, Finding, Severity, check};

/// Tells what is wrong. Hints alone are no failure.
pub(super) async fn run(files: &[PathBuf], admin: &AdminArgs) -> Result<End> {
    let documents = files.iter().map(read).collect::<Result<Vec<_>>>()?;
    let served = match admin.admin_token_file {
        Some(_) => Some(served(&Admin::new(admin)?).await?),
        None => None,
    };
    let findings = check(&documents, served.as_ref());
    if admin.json {
        #[derive(Serialize)]
        struct Report<'a> {
            findings: &'a [Finding],
        }
        println!("{}", serde_json::to_string(&Report { findings: &findings })?);
    } else {
        tell(&findings);
    }
    let fine = findings.iter().all(|finding| finding.code.severity() == Severity::Hint);
    Ok(if fine { End::Done } else { End::Failed })
}

fn read(file: &PathBuf) -> Result<Document> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| name.clone())?;
    Document::parse(name.clone(), &text).with_context(|| format!("{name} is neither YAML nor JSON"))
}

/// What the running sidecar serves.
async fn served(admin: &Admin) -> Result<Identity> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Overview {
        chain_id: Option<u64>,
        contract: Address,
        receiver: Address,
        token: Token,
    }
    #[derive(Deserialize)]
    struct Token {
        address: Option<Address>,
    }
    let Overview { chain_id, contract, receiver, token } = admin.get("/admin/overview").await?;
    let why = "the sidecar has not reached its node yet, so it does not know its chain and token: try again";
    let (chain_id, token) = (chain_id.context(why)?, token.address.context(why)?);
    Ok(Identity { chain_id, contract, receiver, token })
}

fn tell(findings: &[Finding]) {
    for finding in findings {
        println!("{finding}\n");
    }
    let count = |severity| findings.iter().filter(|finding| finding.code.severity() == severity).count();
    let [errors, warnings, hints] = [Severity::Error, Severity::Warning, Severity::Hint].map(count);
    println!("errors: {errors}, warnings: {warnings}, hints: {hints}");
}
