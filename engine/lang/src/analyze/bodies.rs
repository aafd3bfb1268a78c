//! Blocks against schemas.

use crate::{Schemas, codes, text};
use addrs::Mode;
use config::{Block, Body, ExprKind, Resource};
use diags::{Diagnostic, Diagnostics, Span, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};
use values::{Role, Schema, Type};

/// The message for a type that there is not.
pub(crate) fn unknown_type(schemas: &dyn Schemas, resource: &Resource) -> Diagnostic {
    let ty = resource.addr.ty.as_str();
    let (what, names, others, other) = match resource.addr.mode {
        Mode::Managed => ("resource type", schemas.resource_types(), schemas.data_types(), "data"),
        Mode::Data => ("data source", schemas.data_types(), schemas.resource_types(), "resource"),
    };
    let summary = match resource.addr.mode {
        Mode::Managed => "Unknown resource type",
        Mode::Data => "Unknown data source",
    };
    let d = Diagnostic::error(codes::UNKNOWN_TYPE, summary, format!("There is no {what} `{ty}`."))
        .at(resource.ty_span, "")
        .for_address(&resource.addr);
    if others.contains(&ty) {
        return d.with_help(format!("`{ty}` is written as a `{other}` block."));
    }
    if let Some(meant) = did_you_mean(ty, names.iter().copied()) {
        return d.with_help(format!("Did you mean `{meant}`?"));
    }
    // Types are named after the thing; a prefix or version of another tool is left out.
    let plain = ty.strip_prefix("kubernetes_").unwrap_or(ty);
    let plain = plain.trim_end_matches("_v1").trim_end_matches("_v2");
    if plain != ty && names.contains(&plain) {
        return d.with_help(format!("Here it is called `{plain}`."));
    }
    if names.is_empty() { d } else { d.with_help(format!("There are {}.", text::listed(names))) }
}

pub(super) fn check(schemas: &dyn Schemas, resource: &Resource, told: &mut Diagnostics) {
    let schema = match resource.addr.mode {
        Mode::Managed => schemas.resource(resource.addr.ty.as_str()),
        Mode::Data => schemas.data(resource.addr.ty.as_str()),
    };
    let Some(schema) = schema else {
        told.push(unknown_type(schemas, resource));
        return;
    };
    let mut found = Diagnostics::new();
    top(schema, resource, &mut found);
    told.extend(found.into_iter().map(|d| d.for_address(&resource.addr)));
}

fn top(schema: &Schema, resource: &Resource, told: &mut Diagnostics) {
    let names = || schema.attrs.iter().filter(|a| a.is_argument()).map(|a| a.name);
    let what = format!("`{}`", resource.addr.ty);
    // What a misspelt name means is not missing as well.
    let mut meant = BTreeSet::new();
    for (name, argument) in &resource.body.arguments {
        match schema.attr(name.as_str()) {
            None => {
                meant.extend(did_you_mean(name.as_str(), names()));
                told.push(unknown("argument", name.as_str(), &what, names(), argument.span));
            }
            Some(attr) if !attr.is_argument() => told.push(
                Diagnostic::error(
                    codes::COMPUTED_ARGUMENT,
                    "Argument that cannot be set",
                    format!("`{name}` is decided by the world; it can only be referred to."),
                )
                .at(argument.span, "")
                .with_help("Remove the argument."),
            ),
            Some(_) => {}
        }
    }
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for block in &resource.body.blocks {
        let name = block.name.as_str();
        match schema.attr(name) {
            None => {
                meant.extend(did_you_mean(name, names()));
                told.push(unknown("block", name, &what, names(), block.span));
            }
            Some(attr) if !attr.block => told.push(not_a_block(block)),
            Some(attr) => {
                form(block, &attr.ty, &resource.body, &mut seen, told);
                inside(&attr.ty, block, told);
            }
        }
    }
    for attr in &schema.attrs {
        let needed = matches!(attr.role, Role::Required | Role::Identity);
        let body = &resource.body;
        let given = body.arguments.contains_key(attr.name)
            || body.blocks.iter().any(|b| b.name == *attr.name);
        if needed && !given && !meant.contains(attr.name) {
            told.push(missing(attr.name, attr.block, &what, resource.span));
        }
    }
}

