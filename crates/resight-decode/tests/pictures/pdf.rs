//! PDF documents: their pages, and what is refused of them.

use resight_decode::{DecodeLimits, Refused, RefusedCode, decode, pages};
use resight_vision::Image;

/// Encrypted with a password that opens it, and with one that only changes what may be done with it.
const PASSWORD: &[u8] = include_bytes!("files/password.pdf");
const OWNER: &[u8] = include_bytes!("files/owner.pdf");

/// A document of pages of so many points, each with what draws it.
fn document(contents: &[&str], [width, height]: [f32; 2]) -> Vec<u8> {
    let kids: Vec<String> = (0..contents.len())
        .map(|i| format!("{} 0 R", 3 + 2 * i))
        .collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            contents.len()
        ),
    ];
    for (i, content) in contents.iter().enumerate() {
        let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] \
             /Resources << /Font << /F1 {font} >> >> /Contents {} 0 R >>",
            4 + 2 * i
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    let mut text = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(&objects) {
        table += &format!("{:010} 00000 n \n", text.len());
        text += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (size, at) = (objects.len() + 1, text.len());
    text += &format!(
        "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n"
    );
    text.into_bytes()
}

/// A red rectangle in the lower left quarter, and text above it.
const RED: &str = "0.8 0.1 0.1 rg 0 0 150 200 re f";
const TEXT: &str = "BT /F1 72 Tf 0 0 0 rg 30 300 Td (Resight) Tj ET";

fn pixel(image: &Image, x: f32, y: f32) -> [u8; 3] {
    let at = |share: f32, side: u32| (share * side as f32) as usize;
    let place = at(y, image.height()) * image.width() as usize + at(x, image.width());
    image.rgb()[3 * place..][..3].try_into().unwrap()
}

fn refused(bytes: &[u8]) -> Refused {
    decode(bytes, &DecodeLimits::default()).unwrap_err()
}

#[test]
fn the_first_page_is_the_picture() {
    let bytes = document(&[RED, TEXT], [300.0, 400.0]);
    let decoded = decode(&bytes, &DecodeLimits::default()).unwrap();
    assert_eq!((decoded.media_type, decoded.pages), ("application/pdf", 2));
    let image = decoded.image;
    assert_eq!((image.width(), image.height()), (1536, 2048));
    assert_eq!(pixel(&image, 0.25, 0.75), [204, 26, 26]);
    assert_eq!(pixel(&image, 0.75, 0.75), [255; 3]);
    assert_eq!(pixel(&image, 0.25, 0.25), [255; 3]);
}

#[test]
fn every_page_is_drawn_and_text_has_a_font() {
    let bytes = document(&[RED, TEXT, RED], [300.0, 400.0]);
    let limits = DecodeLimits::default();
    let all: Vec<Image> = pages(&bytes, &limits)
        .unwrap()
        .map(|page| page.map(|page| page.image))
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all[0], decode(&bytes, &limits).unwrap().image);
    assert_eq!(all[0], all[2]);
    let black = |image: &Image| {
        let pixels = image.rgb().chunks_exact(3);
        pixels
            .filter(|pixel| pixel.iter().all(|&level| level < 40))
            .count()
    };
    assert!(black(&all[1]) > 10_000 && black(&all[0]) < 100);
}

#[test]
fn encrypted_documents_are_read_without_a_password_or_refused_by_name() {
    let why = refused(PASSWORD);
    assert_eq!(why.code, RefusedCode::FormatNotSupported);
    assert!(why.detail.contains("encrypted"), "{}", why.detail);
    let image = decode(OWNER, &DecodeLimits::default()).unwrap().image;
    assert!(pixel(&image, 0.3, 0.6)[0] > 180);
    assert!(pixel(&image, 0.3, 0.6)[1] < 60);
}

#[test]
fn what_is_no_page_is_refused() {
    for (bytes, code) in [
        (b"%PDF-1.4\nnothing".to_vec(), RefusedCode::Broken),
        (document(&[], [300.0, 400.0]), RefusedCode::Broken),
        (document(&[RED], [1e6, 1.0]), RefusedCode::TooSmall),
    ] {
        assert_eq!(refused(&bytes).code, code);
    }
    let many: Vec<&str> = vec![""; 10_001];
    assert_eq!(
        refused(&document(&many, [300.0, 400.0])).code,
        RefusedCode::TooManyPixels
    );
}

#[test]
fn a_document_reaches_nothing_outside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.pdf");
    std::fs::write(&path, document(&[RED], [300.0, 400.0])).unwrap();
    // A form whose content lies in another file.
    let file = format!("/F ({}) /FFilter /ASCIIHexDecode", path.display());
    let text = String::from_utf8(document(&["/X Do"], [300.0, 400.0])).unwrap();
    let outside = format!(
        "/XObject << /X << /Type /XObject /Subtype /Form /BBox [0 0 300 400] {file} /Length 0 >> >> /Font"
    );
    let bytes = text.replace("/Font <<", &format!("{outside} <<"));
    let decoded = decode(bytes.as_bytes(), &DecodeLimits::default());
    if let Ok(decoded) = decoded {
        assert!(decoded.image.rgb().iter().all(|&level| level == 255));
    }
}

/// Documents for tests that change them.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    vec![document(&[RED, TEXT], [300.0, 400.0]), OWNER.to_vec()]
}

#[test]
fn a_changed_document_is_drawn_or_refused() {
    let limits = DecodeLimits::default();
    let (mut drawn, mut refused) = (0, 0);
    resight_test_support::fuzz("pdf", 40, &corpus(), |bytes| match decode(bytes, &limits) {
        Ok(one) => {
            drawn += 1;
            assert!(one.image.width().max(one.image.height()) <= 2048);
        }
        Err(_) => refused += 1,
    });
    assert!(drawn > 2 && refused > 2, "{drawn} {refused}");
}
