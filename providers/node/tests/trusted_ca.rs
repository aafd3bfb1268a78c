//! Authorities that a host trusts: the file, and the bundle that programs read.

use crate::support::{answer, request, told};
use access::{Expected, FolderHost, Host, Hosts, MemoryHost, Output, WriteFile};
use futures::FutureExt as _;
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{Observation, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::{Arc, Mutex};
use values::{Type, Value};

const DEBIAN: &str = "/usr/local/share/ca-certificates/clinch-company.crt";
const REDHAT: &str = "/etc/pki/ca-trust/source/anchors/clinch-company.crt";
const DEBIAN_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const REDHAT_BUNDLE: &str = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem";

/// Two authorities and a server; their keys were thrown away.
pub(crate) const ONE: &str = "-----BEGIN CERTIFICATE-----
MIIBwDCCAWegAwIBAgIUSmlcByM0GaJDxvlEBcDEGdwQ/mQwCgYIKoZIzj0EAwIw
LTEQMA4GA1UECgwHRXhhbXBsZTEZMBcGA1UEAwwQRXhhbXBsZSByb290IG9uZTAg
Fw0yNjExMjMwNTU3MDBaGA8yMTI2MTAzMDA1NTcwMFowLTEQMA4GA1UECgwHRXhh
bXBsZTEZMBcGA1UEAwwQRXhhbXBsZSByb290IG9uZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABLt2oP2QCnx4to4IH9xyePOgyu32lm0NFGFfCULx5SToFKks5/LS
/jICTqNefw+GgMxeByI1LsKbUsGenVLpDVKjYzBhMB0GA1UdDgQWBBRKpGYG9l+a
ExzfUljDRuk6vOWfzTAfBgNVHSMEGDAWgBRKpGYG9l+aExzfUljDRuk6vOWfzTAP
BgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNHADBE
AiBphAQ4FgliAspacJG4lMdkzwt2jluj4e0TJsowkZcZDQIgMaaTjHtJ1MVy+2AK
SQU/lKEqJHxeNi6QEXgmHwR8gS4=
-----END CERTIFICATE-----
";
const TWO: &str = "-----BEGIN CERTIFICATE-----
MIIBwTCCAWegAwIBAgIUDnfq1CyGo0vH3arN4EOT48CK5aMwCgYIKoZIzj0EAwIw
LTEQMA4GA1UECgwHRXhhbXBsZTEZMBcGA1UEAwwQRXhhbXBsZSByb290IHR3bzAg
Fw0yNjExMjMwNTU3MDBaGA8yMTI2MTAzMDA1NTcwMFowLTEQMA4GA1UECgwHRXhh
bXBsZTEZMBcGA1UEAwwQRXhhbXBsZSByb290IHR3bzBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABOMV8fruHSiTpvdhOyPbgn9yGvc5QtnEI7SvZz3mPsGd6Q5GIY6H
2PfvQxcfupTk01PZVwHiGtYgZOT1QImBISKjYzBhMB0GA1UdDgQWBBRL3DZL5xK9
LiLzB60BTEGx07FWujAfBgNVHSMEGDAWgBRL3DZL5xK9LiLzB60BTEGx07FWujAP
BgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNIADBF
AiEA/2O3jZ62w3x8euN5bcJOHmcxgsfbVtWEzQDdaJGjd4sCIGMiPk7zLX4YIAtz
g5FYBymOUiZAEPj+zrHoCt10woXy
-----END CERTIFICATE-----
";
const SERVER: &str = "-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUAaOcFJoZiQlnP+9Rt80m0yELWiswCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMbGVhZi5leGFtcGxlMCAXDTI2MTEyMzA1NTcwMFoYDzIxMjYx
MDMwMDU1NzAwWjAXMRUwEwYDVQQDDAxsZWFmLmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARRw4lpSNWuIsM89ojr/6WVKo0bkcX1IhlFZX3DdC8fFnWT
QE3rJNXmuo5oxq1a5fvzIljyhDBpLMnxMWTt9fNVo2kwZzAdBgNVHQ4EFgQUCwcQ
n8bwFvE/MB+22ThomWbXkZcwHwYDVR0jBBgwFoAUCwcQn8bwFvE/MB+22ThomWbX
kZcwDAYDVR0TAQH/BAIwADAXBgNVHREEEDAOggxsZWFmLmV4YW1wbGUwCgYIKoZI
zj0EAwIDSAAwRQIgGO5/qlO3jhGYjUyeXkh0eo9pYw+jSX3z38DzHeL8BxACIQDU
O7gfSF37x3vYGBAON+3hdk27fyNmTacZKPbi4fj/LA==
-----END CERTIFICATE-----
";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "trusted_ca").unwrap()
}

