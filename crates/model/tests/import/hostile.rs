//! Files that are broken, or made to harm: refused with a reason.

use std::path::Path;

use burn::tensor::Device;
use tweedie_model::{NoiseRange, Peer};
use zip::CompressionMethod;

use super::hdf5::{USER_BLOCK, Writer, matconvnet, with_root};
use super::levels::{drunet, wcrr};
use super::made::{self, LEGACY_HEAD, State, array, flax, pytorch_legacy, pytorch_zip, safetensors};
use super::small::{ffdnet, normalised, scico};

/// Whether a file gives a checkpoint, or why not.
pub fn import(bytes: &[u8]) -> Result<(), String> {
    let peer = Peer::from_bytes(Path::new("hostile.bin"), bytes, None).map_err(|error| error.to_string())?;
    let noise = NoiseRange { min: 0.0, max: 50.0 };
    peer.into_checkpoint(noise, &Device::flex())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// A valid file of each format.
pub fn valid() -> [(&'static str, Vec<u8>); 7] {
    let (state, _, _) = normalised();
    [
        ("safetensors", safetensors(&state)),
        ("pytorch-zip", pytorch_zip(&state)),
        ("pytorch-legacy", pytorch_legacy(&state)),
        ("flax", flax(&scico().0)),
        ("matconvnet", matconvnet(&ffdnet().0)),
        ("drunet", safetensors(&drunet(""))),
        ("wcrr", safetensors(&wcrr())),
    ]
}

/// Writes the seeds of the fuzzed importers.
#[test]
#[ignore = "writes the corpora of fuzz/"]
fn write_corpora() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, bytes) in valid() {
        let target = match name {
            "safetensors" => name,
            "flax" => "messagepack",
            "matconvnet" => "hdf5",
            _ => "pickle",
        };
        std::fs::create_dir_all(root.join(target)).unwrap();
        std::fs::write(root.join(target).join(name), bytes).unwrap();
    }
}

#[track_caller]
pub fn assert_refused(what: &str, bytes: &[u8], reason: &str) {
    let error = import(bytes).expect_err(what);
    assert!(
        error.contains("hostile.bin") && error.contains(reason),
        "{what}: {error}"
    );
    // Names from files cannot bring escape sequences or fill the screen.
    assert!(
        error.len() < 1000 && !error.chars().any(char::is_control),
        "{what}: {error}"
    );
}

#[test]
fn every_truncation_is_refused() {
    for (name, bytes) in valid() {
        assert_eq!(import(&bytes), Ok(()), "{name}");
        for length in 0..bytes.len() {
            assert!(
                import(&bytes[..length]).is_err(),
                "{name} cut to {length} of {}",
                bytes.len()
            );
        }
    }
}

#[test]
fn pickles_that_name_code_are_refused() {
    for (module, name) in [
        ("posix", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("\x1b[2J", "x"),
    ] {
        let call = [b"\x80\x02c", module.as_bytes(), b"\n", name.as_bytes(), b"\n)R."].concat();
        assert_refused("legacy", &[LEGACY_HEAD, &call].concat(), "the name of code");
        let entries = [("a/data.pkl".to_owned(), call)];
        assert_refused(
            "zip",
            &made::archive(&entries, CompressionMethod::Stored),
            "the name of code",
        );
    }
}

#[test]
fn pickles_out_of_order_are_refused() {
    let list_in_itself = b"\x80\x02]q\x00h\x00a.".to_vec();
    let grows = [b"\x80\x02]q\x00".to_vec(), b"h\x00".repeat(3 << 20)].concat();
    for (what, pickle) in [
        ("empty", vec![]),
        ("nothing on the stack", b"\x80\x02R.".to_vec()),
        ("no mark", b"\x80\x02t.".to_vec()),
        ("unknown instruction", b"\x80\x02i.".to_vec()),
        ("unknown reference", b"\x80\x02h\x07.".to_vec()),
        ("no end", b"\x80\x02K\x01".to_vec()),
        ("a list in itself", list_in_itself),
        ("endless references", grows),
        ("text beyond the end", b"\x80\x02X\xff\xff\xff\xff.".to_vec()),
    ] {
        let entries = [("a/data.pkl".to_owned(), pickle)];
        let error = import(&made::archive(&entries, CompressionMethod::Stored)).expect_err(what);
        assert!(error.contains("hostile.bin"), "{what}: {error}");
    }
}

/// A tensor of this size whose storage has four numbers.
fn sized(dims: &[i32], strides: &[i32]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}".to_vec();
    made::text(&mut pickle, "net.0.weight");
    pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    made::text(&mut pickle, "storage");
    pickle.extend(b"ctorch\nFloatStorage\n");
    made::text(&mut pickle, "0");
    made::text(&mut pickle, "cpu");
    pickle.extend(b"K\x04tQK\x00(");
    let ints = |values: &[i32]| {
        values
            .iter()
            .flat_map(|value| [&b"J"[..], &value.to_le_bytes()].concat())
            .collect::<Vec<_>>()
    };
    pickle.extend(ints(dims));
    pickle.extend(b"t(");
    pickle.extend(ints(strides));
    pickle.extend(b"t\x89)tRs.");
    let entries = [("a/data.pkl".to_owned(), pickle), ("a/data/0".to_owned(), vec![0; 16])];
    made::archive(&entries, CompressionMethod::Stored)
}

