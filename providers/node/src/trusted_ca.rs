//! A certificate authority that a node's host trusts.
//!
//! A cluster whose API server, registry or webhooks have certificates of a private authority is
//! only usable where that authority is known. This puts its certificate among those that the
//! host's programs trust, as the documentation has you do by hand on every machine.
//!
//! ```hcl
//! resource "trusted_ca" "company" {
//!   node        = "worker-1"
//!   name        = "company-root"
//!   certificate = var.company_root
//! }
//! ```
//!
//! What is on the host decides where:
//!
//! | family | file | told by |
//! | --- | --- | --- |
//! | Debian, Ubuntu, Alpine | `/usr/local/share/ca-certificates/clinch-NAME.crt` | `update-ca-certificates` |
//! | RHEL, Fedora and kin | `/etc/pki/ca-trust/source/anchors/clinch-NAME.crt` | `update-ca-trust extract` |
//!
//! Every plan compares the file, and whether the certificate is in the bundle that programs read.
//! The certificate is checked in the plan: it must be one certificate, of an authority, and not
//! a private key. One that has expired, or will within 30 days by the host's clock, is a warning.
//! Several authorities are several resources (`for_each`), since Debian takes one certificate
//! from a file.
//!
//! With `update = false` only the file is kept, and the bundle is neither made nor compared.
//!
//! # Risks
//!
//! Programs that read the bundle before keep what they read: restart `containerd` and the kubelet
//! where they are to trust a registry by it. Containers have bundles of their own. Whoever has
//! the authority's key can pose as any server towards the host's programs.
//!
//! # See also
//!
//! [Certificates: distributing self-signed CA certificate](https://kubernetes.io/docs/tasks/administer-cluster/certificates/#distributing-self-signed-ca-certificate),
//! `update-ca-certificates(8)`, `update-ca-trust(8)`

mod pem;

use crate::codes;
use crate::host_type::{Site, refused, strange};
use crate::look::Looked;
use crate::marked::{Beside, Located, MarkedFile};
use crate::owned;
use crate::place::{KERNEL, page, part};
use access::{Ask, Command, FileOnHost, Host, HostError};
use pem::Authority;
use plans::{Identity, Note, Op, Problem};
use provider::{BoxFuture, PlanRequest, StepError};
use values::{Attr, Path, Role, Type, Value};

/// How the host tells the time, in seconds since 1970.
const CLOCK: [&str; 2] = ["date", "+%s"];
/// How long before its end a certificate is worth a warning, in days.
const SOON: i64 = 30;
const DAY: i64 = 24 * 60 * 60;

/// How hosts keep what they trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Debian,
    RedHat,
}

impl Family {
    const ALL: [Self; 2] = [Self::Debian, Self::RedHat];

    fn name(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::RedHat => "redhat",
        }
    }

    /// What only hosts of this family have.
    fn witness(self) -> &'static str {
        match self {
            Self::Debian => "/etc/ca-certificates.conf",
            Self::RedHat => "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Debian => "/usr/local/share/ca-certificates",
            Self::RedHat => "/etc/pki/ca-trust/source/anchors",
        }
    }

    /// What programs read.
    fn bundle(self) -> &'static str {
        match self {
            Self::Debian => "/etc/ssl/certs/ca-certificates.crt",
            Self::RedHat => "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        }
    }

    /// What makes the bundle anew. Without `--fresh` Debian's keeps links to files that are gone.
    fn update(self, removed: bool) -> &'static [&'static str] {
        match (self, removed) {
            (Self::Debian, false) => &["update-ca-certificates"],
            (Self::Debian, true) => &["update-ca-certificates", "--fresh"],
            (Self::RedHat, _) => &["update-ca-trust", "extract"],
        }
    }

    fn file(self, name: &str) -> String {
        format!("{}/clinch-{name}.crt", self.folder())
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// Of a host whose file is there.
    fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| path.starts_with(family.folder()))
    }
}

/// A certificate authority that a host trusts.
pub(crate) struct TrustedCa;

