// What people have decided about pairs: two pictures are no match, or show the same thing.

import { type Picture, need, pictures } from '../api/server';
import { m } from '../paraglide/messages.js';
import { notices, reasonOf } from './notices.svelte';
import { search } from './search.svelte';

/** Marks a pair as no match; the notice offers to take it back. */
export async function notMatch(a: string, b: string, changed: () => void = () => {}): Promise<boolean> {
  try {
    await need(pictures.POST('/v1/not-a-match', { body: { a, b } }));
    search.forget();
    changed();
    notices.tell(m.decided(), { undo: () => void takeBack(a, b, changed) });
    return true;
  } catch (error) {
    notices.fail(error);
    return false;
  }
}

/** Takes that back; with `again` the notice offers to decide so once more. */
export async function takeBack(a: string, b: string, changed: () => void = () => {}, again?: () => void): Promise<void> {
  try {
    await need(pictures.DELETE('/v1/not-a-match', { body: { a, b } }));
    search.forget();
    changed();
    notices.tell(m.taken_back(), { undo: again });
  } catch (error) {
    notices.fail(error);
  }
}

const setObject = (id: string, object: string | null) => need(pictures.PATCH('/v1/images/{id}', { params: { path: { id } }, body: { object } }));

/** Makes pictures pictures of one object; the notice offers to take it back. Says what went wrong, or nothing. */
export async function sameThing(images: readonly Picture[], object: string): Promise<string | null> {
  const before = images.filter((image) => image.object !== object).map(({ id, object: old }) => ({ id, old }));
  const back = async () => {
    try {
      for (const { id, old } of before) await setObject(id, old);
      search.forget();
      notices.tell(m.same_taken_back());
    } catch (error) {
      notices.fail(error);
    }
  };
  try {
    for (const { id } of before) await setObject(id, object);
    search.forget();
    notices.tell(m.same_done({ name: object }), { undo: () => void back() });
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Gives pictures an object and further tags; the notice offers to take both back. Says what went wrong, or nothing. */
export async function labelAll(images: readonly Picture[], { object, tags }: { object: string | null; tags: readonly string[] }, progress: (done: number) => void): Promise<string | null> {
  const changed: Picture[] = [];
  const back = async () => {
    try {
      for (const { id, tags: before, object: old } of changed) await need(pictures.PATCH('/v1/images/{id}', { params: { path: { id } }, body: { tags: before, object: old } }));
      search.forget();
      notices.tell(m.label_taken_back());
    } catch (error) {
      notices.fail(error);
    }
  };
  try {
    for (const image of images) {
      await need(pictures.PATCH('/v1/images/{id}', { params: { path: { id: image.id } }, body: { ...(object ? { object } : {}), ...(tags.length ? { add_tags: [...tags] } : {}) } }));
      changed.push(image);
      progress(changed.length);
    }
    search.forget();
    notices.tell(m.labelled({ count: changed.length }), { undo: () => void back() });
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}
