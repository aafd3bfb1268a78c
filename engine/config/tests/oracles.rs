//! What others say about the same text.

use crate::{constant, corpora, hostile};
use config::{ExprKind, InMemory, ObjectKey, load, parse_expression, parse_variables};
use diags::{Diagnostics, SourceMap};
use serde_json::Value;

/// Whether a text breaks no rule of syntax; blocks and arguments of other tools are fine.
fn is_syntax(diags: &Diagnostics) -> bool {
    diags.iter().all(|d| d.code.0 >= "E0119")
}

fn read(text: &[u8]) -> (SourceMap, Diagnostics) {
    let mut map = SourceMap::default();
    let mut sources: InMemory = [("main.hcl", text)].into_iter().collect();
    let (_, diags) = load(".", &mut sources, &mut map);
    (map, diags)
}

pub(crate) struct Tally {
    name: &'static str,
    pub(crate) passed: usize,
    usable: usize,
    pub(crate) total: usize,
    failures: Vec<String>,
}

impl Tally {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, passed: 0, usable: 0, total: 0, failures: Vec::new() }
    }

    pub(crate) fn count(&mut self, passed: bool, what: impl FnOnce() -> String) {
        self.usable += 1;
        if passed {
            self.passed += 1;
        } else {
            self.failures.push(what());
        }
    }

    #[expect(clippy::print_stdout, reason = "the score is for whoever runs the tests")]
    pub(crate) fn print(&self) {
        println!("ORACLE {}: {}/{} of {}", self.name, self.passed, self.usable, self.total);
    }

    /// Prints the score; every difference must be one that is known and wanted.
    pub(crate) fn finish(self, known: &[&str]) {
        self.print();
        let unknown: Vec<&String> =
            self.failures.iter().filter(|f| !known.iter().any(|k| f.contains(k))).collect();
        assert!(unknown.is_empty(), "{}: {unknown:#?}", self.name);
        assert!(self.usable > 0, "{}: no row was usable", self.name);
    }
}

#[test]
fn fuzzing_seeds_of_hcl_are_answered() {
    let Some(folder) = corpora::folder("hcl-fuzz-seeds") else { return };
    let mut tally = Tally::new("hcl-fuzz-seeds");
    for (path, bytes) in corpora::below(&folder.join("hcl-fuzz-seeds")) {
        tally.total += 1;
        hostile::read(&bytes);
        let Some(seed) = String::from_utf8(bytes).ok().and_then(|file| seed(&file)) else {
            continue;
        };
        hostile::read(seed.as_bytes());
        settles(&seed);
        let mut map = SourceMap::default();
        let extension = path.extension().map(|e| e.to_string_lossy().into_owned());
        let diags = match extension.as_deref() {
            Some("hcl") => read(seed.as_bytes()).1,
            Some("hcle" | "hclt") => {
                parse_expression(&mut map, "x", &seed).err().unwrap_or_default()
            }
            Some("tmpl") => {
                let heredoc = format!("<<END_OF_SEED\n{seed}\nEND_OF_SEED");
                parse_expression(&mut map, "x", &heredoc).err().unwrap_or_default()
            }
            _ => continue,
        };
        tally.count(is_syntax(&diags), || format!("{}: {diags:?}", path.display()));
    }
    // No expression is no value; the other has no closing quote.
    tally.finish(&["FuzzParseExpression/empty.hcle", "function-call-tmpl.hcl"]);
}

/// Lays a text out twice, when it is a configuration at all: the second time nothing changes.
fn settles(text: &str) {
    let mut map = SourceMap::default();
    let Ok(once) = config::format(&mut map, "main.hcl", text) else { return };
    let twice = config::format(&mut map, "main.hcl", &once).expect("still a configuration");
    assert_eq!(twice, once, "not the same again for {text:?}");
}

#[test]
fn strings_that_break_programs_are_answered_wherever_they_stand() {
    let Some(folder) = corpora::folder("naughty-strings") else { return };
    let files = corpora::below(&folder.join("naughty-strings"));
    let (_, bytes) = files.iter().find(|(p, _)| p.ends_with("blns.json")).expect("the list");
    let strings: Vec<String> = serde_json::from_slice(bytes).expect("a list of texts");
    assert!(strings.len() > 400);
    for text in &strings {
        for whole in [
            text.clone(),
            format!("output \"x\" {{\n  value = {text}\n}}\n"),
            format!("output \"x\" {{\n  value = \"{text}\"\n}}\n"),
            format!("output \"x\" {{\n  value = <<-E\n{text}\nE\n}}\n"),
            format!("resource \"{text}\" \"{text}\" {{\n  # {text}\n  {text} = 1\n}}\n"),
        ] {
            hostile::read(whole.as_bytes());
            settles(&whole);
        }
        let json = serde_json::json!({ text: { text: { text: text } } });
        hostile::read_as("main.hcl.json", json.to_string().as_bytes());
        hostile::read_as("main.hcl.json", text.as_bytes());
    }
}

