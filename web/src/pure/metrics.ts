// The figures of /metrics (OpenMetrics text): samples, and what is drawn of two readings one after the other.

export interface Sample { name: string; labels: Record<string, string>; value: number }

export function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line): Sample[] => {
    const found = line.match(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/);
    if (!found || line.startsWith('#')) return [];
    const value = Number(found[3]);
    if (!Number.isFinite(value)) return [];
    const labels = Object.fromEntries([...(found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, text]) => [name ?? '', (text ?? '').replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one))]));
    return [{ name: found[1] ?? '', labels, value }];
  });
}

/** The sum of the samples of a name whose labels have these values. */
export const sumOf = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number =>
  samples.reduce((sum, one) => (one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value) ? sum + one.value : sum), 0);

export interface Reading { at: number; requests: number; searches: number; searchSeconds: number; caches: number; bodies: number; work: number; budget: number; running: number; waiting: number }

export function readingOf(text: string, at: number): Reading {
  const samples = samplesOf(text);
  const total = { stage: 'total' };
  return {
    at,
    requests: sumOf(samples, 'resight_http_requests_total'),
    searches: sumOf(samples, 'resight_search_stage_seconds_count', total),
    searchSeconds: sumOf(samples, 'resight_search_stage_seconds_sum', total),
    caches: sumOf(samples, 'resight_memory_used_bytes', { use: 'caches' }),
    bodies: sumOf(samples, 'resight_memory_used_bytes', { use: 'bodies' }),
    work: sumOf(samples, 'resight_memory_used_bytes', { use: 'work' }),
    budget: sumOf(samples, 'resight_memory_budget_bytes'),
    running: sumOf(samples, 'resight_work_running'),
    waiting: sumOf(samples, 'resight_work_waiting'),
  };
}

export interface Series { rate: number[]; searchMs: (number | null)[]; memory: number[]; busy: number[] }

/** What happened between each reading and the one before. A server that was started again counts from zero. */
export function seriesOf(readings: readonly Reading[]): Series {
  const pairs = readings.slice(1).map((now, i) => [readings[i] ?? now, now] as const);
  return {
    rate: pairs.map(([was, now]) => Math.max(0, now.requests - was.requests) / Math.max(0.001, (now.at - was.at) / 1000)),
    searchMs: pairs.map(([was, now]) => (now.searches > was.searches ? ((now.searchSeconds - was.searchSeconds) / (now.searches - was.searches)) * 1000 : null)),
    memory: readings.map((one) => one.caches + one.bodies + one.work),
    busy: readings.map((one) => one.running + one.waiting),
  };
}

/** A line through values in a box, as the path of an SVG; gaps where there are none. */
export function pathOf(values: readonly (number | null)[], width: number, height: number, most: number, slots: number): string {
  const step = width / Math.max(1, slots - 1);
  const first = slots - values.length;
  let pen = false;
  return values.map((value, i) => {
    if (value === null) {
      pen = false;
      return '';
    }
    const point = `${pen ? 'L' : 'M'}${((first + i) * step).toFixed(1)} ${(height - (most > 0 ? (value / most) * height : 0)).toFixed(1)}`;
    pen = true;
    return point;
  }).join('');
}
