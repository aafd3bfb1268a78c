//! Files that were read with the configuration, and the parts of their names.
//!
//! Which files there are and what they hold comes from the configuration, where the evaluator
//! looks it up (`eval/files.rs`): a plan is made from texts that are all at hand.

use super::Kind::{Nullable, String};
use super::{Care, FunctionInfo, Kind, Parameter, deep, fail, p, str_at};

/// Functions that read files and whose values come from the configuration, with what each does
/// to the text of a file.
pub(crate) const OF_FILES: [&str; 12] = [
    "file",
    "fileexists",
    "fileset",
    "filebase64",
    "filebase64sha256",
    "filebase64sha512",
    "filemd5",
    "filesha1",
    "filesha256",
    "filesha512",
    "templatefile",
    "templatestring",
];

pub(super) fn table() -> Vec<FunctionInfo> {
    let looked_up = |name, parameters: Vec<Parameter>, gives, doc| FunctionInfo {
        name,
        parameters,
        variadic: false,
        gives,
        doc,
        optional: 0,
        care: Care::Deep,
        run: |_| fail(None, "files are read with the configuration only"),
    };
    let path = || vec![p("path", String)];
    vec![
        FunctionInfo {
            variadic: true,
            ..looked_up(
                crate::manifests::MANIFESTS,
                vec![
                    Parameter { name: "pattern", kind: Kind::String },
                    Parameter { name: "patterns", kind: Kind::String },
                ],
                "map(any)",
                "The objects in these files of YAML, by kind, namespace and name: \
                 `Deployment/team-a/web`. Patterns may hold `*`, `?` and `**`.",
            )
        },
        looked_up("file", path(), "string", "The text of a file of the configuration."),
        looked_up("fileexists", path(), "bool", "Whether the configuration has this file."),
        looked_up(
            "fileset",
            vec![p("folder", String), p("pattern", String)],
            "list(string)",
            "The names of the files below a folder that a pattern with `*`, `?` and `**` means, \
             relative to the folder and in order.",
        ),
        looked_up("filebase64", path(), "string", "The bytes of a file in base64."),
        looked_up("filebase64sha256", path(), "string", "The SHA-256 digest of a file in base64."),
        looked_up("filebase64sha512", path(), "string", "The SHA-512 digest of a file in base64."),
        looked_up("filemd5", path(), "string", "The MD5 digest of a file in hexadecimal."),
        looked_up("filesha1", path(), "string", "The SHA-1 digest of a file in hexadecimal."),
        looked_up("filesha256", path(), "string", "The SHA-256 digest of a file in hexadecimal."),
        looked_up("filesha512", path(), "string", "The SHA-512 digest of a file in hexadecimal."),
        looked_up(
            "templatefile",
            vec![p("path", String), p("vars", Nullable)],
            "any",
            "What a file gives as a template, with the names that `vars` holds and no others.",
        ),
        looked_up(
            "templatestring",
            vec![p("template", String), p("vars", Nullable)],
            "any",
            "What a text gives as a template, with the names that `vars` holds and no others.",
        ),
        deep("basename", [p("path", String)], "string", "The last part of a path.", |a| {
            let path = str_at(a, 0);
            let plain = path.trim_end_matches('/');
            Ok(match (path, plain) {
                ("", _) => ".",
                (_, "") => "/",
                (_, plain) => plain.rsplit('/').next().unwrap_or(plain),
            }
            .into())
        }),
        deep("dirname", [p("path", String)], "string", "A path without its last part.", |a| {
            Ok(dirname(str_at(a, 0)).into())
        }),
    ]
}

/// Parts that lead nowhere are taken out.
fn dirname(path: &str) -> std::string::String {
    let Some((folder, _)) = path.rsplit_once('/') else { return ".".to_owned() };
    let mut parts: Vec<&str> = Vec::new();
    let absolute = path.starts_with('/');
    for part in folder.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    match (absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
