//! The canonical layout: as other tools of the family lay out, idempotent, and nothing is lost.

use crate::corpora;
use crate::oracles::Tally;
use config::layout;
use diags::SourceMap;
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

#[test]
fn files_of_opentofu_keep_all_but_blanks() {
    let Some(folder) = corpora::folder("opentofu-testdata layout") else { return };
    let mut tally = Tally::new("opentofu-testdata layout");
    for (path, bytes) in corpora::archive(&folder.join("opentofu-testdata.tar.gz")) {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if Path::new(&path).extension() != Some("tf".as_ref()) {
            continue;
        }
        tally.total += 1;
        let mut map = SourceMap::default();
        if config::format(&mut map, &path, &text).is_err() {
            continue;
        }
        let same = check(&text) == text;
        tally.count(same, || path);
    }
    // Many of them were written by hand, so this is no number of mistakes; it must not drop.
    tally.print();
    assert!(tally.passed >= 400, "{}", tally.passed);
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
