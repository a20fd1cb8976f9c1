//! Describing stored pictures by global models.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use resight_index::Key;
use resight_vision::{ExtractError, Fault, GlobalExtractor, Image};

use crate::error::EngineError;
use crate::library::Library;
use crate::library::attached_model::{AttachedModel, add_vectors, vector_to_bytes};
use crate::library::damage::whole_records;

/// Pictures that are read and described together.
const TOGETHER: usize = 32;

/// Progress of describing pictures by a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedStep {
    /// The model's name.
    pub name: String,
    /// Pictures tried so far.
    pub done: u64,
    /// Pictures without a vector when it began.
    pub total: u64,
}

/// The catalogue's setting with the id of the model that a name stands for: the one that has described
/// all pictures. Empty or absent before that.
pub fn vectors_setting(name: &str) -> String {
    format!("vectors:{name}")
}

/// The id of the model that a name stands for.
pub(crate) fn model_of_name(library: &Library, name: &str) -> Result<Option<String>, EngineError> {
    let value = library.catalogue().setting(&vectors_setting(name))?;
    Ok(value.filter(|value| !value.is_empty()))
}

/// Describes all pictures without a vector of this model.
pub(crate) fn embed_all(
    library: &Library,
    model: &Arc<AttachedModel>,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(EmbedStep),
) -> Result<(), EngineError> {
    let page = |after| {
        let vectors = &model.vectors;
        vectors.without_vector_after(model.id(), after, TOGETHER)
    };
    let mut keys = page(None)?;
    let mut step = EmbedStep {
        name: model.name.clone(),
        done: 0,
        // Counting reads all rows, and a server looks every minute.
        total: match keys.is_empty() {
            true => 0,
            false => without_vector(library, model)?,
        },
    };
    on_step(step.clone());
    let mut is_complete = true;
    let mut passing = None;
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let Some(&last) = keys.last() else { break };
        let records = whole_records(library.catalogue(), &keys)?;
        let (read, images): (Vec<u64>, Vec<Image>) = records
            .into_par_iter()
            .flatten()
            .filter_map(|record| Some((record.key, library.image_or_thumbnail(&record.id)?)))
            .unzip();
        is_complete &= read.len() == keys.len();
        let left = embed_apart(library, model, &read, &images)?;
        is_complete &= left.is_none();
        passing = passing.or(left);
        step.done += keys.len() as u64;
        on_step(step.clone());
        keys = page(Some(last))?;
    }
    if let Some(error) = passing {
        return Err(error.into());
    }
    if is_complete {
        take_name(library, model)?;
    }
    Ok(())
}

/// The number of pictures without a vector of this model.
fn without_vector(library: &Library, model: &AttachedModel) -> Result<u64, EngineError> {
    let counts = model.vectors.vector_counts()?;
    let described = counts.iter().find(|count| count.model == model.id());
    let described = described.map_or(0, |count| count.vectors + count.without);
    Ok(library.count()?.saturating_sub(described))
}

