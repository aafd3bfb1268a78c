use super::*;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use tempfile::TempDir;

const TWO: &str = r#"
apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: prod
  cluster: {server: "https://prod.test:6443"}
- name: staging
  cluster: {server: "https://staging.test:6443"}
contexts:
- name: prod
  context: {cluster: prod, user: jane}
- name: staging
  context: {cluster: staging, user: jane}
users:
- name: jane
  user: {token: s3cr3t-token}
"#;

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder for the test"))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.path().join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).expect("a folder for the test");
        }
        fs::write(&file, text).expect("a file for the test");
        file
    }

    fn options(&self) -> ClusterOptions {
        let home = Some(self.0.path().display().to_string());
        ClusterOptions::new(Env { home, ..Env::default() }, "1.2.3")
    }
}

async fn server(options: ClusterOptions) -> String {
    match connect(options).await {
        Ok(cluster) => format!("{} {}", cluster.place().name, cluster.place().server),
        Err(problem) => format!("{}: {} {}", problem.code, problem.summary, problem.detail),
    }
}

async fn problem(options: ClusterOptions) -> Problem {
    match connect(options).await {
        Ok(cluster) => panic!("connected to {:?}", cluster.place()),
        Err(problem) => problem,
    }
}

#[tokio::test]
async fn the_file_in_the_home_folder_is_used_with_its_current_context() {
    let home = Home::new();
    home.file(".kube/config", TWO);
    assert_eq!(server(home.options()).await, "prod https://prod.test:6443");
}

#[tokio::test]
async fn another_context_can_be_chosen_and_a_misspelt_one_is_guessed() {
    let home = Home::new();
    home.file(".kube/config", TWO);
    let context = |name: &str| ClusterOptions { context: Some(name.to_owned()), ..home.options() };
    assert_eq!(server(context("staging")).await, "staging https://staging.test:6443");
    let problem = problem(context("stagin")).await;
    assert_eq!(
        problem.detail,
        "The kubeconfig has no context `stagin`. Its contexts: `prod`, `staging`."
    );
    assert_eq!(problem.help.as_deref(), Some("Did you mean `staging`?"));
}

#[tokio::test]
async fn of_several_files_the_first_wins_and_missing_ones_are_skipped() {
    let home = Home::new();
    let first = home.file("first", "contexts: [{name: prod, context: {cluster: mine}}]\nclusters: [{name: mine, cluster: {server: 'https://mine.test'}}]\n");
    let second = home.file("second", TWO);
    let missing = home.0.path().join("missing");
    let list = std::env::join_paths([missing, PathBuf::new(), first, second]).expect("a list");
    let mut options = home.options();
    options.env.kubeconfig = Some(list.to_string_lossy().into_owned());
    assert_eq!(server(options).await, "prod https://mine.test");
}

#[tokio::test]
async fn a_named_file_is_the_only_one_and_must_exist() {
    let home = Home::new();
    home.file(".kube/config", TWO);
    let named = home.0.path().join("elsewhere");
    let options = ClusterOptions { kubeconfig: Some(named.clone()), ..home.options() };
    let problem = problem(options).await;
    assert_eq!(problem.detail, format!("There is no file {}.", named.display()));
}

#[tokio::test]
async fn without_any_configuration_no_address_is_assumed() {
    let none = ClusterOptions::new(Env::default(), "1");
    assert_eq!(
        server(none).await,
        "E0706: No cluster is configured Neither `KUBECONFIG` nor `HOME` is set, and this is no \
         pod of a cluster."
    );
    let home = Home::new();
    let detail = problem(home.options()).await.detail;
    assert!(detail.starts_with("There is no file ") && detail.ends_with("/.kube/config."));
    home.file(".kube/config", "");
    assert!(server(home.options()).await.starts_with("E0703: No context is chosen"));
}

#[tokio::test]
async fn a_pod_without_a_token_is_told_so() {
    let env = Env {
        service_host: Some("fd00::1".to_owned()),
        service_port: Some("443".to_owned()),
        ..Env::default()
    };
    let text = server(ClusterOptions::new(env, "1")).await;
    assert!(text.contains("the pod has no service account token"), "{text}");
}

