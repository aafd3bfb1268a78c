//! What a running kubelet says of itself, beside what it was asked to be.

use crate::settings::ways::{self, Way};
use apimachinery::versions::{self, Minor, Shape, Struct};
use apimachinery::{Quantity, duration};
use values::Value;

const API_VERSION: &str = "kubelet.config.k8s.io/v1beta1";

/// The settings that a kubelet of this version knows.
pub(super) fn fields(minor: Minor) -> Option<Struct> {
    versions::kind(API_VERSION, "KubeletConfiguration", minor)
}

/// The settings that the running kubelet does not have, with what it has instead.
pub(super) fn differing(
    settings: &[(Way, Value)],
    running: &Value,
    minor: Minor,
) -> Vec<(Way, Value)> {
    let of = fields(minor);
    let has = |way: &Way| ways::get(running, way).cloned().unwrap_or(Value::Null);
    let differs = |(way, wanted): &&(Way, Value)| {
        let shape = of.map_or(Shape::Any, |of| shape_at(of, way, minor));
        !same(wanted, &has(way), shape)
    };
    settings.iter().filter(differs).map(|(way, _)| (way.clone(), has(way))).collect()
}

/// Durations of which zero is one; of all others it stands for the kubelet's default.
const ZERO_MEANS_ZERO: [&str; 3] =
    ["imageMaximumGCAge", "shutdownGracePeriod", "shutdownGracePeriodCriticalPods"];

/// Settings that only seem to say something: a kubelet takes these for what it does anyway.
pub(super) fn silent(settings: &[(Way, Value)], minor: Minor) -> Vec<&Way> {
    let Some(of) = fields(minor) else { return Vec::new() };
    let is_silent = |(way, value): &&(Way, Value)| {
        let named = way.iter().any(|key| ZERO_MEANS_ZERO.contains(&&**key));
        let zero = value.as_str().and_then(duration::nanoseconds) == Some(0);
        zero && !named && shape_at(of, way, minor) == Shape::Duration
    };
    settings.iter().filter(is_silent).map(|(way, _)| way).collect()
}

/// What a setting of a kubelet of this version holds.
pub(super) fn shape_of(way: &Way, minor: Minor) -> Shape {
    fields(minor).map_or(Shape::Any, |of| shape_at(of, way, minor))
}

/// What a setting holds by the schema.
fn shape_at(of: Struct, way: &Way, minor: Minor) -> Shape {
    way.iter().fold(Shape::Struct(of), |shape, key| match shape {
        Shape::Struct(of) => of.field(key, minor).map_or(Shape::Any, |field| field.shape),
        Shape::Map(inner) => inner.shape(),
        _ => Shape::Any,
    })
}

/// Whether both mean the same to a kubelet, which writes durations and amounts its own way and
/// leaves out what is empty.
pub(super) fn same(wanted: &Value, found: &Value, shape: Shape) -> bool {
    match (wanted, found, shape) {
        (wanted, Value::Null, _) => is_empty(wanted),
        (Value::String(a), Value::String(b), Shape::Duration) => {
            duration::nanoseconds(a) == duration::nanoseconds(b)
        }
        (a, b, Shape::Quantity) => {
            let amount = |value: &Value| match value {
                Value::String(text) => Quantity::parse(text).ok(),
                Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
                _ => None,
            };
            amount(a).is_some() && amount(a) == amount(b)
        }
        (Value::List(a), Value::List(b), shape) => {
            let inner = if let Shape::List(inner) = shape { inner.shape() } else { Shape::Any };
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b, inner))
        }
        (Value::Map(a), Value::Map(b), shape) => a.iter().all(|(key, a)| {
            let inner = match shape {
                Shape::Map(inner) => inner.shape(),
                Shape::Struct(of) => {
                    of.field(key, Minor::newest()).map_or(Shape::Any, |field| field.shape)
                }
                _ => Shape::Any,
            };
            same(a, b.get(key).unwrap_or(&Value::Null), inner)
        }),
        (a, b, _) => a == b,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(number) => number.is_zero(),
        Value::String(text) => text.is_empty() || duration::nanoseconds(text) == Some(0),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Unknown(_) | Value::Sensitive(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &[(&'static str, Value)], running: &[(&'static str, Value)]) -> Vec<String> {
        let minor = Minor::parse("1.36").unwrap();
        let wanted = ways::leaves(&Value::map(wanted.iter().cloned()));
        let differing = differing(&wanted, &Value::map(running.iter().cloned()), minor);
        differing.iter().map(|(way, has)| format!("{}: {has:?}", way.join("/"))).collect()
    }

    #[test]
    fn spellings_of_durations_and_amounts_are_no_difference() {
        let block = |memory: &str| {
            let limits = Value::map([("memory", memory.into())]);
            Value::list([Value::map([("numaNode", 0_i64.into()), ("limits", limits)])])
        };
        let wanted = [("fileCheckFrequency", "90s".into()), ("reservedMemory", block("1024Mi"))];
        let running = [("fileCheckFrequency", "1m30s".into()), ("reservedMemory", block("1Gi"))];
        assert_eq!(check(&wanted, &running), [""; 0]);
    }

    #[test]
    fn what_is_empty_may_be_left_out() {
        let wanted = [("protectKernelDefaults", false.into()), ("cgroupRoot", "".into())];
        assert_eq!(check(&wanted, &[]), [""; 0]);
        assert_eq!(check(&[("maxPods", 5_i64.into())], &[]), ["maxPods: null"]);
    }

    #[test]
    fn a_zero_that_stands_for_the_default_is_told_from_one_that_does_not() {
        let wanted =
            Value::map([("syncFrequency", "0s".into()), ("shutdownGracePeriod", "0".into())]);
        let leaves = ways::leaves(&wanted);
        let silent = silent(&leaves, Minor::newest());
        assert_eq!(silent.iter().map(|way| way.join("/")).collect::<Vec<_>>(), ["syncFrequency"]);
    }

    #[test]
    fn another_value_is_named_with_what_runs() {
        let eviction = |amount: &str| Value::map([("memory.available", amount.into())]);
        let wanted = [("maxPods", 200_i64.into()), ("evictionHard", eviction("1Gi"))];
        let running = [("maxPods", 110_i64.into()), ("evictionHard", eviction("100Mi"))];
        assert_eq!(
            check(&wanted, &running),
            ["evictionHard/memory.available: \"100Mi\"", "maxPods: 110"]
        );
    }
}
