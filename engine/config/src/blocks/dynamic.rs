//! `dynamic`: a nested block once for each item of something.

use super::Declare;
use super::take::unwrap;
use crate::tree::{Block, Body, Dynamic, Expr, ExprKind, For};
use addrs::Ident;
use diags::Span;

impl Declare<'_> {
    /// `dynamic "NAME" { for_each, iterator, content { } }` as the block `NAME` that it stands
    /// for; nothing after a mistake that leaves no such block.
    pub(super) fn dynamic(&mut self, mut block: Block) -> Option<Block> {
        let form = "dynamic \"BLOCK\" { for_each = ..., content { ... } }";
        let [name] = self.labels::<1>(&block, form)?;
        if !block.body.arguments.contains_key("for_each") {
            self.missing(&block, "for_each", "...");
            return None;
        }
        let for_each = self.required(&mut block, "for_each", "...");
        let iterator = self.iterator(&mut block.body, &name);
        let (mut contents, rest): (Vec<Block>, Vec<Block>) = std::mem::take(&mut block.body.blocks)
            .into_iter()
            .partition(|inner| inner.name == *"content");
        block.body.blocks = rest;
        self.nothing_left(
            &block.body,
            "dynamic",
            &["for_each", "iterator", "content"],
            &["labels"],
        );
        if contents.len() > 1 {
            let (first, second) = (contents[0].span, contents[1].span);
            self.duplicate("block", "content", second, first);
        }
        let Some(mut content) = contents.drain(..).next() else {
            self.missing_block(&block, "content");
            return None;
        };
        self.nested(&mut content.body);
        let mentions = mentions(&for_each, &iterator, &content.body, block.span);
        let each = Some(Box::new(Dynamic { for_each, iterator, mentions }));
        Some(Block { span: block.span, name, labels: Vec::new(), body: content.body, each })
    }

    fn iterator(&mut self, body: &mut Body, otherwise: &Ident) -> Ident {
        let Some(argument) = body.arguments.remove("iterator") else { return otherwise.clone() };
        if let ExprKind::Name(name) = &unwrap(&argument.value).kind {
            return name.clone();
        }
        self.not_constant("iterator", &argument.value, "a name, without quotes");
        otherwise.clone()
    }
}

/// All expressions of the blocks, where the iterator is bound.
fn mentions(for_each: &Expr, iterator: &Ident, content: &Body, span: Span) -> Expr {
    let mut all = Vec::new();
    collect(content, &mut all);
    ExprKind::For(Box::new(For {
        key_name: None,
        value_name: iterator.clone(),
        over: for_each.clone(),
        key: None,
        value: Expr { span, kind: ExprKind::List(all.into()) },
        group: false,
        cond: None,
    }))
    .at(span)
}

fn collect(body: &Body, all: &mut Vec<Expr>) {
    all.extend(body.arguments.values().map(|argument| argument.value.clone()));
    for block in &body.blocks {
        match &block.each {
            Some(each) => all.push(each.mentions.clone()),
            None => collect(&block.body, all),
        }
    }
}

impl ExprKind {
    fn at(self, span: Span) -> Expr {
        Expr { span, kind: self }
    }
}
