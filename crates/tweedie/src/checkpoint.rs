//! Finding and loading checkpoints.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::device::DeviceChoice;
use crate::error::{Context as _, bail, usage};
use burn::tensor::Device;
use toml::{Table, Value};
use tweedie_denoisers::{ByPlane, Classical, GaussianSmoothing, TotalVariation};
use tweedie_imaging::{Denoiser, DenoiserInfo, GradientDenoiser, HostDenoiser, Image, Sigma, SigmaSupport};
use tweedie_model::{CONFIG_FILE, NetworkDenoiser, PotentialDenoiser, WEIGHTS_FILE};
use tweedie_solver::Prior;

use crate::known::{known_of_classical, known_of_network};
use crate::noise_level::grey_levels;
use crate::wrapping::{self, Share, Wrapping};
use crate::{Error, Events, Result, channels, locate};

/// A checkpoint that is ready to denoise.
pub struct Checkpoint {
    /// The name or path by which the user called it.
    pub name: String,
    /// The denoiser, for images of its own channels.
    pub kind: Kind,
    /// What it is wrapped in.
    pub wrapping: Wrapping,
    /// Whether [`Self::note_channels`] said something.
    said_channels: AtomicBool,
}

/// What was loaded.
pub enum Kind {
    /// A network, from its folder.
    Network {
        /// Where it is.
        folder: PathBuf,
        /// D.
        denoiser: Arc<NetworkDenoiser>,
    },
    /// A denoiser without weights.
    Classical {
        /// Which one.
        method: Classical,
        /// D.
        denoiser: Arc<dyn HostDenoiser>,
    },
    /// The linear symmetric denoiser, for which theory is complete.
    Linear(Arc<GaussianSmoothing>),
}

/// The checkpoint for images with `channels` channels that is taken where none is named.
pub fn default_for(channels: usize) -> &'static str {
    match channels {
        3 => "color",
        _ => "gray",
    }
}

/// The folder of a checkpoint that is given by path or by name.
pub fn folder_of(name: &str) -> Result<PathBuf> {
    let direct = PathBuf::from(name);
    if direct.join(CONFIG_FILE).is_file() {
        return Ok(direct);
    }
    let candidates = locate::folders("checkpoints")
        .into_iter()
        .map(|folder| folder.join(name));
    if let Some(found) = candidates.into_iter().find(|path| path.join(CONFIG_FILE).is_file()) {
        return Ok(found);
    }
    // A path was meant: say what is wrong with it.
    if direct.is_dir() || name.contains(['/', '\\']) {
        bail!("{name}: expected the folder of a checkpoint, found no {CONFIG_FILE} in it");
    }
    bail!(
        "checkpoint '{name}': expected a folder with {CONFIG_FILE}, {}, gaussian:WIDTH, or a name in {}",
        Classical::ALL.map(Classical::name).join(", "),
        locate::description("checkpoints")
    )
}

/// Loads a checkpoint, or takes the denoiser without weights of that name; `settings` are the values of the section
/// `denoiser`.
pub fn load(name: &str, mut settings: Table, device: &Device, events: &dyn Events) -> Result<Checkpoint> {
    let wrapping = wrapping::Settings::take(&mut settings)?;
    let kind = match (Classical::from_name(name), GaussianSmoothing::parse(name)) {
        (Some(method), _) => Kind::Classical {
            method,
            denoiser: classical(method, settings)?,
        },
        (None, Some(smoothing)) => {
            if let Some(key) = settings.keys().next() {
                return Err(usage(format!("-C denoiser.{key}: '{name}' takes no setting")));
            }
            Kind::Linear(Arc::new(smoothing?))
        }
        (None, None) => network(name, settings, device, events)?,
    };
    let wrapping = Wrapping {
        relaxation: share(name, &kind, wrapping.share)?,
        symmetries: wrapping.symmetries,
    };
    if !wrapping.is_plain() {
        events.note(&format!("{name}: {}", wrapping.text()));
    }
    let name = name.to_owned();
    Ok(Checkpoint {
        name,
        kind,
        wrapping,
        said_channels: AtomicBool::new(false),
    })
}

/// The share of a denoiser that is asked for, or proven to be firmly nonexpansive.
fn share(name: &str, kind: &Kind, share: Option<Share>) -> Result<Option<f64>> {
    let proven = match (share, kind) {
        (None, _) => return Ok(None),
        (Some(Share::Given(w)), _) => return Ok(Some(w)),
        (Some(Share::Proven), Kind::Network { denoiser, .. }) => known_of_network(denoiser)?.firm_share(),
        // Proximal operators already, or nothing is known.
        (Some(Share::Proven), Kind::Classical { method, .. }) => known_of_classical(*method, None).firm_share(),
        (Some(Share::Proven), Kind::Linear(_)) => Some(0.5),
    };
    proven.map(Some).ok_or_else(|| {
        usage(format!(
            "-C denoiser.relaxation=auto: '{name}' is not proven to be nonexpansive, so no share of it is proven to be firmly \
             nonexpansive"
        ))
    })
}

