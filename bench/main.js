// Measures everything and prints one table: `npm run bench`, `npm run bench -- --quick`, `npm run bench -- wire dispatch`.
import { size } from './size.js';
import { table } from './table.js';
import { cli } from './cli/rows.js';
import { churn, dispatch, listeners } from './in-memory/rows.js';
import { ladder } from './ladder/rows.js';
import { memory } from './memory/rows.js';
import { clients } from './clients/rows.js';
import { dashboard } from './dashboard/rows.js';
import { fleet } from './fleet/rows.js';
import { hub } from './hub/rows.js';
import { reply } from './reply/rows.js';
import { wire } from './wire/rows.js';

/** @typedef {{ rounds: number, quick: boolean }} Scale */

const GROUPS = { wire, ladder, dispatch, listeners, churn, reply, clients, memory, hub, fleet, cli, dashboard, size };

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const chosen = args.filter((arg) => !arg.startsWith('--'));
const rows = [];
for (const [name, measure] of Object.entries(GROUPS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  process.stderr.write(`${name} `);
  rows.push(...(await measure({ quick, rounds: quick ? 3 : 7 })));
}
console.log(table(rows));
