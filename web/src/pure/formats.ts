// Names of formats for people.

/** What a media type's own name would not say. */
const NAMES: Readonly<Record<string, string>> = {
  'image/vnd.adobe.photoshop': 'PSD', 'image/svg+xml': 'SVG', 'image/x-portable-anymap': 'PNM', 'image/x-icon': 'ICO', 'image/x-targa': 'TGA', 'image/vnd.zbrush.pcx': 'PCX', 'image/x-dcraw': 'RAW', 'video/quicktime': 'MOV', 'video/x-matroska': 'MKV', 'video/x-msvideo': 'AVI',
};

/** `JPEG` for `image/jpeg`, `CR2` for `image/x-canon-cr2`. */
export function formatName(mediaType: string): string {
  return NAMES[mediaType] ?? mediaType.replace(/^.*\//, '').replace(/^x-/, '').replace(/^.*-(?=[a-z0-9]{3}$)/, '').toUpperCase();
}
