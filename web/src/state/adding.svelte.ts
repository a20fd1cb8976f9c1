// Pictures that are being added: one line a file, with the server's reason for each that it refuses.

import { type Schemas, fileForm, send } from '../api/server';
import { library } from './library.svelte';
import { reasonOf } from './notices.svelte';
import { routes } from './route.svelte';

export interface Line { name: string; state: 'waiting' | 'sending' | 'added' | 'present' | 'refused'; reason: string; id: string | null }
type Answer = Schemas['AddedPicture'] | Schemas['BulkAnswer'];

const AT_ONCE = 3;

class Adding {
  lines = $state<Line[]>([]);
  open = $state(false);
  private stopped = false;
  private waiting: { file: File; line: number }[] = [];
  private running = 0;

  get done(): number { return this.lines.filter((line) => !['waiting', 'sending'].includes(line.state)).length; }
  get busy(): boolean { return this.done < this.lines.length; }
  count = (state: Line['state']): number => this.lines.filter((line) => line.state === state).length;

  add(files: readonly File[]): void {
    if (!this.busy) this.lines = [];
    this.stopped = false;
    this.open = true;
    for (const file of files) {
      const path = (file as File & { webkitRelativePath?: string }).webkitRelativePath;
      this.waiting.push({ file, line: this.lines.push({ name: path || file.name, state: 'waiting', reason: '', id: null }) - 1 });
    }
    while (this.running < AT_ONCE && this.waiting.length) void this.work();
  }

  stop(): void {
    this.stopped = true;
    for (const { line } of this.waiting) this.lines.splice(line, 1, { ...this.lines[line]!, state: 'refused', reason: '' });
    this.waiting = [];
  }

  private async work(): Promise<void> {
    this.running += 1;
    for (let next = this.waiting.shift(); next && !this.stopped; next = this.waiting.shift()) await this.send(next.file, next.line);
    this.running -= 1;
    if (this.running === 0) library.reload(routes.now.filters, routes.now.sort);
  }

  private async send(file: File, at: number): Promise<void> {
    const line = this.lines[at];
    if (!line) return;
    line.state = 'sending';
    try {
      const answer = await send<Answer>('images', { method: 'POST', body: fileForm(file) });
      if ('files' in answer) {
        // An archive: a line for each picture that it holds.
        line.state = answer.added ? 'added' : answer.refused ? 'refused' : 'present';
        for (const one of answer.files) this.lines.push({ name: `${line.name}: ${one.file}`, state: one.outcome === 'added' ? 'added' : one.outcome === 'refused' ? 'refused' : 'present', reason: [one.reason, one.next_step].filter(Boolean).join(' '), id: one.id ?? null });
      } else {
        line.state = answer.already_present ? 'present' : 'added';
        line.id = answer.id;
      }
    } catch (error) {
      line.state = 'refused';
      line.reason = reasonOf(error);
    }
  }
}

export const adding = new Adding();

/** The files of a drop, those in dropped folders too. */
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => !entry?.isDirectory)) return [...transfer.files];
  const files: File[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      files.push(await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed)));
    } else if (entry.isDirectory) {
      const reader = (entry as FileSystemDirectoryEntry).createReader();
      for (;;) {
        const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
        if (!some.length) break;
        for (const one of some) await walk(one);
      }
    }
  };
  for (const entry of entries) if (entry) await walk(entry);
  return files;
}
