import { expect, test } from 'vitest';
import { formatName } from '../../src/pure/formats';

test('formats have the names that people know', () => {
  const names = { 'image/jpeg': 'JPEG', 'image/webp': 'WEBP', 'image/x-canon-cr2': 'CR2', 'image/x-adobe-dng': 'DNG', 'image/x-dcraw': 'RAW', 'image/vnd.adobe.photoshop': 'PSD', 'image/svg+xml': 'SVG', 'application/pdf': 'PDF', 'video/mp4': 'MP4', 'video/x-m4v': 'M4V', 'video/quicktime': 'MOV' };
  for (const [type, name] of Object.entries(names)) expect(formatName(type)).toBe(name);
});