fn missing(name: &str, block: bool, of: &str, span: Span) -> Diagnostic {
    let form = if block { format!("{name} {{ ... }}") } else { format!("{name} = ...") };
    Diagnostic::error(
        codes::MISSING_ARGUMENT,
        "Missing argument",
        format!("{of} needs `{name}`, and it is not given."),
    )
    .at(span, "")
    .with_help(format!("Add `{form}`."))
}

fn unknown<'n>(
    what: &str,
    name: &str,
    of: &str,
    names: impl Iterator<Item = &'n str> + Clone,
    span: Span,
) -> Diagnostic {
    let summary = if what == "block" { "Unknown block" } else { "Unknown argument" };
    let d = Diagnostic::error(
        codes::UNKNOWN_ARGUMENT,
        summary,
        format!("{} has no {what} `{name}`.", crate::eval::names::capital(of)),
    )
    .at(span, "");
    match did_you_mean(name, names.clone()) {
        Some(meant) => d.with_help(format!("Did you mean `{meant}`?")),
        None => d.with_help(format!("There are {}.", text::listed(names))),
    }
}

fn not_a_block(block: &Block) -> Diagnostic {
    let name = &block.name;
    Diagnostic::error(
        codes::WRONG_FORM,
        "Block where an argument is meant",
        format!("`{name}` is an argument, not a block."),
    )
    .at(block.span, "")
    .with_help(format!("Write `{name} = {{ ... }}`, with an equals sign."))
}

/// A block that may stand once, or that stands beside an argument of the same name.
fn form<'b>(
    block: &'b Block,
    ty: &Type,
    body: &Body,
    seen: &mut BTreeMap<&'b str, Span>,
    told: &mut Diagnostics,
) {
    let name = block.name.as_str();
    if let Some(argument) = body.arguments.get(name) {
        told.push(
            Diagnostic::error(
                codes::WRONG_FORM,
                "Block and argument of one name",
                format!("`{name}` is given as an argument and as a block."),
            )
            .at(block.span, "the block")
            .at(argument.span, "the argument")
            .with_help("Keep one of them."),
        );
    }
    if let Some((_, span)) = block.labels.first() {
        told.push(
            Diagnostic::error(
                codes::WRONG_FORM,
                "Label on a nested block",
                format!("A block `{name}` has no labels."),
            )
            .at(*span, ""),
        );
    }
    // How many blocks `dynamic` makes is known with its value.
    let many = matches!(ty, Type::List(_) | Type::Set(_)) || block.each.is_some();
    if let Some(first) = seen.insert(name, block.span)
        && !many
    {
        told.push(
            Diagnostic::error(
                codes::WRONG_FORM,
                "Repeated block",
                format!("A block `{name}` can stand here once."),
            )
            .at(block.span, "again here")
            .at(first, "first here"),
        );
    }
}

/// The inside of a nested block against the type of its object.
fn inside(ty: &Type, block: &Block, told: &mut Diagnostics) {
    let item = match ty {
        Type::List(item) | Type::Set(item) => item,
        other => other,
    };
    let Type::Object(attrs) = item else { return };
    let names = || attrs.iter().map(|a| a.name.as_str());
    let what = format!("a block `{}`", block.name);
    for (name, argument) in &block.body.arguments {
        if !attrs.iter().any(|a| a.name == name.as_str()) {
            told.push(unknown("argument", name.as_str(), &what, names(), argument.span));
        }
    }
    let mut seen = BTreeMap::new();
    for inner in &block.body.blocks {
        let name = inner.name.as_str();
        let Some(attr) = attrs.iter().find(|a| a.name == name) else {
            told.push(unknown("block", name, &what, names(), inner.span));
            continue;
        };
        let is_object = |t: &Type| matches!(t, Type::Object(_) | Type::Any);
        let as_block = match &attr.ty {
            Type::List(item) | Type::Set(item) => is_object(item),
            other => is_object(other),
        };
        if as_block {
            form(inner, &attr.ty, &block.body, &mut seen, told);
            inside(&attr.ty, inner, told);
        } else {
            told.push(not_a_block(inner));
        }
    }
    for attr in attrs.iter().filter(|a| !a.optional) {
        let given = block.body.arguments.get(attr.name.as_str());
        let is_null = given.is_some_and(|a| matches!(a.value.kind, ExprKind::Null));
        let block_given = block.body.blocks.iter().any(|b| b.name == attr.name.as_str());
        if (given.is_none() || is_null) && !block_given {
            let span = given.map_or(block.span, |a| a.span);
            told.push(missing(&attr.name, false, &crate::eval::names::capital(&what), span));
        }
    }
}
