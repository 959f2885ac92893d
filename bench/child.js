// Runs one measurement, see inProcess() in measure.js.
const [module, name, input] = process.argv.slice(2);
try {
  const value = await (await import(module))[name](JSON.parse(input));
  process.send?.({ value }, () => process.exit(0));
} catch (error) {
  process.send?.({ error: error instanceof Error ? error.stack : String(error) }, () => process.exit(1));
}
