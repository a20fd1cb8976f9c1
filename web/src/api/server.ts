// Talking to the server. Every address is below the page's own folder, wherever a proxy has put that.

import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Picture = Schemas['Picture'];
export type Hit = Schemas['Hit'];
export type SearchAnswer = Schemas['SearchAnswer'];
export type Comparison = Schemas['Comparison'];
export type DuplicateGroup = Schemas['DuplicateGroup'];
export type Member = Schemas['Member'];
export type Job = Schemas['JobShown'];

export interface ProblemFacts { title: string; detail?: string; next_step?: string; code?: string; status?: number; traceback?: string | null }

/** A failure as the server describes it (RFC 9457), or one of our own in the same shape. */
export class Problem extends Error {
  constructor(readonly facts: ProblemFacts) {
    super(facts.title);
  }
}

/** Where the page lies, without a slash at its end. */
export const folder = new URL('.', location.href).href.replace(/\/$/, '');

export const collection = new URLSearchParams(location.search).get('collection') || 'default';

/** The address of something of a collection, of the one that is shown if no other is named; `path` begins with `images`, `search` and so on. */
export const address = (path: string, of = collection): string => (of === 'default' ? `${folder}/v1/${path}` : `${folder}/v1/collections/${encodeURIComponent(of)}/${path}`);

/** Who wants to know of requests that needed a key, or that got no answer. */
export const told = { keyWanted: (_facts: ProblemFacts) => {}, lost: () => {}, answered: () => {} };

async function asked(request: Request): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    told.lost();
    throw new Problem({ title: '', code: 'no_answer' });
  }
  told.answered();
  if (response.ok) return response;
  const facts = (await response.json().catch(() => null)) as ProblemFacts | null;
  if (response.status === 401) told.keyWanted(facts ?? { title: '' });
  throw new Problem(facts ?? { title: '', code: 'bad_answer', status: response.status });
}

/** What belongs to the whole server. */
export const server = createClient<paths>({ baseUrl: folder, fetch: asked });

/** What belongs to the collection that is shown: the same addresses, below its own. */
export const pictures = createClient<paths>({
  baseUrl: folder,
  fetch: async (request) => {
    // A request made of another one would send its body as a stream, which HTTP/1 does not know.
    const body = request.method === 'GET' ? undefined : await request.text();
    const { method, headers, signal } = request;
    return asked(new Request(address(request.url.slice(`${folder}/v1/`.length)), { method, headers, signal, body: body || undefined }));
  },
});

/** An answer that is no JSON, or one of another place than the shown collection. */
export const fetched = (at: string, init?: RequestInit): Promise<Response> => asked(new Request(at, init));

/** A request that the description of the API cannot type: forms and repeated parameters. */
export async function send<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await asked(new Request(address(path), init));
  return (response.status === 204 ? null : await response.json()) as T;
}

/** The content of an answer; a failure was thrown before. */
export async function need<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Problem({ title: '', code: 'bad_answer' });
  return data;
}

export const fileOf = (id: string): string => address(`images/${encodeURIComponent(id)}/file`);
export const thumbnailOf = (id: string, page?: number | null): string => `${address(`images/${encodeURIComponent(id)}/thumbnail`)}${page ? `?page=${page}` : ''}`;

export function fileForm(file: File): FormData {
  const form = new FormData();
  form.append('file', file, file.name || 'pasted.png');
  return form;
}