fn args(certificate: &str, update: bool) -> Value {
    Value::map([
        ("node", "w1".into()),
        ("name", "company".into()),
        ("certificate", certificate.into()),
        ("update", update.into()),
    ])
}

/// A host whose bundle is what its distribution brings and all anchors; `blocked` is never in
/// it, and `broken` has a program that fails.
#[derive(Clone)]
struct Machine {
    host: MemoryHost,
    ran: Arc<Mutex<Vec<String>>>,
    mood: Arc<Mutex<(bool, bool)>>,
    clock: Arc<Mutex<i64>>,
}

impl Machine {
    fn debian() -> Self {
        Self::of(&[("/etc/ca-certificates.conf", ""), (DEBIAN_BUNDLE, "others\n")])
    }

    fn redhat() -> Self {
        Self::of(&[(REDHAT_BUNDLE, "others\n")])
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let mut host = MemoryHost::new("w1").with_file("/proc/sys/kernel/ostype", "Linux\n");
        for (path, content) in files {
            host = host.with_file(path, *content);
        }
        let (ran, mood) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new((false, false))));
        let clock = Arc::new(Mutex::new(1_800_000_000));
        let (log, shared, feels) = (ran.clone(), host.clone(), mood.clone());
        let time = clock.clone();
        let host = host.with_program(move |words, _| {
            if words[0] == "date" {
                let stdout = format!("{}\n", time.lock().unwrap()).into_bytes();
                return Output { status: Some(0), stdout, ..Output::default() };
            }
            log.lock().unwrap().push(words.join(" "));
            let (blocked, broken) = *feels.lock().unwrap();
            if broken {
                let stderr = "mktemp: No space left on device\x07\n".into();
                return Output { status: Some(1), stdout: Vec::new(), stderr };
            }
            let files = shared.dump();
            let anchors = [DEBIAN, REDHAT].into_iter().filter_map(|path| files.get(path)).cloned();
            let all = if blocked { String::new() } else { anchors.collect() };
            let bundle = if words[0] == "update-ca-trust" { REDHAT_BUNDLE } else { DEBIAN_BUNDLE };
            write(&shared, bundle, &format!("others\n{all}")).now_or_never().unwrap();
            Output { status: Some(0), ..Output::default() }
        });
        Self { host, ran, mood, clock }
    }

    fn provider(&self) -> NodeProvider {
        provider(self.host.clone())
    }

    async fn planned(&self, args: Option<&Value>) -> Planned {
        planned(&self.provider(), args).await
    }

    async fn apply(&self, args: Option<&Value>) -> Result<(), StepError> {
        let op = only_op(self.planned(args).await);
        let provider = self.provider();
        assert_eq!(provider.settle(&op).await, Ok(Settled::NotDone), "{}", op.text);
        provider.perform(&op, &|_| ()).await?;
        assert!(matches!(provider.settle(&op).await, Ok(Settled::Done(_))), "{}", op.text);
        provider.perform(&op, &|_| ()).await.map(|_| ())
    }

    fn ran(&self) -> Vec<String> {
        let mut ran = std::mem::take(&mut *self.ran.lock().unwrap());
        // A step that is done again runs its program again.
        ran.dedup();
        ran
    }
}

async fn write(host: &impl Host, path: &str, content: &str) {
    let (content, expected) = (content.as_bytes(), Expected::Anything);
    let file = WriteFile::new(path, content, 0o644, expected);
    host.write(file).await.unwrap();
}

fn provider(host: impl Host + 'static) -> NodeProvider {
    NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop")
}

fn identity() -> Identity {
    kind().identify(&args(ONE, true)).unwrap()
}

async fn planned(provider: &NodeProvider, args: Option<&Value>) -> Planned {
    let identity = identity();
    let wanted = Wanted { ty: kind().name().clone(), identity: identity.clone() };
    let observed: Observation = provider.observe(vec![wanted]).await.remove(0);
    kind().plan(&request(&identity, args, &observed))
}

fn only_op(planned: Planned) -> Op {
    match planned {
        Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
        other => panic!("{other:?}"),
    }
}

