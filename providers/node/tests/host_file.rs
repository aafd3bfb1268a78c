//! Files of any kind: what is decided, and what becomes of them on a host.

use crate::support::{answer, request, told};
use access::{Expected, FolderHost, Host, Hosts, MemoryHost, WriteFile};
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{Observation, PlanRequest, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::Arc;
use values::{Path, Type, Value};

const PATH: &str = "/etc/motd";
const USERS: &str = "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/:/bin/false\n";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "host_file").unwrap()
}

/// Arguments as they come after conforming.
fn args(content: impl Into<Value>) -> Value {
    Value::map([
        ("node", "w1".into()),
        ("path", PATH.into()),
        ("content", content.into()),
        ("mode", "0644".into()),
    ])
}

fn with(args: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut map = args.as_map().unwrap().clone();
    map.insert(name.into(), value.into());
    Value::map(map)
}

fn identity() -> Identity {
    kind().identify(&args("")).unwrap()
}

fn host() -> MemoryHost {
    MemoryHost::new("w1").with_file("/etc/passwd", USERS).with_file("/etc/group", USERS)
}

fn provider(host: impl Host + 'static) -> NodeProvider {
    project(host, "shop")
}

fn project(host: impl Host + 'static, name: &str) -> NodeProvider {
    let host: Arc<dyn Host> = Arc::new(host);
    NodeProvider::new(Hosts::of([host]), name)
}

async fn observe(provider: &NodeProvider) -> Observation {
    let wanted = Wanted { ty: kind().name().clone(), identity: identity() };
    provider.observe(vec![wanted]).await.remove(0)
}

fn plan(args: Option<&Value>, observed: &Observation, ignore: &[Path]) -> Planned {
    let identity = identity();
    kind().plan(&PlanRequest { ignore, ..request(&identity, args, observed) })
}

async fn planned(provider: &NodeProvider, args: Option<&Value>) -> Planned {
    plan(args, &observe(provider).await, &[])
}

async fn op(provider: &NodeProvider, args: Option<&Value>) -> Op {
    match planned(provider, args).await {
        Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
        other => panic!("{other:?}"),
    }
}

async fn perform(provider: &NodeProvider, op: &Op) -> Result<(), StepError> {
    provider.perform(op, &|_| ()).await.map(|_| ())
}

async fn apply(provider: &NodeProvider, args: Option<&Value>) {
    let op = op(provider, args).await;
    assert_eq!(provider.settle(&op).await, Ok(Settled::NotDone), "{}", op.text);
    perform(provider, &op).await.unwrap();
    assert!(matches!(provider.settle(&op).await, Ok(Settled::Done(_))), "{}", op.text);
    perform(provider, &op).await.unwrap_or_else(|error| {
        assert_eq!(op.name, "remove", "{error:?}");
    });
}

/// What is on a host beside its accounts.
fn files(host: &MemoryHost) -> String {
    let dump = host
        .dump()
        .into_iter()
        .filter(|(path, _)| !["/etc/passwd", "/etc/group"].contains(&&**path));
    let file = |(path, content): (String, String)| {
        format!("{path}\n  {}\n", content.trim_end().replace('\n', "\n  "))
    };
    dump.map(file).collect()
}

async fn edit(host: &impl Host, path: &str, content: &str, mode: u32) {
    let (content, expected) = (content.as_bytes(), Expected::Anything);
    host.write(WriteFile::new(path, content, mode, expected)).await.unwrap();
}

