//! Duplicates that are removed, and their files moved where that is allowed.

use std::path::PathBuf;

use axum::Json;
use axum::extract::Request;
use axum::http::Uri;
use resight_app::Code;
use resight_app::identity_of;
use resight_app::keys::Scope;
use resight_app::quarantine::{Group, Quarantine, ResolveOptions, Return, resolve, stands_once};

use super::App;
use super::access::{self, Caller};
use super::intake::{self, bad_body};
use super::params::{Params, picture_id};
use super::problem::Problem;
use crate::wire::{
    FilesWanted, ProblemBody, ResolutionList, ResolveAnswer, ResolveWanted, UndoAnswer, UndoWanted,
    metadata_of,
};

/// The largest request, in bytes: ten thousand ids.
const REQUEST_BYTES: u64 = 1 << 20;
const UNDO_BYTES: u64 = 4 << 10;
/// The most groups, and pictures to remove, of a request.
const MOST_GROUPS: usize = 1000;
const MOST_PICTURES: usize = 10_000;
/// Resolutions that are listed.
const LISTED: usize = 100;

/// Removes pictures in favour of others, of many groups at once. With `files` as `quarantine`, files in registered folders
/// are moved to the folder that the server has for it, and can be put back; that takes the scope admin, and a file whose
/// bytes have changed is left where it is, with its picture. With `dry_run` it only tells what would happen.
#[utoipa::path(
    post, path = "/duplicates/resolve", tag = "duplicates", operation_id = "resolve_duplicates",
    request_body = ResolveWanted,
    responses(
        (status = 200, description = "What came of each picture", body = ResolveAnswer),
        (status = 403, description = "The key or the server does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "A picture to keep is not stored; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The JSON cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn by_groups(
    app: App,
    caller: Caller,
    request: Request,
) -> Result<Json<ResolveAnswer>, Problem> {
    let request = bare(request).await?;
    let form = "{\"groups\": [{\"keep\": \"…\", \"remove\": [\"…\"]}]}";
    let wanted: ResolveWanted = access::body(&app, request, REQUEST_BYTES, form).await?;
    let groups = groups_of(&wanted.groups)?;
    let (carry_over, dry_run) = (wanted.carry_over, wanted.dry_run);
    let is_admin = caller.is_admin();
    let quarantine = match wanted.files {
        FilesWanted::Keep => None,
        FilesWanted::Quarantine => Some(quarantine_for(&app, &caller)?),
    };
    let name = app.collection.clone();
    let (library, served) = (app.library.clone(), app.jobs.clone());
    let collections = app.collections.clone();
    let done = move || {
        let mut roots: Vec<PathBuf> = Vec::new();
        if let Some(served) = &served {
            let folders = served.folders.list()?.into_iter();
            let own = folders.filter(|folder| folder.record.new.collection == name);
            roots.extend(own.map(|folder| folder.path()));
        }
        let collection = identity_of(&library)?;
        let options = ResolveOptions {
            carry_over,
            dry_run,
            quarantine: quarantine.as_ref(),
            roots: &roots,
            collections: &collections,
            collection: (&name, &collection),
            metadata: metadata_of,
        };
        resolve(&library, &groups, &options)
    };
    let found = app.work.removing.run(move || Ok(done())).await??;
    Ok(Json(ResolveAnswer::new(found, dry_run, is_admin)))
}

/// What files were moved for duplicates of the collection.
#[utoipa::path(
    get, path = "/duplicates/resolutions", tag = "duplicates", operation_id = "list_resolutions",
    responses(
        (status = 200, description = "The newest hundred", body = ResolutionList),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(app: App, uri: Uri) -> Result<Json<ResolutionList>, Problem> {
    Params::none(&uri)?;
    let Some(quarantine) = app.quarantine.clone() else {
        return Ok(Json(ResolutionList {
            quarantine: false,
            resolutions: Vec::new(),
        }));
    };
    let library = app.library.clone();
    let list = move || quarantine.resolutions(&identity_of(&library)?, LISTED);
    let listed = app.work.light.run(move || Ok(list())).await??;
    Ok(Json(ResolutionList {
        quarantine: true,
        resolutions: listed.into_iter().map(Into::into).collect(),
    }))
}

/// Puts the files of a resolution back where they were, and stores their pictures again with their labels. What the kept
/// picture took over stays with it.
#[utoipa::path(
    post, path = "/duplicates/undo", tag = "duplicates", operation_id = "undo_resolution",
    request_body = UndoWanted,
    responses(
        (status = 200, description = "What was put back", body = UndoAnswer),
        (status = 404, description = "There is no such resolution of this collection", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The JSON cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn undo(
    app: App,
    caller: Caller,
    request: Request,
) -> Result<Json<UndoAnswer>, Problem> {
    let request = bare(request).await?;
    let form = "{\"resolution\": \"…\"}";
    let UndoWanted { resolution } = access::body(&app, request, UNDO_BYTES, form).await?;
    let quarantine = quarantine_for(&app, &caller)?;
    let served = app.served()?.clone();
    let (library, collections) = (app.library.clone(), app.collections.clone());
    let (name, asked) = (app.collection.clone(), resolution.clone());
    let is_admin = caller.is_admin();
    let done = move || {
        let collection = identity_of(&library)?;
        let returning = Return {
            quarantine: &quarantine,
            collections: &collections,
            folders: &served.folders,
            config: &served.config,
            metadata: metadata_of,
        };
        returning.undo(&library.shared(), (&name, &collection), &asked)
    };
    let undone = app.work.removing.run(move || Ok(done())).await??;
    Ok(Json(UndoAnswer::new(resolution, undone, is_admin)))
}

/// A request without parameters, of which a misspelt one must not be passed over.
async fn bare(request: Request) -> Result<Request, Problem> {
    match Params::none(request.uri()) {
        Ok(()) => Ok(request),
        Err(problem) => {
            intake::discard(request.into_body()).await;
            Err(problem)
        }
    }
}

/// The quarantine, for somebody who may have files moved.
fn quarantine_for(app: &App, caller: &Caller) -> Result<Quarantine, Problem> {
    let Some(quarantine) = app.quarantine.clone() else {
        let detail = "The server was started without a folder for files of duplicates.";
        return Err(Problem::new(Code::QuarantineOff, detail));
    };
    if !caller.allows(Scope::Admin) {
        let detail = "Files are moved for keys with the scope admin.";
        return Err(Problem::new(Code::KeyNotAllowed, detail));
    }
    Ok(quarantine)
}

fn groups_of(wanted: &[crate::wire::GroupWanted]) -> Result<Vec<Group>, Problem> {
    let pictures: usize = wanted.iter().map(|group| group.remove.len()).sum();
    if wanted.is_empty() || wanted.len() > MOST_GROUPS || pictures > MOST_PICTURES {
        let detail = format!(
            "\"groups\" must have 1 to {MOST_GROUPS} groups with {MOST_PICTURES} pictures to remove at most"
        );
        return Err(bad_body(&detail));
    }
    let mut groups = Vec::with_capacity(wanted.len());
    for group in wanted {
        if group.remove.is_empty() {
            return Err(bad_body("A group has nothing to remove"));
        }
        let remove = group.remove.iter().map(|id| picture_id("remove", id));
        groups.push(Group {
            keep: picture_id("keep", &group.keep)?,
            remove: remove.collect::<Result<_, _>>()?,
        });
    }
    if !stands_once(&groups) {
        return Err(bad_body("A picture stands in the groups more than once"));
    }
    Ok(groups)
}