impl MarkedFile for TrustedCa {
    const NAME: &'static str = "trusted_ca";
    const MAIN: &'static str = "certificate";

    fn page() -> &'static str {
        page!("trusted_ca.rs")
    }

    fn attrs() -> Vec<Attr> {
        vec![
            Attr::new(
                "name",
                Type::String,
                Role::Identity,
                "The file's own part of its name: lower case letters, digits and `-`.",
            ),
            Attr::new(
                "certificate",
                Type::String,
                Role::Required,
                "The authority's certificate in PEM: one, and nothing that is secret.",
            ),
            Attr::new(
                "update",
                Type::Bool,
                Role::Default(true.into()),
                "Whether the bundle that programs read is compared and made anew, or only the \
                 file kept.",
            ),
        ]
    }

    /// Which of the places it is, only a look at the host says; the name is one for both.
    fn locate(args: &Value) -> Result<Located, Vec<Problem>> {
        let name = args.get("name").and_then(Value::as_str).unwrap_or("");
        if is_name(name) {
            return Ok(located(name));
        }
        let detail = format!(
            "`{}` cannot be part of the file's name: at most 63 lower case letters, digits and \
             `-`.",
            name.escape_debug()
        );
        Err(vec![Problem::error(codes::IDENTITY, "Invalid name", Path::of("name"), detail)])
    }

    fn candidates(host: &dyn Host) -> BoxFuture<'_, Result<Vec<Located>, HostError>> {
        Box::pin(async move {
            let folders = Family::ALL.map(Family::folder);
            let listed = Looked::at(host, folders.map(Ask::folder)).await?;
            let mut found = Vec::new();
            for folder in folders {
                let own = |file: &str| {
                    let name = file.strip_prefix("clinch-")?.strip_suffix(".crt")?;
                    is_name(name).then(|| located(name))
                };
                found.extend(listed.files_in(folder)?.into_iter().filter_map(own));
            }
            Ok(found)
        })
    }

    fn paths(identity: &Identity) -> Vec<String> {
        Family::ALL.map(|family| family.file(part(identity, "name"))).into()
    }

    fn resolve(identity: &Identity, present: &Value) -> Result<Identity, Problem> {
        let family = present.get("family").and_then(Value::as_str).and_then(Family::of_name);
        let Some(family) = family else { return Err(no_store(part(identity, "node"))) };
        let mut args = identity.args.as_map().cloned().unwrap_or_default();
        args.insert("path".into(), family.file(part(identity, "name")).into());
        Ok(Identity { args: Value::map(args), ..identity.clone() })
    }

    fn check(args: &Value) -> Vec<Problem> {
        let Some(given) = args.get("certificate") else { return Vec::new() };
        let wrong = |path: Path, detail: String, help: &str| {
            let problem = Problem::error(codes::CERTIFICATE, "Invalid certificate", path, detail);
            vec![problem.with_help(help)]
        };
        if given.has_sensitive() {
            let detail = "A certificate is public, and this one comes from a sensitive value.";
            let path = Path::of("certificate");
            return wrong(path, detail.to_owned(), "Take the certificate alone, without its key.");
        }
        match given.as_str().map(Authority::parse) {
            Some(Err(why)) => {
                // The line of a key would be printed, so that one is told at the block.
                let path = if why == pem::KEY { Path::root() } else { Path::of("certificate") };
                wrong(path, why, "Give the PEM text of one certificate of an authority.")
            }
            Some(Ok(_)) | None => Vec::new(),
        }
    }

    fn body(args: &Value) -> Option<String> {
        Some(Authority::parse(args.get("certificate")?.as_str()?).ok()?.pem)
    }

    fn read(content: &str) -> Vec<(&'static str, Value)> {
        match Authority::parse(owned::below_head(content)) {
            Ok(authority) => authority.shown(),
            Err(why) => vec![("certificate", why.into())],
        }
    }

    fn asked(_args: &Value) -> Vec<(&'static str, Value)> {
        vec![("certificate", Value::Unknown(Type::String))]
    }

    fn asks(_identity: &Identity) -> Vec<Ask> {
        let files = Family::ALL.into_iter().flat_map(|family| [family.witness(), family.bundle()]);
        let mut asks: Vec<Ask> = files.map(Ask::file).collect();
        asks.extend([Ask::file(KERNEL), Ask::command(CLOCK)]);
        asks
    }

    fn seen(identity: &Identity, looked: &Looked) -> Result<Vec<(&'static str, Value)>, Problem> {
        let read = |path: &str| looked.file(path).map_err(|error| error.to_problem());
        let mut family = None;
        for candidate in Family::ALL {
            if family.is_none() && read(candidate.witness())?.is_some() {
                family = Some(candidate);
            }
        }
        let mut trusted = Value::Null;
        if let Some(family) = family {
            let file = read(&family.file(part(identity, "name")))?;
            let bundle = read(family.bundle())?;
            trusted =
                file.is_some_and(|file| bundle.is_some_and(|b| holds(b, &block(file)))).into();
        }
        // A host that does not tell the time has no certificate judged by it.
        let now = looked.ran(&CLOCK).ok().flatten().filter(|output| output.succeeded());
        let now = now.and_then(|output| output.text().trim().parse::<i64>().ok());
        Ok(vec![
            ("family", family.map_or(Value::Null, |family| family.name().into())),
            ("trusted", trusted),
            ("runs", read(KERNEL)?.is_some().into()),
            ("now", now.map_or(Value::Null, Value::from)),
        ])
    }

    fn beside(request: &PlanRequest<'_>, args: &Value, seen: &Value) -> Result<Beside, Problem> {
        if !args.is_known() {
            let detail = "It is known after apply, and is to be checked in the plan.";
            let path = Path::of("certificate");
            return Err(Problem::error(codes::CERTIFICATE, "Invalid certificate", path, detail)
                .with_help("Apply what it comes from first."));
        }
        if !updates(args) {
            return Ok(Beside::default());
        }
        let is = |name: &str| seen.get(name).and_then(Value::as_bool);
        if is("runs") == Some(false) {
            return Err(nothing_runs(part(request.identity, "node")));
        }
        if is("trusted") != Some(false) || seen.get("content").is_none_or(Value::is_null) {
            return Ok(Beside::default());
        }
        let trusted = |is: bool| vec![("trusted", is.into())];
        Ok(Beside { before: trusted(false), after: trusted(true) })
    }

    fn notes(_args: &Value, _seen: &Value) -> Vec<Note> {
        Vec::new()
    }

    fn warnings(args: &Value, seen: &Value) -> Vec<Problem> {
        let authority = args.get("certificate").and_then(Value::as_str).map(Authority::parse);
        let now = seen.get("now").and_then(Value::as_number).and_then(values::Number::as_i64);
        let (Some(Ok(authority)), Some(now)) = (authority, now) else { return Vec::new() };
        let days = (authority.not_after - now).div_euclid(DAY);
        let (subject, end) = (&authority.subject, &authority.expires);
        let detail = if authority.not_before > now {
            format!("The certificate of `{subject}` is not valid yet.")
        } else if authority.not_after < now {
            format!(
                "The certificate of `{subject}` expired on {end}; nothing it signed is trusted."
            )
        } else if days < SOON {
            format!("The certificate of `{subject}` expires on {end}, in {days} days.")
        } else {
            return Vec::new();
        };
        let path = Path::of("certificate");
        let problem = Problem::warning(codes::EXPIRY, "Certificate at its end", path, detail);
        vec![problem.with_help("Distribute its successor beside it before that day.")]
    }

    fn effect(_identity: &Identity, args: Option<&Value>, seen: &Value) -> Value {
        let runs = seen.get("runs").and_then(Value::as_bool) == Some(true);
        let block = match args {
            Some(args) => Self::body(args).filter(|_| updates(args)),
            // It must be gone from the bundle, too.
            None => {
                let content = seen.get("content").and_then(Value::as_str).filter(|_| runs);
                content.map(|content| owned::below_head(content).to_owned())
            }
        };
        block.map_or(Value::Null, |block| Value::map([("certificate", block.into())]))
    }

    fn heed<'a>(
        site: Site<'a>,
        op: &'a Op,
        _before: Option<&'a FileOnHost>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            update(site, op, op.name == "remove").await?;
            if is_heeded(site, op).await? {
                return Ok(());
            }
            let detail = format!(
                "{} was written and the bundle made anew, and the bundle is not as it should be: \
                 the certificate may be on the host's block list. The file is as it was.",
                op.identity.shown
            );
            let summary = "Authority is not trusted";
            let path = Path::of("certificate");
            Err(StepError::Refused(Problem::error(codes::CERTIFICATE, summary, path, detail)))
        })
    }

    fn heed_back<'a>(site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(update(site, op, true))
    }

    fn is_heeded<'a>(site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<bool, StepError>> {
        Box::pin(is_heeded(site, op))
    }
}

