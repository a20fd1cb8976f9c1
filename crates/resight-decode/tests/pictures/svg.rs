//! SVG: what is drawn, what is left out, and what is too much work.

use std::fmt::Write as _;

use image::{ImageFormat, Rgb, RgbImage};
use resight_decode::{DecodeLimits, RefusedCode, decode};
use resight_test_support::encode;
use resight_vision::Image;

fn document(size: &str, content: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg' \
         xmlns:xlink='http://www.w3.org/1999/xlink' {size}>{content}</svg>"
    )
}

fn draw(content: &str) -> Image {
    let text = document("width='100' height='50'", content);
    let decoded = decode(text.as_bytes(), &DecodeLimits::default()).unwrap();
    assert_eq!((decoded.media_type, decoded.pages), ("image/svg+xml", 1));
    decoded.image
}

fn pixel(image: &Image, x: u32, y: u32) -> [u8; 3] {
    let at = 3 * (y as usize * image.width() as usize + x as usize);
    [image.rgb()[at], image.rgb()[at + 1], image.rgb()[at + 2]]
}

#[test]
fn shapes_are_drawn_over_white() {
    let image = draw("<rect width='50' height='50' fill='#c01020'/>");
    assert_eq!((image.width(), image.height()), (512, 256));
    assert_eq!(pixel(&image, 100, 100), [0xc0, 0x10, 0x20]);
    assert_eq!(pixel(&image, 400, 100), [255; 3]);
}

#[test]
fn the_longer_side_is_within_bounds() {
    let size = |size: &str| {
        let text = document(size, "<rect width='9' height='9'/>");
        let decoded = decode(text.as_bytes(), &DecodeLimits::default());
        decoded.map(|one| (one.image.width(), one.image.height()))
    };
    assert_eq!(size("viewBox='0 0 24 24'"), Ok((512, 512)));
    assert_eq!(size("width='900' height='700'"), Ok((900, 700)));
    assert_eq!(size("width='400000' height='200000'"), Ok((2048, 1024)));
    let thin = size("width='100000' height='1'").unwrap_err();
    assert_eq!(thin.code, RefusedCode::TooSmall);
}

#[test]
fn files_and_addresses_are_not_read_and_embedded_pictures_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("red.png");
    let red = RgbImage::from_pixel(20, 20, Rgb([255, 0, 0]));
    std::fs::write(&file, encode(&red, ImageFormat::Png)).unwrap();
    let image = |href: &str| {
        draw(&format!(
            "<image width='50' height='50' xlink:href='{href}'/>"
        ))
    };
    for href in [
        file.display().to_string(),
        format!("file://{}", file.display()),
        "http://127.0.0.1:9/red.png".to_owned(),
    ] {
        assert_eq!(pixel(&image(&href), 100, 100), [255; 3], "{href}");
    }
    let data: String =
        encode(&red, ImageFormat::Png)
            .iter()
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "%{byte:02x}");
                text
            });
    assert_eq!(
        pixel(&image(&format!("data:image/png,{data}")), 100, 100),
        [255, 0, 0]
    );
}

