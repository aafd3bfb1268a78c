//! `resource` and `data`.

use super::Declare;
use super::take::unwrap;
use crate::codes;
use crate::tree::{Block, Body, Expr, ExprKind, Ignore, Lifecycle, Resource};
use addrs::{Mode, ResourceAddr};
use diags::{Diagnostic, Span};
use values::Path;

/// What stands in `lifecycle` in languages of this family, and not yet here.
const LATER_LIFECYCLE: [&str; 1] = ["action_trigger"];

const OF_LIFECYCLE: [&str; 9] = [
    "enabled",
    "prevent_destroy",
    "create_before_destroy",
    "replace_triggered_by",
    "ignore_changes",
    "wait_timeout",
    "delete",
    "precondition",
    "postcondition",
];

impl Declare<'_> {
    pub(super) fn resource(&mut self, mut block: Block, mode: Mode) {
        let form = match mode {
            Mode::Managed => "resource \"TYPE\" \"NAME\" { ... }",
            Mode::Data => "data \"TYPE\" \"NAME\" { ... }",
        };
        let Some([ty, name]) = self.labels::<2>(&block, form) else { return };
        let addr = ResourceAddr { module: Vec::new(), mode, ty, name };
        let ty_span = block.labels.first().map_or(block.span, |(_, span)| *span);
        let repeat = self.repeat(&mut block.body);
        let depends_on = self.depends_on(&mut block.body);
        let (lifecycle, enabled) = self.lifecycle(&mut block.body, mode);
        let repeat = match enabled {
            Some(enabled) => self.enabled(repeat, enabled),
            None => repeat,
        };
        self.nested(&mut block.body);
        if let Some(first) = self.module.resources.get(&addr) {
            let first = first.span;
            let what = if mode == Mode::Data { "data source" } else { "resource" };
            self.duplicate(what, &addr.to_string(), block.span, first);
            return;
        }
        let (span, body) = (block.span, block.body);
        let lifecycle = (lifecycle != Lifecycle::default()).then(|| Box::new(lifecycle));
        let resource =
            Resource { addr: addr.clone(), span, ty_span, body, repeat, depends_on, lifecycle };
        self.module.resources.insert(addr, resource);
    }

    /// Takes out blocks that no resource type can have, saying why, and reads `dynamic`.
    pub(super) fn nested(&mut self, body: &mut Body) {
        let mut kept = Vec::with_capacity(body.blocks.len());
        for mut block in std::mem::take(&mut body.blocks) {
            match block.name.as_str() {
                "dynamic" => kept.extend(self.dynamic(block)),
                "provisioner" | "connection" => {
                    let why = "clinch has no provisioners.";
                    let diagnostic = Diagnostic::error(codes::NOT_YET, "Not in this version", why);
                    self.diags.push(diagnostic.at(block.span, ""));
                }
                _ => {
                    self.nested(&mut block.body);
                    kept.push(block);
                }
            }
        }
        body.blocks = kept;
    }

    /// What `lifecycle` says of the instances, and whether there are any.
    fn lifecycle(&mut self, body: &mut Body, mode: Mode) -> (Lifecycle, Option<Expr>) {
        let mut lifecycle = Lifecycle::default();
        let mut enabled = None;
        let mut first: Option<Span> = None;
        let blocks = std::mem::take(&mut body.blocks);
        for mut block in blocks {
            if block.name != "lifecycle" {
                body.blocks.push(block);
                continue;
            }
            if let Some(first) = first {
                self.second_lifecycle(block.span, first);
                continue;
            }
            first = Some(block.span);
            if self.labels::<0>(&block, "lifecycle { ... }").is_none() {
                continue;
            }
            enabled = block.body.arguments.remove("enabled").map(|argument| argument.value);
            lifecycle.preconditions = self.conditions(&mut block.body, "precondition");
            lifecycle.postconditions = self.conditions(&mut block.body, "postcondition");
            if mode == Mode::Managed {
                let arguments = &mut block.body.arguments;
                let mut take = |name: &str| arguments.remove(name).map(|a| a.value);
                lifecycle.prevent_destroy = take("prevent_destroy");
                lifecycle.create_before_destroy = take("create_before_destroy");
                lifecycle.wait_timeout = take("wait_timeout");
                lifecycle.delete = take("delete");
                if let Some(ignore) = take("ignore_changes") {
                    lifecycle.ignore_changes = self.ignore_changes(&ignore);
                }
                if let Some(triggers) = arguments.remove("replace_triggered_by") {
                    lifecycle.replace_triggered_by = self.triggers(triggers.value);
                }
                let known = OF_LIFECYCLE;
                self.nothing_left(&block.body, "lifecycle", &known, &LATER_LIFECYCLE);
            } else if !(block.body.arguments.is_empty() && block.body.blocks.is_empty()) {
                self.data_lifecycle(&block);
            }
        }
        (lifecycle, enabled)
    }

    /// `lifecycle { enabled }` of a call.
    pub(super) fn call_lifecycle(&mut self, body: &mut Body) -> Option<Expr> {
        let mut enabled = None;
        let mut first: Option<Span> = None;
        for mut block in std::mem::take(&mut body.blocks) {
            if block.name != "lifecycle" {
                body.blocks.push(block);
                continue;
            }
            if let Some(first) = first.replace(block.span) {
                self.second_lifecycle(block.span, first);
                continue;
            }
            if self.labels::<0>(&block, "lifecycle { ... }").is_some() {
                enabled = block.body.arguments.remove("enabled").map(|argument| argument.value);
                self.nothing_left(&block.body, "lifecycle", &["enabled"], &[]);
            }
        }
        enabled
    }

    fn second_lifecycle(&mut self, second: Span, first: Span) {
        self.diags.push(
            Diagnostic::error(
                codes::DUPLICATE,
                "Declared twice",
                "A block has one `lifecycle` block.",
            )
            .at(second, "again here")
            .at(first, "first here")
            .with_help("Join the two."),
        );
    }

    fn data_lifecycle(&mut self, block: &Block) {
        self.diags.push(
            Diagnostic::error(
                codes::UNKNOWN_ARGUMENT,
                "Unknown block",
                "A data source is only read: its `lifecycle` has conditions and `enabled`, and \
                 nothing else.",
            )
            .at(block.span, "")
            .with_help("Keep only `enabled`, `precondition { }` and `postcondition { }`."),
        );
    }

    fn triggers(&mut self, value: Expr) -> Vec<Expr> {
        let span = value.span;
        let ExprKind::List(items) = value.kind else {
            self.bad_trigger(span, "`replace_triggered_by` is a list in brackets.");
            return Vec::new();
        };
        let (kept, others): (Vec<Expr>, Vec<Expr>) = items.into_iter().partition(is_of_resource);
        for other in others {
            self.bad_trigger(
                other.span,
                if matches!(other.kind, ExprKind::String(_)) {
                    "A reference stands without quotes."
                } else {
                    "This is no reference to a resource of this module: what is to be compared \
                     with what was before must be remembered, and values of variables are not."
                },
            );
        }
        kept
    }

    fn bad_trigger(&mut self, at: Span, detail: &str) {
        self.diags.push(
            Diagnostic::error(codes::BAD_TRIGGER, "Not a reference to a resource", detail)
                .at(at, "")
                .with_help(
                    "Write `replace_triggered_by = [TYPE.NAME]`, or name an attribute of it: \
                     `[TYPE.NAME.ATTRIBUTE]`, `[TYPE.NAME[each.key].ATTRIBUTE]`.",
                ),
        );
    }

    fn ignore_changes(&mut self, value: &Expr) -> Ignore {
        let value = unwrap(value);
        if matches!(&value.kind, ExprKind::Name(name) if *name == "all") {
            return Ignore::All(value.span);
        }
        let ExprKind::List(items) = &value.kind else {
            self.bad_ignore(value.span, "`ignore_changes` is a list of arguments, or `all`.");
            return Ignore::Nothing;
        };
        let mut paths = Vec::new();
        for item in items {
            match path(item) {
                Some(_) if matches!(&item.kind, ExprKind::Name(name) if *name == "all") => {
                    self.bad_ignore(item.span, "`all` stands alone, without brackets.");
                }
                Some(path) => paths.push((path, item.span)),
                None => self.bad_ignore(item.span, "This is not the name of an argument."),
            }
        }
        Ignore::Paths(paths)
    }

    fn bad_ignore(&mut self, at: Span, detail: &str) {
        self.diags.push(
            Diagnostic::error(codes::BAD_IGNORE_CHANGES, "Not an argument to ignore", detail)
                .at(at, "")
                .with_help(
                    "Write `ignore_changes = [data, spec.replicas]` or `ignore_changes = all`.",
                ),
        );
    }
}

/// Names that stand for something else than a type where a reference begins.
const NO_TYPES: [&str; 8] = ["var", "local", "module", "data", "each", "count", "path", "self"];

/// `TYPE.NAME`, and what follows of it: attributes, indexes, `[each.key]`.
fn is_of_resource(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Attr(attr) => match &attr.of.kind {
            ExprKind::Name(root) => !NO_TYPES.contains(&root.as_str()),
            _ => is_of_resource(&attr.of),
        },
        ExprKind::Index { of, .. } => is_of_resource(of),
        _ => false,
    }
}

/// `spec.limits[0].max["memory"]` as a path.
fn path(expr: &Expr) -> Option<Path> {
    match &expr.kind {
        ExprKind::Name(name) => Some(Path::root().attr(name.as_str())),
        ExprKind::Attr(attr) => Some(path(&attr.of)?.attr(attr.name.as_str())),
        ExprKind::Index { of, index } => match &index.kind {
            ExprKind::String(key) => Some(path(of)?.attr(key)),
            ExprKind::Number(n) => Some(path(of)?.index(usize::try_from(n.as_i64()?).ok()?)),
            _ => None,
        },
        _ => None,
    }
}
