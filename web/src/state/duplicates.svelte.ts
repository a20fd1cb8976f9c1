// Groups of duplicates, what is to be kept of each, and what was removed.

import { type DuplicateGroup, fileOf, need, type Picture, pictures } from '../api/server';
import { COPIES, keeperOf, type Rule } from '../pure/keep';
import { partsOf, type Wanted, wantedOf } from '../pure/resolve';
import { library } from './library.svelte';
import { notices, reasonOf } from './notices.svelte';
import { add, addAgain, emptyResolved, type Files, labelAgain, type NotRestored, putBack, type Resolved } from './resolutions';
import { search } from './search.svelte';
import { session } from './session.svelte';

const PAGE = 50;
const MOST = 500;
export const KINDS = ['identical', 're-encoded', 'derivative', 'edited', 'cropped', 'same_scene'] as const;
/** Files of removed pictures are kept in this page up to so many bytes, so that a removal can be undone. */
export const UNDO_BYTES = 250_000_000;

/** A removal as it can be undone: by the server, which moved files, or by files that this page holds. */
interface Undo { count: number; resolutions?: string[]; files?: { image: Picture; file: File }[]; labels?: Picture[] }

export const keyOf = (group: DuplicateGroup): string => group.members.map((member) => member.image.id).sort().join(' ');

class Duplicates {
  groups = $state.raw<DuplicateGroup[]>([]);
  total = $state<number | null>(null);
  pending = $state(0);
  kind = $state('');
  counts = $state.raw<Record<string, number>>({});
  rule = $state<Rule>('best');
  folder = $state('');
  carry = $state(true);
  chosen = $state.raw<ReadonlySet<string>>(new Set());
  /** Groups of which somebody keeps another picture than the rule says. */
  private own = $state.raw<ReadonlyMap<string, string>>(new Map());
  busy = $state(false);
  progress = $state<{ done: number; total: number } | null>(null);
  undoable = $state.raw<Undo | null>(null);
  /** Whether the server moves files; null until it has told. */
  quarantine = $state<boolean | null>(null);
  private turn = 0;
  private before: ReadonlySet<string>[] = [];

  get more(): boolean { return this.total !== null && this.groups.length < this.total; }
  get members(): Map<string, Picture> { return new Map(this.groups.flatMap((group) => group.members.map((member) => [member.image.id, member.image] as const))); }

  /** How many of the groups a rule decides on at once. */
  get decidable(): number {
    if (this.kind !== '') return this.total ?? 0;
    if (!this.more) return this.groups.filter((group) => COPIES.includes(group.kind)).length;
    return COPIES.reduce((sum, kind) => sum + (this.counts[kind] ?? 0), 0);
  }

  private ask = (query: { offset?: number; limit?: number; kind?: string }) => need(pictures.GET('/v1/duplicates', { params: { query: query as never } }));

  async load(restart = false): Promise<void> {
    if (restart) this.turn += 1;
    const own = this.turn;
    this.busy = true;
    try {
      // A list that was read again is as long as before.
      const limit = restart ? Math.min(MOST, Math.max(PAGE, this.groups.length)) : PAGE;
      const page = await this.ask({ offset: restart ? 0 : this.groups.length, limit, ...(this.kind ? { kind: this.kind } : {}) });
      if (own !== this.turn) return;
      const known = new Set(restart ? [] : this.groups.map(keyOf));
      this.groups = [...(restart ? [] : this.groups), ...page.groups.filter((group) => !known.has(keyOf(group)))];
      this.total = page.groups.length ? page.total : this.groups.length;
      this.pending = page.pending;
    } catch (error) {
      if (own === this.turn) notices.fail(error, () => void this.load(restart));
      throw error;
    } finally {
      if (own === this.turn) this.busy = false;
    }
  }

  /** All groups of the kind that is shown. */
  async loadAll(): Promise<void> {
    while (this.more) {
      const before = this.groups.length;
      await this.load();
      if (this.groups.length === before) break;
    }
  }

  async count(): Promise<void> {
    const found = await Promise.all(KINDS.map(async (one) => [one, (await this.ask({ limit: 1, kind: one })).total] as const));
    this.counts = Object.fromEntries(found);
  }

  refresh(): void {
    // In this order: counts from before the last groups would stay.
    this.load(true).then(() => this.count()).catch(() => {});
  }

  keeper(group: DuplicateGroup): string | null {
    return this.own.get(keyOf(group)) ?? keeperOf(group, this.rule, this.folder);
  }

  /** Whether somebody chose what is kept of a group, against the rule. */
  ownChoice(group: DuplicateGroup): boolean {
    return this.own.has(keyOf(group));
  }

  keep(group: DuplicateGroup, id: string): void {
    this.own = new Map([...this.own, [keyOf(group), id]]);
    // An accepted group stays accepted, with the other one kept.
    if (this.accepted(group)) this.accept(group);
  }

  setRule(rule: Rule): void {
    this.rule = rule;
    this.own = new Map();
  }

  private choose(next: ReadonlySet<string>): void {
    this.before = [...this.before.slice(-49), this.chosen];
    this.chosen = next;
  }

  get steps(): number { return this.before.length; }
  stepBack(): void {
    this.chosen = this.before.pop() ?? new Set();
  }

  chooseNone(): void {
    this.before = [];
    this.chosen = new Set();
  }

  toggle(id: string): void {
    const next = new Set(this.chosen);
    if (!next.delete(id)) next.add(id);
    this.choose(next);
  }