#[tokio::test]
async fn new_file_is_written_with_a_record_and_nothing_is_left_when_it_goes() {
    let host = host();
    let provider = provider(host.clone());
    let asked = with(&args("hello\n"), "owner", "web");
    assert_eq!(
        answer(&planned(&provider, Some(&asked)).await),
        "Create (Local)
after: content=\"hello\\n\" mode=\"0644\" owner=\"web\"
op: write /etc/motd on w1"
    );
    apply(&provider, Some(&asked)).await;
    assert_eq!(
        files(&host),
        "/etc/motd
  hello
/var/lib/clinch/files/a5017c23a9f6ed2d1b4e08408fedf24e
  clinch file record 1
  project shop
  path /etc/motd
  secret no
  earlier none
"
    );
    let file = host.read(PATH).await.unwrap().unwrap();
    assert_eq!((file.uid, file.gid, file.mode), (33, 0, 0o644));
    let again = answer(&planned(&provider, Some(&asked)).await);
    assert!(again.starts_with("NoOp"), "{again}");
    apply(&provider, None).await;
    assert_eq!(files(&host), "");
    assert_eq!(answer(&planned(&provider, None).await), "Forget (Local)");
}

#[tokio::test]
async fn file_that_was_there_is_taken_over_in_the_open_and_put_back() {
    let host = host();
    edit(&host, PATH, "from before\n", 0o640).await;
    edit(&host, PATH, "from before\n", 0o644).await;
    let provider = provider(host.clone());
    assert_eq!(
        answer(&planned(&provider, Some(&args("hello\n"))).await),
        "Update (Local)
before: content=\"from before\\n\" managed=false mode=\"0644\"
after: content=\"hello\\n\" managed=true mode=\"0644\"
op: write /etc/motd on w1 (guarded)
note at ``: the file is there already; what it holds is kept on the host, and put back when this is destroyed"
    );
    apply(&provider, Some(&args("hello\n"))).await;
    apply(&provider, Some(&args("hello again\n"))).await;
    let kept = host.read("/var/lib/clinch/kept/a5017c23a9f6ed2d1b4e08408fedf24e").await.unwrap();
    assert_eq!(kept.map(|f| (f.content, f.mode)), Some((b"from before\n".to_vec(), 0o600)));
    assert_eq!(
        answer(&planned(&provider, None).await),
        "Delete (Local)
before: content=\"hello again\\n\" mode=\"0644\"
op: remove /etc/motd on w1 (guarded)
note at ``: the file that was there before clinch is put back"
    );
    apply(&provider, None).await;
    assert_eq!(files(&host), "/etc/motd\n  from before\n");
    assert_eq!(host.read(PATH).await.unwrap().unwrap().mode, 0o644);
}

/// Also a file that is as asked for is only ours once the host says so.
#[tokio::test]
async fn file_as_asked_for_that_is_not_ours_gets_a_record_and_then_is_no_change() {
    let host = host().with_file(PATH, "hello\n");
    let provider = provider(host.clone());
    let first = answer(&planned(&provider, Some(&args("hello\n"))).await);
    assert!(
        first.starts_with("Update (Local)\nbefore: content=\"hello\\n\" managed=false"),
        "{first}"
    );
    apply(&provider, Some(&args("hello\n"))).await;
    let second = answer(&planned(&provider, Some(&args("hello\n"))).await);
    assert!(second.starts_with("NoOp"), "{second}");
}

#[tokio::test]
async fn content_mode_owner_and_group_each_count() {
    let host = host();
    let provider = provider(host.clone());
    let asked = with(&with(&args("hello\n"), "owner", "web"), "group", "0");
    apply(&provider, Some(&asked)).await;
    for (changed, before, after) in [
        (with(&asked, "content", "bye\n"), "content=\"hello\\n\"", "content=\"bye\\n\""),
        (with(&asked, "mode", "0600"), "mode=\"0644\"", "mode=\"0600\""),
        (with(&asked, "owner", "root"), "owner=\"web\"", "owner=\"root\""),
        (with(&asked, "group", "33"), "group=\"root\"", "group=\"33\""),
    ] {
        let text = answer(&planned(&provider, Some(&changed)).await);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0] == "Update (Local)" && lines[1].contains(before), "{text}");
        assert!(lines[2].contains(after), "{text}");
        assert_eq!(
            lines[1].replace(before, "").len() - 1,
            lines[2].replace(after, "").len(),
            "{text}"
        );
    }
    // A number and the name of the same account are the same.
    let same = with(&with(&asked, "owner", "33"), "group", "root");
    assert!(answer(&planned(&provider, Some(&same)).await).starts_with("NoOp"));
    let ghost = with(&asked, "owner", "ghost");
    assert_eq!(
        answer(&planned(&provider, Some(&ghost)).await),
        "E0769 at `owner`: There is no user of this name on host `w1`."
    );
}

