//! What drawing an SVG would cost.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node};
use resvg::usvg::{self, Group, Paint, Tree};

use crate::refused::{Refused, RefusedCode};

/// Most elements, each counted as often as it is used.
const MOST_ELEMENTS: u32 = 50_000;
/// Most elements that a style sheet may bring beside.
const MOST_STYLED: u32 = 1_000_000;
/// Deepest nesting, uses included.
const MOST_NESTED: u32 = 128;
/// Most pixels that are touched, in all.
const MOST_PIXELS: f64 = 4e9;
/// What an element costs beside its pixels, in pixels.
const ELEMENT: f64 = 2000.0;
/// Embedded pictures, counted as often as they are drawn, in pixels of each.
const PICTURE: f64 = 2e7;

pub(super) fn too_much() -> Refused {
    let detail = "drawing the SVG would be too much work; save it as PNG";
    Refused::new(RefusedCode::TooManyPixels, detail)
}

/// What a style sheet of a document may refer to.
pub(super) enum Styles {
    /// Colours and gradients alone.
    Plain,
    /// Parts of the document that are drawn for others. Those must not refer to further ones.
    Drawn,
}

/// Attributes by which an element refers to another one that is drawn for it.
const REFERRING: [&str; 9] = [
    "fill",
    "stroke",
    "mask",
    "clip-path",
    "filter",
    "marker-start",
    "marker-mid",
    "marker-end",
    "style",
];
/// Elements that are drawn for others.
const DRAWN: [&str; 4] = ["pattern", "mask", "clipPath", "marker"];

/// Refuses a document that becomes too many elements once what is used, painted and cut with is written out for each.
pub(super) fn check_elements(document: &Document<'_>) -> Result<Styles, Refused> {
    let mut named = HashMap::new();
    for node in document.descendants() {
        if let Some(id) = node.attribute("id") {
            named.entry(id).or_insert(node);
        }
    }
    // A marker is drawn at each point of a path, whose points are not known yet: at most half of its bytes.
    let has_markers = document
        .descendants()
        .any(|node| node.tag_name().name() == "marker");
    let mut left = MOST_ELEMENTS;
    let mut count = Count {
        named: &named,
        has_markers,
        left: &mut left,
    };
    count.element(document.root(), 0)?;
    let elements = u64::from(MOST_ELEMENTS - left);
    // Which elements a style sheet is about is not known here, so it may be all of them.
    let sheets = document
        .descendants()
        .filter(|node| node.tag_name().name() == "style");
    let sheets: String = sheets.filter_map(|node| node.text()).collect();
    let referred = references(&sheets).filter_map(|id| named.get(id));
    let drawn: Vec<_> = referred
        .filter(|node| DRAWN.contains(&node.tag_name().name()))
        .collect();
    if drawn.is_empty() {
        return Ok(Styles::Plain);
    }
    let sizes: usize = drawn.iter().map(|node| node.descendants().count()).sum();
    let patterns = drawn
        .iter()
        .filter(|node| node.tag_name().name() == "pattern")
        .count();
    if patterns > 1 || elements.saturating_mul(sizes as u64) > u64::from(MOST_STYLED) {
        return Err(too_much());
    }
    Ok(Styles::Drawn)
}

/// The names in all `url(#name)` of a text.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("url(").skip(1).filter_map(|rest| {
        let inner = rest.split(')').next()?;
        inner
            .trim()
            .trim_matches(['"', '\'', ' '])
            .strip_prefix('#')
    })
}

struct Count<'a, 'b> {
    named: &'a HashMap<&'a str, Node<'a, 'a>>,
    has_markers: bool,
    left: &'b mut u32,
}

impl Count<'_, '_> {
    fn element(&mut self, node: Node<'_, '_>, depth: u32) -> Result<(), Refused> {
        if depth > MOST_NESTED {
            return Err(too_much());
        }
        let points = match node.attribute("d").or_else(|| node.attribute("points")) {
            Some(points) if self.has_markers => u32::try_from(points.len() / 8).unwrap_or(u32::MAX),
            _ => 0,
        };
        *self.left = self
            .left
            .checked_sub(points.saturating_add(1))
            .ok_or_else(too_much)?;
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if name == "href" && value.trim_start().starts_with('#') {
                self.named(value.trim().trim_start_matches('#'), depth)?;
            } else if REFERRING.contains(&name) {
                for id in references(value) {
                    self.named(id, depth)?;
                }
            }
        }
        for child in node.children().filter(Node::is_element) {
            self.element(child, depth + 1)?;
        }
        Ok(())
    }

    fn named(&mut self, id: &str, depth: u32) -> Result<(), Refused> {
        match self.named.get(id) {
            Some(&target) => self.element(target, depth + 1),
            None => Ok(()),
        }
    }
}

/// Refuses a tree that draws too many pixels at this scale.
pub(super) fn check_pixels(tree: &Tree, scale: f32) -> Result<(), Refused> {
    let scale = f64::from(scale);
    let canvas = f64::from(tree.size().width()) * f64::from(tree.size().height()) * scale * scale;
    let mut left = MOST_PIXELS;
    group(tree.root(), scale, canvas, &mut left)
}

fn spend(left: &mut f64, pixels: f64) -> Result<(), Refused> {
    *left -= pixels;
    if *left < 0.0 { Err(too_much()) } else { Ok(()) }
}

fn group(one: &Group, scale: f64, canvas: f64, left: &mut f64) -> Result<(), Refused> {
    let mut result = Ok(());
    for node in one.children() {
        let own = match node {
            // Its pixels are drawn into a layer and then from it, once more for each mask and clip.
            usvg::Node::Group(group) if group.should_isolate() => 4.0 * canvas,
            usvg::Node::Group(_) => 0.0,
            usvg::Node::Image(_) => PICTURE,
            node => {
                let area = node.abs_stroke_bounding_box();
                let area = f64::from(area.width()) * f64::from(area.height()) * scale * scale;
                area.min(canvas)
            }
        };
        spend(left, ELEMENT + own)?;
        if let usvg::Node::Path(path) = node {
            let paints = [
                path.fill().map(usvg::Fill::paint),
                path.stroke().map(usvg::Stroke::paint),
            ];
            let is_pattern = |paint: &&Paint| matches!(paint, Paint::Pattern(_));
            let patterns = paints
                .iter()
                .flatten()
                .filter(|paint| is_pattern(paint))
                .count();
            spend(left, 2.0 * canvas * patterns as f64)?;
        }
        // What is drawn for it: patterns, masks, clips.
        node.subroots(|root| {
            if result.is_ok() {
                result = group(root, scale, canvas, left);
            }
        });
        result.clone()?;
        if let usvg::Node::Group(inner) = node {
            group(inner, scale, canvas, left)?;
        }
    }
    Ok(())
}
