//! Resolving groups of duplicates: one after the other, and without files many in one commit.

use std::collections::HashSet;
use std::mem;

use resight_engine::{
    EngineError, LabelPatch, Labels, LabelsThen, Library, Picture, PictureId, Superseded,
    Supersession, Tag,
};

use super::bringing::{bring, record, take_back};
use super::carried::missing_labels;
use super::log::{Line, Log};
use super::planning::{Planned, Refusal, plan};
use super::sharing::Others;
use super::{Group, ResolveOptions, Resolved, ResolvedGroup, ResolvedPicture};
use crate::{AppError, Code};

/// Pictures without moved files that are removed in one commit.
const AT_ONCE: usize = 1000;

/// Removes pictures in favour of those that are kept, or tells what that would do. A failure in the middle ends it:
/// what was done by then is in the answer, and the rest is refused.
///
/// # Errors
/// `unknown_picture` where one that is to be kept is not stored, `quarantine_gone`, `quarantine_failed`, `store_full`,
/// `busy` while folders of the collection are looked through or files of it moved, and those of the store: then nothing
/// is done.
pub fn resolve(
    library: &Library,
    groups: &[Group],
    options: &ResolveOptions<'_>,
) -> Result<Resolved, AppError> {
    let (name, collection) = options.collection;
    let moving = options.quarantine.filter(|_| !options.dry_run);
    // Who looks through a folder must not take for gone what may be moved back.
    let indexing = options.collections.indexing(name);
    let _alone = match moving {
        Some(quarantine) => {
            let held = indexing.try_lock_for(quarantine.0.patience);
            Some(held.ok_or_else(|| AppError::FoldersInUse(name.clone()))?)
        }
        None => None,
    };
    for group in groups {
        library.picture(&group.keep)?;
    }
    if let Some(quarantine) = options.quarantine {
        quarantine.check_writable()?;
    }
    // Before anything is changed: a quarantine that takes nothing refuses the request as a whole.
    let begun = moving.map(|quarantine| quarantine.begin(collection));
    Ok(all(library, groups, options, begun.transpose()?))
}

/// Resolves the groups as far as that goes. `log`: where it is recorded that files are moved.
pub(super) fn all(
    library: &Library,
    groups: &[Group],
    options: &ResolveOptions<'_>,
    log: Option<Log>,
) -> Resolved {
    let mut work = Work {
        library,
        options,
        log,
        others: Others::default(),
        elsewhere: HashSet::new(),
        is_on_record: false,
        broken: None,
        done: Vec::with_capacity(groups.len()),
        committed: 0,
        open: 0,
    };
    if work.log.is_none() {
        work.look_elsewhere(groups);
    }
    for group in groups {
        work.group(group);
    }
    work.commit();
    work.end()
}

struct Work<'a> {
    library: &'a Library,
    options: &'a ResolveOptions<'a>,
    /// Where files are moved.
    log: Option<Log>,
    others: Others,
    /// Paths at which other collections have pictures.
    elsewhere: HashSet<String>,
    /// The log has something that can be undone.
    is_on_record: bool,
    /// A failure after which nothing more is begun.
    broken: Option<Refusal>,
    /// In the order of the request.
    done: Vec<GroupWork>,
    /// So many of them are committed.
    committed: usize,
    /// Pictures of the others.
    open: usize,
}

/// A group, and how far each of its pictures has come.
struct GroupWork {
    keep: PictureId,
    /// What the kept picture takes over.
    patch: LabelPatch,
    /// Those that are removed, or were refused.
    remove: Vec<Result<Planned, ResolvedPicture>>,
}

impl GroupWork {
    fn planned(&self) -> impl Iterator<Item = &Planned> {
        self.remove.iter().flatten()
    }

    /// Pictures get the labels that they are stored with by now. Returns those that had others.
    fn relabel(&mut self, now: &LabelsThen) -> Vec<Line> {
        let mut changed = Vec::new();
        for planned in self.remove.iter_mut().flatten() {
            if let Some(labels) = now.removed.get(&planned.picture.id)
                && *labels != planned.picture.labels
            {
                planned.picture.labels = labels.clone();
                changed.push(Line::of(&planned.picture));
            }
        }
        changed
    }

    /// Refuses those that are not refused yet.
    fn refuse(&mut self, refuse: impl Fn(Planned) -> ResolvedPicture) {
        let remove = mem::take(&mut self.remove).into_iter();
        self.remove = remove
            .map(|one| Err(one.map_or_else(|refused| refused, &refuse)))
            .collect();
    }
}