#[tokio::test]
async fn arguments_that_are_ignored_stay_as_they_are() {
    let host = host();
    let provider = provider(host.clone());
    apply(&provider, Some(&args("hello\n"))).await;
    edit(&host, PATH, "by hand\n", 0o600).await;
    let observed = observe(&provider).await;
    let both = [Path::of("content"), Path::of("mode")];
    assert!(answer(&plan(Some(&args("hello\n")), &observed, &both)).starts_with("NoOp"));
    let Planned::Decided(decision) = plan(Some(&args("hello\n")), &observed, &both[..1]) else {
        panic!()
    };
    perform(&provider, &decision.ops[0]).await.unwrap();
    let file = host.read(PATH).await.unwrap().unwrap();
    assert_eq!((file.content, file.mode), (b"by hand\n".to_vec(), 0o644));
}

#[tokio::test]
async fn file_that_changed_since_the_plan_stops_the_step_and_stays() {
    for secret in [false, true] {
        let host = host();
        let provider = provider(host.clone());
        let content = |text: &str| {
            let text = Value::from(text);
            args(if secret { text.into_sensitive() } else { text })
        };
        apply(&provider, Some(&content("one\n"))).await;
        let write = op(&provider, Some(&content("two\n"))).await;
        let remove = op(&provider, None).await;
        edit(&host, PATH, "by hand\n", 0o644).await;
        for op in [write, remove] {
            assert!(
                matches!(perform(&provider, &op).await, Err(StepError::Stale(_))),
                "{}",
                op.text
            );
            assert!(matches!(provider.settle(&op).await, Ok(Settled::Changed(_))), "{}", op.text);
        }
        assert_eq!(host.dump()[PATH], "by hand\n");
    }
}

#[tokio::test]
async fn file_of_others_is_neither_replaced_nor_removed() {
    let host = host();
    apply_as("bank", &host).await;
    let shop = provider(host.clone());
    let theirs = "E0763 at ``: w1:/etc/motd belongs to project `bank`, and this is `shop`.";
    for asked in [Some(&args("mine\n")), None] {
        assert_eq!(answer(&planned(&shop, asked).await), theirs);
    }
    let marked = MemoryHost::new("w1").with_file(PATH, "# Managed by clinch (project shop)\n");
    assert_eq!(
        answer(&planned(&provider(marked), Some(&args("mine\n"))).await),
        "E0762 at ``: w1:/etc/motd says in its first line that another resource type keeps it."
    );
    let lost = MemoryHost::new("w1").with_file(PATH, "hello\n");
    let text = answer(&planned(&provider(lost), None).await);
    assert!(text.starts_with("E0762 at ``: w1:/etc/motd is to be removed, and nothing"), "{text}");
}

async fn apply_as(name: &str, host: &MemoryHost) {
    let provider = project(host.clone(), name);
    let op = op(&provider, Some(&args("theirs\n"))).await;
    perform(&provider, &op).await.unwrap();
}

