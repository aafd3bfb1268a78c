//! A configuration with a few resource types that exist for these tests alone.

use addrs::{InstanceAddr, Mode, ModuleInstance};
use config::{Config, InMemory, load, parse_expression};
use diags::{Diagnostics, SourceMap};
use lang::{Evaluator, Given, GivenValue, Inputs, References, Schemas, analyze, variables};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;
use values::{Attr, Role, Schema, Type, Value};

pub(crate) struct Types;

static THING: LazyLock<Schema> = LazyLock::new(|| {
    let limit = Type::object([
        ("type", Type::String),
        ("max?", Type::map(Type::String)),
        ("port?", Type::list(Type::object([("number", Type::Number), ("name?", Type::String)]))),
    ]);
    let mode = Type::object([("kind", Type::String), ("strict?", Type::Bool)]);
    let node = Type::object([("name", Type::String), ("ip", Type::String)]);
    let attr = |name, ty, role| Attr::new(name, ty, role, "For tests.");
    Schema::new(vec![
        attr("name", Type::String, Role::Identity),
        attr("namespace", Type::String, Role::IdentityOr("default".into())),
        attr("labels", Type::map(Type::String), Role::Optional),
        attr("size", Type::Number, Role::Default(1.into())),
        attr("data", Type::Any, Role::Optional),
        attr("tags", Type::set(Type::String), Role::Optional),
        attr("token", Type::String, Role::Optional).as_sensitive(),
        attr("limit", Type::list(limit), Role::Optional).as_block(),
        attr("mode", mode, Role::Optional).as_block(),
        attr("id", Type::String, Role::Computed),
        attr("nodes", Type::list(node), Role::Computed),
        attr("secret", Type::String, Role::Computed).as_sensitive(),
    ])
});

static NODES: LazyLock<Schema> = LazyLock::new(|| {
    let attr = |name, ty, role| Attr::new(name, ty, role, "For tests.");
    Schema::new(vec![
        attr("selector", Type::map(Type::String), Role::Optional),
        attr("names", Type::list(Type::String), Role::Computed),
    ])
});

impl Schemas for Types {
    fn resource(&self, ty: &str) -> Option<&Schema> {
        (ty == "thing" || ty == "config_map").then(|| &*THING)
    }
    fn data(&self, ty: &str) -> Option<&Schema> {
        (ty == "nodes").then(|| &*NODES)
    }
    fn resource_types(&self) -> Vec<&str> {
        vec!["config_map", "thing"]
    }
    fn data_types(&self) -> Vec<&str> {
        vec!["nodes"]
    }
}

/// A configuration that was read and analyzed.
pub(crate) struct World {
    pub(crate) map: SourceMap,
    pub(crate) config: Config,
    pub(crate) references: References,
    pub(crate) inputs: Inputs,
    pub(crate) read: Diagnostics,
    pub(crate) analyzed: Diagnostics,
}

impl World {
    pub(crate) fn new<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let mut map = SourceMap::default();
        let mut sources: InMemory = files.into_iter().collect();
        let (config, read) = load(".", &mut sources, &mut map);
        let (references, analyzed) = analyze(&config, &Types);
        Self { map, config, references, inputs: Inputs::default(), read, analyzed }
    }

    /// The addresses of all blocks, each after what it needs.
    pub(crate) fn order(&self) -> Vec<String> {
        let order = self.references.order().iter();
        order.map(|number| self.references.addr(*number).to_string()).collect()
    }

    pub(crate) fn give(&mut self, name: &str, text: &str) {
        let value = GivenValue::Raw(text.to_owned());
        let given = Given { value, origin: "-var".to_owned(), span: None };
        self.inputs.given.insert(name.to_owned(), given);
    }

    pub(crate) fn evaluator(&self) -> (Evaluator<'_>, Diagnostics) {
        let (values, told) = variables(&self.config, &self.inputs);
        (Evaluator::new(&self.config, &Types, &self.references, values, "/home"), told)
    }

    /// Goes through everything in order, as a planner would, and says what comes out.
    pub(crate) fn run(&self, results: &BTreeMap<String, Value>) -> String {
        let mut out = String::new();
        let mut told = self.read.clone();
        told.extend(self.analyzed.clone());
        let (mut evaluator, d) = self.evaluator();
        told.extend(d);
        self.visit(
            &mut evaluator,
            results,
            &mut |addr, value| {
                let _ = writeln!(out, "{addr} {:?}", given(value));
            },
            &mut told,
        );
        let (outputs, d) = evaluator.outputs();
        told.extend(d);
        for (name, (value, _)) in outputs {
            let _ = writeln!(out, "output {name} = {value:?}");
        }
        out + &crate::render::diagnostics(&self.map, &told)
    }

    pub(crate) fn visit(
        &self,
        evaluator: &mut Evaluator<'_>,
        results: &BTreeMap<String, Value>,
        each: &mut dyn FnMut(&InstanceAddr, &Value),
        told: &mut Diagnostics,
    ) {
        for addr in self.references.order().iter().map(|number| self.references.addr(*number)) {
            let instances = match evaluator.instances(addr) {
                Ok(instances) => instances,
                Err(d) => {
                    told.extend(d);
                    continue;
                }
            };
            for instance in instances {
                let (value, d) = evaluator.arguments(&instance);
                told.extend(d);
                let (lifecycle, d) = evaluator.lifecycle(&instance);
                told.extend(d);
                if lifecycle.prevent_destroy {
                    each(&instance, &"is protected".into());
                }
                each(&instance, &value);
                evaluator.set(instance.clone(), exported(&instance, &value, results));
            }
        }
    }
}

/// The arguments, and what the world decides: as told, else unknown.
fn exported(addr: &InstanceAddr, arguments: &Value, results: &BTreeMap<String, Value>) -> Value {
    let schema = match addr.mode {
        Mode::Managed => Types.resource(addr.ty.as_str()),
        Mode::Data => Types.data(addr.ty.as_str()),
    };
    let Some(schema) = schema else { return arguments.clone() };
    let told = results.get(&addr.to_string());
    Value::map(schema.attrs.iter().map(|attr| {
        let value = told.and_then(|t| t.get(attr.name)).or(arguments.get(attr.name)).cloned();
        (attr.name, value.unwrap_or(Value::Unknown(attr.ty.clone())))
    }))
}

/// The value of an expression in the root module of a configuration.
pub(crate) fn console(world: &World, evaluator: &mut Evaluator<'_>, text: &str) -> String {
    let mut map = world.map.clone();
    match parse_expression(&mut map, "console", text) {
        Err(d) => crate::render::diagnostics(&map, &d),
        Ok(expr) => {
            let (value, d) = evaluator.evaluate(&ModuleInstance::root(), &expr);
            if d.is_empty() { format!("{value:?}\n") } else { crate::render::diagnostics(&map, &d) }
        }
    }
}

/// The arguments without those that are not given.
fn given(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(_, v)| !v.is_null());
            Value::map(kept.map(|(k, v)| (k.clone(), v.clone())))
        }
        other => other.clone(),
    }
}
