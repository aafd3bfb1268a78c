//! From files and variables to a configuration that can be planned.

use crate::place::{StatePlace, state_place};
use addrs::{Ident, InstanceAddr, Mode, ModuleInstance};
use config::{Body, ClusterBlock, Config, EarlyTexts, Expr, Found, Sources, TextFile};
use diags::{Code, Diagnostic, Diagnostics, SourceMap, Span};
use lang::{EarlyNames, Evaluator, Inputs, References, Schemas, Wanted};
use provider::Catalog;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use values::{Path, Schema, Value};

const BAD_NAME: Code = Code("E0451");
const MANY_CLUSTERS: Code = Code("E0452");
const REQUIRED_VERSION: Code = Code("E0453");

/// What the catalog says, in the words of the language.
#[derive(Clone)]
pub struct CatalogSchemas(Arc<dyn Catalog>);

impl Schemas for CatalogSchemas {
    fn resource(&self, ty: &str) -> Option<&Schema> {
        self.0.resource(ty).map(provider::ResourceKind::schema)
    }
    fn data(&self, ty: &str) -> Option<&Schema> {
        self.0.data(ty).map(provider::DataKind::schema)
    }
    fn resource_types(&self) -> Vec<&str> {
        self.0.resource_types()
    }
    fn data_types(&self) -> Vec<&str> {
        self.0.data_types()
    }
}

/// A configuration that can be planned.
#[derive(Clone)]
pub struct Loaded {
    /// Directory of the root module.
    pub dir: String,
    /// The working directory, for `path.cwd`.
    pub cwd: String,
    /// The configuration's name.
    pub project: String,
    /// The parsed blocks.
    pub config: Config,
    /// What refers to what.
    pub references: References,
    /// What every type may contain.
    pub schemas: CatalogSchemas,
    /// The root's variables.
    pub variables: BTreeMap<Ident, Value>,
    /// Names of those whose values were given from outside.
    pub given: BTreeSet<String>,
    /// Digest of every source and every variable that is not sensitive.
    pub digest: String,
    /// What the `cluster` block says, if there is one.
    pub cluster: Option<ClusterSettings>,
    /// Where the state is kept.
    pub state: StatePlace,
}

/// A `cluster` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Its label.
    pub name: String,
    /// Its arguments, by name.
    pub args: Value,
    /// What is written in it.
    pub body: Body,
    /// Where it stands.
    pub span: Span,
}

impl ClusterSettings {
    /// Where a part of the arguments is written; the block when it is not.
    pub fn place(&self, path: &Path) -> Span {
        match self.body.part(path.steps()) {
            Some(Found::Argument(value, _)) => value.span,
            Some(Found::Block(block)) => block.span,
            None => self.span,
        }
    }
}

/// A configuration of which no more is known than what its text says.
pub struct Parsed {
    dir: String,
    /// The configuration's name.
    pub project: String,
    /// Where the state is kept.
    pub state: StatePlace,
    config: Config,
    /// How many sources there were before.
    first: usize,
    diagnostics: Diagnostics,
}

/// Reads the files of the root module and all that it calls; variables may say which those are.
/// Never fails; what is wrong is told by [`Parsed::analyze`].
pub fn parse(
    dir: &str,
    fallback_name: &str,
    sources: &mut dyn Sources,
    map: &mut SourceMap,
    inputs: &Inputs,
) -> Parsed {
    let first = map.iter().count();
    let texts: &mut dyn EarlyTexts = &mut EarlyNames::new(inputs);
    let (config, mut diagnostics) = config::load_with(dir, sources, map, texts);
    let project = project(&config, texts, fallback_name, &mut diagnostics);
    required_version(&config, texts, &mut diagnostics);
    let state = state_place(&config, texts, &mut diagnostics);
    Parsed { dir: dir.to_owned(), project, state, config, first, diagnostics }
}