  /** Whether all of a group but one are to go. */
  accepted(group: DuplicateGroup): boolean {
    return group.members.length > 1 && group.members.filter((member) => this.chosen.has(member.image.id)).length === group.members.length - 1;
  }

  accept(group: DuplicateGroup): void {
    const kept = this.keeper(group);
    if (!kept) return;
    const ids = group.members.map((member) => member.image.id);
    this.choose(new Set([...[...this.chosen].filter((id) => id !== kept), ...ids.filter((id) => id !== kept)]));
  }

  /** Of every group that the rule may decide on, all but the one to keep. Returns how many groups it left out. */
  async acceptAll(): Promise<number> {
    await this.loadAll();
    // A picture may be in several groups: what one of them keeps is kept.
    const fit = this.groups.filter((group) => group.members.length > 1 && (this.kind !== '' || COPIES.includes(group.kind)) && this.keeper(group));
    const kept = new Set(fit.map((group) => this.keeper(group)));
    this.choose(new Set([...this.chosen, ...fit.flatMap((group) => group.members.map((member) => member.image.id))].filter((id) => !kept.has(id))));
    return this.groups.length - fit.length;
  }

  /** Whether the server moves files, and tells what it moved. */
  async askQuarantine(): Promise<void> {
    this.quarantine = (await need(pictures.GET('/v1/duplicates/resolutions'))).quarantine;
  }

  /** What removing the chosen pictures would do. */
  async preview(files: Files): Promise<Resolved> {
    const { wanted, left } = wantedOf(this.groups, this.chosen, (group) => this.keeper(group));
    const resolved = emptyResolved(left);
    for (const part of partsOf(wanted)) add(resolved, await this.resolve(part, files, true));
    return resolved;
  }

  private resolve = (groups: Wanted[], files: Files, dry_run: boolean) =>
    need(pictures.POST('/v1/duplicates/resolve', { body: { groups, files, carry_over: this.carry && session.may('add'), dry_run } }));

  /** Removes the chosen pictures. Where a request fails, `failure` has the reason and the rest what was done before it. */
  async remove(files: Files): Promise<Resolved> {
    const { wanted, left } = wantedOf(this.groups, this.chosen, (group) => this.keeper(group));
    const { members } = this;
    const resolved = emptyResolved(left);
    const total = wanted.reduce((sum, { remove }) => sum + remove.length, 0);
    this.progress = { done: 0, total };
    try {
      const held = files === 'keep' ? await this.hold(wanted.flatMap(({ remove }) => remove)) : new Map<string, File>();
      for (const part of partsOf(wanted)) {
        add(resolved, await this.resolve(part, files, false));
        this.progress = { done: resolved.removed + resolved.refused, total };
      }
      this.undoable = this.undoOf(resolved, held, members);
    } catch (error) {
      resolved.failure = reasonOf(error);
      if (resolved.resolutions.length) this.undoable = this.undoOf(resolved, new Map(), members);
    } finally {
      this.progress = null;
      library.forget(resolved.groups.flatMap(({ remove }) => remove.filter((one) => one.removed).map(({ id }) => id)));
      this.chooseNone();
      this.refresh();
    }
    return resolved;
  }

  /** The files of pictures, up to a size, so that their removal can be undone. */
  private async hold(ids: readonly string[]): Promise<Map<string, File>> {
    const held = new Map<string, File>();
    const images = ids.flatMap((id) => this.members.get(id) ?? []);
    if (images.reduce((sum, { bytes }) => sum + bytes, 0) > UNDO_BYTES) return held;
    for (const image of images) {
      const blob = await fetch(fileOf(image.id)).then((answer) => (answer.ok ? answer.blob() : null), () => null);
      if (blob) held.set(image.id, new File([blob], image.name, { type: image.media_type }));
      if (this.progress) this.progress = { ...this.progress, done: held.size };
    }
    return held;
  }

  private undoOf({ groups, resolutions, removed }: Resolved, held: ReadonlyMap<string, File>, members: ReadonlyMap<string, Picture>): Undo | null {
    if (resolutions.length) return { resolutions, count: removed };
    const gone = groups.flatMap(({ remove }) => remove.filter((one) => one.removed));
    const files = gone.flatMap(({ id }) => {
      const [image, file] = [members.get(id), held.get(id)];
      return image && file ? [{ image, file }] : [];
    });
    const labels = groups.flatMap(({ keep, carried_over }) => (carried_over ? (members.get(keep) ?? []) : []));
    return files.length ? { files, labels, count: files.length } : null;
  }

  /** Takes the last removal back. Says how many pictures came back, and what did not. */
  async undo(): Promise<{ pictures: number; refused: NotRestored[] }> {
    const last = this.undoable;
    if (!last) return { pictures: 0, refused: [] };
    this.undoable = null;
    this.progress = { done: 0, total: last.count };
    let pictures = 0;
    const refused: NotRestored[] = [];
    try {
      for (const resolution of last.resolutions ?? []) {
        const came = await putBack(resolution);
        pictures += came.pictures;
        refused.push(...came.refused);
      }
      for (const { image, file } of last.files ?? []) {
        await addAgain(image, file);
        pictures += 1;
        this.progress = { done: pictures, total: last.count };
      }
      for (const image of last.labels ?? []) await labelAgain(image);
    } catch (error) {
      notices.fail(error);
    } finally {
      this.progress = null;
      search.forget();
      this.refresh();
    }
    return { pictures, refused };
  }
}

export const duplicates = new Duplicates();