#[tokio::test]
async fn what_is_missing_in_a_context_is_named() {
    for (text, want) in [
        (
            TWO.replace("user: jane}", "user: jnae}"),
            "Context `prod` names the user `jnae`, and the kubeconfig has none of that name. Its \
             users: `jane`.",
        ),
        (
            TWO.replace("cluster: prod,", "cluster: prd,"),
            "Context `prod` names the cluster `prd`, and the kubeconfig has none of that name. Its \
             clusters: `prod`, `staging`.",
        ),
        (
            TWO.replace("https://prod.test:6443", ""),
            "The cluster `prod` of context `prod` has no `server`.",
        ),
        (
            TWO.replace("https://prod.test:6443", "prod.test:6443"),
            "The server `prod.test:6443` of context `prod` is no address.",
        ),
        (
            TWO.replace(
                "token: s3cr3t-token",
                "client-certificate-data: '%%%', client-key-data: '%%%'",
            ),
            "For https://prod.test:6443 (context `prod`): failed to load client certificate: failed \
             to decode base64 data: Invalid symbol 37, offset 0.",
        ),
    ] {
        let home = Home::new();
        home.file(".kube/config", &text);
        let detail = problem(home.options()).await.detail;
        assert_eq!(detail, want);
    }
}

#[tokio::test]
async fn a_broken_file_is_named_with_the_place_and_without_its_content() {
    for broken in [
        "clusters: [\n- {name: 1\ntoken: s3cr3t-token\n",
        "users:\n- name: jane\n  user: s3cr3t-token\n",
        "users: s3cr3t-token\n",
        "a: b: s3cr3t-token\n",
        "users:\n\t- name: s3cr3t-token\n",
    ] {
        let home = Home::new();
        let file = home.file(".kube/config", broken);
        let problem = problem(home.options()).await;
        let place = format!("{}:", file.display());
        assert_eq!(problem.summary, "The kubeconfig is not valid", "{broken}");
        let rest = problem.detail.strip_prefix(&place).unwrap_or_default();
        assert!(rest.starts_with(|c: char| c.is_ascii_digit()), "{}", problem.detail);
        assert!(!problem.detail.contains("s3cr3t"), "{}", problem.detail);
    }
}

#[tokio::test]
async fn a_folder_instead_of_a_file_is_an_error_and_not_skipped() {
    let home = Home::new();
    home.file(".kube/config/x", "");
    assert_eq!(problem(home.options()).await.code, UNREADABLE);
}

#[tokio::test]
async fn an_unchecked_certificate_must_be_allowed_and_is_then_shown() {
    let home = Home::new();
    home.file(".kube/config", &TWO.replace("6443\"}", "6443\", insecure-skip-tls-verify: true}"));
    assert!(server(home.options()).await.starts_with("E0705"));
    let allowed = ClusterOptions { allow_insecure_tls: true, ..home.options() };
    assert_eq!(server(allowed).await, "prod https://prod.test:6443 (certificate not checked)");
}

/// Answers one request on a port of this machine, and returns what was asked.
fn answer_once() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut asked = Vec::new();
        let mut buffer = [0; 1024];
        while !asked.windows(4).any(|w| w == b"\r\n\r\n") {
            let count = stream.read(&mut buffer).expect("a request");
            asked.extend_from_slice(&buffer[..count]);
        }
        let body = r#"{"gitVersion":"v1.36.2"}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).expect("an answer");
        String::from_utf8_lossy(&asked).to_lowercase()
    });
    (address, thread)
}

#[tokio::test]
async fn the_server_sees_who_asks_and_with_which_program() {
    let (address, asked) = answer_once();
    let home = Home::new();
    home.file(".kube/config", &TWO.replace("https://prod.test:6443", &format!("http://{address}")));
    let options = ClusterOptions { act_as: Some("ci".to_owned()), ..home.options() };
    let cluster = connect(options).await.expect("a cluster");
    assert_eq!(cluster.version().await.ok().as_deref(), Some("v1.36.2"));
    let asked = asked.join().expect("the server's thread");
    for header in [
        "get /version http/1.1",
        "user-agent: clinch/1.2.3\r\n",
        "authorization: bearer s3cr3t-token\r\n",
        "impersonate-user: ci\r\n",
        "accept-encoding: gzip",
    ] {
        assert!(asked.contains(header), "{header} in {asked}");
    }
}