impl Parsed {
    /// What the `cluster` block says, if there is one, when that is plain: it refers to nothing,
    /// and nothing is wrong so far. Whoever knows it can begin to reach the cluster.
    pub fn cluster(
        &self,
        inputs: &Inputs,
        catalog: &Arc<dyn Catalog>,
    ) -> Option<Option<ClusterSettings>> {
        let root = self.config.modules.get(&Vec::new())?;
        let names: Vec<&Ident> = root.clusters.keys().collect();
        match names.as_slice() {
            _ if self.diagnostics.has_errors() => None,
            [] => Some(None),
            [name] => {
                let schemas = CatalogSchemas(catalog.clone());
                let args = lang::plain_cluster(&self.config, &schemas, name, &inputs.cwd)?;
                let block = root.clusters.get(*name)?;
                Some(Some(settings(name, args, block)))
            }
            _ => None,
        }
    }

    /// Finds out what refers to what, and tells what is wrong. With errors among the diagnostics
    /// the result is incomplete and must not be planned.
    pub fn analyze(
        self,
        sources: &mut dyn Sources,
        map: &mut SourceMap,
        inputs: &Inputs,
        catalog: &Arc<dyn Catalog>,
    ) -> (Loaded, Diagnostics) {
        let Self { dir, project, state, config, first, mut diagnostics } = self;
        let schemas = CatalogSchemas(catalog.clone());
        let (references, problems) = lang::analyze(&config, &schemas);
        diagnostics.extend(problems);
        let (variables, problems) = lang::variables(&config, inputs);
        // Who needed one to read a module has told it already, and for what.
        let told: BTreeSet<_> = diagnostics.iter().map(place_of).collect();
        diagnostics.extend(problems.into_iter().filter(|d| !told.contains(&place_of(d))));
        let given = (&variables, inputs);
        let (config, problems) = with_manifests(config, &schemas, &references, given, sources, map);
        diagnostics.extend(problems);
        let (config, problems) = with_files(config, &schemas, &references, given, sources, map);
        diagnostics.extend(problems);
        let texts: Vec<(&str, &str)> =
            map.iter().skip(first).map(|(_, source)| (&*source.name, &*source.text)).collect();
        let digest = digest(&texts, &variables);
        let mut loaded = Loaded {
            dir,
            cwd: inputs.cwd.clone(),
            project,
            config,
            references,
            schemas,
            variables,
            given: inputs.given.keys().cloned().collect(),
            digest,
            cluster: None,
            state,
        };
        if !diagnostics.has_errors() {
            loaded.cluster = cluster(&loaded, &mut diagnostics);
        }
        (loaded, diagnostics)
    }
}

/// [`parse`] and [`Parsed::analyze`] in one.
pub fn load(
    dir: &str,
    fallback_name: &str,
    sources: &mut dyn Sources,
    map: &mut SourceMap,
    inputs: &Inputs,
    catalog: &Arc<dyn Catalog>,
) -> (Loaded, Diagnostics) {
    parse(dir, fallback_name, sources, map, inputs).analyze(sources, map, inputs, catalog)
}

/// How often names of files may come from other files.
const MOST_ROUNDS: usize = 64;

/// Reads the files that expressions name. What they hold may lead to more names.
fn with_files(
    mut config: Config,
    schemas: &CatalogSchemas,
    references: &References,
    (variables, inputs): (&BTreeMap<Ident, Value>, &Inputs),
    sources: &mut dyn Sources,
    map: &mut SourceMap,
) -> (Config, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    for _ in 0..MOST_ROUNDS {
        let wanted = lang::wanted_files(&config, schemas, references, variables, &inputs.cwd);
        if wanted.is_empty() {
            break;
        }
        for (wanted, at) in wanted {
            match wanted {
                Wanted::File(name) => {
                    let (text, problems) = config::read_text(&name, at, sources, map);
                    diagnostics.extend(problems);
                    config.files.insert(name, text);
                }
                Wanted::Template(name) => {
                    let mut template = None;
                    if let Some(TextFile::Text(source, text)) = config.files.get(&name) {
                        let (read, problems) = config::read_template(*source, text);
                        diagnostics.extend(problems);
                        template = read;
                    }
                    config.templates.insert(name, template);
                }
                Wanted::Set(pattern) => {
                    let problems = config::read_set(&mut config, &pattern, at, sources, map);
                    diagnostics.extend(problems);
                }
            }
        }
    }
    (config, diagnostics)
}

