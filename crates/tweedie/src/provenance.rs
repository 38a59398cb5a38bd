//! How a page was made: its last sections.

use tweedie_report::{Section, Table};

use crate::events::FileHash;

/// How results were made.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// The command, or what else made them.
    pub command: String,
    /// Name of the device.
    pub device: String,
    /// Threads of the CPU.
    pub threads: usize,
    /// The files that were read.
    pub files: Vec<FileHash>,
}

impl Provenance {
    /// The command, the settings that a reader needs to run it again, and the files that were read.
    pub(crate) fn sections(&self, settings: Vec<(String, String)>) -> [Section; 2] {
        let mut table = Table::of_settings(settings);
        table.row([
            "device".to_owned(),
            format!("{}, {} threads", self.device, self.threads),
        ]);
        table.row(["tweedie", env!("CARGO_PKG_VERSION")]);
        let mut files = Table::new(["file", "sha256"]);
        for file in &self.files {
            files.row([&file.path, &file.sha256]);
        }
        [
            Section::new("How it was made").code(&self.command).table(table),
            Section::new("Files that were read").table(files),
        ]
    }
}

/// The command line without the program's name.
pub fn arguments() -> Vec<String> {
    std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect()
}

/// The command as it was typed, arguments with spaces quoted.
pub fn command_line() -> String {
    let quoted = |argument: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    };
    std::iter::once("tweedie".to_owned())
        .chain(arguments().into_iter().map(quoted))
        .collect::<Vec<_>>()
        .join(" ")
}
