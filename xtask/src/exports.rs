//! Takes exports away that Envoy would call for nothing.
//!
//! The SDK exports every callback there is, and Envoy calls each that a module exports, at every request. Where one is not
//! exported Envoy goes on by itself, as if it had answered "continue". docs/performance.md says what that saves.

use anyhow::{Context, Result, bail};
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};

/// Callbacks that the filter does not have, and the SDK's methods for them.
const UNUSED: [(&str, &str); 6] = [
    ("proxy_on_done", "on_done"),
    ("proxy_on_log", "on_log"),
    ("proxy_on_request_body", "on_http_request_body"),
    ("proxy_on_request_trailers", "on_http_request_trailers"),
    ("proxy_on_response_body", "on_http_response_body"),
    ("proxy_on_response_trailers", "on_http_response_trailers"),
];

/// The module without them.
///
/// # Errors
///
/// The bytes are no module.
pub(crate) fn without_unused(module: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.context("not a wasm module")?;
        if let Payload::ExportSection(exports) = payload {
            let mut section = ExportSection::new();
            for export in exports {
                let export = export.context("not an export")?;
                if UNUSED.iter().all(|(unused, _)| *unused != export.name) {
                    section.export(export.name, kind(export.kind)?, export.index);
                }
            }
            kept.section(&section);
        } else if let Some((id, range)) = payload.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = module.get(range).context("a section that ends behind the module")?;
            kept.section(&RawSection { id, data });
        }
    }
    Ok(kept.finish())
}

fn kind(kind: ExternalKind) -> Result<ExportKind> {
    Ok(match kind {
        ExternalKind::Func => ExportKind::Func,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Global => ExportKind::Global,
        other => bail!("an export of kind {other:?}, which Envoy does not know"),
    })
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{CodeSection, Function, FunctionSection, TypeSection};

    use super::*;

    fn module(exports: &[&str]) -> Vec<u8> {
        let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
        types.ty().function([], []);
        functions.function(0);
        let mut section = ExportSection::new();
        for name in exports {
            section.export(name, ExportKind::Func, 0);
        }
        let mut code = CodeSection::new();
        let mut body = Function::new([]);
        body.instructions().end();
        code.function(&body);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&section).section(&code);
        module.finish()
    }

    #[test]
    fn only_unused_callbacks_go_and_the_rest_stays_byte_for_byte() {
        let used = ["proxy_on_delete", "proxy_on_request_headers", "proxy_on_response_headers"];
        let unused = UNUSED.map(|(name, _)| name);
        let all = [&used[..1], &unused, &used[1..]].concat();
        assert_eq!(without_unused(&module(&all)).unwrap(), module(&used));
        assert_eq!(without_unused(&module(&used)).unwrap(), module(&used));
    }

    #[test]
    fn the_filter_has_none_of_them() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../src");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        let filter: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert!(filter.contains("fn on_http_request_headers("), "the callbacks are elsewhere now");
        for (export, method) in UNUSED {
            assert!(
                !filter.contains(&format!("fn {method}(")),
                "{export} is taken away, and {method} is not called"
            );
        }
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let module = module(&["proxy_on_log"]);
        assert!(without_unused(b"nothing").is_err());
        assert!(without_unused(&module[..module.len() - 1]).is_err());
    }
}