/// The text of a seed as Go's fuzzing keeps it: a header, then a quoted text.
fn seed(file: &str) -> Option<String> {
    let quoted = file.lines().nth(1)?.split_once('"')?.1.rsplit_once('"')?.0;
    let mut bytes = Vec::new();
    let mut rest = quoted.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend(c.to_string().into_bytes());
            continue;
        }
        match rest.next()? {
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            'r' => bytes.push(b'\r'),
            'x' => {
                let text: String = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&text, 16).ok()?);
            }
            'u' => {
                let text: String = rest.by_ref().take(4).collect();
                let c = char::from_u32(u32::from_str_radix(&text, 16).ok()?)?;
                bytes.extend(c.to_string().into_bytes());
            }
            other => bytes.extend(other.to_string().into_bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

#[test]
fn configurations_of_opentofu_are_read_without_mistakes_of_syntax() {
    let Some(folder) = corpora::folder("opentofu-testdata") else { return };
    let mut tally = Tally::new("opentofu-testdata");
    for (name, bytes) in corpora::archive(&folder.join("opentofu-testdata.tar.gz")) {
        let extension = name.rsplit('.').next();
        if !matches!(extension, Some("tf" | "tofu" | "tfvars")) {
            continue;
        }
        tally.total += 1;
        let (map, _, diags) = hostile::read(&bytes);
        // What is meant to be broken is broken by rules of other tools as well.
        if ["invalid", "error", "diagnostics"].iter().any(|word| name.contains(word)) {
            continue;
        }
        tally.count(is_syntax(&diags), || {
            format!("{name}: {}", crate::render::diagnostics(&map, &diags))
        });
    }
    // Keys such as `aws.eu` stand in `providers = { }` alone, which clinch does not have.
    tally.finish(&["Ambiguous key of an object"]);
}

#[test]
fn texts_are_right_or_wrong_as_hcl_says() {
    let Some(folder) = corpora::folder("go-tables hcl TestParseConfig") else { return };
    let mut tally = Tally::new("go-tables hcl TestParseConfig");
    for row in corpora::rows(&folder, "hcl", "TestParseConfig") {
        tally.total += 1;
        let (Some(input), Some(count)) = (row["input"].as_str(), row["diagCount"].as_u64()) else {
            continue;
        };
        let (map, diags) = read(input.as_bytes());
        let label = diags.iter().any(|d| d.summary == "Label is not constant");
        tally.count((is_syntax(&diags) && !label) == (count == 0), || {
            format!("{input:?} {count} {}", crate::render::diagnostics(&map, &diags))
        });
    }
    // Two old indexes in a row look like a number to the tokens of HCL.
    tally.finish(&["foo.0.1.baz"]);
}

#[test]
fn expressions_of_hcl_are_read() {
    let Some(folder) = corpora::folder("go-tables hcl expressions") else { return };
    let mut tally = Tally::new("go-tables hcl expressions");
    for row in corpora::rows(&folder, "hcl", "TestExpressionParseAndValue") {
        tally.total += 1;
        // Where there is a diagnostic, it may come from the evaluation.
        let (Some(input), Some(0)) = (row["input"].as_str(), row["diagCount"].as_u64()) else {
            continue;
        };
        let mut map = SourceMap::default();
        let parsed = parse_expression(&mut map, "x", input);
        tally.count(parsed.is_ok(), || {
            let diags = parsed.err().unwrap_or_default();
            format!("{input:?}: {}", crate::render::diagnostics(&map, &diags))
        });
    }
    tally.finish(&[]);
}

#[test]
fn templates_of_hcl_are_read() {
    let Some(folder) = corpora::folder("go-tables hcl templates") else { return };
    let mut tally = Tally::new("go-tables hcl templates");
    for row in corpora::rows(&folder, "hcl", "TestTemplateExprParseAndValue") {
        tally.total += 1;
        let (Some(input), Some(0)) = (row["input"].as_str(), row["diagCount"].as_u64()) else {
            continue;
        };
        let mut map = SourceMap::default();
        let parsed = parse_expression(&mut map, "x", &format!("<<END_OF_ROW\n{input}\nEND_OF_ROW"));
        tally.count(parsed.is_ok(), || {
            let diags = parsed.err().unwrap_or_default();
            format!("{input:?}: {}", crate::render::diagnostics(&map, &diags))
        });
    }
    tally.finish(&[]);
}

#[test]
fn types_are_types_as_hcl_says() {
    let Some(folder) = corpora::folder("go-tables hcl TestGetType") else { return };
    let mut tally = Tally::new("go-tables hcl TestGetType");
    for row in corpora::rows(&folder, "hcl", "TestGetType") {
        tally.total += 1;
        // An exact type, without `any` and `optional`, is no type of a variable.
        let error = row["WantError"].as_str().unwrap_or("");
        // Nor does the reader of types without defaults read one.
        if error.contains("exact type") || error.contains("expects only one argument") {
            continue;
        }
        let Some(source) = row["Source"].as_str() else { continue };
        let (map, diags) = read(format!("variable \"x\" {{\n  type = {source}\n}}\n").as_bytes());
        tally.count(diags.is_empty() == error.is_empty(), || {
            format!("{source}: {}", crate::render::diagnostics(&map, &diags))
        });
    }
    tally.finish(&[]);
}

#[test]
fn the_specification_agrees_on_places_of_mistakes() {
    let Some(folder) = corpora::folder("hcl-specsuite") else { return };
    let mut tally = Tally::new("hcl-specsuite");
    let files = corpora::below(&folder.join("hcl-specsuite/specsuite/tests"));
    for (path, bytes) in &files {
        if path.extension().is_none_or(|e| e != "hcl") {
            continue;
        }
        tally.total += 1;
        let test = path.with_extension("t");
        let Some((_, test)) = files.iter().find(|(path, _)| *path == test) else { continue };
        let test = String::from_utf8_lossy(test);
        // An unexpected argument is a mistake against a schema, not of syntax.
        let expected = test.matches("error {").count();
        if path.ends_with("unexpected.hcl") {
            continue;
        }
        let (map, diags) = read(bytes);
        let syntax: Vec<usize> = diags
            .iter()
            .filter(|d| d.code.0 < "E0119")
            .map(|d| map.position(d.labels[0].span.source, d.labels[0].span.start).line)
            .collect();
        let lines: Vec<usize> = from_lines(&test);
        let same = if expected == 0 { syntax.is_empty() } else { syntax == lines };
        tally.count(same, || {
            format!("{}: {lines:?} {}", path.display(), crate::render::diagnostics(&map, &diags))
        });
    }
    tally.finish(&[]);
}

/// The lines on which the expected mistakes begin.
fn from_lines(test: &str) -> Vec<usize> {
    let starts = test.split("from {").skip(1);
    starts
        .filter_map(|block| {
            let line = block.split("line").nth(1)?.trim_start().strip_prefix('=')?;
            line.split_whitespace().next()?.parse().ok()
        })
        .collect()
}

#[test]
fn heredocs_are_what_the_specification_says() {
    let Some(folder) = corpora::folder("hcl-specsuite heredocs") else { return };
    let mut tally = Tally::new("hcl-specsuite heredocs");
    let folder = folder.join("hcl-specsuite/specsuite/tests/expressions");
    let file = |name: &str| {
        let files = corpora::below(&folder);
        let found = files.into_iter().find(|(path, _)| path.ends_with(name));
        String::from_utf8(found.expect("a file of the suite").1).expect("UTF-8")
    };
    let mut map = SourceMap::default();
    let (given, _) = parse_variables(&mut map, "given", &file("heredoc.hcl"));
    let (expected, _) = parse_variables(&mut map, "expected", &file("heredoc.t"));
    let result = expected.iter().find(|(name, _)| **name == "result").expect("a result").1;
    let bound = |name: &str, text: &str| {
        (name.parse().expect("a name"), constant::Data::Text(text.to_owned()))
    };
    let mut names = vec![bound("bar", "Bar"), bound("space_bar", "  Bar")];
    for (group, texts) in &given {
        let ExprKind::Object(texts) = &texts.kind else { panic!("no object") };
        for (key, text) in texts {
            tally.total += 1;
            let ObjectKey::Name(key, _) = key else { panic!("no name") };
            let want = item(item(result, group.as_str()), key.as_str());
            let got = constant::value(text, &mut names);
            let want = constant::value(want, &mut names);
            tally.count(got == want, || format!("{group}.{key}: {got:?}, not {want:?}"));
        }
    }
    tally.finish(&[]);
}

fn item<'e>(of: &'e config::Expr, name: &str) -> &'e config::Expr {
    let ExprKind::Object(items) = &of.kind else { panic!("no object") };
    let is = |key: &ObjectKey| matches!(key, ObjectKey::Name(key, _) if *key == name);
    &items.iter().find(|(key, _)| is(key)).unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn references_are_those_that_hcl_finds() {
    let Some(folder) = corpora::folder("go-tables opentofu-lang references") else { return };
    let mut tally = Tally::new("go-tables opentofu-lang TestReferencesInExpr");
    for row in corpora::rows(&folder, "opentofu-lang", "TestReferencesInExpr") {
        tally.total += 1;
        let Some(source) = row["exprSrc"].as_str() else { continue };
        let Some(wanted) = names(&row["wantRefs"]) else { continue };
        let mut map = SourceMap::default();
        let Ok(expr) = parse_expression(&mut map, "x", source) else { continue };
        let found: Vec<String> =
            config::references(&expr).iter().map(|r| map.slice(r.span).to_owned()).collect();
        let same = wanted.iter().all(|w| found.iter().any(|f| f.starts_with(w.as_str())));
        tally.count(same && found.is_empty() == wanted.is_empty(), || {
            format!("{source}: {found:?}, not {wanted:?}")
        });
    }
    tally.finish(&[]);
}

fn names(list: &Value) -> Option<Vec<String>> {
    match list {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(|i| i.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
