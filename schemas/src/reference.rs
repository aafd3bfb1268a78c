//! Reference pages and schemas of types, as text; generated, never stored by a run.

use serde::Serialize;
use values::{Attr, Role, Schema, Value};

/// The page of a type in Markdown: what its author wrote, then its arguments and attributes.
pub fn page(name: &str, page: &str, schema: &Schema, mode: &str) -> String {
    let title = name.trim_start_matches("data-");
    let mut out = format!("# {mode} `{title}`\n\n{}\n", headings_below(page.trim()));
    let (arguments, computed): (Vec<&Attr>, Vec<&Attr>) =
        schema.attrs.iter().partition(|a| a.is_argument());
    out.push_str("\n## Arguments\n\n");
    out.push_str("| name | type | | cost | meaning |\n| --- | --- | --- | --- | --- |\n");
    for attr in arguments {
        let cells = [
            format!("`{}`{}", attr.name, if attr.block { " (block)" } else { "" }),
            format!("`{}`", attr.ty),
            role(&attr.role),
            attr.cost.to_string(),
            cell(attr.doc),
        ];
        out.push_str(&row(&cells));
    }
    if !computed.is_empty() {
        out.push_str("\n## Attributes\n\n| name | type | meaning |\n| --- | --- | --- |\n");
        for attr in computed {
            let cells = [format!("`{}`", attr.name), format!("`{}`", attr.ty), cell(attr.doc)];
            out.push_str(&row(&cells));
        }
    }
    out
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// An author's headings stand below the page's own.
fn headings_below(page: &str) -> String {
    let mut fenced = false;
    let lines = page.lines().map(|line| {
        fenced ^= line.starts_with("```");
        if line.starts_with('#') && !fenced { format!("#{line}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn role(role: &Role) -> String {
    match role {
        Role::Identity => "identity, required".to_owned(),
        Role::IdentityOr(value) => format!("identity, default {}", constant(value)),
        Role::Required => "required".to_owned(),
        Role::Optional => "optional".to_owned(),
        Role::Default(value) => format!("default {}", constant(value)),
        Role::Computed => "computed".to_owned(),
    }
}

fn constant(value: &Value) -> String {
    format!("`{value:?}`")
}

/// What a type may contain, for editors and other programs. Version 1.
#[derive(Serialize)]
struct Wire<'a> {
    format_version: &'static str,
    name: &'a str,
    mode: &'a str,
    attributes: Vec<WireAttr<'a>>,
}

#[derive(Serialize)]
struct WireAttr<'a> {
    name: &'a str,
    r#type: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    block: bool,
    sensitive: bool,
    cost: String,
    description: &'a str,
}

/// The schema of a type as JSON.
pub fn json(name: &str, schema: &Schema, mode: &str) -> String {
    let attributes = schema.attrs.iter().map(|attr| {
        let (role, default) = match &attr.role {
            Role::Identity => ("identity", None),
            Role::IdentityOr(value) => ("identity", Some(format!("{value:?}"))),
            Role::Required => ("required", None),
            Role::Optional => ("optional", None),
            Role::Default(value) => ("optional", Some(format!("{value:?}"))),
            Role::Computed => ("computed", None),
        };
        WireAttr {
            name: attr.name,
            r#type: attr.ty.to_string(),
            role,
            default,
            block: attr.block,
            sensitive: attr.sensitive,
            cost: attr.cost.to_string(),
            description: attr.doc,
        }
    });
    let wire = Wire {
        format_version: "1.0",
        name: name.trim_start_matches("data-"),
        mode,
        attributes: attributes.collect(),
    };
    let mut text = serde_json::to_string_pretty(&wire).expect("the wire form is plain JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use values::Type;

    #[test]
    fn page_lists_arguments_before_attributes() {
        let schema = Schema::new(vec![
            Attr::new("uid", Type::String, Role::Computed, "Given by the server."),
            Attr::new("name", Type::String, Role::Identity, "Its name | unique."),
        ]);
        let text =
            page("thing", "A thing.\n\n# Example\n\n```sh\n# kept\n```", &schema, "resource");
        assert_eq!(
            text,
            "# resource `thing`\n\nA thing.\n\n## Example\n\n```sh\n# kept\n```\n\n## Arguments\n\n\
             | name | type | | cost | meaning |\n| --- | --- | --- | --- | --- |\n\
             | `name` | `string` | identity, required | none | Its name \\| unique. |\n\
             \n## Attributes\n\n| name | type | meaning |\n| --- | --- | --- |\n\
             | `uid` | `string` | Given by the server. |\n"
        );
    }
}
