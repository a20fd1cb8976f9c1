import { describe, expect, it } from 'vitest';
import { pathOf, readingOf, samplesOf, seriesOf, sumOf } from '../../src/pure/metrics';

const text = (requests: number, searches: number, seconds: number) => `# TYPE resight_http_requests counter
resight_http_requests_total{method="GET",route="/v1/images",status="200"} ${requests}
resight_http_requests_total{method="GET",route="a\\"b",status="404"} 1
resight_search_stage_seconds_count{stage="total"} ${searches}
resight_search_stage_seconds_count{stage="verify"} 99
resight_search_stage_seconds_sum{stage="total"} ${seconds}
resight_memory_used_bytes{use="caches"} 100
resight_memory_used_bytes{use="work"} 20
resight_memory_budget_bytes 1000
resight_work_running{lane="heavy"} 2
resight_work_waiting{lane="heavy"} 1
resight_none NaN
# EOF
`;

describe('metrics', () => {
  it('are read with their labels', () => {
    const samples = samplesOf(text(5, 1, 0.5));
    expect(sumOf(samples, 'resight_http_requests_total')).toBe(6);
    expect(sumOf(samples, 'resight_http_requests_total', { route: 'a"b' })).toBe(1);
    expect(samples.some((one) => one.name === 'resight_none')).toBe(false);
  });
  it('become rates and means between readings', () => {
    const series = seriesOf([readingOf(text(5, 1, 0.5), 0), readingOf(text(15, 3, 0.9), 5000), readingOf(text(0, 0, 0), 10_000)]);
    expect(series.rate).toEqual([2, 0]);
    expect(series.searchMs[0]).toBeCloseTo(200);
    expect(series.searchMs[1]).toBeNull();
    expect(series.memory[0]).toBe(120);
    expect(series.busy[0]).toBe(3);
  });
  it('are drawn from the right, with gaps', () => {
    expect(pathOf([0, null, 10], 100, 50, 10, 5)).toBe('M50.0 50.0M100.0 0.0');
    expect(pathOf([0, 0], 100, 50, 0, 2)).toBe('M0.0 50.0L100.0 50.0');
  });
});
