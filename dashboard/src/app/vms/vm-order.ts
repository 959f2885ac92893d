import type { VmRow } from './vm-row';

export const SORTS = [
  { by: 'name', label: 'Name' },
  { by: 'state', label: 'State' },
  { by: 'event', label: 'Last event' },
  { by: 'since', label: 'Changed last' },
] as const;
export type Sort = (typeof SORTS)[number]['by'];

export interface OrderFacts {
  isOpen(row: VmRow): boolean;
  readonly rank: ReadonlyMap<string, number>;
  /** When the VM's last event came; 0 where none has. */
  lastEvent(row: VmRow): number;
}

/** The rows that match, open trouble first, then as chosen, then by name. */
export function ordered(rows: readonly VmRow[], search: string, sort: Sort, facts: OrderFacts): readonly VmRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const rankOf = (row: VmRow): number => facts.rank.get(row.name) ?? 0;
  const keyOf = (row: VmRow): number => {
    switch (sort) {
      case 'name':
        return 0;
      case 'state':
        return LOOKS.indexOf(row.look);
      case 'event':
        return -facts.lastEvent(row);
      case 'since':
        return -row.since;
    }
  };
  return rows
    .filter((row) => words.every((word) => textOf(row).includes(word)))
    .map((row) => ({ row, open: facts.isOpen(row) ? 0 : 1, key: keyOf(row), rank: rankOf(row) }))
    .sort((a, b) => a.open - b.open || a.key - b.key || a.rank - b.rank)
    .map(({ row }) => row);
}

const LOOKS = ['trouble', 'quiet', 'waiting', 'paused', 'running'];

/** What a search looks at: the name, the state and what is wrong. */
function textOf({ name, label, troubles }: VmRow): string {
  return `${name} ${label} ${troubles.map(({ text }) => text).join(' ')}`.toLowerCase();
}

/** A line of the list: a VM, or the head of a group. */
export type ListItem =
  | { readonly kind: 'vm'; readonly key: string; readonly row: VmRow }
  | {
      readonly kind: 'group';
      readonly key: string;
      readonly name: string;
      readonly count: number;
      readonly trouble: number;
    };

/** Puts rows under the heads of their groups. Groups with open trouble come first, and of the others the order of names. */
export function grouped(rows: readonly VmRow[], isOpen: (row: VmRow) => boolean): readonly ListItem[] {
  const groups = new Map<string, VmRow[]>();
  for (const row of rows) {
    const group = groups.get(row.group);
    if (group) group.push(row);
    else groups.set(row.group, [row]);
  }
  return [...groups].flatMap(([name, members]): ListItem[] => [
    { kind: 'group', key: `group ${name}`, name, count: members.length, trouble: members.filter(isOpen).length },
    ...members.map(itemOf),
  ]);
}

export function itemOf(row: VmRow): ListItem {
  return { kind: 'vm', key: row.name, row };
}
