//! How long large configurations take; run by hand, in a release build.

use crate::world::World;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const BODY: &str = "  labels = { app = \"web\", tier = \"front\", team = \"ops\" }\n  data = {\n    hard = { cpu = \"10\", memory = \"20Gi\", pods = 30, services = 5 }\n    scopes = [\"NotTerminating\", \"BestEffort\"]\n    text = \"a longer text with ${1 + 2} parts\"\n  }\n  limit {\n    type = \"Pod\"\n    max = { cpu = \"2\", memory = \"1Gi\" }\n  }\n";

fn independent(n: usize) -> String {
    let mut text = String::new();
    for i in 0..n {
        let _ = writeln!(text, "resource \"thing\" \"r{i}\" {{\n  name = \"r{i}\"\n{BODY}}}");
    }
    text
}

fn layered(n: usize) -> String {
    let mut text = String::new();
    let width = n / 20;
    for i in 0..n {
        let _ = writeln!(text, "resource \"thing\" \"r{i}\" {{\n  name = \"r{i}\"\n{BODY}");
        if i >= width {
            let before = i - width;
            let row = before / width * width;
            let at = |k: usize| row + (before - row + k) % width;
            let _ = writeln!(
                text,
                "  tags = [thing.r{}.name, thing.r{}.name, thing.r{}.name]",
                at(0),
                at(1),
                at(7)
            );
        }
        text.push_str("}\n");
    }
    text
}

fn repeated(n: usize) -> String {
    format!(
        "locals {{\n  all = {{ for p in setproduct(range(100), range({})) : \"k${{p[0]}}-${{p[1]}}\" => p }}\n}}\nresource \"thing\" \"r\" {{\n  for_each = local.all\n  name = each.key\n{BODY}}}\n",
        n / 100
    )
}

#[test]
#[ignore = "needs a quiet machine and a release build"]
#[expect(clippy::disallowed_methods, reason = "the times are for people")]
fn times_of_large_configurations() {
    let sizes = std::env::var("CLINCH_SIZES").unwrap_or_else(|_| "1000 10000".to_owned());
    for n in sizes.split(' ').filter_map(|n| n.parse().ok()) {
        for (name, text) in
            [("indep", independent(n)), ("dag3", layered(n)), ("foreach", repeated(n))]
        {
            let start = std::time::Instant::now();
            let world = World::new([("main.hcl", text.as_str())]);
            let read = start.elapsed();
            let start = std::time::Instant::now();
            let _ = lang::analyze(&world.config, &crate::world::Types);
            let analyzed = start.elapsed();
            let start = std::time::Instant::now();
            let (mut evaluator, mut told) = world.evaluator();
            let mut seen = 0;
            world.visit(&mut evaluator, &BTreeMap::new(), &mut |_, _| seen += 1, &mut told);
            let evaluated = start.elapsed();
            assert_eq!(crate::render::diagnostics(&world.map, &told), "");
            println!(
                "{name} {n}: read and analyzed {read:?}, analyzed {analyzed:?}, evaluated {seen} in {evaluated:?}"
            );
        }
    }
}
