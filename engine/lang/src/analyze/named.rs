//! `moved`, `removed` and `import` against what is declared.

use crate::codes;
use crate::eval::names::undeclared_resource_in;
use addrs::{ModulePath, ResourceAddr};
use config::{Config, Module, Named};
use diags::{Diagnostic, Diagnostics, Span};

pub(super) fn check(config: &Config, path: &ModulePath, module: &Module, told: &mut Diagnostics) {
    for moved in &module.moved {
        // An instance, or all of what now has keys, may move within its block.
        let within = moved.from.is_within(&moved.to);
        if let Some(span) = declared(config, path, &moved.from).filter(|_| !within) {
            told.push(still(&moved.from, span, "moved", "Rename or remove the block."));
        }
    }
    for removed in &module.removed {
        if let Some(span) = declared(config, path, &removed.from) {
            let help = "Remove the block that declares it, or this one.";
            told.push(still(&removed.from, span, "removed", help));
        }
    }
    for import in &module.imports {
        let inner = import.to.module(path);
        let Some(resource) = &import.to.resource else { continue };
        if declared(config, path, &import.to).is_some() {
            continue;
        }
        let key = (resource.mode, resource.ty.clone(), resource.name.clone());
        let nothing = Module::default();
        let within = config.modules.get(&inner).unwrap_or(&nothing);
        told.push(undeclared_resource_in(within, &key, import.to.span));
    }
}

/// Where the block stands that declares what is named, if one does. Single instances come and go
/// with values.
fn declared(config: &Config, path: &ModulePath, named: &Named) -> Option<Span> {
    let module = named.module(path);
    match &named.resource {
        None => {
            let (call, outer) = module.split_last()?;
            Some(config.modules.get(outer)?.calls.get(call)?.span)
        }
        Some(resource) => {
            let (mode, ty, name) = (resource.mode, resource.ty.clone(), resource.name.clone());
            let addr = ResourceAddr { module: module.clone(), mode, ty, name };
            Some(config.modules.get(&module)?.resources.get(&addr)?.span)
        }
    }
}

fn still(named: &Named, span: Span, block: &str, help: &str) -> Diagnostic {
    let detail = format!("`{named}` is said to be {block}, and a block still declares it.");
    Diagnostic::error(codes::STILL_DECLARED, "Block still declares it", detail)
        .at(named.span, "")
        .at(span, "declared here")
        .with_help(help)
}
