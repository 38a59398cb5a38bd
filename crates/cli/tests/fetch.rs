//! Downloads from a server that drops, truncates and corrupts.

mod common;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::{Run, command, names};

/// How the server misbehaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Closes the connection after half of what is left to send.
    Drops,
    /// Sends half of the file and says that it is all.
    Truncates,
    /// One byte is wrong, every time.
    Corrupts,
    /// Sends the whole file whatever range was asked for, and closes halfway the first time.
    IgnoresRanges,
    /// Sends more than it should, without saying how much.
    Floods,
    /// Fails twice.
    Unavailable,
    Missing,
}

/// Answers on the loopback interface until the test ends; logs the requests, each with its range.
fn serve(content: Vec<u8>, fault: Fault) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let log = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&log);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // The client may hang up first.
            let _ = answer(stream.unwrap(), &content, fault, &requests);
        }
    });
    (address, log)
}

fn answer(mut stream: TcpStream, content: &[u8], fault: Fault, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut request = lines.next().unwrap()?;
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let range = headers
        .get("range")
        .map(|range| range["bytes=".len()..].trim_end_matches('-').parse::<usize>().unwrap());
    request += &format!(" from {}", range.unwrap_or(0));
    let count = {
        let mut log = log.lock().unwrap();
        log.push(request);
        log.len()
    };
    let from = range.filter(|_| fault != Fault::IgnoresRanges).unwrap_or(0);
    let mut body = content[from..].to_vec();
    let (all, total) = (body.len(), content.len());
    let mut said = Some(all);
    match fault {
        Fault::Missing => {
            return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Fault::Unavailable if count <= 2 => {
            return stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Fault::Drops if all > 100 => body.truncate(all / 2),
        Fault::IgnoresRanges if count == 1 => body.truncate(all / 2),
        Fault::Truncates => {
            body.truncate(all / 2);
            said = Some(body.len());
        }
        Fault::Corrupts => body[all / 2] ^= 1,
        Fault::Floods => {
            body.resize(all + (1 << 20), 7);
            said = None;
        }
        _ => {}
    }
    let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    if from > 0 {
        write!(stream, "Content-Range: bytes {from}-{}/{total}\r\n", total - 1)?;
    }
    if let Some(said) = said {
        write!(stream, "Content-Length: {said}\r\n")?;
    }
    write!(stream, "\r\n")?;
    stream.write_all(&body)
}

fn content() -> Vec<u8> {
    (0..200_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// A folder with a manifest for one file on the given servers.
fn manifest(servers: &[&str], extra: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let text = format!(
        "[[set]]\nname = 'small'\ndescription = 'a test'\nkind = 'public'\nlicence = 'none'\nmirrors = {servers:?}\n{extra}\n\
         files = [{{ path = 'a/b.bin', sha256 = '{}', bytes = {} }}]\n",
        tweedie_imaging::sha256_bytes(&content),
        content.len()
    );
    fs::write(folder.path().join("manifest.toml"), text).unwrap();
    folder
}

/// Runs `datasets ARGUMENTS` with the manifest in `folder`.
fn datasets(folder: &Path, arguments: &[&str]) -> Run {
    // From another folder than the repository, whose own manifest would be found first.
    let output = command(&[&["datasets"], arguments].concat())
        .current_dir(folder)
        .env("TWEEDIE_DATASETS", folder)
        .output()
        .unwrap();
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn target(folder: &Path) -> PathBuf {
    folder.join("small/a/b.bin")
}

#[test]
fn a_server_with_passing_faults_gives_the_file_in_the_end() {
    for (fault, requests) in [
        (Fault::None, 1),
        (Fault::Drops, 12),
        (Fault::IgnoresRanges, 2),
        (Fault::Unavailable, 3),
    ] {
        let (address, log) = serve(content(), fault);
        let folder = manifest(&[&address], "");
        let run = datasets(folder.path(), &["fetch", "small"]);
        assert_eq!(run.status, Some(0), "{fault:?}: {}", run.stderr);
        assert_eq!(fs::read(target(folder.path())).unwrap(), content(), "{fault:?}");
        assert_eq!(names(&folder.path().join("small/a")), ["b.bin"], "{fault:?}");
        let log = log.lock().unwrap();
        assert!(log.len() <= requests, "{fault:?}: {log:?}");
        if fault == Fault::Drops {
            assert!(
                log[1].contains(" from 100000"),
                "it goes on where it broke off: {log:?}"
            );
        }
        let run = datasets(folder.path(), &["verify", "small", "--data", "small"]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
    }
}

#[test]
fn a_wrong_file_never_gets_its_name() {
    for (fault, message) in [
        (Fault::Truncates, "an offer of 100000"),
        (Fault::Corrupts, "expected sha256"),
        (Fault::Floods, "got more"),
        (Fault::Missing, "HTTP status 404"),
    ] {
        let (address, _) = serve(content(), fault);
        let folder = manifest(&[&address], "");
        let run = datasets(folder.path(), &["fetch", "small"]);
        assert_eq!(run.status, Some(1), "{fault:?}: {}", run.stderr);
        assert!(
            run.stderr.contains(message) && run.stderr.contains(&address),
            "{fault:?}: {}",
            run.stderr
        );
        assert!(!target(folder.path()).exists(), "{fault:?}");
    }
}

#[test]
fn the_rest_of_an_interrupted_download_is_fetched() {
    let (address, log) = serve(content(), Fault::None);
    let folder = manifest(&[&address], "");
    let part = folder.path().join("small/a/b.bin.part");
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    // The beginning of the file; then the beginning of another one, whose hash cannot come out right.
    for (beginning, requests) in [(content()[..70_000].to_vec(), 1), (vec![1; 70_000], 2)] {
        log.lock().unwrap().clear();
        fs::write(&part, beginning).unwrap();
        let run = datasets(folder.path(), &["fetch", "small"]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let log = log.lock().unwrap();
        assert!(log.len() == requests && log[0].contains(" from 70000"), "{log:?}");
        assert_eq!(fs::read(target(folder.path())).unwrap(), content());
        fs::remove_file(target(folder.path())).unwrap();
    }
}

#[test]
fn the_next_mirror_is_tried() {
    let (missing, _) = serve(content(), Fault::Missing);
    let (corrupt, _) = serve(content(), Fault::Corrupts);
    let (good, _) = serve(content(), Fault::None);
    let folder = manifest(&[&missing, &corrupt, &good], "");
    let run = datasets(folder.path(), &["fetch", "small"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(fs::read(target(folder.path())).unwrap(), content());
}

#[test]
fn files_that_are_there_stay() {
    let (address, log) = serve(content(), Fault::None);
    let folder = manifest(&[&address], "");
    let path = target(folder.path());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content()).unwrap();
    assert_eq!(datasets(folder.path(), &["fetch", "small"]).status, Some(0));
    fs::write(&path, "mine").unwrap();
    let run = datasets(folder.path(), &["fetch", "small"]);
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("expected no such file"), "{}", run.stderr);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert!(log.lock().unwrap().is_empty());
}

#[test]
fn archives_are_unpacked_once_their_hash_is_right() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("set/a.bin", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&content()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let sha256 = tweedie_imaging::sha256_bytes(&bytes);
    let (address, log) = serve(bytes, Fault::Drops);
    let archive = |hash: &str, unpacked: usize| {
        format!("archive = {{ url = '{address}', max_bytes = 1000000, max_unpacked_bytes = {unpacked} {hash} }}")
    };
    let with_hash = format!(", sha256 = '{sha256}'");
    let wrong_hash = format!(", sha256 = '{}'", "0".repeat(64));
    for (description, arguments, message) in [
        (archive(&with_hash, 200_000), &["fetch", "small"][..], ""),
        (archive("", 200_000), &["fetch", "small", "--unverified"], ""),
        (archive("", 200_000), &["fetch", "small"], "--unverified"),
        (archive(&wrong_hash, 200_000), &["fetch", "small"], "expected sha256"),
        (archive(&with_hash, 199_999), &["fetch", "small"], "unpacked bytes"),
    ] {
        let folder = manifest(&[], &description);
        let run = datasets(folder.path(), arguments);
        let file = folder.path().join("small/set/a.bin");
        if message.is_empty() {
            assert_eq!(run.status, Some(0), "{}", run.stderr);
            assert_eq!(fs::read(&file).unwrap(), content());
            assert_eq!(names(folder.path()), ["manifest.toml", "small"]);
            // A second time there is nothing to do, unless something of it is missing or it is another archive.
            let before = log.lock().unwrap().len();
            let run = datasets(folder.path(), arguments);
            assert_eq!(run.status, Some(0), "{}", run.stderr);
            assert!(run.stdout.contains("small already"), "{}", run.stdout);
            assert_eq!(log.lock().unwrap().len(), before);
            fs::remove_file(file).unwrap();
            let run = datasets(folder.path(), arguments);
            assert_eq!(run.status, Some(1));
            assert!(run.stderr.contains("0 of its 1 files"), "{}", run.stderr);
            fs::remove_file(folder.path().join("small/.tweedie-archive.toml")).unwrap();
            let run = datasets(folder.path(), arguments);
            assert_eq!(run.status, Some(1));
            assert!(run.stderr.contains("another folder"), "{}", run.stderr);
        } else {
            assert_eq!(run.status, Some(1));
            assert!(run.stderr.contains(message), "{}", run.stderr);
            assert!(!folder.path().join("small").exists());
        }
    }
}

#[test]
fn a_manifest_cannot_name_files_elsewhere() {
    let folder = manifest(&[], "");
    let path = folder.path().join("manifest.toml");
    let text = fs::read_to_string(&path).unwrap().replace("a/b.bin", "../b.bin");
    fs::write(&path, text).unwrap();
    let run = datasets(folder.path(), &["list"]);
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("without '..'"), "{}", run.stderr);
}
