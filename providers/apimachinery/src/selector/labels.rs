//! Label selectors, from text and from objects.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::SelectorError;
use crate::names;

/// All requirements have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector {
    /// In the order in which they were written.
    pub requirements: Vec<Requirement>,
}

/// One key and what is asked of its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What is asked.
    pub operator: Operator,
}

/// What is asked of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// The label is there, with one of these values.
    In(Vec<String>),
    /// The label is not there, or has none of these values.
    NotIn(Vec<String>),
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
    /// The label is a number greater than this.
    GreaterThan(i64),
    /// The label is a number less than this.
    LessThan(i64),
}

impl LabelSelector {
    /// Reads the text of a `labelSelector` parameter.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        let requirements = parser
            .requirements()
            .map_err(|why| SelectorError(format!("unable to parse requirement: {why}")))?;
        Ok(Self { requirements })
    }

    /// Reads a selector object: `matchLabels` and `matchExpressions`.
    pub fn from_object(object: &Value) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for (key, value) in
            object.get("matchLabels").and_then(Value::as_object).into_iter().flatten()
        {
            let value = value.as_str().unwrap_or_default().to_owned();
            requirements
                .push(Requirement { key: key.clone(), operator: Operator::In(vec![value]) });
        }
        let expressions = object.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            requirements.push(Requirement::from_object(expression)?);
        }
        Ok(Self { requirements })
    }

    /// Whether an object with these labels is meant.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matches_with(|key| labels.get(key).map(String::as_str))
    }

    /// Whether an object is meant whose `metadata.labels` is this JSON map (or null).
    pub fn matches_json(&self, labels: &Value) -> bool {
        self.matches_with(|key| labels.get(key).and_then(Value::as_str))
    }

    fn matches_with<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|wanted| wanted.operator.holds(label(&wanted.key)))
    }
}