fn classical(method: Classical, mut settings: Table) -> Result<Arc<dyn HostDenoiser>> {
    let tolerance = match method {
        Classical::TotalVariation => settings.remove("tolerance"),
        _ => None,
    };
    if let Some(key) = settings.keys().next() {
        let takes = match method {
            Classical::TotalVariation => "denoiser.tolerance",
            _ => "no setting",
        };
        return Err(usage(format!("-C denoiser.{key}: '{}' takes {takes}", method.name())));
    }
    let Some(value) = tolerance else {
        return Ok(method.denoiser());
    };
    let number = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
    let denoiser = TotalVariation::with_tolerance(number.unwrap_or(f64::NAN)).map_err(|_| {
        usage(format!(
            "-C denoiser.tolerance: expected a number from 1e-9 to 1, got {value}"
        ))
    })?;
    Ok(Arc::new(ByPlane::new(denoiser)))
}

fn network(name: &str, mut settings: Table, device: &Device, events: &dyn Events) -> Result<Kind> {
    let tile_pixels = match settings.remove("tile_pixels") {
        None => None,
        Some(Value::Integer(n)) if n > 0 => Some(usize::try_from(n)?),
        Some(other) => {
            return Err(usage(format!(
                "-C denoiser.tile_pixels: expected a whole number > 0, got {other}"
            )));
        }
    };
    let stretch = match settings.remove("stretch") {
        None => false,
        Some(Value::Boolean(stretch)) => stretch,
        Some(other) => {
            return Err(usage(format!(
                "-C denoiser.stretch: expected true or false, got {other}"
            )));
        }
    };
    if let Some(key) = settings.keys().next() {
        return Err(usage(format!(
            "-C denoiser.{key}: expected denoiser.tile_pixels, denoiser.stretch, denoiser.relaxation or denoiser.equivariant"
        )));
    }
    let folder = folder_of(name)?;
    let checkpoint = tweedie_model::Checkpoint::load(&folder, device)
        .with_context(|| format!("loading the checkpoint {}", folder.display()))?;
    events.file_read(&folder.join(WEIGHTS_FILE), &checkpoint.config.weights.sha256);
    let mut denoiser = checkpoint
        .denoiser(&short_name(&folder, name), device)
        .map_err(|error| Error::from(error).in_file(&folder.join(CONFIG_FILE)))?;
    if let Some(pixels) = tile_pixels {
        denoiser = denoiser.with_tile_pixels(pixels);
    }
    if stretch {
        denoiser = denoiser.with_stretch()?;
    }
    let info = denoiser.info();
    events.detail(&format!(
        "checkpoint {}: {}, noise levels {}, receptive field {}",
        folder.display(),
        channels_text(info.channels),
        levels_text(info.sigma),
        info.receptive_field
    ));
    Ok(Kind::Network {
        folder,
        denoiser: Arc::new(denoiser),
    })
}

impl Checkpoint {
    /// The checkpoint of that name (see [`list`](crate::checkpoints::list)) or in that folder, or the denoiser without
    /// weights of that name (`median`, `haar`, `nlm`, `tv`, `gaussian:WIDTH`), on the best device that is there.
    ///
    /// # Errors
    /// If there is none, or if its files are not as recorded.
    pub fn find(name: &str) -> Result<Self> {
        load(name, Table::new(), &DeviceChoice::Auto.open()?.0, &())
    }

    /// D(x, sigma) for images x `[N, C, H, W]` with any number of channels: a denoiser of gray images takes the channels
    /// one by one; one of colour images takes gray ones, too. Large images are cut into tiles.
    ///
    /// # Errors
    /// For channels that it does not take, and for levels outside its range.
    pub fn denoise(&self, x: &Image, sigma: Sigma) -> Result<Image> {
        Ok(self.for_channels(x.dims()[1])?.denoise(x.clone(), sigma)?)
    }

