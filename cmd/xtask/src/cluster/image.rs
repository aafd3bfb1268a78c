//! Images for the hosts' container runtime, which can pull none.
//!
//! Each image is one layer with one static program, written as the archive that `docker save`
//! makes (<https://github.com/moby/docker-image-spec/blob/main/spec.md>, section "Combined Image
//! JSON + Filesystem Changeset Format") and `ctr images import` reads.

use crate::control_plane::cache;
use crate::program;
use crate::trouble::{Doing, Trouble, say};
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Change when images are made in another way.
const RECIPE: &str = "1";

/// An image that kubeadm asks for, and the archive that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// `registry.k8s.io/kube-apiserver:v1.37.2`.
    pub(super) name: String,
    pub(super) program: String,
    pub(super) archive: PathBuf,
}

/// All images that can be made of `programs`; made when the cache does not have them.
pub(super) fn all(programs: &Path, version: &str) -> Result<Vec<Image>, Trouble> {
    let kubeadm = programs.join("kubeadm");
    let list = program::output(Command::new(&kubeadm).args([
        "config",
        "images",
        "list",
        "--kubernetes-version",
        version,
    ]))?;
    let name = programs.file_name().unwrap_or_default().to_string_lossy();
    let folder = programs.with_file_name(format!("{name}-images-{RECIPE}"));
    let images: Vec<Image> = list
        .split_whitespace()
        .map(|name| (name, program_of(name)))
        .filter(|(_, program)| programs.join(program).is_file())
        .map(|(name, program)| Image {
            name: name.to_owned(),
            program: program.to_owned(),
            archive: folder.join(format!("{program}.tar")),
        })
        .collect();
    cache::once(folder, "images.lock", |partial| {
        say("cluster: making images");
        images.iter().try_for_each(|image| {
            let file = partial.join(format!("{}.tar", image.program));
            write(image, &programs.join(&image.program), &file)
                .doing(|| format!("making {}", image.name))
        })
    })?;
    Ok(images)
}

/// The last part of the name, without its tag.
fn program_of(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split(':').next().unwrap_or(last)
}

fn write(image: &Image, binary: &Path, archive: &Path) -> Result<(), Trouble> {
    let doing = || format!("writing {}", archive.display());
    // The layer is a file first: its digest has to be known before its place in the archive.
    let layer = archive.with_extension("layer");
    let mut program = File::open(binary).doing(|| format!("opening {}", binary.display()))?;
    let mut out = File::create(&layer).doing(doing)?;
    let path = format!("usr/local/bin/{}", image.program);
    entry(&mut out, &path, 0o755, &mut program).and_then(|()| end(&mut out)).doing(doing)?;
    let sum = program::output(Command::new("sha256sum").arg(&layer))?;
    let digest = sum.split_whitespace().next().unwrap_or_default();

    let mut config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": { "Env": ["PATH=/usr/local/bin"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
    });
    // kubeadm's manifests name the program of every other image.
    if image.program == "pause" {
        config["config"]["Entrypoint"] = json!([format!("/{path}")]);
    }
    let manifest =
        json!([{ "Config": "config.json", "RepoTags": [image.name], "Layers": ["layer.tar"] }]);
    let mut out = File::create(archive).doing(doing)?;
    for (name, value) in [("config.json", config), ("manifest.json", manifest)] {
        entry(&mut out, name, 0o644, &mut value.to_string().as_bytes()).doing(doing)?;
    }
    let mut file = File::open(&layer).doing(|| format!("opening {}", layer.display()))?;
    entry(&mut out, "layer.tar", 0o644, &mut file).and_then(|()| end(&mut out)).doing(doing)?;
    fs::remove_file(&layer).doing(doing)
}

/// What Go and the image specification call the processor that this program was built for.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// What goes into an archive: its length has to be known before it is read.
trait Content: io::Read {
    fn length(&self) -> io::Result<u64>;
}

impl Content for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|it| it.len())
    }
}

impl Content for &[u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// Writes one file in the format of POSIX `pax(1)`, section "ustar Interchange Format".
fn entry(
    out: &mut impl Write,
    path: &str,
    mode: u32,
    content: &mut impl Content,
) -> io::Result<()> {
    let length = content.length()?;
    out.write_all(&header(path, mode, length))?;
    let written = io::copy(content, out)?;
    if written != length {
        return Err(io::Error::other(format!("{path} changed while it was read")));
    }
    let padding = (BLOCK - length % BLOCK) % BLOCK;
    out.write_all(&vec![0; usize::try_from(padding).unwrap_or(0)])
}

const BLOCK: u64 = 512;

/// Two empty blocks end an archive.
fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * 512])
}

fn header(path: &str, mode: u32, length: u64) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |at: usize, text: &str| {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, path);
    put(100, &format!("{mode:07o}"));
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{length:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_the_last_part_of_a_name() {
        assert_eq!(program_of("registry.k8s.io/coredns/coredns:v1.14.6"), "coredns");
        assert_eq!(program_of("registry:5000/pause"), "pause");
    }

    #[test]
    fn archive_is_what_tar_reads() {
        let folder = std::env::temp_dir().join(format!("xtask-image-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("pause"), "a program of 22 bytes.").unwrap();
        let image = Image {
            name: "registry.example/pause:1".to_owned(),
            program: "pause".to_owned(),
            archive: folder.join("pause.tar"),
        };
        write(&image, &folder.join("pause"), &image.archive).unwrap();
        let tar = |arguments: &[&str]| {
            program::output(Command::new("tar").arg("-C").arg(&folder).args(arguments)).unwrap()
        };
        let archive = image.archive.to_str().unwrap();
        assert_eq!(tar(&["-tf", archive]), "config.json\nmanifest.json\nlayer.tar\n");
        tar(&["-xf", archive]);
        let layer = folder.join("layer.tar");
        let listed = tar(&["-tvf", layer.to_str().unwrap()]);
        assert!(listed.starts_with("-rwxr-xr-x 0/0"), "{listed}");
        assert!(listed.trim_end().ends_with(" usr/local/bin/pause"), "{listed}");
        assert_eq!(
            tar(&["-xOf", layer.to_str().unwrap(), "usr/local/bin/pause"]),
            "a program of 22 bytes."
        );
        let config: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap();
        assert_eq!(config["config"]["Entrypoint"][0], "/usr/local/bin/pause");
        let sum = program::output(Command::new("sha256sum").arg(&layer)).unwrap();
        let id = config["rootfs"]["diff_ids"][0].as_str().unwrap();
        assert_eq!(id, format!("sha256:{}", &sum[..64]));
        fs::remove_dir_all(&folder).unwrap();
    }
}
