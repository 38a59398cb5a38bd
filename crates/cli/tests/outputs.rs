//! Outputs never replace an input, or anything that is no ordinary file.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{names, root, small, succeed, tweedie};

struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with a picture, `d/p.png`, a mask of its size, `masks/p.png`, and a copy of a checkpoint, `gray`.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for name in ["d", "masks", "gray"] {
            fs::create_dir(folder.at(name)).unwrap();
        }
        let picture = small(folder.0.path());
        for name in ["d/p.png", "masks/p.png"] {
            succeed(
                "denoise --checkpoint median --sigma 1 --out",
                &[&folder.at(name), &picture],
            );
        }
        fs::remove_file(picture).unwrap();
        for name in ["config.toml", "model.safetensors"] {
            fs::copy(root().join("checkpoints/gray").join(name), folder.at("gray").join(name)).unwrap();
        }
        folder
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// All files with their content.
    fn content(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
            for name in names(folder) {
                let path = folder.join(name);
                let kind = fs::symlink_metadata(&path).unwrap().file_type();
                if kind.is_dir() {
                    collect(&path, files);
                } else if kind.is_file() {
                    let content = fs::read(&path).unwrap();
                    files.push((path, content));
                }
            }
        }
        let mut files = Vec::new();
        collect(self.0.path(), &mut files);
        files
    }

    /// Runs a line in which `{}` stands for this folder, and expects that it is refused and changes nothing.
    fn refused(&self, line: &str, why: &str) {
        let before = self.content();
        let run = tweedie(&line.replace("{}", self.0.path().to_str().unwrap()), &[]);
        assert_eq!(run.status, Some(1), "{line}: {}", run.stderr);
        assert!(run.stderr.contains(why), "{line}: {}", run.stderr);
        let changed: Vec<PathBuf> = self
            .content()
            .into_iter()
            .filter(|file| !before.contains(file))
            .map(|file| file.0)
            .collect();
        assert!(
            changed.is_empty() && self.content().len() == before.len(),
            "{line}: {changed:?}"
        );
    }
}

const INPUT: &str = "expected an output that is not an input";

#[test]
fn pictures_masks_and_kernels_are_not_replaced() {
    let folder = Folder::new();
    for line in [
        "denoise {}/d/p.png --checkpoint median --sigma 25 --out {}/d/p.png",
        "denoise {}/d --checkpoint median --sigma 25 --out {}/d",
        "denoise {}/d --checkpoint median --sigma 25 --out {}/d/../d",
        "restore {}/d/p.png --task denoise --noise 25 --checkpoint median --out {}/d",
        "restore {}/d --simulate --task denoise --noise 25 --checkpoint median --out {}/d",
        "restore {}/d/p.png --task inpaint --mask {}/masks/p.png --checkpoint median --out {}/masks",
        "simulate {}/d --task denoise --noise 25 --out {}/d",
        "simulate {}/d --task inpaint --mask {}/masks/p.png --out {}/masks",
    ] {
        folder.refused(line, INPUT);
    }
    let kernel = folder.at("kernel.png");
    fs::copy(folder.at("masks/p.png"), kernel).unwrap();
    folder.refused(
        "simulate {}/kernel.png --task deblur --kernel gaussian:1.6 --out {}/out",
        "expected a name for each output",
    );
    succeed(
        "simulate --task deblur --kernel gaussian:1.6 --out",
        &[&folder.at("measured"), &folder.at("d")],
    );
    folder.refused(
        "restore {}/measured --checkpoint median --depth float --out {}/measured",
        INPUT,
    );
    folder.refused(
        "simulate {}/d --task deblur --kernel {}/measured/kernel.npy --out {}/measured",
        INPUT,
    );
}

