//! From the parser's events to nodes.

use crate::node::{Entry, Kind, Node, Place};
use crate::otherwise::{self, Scalar};
use crate::{Mistake, scalar};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many parts a text may come to once aliases are followed. The largest manifests that
/// people apply have a few ten thousand; nine aliases of nine would have a billion.
const MOST_NODES: usize = 2_000_000;

/// Reads all documents of a text; one without content is a null.
///
/// # Errors
///
/// The first thing that is no YAML, means nothing to Kubernetes (a key twice, `.inf`), or
/// would not end (more than 255 levels, two million parts).
pub fn documents(text: &str) -> Result<Vec<Node>, Mistake> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(
            text,
            granit_parser::options! { emit_anchor_events: true },
        ),
        text,
        anchors: BTreeMap::new(),
        left: MOST_NODES,
        depth: 0,
        flow: 0,
    };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::DocumentStart(..) | Event::StreamStart | Event::StreamEnd => {}
            Event::DocumentEnd => reader.anchors.clear(),
            event => documents.push(reader.node(event, &span)?),
        }
    }
    Ok(documents)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    /// What was marked with `&name`, by the parser's number, with its size.
    anchors: BTreeMap<usize, (Node, usize)>,
    left: usize,
    /// How many collections are open, and how many of them were opened by `[` or `{`.
    depth: usize,
    flow: usize,
}

/// What a mapping's `<<` brings is overridden by what the mapping says itself.
const MERGE: &str = "<<";

impl<'t> Reader<'t> {
    /// The next event that is no comment.
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Mistake> {
        loop {
            return match self.parser.next_event() {
                None => Ok(None),
                Some(Ok((Event::Comment(..), _))) => continue,
                Some(Ok((Event::Anchor(_, name), span))) => match otherwise::anchor(&name) {
                    None => continue,
                    Some(why) => Err(self.mistake(self.place(&span), why)),
                },
                Some(Ok(found)) => Ok(Some(found)),
                Some(Err(error)) => {
                    let at = error.marker().byte_offset().unwrap_or(self.text.len());
                    Err(self.mistake(self.to_place(at, at), format!("{}.", error.info())))
                }
            };
        }
    }