/// Reads the files of YAML that the configuration names. What they hold may lead to more names.
fn with_manifests(
    mut config: Config,
    schemas: &CatalogSchemas,
    references: &References,
    (variables, inputs): (&BTreeMap<Ident, Value>, &Inputs),
    sources: &mut dyn Sources,
    map: &mut SourceMap,
) -> (Config, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    loop {
        let wanted = lang::wanted_manifests(&config, schemas, references, variables, &inputs.cwd);
        if wanted.is_empty() {
            return (config, diagnostics);
        }
        for (pattern, at) in wanted {
            let (found, problems) = config::read_manifests(&config, &pattern, at, sources, map);
            diagnostics.extend(problems);
            config.manifests.insert(pattern, found);
        }
    }
}

/// A kind of problem and its first place.
fn place_of(d: &Diagnostic) -> (Code, Option<Span>) {
    (d.code, d.labels.first().map(|label| label.span))
}

/// What an argument of the `clinch` block says, and its place; nothing when it is not there, or
/// when that cannot be known, which is told.
pub(crate) fn early_text(
    config: &Config,
    texts: &mut dyn EarlyTexts,
    expr: Option<&Expr>,
    argument: &str,
    diagnostics: &mut Diagnostics,
) -> Option<(String, Span)> {
    let expr = expr?;
    let text = match config::constant_text(expr) {
        Some(text) => Ok(text.to_owned()),
        None => texts.text(config, &[], expr, argument),
    };
    match text {
        Ok(text) => Some((text, expr.span)),
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    }
}

/// The name that is written on every object; a DNS label, so that it fits everywhere.
fn project(
    config: &Config,
    texts: &mut dyn EarlyTexts,
    fallback: &str,
    diagnostics: &mut Diagnostics,
) -> String {
    let root = config.modules.get(&Vec::new());
    let given = root.and_then(|m| m.clinch.as_ref()).and_then(|c| c.name.as_ref());
    if let Some((name, span)) = early_text(config, texts, given, "name", diagnostics) {
        if !is_label(&name) {
            diagnostics.push(
                Diagnostic::error(
                    BAD_NAME,
                    "Invalid name of the configuration",
                    format!(
                        "`{name}` is written on every object, so it must be a DNS label: lower \
                         case letters, digits and `-`, at most 63 characters."
                    ),
                )
                .at(span, ""),
            );
        }
        return name;
    }
    let cleaned: String = fallback
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    let cleaned = cleaned.trim_matches('-').to_owned();
    if cleaned.is_empty() { "default".to_owned() } else { cleaned }
}

pub(crate) fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// `required_version = ">= 0.1"`: constraints joined by commas, each an operator and a version.
fn required_version(config: &Config, texts: &mut dyn EarlyTexts, diagnostics: &mut Diagnostics) {
    let root = config.modules.get(&Vec::new());
    let given = root.and_then(|m| m.clinch.as_ref()).and_then(|c| c.required_version.as_ref());
    let Some((text, span)) = early_text(config, texts, given, "required_version", diagnostics)
    else {
        return;
    };
    let own = version(env!("CARGO_PKG_VERSION"));
    for constraint in text.split(',').map(str::trim) {
        let end = constraint.find(|c: char| c.is_ascii_digit()).unwrap_or(constraint.len());
        let (operator, wanted) = constraint.split_at(end);
        let holds = match (operator.trim(), version(wanted)) {
            (_, None) => None,
            ("" | "=", wanted) => Some(own == wanted),
            ("!=", wanted) => Some(own != wanted),
            (">", wanted) => Some(own > wanted),
            (">=", wanted) => Some(own >= wanted),
            ("<", wanted) => Some(own < wanted),
            ("<=", wanted) => Some(own <= wanted),
            ("~>", Some(wanted)) => {
                let parts = constraint[end..].split('.').count().max(2) - 1;
                let same = own.is_some_and(|own| own[..parts.min(2)] == wanted[..parts.min(2)]);
                Some(same && own >= Some(wanted))
            }
            (_, Some(_)) => None,
        };
        let detail = match holds {
            Some(true) => continue,
            Some(false) => format!(
                "This configuration asks for clinch `{text}`, and this is {}.",
                env!("CARGO_PKG_VERSION")
            ),
            None => format!("`{constraint}` is not a constraint such as `>= 0.1.0`."),
        };
        diagnostics.push(
            Diagnostic::error(REQUIRED_VERSION, "Unsupported version of clinch", detail)
                .at(span, ""),
        );
        return;
    }
}

