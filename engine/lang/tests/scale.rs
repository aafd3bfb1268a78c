//! Large configurations: nothing overflows, and ten times more takes about ten times longer.

use crate::world::World;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use values::Value;

/// Ten thousand locals, each of which names the one before.
fn chain(n: usize) -> String {
    let mut text = String::from("locals {\n  v0 = 1\n");
    for i in 1..n {
        let _ = writeln!(text, "  v{i} = local.v{} + 1", i - 1);
    }
    text.push_str("}\n");
    text
}

#[test]
fn chain_of_ten_thousand_locals_is_evaluated_without_a_deep_stack() {
    let text = chain(10_000) + "output \"last\" {\n  value = local.v9999\n}\n";
    let world = World::new([("main.hcl", text.as_str())]);
    assert_eq!(world.run(&BTreeMap::new()), "output last = 10000\n");
}

#[test]
fn cycle_of_ten_thousand_locals_is_found_without_a_deep_stack() {
    let text = chain(10_000).replace("v0 = 1\n", "v0 = local.v9999\n");
    let world = World::new([("main.hcl", text.as_str())]);
    let told: Vec<_> = world.analyzed.iter().collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].detail.contains("over 10000 hops"), "{}", told[0].detail);
    assert_eq!(told[0].labels.len(), 20);
}

#[test]
fn chain_through_ten_thousand_resources_is_ordered_from_its_beginning() {
    let mut text = String::from("resource \"thing\" \"t0\" {\n  name = \"t\"\n}\n");
    for i in 1..10_000 {
        let _ =
            writeln!(text, "resource \"thing\" \"t{i}\" {{\n  name = thing.t{}.name\n}}", i - 1);
    }
    let world = World::new([("main.hcl", text.as_str())]);
    let order = world.order();
    assert_eq!(order.len(), 10_000);
    assert_eq!((order[0].as_str(), order[9_999].as_str()), ("thing.t0", "thing.t9999"));
    let last = world.references.order()[9_999];
    assert_eq!(world.references.needs(last).len(), 1);
    assert_eq!(world.references.needs_transitively(last).len(), 9_999);
}

#[test]
fn mistake_in_ten_thousand_instances_is_told_three_times() {
    let text =
        "resource \"thing\" \"a\" {\n  count = 10000\n  name = \"x\"\n  size = count.index / 0\n}";
    let world = World::new([("main.hcl", text)]);
    let (mut evaluator, mut told) = world.evaluator();
    let mut seen = 0;
    world.visit(&mut evaluator, &BTreeMap::new(), &mut |_, _| seen += 1, &mut told);
    assert_eq!((seen, told.len()), (10_000, 3));
}

/// Every instance refers to one of another resource by key, and one value holds them all.
fn instances(n: usize) -> String {
    format!(
        "locals {{\n  keys = toset([for i in range(100) : \"k${{i}}\"])\n  all = {{ for p in setproduct(range({}), range(100)) : \"${{p[0]}}-${{p[1]}}\" => p }}\n}}\nresource \"thing\" \"a\" {{\n  for_each = local.all\n  name = each.key\n  labels = {{ x = each.value[0] }}\n}}\nresource \"thing\" \"b\" {{\n  for_each = local.all\n  name = \"${{thing.a[each.key].name}}!\"\n}}\noutput \"names\" {{\n  value = length([for k, t in thing.b : t.name])\n}}\n",
        n / 100
    )
}

#[test]
fn ten_thousand_instances_refer_to_each_other_by_key() {
    let text = instances(10_000);
    let world = World::new([("main.hcl", text.as_str())]);
    let (mut evaluator, mut told) = world.evaluator();
    let mut seen = 0;
    world.visit(&mut evaluator, &BTreeMap::new(), &mut |_, _| seen += 1, &mut told);
    let (outputs, more) = evaluator.outputs();
    told.extend(more);
    assert_eq!(crate::render::diagnostics(&world.map, &told), "");
    assert_eq!(seen, 20_000);
    assert_eq!(outputs["names"].0, Value::from(10_000));
}

/// What a chain of locals leads to, each made of the one before, and what is said about it.
fn grown(first: &str, step: &str, times: usize) -> String {
    let mut text = format!("locals {{\n  v0 = {first}\n");
    for i in 1..=times {
        let _ = writeln!(text, "  v{i} = {}", step.replace("IT", &format!("local.v{}", i - 1)));
    }
    let _ = write!(text, "}}\noutput \"last\" {{\n  value = length(local.v{times})\n}}\n");
    World::new([("main.hcl", text.as_str())]).run(&BTreeMap::new())
}

#[test]
fn what_doubles_itself_is_refused_with_the_limit() {
    for (first, step, limit) in [
        ("[1]", "[IT, IT]", "E0240"),
        ("{ a = 1 }", "{ a = IT, b = IT }", "E0240"),
        ("[1]", "concat(IT, IT)", "E0240"),
        ("[[1]]", "[flatten([IT, IT])]", "E0240"),
        ("[1, 1]", "[for i in IT : IT]", "E0240"),
        ("[1]", "true ? [IT, IT] : []", "E0240"),
        ("[1]", "[IT]", ""),
        ("\"xxxxxxxx\"", "\"${IT}${IT}\"", "more than 67108864 bytes"),
        ("\"xxxxxxxx\"", "join(\"\", [IT, IT])", "longer than 67108864 bytes"),
    ] {
        let said = grown(first, step, 60);
        assert!(said.contains(limit), "{step}: {}", said.chars().take(400).collect::<String>());
        assert!(said.len() < 4000, "{step} says much");
    }
    let step = "flatten([for i in range(1000) : [for j in range(1000) : IT]])";
    let wide = grown("[1, 1, 1, 1, 1, 1]", step, 1);
    assert!(wide.contains("more than 5000000 items"), "{wide}");
    let deep = grown("[1]", "[IT]", 1500);
    assert!(deep.contains("more than 1000 levels"), "{deep}");
}

#[test]
fn modules_in_modules_in_modules_are_refused_with_the_limit() {
    let call = "module \"m\" {\n  source = \"./m\"\n  count  = 1000\n}\n";
    let inner = "output \"o\" {\n  value = 1\n}\n";
    let files = [("main.hcl", call), ("m/x.hcl", call), ("m/m/x.hcl", inner)];
    let said = World::new(files).run(&BTreeMap::new());
    assert!(said.contains("more than 100000 modules"), "{said}");
}

#[test]
fn a_text_repeated_without_end_is_refused_with_the_limit() {
    let (begin, end) = ("%{ for i in range(1000) }", "%{ endfor }");
    let text = format!("output \"o\" {{\n  value = \"{}{}\"\n}}\n", begin.repeat(3), end.repeat(3));
    let said = World::new([("main.hcl", text.as_str())]).run(&BTreeMap::new());
    assert!(said.contains("million values were computed"), "{said}");
}
