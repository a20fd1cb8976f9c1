// What ties two pictures, as a report that stands for itself: who made it when, both files by their hashes, and every number.

import { collection, fileOf, folder, need, type Picture, pictures } from '../api/server';
import { type Match, pointsOf } from './match';
import { routes } from './route.svelte';
import { queriesOf } from './search.svelte';
import { uploads } from './uploads.svelte';

interface ReportedFile {
  name: string;
  stored: boolean;
  /** The first 128 bits of the file's BLAKE3 hash, in hexadecimal; null for a picture that is not stored. */
  id: string | null;
  /** Null where the browser cannot compute it: it does so on pages of https and of this machine alone. */
  sha256: string | null;
  bytes: number | null;
  media_type: string | null;
  /** The page or frame that the report is about; empty where there is one. */
  page: string;
  width: number;
  height: number;
  /** Width and height that places and matrices refer to: those of the page, or of the copy that was searched by. */
  frame: [width: number, height: number];
  taken: string | null;
  added: string | null;
  tags: string[];
  object: string | null;
  paths: string[];
}

export interface Report {
  format: 'resight-match-report/1';
  made: string;
  program: { name: 'Resight'; version: string | null };
  address: string;
  collection: string;
  query: ReportedFile;
  result: ReportedFile;
  sentence: string;
  verified: boolean;
  evidence: string | null;
  identical: boolean;
  mirrored: boolean;
  inverted: boolean;
  verified_by_pixels: boolean;
  inliers: number;
  matched_points: number | null;
  log10_of_false_alarms_expected: number | null;
  coverage_of_query: number;
  coverage_of_result: number;
  likeness: number | null;
  found_by: string | null;
  /** Each place where the query is seen: matrices from the query's pixels to the result's, row by row. */
  places: { transform: number[][]; outline: number[][]; inliers: number }[];
  shared_in_query: number[][];
  /** The points that agree in the place shown: x and y in the query, x and y in the result, in pixels. */
  points: number[][];
  region_of_query: string | null;
}

/** Files beyond this are not read for their hash. */
const MOST_BYTES = 300_000_000;

async function sha256(content: () => Promise<ArrayBuffer>): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  try {
    const hash = await crypto.subtle.digest('SHA-256', await content());
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  } catch {
    return null;
  }
}

async function fileFacts(id: string, size: { width: number; height: number }, page: string): Promise<ReportedFile> {
  const image = await need(pictures.GET('/v1/images/{id}', { params: { path: { id } } }));
  const read = async () => (await fetch(fileOf(id))).arrayBuffer();
  return {
    name: image.name, stored: true, id, sha256: image.bytes > MOST_BYTES ? null : await sha256(read),
    bytes: image.bytes, media_type: image.media_type, page, width: image.width, height: image.height, frame: [size.width, size.height], taken: image.taken, added: image.added,
    tags: (image as Picture).tags, object: image.object, paths: image.paths.map((one) => one.path),
  };
}

async function queryFacts(match: Match): Promise<ReportedFile> {
  if (match.query.id) return fileFacts(match.query.id, match.query.size, '');
  const key = queriesOf(routes.now).find((one) => uploads.get(one)?.url === match.query.addresses[0]) ?? null;
  const file = uploads.get(key)?.file;
  const { width, height } = match.query.size;
  return {
    name: match.query.name, stored: false, id: null, sha256: file ? await sha256(() => file.arrayBuffer()) : null,
    bytes: file?.size ?? null, media_type: file?.type || null, page: '', width, height, frame: [width, height], taken: null, added: null, tags: [], object: null, paths: [],
  };
}

async function version(): Promise<string | null> {
  const answer = await fetch(`${folder}/openapi.json`).then((response) => response.json() as Promise<{ info?: { version?: string } }>, () => null).catch(() => null);
  return answer?.info?.version ?? null;
}

export async function reportOf(match: Match, instance: number, sentence: string): Promise<Report> {
  const [query, result, number] = await Promise.all([queryFacts(match), fileFacts(match.result.image.id, match.result.size, match.result.view), version()]);
  return {
    format: 'resight-match-report/1',
    made: new Date().toISOString(),
    program: { name: 'Resight', version: number },
    address: location.href,
    collection,
    query, result, sentence,
    verified: match.verified, evidence: match.evidence, identical: match.identical, mirrored: match.mirrored, inverted: match.inverted, verified_by_pixels: match.byPixels,
    inliers: match.inliers, matched_points: match.matched, log10_of_false_alarms_expected: match.nfa,
    coverage_of_query: match.coverageQuery, coverage_of_result: match.coverageResult, likeness: match.cosine, found_by: match.stage,
    places: match.seen.map(({ transform, outline, inliers }) => ({ transform: [0, 3, 6].map((row) => transform.slice(row, row + 3)), outline: outline.map((point) => [...point]), inliers })),
    shared_in_query: match.sharedQuery.map((point) => [...point]),
    points: pointsOf(match, instance).map((point) => [...point]),
    region_of_query: routes.now.polygon ? `polygon, percent: ${routes.now.polygon}` : routes.now.region,
  };
}

/** Has the browser save something. */
export function save(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
