//! Embeds pictures on request, for the bench.
//!
//! `embed MODELS NAME [none|LIBRARY]` loads the model NAME of the folder MODELS. It answers each line
//! `WIDTH HEIGHT FILE` of standard input, where FILE contains interleaved RGB bytes, with a line: the
//! milliseconds of resizing and running, and the vector's numbers.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use resight_models::{Choice, ModelFolder, Runtime};
use resight_vision::{GlobalExtractor, Image};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, name, choice) = match &arguments[..] {
        [folder, name] => (folder, name, Choice::Auto),
        [folder, name, none] if none == "none" => (folder, name, Choice::BuiltIn),
        [folder, name, library] => (folder, name, Choice::From(PathBuf::from(library))),
        _ => return Err("usage: embed MODELS NAME [none|LIBRARY]".into()),
    };
    let runtime = Runtime::choose(&choice)?;
    let model = ModelFolder::new(folder).load_global(name, &runtime, 1)?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", model.model())?;
    output.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().ok_or("a line is WIDTH HEIGHT FILE");
        let (width, height) = (word()?.parse()?, word()?.parse()?);
        let pixels = std::fs::read(word()?)?;
        let image = Image::from_rgb(width, height, pixels).ok_or("the file has another size")?;
        let start = Instant::now();
        let vectors = model.embed(std::slice::from_ref(&image))?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let numbers: Vec<String> = vectors[0].iter().map(ToString::to_string).collect();
        writeln!(output, "{ms} {}", numbers.join(" "))?;
        output.flush()?;
    }
    Ok(())
}