/// The family is what the host says.
#[tokio::test]
async fn authority_is_trusted_and_forgotten_again_on_hosts_of_both_families() {
    for (machine, path, bundle, update, renew) in [
        (
            Machine::debian(),
            DEBIAN,
            DEBIAN_BUNDLE,
            "update-ca-certificates",
            "update-ca-certificates --fresh",
        ),
        (
            Machine::redhat(),
            REDHAT,
            REDHAT_BUNDLE,
            "update-ca-trust extract",
            "update-ca-trust extract",
        ),
    ] {
        let text = answer(&machine.planned(Some(&args(ONE, true))).await);
        assert!(text.contains("subject=\"O=Example, CN=Example root one\""), "{text}");
        assert!(text.contains("expires=\"2126-10-30\""), "{text}");
        assert!(text.ends_with(&format!("op: write {path} on w1")), "{text}");
        machine.apply(Some(&args(ONE, true))).await.unwrap();
        assert_eq!(machine.ran(), [update]);
        assert!(machine.host.dump()[path].starts_with("# Managed by clinch (project shop)\n"));
        assert!(machine.host.dump()[bundle].contains(ONE));
        assert!(answer(&machine.planned(Some(&args(ONE, true))).await).starts_with("NoOp"));

        // The next root takes its place.
        machine.apply(Some(&args(TWO, true))).await.unwrap();
        assert!(!machine.host.dump()[bundle].contains(ONE));
        assert!(machine.host.dump()[bundle].contains(TWO));

        machine.ran();
        machine.apply(None).await.unwrap();
        assert_eq!(machine.ran(), [renew]);
        assert!(!machine.host.dump().contains_key(path));
        assert_eq!(machine.host.dump()[bundle], "others\n");
        assert_eq!(answer(&machine.planned(None).await), "Forget (Local)");
    }
}

/// Another file, line breaks of another system, and text around it: the certificate counts.
#[tokio::test]
async fn text_around_a_certificate_does_not_count() {
    let machine = Machine::debian();
    machine.apply(Some(&args(ONE, true))).await.unwrap();
    let dressed = format!("subject=O = Example\n{}", ONE.replace('\n', "\r\n"));
    let text = answer(&machine.planned(Some(&args(&dressed, true))).await);
    assert!(text.starts_with("NoOp"), "{text}");
}

#[tokio::test]
async fn file_that_is_edited_and_bundle_that_lacks_it_are_drift() {
    let machine = Machine::debian();
    machine.apply(Some(&args(ONE, true))).await.unwrap();
    write(&machine.host, DEBIAN_BUNDLE, "others\n").await;
    let text = answer(&machine.planned(Some(&args(ONE, true))).await);
    assert!(text.starts_with("Update (Local)") && text.contains("trusted=false"), "{text}");
    machine.apply(Some(&args(ONE, true))).await.unwrap();
    assert!(machine.host.dump()[DEBIAN_BUNDLE].contains(ONE));

    let file = machine.host.dump()[DEBIAN].replace(ONE, TWO);
    write(&machine.host, DEBIAN, &file).await;
    let text = answer(&machine.planned(Some(&args(ONE, true))).await);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].contains("root two") && lines[2].contains("root one"), "{text}");
    let emptied = file.replace("-----BEGIN", "-----BEG");
    write(&machine.host, DEBIAN, &emptied).await;
    let text = answer(&machine.planned(Some(&args(ONE, true))).await);
    assert!(text.contains("The text has no certificate in PEM."), "{text}");
}

#[tokio::test]
async fn update_that_fails_or_changes_nothing_leaves_no_file_behind() {
    for (mood, why) in [
        ((true, false), "the certificate may be on the host's block list. The file is as it was."),
        ((false, true), "`update-ca-certificates` on host `w1`: mktemp: No space left on device."),
    ] {
        let machine = Machine::debian();
        *machine.mood.lock().unwrap() = mood;
        let Err(error) = machine.apply(Some(&args(ONE, true))).await else { panic!("{why}") };
        assert!(error.message().contains(why), "{}", error.message());
        assert!(!machine.host.dump().contains_key(DEBIAN));
        assert_eq!(machine.host.dump()[DEBIAN_BUNDLE], "others\n");
    }
}

/// The file is there, and the program did not run.
#[tokio::test]
async fn step_that_stopped_after_the_file_is_done_again_to_the_same_end() {
    let machine = Machine::debian();
    let write_op = only_op(machine.planned(Some(&args(ONE, true))).await);
    machine.apply(Some(&args(ONE, true))).await.unwrap();
    let remove_op = only_op(machine.planned(None).await);
    let end = machine.host.dump();
    write(&machine.host, DEBIAN_BUNDLE, "others\n").await;
    let provider = machine.provider();
    assert_eq!(provider.settle(&write_op).await, Ok(Settled::NotDone));
    provider.perform(&write_op, &|_| ()).await.unwrap();
    assert_eq!(machine.host.dump(), end);

    machine.host.remove(DEBIAN, Expected::Anything).await.unwrap();
    assert_eq!(provider.settle(&remove_op).await, Ok(Settled::NotDone));
    provider.perform(&remove_op, &|_| ()).await.unwrap();
    assert_eq!(machine.host.dump()[DEBIAN_BUNDLE], "others\n");
}

