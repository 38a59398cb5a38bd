//! Colour profiles (ICC): samples of another RGB space become sRGB.

use moxcms::{ColorProfile, DataColorSpace, ToneReprCurve, Xyzd};

/// Samples may differ by half an 8-bit level from those that sRGB has, since profiles of sRGB itself do by their tables.
const HALF_LEVEL: f64 = 0.5 / 255.0;

/// Entries of the table of a tone curve: one for every 16-bit sample.
const CURVE: usize = 1 << 16;

/// A conversion from the RGB space of a profile to sRGB, relative colorimetric: a tone curve per channel, a matrix between linear
/// light under the illuminant D50, and the tone curve of sRGB (IEC 61966-2-1). ICC.1:2010, annex F.3.
pub(super) struct ToSrgb {
    /// Linear light of evenly spaced samples in `[0, 1]`.
    curves: [Vec<f64>; 3],
    /// Linear sRGB from linear light of the profile.
    matrix: [[f64; 3]; 3],
}

/// Whether a profile is for gray or for RGB: 1 or 3 channels; `None` for others. ICC.1:2010, table 19.
pub(super) fn channels(icc: &[u8]) -> Option<usize> {
    match icc.get(16..20)? {
        b"GRAY" => Some(1),
        b"RGB " => Some(3),
        _ => None,
    }
}

impl ToSrgb {
    /// The conversion, or `None` where samples stay as they are: the profile is that of sRGB, has tables instead of a matrix,
    /// is not for RGB, or is broken.
    pub(super) fn of(icc: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(icc).ok()?;
        if profile.color_space != DataColorSpace::Rgb || profile.pcs != DataColorSpace::Xyz {
            return None;
        }
        let curves = [&profile.red_trc, &profile.green_trc, &profile.blue_trc].map(|curve| curve.as_ref().map(table));
        let [Some(red), Some(green), Some(blue)] = curves else {
            return None;
        };
        let srgb = ColorProfile::new_srgb();
        let matrix = product(inverse(columns(&srgb))?, columns(&profile));
        let conversion = Self {
            curves: [red, green, blue],
            matrix,
        };
        let is_finite = conversion
            .curves
            .iter()
            .flatten()
            .chain(conversion.matrix.iter().flatten())
            .all(|v| v.is_finite());
        (is_finite && !conversion.changes_nothing()).then_some(conversion)
    }

    /// Converts planes `[3, H, W]`; results outside `[0, 1]`, colours that sRGB does not have, are clipped.
    pub(super) fn convert(&self, values: &mut [f32]) {
        let (red, rest) = values.split_at_mut(values.len() / 3);
        let (green, blue) = rest.split_at_mut(rest.len() / 2);
        for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
            let srgb = self.pixel([*red, *green, *blue].map(f64::from));
            [*red, *green, *blue] = srgb.map(|v| v as f32);
        }
    }

    fn pixel(&self, rgb: [f64; 3]) -> [f64; 3] {
        let linear: [f64; 3] = std::array::from_fn(|c| interpolated(&self.curves[c], rgb[c]));
        self.matrix.map(|row| {
            let light = row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2];
            from_linear(light.clamp(0.0, 1.0))
        })
    }

    /// Whether no colour of a coarse grid moves by half a level.
    fn changes_nothing(&self) -> bool {
        (0..7_usize.pow(3)).all(|i| {
            let rgb = [i / 49, i / 7 % 7, i % 7].map(|level| level as f64 / 6.0);
            let same = |(a, b): (f64, f64)| (a - b).abs() <= HALF_LEVEL;
            self.pixel(rgb).into_iter().zip(rgb).all(same)
        })
    }
}

/// The tone curve of sRGB, from linear light.
fn from_linear(light: f64) -> f64 {
    if light <= 0.003_130_8 {
        12.92 * light
    } else {
        1.055 * libm::pow(light, 1.0 / 2.4) - 0.055
    }
}

