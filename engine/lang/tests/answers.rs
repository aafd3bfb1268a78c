//! What the planner asks: order, needs, places, results that change.

use crate::world::{Types, World};
use addrs::{InstanceAddr, ModuleInstance};
use std::collections::BTreeMap;
use values::{Path, Step, Type, Value};

fn addr(text: &str) -> InstanceAddr {
    text.parse().expect("an address")
}

/// The text at the place of a part of an instance's arguments.
fn place(world: &World, of: &str, path: &Path) -> String {
    let (evaluator, _) = world.evaluator();
    let span = evaluator.place(&addr(of), path).expect("a place");
    let source = world.map.get(span.source).expect("a source");
    source.text[span.start as usize..span.end as usize].to_owned()
}

const PLACES: &str = r#"
variable "labels" {
  default = { team = "ops" }
}
locals {
  ports = [{ number = 80 }, { number = 443, name = "https" }]
  inner = { ports = local.ports }
}
resource "thing" "a" {
  name   = "a"
  labels = var.labels
  data   = { list = [1, { deep = true }], "quoted key" = 2, call = upper("x") }
  limit {
    type = "Pod"
    port = local.inner.ports
  }
  limit {
    type = "Container"
    port {
      number = 8080
    }
  }
  mode {
    kind = "x"
  }
}
"#;

#[test]
fn place_is_as_deep_as_literals_blocks_and_names_go() {
    let world = World::new([("main.hcl", PLACES)]);
    let check =
        |path: Path, want: &str| assert_eq!(place(&world, "thing.a", &path), want, "{path}");
    check(Path::of("name"), "\"a\"");
    check(Path::of("data.list").index(1).attr("deep"), "true");
    check(Path::root().attr("data").attr("quoted key"), "2");
    check(Path::of("data.call.further"), "upper(\"x\")");
    check(Path::of("mode.kind"), "\"x\"");
    check(Path::of("limit").index(0).attr("port").index(1).attr("number"), "443");
    check(Path::of("limit").index(1).attr("port").index(0).attr("number"), "8080");
    check(Path::of("labels.team"), "\"ops\"");
    let key = values::ItemKey(vec![("name".into(), "https".into())]);
    let by_name = Path::of("limit").index(0).attr("port").step(Step::Item(key)).attr("number");
    check(by_name, "443");
    let key = values::ItemKey(vec![("type".into(), "Container".into())]);
    check(Path::of("limit").step(Step::Item(key)).attr("type"), "\"Container\"");
}

#[test]
fn place_of_what_is_not_written_is_the_block() {
    let world = World::new([("main.hcl", PLACES)]);
    assert_eq!(place(&world, "thing.a", &Path::of("size")), "resource \"thing\" \"a\"");
    assert_eq!(place(&world, "thing.a", &Path::root()), "resource \"thing\" \"a\"");
    assert_eq!(place(&world, "thing.a", &Path::of("mode.strict")), "mode");
    let (evaluator, _) = world.evaluator();
    assert_eq!(evaluator.place(&addr("thing.gone"), &Path::root()), None);
}

#[test]
fn place_in_a_module_is_where_its_caller_wrote_it() {
    let world = World::new([
        ("main.hcl", "module \"m\" {\n  source = \"./m\"\n  name = \"from outside\"\n}\n"),
        (
            "m/main.hcl",
            "variable \"name\" {}\nresource \"thing\" \"t\" {\n  data = { n = var.name }\n}",
        ),
    ]);
    let written = place(&world, "module.m.thing.t", &Path::of("data.n"));
    assert_eq!(written, "var.name");
    // One step into the variable's value is one step into what the caller wrote.
    let deeper = place(&world, "module.m.thing.t", &Path::of("data.n.x"));
    assert_eq!(deeper, "\"from outside\"");
}

#[test]
fn order_and_needs_go_through_locals_outputs_and_variables() {
    let world = World::new([
        (
            "main.hcl",
            "resource \"thing\" \"z\" {\n  name = \"z\"\n}\nlocals {\n  via = thing.z.id\n}\nmodule \"m\" {\n  source = \"./m\"\n  in = local.via\n}\nresource \"thing\" \"a\" {\n  name = module.m.out\n}\nresource \"thing\" \"b\" {\n  name = \"b\"\n  depends_on = [thing.a]\n}\n",
        ),
        (
            "m/main.hcl",
            "variable \"in\" {}\nresource \"thing\" \"inside\" {\n  name = var.in\n}\noutput \"out\" {\n  value = thing.inside.id\n}\n",
        ),
    ]);
    let order = world.order();
    assert_eq!(order, ["thing.z", "module.m.thing.inside", "thing.a", "thing.b"]);
    let edges: Vec<String> = world.references.edges().map(|(a, b)| format!("{a} -> {b}")).collect();
    assert_eq!(
        edges,
        [
            "thing.a -> module.m.thing.inside",
            "thing.b -> thing.a",
            "module.m.thing.inside -> thing.z"
        ]
    );
}

#[test]
fn result_that_is_told_again_changes_what_was_computed_from_it() {
    let text = "resource \"thing\" \"a\" {\n  name = \"a\"\n}\nlocals {\n  id = \"<${thing.a.id}>\"\n  all = [local.id]\n}\nresource \"thing\" \"b\" {\n  name = local.all[0]\n}\n";
    let world = World::new([("main.hcl", text)]);
    let (mut evaluator, mut told) = world.evaluator();
    world.visit(&mut evaluator, &BTreeMap::new(), &mut |_, _| {}, &mut told);
    let name = |evaluator: &mut lang::Evaluator<'_>| {
        evaluator.arguments(&addr("thing.b")).0.get("name").cloned()
    };
    assert_eq!(name(&mut evaluator), Some(Value::Unknown(Type::String)));
    evaluator.set(addr("thing.a"), Value::map([("id", "7".into())]));
    assert_eq!(name(&mut evaluator), Some("<7>".into()));
    evaluator.set(addr("thing.a"), Value::map([("id", "8".into())]));
    assert_eq!(name(&mut evaluator), Some("<8>".into()));
}

