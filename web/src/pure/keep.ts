// Which picture of a group of duplicates to keep, by a rule that the page shows.

export const RULES = ['best', 'pixels', 'bytes', 'oldest', 'newest', 'folder'] as const;
export type Rule = (typeof RULES)[number];

export interface Candidate {
  image: { id: string; width: number; height: number; bytes: number; taken: string | null; added: string };
  /** The server's own suggestion: most pages, raw before others, most pixels, the format that keeps most, the longest file. */
  largest: boolean;
  missing: boolean;
  paths: readonly { path: string }[];
}
interface Group<C> { kind: string; members: readonly C[] }

const when = ({ image }: Candidate): number => Date.parse(image.taken ?? image.added) || 0;
const pixels = ({ image }: Candidate): number => image.width * image.height;

/** The id of the member to keep; null where all are missing. The first of equals, in the server's order, is kept. */
export function keeperOf(group: Group<Candidate>, rule: Rule, folder = ''): string | null {
  const there = group.members.filter((member) => !member.missing);
  const most = (value: (member: Candidate) => number, of: readonly Candidate[] = there): string | null => {
    let kept: Candidate | null = null;
    for (const member of of) if (!kept || value(member) > value(kept)) kept = member;
    return kept?.image.id ?? null;
  };
  const best = (of: readonly Candidate[] = there) => most((member) => Number(member.largest), of);
  switch (rule) {
    case 'pixels': return most(pixels);
    case 'bytes': return most(({ image }) => image.bytes);
    case 'oldest': return most((member) => -when(member));
    case 'newest': return most(when);
    case 'folder': {
      const sought = folder.trim().toLowerCase();
      const inside = sought ? there.filter((member) => member.paths.some(({ path }) => path.toLowerCase().includes(sought))) : [];
      return best(inside.length ? inside : there);
    }
    default: return best();
  }
}

/** Kinds that a rule for all kinds decides on; of the others the copies differ in more than quality. */
export const COPIES: readonly string[] = ['identical', 're-encoded', 'derivative', 'cropped'];