    /// The denoiser for images with `channels` channels: itself, or itself channel by channel, or averaged over channels.
    ///
    /// # Errors
    /// If a denoiser of several channels meets images with another number of several channels.
    pub fn for_channels(&self, channels: usize) -> Result<Arc<dyn Denoiser>> {
        let denoiser: Arc<dyn Denoiser> = match &self.kind {
            Kind::Network { denoiser, .. } => Arc::clone(denoiser) as _,
            Kind::Classical { denoiser, .. } => Arc::clone(denoiser) as _,
            Kind::Linear(denoiser) => Arc::clone(denoiser) as _,
        };
        Ok(self.wrapping.denoiser(channels::adapt(denoiser, channels)?))
    }

    /// The denoiser for images with `channels` channels, with the ability that it has beyond denoising.
    pub fn prior(&self, channels: usize) -> Result<Prior> {
        let potential: Option<Arc<dyn GradientDenoiser>> = match &self.kind {
            Kind::Network { denoiser, .. } => PotentialDenoiser::new(Arc::clone(denoiser)).map(|d| Arc::new(d) as _),
            Kind::Classical { .. } => None,
            Kind::Linear(denoiser) => Some(Arc::clone(denoiser) as _),
        };
        let adapted = potential
            .map(|denoiser| channels::adapt_gradient(denoiser, channels))
            .transpose()?;
        Ok(match adapted.and_then(|denoiser| self.wrapping.potential(denoiser)) {
            Some(denoiser) => Prior::Gradient(denoiser),
            None => Prior::Plain(self.for_channels(channels)?),
        })
    }

    /// Its facts.
    pub fn info(&self) -> &DenoiserInfo {
        match &self.kind {
            Kind::Network { denoiser, .. } => denoiser.info(),
            Kind::Classical { denoiser, .. } => denoiser.info(),
            Kind::Linear(denoiser) => denoiser.info(),
        }
    }

    /// The files that it was read from; none of a denoiser without weights.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.kind {
            Kind::Network { folder, .. } => vec![folder.join(CONFIG_FILE), folder.join(WEIGHTS_FILE)],
            Kind::Classical { .. } | Kind::Linear(_) => Vec::new(),
        }
    }

    /// Where it is, or what it is, for reports.
    pub fn origin(&self) -> String {
        let origin = match &self.kind {
            Kind::Network { folder, .. } => folder.display().to_string(),
            Kind::Classical { method, .. } => format!("{}: {}", method.name(), method.description()),
            Kind::Linear(_) => format!("{}: circular convolution with a Gaussian", self.name),
        };
        match self.wrapping.is_plain() {
            true => origin,
            false => format!("{origin} ({})", self.wrapping.text()),
        }
    }

    /// What its results depend on, as text: name, sha256 of the weights, wrapping.
    pub fn identity(&self) -> String {
        let weights = self.info().weights_sha256.as_deref().unwrap_or(&self.name);
        format!("{weights} {:?}", self.wrapping)
    }

    /// Says once how images with other channels than the checkpoint's are treated.
    pub fn note_channels(&self, channels: usize, events: &dyn Events) {
        let own = self.info().channels;
        if own != 0 && own != channels && !self.said_channels.swap(true, Ordering::Relaxed) {
            events.note(&match own {
                1 => format!(
                    "'{}' is a gray checkpoint: the channels of colour images are treated one by one",
                    self.name
                ),
                _ => format!(
                    "'{}' is a colour checkpoint: gray images are repeated in its channels, and its output averaged",
                    self.name
                ),
            });
        }
    }
}

/// Refuses what a denoiser made of values beyond all pictures.
///
/// # Errors
/// If a value is NaN or infinite.
pub fn require_finite(denoiser: &str, values: &[f32]) -> Result<()> {
    let wrong = values.iter().filter(|value| !value.is_finite()).count();
    if wrong > 0 {
        bail!("denoiser '{denoiser}': expected finite values, got {wrong} that are NaN or infinite");
    }
    Ok(())
}

/// "gray", "colour", ...
pub fn channels_text(channels: usize) -> String {
    match channels {
        0 => "any".to_owned(),
        1 => "gray".to_owned(),
        3 => "colour".to_owned(),
        n => format!("{n} channels"),
    }
}

/// The noise levels of a denoiser in grey levels.
pub fn levels_text(support: SigmaSupport) -> String {
    match support {
        SigmaSupport::Blind => "any (blind)".to_owned(),
        SigmaSupport::Range { min, max } if min == max => format!("{}", grey_levels(min)),
        SigmaSupport::Range { min, max } => format!("{} to {}", grey_levels(min), grey_levels(max)),
    }
}

/// What a denoiser is called in messages: the name, or for a path the folder's own name.
fn short_name(folder: &Path, name: &str) -> String {
    match folder.file_name() {
        Some(last) => last.to_string_lossy().into_owned(),
        None => name.to_owned(),
    }
}
