// What each entry of the package exports, as text: its declarations as they are built, without comments. `npm run api-report`
// writes docs/api-report/, and a spec compares, so that a change of what is public is seen in review.
const { readFileSync, writeFileSync, mkdirSync } = require('node:fs');
const { join, relative, sep } = require('node:path');
const ts = require('typescript');

const root = join(__dirname, '..');
const dist = join(root, 'dist') + sep;
const GENERATED = /[\\/]protocol[\\/](qapi|qga)[\\/]/;

/** The names of the entries and the files that declare them. */
function entries() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(exports)
    .filter(([, file]) => file.endsWith('.js'))
    .map(([name, file]) => [name === '.' ? 'index' : name.slice(2).replace('/', '-'), file.replace(/js$/, 'd.ts')]);
}

/** Reads the built declarations. Gives the report of each entry, what is public and has no sentence, and what leaks. */
function readApi() {
  const files = new Map(entries().map(([name, file]) => [name, join(root, file)]));
  const program = ts.createProgram([...files.values()], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const printer = ts.createPrinter({ removeComments: true });
  const real = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const exported = new Set();
  const reports = new Map();
  const public_ = [];
  for (const [name, file] of files) {
    const source = program.getSourceFile(file);
    if (!source) throw new Error(`${file} is not built`);
    const entry = checker.getSymbolAtLocation(source);
    if (!entry) throw new Error(`${file} exports nothing`);
    const lines = checker
      .getExportsOfModule(entry)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((symbol) => {
        const target = real(symbol);
        exported.add(target);
        const declarations = (target.declarations ?? []).filter((it) => !ts.isSourceFile(it));
        if (declarations.length === 0 || declarations.some((it) => GENERATED.test(it.getSourceFile().fileName))) {
          return [`${symbol.name}: generated\n`];
        }
        public_.push(...declarations);
        const texts = declarations.map((it) => textOf(it, printer));
        return [symbol.name === target.name ? texts.join('') : `${symbol.name} =\n${texts.join('')}`];
      });
    reports.set(name, `# ${name === 'index' ? 'rx-qmp' : `rx-qmp/${name.replace('-', '/')}`}\n\n${lines.join('\n')}`);
  }
  const declared = [...new Set(public_)];
  return { reports, undocumented: declared.flatMap(undocumentedIn), leaks: leaksOf(declared, exported, checker, real) };
}

function statementOf(node) {
  return ts.isVariableDeclaration(node) ? node.parent.parent : node;
}

function textOf(node, printer) {
  const text = printer.printNode(ts.EmitHint.Unspecified, statementOf(node), node.getSourceFile());
  return `${text.replace(/^export declare |^declare |^export /, '')}\n`;
}

/** The public names without a sentence, members of classes and interfaces included. */
function undocumentedIn(node) {
  const name = node.name?.text ?? '?';
  const own = hasSentence(statementOf(node)) ? [] : [name];
  const members = ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) ? node.members : [];
  const bare = members.filter((member) => isPublic(member) && !isOverride(member, node) && !hasSentence(member));
  return [...own, ...bare.map((member) => `${name}.${member.name?.getText() ?? '?'}`)].filter(
    // The second of several signatures, and a setter, are told of by the first.
    (each, index, all) => all.indexOf(each) === index,
  );
}

function isPublic(member) {
  if (!member.name || ts.isPrivateIdentifier(member.name) || ts.isComputedPropertyName(member.name)) return false;
  if (ts.isSetAccessor(member)) return false;
  return !(ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));
}

/** A member that a base class tells of, and `name` of an error. */
function isOverride(member, node) {
  const extendsClass =
    ts.isClassDeclaration(node) && node.heritageClauses?.some((it) => it.token === ts.SyntaxKind.ExtendsKeyword);
  return extendsClass && ['name', 'accept', 'close'].includes(member.name.text);
}

function hasSentence(node) {
  return ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc) && doc.comment !== undefined);
}

/** The types of ours that what is public names, and no entry exports. */
function leaksOf(nodes, exported, checker, real) {
  const leaks = new Map();
  const look = (from) => (node) => {
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : undefined;
    const symbol = name && checker.getSymbolAtLocation(name);
    const target = symbol && real(symbol);
    const [first] = target?.declarations ?? [];
    const file = first?.getSourceFile().fileName ?? '';
    const isOurs = file.startsWith(dist) && !GENERATED.test(file) && ts.isSourceFile(first.parent);
    if (isOurs && !exported.has(target)) leaks.set(target.name, `${target.name} (${relative(dist, file)}), in ${from}`);
    if (!ts.isClassElement(node) || isPublicOrProtected(node)) ts.forEachChild(node, look(from));
  };
  for (const node of nodes) look(node.name?.text)(node);
  return [...leaks.values()].sort();
}

function isPublicOrProtected(member) {
  return !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private);
}

module.exports = { readApi };

if (require.main === module) {
  const folder = join(root, 'docs/api-report');
  mkdirSync(folder, { recursive: true });
  for (const [name, report] of readApi().reports) writeFileSync(join(folder, `${name}.txt`), report);
}
