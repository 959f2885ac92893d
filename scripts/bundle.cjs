const { join } = require('node:path');
const { brotliCompressSync } = require('node:zlib');
const { buildSync } = require('esbuild');

const root = join(__dirname, '..');

exports.bundle = (statement) => {
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: root,
    stdin: { contents: statement, resolveDir: root },
    // Not the project's own, whose paths lead to the sources.
    tsconfigRaw: {},
    external: ['rxjs', '@nats-io/*'],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [text] = outputFiles;
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return {
    size: text.contents.length ? brotliCompressSync(text.contents).length : 0,
    modules: inputs
      .filter(([name, { bytesInOutput }]) => name.startsWith('dist/') && bytesInOutput > 0)
      .map(([name]) => name.slice('dist/'.length)),
  };
};
