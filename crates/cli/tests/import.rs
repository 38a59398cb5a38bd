//! `tweedie import` and `tweedie checkpoints export`.

mod common;

use std::path::Path;

use common::{command, json, keys, names, succeed, tweedie};
use safetensors::tensor::{Dtype, TensorView, serialize};

/// A DnCNN of three convolutions and four channels as PyTorch would save it, with values that are exact in f16.
fn write_peer(path: &Path) {
    let shapes = [("0", [4, 1]), ("2", [4, 4]), ("4", [1, 4])];
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .iter()
        .map(|(number, [cout, cin])| {
            let value = |i: usize| ((i * 37 % 17) as f32 - 8.0) / 64.0;
            let bytes = (0..cout * cin * 9).flat_map(|i| value(i).to_le_bytes()).collect();
            (format!("net.{number}.weight"), vec![*cout, *cin, 3, 3], bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        (
            name.as_str(),
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    std::fs::write(path, serialize(views, None).unwrap()).unwrap();
}

#[test]
fn a_file_becomes_a_checkpoint_and_goes_back_to_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let peer = folder.path().join("peer.safetensors");
    write_peer(&peer);
    let at = |name: &str| folder.path().join(name);

    let imported = json("import --noise 0..50 --as", &[&at("first"), &peer]);
    let result = &imported["results"][0];
    assert_eq!(
        keys(result),
        [
            "name",
            "folder",
            "format",
            "family",
            "channels",
            "sigma_min",
            "sigma_max",
            "parameters",
            "receptive_field",
            "sha256"
        ]
        .iter()
        .copied()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
    assert_eq!(result["family"], "dncnn");
    assert_eq!(result["parameters"], 9 * (4 + 16 + 4));
    assert_eq!(result["receptive_field"], 7);
    assert_eq!(imported["files"][0]["path"], peer.display().to_string());
    assert_eq!(names(&at("first")), ["card.md", "config.toml", "model.safetensors"]);
    let card = std::fs::read_to_string(at("first").join("card.md")).unwrap();
    assert!(
        card.contains("peer.safetensors") && card.contains("predicts the noise"),
        "{card}"
    );
    let shown = succeed("checkpoints show", &[&at("first")]).stdout;
    assert!(
        shown.contains("any (blind)") && shown.contains("family = \"dncnn\""),
        "{shown}"
    );

    // Nothing else is left in the folder, also after a refusal.
    let again = tweedie("import --noise 25 --as", &[&at("first"), &peer]);
    assert_eq!(again.status, Some(1));
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    succeed("import --noise 25 --force --as", &[&at("first"), &peer]);
    assert_eq!(names(folder.path()), ["first", "peer.safetensors"]);
    let shown = succeed("checkpoints show", &[&at("first")]).stdout;
    assert!(shown.contains("noise levels 25,"), "{shown}");

    // The file that PyTorch takes comes back as the same weights, with the levels that it names.
    succeed(
        "checkpoints export",
        &[&at("first"), Path::new("--out"), &at("back.safetensors")],
    );
    let back = json("import --as", &[&at("second"), &at("back.safetensors")]);
    assert_eq!(back["results"][0]["family"], "tweedie");
    assert_eq!(back["results"][0]["sigma_max"], 25.0);
    assert!(common::same_bytes(
        &at("first").join("model.safetensors"),
        &at("second").join("model.safetensors")
    ));

    // The same weights as an ONNX model (crates/model has its meaning tested).
    succeed(
        "checkpoints export",
        &[&at("first"), Path::new("--out"), &at("model.onnx")],
    );
    let model = std::fs::read(at("model.onnx")).unwrap();
    for name in ["noisy", "denoised", "layers.0.weight"] {
        assert!(
            model.windows(name.len()).any(|bytes| bytes == name.as_bytes()),
            "{name}"
        );
    }

    // A level that it was not trained for is refused.
    let image = Path::new("datasets/samples/camera.png");
    let denoise = |sigma: &str| {
        let out = at("denoised.png");
        tweedie(
            &format!("denoise --sigma {sigma} --checkpoint"),
            &[&at("second"), image, Path::new("--out"), &out],
        )
    };
    assert_eq!(denoise("25").status, Some(0));
    assert_eq!(denoise("15").status, Some(1));
}

#[test]
fn a_name_goes_into_checkpoints_and_is_found_there() {
    let folder = tempfile::tempdir().unwrap();
    write_peer(&folder.path().join("peer.safetensors"));
    let run = |arguments: &[&str]| {
        let output = command(arguments).current_dir(folder.path()).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let import = |name: &str| run(&["import", "peer.safetensors", "--noise", "25", "--as", name]);
    assert_eq!(import("mine-25").0, Some(0));
    let (_, listed, _) = run(&["checkpoints", "list"]);
    let line = listed.lines().find(|line| line.starts_with("mine-25")).unwrap();
    assert!(line.contains("25 ") && line.contains("dncnn"), "{line}");
    for name in ["tv", "..", ".hidden", "a b", "", "-x"] {
        let (status, _, error) = import(name);
        assert_eq!(status, Some(2), "'{name}': {error}");
    }
    assert_eq!(names(&folder.path().join("checkpoints")), ["mine-25"]);
    let (status, _, error) = run(&["import", "peer.safetensors", "--as", "other"]);
    assert_eq!(status, Some(2));
    assert!(error.contains("--noise"), "{error}");
    for noise in ["50..0", "-1", "x", "nan"] {
        assert_eq!(
            run(&["import", "peer.safetensors", "--as", "other", "--noise", noise]).0,
            Some(2),
            "{noise}"
        );
    }
    let (status, _, error) = run(&[
        "import",
        "peer.safetensors",
        "--as",
        "other",
        "--noise",
        "5",
        "--architecture",
        "ffdnet",
    ]);
    assert_eq!(status, Some(1));
    assert!(error.contains("phases"), "{error}");
    assert_eq!(
        run(&[
            "import",
            "peer.safetensors",
            "--as",
            "other",
            "--noise",
            "5",
            "--architecture",
            "x"
        ])
        .0,
        Some(2)
    );
    assert_eq!(run(&["checkpoints", "export", "mine-25", "--out", "a.bin"]).0, Some(2));
    assert_eq!(
        run(&["checkpoints", "export", "tv", "--out", "a.safetensors"]).0,
        Some(2)
    );
    assert_eq!(
        run(&["checkpoints", "export", "gray-gs", "--out", "gs.onnx"]).0,
        Some(1)
    );
    assert!(!folder.path().join("gs.onnx").exists());
    let own = "checkpoints/mine-25/model.safetensors";
    assert_eq!(run(&["checkpoints", "export", "mine-25", "--out", own]).0, Some(1));
    assert_eq!(run(&["checkpoints", "show", "mine-25"]).0, Some(0));
}

#[test]
fn what_is_no_imported_checkpoint_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let peer = folder.path().join("peer.safetensors");
    write_peer(&peer);
    let other = folder.path().join("photographs");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("precious.txt"), "").unwrap();
    let run = tweedie("import --noise 25 --force --as", &[&other, &peer]);
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("not imported"), "{}", run.stderr);
    assert_eq!(names(&other), ["precious.txt"]);
}

#[test]
fn code_in_a_pickle_is_named_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let (file, victim) = (folder.path().join("evil.pth"), folder.path().join("ran"));
    // The magic number, protocol and system of the format before 1.6, then os.system("touch ran").
    let mut bytes = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
    bytes.extend(b"\x80\x02cposix\nsystem\n");
    let line = format!("touch {}", victim.display());
    bytes.push(b'X');
    bytes.extend((line.len() as u32).to_le_bytes());
    bytes.extend(line.as_bytes());
    bytes.extend(b"\x85R.");
    std::fs::write(&file, bytes).unwrap();
    let run = tweedie("import --noise 25 --as", &[&folder.path().join("evil"), &file]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("posix.system") && run.stderr.contains("evil.pth"),
        "{}",
        run.stderr
    );
    assert!(!victim.exists());
    assert_eq!(names(folder.path()), ["evil.pth"]);
}
