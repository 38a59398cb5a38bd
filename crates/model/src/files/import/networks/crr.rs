//! Convex ridge regularisers (Goujon et al. 2023), as their authors' denoiser of T steps saves them.
//!
//! The filters are saved before their means are taken away, and the splines before they are made to rise. The number of
//! steps and the bound L that the authors recompute before use are not in the file: both are known for published files.

use super::recognised::Recognised;
use crate::files::import::published::{Steps, steps};
use crate::files::import::stack::wide;
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};
use crate::{Architecture, CrrConfig};

const SPLINES: &str = "activation.coefficients_vect";

/// The outermost knot; the files do not say it.
const RANGE: f64 = 0.1;

pub(super) fn matches(tensors: &Tensors) -> bool {
    tensors.prefix_of(SPLINES).is_some()
}

pub(super) fn read(tensors: &mut Tensors, sha256: &str) -> Result<Recognised, Wrong> {
    let prefix = tensors
        .prefix_of(SPLINES)
        .ok_or_else(|| Wrong::new(format!("a tensor {SPLINES}"), "none"))?
        .to_owned();
    let Some(Steps { count, lipschitz }) = steps(sha256) else {
        return Err(Wrong::new(
            "a published file, whose number of steps and step size are known",
            format!("the sha256 {sha256}"),
        ));
    };
    let mut filters = |index: usize| {
        let name = format!("{prefix}conv_layer.conv_layers.{index}.parametrizations.weight.original");
        let values = tensors.take(&name)?;
        match values.dims[..] {
            [cout, cin, rows, columns] if rows == columns && !values.values.is_empty() => {
                Ok(([cout, cin, rows], values))
            }
            _ => Err(Wrong::new(
                format!("{} as [out, in, side, side]", printable(&name)),
                format!("{:?}", values.dims),
            )),
        }
    };
    let ([inner, one, kernel], first) = filters(0)?;
    let ([outer, taken, side], second) = filters(1)?;
    if one != 1 || taken != inner || side != kernel {
        return Err(Wrong::new(
            "two convolutions of a gray image",
            format!("{:?} and {:?}", first.dims, second.dims),
        ));
    }
    let splines = tensors.take(&format!("{prefix}{SPLINES}"))?;
    let knots = splines.values.len() / outer;
    if knots < 4 || splines.values.len() != knots * outer {
        return Err(Wrong::new(
            format!("splines for {outer} channels"),
            format!("{} values", splines.values.len()),
        ));
    }
    let mut number = |name: &str| Ok(tensors.channels(&format!("{prefix}{name}"), 1)?[0]);
    let (lambda, mu) = (number("lmbd")?, number("mu")?);
    let splines = Values {
        dims: vec![outer, knots],
        values: wide(&splines.values)
            .chunks(knots)
            .flat_map(rising)
            .map(|value| value as f32)
            .collect(),
    };
    let weights = Weights::from([
        ("first".to_owned(), without_means(first)),
        ("second".to_owned(), without_means(second)),
        ("splines".to_owned(), splines),
    ]);
    if let Some((name, _)) = weights
        .iter()
        .find(|(_, tensor)| tensor.values.iter().any(|value| !value.is_finite()))
    {
        return Err(Wrong::new(format!("finite values in {name}"), "others"));
    }
    Ok(Recognised {
        architecture: Architecture::Crr(CrrConfig {
            filters: [inner, outer],
            kernel,
            knots,
            range: RANGE,
            steps: count,
            lambda,
            mu,
            lipschitz,
        }),
        weights,
    })
}

/// Each filter minus its mean.
fn without_means(filters: Values) -> Values {
    let size = filters.values.len() / filters.dims[0];
    let values = wide(&filters.values)
        .chunks(size)
        .flat_map(|filter| {
            let mean = filter.iter().sum::<f64>() / size as f64;
            filter
                .iter()
                .map(move |value| (value - mean) as f32)
                .collect::<Vec<_>>()
        })
        .collect();
    Values {
        dims: filters.dims,
        values,
    }
}

/// The nearest values that never fall, are constant in the first and in the last interval, and are 0 at the middle knot.
fn rising(values: &[f64]) -> Vec<f64> {
    let last = values.len() - 2;
    let mut height = 0.0;
    let mut risen = vec![0.0];
    for (interval, pair) in values.windows(2).enumerate() {
        if interval != 0 && interval != last {
            height += (pair[1] - pair[0]).max(0.0);
        }
        risen.push(height);
    }
    let middle = risen[values.len() / 2];
    risen.into_iter().map(|value| value - middle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splines_rise_inside_and_filters_have_no_mean() {
        // Rises by 0 (first), 0 (would fall), 3, 0 (last), seen from the middle.
        assert_eq!(rising(&[5.0, 9.0, 8.0, 11.0, 20.0]), [0.0, 0.0, 0.0, 3.0, 3.0]);
        let filters = without_means(Values {
            dims: vec![2, 1, 1, 2],
            values: vec![1.0, 3.0, 5.0, 5.0],
        });
        assert_eq!(filters.values, [-1.0, 1.0, 0.0, 0.0]);
    }
}
