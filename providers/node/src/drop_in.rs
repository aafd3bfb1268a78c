//! Files of our own in a folder of drop-ins: `FOLDER/90-clinch-NAME.conf`.

use crate::codes;
use crate::look::Looked;
use crate::marked::Located;
use access::{Ask, Host, HostError};
use plans::Problem;
use values::{Attr, Path, Role, Type, Value};

/// The argument that tells several files on one node apart.
pub(crate) fn name_attr(default: &'static str) -> Attr {
    Attr::new(
        "name",
        Type::String,
        Role::IdentityOr(default.into()),
        "The file's own part of its name: lower case letters, digits and `-`. Only needed for \
         several files on one node.",
    )
}

/// The file that is meant.
pub(crate) fn locate(folder: &str, default: &str, args: &Value) -> Result<Located, Vec<Problem>> {
    let name = args.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.unwrap_or(default);
    if is_name(name) {
        return Ok(located(folder, name));
    }
    let detail = format!(
        "`{}` cannot be part of the file's name: at most 63 lower case letters, digits and `-`.",
        name.escape_debug()
    );
    Err(vec![Problem::error(codes::IDENTITY, "Invalid name", Path::of("name"), detail)])
}

fn located(folder: &str, name: &str) -> Located {
    let path = format!("{folder}/90-clinch-{name}.conf");
    Located { path, more: vec![("name", name.into())] }
}

/// All files of that kind in the folder.
pub(crate) async fn candidates(host: &dyn Host, folder: &str) -> Result<Vec<Located>, HostError> {
    let listed = Looked::at(host, [Ask::folder(folder)]).await?;
    let names = listed.files_in(folder)?.into_iter().filter_map(name_of);
    Ok(names.map(|name| located(folder, name)).collect())
}

/// The file's own part of its name; `None` for files that no block can mean.
fn name_of(file: &str) -> Option<&str> {
    file.strip_prefix("90-clinch-")?.strip_suffix(".conf").filter(|name| is_name(name))
}

fn is_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(inside) && !name.starts_with('-')
}
