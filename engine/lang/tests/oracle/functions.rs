//! Functions and operators.

use super::{Score, binary, call, cty, evaluate, judge, rows, variable};
use config::{BinaryOp, Expr, parse_expression};
use diags::SourceMap;
use serde_json::Value as Json;
use values::Value;

/// Which function or operator a test of the tables is about, and its arguments in order;
/// `...` before a key takes the items of a Go slice.
const TABLE: &[(&str, &str, &[&str])] = &[
    ("TestAnd", "&&", &["A", "B"]),
    ("TestOr", "||", &["A", "B"]),
    ("TestAbsolute", "abs", &["Input"]),
    ("TestAdd", "+", &["A", "B"]),
    ("TestAllTrue", "alltrue", &["Collection"]),
    ("TestAnyTrue", "anytrue", &["Collection"]),
    ("TestBase64Gunzip", "base64gunzip", &["String"]),
    ("TestBase64TextDecode", "textdecodebase64", &["String", "Encoding"]),
    ("TestBase64TextEncode", "textencodebase64", &["String", "Encoding"]),
    ("TestBasename", "basename", &["Path"]),
    ("TestCidrContains", "cidrcontains", &["Prefix", "Address"]),
    ("TestCSVDecode", "csvdecode", &["Input"]),
    ("TestDirname", "dirname", &["Path"]),
    ("TestLog", "log", &["Num", "Base"]),
    ("TestMd5", "md5", &["String"]),
    ("TestSha1", "sha1", &["String"]),
    ("TestTemplateString", "templatestring", &["Content", "Vars"]),
    ("TestTimeCmp", "timecmp", &["TimeA", "TimeB"]),
    ("TestTimeadd", "timeadd", &["Time", "Duration"]),
    ("TestURLDecode", "urldecode", &["String"]),
    ("TestUUIDV5", "uuidv5", &["Namespace", "Name"]),
    ("TestBase64Decode", "base64decode", &["String"]),
    ("TestBase64Decode_error", "base64decode", &["String"]),
    ("TestBase64Encode", "base64encode", &["String"]),
    ("TestBase64Sha256", "base64sha256", &["String"]),
    ("TestCeil", "ceil", &["Num"]),
    ("TestChunklist", "chunklist", &["List", "Len"]),
    ("TestCidrHost", "cidrhost", &["Prefix", "Hostnum"]),
    ("TestCidrNetmask", "cidrnetmask", &["Prefix"]),
    ("TestCidrSubnet", "cidrsubnet", &["Prefix", "Newbits", "Netnum"]),
    ("TestCidrSubnets", "cidrsubnets", &["Prefix", "...Newbits"]),
    ("TestCoalesce", "coalesce", &["...Values"]),
    ("TestCoalesceList", "coalescelist", &["...Values"]),
    ("TestConcat", "concat", &["...Input"]),
    ("TestContains", "contains", &["List", "Value"]),
    ("TestDistinct", "distinct", &["List"]),
    ("TestDivide", "/", &["A", "B"]),
    ("TestElement", "element", &["List", "Index"]),
    ("TestEqual", "==", &["A", "B"]),
    ("TestFlatten", "flatten", &["List"]),
    ("TestFloor", "floor", &["Num"]),
    ("TestFormat", "format", &["Format", "...Args"]),
    ("TestGreaterThan", ">", &["A", "B"]),
    ("TestGreaterThanOrEqualTo", ">=", &["A", "B"]),
    ("TestIsSensitive", "issensitive", &["Input"]),
    ("TestIndex", "index", &["List", "Value"]),
    ("TestJoin", "join", &["Separator", "...Lists"]),
    ("TestJSONDecode", "jsondecode", &["Input"]),
    ("TestJSONEncode", "jsonencode", &["Input"]),
    ("TestKeys", "keys", &["Collection"]),
    ("TestLength", "length", &["Collection"]),
    ("TestLength", "length", &["Value"]),
    ("TestLessThan", "<", &["A", "B"]),
    ("TestLessThanOrEqualTo", "<=", &["A", "B"]),
    ("TestLookup", "lookup", &["Collection", "Key", "Default"]),
    ("TestLookup", "lookup", &["...Values"]),
    ("TestLower", "lower", &["Input"]),
    ("TestMatchkeys", "matchkeys", &["Keys", "Values", "Searchset"]),
    ("TestMax", "max", &["...Inputs"]),
    ("TestMerge", "merge", &["...Values"]),
    ("TestMin", "min", &["...Inputs"]),
    ("TestModulo", "%", &["A", "B"]),
    ("TestMultiply", "*", &["A", "B"]),
    ("TestOne", "one", &["List"]),
    ("TestParseInt", "parseint", &["Num", "Base"]),
    ("TestPow", "pow", &["Num", "Power"]),
    ("TestRange", "range", &["...Args"]),
    ("TestRegex", "regex", &["Pattern", "String"]),
    ("TestRegexAll", "regexall", &["Pattern", "String"]),
    ("TestReplace", "replace", &["Input", "Substr", "Replace"]),
    ("TestReplace", "replace", &["String", "Substr", "Replace"]),
    ("TestReverse", "strrev", &["Input"]),
    ("TestReverseList", "reverse", &["Input"]),
    ("TestSetIntersection", "setintersection", &["...Input"]),
    ("TestSetproduct", "setproduct", &["...Collections"]),
    ("TestSetSubtract", "setsubtract", &["InputA", "InputB"]),
    ("TestSetUnion", "setunion", &["...Input"]),
    ("TestSha256", "sha256", &["String"]),
    ("TestSha512", "sha512", &["String"]),
    ("TestSlice", "slice", &["Input", "Start", "End"]),
    ("TestSort", "sort", &["Input"]),
    ("TestStartsWith", "startswith", &["String", "Prefix"]),
    ("TestStrContains", "strcontains", &["String", "Substr"]),
    ("TestStrlen", "length", &["Input"]),
    ("TestSubstr", "substr", &["Input", "Offset", "Length"]),
    ("TestSubtract", "-", &["A", "B"]),
    ("TestSum", "sum", &["List"]),
    ("TestTranspose", "transpose", &["Values"]),
    ("TestUpper", "upper", &["Input"]),
    ("TestURLEncode", "urlencode", &["String"]),
    ("TestValueAdd", "+", &["LHS", "RHS"]),
    ("TestValueAnd", "&&", &["Receiver", "Other"]),
    ("TestValueDivide", "/", &["LHS", "RHS"]),
    ("TestValueEquals", "==", &["LHS", "RHS"]),
    ("TestValueModulo", "%", &["LHS", "RHS"]),
    ("TestValueMultiply", "*", &["LHS", "RHS"]),
    ("TestValueOr", "||", &["Receiver", "Other"]),
    ("TestValueSubtract", "-", &["LHS", "RHS"]),
    ("TestValues", "values", &["Collection"]),
    ("TestZipMap", "zipmap", &["Keys", "Values"]),
];