/// As [`embed_new`]; where the model fails for the moment, one picture after the other, so that one that ends
/// its process keeps no other waiting. Returns the first failure: those pictures wait for the next time.
///
/// # Errors
/// Also a passing failure that is none of a picture, as it says when to try again.
fn embed_apart(
    library: &Library,
    model: &AttachedModel,
    keys: &[u64],
    images: &[Image],
) -> Result<Option<ExtractError>, EngineError> {
    let is_passing = |error: &ExtractError| error.fault == Fault::Passing;
    match embed_new(library, model, keys, images) {
        Ok(()) => return Ok(None),
        Err(EngineError::Extract(error)) if is_passing(&error) && error.retry_after.is_none() => {}
        Err(error) => return Err(error),
    }
    let mut left = None;
    for (key, image) in keys.iter().zip(images) {
        match embed_new(library, model, &[*key], std::slice::from_ref(image)) {
            Ok(()) => {}
            Err(EngineError::Extract(error))
                if is_passing(&error) && error.retry_after.is_none() =>
            {
                tracing::warn!("{} waits to describe picture {key}: {error}", model.name);
                left = left.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(left)
}

/// Describes an uploaded picture by all models in use. Where one fails, the picture waits for
/// [`embed_all`].
pub(crate) fn embed_added(library: &Library, key: u64, image: &Image) {
    let models = library.models().list();
    for model in models.iter().filter(|model| model.can_embed) {
        if let Err(error) = embed_new(library, model, &[key], std::slice::from_ref(image)) {
            tracing::warn!("{} waits to describe picture {key}: {error}", model.name);
        }
    }
}

/// Describes the pictures `keys` from their pixels `images`, and stores the vectors.
pub(crate) fn embed_new(
    library: &Library,
    model: &AttachedModel,
    keys: &[u64],
    images: &[Image],
) -> Result<(), EngineError> {
    for (keys, images) in keys.chunks(TOGETHER).zip(images.chunks(TOGETHER)) {
        let vectors = embed_each(&*model.extractor, images)?;
        store_vectors(library, model, keys, vectors)?;
    }
    Ok(())
}

/// Stores vectors in the catalogue, and then in the index; `None` records that a picture can have none.
/// Nothing is stored of pictures that were removed meanwhile.
fn store_vectors(
    library: &Library,
    model: &AttachedModel,
    keys: &[u64],
    vectors: Vec<Option<Vec<f32>>>,
) -> Result<(), EngineError> {
    let encoded = keys.iter().zip(&vectors).map(|(key, vector)| {
        let bytes = vector.as_deref().map(vector_to_bytes).unwrap_or_default();
        (*key, bytes)
    });
    let encoded: Vec<(u64, Vec<u8>)> = encoded.collect();
    let _no_changes = library.lock_changes();
    model.vectors.put_vectors(model.id(), &encoded)?;
    let stored = whole_records(library.catalogue(), keys)?;
    let made: Vec<(Key, Vec<f32>)> = keys
        .iter()
        .zip(vectors)
        .zip(stored)
        .filter_map(|((key, vector), stored)| stored.and(Some((Key(*key), vector?))))
        .collect();
    add_vectors(&model.index, &made);
    Ok(())
}

/// The model has described all pictures: its name stands for it from now on, and vectors of another
/// model under that name are deleted, both at once.
fn take_name(library: &Library, model: &Arc<AttachedModel>) -> Result<(), EngineError> {
    let setting = vectors_setting(&model.name);
    let is_kept =
        |other: &Arc<AttachedModel>| other.name != model.name || Arc::ptr_eq(other, model);
    library.models().retain(is_kept);
    match model_of_name(library, &model.name)? {
        Some(before) if before == model.id() => Ok(()),
        Some(before) => {
            model.vectors.drop_vectors(&before, &setting, model.id())?;
            model.delete_index(&before);
            Ok(())
        }
        None => Ok(library.catalogue().set_setting(&setting, model.id())?),
    }
}

/// A vector for each picture; `None` for one that the model cannot describe.
fn embed_each(
    extractor: &dyn GlobalExtractor,
    images: &[Image],
) -> Result<Vec<Option<Vec<f32>>>, EngineError> {
    match embed(extractor, images) {
        Ok(vectors) => Ok(vectors.into_iter().map(Some).collect()),
        Err(EngineError::Extract(error)) if error.fault == Fault::Picture => match images {
            [_] => Ok(vec![None]),
            // It cannot describe one of them: each is tried alone.
            _ => {
                let each = images.iter().map(std::slice::from_ref);
                let each = each.map(|one| embed_each(extractor, one));
                Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
            }
        },
        Err(error) => Err(error),
    }
}

/// A vector for each picture. A model may be foreign code: its vectors are checked, and its panic is an
/// error.
pub(crate) fn embed(
    extractor: &dyn GlobalExtractor,
    images: &[Image],
) -> Result<Vec<Vec<f32>>, EngineError> {
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let run = std::panic::AssertUnwindSafe(|| extractor.embed(images));
    let vectors = std::panic::catch_unwind(run)
        .map_err(|_| EngineError::Internal("the global extractor panicked".into()))??;
    let is_sound = |v: &Vec<f32>| {
        let length = v.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>();
        v.len() == extractor.dimension() && (length - 1.0).abs() < 1e-2
    };
    if vectors.len() == images.len() && vectors.iter().all(is_sound) {
        return Ok(vectors);
    }
    let detail = format!(
        "{} gave vectors of another number or length than it says",
        extractor.model()
    );
    Err(ExtractError {
        fault: Fault::Extractor,
        ..ExtractError::new(detail)
    }
    .into())
}

#[cfg(test)]
mod tests {
    use resight_vision::ModelId;

    use super::*;

    /// Describes pictures by their width; fails on those one pixel wide.
    struct Widths {
        model: ModelId,
        length: f32,
    }

    impl GlobalExtractor for Widths {
        fn model(&self) -> &ModelId {
            &self.model
        }

        fn dimension(&self) -> usize {
            2
        }

        fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
            assert!(images.iter().all(|image| image.width() < 9), "too wide");
            if images.iter().any(|image| image.width() == 1) {
                return Err(ExtractError {
                    fault: Fault::Picture,
                    ..ExtractError::new("too narrow")
                });
            }
            let axis = |image: &Image| usize::from(image.width() > 4);
            let vector = |axis: usize| [[self.length, 0.0], [0.0, self.length]][axis].to_vec();
            Ok(images.iter().map(|image| vector(axis(image))).collect())
        }
    }

    fn model(length: f32) -> Widths {
        Widths {
            model: ModelId::new("widths/1"),
            length,
        }
    }

    fn images(widths: &[u32]) -> Vec<Image> {
        let image = |width: &u32| Image::from_rgb(*width, 1, vec![0; 3 * *width as usize]);
        widths.iter().map(|width| image(width).unwrap()).collect()
    }

    #[test]
    fn a_picture_that_cannot_be_described_does_not_stop_the_others() {
        let vectors = embed_each(&model(1.0), &images(&[3, 1, 7])).unwrap();
        assert_eq!(vectors, [Some(vec![1.0, 0.0]), None, Some(vec![0.0, 1.0])]);
    }

    #[test]
    fn a_model_that_breaks_its_promise_is_an_error() {
        let error = embed(&model(0.5), &images(&[3])).unwrap_err();
        assert!(matches!(error, EngineError::Extract(e) if e.fault == Fault::Extractor));
        let error = embed(&model(1.0), &images(&[9])).unwrap_err();
        assert!(matches!(error, EngineError::Internal(_)), "panicked");
        assert!(embed(&model(1.0), &[]).unwrap().is_empty());
    }
}
