//! A number, or the program's choice.

use std::str::FromStr;

/// A number, or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Auto {
    /// The program chooses.
    #[default]
    Auto,
    /// The user chose.
    Given(f64),
}

impl FromStr for Auto {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self::Given(value)),
            _ if text == "auto" => Ok(Self::Auto),
            _ => Err("expected a number or auto".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_auto() {
        assert_eq!("auto".parse(), Ok(Auto::Auto));
        assert_eq!("2.5".parse(), Ok(Auto::Given(2.5)));
        assert!("nan".parse::<Auto>().is_err() && "x".parse::<Auto>().is_err());
    }
}