/// # Interruption
///
/// The bundle is made anew as a whole, and can be made again.
async fn update(site: Site<'_>, op: &Op, removed: bool) -> Result<(), StepError> {
    if op.args.get("effect").is_none() {
        return Ok(());
    }
    let family = Family::of_path(part(&op.identity, "path")).ok_or_else(|| strange(op))?;
    let words = family.update(removed);
    let output = site.host.run(Command::new(words)).await.map_err(refused)?;
    if output.succeeded() {
        return Ok(());
    }
    let said = access::text::sentence(&output.complaint());
    let detail = format!("`{}` on host `{}`: {said}", words.join(" "), site.host.name());
    let summary = "Trust store was not updated";
    let problem = Problem::error(codes::CERTIFICATE, summary, Path::of("certificate"), detail);
    Err(StepError::Refused(problem.with_help("Have the program work on the host first.")))
}

/// Whether the bundle has the certificate, or has it no more.
async fn is_heeded(site: Site<'_>, op: &Op) -> Result<bool, StepError> {
    let Some(effect) = op.args.get("effect") else { return Ok(true) };
    let block = effect.get("certificate").and_then(Value::as_str).ok_or_else(|| strange(op))?;
    let family = Family::of_path(part(&op.identity, "path")).ok_or_else(|| strange(op))?;
    let bundle = site.host.read(family.bundle()).await.map_err(refused)?;
    let there = bundle.is_some_and(|bundle| holds(&bundle, block));
    Ok(there == (op.name == "write"))
}