/// The arguments of a row, or `None` when they are more than data.
fn arguments(f: &Json, keys: &[&str]) -> Option<Vec<Value>> {
    let mut args = Vec::new();
    for key in keys {
        match key.strip_prefix("...") {
            Some(list) => args.extend(cty::items(f.get(list)?)?),
            None => args.push(match f.get(*key)? {
                // A list that the test spreads into one argument.
                list if list.get("$list").is_some() => Value::list(cty::items(list)?),
                one => cty::value(one)?,
            }),
        }
    }
    Some(args)
}

fn expression(function: &str, names: &[String]) -> Option<Expr> {
    let mut args: Vec<Expr> = names.iter().map(|n| variable(n)).collect();
    let op = match function {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Mod,
        "==" => BinaryOp::Eq,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEq,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEq,
        "&&" => BinaryOp::And,
        "||" => BinaryOp::Or,
        name => return Some(call(name, args)),
    };
    let b = args.pop()?;
    Some(binary(op, args.pop()?, b))
}

fn error_is_wanted(f: &Json) -> bool {
    // Where an error is looked into by a function, there is one.
    if f.get("ErrFn").is_some_and(|e| e.get("$func").is_some()) {
        return true;
    }
    ["Err", "WantErr", "WantError"].iter().any(|key| match f.get(*key) {
        Some(Json::Bool(b)) => *b,
        Some(Json::String(s)) => !s.is_empty(),
        _ => false,
    })
}

