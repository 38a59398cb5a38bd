//! One file over HTTP: resumed where it broke off, checked before it gets its name.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use tweedie_imaging::sha256_file;
use ureq::Agent;

use tweedie::Events as _;

use crate::session::Session;

/// Attempts in a row that bring nothing before a download is given up.
const ATTEMPTS: u32 = 4;

/// The pause after the first of them; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that sends nothing for so long is taken for dead.
const SILENCE: Duration = Duration::from_secs(30);

/// What a file must be.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    pub sha256: Option<&'a str>,
    pub bytes: Option<u64>,
    /// More than this is not taken.
    pub max_bytes: u64,
}

/// Downloads files.
pub struct Client<'a> {
    pub session: &'a Session,
    agent: Agent,
}

/// Why an attempt failed.
enum Failure {
    /// Another attempt may succeed.
    Passing(anyhow::Error),
    /// This address does not have the file.
    Final(anyhow::Error),
}

enum Attempt {
    Complete,
    Interrupted,
}

impl<'a> Client<'a> {
    pub fn new(session: &'a Session) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("tweedie/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            session,
            agent: config.into(),
        }
    }

    /// Downloads the first of `urls` that has the file; `false` if interrupted.
    ///
    /// Bytes are collected in `path` + `.part`, which a later call goes on with; the file gets its name after its hash was
    /// compared and it was synced.
    pub fn download(
        &self,
        urls: &[String],
        path: &Path,
        expected: Expected<'_>,
        bar: &ProgressBar,
    ) -> anyhow::Result<bool> {
        let before = bar.position();
        let mut last = None;
        for url in urls {
            bar.set_position(before);
            let transfer = Transfer {
                client: self,
                url,
                part: PathBuf::from(format!("{}.part", path.display())),
                expected,
                bar,
                before,
            };
            match transfer.run(path) {
                Ok(done) => return Ok(done),
                Err(error) => {
                    if urls.len() > 1 {
                        self.session.detail(&crate::one_line(&error));
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.with_context(|| format!("{}: expected an address", path.display()))?)
    }
}

/// A file on its way from one address.
struct Transfer<'a> {
    client: &'a Client<'a>,
    url: &'a str,
    part: PathBuf,
    expected: Expected<'a>,
    bar: &'a ProgressBar,
    /// Position of the bar before this file.
    before: u64,
}

impl Transfer<'_> {
    /// Transfers the file, compares its hash and gives it its name; `false` if interrupted.
    fn run(&self, path: &Path) -> anyhow::Result<bool> {
        let Self {
            url, part, expected, ..
        } = self;
        let mut is_fresh = length(part)? == 0;
        loop {
            if let Attempt::Interrupted = self.complete()? {
                return Ok(false);
            }
            let got = sha256_file(part)?;
            match expected.sha256 {
                Some(sha256) if sha256 != got => {
                    fs::remove_file(part).with_context(|| format!("removing {}", part.display()))?;
                    if is_fresh {
                        bail!("{url}: expected sha256 {sha256}, got {got}");
                    }
                    // What was there before may have been part of another file.
                    is_fresh = true;
                    self.bar.set_position(self.before);
                }
                _ => {
                    fs::rename(part, path).with_context(|| format!("writing {}", path.display()))?;
                    return Ok(true);
                }
            }
        }
    }

    /// Attempts until the file is complete, with pauses while nothing comes.
    fn complete(&self) -> anyhow::Result<Attempt> {
        let (session, url, part) = (self.client.session, self.url, &self.part);
        let mut failed = 0;
        loop {
            let had = length(part)?;
            let error = match self.attempt() {
                Ok(attempt) => return Ok(attempt),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(error)) => error,
            };
            failed = if length(part)? > had { 1 } else { failed + 1 };
            if failed >= ATTEMPTS {
                return Err(error.context(format!("{url}: given up after {failed} attempts")));
            }
            session.detail(&format!("{}; trying again", crate::one_line(&error)));
            std::thread::sleep(PAUSE * (1 << (failed - 1)));
            if session.is_interrupted() {
                return Ok(Attempt::Interrupted);
            }
        }
    }

    fn attempt(&self) -> Result<Attempt, Failure> {
        let Self {
            client,
            url,
            part,
            expected,
            bar,
            before,
        } = self;
        let writing =
            |error: io::Error| Failure::Final(anyhow::Error::new(error).context(format!("writing {}", part.display())));
        let mut had = length(part).map_err(Failure::Final)?;
        if expected.bytes == Some(had) {
            return Ok(Attempt::Complete);
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
                return Err(passing(url, "the server does not have the rest"));
            }
            Err(ureq::Error::StatusCode(code)) if code < 500 && code != 429 && code != 408 => {
                return Err(Failure::Final(anyhow::anyhow!(
                    "{url}: expected a file, got HTTP status {code}"
                )));
            }
            Err(error) => return Err(passing(url, error)),
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
        if let Some(total) = rest.map(|rest| had.saturating_add(rest)) {
            let is_wrong = expected.bytes.is_some_and(|bytes| bytes != total) || total > expected.max_bytes;
            if is_wrong {
                return Err(Failure::Final(anyhow::anyhow!(
                    "{url}: expected {} bytes, the server offers {total}",
                    limit(*expected)
                )));
            }
            if expected.bytes.is_none() {
                bar.set_length(total);
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
        bar.set_position(before + had);
        let mut reader = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut have = had;
        loop {
            if client.session.is_interrupted() {
                return Ok(Attempt::Interrupted);
            }
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => {
                    sync(&file).map_err(writing)?;
                    return Err(passing(url, error));
                }
            };
            have += count as u64;
            if have > expected.max_bytes {
                drop(file);
                fs::remove_file(part).map_err(writing)?;
                return Err(Failure::Final(anyhow::anyhow!(
                    "{url}: expected {} bytes, got more",
                    limit(*expected)
                )));
            }
            file.write_all(&buffer[..count]).map_err(writing)?;
            bar.inc(count as u64);
        }
        sync(&file).map_err(writing)?;
        let wanted = expected.bytes.or(rest.map(|rest| had + rest));
        match wanted {
            Some(wanted) if wanted != have => Err(passing(
                url,
                format_args!("expected {wanted} bytes, the connection ended after {have}"),
            )),
            _ => Ok(Attempt::Complete),
        }
    }
}

fn limit(expected: Expected<'_>) -> String {
    match expected.bytes {
        Some(bytes) => bytes.to_string(),
        None => format!("at most {}", expected.max_bytes),
    }
}

fn passing(url: &str, reason: impl fmt::Display) -> Failure {
    Failure::Passing(anyhow::anyhow!("{url}: {reason}"))
}

fn sync(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Length of a file, 0 if there is none.
fn length(path: &Path) -> anyhow::Result<u64> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}