#[test]
fn sizes_beyond_the_file_are_refused() {
    let largest = i32::MAX;
    for (dims, strides) in [
        (&[largest, largest, largest][..], &[0, 0, 0][..]),
        (&[largest], &[0]),
        (&[largest], &[1]),
        (&[5], &[1]),
        (&[2], &[largest]),
        (&[-1], &[1]),
        (&[2, 2], &[1]),
    ] {
        assert!(import(&sized(dims, strides)).is_err(), "{dims:?}, {strides:?}");
    }
    let header = |json: &str| [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat();
    let tensor = |shape: &str, end: &str| {
        header(&format!(
            r#"{{"net.0.weight":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}"#
        ))
    };
    for (what, bytes) in [
        ("a huge header", [&u64::MAX.to_le_bytes()[..], b"{}"].concat()),
        ("no JSON", header("{")),
        ("a huge shape", tensor("[4294967296,4294967296,3,3]", "16")),
        ("beyond the end", tensor("[1073741824]", "4294967296")),
    ] {
        assert!(import(&bytes).is_err(), "{what}");
    }
    for (what, bytes) in [
        ("a huge map", b"\xdf\xff\xff\xff\xff".to_vec()),
        ("a huge extension", b"\x81\xa1a\xc9\xff\xff\xff\xff\x01".to_vec()),
        ("a huge key", b"\x81\xdb\xff\xff\xff\xff".to_vec()),
        ("maps without end", b"\x81\xa1a".repeat(100_000)),
        (
            "a shape without bytes",
            b"\x81\xa1a\xc7\x14\x01\x93\x92\xce\xff\xff\xff\xff\xce\xff\xff\xff\xff\xa3f32\xc4\x00".to_vec(),
        ),
    ] {
        assert!(import(&bytes).is_err(), "{what}");
    }
}

#[test]
fn compressed_archives_are_refused() {
    let bomb = [("a/data.pkl".to_owned(), vec![0; 1 << 20])];
    assert_refused(
        "a bomb",
        &made::archive(&bomb, CompressionMethod::Deflated),
        "stored entry",
    );
    let absent = [("a/other".to_owned(), vec![])];
    assert_refused(
        "no pickle",
        &made::archive(&absent, CompressionMethod::Stored),
        "data.pkl",
    );
}

/// Replaces the only place where `old` stands.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = (0..=bytes.len() - old.len())
        .filter(|&at| bytes[at..].starts_with(old))
        .collect();
    assert_eq!(places.len(), 1, "{old:?}");
    let mut bytes = bytes.to_vec();
    bytes[places[0]..][..new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn circles_in_hdf5_end() {
    // A continuation that leads to itself: its address is that of the block which it stands in.
    let circle = |writer: &mut Writer| {
        let here = writer.object(&[]);
        let continuation = [(here + 16 + 16).to_le_bytes(), 24u64.to_le_bytes()].concat();
        let mut message = vec![0x10, 0, 16, 0, 0, 0, 0, 0];
        message.extend(&continuation);
        writer.object(&[(0x10, [message.clone(), message].concat())])
    };
    assert!(import(&with_root(circle)).is_err());
    // A node of the B-tree that is its own child, 256 levels deep.
    let file = matconvnet(&ffdnet().0);
    let trees: Vec<usize> = (0..file.len() - 4)
        .filter(|&at| file[at..].starts_with(b"TREE"))
        .collect();
    for at in trees {
        let mut circle = file.clone();
        circle[at + 5] = 255;
        let kind = circle[at + 4];
        let key = if kind == 0 { 8 } else { continue };
        circle[at + 24 + key..][..8].copy_from_slice(&((at - USER_BLOCK) as u64).to_le_bytes());
        assert!(import(&circle).is_err(), "the tree at {at}");
    }
}

#[test]
fn hdf5_with_absurd_sizes_is_refused() {
    let file = matconvnet(&ffdnet().0);
    // The dataspace of the first filter: 5 x 13 x 3 x 3.
    let dims = |dims: [u64; 4]| dims.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let own = dims([5, 13, 3, 3]);
    for other in [
        [1 << 40, 13, 3, 3],
        [u64::MAX; 4],
        [0, u64::MAX, u64::MAX, u64::MAX],
        [6, 13, 3, 3],
        [5, 13, 3, 1],
    ] {
        assert!(import(&replaced(&file, &own, &dims(other))).is_err(), "{other:?}");
    }
    assert_refused(
        "a group without members",
        &with_root(|writer| writer.object(&[])),
        "symbol table",
    );
}

/// A state with one thing changed.
fn changed(change: impl FnOnce(&mut State)) -> Vec<u8> {
    let (mut state, _, _) = normalised();
    change(&mut state);
    safetensors(&state)
}

#[test]
fn other_networks_are_refused() {
    let weight = |number: usize| format!("module.net.{number}.weight");
    for (what, bytes, reason) in [
        (
            "5x5 kernels",
            changed(|state| drop(state.insert(weight(2), array(&[3, 3, 5, 5], 1)))),
            "[out, in, 3, 3]",
        ),
        (
            "channels that do not fit",
            changed(|state| drop(state.insert(weight(2), array(&[3, 4, 3, 3], 1)))),
            "3 input",
        ),
        (
            "another width",
            changed(|state| {
                state.insert(weight(5), array(&[2, 3, 3, 3], 1));
                state.insert(weight(7), array(&[1, 2, 3, 3], 1));
            }),
            "3 channels between",
        ),
        (
            "a bias that does not fit",
            changed(|state| drop(state.insert("module.net.0.bias".into(), array(&[2], 1)))),
            "the bias",
        ),
        (
            "half a normalisation",
            changed(|state| drop(state.insert("module.net.3.running_mean".into(), array(&[2], 1)))),
            "3 values",
        ),
        (
            "a negative variance",
            changed(|state| drop(state.insert("module.net.3.running_var".into(), (vec![3], vec![-1.0; 3])))),
            "finite",
        ),
        (
            "an infinite weight",
            changed(|state| drop(state.insert(weight(0), (vec![3, 1, 3, 3], vec![f32::INFINITY; 27])))),
            "finite",
        ),
        (
            "PReLU",
            changed(|state| drop(state.insert(weight(1), array(&[3], 1)))),
            "no further parameters",
        ),
        (
            "no activation",
            changed(|state| drop(state.insert(weight(1), array(&[3, 3, 3, 3], 1)))),
            "a ReLU behind",
        ),
        (
            "a second network",
            changed(|state| drop(state.insert("other.0.weight".into(), array(&[3, 1, 3, 3], 1)))),
            "a network of a known kind",
        ),
        (
            "a fully connected layer",
            changed(|state| drop(state.insert("head.weight".into(), array(&[10, 3], 1)))),
            "head.weight",
        ),
        (
            "one convolution",
            safetensors(&State::from([("net.0.weight".into(), array(&[1, 1, 3, 3], 1))])),
            "two convolutions",
        ),
        (
            "two channels",
            safetensors(&State::from([
                ("net.0.weight".into(), array(&[4, 2, 3, 3], 1)),
                ("net.2.weight".into(), array(&[3, 4, 3, 3], 1)),
            ])),
            "a network of a known kind",
        ),
        ("no tensors", safetensors(&State::new()), "a network of a known kind"),
        ("text", b"weights: 1, 2, 3".to_vec(), "safetensors, PyTorch"),
        ("nothing", vec![], "safetensors, PyTorch"),
    ] {
        assert_refused(what, &bytes, reason);
    }
}