    fn inner(&mut self) -> Result<(Event<'t>, Span), Mistake> {
        let end = self.text.len();
        let found = self.next()?;
        found.ok_or_else(|| self.mistake(self.to_place(end, end), "The text ends too early."))
    }

    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node, Mistake> {
        let before = self.left;
        self.spend(1, span)?;
        let (anchor, node) = match event {
            Event::Alias(id) => return self.alias(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                let place = self.place(span);
                self.means_the_same(&text, style, span)?;
                let kind = meaning(&text, style, tag.as_deref());
                (anchor, Node { place, kind: kind.map_err(|why| self.mistake(place, why))? })
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.fits(tag.as_deref(), "seq", span)?;
                (anchor, self.inside(style, span, Self::sequence)?)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.fits(tag.as_deref(), "map", span)?;
                (anchor, self.inside(style, span, Self::mapping)?)
            }
            // With the options that are used no other event stands for a node.
            other => {
                let why = format!("Something unexpected stands here: {other:?}.");
                return Err(self.mistake(self.place(span), why));
            }
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), before - self.left));
        }
        Ok(node)
    }

    /// Reads a collection.
    fn inside(
        &mut self,
        style: StructureStyle,
        span: &Span,
        read: impl Fn(&mut Self, &Span) -> Result<Node, Mistake>,
    ) -> Result<Node, Mistake> {
        let flow = usize::from(style == StructureStyle::Flow);
        self.depth += 1;
        self.flow += flow;
        let node = read(self, span)?;
        self.depth -= 1;
        self.flow -= flow;
        Ok(node)
    }

    /// Whether a scalar is to `kubectl` what it is here.
    fn means_the_same(&self, says: &str, style: ScalarStyle, span: &Span) -> Result<(), Mistake> {
        let why = otherwise::scalar(&Scalar {
            says,
            style,
            text: self.text,
            start: span.start.byte_offset().unwrap_or(0),
            end: span.end.byte_offset().unwrap_or(self.text.len()),
            in_flow: self.flow > 0,
            is_root: self.depth == 0,
        });
        why.map_or(Ok(()), |why| Err(self.mistake(self.place(span), why)))
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<Node, Mistake> {
        let Some((node, size)) = self.anchors.get(&id).cloned() else {
            let why = "This stands for a part that it is itself inside of.";
            return Err(self.mistake(self.place(span), why));
        };
        self.spend(size, span)?;
        Ok(node)
    }

    fn spend(&mut self, nodes: usize, span: &Span) -> Result<(), Mistake> {
        let left = self.left.checked_sub(nodes);
        self.left = left.ok_or_else(|| {
            let why = format!("With its aliases followed this has more than {MOST_NODES} parts.");
            self.mistake(self.place(span), why)
        })?;
        Ok(())
    }

    fn fits(&self, tag: Option<&Tag>, is: &str, span: &Span) -> Result<(), Mistake> {
        match tag.and_then(core) {
            Some(says) if says != is => {
                let why = format!("This is marked as `!!{says}`, and is none.");
                Err(self.mistake(self.place(span), why))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn sequence(&mut self, start: &Span) -> Result<Node, Mistake> {
        let mut items = Vec::new();
        loop {
            match self.inner()? {
                (Event::SequenceEnd, end) => {
                    let place = self.over(start, &end);
                    return Ok(Node { place, kind: Kind::List(Arc::new(items)) });
                }
                (event, span) => items.push(self.node(event, &span)?),
            }
        }
    }

    fn mapping(&mut self, start: &Span) -> Result<Node, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut at: BTreeMap<Arc<str>, (usize, bool)> = BTreeMap::new();
        loop {
            let (event, span) = match self.inner()? {
                (Event::MappingEnd, end) => {
                    let place = self.over(start, &end);
                    return Ok(Node { place, kind: Kind::Map(Arc::new(entries)) });
                }
                found => found,
            };
            let merges = is_merge(&event);
            let key = self.node(event, &span)?;
            let (event, value_span) = self.inner()?;
            let value = self.node(event, &value_span)?;
            let brought = match (merges, &value.kind) {
                (true, Kind::Map(inner)) => inner.to_vec(),
                (true, Kind::List(maps)) => self.all_of(maps, &value)?,
                (true, _) => return Err(self.no_merge(&value)),
                (false, _) => vec![Entry { key: self.key(&key)?, place: key.place, value }],
            };
            for entry in brought {
                match at.get(&entry.key) {
                    Some((i, true)) if !merges => {
                        let why = format!("The key `{}` is given twice.", entry.key);
                        let also = Some(entries[*i].place);
                        return Err(Mistake { also, ..self.mistake(entry.place, why) });
                    }
                    // What is merged later is what `sigs.k8s.io/yaml` keeps.
                    Some((i, own)) => {
                        let (i, own) = (*i, *own || !merges);
                        at.insert(entry.key.clone(), (i, own));
                        entries[i] = entry;
                    }
                    None => {
                        at.insert(entry.key.clone(), (entries.len(), !merges));
                        entries.push(entry);
                    }
                }
            }
        }
    }

    /// Several mappings to merge; the first says what counts.
    fn all_of(&self, maps: &[Node], whole: &Node) -> Result<Vec<Entry>, Mistake> {
        let mut all = Vec::new();
        for map in maps.iter().rev() {
            let Kind::Map(entries) = &map.kind else { return Err(self.no_merge(whole)) };
            all.extend(entries.iter().cloned());
        }
        Ok(all)
    }

    fn no_merge(&self, value: &Node) -> Mistake {
        self.mistake(value.place, "`<<` takes a mapping, or a sequence of mappings.")
    }

    /// A key as JSON has it.
    fn key(&self, key: &Node) -> Result<Arc<str>, Mistake> {
        match &key.kind {
            Kind::Text(text) => Ok(text.clone()),
            Kind::Bool(b) => Ok(b.to_string().into()),
            Kind::Number(number) => {
                let (at, text) = (key.place, number.to_string());
                let written = self.text.get(at.start as usize..at.end as usize);
                match otherwise::key(written.unwrap_or_default(), &text) {
                    Some(why) => Err(self.mistake(at, why)),
                    None => Ok(text.into()),
                }
            }
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                Err(self.mistake(key.place, "A key is a text, a number or a truth value."))
            }
        }
    }

    fn place(&self, span: &Span) -> Place {
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(self.text.len());
        // What a block ends with belongs to what follows.
        let text = self.text.get(start..end).unwrap_or_default();
        self.to_place(start, start + text.trim_end().len())
    }

    fn over(&self, start: &Span, end: &Span) -> Place {
        let (first, last) = (self.place(start), self.place(end));
        let (start, end) = (first.start as usize, last.end.max(first.end) as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        self.to_place(start, start + text.trim_end().len())
    }

    fn to_place(&self, start: usize, end: usize) -> Place {
        let fit = |offset: usize| u32::try_from(offset.min(self.text.len())).unwrap_or(u32::MAX);
        Place { start: fit(start), end: fit(end) }
    }

    #[expect(clippy::unused_self, reason = "reads better where it is used")]
    fn mistake(&self, place: Place, why: impl Into<String>) -> Mistake {
        Mistake { place, why: why.into(), also: None }
    }
}

/// Tags that mean something here; all others are passed over, as `sigs.k8s.io/yaml` does.
const TAGS: [&str; 10] =
    ["str", "timestamp", "binary", "null", "bool", "int", "float", "seq", "map", "merge"];

/// What a tag of YAML's own says: `str` of `!!str`.
fn core(tag: &Tag) -> Option<Cow<'_, str>> {
    tag.suffix_in_namespace("tag:yaml.org,2002:").filter(|says| TAGS.contains(&&**says))
}

fn is_merge(event: &Event<'_>) -> bool {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, _, None) => text == MERGE,
        Event::Scalar(_, _, _, Some(tag)) => core(tag).as_deref() == Some("merge"),
        _ => false,
    }
}

/// What a scalar means, by its tag or else by how it is written.
fn meaning(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Kind, String> {
    let as_text = || Ok(Kind::Text(text.into()));
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { scalar::plain(text) } else { as_text() };
    };
    let Some(says) = core(tag) else { return as_text() };
    let kind = match &*says {
        "str" | "timestamp" => return as_text(),
        "binary" => return binary(text),
        _ => scalar::plain(text)?,
    };
    match (&*says, &kind) {
        ("null", Kind::Null) | ("bool", Kind::Bool(_)) | ("float", Kind::Number(_)) => Ok(kind),
        ("int", Kind::Number(number)) if number.is_integer() => Ok(kind),
        _ => Err(format!("`{text}` is marked as `!!{says}`, and is none.")),
    }
}

fn binary(text: &str) -> Result<Kind, String> {
    let packed: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| "This is not base64.".to_owned())?;
    let text = String::from_utf8(bytes);
    text.map(|text| Kind::Text(text.into())).map_err(|_| "This is not text in UTF-8.".to_owned())
}
