// What a match means, in a sentence.

import type { Hit } from '../api/server';
import { m } from '../paraglide/messages.js';
import { fixed, whole } from '../pure/numbers';
import { type Matrix, motionOf, type Place, placeOf, type Point, type Size } from '../pure/transform';
import { settings } from './settings.svelte';

export const placeName = (place: Place): string => ({
  whole: m.at_whole, most: m.at_most, centre: m.at_centre, left: m.at_left, right: m.at_right, top: m.at_top, bottom: m.at_bottom,
  upper_left: m.at_upper_left, upper_right: m.at_upper_right, lower_left: m.at_lower_left, lower_right: m.at_lower_right,
})[place]();

/** Turn, size and mirroring, as far as they are worth a word. */
export function motionWords(transform: Matrix, size: Size): string[] {
  const { turn, scale, mirrored } = motionOf(transform, size);
  return [
    ...(mirrored ? [m.mirrored()] : []),
    ...(Math.abs(turn) >= 2 ? [turn > 0 ? m.turned_clockwise({ angle: String(turn) }) : m.turned_anticlockwise({ angle: String(-turn) })] : []),
    ...(scale > 1.15 ? [m.larger({ times: fixed(scale, scale < 10 ? 1 : 0, settings.locale) })] : []),
    ...(scale < 0.87 && scale > 0 ? [m.smaller({ times: fixed(1 / scale, scale > 0.1 ? 1 : 0, settings.locale) })] : []),
  ];
}

const join = (parts: readonly string[]): string => parts.join(settings.locale === 'zh' ? '，' : ', ');
const stop = (): string => (settings.locale === 'zh' ? '。' : '.');

/** Why a hit is where it is, in one sentence. */
export function reasonOf(hit: Hit, query: Size): string {
  if (hit.identical) return m.why_identical() + stop();
  const parts: string[] = [];
  if (hit.verified) {
    parts.push(hit.by_pixels || !hit.inliers ? m.why_pixels() : m.why_points({ count: hit.inliers, shown: whole(hit.inliers, settings.locale) }));
    if (hit.evidence === 'mark') parts.push(m.why_mark());
    if (hit.shared_query?.length) parts.push(placeName(placeOf(hit.shared_query as unknown as Point[], query)));
    if (hit.transform) parts.push(...motionWords(hit.transform, query));
    else if (hit.mirrored) parts.push(m.mirrored());
    if (hit.inverted) parts.push(m.inverted());
    if (hit.instances.length > 1) parts.push(m.seen({ count: hit.instances.length }));
  } else if (hit.alike) {
    parts.push(m.why_alike());
  } else if (hit.inliers > 0) {
    parts.push(m.why_few({ count: hit.inliers }));
  } else {
    parts.push(m.why_words());
  }
  return join(parts) + stop();
}

/** Which page or frame a hit is about, where the file has several; empty otherwise. */
export function viewOf(hit: Pick<Hit, 'page' | 'frame' | 'time_ms'>): string {
  if (hit.page != null) return m.page({ number: String(hit.page) });
  if (hit.frame == null) return '';
  return hit.time_ms == null ? m.frame({ number: String(hit.frame) }) : m.frame_at({ number: String(hit.frame), time: fixed(hit.time_ms / 1000, 1, settings.locale) });
}

/** Width and height of what a hit's places are in: the page or frame, or the picture. */
export const sizeOf = (hit: Hit): Size => {
  const [width, height] = hit.view_size ?? [];
  return width && height ? { width, height } : { width: hit.image.width, height: hit.image.height };
};

/** Its number in the file; null where the hit is about the first or only one. */
export const furtherPage = (hit: Pick<Hit, 'page' | 'frame'>): number | null => [hit.page, hit.frame].find((at) => at != null && at > 1) ?? null;
