/** Tags as they are typed: between commas, or in quotation marks where they hold some themselves. */
export function tagsOf(text: string): string[] {
  const words = text.match(/\s*"[^"]*"|[^,，]+/g) ?? [];
  const tags = words.map((word) => word.trim().replace(/^"([^"]*)"$/, '$1').trim()).filter(Boolean);
  return [...new Set(tags)];
}

/** The other way round. */
export const typedTags = (tags: readonly string[]): string => tags.map((tag) => (/[,，]/.test(tag) ? `"${tag}"` : tag)).join(', ');
