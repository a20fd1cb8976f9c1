use super::*;

const GLOBAL: &str = r#"
name = "m"
version = "1"
kind = "global"
file = "m.onnx"
licence = "MIT"
source = "here"
[input]
fit = "stretch"
size = [32, 24]
"#;

const LOCAL: &str = r#"
name = "m"
version = "1"
kind = "local"
file = "m.onnx"
licence = "MIT"
source = "here"
[input]
fit = "within"
long = 1024
multiple = 32
[output]
keypoints = "k"
scores = "s"
descriptors = "d"
dimension = 64
"#;

fn parse(text: &str) -> Result<Manifest, String> {
    Manifest::parse(text, Path::new("m/model.toml")).map_err(|error| error.to_string())
}

#[test]
fn missing_keys_have_their_defaults() {
    let manifest = parse(GLOBAL).unwrap();
    let fit = Fit::Stretch {
        width: 32,
        height: 24,
    };
    assert_eq!(manifest.input.fit, fit);
    assert_eq!(
        (manifest.input.colour, manifest.input.layout),
        (Colour::Rgb, Layout::Nchw)
    );
    let plain = Element::Float {
        range: 1.0,
        mean: [0.0; 3],
        std: [1.0; 3],
    };
    assert_eq!(manifest.input.element, plain);
    let Output::Global(output) = manifest.output else {
        panic!("{:?}", manifest.output)
    };
    assert_eq!(
        (output.pooling, output.dimension, output.name),
        (Pooling::None, None, None)
    );
    let Output::Local(output) = parse(LOCAL).unwrap().output else {
        panic!("not local")
    };
    assert_eq!(
        (output.range, output.scale, output.dimension),
        (0.5, 4.0, 64)
    );
}

#[test]
fn each_mistake_is_named() {
    // (what is replaced, by what, what the error says)
    let cases = [
        ("fit = \"stretch\"", "fit = \"squash\"", "squash"),
        ("fit = \"stretch\"", "fit = \"within\"", "takes no size"),
        ("size = [32, 24]", "", "needs size"),
        ("size = [32, 24]", "size = [32, 0]", "size = 0"),
        ("size = [32, 24]", "size = [32, 24]\nsise = 1", "sise"),
        (
            "size = [32, 24]",
            "size = [32, 24]\nmean = [1.0]",
            "mean has 1 numbers",
        ),
        (
            "size = [32, 24]",
            "size = [32, 24]\nstd = [1.0, 0.0, 1.0]",
            "not above 0",
        ),
        (
            "size = [32, 24]",
            "size = [32, 24]\nelement = \"uint8\"\nrange = 1.0",
            "uint8",
        ),
        (
            "size = [32, 24]",
            "size = [32, 24]\n[output]\ngem_p = 3.0",
            "gem_p",
        ),
        (
            "size = [32, 24]",
            "size = [32, 24]\n[output]\npooling = \"gem\"\ngem_p = 0.5",
            "0.5",
        ),
        (
            "size = [32, 24]",
            "size = [32, 24]\n[output]\nkeypoints = \"k\"",
            "output.keypoints",
        ),
        (
            "size = [32, 24]",
            "size = [32, 24]\n[output]\ndimension = 0",
            "output.dimension",
        ),
        (
            "file = \"m.onnx\"",
            "file = \"../m.onnx\"",
            "without a folder",
        ),
        ("file = \"m.onnx\"", "file = \"model.toml\"", "model.toml"),
        (
            "file = \"m.onnx\"",
            "file = \"m.onnx\"\nsha256 = \"12\"",
            "64 hexadecimal",
        ),
        ("name = \"m\"", "name = \"M x\"", "lower-case"),
        ("name = \"m\"", "name = \"..\"", "lower-case"),
        ("name = \"m\"", "name = \"sift\"", "built-in"),
        ("licence = \"MIT\"", "", "licence"),
        ("licence = \"MIT\"", "licence = \" \"", "licence"),
        ("kind = \"global\"", "kind = \"local\"", "output.keypoints"),
    ];
    for (from, to, expected) in cases {
        let text = GLOBAL.replace(from, to);
        assert_ne!(text, GLOBAL, "{from}");
        let error = parse(&text).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
        assert!(error.contains("model.toml"), "{error}");
    }
}

