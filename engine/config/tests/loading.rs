//! Directories: what is read, in which order, and what happens when it cannot be.

use crate::render;
use config::{InMemory, Pattern, SourceFile, Sources, codes, load};
use diags::{Diagnostics, SourceMap};

/// Whatever a closure answers.
struct Answer<F>(F);

impl<F: FnMut(&str) -> Result<Vec<SourceFile>, String>> Sources for Answer<F> {
    fn list(&mut self, dir: &str) -> Result<Vec<SourceFile>, String> {
        (self.0)(dir)
    }

    fn matching(&mut self, _: &Pattern) -> Result<Vec<SourceFile>, String> {
        Ok(Vec::new())
    }

    fn file(&mut self, _: &str) -> Option<SourceFile> {
        None
    }
}

fn text(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), bytes: Ok(text.as_bytes().to_vec()) }
}

fn rendered(root: &str, sources: &mut dyn Sources) -> (config::Config, String) {
    let mut map = SourceMap::default();
    let (config, diags) = load(root, sources, &mut map);
    (config, render::diagnostics(&map, &diags))
}

fn said(diags: &Diagnostics) -> Vec<&'static str> {
    diags.iter().map(|d| d.code.0).collect()
}

#[test]
fn unreadable_file_is_reported_and_the_others_are_read() {
    let mut sources = Answer(|_: &str| {
        let denied =
            SourceFile { name: "b.hcl".to_owned(), bytes: Err("permission denied".into()) };
        Ok(vec![text("c.hcl", "locals {\n  c = 1\n}\n"), denied, text("a.hcl", "x y\n")])
    });
    let (config, said) = rendered(".", &mut sources);
    assert_eq!(config.modules[&Vec::new()].locals.len(), 1);
    assert_eq!(
        said,
        "E0109 a.hcl:1:1-4: Argument or block not understood
  `x` is followed by neither `=` nor `{`.
  help: Write `x = ...` for an argument, `x \"...\" {` for a block.
E0101 nowhere: File cannot be read
  `b.hcl` cannot be read: permission denied.
  help: Check the permissions of the file.
"
    );
}

#[test]
fn directory_that_cannot_be_read_is_not_an_empty_one() {
    let (config, said) = rendered("conf", &mut Answer(|_: &str| Err("input/output error".into())));
    assert_eq!(config.modules.len(), 1, "there is a root all the same");
    assert_eq!(
        said,
        "E0101 nowhere: Directory cannot be read
  `conf` cannot be read: input/output error.
  help: Run clinch in a directory with configuration, or name one with `-chdir=DIR`.
"
    );
}

#[test]
fn order_of_the_directory_does_not_matter() {
    let read = |reverse: bool| {
        let mut sources = Answer(move |_: &str| {
            let mut files = vec![
                text("conf/a.hcl", "locals {\n  x = 1\n}\n"),
                text("conf/b.hcl", "locals {\n  x = 2\n}\n"),
            ];
            if reverse {
                files.reverse();
            }
            Ok(files)
        });
        rendered("conf", &mut sources)
    };
    assert_eq!(read(false), read(true));
    assert!(read(true).1.starts_with("E0124 conf/b.hcl:2:3-4 (again here)"), "{}", read(true).1);
}

#[test]
fn directories_of_modules_are_relative_to_their_caller() {
    let mut asked = Vec::new();
    let mut sources = Answer(|dir: &str| {
        asked.push(dir.to_owned());
        Ok(vec![text(
            &format!("{dir}/main.hcl"),
            match dir {
                "live/prod" => "module \"a\" {\n  source = \"../../modules/a\"\n}\n",
                "modules/a" => "module \"b\" {\n  source = \"./b\"\n}\n",
                "modules/a/b" => "module \"c\" {\n  source = \"../../../../c\"\n}\n",
                _ => "",
            },
        )])
    });
    let (config, said) = rendered("live/prod", &mut sources);
    assert_eq!(said, "");
    assert_eq!(asked, ["live/prod", "modules/a", "modules/a/b", "../c"]);
    let dirs: Vec<&str> = config.modules.values().map(|m| m.dir.as_str()).collect();
    assert_eq!(dirs, ["live/prod", "modules/a", "modules/a/b", "../c"]);
}

