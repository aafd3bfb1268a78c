//! The fields of the kubelet's configuration, from the schemas that Kubernetes generates of its
//! own Go types: `pkg/generated/openapi/zz_generated.openapi.go` of the Go module
//! `k8s.io/kubernetes`. It is Go source of one very regular form, and is read as such.

use crate::trouble::Trouble;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The type that the kubelet reads.
pub(super) const ROOT: &str = "k8sio.kubelet.config.v1beta1.KubeletConfiguration";
const FILE: &str = "pkg/generated/openapi/zz_generated.openapi.go";

/// The schemas by name, in the form of the API's specification. Nothing of a configuration is
/// required: Go reads one without a field as one with an empty field.
pub(super) fn definitions(module: &Path) -> Result<Value, Trouble> {
    let file = module.join(FILE);
    let failed = |why: &str| Trouble::new(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|e| failed(&e.to_string()))?;
    let names = names(&text);
    let mut definitions = Map::new();
    for (name, body) in functions(&text) {
        if name.ends_with(".v1.Time") {
            // Its type is computed.
            definitions.insert(name, json!({ "type": "string" }));
            continue;
        }
        let of_api = name == "k8sio.api.core.v1.Taint";
        let of_kubelet = name.starts_with("k8sio.kubelet.config.")
            || name.starts_with("component.base.")
            || name.ends_with(".v1.Duration")
            || name.ends_with(".resource.Quantity");
        if of_api || of_kubelet {
            let schema = Literal { rest: body }.value().map_err(|why| failed(&why))?;
            let mut schema = plain(&schema, &names);
            if let (Some(fields), false) = (schema.as_object_mut(), of_api) {
                fields.remove("required");
            }
            definitions.insert(name, schema);
        }
    }
    if definitions.contains_key(ROOT) {
        return Ok(Value::Object(definitions));
    }
    Err(failed("has no KubeletConfiguration"))
}

/// `config.v1beta1.X` of `schema_k8sio_kubelet_config_v1beta1_X`.
fn name_of(function: &str) -> String {
    function.trim_start_matches("schema_").replace('_', ".")
}

/// What references are called, by what is written between their parentheses.
fn names(text: &str) -> BTreeMap<&str, String> {
    let entries = text.lines().filter_map(|line| line.trim().strip_suffix("(ref),"));
    let parts = entries.filter_map(|entry| entry.rsplit_once(':'));
    parts.map(|(key, function)| (key.trim(), name_of(function.trim()))).collect()
}

/// What each function of the file returns.
fn functions(text: &str) -> impl Iterator<Item = (String, &str)> {
    text.split("\nfunc ").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once('(')?;
        Some((name_of(name), rest.split_once("return ")?.1))
    })
}

/// A part of the specification, from what the literal says.
fn plain(schema: &Value, names: &BTreeMap<&str, String>) -> Value {
    let inner = |name: &str| schema.get(name).filter(|inner| inner.is_object());
    if let Some(schema) = inner("Schema").or_else(|| inner("SchemaProps")) {
        return plain(schema, names);
    }
    let mut out = Map::new();
    if let Some(reference) = schema.get("Ref").and_then(Value::as_str) {
        let key = reference.trim_start_matches("ref(").trim_end_matches(')');
        // The last parenthesis of `OpenAPIModelName()` went with it.
        let known = names.get(key).or_else(|| names.get(format!("{key})").as_str()));
        out.insert("$ref".into(), json!(format!("#/definitions/{}", known.map_or(key, |k| k))));
    }
    if let Some(ty) = schema.pointer("/Type/0") {
        out.insert("type".into(), ty.clone());
    }
    if let Some(format) = schema.get("Format") {
        out.insert("format".into(), format.clone());
    }
    if let Some(items) = inner("Items") {
        out.insert("items".into(), plain(items, names));
    }
    if let Some(values) = inner("AdditionalProperties") {
        out.insert("additionalProperties".into(), plain(values, names));
    }
    if let Some(required) = schema.get("Required") {
        out.insert("required".into(), required.clone());
    }
    if let Some(properties) = schema.get("Properties").and_then(Value::as_object) {
        let properties = properties.iter().map(|(name, of)| (name.clone(), plain(of, names)));
        out.insert("properties".into(), Value::Object(properties.collect()));
    }
    Value::Object(out)
}

