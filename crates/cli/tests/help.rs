//! Help and completions of every command.

mod common;

use common::{succeed, tweedie};

const COMMANDS: [&str; 19] = [
    "demo",
    "train",
    "denoise",
    "simulate",
    "restore",
    "evaluate",
    "certify",
    "study convergence",
    "study approximation",
    "import",
    "checkpoints",
    "checkpoints list",
    "checkpoints show",
    "checkpoints export",
    "datasets list",
    "datasets fetch",
    "datasets verify",
    "bench",
    "completions",
];

#[test]
fn every_command_explains_itself() {
    let overview = succeed("--help", &[]).stdout;
    for command in COMMANDS {
        let name = command.split(' ').next().unwrap();
        assert!(overview.contains(name), "{name} in the overview");
        for flag in ["-h", "--help"] {
            let help = succeed(&format!("{command} {flag}"), &[]).stdout;
            assert!(help.contains("Usage: tweedie"), "{command} {flag}: {help}");
        }
    }
}

#[test]
fn commands_with_work_take_the_common_options() {
    for command in COMMANDS
        .into_iter()
        .filter(|&command| !matches!(command, "checkpoints" | "completions"))
    {
        let help = succeed(&format!("{command} -h"), &[]).stdout;
        for option in ["--device", "--threads", "--json", "--quiet", "--verbose", "-C "] {
            assert!(help.contains(option), "{command} has {option}");
        }
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = succeed(&format!("completions {shell}"), &[]).stdout;
        assert!(script.contains("simulate") && script.contains("evaluate"), "{shell}");
    }
}

#[test]
fn solvers_explain_themselves() {
    let help = succeed("restore --help-solver red-gd", &[]).stdout;
    assert!(help.contains("Romano") && help.contains("step"), "{help}");
    let run = tweedie("restore --help-solver magic", &[]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("pnp-hqs") && run.stderr.contains("red-gd"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_version_is_the_package_s() {
    assert_eq!(
        succeed("--version", &[]).stdout.trim(),
        format!("tweedie {}", env!("CARGO_PKG_VERSION"))
    );
}
