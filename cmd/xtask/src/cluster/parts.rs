//! What a cluster is made of: programs, images and a tree of files, each made once.

use super::image::{self, Image};
use super::tree;
use crate::control_plane::build;
use crate::trouble::Trouble;
use std::path::PathBuf;
use std::thread;

/// What a cluster is made of.
pub(super) struct Parts {
    /// Folder of the binaries.
    pub(super) programs: PathBuf,
    pub(super) tree: PathBuf,
    pub(super) images: Vec<Image>,
    pub(super) version: String,
    /// Name of the image that pods run.
    pub(super) pause: String,
}

/// Builds whatever a start needs and the cache does not have.
pub(super) fn find() -> Result<Parts, Trouble> {
    // First what takes long on the network, and beside it what takes long on the processor.
    let tree = thread::spawn(tree::base);
    let programs = build::everything();
    let tree = tree.join().map_err(|_| Trouble::new("making the tree of a host panicked"))??;
    let programs = programs?;
    let version = build::pinned("kubernetes", "k8s.io/kubernetes")?;
    let images = image::all(&programs, &version)?;
    let pause = images.iter().find(|one| one.program == "pause").map(|one| one.name.clone());
    let pause = pause.ok_or_else(|| Trouble::new("kubeadm asks for no image called `pause`"))?;
    Ok(Parts { programs, tree, images, version, pause })
}
