// What is asked of the server to remove duplicates: which picture is kept for which, in requests of the size it takes.

interface Group { members: readonly { image: { id: string }; missing: boolean }[] }
export interface Wanted { keep: string; remove: string[] }

/** The most groups, and pictures to remove, of one request. */
const MOST_GROUPS = 1000;
const MOST_PICTURES = 10_000;

/**
 * Which of the chosen pictures go in favour of which that stays. A picture that stands in several groups goes with the
 * first of them that keeps one. `left` are the chosen ones of groups that keep none.
 */
export function wantedOf<G extends Group>(groups: readonly G[], chosen: ReadonlySet<string>, keeper: (group: G) => string | null): { wanted: Wanted[]; left: string[] } {
  const byKept = new Map<string, string[]>();
  const placed = new Set<string>();
  for (const group of groups) {
    const stays = group.members.filter((member) => !chosen.has(member.image.id));
    const kept = stays.find((member) => member.image.id === keeper(group)) ?? stays.find((member) => !member.missing) ?? stays[0];
    const gone = group.members.map((member) => member.image.id).filter((id) => chosen.has(id) && !placed.has(id));
    if (!kept || !gone.length) continue;
    for (const id of gone) placed.add(id);
    byKept.set(kept.image.id, [...(byKept.get(kept.image.id) ?? []), ...gone]);
  }
  return { wanted: [...byKept].map(([keep, remove]) => ({ keep, remove })), left: [...chosen].filter((id) => !placed.has(id)) };
}

/** The same in parts that the server takes at once. */
export function partsOf(wanted: readonly Wanted[], mostGroups = MOST_GROUPS, mostPictures = MOST_PICTURES): Wanted[][] {
  const parts: Wanted[][] = [];
  let size = 0;
  for (const { keep, remove } of wanted) {
    for (let at = 0; at < remove.length; at += mostPictures) {
      const some = remove.slice(at, at + mostPictures);
      const last = parts.at(-1);
      if (last && last.length < mostGroups && size + some.length <= mostPictures) {
        last.push({ keep, remove: some });
        size += some.length;
      } else {
        parts.push([{ keep, remove: some }]);
        size = some.length;
      }
    }
  }
  return parts;
}