/// The values of a tone curve. ICC.1:2010, sections 10.5 and 10.15.
fn table(curve: &ToneReprCurve) -> Vec<f64> {
    let at = |i: usize| i as f64 / (CURVE - 1) as f64;
    match curve {
        ToneReprCurve::Lut(values) => match values[..] {
            [] => (0..CURVE).map(at).collect(),
            // A power with eight bits behind the point.
            [gamma] => (0..CURVE).map(|i| libm::pow(at(i), f64::from(gamma) / 256.0)).collect(),
            _ => {
                let values: Vec<f64> = values.iter().map(|&v| f64::from(v) / f64::from(u16::MAX)).collect();
                (0..CURVE).map(|i| interpolated(&values, at(i))).collect()
            }
        },
        ToneReprCurve::Parametric(parameters) => {
            let p = |i: usize| parameters.get(i).copied().map_or(0.0, f64::from);
            let (a, b) = (if parameters.len() > 1 { p(1) } else { 1.0 }, p(2));
            // Below the break the curve is a line, or for the first three kinds a constant.
            let (from, slope, above, below) = match parameters.len() {
                0 | 1 => (f64::NEG_INFINITY, 0.0, 0.0, 0.0),
                2 | 3 => (-b / a, 0.0, 0.0, 0.0),
                4 => (-b / a, 0.0, p(3), p(3)),
                5 | 6 => (p(4), p(3), 0.0, 0.0),
                _ => (p(4), p(3), p(5), p(6)),
            };
            let value = |x: f64| {
                if x >= from {
                    libm::pow((a * x + b).max(0.0), p(0)) + above
                } else {
                    slope * x + below
                }
            };
            (0..CURVE).map(|i| value(at(i)).clamp(0.0, 1.0)).collect()
        }
    }
}

/// A table of evenly spaced values over `[0, 1]`, between them a line.
fn interpolated(values: &[f64], x: f64) -> f64 {
    let place = x.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let below = (place as usize).min(values.len() - 2);
    values[below] + (values[below + 1] - values[below]) * (place - below as f64)
}

fn columns(profile: &ColorProfile) -> [[f64; 3]; 3] {
    let Xyzd { x: rx, y: ry, z: rz } = profile.red_colorant;
    let Xyzd { x: gx, y: gy, z: gz } = profile.green_colorant;
    let Xyzd { x: bx, y: by, z: bz } = profile.blue_colorant;
    [[rx, gx, bx], [ry, gy, by], [rz, gz, bz]]
}

fn product(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    a.map(|row| std::array::from_fn(|j| (0..3).map(|k| row[k] * b[k][j]).sum()))
}

/// The inverse by cofactors; `None` for a singular matrix.
fn inverse(m: [[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let cofactor = |i: usize, j: usize| {
        let (r, c) = ([(i + 1) % 3, (i + 2) % 3], [(j + 1) % 3, (j + 2) % 3]);
        m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * cofactor(0, j)).sum();
    (determinant.abs() > 1e-9).then(|| std::array::from_fn(|i| std::array::from_fn(|j| cofactor(j, i) / determinant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_stays_and_display_p3_is_wider() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        assert!(ToSrgb::of(&srgb).is_none());
        assert_eq!(channels(&srgb), Some(3));
        let p3 = ToSrgb::of(&ColorProfile::new_display_p3().encode().unwrap()).unwrap();
        // The gray axis is shared, but for the rounding of profiles to 16 bits behind the point.
        for level in [0.0, 0.2, 0.5, 1.0] {
            assert!(p3.pixel([level; 3]).iter().all(|v| (v - level).abs() < 1e-3), "{level}");
        }
        // A red of Display P3 that sRGB has: (0.8, 0.3, 0.25) is (0.8667, 0.2501, 0.2158) by the matrices of CSS Color 4.
        let expected = [0.866_7, 0.250_1, 0.215_8];
        let found = p3.pixel([0.8, 0.3, 0.25]);
        assert!(
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3),
            "{found:?}"
        );
        // And one that it does not have.
        assert!((p3.pixel([1.0, 0.0, 0.0])[0] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn adobe_rgb_has_a_gamma_and_planes_are_converted_in_place() {
        let adobe = ToSrgb::of(&ColorProfile::new_adobe_rgb().encode().unwrap()).unwrap();
        let mut planes: Vec<f32> = vec![0.5, 0.2, 0.5, 0.6, 0.5, 0.3];
        adobe.convert(&mut planes);
        // Two pixels, (0.5, 0.5, 0.5) and (0.2, 0.6, 0.3), by the matrices of CSS Color 4 and the power 563/256.
        assert!(planes.iter().step_by(2).all(|v| (v - 0.504).abs() < 1e-3), "{planes:?}");
        assert!(
            planes[1] == 0.0 && (planes[3] - 0.6056).abs() < 1e-3 && (planes[5] - 0.2714).abs() < 1e-3,
            "{planes:?}"
        );
    }

    #[test]
    fn what_is_no_such_profile_changes_nothing() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        for length in 0..srgb.len() {
            assert!(ToSrgb::of(&srgb[..length]).is_none());
        }
        assert!(ToSrgb::of(&[0; 200]).is_none());
        assert!(inverse([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 0.0, 1.0]]).is_none());
    }
}
