//! `moved`, `removed` and `import`: what becomes of objects whose address changes.

use super::Declare;
use super::take::unwrap;
use crate::codes;
use crate::named::{Import, Moved, Named, NamedResource, Removed};
use crate::tree::{Block, Expr, ExprKind};
use addrs::{Ident, InstanceKey, Mode};
use diags::{Diagnostic, Span};

/// One part of an address as it is written.
enum Step<'e> {
    Name(&'e Ident),
    Key(InstanceKey),
}

impl Declare<'_> {
    pub(super) fn moved(&mut self, mut block: Block) {
        let form = "moved { from = TYPE.NAME, to = TYPE.NAME }";
        if self.labels::<0>(&block, form).is_none() {
            return;
        }
        let ends = ["from", "to"].map(|end| self.named(&mut block, end));
        self.nothing_left(&block.body, "moved", &["from", "to"], &[]);
        let [Some(from), Some(to)] = ends else { return };
        let same_kind = match (&from.resource, &to.resource) {
            (None, None) => true,
            (Some(from), Some(to)) => from.mode == to.mode && from.ty == to.ty,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if from.is_same(&to) {
            let detail = format!("`{from}` moves to where it is.");
            self.bad_named(to.span, &detail, "Remove the block.");
        } else if !same_kind {
            let detail = format!("`{from}` and `{to}` are not of one type.");
            let help = "A module moves to a module, a resource to a resource of its own type.";
            self.bad_named(to.span, &detail, help);
        } else {
            self.module.moved.push(Moved { span: block.span, from, to });
        }
    }

    pub(super) fn removed(&mut self, mut block: Block) {
        let form = "removed { from = TYPE.NAME, lifecycle { destroy = false } }";
        if self.labels::<0>(&block, form).is_none() {
            return;
        }
        let from = self.named(&mut block, "from");
        let mut destroy = true;
        let blocks = std::mem::take(&mut block.body.blocks);
        for mut inner in blocks {
            if inner.name == "lifecycle" {
                destroy = self.truth(&mut inner.body, "destroy", true);
                self.nothing_left(&inner.body, "lifecycle", &["destroy"], &[]);
            } else {
                block.body.blocks.push(inner);
            }
        }
        self.nothing_left(&block.body, "removed", &["from", "lifecycle"], &["provisioner"]);
        let Some(from) = from else { return };
        if from.has_key() {
            let detail = format!("`{from}` is one instance, and `removed` speaks of all.");
            let help = "Remove the key, or take the instance out of `count` or `for_each`.";
            self.bad_named(from.span, &detail, help);
            return;
        }
        self.module.removed.push(Removed { span: block.span, from, destroy });
    }

    pub(super) fn import(&mut self, mut block: Block) {
        if self.labels::<0>(&block, "import { to = TYPE.NAME }").is_none()
            || !self.root_only(&block)
        {
            return;
        }
        let to = self.named(&mut block, "to");
        let id = self.text(&mut block.body, "id");
        let known = ["to", "id"];
        self.nothing_left(&block.body, "import", &known, &["for_each", "provider", "identity"]);
        let Some(to) = to else { return };
        if to.resource.as_ref().is_none_or(|resource| resource.mode == Mode::Data) {
            let detail = format!("`{to}` is no resource.");
            self.bad_named(to.span, &detail, "Write `to = TYPE.NAME`.");
            return;
        }
        self.module.imports.push(Import { span: block.span, to, id });
    }

    /// The address that an argument names.
    fn named(&mut self, block: &mut Block, name: &str) -> Option<Named> {
        if !block.body.arguments.contains_key(name) {
            self.missing(block, name, "TYPE.NAME");
            return None;
        }
        let value = self.required(block, name, "TYPE.NAME");
        let named = steps(unwrap(&value)).and_then(|steps| read(&steps, value.span));
        if named.is_none() {
            let detail = format!("`{name}` is no address of a resource or a module.");
            let help = "Write `TYPE.NAME`, `TYPE.NAME[\"KEY\"]` or `module.NAME`, without quotes.";
            self.bad_named(value.span, &detail, help);
        }
        named
    }

    fn bad_named(&mut self, at: Span, detail: &str, help: &str) {
        self.diags.push(
            Diagnostic::error(codes::BAD_ADDRESS, "Not an address that fits", detail)
                .at(at, "")
                .with_help(help),
        );
    }
}

/// The parts of an address, when all of them are constant.
fn steps(expr: &Expr) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = expr;
    loop {
        match &rest.kind {
            ExprKind::Name(root) => {
                steps.push(Step::Name(root));
                steps.reverse();
                return Some(steps);
            }
            ExprKind::Attr { of, name, .. } => {
                steps.push(Step::Name(name));
                rest = of;
            }
            ExprKind::Index { of, index } => {
                steps.push(Step::Key(match &unwrap(index).kind {
                    ExprKind::String(key) => InstanceKey::Key(key.clone()),
                    ExprKind::Number(n) => InstanceKey::Index(u64::try_from(n.as_i64()?).ok()?),
                    _ => return None,
                }));
                rest = of;
            }
            _ => return None,
        }
    }
}

fn read(steps: &[Step<'_>], span: Span) -> Option<Named> {
    let mut modules = Vec::new();
    let mut rest = steps;
    let key = |rest: &mut &[Step<'_>]| match rest {
        [Step::Key(key), after @ ..] => {
            let key = key.clone();
            *rest = after;
            Some(key)
        }
        _ => None,
    };
    while let [Step::Name(word), Step::Name(name), after @ ..] = rest
        && **word == "module"
    {
        rest = after;
        modules.push(((*name).clone(), key(&mut rest)));
    }
    let mode = match rest {
        [Step::Name(word), after @ ..] if **word == "data" => {
            rest = after;
            Mode::Data
        }
        _ => Mode::Managed,
    };
    match rest {
        [] if mode == Mode::Managed && !modules.is_empty() => {
            Some(Named { span, modules, resource: None })
        }
        [Step::Name(ty), Step::Name(name), after @ ..] => {
            let mut after = after;
            let key = key(&mut after);
            let (ty, name) = ((*ty).clone(), (*name).clone());
            let resource = Some(NamedResource { mode, ty, name, key });
            after.is_empty().then_some(Named { span, modules, resource })
        }
        _ => None,
    }
}
