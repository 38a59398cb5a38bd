//! DRUNet (Zhang et al. 2021) of KAIR and deepinv, and GSDRUNet (Hurault et al. 2022), with any widths and numbers of blocks.
//!
//! Both have the names `m_head`, `m_down1.J.res.0`, ..., `m_down1.N`, ..., `m_body`, `m_up1.0`, ..., `m_tail`, no biases, and a
//! noise map as last input channel; GSDRUNet below `student_grad.model`. Names do not say what is between two convolutions:
//! ReLU in the one and ELU in the other, as their authors have it.

use super::recognised::Recognised;
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::Wrong;
use crate::weights::Weights;
use crate::{Architecture, BlockActivation, GradientUnetConfig, Resampling, Sizes, UnetConfig};

const HEAD: &str = "m_head.weight";

/// Where the denoiser of a gradient step is.
const STUDENT: &str = "student_grad.model.";

/// More levels than any U-Net of ours has.
const MAX_LEVELS: usize = 7;

/// More blocks than any level of ours has.
const MAX_BLOCKS: usize = 65;

fn prefix(tensors: &Tensors) -> Option<&str> {
    tensors
        .prefix_of(HEAD)
        .filter(|prefix| tensors.has(&format!("{prefix}m_tail.weight")))
}

pub(super) fn matches(tensors: &Tensors) -> bool {
    prefix(tensors).is_some_and(|prefix| !prefix.ends_with(STUDENT))
}

pub(super) fn gradient_step_matches(tensors: &Tensors) -> bool {
    prefix(tensors).is_some_and(|prefix| prefix.ends_with(STUDENT))
}

pub(super) fn read(tensors: &mut Tensors) -> Result<Recognised, Wrong> {
    let Levels {
        channels,
        widths,
        blocks,
        weights,
    } = levels(tensors, "")?;
    Ok(Recognised {
        architecture: Architecture::Unet(UnetConfig {
            channels,
            unshuffle: 1,
            widths,
            blocks,
            bias: false,
            residual: false,
            resampling: Resampling::Strided,
            activation: BlockActivation::Relu,
            sizes: Sizes::Quarters,
            told: None,
        }),
        weights,
    })
}

pub(super) fn read_gradient_step(tensors: &mut Tensors) -> Result<Recognised, Wrong> {
    let Levels {
        channels,
        widths,
        blocks,
        weights,
    } = levels(tensors, "unet.")?;
    Ok(Recognised {
        architecture: Architecture::GradientUnet(GradientUnetConfig {
            channels,
            widths,
            blocks,
        }),
        weights,
    })
}

struct Levels {
    channels: usize,
    widths: Vec<usize>,
    blocks: usize,
    weights: Weights,
}

/// The parameters under our names, after `ours`.
fn levels(tensors: &mut Tensors, ours: &str) -> Result<Levels, Wrong> {
    let theirs = prefix(tensors)
        .ok_or_else(|| Wrong::new(format!("tensors {HEAD} and m_tail.weight"), "none"))?
        .to_owned();
    let has = |tensors: &Tensors, name: &str| tensors.has(&format!("{theirs}{name}.weight"));
    let count =
        |limit: usize, is_there: &dyn Fn(usize) -> bool| (0..limit).take_while(|&index| is_there(index)).count();
    let downs = count(MAX_LEVELS, &|level| {
        has(tensors, &format!("m_down{}.0.res.0", level + 1))
    });
    let blocks = count(MAX_BLOCKS, &|block| has(tensors, &format!("m_body.{block}.res.0")));
    // The numbers of channels are those of the file; every shape is checked against them.
    let outputs = |tensors: &Tensors, name: &str| {
        tensors
            .dims(&format!("{theirs}{name}.weight"))
            .and_then(|dims| dims.first().copied())
    };
    let mut widths = Vec::new();
    for level in 1..=downs {
        widths.extend(outputs(tensors, &format!("m_down{level}.0.res.0")));
    }
    widths.extend(outputs(tensors, "m_body.0.res.0"));
    if blocks == 0 || widths.len() != downs + 1 {
        return Err(Wrong::new("residual blocks m_body.0.res.0, ...", "none"));
    }
    let channels = outputs(tensors, "m_tail").unwrap_or(0);
    let mut weights = Weights::new();
    let mut take = |name: String, own: String, dims: [usize; 4]| {
        let values = tensors.shaped(&format!("{theirs}{name}.weight"), &dims)?;
        weights.insert(format!("{ours}{own}.weight"), values);
        Ok(())
    };
    take(
        "m_head".to_owned(),
        "head".to_owned(),
        [widths[0], channels.saturating_add(1), 3, 3],
    )?;
    take("m_tail".to_owned(), "tail".to_owned(), [channels, widths[0], 3, 3])?;
    let mut level_blocks = |theirs: &str, first: usize, own: &str, width: usize| {
        for block in 0..blocks {
            let name = format!("{theirs}.{}", first + block);
            let own = format!("{own}.{block}");
            take(format!("{name}.res.0"), format!("{own}.first"), [width, width, 3, 3])?;
            take(format!("{name}.res.2"), format!("{own}.second"), [width, width, 3, 3])?;
        }
        Ok(())
    };
    level_blocks("m_body", 0, "body", widths[downs])?;
    for (level, &width) in widths[..downs].iter().enumerate() {
        let (number, from_coarsest) = (level + 1, downs - 1 - level);
        level_blocks(&format!("m_down{number}"), 0, &format!("encoder.{level}.blocks"), width)?;
        level_blocks(
            &format!("m_up{number}"),
            1,
            &format!("decoder.{from_coarsest}.blocks"),
            width,
        )?;
    }
    for (level, pair) in widths.windows(2).enumerate() {
        let (number, from_coarsest) = (level + 1, downs - 1 - level);
        let dims = [pair[1], pair[0], 2, 2];
        take(
            format!("m_down{number}.{blocks}"),
            format!("encoder.{level}.resample"),
            dims,
        )?;
        take(
            format!("m_up{number}.0"),
            format!("decoder.{from_coarsest}.resample"),
            dims,
        )?;
    }
    Ok(Levels {
        channels,
        widths,
        blocks,
        weights,
    })
}
