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
fn what_is_left_out_has_its_usual_value() {
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
        ("name = \"m\"", "name = \"sift\"", "our own"),
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

#[test]
fn settings_tell_apart_what_changes_the_output_and_nothing_else() {
    let manifest = parse(GLOBAL).unwrap();
    let other = parse(&GLOBAL.replace("[32, 24]", "[24, 32]")).unwrap();
    assert_ne!(manifest.settings(), other.settings());
    let renamed = parse(&GLOBAL.replace("source = \"here\"", "source = \"there\"")).unwrap();
    assert_eq!(manifest.settings(), renamed.settings());
}