impl Operator {
    fn holds(&self, label: Option<&str>) -> bool {
        let among =
            |values: &[String]| label.is_some_and(|label| values.iter().any(|v| v == label));
        let number = || label.and_then(|label| label.parse::<i64>().ok());
        match self {
            Self::In(values) => among(values),
            Self::NotIn(values) => !among(values),
            Self::Exists => label.is_some(),
            Self::DoesNotExist => label.is_none(),
            Self::GreaterThan(bound) => number().is_some_and(|number| number > *bound),
            Self::LessThan(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

impl Requirement {
    fn from_object(expression: &Value) -> Result<Self, SelectorError> {
        let text = |name: &str| expression.get(name).and_then(Value::as_str).unwrap_or_default();
        let list = expression.get("values").and_then(Value::as_array);
        let values: Vec<String> =
            list.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        let operator = match text("operator") {
            "In" if !values.is_empty() => Operator::In(values),
            "NotIn" if !values.is_empty() => Operator::NotIn(values),
            "In" | "NotIn" => {
                return Err(SelectorError(
                    "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
                        .to_owned(),
                ));
            }
            "Exists" if values.is_empty() => Operator::Exists,
            "DoesNotExist" if values.is_empty() => Operator::DoesNotExist,
            "Exists" | "DoesNotExist" => {
                return Err(SelectorError(
                    "values: Invalid value: values set must be empty for exists and does not exist"
                        .to_owned(),
                ));
            }
            other => {
                return Err(SelectorError(format!(
                    "{other:?} is not a valid label selector operator"
                )));
            }
        };
        Ok(Self { key: text("key").to_owned(), operator })
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            let key = &requirement.key;
            match &requirement.operator {
                Operator::In(values) if values.len() == 1 => write!(out, "{key}={}", values[0])?,
                Operator::NotIn(values) if values.len() == 1 => {
                    write!(out, "{key}!={}", values[0])?;
                }
                Operator::In(values) => write!(out, "{key} in ({})", values.join(","))?,
                Operator::NotIn(values) => write!(out, "{key} notin ({})", values.join(","))?,
                Operator::Exists => write!(out, "{key}")?,
                Operator::DoesNotExist => write!(out, "!{key}")?,
                Operator::GreaterThan(bound) => write!(out, "{key}>{bound}")?,
                Operator::LessThan(bound) => write!(out, "{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Sign(sign) => sign,
        }
    }
}

const SIGNS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || "=!(),><".contains(c))
                .unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        while let Some(next) = self.peek() {
            if !matches!(next, Token::Word(_) | Token::Sign("!")) {
                return Err(format!(
                    "found '{}', expected: !, identifier, or 'end of string'",
                    next.text()
                ));
            }
            requirements.push(self.requirement()?);
            match self.next() {
                None => break,
                Some(Token::Sign(",")) => {
                    let follows = self.peek();
                    if !matches!(follows, Some(Token::Word(_) | Token::Sign("!"))) {
                        let found = follows.map_or("", Token::text);
                        return Err(format!("found '{found}', expected: identifier after ','"));
                    }
                }
                Some(other) => {
                    return Err(format!(
                        "found '{}', expected: ',' or 'end of string'",
                        other.text()
                    ));
                }
            }
        }
        Ok(requirements)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.accept("!");
        let key = match self.next() {
            Some(Token::Word(word)) => word,
            other => {
                return Err(format!("found '{}', expected: identifier", shown(other.as_ref())));
            }
        };
        let errors = names::qualified_name(&key);
        if !errors.is_empty() {
            return Err(format!("key: Invalid value: {key:?}: {}", errors.join("; ")));
        }
        if negated {
            return Ok(Requirement { key, operator: Operator::DoesNotExist });
        }
        let operator = match self.peek() {
            None | Some(Token::Sign(",")) => Operator::Exists,
            Some(_) => self.operator(&key)?,
        };
        Ok(Requirement { key, operator })
    }

    fn operator(&mut self, key: &str) -> Result<Operator, String> {
        let next = self.next();
        match next.as_ref().map_or("", Token::text) {
            "=" | "==" => Ok(Operator::In(vec![self.one_value(key)?])),
            "!=" => Ok(Operator::NotIn(vec![self.one_value(key)?])),
            "in" => Ok(Operator::In(self.values(key)?)),
            "notin" => Ok(Operator::NotIn(self.values(key)?)),
            ">" => Ok(Operator::GreaterThan(self.number()?)),
            "<" => Ok(Operator::LessThan(self.number()?)),
            other => Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        }
    }

    fn one_value(&mut self, key: &str) -> Result<String, String> {
        match self.peek() {
            // `key=` asks for the empty value.
            None | Some(Token::Sign(",")) => Ok(String::new()),
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                valid_value(key, word)
            }
            Some(other) => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let next = self.next();
        let text = next.as_ref().map_or("", Token::text);
        text.parse().map_err(|_| {
            format!("values[0]: Invalid value: {text:?}: for 'Gt', 'Lt' operators, the value must be an integer")
        })
    }

    fn values(&mut self, key: &str) -> Result<Vec<String>, String> {
        if !self.accept("(") {
            return Err(format!("found '{}', expected: '('", shown(self.peek())));
        }
        let mut values = Vec::new();
        // An empty place between commas is the empty value; several of them are one.
        let mut word_before = false;
        loop {
            match self.next() {
                Some(Token::Word(word)) if !word_before => {
                    values.push(valid_value(key, word)?);
                    word_before = true;
                }
                Some(Token::Sign(",")) => {
                    if !word_before {
                        values.push(String::new());
                    }
                    word_before = false;
                }
                Some(Token::Sign(")")) => {
                    if !word_before {
                        values.push(String::new());
                    }
                    break;
                }
                other => {
                    return Err(format!(
                        "found '{}', expected: ',', or ')'",
                        shown(other.as_ref())
                    ));
                }
            }
        }
        values.sort();
        values.dedup();
        Ok(values)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn accept(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }
}

fn shown(token: Option<&Token>) -> &str {
    token.map_or("", Token::text)
}

fn valid_value(key: &str, value: String) -> Result<String, String> {
    let errors = names::label_value(&value);
    if errors.is_empty() {
        return Ok(value);
    }
    Err(format!("values[0][{key}]: Invalid value: {value:?}: {}", errors.join("; ")))
}
