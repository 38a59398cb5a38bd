//! One file over HTTP: resumed where it broke off, checked before it gets its name.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tweedie_imaging::sha256_file;
use ureq::Agent;

use crate::error::{io as io_error, one_line};
use crate::{Error, Progress};

/// Attempts in a row that bring nothing before a download is given up.
const ATTEMPTS: u32 = 4;

/// The pause after the first of them; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that sends nothing for so long is taken for dead.
const SILENCE: Duration = Duration::from_secs(30);

/// What a file must be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Of the whole file, in lower-case hexadecimal; without it any content is taken.
    pub sha256: Option<&'a str>,
    /// Its length, where it is known.
    pub bytes: Option<u64>,
    /// More than this is not taken.
    pub max_bytes: u64,
}

/// Downloads files.
pub struct Client<'a> {
    progress: &'a dyn Progress,
    agent: Agent,
}

/// Why an attempt failed.
enum Failure {
    /// Another attempt may succeed.
    Passing(Error),
    /// This address does not have the file.
    Final(Error),
}

impl<'a> Client<'a> {
    /// A client that reports to `progress`.
    pub fn new(progress: &'a dyn Progress) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("tweedie/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            progress,
            agent: config.into(),
        }
    }

    /// Downloads the first of `urls` that has the file.
    ///
    /// Bytes are collected in `path` + `.part`, which a later call goes on with; the file gets its name after its hash was
    /// compared and it was synced. In reports of progress it follows `before` bytes, of `total` in all (0: of this file).
    ///
    /// # Errors
    /// Of the last address: [`Error::Unexpected`] for another hash, length or HTTP status, [`Error::GivenUp`] after four
    /// attempts in a row that brought nothing. [`Error::Io`]; [`Error::Cancelled`].
    pub fn download(
        &self,
        urls: &[String],
        path: &Path,
        expected: Expected<'_>,
        [before, total]: [u64; 2],
    ) -> Result<(), Error> {
        let mut last = Error::unexpected(path.display(), "an address", "none");
        for url in urls {
            let mut part = path.as_os_str().to_owned();
            part.push(".part");
            let transfer = Transfer {
                client: self,
                url,
                part: part.into(),
                name: &path.file_name().unwrap_or_default().to_string_lossy(),
                expected,
                before,
                total,
            };
            match transfer.run(path) {
                Ok(()) => return Ok(()),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => {
                    if urls.len() > 1 {
                        self.progress.detail(&one_line(&error));
                    }
                    last = error;
                }
            }
        }
        Err(last)
    }
}

/// A file on its way from one address.
struct Transfer<'a> {
    client: &'a Client<'a>,
    url: &'a str,
    part: PathBuf,
    name: &'a str,
    expected: Expected<'a>,
    /// Bytes of other files that are there already, and of all files.
    before: u64,
    total: u64,
}

