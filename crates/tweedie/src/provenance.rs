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
