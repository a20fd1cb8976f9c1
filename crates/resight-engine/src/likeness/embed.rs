//! Making vectors of the pictures held.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use resight_index::Key;
use resight_store::PictureRecord;
use resight_vision::{ExtractError, Fault, GlobalExtractor, Image};

use super::{Global, fill, to_bytes, vectors_setting};
use crate::commit::thumbnail_name;
use crate::engine::Engine;
use crate::error::EngineError;
use resight_decode::decode;

/// Pictures that are read and described together.
const TOGETHER: usize = 32;

/// How far the making of vectors has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedStep {
    /// The model's name.
    pub name: String,
    /// Pictures looked at so far.
    pub done: u64,
    /// Pictures that waited when it began.
    pub total: u64,
}

impl Engine {
    /// Makes the vectors that pictures held lack, of all models in use. What is made is durable and
    /// searched at once; it can be stopped by `cancel` and goes on another time. Once a model has all,
    /// another that had its name before is forgotten.
    ///
    /// A picture whose file is away is described by its thumbnail; one that the model cannot describe
    /// is not asked about again.
    ///
    /// # Errors
    /// [`EngineError::Extract`] where the model itself does not work; [`EngineError::Cancelled`].
    pub fn embed_missing(
        &self,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(EmbedStep),
    ) -> Result<(), EngineError> {
        let globals: Vec<Arc<Global>> = self.attached().clone();
        for global in globals.into_iter().filter(|global| global.can_embed) {
            self.embed_all(&global, cancel, on_step)?;
        }
        Ok(())
    }

    fn embed_all(
        &self,
        global: &Arc<Global>,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(EmbedStep),
    ) -> Result<(), EngineError> {
        let model = global.extractor.model().as_str();
        let counts = global.vectors.vector_counts()?;
        let described = counts.iter().find(|count| count.model == model);
        let described = described.map_or(0, |count| count.vectors + count.without);
        let mut step = EmbedStep {
            name: global.name.clone(),
            done: 0,
            total: self.parts.catalogue.count()?.saturating_sub(described),
        };
        on_step(step.clone());
        let mut is_complete = true;
        let mut after = None;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            let keys = global
                .vectors
                .without_vector_after(model, after, TOGETHER)?;
            let Some(&last) = keys.last() else { break };
            after = Some(last);
            let records = self.parts.catalogue.pictures(&keys)?;
            let read: Vec<(u64, Image)> = records
                .into_par_iter()
                .flatten()
                .filter_map(|record| Some((record.key, self.pixels_of(&record)?)))
                .collect();
            is_complete &= read.len() == keys.len();
            let (keys_read, images): (Vec<u64>, Vec<Image>) = read.into_iter().unzip();
            let vectors = embed_each(&*global.extractor, &images)?;
            self.keep_vectors(global, keys_read.into_iter().zip(vectors).collect())?;
            step.done += keys.len() as u64;
            on_step(step.clone());
        }
        match is_complete {
            true => self.succeed(global),
            false => Ok(()),
        }
    }

    /// Gives a picture that has just been added its vectors; failing that it waits for
    /// [`Engine::embed_missing`].
    pub(crate) fn embed_added(&self, key: u64, image: &Image) {
        let globals: Vec<Arc<Global>> = self.attached().clone();
        for global in globals.iter().filter(|global| global.can_embed) {
            let made = embed_each(&*global.extractor, std::slice::from_ref(image));
            let vectors = made.map(|vectors| std::iter::once(key).zip(vectors).collect());
            if let Err(error) = vectors.and_then(|vectors| self.keep_vectors(global, vectors)) {
                tracing::warn!("{} waits to describe picture {key}: {error}", global.name);
            }
        }
    }

    /// First the catalogue, then the index; `None` says that there can be no vector. Of pictures that
    /// are removed meanwhile nothing stays.
    fn keep_vectors(
        &self,
        global: &Global,
        vectors: Vec<(u64, Option<Vec<f32>>)>,
    ) -> Result<(), EngineError> {
        let encoded = vectors.iter().map(|(key, vector)| {
            let bytes = vector.as_deref().map(to_bytes).unwrap_or_default();
            (*key, bytes)
        });
        let encoded: Vec<(u64, Vec<u8>)> = encoded.collect();
        let _one_at_a_time = self.lock_changes();
        let model = global.extractor.model().as_str();
        global.vectors.put_vectors(model, &encoded)?;
        let keys: Vec<u64> = vectors.iter().map(|v| v.0).collect();
        let held = self.parts.catalogue.pictures(&keys)?;
        let there = vectors.into_iter().zip(held);
        let made: Vec<(Key, Vec<f32>)> = there
            .filter_map(|((key, vector), held)| held.and(Some((Key(key), vector?))))
            .collect();
        fill(&global.index, &made);
        Ok(())
    }

    /// All pictures have this model's vectors: from now on its name stands for it, and what another
    /// made under that name is dropped, both at once.
    fn succeed(&self, global: &Arc<Global>) -> Result<(), EngineError> {
        let model = global.extractor.model().as_str();
        let setting = vectors_setting(&global.name);
        let is_other = |g: &Arc<Global>| g.name == global.name && !Arc::ptr_eq(g, global);
        self.globals_for_change().retain(|g| !is_other(g));
        match self.model_of_name(&global.name)? {
            Some(before) if before == model => Ok(()),
            Some(before) => {
                global.vectors.drop_vectors(&before, &setting, model)?;
                global.remove_index(&before);
                Ok(())
            }
            None => Ok(self.parts.catalogue.set_setting(&setting, model)?),
        }
    }

    /// The picture's pixels, from its file or, where that is away, its thumbnail.
    fn pixels_of(&self, record: &PictureRecord) -> Option<Image> {
        let read = |bytes: &[u8]| decode(bytes, &self.options.decode).ok();
        let file = self.file(&record.id).ok();
        let decoded = file.and_then(|file| read(&file.bytes));
        let thumbnail = || {
            let bytes = self.parts.blobs.get(&thumbnail_name(&record.id)).ok()??;
            read(&bytes)
        };
        decoded.or_else(thumbnail).map(|decoded| decoded.image)
    }
}

/// A vector for each picture, `None` for one that the model cannot describe.
pub(super) fn embed_each(
    extractor: &dyn GlobalExtractor,
    images: &[Image],
) -> Result<Vec<Option<Vec<f32>>>, EngineError> {
    match embed(extractor, images) {
        Ok(vectors) => Ok(vectors.into_iter().map(Some).collect()),
        Err(EngineError::Extract(error)) if error.fault == Fault::Picture => match images {
            [_] => Ok(vec![None]),
            // One of them: each alone.
            _ => {
                let each = images.iter().map(std::slice::from_ref);
                let each = each.map(|one| embed_each(extractor, one));
                Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
            }
        },
        Err(error) => Err(error),
    }
}

/// A model may be somebody else's code: what it gives is checked, and its panic is an error.
pub(super) fn embed(
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
    match vectors.len() == images.len() && vectors.iter().all(is_sound) {
        true => Ok(vectors),
        false => Err(ExtractError {
            fault: Fault::Extractor,
            ..ExtractError::new(format!(
                "{} gave vectors of another number or length than it says",
                extractor.model()
            ))
        }
        .into()),
    }
}