impl Transfer<'_> {
    /// Transfers the file, compares its hash and gives it its name.
    fn run(&self, path: &Path) -> Result<(), Error> {
        let Self {
            url, part, expected, ..
        } = self;
        let mut is_fresh = length(part)? == 0;
        loop {
            self.complete()?;
            let got = sha256_file(part)?;
            match expected.sha256 {
                Some(sha256) if sha256 != got => {
                    fs::remove_file(part).map_err(io_error("removing", part))?;
                    if is_fresh {
                        return Err(Error::unexpected(url, format!("sha256 {sha256}"), got));
                    }
                    // What was there before may have been part of another file.
                    is_fresh = true;
                }
                _ => return fs::rename(part, path).map_err(io_error("writing", path)),
            }
        }
    }

    /// Attempts until the file is complete, with pauses while nothing comes.
    fn complete(&self) -> Result<(), Error> {
        let Self { client, url, part, .. } = self;
        let mut failed = 0;
        loop {
            let had = length(part)?;
            let error = match self.attempt() {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(error)) => error,
            };
            failed = if length(part)? > had { 1 } else { failed + 1 };
            if failed >= ATTEMPTS {
                return Err(Error::GivenUp {
                    url: (*url).to_owned(),
                    attempts: failed,
                    source: Box::new(error),
                });
            }
            client.progress.detail(&format!("{}; trying again", one_line(&error)));
            std::thread::sleep(PAUSE * (1 << (failed - 1)));
            if client.progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
        }
    }

    fn attempt(&self) -> Result<(), Failure> {
        let Self {
            client,
            url,
            part,
            expected,
            ..
        } = self;
        let writing = |error| Failure::Final(io_error("writing", part)(error));
        let wrong = |expected: String, got: String| Error::unexpected(url, expected, got);
        let mut had = length(part).map_err(Failure::Final)?;
        if expected.bytes == Some(had) {
            return Ok(());
        }
        if had > expected.max_bytes {
            had = 0;
        }
        let mut request = client.agent.get(*url);
        if had > 0 {
            request = request.header("Range", format!("bytes={had}-"));
        }
        let response = match request.call() {
            Ok(response) => response,
            // The part is no beginning of the server's file.
            Err(ureq::Error::StatusCode(416)) => {
                fs::remove_file(part).map_err(writing)?;
                return Err(Failure::Passing(wrong(
                    "the rest of the file".to_owned(),
                    "HTTP status 416".to_owned(),
                )));
            }
            Err(ureq::Error::StatusCode(code)) if code < 500 && code != 429 && code != 408 => {
                return Err(Failure::Final(wrong(
                    "a file".to_owned(),
                    format!("HTTP status {code}"),
                )));
            }
            Err(error) => {
                return Err(Failure::Passing(Error::Connection {
                    url: (*url).to_owned(),
                    source: Box::new(error),
                }));
            }
        };
        let goes_on = response.status() == 206
            && response
                .headers()
                .get("content-range")
                .and_then(|range| range.to_str().ok())
                .is_some_and(|range| range.starts_with(&format!("bytes {had}-")));
        if !goes_on {
            had = 0;
        }
        let rest = response.body().content_length();
        let announced = rest.map(|rest| had.saturating_add(rest));
        if let Some(announced) = announced {
            let is_wrong = expected.bytes.is_some_and(|bytes| bytes != announced) || announced > expected.max_bytes;
            if is_wrong {
                return Err(Failure::Final(wrong(
                    limit(*expected),
                    format!("an offer of {announced}"),
                )));
            }
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(part)
            .map_err(writing)?;
        file.set_len(had).map_err(writing)?;
        file.seek(SeekFrom::Start(had)).map_err(writing)?;
        let total = if self.total > 0 {
            self.total
        } else {
            announced.unwrap_or(0)
        };
        let mut reader = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut have = had;
        loop {
            client.progress.bytes(self.before + have, total, self.name);
            if client.progress.is_cancelled() {
                return Err(Failure::Final(Error::Cancelled));
            }
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => {
                    file.sync_all().map_err(writing)?;
                    return Err(Failure::Passing(Error::Connection {
                        url: (*url).to_owned(),
                        source: Box::new(error.into()),
                    }));
                }
            };
            have += count as u64;
            if have > expected.max_bytes {
                drop(file);
                fs::remove_file(part).map_err(writing)?;
                return Err(Failure::Final(wrong(limit(*expected), "more".to_owned())));
            }
            file.write_all(&buffer[..count]).map_err(writing)?;
        }
        file.sync_all().map_err(writing)?;
        match expected.bytes.or(announced) {
            Some(wanted) if wanted != have => Err(Failure::Passing(wrong(
                format!("{wanted} bytes"),
                format!("the end of the connection after {have}"),
            ))),
            _ => Ok(()),
        }
    }
}

fn limit(expected: Expected<'_>) -> String {
    match expected.bytes {
        Some(bytes) => format!("{bytes} bytes"),
        None => format!("at most {} bytes", expected.max_bytes),
    }
}

/// Length of a file, 0 if there is none.
fn length(path: &Path) -> Result<u64, Error> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(io_error("reading", path)(error)),
    }
}
