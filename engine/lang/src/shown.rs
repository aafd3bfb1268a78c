//! What the example of a function gives, for its page.

use crate::variables::Nothing;
use crate::{Evaluator, FunctionInfo, References};
use addrs::ModuleInstance;
use config::{Config, parse_expression};
use diags::SourceMap;
use std::collections::BTreeMap;
use values::Value;

impl FunctionInfo {
    /// The example as it is written, and what it gives; no value where that takes files.
    pub fn shown_example(&self) -> (String, Option<Value>) {
        let text = format!("{}({})", self.name, self.example().join(", "));
        let Ok(expr) = parse_expression(&mut SourceMap::default(), "example", &text) else {
            return (text, None);
        };
        let config = Config {
            modules: BTreeMap::from([(Vec::new(), config::Module::default())]),
            ..Config::default()
        };
        let references = References::default();
        let mut evaluator = Evaluator::new(&config, &Nothing, &references, BTreeMap::new(), "/");
        let (value, told) = evaluator.evaluate(&ModuleInstance::root(), &expr);
        (text, Some(value).filter(|value| told.is_empty() && value.is_known()))
    }
}
