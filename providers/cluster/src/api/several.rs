//! One question about several objects.
//!
//! A resource of several objects is planned as a whole, so the server is asked about all of its
//! objects at once. The operations that it is asked about travel as values in one operation, which
//! is never performed; what is done are the operations themselves.

use addrs::TypeName;
use plans::{Identity, ObjectKey, Op};
use provider::Preview;
use values::Value;

/// The name of the operation that is only asked.
pub(crate) const NAME: &str = "several";

/// The question about these operations; and where there are labels, what the kubelets of nodes that
/// have them give to pods.
pub(crate) fn question(
    ty: &TypeName,
    identity: &Identity,
    ops: &[Op],
    kubelets: Option<&Value>,
) -> Op {
    let args = Value::map([
        ("ops", Value::list(ops.iter().map(written))),
        ("kubelets", kubelets.cloned().unwrap_or(Value::Null)),
    ]);
    Op {
        ty: ty.clone(),
        name: NAME.to_owned(),
        identity: identity.clone(),
        args,
        guard: Value::Null,
        text: format!("look at {}", identity.shown),
    }
}

fn written(op: &Op) -> Value {
    Value::map([
        ("name", op.name.as_str().into()),
        ("key", Value::from(&*op.identity.key.0)),
        ("identity", op.identity.args.clone()),
        ("shown", op.identity.shown.as_str().into()),
        ("args", op.args.clone()),
        ("guard", op.guard.clone()),
        ("text", op.text.as_str().into()),
    ])
}

/// The operations in a question; `None` for what is none.
pub(crate) fn asked(question: &Op) -> Option<Vec<Op>> {
    let read = |op: &Value| {
        let text = |name: &str| Some(op.get(name)?.as_str()?.to_owned());
        Some(Op {
            ty: question.ty.clone(),
            name: text("name")?,
            identity: Identity {
                key: ObjectKey(text("key")?.into()),
                args: op.get("identity")?.clone(),
                shown: text("shown")?,
            },
            args: op.get("args")?.clone(),
            guard: op.get("guard")?.clone(),
            text: text("text")?,
        })
    };
    question.args.get("ops")?.as_list()?.iter().map(read).collect()
}

/// The answers to a question, as one. What could not be asked of one object is known of none.
pub(crate) fn answered(answers: Vec<Preview>, kubelets: Value) -> Preview {
    let mut told = Vec::new();
    for answer in answers {
        told.push(match answer {
            Preview::Would(value) => Value::map([("would", value)]),
            Preview::Refused(value) => Value::map([("refused", value)]),
            Preview::Unknown(problem) => return Preview::Unknown(problem),
        });
    }
    Preview::Would(Value::map([("answers", Value::list(told)), ("kubelets", kubelets)]))
}

/// What was answered about each operation.
pub(crate) fn answers(question: &Op, answer: &Value) -> Vec<(Op, Preview)> {
    let told = answer.get("answers").and_then(Value::as_list).unwrap_or_default();
    let preview = |told: &Value| match (told.get("would"), told.get("refused")) {
        (Some(value), _) => Some(Preview::Would(value.clone())),
        (None, Some(value)) => Some(Preview::Refused(value.clone())),
        (None, None) => None,
    };
    let pairs = asked(question).unwrap_or_default().into_iter().zip(told);
    pairs.filter_map(|(op, told)| Some((op, preview(told)?))).collect()
}
