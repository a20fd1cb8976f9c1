// What people have decided about pairs: two pictures are no match.

import { need, pictures } from '../api/server';
import { m } from '../paraglide/messages.js';
import { notices } from './notices.svelte';
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

export async function takeBack(a: string, b: string, changed: () => void = () => {}): Promise<void> {
  try {
    await need(pictures.DELETE('/v1/not-a-match', { body: { a, b } }));
    search.forget();
    changed();
    notices.tell(m.taken_back());
  } catch (error) {
    notices.fail(error);
  }
}
