// Groups of duplicates, what is to be kept of each, and what was removed.

import { type DuplicateGroup, fileOf, need, type Picture, pictures, send } from '../api/server';
import { carriedOver, COPIES, keeperOf, type Rule } from '../pure/keep';
import { library } from './library.svelte';
import { notices } from './notices.svelte';
import { search } from './search.svelte';

const PAGE = 50;
const MOST = 500;
export const KINDS = ['identical', 're-encoded', 'derivative', 'edited', 'cropped', 'same_scene'] as const;
/** Files of removed pictures are kept in this page up to so many bytes, so that a removal can be undone. */
export const UNDO_BYTES = 250_000_000;

interface Removed { image: Picture; file: File }
interface LabelsBefore { id: string; tags: string[]; object: string | null; metadata: Record<string, unknown> | null }
/** A removal as it can be undone. */
interface Undo { removed: Removed[]; labels: LabelsBefore[] }

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

  /** Removes what is chosen; what goes with it to the kept picture first. */
  async remove(): Promise<number> {
    const ids = [...this.chosen];
    const { members } = this;
    const size = ids.reduce((sum, id) => sum + (members.get(id)?.bytes ?? 0), 0);
    const undo: Undo = { removed: [], labels: [] };
    this.progress = { done: 0, total: ids.length };
    let removed = 0;
    try {
      if (this.carry) await this.carryOver(undo);
      for (const id of ids) {
        const image = members.get(id);
        if (image && size <= UNDO_BYTES) {
          const blob = await fetch(fileOf(id)).then((answer) => (answer.ok ? answer.blob() : null), () => null);
          if (blob) undo.removed.push({ image, file: new File([blob], image.name, { type: image.media_type }) });
        }
        const gone = await library.remove([id]);
        if (!gone) break;
        removed += gone;
        this.progress = { done: removed, total: ids.length };
      }
    } catch (error) {
      notices.fail(error);
    } finally {
      this.progress = null;
      this.chooseNone();
      this.undoable = undo.removed.length ? undo : null;
      this.refresh();
    }
    return removed;
  }

  private async carryOver(undo: Undo): Promise<void> {
    for (const group of this.groups) {
      const gone = group.members.filter((member) => this.chosen.has(member.image.id)).map((member) => member.image);
      const stays = group.members.filter((member) => !this.chosen.has(member.image.id)).map((member) => member.image);
      const kept = stays.find((image) => image.id === this.keeper(group)) ?? stays[0];
      if (!gone.length || !kept) continue;
      const change = carriedOver(kept, gone);
      if (!change) continue;
      undo.labels.push({ id: kept.id, tags: kept.tags, object: kept.object, metadata: kept.metadata });
      await need(pictures.PATCH('/v1/images/{id}', { params: { path: { id: kept.id } }, body: change }));
    }
  }

  /** Adds what was removed again, with its labels, and gives the kept ones theirs back. Returns how many came back. */
  async undo(): Promise<number> {
    const last = this.undoable;
    if (!last) return 0;
    this.undoable = null;
    this.progress = { done: 0, total: last.removed.length };
    let done = 0;
    try {
      for (const { image, file } of last.removed) {
        const form = new FormData();
        for (const tag of image.tags) form.append('tag', tag);
        if (image.object) form.append('object', image.object);
        if (image.metadata) form.append('metadata', JSON.stringify(image.metadata));
        form.append('file', file, file.name);
        await send('images', { method: 'POST', body: form });
        done += 1;
        this.progress = { done, total: last.removed.length };
      }
      for (const { id, tags, object, metadata } of last.labels) await need(pictures.PATCH('/v1/images/{id}', { params: { path: { id } }, body: { tags, object, metadata } }));
    } catch (error) {
      notices.fail(error);
    } finally {
      this.progress = null;
      search.forget();
      this.refresh();
    }
    return done;
  }
}

export const duplicates = new Duplicates();
