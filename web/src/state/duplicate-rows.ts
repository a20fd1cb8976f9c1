// Groups of duplicates as rows of a table, one a picture.

import type { DuplicateGroup } from '../api/server';

export const rowsOf = (groups: readonly DuplicateGroup[], keeper: (group: DuplicateGroup) => string | null): Record<string, string | number | boolean | null>[] => groups.flatMap((group, number) => group.members.map((member) => {
  const { image } = member;
  const pair = group.pairs.find((one) => one.a === image.id || one.b === image.id);
  return {
    group: number + 1, kind: group.kind, keep: keeper(group) === image.id, id: image.id, name: image.name,
    width: image.width, height: image.height, bytes: image.bytes, media_type: image.media_type, taken: image.taken, added: image.added,
    object: image.object, tags: image.tags.join('|'), files: member.files, missing: member.missing, paths: member.paths.map((path) => path.path).join('|'),
    inliers: pair?.inliers ?? null, same_share: pair?.same_share ?? null,
  };
}));
