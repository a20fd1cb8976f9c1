// The collections of the server, as the header and their own view list them.

import { collection, need, type Schemas, server } from '../api/server';

class Collections {
  all = $state.raw<Schemas['Collection'][] | null>(null);

  /** Their names, with that of the shown one while nothing else is known. */
  get names(): string[] { return [...new Set([...(this.all ?? []).map((one) => one.name), collection])]; }

  async load(): Promise<void> {
    this.all = (await need(server.GET('/v1/collections'))).collections;
  }

  async create(name: string): Promise<void> {
    await server.PUT('/v1/collections/{collection}', { params: { path: { collection: name } } });
    await this.load();
  }

  /** Its pictures, decisions and jobs follow; addresses with the old name lead nowhere from then on. */
  async rename(from: string, to: string): Promise<void> {
    await need(server.PATCH('/v1/collections/{collection}', { params: { path: { collection: from } }, body: { name: to } }));
    if (from !== collection) await this.load();
  }

  async remove(name: string): Promise<void> {
    await server.DELETE('/v1/collections/{collection}', { params: { path: { collection: name } } });
    if (name !== collection) await this.load();
  }
}

export const collections = new Collections();
