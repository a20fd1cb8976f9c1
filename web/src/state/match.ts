// One match in one shape, whether a search found it or two stored pictures were compared.

import { type Comparison, type Hit, type Picture, fileOf, thumbnailOf } from '../api/server';
import { fitting, type Matrix, type Point, type Size } from '../pure/transform';
import { furtherPage, sizeOf, viewOf } from './words';

export interface Seen { transform: Matrix; outline: Point[]; inliers: number }

export interface Match {
  query: { name: string; addresses: string[]; size: Size; id: string | null };
  result: { image: Picture; addresses: string[]; size: Size; view: string };
  verified: boolean; alike: boolean; identical: boolean; mirrored: boolean; inverted: boolean; byPixels: boolean;
  evidence: string | null;
  inliers: number; nfa: number | null; coverageQuery: number; coverageResult: number;
  words: number | null; cosine: number | null; stage: string | null;
  points: [number, number, number, number][];
  /** Matched points in all, those that contradict the transform too; null where the server does not say. */
  matched: number | null;
  /** Each place where the query is seen, the surest first. */
  seen: Seen[];
  sharedQuery: Point[];
  hit: Hit | null;
}

/** Of a match that is seen in several places the points of one of them: those that its transform brings together. */
export function pointsOf(match: Match, instance: number): Match['points'] {
  const seen = match.seen[instance];
  if (match.seen.length < 2 || !seen) return match.points;
  return fitting(seen.transform, match.points, Math.max(match.result.size.width, match.result.size.height) / 50);
}

const points = (given: readonly (readonly number[])[] | null | undefined): Point[] => (given ?? []).map(([x = 0, y = 0]) => [x, y]);
const pairs = (given: readonly (readonly number[])[] | null | undefined): Match['points'] => (given ?? []).map(([a = 0, b = 0, c = 0, d = 0]) => [a, b, c, d]);

export function matchOfHit(hit: Hit, query: Size, name: string, addresses: string[], id: string | null): Match {
  const page = furtherPage(hit);
  const seen = hit.instances.length ? hit.instances : hit.transform ? [{ transform: hit.transform, region: hit.region, shared: hit.shared, inliers: hit.inliers }] : [];
  return {
    query: { name, addresses, size: { width: query.width, height: query.height }, id },
    result: { image: hit.image, addresses: page == null ? [fileOf(hit.image.id), thumbnailOf(hit.image.id)] : [thumbnailOf(hit.image.id, page)], size: sizeOf(hit), view: viewOf(hit) },
    verified: hit.verified, alike: hit.alike, identical: hit.identical, mirrored: hit.mirrored, inverted: hit.inverted, byPixels: hit.by_pixels, evidence: hit.evidence ?? null,
    inliers: hit.inliers, nfa: hit.nfa_log10 ?? null, coverageQuery: hit.coverage_query, coverageResult: hit.coverage_result,
    words: hit.words, cosine: hit.cosine ?? null, stage: hit.stage,
    points: pairs(hit.matches), matched: null,
    seen: seen.map((one) => ({ transform: one.transform, outline: points(one.shared ?? one.region), inliers: one.inliers })),
    sharedQuery: points(hit.shared_query),
    hit,
  };
}

/** Where the picture of a side is; of a further page there is a thumbnail alone. */
function addressesOf(id: string, side: Comparison['a']): string[] {
  const page = furtherPage(side);
  return page == null ? [fileOf(id), thumbnailOf(id)] : [thumbnailOf(id, page)];
}

/** `a` is a stored picture, or an upload by its name and address. */
export function matchOfPair(pair: Comparison, a: Picture | { name: string; url: string }, b: Picture): Match {
  const query = 'id' in a ? { addresses: addressesOf(a.id, pair.a), id: a.id } : { addresses: [a.url], id: null };
  return {
    query: { name: [a.name, viewOf(pair.a)].filter(Boolean).join(', '), ...query, size: { width: pair.a.width, height: pair.a.height } },
    result: { image: b, addresses: addressesOf(b.id, pair.b), size: pair.b, view: viewOf(pair.b) },
    verified: pair.verified, alike: false, identical: pair.identical, mirrored: pair.mirrored, inverted: pair.inverted, byPixels: pair.by_pixels, evidence: pair.evidence ?? null,
    inliers: pair.inliers, nfa: pair.nfa_log10 ?? null, coverageQuery: pair.coverage_a, coverageResult: pair.coverage_b,
    words: null, cosine: null, stage: null,
    points: pairs(pair.points), matched: pair.matches,
    seen: pair.transform ? [{ transform: pair.transform, outline: points(pair.region), inliers: pair.inliers }] : [],
    sharedQuery: [],
    hit: null,
  };
}
