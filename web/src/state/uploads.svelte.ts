// Pictures that were searched by without being stored. This browser keeps them for some days, so that an address with
// such a query can be opened again here. Nobody else can open it.

export interface Upload { key: string; file: File; url: string }
interface Kept { key: string; file: File; since: number }

/** Days that this browser keeps an upload. */
export const KEPT_DAYS = 7;
const MOST = 24;
const TABLE = 'uploads';

const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((well, badly) => {
  request.onsuccess = () => well(request.result);
  request.onerror = () => badly(request.error);
});

let opened: Promise<IDBDatabase> | null = null;
async function table(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  opened ??= new Promise((well, badly) => {
    const request = indexedDB.open('resight', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: 'key' });
    request.onsuccess = () => well(request.result);
    request.onerror = () => badly(request.error);
  });
  return (await opened).transaction(TABLE, mode).objectStore(TABLE);
}

/** A key that no id of a stored picture can be. */
const newKey = (): string => `u${[...crypto.getRandomValues(new Uint8Array(10))].map((byte) => byte.toString(36).padStart(2, '0')).join('')}`;
export const isUpload = (key: string): boolean => /^u[0-9a-z]{20}$/.test(key);

class Uploads {
  private known = $state.raw<ReadonlyMap<string, Upload>>(new Map());

  add(file: File): Upload {
    const upload = this.put(newKey(), file);
    // Without storage, as in some private windows, it lasts as long as the page.
    void this.keep(upload).catch(() => {});
    return upload;
  }

  /** One that was added or loaded before. */
  get(key: string | null): Upload | null {
    return (key && this.known.get(key)) || null;
  }

  /** The same, of earlier visits too. */
  async load(key: string): Promise<Upload | null> {
    const known = this.known.get(key);
    if (known) return known;
    const kept = await table('readonly').then((store) => done<Kept | undefined>(store.get(key))).catch(() => undefined);
    return kept ? this.put(key, kept.file) : null;
  }

  /** Forgets all of them, in this browser at once. */
  async forgetAll(): Promise<void> {
    for (const { url } of this.known.values()) URL.revokeObjectURL(url);
    this.known = new Map();
    await table('readwrite').then((store) => done(store.clear())).catch(() => {});
  }

  private put(key: string, file: File): Upload {
    const upload = { key, file, url: URL.createObjectURL(file) };
    this.known = new Map([...this.known, [key, upload]]);
    return upload;
  }

  private async keep({ key, file }: Upload): Promise<void> {
    const store = await table('readwrite');
    await done(store.put({ key, file, since: Date.now() } satisfies Kept));
    const all = await done<Kept[]>((await table('readonly')).getAll());
    const oldest = Date.now() - KEPT_DAYS * 86_400_000;
    const gone = all.sort((a, b) => b.since - a.since).filter((one, i) => i >= MOST || one.since < oldest);
    for (const one of gone) await done((await table('readwrite')).delete(one.key));
  }
}

export const uploads = new Uploads();
