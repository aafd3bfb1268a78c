//! What is planned and applied: the same objects in the same shape for both tools.
//!
//! An object is a `ConfigMap` of about 630 bytes of HCL. clinch gets it as the `manifest` of an
//! `object`, Terraform as the `input` of its built-in `terraform_data`, which has no plugin, no
//! network and nothing to read back: Terraform's best case.

use std::fmt::Write as _;

/// How objects refer to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Not at all.
    Independent,
    /// 20 layers; every object refers to three of the layer before.
    Layered,
}

const LAYERS: usize = 20;

/// How one tool spells a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) resource_type: &'static str,
    /// The argument that holds the object.
    pub(super) argument: &'static str,
}

pub(super) const CLINCH: Dialect = Dialect { resource_type: "object", argument: "manifest" };
pub(super) const TERRAFORM: Dialect =
    Dialect { resource_type: "terraform_data", argument: "input" };

impl Shape {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Independent => "indep",
            Self::Layered => "dag3",
        }
    }

    /// The objects that object `index` of `size` refers to, each once, in ascending order.
    pub(super) fn references(self, index: usize, size: usize) -> Vec<usize> {
        let width = size.div_ceil(LAYERS).max(1);
        let layer = index / width;
        if self == Self::Independent || layer == 0 {
            return Vec::new();
        }
        let before = (layer - 1) * width;
        let own = index % width;
        let mut targets = [own, own + 1, own + width / 2].map(|at| before + at % width).to_vec();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The whole configuration.
    pub(super) fn text(self, dialect: Dialect, size: usize) -> String {
        let mut text = String::with_capacity(size * 700);
        for index in 0..size {
            self.block(dialect, index, size, &mut text);
        }
        text
    }

    fn block(self, dialect: Dialect, index: usize, size: usize, text: &mut String) {
        let Dialect { resource_type, argument } = dialect;
        let name = name(index);
        let targets = self.references(index, size);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "resource \"{resource_type}\" \"{name}\" {{\n  {argument} = {{");
        text.push_str("    apiVersion = \"v1\"\n    kind       = \"ConfigMap\"\n");
        let _ = writeln!(text, "    metadata = {{ namespace = \"default\", name = \"{name}\" }}");
        text.push_str("    data = {\n");
        for (key, value) in data(index) {
            let _ = writeln!(text, "      \"{key}\" = \"{value}\"");
        }
        for at in 0..3 {
            // A reference or a text of its length, so that only the edges differ.
            let _ = match targets.get(at) {
                Some(target) => {
                    let target = self::name(*target);
                    writeln!(
                        text,
                        "      needs_{at} = {resource_type}.{target}.{argument}.metadata.name"
                    )
                }
                None => writeln!(text, "      needs_{at} = \"{NOTHING}\""),
            };
        }
        text.push_str("    }\n  }\n}\n\n");
    }

    /// The data of an object after evaluation, in the order of keys.
    pub(super) fn evaluated(self, index: usize, size: usize) -> Vec<(String, String)> {
        let targets = self.references(index, size);
        let needs = (0..3).map(|at| {
            let value = targets.get(at).map_or_else(|| NOTHING.to_owned(), |one| name(*one));
            (format!("needs_{at}"), value)
        });
        let own = data(index).into_iter().map(|(key, value)| (key.to_owned(), value));
        let mut all: Vec<(String, String)> = own.chain(needs).collect();
        all.sort();
        all
    }
}

const NOTHING: &str = "no object of the layer before";

/// Name of an object; addresses sort as numbers do.
pub(super) fn name(index: usize) -> String {
    format!("o{index:06}")
}

fn data(index: usize) -> [(&'static str, String); 9] {
    [
        ("limits.cpu", format!("{}", 2 + index % 7)),
        ("limits.memory", format!("{}Gi", 4 + index % 13)),
        ("requests.cpu", format!("{}m", 250 + index % 500)),
        ("requests.memory", format!("{}Mi", 512 + index % 512)),
        ("pods", format!("{}", 10 + index % 90)),
        ("team", format!("team-{:03}", index % 100)),
        ("owner", format!("team-{:03}@example.com", index % 100)),
        ("message", "requests below the limits of the namespace".to_owned()),
        ("schedule", "Mon-Fri 07:30-20:30 Europe/Berlin".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_about_630_bytes_in_both_languages() {
        for dialect in [CLINCH, TERRAFORM] {
            for shape in [Shape::Independent, Shape::Layered] {
                let each = shape.text(dialect, 1_000).len() / 1_000;
                assert!((580..=700).contains(&each), "{dialect:?} {shape:?}: {each} bytes");
            }
        }
    }

    #[test]
    fn layers_refer_to_three_objects_of_the_layer_before() {
        let size = 200;
        for index in 0..size {
            let targets = Shape::Layered.references(index, size);
            assert_eq!(targets.len(), if index < 10 { 0 } else { 3 }, "object {index}");
            assert!(targets.iter().all(|one| one / 10 + 1 == index / 10), "object {index}");
        }
    }

    #[test]
    fn few_objects_refer_to_each_target_once() {
        for index in 0..30 {
            let targets = Shape::Layered.references(index, 30);
            assert!(targets.windows(2).all(|pair| pair[0] < pair[1]), "object {index}");
        }
    }
}