fn exec(home: &Home, script: &str, server: &str) -> ClusterOptions {
    let user = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, \
         args: ['-c', '{script}'], interactiveMode: Never}}"
    );
    let text = TWO.replace("token: s3cr3t-token", &user).replace("https://prod.test:6443", server);
    home.file(".kube/config", &text);
    home.options()
}

#[tokio::test]
async fn a_credential_plugin_gives_the_token() {
    let (address, asked) = answer_once();
    let home = Home::new();
    let script = r#"echo "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"from-plugin\"}}""#;
    let options = exec(&home, script, &format!("http://{address}"));
    let cluster = connect(options).await.expect("a cluster");
    assert!(cluster.version().await.is_ok());
    let asked = asked.join().expect("the server's thread");
    assert!(asked.contains("authorization: bearer from-plugin"), "{asked}");
}

#[tokio::test]
async fn a_credential_plugin_that_fails_is_quoted_without_what_it_printed_as_credentials() {
    let home = Home::new();
    let script = "echo s3cr3t-token; echo please log in >&2; exit 3";
    let problem = problem(exec(&home, script, "https://prod.test")).await;
    assert!(problem.detail.contains("please log in"), "{}", problem.detail);
    assert!(!problem.detail.contains("s3cr3t"), "{}", problem.detail);
    let refused = ClusterOptions { exec_plugins: ExecPlugins::Refused, ..home.options() };
    let refused = self::problem(refused).await;
    assert_eq!(refused.detail, "The user `jane` gets its credentials by running `sh`.");
}

#[tokio::test]
async fn a_server_that_is_down_is_named_with_its_context() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let home = Home::new();
    home.file(".kube/config", &TWO.replace("https://prod.test:6443", &format!("http://{port}")));
    let cluster = connect(home.options()).await.expect("a cluster");
    let began = std::time::Instant::now();
    let problem = cluster.version().await.expect_err("nothing listens").to_problem();
    assert_eq!(
        problem.detail,
        format!("Nothing listens at http://{port} (context `prod`): the connection was refused.")
    );
    assert!(began.elapsed().as_secs() < 5, "a wrong address is not tried for long");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told_apart_from_a_server_that_is_down() {
    let home = Home::new();
    home.file(".kube/config", &TWO.replace("prod.test", "no-such-host.invalid"));
    let cluster = connect(home.options()).await.expect("a cluster");
    let problem = cluster.version().await.expect_err("no such name").to_problem();
    assert_eq!(
        problem.detail,
        "The name of the server https://no-such-host.invalid:6443 (context `prod`) cannot be \
         resolved."
    );
}

#[tokio::test]
async fn credentials_that_a_real_server_does_not_know_are_told_as_such() {
    let Some(real) = std::env::var_os("CLINCH_TEST_KUBECONFIG").filter(|f| !f.is_empty()) else {
        println!("SKIPPED on a real server: CLINCH_TEST_KUBECONFIG is not set");
        return;
    };
    let home = Home::new();
    let ours = home.file("ours", "users: [{name: nobody, user: {token: not-a-token}}]\n");
    let list = std::env::join_paths([ours, PathBuf::from(real)]).expect("a list");
    let mut options = ClusterOptions { user: Some("nobody".to_owned()), ..home.options() };
    options.env.kubeconfig = Some(list.to_string_lossy().into_owned());
    let cluster = connect(options).await.expect("a cluster");
    let error = cluster.discovery().await.expect_err("nobody may ask");
    assert_eq!(error.code(), Some(401));
    let problem = error.to_problem();
    assert_eq!(problem.summary, "The server does not accept the credentials");
    assert!(!problem.detail.contains("not-a-token"), "{}", problem.detail);
}