fn row(row: &Json) -> Option<Result<(), String>> {
    let f = row.get("f")?;
    let test = row.get("test")?.as_str()?;
    let mut found = TABLE.iter().filter(|(name, _, _)| *name == test);
    let (function, args) =
        found.find_map(|(_, function, keys)| Some((*function, arguments(f, keys)?)))?;
    let wants_error = error_is_wanted(f);
    let want = ["Want", "Expected", "IsSensitive"].iter().find_map(|k| cty::value(f.get(*k)?));
    if !wants_error && want.is_none() {
        return None;
    }
    let shown: Vec<String> = args.iter().map(super::show).collect();
    let what = format!("{} {function}({})", row.get("line")?, shown.join(", "));
    let names: Vec<String> = (0..args.len()).map(|i| format!("a{i}")).collect();
    let variables: Vec<(String, Value)> = names.iter().cloned().zip(args).collect();
    let got = evaluate(&expression(function, &names)?, &variables);
    Some(judge(&what, &got, wants_error, want.as_ref()))
}

fn is_about_functions(row: &Json) -> bool {
    let test = row["test"].as_str().unwrap_or_default();
    let file = row["file"].as_str().unwrap_or_default();
    (file.contains("stdlib") || file.contains("lang/funcs") || file.contains("value_ops"))
        && TABLE.iter().any(|(name, _, _)| *name == test)
}

#[test]
fn functions_agree_with_rows_of_the_value_library() {
    let Some(rows) = rows("cty") else { return };
    let mut score = Score::new("cty functions");
    for r in rows.iter().filter(|r| is_about_functions(r)) {
        score.row(r, row(r));
    }
    score.finish();
}

#[test]
fn functions_agree_with_rows_of_a_sibling_language() {
    let Some(rows) = rows("opentofu-lang") else { return };
    let mut score = Score::new("opentofu functions");
    for r in rows.iter().filter(|r| is_about_functions(r)) {
        score.row(r, row(r));
    }
    for r in rows.iter().filter(|r| r["test"] == "TestFunctions") {
        score.row(r, source_row(r));
    }
    score.finish();
}

/// A row that is an expression with a call.
fn source_row(row: &Json) -> Option<Result<(), String>> {
    let f = row.get("f")?;
    let source = f.get("src")?.as_str()?;
    let want = cty::value(f.get("want")?)?;
    let name = source.split('(').next()?;
    // Functions that are left out on purpose, or come later, are no disagreement.
    lang::functions().iter().find(|f| f.name == name)?;
    // What files hold is not in the row.
    if name.starts_with("file") || name == "templatefile" {
        return None;
    }
    let mut map = SourceMap::default();
    let got = match parse_expression(&mut map, "row", source) {
        Ok(expr) => evaluate(&expr, &[]),
        Err(diags) => (Value::Null, diags.len()),
    };
    Some(judge(source, &got, false, Some(&want)))
}

#[test]
fn conversions_agree_with_rows_of_the_value_library() {
    let Some(rows) = rows("cty") else { return };
    let mut score = Score::new("cty conversions");
    for r in rows.iter().filter(|r| r["test"] == "TestConvert") {
        score.row(r, conversion(r));
    }
    score.finish();
}

fn conversion(row: &Json) -> Option<Result<(), String>> {
    let f = row.get("f")?;
    let (value, ty) = (cty::value(f.get("Value")?)?, cty::ty(f.get("Type")?)?);
    let wants_error = f.get("WantError").is_some_and(|e| match e {
        Json::Bool(b) => *b,
        Json::String(s) => !s.is_empty(),
        _ => false,
    });
    let want = f.get("Want").and_then(cty::value);
    if !wants_error && want.is_none() {
        return None;
    }
    let got = match values::conform(&value, &ty) {
        Ok(value) => (value, 0),
        Err(mismatches) => (Value::Null, mismatches.len()),
    };
    let what = format!("{} {} to {ty}", row.get("line")?, super::show(&value));
    Some(judge(&what, &got, wants_error, want.as_ref()))
}