/// Reads composite literals of Go: what they are of is dropped, what is in them is kept.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn value(&mut self) -> Result<Value, String> {
        self.skip_space();
        if self.rest.starts_with('"') {
            return self.text().map(Value::String);
        }
        let end = self.rest.find(['{', ',', '}', '\n', '(']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if rest.starts_with('(') {
            return Ok(Value::String(self.call().to_owned()));
        }
        self.rest = rest;
        if self.take('{') { self.braces() } else { Ok(Value::String(word.trim().to_owned())) }
    }

    /// A call, with everything between its parentheses, up to what ends the line.
    fn call(&mut self) -> &'a str {
        let end = self.rest.find(",\n").unwrap_or(self.rest.len());
        let (call, rest) = self.rest.split_at(end);
        self.rest = rest;
        call
    }

    /// An object when its parts have names, else a list.
    fn braces(&mut self) -> Result<Value, String> {
        let (mut named, mut list) = (Map::new(), Vec::new());
        loop {
            self.skip_space();
            if self.take('}') {
                break;
            }
            if self.rest.is_empty() {
                return Err("a literal has no end".to_owned());
            }
            match self.name() {
                Some(name) => {
                    let value = self.value()?;
                    named.insert(name, value);
                }
                None => list.push(self.value()?),
            }
            self.skip_space();
            self.take(',');
        }
        Ok(if named.is_empty() { Value::Array(list) } else { Value::Object(named) })
    }

    /// The name of a part, when the part has one.
    fn name(&mut self) -> Option<String> {
        let mut ahead = Literal { rest: self.rest };
        let name = if ahead.rest.starts_with('"') {
            ahead.text().ok()?
        } else {
            let end = ahead.rest.find(|c: char| !c.is_ascii_alphanumeric())?;
            let (word, rest) = ahead.rest.split_at(end);
            ahead.rest = rest;
            word.to_owned()
        };
        (!name.is_empty() && ahead.take(':')).then(|| {
            self.rest = ahead.rest;
            name
        })
    }

    fn text(&mut self) -> Result<String, String> {
        let mut escaped = false;
        for (i, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let text = self.rest[1..i].to_owned();
                    self.rest = &self.rest[i + 1..];
                    return Ok(text);
                }
                _ => {}
            }
        }
        Err("a text has no end".to_owned())
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, what: char) -> bool {
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
		example.Inner{}.OpenAPIModelName():   schema_example_v1_Inner(ref),

func schema_example_v1_Outer(ref common.ReferenceCallback) common.OpenAPIDefinition {
	return common.OpenAPIDefinition{
		Schema: spec.Schema{
			SchemaProps: spec.SchemaProps{
				Description: "Outer is \"quoted\", {braced}.",
				Type:        []string{"object"},
				Properties: map[string]spec.Schema{
					"names": {
						VendorExtensible: spec.VendorExtensible{
							Extensions: spec.Extensions{
								"x-kubernetes-list-type": "atomic",
							},
						},
						SchemaProps: spec.SchemaProps{
							Type: []string{"array"},
							Items: &spec.SchemaOrArray{
								Schema: &spec.Schema{
									SchemaProps: spec.SchemaProps{
										Default: "",
										Type:    []string{"string"},
										Format:  "",
									},
								},
							},
						},
					},
					"inner": {
						SchemaProps: spec.SchemaProps{
							Default: map[string]interface{}{},
							Ref:     ref(example.Inner{}.OpenAPIModelName()),
						},
					},
				},
				Required: []string{"names"},
			},
		},
	}
}
"#;

    #[test]
    fn a_schema_is_read_from_the_source_that_makes_it() {
        let names = names(SOURCE);
        let read: Vec<_> = functions(SOURCE)
            .map(|(name, body)| (name, plain(&Literal { rest: body }.value().unwrap(), &names)))
            .collect();
        let wanted = json!({
            "type": "object",
            "properties": {
                "names": { "type": "array", "items": { "type": "string", "format": "" } },
                "inner": { "$ref": "#/definitions/example.v1.Inner" },
            },
            "required": ["names"],
        });
        assert_eq!(read, [("example.v1.Outer".to_owned(), wanted)]);
    }

    #[test]
    fn a_source_that_breaks_off_is_an_error() {
        let cut = &SOURCE[..SOURCE.len() - 40];
        let (_, body) = functions(cut).next().unwrap();
        assert_eq!(Literal { rest: body }.value(), Err("a literal has no end".to_owned()));
    }
}