impl Work<'_> {
    fn look_elsewhere(&mut self, groups: &[Group]) {
        if self.options.quarantine.is_none() || self.broken.is_some() {
            return;
        }
        match self.others.known(self.library, groups, self.options) {
            Ok(known) => self.elsewhere = known,
            Err(why) => self.broken = Some(why),
        }
    }

    fn group(&mut self, group: &Group) {
        // As late as can be: others index meanwhile.
        if self.log.is_some() {
            self.look_elsewhere(std::slice::from_ref(group));
        }
        let mut one = self.planned(group);
        if self.log.is_some() {
            let remove = mem::take(&mut one.remove).into_iter();
            let moved = remove.map(|one| one.and_then(|planned| self.move_files(planned)));
            one.remove = moved.collect();
            // From those alone whose files were moved.
            match self.taken_over(&one) {
                Ok(patch) => one.patch = patch,
                Err(why) => self.refuse(&mut one, &why),
            }
        }
        self.open += one.planned().count();
        self.done.push(one);
        if self.log.is_some() || self.open >= AT_ONCE {
            self.commit();
        }
    }

    /// Looks at the pictures of a group.
    fn planned(&self, group: &Group) -> GroupWork {
        let found = group
            .remove
            .iter()
            .map(|id| match self.library.picture(id) {
                Ok(picture) => plan(picture, self.options, &self.elsewhere),
                Err(EngineError::UnknownPicture(id)) => {
                    let detail = format!("no picture has the id {id}");
                    Err(refused(id, (Code::UnknownPicture, detail)))
                }
                Err(error) => Err(refused(id.clone(), failure(&error))),
            });
        let mut one = GroupWork {
            keep: group.keep.clone(),
            patch: LabelPatch::default(),
            remove: found.collect(),
        };
        let patch = match &self.broken {
            Some(why) => Err(why.clone()),
            None => self.taken_over(&one),
        };
        match patch {
            Ok(patch) => one.patch = patch,
            Err(why) => one.refuse(|planned| planned.refused(why.clone())),
        }
        one
    }

    /// What the kept picture lacks of labels of the others; a refusal where it is not stored, or cannot have them.
    fn taken_over(&self, one: &GroupWork) -> Result<LabelPatch, Refusal> {
        let keep: Picture = match self.library.picture(&one.keep) {
            Err(EngineError::UnknownPicture(_)) => return Err(kept_unknown()),
            found => found.map_err(|error| failure(&error))?,
        };
        let removed: Vec<&Labels> = one.planned().map(|one| &one.picture.labels).collect();
        if !self.options.carry_over {
            return Ok(LabelPatch::default());
        }
        let patch = missing_labels(&keep.labels, &removed, self.options.metadata);
        match keep.labels.tags.len() + patch.add_tags.len() > Tag::MOST {
            true => Err(too_many_tags()),
            false => Ok(patch),
        }
    }

    /// Moves a picture's files; what fails leaves it with its files where they were.
    fn move_files(&mut self, mut planned: Planned) -> Result<Planned, ResolvedPicture> {
        let (Some(log), Some(quarantine)) = (&mut self.log, self.options.quarantine) else {
            return Ok(planned);
        };
        if let Some(why) = &self.broken {
            return Err(planned.refused(why.clone()));
        }
        if let Err(error) = record(log, quarantine.folder(), &mut planned) {
            let why = broken(&error);
            self.broken = Some(why.clone());
            return Err(planned.refused(why));
        }
        let mut files = planned.files.iter().filter(|file| file.moves());
        match files.try_for_each(|file| bring(self.library, file, &planned.picture)) {
            Ok(()) => Ok(planned),
            Err(why) => Err(self.keep(planned, why)),
        }
    }

    /// Refuses a picture that was not removed, with its files where they were.
    fn keep(&mut self, planned: Planned, why: Refusal) -> ResolvedPicture {
        if self.log.is_none() {
            return planned.refused(why);
        }
        let stored = self.library.picture(&planned.picture.id).ok();
        let has_upload = stored.as_ref().is_some_and(|picture| picture.uploaded);
        match (take_back(planned, has_upload, why), stored) {
            (Ok(refused), Some(picture)) => {
                let id = picture.id.to_string();
                // Undoing looks at what is stored and where files lie, and does without this line.
                self.note(vec![Line::Kept { id }]);
                refused
            }
            // Undoing looks again.
            (Ok(refused) | Err(refused), _) => {
                self.is_on_record = true;
                refused
            }
        }
    }

    fn refuse(&mut self, one: &mut GroupWork, why: &Refusal) {
        let remove = mem::take(&mut one.remove).into_iter();
        let kept = remove.map(|one| one.and_then(|planned| Err(self.keep(planned, why.clone()))));
        one.remove = kept.collect();
        one.patch = LabelPatch::default();
    }

    /// Returns whether they are on record, or none are to be.
    fn note(&mut self, lines: Vec<Line>) -> bool {
        if let Some(log) = &mut self.log
            && !lines.is_empty()
            && let Err(error) = log.write(&lines)
        {
            self.broken = Some(broken(&error));
            return false;
        }
        true
    }

    /// Removes what was not removed yet.
    fn commit(&mut self) {
        self.open = 0;
        let mut groups = self.done.split_off(self.committed);
        if !self.options.dry_run {
            self.supersede(&mut groups);
        }
        self.done.append(&mut groups);
        self.committed = self.done.len();
    }

    fn supersede(&mut self, groups: &mut [GroupWork]) {
        let mut open: Vec<&mut GroupWork> = groups
            .iter_mut()
            .filter(|one| one.planned().next().is_some())
            .collect();
        let wanted = open.iter().map(|one| Supersession {
            keep: one.keep.clone(),
            remove: one.planned().map(|one| one.picture.id.clone()).collect(),
        });
        let wanted: Vec<Supersession> = wanted.collect();
        let (library, options) = (self.library, self.options);
        // By the labels of this moment: others may have given some since the pictures were looked at, and moving takes time.
        let mut patch = |number: usize, now: &LabelsThen| {
            let one: &mut GroupWork = open.get_mut(number)?;
            let changed = one.relabel(now);
            // Labels that the log has not must not go.
            if !self.note(changed) {
                return None;
            }
            one.patch = match options.carry_over {
                true => {
                    let removed: Vec<&Labels> =
                        one.planned().map(|one| &one.picture.labels).collect();
                    missing_labels(&now.kept, &removed, options.metadata)
                }
                false => LabelPatch::default(),
            };
            Some(one.patch.clone())
        };
        let outcomes = match library.supersede(&wanted, &mut patch) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let why = failure(&error);
                self.broken = Some(why.clone());
                open.iter_mut().for_each(|one| self.refuse(one, &why));
                return;
            }
        };
        for (one, outcome) in open.iter_mut().zip(outcomes) {
            match outcome {
                Superseded::Done => self.removed(one),
                Superseded::KeptUnknown => self.refuse(one, &kept_unknown()),
                Superseded::TooManyTags => self.refuse(one, &too_many_tags()),
                Superseded::NoPatch => {
                    let why = self.broken.clone().unwrap_or_else(kept_unknown);
                    self.refuse(one, &why);
                }
            }
        }
    }

    fn removed(&mut self, one: &GroupWork) {
        if self.log.is_some() {
            self.is_on_record = true;
            let ids = one.planned().map(|one| one.picture.id.to_string());
            self.note(ids.map(|id| Line::Removed { id }).collect());
        }
    }

    fn end(self) -> Resolved {
        let resolution = match self.log {
            Some(log) if self.is_on_record => Some(log.id),
            Some(log) => {
                log.discard();
                None
            }
            None => None,
        };
        let groups = self.done.into_iter().map(|one| ResolvedGroup {
            keep: one.keep,
            carried_over: !one.patch.is_empty(),
            remove: one
                .remove
                .into_iter()
                .map(|one| one.map_or_else(|refused| refused, |planned| planned.done(None)))
                .collect(),
        });
        Resolved {
            resolution,
            groups: groups.collect(),
        }
    }
}

fn refused(id: PictureId, why: Refusal) -> ResolvedPicture {
    ResolvedPicture {
        id,
        name: String::new(),
        refusal: Some(why),
        returns: false,
        files: Vec::new(),
    }
}

fn kept_unknown() -> Refusal {
    let detail = "the picture that was to be kept is not stored any more";
    (Code::UnknownPicture, detail.to_owned())
}

fn too_many_tags() -> Refusal {
    let detail = "the kept picture would have too many tags";
    (Code::TooManyTags, detail.to_owned())
}

/// The store's own words are for the log.
fn failure(error: &EngineError) -> Refusal {
    tracing::error!(%error, "pictures were not removed");
    let code = Code::from(error);
    (code, code.title().to_owned())
}

fn broken(error: &AppError) -> Refusal {
    tracing::error!(%error, "files of duplicates are not moved");
    (error.code(), error.to_string())
}

/// Whether no picture stands twice in a request, as kept or as removed.
pub fn stands_once(groups: &[Group]) -> bool {
    let mut seen = HashSet::new();
    groups
        .iter()
        .flat_map(|group| group.remove.iter().chain([&group.keep]))
        .all(|id| seen.insert(id))
}
