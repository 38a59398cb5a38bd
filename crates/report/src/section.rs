//! Parts of a page.

use crate::{BoxPlot, Comparison, Plot, Table};

/// A part of a page under one heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// What stands below it. Neighbouring plots, and neighbouring comparisons, share a row where the page is wide.
    pub blocks: Vec<Block>,
}

/// What a section is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Text set as typed, such as a command line.
    Code(String),
    /// A table.
    Table(Table),
    /// Curves.
    Plot(Plot),
    /// Distributions.
    BoxPlot(BoxPlot),
    /// Pictures of the same scene.
    Comparison(Comparison),
}

impl Section {
    /// A section without content.
    pub fn new(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            blocks: Vec::new(),
        }
    }

    /// The same with one more paragraph.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    /// The same with text set as typed.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.blocks.push(Block::Code(code.into()));
        self
    }

    /// The same with one more table.
    pub fn table(mut self, table: Table) -> Self {
        self.blocks.push(Block::Table(table));
        self
    }

    /// The same with one more plot.
    pub fn plot(mut self, plot: Plot) -> Self {
        self.blocks.push(Block::Plot(plot));
        self
    }

    /// The same with one more box plot.
    pub fn box_plot(mut self, plot: BoxPlot) -> Self {
        self.blocks.push(Block::BoxPlot(plot));
        self
    }

    /// The same with one more comparison.
    pub fn comparison(mut self, comparison: Comparison) -> Self {
        self.blocks.push(Block::Comparison(comparison));
        self
    }
}
