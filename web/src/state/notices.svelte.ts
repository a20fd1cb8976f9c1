// Short notices at the edge of the page, and problems at its top.

import { Problem, type ProblemFacts, told } from '../api/server';
import { m } from '../paraglide/messages.js';

export interface Notice { id: number; text: string; undo?: () => void; bad?: boolean }

const STAYS = 8000;

class Notices {
  list = $state<Notice[]>([]);
  problem = $state.raw<{ facts: ProblemFacts; retry?: () => void } | null>(null);
  private next = 1;

  tell(text: string, more: { undo?: () => void; bad?: boolean } = {}): void {
    const id = this.next;
    this.next += 1;
    this.list.push({ id, text, ...more });
    setTimeout(() => this.drop(id), STAYS);
  }

  drop(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }

  fail(error: unknown, retry?: () => void): void {
    const facts = factsOf(error);
    // The dialog asks for a key, and the bar says that the server is gone.
    if (!facts || facts.code === 'key_missing') return;
    this.problem = { facts, retry };
  }
}

/** What went wrong, in the words of the page's language where they are its own; null for a request that was given up. */
export function factsOf(error: unknown): ProblemFacts | null {
  if (error instanceof DOMException && error.name === 'AbortError') return null;
  if (!(error instanceof Problem)) {
    console.error(error);
    return { title: m.broken_title(), detail: String(error), next_step: m.broken_step() };
  }
  if (error.facts.code === 'no_answer') return { title: m.no_answer_title(), detail: m.no_answer_detail(), next_step: m.no_answer_step() };
  if (error.facts.code === 'bad_answer') return { title: m.bad_answer_title(), detail: m.bad_answer_detail({ status: String(error.facts.status ?? '') }), next_step: m.bad_answer_step() };
  return error.facts;
}

/** The same as one text, for a place that has no room for a banner. */
export function reasonOf(error: unknown): string {
  const facts = factsOf(error);
  return [facts?.detail || facts?.title, facts?.next_step].filter(Boolean).join(' ');
}

export const notices = new Notices();

class Connection {
  lost = $state(false);
  private asking = false;

  start(): void {
    told.lost = () => {
      this.lost = true;
      if (!this.asking) void this.ask();
    };
    told.answered = () => { this.lost = false; };
  }

  private async ask(): Promise<void> {
    this.asking = true;
    while (this.lost) {
      await new Promise((done) => setTimeout(done, 3000));
      const answer = await fetch('livez').catch(() => null);
      if (answer?.ok) this.lost = false;
    }
    this.asking = false;
  }
}

export const connection = new Connection();