#[test]
fn what_would_be_too_much_work_is_refused_at_once() {
    // Each level uses the one before ten times.
    let nested = |one: &dyn Fn(usize) -> String| (1..12).map(one).collect::<String>();
    let uses = nested(&|level| {
        let uses = format!("<use xlink:href='#g{}'/>", level - 1).repeat(10);
        format!("<g id='g{level}'>{uses}</g>")
    });
    let patterns = nested(&|level| {
        let fill = format!("<rect width='9' height='9' fill='url(#p{})'/>", level - 1).repeat(10);
        format!(
            "<pattern id='p{level}' width='9' height='9' patternUnits='userSpaceOnUse'>{fill}</pattern>"
        )
    });
    let masks = nested(&|level| {
        let masked = format!("<rect width='9' height='9' mask='url(#m{})'/>", level - 1).repeat(10);
        format!("<mask id='m{level}'>{masked}</mask>")
    });
    let deep = format!(
        "{}<rect width='9' height='9'/>{}",
        "<g opacity='.9'>".repeat(50_000),
        "</g>".repeat(50_000)
    );
    let layers = "<g opacity='.9'><rect width='99' height='49'/><rect width='9' height='9'/></g>"
        .repeat(20_000);
    let styled = nested(&|level| {
        let masked = format!("<rect class='c{}' width='9' height='9'/>", level - 1).repeat(10);
        format!("<mask id='m{level}'>{masked}</mask>")
    });
    let rules = nested(&|level| format!(".c{level}{{mask:url(#m{level})}}"));
    let size = "width='100' height='100'";
    for (name, text) in [
        (
            "uses",
            document(
                size,
                &format!(
                    "<g id='g0'><rect width='9' height='9'/></g>{uses}<use xlink:href='#g11'/>"
                ),
            ),
        ),
        (
            "patterns",
            document(
                size,
                &format!(
                    "<pattern id='p0' width='9' height='9'><rect width='5' height='5'/></pattern>{patterns}\
                     <rect width='99' height='99' fill='url(#p11)'/>"
                ),
            ),
        ),
        (
            "masks",
            document(
                size,
                &format!(
                    "<mask id='m0'><rect width='5' height='5' fill='white'/></mask>{masks}\
                     <rect width='99' height='99' mask='url(#m11)'/>"
                ),
            ),
        ),
        ("deep", document(size, &deep)),
        (
            "styles",
            document(
                size,
                &format!(
                    "<style>{rules}</style>{styled}<rect class='c11' width='99' height='99'/>"
                ),
            ),
        ),
        ("layers", document(size, &layers)),
    ] {
        let refused = decode(text.as_bytes(), &DecodeLimits::default());
        if let Err(refused) = &refused {
            let codes = [RefusedCode::TooManyPixels, RefusedCode::Broken];
            assert!(codes.contains(&refused.code), "{name}: {refused}");
        }
        assert!(refused.is_err() || name == "styles", "{name}");
    }
}

#[test]
fn entities_are_bounded() {
    let entities = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\
                    <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>]>\
                    <svg xmlns='http://www.w3.org/2000/svg' width='99' height='99'><text>&d;&d;&d;&d;</text></svg>";
    let _ = decode(entities.as_bytes(), &DecodeLimits::default());
    let more = entities.replace("&d;&d;&d;&d;", &"&d;".repeat(1_000_000));
    let refused = decode(more.as_bytes(), &DecodeLimits::default()).unwrap_err();
    assert_eq!(refused.code, RefusedCode::Broken, "{refused}");
}

#[test]
fn filters_are_left_out() {
    let image = draw(
        "<filter id='f'><feFlood flood-color='#00ff00'/></filter>\
         <rect width='50' height='50' fill='#c01020' filter='url(#f)'/>\
         <rect x='50' width='50' height='50' fill='#c01020' style='filter:url(#f)'/>",
    );
    assert_eq!(pixel(&image, 100, 100), [0xc0, 0x10, 0x20]);
    assert_eq!(pixel(&image, 400, 100), [0xc0, 0x10, 0x20]);
}

/// Small files of most elements.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let content = "<defs><linearGradient id='l'><stop stop-color='red'/><stop offset='1' stop-color='#0f0'/>\
                   </linearGradient><pattern id='p' width='9' height='9'><rect width='4' height='4'/></pattern>\
                   <mask id='m'><rect width='40' height='40' fill='white'/></mask><clipPath id='c'>\
                   <circle r='20' cx='20' cy='20'/></clipPath><symbol id='s'><path d='M1 1L9 9z'/></symbol></defs>\
                   <g mask='url(#m)' opacity='.5'><rect width='50' height='30' fill='url(#l)' stroke='url(#p)'/></g>\
                   <ellipse cx='9' cy='9' rx='8' ry='3' clip-path='url(#c)' transform='rotate(30)'/>\
                   <use xlink:href='#s' x='3'/><polyline points='1,2 3,4 50,6' stroke-dasharray='3 1' stroke='red'/>";
    vec![document("viewBox='0 0 60 40'", content).into_bytes()]
}
