//! `-C KEY=VALUE`: configuration values from the command line.

use std::str::FromStr;

use toml::{Table, Value};

use crate::Result;
use crate::error::usage;

/// One `-C`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The key's parts.
    path: Vec<String>,
    value: Value,
}

impl FromStr for Setting {
    type Err = String;

    /// `a.b=VALUE`: a TOML value (number, true, "text", list, inline table); anything else is taken for text.
    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
        let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        let is_key =
            |part: &String| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !path.iter().all(is_key) {
            return Err(format!("expected a key such as solver.sigma, got '{key}'"));
        }
        // On one line, so that a value cannot bring further keys.
        let parsed = if value.contains('\n') {
            None
        } else {
            toml::from_str::<Table>(&format!("value = {value}")).ok()
        };
        let value = parsed
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        Ok(Self { path, value })
    }
}

/// Writes the settings into a table, over what is there.
pub fn apply(settings: &[Setting], table: &mut Table) -> Result<()> {
    for (index, Setting { path, value }) in settings.iter().enumerate() {
        let key = path.join(".");
        if settings[..index].iter().any(|earlier| earlier.path == *path) {
            return Err(usage(format!("-C {key}: expected once, got twice")));
        }
        let [sections @ .., last] = path.as_slice() else {
            continue;
        };
        let mut place = &mut *table;
        for section in sections {
            let entry = place
                .entry(section.as_str())
                .or_insert_with(|| Value::Table(Table::new()));
            place = entry
                .as_table_mut()
                .ok_or_else(|| usage(format!("-C {key}: '{section}' is a value, no section")))?;
        }
        place.insert(last.clone(), value.clone());
    }
    Ok(())
}

/// The values of the sections `names`, in this order; settings outside them are refused.
pub fn sections<const N: usize>(settings: &[Setting], names: [&str; N]) -> Result<[Table; N]> {
    let mut table = Table::new();
    apply(settings, &mut table)?;
    let mut found = names.map(|_| Table::new());
    for (section, name) in found.iter_mut().zip(names) {
        match table.remove(name) {
            None => {}
            Some(Value::Table(values)) => *section = values,
            Some(_) => return Err(usage(format!("-C {name}: expected {name}.KEY=VALUE"))),
        }
    }
    match table.keys().next() {
        None => Ok(found),
        Some(other) => Err(usage(format!(
            "-C {other}: expected {}",
            names.map(|name| format!("{name}.KEY")).join(" or ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(texts: &[&str]) -> Vec<Setting> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn values_are_toml_or_text() {
        let settings = settings(&["a.a=0.1", "a.b=[1, 2]", "a.c=word", "b.d={ x = true }"]);
        let expected =
            ["a = 0.1\nb = [1, 2]\nc = 'word'", "d = { x = true }"].map(|text| toml::from_str(text).unwrap());
        assert_eq!(sections(&settings, ["a", "b"]).unwrap(), expected);
    }

    #[test]
    fn a_value_cannot_bring_keys() {
        let [table] = sections(&settings(&["solver.a=1\nb = 2"]), ["solver"]).unwrap();
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn wrong_settings_are_refused() {
        for text in ["solver.a", "=1", "a..b=1", "a b=1"] {
            assert!(text.parse::<Setting>().is_err(), "{text}");
        }
        for wrong in [
            &["solver.a=1", "solver.a=2"][..],
            &["other.a=1"],
            &["solver=1"],
            &["solver.a=1", "solver.a.b=2"],
        ] {
            assert!(sections(&settings(wrong), ["solver"]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn settings_replace_what_a_file_says() {
        let mut table: Table = toml::from_str("[training]\nsteps = 5\nbatch = 2").unwrap();
        apply(&settings(&["training.steps=7", "seed=1"]), &mut table).unwrap();
        assert_eq!(
            table,
            toml::from_str("seed = 1\n[training]\nsteps = 7\nbatch = 2").unwrap()
        );
    }
}
