//! Small files in every format, made here.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use safetensors::tensor::{Dtype, TensorView, serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A tensor: its shape and its values.
pub type Array = (Vec<usize>, Vec<f32>);

/// Named tensors.
pub type State = BTreeMap<String, Array>;

/// Values between -1 and 1 that differ.
pub fn array(dims: &[usize], seed: usize) -> Array {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 257) as f32 / 128.5 - 1.0;
    (dims.to_vec(), (0..dims.iter().product()).map(value).collect())
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn safetensors(state: &State) -> Vec<u8> {
    let data: Vec<_> = state.values().map(|(_, values)| bytes_of(values)).collect();
    let views = state
        .iter()
        .zip(&data)
        .map(|((name, (dims, _)), bytes)| (name.as_str(), TensorView::new(Dtype::F32, dims.clone(), bytes).unwrap()));
    serialize(views, None).unwrap()
}

pub fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn int(pickle: &mut Vec<u8>, value: usize) {
    pickle.push(b'J');
    pickle.extend((value as i32).to_le_bytes());
}

/// The state as PyTorch pickles it, and the storages by their key.
fn state_dict(state: &State) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let mut pickle = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    let mut storages = Vec::new();
    for (index, (name, (dims, values))) in state.iter().enumerate() {
        text(&mut pickle, name);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(b"ctorch\nFloatStorage\n");
        text(&mut pickle, &index.to_string());
        text(&mut pickle, "cpu");
        int(&mut pickle, values.len());
        pickle.extend(b"tQ");
        int(&mut pickle, 0);
        pickle.push(b'(');
        dims.iter().for_each(|&n| int(&mut pickle, n));
        pickle.extend(b"t(");
        for axis in 0..dims.len() {
            int(&mut pickle, dims[axis + 1..].iter().product());
        }
        pickle.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
        storages.push((index.to_string(), bytes_of(values)));
    }
    pickle.extend(b"u.");
    (pickle, storages)
}

/// A zip archive of entries.
pub fn archive(entries: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in entries {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// PyTorch since release 1.6.
pub fn pytorch_zip(state: &State) -> Vec<u8> {
    let (pickle, storages) = state_dict(state);
    let mut entries = vec![("archive/data.pkl".to_owned(), pickle)];
    entries.extend(
        storages
            .into_iter()
            .map(|(key, bytes)| (format!("archive/data/{key}"), bytes)),
    );
    archive(&entries, CompressionMethod::Stored)
}

/// The first three pickles of PyTorch before release 1.6.
pub const LEGACY_HEAD: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";

/// PyTorch before release 1.6.
pub fn pytorch_legacy(state: &State) -> Vec<u8> {
    let (pickle, storages) = state_dict(state);
    let mut file = [LEGACY_HEAD, &pickle, b"\x80\x02]("].concat();
    storages.iter().for_each(|(key, _)| text(&mut file, key));
    file.extend(b"e.");
    for (_, bytes) in storages {
        file.extend((bytes.len() as u64 / 4).to_le_bytes());
        file.extend(bytes);
    }
    file
}

/// Flax: names with slashes become maps of maps.
pub fn flax(state: &State) -> Vec<u8> {
    let mut file = Vec::new();
    let entries: Vec<_> = state
        .iter()
        .map(|(name, array)| (name.split('/').collect::<Vec<_>>(), array))
        .collect();
    map(&mut file, &entries.iter().collect::<Vec<_>>(), 0);
    file
}

/// The parts of a name, and its tensor.
type Entry<'a> = (Vec<&'a str>, &'a Array);

fn map(file: &mut Vec<u8>, entries: &[&Entry<'_>], depth: usize) {
    let mut groups: Vec<(&str, Vec<&Entry<'_>>)> = Vec::new();
    for entry in entries {
        let key = entry.0[depth];
        match groups.last_mut().filter(|(last, _)| *last == key) {
            Some((_, members)) => members.push(entry),
            None => groups.push((key, vec![entry])),
        }
    }
    rmp::encode::write_map_len(file, groups.len() as u32).unwrap();
    for (key, members) in groups {
        rmp::encode::write_str(file, key).unwrap();
        match members[..] {
            [(path, (dims, values))] if path.len() == depth + 1 => {
                let mut inner = Vec::new();
                rmp::encode::write_array_len(&mut inner, 3).unwrap();
                rmp::encode::write_array_len(&mut inner, dims.len() as u32).unwrap();
                for &n in dims {
                    rmp::encode::write_uint(&mut inner, n as u64).unwrap();
                }
                rmp::encode::write_str(&mut inner, "float32").unwrap();
                rmp::encode::write_bin(&mut inner, &bytes_of(values)).unwrap();
                rmp::encode::write_ext_meta(file, inner.len() as u32, 1).unwrap();
                file.extend(inner);
            }
            _ => map(file, &members, depth + 1),
        }
    }
}
