// The chosen pictures taken elsewhere: into an archive of their files, or into another collection.

import { address, fetched, fileOf, need, type Picture, server } from '../api/server';

/** Archives up to this size are put together in the page, which can say then why one was refused. */
const IN_PAGE = 256_000_000;
/** Ids that an address has room for. */
const IN_ADDRESS = 50;

function save(at: string, name: string): void {
  const link = document.createElement('a');
  link.href = at;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Saves the files of pictures, or of all that meet a condition, as one archive. */
export async function archive(wanted: { ids: readonly string[] } | { condition: readonly [string, string][] }): Promise<void> {
  const fields = new URLSearchParams('ids' in wanted ? wanted.ids.map((id) => ['id', id]) : wanted.condition.map((pair) => [...pair]));
  const controller = new AbortController();
  const response = await fetched(address('images/download'), { method: 'POST', body: fields, signal: controller.signal });
  const size = Number(response.headers.get('x-resight-bytes') ?? 0);
  if (size > IN_PAGE && fields.size <= IN_ADDRESS) {
    controller.abort();
    save(`${address('images/download')}?${fields}`, 'resight-pictures.zip');
    return;
  }
  const url = URL.createObjectURL(await response.blob());
  save(url, 'resight-pictures.zip');
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Adds pictures with their labels to another collection, which is made where there is none; says how many are there then. */
export async function copyTo(collection: string, images: readonly Picture[], progress: (done: number) => void): Promise<void> {
  const { collections } = await need(server.GET('/v1/collections'));
  if (!collections.some((one) => one.name === collection)) await server.PUT('/v1/collections/{collection}', { params: { path: { collection } } });
  let done = 0;
  for (const image of images) {
    const form = new FormData();
    for (const tag of image.tags) form.append('tag', tag);
    if (image.object) form.append('object', image.object);
    if (image.metadata) form.append('metadata', JSON.stringify(image.metadata));
    form.append('file', await (await fetched(fileOf(image.id))).blob(), image.name);
    await fetched(address('images', collection), { method: 'POST', body: form });
    done += 1;
    progress(done);
  }
}
