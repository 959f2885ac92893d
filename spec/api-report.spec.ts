import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
interface Api {
  readonly reports: ReadonlyMap<string, string>;
  readonly undocumented: readonly string[];
  readonly leaks: readonly string[];
}
// eslint-disable-next-line @typescript-eslint/no-require-imports -- a script that `npm run api-report` runs as well
const { readApi } = require('../scripts/api-report.cjs') as { readApi: () => Api };

describe('the public declarations', () => {
  const { reports, undocumented, leaks } = readApi();
  const folder = join(root, 'docs/api-report');

  it('are reported for each entry', () => {
    expect(readdirSync(folder).sort()).toEqual([...reports.keys()].map((name) => `${name}.txt`).sort());
  });

  it.each([...reports])(
    'are those of the report: %s (after a change that is meant: npm run api-report)',
    (name, report) => {
      expect(report).toBe(readFileSync(join(folder, `${name}.txt`), 'utf8'));
    },
  );

  it('have a sentence for each name and each member', () => {
    expect(undocumented).toEqual([]);
  });

  it('name no type of ours that no entry exports', () => {
    expect(leaks).toEqual([]);
  });
});
