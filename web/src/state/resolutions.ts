// Removed duplicates as the server tells of them, and how they come back.

import { need, type Picture, pictures, type Schemas, send } from '../api/server';

export type Files = Schemas['FilesWanted'];
export type NotRestored = Schemas['NotRestored'];
export type ResolvedPicture = Schemas['ResolvedPicture'];

/** The answers of several requests as one. `left` were chosen, but nothing of their groups would stay. */
export interface Resolved { removed: number; refused: number; moved: number; bytes: number; groups: Schemas['ResolvedGroup'][]; resolutions: string[]; left: string[]; failure: string }

export const emptyResolved = (left: string[]): Resolved => ({ removed: 0, refused: 0, moved: 0, bytes: 0, groups: [], resolutions: [], left, failure: '' });

export function add(to: Resolved, { removed, refused, moved, bytes, groups, resolution }: Schemas['ResolveAnswer']): void {
  to.removed += removed;
  to.refused += refused;
  to.moved += moved;
  to.bytes += bytes;
  to.groups.push(...groups);
  if (resolution) to.resolutions.push(resolution);
}

/** Has the server put the files of a resolution back, with their pictures and labels. */
export const putBack = (resolution: string): Promise<Schemas['UndoAnswer']> => need(pictures.POST('/v1/duplicates/undo', { body: { resolution } }));

/** Adds a picture again that was removed, with its labels. */
export async function addAgain(image: Picture, file: File): Promise<void> {
  const form = new FormData();
  for (const tag of image.tags) form.append('tag', tag);
  if (image.object) form.append('object', image.object);
  if (image.metadata) form.append('metadata', JSON.stringify(image.metadata));
  form.append('file', file, file.name);
  await send('images', { method: 'POST', body: form });
}

/** Gives a picture the labels that it had. */
export const labelAgain = ({ id, tags, object, metadata }: Picture): Promise<Picture> => need(pictures.PATCH('/v1/images/{id}', { params: { path: { id } }, body: { tags, object, metadata } }));
