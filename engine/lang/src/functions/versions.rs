//! Versions: of Kubernetes and other programs, and of APIs.

use super::Kind::String;
use super::{Failed, FunctionInfo, deep, fail, p, str_at};
use std::cmp::Ordering;
use values::Value;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep(
            "apiversioncmp",
            [p("a", String), p("b", String)],
            "number",
            "-1, 0 or 1 by maturity and age of API versions: `v1beta1`, `v1`, `v2` in this order.",
            |a| Ok(super::compared(api(a, 0)?.cmp(&api(a, 1)?))),
        ),
        deep(
            "versioncmp",
            [p("a", String), p("b", String)],
            "number",
            "-1, 0 or 1: whether a version is older than, as old as or newer than another: \
             `v1.34.2`, `1.35`; a part that is left out is 0.",
            |a| Ok(super::compared(order(&release(a, 0)?, &release(a, 1)?))),
        ),
    ]
}

/// How mature, which number, and which number of that maturity.
///
/// Source: Kubernetes' `k8s.io/apimachinery/pkg/version`, `CompareKubeAwareVersionStrings`.
type Api = (u8, u64, u64);

fn api(args: &[Value], i: usize) -> Result<Api, Failed> {
    let text = str_at(args, i);
    let parsed = text.strip_prefix('v').and_then(|rest| {
        let (major, rest) = number(rest)?;
        let stages = [("alpha", 0), ("beta", 1)];
        if rest.is_empty() {
            return Some((2, major, 0));
        }
        stages.iter().find_map(|(word, stage)| {
            let (minor, rest) = number(rest.strip_prefix(word)?)?;
            rest.is_empty().then_some((*stage, major, minor))
        })
    });
    let shown = crate::text::short_str(text);
    let why = || format!("`{shown}` is not an API version such as `v1` or `v1beta2`");
    parsed.map_or_else(|| fail(i, why()), Ok)
}

/// Digits without a leading zero, and what follows.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let plain = !digits.starts_with('0') || digits == "0";
    Some((digits.parse().ok().filter(|_| plain)?, rest))
}

/// Numbers, and the words after the first `-`. What follows a `+` says nothing about age.
struct Release<'t> {
    numbers: [u64; 3],
    before: Vec<&'t str>,
}

fn release(args: &[Value], i: usize) -> Result<Release<'_>, Failed> {
    let text = str_at(args, i);
    let shown = crate::text::short_str(text);
    let why = || format!("`{shown}` is not a version such as `v1.34.2` or `1.35.0-rc.1`");
    parsed(text).map_or_else(|| fail(i, why()), Ok)
}

/// Source: Semantic Versioning 2.0.0, items 2, 9, 10; a `v` in front and left out numbers as
/// Kubernetes' `k8s.io/apimachinery/pkg/util/version` takes them.
fn parsed(text: &str) -> Option<Release<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = text.split_once('+').unwrap_or((text, "x"));
    let (core, before) = match text.split_once('-') {
        Some((core, before)) => (core, before.split('.').collect()),
        None => (text, Vec::new()),
    };
    let mut numbers = [0; 3];
    let mut parts = core.split('.');
    for slot in &mut numbers {
        let Some(part) = parts.next() else { break };
        let (value, rest) = number(part)?;
        *slot = value;
        if !rest.is_empty() {
            return None;
        }
    }
    let is_word =
        |w: &&str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let words = before.iter().all(is_word) && build.split('.').all(|w| is_word(&w));
    (parts.next().is_none() && words).then_some(Release { numbers, before })
}

/// Source: Semantic Versioning 2.0.0, item 11.
fn order(a: &Release<'_>, b: &Release<'_>) -> Ordering {
    let word = |a: &&str, b: &&str| match (number_of(a), number_of(b)) {
        (Some(a), Some(b)) => a.len().cmp(&b.len()).then(a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    };
    let differs = a.before.iter().zip(&b.before).map(|(a, b)| word(a, b)).find(|o| o.is_ne());
    let words = match (a.before.is_empty(), b.before.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => differs.unwrap_or_else(|| a.before.len().cmp(&b.before.len())),
    };
    a.numbers.cmp(&b.numbers).then(words)
}

/// A word of digits alone, without zeros in front, so that longer is more.
fn number_of(word: &str) -> Option<&str> {
    let digits = word.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| word.trim_start_matches('0'))
}