#[test]
fn crops_are_within_what_is_resized() {
    let crop = |short| GLOBAL.replace("stretch", "crop") + &format!("short = {short}\n");
    assert!(parse(&crop(31)).unwrap_err().contains("short"));
    assert!(parse(&crop(32)).is_ok());
}

/// Each mistake in [`LOCAL`] is named.
#[test]
fn each_mistake_in_a_local_model_is_named() {
    // (what is replaced, by what, what the error says)
    let cases = [
        ("multiple = 32", "multiple = 0", "multiple = 0"),
        ("multiple = 32", "multiple = 257", "multiple = 257"),
        ("long = 1024", "long = 31", "long = 31 is not from 32"),
        ("long = 1024", "long = 4097", "4097"),
        ("long = 1024", "", "needs long"),
        ("keypoints = \"k\"", "", "output.keypoints"),
        ("dimension = 64", "", "output.dimension"),
        ("dimension = 64", "dimension = 4097", "4097"),
        (
            "dimension = 64",
            "dimension = 64\nrange = 0.0",
            "output.range",
        ),
        (
            "dimension = 64",
            "dimension = 64\nscale = -1.0",
            "output.scale",
        ),
        (
            "dimension = 64",
            "dimension = 64\nscale = nan",
            "output.scale",
        ),
        (
            "dimension = 64",
            "dimension = 64\nmin_score = inf",
            "min_score",
        ),
        (
            "dimension = 64",
            "dimension = 64\npooling = \"cls\"",
            "output.pooling",
        ),
        (
            "dimension = 64",
            "dimension = 64\nnormalise = \"l2\"",
            "output.normalise",
        ),
        (
            "dimension = 64",
            "dimension = 64\ncoordinates = \"metres\"",
            "metres",
        ),
        (
            "fit = \"within\"\nlong = 1024\nmultiple = 32",
            "fit = \"crop\"\nsize = [32, 32]",
            "hide a part",
        ),
    ];
    for (from, to, expected) in cases {
        let text = LOCAL.replace(from, to);
        assert_ne!(text, LOCAL, "{from}");
        let error = parse(&text).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn every_word_of_a_setting_is_known() {
    let input = |line: &str| parse(&format!("{GLOBAL}{line}\n")).unwrap().input;
    for (word, filter) in [("bilinear", Filter::Bilinear), ("bicubic", Filter::Bicubic)] {
        assert_eq!(input(&format!("filter = \"{word}\"")).filter, filter);
    }
    for (word, colour, channels) in [
        ("rgb", Colour::Rgb, 3),
        ("bgr", Colour::Bgr, 3),
        ("gray", Colour::Gray, 1),
    ] {
        assert_eq!(input(&format!("colour = \"{word}\"")).colour, colour);
        assert_eq!(colour.channels(), channels);
    }
    for (word, layout) in [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)] {
        assert_eq!(input(&format!("layout = \"{word}\"")).layout, layout);
    }
    assert_eq!(input("element = \"uint8\"").element, Element::Byte);
    let grey = input("colour = \"gray\"\nmean = [0.5]\nstd = [0.25]\nelement = \"float32\"");
    let expected = Element::Float {
        range: 1.0,
        mean: [0.5; 3],
        std: [0.25; 3],
    };
    assert_eq!(grey.element, expected);
    for (words, pooling) in [
        ("pooling = \"none\"", Pooling::None),
        ("pooling = \"mean\"", Pooling::Mean),
        ("pooling = \"cls\"", Pooling::Cls),
        ("pooling = \"gem\"", Pooling::Gem { p: 3.0 }),
        ("pooling = \"gem\"\ngem_p = 1.0", Pooling::Gem { p: 1.0 }),
    ] {
        let output = parse(&format!("{GLOBAL}[output]\n{words}\n"))
            .unwrap()
            .output;
        assert!(
            matches!(output, Output::Global(o) if o.pooling == pooling),
            "{words}"
        );
    }
    for (word, coordinates) in [
        ("pixels", Coordinates::Pixels),
        ("centred", Coordinates::Centred),
        ("unit", Coordinates::Unit),
    ] {
        let output = parse(&format!("{LOCAL}coordinates = \"{word}\"\n"))
            .unwrap()
            .output;
        assert!(
            matches!(output, Output::Local(o) if o.coordinates == coordinates),
            "{word}"
        );
    }
}

#[test]
fn names_of_models_and_files_stay_within_their_bounds() {
    let named = |name: &str| parse(&GLOBAL.replace("name = \"m\"", &format!("name = \"{name}\"")));
    for name in ["a", "0", "a-b_c.d", &"x".repeat(64)] {
        assert_eq!(named(name).unwrap().name, name);
    }
    for name in ["", "-a", ".a", "a/b", "ä", "A", &"x".repeat(65)] {
        assert!(named(name).is_err(), "{name}");
    }
    let file = |file: &str| parse(&GLOBAL.replace("m.onnx", file));
    assert!(file("My Model 2.onnx").is_ok());
    for name in [
        "",
        ".hidden",
        "a/b",
        "C:b",
        "a\\\\b",
        "a\\tb",
        &"x".repeat(201),
    ] {
        assert!(file(name).is_err(), "{name}");
    }
}

#[test]
fn settings_differ_only_where_the_output_does() {
    let manifest = parse(GLOBAL).unwrap();
    let other = parse(&GLOBAL.replace("[32, 24]", "[24, 32]")).unwrap();
    assert_ne!(manifest.settings(), other.settings());
    let renamed = parse(&GLOBAL.replace("source = \"here\"", "source = \"there\"")).unwrap();
    assert_eq!(manifest.settings(), renamed.settings());
}

/// Stored ids contain the hashes of these texts.
#[test]
fn the_text_of_settings_never_changes() {
    assert_eq!(
        parse(GLOBAL).unwrap().settings(),
        "Input { name: None, fit: Stretch { width: 32, height: 24 }, filter: Bilinear, colour: Rgb, \
         layout: Nchw, element: Float { range: 1.0, mean: [0.0, 0.0, 0.0], std: [1.0, 1.0, 1.0] } };\
         Global(GlobalOutput { name: None, pooling: None, dimension: None })"
    );
    assert_eq!(
        parse(LOCAL).unwrap().settings(),
        "Input { name: None, fit: Within { long: 1024, multiple: 32 }, filter: Bilinear, colour: Rgb, \
         layout: Nchw, element: Float { range: 1.0, mean: [0.0, 0.0, 0.0], std: [1.0, 1.0, 1.0] } };\
         Local(LocalOutput { keypoints: \"k\", scores: \"s\", descriptors: \"d\", scales: None, \
         angles: None, coordinates: Pixels, dimension: 64, range: 0.5, scale: 4.0, min_score: 0.0 })"
    );
    assert!(parse(&maps("")).unwrap().settings().ends_with(
        ";Maps(MapOutput { descriptors: \"d\", logits: \"l\", reliability: None, dimension: 64, cell: 8, \
         threshold: 0.05, radius: 2, range: 0.5, scale: 4.0 })"
    ));
}

/// A manifest of maps, with `more` in its last table, `[output]`.
fn maps(more: &str) -> String {
    let logits = LOCAL.replace("keypoints = \"k\"\nscores = \"s\"", "logits = \"l\"");
    format!("{logits}\n{more}\n")
}

#[test]
fn maps_are_told_from_lists_by_their_logits() {
    let manifest = parse(&maps("reliability = \"r\"\ncell = 4")).unwrap();
    assert_eq!(manifest.kind(), "local");
    let Output::Maps(output) = manifest.output else {
        panic!("{:?}", manifest.output)
    };
    assert_eq!((output.cell, output.reliability.as_deref()), (4, Some("r")));
    // (manifest, what the error says)
    for (text, says) in [
        (
            maps("keypoints = \"k\""),
            "output.keypoints belongs to models that output lists",
        ),
        (maps("min_score = 0.1"), "output.min_score belongs"),
        (maps("cell = 1"), "output.cell = 1"),
        (maps("radius = 0"), "output.radius = 0"),
        (maps("threshold = 1.0"), "output.threshold = 1"),
        (
            maps("name = \"x\""),
            "output.name belongs to models of kind \"global\"",
        ),
        (
            format!("{LOCAL}cell = 8\n"),
            "output.cell belongs to models that output maps",
        ),
        (
            format!("{GLOBAL}[output]\nlogits = \"l\"\n"),
            "output.logits belongs to models of kind \"local\"",
        ),
        (
            format!("{GLOBAL}[output]\nradius = 2\n"),
            "output.radius belongs to models of kind \"local\"",
        ),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
    }
}