#[tokio::test]
async fn record_that_is_damaged_is_an_error_and_not_taken_for_none() {
    let host = host();
    let provider = provider(host.clone());
    apply(&provider, Some(&args("hello\n"))).await;
    let place = "/var/lib/clinch/files/a5017c23a9f6ed2d1b4e08408fedf24e";
    let record = host.dump()[place].clone();
    for (text, why) in [
        (record.replace("record 1", "record 9"), "was written by a newer version."),
        (record.replace("/etc/motd", "/etc/other"), "is damaged."),
        (record[..40].to_owned(), "is damaged."),
    ] {
        edit(&host, place, &text, 0o600).await;
        for asked in [Some(&args("hello\n")), None] {
            let text = answer(&planned(&provider, asked).await);
            assert!(text.starts_with("E0771") && text.ends_with(why), "{text}");
        }
    }
}

#[tokio::test]
async fn earlier_content_that_is_gone_stops_the_removal() {
    let host = host().with_file(PATH, "from before\n");
    let provider = provider(host.clone());
    apply(&provider, Some(&args("hello\n"))).await;
    let remove = op(&provider, None).await;
    let kept = "/var/lib/clinch/kept/a5017c23a9f6ed2d1b4e08408fedf24e";
    host.remove(kept, Expected::Anything).await.unwrap();
    let Err(StepError::Refused(problem)) = perform(&provider, &remove).await else { panic!() };
    assert!(problem.detail.contains(kept), "{}", problem.detail);
    assert_eq!(host.dump()[PATH], "hello\n");
}

/// Wherever a step stops, doing it again ends as if it had not stopped: each state between two
/// writes is made by hand.
#[tokio::test]
async fn step_that_stopped_anywhere_is_done_again_to_the_same_end() {
    let done = async |from: MemoryHost, write: &Op| {
        let provider = provider(from.clone());
        assert_eq!(provider.settle(write).await, Ok(Settled::NotDone), "{}", files(&from));
        perform(&provider, write).await.unwrap();
        assert!(matches!(provider.settle(write).await, Ok(Settled::Done(_))));
        files(&from)
    };
    let (record, kept) = (
        "/var/lib/clinch/files/a5017c23a9f6ed2d1b4e08408fedf24e",
        "/var/lib/clinch/kept/a5017c23a9f6ed2d1b4e08408fedf24e",
    );
    let start = || host().with_file(PATH, "from before\n");
    let write = op(&provider(start()), Some(&args("hello\n"))).await;
    let whole = start();
    let end = done(whole.clone(), &write).await;
    let noted = whole.dump()[record].clone();
    assert_eq!(done(start().with_file(kept, "from before\n"), &write).await, end);
    let both = start().with_file(kept, "from before\n").with_file(record, noted.as_str());
    assert_eq!(done(both, &write).await, end);

    let remove = op(&provider(whole.clone()), None).await;
    let end = done(whole, &remove).await;
    // Put back, and the record is still there.
    let half = start().with_file(kept, "from before\n").with_file(record, noted.as_str());
    assert_eq!(done(half, &remove).await, end);
    // The record is gone, and what was kept is still there.
    assert_eq!(done(start().with_file(kept, "from before\n"), &remove).await, end);
}

#[tokio::test]
async fn secret_content_is_in_no_text_and_in_no_digest_even_when_the_configuration_forgets() {
    let host = host();
    let provider = provider(host.clone());
    let secret = |text: &str| with(&args(Value::from(text).into_sensitive()), "mode", "0644");
    let hidden = |text: &str| [text.to_owned(), access::digest(text.as_bytes())];
    let canaries = [hidden("canary-1"), hidden("canary-2")].concat();
    let check = |planned: &Planned| {
        let text = format!("{planned:?}");
        for canary in &canaries {
            assert!(!text.contains(canary.as_str()), "{text}");
        }
    };
    check(&planned(&provider, Some(&secret("canary-1"))).await);
    apply(&provider, Some(&secret("canary-1"))).await;
    assert_eq!(host.dump()[PATH], "canary-1");
    check(&planned(&provider, Some(&secret("canary-1"))).await);
    check(&planned(&provider, Some(&secret("canary-2"))).await);
    check(&planned(&provider, Some(&args("public"))).await);
    check(&planned(&provider, None).await);
    // What not everybody on the host may read is not shown either.
    let private = MemoryHost::new("w1");
    edit(&private, PATH, "canary-1", 0o640).await;
    check(&planned(&project(private, "shop"), Some(&args("public"))).await);
}

