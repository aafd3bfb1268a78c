//! `moved`, `removed` and `import`: what becomes of objects whose address changes.

use super::Declare;
use super::take::unwrap;
use crate::codes;
use crate::named::{Import, LateKey, Moved, Named, NamedResource, Removed};
use crate::tree::{Block, Expr, ExprKind};
use addrs::{Ident, InstanceKey, Mode};
use diags::{Diagnostic, Span};

/// One part of an address as it is written.
enum Step<'e> {
    Name(&'e Ident),
    Key(InstanceKey),
    /// A key that is known only with values.
    Late(&'e Expr),
}

impl Declare<'_> {
    pub(super) fn moved(&mut self, mut block: Block) {
        let form = "moved { from = TYPE.NAME, to = TYPE.NAME }";
        if self.labels::<0>(&block, form).is_none() {
            return;
        }
        let ends = ["from", "to"].map(|end| self.constant(&mut block, end));
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
        let from = self.constant(&mut block, "from");
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
        let mut take = |name: &str| block.body.arguments.remove(name).map(|a| a.value);
        let (for_each, id) = (take("for_each"), take("id"));
        let known = ["to", "id", "for_each"];
        self.nothing_left(&block.body, "import", &known, &["provider", "identity"]);
        let Some((to, keys)) = to else { return };
        if to.resource.as_ref().is_none_or(|resource| resource.mode == Mode::Data) {
            let detail = format!("`{to}` is no resource.");
            self.bad_named(to.span, &detail, "Write `to = TYPE.NAME`.");
            return;
        }
        self.module.imports.push(Import { span: block.span, to, keys, for_each, id });
    }

    /// The address that an argument names, all of whose keys are constant.
    fn constant(&mut self, block: &mut Block, name: &str) -> Option<Named> {
        let (named, keys) = self.named(block, name)?;
        if keys.is_empty() {
            return Some(named);
        }
        self.no_address(name, named.span);
        None
    }

    /// The address that an argument names.
    fn named(&mut self, block: &mut Block, name: &str) -> Option<(Named, Vec<LateKey>)> {
        if !block.body.arguments.contains_key(name) {
            self.missing(block, name, "TYPE.NAME");
            return None;
        }
        let value = self.required(block, name, "TYPE.NAME");
        let named = steps(unwrap(&value)).and_then(|steps| read(&steps, value.span));
        if named.is_none() {
            self.no_address(name, value.span);
        }
        named
    }

    fn no_address(&mut self, name: &str, at: Span) {
        let detail = format!("`{name}` is no address of a resource or a module.");
        let help = "Write `TYPE.NAME`, `TYPE.NAME[\"KEY\"]` or `module.NAME`, without quotes.";
        self.bad_named(at, &detail, help);
    }

    fn bad_named(&mut self, at: Span, detail: &str, help: &str) {
        self.diags.push(
            Diagnostic::error(codes::BAD_ADDRESS, "Not an address that fits", detail)
                .at(at, "")
                .with_help(help),
        );
    }
}

/// The parts of an address.
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
            ExprKind::Attr(attr) => {
                steps.push(Step::Name(&attr.name));
                rest = &attr.of;
            }
            ExprKind::Index { of, index } => {
                steps.push(match &unwrap(index).kind {
                    ExprKind::String(key) => Step::Key(InstanceKey::Key(key.clone())),
                    ExprKind::Number(n) => {
                        Step::Key(InstanceKey::Index(u64::try_from(n.as_i64()?).ok()?))
                    }
                    _ => Step::Late(index),
                });
                rest = of;
            }
            _ => return None,
        }
    }
}

fn read(steps: &[Step<'_>], span: Span) -> Option<(Named, Vec<LateKey>)> {
    let mut modules = Vec::new();
    let mut late = Vec::new();
    let mut rest = steps;
    let mut key = |rest: &mut &[Step<'_>], call: Option<usize>| match rest {
        [Step::Key(key), after @ ..] => {
            let key = key.clone();
            *rest = after;
            Some(key)
        }
        [Step::Late(value), after @ ..] => {
            late.push(LateKey { call, value: (*value).clone() });
            *rest = after;
            None
        }
        _ => None,
    };
    while let [Step::Name(word), Step::Name(name), after @ ..] = rest
        && **word == "module"
    {
        rest = after;
        let call = Some(modules.len());
        modules.push(((*name).clone(), key(&mut rest, call)));
    }
    let mode = match rest {
        [Step::Name(word), after @ ..] if **word == "data" => {
            rest = after;
            Mode::Data
        }
        _ => Mode::Managed,
    };
    let named = match rest {
        [] if mode == Mode::Managed && !modules.is_empty() => {
            Some(Named { span, modules, resource: None })
        }
        [Step::Name(ty), Step::Name(name), after @ ..] => {
            let mut after = after;
            let key = key(&mut after, None);
            let (ty, name) = ((*ty).clone(), (*name).clone());
            let resource = Some(NamedResource { mode, ty, name, key });
            after.is_empty().then_some(Named { span, modules, resource })
        }
        _ => None,
    };
    Some((named?, late))
}
