//! How a page was made: its last sections.

use tweedie_report::{Section, Table};

use crate::session::{Session, arguments};

/// The command, the settings that a reader needs to run it again, and the files that were read.
pub fn provenance(session: &Session, settings: Vec<(String, String)>) -> [Section; 2] {
    let mut table = Table::of_settings(settings);
    table.row([
        "device".to_owned(),
        format!("{}, {} threads", session.device_name, session.threads),
    ]);
    table.row(["tweedie", env!("CARGO_PKG_VERSION")]);
    let mut files = Table::new(["file", "sha256"]);
    for file in session.files() {
        files.row([file.path, file.sha256]);
    }
    [
        Section::new("How it was made").code(command_line()).table(table),
        Section::new("Files that were read").table(files),
    ]
}

/// The command as it was typed, arguments with spaces quoted.
fn command_line() -> String {
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
