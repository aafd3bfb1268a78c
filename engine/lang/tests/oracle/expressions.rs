//! Expressions and templates.

use super::{Score, cty, evaluate_bound, judge, rows};
use config::parse_expression;
use diags::SourceMap;
use serde_json::Value as Json;
use values::{Type, Value};

/// Names that the rows' functions have here; rows with others cannot be compared.
fn functions_are_known(ctx: &Json) -> bool {
    let Some(functions) = ctx.pointer("/f/Functions") else { return true };
    let Some(map) = functions.get("v").and_then(Json::as_object) else { return false };
    map.keys().all(|name| lang::functions().iter().any(|f| f.name == name))
}

fn variables(ctx: &Json) -> Option<Vec<(String, Value)>> {
    match ctx.pointer("/f/Variables") {
        Some(variables) => cty::entries(variables),
        None => Some(Vec::new()),
    }
}

fn expression(row: &Json) -> Option<Result<(), String>> {
    let f = row.get("f")?;
    let source = cty::text(f.get("input")?)?;
    let ctx = f.get("ctx")?;
    if !functions_are_known(ctx) {
        return None;
    }
    let variables = variables(ctx)?;
    let wants_error = f.get("diagCount")?.as_u64()? > 0;
    let want = cty::value(f.get("want")?);
    if !wants_error && want.is_none() {
        return None;
    }
    let mut map = SourceMap::default();
    let got = match parse_expression(&mut map, "row", &source) {
        Ok(expr) => evaluate_bound(expr, &variables),
        Err(diags) => (Value::Unknown(Type::Any), diags.len()),
    };
    Some(judge(&format!("line {} {source:?}", row.get("line")?), &got, wants_error, want.as_ref()))
}

#[test]
fn expressions_agree_with_rows_of_the_reference_implementation() {
    let Some(rows) = rows("hcl") else { return };
    let mut score = Score::new("hcl expressions");
    for row in rows.iter().filter(|r| r["test"] == "TestExpressionParseAndValue") {
        score.row(row, expression(row));
    }
    score.finish();
}

fn template(row: &Json) -> Option<Result<(), String>> {
    let f = row.get("f")?;
    let source = cty::text(f.get("input")?)?;
    let variables = variables(f.get("ctx")?)?;
    let wants_error = f.get("diagCount")?.as_u64()? > 0;
    let want = cty::value(f.get("want")?);
    if !wants_error && want.is_none() {
        return None;
    }
    // A text of its own is a heredoc here, which ends in a line end of its own.
    let mut map = SourceMap::default();
    let got = match parse_expression(&mut map, "row", &format!("<<END\n{source}\nEND\n")) {
        Ok(expr) => evaluate_bound(expr, &variables),
        Err(diags) => (Value::Unknown(Type::Any), diags.len()),
    };
    let got = (without_line_end(&got.0), got.1);
    let what = format!("line {} {source:?}", row.get("line")?);
    Some(judge(&what, &got, wants_error, want.as_ref()))
}

fn without_line_end(value: &Value) -> Value {
    match value {
        Value::String(s) => Value::from(s.strip_suffix('\n').unwrap_or(s)),
        Value::Sensitive(inner) => without_line_end(inner.expose()).into_sensitive(),
        other => other.clone(),
    }
}

#[test]
fn templates_agree_with_rows_of_the_reference_implementation() {
    let Some(rows) = rows("hcl") else { return };
    let mut score = Score::new("hcl templates");
    for row in rows.iter().filter(|r| r["test"] == "TestTemplateExprParseAndValue") {
        score.row(row, template(row));
    }
    score.finish();
}

#[test]
fn try_and_can_agree_with_rows_of_the_reference_implementation() {
    let Some(rows) = rows("hcl") else { return };
    let mut score = Score::new("hcl try");
    for row in rows.iter().filter(|r| r["test"] == "TestTryFunc" || r["test"] == "TestCanFunc") {
        score.row(row, attempt(row));
    }
    score.finish();
}

fn attempt(row: &Json) -> Option<Result<(), String>> {
    let f = row.get("f")?;
    let source = f.get("expr")?.as_str()?;
    let variables = cty::entries(f.get("vars")?)?;
    let wants_error = f.get("wantErr").and_then(Json::as_str).is_some_and(|e| !e.is_empty());
    let want = cty::value(f.get("want")?);
    let mut map = SourceMap::default();
    let got = match parse_expression(&mut map, "row", source) {
        Ok(expr) => evaluate_bound(expr, &variables),
        Err(diags) => (Value::Unknown(Type::Any), diags.len()),
    };
    Some(judge(source, &got, wants_error, want.as_ref()))
}
