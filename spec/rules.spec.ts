import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const SPEC = __dirname;
const page = readFileSync(join(SPEC, '../docs/rules.md'), 'utf8');

/** `- **L1** …`, and whether it is built. */
const rules = new Map(
  [...page.matchAll(/^- \*\*(.+?)\*\* (.*)$/gm)].map(({ 1: name = '', 2: text = '' }) => [
    name,
    { built: !/^[_*]\(not built yet\)[_*]/.test(text) },
  ]),
);

/** The names of rules in `(L1, rows 14 and 27, go-qemu#158)`, without those of public issues. */
function namesIn(citation: string): string[] {
  let kind = '';
  return citation.split(/, | and /).flatMap((part) => {
    const [, word = '', number = ''] = /^(row|fact)?s? ?(\d+)$/.exec(part) ?? [];
    if (!number) kind = '';
    if (word) kind = word;
    if (number) return kind ? [`${kind} ${number}`] : [];
    const [, first, from, second, to] = /^([A-Z])(\d+) to ([A-Z])(\d+)$/.exec(part) ?? [];
    if (first && first === second) return range(Number(from), Number(to)).map((n) => `${first}${n}`);
    return /^([LBCHTMGFP]\d+|small print|errors|budgets)$/.test(part) ? [part] : [];
  });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Whatever stands in parentheses at the end of a string of a spec file: the title of a test, or a row of its table. */
function citationsIn(file: string): { name: string; file: string }[] {
  const text = readFileSync(join(SPEC, file), 'utf8');
  const found: { name: string; file: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateTail(node)) {
      const citation = /\(([^()]+)\)$/.exec(node.text)?.[1];
      if (citation) found.push(...namesIn(citation).map((name) => ({ name, file })));
    }
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

describe('docs/rules.md', () => {
  const specs = readdirSync(SPEC, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(spec|e2e)\.ts$/.test(file),
  );
  const citations = specs.flatMap(citationsIn);
  const cited = new Set(citations.map(({ name }) => name));

  it('is found, and so are the citations', () => {
    expect(rules.size).toBeGreaterThan(100);
    expect(citations.length).toBeGreaterThan(300);
  });

  it('has each rule once', () => {
    expect([...page.matchAll(/^- \*\*/gm)]).toHaveLength(rules.size);
  });

  it('has every rule that the title of a test names', () => {
    expect(citations.filter(({ name }) => !rules.has(name))).toEqual([]);
  });

  it('has no built rule that no test names; facts about QEMU may stand alone', () => {
    const unnamed = [...rules].filter(([name, { built }]) => built && !name.startsWith('fact ') && !cited.has(name));
    expect(unnamed.map(([name]) => name)).toEqual([]);
  });

  it('marks no rule as open that a test names', () => {
    expect([...rules].filter(([name, { built }]) => !built && cited.has(name)).map(([name]) => name)).toEqual([]);
  });
});
