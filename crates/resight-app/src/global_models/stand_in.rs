//! Extractors that stand for the one that made the stored vectors.

use std::sync::Arc;

use resight_models::{GlobalModel, numerics, same_model};
use resight_store::{StoreError, VectorCount, Vectors};
use resight_vision::{ExtractError, GlobalExtractor, Image, ModelId};

use crate::AppError;

/// `model`, with the id of the same model in another runtime where that made the stored vectors.
pub(super) fn under_stored_id(
    model: Arc<GlobalModel>,
    complete: Option<&str>,
    stored: &[VectorCount],
) -> Arc<dyn GlobalExtractor> {
    let id = model.model().as_str();
    let in_other_runtime = complete
        .into_iter()
        .chain(stored.iter().map(|count| count.model.as_str()))
        .find(|other| same_model(other, id));
    match in_other_runtime {
        Some(other) if other != id && !stored.iter().any(|count| count.model == id) => {
            tracing::warn!(
                "the stored vectors of {} were made in {}, this makes them in {}: they differ in the last digits, those of int8 SSCD to a cosine of 0.9986",
                model.name(),
                numerics(other).unwrap_or("another runtime"),
                numerics(id).unwrap_or("another runtime"),
            );
            let id = ModelId::new(other);
            Arc::new(UnderStoredId { model, id })
        }
        _ => model,
    }
}

struct UnderStoredId {
    model: Arc<GlobalModel>,
    id: ModelId,
}

impl GlobalExtractor for UnderStoredId {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.model.dimension()
    }

    fn licence(&self) -> Option<&str> {
        self.model.licence()
    }

    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        self.model.embed(images)
    }
}

/// Vectors of which one is whole.
const SOME: usize = 16;

/// A model that cannot be loaded and of which there are vectors.
pub(super) struct AbsentModel {
    id: ModelId,
    dimension: usize,
}

impl AbsentModel {
    /// `None` where there is no vector of it.
    pub(super) fn of(vectors: &dyn Vectors, id: &str) -> Result<Option<Self>, AppError> {
        for key in vectors.vector_keys_after(id, None, SOME)? {
            let bytes = match vectors.vectors(id, &[key]) {
                Err(StoreError::PictureDamaged { .. }) => continue,
                read => read?,
            };
            if let Some(bytes) = bytes.into_iter().flatten().next() {
                return Ok(Some(Self {
                    id: ModelId::new(id),
                    dimension: bytes.len() / size_of::<f32>(),
                }));
            }
        }
        Ok(None)
    }
}

impl GlobalExtractor for AbsentModel {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, _images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        Err(ExtractError::new(format!("{} is not loaded", self.id)))
    }
}
