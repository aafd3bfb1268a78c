//! `resource` and `data`.

use super::Declare;
use super::take::unwrap;
use crate::codes;
use crate::tree::{Block, Body, Expr, ExprKind, Ignore, Lifecycle, Resource};
use addrs::{Mode, ResourceAddr};
use diags::{Diagnostic, Span};
use values::Path;

/// What stands in `lifecycle` in languages of this family, and not yet here.
const LATER_LIFECYCLE: [&str; 4] =
    ["create_before_destroy", "replace_triggered_by", "action_trigger", "enabled"];

const OF_LIFECYCLE: [&str; 6] = [
    "prevent_destroy",
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
        let lifecycle = self.lifecycle(&mut block.body, mode);
        self.nested(&mut block.body);
        if let Some(first) = self.module.resources.get(&addr) {
            let first = first.span;
            let what = if mode == Mode::Data { "data source" } else { "resource" };
            self.duplicate(what, &addr.to_string(), block.span, first);
            return;
        }
        let (span, body) = (block.span, block.body);
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

    fn lifecycle(&mut self, body: &mut Body, mode: Mode) -> Lifecycle {
        let mut lifecycle = Lifecycle::default();
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
            lifecycle.preconditions = self.conditions(&mut block.body, "precondition");
            lifecycle.postconditions = self.conditions(&mut block.body, "postcondition");
            if mode == Mode::Managed {
                let arguments = &mut block.body.arguments;
                lifecycle.prevent_destroy = arguments.remove("prevent_destroy").map(|a| a.value);
                if let Some(ignore) = arguments.remove("ignore_changes") {
                    lifecycle.ignore_changes = self.ignore_changes(&ignore.value);
                }
                lifecycle.wait_timeout = self.text(&mut block.body, "wait_timeout");
                lifecycle.delete = self.text(&mut block.body, "delete");
                let known = OF_LIFECYCLE;
                self.nothing_left(&block.body, "lifecycle", &known, &LATER_LIFECYCLE);
            } else if !(block.body.arguments.is_empty() && block.body.blocks.is_empty()) {
                self.data_lifecycle(&block);
            }
        }
        lifecycle
    }

    fn second_lifecycle(&mut self, second: Span, first: Span) {
        self.diags.push(
            Diagnostic::error(
                codes::DUPLICATE,
                "Declared twice",
                "A resource has one `lifecycle` block.",
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
                "A data source is only read: its `lifecycle` has conditions and nothing else.",
            )
            .at(block.span, "")
            .with_help("Keep only `precondition { }` and `postcondition { }`."),
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

/// `spec.limits[0].max["memory"]` as a path.
fn path(expr: &Expr) -> Option<Path> {
    match &expr.kind {
        ExprKind::Name(name) => Some(Path::root().attr(name.as_str())),
        ExprKind::Attr { of, name, .. } => Some(path(of)?.attr(name.as_str())),
        ExprKind::Index { of, index } => match &index.kind {
            ExprKind::String(key) => Some(path(of)?.attr(key)),
            ExprKind::Number(n) => Some(path(of)?.index(usize::try_from(n.as_i64()?).ok()?)),
            _ => None,
        },
        _ => None,
    }
}
