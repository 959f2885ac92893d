// What typedoc does not know of this package: `npm run docs`.
import { readFileSync } from 'node:fs';
import { Converter, MarkdownEvent } from 'typedoc';

const { name, repository, exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const home = repository.url.replace(/^git\+|\.git$/g, '');
const guide = new RegExp(`href="${home}/blob/main/docs/([\\w-]+)\\.md`, 'g');

/** By the name of its source: what one imports. @type {Map<string, string>} */
const entries = new Map(
  Object.entries(exports).map(([path, file]) => [file.replace(/.*\/|\.js$/g, ''), path.replace('.', name)]),
);

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, reflection) => {
    const entry = entries.get(reflection.name);
    if (entry !== undefined && reflection.parent?.isProject()) reflection.name = entry;
  });
  // README's links are absolute, for the pages of registries; here they stay in the site.
  app.renderer.on(MarkdownEvent.PARSE, (/** @type {MarkdownEvent} */ event) => {
    if (event.page.url !== 'index.html') return;
    event.parsedText = event.parsedText.replace(guide, 'href="documents/$1.html');
  });
}
