//! What is decided while modules are read.

use addrs::ModulePath;
use config::{Config, InMemory, load_with};
use diags::{Diagnostics, SourceMap};
use lang::{EarlyNames, Inputs};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn load(files: &[(&str, &str)]) -> (Config, Diagnostics) {
    let mut sources: InMemory = files.iter().copied().collect();
    let inputs = Inputs { cwd: "/here".to_owned(), ..Inputs::default() };
    load_with(".", &mut sources, &mut SourceMap::default(), &mut EarlyNames::new(&inputs))
}

/// The directories of all modules below the root.
fn dirs(files: &[(&str, &str)]) -> Vec<String> {
    let (config, told) = load(files);
    assert!(told.is_empty(), "{told:?}");
    let below = config.modules.iter().filter(|(path, _)| **path != ModulePath::new());
    below.map(|(_, module)| module.dir.clone()).collect()
}

#[test]
fn a_source_is_made_of_anything_that_is_known_without_looking() {
    for source in [
        "join(\"/\", [\".\", \"a\"])",
        "\"./${lower(\"A\")}\"",
        "templatestring(\"./$${x}\", { x = \"a\" })",
        "[for x in [\"./a\"] : x][0]",
        "true ? \"./a\" : \"./b\"",
        "\"${path.root}/${path.module}/./a\"",
        "path.cwd == \"/here\" ? \"./a\" : \"./b\"",
        "(\"./a\")",
        "try(local.x.y, \"./a\")",
    ] {
        let main = format!("locals {{\n x = {{}}\n}}\nmodule \"m\" {{\n source = {source}\n}}\n");
        assert_eq!(dirs(&[("main.hcl", &main), ("a/x.hcl", "")]), ["a"], "{source}");
    }
}

#[test]
fn path_module_is_the_directory_that_the_source_stands_in() {
    let inner = "module \"n\" {\n source = path.module == \"a\" ? \"./b\" : \"./c\"\n}\n";
    let files = [("main.hcl", "module \"m\" {\n source = \"./a\"\n}\n"), ("a/x.hcl", inner)];
    assert_eq!(dirs(&[files[0], files[1], ("a/b/x.hcl", "")]), ["a", "a/b"]);
}

#[test]
fn arguments_are_handed_on_through_any_number_of_modules_with_their_types_and_defaults() {
    let main = "module \"m\" {\n source = \"./a\"\n deep = { n = \"1\" }\n}\n";
    let a = "variable \"deep\" {\n type = object({ n = number, dir = optional(string, \"c\") })\n}\n\
             module \"b\" {\n source = \"../b\"\n number = var.deep.n + 1\n dir = var.deep.dir\n}\n";
    let b = "variable \"number\" {\n type = number\n}\nvariable \"dir\" {}\n\
             variable \"unset\" {\n default = \"x\"\n nullable = false\n}\n\
             module \"c\" {\n source = \"../${var.dir}${var.number}${var.unset}\"\n}\n";
    let files = [("main.hcl", main), ("a/x.hcl", a), ("b/x.hcl", b), ("c2x/x.hcl", "")];
    assert_eq!(dirs(&files), ["a", "b", "c2x"]);
}

#[test]
fn a_module_that_calls_itself_is_refused_whatever_its_source_is_made_of() {
    let a = "variable \"n\" {\n type = number\n}\n\
             module \"again\" {\n source = var.n > 0 ? \"../a\" : \"../b\"\n n = var.n - 1\n}\n";
    let main = "module \"m\" {\n source = \"./a\"\n n = 3\n}\n";
    let (config, told) = load(&[("main.hcl", main), ("a/x.hcl", a), ("b/x.hcl", "")]);
    let codes: Vec<&str> = told.iter().map(|d| d.code.0).collect();
    assert_eq!(codes, [config::codes::MODULE_CYCLE.0]);
    assert_eq!(config.modules.len(), 2);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test tool, not the engine")]
fn long_chains_and_circles_of_locals_end() {
    let mut main = String::from("module \"m\" {\n source = local.x0\n}\nlocals {\n");
    for i in 0..20_000 {
        let _ = writeln!(main, " x{i} = local.x{}", i + 1);
    }
    let end = " x20000 = \"./a\"\n}\n";
    let began = Instant::now();
    assert_eq!(dirs(&[("main.hcl", &(main.clone() + end)), ("a/x.hcl", "")]), ["a"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // Why it has no value is told by the analysis.
    let (config, told) = load(&[("main.hcl", &(main + " x20000 = local.x7\n}\n"))]);
    assert!(told.is_empty() && config.modules.len() == 1);
}

#[test]
fn what_is_wrong_with_a_source_is_told_once_however_often_its_module_is_called() {
    let main = "module \"m\" {\n source = \"./a\"\n x = [\"s\"]\n}\n\
                module \"n\" {\n source = \"./a\"\n x = [\"t\"]\n}\n";
    let a = "variable \"x\" {}\nmodule \"b\" {\n source = var.x\n}\n";
    let (_, told) = load(&[("main.hcl", main), ("a/x.hcl", a)]);
    let codes: Vec<&str> = told.iter().map(|d| d.code.0).collect();
    assert_eq!(codes, [lang::codes::NOT_EARLY.0]);
}

#[test]
fn a_source_that_is_sensitive_anywhere_on_its_way_is_refused_and_not_shown() {
    let main = "module \"m\" {\n source = \"./a\"\n x = sensitive(\"hush\")\n}\n";
    let a = "variable \"x\" {}\nlocals {\n y = \"../${var.x}\"\n}\n\
             module \"b\" {\n source = local.y\n}\n";
    let (_, told) = load(&[("main.hcl", main), ("a/x.hcl", a)]);
    assert_eq!(told.iter().map(|d| d.code.0).collect::<Vec<_>>(), [lang::codes::NOT_EARLY.0]);
    assert!(!format!("{told:?}").contains("hush"));
}