/// Else its removal would show it.
#[tokio::test]
async fn content_that_becomes_a_secret_is_noted_on_the_host() {
    let host = host();
    let provider = provider(host.clone());
    apply(&provider, Some(&args("canary"))).await;
    let secret = args(Value::from("canary").into_sensitive());
    let text = answer(&planned(&provider, Some(&secret)).await);
    assert!(text.starts_with("Update"), "{text}");
    let write = op(&provider, Some(&secret)).await;
    perform(&provider, &write).await.unwrap();
    assert!(answer(&planned(&provider, Some(&secret)).await).starts_with("NoOp"));
    assert!(!format!("{:?}", planned(&provider, None).await).contains("canary"));
}

#[tokio::test]
async fn content_known_after_apply_is_written_late() {
    let late = args(Value::Unknown(Type::String));
    assert_eq!(
        answer(&planned(&provider(host()), Some(&late)).await),
        "Create (values known after apply)
after: content=(known after apply) mode=\"0644\"
op: write /etc/motd on w1"
    );
}

#[tokio::test]
async fn content_that_is_no_text_is_replaced_and_put_back_byte_for_byte() {
    let bytes = b"\xff\x00\xfe".to_vec();
    let host = host().with_file(PATH, bytes.clone());
    let provider = provider(host.clone());
    let text = answer(&planned(&provider, Some(&args("text\n"))).await);
    assert!(text.contains("before: content=\"(3 bytes that are no text)\""), "{text}");
    apply(&provider, Some(&args("text\n"))).await;
    apply(&provider, None).await;
    assert_eq!(host.read(PATH).await.unwrap().unwrap().content, bytes);
}

#[tokio::test]
async fn files_are_found_again_from_their_records_in_memory_and_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let hosts: [Arc<dyn Host>; 2] =
        [Arc::new(host()), Arc::new(FolderHost::new("w1", folder.path()))];
    for host in hosts {
        let provider = NodeProvider::new(Hosts::of([host.clone()]), "shop");
        let write = op(&provider, Some(&args("hello\n"))).await;
        perform(&provider, &write).await.unwrap();
        let found = provider.find("shop").await.unwrap().found;
        let found: Vec<_> = found.into_iter().map(|f| (f.ty.to_string(), f.identity)).collect();
        assert_eq!(found, [("host_file".to_owned(), identity())]);
        assert_eq!(provider.find("bank").await.unwrap().found, []);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_told_by_a_search_and_hides_no_other() {
    let host = host();
    let provider = NodeProvider::new(Hosts::of([Arc::new(host.clone()) as Arc<dyn Host>]), "shop");
    let write = op(&provider, Some(&args("hello\n"))).await;
    perform(&provider, &write).await.unwrap();
    let host = host
        .with_file("/var/lib/clinch/files/torn", "clinch file record 1\nproj")
        .with_file("/var/lib/clinch/kubelet/newer", "{\"version\": 9}");
    let provider = NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop");
    let search = provider.find("shop").await.unwrap();
    assert_eq!(search.found.iter().map(|f| &f.identity).collect::<Vec<_>>(), [&identity()]);
    assert_eq!(
        search.unseen,
        [
            "on host `w1` the record /var/lib/clinch/files/torn, which is damaged",
            "on host `w1` the record /var/lib/clinch/kubelet/newer, which was written by a newer \
             version of clinch",
        ]
    );
}

#[tokio::test]
async fn link_in_the_place_of_the_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::os::unix::fs::symlink("/etc/shadow", folder.path().join("etc/motd")).unwrap();
    let provider = provider(FolderHost::new("w1", folder.path()));
    let text = answer(&planned(&provider, Some(&args("hello\n"))).await);
    assert_eq!(text, "E0708 at ``: `/etc/motd` on host `w1` is a symbolic link.");
}

