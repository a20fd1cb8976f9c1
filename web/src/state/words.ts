// What a match means, in a sentence.

import type { Hit } from '../api/server';
import type { Match } from './match';
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

type Told = Pick<Hit, 'identical' | 'verified' | 'by_pixels' | 'inliers' | 'evidence' | 'transform' | 'mirrored' | 'inverted' | 'alike'> & { shared_query: readonly (readonly number[])[] | null; instances: readonly unknown[] };

/** Why a hit is where it is, in one sentence. */
export function reasonOf(hit: Told, query: Size): string {
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

/** The same of a match. */
export const sentenceOf = (match: Match): string => reasonOf({
  identical: match.identical, verified: match.verified, by_pixels: match.byPixels, inliers: match.inliers, evidence: match.evidence, alike: match.alike,
  transform: match.seen[0] ? [...match.seen[0].transform] : null, mirrored: match.mirrored, inverted: match.inverted, shared_query: match.sharedQuery, instances: match.seen,
}, match.query.size);

export const TERMS = ['file', 'points', 'chance', 'cover', 'motion', 'tones', 'likeness', 'kinds'] as const;
/** What the page explains of a match. */
export type Term = (typeof TERMS)[number];
export interface Fact { term: Term; name: string; value: string; about: string }

const superscript = (value: number): string => String(value).replace(/./g, (one) => (one === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(one)] ?? one)));

/** The numbers of a match, each with what it says. */
export function factsOfMatch(match: Match, instance: number): Fact[] {
  const { locale } = settings;
  const seen = match.seen[instance];
  const motion = seen ? motionWords(seen.transform, match.query.size) : [];
  const inliers = seen?.inliers ?? match.inliers;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const { nfa } = match;
  const chance = nfa == null ? '' : nfa > -1 ? m.chance_likely() : nfa > -4 ? m.chance_unlikely() : m.chance_none();
  const points = match.matched == null || match.seen.length > 1 ? whole(inliers, locale) : m.points_of({ agree: whole(inliers, locale), all: whole(match.matched, locale) });
  return [
    ...(match.identical ? [{ term: 'file' as const, name: m.fact_file(), value: m.mark_identical(), about: m.why_identical() }] : []),
    { term: 'points', name: m.fact_points(), value: points, about: match.byPixels ? m.why_pixels() : m.fact_points_about() },
    ...(nfa == null ? [] : [{ term: 'chance' as const, name: m.fact_chance(), value: nfa <= -1 ? `10${superscript(Math.round(nfa))}` : fixed(10 ** nfa, 1, locale), about: chance }]),
    { term: 'cover', name: m.fact_query(), value: percent(match.coverageQuery), about: match.sharedQuery.length ? placeName(placeOf(match.sharedQuery, match.query.size)) : m.fact_query_about() },
    { term: 'cover', name: m.fact_result(), value: percent(match.coverageResult), about: m.fact_result_about() },
    ...(seen ? [{ term: 'motion' as const, name: m.fact_motion(), value: motion.length ? join(motion) : m.motion_none(), about: m.fact_motion_about() }] : []),
    ...(match.inverted ? [{ term: 'tones' as const, name: m.fact_tones(), value: m.inverted(), about: m.fact_tones_about() }] : []),
    ...(match.cosine == null ? [] : [{ term: 'likeness' as const, name: m.fact_likeness(), value: fixed(match.cosine, 2, locale), about: m.fact_likeness_about() }]),
  ];
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
