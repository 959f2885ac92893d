#!/usr/bin/env node
import { run } from './run.js';

// No `await`: it is bundled as CommonJS, which has none here.
void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