/// The certificate in a file of ours.
fn block(file: &FileOnHost) -> String {
    let content = String::from_utf8_lossy(&file.content).into_owned();
    owned::below_head(&content).to_owned()
}

/// Whether a bundle has a certificate: both are in lines of 64 characters.
fn holds(bundle: &FileOnHost, block: &str) -> bool {
    let block = block.trim();
    !block.is_empty() && String::from_utf8_lossy(&bundle.content).contains(block)
}

fn updates(args: &Value) -> bool {
    args.get("update").and_then(Value::as_bool).unwrap_or(true)
}

fn no_store(node: &str) -> Problem {
    let [debian, redhat] = Family::ALL.map(Family::witness);
    let detail = format!(
        "Host `{node}` keeps its trusted authorities neither as Debian does (`{debian}`) nor as \
         Red Hat does (`{redhat}`)."
    );
    Problem::error(codes::NO_STORE, "No trust store on this host", Path::of("node"), detail)
        .with_help("Install the package `ca-certificates` there.")
}

fn nothing_runs(node: &str) -> Problem {
    let detail = format!("On host `{node}` no program runs that could make the bundle anew.");
    Problem::error(codes::NO_KERNEL, "No running kernel", Path::of("node"), detail)
        .with_help("Use a real host, or set `update = false` to keep only the file.")
}

fn located(name: &str) -> Located {
    Located { path: format!("trusted-ca/{name}"), more: vec![("name", name.into())] }
}

fn is_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(inside) && !name.starts_with('-')
}
