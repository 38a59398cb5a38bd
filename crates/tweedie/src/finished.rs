//! Which results of a batch are finished, so that a batch that was interrupted goes on where it was.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tweedie_imaging::{require_replaceable, sha256_bytes, sha256_file};

use crate::error::Context as _;
use crate::{Error, Events, Result};

/// The record's name, in the folder of the results.
const FILE: &str = "results.jsonl";

/// The record of finished results in their folder: a line of JSON for each, with what made it.
pub struct Finished {
    path: PathBuf,
    /// sha256 of the settings.
    settings: String,
    known: HashMap<String, Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// The result's file, below the folder.
    out: String,
    /// sha256 of the settings that made it.
    settings: String,
    /// sha256 of the files that it was made of.
    input: String,
    /// The result, as the JSON of the command has it.
    result: Value,
}

impl Finished {
    /// The file of the record.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Opens the record of a folder. `settings` is whatever changes a result, in one fixed form; what other settings or another version
    /// of the program made is not finished. Without `reads` what earlier runs left is not looked at.
    ///
    /// # Errors
    /// If the record is there and cannot be read.
    pub fn open(folder: &Path, settings: &str, reads: bool) -> Result<Self> {
        let path = Self::file(folder);
        require_replaceable(&path)?;
        let mut finished = Self {
            settings: sha256_bytes(format!("{} {settings}", env!("CARGO_PKG_VERSION")).as_bytes()),
            known: HashMap::new(),
            path,
        };
        if reads {
            finished
                .read()
                .with_context(|| format!("reading {}", finished.path.display()))?;
        }
        Ok(finished)
    }

    fn read(&mut self) -> std::io::Result<()> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        for line in BufReader::new(file).split(b'\n') {
            // The last line of a run that was killed may be cut.
            if let Ok(line) = serde_json::from_slice::<Line>(&line?) {
                self.known.insert(line.out.clone(), line);
            }
        }
        Ok(())
    }

    /// sha256 of the files that a result is made of.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn digest(files: &[PathBuf], events: &dyn Events) -> Result<String> {
        let mut hashes = String::new();
        for file in files {
            let sha256 = sha256_file(file)?;
            events.file_read(file, &sha256);
            hashes += &sha256;
        }
        Ok(sha256_bytes(hashes.as_bytes()))
    }

    /// The recorded result `out` of these files, with a note, or what `work` makes of them, which is recorded then; `None` is an
    /// interruption. Without a record the work is done.
    ///
    /// # Errors
    /// If a file cannot be read or the record not be written, and what `work` says.
    pub fn or<T: Serialize + DeserializeOwned>(
        record: Option<&Self>,
        out: &str,
        files: &[PathBuf],
        events: &dyn Events,
        work: impl FnOnce() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let Some(record) = record else { return work() };
        let digest = Self::digest(files, events)?;
        if let Some(result) = record.find(out, &digest) {
            events.note(&format!("{} is there", record.path.with_file_name(out).display()));
            return Ok(Some(result));
        }
        let result = work()?;
        if let Some(result) = &result {
            record.add(out, &digest, result)?;
        }
        Ok(result)
    }

    /// The recorded result of these settings and inputs (see [`Self::digest`]), if its file is there.
    pub fn find<T: DeserializeOwned>(&self, out: &str, input: &str) -> Option<T> {
        let line = self.known.get(out)?;
        let same = line.settings == self.settings && line.input == input;
        let file = self.path.with_file_name(out);
        (same && file.is_file())
            .then(|| serde_json::from_value(line.result.clone()).ok())
            .flatten()
    }

    /// Records a result whose file has been written.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn add(&self, out: &str, input: &str, result: &impl Serialize) -> Result<()> {
        let line = Line {
            out: out.to_owned(),
            settings: self.settings.clone(),
            input: input.to_owned(),
            result: serde_json::to_value(result)?,
        };
        let mut text = serde_json::to_string(&line)?;
        // A line that was cut before is ended: it does not spoil this one.
        text = format!("\n{text}\n");
        let append = || OpenOptions::new().create(true).append(true).open(&self.path);
        append()
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| {
                Error::from(tweedie_imaging::Error::Io {
                    operation: "writing",
                    path: self.path.clone(),
                    source,
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_result_counts_if_all_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.png"), "a").unwrap();
        let open = |settings: &str| Finished::open(folder.path(), settings, true).unwrap();
        let found = |record: &Finished, out: &str, input: &str| record.find::<f64>(out, input);
        assert_eq!(found(&open("s"), "a.png", "1"), None);
        open("s").add("a.png", "1", &2.5).unwrap();
        // Killed in the middle of a line.
        let path = Finished::file(folder.path());
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{}", &text[..20])).unwrap();
        open("s").add("b.png", "1", &3.5).unwrap();
        assert_eq!(found(&open("s"), "a.png", "1"), Some(2.5));
        assert_eq!(found(&open("other"), "a.png", "1"), None);
        assert_eq!(found(&open("s"), "a.png", "2"), None);
        // Recorded, but its file is gone.
        assert_eq!(found(&open("s"), "b.png", "1"), None);
        fs::write(folder.path().join("b.png"), "b").unwrap();
        assert_eq!(found(&open("s"), "b.png", "1"), Some(3.5));
        assert_eq!(
            found(&Finished::open(folder.path(), "s", false).unwrap(), "b.png", "1"),
            None
        );
        // The last one counts.
        open("other").add("a.png", "1", &4.5).unwrap();
        assert_eq!(found(&open("s"), "a.png", "1"), None);
        assert_eq!(found(&open("other"), "a.png", "1"), Some(4.5));
    }
}