#[test]
fn json_replaces_no_input() {
    let folder = Folder::new();
    fs::write(
        folder.at("approximation.toml"),
        "checkpoint = 'median'\ntask = { task = 'denoise' }\nnoise = [25.0]\nalgorithm = { solver = 'red-gd' }",
    )
    .unwrap();
    fs::write(
        folder.at("convergence.toml"),
        "checkpoint = 'median'\ntask = { task = 'denoise' }\nnoise = 25.0\niterations = 2\n\
         [[algorithm]]\nsolver = 'red-gd'",
    )
    .unwrap();
    fs::copy(root().join("datasets/train.toml"), folder.at("train.toml")).unwrap();
    for line in [
        "denoise {}/d/p.png --checkpoint median --sigma 25 --out {}/out.png --json {}/d/p.png",
        "denoise {}/d/p.png --checkpoint {}/gray --sigma 25 --out {}/out.png --json {}/gray/model.safetensors",
        "restore {}/d --task denoise --noise 25 --checkpoint {}/gray --out {}/out --json {}/gray/config.toml",
        "simulate {}/d --task inpaint --mask {}/masks/p.png --out {}/out --json {}/masks/p.png",
        "evaluate --data {}/d --checkpoint median --sigma 25 --json {}/d/p.png",
        "certify --data {}/d --checkpoint median --sigma 25 --json {}/d/p.png",
        "checkpoints show {}/gray --json {}/gray/model.safetensors",
        "checkpoints export {}/gray --out {}/gray/model.safetensors",
        "checkpoints export {}/gray --out {}/new.safetensors --json {}/gray/config.toml",
        "import {}/gray/model.safetensors --as {}/imported --noise 25 --json {}/gray/model.safetensors",
        "study approximation {}/approximation.toml --out {}/out --json {}/approximation.toml",
        "study convergence {}/convergence.toml --out {}/out --json {}/convergence.toml",
        "train --config {}/train.toml --data {}/d --out {}/out --json {}/d/p.png",
        "train --config {}/train.toml --data {}/d --out {}/out --json {}/train.toml",
    ] {
        folder.refused(line, INPUT);
    }
    // Also where a command fails before it knows what it reads.
    fs::write(folder.at("broken.png"), "no picture").unwrap();
    for (line, why) in [
        (
            "denoise {}/broken.png --checkpoint median --sigma 25 --out {}/o.png --json {}/broken.png",
            INPUT,
        ),
        (
            "denoise {}/d/p.png --checkpoint {}/no --sigma 25 --out {}/o.png --json {}/d/p.png",
            "no: expected",
        ),
        (
            "restore {}/d --task inpaint --mask {}/no.png --checkpoint median --out {}/o --json {}/d/p.png",
            "no.png",
        ),
    ] {
        folder.refused(line, why);
    }
    folder.refused(
        "denoise {}/d/p.png --checkpoint median --sigma 25 --out {}/out.npy --json {}/out.npy",
        "expected a name for each output",
    );
}

#[test]
#[cfg(unix)]
fn links_hide_no_input_and_pipes_stay() {
    let folder = Folder::new();
    std::os::unix::fs::symlink(folder.at("d"), folder.at("linked")).unwrap();
    folder.refused(
        "restore {}/d/p.png --task denoise --noise 25 --checkpoint median --out {}/linked",
        INPUT,
    );
    let pipe = folder.at("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for line in [
        "denoise {}/d/p.png --checkpoint median --sigma 25 --out {}/out.png --json {}/pipe",
        "bench --case dncnn-train-16x48 --json {}/pipe",
        "checkpoints list --json {}/pipe",
        "datasets list --json {}/pipe",
        "checkpoints export {}/gray --out {}/new.safetensors --json {}/pipe",
        "import {}/gray/model.safetensors --as {}/imported --noise 25 --json {}/pipe",
        "evaluate --data {}/d --checkpoint median --sigma 25 --json {}/d",
    ] {
        folder.refused(line, "expected an output that is new or replaces a file");
    }
    use std::os::unix::fs::FileTypeExt as _;
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}
