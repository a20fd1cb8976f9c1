// Parts of a stored picture that somebody gave a name. They are kept in the picture's metadata, under `zones`, so that
// they are exported and backed up with it, and everybody sees them.

import { need, pictures } from '../api/server';
import { notices } from './notices.svelte';

/** `region` as the API takes it, in percent; around the polygon where there is one. */
export interface KeptZone { name: string; region: string; polygon: string | null }

const isZone = (value: unknown): value is KeptZone => {
  const zone = value as KeptZone | null;
  return typeof zone === 'object' && zone !== null && typeof zone.name === 'string' && typeof zone.region === 'string';
};
const zonesIn = (metadata: Record<string, unknown> | null): KeptZone[] => (Array.isArray(metadata?.zones) ? metadata.zones.filter(isZone).map((zone) => ({ ...zone, polygon: zone.polygon ?? null })) : []);

const metadataOf = async (id: string): Promise<Record<string, unknown> | null> => (await need(pictures.GET('/v1/images/{id}', { params: { path: { id } } }))).metadata;

export const zonesOf = async (id: string): Promise<KeptZone[]> => zonesIn(await metadataOf(id));

/** Keeps a zone, or removes the one of its name; returns all that are kept now, null after a failure. */
export async function keepZone(id: string, zone: KeptZone, { remove = false } = {}): Promise<KeptZone[] | null> {
  try {
    // Everything else that the metadata holds stays.
    const before = await metadataOf(id);
    const zones = [...zonesIn(before).filter((one) => one.name !== zone.name), ...(remove ? [] : [zone])];
    const { zones: _, ...others } = before ?? {};
    const metadata = zones.length ? { ...others, zones } : Object.keys(others).length ? others : null;
    await need(pictures.PATCH('/v1/images/{id}', { params: { path: { id } }, body: { metadata } }));
    return zones;
  } catch (error) {
    notices.fail(error);
    return null;
  }
}