#[test]
fn paths_that_lead_elsewhere_or_belong_to_others_are_refused_at_the_line() {
    let kind = kind();
    for (path, why) in [
        ("etc/motd", "is not absolute"),
        ("", "is not absolute"),
        ("/", "has an empty part, or ends in `/`"),
        ("/etc/", "has an empty part, or ends in `/`"),
        ("/etc//motd", "has an empty part, or ends in `/`"),
        ("/etc/../proc/x", "has a part `.` or `..`"),
        ("/etc/\u{7}", "has a character that cannot be shown"),
        ("/etc/a\nproject bank", "has a character that cannot be shown"),
        (
            "/proc/sys/kernel/x",
            "is in a file system that the kernel makes up, where nothing is kept",
        ),
        ("/dev", "is in a file system that the kernel makes up, where nothing is kept"),
        ("/var/lib/clinch/files/x", "is in the folder that clinch keeps its own records in"),
        ("/etc/modprobe.d/90-clinch-x.conf", "is a file of the type `kernel_module_blacklist`"),
        ("/etc/sysctl.d/90-clinch-x.conf", "is a file of the type `sysctl`"),
    ] {
        let problems = kind.identify(&with(&args(""), "path", path)).unwrap_err();
        let shown = path.escape_debug();
        assert_eq!(told(&problems), format!("E0795 at `path`: The path `{shown}` {why}."));
    }
    for fine in ["/etc/motd", "/devices", "/etc/..x", "/srv/naïve file", "/var/lib/clinchx"] {
        assert!(kind.identify(&with(&args(""), "path", fine)).is_ok(), "{fine}");
    }
}

#[test]
fn modes_accounts_and_keys_are_checked() {
    let kind = kind();
    let check = |name: &str, value: &str| told(&kind.check(&with(&args("x"), name, value)));
    for mode in ["", "9", "0999", "64", "00644", "rw-r--r--", "+644"] {
        assert_eq!(
            check("mode", mode),
            format!("E0794 at `mode`: `{mode}` is no mode: three or four octal digits.")
        );
    }
    assert_eq!(check("mode", "4755"), "");
    assert_eq!(
        check("mode", "0666"),
        "E0767 at `mode`: With mode `0666` everybody on the host may change the file."
    );
    for bad in ["", "a b", "a:b", "../x", "-x"] {
        let told = check("owner", bad);
        assert_eq!(told, format!("E0794 at `owner`: `{bad}` is neither a name nor a number."));
    }
    assert_eq!(
        check("path", "/etc/kubernetes/pki/ca.key"),
        "E0768 at `path`: `/etc/kubernetes/pki/ca.key` is a private key of the cluster."
    );
    let long = "x".repeat((1 << 20) + 1);
    assert!(check("content", &long).starts_with("E0794 at `content`"));
}

/// The kubelet restarts what a manifest describes.
#[tokio::test]
async fn manifest_of_a_static_pod_costs_a_restart() {
    let asked = with(&args("{}"), "path", "/etc/kubernetes/manifests/x.yaml");
    let identity = kind().identify(&asked).unwrap();
    let observed = Observation::Absent;
    let request = request(&identity, Some(&asked), &observed);
    let Planned::Decided(decision) = kind().plan(&request) else { panic!() };
    assert_eq!(decision.disruption, values::Disruption::Restart);
}

#[test]
fn the_page_has_an_example_risks_and_a_source_and_every_argument_a_sentence() {
    let kind = kind();
    for part in ["```hcl\nresource \"host_file\"", "\n# Risks\n", "\n# See also\n"] {
        assert!(kind.page().contains(part), "{part}");
    }
    for attr in &kind.schema().attrs {
        assert!(attr.doc.ends_with('.'), "{}", attr.name);
    }
}
