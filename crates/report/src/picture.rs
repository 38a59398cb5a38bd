//! Pictures inside a page.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use tweedie_imaging::{Image, vec_from_image};

use crate::Error;
use crate::escape::Escaped;

/// A picture, encoded as PNG.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    caption: String,
    note: String,
    width: usize,
    height: usize,
    png: Vec<u8>,
}

/// Pictures of the same scene, such as measurement, restoration and truth. A slider compares two of them; without
/// scripts all of them are shown side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What the scene is.
    pub title: String,
    /// The pictures; the slider begins with the first to the left and the second to the right.
    pub pictures: Vec<Picture>,
    /// Files beside the page with what is more: paths relative to it.
    pub files: Vec<String>,
}

impl Picture {
    /// A picture of `image`, `[1, C, H, W]` with C = 1 or 3, clipped to [0, 1] and rounded to 8 bits.
    ///
    /// `note` is a short addition to the caption, such as "27.31 dB".
    ///
    /// # Errors
    /// [`Error::Imaging`] for another shape or a failing device.
    pub fn new(caption: impl Into<String>, note: impl Into<String>, image: &Image) -> Result<Self, Error> {
        let caption = caption.into();
        let [n, channels, height, width] = image.dims();
        let fits = n == 1 && matches!(channels, 1 | 3) && height > 0 && width > 0;
        let (Ok(h), Ok(w), true) = (u32::try_from(height), u32::try_from(width), fits) else {
            return Err(Error::Imaging(tweedie_imaging::Error::Shape {
                operation: "picture of a report",
                expected: "one image with 1 or 3 channels, [1, C, H, W]".to_owned(),
                got: format!("{:?}", image.dims()),
            }));
        };
        let values = vec_from_image(image)?;
        let plane = height * width;
        let levels = |i: usize| (0..channels).map(move |c| c * plane + i);
        let bytes: Vec<u8> = (0..plane)
            .flat_map(levels)
            .map(|i| (values[i].clamp(0.0, 1.0) * 255.0).round() as u8)
            .collect();
        let colour = if channels == 1 {
            ExtendedColorType::L8
        } else {
            ExtendedColorType::Rgb8
        };
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive)
            .write_image(&bytes, w, h, colour)
            .map_err(|source| Error::Encode {
                caption: caption.clone(),
                source,
            })?;
        Ok(Self {
            caption,
            note: note.into(),
            width,
            height,
            png,
        })
    }
}

impl Comparison {
    /// A comparison of `pictures`.
    pub fn new(title: impl Into<String>, pictures: impl IntoIterator<Item = Picture>) -> Self {
        Self {
            title: title.into(),
            pictures: pictures.into_iter().collect(),
            files: Vec::new(),
        }
    }

    /// The same with a link to a file beside the page.
    pub fn file(mut self, path: impl Into<String>) -> Self {
        self.files.push(path.into());
        self
    }

    pub(crate) fn html(&self, html: &mut String) {
        let title = Escaped(&self.title);
        let _ = write!(
            html,
            "<div class=\"compare\" data-title=\"{title}\"><h3>{title}</h3><div class=\"strip\">"
        );
        for Picture {
            caption,
            note,
            width,
            height,
            png,
        } in &self.pictures
        {
            let (caption, note) = (Escaped(caption), Escaped(note));
            let _ = write!(
                html,
                "<figure data-caption=\"{caption}\"><img src=\"data:image/png;base64,{}\" width=\"{width}\" \
                 height=\"{height}\" alt=\"{title}: {caption}\"><figcaption>{caption} <span>{note}</span></figcaption>\
                 </figure>",
                Base64::encode_string(png)
            );
        }
        html.push_str("</div>");
        if !self.files.is_empty() {
            let link = |path: &String| format!("<a href=\"{}\">{}</a>", url(path), Escaped(path));
            let links: Vec<String> = self.files.iter().map(link).collect();
            let _ = write!(html, "<p class=\"files\">{}</p>", links.join(" · "));
        }
        html.push_str("</div>");
    }
}

/// A path as a relative address: RFC 3986 leaves letters, digits and a few marks as they are; `./` keeps a name with a colon from
/// being a scheme.
fn url(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    format!("./{}", path.bytes().map(byte).collect::<String>())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::image_from_vec;

    use super::*;

    fn image(values: &[f32], dims: [usize; 4]) -> Image {
        image_from_vec(values.to_vec(), dims, &Device::default()).unwrap()
    }

    #[test]
    fn the_embedded_png_holds_the_clipped_pixels() {
        let rgb = image(&[-0.2, 0.5, 1.0, 2.0, 0.0, 0.2], [1, 3, 1, 2]);
        let mut html = String::new();
        Comparison::new("scene", [Picture::new("left", "", &rgb).unwrap()]).html(&mut html);
        let data = html
            .split("base64,")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        let png = Base64::decode_vec(data).unwrap();
        let pixels = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(pixels.dimensions(), (2, 1));
        assert_eq!(pixels.as_raw(), &[0, 255, 0, 128, 255, 51]);
    }

    #[test]
    fn files_are_linked_below_the_page() {
        let mut html = String::new();
        Comparison::new("scene", []).file("a/b c<1>.png").html(&mut html);
        assert!(
            html.contains("<a href=\"./a/b%20c%3C1%3E.png\">a/b c&lt;1&gt;.png</a>"),
            "{html}"
        );
    }

    #[test]
    fn other_shapes_are_refused_and_captions_escaped() {
        assert!(Picture::new("a", "", &image(&[0.0; 4], [1, 2, 1, 2])).is_err());
        assert!(Picture::new("a", "", &image(&[0.0; 2], [2, 1, 1, 1])).is_err());
        let picture = Picture::new("<i>", "\"n\"", &image(&[0.0], [1; 4])).unwrap();
        let mut html = String::new();
        Comparison::new("a & b", [picture]).html(&mut html);
        assert!(
            html.contains("a &amp; b") && html.contains("&lt;i&gt;") && html.contains("&quot;n&quot;"),
            "{html}"
        );
    }
}
