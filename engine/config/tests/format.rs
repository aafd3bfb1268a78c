//! The canonical layout: as other tools of the family lay out, idempotent, and nothing is lost.

use crate::corpora;
use crate::oracles::Tally;
use config::layout;
use diags::SourceMap;
use std::collections::BTreeMap;
use std::path::Path;

/// Every sign that is no blank.
fn signs(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn check(text: &str) -> String {
    let once = layout(text);
    assert_eq!(signs(&once), signs(text), "something is lost of {text:?}");
    assert_eq!(layout(&once), once, "not the same again for {text:?}");
    once
}

#[test]
fn files_are_laid_out_as_hcl_does() {
    let Some(folder) = corpora::folder("go-tables hcl TestFormat") else { return };
    let mut tally = Tally::new("go-tables hcl TestFormat");
    for row in corpora::rows(&folder, "hcl", "TestFormat") {
        tally.total += 1;
        let (Some(input), Some(want)) = (row["input"].as_str(), row["want"].as_str()) else {
            continue;
        };
        let got = check(input);
        tally.count(got == want, || format!("{input:?}: {got:?}, and {want:?} is wanted"));
    }
    tally.finish(&[]);
}

/// FNV-1a: short, and good enough to tell two layouts apart.
fn digest(text: &str) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// `layout.txt` holds, for each file that `terraform fmt` 1.11 changes, the digest of what comes out,
/// and why that is not what comes out here. All other files stay as they are, here as there.
#[test]
fn files_of_opentofu_are_laid_out_as_terraform_does() {
    let Some(folder) = corpora::folder("opentofu-testdata layout") else { return };
    let listed: BTreeMap<&str, (&str, &str)> = include_str!("layout.txt")
        .lines()
        .map(|line| {
            let (path, rest) = line.split_once(' ').expect("a path and a digest");
            (path, rest.split_once(' ').unwrap_or((rest, "")))
        })
        .collect();
    let mut tally = Tally::new("opentofu-testdata layout");
    let (mut stale, mut known) = (Vec::new(), 0);
    for (path, bytes) in corpora::archive(&folder.join("opentofu-testdata.tar.gz")) {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if Path::new(&path).extension() != Some("tf".as_ref()) {
            continue;
        }
        tally.total += 1;
        check(&text);
        let mut map = SourceMap::default();
        let Ok(out) = config::format(&mut map, &path, &text) else { continue };
        let (want, reason) =
            listed.get(&*path).map_or((digest(&text), ""), |(d, r)| ((*d).to_owned(), *r));
        let agrees = digest(&out) == want;
        match (reason, agrees) {
            ("", agrees) => tally.count(agrees, || path),
            (_, false) => known += 1,
            (_, true) => stale.push(path),
        }
    }
    println!("ORACLE opentofu-testdata layout: {known} more differ for the reasons in layout.txt");
    assert!(stale.is_empty(), "these agree, and are listed with a reason: {stale:#?}");
    tally.finish(&[]);
}

#[test]
fn comments_line_ends_and_texts_stay() {
    let text = "a=1 # x\r\nbbb = [ # y\r\n/* z\r\n  z */ 2,\r\n]\r\n";
    assert_eq!(check(text), "a = 1   # x\r\nbbb = [ # y\r\n  /* z\r\n  z */ 2,\r\n]\r\n");
    let text = "a = \"x  ${ f( 1,2 ) }  %{ if a }y%{ endif }\"\nb=<<-E\n   ${  x }\n   E\n";
    let want = "a = \"x  ${f(1, 2)}  %{if a}y%{endif}\"\nb = <<-E\n   ${  x }\n   E\n";
    assert_eq!(check(text), want);
}

#[test]
fn signs_stand_apart_as_people_write_them() {
    for (text, want) in [
        ("a=[for k,v in {x=-1}:k=>v... if !v]", "a = [for k, v in { x = -1 } : k => v... if !v]"),
        ("a=b [*] .c.0 [ 1 ]", "a = b[*].c.0[1]"),
        ("a=b.*.c", "a = b.*.c"),
        ("a=b.for [c]", "a = b.for[c]"),
        ("a = f( - 1 , x... )", "a = f(-1, x...)"),
        ("a = x in [1]", "a = x in [1]"),
        ("a = if -1", "a = if -1"),
        ("a={}", "a = {}"),
        ("a = 1 - -2", "a = 1 - -2"),
        ("resource \"a\"   \"b\"{", "resource \"a\" \"b\" {"),
        ("a = \"$${ x }\"", "a = \"$${ x }\""),
    ] {
        assert_eq!(check(text), want);
    }
}

#[test]
fn mistakes_of_syntax_are_told_instead() {
    let mut map = SourceMap::default();
    assert!(config::format(&mut map, "main.hcl", "a = [1\n").is_err());
    assert!(config::format(&mut map, "main.hcl", "a = 1\n").is_ok());
}

#[test]
fn the_last_line_gets_its_line_break() {
    let mut map = SourceMap::default();
    for (text, want) in [("a=1", "a = 1\n"), ("a=1\r\nb=1", "a = 1\r\nb = 1\r\n"), ("", "")] {
        assert_eq!(config::format(&mut map, "main.hcl", text).expect("no mistakes"), want);
    }
}

/// Whatever the bytes are, layout ends, and keeps all but blanks.
#[test]
fn hostile_texts_are_laid_out() {
    let mut texts = vec!["\"${".repeat(500), "{[(".repeat(2000), "}])".repeat(2000)];
    texts.push("<<E\n".repeat(50));
    texts.push(format!("a = {}1{}", "[".repeat(3000), "]".repeat(3000)));
    texts.extend(["\"\\", "\"", "$", "a=\u{301}", "\u{feff}a=1", "\"a\nb=1"].map(str::to_owned));
    for text in texts {
        check(&text);
    }
}
