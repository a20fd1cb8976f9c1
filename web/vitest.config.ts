import { defineConfig } from 'vitest/config';

// Pure functions need none of the page's plug-ins.
export default defineConfig({ test: { include: ['tests/unit/*.test.ts'], environment: 'node' } });