#[test]
fn module_called_twice_is_there_twice_with_its_own_addresses() {
    let mut sources: InMemory = [
        (
            "main.hcl",
            "module \"a\" {\n  source = \"./m\"\n}\nmodule \"b\" {\n  source = \"./m\"\n}\n",
        ),
        ("m/main.hcl", "resource \"namespace\" \"x\" {}\n"),
    ]
    .into_iter()
    .collect();
    let mut map = SourceMap::default();
    let (config, diags) = load(".", &mut sources, &mut map);
    assert!(diags.is_empty());
    assert_eq!(map.iter().count(), 2, "each file is read once");
    let addresses: Vec<String> =
        config.modules.values().flat_map(|m| m.resources.keys()).map(ToString::to_string).collect();
    assert_eq!(addresses, ["module.a.namespace.x", "module.b.namespace.x"]);
    for module in config.modules.values() {
        for (addr, resource) in &module.resources {
            assert_eq!(addr, &resource.addr);
        }
    }
}

/// A chain of directories, each of which calls the next `calls` times.
fn chain(length: usize, calls: usize) -> InMemory {
    let call = |level: usize, i: usize| {
        format!("module \"m{i}\" {{\n  source = \"../d{}\"\n}}\n", level + 1)
    };
    let file = |level: usize| {
        let calls: Vec<String> = (0..calls).map(|i| call(level, i)).collect();
        let text = if level + 1 < length { calls.concat() } else { String::new() };
        (format!("d{level}/main.hcl"), text)
    };
    (0..length).map(file).collect()
}

#[test]
fn calls_that_unfold_without_end_are_stopped() {
    let mut map = SourceMap::default();
    let (config, diags) = load("d0", &mut chain(40, 2), &mut map);
    assert_eq!(said(&diags), [codes::TOO_MANY_MODULES.0]);
    assert_eq!(config.modules.len(), 10_000);
    let (config, diags) = load("d0", &mut chain(200, 1), &mut SourceMap::default());
    assert_eq!(said(&diags), ["E0143"]);
    assert_eq!(config.modules.len(), 64);
    let (config, diags) = load("d0", &mut chain(10, 2), &mut SourceMap::default());
    assert_eq!((said(&diags).len(), config.modules.len()), (0, 1023));
}

#[test]
fn only_files_of_configuration_are_read() {
    for (name, is) in [
        ("main.hcl", true),
        ("a/b/main.hcl", true),
        ("räume.hcl", true),
        (".terraform.lock.hcl", false),
        ("a/.hidden.hcl", false),
        (".hcl", false),
        ("~main.hcl", false),
        ("#main.hcl#", false),
        ("main.hcl~", false),
        ("main.tf", false),
        ("prod.tfvars", false),
        ("main.hcl.json", true),
        ("main.json", false),
        ("hcl.json", false),
        ("hcl", false),
        ("dir.hcl/README", false),
    ] {
        assert_eq!(config::is_config_file(name), is, "{name}");
    }
}

#[test]
fn every_code_has_a_case() {
    let cases = [
        include_str!("casebook/syntax.md"),
        include_str!("casebook/blocks.md"),
        include_str!("casebook/modules.md"),
        include_str!("casebook/overrides.md"),
        include_str!("casebook/json.md"),
        include_str!("hostile.rs"),
        include_str!("loading.rs"),
        include_str!("manifests.rs"),
    ];
    let mut last = "";
    for (code, meaning) in codes::TABLE {
        assert!(last < code.0, "{code} is out of order, or there twice");
        assert!(meaning.ends_with('.') && meaning.len() < 100, "{meaning}");
        assert!(cases.iter().any(|case| case.contains(code.0)), "{code} has no case: {meaning}");
        last = code.0;
    }
}