#[tokio::test]
async fn host_without_a_trust_store_or_a_kernel_is_an_error_and_the_file_alone_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let provider = provider(FolderHost::new("w1", folder.path()));
    let text = answer(&planned(&provider, Some(&args(ONE, false))).await);
    assert!(text.starts_with("E0777 at `node`: Host `w1` keeps its trusted authorities neither"));
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(folder.path().join("etc/ca-certificates.conf"), "").unwrap();
    assert_eq!(
        answer(&planned(&provider, Some(&args(ONE, true))).await),
        "E0773 at `node`: On host `w1` no program runs that could make the bundle anew."
    );
    let write_op = only_op(planned(&provider, Some(&args(ONE, false))).await);
    provider.perform(&write_op, &|_| ()).await.unwrap();
    assert!(answer(&planned(&provider, Some(&args(ONE, false))).await).starts_with("NoOp"));
    let found = provider.find("shop").await.unwrap().found;
    assert_eq!(found.into_iter().map(|found| found.identity).collect::<Vec<_>>(), [identity()]);
    let remove_op = only_op(planned(&provider, None).await);
    provider.perform(&remove_op, &|_| ()).await.unwrap();
    assert!(!folder.path().join(&DEBIAN[1..]).exists());
}

/// The host's clock counts, since it is there that the certificate is judged.
#[tokio::test]
async fn certificate_near_its_end_or_beyond_is_a_warning_with_the_day() {
    let machine = Machine::debian();
    // The last second of ONE is 2126-10-30 05:57:00.
    let end = 4_949_013_420;
    let day = 24 * 3600;
    for (clock, want) in [
        (end - 31 * day, ""),
        (
            end - 10 * day,
            "E0776 at `certificate`: The certificate of `O=Example, CN=Example root one` expires on 2126-10-30, in 10 days.",
        ),
        (
            end + day,
            "E0776 at `certificate`: The certificate of `O=Example, CN=Example root one` expired on 2126-10-30; nothing it signed is trusted.",
        ),
        (
            1_000_000_000,
            "E0776 at `certificate`: The certificate of `O=Example, CN=Example root one` is not valid yet.",
        ),
    ] {
        *machine.clock.lock().unwrap() = clock;
        let Planned::Decided(decision) = machine.planned(Some(&args(ONE, true))).await else {
            panic!()
        };
        assert_eq!(told(&decision.warnings), want, "{clock}");
    }
}

#[tokio::test]
async fn file_of_others_is_neither_replaced_nor_removed() {
    let machine = Machine::redhat();
    write(&machine.host, REDHAT, ONE).await;
    for asked in [Some(&args(ONE, true)), None] {
        let text = answer(&machine.planned(asked).await);
        assert!(text.starts_with("E0762"), "{text}");
    }
}

#[tokio::test]
async fn certificate_known_after_apply_cannot_be_checked_and_is_refused() {
    let mut late = args(ONE, true).as_map().unwrap().clone();
    late.insert("certificate".into(), Value::Unknown(Type::String));
    let text = answer(&Machine::debian().planned(Some(&Value::map(late))).await);
    assert!(text.starts_with("E0775 at `certificate`: It is known after apply"), "{text}");
}

#[test]
fn what_is_no_certificate_of_an_authority_is_refused_and_not_repeated() {
    let check = |text: &str| told(&kind().check(&args(text, true)));
    let key = "-----BEGIN PRIVATE KEY-----\nTm90IGEga2V5\n-----END PRIVATE KEY-----\n";
    let damaged = ONE.replace("MII", "AAA");
    for (text, why) in [
        ("", "The text has no certificate in PEM."),
        ("no PEM", "The text has no certificate in PEM."),
        (&ONE[..200], "The text is no complete PEM."),
        (damaged.as_str(), "The certificate cannot be read."),
        (&format!("{ONE}{TWO}"), "The text has 2 certificates, and one is meant."),
        (SERVER, "The certificate is not one of an authority (`CA:TRUE`)."),
    ] {
        assert_eq!(check(text), format!("E0775 at `certificate`: {why}"));
    }
    // At the block: what is printed of a line would be the key.
    for text in [key, &format!("{ONE}{key}")] {
        assert_eq!(check(text), "E0775 at ``: The text has a private key.");
    }
    assert_eq!(check(ONE), "");
    let hidden = Value::map([("certificate", Value::from(ONE).into_sensitive())]);
    assert!(told(&kind().check(&hidden)).contains("A certificate is public"));
    for name in ["", "../x", "X", "-x", "a.crt"] {
        let mut named = args(ONE, true).as_map().unwrap().clone();
        named.insert("name".into(), name.into());
        assert!(kind().identify(&Value::map(named)).is_err(), "{name}");
    }
}

#[test]
fn the_page_has_an_example_risks_and_a_source() {
    let kind = kind();
    for part in ["```hcl\nresource \"trusted_ca\"", "\n# Risks\n", "\n# See also\n"] {
        assert!(kind.page().contains(part), "{part}");
    }
    for attr in &kind.schema().attrs {
        assert!(attr.doc.ends_with('.'), "{}", attr.name);
    }
}