fn version(text: &str) -> Option<[u64; 3]> {
    let mut out = [0; 3];
    let mut parts = text.trim().split('.');
    for slot in &mut out {
        match parts.next() {
            Some(part) => *slot = part.parse().ok()?,
            None => break,
        }
    }
    parts.next().is_none().then_some(out)
}

fn cluster(loaded: &Loaded, diagnostics: &mut Diagnostics) -> Option<ClusterSettings> {
    let root = loaded.config.modules.get(&Vec::new())?;
    let mut blocks = root.clusters.iter();
    let (name, block) = blocks.next()?;
    if let Some((_, second)) = blocks.next() {
        diagnostics.push(
            Diagnostic::error(
                MANY_CLUSTERS,
                "Several clusters",
                "This version of clinch manages one cluster with one configuration.",
            )
            .at(second.span, "a second cluster")
            .at(block.span, "the first")
            .with_help("Give each cluster a directory of its own and share modules."),
        );
        return None;
    }
    let mut evaluator = Evaluator::new(
        &loaded.config,
        &loaded.schemas,
        &loaded.references,
        loaded.variables.clone(),
        &loaded.cwd,
    );
    let (args, problems) = evaluator.cluster(name);
    diagnostics.extend(problems);
    Some(settings(name, args, block))
}

fn settings(name: &Ident, args: Value, block: &ClusterBlock) -> ClusterSettings {
    ClusterSettings { name: name.to_string(), args, body: block.body.clone(), span: block.span }
}

/// Sources by name and text, variables by name and printed value. A sensitive value counts as
/// a mark: a digest of a short secret would give the secret away.
fn digest(texts: &[(&str, &str)], variables: &BTreeMap<Ident, Value>) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for (name, text) in texts {
        part(name.as_bytes());
        part(text.as_bytes());
    }
    for (name, value) in variables {
        part(name.as_str().as_bytes());
        part(format!("{value:?}").as_bytes());
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether any managed resource is declared.
impl Loaded {
    /// Whether the configuration manages anything at all.
    pub fn manages_anything(&self) -> bool {
        let managed = |m: &config::Module| m.resources.keys().any(|r| r.mode == Mode::Managed);
        self.config.modules.values().any(managed)
    }

    /// The value of an expression of the root module, for `console` and tests.
    pub fn evaluate(&self, expr: &config::Expr) -> (Value, Diagnostics) {
        self.evaluator().evaluate(&ModuleInstance::root(), expr)
    }

    /// Where a part of each of these instances is declared, as far as it can be told.
    pub fn places_of<'p>(
        &self,
        parts: impl IntoIterator<Item = (&'p InstanceAddr, Path)>,
    ) -> Vec<(&'p InstanceAddr, Span)> {
        let evaluator = self.evaluator();
        let place =
            |(addr, path): (&'p InstanceAddr, Path)| Some((addr, evaluator.place(addr, &path)?));
        parts.into_iter().filter_map(place).collect()
    }

    /// An evaluator that knows the variables.
    pub(crate) fn evaluator(&self) -> Evaluator<'_> {
        let variables = self.variables.clone();
        Evaluator::new(&self.config, &self.schemas, &self.references, variables, &self.cwd)
    }
}