#[test]
fn attribute_that_the_schema_calls_sensitive_is_so_wherever_it_goes() {
    let text = "resource \"thing\" \"a\" {\n  name = \"a\"\n}\noutput \"x\" {\n  value = \"${thing.a.secret}!\"\n  sensitive = true\n}";
    let world = World::new([("main.hcl", text)]);
    let results =
        BTreeMap::from([("thing.a".to_owned(), Value::map([("secret", "hunter2".into())]))]);
    assert!(!world.run(&results).contains("hunter2"));
}

#[test]
fn cluster_is_evaluated_from_variables_and_locals() {
    let text = "variable \"env\" {\n  default = \"prod\"\n}\ncluster \"main\" {\n  context = \"k-${var.env}\"\n}\n";
    let world = World::new([("main.hcl", text)]);
    let (mut evaluator, _) = world.evaluator();
    let (value, told) = evaluator.cluster(&"main".parse().expect("a name"));
    assert_eq!((value, told.len()), (Value::map([("context", "k-prod".into())]), 0));
}

#[test]
fn lifecycle_is_evaluated_for_each_instance() {
    let text = "resource \"thing\" \"a\" {\n  for_each = { x = true, y = false }\n  name = each.key\n  lifecycle {\n    prevent_destroy = each.value\n    ignore_changes = [labels, data.replicas]\n  }\n}\n";
    let world = World::new([("main.hcl", text)]);
    let (mut evaluator, _) = world.evaluator();
    let (x, told) = evaluator.lifecycle(&addr("thing.a[\"x\"]"));
    assert_eq!((x.prevent_destroy, x.create_before_destroy, told.len()), (true, false, 0));
    assert_eq!(x.ignore, [Path::of("labels"), Path::of("data.replicas")]);
    assert!(!evaluator.lifecycle(&addr("thing.a[\"y\"]")).0.prevent_destroy);
}

#[test]
fn expression_of_the_console_is_evaluated_in_any_module() {
    let world = World::new([
        ("main.hcl", "module \"m\" {\n  source = \"./m\"\n  count = 2\n}\n"),
        ("m/main.hcl", "locals {\n  x = 1\n}\n"),
    ]);
    let (mut evaluator, _) = world.evaluator();
    let mut map = world.map.clone();
    let expr = config::parse_expression(&mut map, "console", "local.x + 1").expect("an expression");
    let inside =
        ModuleInstance::root().child("m".parse().expect("a name"), addrs::InstanceKey::Index(1));
    assert_eq!(evaluator.evaluate(&inside, &expr), (Value::from(2), diags::Diagnostics::new()));
    let missing =
        ModuleInstance::root().child("m".parse().expect("a name"), addrs::InstanceKey::Index(2));
    assert_eq!(evaluator.evaluate(&missing, &expr).1.len(), 1);
}

#[test]
fn what_keeps_an_argument_from_being_known_is_named() {
    let text = "resource \"thing\" \"a\" {\n  name = \"a\"\n}\nlocals {\n  id = upper(thing.a.id)\n}\nresource \"thing\" \"b\" {\n  name = \"${thing.a.name}-${local.id}\"\n}\n";
    let world = World::new([("main.hcl", text)]);
    let (mut evaluator, mut told) = world.evaluator();
    world.visit(&mut evaluator, &BTreeMap::new(), &mut |_, _| {}, &mut told);
    let names: Vec<String> =
        evaluator.unknown_because(&addr("thing.b"), "name").into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["local.id", "thing.a.id"]);
    assert!(evaluator.unknown_because(&addr("thing.b"), "size").is_empty());
}

#[test]
fn expression_that_would_never_end_is_refused() {
    let mut text = String::from("locals {\n  t0 = \"0123456789\"\n  l0 = [1, 2]\n");
    for i in 1..60 {
        use std::fmt::Write as _;
        let _ = writeln!(text, "  t{i} = \"${{local.t{}}}${{local.t{}}}\"", i - 1, i - 1);
        let _ = writeln!(text, "  l{i} = concat(local.l{}, local.l{})", i - 1, i - 1);
    }
    text.push_str("}\n");
    let world = World::new([("main.hcl", text.as_str())]);
    let (mut evaluator, _) = world.evaluator();
    let mut ask = |text: &str| crate::world::console(&world, &mut evaluator, text);
    assert!(ask("local.t59").contains("more than 67108864 bytes"));
    assert!(ask("length(local.l20)").contains("2097152"));
    let endless = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]";
    assert!(ask(endless).contains("Expression without end"));
}

#[test]
fn every_function_has_a_page() {
    for f in lang::functions() {
        assert!(f.doc.ends_with('.') && f.doc.len() > 10, "{}", f.name);
        assert!(f.signature().starts_with(f.name));
    }
    let names: Vec<&str> = lang::functions().iter().map(|f| f.name).collect();
    assert!(names.is_sorted() && names.len() >= 40, "{}", names.len());
    let codes: std::collections::BTreeSet<&str> =
        lang::codes::ALL.iter().map(|(code, _)| code.0).collect();
    assert_eq!(codes.len(), lang::codes::ALL.len(), "no code twice");
    let _ = Types;
}
