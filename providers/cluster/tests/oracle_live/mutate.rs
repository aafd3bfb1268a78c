//! Changes by chance: small ones of the content, and others of the spelling alone.

use super::dice::Dice;
use super::draw::QUANTITIES;
use serde_json::{Map, Value as Json};
use std::iter;

/// The content with one or two places taken from another draw, left out or moved.
pub(super) fn mutated(dice: &mut Dice, content: &Json, other: &Json) -> Json {
    let mut content = content.clone();
    for _ in 0..=dice.below(2) {
        change(dice, &mut content, other);
    }
    content
}

fn change(dice: &mut Dice, ours: &mut Json, other: &Json) {
    match (ours, other) {
        (Json::Object(ours), Json::Object(other)) => change_field(dice, ours, other),
        (Json::Array(ours), Json::Array(other)) => change_item(dice, ours, other),
        (ours, other) => *ours = other.clone(),
    }
}

fn change_field(dice: &mut Dice, ours: &mut Map<String, Json>, other: &Map<String, Json>) {
    // Each leaf is as likely as any other, or what is deep inside would hardly ever change.
    let weighed = |map: &Map<String, Json>| {
        let each = |(name, value): (&String, &Json)| iter::repeat_n(name.clone(), leaves(value));
        map.iter().flat_map(each).collect::<Vec<_>>()
    };
    let names = [weighed(ours), weighed(other)].concat();
    if names.is_empty() {
        return;
    }
    let name = dice.pick(&names);
    match (ours.get_mut(&name), other.get(&name)) {
        // Mostly somewhere inside; whole parts seldom change at once.
        (Some(ours), Some(other)) if dice.chance(85) => change(dice, ours, other),
        (_, Some(other)) => drop(ours.insert(name, other.clone())),
        (_, None) => drop(ours.remove(&name)),
    }
}

fn leaves(value: &Json) -> usize {
    match value {
        Json::Object(map) => map.values().map(leaves).sum::<usize>().max(1),
        Json::Array(items) => items.iter().map(leaves).sum::<usize>().max(1),
        _ => 1,
    }
}

fn change_item(dice: &mut Dice, ours: &mut Vec<Json>, other: &[Json]) {
    let at = if ours.is_empty() { 0 } else { dice.below(ours.len()) };
    let theirs = if other.is_empty() { None } else { Some(dice.pick(other)) };
    match (dice.below(10), theirs) {
        (0..=1, _) if !ours.is_empty() => drop(ours.remove(at)),
        (2..=3, _) if !ours.is_empty() => {
            let to = dice.below(ours.len());
            ours.swap(at, to);
        }
        // Perhaps a key that is there already.
        (4..=5, Some(theirs)) => ours.push(theirs),
        (_, Some(theirs)) if ours.is_empty() => ours.push(theirs),
        (_, Some(theirs)) => change(dice, &mut ours[at], &theirs),
        (_, None) => {}
    }
}

/// The same intent with its quantities spelled otherwise.
pub(super) fn respelled(dice: &mut Dice, content: &Json) -> Json {
    spelled(dice, content, false)
}

fn spelled(dice: &mut Dice, value: &Json, quantity: bool) -> Json {
    const HOLDERS: [&str; 7] =
        ["hard", "limits", "requests", "max", "min", "default", "defaultRequest"];
    match value {
        Json::Object(map) => map
            .iter()
            .map(|(name, value)| {
                let quantity = value.is_object() && HOLDERS.contains(&name.as_str())
                    || quantity && !value.is_object();
                (name.clone(), spelled(dice, value, quantity))
            })
            .collect(),
        Json::Array(items) => items.iter().map(|item| spelled(dice, item, false)).collect(),
        Json::String(text) if quantity => {
            match QUANTITIES.iter().find(|row| row.contains(&text.as_str())) {
                Some(row) => dice.pick(row).into(),
                None => value.clone(),
            }
        }
        other => other.clone(),
    }
}
